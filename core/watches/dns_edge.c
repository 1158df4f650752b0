/* A row of its own in the matrix: what the proxy answers for its names. */
#include "core/watches/dns_edge.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"

enum { ASK_MS = 10000 };

void edge_names(struct job *job, struct jw *w)
{
	const char *name;
	for (size_t i = 0; (name = dns_edge_name(job, i)) != NULL; i++) {
		jw_obj(w, NULL);
		jw_str(w, "name", name);
		jw_str(w, "old", "through the proxy");
		jw_str(w, "new", job_config_str(job, "dns.new_name", ""));
		jw_int(w, "ttl_s", -1);
		jw_end(w);
	}
}

static void tell_cell(struct job *job, const char *name, const struct edge_seen *seen)
{
	struct jw w;
	jw_event(&w, "dns.cell");
	jw_str(&w, "server", "proxy");
	jw_str(&w, "label", "by HTTP");
	jw_bool(&w, "auth", false);
	jw_str(&w, "name", name);
	jw_str(&w, "state", dns_state_name(seen->state));
	jw_str(&w, "value", seen->value);
	jw_int(&w, "ttl_s", -1);
	jw_int(&w, "expires_ms", 0);
	jw_int(&w, "rtt_ms", seen->ms);
	jw_str(&w, "why", seen->why);
	job_event(job, &w);
}

void edge_tell(struct job *job, struct edge_told *told)
{
	const char *name;
	if (told->asked_ms && clock_life_ms() - told->asked_ms < ASK_MS)
		return;
	told->asked_ms = clock_life_ms();
	/* Without a mark every answer would look like the old side's. */
	for (size_t i = 0; *job_config_str(job, "web.marker", "") && i < DNS_NAMES_MAX &&
			   (name = dns_edge_name(job, i)) != NULL && !job_stopping(job);
	     i++) {
		struct edge_seen seen, *last = &told->last[i];
		dns_edge_ask(job, name, &seen);
		if (seen.state == last->state && text_equal(seen.value, last->value) &&
		    text_equal(seen.why, last->why))
			continue;
		*last = seen;
		tell_cell(job, name, &seen);
	}
}
