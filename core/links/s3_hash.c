#include "core/links/s3_hash.h"
#include "core/base/text.h"
#include <openssl/evp.h>
#include <stdlib.h>

static EVP_MD_CTX *context(struct s3_hash *hash)
{
	return (EVP_MD_CTX *)(void *)hash;
}

struct s3_hash *s3_hash_new(void)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (!ctx || !EVP_DigestInit_ex(ctx, EVP_sha256(), NULL))
		abort();
	return (struct s3_hash *)(void *)ctx;
}

void s3_hash_add(struct s3_hash *hash, const void *data, size_t len)
{
	if (!EVP_DigestUpdate(context(hash), data, len))
		abort();
}

void s3_hash_end(struct s3_hash *hash, char out[65])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	if (!EVP_DigestFinal_ex(context(hash), digest, &n) || n != 32)
		abort();
	EVP_MD_CTX_free(context(hash));
	text_hex(out, digest, n);
}
