/* Cloudflare's API v4. One call a record; what is not named in a PATCH stays as it is.
 *
 * Token: CLOUDFLARE_API_TOKEN, or as other tools call it CF_API_TOKEN, CF_DNS_API_TOKEN. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/dns.h"
#include "core/links/dns_rest.h"
#include <stdlib.h>
#include <string.h>

static void *cloudflare_open(struct job *job, enum dns_manner manner, struct err *err);
static void cloudflare_close(void *own);
static int cloudflare_zone(void *own, const char *name, struct dns_zone *out, struct err *err);
static int cloudflare_look(void *own, const struct dns_zone *zone, const char *name, struct dns_rrsets *out,
			   struct err *err);
static int cloudflare_change(void *own, const struct dns_zone *zone, const struct dns_change *changes,
			     size_t n, struct err *err);
static int cloudflare_gather(void *own, const struct dns_zone *zone, size_t names, struct err *err);
static bool cloudflare_lost(const void *own);
static int64_t cloudflare_left(const void *own);

extern const struct dns_provider cloudflare_provider;
const struct dns_provider cloudflare_provider = {
    .name = "cloudflare",
    .title = "Cloudflare",
    .call = "PATCH",
    .open = cloudflare_open,
    .close = cloudflare_close,
    .zone = cloudflare_zone,
    .look = cloudflare_look,
    .gather = cloudflare_gather,
    .change = cloudflare_change,
    .lost = cloudflare_lost,
    .left = cloudflare_left,
};

enum { TTL_AUTOMATIC = 1, TTL_AUTOMATIC_S = 300 };

/* Cloudflare's own words, with the chain that often holds the real reason. */
static void error_words(const struct json *answer, char *out, size_t size, int64_t *code)
{
	const struct json *first = json_first(json_get(answer, "errors")),
			  *chain = json_first(json_get(first, "error_chain"));
	char text[300];
	*code = json_int(first, "code", 0);
	text_copyf(text, sizeof text, "%lld %s", (long long)*code, json_str(first, "message", ""));
	if (chain)
		text_copyf(text, sizeof text, "%lld %s, %lld %s", (long long)*code,
			   json_str(first, "message", ""), (long long)json_int(chain, "code", 0),
			   json_str(chain, "message", ""));
	text_clean(out, size, first ? text : "no reason given", strlen(first ? text : "no reason given"));
}

static int judge(struct dns_rest *rest, const struct http_request *request, const struct http_reply *reply,
		 const struct json *answer, struct err *err)
{
	char words[300];
	int64_t code;
	(void)rest;
	if (reply->status / 100 == 2 && answer && json_bool(answer, "success", false))
		return 0;
	error_words(answer, words, sizeof words, &code);
	if (reply->status == 401 || reply->status == 403 || code == 10000 || code == 9109 || code == 6003)
		return err_set(err, ERR_AUTH,
			       "cloudflare: the token is not accepted for this (HTTP %d, error %s); nothing "
			       "was changed by this request, "
			       "check that CLOUDFLARE_API_TOKEN is valid and has Zone Read and DNS Edit",
			       reply->status, words);
	if (reply->status >= 500)
		return err_set(
		    err, ERR_NET,
		    "cloudflare: %s failed on their side (HTTP %d, error %s); try again in a minute",
		    request->method ? request->method : "GET", reply->status, words);
	if (!answer)
		return err_set(err, ERR_NET,
			       "cloudflare: HTTP %d with an answer that is no JSON; look at dns.api and at "
			       "what is between here and there",
			       reply->status);
	return err_set(err, ERR_REFUSED, "cloudflare: the request was refused (HTTP %d, error %s)",
		       reply->status, words);
}

static int64_t held_s(const struct http_reply *reply)
{
	char after[32];
	return http_head(reply, "retry-after", after, sizeof after) ? units_parse_int(after, 1) : 1;
}

/* Ratelimit: "default";r=1187;t=250 */
static int64_t left_of(const struct http_reply *reply)
{
	char head[80];
	const char *r = http_head(reply, "ratelimit", head, sizeof head) ? strstr(head, "r=") : NULL;
	return r ? units_parse_int(r + 2, -1) : -1;
}

static void *cloudflare_open(struct job *job, enum dns_manner manner, struct err *err)
{
	static const char *const names[] = {"CLOUDFLARE_API_TOKEN", "CF_API_TOKEN", "CF_DNS_API_TOKEN"};
	const char *token = NULL;
	for (size_t i = 0; !token && i < sizeof names / sizeof *names; i++)
		token = job_secret(job, names[i]);
	struct dns_rest *rest = xcalloc(1, sizeof *rest);
	*rest =
	    (struct dns_rest){.title = "cloudflare", .judge = judge, .held_s = held_s, .left_of = left_of};
	if (dns_rest_open(rest, job, manner, "https://api.cloudflare.com/client/v4", token,
			  "CLOUDFLARE_API_TOKEN; make a token with the rights Zone Read and DNS Edit and "
			  "start nightferry with it in the environment",
			  err) == 0)
		return rest;
	free(rest);
	return NULL;
}

static void cloudflare_close(void *own)
{
	dns_rest_done(own);
	free(own);
}

static bool cloudflare_lost(const void *own)
{
	const struct dns_rest *rest = own;
	return rest->lost;
}

static int64_t cloudflare_left(const void *own)
{
	const struct dns_rest *rest = own;
	return rest->left;
}

static void take_zone(const struct json *zone, struct dns_zone *out)
{
	*out = (struct dns_zone){0};
	text_copy(out->id, sizeof out->id, json_str(zone, "id", ""));
	text_copy(out->name, sizeof out->name, json_str(zone, "name", ""));
	text_copy(out->status, sizeof out->status, json_str(zone, "status", ""));
	for (const struct json *x = json_first(json_get(zone, "name_servers")); x && out->n_name_servers < 8;
	     x = json_next(x))
		if (json_text(x))
			dns_name_clean(out->name_servers[out->n_name_servers++], sizeof out->name_servers[0],
				       json_text(x));
}

static int cloudflare_zone(void *own, const char *name, struct dns_zone *out, struct err *err)
{
	for (const char *at = name; at && strchr(at, '.'); at = strchr(at, '.') + 1) {
		char *path = xasprintf("/zones?name=%s&per_page=50", at);
		struct json *answer = dns_rest_call(own, NULL, path, NULL, err);
		free(path);
		if (!answer)
			return -1;
		const struct json *zone = json_first(json_get(answer, "result"));
		/* Asked for by name, and looked at all the same: another zone would be changed. */
		while (zone && !dns_same(json_str(zone, "name", ""), at))
			zone = json_next(zone);
		if (zone)
			take_zone(zone, out);
		json_free(answer);
		if (zone && *out->id)
			return 0;
	}
	/* Without Zone Read the list is simply empty. */
	return err_set(err, ERR_AUTH,
		       "cloudflare: no zone of %s is shown to this token; check that the zone is in this "
		       "account and that the token has "
		       "Zone Read for it",
		       name);
}

/* A record there is one value; several of one name and type make several sets here, because each has a TTL
 * and an id of its own. */
static void take_record(const struct json *record, struct dns_rrset *out)
{
	*out = (struct dns_rrset){.ttl_s = json_int(record, "ttl", 0),
				  .proxied = json_bool(record, "proxied", false),
				  .weight = -1,
				  .raw = record};
	out->lives_s = out->ttl_s == TTL_AUTOMATIC ? TTL_AUTOMATIC_S : out->ttl_s;
	text_copy(out->id, sizeof out->id, json_str(record, "id", ""));
	dns_name_clean(out->name, sizeof out->name, json_str(record, "name", ""));
	text_copy(out->type, sizeof out->type, json_str(record, "type", ""));
	dns_rrset_add(out, json_str(record, "content", ""));
}

static int64_t last_of(const struct json *answer)
{
	return json_int(json_get(answer, "result_info"), "total_pages", 1);
}

static void count_of(const struct json *answer, int64_t *here, int64_t *all)
{
	*here = (int64_t)json_count(json_get(answer, "result"));
	*all = json_int(json_get(answer, "result_info"), "total_count", *here);
}

/* A zone's own name often has dozens of TXT records, which lead nobody anywhere. */
static bool leads(const char *type)
{
	static const char *const types[] = {"A", "AAAA", "CNAME", "HTTPS", "SVCB", "NS"};
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (text_equal(types[i], type))
			return true;
	return false;
}

/* Those of one list that belong to the name. False: there is no room for more. */
static bool take_records(const struct json *answer, const char *name, struct dns_rrsets *out)
{
	for (const struct json *x = json_first(json_get(answer, "result")); x; x = json_next(x)) {
		if (!dns_same(json_str(x, "name", ""), name) || !leads(json_str(x, "type", "")))
			continue;
		if (out->n == DNS_RRSETS_MAX)
			return false;
		take_record(x, &out->list[out->n++]);
	}
	return true;
}

static int cloudflare_look(void *own, const struct dns_zone *zone, const char *name, struct dns_rrsets *out,
			   struct err *err)
{
	const struct dns_rest *rest = own;
	bool room = true;
	for (size_t i = 0; rest->gathered && room && i < rest->n_pages; i++)
		room = take_records(rest->pages[i], name, out);
	if (!rest->gathered) {
		char *path = xasprintf("/zones/%s/dns_records?name=%s&per_page=100", zone->id, name);
		out->answer = dns_rest_call(own, NULL, path, NULL, err);
		free(path);
		if (!out->answer)
			return -1;
		int64_t here, all;
		count_of(out->answer, &here, &all);
		room = all <= here && take_records(out->answer, name, out);
	}
	return room ? 0 : dns_rrsets_overflow(out, "cloudflare", name, err);
}

static int cloudflare_gather(void *own, const struct dns_zone *zone, size_t names, struct err *err)
{
	char path[120];
	text_copyf(path, sizeof path, "/zones/%s/dns_records?per_page=100", zone->id);
	return dns_rest_gather(own, path, names, last_of, count_of, err);
}

/* Only what differs is named: the rest of the record stays as people left it. */
static void patch_body(struct jw *w, const struct dns_change *change)
{
	jw_open(w);
	if (!change->from.n)
		jw_str(w, "name", change->to.name);
	if (!change->from.n || !text_equal(change->to.type, change->from.type))
		jw_str(w, "type", change->to.type);
	if (!change->from.n || !dns_same(change->to.values[0], change->from.values[0]))
		jw_str(w, "content", change->to.values[0]);
	if (change->to.ttl_s != change->from.ttl_s)
		jw_int(w, "ttl", change->to.ttl_s);
	if (change->to.proxied != change->from.proxied)
		jw_bool(w, "proxied", change->to.proxied);
}

static int cloudflare_change(void *own, const struct dns_zone *zone, const struct dns_change *changes,
			     size_t n, struct err *err)
{
	struct dns_rest *rest = own;
	rest->gathered = false;
	for (size_t i = 0; i < n; i++) {
		const struct dns_change *change = &changes[i];
		struct jw w = {0};
		char *path = xasprintf("/zones/%s/dns_records%s%s", zone->id, change->from.n ? "/" : "",
				       change->from.n ? change->from.id : "");
		patch_body(&w, change);
		struct json *answer = dns_rest_call(own,
						    !change->to.n    ? "DELETE"
						    : change->from.n ? "PATCH"
								     : "POST",
						    path, change->to.n ? jw_finish(&w) : NULL, err);
		jw_done(&w);
		free(path);
		json_free(answer);
		if (!answer)
			return -1;
	}
	return 0;
}
