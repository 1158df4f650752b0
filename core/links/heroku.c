/* One request to Heroku and what may come back: pages, refusals, limits, second factors, lies and silence. */
#include "core/links/heroku.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/heroku_words.h"
#include "core/links/http.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LOOKS_TRIES = 3, LIMIT_WAITS = 6, PAGES_MAX = 100 };

struct heroku {
	struct job *job;
	struct http *http;
	enum heroku_manner manner;
	char app[64], api[240], data[240];
	char *auth; /* the header line with the token */
	char warning[200], two_factor[80];
	int remaining;
	int64_t skew_ms;
	bool lost, despite, hush;
	struct http_reply reply; /* the last one, for its headers */
};

bool heroku_trusted(const char *url)
{
	static const char *const own[] = {"heroku.com", "herokai.com", "herokuspace.com", "herokudev.com"};
	struct http_where where;
	if (!http_where(url, &where))
		return false;
	if (where.loopback)
		return true;
	size_t len = strlen(where.host);
	for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
		size_t tail = strlen(own[i]);
		if (len >= tail && strcasecmp(where.host + len - tail, own[i]) == 0 &&
		    (len == tail || where.host[len - tail - 1] == '.'))
			return text_equal(where.scheme, "https");
	}
	return false;
}

static int read_base(struct job *job, const char *key, const char *otherwise, char *out, size_t size,
		     struct err *err)
{
	const char *base = job_config_str(job, key, otherwise);
	if (!heroku_trusted(base))
		return err_set(err, ERR_CONFIG,
			       "%s in nightferry.yml is neither one of Heroku's own https addresses nor on "
			       "this machine, so the "
			       "token does not go there; take the line out",
			       key);
	text_copy(out, size, base);
	size_t len = strlen(out);
	while (len && out[len - 1] == '/')
		out[--len] = '\0';
	return 0;
}

/* Names go into paths, so nothing but what Heroku allows in them may come by. */
static bool name_safe(const char *name)
{
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '.' && *p != '_')
			return false;
	return *name && !strstr(name, "..");
}

static int read_token(struct heroku *heroku, struct err *err)
{
	const char *token = job_secret(heroku->job, "HEROKU_API_KEY");
	if (!token)
		return err_set(
		    err, ERR_AUTH,
		    "heroku: there is no token; make one with `heroku authorizations:create` and set "
		    "HEROKU_API_KEY");
	for (const char *p = token; *p; p++)
		if (!isgraph((unsigned char)*p))
			return err_set(
			    err, ERR_AUTH,
			    "heroku: the token in HEROKU_API_KEY holds a blank or a line end; set it anew");
	heroku->auth = xasprintf("Authorization: Bearer %s", token);
	return 0;
}

struct heroku *heroku_open(struct job *job, enum heroku_manner manner, struct err *err)
{
	struct heroku *heroku = xcalloc(1, sizeof *heroku);
	const char *app = job_config_str(job, "heroku.app", "");
	heroku->job = job;
	heroku->manner = manner;
	heroku->remaining = -1;
	heroku->http = http_open(job);
	text_copy(heroku->app, sizeof heroku->app, app);
	int rc = 0;
	if (!name_safe(app) || !text_equal(app, heroku->app))
		rc = err_set(err, ERR_CONFIG,
			     "heroku.app in nightferry.yml is missing or is no app's name; write it as in "
			     "the dashboard");
	if (rc == 0)
		rc = read_base(job, "heroku.api", "https://api.heroku.com", heroku->api, sizeof heroku->api,
			       err);
	if (rc == 0)
		rc = read_base(job, "heroku.data", "https://api.data.heroku.com", heroku->data,
			       sizeof heroku->data, err);
	if (rc == 0)
		rc = read_token(heroku, err);
	if (rc == 0)
		return heroku;
	heroku_close(heroku);
	return NULL;
}

void heroku_close(struct heroku *heroku)
{
	if (!heroku)
		return;
	if (heroku->auth)
		explicit_bzero(heroku->auth, strlen(heroku->auth));
	free(heroku->auth);
	http_reply_done(&heroku->reply);
	http_close(heroku->http);
	free(heroku);
}

const char *heroku_app(const struct heroku *heroku)
{
	return heroku->app;
}

const char *heroku_warning(const struct heroku *heroku)
{
	return heroku->warning;
}

int heroku_remaining(const struct heroku *heroku)
{
	return heroku->remaining;
}

int64_t heroku_skew_ms(const struct heroku *heroku)
{
	return heroku->skew_ms;
}

bool heroku_lost(const struct heroku *heroku)
{
	return heroku->lost;
}

struct job *heroku_job(const struct heroku *heroku)
{
	return heroku->job;
}

void heroku_despite_cancel(struct heroku *heroku, bool despite)
{
	heroku->despite = despite;
}

void heroku_hush(struct heroku *heroku, bool hush)
{
	heroku->hush = hush;
}

bool heroku_head(const struct heroku *heroku, const char *name, char *out, size_t size)
{
	return http_head(&heroku->reply, name, out, size);
}

/* ---- one exchange ---- */

static void tell(struct heroku *heroku, const char *method, const struct heroku_call *call, const char *path,
		 bool looks)
{
	const struct http_reply *reply = &heroku->reply;
	if (heroku->hush && looks && reply->end == HTTP_ANSWERED && reply->status < 400)
		return;
	char body[200] = "", ended[32];
	if (call->body)
		text_copyf(body, sizeof body, " %s", call->body);
	text_copyf(ended, sizeof ended,
		   reply->end == HTTP_ANSWERED ? "%d"
		   : reply->end == HTTP_LOST   ? "answer lost"
					       : "not sent",
		   reply->status);
	job_command(heroku->job, "http", "%s %s%s %s %lld ms", method, path, body, ended,
		    (long long)reply->ms);
}

static void learn_from_head(struct heroku *heroku)
{
	char text[200];
	const struct http_reply *reply = &heroku->reply;
	if (http_head(reply, "ratelimit-remaining", text, sizeof text))
		heroku->remaining = (int)heroku_number(text, "", -1);
	if (http_head(reply, "x-heroku-warning", text, sizeof text) ||
	    http_head(reply, "warning-message", text, sizeof text))
		text_copy(heroku->warning, sizeof heroku->warning, text);
	if (reply->server_ms)
		heroku->skew_ms = reply->server_ms + 500 - reply->asked_ms;
}

static int exchange(struct heroku *heroku, const struct heroku_call *call, const char *path,
		    const char *two_factor, bool looks, struct err *err)
{
	char accept[96], range[300], code[112], include[96];
	const char *headers[7] = {accept};
	size_t n = 1;
	text_copyf(accept, sizeof accept, "Accept: application/vnd.heroku+json; version=%s",
		   call->accept ? call->accept : "3");
	if (call->body)
		headers[n++] = "Content-Type: application/json";
	if (call->include) {
		text_copyf(include, sizeof include, "Accept-Inclusion: %s", call->include);
		headers[n++] = include;
	}
	if (call->range) {
		text_copyf(range, sizeof range, "Range: %s", call->range);
		headers[n++] = range;
	}
	if (two_factor) {
		text_copyf(code, sizeof code, "Heroku-Two-Factor-Code: %s", two_factor);
		headers[n++] = code;
	}
	char *url = xasprintf("%s%s", call->data ? heroku->data : heroku->api, path);
	struct http_request request = {
	    .method = call->method,
	    .url = url,
	    .headers = headers,
	    .secret = heroku->auth,
	    .body = call->body,
	    .body_len = call->body ? strlen(call->body) : 0,
	    .timeout_ms = looks ? 20000 : 60000,
	    .despite_cancel = heroku->despite,
	};
	http_reply_done(&heroku->reply);
	int rc = http_perform(heroku->http, &request, &heroku->reply, err);
	free(url);
	tell(heroku, call->method ? call->method : "GET", call, path, looks);
	if (rc == 0)
		learn_from_head(heroku);
	else if (err)
		err_wrap(err, "heroku");
	return rc;
}

/* Asks a person for the code, and tells Heroku when it is the app that wants it. */
static int second_factor(struct heroku *heroku, const struct json *said, struct err *err)
{
	const char *app = json_str(json_get(said, "app"), "name", "");
	if (job_ask(heroku->job, "Heroku asks for a second factor: type the code of your authenticator", true,
		    heroku->two_factor, sizeof heroku->two_factor, err) < 0)
		return err_wrap(err, "heroku wants a second factor for this");
	for (const char *p = heroku->two_factor; *p; p++)
		if (!isalnum((unsigned char)*p))
			return err_set(
			    err, ERR_AUTH,
			    "heroku: a second factor is letters and digits only; run the step again");
	if (!*app)
		return 0;
	char path[160];
	text_copyf(path, sizeof path, "/apps/%s/pre-authorizations", heroku->app);
	struct heroku_call call = {.method = "PUT"};
	int rc = exchange(heroku, &call, path, heroku->two_factor, false, err);
	explicit_bzero(heroku->two_factor, sizeof heroku->two_factor);
	if (rc == 0 && heroku->reply.status >= 300)
		rc =
		    err_set(err, ERR_AUTH,
			    "heroku did not take the second factor; nothing was changed, run the step again");
	return rc;
}

/* 429: nothing was done, so the same request may be sent again. False: the job is to stop. */
static bool wait_out_limit(struct heroku *heroku, int waited)
{
	char after[32];
	int seconds =
	    heroku_head(heroku, "retry-after", after, sizeof after) ? (int)heroku_number(after, "", 0) : 0;
	if (seconds < 1)
		seconds = 5 << waited;
	if (seconds > 60)
		seconds = 60;
	char text[160];
	text_copyf(text, sizeof text, "Heroku's rate limit of this account is used up: asking again in %d s",
		   seconds);
	job_log(heroku->job, "OLD", "%s", text);
	if (!heroku->despite)
		return !job_wait(heroku->job, (int64_t)seconds * 1000);
	clock_sleep_ms((int64_t)seconds * 1000);
	return true;
}

static struct json *parse_answer(const struct http_reply *reply)
{
	/* The data API says application/json over "<h1>Not Found</h1>": only the first byte tells the truth.
	 */
	const char *text = buf_text(&reply->body), *start = text + strspn(text, " \t\r\n");
	if (*start != '{' && *start != '[')
		return NULL;
	return json_parse(text, reply->body.len, NULL);
}

/* What to do about an answer that is no success: true means send it again. */
static bool mend(struct heroku *heroku, bool looks, const struct json *said, struct heroku_tries *tries,
		 struct err *err)
{
	int status = heroku->reply.status;
	bool patient = heroku->manner == HEROKU_PATIENT;
	if (status == 429 && patient && tries->limits < LIMIT_WAITS)
		return wait_out_limit(heroku, tries->limits++);
	bool factor = (status == 403 || status == 412) && text_equal(json_str(said, "id", ""), "two_factor");
	if (factor && patient && !tries->factors++)
		return second_factor(heroku, said, err) == 0;
	if (status >= 500 && looks && patient && tries->looks < LOOKS_TRIES - 1)
		return !job_wait(heroku->job, 500 << tries->looks++);
	return false;
}

static int take_success(struct heroku *heroku, const char *path, bool looks, struct json *said,
			struct json **out, struct err *err)
{
	if (heroku->reply.body.len && !said && heroku->reply.status != 304) {
		heroku->lost = !looks;
		return err_set(err, ERR_NET,
			       "heroku answered %s with something that is not JSON; try again, and look at "
			       "status.heroku.com if it stays so",
			       path);
	}
	if (out)
		*out = said;
	else
		json_free(said);
	return 0;
}

int heroku_call(struct heroku *heroku, const struct heroku_call *call, const char *path, struct json **out,
		struct err *err)
{
	bool looks = call->looks || !call->method || text_equal(call->method, "GET");
	struct heroku_tries tries = {0};
	if (out)
		*out = NULL;
	for (;;) {
		struct err own = {0};
		heroku->lost = false;
		const char *code = *heroku->two_factor ? heroku->two_factor : NULL;
		if (exchange(heroku, call, path, code, looks, &own) < 0) {
			heroku->lost = !looks && heroku->reply.end == HTTP_LOST;
			bool again = looks && own.kind == ERR_NET && heroku->manner == HEROKU_PATIENT &&
				     tries.looks < LOOKS_TRIES - 1;
			if (again && !job_wait(heroku->job, 500 << tries.looks++))
				continue;
			return err_set(err, own.kind, "%s", own.text);
		}
		explicit_bzero(heroku->two_factor, sizeof heroku->two_factor);
		struct json *said = parse_answer(&heroku->reply);
		int status = heroku->reply.status;
		if ((status >= 200 && status < 300) || status == 304)
			return take_success(heroku, path, looks, said, out, err);
		bool again = mend(heroku, looks, said, &tries, &own);
		if (!again) {
			heroku->lost = !looks && heroku->reply.status >= 500;
			if (own.kind)
				err_set(err, own.kind, "%s", own.text);
			else
				heroku_explain(err, heroku->app, call->data, path, &heroku->reply, said,
					       !looks);
		}
		json_free(said);
		if (!again)
			return -1;
	}
}

int heroku_each(struct heroku *heroku, const struct heroku_call *call, const char *path,
		void (*each)(void *ctx, const struct json *item), void *ctx, struct err *err)
{
	char next[256] = "";
	struct heroku_call page = *call;
	for (int i = 0; i < PAGES_MAX; i++) {
		struct json *list;
		if (*next)
			page.range = next;
		if (heroku_call(heroku, &page, path, &list, err) < 0)
			return -1;
		for (const struct json *item = json_first(list); item; item = json_next(item))
			each(ctx, item);
		json_free(list);
		if (heroku->reply.status != 206 || !heroku_head(heroku, "next-range", next, sizeof next))
			return 0;
	}
	return err_set(err, ERR_NET,
		       "heroku answered %s in more than %d pages, which cannot be right; try again", path,
		       PAGES_MAX);
}
