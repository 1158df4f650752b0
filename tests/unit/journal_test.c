/* The journal: every changed, removed, added or swapped byte and line is found; torn ends are set aside;
 * locks hold. Some sixty thousand small looks want their time on a busy machine:
 * timeout: 200
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/night/journal.h"
#include "core/night/trace.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char dir[64], path[128];

/* ---- a disk that fails: these stand before the C library's own ---- */

static bool cut_fails;
static long write_left = -1; /* bytes until the disk is full; -1: it never is */
static int folders_synced;

int ftruncate(int fd, off_t size)
{
	if (!cut_fails)
		return (int)syscall(SYS_ftruncate, fd, size);
	errno = EIO;
	return -1;
}

ssize_t write(int fd, const void *data, size_t len)
{
	if (write_left >= 0 && len > (size_t)write_left)
		len = (size_t)write_left;
	if (write_left >= 0)
		write_left -= (long)len;
	if (len || write_left < 0)
		return syscall(SYS_write, fd, data, len);
	errno = ENOSPC;
	return -1;
}

int fsync(int fd)
{
	struct stat st;
	folders_synced += fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
	return (int)syscall(SYS_fsync, fd);
}

static int setup(void **state)
{
	(void)state;
	text_copy(dir, sizeof dir, "/tmp/nfj.XXXXXX");
	assert_non_null(mkdtemp(dir));
	text_copyf(path, sizeof path, "%s/journal.jsonl", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	static const char *const names[] = {"journal.jsonl", "journal.jsonl.torn", "HEAD"};
	for (size_t i = 0; i < 3; i++) {
		char file[160];
		text_copyf(file, sizeof file, "%s/%s", dir, names[i]);
		unlink(file);
	}
	return rmdir(dir);
}

static void write_lines(int n)
{
	struct err err = {0};
	struct journal *j = journal_open(path, NULL, NULL, NULL, &err);
	assert_non_null(j);
	for (int i = 0; i < n; i++) {
		char line[96];
		text_copyf(line, sizeof line, "{\"seq\":%d,\"kind\":\"note.added\",\"text\":\"n%d\"}", i + 1,
			   i);
		assert_int_equal(journal_append(j, line, strlen(line), i % 2, &err), 0);
	}
	assert_int_equal(journal_anchor(j, &err), 0);
	journal_close(j);
}

static struct buf read_all(void)
{
	struct buf all = {0};
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	for (int c; (c = fgetc(f)) != EOF;)
		buf_addc(&all, (char)c);
	fclose(f);
	return all;
}

static void write_all(const char *data, size_t len)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	fclose(f);
}

/* A journal that was refused is evidence: not one byte of it may go. */
static void assert_unchanged(const struct buf *before)
{
	struct buf now = read_all();
	assert_int_equal(now.len, before->len);
	assert_memory_equal(now.data, before->data, now.len);
	buf_done(&now);
}

/* Anything wrong that the chain or HEAD can see. */
static bool finds(void)
{
	struct journal_check check;
	assert_int_equal(journal_check(path, NULL, NULL, &check, NULL), 0);
	return check.bad || check.torn || (check.anchored && !check.anchor_found);
}

static void test_holds(void **state)
{
	(void)state;
	write_lines(6);
	struct journal_check check;
	assert_int_equal(journal_check(path, NULL, NULL, &check, NULL), 0);
	assert_int_equal(check.lines, 6);
	assert_int_equal(check.bad, 0);
	assert_true(check.anchored && check.anchor_found);
	assert_int_equal(check.anchor_line, 6);
}

/* Every byte of every line, its hash and its newline too, in place: as each of the 255 others. */
static void test_every_byte(void **state)
{
	(void)state;
	write_lines(2);
	struct buf all = read_all();
	int fd = open(path, O_WRONLY), changes = 0;
	assert_true(fd >= 0);
	for (size_t i = 0; i < all.len; i++) {
		for (int by = 1; by < 256; by++, changes++) {
			char other = (char)((unsigned char)all.data[i] ^ by);
			assert_int_equal(pwrite(fd, &other, 1, (off_t)i), 1);
			if (!finds())
				fail_msg("byte %zu as %d was not found", i, (unsigned char)other);
		}
		assert_int_equal(pwrite(fd, &all.data[i], 1, (off_t)i), 1);
	}
	close(fd);
	assert_int_equal(changes, 255 * (int)all.len);
	assert_false(finds());
	buf_done(&all);
}

/* A byte less and a byte more at every place: any one that a line may hold, a brace, an end. */
static void test_every_length(void **state)
{
	(void)state;
	static const char more[] = {'x', '0', ' ', '"', ',', '{', '}', '\n', '\r', '\0', (char)0xff};
	write_lines(3);
	struct buf all = read_all(), changed = {0};
	for (size_t i = 0; i <= all.len; i++)
		for (size_t k = 0; k <= sizeof more; k++) {
			bool less = k == sizeof more;
			if (less && i == all.len)
				continue;
			buf_reset(&changed);
			buf_add(&changed, all.data, i);
			if (!less)
				buf_addc(&changed, more[k]);
			buf_add(&changed, all.data + i + less, all.len - i - less);
			write_all(changed.data, changed.len);
			if (!finds())
				fail_msg("%s at byte %zu was not found", less ? "a byte less" : "a byte more",
					 i);
		}
	buf_done(&changed);
	buf_done(&all);
}

/* A line that somebody made up, between any two, in front and at the end. */
static void test_made_up_line(void **state)
{
	(void)state;
	static const char *const lines[] = {
	    "\n", "{}\n", "{\"seq\":2,\"kind\":\"note.added\",\"text\":\"n1\"}\n",
	    "{\"seq\":2,\"kind\":\"note.added\",\"text\":\"n1\",\"h\":\"\"}\n",
	    "{\"seq\":2,\"h\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}\n"};
	write_lines(6);
	struct buf all = read_all(), changed = {0};
	for (size_t i = 0; i <= all.len; i++) {
		if (i && all.data[i - 1] != '\n')
			continue;
		for (size_t k = 0; k < sizeof lines / sizeof *lines; k++) {
			buf_reset(&changed);
			buf_add(&changed, all.data, i);
			buf_adds(&changed, lines[k]);
			buf_add(&changed, all.data + i, all.len - i);
			write_all(changed.data, changed.len);
			if (!finds())
				fail_msg("line %zu made up at byte %zu was not found", k, i);
		}
	}
	buf_done(&changed);
	buf_done(&all);
}

static void test_lines_moved(void **state)
{
	(void)state;
	write_lines(6);
	struct buf all = read_all(), changed = {0};
	char *lines[6], *p = all.data;
	size_t lens[6];
	for (int i = 0; i < 6; i++) {
		lines[i] = p;
		lens[i] = strcspn(p, "\n") + 1;
		p += lens[i];
	}
	for (int a = 0; a < 6; a++)
		for (int b = 0; b < 6; b++) {
			if (a == b)
				continue;
			/* swapped, doubled, or left out */
			for (int how = 0; how < 3; how++) {
				buf_reset(&changed);
				for (int i = 0; i < 6; i++) {
					int k = how == 0 ? (i == a ? b : i == b ? a : i) : i;
					if (how == 2 && i == a)
						continue;
					buf_add(&changed, lines[k], lens[k]);
					if (how == 1 && i == a)
						buf_add(&changed, lines[b], lens[b]);
				}
				write_all(changed.data, changed.len);
				assert_true(finds());
			}
		}
	buf_done(&changed);
	buf_done(&all);
}

/* A small generator of our own: the same changes on every machine, named by their number when one is missed.
 */
static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

struct cut {
	size_t at, len; /* a line, with its newline */
};

static struct cut any_line(const struct buf *all, uint64_t *seed)
{
	size_t at = next_random(seed) % all->len;
	while (at > 0 && all->data[at - 1] != '\n')
		at--;
	return (struct cut){at, (size_t)((char *)memchr(all->data + at, '\n', all->len - at) - all->data) -
				    at + 1};
}

/* One change of a kind: a byte, a byte more, a byte less, a line less, a line twice, two lines swapped, the
 * end cut. */
static void change(const struct buf *all, int kind, uint64_t *seed, struct buf *out)
{
	size_t at = next_random(seed) % all->len;
	struct cut a = any_line(all, seed), b = any_line(all, seed);
	buf_reset(out);
	if (kind < 3) {
		buf_add(out, all->data, at);
		if (kind != 2)
			buf_addc(out, (char)(kind == 1 ? 'x' : all->data[at] ^ (1 << next_random(seed) % 8)));
		buf_add(out, all->data + at + (kind != 1), all->len - at - (kind != 1));
	} else if (kind < 5) {
		buf_add(out, all->data, a.at + a.len * (kind == 4));
		buf_add(out, all->data + a.at + a.len * (kind == 3), all->len - a.at - a.len * (kind == 3));
	} else if (kind == 5) {
		struct cut first = a.at < b.at ? a : b, second = a.at < b.at ? b : a;
		buf_add(out, all->data, first.at);
		buf_add(out, all->data + second.at, second.len);
		if (second.at > first.at)
			buf_add(out, all->data + first.at + first.len, second.at - first.at - first.len);
		if (second.at > first.at)
			buf_add(out, all->data + first.at, first.len);
		buf_add(out, all->data + second.at + second.len, all->len - second.at - second.len);
	} else {
		buf_add(out, all->data, a.at);
	}
}

static void test_random_on_a_large_one(void **state)
{
	(void)state;
	enum { LINES = 4000, CHANGES = 420 };
	uint64_t seed = 20261121;
	struct buf changed = {0};
	write_lines(LINES);
	struct buf all = read_all();
	assert_false(finds());
	for (int i = 0; i < CHANGES; i++) {
		change(&all, i % 7, &seed, &changed);
		/* Two lines that are one, and a newline for a newline, are no change. */
		if (changed.len == all.len && memcmp(changed.data, all.data, all.len) == 0)
			continue;
		write_all(buf_text(&changed), changed.len);
		if (!finds())
			fail_msg("change %d of kind %d was not found", i, i % 7);
	}
	write_all(all.data, all.len);
	assert_false(finds());
	buf_done(&changed);
	buf_done(&all);
}

/* How far it reaches is said: behind the anchor a cut cannot be seen. */
static void test_reach_is_told(void **state)
{
	(void)state;
	write_lines(6);
	struct err err = {0};
	struct journal *j = journal_open(path, NULL, NULL, NULL, &err);
	assert_non_null(j);
	static const char line[] = "{\"seq\":7,\"kind\":\"note.added\"}";
	assert_int_equal(journal_append(j, line, sizeof line - 1, true, &err), 0);
	journal_close(j);
	struct buf all = read_all();
	struct journal_check check;
	assert_int_equal(journal_check(path, NULL, NULL, &check, NULL), 0);
	assert_int_equal(check.lines, 7);
	assert_int_equal(check.anchor_line, 6);
	size_t last = all.len - 1;
	while (all.data[last - 1] != '\n')
		last--;
	write_all(all.data, last);
	assert_false(finds());
	last--;
	while (all.data[last - 1] != '\n')
		last--;
	write_all(all.data, last);
	assert_true(finds());
	buf_done(&all);
}

static void test_torn_is_set_aside(void **state)
{
	(void)state;
	write_lines(3);
	FILE *f = fopen(path, "a");
	fputs("{\"seq\":4,\"kind\":\"no", f);
	fclose(f);
	struct err err = {0};
	bool torn = false;
	struct journal *j = journal_open(path, NULL, NULL, &torn, &err);
	assert_non_null(j);
	assert_true(torn);
	assert_int_equal(journal_lines(j), 3);
	static const char line[] = "{\"seq\":5,\"kind\":\"note.added\"}";
	assert_int_equal(journal_append(j, line, sizeof line - 1, true, &err), 0);
	journal_close(j);
	char kept[160];
	text_copyf(kept, sizeof kept, "%s.torn", path);
	struct stat st;
	assert_int_equal(stat(kept, &st), 0);
	assert_int_equal(st.st_size, strlen("{\"seq\":4,\"kind\":\"no"));
	assert_false(finds());
}

static void test_changed_is_refused(void **state)
{
	(void)state;
	write_lines(3);
	struct buf all = read_all();
	all.data[10] = 'x';
	write_all(all.data, all.len);
	struct err err = {0};
	assert_null(journal_open(path, NULL, NULL, NULL, &err));
	assert_non_null(strstr(err.text, "line 1 was changed"));
	assert_unchanged(&all);
	buf_done(&all);
}

/* As on a full disk: what is torn cannot be kept, so the night does not start, and no byte of the journal
 * goes. */
static void test_torn_that_cannot_be_kept(void **state)
{
	(void)state;
	write_lines(3);
	FILE *f = fopen(path, "a");
	fputs("{\"seq\":4,\"kind\":\"no", f);
	fclose(f);
	char kept[160];
	text_copyf(kept, sizeof kept, "%s.torn", path);
	assert_int_equal(mkdir(kept, 0700), 0);
	struct buf all = read_all();
	struct err err = {0};
	bool torn = false;
	assert_null(journal_open(path, NULL, NULL, &torn, &err));
	assert_non_null(strstr(err.text, "could not be kept"));
	assert_unchanged(&all);
	buf_done(&all);
	rmdir(kept);
}

static size_t size_of(const char *tail)
{
	char file[160];
	struct stat st;
	text_copyf(file, sizeof file, "%s%s", path, tail);
	return stat(file, &st) == 0 ? (size_t)st.st_size : 0;
}

static int add_note(struct journal *j, struct err *err)
{
	static const char line[] = "{\"seq\":9,\"kind\":\"note.added\"}";
	*err = (struct err){0};
	return journal_append(j, line, sizeof line - 1, true, err);
}

/* The disk is full in the midst of a line, and will not even let go of its half: what came after it would be
 * another line than the chain says, and the night could never be opened again. */
static void test_half_a_line_stays(void **state)
{
	(void)state;
	struct err err = {0};
	write_lines(3);
	struct journal *j = journal_open(path, NULL, NULL, NULL, &err);
	assert_non_null(j);
	write_left = 10;
	cut_fails = true;
	assert_int_equal(add_note(j, &err), -1);
	write_left = -1;
	assert_int_equal(add_note(j, &err), -1);
	assert_non_null(strstr(err.text, "half a line"));
	cut_fails = false;
	assert_int_equal(add_note(j, &err), 0);
	assert_int_equal(journal_lines(j), 4);
	journal_close(j);
	assert_false(finds());
}

static void test_torn_is_kept_once_and_whole(void **state)
{
	(void)state;
	static const char half[] = "{\"seq\":4,\"kind\":\"no";
	struct err err = {0};
	write_lines(3);
	FILE *f = fopen(path, "a");
	fputs(half, f);
	fclose(f);
	struct buf all = read_all();
	/* No room for all of it: then none of it is kept, and the journal keeps it. */
	write_left = 7;
	assert_null(journal_open(path, NULL, NULL, NULL, &err));
	write_left = -1;
	assert_non_null(strstr(err.text, "could not be kept"));
	assert_int_equal(size_of(".torn"), 0);
	assert_unchanged(&all);
	/* Kept, but not cut off the journal: the next one does not keep it twice. */
	cut_fails = true;
	assert_null(journal_open(path, NULL, NULL, NULL, &err));
	cut_fails = false;
	assert_unchanged(&all);
	struct journal *j = journal_open(path, NULL, NULL, NULL, &err);
	assert_non_null(j);
	journal_close(j);
	assert_int_equal(size_of(".torn"), sizeof half - 1);
	buf_done(&all);
}

/* Somebody tidies up, or an editor saves: what is written after that nobody would ever read. */
static void test_another_file_under_its_name(void **state)
{
	(void)state;
	struct err err = {0};
	char aside[160];
	text_copyf(aside, sizeof aside, "%s.aside", path);
	write_lines(3);
	struct journal *j = journal_open(path, NULL, NULL, NULL, &err);
	assert_non_null(j);
	assert_int_equal(rename(path, aside), 0);
	assert_int_equal(add_note(j, &err), -1);
	assert_non_null(strstr(err.text, "moved, deleted or replaced"));
	write_all("", 0);
	assert_int_equal(add_note(j, &err), -1);
	assert_int_equal(size_of(""), 0);
	assert_int_equal(rename(aside, path), 0);
	assert_int_equal(add_note(j, &err), 0);
	journal_close(j);
	assert_false(finds());
}

/* A file without a name is none after a power cut. */
static void test_its_name_is_on_the_disk(void **state)
{
	(void)state;
	struct err err = {0};
	folders_synced = 0;
	struct journal *j = journal_open(path, NULL, NULL, NULL, &err);
	assert_non_null(j);
	assert_int_equal(folders_synced, 2);
	assert_int_equal(journal_anchor(j, &err), 0);
	assert_int_equal(folders_synced, 3);
	journal_close(j);
}

/* The trace of a machine that stopped in the midst of a line: only that line is lost. */
static void test_half_a_line_of_the_trace(void **state)
{
	(void)state;
	struct err err = {0};
	write_all("{\"seq\":1}\n{\"se", 14);
	for (int i = 0; i < 2; i++) {
		struct trace *trace = trace_open(path, &err);
		assert_non_null(trace);
		trace_write(trace, "{\"seq\":3}", 9);
		trace_close(trace);
	}
	struct buf all = read_all();
	assert_string_equal(all.data, "{\"seq\":1}\n{\"se\n{\"seq\":3}\n{\"seq\":3}\n");
	buf_done(&all);
}

static void test_second_engine_is_refused(void **state)
{
	(void)state;
	struct err err = {0};
	struct journal *j = journal_open(path, NULL, NULL, NULL, &err);
	assert_non_null(j);
	assert_null(journal_open(path, NULL, NULL, NULL, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	journal_close(j);
	j = journal_open(path, NULL, NULL, NULL, &err);
	assert_non_null(j);
	journal_close(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_holds, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_every_byte, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_every_length, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_made_up_line, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_lines_moved, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_random_on_a_large_one, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_reach_is_told, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_torn_is_set_aside, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_torn_that_cannot_be_kept, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_changed_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_half_a_line_stays, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_torn_is_kept_once_and_whole, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_another_file_under_its_name, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_its_name_is_on_the_disk, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_half_a_line_of_the_trace, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_second_engine_is_refused, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
