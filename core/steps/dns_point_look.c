/* Looks of dns-point: see dns_point_look.h. */
#include "core/steps/dns_point_look.h"
#include "core/base/text.h"
#include "core/links/dns_host.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void refuse(struct point *point, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void refuse(struct point *point, const char *fmt, ...)
{
	va_list ap;
	if (*point->refused)
		return;
	va_start(ap, fmt);
	vsnprintf(point->refused, sizeof point->refused, fmt, ap);
	va_end(ap);
}

bool point_same(const struct point_target *target, const struct json *record)
{
	return dns_same(json_str(record, "content", ""), target->want) &&
	       text_equal(json_str(record, "type", ""), target->type) &&
	       json_int(record, "ttl", 0) == target->want_ttl_s &&
	       json_bool(record, "proxied", false) == target->want_proxied;
}

static bool is_address_type(const char *type)
{
	return text_equal(type, "A") || text_equal(type, "AAAA");
}

/* The same kind of record, so that it is one change in place: no moment without an answer. */
static void wish_new(struct point *point, struct point_target *t)
{
	const char *new_name = job_config_str(point->job, "dns.new_name", "");
	if (text_equal(t->type, "CNAME")) {
		dns_name_clean(t->want, sizeof t->want, new_name);
		if (dns_same(t->want, t->name))
			refuse(point,
			       "dns.new_name is %s itself, which cannot lead to itself; give the new host a "
			       "name of its own",
			       t->name);
		return;
	}
	struct dns_query *query = xcalloc(1, sizeof *query);
	int type = text_equal(t->type, "A") ? DNS_A : DNS_AAAA;
	if (dns_recurse(point->job, query, new_name, type) && dns_value(query, type))
		text_copy(t->want, sizeof t->want, dns_value(query, type));
	else
		refuse(point,
		       "%s is an %s record, and %s has no %s to put there; changing the type would mean "
		       "delete and create, with a gap in "
		       "between: give %s that record, or remove the %s by hand well before the night",
		       t->name, t->type, new_name, t->type, new_name, t->type);
	free(query);
}

static void wish_old(struct point *point, struct point_target *t)
{
	const struct json *before = json_get(job_fact(point->job, "dns-before", t->key), "record");
	if (!before) {
		/* Never touched tonight: it already is what it was, unless somebody else has pointed it to
		 * NEW. */
		text_copy(t->want, sizeof t->want, t->now);
		if (dns_same(t->now, job_config_str(point->job, "dns.new_name", "")))
			refuse(point,
			       "%s points to the new host, but not by this night, so nobody recorded what it "
			       "was before; set it by hand "
			       "and mark the step as done",
			       t->name);
		return;
	}
	text_copy(t->want, sizeof t->want, json_str(before, "content", ""));
	t->want_ttl_s = json_int(before, "ttl", t->ttl_s);
	t->want_proxied = json_bool(before, "proxied", t->proxied);
	if (!text_equal(json_str(before, "type", ""), t->type))
		refuse(point,
		       "%s was a %s record and is an %s now, which somebody else must have made; set it back "
		       "by hand",
		       t->name, json_str(before, "type", "?"), t->type);
}

static void take_record(struct point *point, const char *name, const struct json *record)
{
	struct point_target *t = &point->targets[point->n];
	if (point->n >= POINT_TARGETS_MAX)
		return;
	*t = (struct point_target){.record = record,
				   .ttl_s = json_int(record, "ttl", 0),
				   .proxied = json_bool(record, "proxied", false)};
	text_copy(t->name, sizeof t->name, name);
	text_copy(t->id, sizeof t->id, json_str(record, "id", ""));
	text_copy(t->type, sizeof t->type, json_str(record, "type", ""));
	text_copy(t->now, sizeof t->now, json_str(record, "content", ""));
	text_copyf(t->key, sizeof t->key, "%s%s", name, text_equal(t->type, "AAAA") ? " AAAA" : "");
	t->want_ttl_s = t->ttl_s;
	t->want_proxied = t->proxied;
	for (size_t i = 0; i < point->n; i++)
		if (text_equal(point->targets[i].key, t->key))
			refuse(point,
			       "%s has more than one %s record; which of them is the old host cannot be "
			       "known, so leave one of them and plan "
			       "again",
			       name, t->type);
	point->n++;
	if (t->proxied)
		refuse(point,
		       "%s goes through Cloudflare's proxy, so DNS never shows where it leads and no proof "
		       "is possible; set it to DNS "
		       "only well before the night, or change it by hand and mark the step as done",
		       name);
	point->back ? wish_old(point, t) : wish_new(point, t);
	t->same = point_same(t, record);
}

static int look_name(struct point *point, const char *name, struct err *err)
{
	struct json *answer = cloudflare_records(point->cloudflare, &point->zone, name, err);
	size_t before = point->n;
	if (!answer)
		return -1;
	point->answers[point->n_answers++] = answer;
	for (const struct json *x = json_first(json_get(answer, "result")); x; x = json_next(x)) {
		const char *type = json_str(x, "type", "");
		if (!dns_same(json_str(x, "name", ""), name))
			continue;
		if (text_equal(type, "CNAME") || is_address_type(type))
			take_record(point, name, x);
		else if (text_equal(type, "HTTPS") || text_equal(type, "SVCB"))
			text_copyf(
			    point->extra, sizeof point->extra,
			    "%s also has an %s record, which browsers follow first; it is not changed here.",
			    name, type);
	}
	if (point->n == before)
		refuse(point,
		       "%s has no record in the zone %s; make it first, with the old host as its value", name,
		       point->zone.name);
	return 0;
}

int point_look(struct job *job, bool back, enum cloudflare_manner manner, struct point *out, struct err *err)
{
	const char *provider = job_config_str(job, "dns.provider", ""),
		   *zone = job_config_str(job, "dns.zone", "");
	const struct json *names = json_path(job_config(job), "dns.names");
	*out = (struct point){.job = job, .back = back};
	if (!text_equal(provider, "cloudflare"))
		return err_set(err, ERR_REFUSED,
			       "dns-point changes records only at Cloudflare, and dns.provider is \"%s\"; "
			       "change the records by hand and mark "
			       "the step as done",
			       provider);
	if (!json_count(names) || !*job_config_str(job, "dns.new_name", ""))
		return err_set(err, ERR_CONFIG,
			       "dns-point needs dns.names, and dns.new_name: a name that leads to the new "
			       "host; add them to nightferry.yml");
	out->cloudflare = cloudflare_open(job, manner, err);
	if (!out->cloudflare)
		return -1;
	if (cloudflare_zone(out->cloudflare, *zone ? zone : json_text(json_first(names)), &out->zone, err) <
	    0)
		return -1;
	for (const struct json *x = json_first(names); x && out->n_answers < DNS_NAMES_MAX;
	     x = json_next(x)) {
		char name[DNS_NAME_MAX];
		dns_name_clean(name, sizeof name, json_text(x) ? json_text(x) : "");
		if (look_name(out, name, err) < 0)
			return -1;
	}
	return 0;
}

void point_done(struct point *point)
{
	for (size_t i = 0; i < point->n_answers; i++)
		json_free(point->answers[i]);
	cloudflare_close(point->cloudflare);
	*point = (struct point){0};
}

size_t point_left(const struct point *point)
{
	size_t left = 0;
	for (size_t i = 0; i < point->n; i++)
		left += !point->targets[i].same;
	return left;
}

void point_names(const struct point *point, bool same, char *out, size_t size)
{
	struct buf text = {0};
	for (size_t i = 0; i < point->n; i++)
		if (point->targets[i].same == same)
			buf_addf(&text, "%s%s", text.len ? ", " : "", point->targets[i].key);
	text_copy(out, size, text.len ? buf_text(&text) : "none");
	buf_done(&text);
}

/* A zone that nobody asks can be changed as often as one likes. */
bool point_see_delegation(struct point *point, struct evidence *ev, struct err *err)
{
	struct dns_hosts live;
	char from[80], list[200];
	if (dns_find_delegation(point->job, point->zone.name, &live, from, sizeof from, err) < 0)
		return false;
	bool equal = live.n == point->zone.n_name_servers;
	for (size_t i = 0; i < point->zone.n_name_servers; i++)
		equal = equal && dns_hosts_has(&live, point->zone.name_servers[i]);
	dns_hosts_text(&live, list, sizeof list);
	evidence_add(ev, equal ? VERDICT_PASS : VERDICT_FAIL, "delegation", list,
		     "%s is served by %s, %s Cloudflare.", point->zone.name, list,
		     equal ? "as it is at" : "which are not those of this zone at");
	if (!equal)
		refuse(point,
		       "the world asks %s for %s, and the zone at Cloudflare is on other name servers; a "
		       "change there would be seen by nobody: "
		       "look which provider serves the zone",
		       list, point->zone.name);
	return equal;
}

/* One server's answer against the host. */
static bool see_one(struct point *point, const struct dns_server *server, const struct dns_addresses *host,
		    struct dns_query *query, char *bad, size_t size)
{
	const char *new_name = job_config_str(point->job, "dns.new_name", "");
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

bool point_see_new_name(struct point *point, struct evidence *ev, struct err *err)
{
	const char *new_name = job_config_str(point->job, "dns.new_name", "");
	struct dns_addresses host;
	struct dns_servers *servers = xcalloc(1, sizeof *servers);
	struct dns_query *query = xcalloc(1, sizeof *query);
	char bad[200] = "";
	size_t right = 0;
	int rc = dns_new_host(point->job, &host, err);
	if (rc == 0)
		rc = dns_find_authoritative(point->job, point->zone.name, servers, err);
	for (size_t i = 0; rc == 0 && i < servers->n; i++)
		right += see_one(point, &servers->list[i], &host, query, bad, sizeof bad);
	bool good = rc == 0 && servers->n && right == servers->n;
	if (rc == 0) {
		evidence_add(
		    ev, good ? VERDICT_PASS : VERDICT_FAIL, "new name", good ? host.list[0] : "wrong",
		    good ? "%s is %s at all %zu name servers." : "%s is not %s at %zu name servers: %s.",
		    new_name, host.list[0], good ? servers->n : servers->n - right, bad);
		if (!good)
			refuse(point,
			       "%s does not lead to the new host %s: %s; mend that record first, then plan "
			       "again",
			       new_name, host.list[0], bad);
	}
	free(query);
	free(servers);
	return good;
}

void point_see_records(const struct point *point, struct evidence *ev)
{
	int64_t most_s = 0;
	for (size_t i = 0; i < point->n; i++) {
		const struct point_target *t = &point->targets[i];
		int64_t ttl_s = t->ttl_s == 1 ? 300 : t->ttl_s;
		most_s = ttl_s > most_s ? ttl_s : most_s;
		evidence_add(ev, VERDICT_PASS, "record", t->now, "%s %s is %s, TTL %lld s.", t->name, t->type,
			     t->now, (long long)ttl_s);
	}
	if (most_s > 300)
		evidence_add(
		    ev, VERDICT_WARN, "ttl", "long",
		    "A TTL of %lld s means that visitors follow that slowly, and so does a way back.",
		    (long long)most_s);
	if (*point->extra)
		evidence_add(ev, VERDICT_WARN, "https", point->extra, "%s", point->extra);
}
