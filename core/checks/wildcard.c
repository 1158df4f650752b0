/* wildcard: names of the zone that nobody wrote down, and how long a missing name is remembered. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/dns_find.h"
#include <stdlib.h>
#include <sys/random.h>

static enum verdict wildcard_run(struct job *job, struct evidence *ev, struct err *err);

const struct check wildcard_check = {
    .name = "wildcard",
    .help = "no wildcard record stays behind, and a name that is missing is soon forgotten",
    .bite = "customers' names below a wildcard stay on the old host, or a gap of seconds is remembered for "
	    "an hour",
    .run = wildcard_run,
};

enum { NEGATIVE_MOST_S = 300 };

static bool is_moved(struct job *job, const char *name)
{
	for (const struct json *x = json_first(json_path(job_config(job), "dns.names")); x; x = json_next(x))
		if (json_text(x) && dns_same(json_text(x), name))
			return true;
	return false;
}

static void see(struct job *job, const struct dns_query *query, const char *zone, struct evidence *ev)
{
	char wildcard[DNS_NAME_MAX];
	text_copyf(wildcard, sizeof wildcard, "*.%.240s", zone);
	if (query->rcode == DNS_NOERROR && query->n && query->records[0].value[0])
		evidence_add(ev, is_moved(job, wildcard) ? VERDICT_PASS : VERDICT_WARN, "wildcard",
			     query->records[0].value, "%s leads to %s%s.", wildcard, query->records[0].value,
			     is_moved(job, wildcard) ? ", and moves with the names"
						     : ", and is not among dns.names: it stays where it is");
	else
		evidence_add(ev, VERDICT_PASS, "wildcard", "none", "%s has no wildcard record.", zone);
	if (query->negative_s > NEGATIVE_MOST_S)
		evidence_add(
		    ev, VERDICT_WARN, "negative", "long",
		    "Caches remember for %lld s that a name of %s does not exist: a record must never "
		    "be missing, not for a second.",
		    (long long)query->negative_s, zone);
	else if (query->negative_s >= 0)
		evidence_add(ev, VERDICT_PASS, "negative", "short",
			     "Caches forget after %lld s that a name did not exist.",
			     (long long)query->negative_s);
}

/* The zone's own servers only: a cache that is asked for a name that is not there remembers it. */
static enum verdict wildcard_run(struct job *job, struct evidence *ev, struct err *err)
{
	char zone[DNS_NAME_MAX], name[DNS_NAME_MAX], hex[17];
	unsigned char random[8];
	struct dns_servers *servers = xcalloc(1, sizeof *servers);
	struct dns_query *query = xcalloc(1, sizeof *query);
	if (getrandom(random, sizeof random, 0) != sizeof random)
		abort();
	text_hex(hex, random, sizeof random);
	if (dns_find_zone(job, zone, sizeof zone, err) == 0 &&
	    dns_find_authoritative(job, zone, servers, err) == 0 && servers->n) {
		text_copyf(name, sizeof name, "nf%s.%.230s", hex, zone);
		dns_ask(query, servers->list[0].address, name, DNS_A, false, DNS_WAIT_MS);
		if (query->end == DNS_ANSWERED &&
		    (query->rcode == DNS_NOERROR || query->rcode == DNS_NXDOMAIN))
			see(job, query, zone, ev);
		else
			evidence_add(ev, VERDICT_UNKNOWN, "wildcard", query->why, "%s does not answer: %s.",
				     servers->list[0].label, query->why);
	}
	free(query);
	free(servers);
	return err->kind ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
