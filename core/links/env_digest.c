#include "core/links/env_digest.h"
#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/job.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

void env_digest(const struct job *job, const char *name, const char *value, char out[ENV_DIGEST_MAX])
{
	env_digest_keyed(job ? job_secret(job, "DIGEST_KEY") : NULL, name, value, out);
}

void env_digest_keyed(const char *key, const char *name, const char *value, char out[ENV_DIGEST_MAX])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	struct buf text = {0};
	*out = 0;
	if (!key)
		return;
	/* The name is part of it, so that nobody sees which variables have the same value. */
	buf_add(&text, name, strlen(name) + 1);
	buf_adds(&text, value);
	if (HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)text.data, text.len, digest,
		 &len))
		text_hex(out, digest, (ENV_DIGEST_MAX - 1) / 2);
	explicit_bzero(text.data, text.len);
	buf_done(&text);
}
