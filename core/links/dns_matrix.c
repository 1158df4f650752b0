/* Rounds of questions over all names and servers: see dns_matrix.h. */
#include "core/links/dns_matrix.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/dns_edge.h"
#include "core/links/dns_matrix_inner.h"
#include "core/links/dns_provider.h"
#include <stdlib.h>

static void take_addresses(struct dns_addresses *set, const struct dns_query *query)
{
	for (size_t i = 0; i < query->n; i++)
		if (!query->records[i].authority && query->records[i].type == query->type)
			dns_addresses_add(set, query->records[i].value);
}

/* What was recorded before tonight's change is the old value, whatever is answered now. A name of addresses
 * has a record for each family. */
static void take_facts(struct dns_matrix *m, struct dns_want *want)
{
	char key[DNS_NAME_MAX + 8];
	text_copyf(key, sizeof key, "%s AAAA", want->name);
	bool own = m->type == DNS_AAAA && job_fact(m->job, "dns-before", key);
	const char *used = own ? key : want->name;
	const struct json *record = json_get(job_fact(m->job, "dns-before", used), "record");
	const struct json *pointed = job_fact(m->job, "dns-pointed", used);
	struct dns_rrset before;
	dns_rrset_read(record, &before);
	if (text_equal(before.type, "CNAME"))
		dns_name_clean(want->old_target, sizeof want->old_target, before.values[0]);
	for (size_t i = 0; i < before.n && text_equal(before.type, dns_type_name(m->type)); i++)
		dns_addresses_add(&want->old_set, before.values[i]);
	if (record)
		want->full_ttl_s = before.lives_s;
	/* What dns-ttl has found: all servers had the short TTL then, and who had asked just before may keep
	 * the answer for the whole long one. */
	m->flip[m->n_names].safe_from_ms = json_int(job_fact(m->job, "dns-ttl-safe", ""), "safe_from_ms", 0);
	if (pointed && text_equal(json_str(pointed, "to", ""), "new"))
		want->first_new_ms = json_int(pointed, "at_ms", 0);
}

/* Before the change: what the servers of the zone say now is the old value. */
static void take_old(struct dns_matrix *m, size_t name, const struct dns_query *query)
{
	struct dns_want *want = &m->names[name];
	const char *target = dns_value(query, DNS_CNAME);
	if (query->end != DNS_ANSWERED || query->rcode != DNS_NOERROR || !query->aa ||
	    want->first_new_ms > 0 || *want->old_target ||
	    dns_addresses_any(&want->old_set, m->type == DNS_AAAA) ||
	    dns_cell_plain(want, query, true) == DNS_CELL_NEW)
		return;
	if (target)
		text_copy(want->old_target, sizeof want->old_target, target);
	else
		take_addresses(&want->old_set, query);
}

static void ask_new_name(struct dns_matrix *m)
{
	struct dns_query *query = xcalloc(1, sizeof *query);
	struct dns_addresses set = {0};
	bool good = false, told = false;
	for (size_t i = 0; i < m->n_authoritative && *m->new_name && !good; i++) {
		good = dns_ask(query, m->servers.list[i].address, m->new_name, m->type, false, DNS_WAIT_MS) &&
		       query->aa;
		told = told || (query->end == DNS_ANSWERED && query->aa);
	}
	/* A cache that is asked for a name that is not there yet would remember that for long. */
	if (*m->new_name && (good || (!told && dns_recurse(m->job, query, m->new_name, m->type))))
		take_addresses(&set, query);
	for (size_t i = 0; i < m->n_names; i++)
		m->names[i].new_set = set;
	free(query);
}

/* An IPv6 address that is taken away with the change leads nobody to the old side any more. */
static bool is_gone(const struct dns_matrix *m, size_t name, enum dns_state state)
{
	return state == DNS_CELL_NONE && m->four && m->four->names[name].first_new_ms > 0;
}

/* How the zone's own servers stand to one name decides what every cache's answer means. */
static void judge_zone(struct dns_matrix *m, size_t name, const struct dns_query *queries)
{
	struct dns_want *want = &m->names[name];
	size_t n_new = 0, n_told = 0, n_old = 0;
	int64_t now_ms = clock_wall_ms();
	for (size_t i = 0; i < m->n_authoritative; i++) {
		const struct dns_query *query = &queries[i * m->n_names + name];
		take_old(m, name, query);
		enum dns_state state = dns_cell_plain(want, query, true);
		n_told += state != DNS_CELL_SILENT && state != DNS_CELL_REFUSED;
		n_new += state == DNS_CELL_NEW || is_gone(m, name, state);
		n_old += state == DNS_CELL_OLD;
		if (state != DNS_CELL_OLD || dns_ttl(query) < 0)
			continue;
		int64_t ttl = dns_ttl(query), before = m->flip[name].ttl_s;
		/* A shortened TTL helps only when the answers given out with the longer one are gone. */
		if (before > ttl && now_ms + before * 1000 > m->flip[name].safe_from_ms)
			m->flip[name].safe_from_ms = now_ms + before * 1000;
		m->flip[name].ttl_s = ttl;
		want->full_ttl_s = ttl;
	}
	if (n_new && !want->first_new_ms)
		want->first_new_ms = now_ms;
	if (n_new && n_new == n_told && !want->all_new_ms)
		want->all_new_ms = now_ms;
	if (n_new < n_told)
		want->all_new_ms = 0;
	/* The way back: caches start over. */
	if (n_told && !n_new && n_old == n_told && want->first_new_ms > 0) {
		want->first_new_ms = 0;
		for (size_t i = 0; i < m->servers.n; i++)
			m->memory[i][name] = (struct dns_memory){0};
	}
}

static void take_sites(struct dns_matrix *m, size_t first, size_t end, const struct dns_query *queries)
{
	for (size_t i = first; i < end; i++)
		for (size_t name = 0; name < m->n_names; name++)
			if (*queries[(i - first) * m->n_names + name].nsid)
				text_copy(m->site[i], sizeof m->site[i],
					  queries[(i - first) * m->n_names + name].nsid);
}

/* One question for each server and name. With `wanted`, only for the names that it says; with `alive`, only
 * to the servers that are. The others' stay without a server. */
static struct dns_query *ask(struct dns_matrix *m, size_t first, size_t end,
			     bool (*wanted)(const struct dns_matrix *, size_t name),
			     const struct dns_query *alive)
{
	size_t n = (end - first) * m->n_names;
	struct dns_query *queries = xcalloc(n + 1, sizeof *queries);
	for (size_t i = first; i < end; i++)
		for (size_t name = 0; name < m->n_names; name++) {
			bool cache = !m->servers.list[i].authoritative;
			/* While one of the zone's servers lags, a question could still be answered by that
			 * one. */
			bool moved = m->names[name].all_new_ms > 0;
			bool skip =
			    (wanted && !wanted(m, name)) || (alive && dns_matrix_is_dead(&alive[i - first]));
			dns_query_set(&queries[(i - first) * m->n_names + name],
				      skip ? "" : m->servers.list[i].address, m->names[name].name, m->type,
				      cache && moved);
		}
	dns_ask_all(queries, n, DNS_WAIT_MS);
	take_sites(m, first, end, queries);
	return queries;
}

static void ask_zone(struct dns_matrix *m)
{
	struct dns_query *queries = ask(m, 0, m->n_authoritative, NULL, NULL);
	for (size_t name = 0; name < m->n_names; name++)
		judge_zone(m, name, queries);
	for (size_t i = 0; i < m->n_authoritative; i++)
		for (size_t name = 0; name < m->n_names; name++)
			dns_cell_judge(&m->names[name], &m->memory[i][name], &queries[i * m->n_names + name],
				       true, &m->seen[i][name]);
	free(queries);
}

void dns_matrix_ask_authoritative(struct dns_matrix *m)
{
	ask_zone(m);
	if (m->six)
		ask_zone(m->six);
}

/* The old target's addresses of this moment: some providers answer addresses instead of a CNAME, and Heroku's
 * change all the time. */
static void learn_old_addresses(struct dns_matrix *m, const struct dns_query *queries, size_t n)
{
	for (size_t q = 0; q < n; q++) {
		struct dns_want *want = &m->names[q % m->n_names];
		const char *target = dns_value(&queries[q], DNS_CNAME);
		if (target && *want->old_target && dns_same(target, want->old_target))
			take_addresses(&want->old_set, &queries[q]);
	}
	struct dns_query *query = xcalloc(1, sizeof *query);
	for (size_t name = 0; name < m->n_names; name++) {
		struct dns_want *want = &m->names[name];
		/* A name of addresses has its own, and nothing to be looked up. */
		if (!*want->old_target)
			continue;
		if (name && text_equal(want->old_target, m->names[name - 1].old_target))
			want->old_set = m->names[name - 1].old_set;
		else if (dns_recurse(m->job, query, want->old_target, m->type))
			take_addresses(&want->old_set, query);
	}
	free(query);
}

static void judge_safety(struct dns_matrix *m, size_t name, const struct dns_seen *seen)
{
	/* The largest rest of life in any cache proves more than what we remember of the record. */
	if (seen->state == DNS_CELL_OLD && m->flip[name].ttl_s >= 0 &&
	    seen->ttl_s > m->flip[name].ttl_s + 1 && seen->expires_ms > m->flip[name].safe_from_ms)
		m->flip[name].safe_from_ms = seen->expires_ms;
	else if (!m->flip[name].safe_from_ms && (seen->state == DNS_CELL_OLD || seen->state == DNS_CELL_COLD))
		m->flip[name].safe_from_ms = seen->at_ms;
}

static void judge_caches(struct dns_matrix *m, const struct dns_query *queries, const struct dns_query *alive)
{
	for (size_t i = m->n_authoritative; i < m->servers.n; i++)
		for (size_t name = 0; name < m->n_names; name++) {
			const struct dns_query *query =
			    &queries[(i - m->n_authoritative) * m->n_names + name];
			struct dns_seen *seen = &m->seen[i][name];
			if (m->four && query->end == DNS_NO_SERVER) {
				*seen = (struct dns_seen){0};
				continue;
			}
			dns_cell_judge(&m->names[name], &m->memory[i][name], query, false, seen);
			dns_matrix_judge_alive(query, &alive[i - m->n_authoritative], seen);
			judge_safety(m, name, seen);
		}
}

static void ask_six(struct dns_matrix *m, const struct dns_query *alive)
{
	size_t named = 0;
	learn_old_addresses(m, NULL, 0);
	for (size_t name = 0; name < m->n_names; name++)
		named += dns_matrix_six_named(m, name);
	if (!named)
		return;
	struct dns_query *queries = ask(m, m->n_authoritative, m->servers.n, dns_matrix_six_named, alive);
	judge_caches(m, queries, alive);
	free(queries);
}

void dns_matrix_ask_caches(struct dns_matrix *m)
{
	bool first = !m->looked;
	m->looked = true;
	if (first)
		dns_matrix_find_way(m);
	struct dns_query *alive = dns_matrix_ask_alive(m, first);
	if (first && dns_matrix_another_way(m, alive)) {
		free(alive);
		alive = dns_matrix_ask_alive(m, first);
	}
	struct dns_query *queries = ask(m, m->n_authoritative, m->servers.n, NULL, alive);
	learn_old_addresses(m, queries, (m->servers.n - m->n_authoritative) * m->n_names);
	judge_caches(m, queries, alive);
	free(queries);
	dns_matrix_ask_sites(m);
	if (m->six)
		ask_six(m->six, alive);
	free(alive);
}

/* Another one for the IPv6 addresses of the same names at the same servers. */
static struct dns_matrix *open_six(const struct dns_matrix *four)
{
	struct dns_matrix *m = xcalloc(1, sizeof *m);
	m->job = four->job;
	m->four = four;
	m->type = DNS_AAAA;
	m->servers = four->servers;
	m->n_authoritative = four->n_authoritative;
	text_copy(m->zone, sizeof m->zone, four->zone);
	text_copy(m->new_name, sizeof m->new_name, four->new_name);
	for (size_t i = 0; i < four->n_names; i++) {
		struct dns_want *want = &m->names[i];
		text_copy(want->name, sizeof want->name, four->names[i].name);
		text_copy(want->new_target, sizeof want->new_target, m->new_name);
		want->full_ttl_s = -1;
		m->flip[i].ttl_s = -1;
		take_facts(m, want);
		m->n_names++;
	}
	ask_new_name(m);
	return m;
}

struct dns_matrix *dns_matrix_open(struct job *job, struct err *err)
{
	struct dns_matrix *m = xcalloc(1, sizeof *m);
	m->job = job;
	m->type = DNS_A;
	dns_name_clean(m->new_name, sizeof m->new_name, job_config_str(job, "dns.new_name", ""));
	for (const struct json *x = json_first(json_path(job_config(job), "dns.names")); x;
	     x = json_next(x)) {
		if (m->n_names >= DNS_NAMES_MAX || !json_text(x))
			break;
		/* What a proxy answers is the same before and after. */
		if (dns_edge_has(job, json_text(x)))
			continue;
		struct dns_want *want = &m->names[m->n_names];
		dns_name_clean(want->name, sizeof want->name, json_text(x));
		text_copy(want->new_target, sizeof want->new_target, m->new_name);
		want->full_ttl_s = -1;
		m->flip[m->n_names].ttl_s = -1;
		take_facts(m, want);
		m->n_names++;
	}
	if (!m->n_names && !dns_edge_name(job, 0)) {
		err_set(err, ERR_CONFIG,
			"dns: dns.names in nightferry.yml is empty, so there is no name to look at; add the "
			"app's names");
		dns_matrix_close(m);
		return NULL;
	}
	if (json_count(json_path(job_config(job), "dns.names")) > DNS_NAMES_MAX) {
		err_set(err, ERR_CONFIG,
			"dns: dns.names holds more than %d names, which is more than can be watched at once; "
			"move them in several nights",
			DNS_NAMES_MAX);
		dns_matrix_close(m);
		return NULL;
	}
	if (dns_find_zone(job, m->zone, sizeof m->zone, err) < 0 ||
	    dns_find_authoritative(job, m->zone, &m->servers, err) < 0) {
		dns_matrix_close(m);
		return NULL;
	}
	m->n_authoritative = m->servers.n;
	dns_find_caches(job, &m->servers);
	ask_new_name(m);
	m->six = open_six(m);
	dns_matrix_ask_authoritative(m);
	return m;
}

void dns_matrix_close(struct dns_matrix *matrix)
{
	if (matrix)
		free(matrix->six);
	free(matrix);
}
