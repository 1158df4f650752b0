/* dnssec: caches that check signatures accept the zone. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/dns_find.h"
#include <stdlib.h>

static enum verdict dnssec_run(struct job *job, struct evidence *ev, struct err *err);

const struct check dnssec_check = {
    .name = "dnssec",
    .help = "caches that check signatures accept the zone",
    .bite = "a DS record left at the registry when the zone moved: every validating cache answers SERVFAIL",
    .run = dnssec_run,
};

static void see_keys(const struct dns_servers *servers, const char *zone, struct dns_query *query,
		     struct evidence *ev)
{
	if (!dns_ask(query, servers->list[0].address, zone, DNS_DNSKEY, false, DNS_WAIT_MS))
		evidence_add(ev, VERDICT_UNKNOWN, "keys", query->why,
			     "%s does not say whether %s is signed: %s.", servers->list[0].label, zone,
			     query->why);
	else if (dns_value(query, DNS_DNSKEY))
		evidence_add(ev, VERDICT_PASS, "keys", "signed",
			     "%s is signed. Leave its keys and its DS as they are until the night is over.",
			     zone);
	else
		evidence_add(ev, VERDICT_PASS, "keys", "none", "%s is not signed.", zone);
}

/* SERVFAIL of one cache may be its own trouble; its reason says whether it is the signatures. */
static void see_caches(struct job *job, const char *zone, struct dns_query *query, struct evidence *ev)
{
	struct dns_servers *caches = xcalloc(1, sizeof *caches);
	size_t accept = 0;
	dns_find_caches(job, caches);
	for (size_t i = 0; i < caches->n; i++) {
		if (dns_ask(query, caches->list[i].address, zone, DNS_SOA, true, DNS_WAIT_MS)) {
			accept++;
			continue;
		}
		/* RFC 8914: 5 to 12 are about signatures and keys. */
		if (query->end == DNS_ANSWERED && query->rcode == DNS_SERVFAIL)
			evidence_add(ev, query->ede >= 5 && query->ede <= 12 ? VERDICT_FAIL : VERDICT_WARN,
				     "cache", query->why, "%s does not accept %s: %s.", caches->list[i].label,
				     zone, query->why);
	}
	if (accept)
		evidence_add(ev, VERDICT_PASS, "caches", "", "%zu of %zu caches accept %s.", accept,
			     caches->n, zone);
	else
		evidence_add(ev, VERDICT_UNKNOWN, "caches", "", "None of %zu caches told anything about %s.",
			     caches->n, zone);
	free(caches);
}

static enum verdict dnssec_run(struct job *job, struct evidence *ev, struct err *err)
{
	char zone[DNS_NAME_MAX];
	struct dns_servers *servers = xcalloc(1, sizeof *servers);
	struct dns_query *query = xcalloc(1, sizeof *query);
	if (dns_find_zone(job, zone, sizeof zone, err) == 0 &&
	    dns_find_authoritative(job, zone, servers, err) == 0 && servers->n) {
		see_keys(servers, zone, query, ev);
		see_caches(job, zone, query, ev);
	}
	free(query);
	free(servers);
	return err->kind ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
