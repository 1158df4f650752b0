/* Storage that speaks S3: Amazon's, R2, MinIO, Hetzner's. Requests are signed by libcurl (Signature Version
 * 4); the keys are in no address, no argument and no sentence.
 *
 * Large files go up in parts, each of which may be sent again: a part is known by its number. Nothing is
 * there under its name before the last request has joined them. */
#ifndef CORE_LINKS_S3_H
#define CORE_LINKS_S3_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include <stdbool.h>
#include <stdint.h>

struct job;
struct json;
struct s3;

struct s3_place {
	char endpoint[200], region[64], bucket[80], folder[420]; /* endpoint without a slash at its end;
								    folder "" or "a/b" */
};
struct s3_login {
	char key[200], secret[400], token[4000]; /* token "" : none */
	char from[120]; /* "AWS_ACCESS_KEY_ID", "profile default of ~/.aws/credentials" */
};
/* From `backup:` of the configuration; region also from AWS_REGION, AWS_DEFAULT_REGION and ~/.aws/config.
 * false: it has none. */
bool s3_place_read(const struct job *job, struct s3_place *out);
/* As Amazon's tools find them: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN (secrets of the
 * child), else the profile's lines of AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials. -1: there are none.
 * Wipe it. */
int s3_login_find(struct job *job, struct s3_login *out, struct err *err);
/* The values of `[section]` in the text of such a file. */
bool s3_profile(const char *text, const char *section, const char *name, char *out, size_t size);

/* job may be NULL: then `going` alone says whether to go on. */
struct s3 *s3_open(struct job *job, const struct s3_place *place, const struct s3_login *login);
void s3_close(struct s3 *s3);

struct s3_upload {
	const char *key; /* below the bucket: "nightferry/acme/first.dump" */
	int64_t size_bytes;
	/* The bytes from `at` on, exactly `len` of them. */
	int (*read)(void *ctx, int64_t at, size_t len, struct buf *out, struct err *err);
	void (*told)(void *ctx, int64_t done_bytes); /* after each part */
	bool (*going)(void *ctx);                    /* false: stop; what was begun is taken back */
	void *ctx;
	size_t part_bytes; /* 0: 16 MB, more for files over 150 GB */
};
int s3_put(struct s3 *s3, const struct s3_upload *upload, struct err *err);
/* Takes back the parts of every upload of that name that was begun and never joined: of one that was killed.
 * Only for a name under which nothing is being sent now. *n: how many uploads it were. */
int s3_sweep(struct s3 *s3, const char *key, size_t *n, struct err *err);
/* -1 bytes: it is not there. */
int s3_size(struct s3 *s3, const char *key, int64_t *size_bytes, struct err *err);
/* Reads all of it once: how many bytes came, and their SHA-256. */
int s3_read_through(struct s3 *s3, const char *key, const struct s3_upload *ears, int64_t *size_bytes,
		    char sha256[65], struct err *err);

#endif
