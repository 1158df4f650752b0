/* known_hosts: plain and hashed names, ports, patterns, revoked keys. Lines of certificate authorities are
 * passed over. */
#include "core/links/ssh_known.h"
#include "core/base/text.h"
#include <fnmatch.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static char *encode64(const unsigned char *data, size_t len)
{
	char *out = xmalloc(4 * (len + 2) / 3 + 8);
	EVP_EncodeBlock((unsigned char *)out, data, (int)len);
	return out;
}

/* Returns the length, 0 for text that is no base64. */
static size_t decode64(const char *text, size_t len, unsigned char *out, size_t size)
{
	if (len % 4 || len / 4 * 3 > size || !len)
		return 0;
	int n = EVP_DecodeBlock(out, (const unsigned char *)text, (int)len);
	if (n < 0)
		return 0;
	return (size_t)n - (text[len - 1] == '=') - (text[len - 2] == '=');
}

/* |1|salt|HMAC-SHA1(salt, name) */
static bool hashed_name_is(const char *field, size_t len, const char *name)
{
	unsigned char salt[64], want[64], got[EVP_MAX_MD_SIZE];
	unsigned got_len = 0;
	const char *mid = memchr(field + 3, '|', len - 3);
	if (!mid)
		return false;
	size_t salt_len = decode64(field + 3, (size_t)(mid - field - 3), salt, sizeof salt);
	size_t want_len = decode64(mid + 1, len - (size_t)(mid + 1 - field), want, sizeof want);
	return salt_len &&
	       HMAC(EVP_sha1(), salt, (int)salt_len, (const unsigned char *)name, strlen(name), got,
		    &got_len) &&
	       got_len == want_len && memcmp(got, want, got_len) == 0;
}

/* One comma-separated list of names and patterns; `!pattern` takes a host out. */
static bool names_match(const char *field, size_t len, const char *name)
{
	bool found = false;
	if (len > 3 && memcmp(field, "|1|", 3) == 0)
		return hashed_name_is(field, len, name);
	for (size_t at = 0; at < len;) {
		const char *comma = memchr(field + at, ',', len - at);
		size_t n = comma ? (size_t)(comma - field) - at : len - at;
		char one[300], lower[300];
		text_copyf(one, sizeof one, "%.*s", (int)n, field + at);
		text_copy(lower, sizeof lower, name);
		text_lower(one);
		text_lower(lower);
		const char *pattern = *one == '!' ? one + 1 : one;
		/* "[host]:22" would be a character class. */
		bool hit = text_equal(pattern, lower) || (*pattern != '[' && fnmatch(pattern, lower, 0) == 0);
		if (hit && *one == '!')
			return false;
		found = found || hit;
		at += n + 1;
	}
	return found;
}

static void host_name(char *out, size_t size, const struct known_host *host)
{
	if (host->port == 22)
		text_copy(out, size, host->host);
	else
		text_copyf(out, size, "[%s]:%d", host->host, host->port);
}

static size_t word(const char **at, const char *end, const char **start)
{
	while (*at < end && (**at == ' ' || **at == '\t'))
		(*at)++;
	*start = *at;
	while (*at < end && **at != ' ' && **at != '\t')
		(*at)++;
	return (size_t)(*at - *start);
}

enum known known_look(const char *text, const struct known_host *host, int *line, char *types,
		      size_t types_size)
{
	char name[300];
	enum known found = KNOWN_NOT;
	char *key = encode64(host->key, host->key_len);
	int number = 0;
	host_name(name, sizeof name, host);
	*types = 0;
	*line = 0;
	for (const char *at = text; *at && found != KNOWN_REVOKED; at += *at == '\n') {
		const char *end = at + strcspn(at, "\r\n"), *marker = "", *names, *type, *blob;
		size_t marker_len = 0, names_len, type_len, blob_len;
		number++;
		names_len = word(&at, end, &names);
		if (names_len && *names == '@') {
			marker = names;
			marker_len = names_len;
			names_len = word(&at, end, &names);
		}
		type_len = word(&at, end, &type);
		blob_len = word(&at, end, &blob);
		at = end + (*end == '\r');
		bool ours = blob_len && *names != '#' && names_match(names, names_len, name);
		bool revoked = marker_len == 8 && memcmp(marker, "@revoked", 8) == 0;
		if (!ours || (marker_len && !revoked))
			continue;
		bool same = strlen(key) == blob_len && memcmp(key, blob, blob_len) == 0;
		if (revoked && !same)
			continue;
		if (!revoked)
			text_copyf(types + strlen(types), types_size - strlen(types), "%s%.*s",
				   *types ? "," : "", (int)type_len, type);
		if (found == KNOWN_SAME && !revoked)
			continue;
		found = revoked ? KNOWN_REVOKED : same ? KNOWN_SAME : KNOWN_OTHER;
		*line = number;
	}
	free(key);
	return found;
}

bool known_authority(const char *text, const struct known_host *host)
{
	static const char mark[] = "@cert-authority";
	char name[300];
	host_name(name, sizeof name, host);
	for (const char *at = text; at && *at; at = strchr(at, '\n'), at += at ? 1 : 0) {
		const char *end = at + strcspn(at, "\r\n"), *field = at;
		size_t len = word(&field, end, &at);
		if (len != sizeof mark - 1 || memcmp(at, mark, len) != 0)
			continue;
		len = word(&field, end, &at);
		if (len && names_match(at, len, name))
			return true;
	}
	return false;
}

void known_line(struct buf *out, const struct known_host *host)
{
	char name[300];
	char *key = encode64(host->key, host->key_len);
	host_name(name, sizeof name, host);
	buf_addf(out, "%s %s %s\n", name, host->type, key);
	free(key);
}

void known_fingerprint(char out[64], const unsigned char *key, size_t len)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	if (!EVP_Digest(key, len, digest, &n, EVP_sha256(), NULL))
		n = 0;
	char *text = encode64(digest, n);
	text[strcspn(text, "=")] = 0;
	text_copyf(out, 64, "SHA256:%s", text);
	free(text);
}

void known_type(char *out, size_t size, const unsigned char *key, size_t len)
{
	size_t n = len > 4 ? (size_t)key[2] << 8 | key[3] : 0;
	*out = 0;
	if (n && n + 4 <= len && n < size && !key[0] && !key[1])
		text_clean(out, size, (const char *)key + 4, n);
}

void known_private(const char *text, int *is_rsa, int *is_locked)
{
	static const char begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
	*is_rsa = strstr(text, "BEGIN RSA PRIVATE KEY") != NULL;
	*is_locked = strstr(text, "ENCRYPTED") != NULL;
	const char *at = strstr(text, begin);
	if (!at)
		return;
	/* "openssh-key-v1", then the cipher's name, "none" or another, and soon the public key with its type.
	 */
	char body[512];
	unsigned char raw[400];
	size_t n = 0;
	for (at += sizeof begin - 1; *at && *at != '-' && n < 400; at++)
		if (*at != '\n' && *at != '\r')
			body[n++] = *at;
	size_t len = decode64(body, n - n % 4, raw, sizeof raw);
	*is_locked = len > 23 && memcmp(raw + 19, "none", 4) != 0;
	*is_rsa = len && memmem(raw, len, "ssh-rsa", 7) != NULL;
}
