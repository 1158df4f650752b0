/* provider: the login at the DNS provider is good, sees the records, and has requests left. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/dns.h"
#include "core/links/dns_provider.h"
#include <stdlib.h>

static enum verdict provider_run(struct job *job, struct evidence *ev, struct err *err);

const struct check provider_check = {
    .name = "provider",
    .help = "the DNS provider accepts our login, shows the records, and answers often enough",
    .bite = "a token that has expired, found out at the moment of the flip",
    .secrets = dns_secrets,
    .run = provider_run,
};

enum { LEFT_LEAST = 100 };

static int see_names(struct job *job, struct dns_api *api, const struct dns_zone *zone, struct evidence *ev,
		     struct err *err)
{
	struct dns_rrsets *sets = xcalloc(1, sizeof *sets);
	int rc = 0;
	for (const struct json *x = json_first(json_path(job_config(job), "dns.names")); x && rc == 0;
	     x = json_next(x)) {
		char name[DNS_NAME_MAX];
		dns_name_clean(name, sizeof name, json_text(x) ? json_text(x) : "");
		rc = dns_api_look(api, zone, name, sets, err);
		if (rc == 0 && !sets->n)
			evidence_add(ev, VERDICT_FAIL, "record", name, "%s has no record in the zone %s.",
				     name, zone->name);
		for (size_t i = 0; rc == 0 && i < sets->n; i++)
			if (*sets->list[i].strange)
				evidence_add(ev, VERDICT_FAIL, "record", sets->list[i].type,
					     "%s %s is %s, which nightferry does not change.", name,
					     sets->list[i].type, sets->list[i].strange);
		dns_rrsets_done(sets);
	}
	free(sets);
	return rc;
}

static enum verdict provider_run(struct job *job, struct evidence *ev, struct err *err)
{
	const char *name = job_config_str(job, "dns.zone", "");
	struct dns_zone zone;
	struct dns_api *api = dns_api_open(job, DNS_BRISK, err);
	if (!*name)
		name = job_first_name(job);
	int rc = api && name ? dns_api_zone(api, name, &zone, err) : -1;
	if (rc == 0)
		rc = see_names(job, api, &zone, ev, err);
	if (rc == 0) {
		int64_t left = dns_api_left(api);
		const char *title = dns_provider_of(job)->title;
		evidence_add(ev, VERDICT_PASS, "login", zone.name, "%s shows the zone %s.", title, zone.name);
		if (left >= 0)
			evidence_add(ev, left < LEFT_LEAST ? VERDICT_WARN : VERDICT_PASS, "requests",
				     left < LEFT_LEAST ? "few" : "",
				     "%lld requests are left before %s makes us wait.", (long long)left,
				     title);
	}
	dns_api_close(api);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
