/* One request to storage: for core/links/s3*.c only. */
#ifndef CORE_LINKS_S3_INNER_H
#define CORE_LINKS_S3_INNER_H

#include "core/links/http.h"
#include "core/links/s3.h"

struct s3 {
	struct job *job;
	struct http *http;
	struct s3_place place;
	char signer[100], *key_id, *secret, *token; /* token: a header line */
};

struct s3_call {
	const char *method, *key, *query; /* query: sorted, escaped */
	const struct buf *body;
	const struct s3_upload *ears;
	bool (*sink)(void *ctx, const char *data, size_t len);
	void *ctx;
};
/* Tries again what failed on its way; -1 also for an answer that is a refusal. */
int s3_ask(struct s3 *s3, const struct s3_call *call, struct http_reply *reply, struct err *err);
int s3_once(struct s3 *s3, const struct s3_call *call, struct http_reply *reply, struct err *err);
int s3_refused(const struct s3 *s3, const struct s3_call *call, const struct http_reply *reply,
	       struct err *err);
/* The text between the first <tag> and </tag>, cleaned; false: it is not there, or empty. */
bool s3_xml(const char *xml, const char *tag, char *out, size_t size);

#endif
