/* Storage that speaks S3, for the demo and the tests: objects in a folder, signatures checked strictly. */
#ifndef DEMO_S3_S3_H
#define DEMO_S3_S3_H

#include "demo/http/server.h"

struct store {
	const char *dir, *key, *secret, *token, *region, *bucket;
	size_t part_min; /* a part that is not the last must have as much */
	struct upload {
		char id[40], key[600];
	} * uploads; /* begun, and neither joined nor taken back */
	size_t n_uploads;
};

/* True when the request is signed as Signature Version 4 wants it; else it has been answered. */
bool sign_admit(const struct store *store, struct http_request *req, struct http_reply *reply);
void s3_refuse(struct http_reply *reply, int status, const char *code, const char *message);
void s3_hex_sha256(const void *data, size_t size, char out[65]);
/* As AWS writes URLs: unreserved characters stay, `/` where it may. To be free()d. */
char *s3_escape(const char *text, bool slash);

#endif
