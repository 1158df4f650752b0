/* ttl: how long old answers live, and from when on a flip is as quick as that. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/dns_matrix.h"
#include <stdlib.h>

static enum verdict ttl_run(struct job *job, struct evidence *ev, struct err *err);

const struct check ttl_check = {
    .name = "ttl",
    .help = "the TTL of the names is short, and no cache holds an older, longer one",
    .bite = "a TTL that was lowered an hour before the night still sends people to the old host for a day",
    .run = ttl_run,
};

enum { TTL_MOST_S = 300 };

static void see_name(const struct dns_matrix *m, size_t name, struct evidence *ev)
{
	int64_t most_s = -1;
	char fact[24];
	for (size_t i = 0; i < m->n_authoritative; i++)
		if (m->seen[i][name].ttl_s > most_s)
			most_s = m->seen[i][name].ttl_s;
	text_copyf(fact, sizeof fact, "%lld", (long long)most_s);
	if (most_s < 0)
		evidence_add(ev, VERDICT_UNKNOWN, "ttl", "", "No name server of %s told the TTL of %s.",
			     m->zone, m->names[name].name);
	else if (most_s > TTL_MOST_S)
		evidence_add(
		    ev, VERDICT_WARN, "ttl", fact,
		    "%s has a TTL of %lld s; lower it to 60 s, and wait those %lld s before the flip.",
		    m->names[name].name, (long long)most_s, (long long)most_s);
	else
		evidence_add(ev, VERDICT_PASS, "ttl", fact, "%s has a TTL of %lld s.", m->names[name].name,
			     (long long)most_s);
}

/* Browsers ask for an HTTPS record beside the addresses, and follow its hints first. */
static void see_https(const struct dns_matrix *m, size_t name, struct evidence *ev)
{
	struct dns_query *query = xcalloc(1, sizeof *query);
	char fact[24];
	for (size_t i = 0; i < m->n_authoritative; i++) {
		if (!dns_ask(query, m->servers.list[i].address, m->names[name].name, DNS_HTTPS, false,
			     DNS_WAIT_MS))
			continue;
		if (dns_value(query, DNS_HTTPS) && dns_ttl(query) > TTL_MOST_S) {
			text_copyf(fact, sizeof fact, "%lld", (long long)dns_ttl(query));
			evidence_add(ev, VERDICT_WARN, "https ttl", fact,
				     "The HTTPS record of %s has a TTL of %lld s; browsers follow it first, "
				     "so shorten it "
				     "as well.",
				     m->names[name].name, (long long)dns_ttl(query));
		}
		break;
	}
	free(query);
}

static enum verdict ttl_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct dns_matrix *m = dns_matrix_open(job, err);
	char clock[UNITS_MAX], left[UNITS_MAX];
	if (!m)
		return VERDICT_UNKNOWN;
	dns_matrix_ask_caches(m);
	for (size_t name = 0; name < m->n_names; name++) {
		see_name(m, name, ev);
		see_https(m, name, ev);
	}
	int64_t safe_ms = dns_matrix_safe_from_ms(m), now_ms = clock_wall_ms();
	if (safe_ms > now_ms)
		evidence_add(
		    ev, VERDICT_WARN, "safe from", "later",
		    "A cache holds an answer with an older, longer TTL: safe to flip from %s, in %s.",
		    units_clock(clock, safe_ms), units_duration(left, safe_ms - now_ms));
	else if (safe_ms)
		evidence_add(ev, VERDICT_PASS, "safe from", "now",
			     "No cache that we ask holds an older, longer answer: safe to flip now.");
	else
		evidence_add(ev, VERDICT_WARN, "safe from", "unseen",
			     "No cache shows what it holds. If the TTL was shortened lately, wait for the "
			     "length of the "
			     "old one; dns-ttl keeps that clock.");
	dns_matrix_close(m);
	return evidence_verdict(ev);
}
