/* Which way caches are asked, and what is learned of them beside the names: whether a box on the way answers
 * in their name, whether those that show nothing of what they hold are there at all, which of their machines
 * spoke. */
#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/links/dns_matrix.h"
#include "core/links/dns_matrix_inner.h"
#include <stdlib.h>

bool dns_matrix_six_named(const struct dns_matrix *six, size_t name)
{
	return dns_addresses_any(&six->names[name].old_set, true) ||
	       dns_addresses_any(&six->names[name].new_set, true);
}

bool dns_matrix_has_six(const struct dns_matrix *m, size_t name)
{
	return m->six && dns_matrix_six_named(m->six, name);
}

/* Only for the caches that nobody has chosen: who names his own knows how they are reached. */
void dns_matrix_find_way(struct dns_matrix *m)
{
	if (dns_find_is_stock(m->job) && dns_find_box(m->zone))
		text_copy(m->note, sizeof m->note,
			  "This network answers DNS in the name of others, so the public caches are asked by "
			  "HTTPS, and the name servers' own answers may not be theirs.");
}

bool dns_matrix_another_way(struct dns_matrix *m, const struct dns_query *alive)
{
	bool silent = true;
	for (size_t i = 0; i < m->servers.n - m->n_authoritative; i++)
		silent = silent && alive[i].end != DNS_ANSWERED;
	if (!dns_find_is_stock(m->job) || (!silent && !*m->note))
		return false;
	if (!*m->note)
		text_copy(
		    m->note, sizeof m->note,
		    "No cache answers by DNS from this network, so the public ones are asked by HTTPS.");
	m->servers.n = m->n_authoritative;
	dns_find_https(&m->servers);
	if (m->six)
		m->six->servers = m->servers;
	return true;
}

static bool shows(const struct dns_query *query)
{
	return query->end == DNS_ANSWERED && (query->rcode == DNS_NOERROR || query->rcode == DNS_NXDOMAIN);
}

struct dns_query *dns_matrix_ask_alive(const struct dns_matrix *m, bool always)
{
	size_t n = m->servers.n - m->n_authoritative;
	struct dns_query *alive = xcalloc(n + 1, sizeof *alive);
	for (size_t name = 0; name < m->n_names; name++)
		always = always || !m->names[name].all_new_ms;
	for (size_t i = 0; always && i < n; i++)
		dns_query_set(&alive[i], m->servers.list[m->n_authoritative + i].address, m->zone, DNS_NS,
			      true);
	if (always)
		dns_ask_all(alive, n, DNS_WAIT_MS);
	return alive;
}

bool dns_matrix_is_dead(const struct dns_query *alive)
{
	return alive->end != DNS_UNASKED && !shows(alive);
}

void dns_matrix_judge_alive(const struct dns_query *query, const struct dns_query *alive,
			    struct dns_seen *seen)
{
	bool dead = dns_matrix_is_dead(alive);
	if (!dead && (query->recurse || shows(query) || alive->end == DNS_UNASKED))
		return;
	*seen = (struct dns_seen){
	    .ttl_s = -1, .at_ms = alive->at_ms, .rtt_ms = alive->end == DNS_ANSWERED ? alive->rtt_ms : -1};
	text_copy(seen->why, sizeof seen->why, alive->why);
	if (alive->end != DNS_ANSWERED)
		seen->state = DNS_CELL_SILENT;
	else if (alive->rcode == DNS_REFUSED)
		seen->state = DNS_CELL_REFUSED;
	else if (!shows(alive))
		seen->state = DNS_CELL_FAIL;
	else
		seen->state = DNS_CELL_ALIVE;
	if (seen->state == DNS_CELL_ALIVE)
		text_copy(seen->why, sizeof seen->why,
			  "answers, but does not show what it holds; it is asked for the name itself after "
			  "the change");
}

void dns_matrix_ask_sites(struct dns_matrix *m)
{
	struct dns_query *asked = xcalloc(m->servers.n + 1, sizeof *asked);
	size_t used = 0, who[DNS_SERVERS_MAX];
	for (size_t i = m->n_authoritative; i < m->servers.n; i++) {
		if (*m->site[i] || m->site_asked[i] || m->seen[i][0].rtt_ms < 0)
			continue;
		m->site_asked[i] = true;
		dns_query_set(&asked[used], m->servers.list[i].address, "id.server", DNS_TXT, true);
		asked[used].chaos = true;
		who[used++] = i;
	}
	dns_ask_all(asked, used, DNS_WAIT_MS);
	for (size_t i = 0; i < used; i++)
		if (asked[i].end == DNS_ANSWERED && dns_value(&asked[i], DNS_TXT))
			text_copy(m->site[who[i]], sizeof m->site[0], dns_value(&asked[i], DNS_TXT));
	free(asked);
}
