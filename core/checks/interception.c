/* interception: whether the network here answers DNS questions that were meant for others. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/dns_find.h"
#include <stdlib.h>

static enum verdict interception_run(struct job *job, struct evidence *ev, struct err *err);

const struct check interception_check = {
    .name = "interception",
    .help = "no box on the way answers DNS in the name of others",
    .bite = "a hotel's or provider's box answers every question itself, and all caches look flipped, or none",
    .run = interception_run,
};

static enum verdict interception_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct dns_query *query = xcalloc(1, sizeof *query);
	const char *name = job_first_name(job);
	(void)err;
	dns_ask(query, DNS_NOBODY, name ? name : "example.com", DNS_A, true, DNS_WAIT_MS);
	if (query->end == DNS_ANSWERED)
		evidence_add(
		    ev, VERDICT_WARN, "interception", "answered",
		    "192.0.2.53, where nobody is, answered: this network answers DNS itself, so what "
		    "the caches say here is not what they say. The public ones are asked by HTTPS instead; "
		    "what the name servers say is better looked at from another network.");
	else
		evidence_add(ev, VERDICT_PASS, "interception", "none", "Nobody answers for 192.0.2.53.");
	free(query);
	return evidence_verdict(ev);
}
