/* Hetzner DNS, by their Cloud API. Values, and the TTL, are a call each; both are asynchronous actions.
 *
 * Token: HCLOUD_TOKEN, or the active context of the hcloud program. Tokens of the older DNS console are of
 * another kind and do not work here. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/dns.h"
#include "core/links/dns_rest.h"
#include "core/links/hetzner_login.h"
#include <stdlib.h>
#include <string.h>

static void *hetzner_open(struct job *job, enum dns_manner manner, struct err *err);
static void hetzner_close(void *own);
static int hetzner_zone(void *own, const char *name, struct dns_zone *out, struct err *err);
static int hetzner_look(void *own, const struct dns_zone *zone, const char *name, struct dns_rrsets *out,
			struct err *err);
static int hetzner_change(void *own, const struct dns_zone *zone, const struct dns_change *changes, size_t n,
			  struct err *err);
static int hetzner_gather(void *own, const struct dns_zone *zone, size_t names, struct err *err);
static bool hetzner_lost(const void *own);
static int64_t hetzner_left(const void *own);

extern const struct dns_provider hetzner_provider;
const struct dns_provider hetzner_provider = {
    .name = "hetzner",
    .title = "Hetzner",
    .call = "set_records",
    .open = hetzner_open,
    .close = hetzner_close,
    .zone = hetzner_zone,
    .look = hetzner_look,
    .gather = hetzner_gather,
    .change = hetzner_change,
    .lost = hetzner_lost,
    .left = hetzner_left,
};

enum { ACTION_MS = 500, ACTION_MOST_MS = 120000, TRIES = 4 };

static int judge(struct dns_rest *rest, const struct http_request *request, const struct http_reply *reply,
		 const struct json *answer, struct err *err)
{
	char words[300];
	const struct json *error = json_get(answer, "error");
	const char *code = json_str(error, "code", ""),
		   *message = json_str(error, "message", "no reason given");
	(void)rest;
	if (reply->status / 100 == 2 && json_is_object(answer))
		return 0;
	text_clean(words, sizeof words, message, strlen(message));
	if (text_equal(code, "token_readonly"))
		return err_set(err, ERR_AUTH,
			       "hetzner: this token may only read; nothing was changed, make one with Read & "
			       "Write and put it into HCLOUD_TOKEN");
	if (reply->status == 401 || reply->status == 403)
		return err_set(err, ERR_AUTH,
			       "hetzner: the token is not accepted (HTTP %d, %s: %s); nothing was changed by "
			       "this request. It has to be one of the Cloud console, not of the older DNS "
			       "console",
			       reply->status, code, words);
	if (text_equal(code, "incorrect_zone_mode"))
		return err_set(err, ERR_REFUSED,
			       "hetzner: this zone is a secondary there, so its records are changed at its "
			       "primary; nothing was changed");
	if (text_equal(code, "protected"))
		return err_set(
		    err, ERR_REFUSED,
		    "hetzner: the records are protected against changes; nothing was changed, take "
		    "the protection off in their console");
	if (reply->status >= 500)
		return err_set(err, ERR_NET,
			       "hetzner: %s failed on their side (HTTP %d, %s); try again in a minute",
			       request->method ? request->method : "GET", reply->status, words);
	if (!answer)
		return err_set(err, ERR_NET,
			       "hetzner: HTTP %d with an answer that is no JSON; look at dns.api",
			       reply->status);
	return err_set(err, ERR_REFUSED,
		       "hetzner: the request was refused, nothing was changed (HTTP %d, %s: %s)",
		       reply->status, code, words);
}

static int64_t head_number(const struct http_reply *reply, const char *name)
{
	char head[40];
	return http_head(reply, name, head, sizeof head) ? units_parse_int(head, -1) : -1;
}

/* RateLimit-Reset is the second at which the allowance is whole again; one request comes back long before. */
static int64_t held_s(const struct http_reply *reply)
{
	int64_t after = head_number(reply, "retry-after"), reset = head_number(reply, "ratelimit-reset");
	int64_t most = reset > 0 ? reset - clock_wall_ms() / 1000 : 1;
	return after > 0 ? after : most > 2 ? 2 : 1;
}

static int64_t left_of(const struct http_reply *reply)
{
	return head_number(reply, "ratelimit-remaining");
}

static void *hetzner_open(struct job *job, enum dns_manner manner, struct err *err)
{
	struct dns_rest *rest = xcalloc(1, sizeof *rest);
	char found[200] = "";
	const char *token = job_secret(job, "HCLOUD_TOKEN");
	if (!token && hetzner_token_find(job, found, sizeof found))
		token = found;
	*rest = (struct dns_rest){.title = "hetzner", .judge = judge, .held_s = held_s, .left_of = left_of};
	int rc = dns_rest_open(rest, job, manner, "https://api.hetzner.cloud/v1", token,
			       "HCLOUD_TOKEN, and no active context of the hcloud program; make a token with "
			       "Read & Write in the Cloud console and start nightferry with it in the "
			       "environment",
			       err);
	explicit_bzero(found, sizeof found);
	if (rc == 0)
		return rest;
	free(rest);
	return NULL;
}

static void hetzner_close(void *own)
{
	dns_rest_done(own);
	free(own);
}

static bool hetzner_lost(const void *own)
{
	const struct dns_rest *rest = own;
	return rest->lost;
}

static int64_t hetzner_left(const void *own)
{
	const struct dns_rest *rest = own;
	return rest->left;
}

static void take_zone(const struct json *zone, struct dns_zone *out)
{
	const struct json *servers = json_path(zone, "authoritative_nameservers.assigned");
	*out = (struct dns_zone){.ttl_s = json_int(zone, "ttl", 3600)};
	text_copyf(out->id, sizeof out->id, "%lld", (long long)json_int(zone, "id", 0));
	dns_name_clean(out->name, sizeof out->name, json_str(zone, "name", ""));
	/* "ok" there is "active" elsewhere. */
	text_copy(out->status, sizeof out->status,
		  text_equal(json_str(zone, "status", ""), "ok") ? "active" : json_str(zone, "status", ""));
	for (const struct json *x = json_first(servers); x && out->n_name_servers < 8; x = json_next(x))
		if (json_text(x))
			dns_name_clean(out->name_servers[out->n_name_servers++], sizeof out->name_servers[0],
				       json_text(x));
}

static int hetzner_zone(void *own, const char *name, struct dns_zone *out, struct err *err)
{
	for (const char *at = name; at && strchr(at, '.'); at = strchr(at, '.') + 1) {
		char *path = xasprintf("/zones?name=%s", at);
		struct json *answer = dns_rest_call(own, NULL, path, NULL, err);
		free(path);
		if (!answer)
			return -1;
		const struct json *zone = json_first(json_get(answer, "zones"));
		/* Asked for by name, and looked at all the same: another zone would be changed. */
		while (zone && !dns_same(json_str(zone, "name", ""), at))
			zone = json_next(zone);
		bool secondary = text_equal(json_str(zone, "mode", ""), "secondary");
		if (zone)
			take_zone(zone, out);
		json_free(answer);
		if (secondary)
			return err_set(
			    err, ERR_REFUSED,
			    "hetzner: the zone %s is a secondary there, so its records are changed "
			    "at its primary",
			    at);
		if (*out->name)
			return 0;
	}
	return err_set(err, ERR_AUTH,
		       "hetzner: the project of this token has no zone for %s; check which project the zone "
		       "is in",
		       name);
}

/* "www" in the zone acme.com, "@" for the zone itself. */
static void label_of(const struct dns_zone *zone, const char *name, char *out, size_t size)
{
	size_t len = strlen(name), tail = strlen(zone->name);
	if (dns_same(name, zone->name))
		text_copy(out, size, "@");
	else
		text_copyf(out, size, "%.*s", (int)(len > tail ? len - tail - 1 : len), name);
}

static void take_set(const struct dns_zone *zone, const char *name, const struct json *x,
		     struct dns_rrset *out)
{
	*out = (struct dns_rrset){.weight = -1, .ttl_s = json_int(x, "ttl", 0), .raw = x};
	out->lives_s = out->ttl_s ? out->ttl_s : zone->ttl_s;
	text_copy(out->id, sizeof out->id, json_str(x, "id", ""));
	text_copy(out->name, sizeof out->name, name);
	text_copy(out->type, sizeof out->type, json_str(x, "type", ""));
	bool host = text_equal(out->type, "CNAME") || text_equal(out->type, "NS");
	for (const struct json *v = json_first(json_get(x, "records")); v; v = json_next(v)) {
		const char *value = json_str(v, "value", "");
		char full[600];
		/* Without a final dot it is relative to the zone. */
		bool relative = host && *value && value[strlen(value) - 1] != '.';
		text_copyf(full, sizeof full, "%s%s%s", value, relative ? "." : "",
			   relative ? zone->name : "");
		if (!dns_rrset_add(out, full))
			text_copy(out->strange, sizeof out->strange, "a set of more than eight values");
	}
	if (json_bool(json_get(x, "protection"), "change", false))
		text_copy(out->strange, sizeof out->strange, "protected against changes at Hetzner");
}

static int64_t last_of(const struct json *answer)
{
	return json_int(json_path(answer, "meta.pagination"), "last_page", 1);
}

static void count_of(const struct json *answer, int64_t *here, int64_t *all)
{
	*here = (int64_t)json_count(json_get(answer, "rrsets"));
	*all = json_int(json_path(answer, "meta.pagination"), "total_entries", *here);
}

/* Those of one list that belong to the name. False: there is no room for more. */
static bool take_sets(const struct json *answer, const struct dns_zone *zone, const char *name,
		      struct dns_rrsets *out)
{
	char label[DNS_NAME_MAX];
	label_of(zone, name, label, sizeof label);
	for (const struct json *x = json_first(json_get(answer, "rrsets")); x; x = json_next(x)) {
		if (!text_equal(json_str(x, "name", ""), label))
			continue;
		if (out->n == DNS_RRSETS_MAX)
			return false;
		take_set(zone, name, x, &out->list[out->n++]);
	}
	return true;
}

static int hetzner_look(void *own, const struct dns_zone *zone, const char *name, struct dns_rrsets *out,
			struct err *err)
{
	const struct dns_rest *rest = own;
	char label[DNS_NAME_MAX];
	bool room = true;
	label_of(zone, name, label, sizeof label);
	for (size_t i = 0; rest->gathered && room && i < rest->n_pages; i++)
		room = take_sets(rest->pages[i], zone, name, out);
	if (!rest->gathered) {
		char *path = xasprintf("/zones/%s/rrsets?name=%s&per_page=100", zone->id, label);
		out->answer = dns_rest_call(own, NULL, path, NULL, err);
		free(path);
		if (!out->answer)
			return -1;
		room = take_sets(out->answer, zone, name, out);
	}
	return room ? 0 : dns_rrsets_overflow(out, "hetzner", name, err);
}

static int hetzner_gather(void *own, const struct dns_zone *zone, size_t names, struct err *err)
{
	char path[120];
	text_copyf(path, sizeof path, "/zones/%s/rrsets?per_page=50", zone->id);
	return dns_rest_gather(own, path, names, last_of, count_of, err);
}

/* What was taken is not yet done. -1: it failed, or nobody knows. */
static int wait_action(struct dns_rest *rest, const struct json *answer, struct err *err)
{
	const struct json *action = json_get(answer, "action");
	struct json *newest = NULL;
	char *path = xasprintf("/actions/%lld", (long long)json_int(action, "id", 0));
	int64_t until_ms = clock_life_ms() + ACTION_MOST_MS;
	while (text_equal(json_str(action, "status", ""), "running") && clock_life_ms() < until_ms) {
		struct err unseen = {0};
		job_progress(rest->job, 0, 0, "", "Hetzner has taken the change and works on it");
		/* A cancel does not stop what they do. */
		clock_sleep_ms(ACTION_MS);
		struct json *now = dns_rest_call(rest, NULL, path, NULL, &unseen);
		if (!now)
			continue;
		json_free(newest);
		newest = now;
		action = json_get(newest, "action");
	}
	const char *status = json_str(action, "status", ""),
		   *why = json_str(json_get(action, "error"), "message", "");
	char words[200];
	text_clean(words, sizeof words, why, strlen(why));
	int rc = 0;
	rest->lost = false;
	if (text_equal(status, "error"))
		rc = err_set(err, ERR_REFUSED, "hetzner: they took the change and could not make it: %s (%s)",
			     words, json_str(json_get(action, "error"), "code", ""));
	else if (!text_equal(status, "success")) {
		rest->lost = true;
		rc = err_set(
		    err, ERR_NET,
		    "hetzner: they took the change and have not said for two minutes what became of it");
	}
	json_free(newest);
	free(path);
	return rc;
}

/* "locked" and "conflict" mean that another change is still being made, and nothing was done. */
static int act(struct dns_rest *rest, const char *method, const char *path, const char *body, struct err *err)
{
	struct json *answer = NULL;
	for (int i = 0; i < TRIES && !answer; i++) {
		*err = (struct err){0};
		answer = dns_rest_call(rest, method, path, body, err);
		bool busy = !answer && (strstr(err->text, " locked:") || strstr(err->text, " conflict:"));
		if (answer || !busy || job_wait(rest->job, 1000))
			break;
	}
	int rc = answer ? wait_action(rest, answer, err) : -1;
	json_free(answer);
	return rc;
}

/* Values with the comments that people wrote beside them, as they are there. */
static void put_records(struct jw *w, const struct dns_rrset *set)
{
	const struct json *raw = json_first(json_get(set->raw, "records"));
	bool host = text_equal(set->type, "CNAME") || text_equal(set->type, "NS");
	jw_arr(w, "records");
	for (size_t i = 0; i < set->n; i++) {
		jw_obj(w, NULL);
		if (raw)
			jw_str(w, "value", json_str(raw, "value", ""));
		else
			jw_strf(w, "value", "%s%s", set->values[i], host ? "." : "");
		if (*json_str(raw, "comment", ""))
			jw_str(w, "comment", json_str(raw, "comment", ""));
		jw_end(w);
		raw = raw ? json_next(raw) : NULL;
	}
	jw_end(w);
}

static void put_ttl(struct jw *w, const struct dns_rrset *set)
{
	if (set->ttl_s)
		jw_int(w, "ttl", set->ttl_s);
	else
		jw_null(w, "ttl");
}

static bool same_values(const struct dns_rrset *a, const struct dns_rrset *b)
{
	struct dns_rrset with_ttl = *b;
	with_ttl.ttl_s = a->ttl_s;
	return dns_rrset_same(a, &with_ttl);
}

static int change_set(struct dns_rest *rest, const char *path, const struct dns_change *c, struct err *err)
{
	struct jw w = {0};
	char *to = xasprintf("%s/%s/actions/%s", path, c->from.type,
			     same_values(&c->from, &c->to) ? "change_ttl" : "set_records");
	int rc = 0;
	if (!same_values(&c->from, &c->to)) {
		jw_open(&w);
		put_records(&w, &c->to);
		rc = act(rest, "POST", to, jw_finish(&w), err);
		jw_done(&w);
	}
	if (rc == 0 && c->from.ttl_s != c->to.ttl_s) {
		free(to);
		to = xasprintf("%s/%s/actions/change_ttl", path, c->from.type);
		jw_open(&w);
		put_ttl(&w, &c->to);
		rc = act(rest, "POST", to, jw_finish(&w), err);
		jw_done(&w);
	}
	free(to);
	return rc;
}

static int create_set(struct dns_rest *rest, const struct dns_zone *zone, const struct dns_rrset *set,
		      const char *label, struct err *err)
{
	struct jw w = {0};
	char *path = xasprintf("/zones/%s/rrsets", zone->id);
	jw_open(&w);
	jw_str(&w, "name", label);
	jw_str(&w, "type", set->type);
	put_ttl(&w, set);
	put_records(&w, set);
	int rc = act(rest, "POST", path, jw_finish(&w), err);
	jw_done(&w);
	free(path);
	return rc;
}

static int hetzner_change(void *own, const struct dns_zone *zone, const struct dns_change *changes, size_t n,
			  struct err *err)
{
	struct dns_rest *rest = own;
	int rc = 0;
	rest->gathered = false;
	for (size_t i = 0; i < n && rc == 0; i++) {
		const struct dns_change *c = &changes[i];
		char label[DNS_NAME_MAX];
		label_of(zone, c->to.n ? c->to.name : c->from.name, label, sizeof label);
		char *path = xasprintf("/zones/%s/rrsets/%s", zone->id, label);
		char *whole = xasprintf("%s/%s", path, c->from.type);
		/* There is no call that changes a type: a gap would be cached by everybody who asks in it. */
		if (c->from.n && c->to.n && !text_equal(c->from.type, c->to.type))
			rc = err_set(
			    err, ERR_REFUSED,
			    "hetzner: %s cannot become %s without a moment in which %s does not exist; "
			    "nothing was changed",
			    c->from.type, c->to.type, c->to.name);
		else if (!c->to.n)
			rc = act(own, "DELETE", whole, NULL, err);
		else if (!c->from.n)
			rc = create_set(own, zone, &c->to, label, err);
		else
			rc = change_set(own, path, c, err);
		free(whole);
		free(path);
	}
	return rc;
}
