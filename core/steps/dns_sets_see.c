/* What is seen around the records: who the world asks, where the new name leads, how long answers live. */
#include "core/base/text.h"
#include "core/links/dns_host.h"
#include "core/steps/dns_sets.h"
#include <stdlib.h>

/* A zone that nobody asks can be changed as often as one likes. */
bool dns_sets_see_delegation(struct dns_sets *sets, struct evidence *ev, struct err *err)
{
	struct dns_hosts live;
	char from[80], list[200];
	if (dns_find_delegation(sets->job, sets->zone.name, &live, from, sizeof from, err) < 0)
		return false;
	bool equal = live.n == sets->zone.n_name_servers;
	for (size_t i = 0; i < sets->zone.n_name_servers; i++)
		equal = equal && dns_hosts_has(&live, sets->zone.name_servers[i]);
	dns_hosts_text(&live, list, sizeof list);
	if (sets->provider->by_servers)
		evidence_add(ev, VERDICT_PASS, "delegation", list,
			     sets->provider->by_hand ? "%s is served by %s; people change it there."
						     : "%s is served by %s, which tell what is changed.",
			     sets->zone.name, list);
	else
		evidence_add(ev, equal ? VERDICT_PASS : VERDICT_FAIL, "delegation", list,
			     "%s is served by %s, %s %s.", sets->zone.name, list,
			     equal ? "as it is at" : "which are not those of this zone at",
			     sets->provider->title);
	if (!equal)
		dns_refuse(sets,
			   "the world asks %s for %s, and the zone at %s is on other name servers; a change "
			   "there would be seen by nobody: look which provider serves the zone",
			   list, sets->zone.name, sets->provider->title);
	return equal;
}

/* One server's answer against the host. */
static bool see_one(struct dns_sets *sets, const struct dns_server *server, const struct dns_addresses *host,
		    struct dns_query *query, char *bad, size_t size)
{
	const char *new_name = job_config_str(sets->job, "dns.new_name", "");
	bool told = dns_ask(query, server->address, new_name, DNS_A, false, DNS_WAIT_MS), right = false;
	for (int pass = 0; pass < 2 && !right; pass++) {
		for (size_t i = 0; i < query->n; i++)
			right = right || dns_addresses_has(host, query->records[i].value);
		if (!right && pass == 0)
			told =
			    dns_ask(query, server->address, new_name, DNS_AAAA, false, DNS_WAIT_MS) || told;
	}
	if (!right)
		text_copyf(bad, size, "%s %s", server->label,
			   told ? "has another address for it" : query->why);
	return right;
}

bool dns_sets_see_new_name(struct dns_sets *sets, struct evidence *ev, struct err *err)
{
	const char *new_name = job_config_str(sets->job, "dns.new_name", "");
	struct dns_addresses host;
	struct dns_servers *servers = xcalloc(1, sizeof *servers);
	struct dns_query *query = xcalloc(1, sizeof *query);
	char bad[200] = "";
	size_t right = 0;
	int rc = dns_new_host(sets->job, &host, err);
	if (rc == 0)
		rc = dns_find_authoritative(sets->job, sets->zone.name, servers, err);
	for (size_t i = 0; rc == 0 && i < servers->n; i++)
		right += see_one(sets, &servers->list[i], &host, query, bad, sizeof bad);
	bool good = rc == 0 && servers->n && right == servers->n;
	if (rc == 0) {
		evidence_add(
		    ev, good ? VERDICT_PASS : VERDICT_FAIL, "new name", good ? host.list[0] : "wrong",
		    good ? "%s is %s at all %zu name servers." : "%s is not %s at %zu name servers: %s.",
		    new_name, host.list[0], good ? servers->n : servers->n - right, bad);
		if (!good)
			dns_refuse(sets,
				   "%s does not lead to the new host %s: %s; mend that record first, then "
				   "plan again",
				   new_name, host.list[0], bad);
	}
	free(query);
	free(servers);
	return good;
}

void dns_sets_see_records(const struct dns_sets *sets, struct evidence *ev)
{
	int64_t most_s = dns_sets_longest_s(sets, false);
	for (size_t i = 0; i < sets->n; i++) {
		const struct dns_rrset *set = &sets->targets[i].now;
		char value[150];
		dns_rrset_text(set, value, sizeof value);
		if (set->proxied)
			evidence_add(ev, VERDICT_PASS, "record", value, "%s %s is %s, through the proxy.",
				     set->name, set->type, value);
		else
			evidence_add(ev, VERDICT_PASS, "record", value, "%s %s is %s, TTL %lld s.", set->name,
				     set->type, value, (long long)set->lives_s);
	}
	/* The step that shortens it is the mend. */
	if (most_s > 300 && !sets->hints)
		evidence_add(
		    ev, VERDICT_WARN, "ttl", "long",
		    "A TTL of %lld s means that visitors follow that slowly, and so does a way back.",
		    (long long)most_s);
	if (*sets->extra)
		evidence_add(ev, VERDICT_WARN, "https", sets->extra, "%s", sets->extra);
}

void dns_sets_prove_records(const struct dns_sets *sets, struct evidence *ev)
{
	for (size_t i = 0; i < sets->n; i++) {
		const struct dns_target *t = &sets->targets[i];
		const char *who =
		    sets->provider->by_servers ? "The first name server" : sets->provider->title;
		char now[150], want[150];
		dns_rrset_text(&t->now, now, sizeof now);
		dns_rrset_text(&t->want, want, sizeof want);
		if (t->same)
			evidence_add(ev, VERDICT_PASS, "record", now, "%s has %s at %s.", who, t->key, now);
		else if (!text_equal(now, want))
			evidence_add(ev, VERDICT_FAIL, "record", now, "%s has %s at %s, not at %s.", who,
				     t->key, now, want);
		else
			evidence_add(ev, VERDICT_FAIL, "record", "ttl",
				     "%s has %s at %s with a TTL of %lld s, not %lld s.", who, t->key, now,
				     (long long)t->now.lives_s, (long long)t->want.lives_s);
	}
}
