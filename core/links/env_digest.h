/* A value by which two of the same name can be compared, and nothing else be learnt. */
#ifndef CORE_LINKS_ENV_DIGEST_H
#define CORE_LINKS_ENV_DIGEST_H

enum { ENV_DIGEST_MAX = 17 };
struct job;
/* 16 hex digits of HMAC-SHA256 over name and value, by this night's key (the secret DIGEST_KEY). By hand,
 * where there is no night, it is "" : nothing outlives the look. */
void env_digest(const struct job *job, const char *name, const char *value, char out[ENV_DIGEST_MAX]);
/* The same by a key of the caller's; "" for NULL. */
void env_digest_keyed(const char *key, const char *name, const char *value, char out[ENV_DIGEST_MAX]);

#endif
