/* dns-lag: all name servers of the zone say the same. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/dns_matrix.h"
#include <stdlib.h>
#include <string.h>

static enum verdict dns_lag_run(struct job *job, struct evidence *ev, struct err *err);

const struct check dns_lag_check = {
    .name = "dns-lag",
    .help = "every name server of the zone answers, with authority and alike",
    .bite =
	"a secondary that lags tells caches the old answer again after the flip, and they need a second TTL",
    .run = dns_lag_run,
};

/* Answers, not serial numbers: some providers never count up. */
static void see_name(const struct dns_matrix *m, size_t name, struct evidence *ev)
{
	const struct dns_seen *first = &m->seen[0][name];
	bool alike = true;
	for (size_t i = 0; i < m->n_authoritative; i++) {
		const struct dns_seen *seen = &m->seen[i][name];
		bool told = seen->state == DNS_CELL_OLD || seen->state == DNS_CELL_NEW ||
			    seen->state == DNS_CELL_LAGGING || (seen->state == DNS_CELL_OTHER && !*seen->why);
		/* Addresses may come in any order; a CNAME has none. */
		bool same = told && (strchr(seen->value, ' ') ? strlen(seen->value) == strlen(first->value)
							      : text_equal(seen->value, first->value));
		alike = alike && same;
		if (!told)
			evidence_add(ev, seen->state == DNS_CELL_SILENT ? VERDICT_WARN : VERDICT_FAIL,
				     "server", dns_state_name(seen->state), "%s %s for %s: %s.",
				     m->servers.list[i].label, dns_state_name(seen->state),
				     m->names[name].name, seen->why);
		else if (!same)
			evidence_add(ev, VERDICT_FAIL, "lag", seen->value,
				     "%s answers %s for %s, and %s answers %s: one of them lags.",
				     m->servers.list[i].label, seen->value, m->names[name].name,
				     m->servers.list[0].label, first->value);
	}
	if (alike)
		evidence_add(ev, VERDICT_PASS, "servers", first->value,
			     "All %zu name servers answer %s for %s.", m->n_authoritative, first->value,
			     m->names[name].name);
}

static enum verdict dns_lag_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct dns_matrix *m = dns_matrix_open(job, err);
	if (!m)
		return VERDICT_UNKNOWN;
	for (size_t name = 0; name < m->n_names; name++)
		see_name(m, name, ev);
	dns_matrix_close(m);
	return evidence_verdict(ev);
}
