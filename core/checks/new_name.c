/* new-name: the name that the records will lead to exists everywhere, and is the new host. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/dns_find.h"
#include "core/links/dns_host.h"
#include <stdlib.h>

static enum verdict new_name_run(struct job *job, struct evidence *ev, struct err *err);

const struct check new_name_check = {
    .name = "new-name",
    .help = "dns.new_name leads to the new host at every name server of its zone",
    .bite = "a CNAME to a name that is not there yet gives NXDOMAIN, which caches keep for up to an hour",
    .run = new_name_run,
};

/* Name servers only: a cache that is asked for a name too early remembers that there is none. */
static void see_server(const struct dns_server *server, const char *new_name,
		       const struct dns_addresses *host, struct dns_query *query, struct evidence *ev)
{
	bool right = false, told = false;
	static const int types[] = {DNS_A, DNS_AAAA};
	for (size_t t = 0; t < 2; t++) {
		if (!dns_ask(query, server->address, new_name, types[t], false, DNS_WAIT_MS))
			continue;
		for (size_t i = 0; i < query->n; i++) {
			told = told || query->records[i].type == types[t];
			right = right || dns_addresses_has(host, query->records[i].value);
		}
	}
	if (right)
		evidence_add(ev, VERDICT_PASS, "new name", host->list[0], "%s is %s at %s.", new_name,
			     host->list[0], server->label);
	else if (query->end != DNS_ANSWERED)
		evidence_add(ev, VERDICT_UNKNOWN, "new name", "silent", "%s did not answer: %s.",
			     server->label, query->why);
	else
		evidence_add(ev, VERDICT_FAIL, "new name", told ? "other" : "none",
			     "%s has %s for %s; it must be %s before the flip.", server->label,
			     told ? "another address" : "no address", new_name, host->list[0]);
}

static enum verdict new_name_run(struct job *job, struct evidence *ev, struct err *err)
{
	char zone[DNS_NAME_MAX];
	struct dns_addresses host;
	const char *new_name = job_config_str(job, "dns.new_name", "");
	if (!*new_name) {
		err_set(err, ERR_CONFIG,
			"new-name: dns.new_name is not set; give the new host a name of its own and write it "
			"to nightferry.yml");
		return VERDICT_UNKNOWN;
	}
	if (dns_new_host(job, &host, err) < 0 || dns_find_zone(job, zone, sizeof zone, err) < 0)
		return VERDICT_UNKNOWN;
	struct dns_servers *servers = xcalloc(1, sizeof *servers);
	struct dns_query *query = xcalloc(1, sizeof *query);
	if (dns_find_authoritative(job, zone, servers, err) == 0)
		for (size_t i = 0; i < servers->n; i++)
			see_server(&servers->list[i], new_name, &host, query, ev);
	free(query);
	free(servers);
	return err->kind ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
