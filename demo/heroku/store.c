/* Where dumps are fetched from: a small part of S3. A signed address opens a GET of one object until it
 * expires. */
#include "demo/heroku/heroku.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* `made_ms` is signed too, so that a test can expire all addresses made so far. */
static void signature(char out[65], const char *uuid, long long made_ms, long long expires_ms)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	char text[256];
	int size = snprintf(text, sizeof text, "GET %s %lld %lld", uuid, made_ms, expires_ms);

	HMAC(EVP_sha256(), H.store_secret, (int)strlen(H.store_secret), (const unsigned char *)text,
	     (size_t)size, mac, &length);
	for (unsigned i = 0; i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", mac[i]);
}

void store_url(char *out, size_t size, const char *uuid, int64_t expires_ms, bool https)
{
	char sign[65];
	long long made = now_ms();

	signature(sign, uuid, made, expires_ms);
	snprintf(out, size,
		 "%s://%s:%d/xfrtu/%s?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=%lld&X-Amz-Expires=%lld"
		 "&X-Amz-SignedHeaders=host&X-Amz-Signature=%s",
		 https ? "https" : "http", https ? "localhost" : "127.0.0.1",
		 https ? H.dump_port : H.api_port, uuid, made, (long long)expires_ms, sign);
}

static void reply_xml(struct http_reply *reply, int status, const char *code, const char *message)
{
	char text[600], id[17];

	hex_make(id, 16);
	snprintf(text, sizeof text,
		 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message>"
		 "<RequestId>%s</RequestId></Error>",
		 code, message, id);
	http_reply_text(reply, status, "application/xml", text);
}

/* False after an answer. */
static bool allowed(struct http_request *req, struct http_reply *reply)
{
	const char *date = http_query(req, "X-Amz-Date"), *until = http_query(req, "X-Amz-Expires");
	const char *have = http_query(req, "X-Amz-Signature");
	long long made = date ? atoll(date) : 0, expires = until ? atoll(until) : 0;
	char want[65];

	signature(want, http_arg(req, "uuid"), made, expires);
	/* The signature covers GET, so a HEAD with it is somebody else's request. */
	if (!have || strcmp(have, want) != 0 || strcmp(req->method, "GET") != 0) {
		reply_xml(reply, 403, "SignatureDoesNotMatch",
			  "The request signature we calculated does not match the signature you provided.");
		return false;
	}
	if (now_ms() > expires || made < H.control.urls_expired_ms) {
		reply_xml(reply, 403, "AccessDenied", "Request has expired");
		return false;
	}
	return true;
}

/* One range of bytes. 0 = whole object, 1 = part, -1 = not satisfiable. */
static int range_read(const char *text, uint64_t size, uint64_t *from, uint64_t *length)
{
	unsigned long long a, b;
	int end = 0;

	*from = 0;
	*length = size;
	if (!text || strncmp(text, "bytes=", 6) != 0)
		return 0;
	text += 6;
	if (sscanf(text, "-%llu%n", &a, &end) == 1 && !text[end]) {
		*length = a < size ? a : size;
		*from = size - *length;
		return a > 0 ? 1 : -1;
	}
	if (sscanf(text, "%llu-%llu%n", &a, &b, &end) == 2 && !text[end] && b >= a) {
		b = b < size ? b : size - 1;
	} else if (sscanf(text, "%llu-%n", &a, &end) == 1 && !text[end]) {
		b = size - 1;
	} else {
		return 0;
	}
	if (a >= size)
		return -1;
	*from = a;
	*length = b - a + 1;
	return 1;
}

static void reply_object(struct http_request *req, struct http_reply *reply, int fd, const struct stat *st)
{
	const char *if_match = http_header(req, "If-Match"), *if_range = http_header(req, "If-Range");
	uint64_t size = (uint64_t)st->st_size, from, length;
	char etag[64], at[64];
	struct tm tm;
	int part;

	snprintf(etag, sizeof etag, "\"%08llx%016llx%08llx-1\"", (unsigned long long)st->st_ino & 0xffffffff,
		 (unsigned long long)size, (unsigned long long)st->st_mtime & 0xffffffff);
	gmtime_r(&st->st_mtime, &tm);
	strftime(at, sizeof at, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	if (if_match && strcmp(if_match, etag) != 0 && strcmp(if_match, "*") != 0) {
		close(fd);
		reply_xml(reply, 412, "PreconditionFailed",
			  "At least one of the pre-conditions did not hold");
		return;
	}
	part = range_read(http_header(req, "Range"), size, &from, &length);
	if (part != 0 && if_range && strcmp(if_range, etag) != 0) {
		part = 0;
		from = 0;
		length = size;
	}
	if (part < 0) {
		close(fd);
		reply_xml(reply, 416, "InvalidRange", "The requested range is not satisfiable");
		http_reply_header(reply, "Content-Range", "bytes */%llu", (unsigned long long)size);
		return;
	}
	http_reply_file(reply, part ? 206 : 200, "binary/octet-stream", fd, from, length);
	if (part)
		http_reply_header(reply, "Content-Range", "bytes %llu-%llu/%llu", (unsigned long long)from,
				  (unsigned long long)(from + length - 1), (unsigned long long)size);
	http_reply_header(reply, "ETag", "%s", etag);
	http_reply_header(reply, "Last-Modified", "%s", at);
	http_reply_header(reply, "Accept-Ranges", "bytes");
	http_reply_header(reply, "Server", "AmazonS3");
}

void handle_store(struct http_request *req, struct http_reply *reply)
{
	char path[1024];
	struct stat st;
	int fd;

	if (!allowed(req, reply))
		return;
	fd = transfer_file(http_arg(req, "uuid"), path, sizeof path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0 || fstat(fd, &st) != 0) {
		reply_xml(reply, 404, "NoSuchKey", "The specified key does not exist.");
		return;
	}
	reply_object(req, reply, fd, &st);
}
