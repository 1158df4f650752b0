#include "core/night/journal.h"
#include "core/base/buf.h"
#include "core/base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define H_MEMBER_LEN 72 /* ,"h":"<64>"} */
#define RESERVE_BYTES \
	((off_t)(512 * 1024)) /* kept allocated beyond the end, so that "disk full" can still be written */
#define TIGHT_BYTES ((off_t)(128 * 1024))

struct journal {
	int fd;
	char path[512];
	char head[JOURNAL_HASH_HEX];
	uint64_t lines;
	off_t size, reserved; /* reserved: up to here the disk has promised room; 0 when it cannot promise */
	dev_t device;         /* with the next: the file that `path` must name, or nobody will ever read it */
	ino_t inode;
	bool tight;
	bool rest; /* beyond `size` stands a piece of a line that was refused and could not be cut off */
};

static void chain_hash(const char *prev, const char *line, size_t len, char out[JOURNAL_HASH_HEX])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
	EVP_DigestUpdate(ctx, prev, strlen(prev));
	EVP_DigestUpdate(ctx, line, len);
	EVP_DigestFinal_ex(ctx, digest, &n);
	EVP_MD_CTX_free(ctx);
	text_hex(out, digest, n);
}

/* Checks one line (without its newline) against the hash before it; on success `head` moves on. */
static bool line_holds(const char *line, size_t len, char head[JOURNAL_HASH_HEX], char *why, size_t size)
{
	if (len < H_MEMBER_LEN + 2 || memcmp(line + len - H_MEMBER_LEN, ",\"h\":\"", 6) != 0 ||
	    memcmp(line + len - 2, "\"}", 2) != 0)
		return text_copyf(why, size, "it does not end in a hash"), false;
	struct buf plain = {0};
	buf_add(&plain, line, len - H_MEMBER_LEN);
	buf_addc(&plain, '}');
	char want[JOURNAL_HASH_HEX];
	chain_hash(head, plain.data, plain.len, want);
	buf_done(&plain);
	if (memcmp(want, line + len - 66, 64) != 0)
		return text_copyf(why, size,
				  "its hash does not follow from the line before it and its own bytes"),
		       false;
	memcpy(head, want, JOURNAL_HASH_HEX);
	return true;
}

static int read_file(const char *path, struct buf *out, struct err *err)
{
	FILE *f = fopen(path, "rbe");
	if (!f)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	char chunk[65536];
	size_t n;
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		buf_add(out, chunk, n);
	int bad = ferror(f);
	fclose(f);
	return bad ? err_set(err, ERR_IO, "%s: could not be read to its end", path) : 0;
}

static void read_anchor(const char *path, const char *head, uint64_t line, struct journal_check *out,
			char want[JOURNAL_HASH_HEX])
{
	if (line == 0) {
		char anchor[600];
		const char *slash = strrchr(path, '/');
		text_copyf(anchor, sizeof anchor, "%.*sHEAD", slash ? (int)(slash - path + 1) : 0, path);
		struct buf text = {0};
		if (read_file(anchor, &text, NULL) == 0 && text.len >= 64) {
			memcpy(want, text.data, 64);
			want[64] = '\0';
			out->anchored = true;
		}
		buf_done(&text);
	} else if (out->anchored && text_equal(want, head)) {
		out->anchor_found = true;
		out->anchor_line = line;
	}
}

/* The whole lines at the begin of `text`: looked at, and cut off. False: no more is to be read. */
static bool check_lines(const char *path, struct buf *text, const char *anchor, journal_line_fn *each,
			void *arg, struct journal_check *out)
{
	char want[JOURNAL_HASH_HEX];
	const char *p = buf_text(text), *end = p + text->len, *nl;
	bool more = true;
	text_copy(want, sizeof want, anchor);
	while (more && p < end && (nl = memchr(p, '\n', (size_t)(end - p)))) {
		if (!line_holds(p, (size_t)(nl - p), out->head, out->why, sizeof out->why)) {
			out->bad = out->lines + 1;
			return false;
		}
		out->lines++;
		read_anchor(path, out->head, out->lines, out, want);
		more = !each || each(arg, p, (size_t)(nl - p));
		p = nl + 1;
	}
	buf_cut(text, (size_t)(p - buf_text(text)));
	return more;
}

/* Piece by piece: whatever it is that was named as a journal, no more of it is held than one line. */
int journal_check(const char *path, journal_line_fn *each, void *arg, struct journal_check *out,
		  struct err *err)
{
	char anchor[JOURNAL_HASH_HEX] = "", chunk[65536];
	struct buf text = {0};
	bool more = true;
	size_t n;
	memset(out, 0, sizeof *out);
	FILE *f = fopen(path, "rbe");
	if (!f)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	read_anchor(path, "", 0, out, anchor);
	while (more && (n = fread(chunk, 1, sizeof chunk, f)) > 0) {
		bool ends = memchr(chunk, '\n', n) != NULL;
		buf_add(&text, chunk, n);
		if (ends)
			more = check_lines(path, &text, anchor, each, arg, out);
		if (more && text.len > JOURNAL_LINE_MAX) {
			out->bad = out->lines + 1;
			text_copyf(out->why, sizeof out->why, "it is longer than any line of a journal");
			more = false;
		}
	}
	out->torn = more && text.len > 0;
	int bad = ferror(f);
	fclose(f);
	buf_done(&text);
	return bad ? err_set(err, ERR_IO, "%s: could not be read to its end", path) : 0;
}

static bool write_whole(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* Once, also when the machine stopped after it was kept and before it was cut off the journal. */
static int keep_torn(const char *torn, const char *text, size_t len, struct err *err)
{
	struct buf before = {0};
	int fd = open(torn, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), rc = 0;
	bool ok = fd >= 0 && read_file(torn, &before, NULL) == 0;
	if (ok && (before.len < len || memcmp(before.data + before.len - len, text, len) != 0))
		ok = write_whole(fd, text, len);
	if (!ok || fdatasync(fd) < 0) {
		rc = err_set(err, ERR_IO, "%s: the torn end of the journal could not be kept: %s", torn,
			     strerror(errno));
		if (fd >= 0 && ftruncate(fd, (off_t)before.len) < 0)
			err_set(err, ERR_IO, "%s: half of the torn end of the journal stands in it: %s", torn,
				strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	buf_done(&before);
	return rc;
}

/* The torn bytes are kept beside the journal: they are evidence, never deleted. */
static int set_torn_aside(const char *path, int fd, off_t good, struct err *err)
{
	char torn[560];
	text_copyf(torn, sizeof torn, "%s.torn", path);
	struct buf all = {0};
	int rc = read_file(path, &all, err);
	if (rc == 0)
		rc = keep_torn(torn, all.data + good, all.len - (size_t)good, err);
	if (rc == 0 && ftruncate(fd, good) < 0)
		rc = err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	buf_done(&all);
	return rc;
}

/* A file is on the disk when its name is, too: that of the journal in its night's folder, and that of the
 * folder in the one above. Where a file system cannot, it says so, and nothing can be done about it. */
static void sync_folders(const char *path, int levels)
{
	char dir[512];
	text_copy(dir, sizeof dir, path);
	for (char *slash; levels > 0 && (slash = strrchr(dir, '/')) && slash > dir; levels--) {
		*slash = '\0';
		int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0) {
			fsync(fd);
			close(fd);
		}
	}
}

struct sizing {
	off_t bytes;
	journal_line_fn *each;
	void *arg;
};

static bool count_bytes(void *arg, const char *line, size_t len)
{
	struct sizing *s = arg;
	s->bytes += (off_t)len + 1;
	return s->each ? s->each(s->arg, line, len) : true;
}

static void reserve(struct journal *j)
{
	if (j->reserved - j->size < RESERVE_BYTES / 2) {
		if (fallocate(j->fd, FALLOC_FL_KEEP_SIZE, j->size, RESERVE_BYTES) == 0)
			j->reserved = j->size + RESERVE_BYTES;
		else if (errno == EOPNOTSUPP || errno == ENOSYS)
			j->reserved =
			    j->size +
			    RESERVE_BYTES; /* no promise to be had here; a failing write will tell */
	}
	j->tight = j->reserved - j->size < TIGHT_BYTES;
}

struct journal *journal_open(const char *path, journal_line_fn *each, void *arg, bool *torn, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0) {
		err_set(err, ERR_IO, "the journal %s cannot be opened: %s", path, strerror(errno));
		return NULL;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		err_set(err, ERR_REFUSED,
			"another engine runs this night (it holds %s); attach to it instead", path);
		close(fd);
		return NULL;
	}
	struct journal *j = xcalloc(1, sizeof *j);
	j->fd = fd;
	text_copy(j->path, sizeof j->path, path);
	struct journal_check check;
	struct sizing sizing = {.each = each, .arg = arg};
	int rc = journal_check(path, count_bytes, &sizing, &check, err);
	if (rc == 0 && check.bad)
		rc = err_set(err, ERR_IO,
			     "%s: line %llu was changed after it was written (%s); nothing was started, "
			     "compare with `nightferry verify`",
			     path, (unsigned long long)check.bad, check.why);
	if (rc == 0 && check.torn)
		rc = set_torn_aside(path, fd, sizing.bytes, err);
	if (rc < 0) { /* not journal_close(): it cuts the file to the size known, and none is known yet */
		close(fd);
		free(j);
		return NULL;
	}
	if (torn)
		*torn = check.torn;
	j->lines = check.lines;
	memcpy(j->head, check.head, sizeof j->head);
	j->size = sizing.bytes;
	struct stat st;
	if (fstat(fd, &st) == 0) {
		j->device = st.st_dev;
		j->inode = st.st_ino;
	}
	if (j->size == 0)
		sync_folders(path, 2);
	reserve(j);
	return j;
}

void journal_close(struct journal *journal)
{
	if (!journal)
		return;
	if (ftruncate(journal->fd, journal->size) < 0)
		journal->tight = true; /* only the reserve stays allocated; the lines are whole */
	close(journal->fd);
	free(journal);
}

/* -1: what would be written now is lost, or breaks the chain. */
static int may_append(struct journal *j, struct err *err)
{
	struct stat st;
	if (stat(j->path, &st) < 0 || st.st_dev != j->device || st.st_ino != j->inode)
		return err_set(err, ERR_IO,
			       "the journal %s was moved, deleted or replaced under this engine, so nothing "
			       "acts; put it back and go on, or stop this engine",
			       j->path);
	if (j->rest && ftruncate(j->fd, j->size) < 0)
		return err_set(
		    err, ERR_IO,
		    "half a line at the end of the journal %s cannot be cut off (%s), so nothing acts",
		    j->path, strerror(errno));
	j->rest = false;
	return 0;
}

int journal_append(struct journal *j, const char *line, size_t len, bool sync, struct err *err)
{
	if (may_append(j, err) < 0)
		return -1;
	char head[JOURNAL_HASH_HEX];
	chain_hash(j->head, line, len, head);
	struct buf out = {0};
	buf_add(&out, line, len - 1);
	buf_addf(&out, ",\"h\":\"%s\"}\n", head);
	ssize_t n = write(j->fd, out.data, out.len);
	int saved = n < 0 ? errno : ENOSPC;
	if (n == (ssize_t)out.len && sync && fdatasync(j->fd) < 0) {
		saved = errno;
		n = -1;
	}
	if (n != (ssize_t)out.len) {
		j->rest = ftruncate(j->fd, j->size) < 0;
		j->reserved = j->size; /* cutting the file gave back what was promised beyond it */
		buf_done(&out);
		j->tight = true;
		return err_set(
		    err, ERR_IO,
		    "the journal cannot be written (%s), so nothing acts; make room or mend %s and go on",
		    strerror(saved), j->path);
	}
	j->size += (off_t)out.len;
	j->lines++;
	memcpy(j->head, head, sizeof head);
	buf_done(&out);
	reserve(j);
	return 0;
}

const char *journal_head(const struct journal *journal)
{
	return journal->head;
}

uint64_t journal_lines(const struct journal *journal)
{
	return journal->lines;
}

bool journal_tight(struct journal *journal)
{
	/* Room may have been made since the last line. */
	if (journal->tight)
		reserve(journal);
	return journal->tight;
}

int journal_anchor(struct journal *j, struct err *err)
{
	char path[600], next[610];
	const char *slash = strrchr(j->path, '/');
	text_copyf(path, sizeof path, "%.*sHEAD", slash ? (int)(slash - j->path + 1) : 0, j->path);
	text_copyf(next, sizeof next, "%s.next", path);
	FILE *f = fopen(next, "we");
	if (!f)
		return err_set(err, ERR_IO, "%s: %s", next, strerror(errno));
	fprintf(f, "%s %llu\n", j->head, (unsigned long long)j->lines);
	int bad = fflush(f) != 0 || fdatasync(fileno(f)) < 0;
	bad |= fclose(f) != 0;
	if (bad || rename(next, path) < 0)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	sync_folders(path, 1);
	return 0;
}
