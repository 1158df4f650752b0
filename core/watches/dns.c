/* What every name server and every cache says about the names that move. Authoritative servers may be asked
 * freely; a question to an empty cache fills it with the old answer, so before the change caches are asked
 * rarely. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/dns_matrix.h"
#include "core/watches/dns_edge.h"
#include <stdlib.h>

static int dns_watch_run(struct job *job, struct err *err);

const struct watch dns_watch = {
    .name = "dns",
    .help = "what name servers and caches answer for the names that move",
    .run = dns_watch_run,
};

enum {
	ZONE_MS = 5000,
	ZONE_CHANGING_MS = 2000,
	CACHES_BEFORE_MS = 60000,
	CACHES_AFTER_MS = 5000,
	CACHES_LATE_MS = 15000,
	CACHES_QUIET_MS = 60000,
	CHANGING_MS = 180000,
	SAME_MS = 2000,
	RETRY_MS = 15000,
};

/* What was told last, so that only changes are told. */
struct told {
	struct dns_seen cells[DNS_SERVERS_MAX][DNS_NAMES_MAX], six[DNS_SERVERS_MAX][DNS_NAMES_MAX];
	int64_t safe_from_ms, old_die_ms;
	bool plan;
	int64_t
	    changed_ms; /* our time: the newest change of the zone's own answers, or the flip's beginning */
	size_t n_new;
};

static int64_t distance(int64_t a, int64_t b)
{
	return a > b ? a - b : b - a;
}

static bool is_same(const struct dns_seen *seen, const struct dns_seen *last)
{
	return seen->state == last->state && text_equal(seen->value, last->value) &&
	       text_equal(seen->why, last->why) && distance(seen->expires_ms, last->expires_ms) <= SAME_MS;
}

/* What is said of the IPv6 address of the same name; nothing where neither side has one. */
static void tell_six(struct jw *w, const struct dns_seen *seen)
{
	if (!seen->state)
		return;
	jw_obj(w, "six");
	jw_str(w, "state", dns_state_name(seen->state));
	jw_str(w, "value", seen->value);
	jw_int(w, "ttl_s", seen->ttl_s);
	jw_int(w, "expires_ms", seen->expires_ms);
	jw_str(w, "why", seen->why);
	jw_end(w);
}

static void tell_cell(struct dns_matrix *m, struct told *told, size_t i, size_t name)
{
	static const struct dns_seen none;
	const struct dns_seen *seen = &m->seen[i][name],
			      *six = dns_matrix_has_six(m, name) ? &m->six->seen[i][name] : &none;
	if (!seen->state || (is_same(seen, &told->cells[i][name]) && is_same(six, &told->six[i][name])))
		return;
	told->cells[i][name] = *seen;
	told->six[i][name] = *six;
	struct jw w;
	jw_event(&w, "dns.cell");
	jw_str(&w, "server", m->servers.list[i].address);
	jw_str(&w, "label", m->servers.list[i].label);
	jw_bool(&w, "auth", m->servers.list[i].authoritative);
	jw_str(&w, "name", m->names[name].name);
	jw_str(&w, "state", dns_state_name(seen->state));
	jw_str(&w, "value", seen->value);
	jw_int(&w, "ttl_s", seen->ttl_s);
	jw_int(&w, "expires_ms", seen->expires_ms);
	jw_int(&w, "rtt_ms", seen->rtt_ms);
	jw_str(&w, "why", seen->why);
	/* Many machines may speak in turn for one address, so another one of them is no news by itself. */
	jw_str(&w, "site", m->site[i]);
	tell_six(&w, six);
	job_event(m->job, &w);
}

static void tell_plan(struct dns_matrix *m, struct told *told)
{
	int64_t safe_ms = dns_matrix_safe_from_ms(m), die_ms = dns_matrix_old_die_ms(m);
	if (told->plan && distance(safe_ms, told->safe_from_ms) <= SAME_MS &&
	    distance(die_ms, told->old_die_ms) <= SAME_MS)
		return;
	told->plan = true;
	told->safe_from_ms = safe_ms;
	told->old_die_ms = die_ms;
	struct jw w;
	jw_event(&w, "dns.plan");
	jw_arr(&w, "names");
	for (size_t i = 0; i < m->n_names; i++) {
		const struct dns_want *want = &m->names[i];
		jw_obj(&w, NULL);
		jw_str(&w, "name", want->name);
		jw_str(&w, "old",
		       *want->old_target ? want->old_target
		       : want->old_set.n ? want->old_set.list[0]
					 : "");
		jw_str(&w, "new",
		       *want->new_target ? want->new_target
		       : want->new_set.n ? want->new_set.list[0]
					 : "");
		jw_int(&w, "ttl_s", want->full_ttl_s);
		jw_end(&w);
	}
	edge_names(m->job, &w);
	jw_end(&w);
	jw_int(&w, "safe_from_ms", safe_ms);
	jw_int(&w, "old_die_ms", die_ms);
	job_event(m->job, &w);
}

static size_t zone_new(const struct dns_matrix *m)
{
	size_t n = 0;
	for (size_t i = 0; i < m->n_authoritative; i++)
		for (size_t name = 0; name < m->n_names; name++)
			n += m->seen[i][name].state == DNS_CELL_NEW;
	return n;
}

static void tell(struct dns_matrix *m, struct told *told)
{
	size_t n_new = zone_new(m);
	/* The first look is no change, whatever it shows. */
	if (told->plan && n_new != told->n_new)
		told->changed_ms = clock_life_ms();
	told->n_new = n_new;
	for (size_t i = 0; i < m->servers.n; i++)
		for (size_t name = 0; name < m->n_names; name++)
			tell_cell(m, told, i, name);
	tell_plan(m, told);
}

static void beat(struct dns_matrix *m, int64_t interval_ms)
{
	struct dns_counts counts;
	dns_matrix_count(m, &counts);
	if (counts.cells && counts.silent == counts.cells) {
		job_beat(m->job, interval_ms, false,
			 "No name server answers at all; look at this machine's network, and at dns.servers "
			 "and dns.resolvers.");
		return;
	}
	char text[400];
	text_copyf(text, sizeof text, "NEW %zu, OLD %zu of %zu answers%s%s", counts.new_n, counts.old_n,
		   counts.cells, *m->note ? ". " : "", m->note);
	job_beat(m->job, interval_ms, true, text);
}

static int64_t caches_pause_ms(const struct dns_matrix *m, bool changing)
{
	struct dns_counts counts;
	if (changing)
		return CACHES_AFTER_MS;
	if (!dns_matrix_begun(m))
		return CACHES_BEFORE_MS;
	dns_matrix_count(m, &counts);
	return counts.waits ? CACHES_LATE_MS : CACHES_QUIET_MS;
}

/* Returns when the job shall stop. */
static void look(struct dns_matrix *m)
{
	struct told *told = xcalloc(1, sizeof *told);
	struct edge_told edge = {0};
	int64_t caches_ms = 0;
	for (bool stop = false; !stop;) {
		int64_t now_ms = clock_life_ms();
		bool changing = told->changed_ms && now_ms - told->changed_ms < CHANGING_MS;
		int64_t pause_ms = changing ? ZONE_CHANGING_MS : ZONE_MS;
		dns_matrix_ask_authoritative(m);
		tell(m, told);
		/* A change just seen in the zone makes the caches' answers urgent. */
		changing = told->changed_ms && now_ms - told->changed_ms < CHANGING_MS;
		if (!caches_ms || now_ms - caches_ms >= caches_pause_ms(m, changing)) {
			caches_ms = now_ms;
			dns_matrix_ask_caches(m);
			tell(m, told);
		}
		edge_tell(m->job, &edge);
		beat(m, pause_ms);
		stop = job_wait(m->job, pause_ms);
	}
	free(told);
}

static int dns_watch_run(struct job *job, struct err *err)
{
	(void)err;
	for (;;) {
		struct err unseen = {0};
		struct dns_matrix *m = dns_matrix_open(job, &unseen);
		if (m) {
			look(m);
			dns_matrix_close(m);
			return 0;
		}
		job_beat(job, RETRY_MS, false, unseen.text);
		if (job_wait(job, RETRY_MS))
			return 0;
	}
}
