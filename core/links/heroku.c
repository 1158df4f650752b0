/* One request to Heroku and what may come back: pages, refusals, limits, second factors, lies and silence. */
#include "core/links/heroku.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/heroku_inner.h"
#include "core/links/heroku_words.h"
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Heroku's own router lets go of a request after 30 s: who waits longer waits for nobody. */
enum {
	LOOKS_TRIES = 3,
	LIMIT_WAITS = 6,
	FACTOR_TRIES = 3,
	PAGES_MAX = 100,
	ITEMS_MAX = 50000,
	BODY_MAX = 16 << 20,
	WAIT_MOST_S = 60, /* one wait for the rate limit */
	WAIT_FAR_S = 600, /* further away than that is told, not waited for */
	LOOK_MS = 20000,
	CHANGE_MS = 35000
};

/* ---- one exchange ---- */

static void tell(struct heroku *heroku, const char *method, const struct heroku_call *call, const char *path,
		 bool looks)
{
	const struct http_reply *reply = &heroku->reply;
	if (heroku->hush && looks && reply->end == HTTP_ANSWERED && reply->status < 400)
		return;
	char body[200] = "", ended[HTTP_ENDED_MAX];
	if (call->body)
		text_copyf(body, sizeof body, " %s", call->secret ? "(not shown)" : call->body);
	job_command(heroku->job, "http", "%s %s%s %s %lld ms", method, path, body, http_ended(reply, ended),
		    (long long)reply->ms);
}

static void learn_from_head(struct heroku *heroku)
{
	char text[200];
	const struct http_reply *reply = &heroku->reply;
	if (http_head(reply, "ratelimit-remaining", text, sizeof text)) {
		int64_t left = heroku_number(text, "", -1);
		heroku->remaining = left <= INT_MAX ? (int)left : -1;
	}
	if (http_head(reply, "x-heroku-warning", text, sizeof text) ||
	    http_head(reply, "warning-message", text, sizeof text)) {
		char clean[200];
		text_clean(clean, sizeof clean, text, strlen(text));
		/* A step says it once, in the log; a watch has a place for it. */
		if (!heroku->hush && !text_equal(heroku->warning, clean))
			job_log(heroku->job, "OLD", "Heroku warns: %s", clean);
		text_copy(heroku->warning, sizeof heroku->warning, clean);
	}
	if (reply->server_ms)
		heroku->skew_ms = reply->server_ms + 500 - reply->asked_ms;
}

/* What a watch asks every few seconds. Config vars and the data API hold secrets, and their answers are not
 * kept. */
static bool kept(const struct heroku *heroku, const struct heroku_call *call, const char *path)
{
	bool get = !call->method || text_equal(call->method, "GET");
	return heroku->hush && get && !call->data && !call->secret && !strstr(path, "config-vars");
}

static int exchange(struct heroku *heroku, const struct heroku_call *call, const char *path,
		    const char *two_factor, bool looks, struct err *err)
{
	char accept[96], range[300], code[112], include[96], tag[200];
	const char *headers[8] = {accept};
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
	char *what = kept(heroku, call, path)
			 ? xasprintf("%s|%s|%s", path, accept, call->range ? call->range : "")
			 : NULL;
	const char *known = what ? heroku_etag_known(heroku, what) : NULL;
	if (known && text_copyf(tag, sizeof tag, "If-None-Match: %s", known))
		headers[n++] = tag;
	char *url = xasprintf("%s%s", call->data ? heroku->data : heroku->api, path);
	struct http_request request = {
	    .method = call->method,
	    .url = url,
	    .headers = headers,
	    .secret = heroku->auth,
	    .body = call->body,
	    .body_len = call->body ? strlen(call->body) : 0,
	    .timeout_ms = looks ? LOOK_MS : CHANGE_MS,
	    .body_max = BODY_MAX,
	    .despite_cancel = heroku->despite,
	};
	http_reply_done(&heroku->reply);
	int rc = http_perform(heroku->http, &request, &heroku->reply, err);
	free(url);
	if (what && rc == 0)
		heroku_etag_take(heroku, what);
	free(what);
	tell(heroku, call->method ? call->method : "GET", call, path, looks);
	if (rc == 0)
		learn_from_head(heroku);
	else if (err)
		err_wrap(err, "heroku");
	return rc;
}

/* Asks a person for the code, and tells Heroku when it is the app that wants it. */
static int second_factor(struct heroku *heroku, const struct json *said, int tried, struct err *err)
{
	const char *app = json_str(json_get(said, "app"), "name", "");
	const char *question = tried
				   ? "Heroku did not take that code: type the next one of your authenticator"
				   : "Heroku asks for a second factor: type the code of your authenticator";
	if (job_ask(heroku->job, question, true, heroku->two_factor, sizeof heroku->two_factor, err) < 0)
		return err_wrap(err, "heroku wants a second factor for this; the change was not made");
	if (!*heroku->two_factor)
		return err_set(
		    err, ERR_AUTH,
		    "heroku wants a second factor for this, and no code was typed; the change was not made, "
		    "run the step again");
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
	/* A code that was not taken is found out by the request itself, which is refused once more. */
	return rc;
}

/* 429: nothing was done, so the same request may be sent again. False: the job is to stop, or `err` says that
 * the wait would be too long. */
static bool wait_out_limit(struct heroku *heroku, int waited, struct err *err)
{
	char after[32];
	int64_t seconds =
	    heroku_head(heroku, "retry-after", after, sizeof after) ? heroku_number(after, "", 0) : 0;
	if (seconds > WAIT_FAR_S) {
		err_set(
		    err, ERR_NET,
		    "heroku's rate limit of this account is used up, and Heroku wants no request for %lld "
		    "minutes; nothing was done, look which other program uses this account",
		    (long long)(seconds / 60));
		return false;
	}
	if (seconds < 1)
		seconds = 5 << waited;
	if (seconds > WAIT_MOST_S)
		seconds = WAIT_MOST_S;
	char text[160];
	text_copyf(text, sizeof text,
		   "Heroku's rate limit of this account is used up: asking again in %lld s",
		   (long long)seconds);
	job_log(heroku->job, "OLD", "%s", text);
	if (!heroku->despite)
		return !job_wait(heroku->job, seconds * 1000);
	clock_sleep_ms(seconds * 1000);
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
		return wait_out_limit(heroku, tries->limits++, err);
	bool factor = (status == 403 || status == 412) && text_equal(json_str(said, "id", ""), "two_factor");
	if (factor && patient && tries->factors < FACTOR_TRIES)
		return second_factor(heroku, said, tries->factors++, err) == 0;
	if (status >= 500 && looks && patient && tries->looks < LOOKS_TRIES - 1)
		return !job_wait(heroku->job, 500 << tries->looks++);
	return false;
}

/* "The same as before" to somebody who keeps nothing, and silence to a question, are no answers either. */
static int take_success(struct heroku *heroku, const char *path, bool looks, struct json *said,
			struct json **out, struct err *err)
{
	if (!said && (heroku->reply.body.len || heroku->reply.status == 304 || (looks && out))) {
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
		if (call->secret && heroku->reply.body.data)
			explicit_bzero(heroku->reply.body.data, heroku->reply.body.len);
		int status = heroku->reply.status;
		if ((status >= 200 && status < 300) || status == 304)
			return take_success(heroku, path, looks, said, out, err);
		bool again = mend(heroku, looks, said, &tries, &own);
		if (!again) {
			heroku->lost = !looks && heroku_unclear(heroku->reply.status);
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

/* What the pages of one list held so far. A list that changes while it is read may give an item twice. */
struct pages {
	char **ids;
	size_t n;
};

static bool page_knows(struct pages *pages, const struct json *item)
{
	const char *id = json_str(item, "id", json_str(item, "uuid", NULL));
	if (!id)
		return false;
	for (size_t i = 0; i < pages->n; i++)
		if (text_equal(pages->ids[i], id))
			return true;
	pages->ids = xrealloc(pages->ids, pages->n + 1, sizeof *pages->ids);
	pages->ids[pages->n++] = xstrdup(id);
	return false;
}

/* One page. 1: there are more, from `next` on; 0: it was the last; -1 with err. */
static int each_page(struct heroku *heroku, const struct heroku_call *call, const char *path,
		     struct pages *pages, char next[256], void (*each)(void *ctx, const struct json *item),
		     void *ctx, struct err *err)
{
	struct heroku_call page = *call;
	char from[256];
	struct json *list;
	text_copy(from, sizeof from, next);
	if (*from)
		page.range = from;
	if (heroku_call(heroku, &page, path, &list, err) < 0)
		return -1;
	const char *odd = json_is_array(list) ? NULL : "no list";
	bool more = heroku->reply.status == 206;
	size_t n = 0;
	for (const struct json *item = json_first(list); item && !odd; item = json_next(item)) {
		if (++n > ITEMS_MAX)
			odd = "more than can be";
		else if (!(more || *from) || !page_knows(pages, item))
			each(ctx, item);
	}
	(call->secret ? json_wipe : json_free)(list);
	/* "No dyno is left" is believed of a whole list only. */
	if (!odd && more && !heroku_head(heroku, "next-range", next, 256))
		odd = "a part of the list and no way to the rest";
	if (!odd && more && text_equal(next, from))
		odd = "the same part of the list again";
	if (odd)
		return err_set(err, ERR_NET,
			       "heroku answered %s with %s; try again, and look at status.heroku.com if it "
			       "stays so",
			       path, odd);
	return more;
}

int heroku_each(struct heroku *heroku, const struct heroku_call *call, const char *path,
		void (*each)(void *ctx, const struct json *item), void *ctx, struct err *err)
{
	char next[256] = "";
	struct pages pages = {0};
	int more = 1;
	for (int i = 0; i < PAGES_MAX && more > 0; i++)
		more = each_page(heroku, call, path, &pages, next, each, ctx, err);
	for (size_t i = 0; i < pages.n; i++)
		free(pages.ids[i]);
	free(pages.ids);
	if (more > 0)
		err_set(err, ERR_NET,
			"heroku answered %s in more than %d pages, which cannot be right; try again", path,
			PAGES_MAX);
	return more ? -1 : 0;
}
