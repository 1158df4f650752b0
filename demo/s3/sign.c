/* AWS Signature Version 4, computed anew from what came and compared. Nothing is forgiven: a header that
 * begins with x-amz- and is not signed, a body of another hash, a clock that is 15 minutes off. */
#include "demo/s3/s3.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { SKEW_S = 900, PAIRS_MAX = 40 };

struct text {
	char *data;
	size_t len;
};

static void add(struct text *t, const char *s)
{
	size_t n = strlen(s);
	t->data = realloc(t->data, t->len + n + 1);
	if (!t->data)
		abort();
	memcpy(t->data + t->len, s, n + 1);
	t->len += n;
}

static void to_hex(const unsigned char *data, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", data[i]);
}

void s3_hex_sha256(const void *data, size_t size, char out[65])
{
	unsigned char digest[32];
	unsigned n = 0;
	if (!EVP_Digest(data, size, digest, &n, EVP_sha256(), NULL))
		abort();
	to_hex(digest, 32, out);
}

char *s3_escape(const char *text, bool slash)
{
	char *out = malloc(3 * strlen(text) + 1), *at = out;
	if (!out)
		abort();
	for (; *text; text++)
		if (isalnum((unsigned char)*text) || strchr("-_.~", *text) || (slash && *text == '/'))
			*at++ = *text;
		else
			at += snprintf(at, 4, "%%%02X", (unsigned char)*text);
	*at = 0;
	return out;
}

void s3_refuse(struct http_reply *reply, int status, const char *code, const char *message)
{
	char text[600];
	snprintf(
	    text, sizeof text,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message></Error>",
	    code, message);
	http_reply_text(reply, status, "application/xml", text);
}

/* ---- the canonical request ---- */

struct pairs {
	char *text[PAIRS_MAX];
	size_t n;
};

static void take_query(void *state, const char *name, const char *value)
{
	struct pairs *p = state;
	char *a = s3_escape(name, false), *b = s3_escape(value ? value : "", false);
	if (p->n < PAIRS_MAX && asprintf(&p->text[p->n], "%s=%s", a, b) >= 0)
		p->n++;
	free(a);
	free(b);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_query(struct text *out, struct http_request *req)
{
	struct pairs p = {.n = 0};
	http_each_query(req, take_query, &p);
	qsort(p.text, p.n, sizeof *p.text, by_text);
	for (size_t i = 0; i < p.n; i++) {
		if (i)
			add(out, "&");
		add(out, p.text[i]);
		free(p.text[i]);
	}
	add(out, "\n");
}

/* Blanks at the ends go, and several in a row are one. */
static void add_value(struct text *out, const char *value)
{
	char one[2] = "";
	bool blank = true;
	for (; *value; value++) {
		bool is = *value == ' ' || *value == '\t';
		if (is && (blank || !value[1]))
			continue;
		one[0] = is ? ' ' : *value;
		add(out, one);
		blank = is;
	}
}

static bool add_headers(struct text *out, struct http_request *req, const char *signed_headers)
{
	char names[1000], *rest = names, *name;
	snprintf(names, sizeof names, "%s", signed_headers);
	while ((name = strsep(&rest, ";"))) {
		const char *value = http_header(req, name);
		if (!value)
			return false;
		add(out, name);
		add(out, ":");
		add_value(out, value);
		add(out, "\n");
	}
	add(out, "\n");
	add(out, signed_headers);
	add(out, "\n");
	return true;
}

/* ---- the signature ---- */

static void hmac(const void *key, size_t key_len, const char *text, unsigned char out[32])
{
	unsigned n = 0;
	if (!HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text, strlen(text), out, &n))
		abort();
}

static void sign(const struct store *store, const char *date, const char *to_sign, char out[65])
{
	unsigned char key[32], next[32];
	char first[300];
	snprintf(first, sizeof first, "AWS4%s", store->secret);
	hmac(first, strlen(first), date, key);
	hmac(key, 32, store->region, next);
	hmac(next, 32, "s3", key);
	hmac(key, 32, "aws4_request", next);
	hmac(next, 32, to_sign, key);
	to_hex(key, 32, out);
}

static bool is_signed(const char *list, const char *name)
{
	size_t n = strlen(name);
	for (const char *at = list; *at; at += strcspn(at, ";") + (at[strcspn(at, ";")] == ';'))
		if (strcspn(at, ";") == n && !strncmp(at, name, n))
			return true;
	return false;
}

struct unsigned_header {
	const char *list;
	char name[80];
};

static void find_unsigned(void *state, const char *name, const char *value)
{
	struct unsigned_header *u = state;
	char lower[80];
	(void)value;
	snprintf(lower, sizeof lower, "%s", name);
	for (char *c = lower; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if ((!strncmp(lower, "x-amz-", 6) || !strcmp(lower, "host")) && !is_signed(u->list, lower))
		snprintf(u->name, sizeof u->name, "%s", lower);
}

struct parts {
	char key[200], scope[200], date[12], headers[1000], signature[80];
};

/* Parts may be set apart by a comma with or without blanks. */
static bool read_authorization(const char *text, struct parts *p)
{
	char copy[2000], *rest = copy, *part;
	*p = (struct parts){.key = ""};
	if (strncmp(text, "AWS4-HMAC-SHA256 ", 17))
		return false;
	snprintf(copy, sizeof copy, "%s", text + 17);
	while ((part = strsep(&rest, ","))) {
		part += strspn(part, " ");
		char *slash = strncmp(part, "Credential=", 11) ? NULL : strchr(part, '/');
		if (slash) {
			snprintf(p->key, sizeof p->key, "%.*s", (int)(slash - part - 11), part + 11);
			snprintf(p->scope, sizeof p->scope, "%s", slash + 1);
			snprintf(p->date, sizeof p->date, "%.8s", slash + 1);
		} else if (!strncmp(part, "SignedHeaders=", 14)) {
			snprintf(p->headers, sizeof p->headers, "%s", part + 14);
		} else if (!strncmp(part, "Signature=", 10)) {
			snprintf(p->signature, sizeof p->signature, "%s", part + 10);
		}
	}
	return *p->key && *p->headers && *p->signature;
}

static bool in_time(const char *stamp, const char *date)
{
	struct tm tm = {0};
	const char *end = strptime(stamp, "%Y%m%dT%H%M%SZ", &tm);
	time_t now = time(NULL), then = timegm(&tm);
	return end && !*end && !strncmp(stamp, date, 8) && llabs((long long)now - (long long)then) <= SKEW_S;
}

static bool body_is(struct http_request *req, const char *hash)
{
	char own[65];
	s3_hex_sha256(req->body, req->body_size, own);
	return !strcmp(hash, "UNSIGNED-PAYLOAD") || !strcmp(hash, own);
}

static bool signature_is(const struct store *store, struct http_request *req, const struct parts *p,
			 const char *stamp, const char *hash)
{
	struct text canonical = {0};
	char digest[65], own[65], to_sign[600];
	char *path = s3_escape(req->path, true);
	add(&canonical, req->method);
	add(&canonical, "\n");
	add(&canonical, path);
	add(&canonical, "\n");
	add_query(&canonical, req);
	bool whole = add_headers(&canonical, req, p->headers);
	add(&canonical, hash);
	s3_hex_sha256(canonical.data, canonical.len, digest);
	snprintf(to_sign, sizeof to_sign, "AWS4-HMAC-SHA256\n%s\n%s\n%s", stamp, p->scope, digest);
	sign(store, p->date, to_sign, own);
	free(canonical.data);
	free(path);
	return whole && !strcmp(own, p->signature);
}

bool sign_admit(const struct store *store, struct http_request *req, struct http_reply *reply)
{
	const char *auth = http_header(req, "authorization"), *stamp = http_header(req, "x-amz-date"),
		   *hash = http_header(req, "x-amz-content-sha256"),
		   *token = http_header(req, "x-amz-security-token");
	struct parts p;
	char scope[200];
	if (!auth)
		return s3_refuse(reply, 403, "AccessDenied", "Anonymous access is forbidden"), false;
	if (!read_authorization(auth, &p) || !stamp || !hash)
		return s3_refuse(reply, 400, "AuthorizationHeaderMalformed",
				 "The authorization header is not valid"),
		       false;
	if (strcmp(p.key, store->key))
		return s3_refuse(reply, 403, "InvalidAccessKeyId", "The access key does not exist"), false;
	snprintf(scope, sizeof scope, "%s/%s/s3/aws4_request", p.date, store->region);
	if (strcmp(scope, p.scope))
		return s3_refuse(reply, 400, "AuthorizationHeaderMalformed",
				 "The region or the date is wrong"),
		       false;
	if (!in_time(stamp, p.date))
		return s3_refuse(reply, 403, "RequestTimeTooSkewed", "The request's time is too far off"),
		       false;
	struct unsigned_header u = {.list = p.headers, .name = ""};
	http_each_header(req, find_unsigned, &u);
	if (*u.name)
		return s3_refuse(reply, 403, "AccessDenied",
				 "There were headers present which were not signed"),
		       false;
	if (*store->token && (!token || strcmp(token, store->token)))
		return s3_refuse(reply, 403, "InvalidToken", "The provided token is malformed or absent"),
		       false;
	if (!body_is(req, hash))
		return s3_refuse(reply, 400, "XAmzContentSHA256Mismatch", "The body is not what was signed"),
		       false;
	if (!signature_is(store, req, &p, stamp, hash))
		return s3_refuse(reply, 403, "SignatureDoesNotMatch",
				 "The signature we calculated does not match the one you provided"),
		       false;
	return true;
}
