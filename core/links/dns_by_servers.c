/* Records as the zone's own servers have them: see dns_by_servers.h. */
#include "core/links/dns_by_servers.h"
#include "core/base/text.h"
#include "core/links/dns.h"
#include <stdlib.h>

int dns_by_servers_zone(struct job *job, struct dns_servers *servers, struct dns_zone *out, struct err *err)
{
	struct dns_hosts live;
	char from[80];
	if (dns_find_zone(job, out->name, sizeof out->name, err) < 0 ||
	    dns_find_delegation(job, out->name, &live, from, sizeof from, err) < 0 ||
	    dns_find_authoritative(job, out->name, servers, err) < 0)
		return -1;
	for (size_t i = 0; i < live.n && i < 8; i++)
		text_copy(out->name_servers[out->n_name_servers++], sizeof out->name_servers[0],
			  live.list[i]);
	return 0;
}

/* Values whose owner is the name itself: what is behind a CNAME is somebody else's record. */
static void take_set(const struct dns_query *query, const char *name, int type, struct dns_rrsets *out)
{
	struct dns_rrset set = {.weight = -1};
	for (size_t i = 0; i < query->n; i++) {
		const struct dns_record *r = &query->records[i];
		if (r->authority || r->type != type || !dns_same(r->owner, name))
			continue;
		set.ttl_s = set.lives_s = r->ttl_s;
		if (!dns_rrset_add(&set, r->value))
			text_copy(set.strange, sizeof set.strange, "a set of more than eight values");
	}
	if (!set.n || out->n >= DNS_RRSETS_MAX)
		return;
	text_copy(set.name, sizeof set.name, name);
	text_copy(set.type, sizeof set.type, dns_type_name(type));
	text_copyf(set.id, sizeof set.id, "%s/%s", name, set.type);
	out->list[out->n++] = set;
}

int dns_by_servers_ask(const struct dns_server *server, const char *name, struct dns_rrsets *out, char *why,
		       size_t size)
{
	static const int types[] = {DNS_CNAME, DNS_A, DNS_AAAA, DNS_HTTPS, DNS_SVCB};
	struct dns_query *query = xcalloc(1, sizeof *query);
	int rc = 0;
	out->n = 0;
	for (size_t t = 0; t < sizeof types / sizeof *types && rc == 0; t++) {
		dns_ask(query, server->address, name, types[t], false, DNS_WAIT_MS);
		bool told = query->end == DNS_ANSWERED && query->aa &&
			    (query->rcode == DNS_NOERROR || query->rcode == DNS_NXDOMAIN);
		if (!told) {
			text_copyf(why, size, "%s: %s", server->label,
				   *query->why ? query->why : "no answer with authority");
			rc = -1;
		}
		if (told && !(t && out->n && text_equal(out->list[0].type, "CNAME")))
			take_set(query, name, types[t], out);
	}
	free(query);
	return rc;
}

int dns_by_servers_look(const struct dns_servers *servers, const struct dns_zone *zone, const char *name,
			struct dns_rrsets *out, struct err *err)
{
	char why[200] = "there is none";
	for (size_t i = 0; i < servers->n; i++)
		if (dns_by_servers_ask(&servers->list[i], name, out, why, sizeof why) == 0)
			return 0;
	return err_set(err, ERR_NET, "dns: no name server of %s tells what %s is (%s)", zone->name, name,
		       why);
}
