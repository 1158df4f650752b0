/* Signature version 4, computed from the request as it came. */
#include "api.h"
#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { HASH = 32, SKEW_S = 300, PAIRS = 16 };

static void hex_of(char out[2 * HASH + 1], const unsigned char hash[HASH])
{
	for (int i = 0; i < HASH; i++)
		snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

static void sha256_hex(char out[2 * HASH + 1], const void *data, size_t size)
{
	unsigned char hash[HASH];
	EVP_Digest(data, size, hash, NULL, EVP_sha256(), NULL);
	hex_of(out, hash);
}

static void hmac(unsigned char out[HASH], const void *key, size_t key_size, const char *text)
{
	HMAC(EVP_sha256(), key, (int)key_size, (const unsigned char *)text, strlen(text), out, NULL);
}

static void add_encoded(struct text *out, const char *value, bool slash)
{
	text_add(out, "%s", "");
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;
		if (isalnum(c) || strchr("-_.~", c) || (slash && c == '/'))
			text_add(out, "%c", c);
		else
			text_add(out, "%%%02X", c);
	}
}

struct pairs {
	char *list[PAIRS];
	size_t n;
};

static void add_pair(void *state, const char *name, const char *value)
{
	struct pairs *pairs = state;
	struct text text = {0};
	if (pairs->n == PAIRS)
		return;
	add_encoded(&text, name, false);
	text_add(&text, "=");
	add_encoded(&text, value, false);
	pairs->list[pairs->n++] = text.data;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_query(struct text *out, const struct http_request *req)
{
	struct pairs pairs = {0};
	http_each_query(req, add_pair, &pairs);
	qsort(pairs.list, pairs.n, sizeof(*pairs.list), by_text);
	for (size_t i = 0; i < pairs.n; i++) {
		text_add(out, "%s%s", i ? "&" : "", pairs.list[i]);
		free(pairs.list[i]);
	}
	text_add(out, "\n");
}

/* "host;x-amz-date" and the headers so named, in that order. */
static bool add_headers(struct text *out, const struct http_request *req, const char *names)
{
	char copy[400], *save = NULL;
	bool host = false, date = false;
	snprintf(copy, sizeof(copy), "%s", names);
	for (char *name = strtok_r(copy, ";", &save); name; name = strtok_r(NULL, ";", &save)) {
		const char *value = http_header(req, name);
		if (!value)
			return false;
		host = host || !strcmp(name, "host");
		date = date || !strcmp(name, "x-amz-date");
		text_add(out, "%s:%s\n", name, value);
	}
	text_add(out, "\n%s\n", names);
	return host && date;
}

static const char *refuse(const char *code, char *why, size_t size, const char *words)
{
	snprintf(why, size, "%s", words);
	return code;
}

static bool clock_is_near(const char *stamp)
{
	struct tm tm = {0};
	const char *end = strptime(stamp, "%Y%m%dT%H%M%SZ", &tm);
	long long off = end && !*end ? (long long)timegm(&tm) - (long long)time(NULL) : 1 << 30;
	return off <= SKEW_S && off >= -SKEW_S;
}

static void signature(const struct api *api, const char *day, const char *to_sign, char out[2 * HASH + 1])
{
	unsigned char key[HASH];
	char first[300];
	snprintf(first, sizeof(first), "AWS4%s", api->key);
	hmac(key, first, strlen(first), day);
	hmac(key, key, HASH, "us-east-1");
	hmac(key, key, HASH, "route53");
	hmac(key, key, HASH, "aws4_request");
	hmac(key, key, HASH, to_sign);
	hex_of(out, key);
}

static bool is_signed(const struct api *api, const struct http_request *req, const char *day,
		      const char *stamp, const char *names, const char *given)
{
	struct text canonical = {0}, to_sign = {0};
	char hash[2 * HASH + 1], right[2 * HASH + 1];
	text_add(&canonical, "%s\n", req->method);
	add_encoded(&canonical, req->path, true);
	text_add(&canonical, "\n");
	add_query(&canonical, req);
	bool whole = add_headers(&canonical, req, names);
	sha256_hex(hash, req->body, req->body_size);
	text_add(&canonical, "%s", hash);
	sha256_hex(hash, canonical.data, canonical.len);
	text_add(&to_sign, "AWS4-HMAC-SHA256\n%s\n%s/us-east-1/route53/aws4_request\n%s", stamp, day, hash);
	signature(api, day, to_sign.data, right);
	free(canonical.data);
	free(to_sign.data);
	return whole && !strcmp(right, given);
}

const char *sign_check(const struct api *api, const struct http_request *req, char *why, size_t size)
{
	const char *header = http_header(req, "Authorization"), *stamp = http_header(req, "X-Amz-Date");
	const char *token = http_header(req, "X-Amz-Security-Token");
	char key_id[200], day[16], names[400], given[80];
	if (!header || !stamp)
		return refuse("MissingAuthenticationToken", why, size, "Missing Authentication Token");
	if (sscanf(header,
		   "AWS4-HMAC-SHA256 Credential=%199[^/]/%15[^/]/us-east-1/route53/aws4_request, "
		   "SignedHeaders=%399[^,], Signature=%79s",
		   key_id, day, names, given) != 4)
		return refuse("IncompleteSignature", why, size, "Credential should be scoped to us-east-1");
	if (strcmp(key_id, api->key_id) || (api->token && (!token || strcmp(token, api->token))))
		return refuse("InvalidClientTokenId", why, size,
			      "The security token included in the request is invalid.");
	if (!clock_is_near(stamp) || strncmp(stamp, day, 8))
		return refuse("SignatureDoesNotMatch", why, size, "Signature expired: look at the clock");
	if (!is_signed(api, req, day, stamp, names, given))
		return refuse(
		    "SignatureDoesNotMatch", why, size,
		    "The request signature we calculated does not match the signature you provided. "
		    "Check your AWS Secret Access Key and signing method.");
	return NULL;
}
