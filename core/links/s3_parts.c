/* A large file goes up in parts, which are nothing until they are joined, and cost money until they are. */
#include "core/base/text.h"
#include "core/links/s3_inner.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { PART_BYTES = 16 << 20, PARTS_MAX = 9000, ETAG_MAX = 80 };

static void s3_escape(struct buf *out, const char *text)
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
	int rc = s3_ask(
	    p->s3, &(struct s3_call){.method = "POST", .key = p->up->key, .query = "uploads=", .ears = p->up},
	    &reply, err);
	if (rc == 0 && !s3_xml(buf_text(&reply.body), "UploadId", text, sizeof text))
		rc = err_set(err, ERR_NET, "%s gave the upload no id; nothing is there",
			     p->s3->place.endpoint);
	if (rc == 0) {
		s3_escape(&id, text);
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
		rc = s3_ask(
		    p->s3,
		    &(struct s3_call){
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
	struct s3_call call = {
	    .method = "POST", .key = p->up->key, .query = query, .body = &body, .ears = p->up};
	int rc = s3_ask(p->s3, &call, &reply, err);
	if (rc == 0 && strstr(buf_text(&reply.body), "<Error>"))
		rc = s3_refused(p->s3, &call, &reply, err);
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
	s3_once(p->s3, &(struct s3_call){.method = "DELETE", .key = p->up->key, .query = query}, &reply,
		&unheard);
	http_reply_done(&reply);
}

static int put_whole(struct s3 *s, const struct s3_upload *up, struct err *err)
{
	struct http_reply reply = {0};
	struct buf body = {0};
	buf_adds(&body, "");
	int rc = up->read(up->ctx, 0, (size_t)up->size_bytes, &body, err);
	if (rc == 0)
		rc = s3_ask(s, &(struct s3_call){.method = "PUT", .key = up->key, .body = &body, .ears = up},
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

/* ---- what an upload that was killed has left ---- */

static int take_back_one(struct s3 *s, const char *key, const char *id, struct err *err)
{
	struct http_reply reply;
	struct buf escaped = {0};
	char query[1100];
	s3_escape(&escaped, id);
	text_copyf(query, sizeof query, "uploadId=%s", buf_text(&escaped));
	int rc = s3_ask(s, &(struct s3_call){.method = "DELETE", .key = key, .query = query}, &reply, err);
	http_reply_done(&reply);
	buf_done(&escaped);
	return rc;
}

/* Only uploads of exactly this name: no other night's, and nobody else's. */
static int take_back_listed(struct s3 *s, const char *key, const char *xml, size_t *n, struct err *err)
{
	char name[1100], id[400];
	int rc = 0;
	for (const char *at = xml; rc == 0 && (at = strstr(at, "<Upload>")); at++) {
		const char *end = strstr(at, "</Upload>");
		char *one = end ? xasprintf("%.*s", (int)(end - at), at) : NULL;
		if (one && s3_xml(one, "Key", name, sizeof name) && text_equal(name, key) &&
		    s3_xml(one, "UploadId", id, sizeof id)) {
			rc = take_back_one(s, key, id, err);
			*n += rc == 0;
		}
		free(one);
	}
	return rc;
}

int s3_sweep(struct s3 *s, const char *key, size_t *n, struct err *err)
{
	struct http_reply reply;
	struct buf query = {0};
	*n = 0;
	buf_adds(&query, "prefix=");
	s3_escape(&query, key);
	buf_adds(&query, "&uploads=");
	int rc =
	    s3_ask(s, &(struct s3_call){.method = "GET", .key = "", .query = buf_text(&query)}, &reply, err);
	if (rc == 0)
		rc = take_back_listed(s, key, buf_text(&reply.body), n, err);
	http_reply_done(&reply);
	buf_done(&query);
	return rc;
}
