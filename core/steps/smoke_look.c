/* Requests of the smoke tests: see smoke_look.h. */
#include "core/steps/smoke_look.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/dns_find.h"
#include "core/links/http.h"
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MS = 15000, CONNECT_MS = 5000, BODY_MAX = 4 << 20, DAY_MS = 86400000 };

struct smoke_item {
	const char *method, *path, *contains, *header;
	const char *json, *answers; /* a path into the answer, a header of it; "" for none */
	int want;
	int64_t within_ms; /* 0: as long as it takes */
};

const char *smoke_side_name(enum smoke_side side)
{
	return side == SMOKE_OLD ? "OLD" : side == SMOKE_NEW ? "NEW" : "PUBLIC";
}

static struct smoke_item item_of(const struct json *x)
{
	struct smoke_item item = {
	    .method = "GET", .path = json_str(x, "get", NULL), .want = (int)json_int(x, "expect", 200)};
	if (!item.path) {
		item.method = "POST";
		item.path = json_str(x, "post", "/");
	}
	item.contains = json_str(x, "contains", "");
	item.header = json_str(x, "header", "");
	item.json = json_str(x, "json", "");
	item.answers = json_str(x, "answers", "");
	item.within_ms = json_int(x, "within", 0);
	return item;
}

/* Behind the maintenance page every path is the page. */
static bool page_is_up(struct job *job)
{
	return json_bool(job_fact(job, "maintenance", ""), "set", false);
}

static int default_port(struct job *job)
{
	return text_equal(job_config_str(job, "web.scheme", "https"), "https") ? 443 : 80;
}

/* The port of the public path is that of the sides: only a rehearsal uses another than 80 and 443. */
static int public_port(struct job *job)
{
	const char *web = job_config_str(job, "web.new", ""), *colon = strrchr(web, ':');
	long port = colon ? strtol(colon + 1, NULL, 10) : 0;
	return port > 0 && port < 65536 ? (int)port : default_port(job);
}

static int where_is(struct job *job, enum smoke_side side, char *out, size_t size, struct err *err)
{
	const char *web = job_config_str(job, side == SMOKE_OLD ? "web.old" : "web.new", ""),
		   *host = job_config_str(job, "host.address", "");
	const char *name = job_first_name(job);
	*out = '\0';
	if (side == SMOKE_PUBLIC)
		return 0;
	text_copy(out, size, web);
	if (!*out && side == SMOKE_NEW && *host)
		text_copyf(out, size, strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, default_port(job));
	if (!*out && side == SMOKE_OLD && name) {
		const char *was =
		    json_str(json_get(job_fact(job, "dns-before", name), "record"), "content", "");
		struct dns_query *query = xcalloc(1, sizeof *query);
		if (!*was && dns_recurse(job, query, name, DNS_A) && dns_value(query, DNS_CNAME) &&
		    !dns_same(dns_value(query, DNS_CNAME), job_config_str(job, "dns.new_name", "")))
			was = dns_value(query, DNS_CNAME);
		if (*was)
			text_copyf(out, size, "%s:%d", was, default_port(job));
		free(query);
	}
	if (*out)
		return 0;
	return err_set(err, ERR_CONFIG,
		       "smoke: the %s side has no address; write it as web.%s in nightferry.yml",
		       smoke_side_name(side), side == SMOKE_OLD ? "old" : "new");
}

void smoke_addresses(struct job *job, const char *name, struct dns_addresses *out)
{
	struct dns_servers *caches = xcalloc(1, sizeof *caches);
	dns_find_caches(job, caches);
	struct dns_query *queries = xcalloc(caches->n + 1, sizeof *queries);
	*out = (struct dns_addresses){0};
	for (size_t i = 0; i < caches->n; i++)
		dns_query_set(&queries[i], caches->list[i].address, name, DNS_A, true);
	dns_ask_all(queries, caches->n, DNS_WAIT_MS);
	for (size_t i = 0; i < caches->n; i++)
		for (size_t r = 0; r < queries[i].n; r++)
			if (!queries[i].records[r].authority && queries[i].records[r].type == DNS_A)
				dns_addresses_add(out, queries[i].records[r].value);
	free(queries);
	free(caches);
}

/* "X-Served-By: kamal"; without a value it only has to be there. */
static bool has_header(const struct http_reply *reply, const char *wanted)
{
	char name[100], value[300];
	size_t len = strcspn(wanted, ":");
	text_copyf(name, sizeof name, "%.*s", (int)len, wanted);
	const char *want = wanted + len + (wanted[len] == ':');
	want += strspn(want, " ");
	return http_head(reply, name, value, sizeof value) && (!*want || text_find(value, want));
}

static bool has_json(const struct http_reply *reply, const char *path)
{
	struct json *answer = json_parse(buf_text(&reply->body), reply->body.len, NULL);
	bool found = json_path(answer, path) != NULL;
	json_free(answer);
	return found;
}

/* What is wrong with the answer; empty when nothing is. */
static void find_fault(const struct smoke_item *item, const struct http_reply *reply, char *out, size_t size)
{
	*out = '\0';
	if (reply->status != item->want)
		text_copyf(out, size, "%d instead of %d", reply->status, item->want);
	else if (*item->contains &&
		 !memmem(buf_text(&reply->body), reply->body.len, item->contains, strlen(item->contains)))
		text_copyf(out, size, "%d, but without \"%s\"", reply->status, item->contains);
	else if (*item->json && !has_json(reply, item->json))
		text_copyf(out, size, "%d, but without \"%s\" in its JSON", reply->status, item->json);
	else if (*item->answers && !has_header(reply, item->answers))
		text_copyf(out, size, "%d, but without the header \"%s\"", reply->status, item->answers);
	else if (item->within_ms > 0 && reply->ms > item->within_ms)
		text_copyf(out, size, "%d, but after %lld ms instead of %lld", reply->status,
			   (long long)reply->ms, (long long)item->within_ms);
}

static void judge(const struct smoke_item *item, const struct http_reply *reply, struct smoke_result *result)
{
	find_fault(item, reply, result->text, sizeof result->text);
	result->status = reply->status;
	result->ms = reply->ms;
	result->verdict = *result->text ? VERDICT_FAIL : VERDICT_PASS;
	if (!*result->text)
		text_copyf(result->text, sizeof result->text, "%d in %lld ms", reply->status,
			   (long long)reply->ms);
}

static void tell(const struct smoke_look *look, const struct smoke_result *result, bool first_name)
{
	struct jw w;
	jw_event(&w, "smoke.seen");
	jw_strf(&w, "path", "%s%s%s%s", text_equal(result->method, "GET") ? "" : result->method,
		text_equal(result->method, "GET") ? "" : " ", first_name ? "" : result->host, result->path);
	jw_str(&w, "side", smoke_side_name(look->side));
	jw_int(&w, "status", result->status);
	jw_int(&w, "want", result->want);
	jw_str(&w, "verdict", verdict_name(result->verdict));
	jw_str(&w, "text", result->text);
	jw_int(&w, "ms", result->ms);
	job_event(look->job, &w);
}

static void ask_one(struct smoke_look *look, struct http *http, const struct smoke_item *item,
		    struct smoke_result *result)
{
	char *url = xasprintf("%s://%s%s", job_config_str(look->job, "web.scheme", "https"), result->host,
			      item->path);
	const char *headers[] = {*item->header ? item->header : NULL, NULL};
	struct http_request request = {.method = item->method,
				       .url = url,
				       .headers = headers,
				       .connect_to = result->at,
				       .ca_file = job_config_str(look->job, "web.ca", ""),
				       .timeout_ms = ANSWER_MS,
				       .connect_ms = CONNECT_MS,
				       .body_max = BODY_MAX};
	struct http_reply reply;
	struct err unseen = {0};
	if (http_perform(http, &request, &reply, &unseen) == 0) {
		judge(item, &reply, result);
	} else {
		result->verdict = unseen.kind == ERR_CANCELLED ? VERDICT_UNKNOWN : VERDICT_FAIL;
		text_copy(result->text, sizeof result->text, unseen.text);
		/* Every handshake that finds no certificate may make the new host ask for one, and only a few
		 * asks an hour are answered while DNS does not lead there. */
		look->tls_failed = look->tls_failed || (text_starts(url, "https:") && reply.connect_ms > 0 &&
							reply.first_byte_ms == 0);
	}
	if (reply.cert_until_ms && (!look->cert_until_ms || reply.cert_until_ms < look->cert_until_ms))
		look->cert_until_ms = reply.cert_until_ms;
	if (!look->gets_only)
		job_command(look->job, "http", "%s %s at %s %d %lld ms", item->method, url, result->at,
			    reply.status, (long long)reply.ms);
	http_reply_done(&reply);
	free(url);
}

static void ask_at(struct smoke_look *look, struct http *http, const struct smoke_item *item,
		   const char *name, bool first_name, const char *at)
{
	if (look->n >= sizeof look->results / sizeof *look->results ||
	    (look->gets_only && !text_equal(item->method, "GET")))
		return;
	struct smoke_result *result = &look->results[look->n++];
	struct smoke_item wanted = *item;
	if (look->side == SMOKE_OLD && page_is_up(look->job)) {
		wanted.want = 503;
		wanted.contains = wanted.json = wanted.answers = "";
		wanted.within_ms = 0;
	}
	*result = (struct smoke_result){.want = wanted.want, .ms = -1};
	text_copy(result->host, sizeof result->host, name);
	text_copy(result->path, sizeof result->path, item->path);
	text_copy(result->method, sizeof result->method, item->method);
	text_copy(result->at, sizeof result->at, at);
	if (look->tls_failed) {
		result->verdict = VERDICT_UNKNOWN;
		text_copy(result->text, sizeof result->text, "not asked, because the first handshake failed");
	} else {
		ask_one(look, http, &wanted, result);
	}
	look->passed += result->verdict == VERDICT_PASS;
	tell(look, result, first_name);
}

/* The first name is asked everything; for the others it is enough that they are served at all. */
static void ask_name(struct smoke_look *look, struct http *http, const char *name, bool first_name,
		     const char *at)
{
	static const struct smoke_item root = {.method = "GET",
					       .path = "/",
					       .contains = "",
					       .header = "",
					       .json = "",
					       .answers = "",
					       .want = 200};
	const struct json *list = json_path(job_config(look->job), "smoke");
	bool any = false;
	for (const struct json *x = json_first(list); x && !job_stopping(look->job); x = json_next(x)) {
		struct smoke_item item = item_of(x);
		if (!first_name && !text_equal(item.path, "/up"))
			continue;
		any = true;
		ask_at(look, http, &item, name, first_name, at);
	}
	if (!any && !json_count(list))
		ask_at(look, http, &root, name, first_name, at);
}

int smoke_plan(struct job *job, enum smoke_side side, size_t *requests, char *where, size_t size,
	       struct err *err)
{
	const struct json *list = json_path(job_config(job), "smoke"),
			  *names = json_path(job_config(job), "dns.names");
	*requests = json_count(list) ? json_count(list) : json_count(names);
	for (const struct json *x = json_first(list); x; x = json_next(x))
		if (text_equal(json_str(x, "get", ""), "/up") && json_count(names))
			*requests += json_count(names) - 1;
	if (!json_count(names))
		return err_set(err, ERR_CONFIG,
			       "smoke: dns.names in nightferry.yml is empty, so there is no name to ask for; "
			       "add the app's names");
	return where_is(job, side, where, size, err);
}

int smoke_ask(struct smoke_look *look, struct err *err)
{
	char where[300];
	size_t requests;
	bool first = true;
	if (smoke_plan(look->job, look->side, &requests, where, sizeof where, err) < 0)
		return -1;
	struct http *http = http_open(look->job);
	for (const struct json *x = json_first(json_path(job_config(look->job), "dns.names")); x;
	     x = json_next(x)) {
		const char *name = json_text(x) ? json_text(x) : "";
		struct dns_addresses found = {0};
		if (look->side == SMOKE_PUBLIC)
			smoke_addresses(look->job, name, &found);
		else
			ask_name(look, http, name, first, where);
		for (size_t i = 0; i < found.n; i++) {
			char at[64];
			text_copyf(at, sizeof at, strchr(found.list[i], ':') ? "[%s]:%d" : "%s:%d",
				   found.list[i], public_port(look->job));
			ask_name(look, http, name, first, at);
		}
		first = false;
		if (look->first_only)
			break;
	}
	http_close(http);
	if (look->n)
		return 0;
	return err_set(
	    err, ERR_NET,
	    "smoke: no cache told an address of the names, so nothing could be asked; look at the DNS panel");
}

void smoke_evidence(const struct smoke_look *look, struct evidence *ev)
{
	char where[300] = "", fact[40];
	size_t requests, shown = 0;
	smoke_plan(look->job, look->side, &requests, where, sizeof where, NULL);
	text_copyf(fact, sizeof fact, "%zu/%zu", look->passed, look->n);
	for (size_t i = 0; i < look->n; i++) {
		const struct smoke_result *r = &look->results[i];
		if (r->verdict != VERDICT_PASS && shown++ < 8)
			evidence_add(ev, r->verdict, "smoke", r->path, "%s %s%s at %s: %s.", r->method,
				     r->host, r->path, r->at, r->text);
	}
	evidence_add(ev, look->passed == look->n && look->n ? VERDICT_PASS : VERDICT_FAIL, "smoke", fact,
		     look->side == SMOKE_PUBLIC ? "%zu/%zu on the public path%s%s."
						: "%zu/%zu by address %s%s.",
		     look->passed, look->n, where, "");
	if (look->cert_until_ms) {
		long long days = (long long)((look->cert_until_ms - clock_wall_ms()) / DAY_MS);
		evidence_add(ev, days < 7 ? VERDICT_WARN : VERDICT_PASS, "tls", days < 7 ? "ends" : "",
			     "The certificate is good for %lld days.", days);
	}
}
