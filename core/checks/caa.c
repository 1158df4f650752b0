/* caa: who may give certificates for the names, as an issuer will read it after the flip. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/dns_find.h"
#include <stdlib.h>
#include <string.h>

static enum verdict caa_run(struct job *job, struct evidence *ev, struct err *err);

const struct check caa_check = {
    .name = "caa",
    .help = "the issuer of the new certificates is allowed by the zone's CAA records",
    .bite = "a CAA record that names another issuer refuses every certificate of the new host, at night",
    .run = caa_run,
};

/* Of one name itself: 1 when it has some, 0 none, -1 not known. */
static int ask(const struct dns_server *server, const char *name, struct dns_query *query)
{
	if (dns_ask(query, server->address, name, DNS_CAA, false, DNS_WAIT_MS) ||
	    (query->end == DNS_ANSWERED && query->rcode == DNS_NXDOMAIN))
		return dns_value(query, DNS_CAA) != NULL;
	return -1;
}

/* Climbs from the name to its zone; the new name stands first, because after the flip the name is an alias of
 * it. What leads to the old host now is another zone's CAA and counts no more then. */
static int find(const struct dns_server *server, const char *name, const char *new_name, const char *zone,
		struct dns_query *query, char *at, size_t size)
{
	int found = ask(server, new_name, query);
	text_copy(at, size, new_name);
	for (const char *up = strchr(name, '.'); found == 0 && up; up = strchr(up + 1, '.')) {
		text_copy(at, size, up + 1);
		found = ask(server, at, query);
		if (dns_same(at, zone))
			break;
	}
	return found;
}

static void judge(struct job *job, const struct dns_query *query, const char *name, const char *at,
		  struct evidence *ev)
{
	bool automatic = json_bool(json_path(job_config(job), "kamal.proxy"), "ssl", false) &&
			 !json_bool(json_path(job_config(job), "kamal.proxy"), "certificate", false);
	bool allowed = false, any = false;
	char all[200] = "";
	for (size_t i = 0; i < query->n; i++) {
		const struct dns_record *r = &query->records[i];
		const char *issue = r->type == DNS_CAA ? strstr(r->value, " issue \"") : NULL;
		if (r->authority || !issue || !dns_same(r->owner, at))
			continue;
		char sofar[200];
		any = true;
		allowed = allowed || text_starts(issue + 8, "letsencrypt.org");
		text_copy(sofar, sizeof sofar, all);
		text_copyf(all, sizeof all, "%s%s%.*s", sofar, *sofar ? ", " : "",
			   (int)strcspn(issue + 8, "\""), issue + 8);
	}
	if (!any)
		evidence_add(ev, VERDICT_PASS, "caa", "",
			     "The CAA of %s names no issuer, so %s may have any.", at, name);
	else if (automatic && !allowed)
		evidence_add(ev, VERDICT_FAIL, "caa", all,
			     "The CAA of %s allows %s for %s, and not letsencrypt.org, which the proxy will "
			     "ask; add `0 issue \"letsencrypt.org\"` before the flip.",
			     at, *all ? all : "nobody", name);
	else
		evidence_add(ev, VERDICT_PASS, "caa", all, "The CAA of %s allows %s for %s.", at,
			     *all ? all : "nobody", name);
}

static void see_name(struct job *job, const struct dns_server *server, const char *name, const char *zone,
		     struct dns_query *query, struct evidence *ev)
{
	char at[DNS_NAME_MAX];
	const char *new_name = job_config_str(job, "dns.new_name", "");
	int found = find(server, name, *new_name ? new_name : name, zone, query, at, sizeof at);
	if (found > 0)
		judge(job, query, name, at, ev);
	else if (found == 0)
		evidence_add(ev, VERDICT_PASS, "caa", "",
			     "No CAA record restricts who gives %s a certificate.", name);
	else
		evidence_add(ev, VERDICT_UNKNOWN, "caa", query->why,
			     "%s does not say whether %s has a CAA: %s.", server->label, at, query->why);
}

static enum verdict caa_run(struct job *job, struct evidence *ev, struct err *err)
{
	char zone[DNS_NAME_MAX];
	struct dns_servers *servers = xcalloc(1, sizeof *servers);
	struct dns_query *query = xcalloc(1, sizeof *query);
	if (dns_find_zone(job, zone, sizeof zone, err) == 0 &&
	    dns_find_authoritative(job, zone, servers, err) == 0 && servers->n)
		for (const struct json *x = json_first(json_path(job_config(job), "dns.names")); x;
		     x = json_next(x))
			see_name(job, &servers->list[0], json_text(x) ? json_text(x) : "", zone, query, ev);
	free(query);
	free(servers);
	return err->kind ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
