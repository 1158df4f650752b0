/* SHA-256 of what comes piece by piece. */
#ifndef CORE_LINKS_S3_HASH_H
#define CORE_LINKS_S3_HASH_H

#include <stddef.h>

struct s3_hash;
struct s3_hash *s3_hash_new(void);
void s3_hash_add(struct s3_hash *hash, const void *data, size_t len);
/* Ends it: `out` gets 64 hex digits. */
void s3_hash_end(struct s3_hash *take_hash, char out[65]);

#endif
