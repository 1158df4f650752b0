/* aaaa: an IPv6 address that stays behind at the old host, or none at the new one. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/dns_find.h"
#include <stdlib.h>

static enum verdict aaaa_run(struct job *job, struct evidence *ev, struct err *err);

const struct check aaaa_check = {
    .name = "aaaa",
    .help = "no IPv6 address or HTTPS record beside the records that move",
    .bite = "visitors with IPv6 stay on the old host, and certificates are refused, because of one AAAA "
	    "nobody remembered",
    .run = aaaa_run,
};

static const char *fact_of(const struct dns_query *query)
{
	return query->n ? query->records[0].value : "";
}

static void see_name(struct dns_query *query, const struct dns_server *server, const char *name,
		     struct evidence *ev)
{
	/* An AAAA behind a CNAME moves with it; one with the name itself as its owner does not. */
	if (!dns_ask(query, server->address, name, DNS_AAAA, false, DNS_WAIT_MS))
		evidence_add(ev, VERDICT_UNKNOWN, "aaaa", query->why,
			     "%s does not say whether %s has an AAAA: %s.", server->label, name, query->why);
	else if (dns_value(query, DNS_AAAA))
		evidence_add(
		    ev, VERDICT_WARN, "aaaa", dns_value(query, DNS_AAAA),
		    "%s has an AAAA record of its own, %s: it must move too, or go before the night.", name,
		    dns_value(query, DNS_AAAA));
	else
		evidence_add(ev, VERDICT_PASS, "aaaa", "", "%s has no AAAA record of its own.", name);
	if (dns_ask(query, server->address, name, DNS_HTTPS, false, DNS_WAIT_MS))
		for (size_t i = 0; i < query->n; i++)
			if (query->records[i].type == DNS_HTTPS && dns_same(query->records[i].owner, name))
				evidence_add(ev, VERDICT_WARN, "https", "https",
					     "%s has an HTTPS record; address hints in it lead browsers to "
					     "the old host.",
					     name);
}

static enum verdict aaaa_run(struct job *job, struct evidence *ev, struct err *err)
{
	char zone[DNS_NAME_MAX];
	const char *new_name = job_config_str(job, "dns.new_name", "");
	struct dns_servers *servers = xcalloc(1, sizeof *servers);
	struct dns_query *query = xcalloc(1, sizeof *query);
	if (dns_find_zone(job, zone, sizeof zone, err) == 0 &&
	    dns_find_authoritative(job, zone, servers, err) == 0 && servers->n) {
		for (const struct json *x = json_first(json_path(job_config(job), "dns.names")); x;
		     x = json_next(x))
			see_name(query, &servers->list[0], json_text(x) ? json_text(x) : "", ev);
		if (*new_name &&
		    dns_ask(query, servers->list[0].address, new_name, DNS_AAAA, false, DNS_WAIT_MS) &&
		    dns_value(query, DNS_AAAA))
			evidence_add(ev, VERDICT_PASS, "new aaaa", fact_of(query),
				     "%s also has the AAAA %s: the new host must answer there too.", new_name,
				     dns_value(query, DNS_AAAA));
	}
	free(query);
	free(servers);
	return err->kind ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
