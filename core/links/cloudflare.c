/* Cloudflare's API: see cloudflare.h. */
#include "core/links/cloudflare.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/http.h"
#include <stdlib.h>
#include <string.h>

enum { HELD_BRISK_MS = 3000, HELD_PATIENT_MS = 360000, TRIES = 3, RETRY_MS = 1000 };

struct cloudflare {
	struct job *job;
	struct http *http;
	enum cloudflare_manner manner;
	char *base, *secret;
	bool lost;
};

struct cloudflare *cloudflare_open(struct job *job, enum cloudflare_manner manner, struct err *err)
{
	const char *base = job_config_str(job, "dns.api", ""),
		   *token = job_secret(job, "CLOUDFLARE_API_TOKEN");
	struct http_where where;
	if (!*base)
		base = "https://api.cloudflare.com/client/v4";
	if (!token) {
		err_set(err, ERR_AUTH,
			"cloudflare: there is no CLOUDFLARE_API_TOKEN; make a token with the rights Zone "
			"Read and DNS Edit and start "
			"nightferry with it in the environment");
		return NULL;
	}
	if (!http_where(base, &where) || (!where.loopback && !text_equal(where.scheme, "https"))) {
		err_set(err, ERR_CONFIG,
			"cloudflare: dns.api must begin with https://, because the token goes there; mend "
			"nightferry.yml");
		return NULL;
	}
	struct cloudflare *cf = xcalloc(1, sizeof *cf);
	cf->job = job;
	cf->manner = manner;
	cf->http = http_open(job);
	cf->base = xstrdup(base);
	size_t len = strlen(cf->base);
	if (cf->base[len - 1] == '/')
		cf->base[len - 1] = '\0';
	cf->secret = xasprintf("Authorization: Bearer %s", token);
	return cf;
}

void cloudflare_close(struct cloudflare *cf)
{
	if (!cf)
		return;
	http_close(cf->http);
	explicit_bzero(cf->secret, strlen(cf->secret));
	free(cf->secret);
	free(cf->base);
	free(cf);
}

bool cloudflare_lost(const struct cloudflare *cf)
{
	return cf->lost;
}

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

static int explain(const struct http_request *request, const struct http_reply *reply,
		   const struct json *answer, struct err *err)
{
	char words[300];
	int64_t code;
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

/* 429: nothing was done, and nothing will be until the time is over. 0: go on. */
static int wait_held(struct cloudflare *cf, const struct http_reply *reply, struct err *err)
{
	char after[32];
	int64_t ms =
	    http_head(reply, "retry-after", after, sizeof after) ? strtoll(after, NULL, 10) * 1000 : 1000;
	int64_t until_ms = clock_life_ms() + (ms < 1000 ? 1000 : ms);
	if (ms > (cf->manner == CLOUDFLARE_PATIENT ? HELD_PATIENT_MS : HELD_BRISK_MS))
		return err_set(err, ERR_REFUSED,
			       "cloudflare: too many requests with this account (HTTP 429), and for %lld s "
			       "every one is refused; nothing was "
			       "changed, wait that long and try again",
			       (long long)(ms / 1000));
	for (int64_t left = 1; left > 0;) {
		left = until_ms - clock_life_ms();
		char text[120];
		text_copyf(text, sizeof text, "Cloudflare asks for patience: %lld s more",
			   (long long)((left + 999) / 1000));
		if (left > 0)
			job_progress(cf->job, 0, 0, "", text);
		if (left > 0 && job_wait(cf->job, left < 1000 ? left : 1000))
			return err_set(err, ERR_CANCELLED,
				       "cloudflare: stopped while waiting for leave to ask again; this "
				       "request was not done");
	}
	return 0;
}

static struct json *finish(const struct http_request *request, struct http_reply *reply, struct err *err)
{
	struct json *answer = json_parse(buf_text(&reply->body), reply->body.len, NULL);
	if (reply->status / 100 == 2 && answer && json_bool(answer, "success", false))
		return answer;
	explain(request, reply, answer, err);
	json_free(answer);
	return NULL;
}

static struct json *call(struct cloudflare *cf, const char *method, const char *path, const char *body,
			 struct err *err)
{
	static const char *const json_headers[] = {"Content-Type: application/json", NULL};
	char *url = xasprintf("%s%s", cf->base, path);
	struct http_request request = {.method = method,
				       .url = url,
				       .secret = cf->secret,
				       .body = body,
				       .body_len = body ? strlen(body) : 0,
				       .timeout_ms = 20000};
	request.headers = body ? json_headers : NULL;
	struct json *answer = NULL;
	cf->lost = false;
	for (int i = 0; !answer; i++) {
		struct http_reply reply;
		int rc = http_perform(cf->http, &request, &reply, err);
		bool held = rc == 0 && reply.status == 429;
		job_command(cf->job, "http", "%s %s%s%s %d %lld ms", method ? method : "GET", path,
			    body ? " " : "", body ? body : "", reply.status, (long long)reply.ms);
		/* After a 5xx to a change nobody knows whether it was done, just as after silence. */
		cf->lost = body && ((rc < 0 && reply.end == HTTP_LOST) || (rc == 0 && reply.status >= 500));
		bool again = !body && i + 1 < TRIES &&
			     ((rc < 0 && err->kind == ERR_NET) || (rc == 0 && reply.status >= 500));
		if (held)
			again = i < TRIES && wait_held(cf, &reply, err) == 0;
		if (held && i >= TRIES)
			explain(&request, &reply, NULL, err);
		if (rc == 0 && !held && !again)
			answer = finish(&request, &reply, err);
		http_reply_done(&reply);
		if (!again)
			break;
		*err = (struct err){0};
		if (!held && job_wait(cf->job, RETRY_MS)) {
			err_set(err, ERR_CANCELLED,
				"cloudflare: stopped while looking; nothing was changed by this request");
			break;
		}
	}
	free(url);
	return answer;
}

static void take_zone(const struct json *zone, struct cloudflare_zone *out)
{
	*out = (struct cloudflare_zone){0};
	text_copy(out->id, sizeof out->id, json_str(zone, "id", ""));
	text_copy(out->name, sizeof out->name, json_str(zone, "name", ""));
	text_copy(out->status, sizeof out->status, json_str(zone, "status", ""));
	for (const struct json *x = json_first(json_get(zone, "name_servers")); x && out->n_name_servers < 8;
	     x = json_next(x))
		text_clean(out->name_servers[out->n_name_servers++], sizeof out->name_servers[0],
			   json_text(x) ? json_text(x) : "", json_text(x) ? strlen(json_text(x)) : 0);
}

int cloudflare_zone(struct cloudflare *cf, const char *name, struct cloudflare_zone *out, struct err *err)
{
	for (const char *at = name; at && strchr(at, '.'); at = strchr(at, '.') + 1) {
		char *path = xasprintf("/zones?name=%s&per_page=50", at);
		struct json *answer = call(cf, NULL, path, NULL, err);
		free(path);
		if (!answer)
			return -1;
		const struct json *zone = json_first(json_get(answer, "result"));
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

struct json *cloudflare_records(struct cloudflare *cf, const struct cloudflare_zone *zone, const char *name,
				struct err *err)
{
	char *path = xasprintf("/zones/%s/dns_records?name=%s&per_page=100", zone->id, name);
	struct json *answer = call(cf, NULL, path, NULL, err);
	free(path);
	return answer;
}

struct json *cloudflare_record(struct cloudflare *cf, const struct cloudflare_zone *zone, const char *id,
			       struct err *err)
{
	char *path = xasprintf("/zones/%s/dns_records/%s", zone->id, id);
	struct json *answer = call(cf, NULL, path, NULL, err);
	free(path);
	return answer;
}

int cloudflare_patch(struct cloudflare *cf, const struct cloudflare_zone *zone, const char *id,
		     const char *body, struct err *err)
{
	char *path = xasprintf("/zones/%s/dns_records/%s", zone->id, id);
	struct json *answer = call(cf, "PATCH", path, body, err);
	free(path);
	bool done = answer != NULL;
	json_free(answer);
	return done ? 0 : -1;
}
