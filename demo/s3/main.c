/*
 * The demo's S3: `s3 PORT DIR [LOG]`. Its keys come by the environment: S3_KEY, S3_SECRET, S3_TOKEN (may be
 * empty), S3_REGION, S3_BUCKET. Path-style addresses, one bucket. An object is a file of DIR, its name
 * escaped; parts lie beside it.
 */
#include "demo/s3/s3.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static struct store store_of(struct http_request *req)
{
	return *(struct store *)req->ctx;
}

static const char *path_of(const struct store *store, const char *key, char out[PATH_MAX])
{
	char *name = s3_escape(key, false);
	snprintf(out, PATH_MAX, "%s/%.200s", store->dir, name);
	free(name);
	return out;
}

static const char *part_of(const struct store *store, const char *id, long number, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/.part-%.40s-%05ld", store->dir, id, number);
	return out;
}

static bool write_file(const char *path, const void *data, size_t size)
{
	FILE *f = fopen(path, "we");
	bool good = f && fwrite(data, 1, size, f) == size;
	return (!f || fclose(f) == 0) && good;
}

static bool known(const struct store *store, const char *id)
{
	for (size_t i = 0; id && i < store->n_uploads; i++)
		if (!strcmp(store->uploads[i].id, id))
			return true;
	return false;
}

static void etag_of(const void *data, size_t size, char out[70])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	/* Clients compare it with the MD5 of what they sent. */
	if (!EVP_Digest(data, size, digest, &n, EVP_md5(), NULL))
		abort();
	*out = '"';
	for (unsigned i = 0; i < 16; i++)
		snprintf(out + 1 + 2 * i, 3, "%02x", digest[i]);
	snprintf(out + 33, 2, "\"");
}

/* ---- parts ---- */

static void begin(struct http_request *req, struct http_reply *reply, const char *key)
{
	struct store *s = req->ctx;
	unsigned char bytes[12];
	char text[900];
	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		abort();
	s->uploads = realloc(s->uploads, (s->n_uploads + 1) * sizeof *s->uploads);
	if (!s->uploads)
		abort();
	char *id = s->uploads[s->n_uploads].id;
	snprintf(s->uploads[s->n_uploads++].key, sizeof s->uploads->key, "%s", key);
	/* As Ceph's: a sign that has to be escaped nowhere, but looks as if. */
	snprintf(id, 40, "2~%02x%02x%02x%02x%02x%02x", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4],
		 bytes[5]);
	snprintf(text, sizeof text,
		 "<InitiateMultipartUploadResult><Bucket>%s</Bucket><Key>%s</Key><UploadId>%s</UploadId>"
		 "</InitiateMultipartUploadResult>",
		 s->bucket, key, id);
	http_reply_text(reply, 200, "application/xml", text);
}

static void put_part(struct http_request *req, struct http_reply *reply, const char *id)
{
	struct store s = store_of(req);
	char path[PATH_MAX], etag[70];
	const char *number = http_query(req, "partNumber");
	long n = number ? strtol(number, NULL, 10) : 0;
	if (!known(&s, id)) {
		s3_refuse(reply, 404, "NoSuchUpload", "The upload does not exist");
	} else if (n < 1 || n > 10000) {
		s3_refuse(reply, 400, "InvalidArgument",
			  "Part number must be an integer between 1 and 10000");
	} else if (!write_file(part_of(&s, id, n, path), req->body, req->body_size)) {
		s3_refuse(reply, 500, "InternalError", "The part was not written");
	} else {
		etag_of(req->body, req->body_size, etag);
		http_reply_text(reply, 200, "application/xml", "");
		http_reply_header(reply, "ETag", "%s", etag);
	}
}

static char *read_file(const char *path, size_t *size)
{
	struct stat st;
	FILE *f = fopen(path, "re");
	char *data = NULL;
	*size = 0;
	if (f && fstat(fileno(f), &st) == 0 && (data = malloc((size_t)st.st_size + 1)))
		*size = fread(data, 1, (size_t)st.st_size, f);
	if (f)
		fclose(f);
	return data;
}

static void forget(struct store *s, const char *id)
{
	char path[PATH_MAX];
	for (size_t i = 0; i < s->n_uploads; i++)
		if (!strcmp(s->uploads[i].id, id))
			s->uploads[i--] = s->uploads[--s->n_uploads];
	for (long n = 1; n <= 10000 && unlink(part_of(s, id, n, path)) == 0; n++)
		;
}

static void take_back(struct http_request *req, struct http_reply *reply, const char *id)
{
	if (!known(req->ctx, id)) {
		s3_refuse(reply, 404, "NoSuchUpload", "The upload does not exist");
		return;
	}
	forget(req->ctx, id);
	http_reply_text(reply, 204, "application/xml", "");
}

/* Every part in its order, each with the mark it was given, none too small but the last. */
static void join(struct http_request *req, struct http_reply *reply, const char *key, const char *id)
{
	struct store s = store_of(req);
	char path[PATH_MAX], part[PATH_MAX], text[900];
	long n = 0;
	if (!known(&s, id)) {
		s3_refuse(reply, 404, "NoSuchUpload", "The upload does not exist");
		return;
	}
	snprintf(path, sizeof path, "%s/.joined", s.dir);
	FILE *out = fopen(path, "we");
	bool small = false, wrong = !out;
	for (const char *at = req->body; !wrong && (at = strstr(at, "<Part>")); at++) {
		size_t size;
		char etag[70], number[60];
		char *data = read_file(part_of(&s, id, ++n, part), &size);
		snprintf(number, sizeof number, "<PartNumber>%ld</PartNumber>", n);
		const char *end = strstr(at, "</Part>"), *told = strstr(at, number);
		wrong = small || !data || !end || !told || told > end;
		if (data && !wrong) {
			etag_of(data, size, etag);
			char bare[40];
			snprintf(bare, sizeof bare, "%.32s", etag + 1);
			const char *mark = strstr(at, bare);
			wrong = !mark || mark > end || fwrite(data, 1, size, out) != size;
		}
		small = size < s.part_min;
		free(data);
	}
	if (out)
		fclose(out);
	if (wrong || !n) {
		s3_refuse(reply, 400, small ? "EntityTooSmall" : "InvalidPart",
			  "One of the parts is not as it was sent");
		return;
	}
	rename(path, path_of(&s, key, part));
	forget(req->ctx, id);
	snprintf(text, sizeof text,
		 "<CompleteMultipartUploadResult><Key>%s</Key></CompleteMultipartUploadResult>", key);
	http_reply_text(reply, 200, "application/xml", text);
}

/* ---- objects ---- */

static void put(struct http_request *req, struct http_reply *reply, const char *key)
{
	struct store s = store_of(req);
	char path[PATH_MAX], etag[70];
	if (!write_file(path_of(&s, key, path), req->body, req->body_size)) {
		s3_refuse(reply, 500, "InternalError", "The object was not written");
		return;
	}
	etag_of(req->body, req->body_size, etag);
	http_reply_text(reply, 200, "application/xml", "");
	http_reply_header(reply, "ETag", "%s", etag);
}

static void get(struct http_request *req, struct http_reply *reply, const char *key)
{
	struct store s = store_of(req);
	char path[PATH_MAX];
	struct stat st;
	int fd = open(path_of(&s, key, path), O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		if (fd >= 0)
			close(fd);
		s3_refuse(reply, 404, "NoSuchKey", "The specified key does not exist");
		return;
	}
	http_reply_file(reply, 200, "application/octet-stream", fd, 0, (uint64_t)st.st_size);
	http_reply_header(reply, "ETag", "\"%llx\"", (unsigned long long)st.st_size);
	http_reply_header(reply, "Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT");
}

static void list(struct http_request *req, struct http_reply *reply, bool location)
{
	struct store s = store_of(req);
	if (location) {
		http_reply_text(reply, 200, "application/xml", "<LocationConstraint></LocationConstraint>");
		return;
	}
	char text[900];
	snprintf(text, sizeof text,
		 "<ListBucketResult><Name>%s</Name><KeyCount>0</KeyCount><MaxKeys>1000</"
		 "MaxKeys><IsTruncated>false</IsTruncated>"
		 "</ListBucketResult>",
		 s.bucket);
	http_reply_text(reply, 200, "application/xml", text);
}

/* Uploads that were begun under names with that prefix, and never ended. */
static void list_uploads(struct http_request *req, struct http_reply *reply)
{
	struct store s = store_of(req);
	const char *prefix = http_query(req, "prefix");
	size_t room = s.n_uploads * 900 + 900, len;
	char *text = malloc(room);
	if (!text)
		abort();
	len = (size_t)snprintf(text, room, "<ListMultipartUploadsResult><Bucket>%s</Bucket>", s.bucket);
	for (size_t i = 0; i < s.n_uploads; i++)
		if (!prefix || !strncmp(s.uploads[i].key, prefix, strlen(prefix)))
			len += (size_t)snprintf(text + len, room - len,
						"<Upload><Key>%s</Key><UploadId>%s</UploadId></Upload>",
						s.uploads[i].key, s.uploads[i].id);
	snprintf(text + len, room - len, "<IsTruncated>false</IsTruncated></ListMultipartUploadsResult>");
	http_reply_text(reply, 200, "application/xml", text);
	free(text);
}

struct asked {
	const char *name;
	bool there;
};

static void find_name(void *state, const char *name, const char *value)
{
	struct asked *a = state;
	(void)value;
	a->there = a->there || !strcmp(name, a->name);
}

/* Also without a value: "?uploads" and "?uploads=" are the same. */
static bool asks(struct http_request *req, const char *name)
{
	struct asked a = {.name = name, .there = false};
	http_each_query(req, find_name, &a);
	return a.there;
}

static void handle(struct http_request *req, struct http_reply *reply)
{
	struct store s = store_of(req);
	const char *bucket = http_arg(req, "bucket"), *slash = strchr(req->path + 1, '/'),
		   *key = slash ? slash + 1 : "", *id = http_query(req, "uploadId");
	if (!sign_admit(&s, req, reply))
		return;
	if (!bucket || strncmp(req->path + 1, s.bucket, strlen(s.bucket)))
		s3_refuse(reply, 404, "NoSuchBucket", "The specified bucket does not exist");
	else if (!*key && asks(req, "uploads"))
		list_uploads(req, reply);
	else if (!*key)
		list(req, reply, asks(req, "location"));
	else if (!strcmp(req->method, "POST") && asks(req, "uploads"))
		begin(req, reply, key);
	else if (!strcmp(req->method, "POST") && id)
		join(req, reply, key, id);
	else if (!strcmp(req->method, "PUT") && id)
		put_part(req, reply, id);
	else if (!strcmp(req->method, "PUT"))
		put(req, reply, key);
	else if (!strcmp(req->method, "GET") || !strcmp(req->method, "HEAD"))
		get(req, reply, key);
	else if (!strcmp(req->method, "DELETE") && id)
		take_back(req, reply, id);
	else
		s3_refuse(reply, 405, "MethodNotAllowed", "The specified method is not allowed");
}

static const char *env(const char *name, const char *otherwise)
{
	const char *value = getenv(name);
	return value && *value ? value : otherwise;
}

int main(int argc, char **argv)
{
	static const struct http_route routes[] = {{"*", "/:bucket/*", handle, false}};
	http_init();
	if (argc < 3) {
		fputs("usage: s3 PORT DIR [LOG]\n", stderr);
		return 2;
	}
	struct store store = {.dir = argv[2],
			      .key = env("S3_KEY", "demo"),
			      .secret = env("S3_SECRET", "demo-secret"),
			      .token = env("S3_TOKEN", ""),
			      .region = env("S3_REGION", "us-east-1"),
			      .bucket = env("S3_BUCKET", "acme-backups"),
			      .part_min = (size_t)atol(env("S3_PART_MIN", "5242880"))};
	const struct http_config config = {.port = (uint16_t)atoi(argv[1]),
					   .routes = routes,
					   .routes_count = 1,
					   .log_path = argc > 3 ? argv[3] : NULL,
					   .ctx = &store};
	if (!http_server_start(&config))
		return 1;
	http_wait();
	return 0;
}
