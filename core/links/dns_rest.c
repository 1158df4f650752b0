/* Calls of JSON providers: see dns_rest.h. */
#include "core/links/dns_rest.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include <stdlib.h>
#include <string.h>

enum { HELD_BRISK_MS = 3000, HELD_PATIENT_MS = 360000, HELD_MOST_S = 86400, TRIES = 3, RETRY_MS = 1000 };

int dns_rest_open(struct dns_rest *rest, struct job *job, enum dns_manner manner, const char *base,
		  const char *token, const char *missing, struct err *err)
{
	const char *other = job_config_str(job, "dns.api", "");
	struct http_where where;
	if (*other)
		base = other;
	if (!token)
		return err_set(err, ERR_AUTH, "%s: there is no %s", rest->title, missing);
	if (!http_where(base, &where) || (!where.loopback && !text_equal(where.scheme, "https")))
		return err_set(err, ERR_CONFIG,
			       "%s: dns.api must begin with https://, because the token goes there; mend "
			       "nightferry.yml",
			       rest->title);
	rest->job = job;
	rest->manner = manner;
	rest->http = http_open(job);
	rest->base = xstrdup(base);
	rest->left = -1;
	size_t len = strlen(rest->base);
	if (rest->base[len - 1] == '/')
		rest->base[len - 1] = '\0';
	rest->secret = xasprintf("Authorization: Bearer %s", token);
	return 0;
}

void dns_rest_done(struct dns_rest *rest)
{
	http_close(rest->http);
	for (size_t i = 0; i < rest->n_pages; i++)
		json_free(rest->pages[i]);
	if (rest->secret)
		explicit_bzero(rest->secret, strlen(rest->secret));
	free(rest->secret);
	free(rest->base);
}

/* 429: nothing was done, and nothing will be until the time is over. 0: go on. */
static int wait_held(struct dns_rest *rest, const struct http_reply *reply, struct err *err)
{
	int64_t held_s = rest->held_s(reply);
	int64_t ms = (held_s < 1 ? 1 : held_s > HELD_MOST_S ? HELD_MOST_S : held_s) * 1000;
	int64_t until_ms = clock_life_ms() + ms;
	if (ms > (rest->manner == DNS_PATIENT ? HELD_PATIENT_MS : HELD_BRISK_MS))
		return err_set(err, ERR_REFUSED,
			       "%s: too many requests with this account (HTTP 429), and for %lld s every one "
			       "is refused; nothing was changed, wait that long and try again",
			       rest->title, (long long)(ms / 1000));
	for (int64_t left = 1; left > 0;) {
		left = until_ms - clock_life_ms();
		char text[120];
		text_copyf(text, sizeof text, "%s asks for patience: %lld s more", rest->title,
			   (long long)((left + 999) / 1000));
		if (left > 0)
			job_progress(rest->job, 0, 0, "", text);
		if (left > 0 && job_wait(rest->job, left < 1000 ? left : 1000))
			return err_set(err, ERR_CANCELLED,
				       "%s: stopped while waiting for leave to ask again; this request was "
				       "not done",
				       rest->title);
	}
	return 0;
}

static struct json *finish(struct dns_rest *rest, const struct http_request *request,
			   const struct http_reply *reply, struct err *err)
{
	struct json *answer = json_parse(buf_text(&reply->body), reply->body.len, NULL);
	if (rest->judge(rest, request, reply, answer, err) == 0)
		return answer;
	json_free(answer);
	return NULL;
}

static void tell(struct dns_rest *rest, const struct http_request *request, const char *path,
		 const struct http_reply *reply)
{
	char ended[HTTP_ENDED_MAX];
	job_command(rest->job, "http", "%s %s%s%s %s %lld ms", request->method ? request->method : "GET",
		    path, request->body ? " " : "", request->body ? request->body : "",
		    http_ended(reply, ended), (long long)reply->ms);
	if (rest->left_of && rest->left_of(reply) >= 0)
		rest->left = rest->left_of(reply);
}

struct json *dns_rest_call(struct dns_rest *rest, const char *method, const char *path, const char *body,
			   struct err *err)
{
	static const char *const json_headers[] = {"Content-Type: application/json", NULL};
	char *url = xasprintf("%s%s", rest->base, path);
	struct http_request request = {.method = method,
				       .url = url,
				       .headers = body ? json_headers : NULL,
				       .secret = rest->secret,
				       .body = body,
				       .body_len = body ? strlen(body) : 0,
				       .timeout_ms = 20000};
	struct json *answer = NULL;
	rest->lost = false;
	for (int i = 0; !answer; i++) {
		struct http_reply reply;
		int rc = http_perform(rest->http, &request, &reply, err);
		bool held = rc == 0 && reply.status == 429;
		tell(rest, &request, path, &reply);
		/* After a 5xx to a change nobody knows whether it was done, just as after silence. */
		rest->lost =
		    method && ((rc < 0 && reply.end == HTTP_LOST) || (rc == 0 && reply.status >= 500));
		bool again = !method && i + 1 < TRIES &&
			     ((rc < 0 && err->kind == ERR_NET) || (rc == 0 && reply.status >= 500));
		if (held)
			again = i < TRIES && wait_held(rest, &reply, err) == 0;
		if (held && i >= TRIES)
			rest->judge(rest, &request, &reply, NULL, err);
		if (rc == 0 && !held && !again)
			answer = finish(rest, &request, &reply, err);
		/* They say that it is done, in words that nobody can read: look. */
		rest->lost = rest->lost || (method && rc == 0 && reply.status / 100 == 2 && !answer);
		http_reply_done(&reply);
		if (!again)
			break;
		*err = (struct err){0};
		if (!held && job_wait(rest->job, RETRY_MS)) {
			err_set(err, ERR_CANCELLED,
				"%s: stopped while looking; nothing was changed by this request",
				rest->title);
			break;
		}
	}
	free(url);
	return answer;
}

int dns_rest_gather(struct dns_rest *rest, const char *path, size_t most,
		    int64_t (*last_of)(const struct json *),
		    void (*count_of)(const struct json *, int64_t *here, int64_t *all), struct err *err)
{
	int64_t last = 1, sum = 0, all = 0;
	rest->gathered = false;
	/* Once is enough: what is looked at again after a change is looked at by its name. */
	if (rest->n_pages || most < 2)
		return 0;
	for (int64_t page = 1; page <= last && rest->n_pages < DNS_PAGES_MAX; page++) {
		char *one = xasprintf("%s&page=%lld", path, (long long)page);
		struct json *answer = dns_rest_call(rest, NULL, one, NULL, err);
		free(one);
		if (!answer)
			return -1;
		rest->pages[rest->n_pages++] = answer;
		int64_t here;
		count_of(answer, &here, &all);
		sum += here;
		if (page == 1)
			last = last_of(answer);
		if (last > (int64_t)most || last > DNS_PAGES_MAX)
			return 0;
	}
	/* A zone that changed between two pages may hide a record: then each name is asked for. */
	rest->gathered = sum == all && all > 0;
	return 0;
}
