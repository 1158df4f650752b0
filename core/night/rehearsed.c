#include "core/night/rehearsed.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Years of rehearsals are some thousand lines; more than this is no file of ours. */
enum { LINES_MAX = 20000, LINE_BYTES_MAX = 8192, LINES_KEPT = 600, DUMPS_KEPT = 100 };

static bool file_name(const char *folder, char *out, size_t size)
{
	return text_copyf(out, size, "%s/rehearsed.jsonl", folder);
}

void rehearsed_line(struct jw *w, const char *night, const char *what)
{
	*w = (struct jw){0};
	jw_open(w);
	jw_str(w, "night", night);
	jw_int(w, "at_ms", clock_wall_ms());
	jw_str(w, "what", what);
}

int rehearsed_add(const char *folder, struct jw *w, struct err *err)
{
	char path[600];
	jw_finish(w);
	buf_addc(&w->buf, '\n');
	int fd = file_name(folder, path, sizeof path)
		     ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)
		     : -1;
	/* One write: a line is there as a whole or, where the disk is full, not at all: the next one, in a
	 * week, would be glued to its half. */
	off_t before = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;
	ssize_t n = fd >= 0 ? write(fd, w->buf.data, w->buf.len) : -1;
	bool ok = n == (ssize_t)w->buf.len;
	int why = n < 0 ? errno : ENOSPC;
	if (!ok && n > 0 && ftruncate(fd, before) < 0)
		why = errno;
	if (fd >= 0)
		close(fd);
	jw_done(w);
	return ok ? 0
		  : err_set(
			err, ERR_IO,
			"what this rehearsal took could not be kept in %s (%s); the rehearsal itself goes on",
			path, strerror(why));
}

struct lines {
	struct json **list;
	size_t n;
};

static void read_lines(const char *folder, struct lines *out)
{
	char path[600], line[LINE_BYTES_MAX];
	FILE *f = file_name(folder, path, sizeof path) ? fopen(path, "re") : NULL;
	while (f && out->n < LINES_MAX && fgets(line, sizeof line, f)) {
		struct json *x = json_parse(line, strcspn(line, "\n"), NULL);
		if (!json_is_object(x) || !*json_str(x, "night", "")) {
			json_free(x);
			continue;
		}
		out->list = xrealloc(out->list, out->n + 1, sizeof *out->list);
		out->list[out->n++] = x;
	}
	if (f)
		fclose(f);
}

static bool same(const struct json *a, const struct json *b, const char *key)
{
	return text_equal(json_str(a, "what", ""), json_str(b, "what", "")) &&
	       text_equal(json_str(a, key, ""), json_str(b, key, "")) && *json_str(a, key, "");
}

/* Whether line `i` is the newest of its `key`; night NULL: of any. */
static bool is_newest(const struct lines *lines, size_t i, const char *what, const char *key,
		      const char *night)
{
	const struct json *x = lines->list[i];
	bool newest = text_equal(json_str(x, "what", ""), what) && *json_str(x, key, "") &&
		      (!night || text_equal(json_str(x, "night", ""), night));
	for (size_t k = i + 1; newest && k < lines->n; k++)
		newest = !same(x, lines->list[k], key) ||
			 (night && !text_equal(json_str(lines->list[k], "night", ""), night));
	return newest;
}

/* The newest of each `key`, in the order in which they came. */
static void write_newest(const struct lines *lines, const char *what, const char *key, const char *night,
			 struct jw *w)
{
	for (size_t i = 0; i < lines->n; i++)
		if (is_newest(lines, i, what, key, night))
			jw_json(w, NULL, lines->list[i]);
}

static void lines_done(struct lines *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		json_free(lines->list[i]);
	free(lines->list);
}

void rehearsed_write(const char *folder, struct jw *w)
{
	struct lines lines = {0};
	read_lines(folder, &lines);
	if (lines.n) {
		const struct json *last = lines.list[lines.n - 1];
		const char *night = json_str(last, "night", "");
		jw_obj(w, "rehearsed");
		jw_str(w, "night", night);
		jw_int(w, "at_ms", json_int(last, "at_ms", 0));
		jw_arr(w, "steps");
		write_newest(&lines, "step", "step", NULL, w);
		jw_end(w);
		jw_arr(w, "waivers");
		write_newest(&lines, "waiver", "about", night, w);
		jw_end(w);
		jw_arr(w, "dumps");
		write_newest(&lines, "dump", "backup", NULL, w);
		jw_end(w);
		jw_end(w);
	}
	lines_done(&lines);
}

/* ---- kept short ---- */

static bool still_teaches(const struct lines *lines, size_t i, const char *night)
{
	size_t newer = 0;
	for (size_t k = i + 1; k < lines->n; k++)
		newer += text_equal(json_str(lines->list[k], "what", ""), "dump");
	/* The last line names the newest rehearsal, whatever it says. */
	return i + 1 == lines->n || is_newest(lines, i, "step", "step", NULL) ||
	       is_newest(lines, i, "waiver", "about", night) ||
	       (newer < DUMPS_KEPT && is_newest(lines, i, "dump", "backup", NULL));
}

static int replace_file(const char *path, const struct buf *text, struct err *err)
{
	char fresh[640];
	text_copyf(fresh, sizeof fresh, "%s.new", path);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && write(fd, text->data, text->len) == (ssize_t)text->len && fsync(fd) == 0;
	int why = errno;
	if (fd >= 0)
		close(fd);
	if (ok && rename(fresh, path) == 0)
		return 0;
	why = ok ? errno : why;
	unlink(fresh);
	return err_set(err, ERR_IO, "%s could not be written anew (%s); it stays as it was", path,
		       strerror(why));
}

int rehearsed_trim(const char *folder, struct err *err)
{
	char path[600];
	struct lines lines = {0};
	struct buf text = {0};
	int rc = 0;
	read_lines(folder, &lines);
	if (lines.n > LINES_KEPT && file_name(folder, path, sizeof path)) {
		const char *night = json_str(lines.list[lines.n - 1], "night", "");
		for (size_t i = 0; i < lines.n; i++) {
			char *line = still_teaches(&lines, i, night) ? json_print(lines.list[i]) : NULL;
			if (line)
				buf_addf(&text, "%s\n", line);
			free(line);
		}
		rc = replace_file(path, &text, err);
	}
	buf_done(&text);
	lines_done(&lines);
	return rc;
}
