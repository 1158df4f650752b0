/* The worker's verb "backup": a file of this machine goes to storage that speaks S3, and is read back to its
 * end. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/copy/order.h"
#include "core/links/s3.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static int backup_run(const struct copy_order *order, struct err *err);

const struct copy_verb backup_verb = {.name = "backup", .run = backup_run};

enum { TELL_MS = 500 };

struct backup {
	const struct copy_order *order;
	int fd;
	const char *file, *stage;
	int64_t total, told_ms;
};

static int read_some(void *ctx, int64_t at, size_t len, struct buf *out, struct err *err)
{
	struct backup *b = ctx;
	char chunk[65536];
	while (len) {
		size_t want = len < sizeof chunk ? len : sizeof chunk;
		ssize_t n = pread(b->fd, chunk, want, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(err, ERR_IO, "the backup %s cannot be read at byte %lld: %s", b->file,
				       (long long)at, n ? strerror(errno) : "it has become shorter");
		buf_add(out, chunk, (size_t)n);
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static void told(void *ctx, int64_t done)
{
	struct backup *b = ctx;
	struct jw w;
	if (done < b->total && clock_life_ms() - b->told_ms < TELL_MS)
		return;
	b->told_ms = clock_life_ms();
	order_line(&w, "progress");
	jw_str(&w, "stage", b->stage);
	jw_int(&w, "bytes", done);
	jw_int(&w, "total", b->total);
	order_tell(&w);
}

static bool going(void *ctx)
{
	struct pollfd p = {.fd = ((struct backup *)ctx)->order->stop_fd, .events = POLLIN};
	return p.fd < 0 || poll(&p, 1, 0) <= 0;
}

static void read_order(const struct json *j, struct s3_place *place, struct s3_login *login)
{
	const struct json *keys = json_get(j, "login");
	text_copy(place->endpoint, sizeof place->endpoint, json_str(j, "endpoint", ""));
	text_copy(place->region, sizeof place->region, json_str(j, "region", ""));
	text_copy(place->bucket, sizeof place->bucket, json_str(j, "bucket", ""));
	text_copy(login->key, sizeof login->key, json_str(keys, "key", ""));
	text_copy(login->secret, sizeof login->secret, json_str(keys, "secret", ""));
	text_copy(login->token, sizeof login->token, json_str(keys, "token", ""));
}

/* What came back is what went up, byte for byte; the file itself pg_restore has read to its end. */
static int read_back(struct s3 *s3, struct backup *b, const struct s3_upload *up, const char *wanted,
		     struct err *err)
{
	char sha256[65];
	int64_t size = -1;
	b->stage = "read back";
	if (s3_read_through(s3, up->key, up, &size, sha256, err) < 0)
		return -1;
	if (size != up->size_bytes || !text_equal(sha256, wanted))
		return err_set(
		    err, ERR_WORLD,
		    "what the storage gives back under %s is not what was sent: %lld of %lld bytes, another "
		    "SHA-256. The backup on the host is whole; run first-backup again",
		    up->key, (long long)size, (long long)up->size_bytes);
	struct jw w;
	order_line(&w, "result");
	jw_int(&w, "size_bytes", size);
	jw_str(&w, "sha256", sha256);
	order_tell(&w);
	return 0;
}

/* Keys that may not list are no reason to have no backup. */
static void sweep(struct s3 *s3, const char *key)
{
	struct err err = {0};
	size_t n;
	if (s3_sweep(s3, key, &n, &err) < 0)
		order_log("whether an earlier upload has left parts in the storage is not known: %s",
			  err.text);
	else if (n)
		order_log("the parts of an upload that was cut off were taken back");
}

static int backup_run(const struct copy_order *order, struct err *err)
{
	const struct json *j = order->json;
	struct backup b = {.order = order,
			   .file = json_str(j, "file", ""),
			   .stage = "upload",
			   .total = json_int(j, "size_bytes", 0)};
	struct s3_place place = {.endpoint = ""};
	struct s3_login login = {.key = ""};
	struct s3_upload up = {.key = json_str(j, "key", ""),
			       .size_bytes = b.total,
			       .read = read_some,
			       .told = told,
			       .going = going,
			       .ctx = &b,
			       .part_bytes = (size_t)json_int(j, "part_bytes", 0)};
	read_order(j, &place, &login);
	b.fd = open(b.file, O_RDONLY | O_CLOEXEC);
	if (b.fd < 0)
		return err_set(err, ERR_IO, "the backup %s cannot be read: %s", b.file, strerror(errno));
	struct s3 *s3 = s3_open(NULL, &place, &login);
	explicit_bzero(&login, sizeof login);
	sweep(s3, up.key);
	int rc = s3_put(s3, &up, err);
	if (rc == 0)
		rc = read_back(s3, &b, &up, json_str(j, "sha256", ""), err);
	s3_close(s3);
	close(b.fd);
	return rc;
}
