#include "core/links/s3.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/http.h"
#include "core/links/s3_hash.h"
#include "core/links/s3_inner.h"
#include <stdlib.h>
#include <string.h>

enum { TRIES = 3, PART_MS = 1800 * 1000 };

struct s3 *s3_open(struct job *job, const struct s3_place *place, const struct s3_login *login)
{
	struct s3 *s = xcalloc(1, sizeof *s);
	s->job = job;
	s->http = http_open(job);
	s->place = *place;
	text_copyf(s->signer, sizeof s->signer, "aws:amz:%s:s3", place->region);
	s->key_id = xstrdup(login->key);
	s->secret = xstrdup(login->secret);
	s->token = *login->token ? xasprintf("x-amz-security-token: %s", login->token) : NULL;
	return s;
}

static void wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void s3_close(struct s3 *s)
{
	if (!s)
		return;
	http_close(s->http);
	wipe(s->key_id);
	wipe(s->secret);
	wipe(s->token);
	free(s);
}

/* ---- one request ---- */

bool s3_xml(const char *xml, const char *tag, char *out, size_t size)
{
	char open[60], close[60];
	text_copyf(open, sizeof open, "<%s>", tag);
	text_copyf(close, sizeof close, "</%s>", tag);
	const char *at = strstr(xml, open), *end = at ? strstr(at, close) : NULL;
	*out = '\0';
	if (!end)
		return false;
	at += strlen(open);
	text_clean(out, size, at, (size_t)(end - at));
	return *out != '\0';
}

int s3_refused(const struct s3 *s, const struct s3_call *call, const struct http_reply *reply,
	       struct err *err)
{
	char code[64], said[200];
	bool told = s3_xml(buf_text(&reply->body), "Code", code, sizeof code);
	s3_xml(buf_text(&reply->body), "Message", said, sizeof said);
	enum err_kind kind = reply->status == 401 || reply->status == 403 ? ERR_AUTH : ERR_REFUSED;
	const char *todo =
	    text_equal(code, "SignatureDoesNotMatch")  ? "the secret key is another one, or the region is"
	    : text_equal(code, "InvalidAccessKeyId")   ? "the storage does not know the access key"
	    : text_equal(code, "RequestTimeTooSkewed") ? "the clock of the machine that asked is wrong"
	    : text_equal(code, "NoSuchBucket")         ? "make the bucket, or mend backup.to"
	    : kind == ERR_AUTH                         ? "these keys may not do that in this bucket"
						       : "look at the storage";
	return err_set(err, kind, "%s/%s answers %s with %d %s (%s): %s", s->place.endpoint, s->place.bucket,
		       call->method, reply->status, told ? code : "", *said ? said : "no words", todo);
}

static bool tick(void *ctx)
{
	const struct s3_call *call = ctx;
	return !call->ears || !call->ears->going || call->ears->going(call->ears->ctx);
}

static bool sink(void *ctx, const char *data, size_t len)
{
	const struct s3_call *call = ctx;
	return call->sink(call->ctx, data, len);
}

int s3_once(struct s3 *s, const struct s3_call *call, struct http_reply *reply, struct err *err)
{
	char *url = xasprintf("%s/%s/%s%s%s", s->place.endpoint, s->place.bucket, call->key,
			      call->query ? "?" : "", call->query ? call->query : "");
	/* Said by us: libcurl 7.88 leaves it out of what has no body, and every storage wants it. */
	char hash[110] = "x-amz-content-sha256: ";
	struct s3_hash *sum = s3_hash_new();
	s3_hash_add(sum, call->body ? buf_text(call->body) : "", call->body ? call->body->len : 0);
	s3_hash_end(sum, hash + strlen(hash));
	const char *headers[] = {hash, call->body ? "Content-Type: application/octet-stream" : s->token,
				 call->body ? s->token : NULL, NULL};
	struct http_request request = {.method = call->method,
				       .url = url,
				       .headers = headers,
				       .sign_for = s->signer,
				       .sign_key_id = s->key_id,
				       .sign_key = s->secret,
				       .body = call->body ? buf_text(call->body) : NULL,
				       .body_len = call->body ? call->body->len : 0,
				       .timeout_ms = call->body ? PART_MS : 0,
				       .sink = call->sink ? sink : NULL,
				       .tick = tick,
				       .ctx = (void *)(uintptr_t)call};
	char ended[HTTP_ENDED_MAX];
	int rc = http_perform(s->http, &request, reply, err);
	if (s->job)
		job_command(s->job, "http", "%s %s %s %lld ms", call->method, url, http_ended(reply, ended),
			    (long long)reply->ms);
	free(url);
	return rc;
}

/* Every request here may be made again: a part is known by its number, and the rest only look or end. */
int s3_ask(struct s3 *s, const struct s3_call *call, struct http_reply *reply, struct err *err)
{
	for (int i = 1;; i++) {
		struct err why = {0};
		int rc = s3_once(s, call, reply, &why);
		if (!tick((void *)(uintptr_t)call))
			return err_set(err, ERR_CANCELLED, "stopped on request");
		bool again = rc < 0 ? why.kind == ERR_NET : reply->status >= 500;
		if (again && i < TRIES && !call->sink) {
			http_reply_done(reply);
			if (s->job && job_wait(s->job, i * INT64_C(1000)))
				return err_set(err, ERR_CANCELLED, "stopped on request");
			if (!s->job)
				clock_sleep_ms(i * INT64_C(1000));
			continue;
		}
		if (rc < 0)
			return err_set(err, why.kind, "%s", why.text);
		return reply->status / 100 == 2 || (reply->status == 404 && text_equal(call->method, "HEAD"))
			   ? 0
			   : s3_refused(s, call, reply, err);
	}
}

/* ---- looking ---- */

int s3_size(struct s3 *s, const char *key, int64_t *size_bytes, struct err *err)
{
	struct http_reply reply;
	char text[40];
	*size_bytes = -1;
	int rc = s3_ask(s, &(struct s3_call){.method = "HEAD", .key = key}, &reply, err);
	if (rc == 0 && reply.status != 404)
		*size_bytes =
		    http_head(&reply, "content-length", text, sizeof text) ? units_parse_int(text, -1) : -1;
	http_reply_done(&reply);
	return rc;
}

struct reading {
	struct s3_hash *hash;
	int64_t bytes;
	const struct s3_upload *ears;
	struct buf words; /* the first of it: an error's text is short */
};

static bool take(void *ctx, const char *data, size_t len)
{
	struct reading *r = ctx;
	s3_hash_add(r->hash, data, len);
	r->bytes += (int64_t)len;
	if (r->words.len < 2000)
		buf_add(&r->words, data, len < 2000 ? len : 2000);
	if (r->ears && r->ears->told)
		r->ears->told(r->ears->ctx, r->bytes);
	return true;
}

int s3_read_through(struct s3 *s, const char *key, const struct s3_upload *ears, int64_t *size_bytes,
		    char sha256[65], struct err *err)
{
	struct http_reply reply;
	struct reading r = {.hash = s3_hash_new(), .ears = ears};
	struct s3_call call = {.method = "GET", .key = key, .ears = ears, .sink = take, .ctx = &r};
	int rc = s3_ask(s, &call, &reply, err);
	if (rc < 0 && reply.status >= 300) {
		buf_reset(&reply.body);
		buf_add(&reply.body, r.words.data, r.words.len);
		rc = s3_refused(s, &call, &reply, err);
	}
	http_reply_done(&reply);
	buf_done(&r.words);
	s3_hash_end(r.hash, sha256);
	*size_bytes = r.bytes;
	return rc;
}
