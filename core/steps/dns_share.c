/* Asking until the share is known: see dns_share.h. */
#include "core/steps/dns_share.h"
#include "core/base/text.h"
#include "core/links/dns_matrix.h"
#include <math.h>
#include <stdlib.h>

enum { SAMPLES = 300, SETTLE = 10, SETTLE_MS = 2000 };

bool dns_share_fits(int want_percent, size_t n_new, size_t n)
{
	double p = want_percent / 100.0, mean = p * (double)n, spread = sqrt((double)n * p * (1 - p));
	return n > 0 && fabs((double)n_new - mean) <= 4 * spread + 0.5;
}

/* Of one name, at all servers in turn. False when somebody did not answer. */
static bool sample(struct dns_matrix *m, size_t name, size_t *n_new, size_t *n_old)
{
	struct dns_query *queries = xcalloc(SAMPLES, sizeof *queries);
	bool all = true;
	*n_new = *n_old = 0;
	for (size_t i = 0; i < SAMPLES; i++)
		dns_query_set(&queries[i], m->servers.list[i % m->n_authoritative].address,
			      m->names[name].name, DNS_CNAME, false);
	dns_ask_all(queries, SAMPLES, DNS_WAIT_MS);
	for (size_t i = 0; i < SAMPLES; i++) {
		const char *target = dns_value(&queries[i], DNS_CNAME);
		bool is_new = target && dns_same(target, m->new_name);
		*n_new += is_new;
		*n_old += target && !is_new;
		all = all && target;
	}
	free(queries);
	return all;
}

static void see_name(struct dns_matrix *m, size_t name, int want, struct evidence *ev)
{
	size_t n_new = 0, n_old = 0;
	bool all = false, fits = false;
	/* All servers may need a moment. */
	for (int i = 0; i < SETTLE; i++) {
		all = sample(m, name, &n_new, &n_old);
		fits = dns_share_fits(want, n_new, n_new + n_old);
		if ((all && fits) || job_wait(m->job, SETTLE_MS))
			break;
	}
	enum verdict verdict = !n_new && !n_old ? VERDICT_UNKNOWN : !fits ? VERDICT_FAIL : VERDICT_PASS;
	evidence_add(ev, verdict, "share", "", "%zu of %zu answers for %s lead to NEW; %d %% are wanted%s.",
		     n_new, n_new + n_old, m->names[name].name, want,
		     all ? "" : ", and not every question was answered");
}

void dns_share_see(struct job *job, int want_percent, struct evidence *ev)
{
	struct err unseen = {0};
	struct dns_matrix *m = dns_matrix_open(job, &unseen);
	for (size_t i = 0; m && i < m->n_names; i++)
		see_name(m, i, want_percent, ev);
	if (!m)
		evidence_add(ev, VERDICT_UNKNOWN, "share", "unseen", "%s", unseen.text);
	dns_matrix_close(m);
}
