#include "core/links/s3.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/http.h"
#include "core/links/s3_hash.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = 3, PART_BYTES = 16 << 20, PARTS_MAX = 9000, PART_MS = 1800 * 1000, ETAG_MAX = 80 };

struct s3 {
	struct job *job;
	struct http *http;
	struct s3_place place;
	char signer[100], *key_id, *secret, *token; /* token: a header line */
};

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

struct call {
	const char *method, *key, *query; /* query: sorted, escaped */
	const struct buf *body;
	const struct s3_upload *ears;
	bool (*sink)(void *ctx, const char *data, size_t len);
	void *ctx;
};

/* Between <tag> and </tag>. */
static bool xml_text(const struct buf *body, const char *tag, char *out, size_t size)
{
	char open[60], close[60];
	text_copyf(open, sizeof open, "<%s>", tag);
	text_copyf(close, sizeof close, "</%s>", tag);
	const char *at = strstr(buf_text(body), open), *end = at ? strstr(at, close) : NULL;
	*out = '\0';
	if (!end)
		return false;
	at += strlen(open);
	text_clean(out, size, at, (size_t)(end - at));
	return *out != '\0';
}

static int refused(const struct s3 *s, const struct call *call, const struct http_reply *reply,
		   struct err *err)
{
	char code[64], said[200];
	bool told = xml_text(&reply->body, "Code", code, sizeof code);
	xml_text(&reply->body, "Message", said, sizeof said);
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
	const struct call *call = ctx;
	return !call->ears || !call->ears->going || call->ears->going(call->ears->ctx);
}

static bool sink(void *ctx, const char *data, size_t len)
{
	const struct call *call = ctx;
	return call->sink(call->ctx, data, len);
}

static int once(struct s3 *s, const struct call *call, struct http_reply *reply, struct err *err)
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
static int ask(struct s3 *s, const struct call *call, struct http_reply *reply, struct err *err)
{
	for (int i = 1;; i++) {
		struct err why = {0};
		int rc = once(s, call, reply, &why);
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
			   : refused(s, call, reply, err);
	}
}

/* ---- parts ---- */

static void escape(struct buf *out, const char *text)
{
	for (; *text; text++)
		if (isalnum((unsigned char)*text) || strchr("-_.~", *text))
			buf_addc(out, *text);
		else
			buf_addf(out, "%%%02X", (unsigned char)*text);
}

struct parts {
	struct s3 *s3;
	const struct s3_upload *up;
	char id[1000]; /* escaped */
	char (*etags)[ETAG_MAX];
	size_t n, bytes;
};

static int begin(struct parts *p, struct err *err)
{
	struct http_reply reply;
	struct buf none = {0}, id = {0};
	char text[400];
	buf_adds(&none, "");
	int rc = ask(p->s3,
		     &(struct call){.method = "POST", .key = p->up->key, .query = "uploads=", .ears = p->up},
		     &reply, err);
	if (rc == 0 && !xml_text(&reply.body, "UploadId", text, sizeof text))
		rc = err_set(err, ERR_NET, "%s gave the upload no id; nothing is there",
			     p->s3->place.endpoint);
	if (rc == 0) {
		escape(&id, text);
		text_copy(p->id, sizeof p->id, buf_text(&id));
	}
	http_reply_done(&reply);
	buf_done(&none);
	buf_done(&id);
	return rc;
}

static int send_part(struct parts *p, size_t i, struct err *err)
{
	int64_t at = (int64_t)(i * p->bytes), left = p->up->size_bytes - at;
	size_t len = left < (int64_t)p->bytes ? (size_t)left : p->bytes;
	struct http_reply reply = {0};
	struct buf body = {0};
	char query[1100];
	text_copyf(query, sizeof query, "partNumber=%zu&uploadId=%s", i + 1, p->id);
	int rc = p->up->read(p->up->ctx, at, len, &body, err);
	if (rc == 0)
		rc =
		    ask(p->s3,
			&(struct call){
			    .method = "PUT", .key = p->up->key, .query = query, .body = &body, .ears = p->up},
			&reply, err);
	if (rc == 0 && !http_head(&reply, "etag", p->etags[i], ETAG_MAX))
		rc = err_set(err, ERR_NET, "%s took a part and gave it no mark", p->s3->place.endpoint);
	http_reply_done(&reply);
	buf_done(&body);
	if (rc == 0 && p->up->told)
		p->up->told(p->up->ctx, at + (int64_t)len);
	return rc;
}

/* The answer may say 200 and hold an error: the parts are joined while it is being sent. */
static int join(struct parts *p, struct err *err)
{
	struct http_reply reply;
	struct buf body = {0};
	char query[1100];
	text_copyf(query, sizeof query, "uploadId=%s", p->id);
	buf_adds(&body, "<CompleteMultipartUpload>");
	for (size_t i = 0; i < p->n; i++)
		buf_addf(&body, "<Part><PartNumber>%zu</PartNumber><ETag>%s</ETag></Part>", i + 1,
			 p->etags[i]);
	buf_adds(&body, "</CompleteMultipartUpload>");
	struct call call = {
	    .method = "POST", .key = p->up->key, .query = query, .body = &body, .ears = p->up};
	int rc = ask(p->s3, &call, &reply, err);
	if (rc == 0 && strstr(buf_text(&reply.body), "<Error>"))
		rc = refused(p->s3, &call, &reply, err);
	http_reply_done(&reply);
	buf_done(&body);
	return rc;
}

/* Parts that belong to nothing are kept, and paid for, until somebody finds them. */
static void take_back(struct parts *p)
{
	struct http_reply reply;
	struct err unheard = {0};
	char query[1100];
	text_copyf(query, sizeof query, "uploadId=%s", p->id);
	once(p->s3, &(struct call){.method = "DELETE", .key = p->up->key, .query = query}, &reply, &unheard);
	http_reply_done(&reply);
}

static int put_whole(struct s3 *s, const struct s3_upload *up, struct err *err)
{
	struct http_reply reply = {0};
	struct buf body = {0};
	buf_adds(&body, "");
	int rc = up->read(up->ctx, 0, (size_t)up->size_bytes, &body, err);
	if (rc == 0)
		rc = ask(s, &(struct call){.method = "PUT", .key = up->key, .body = &body, .ears = up},
			 &reply, err);
	http_reply_done(&reply);
	buf_done(&body);
	if (rc == 0 && up->told)
		up->told(up->ctx, up->size_bytes);
	return rc;
}

int s3_put(struct s3 *s, const struct s3_upload *up, struct err *err)
{
	struct parts p = {.s3 = s, .up = up, .bytes = up->part_bytes ? up->part_bytes : PART_BYTES};
	if ((size_t)(up->size_bytes / PARTS_MAX) + 1 > p.bytes)
		p.bytes = (size_t)(up->size_bytes / PARTS_MAX) + 1;
	p.n = ((size_t)up->size_bytes + p.bytes - 1) / p.bytes;
	if (p.n <= 1)
		return put_whole(s, up, err);
	p.etags = xcalloc(p.n, sizeof *p.etags);
	int rc = begin(&p, err);
	bool begun = rc == 0;
	for (size_t i = 0; i < p.n && rc == 0; i++)
		rc = send_part(&p, i, err);
	if (rc == 0)
		rc = join(&p, err);
	if (rc < 0 && begun)
		take_back(&p);
	free(p.etags);
	return rc;
}

/* ---- looking ---- */

int s3_size(struct s3 *s, const char *key, int64_t *size_bytes, struct err *err)
{
	struct http_reply reply;
	char text[40];
	*size_bytes = -1;
	int rc = ask(s, &(struct call){.method = "HEAD", .key = key}, &reply, err);
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
	struct call call = {.method = "GET", .key = key, .ears = ears, .sink = take, .ctx = &r};
	int rc = ask(s, &call, &reply, err);
	if (rc < 0 && reply.status >= 300) {
		buf_reset(&reply.body);
		buf_add(&reply.body, r.words.data, r.words.len);
		rc = refused(s, &call, &reply, err);
	}
	http_reply_done(&reply);
	buf_done(&r.words);
	s3_hash_end(r.hash, sha256);
	*size_bytes = r.bytes;
	return rc;
}
