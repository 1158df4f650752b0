/* Rounds of questions over all names and servers: see dns_matrix.h. */
#include "core/links/dns_matrix.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/dns_edge.h"
#include "core/links/dns_provider.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void take_addresses(struct dns_addresses *set, const struct dns_query *query)
{
	for (size_t i = 0; i < query->n; i++)
		if (!query->records[i].authority &&
		    (query->records[i].type == DNS_A || query->records[i].type == DNS_AAAA))
			dns_addresses_add(set, query->records[i].value);
}

/* What was recorded before tonight's change is the old value, whatever is answered now. */
static void take_facts(struct dns_matrix *m, struct dns_want *want)
{
	const struct json *record = json_get(job_fact(m->job, "dns-before", want->name), "record");
	const struct json *pointed = job_fact(m->job, "dns-pointed", want->name);
	struct dns_rrset before;
	dns_rrset_read(record, &before);
	if (text_equal(before.type, "CNAME"))
		dns_name_clean(want->old_target, sizeof want->old_target, before.values[0]);
	for (size_t i = 0; i < before.n && !*want->old_target; i++)
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
	    want->first_new_ms > 0 || *want->old_target || want->old_set.n ||
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
	static const int types[] = {DNS_A, DNS_AAAA};
	for (size_t t = 0; t < 2 && *m->new_name; t++) {
		bool good = false, told = false;
		for (size_t i = 0; i < m->n_authoritative && !good; i++) {
			good = dns_ask(query, m->servers.list[i].address, m->new_name, types[t], false,
				       DNS_WAIT_MS) &&
			       query->aa;
			told = told || (query->end == DNS_ANSWERED && query->aa);
		}
		/* A cache that is asked for a name that is not there yet would remember that for long. */
		if (good || (!told && dns_recurse(m->job, query, m->new_name, types[t])))
			take_addresses(&set, query);
	}
	for (size_t i = 0; i < m->n_names; i++)
		m->names[i].new_set = set;
	free(query);
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
		n_new += state == DNS_CELL_NEW;
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

static struct dns_query *ask(struct dns_matrix *m, size_t first, size_t end)
{
	size_t n = (end - first) * m->n_names;
	struct dns_query *queries = xcalloc(n + 1, sizeof *queries);
	for (size_t i = first; i < end; i++)
		for (size_t name = 0; name < m->n_names; name++)
			dns_query_set(&queries[(i - first) * m->n_names + name], m->servers.list[i].address,
				      m->names[name].name, DNS_A, !m->servers.list[i].authoritative);
	dns_ask_all(queries, n, DNS_WAIT_MS);
	return queries;
}

void dns_matrix_ask_authoritative(struct dns_matrix *m)
{
	struct dns_query *queries = ask(m, 0, m->n_authoritative);
	for (size_t name = 0; name < m->n_names; name++)
		judge_zone(m, name, queries);
	for (size_t i = 0; i < m->n_authoritative; i++)
		for (size_t name = 0; name < m->n_names; name++)
			dns_cell_judge(&m->names[name], &m->memory[i][name], &queries[i * m->n_names + name],
				       true, &m->seen[i][name]);
	free(queries);
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
		if (name && text_equal(want->old_target, m->names[name - 1].old_target))
			want->old_set = m->names[name - 1].old_set;
		else if (*want->old_target && dns_recurse(m->job, query, want->old_target, DNS_A))
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
	else if (!m->flip[name].safe_from_ms && seen->state == DNS_CELL_OLD)
		m->flip[name].safe_from_ms = seen->at_ms;
}

void dns_matrix_ask_caches(struct dns_matrix *m)
{
	struct dns_query *queries = ask(m, m->n_authoritative, m->servers.n);
	learn_old_addresses(m, queries, (m->servers.n - m->n_authoritative) * m->n_names);
	for (size_t i = m->n_authoritative; i < m->servers.n; i++)
		for (size_t name = 0; name < m->n_names; name++) {
			dns_cell_judge(&m->names[name], &m->memory[i][name],
				       &queries[(i - m->n_authoritative) * m->n_names + name], false,
				       &m->seen[i][name]);
			judge_safety(m, name, &m->seen[i][name]);
		}
	free(queries);
}

struct dns_matrix *dns_matrix_open(struct job *job, struct err *err)
{
	struct dns_matrix *m = xcalloc(1, sizeof *m);
	m->job = job;
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
	dns_matrix_ask_authoritative(m);
	return m;
}

void dns_matrix_close(struct dns_matrix *matrix)
{
	free(matrix);
}

bool dns_matrix_begun(const struct dns_matrix *matrix)
{
	for (size_t i = 0; i < matrix->n_names; i++)
		if (matrix->names[i].first_new_ms > 0)
			return true;
	return false;
}

bool dns_matrix_everywhere(const struct dns_matrix *matrix)
{
	for (size_t i = 0; i < matrix->n_names; i++)
		if (!matrix->names[i].all_new_ms)
			return false;
	return true;
}

int64_t dns_matrix_old_die_ms(const struct dns_matrix *matrix)
{
	int64_t die_ms = 0;
	for (size_t i = 0; i < matrix->n_names; i++) {
		const struct dns_want *want = &matrix->names[i];
		if (!want->all_new_ms)
			return 0;
		int64_t at_ms = want->all_new_ms + (want->full_ttl_s > 0 ? want->full_ttl_s * 1000 : 0);
		if (at_ms > die_ms)
			die_ms = at_ms;
	}
	return die_ms;
}

int64_t dns_matrix_safe_from_ms(const struct dns_matrix *matrix)
{
	int64_t safe_ms = 0;
	for (size_t i = 0; i < matrix->n_names; i++) {
		if (!matrix->flip[i].safe_from_ms)
			return 0;
		if (matrix->flip[i].safe_from_ms > safe_ms)
			safe_ms = matrix->flip[i].safe_from_ms;
	}
	return safe_ms;
}

static void name_other(struct dns_counts *out, const struct dns_server *server, enum dns_state state)
{
	char item[96], sofar[160];
	snprintf(item, sizeof item, "%.60s %s", server->label, dns_state_name(state));
	if (text_find(out->others, item))
		return;
	text_copy(sofar, sizeof sofar, out->others);
	text_copyf(out->others, sizeof out->others, "%s%s%s", sofar, *sofar ? ", " : "", item);
}

void dns_matrix_count(const struct dns_matrix *m, struct dns_counts *out)
{
	*out = (struct dns_counts){0};
	for (size_t i = 0; i < m->servers.n; i++)
		for (size_t name = 0; name < m->n_names; name++) {
			const struct dns_seen *seen = &m->seen[i][name];
			if (!seen->state)
				continue;
			out->cells++;
			out->old_n += seen->state == DNS_CELL_OLD;
			out->new_n += seen->state == DNS_CELL_NEW;
			out->silent += seen->state == DNS_CELL_SILENT;
			out->lagging += seen->state == DNS_CELL_LAGGING;
			out->waits += dns_state_waits(seen->state);
			if (dns_state_waits(seen->state) && seen->expires_ms > out->dies_ms)
				out->dies_ms = seen->expires_ms;
			if (seen->state != DNS_CELL_OLD && seen->state != DNS_CELL_NEW)
				name_other(out, &m->servers.list[i], seen->state);
		}
}
