/* delegation: the zone we can change is the one the world asks. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/dns_find.h"
#include "core/links/dns_provider.h"

static enum verdict delegation_run(struct job *job, struct evidence *ev, struct err *err);

const struct check delegation_check = {
    .name = "delegation",
    .help = "the zone at the DNS provider is on the name servers that the world asks",
    .bite = "a zone left over at the old provider takes every change and nobody ever sees it",
    .secrets = dns_secrets,
    .run = delegation_run,
};

static enum verdict compare(const struct dns_provider *provider, const struct dns_zone *zone,
			    const struct dns_hosts *live, const char *from, struct evidence *ev)
{
	char list[200];
	bool equal = live->n == zone->n_name_servers;
	for (size_t i = 0; i < zone->n_name_servers; i++)
		equal = equal && dns_hosts_has(live, zone->name_servers[i]);
	dns_hosts_text(live, list, sizeof list);
	if (provider->by_servers)
		evidence_add(ev, VERDICT_PASS, "delegation", list,
			     "%s is served by %s; the records are changed by %s, so make sure it is there.",
			     zone->name, list, provider->by_hand ? "hand" : "a program");
	else if (equal)
		evidence_add(ev, VERDICT_PASS, "delegation", list,
			     "%s is served by %s, as %s says (told by %s).", zone->name, list,
			     provider->title, from);
	else
		evidence_add(ev, VERDICT_FAIL, "delegation", list,
			     "%s is served by %s (told by %s), which are not the name servers of the zone at "
			     "%s; find the provider that serves it before anything is changed.",
			     zone->name, list, from, provider->title);
	if (*zone->status && !text_equal(zone->status, "active"))
		evidence_add(ev, VERDICT_FAIL, "zone", zone->status,
			     "%s says that the zone is %s, not active.", provider->title, zone->status);
	return evidence_verdict(ev);
}

static enum verdict delegation_run(struct job *job, struct evidence *ev, struct err *err)
{
	char name[DNS_NAME_MAX], from[80];
	struct dns_zone zone;
	struct dns_hosts live;
	if (dns_find_zone(job, name, sizeof name, err) < 0)
		return VERDICT_UNKNOWN;
	struct dns_api *api = dns_api_open(job, DNS_BRISK, err);
	int rc = api ? dns_api_zone(api, name, &zone, err) : -1;
	dns_api_close(api);
	if (rc < 0 || dns_find_delegation(job, zone.name, &live, from, sizeof from, err) < 0)
		return VERDICT_UNKNOWN;
	return compare(dns_provider_of(job), &zone, &live, from, ev);
}
