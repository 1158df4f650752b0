#include "tui/replay.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct replay_line {
	uint64_t seq;
	int64_t at_ms;
	const char *text;
	size_t len;
};
struct replay {
	char *files[3]; /* journal, trace, the trace before it: their whole text */
	struct replay_line *lines;
	size_t n, cap, next; /* next: the first that is not folded yet */
	bool traced;
};

static char *file_read(const char *path, size_t *len, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char chunk[65536];
	struct buf buf = {0};
	ssize_t n;

	if (fd < 0) {
		err_set(err, ERR_IO, "the recorded night %s cannot be opened: %s", path, strerror(errno));
		return NULL;
	}
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(&buf, chunk, (size_t)n);
	close(fd);
	*len = buf.len;
	return buf.data ? buf.data : xstrdup("");
}

/* A number after `"name":`, near the begin of a line: the writer puts seq and at first. */
static bool number_after(const char *line, size_t len, const char *name, int64_t *out)
{
	size_t most = len < 160 ? len : 160, n = strlen(name);

	for (size_t i = 0; i + n < most; i++)
		if (memcmp(line + i, name, n) == 0) {
			*out = strtoll(line + i + n, NULL, 10);
			return true;
		}
	return false;
}

static bool line_head(const char *line, size_t len, struct replay_line *out)
{
	int64_t seq = 0, at_ms = 0;
	struct event *event;

	*out = (struct replay_line){.text = line, .len = len};
	if (number_after(line, len, "\"seq\":", &seq) && number_after(line, len, "\"at\":", &at_ms)) {
		out->seq = (uint64_t)seq;
		out->at_ms = at_ms;
		return true;
	}
	event = event_parse(line, len, NULL);
	if (!event)
		return false;
	out->seq = event->seq;
	out->at_ms = event->at_ms;
	event_free(event);
	return true;
}

/* What is no event (a journal's own head lines, a torn tail) is left out. */
static void lines_add(struct replay *replay, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		const char *start = text;
		struct replay_line line;
		if (!stop)
			stop = end;
		/* A line may carry its hash in front: the object begins at the brace. */
		while (start < stop && *start != '{')
			start++;
		if (start < stop && line_head(start, (size_t)(stop - start), &line)) {
			if (replay->n == replay->cap) {
				replay->cap = replay->cap ? 2 * replay->cap : 1024;
				replay->lines = xrealloc(replay->lines, replay->cap, sizeof(*replay->lines));
			}
			replay->lines[replay->n++] = line;
		}
		text = stop + 1;
	}
}

static int by_seq(const void *a, const void *b)
{
	uint64_t x = ((const struct replay_line *)a)->seq, y = ((const struct replay_line *)b)->seq;

	return x < y ? -1 : x > y;
}

struct replay *replay_open(const char *journal, const char *trace, struct err *err)
{
	struct replay *replay = xcalloc(1, sizeof(*replay));
	size_t len = 0;

	replay->files[0] = file_read(journal, &len, err);
	if (!replay->files[0]) {
		free(replay);
		return NULL;
	}
	lines_add(replay, replay->files[0], len);
	if (!replay->n) {
		err_set(err, ERR_USAGE, "%s holds no event of a night; give the journal of one", journal);
		replay_close(replay);
		return NULL;
	}
	replay->files[1] = trace && *trace ? file_read(trace, &len, NULL) : NULL;
	replay->traced = replay->files[1] != NULL;
	if (replay->traced)
		lines_add(replay, replay->files[1], len);
	if (replay->traced) {
		char *older = xasprintf("%s.1", trace);
		replay->files[2] = file_read(older, &len, NULL);
		if (replay->files[2])
			lines_add(replay, replay->files[2], len);
		free(older);
	}
	qsort(replay->lines, replay->n, sizeof(*replay->lines), by_seq);
	/* A clock that was set back must not hold the record up: its time stands still until the old one is
	 * reached. */
	for (size_t i = 1; i < replay->n; i++)
		if (replay->lines[i].at_ms < replay->lines[i - 1].at_ms)
			replay->lines[i].at_ms = replay->lines[i - 1].at_ms;
	return replay;
}

void replay_close(struct replay *replay)
{
	if (!replay)
		return;
	free(replay->files[0]);
	free(replay->files[1]);
	free(replay->files[2]);
	free(replay->lines);
	free(replay);
}

bool replay_traced(const struct replay *replay)
{
	return replay->traced;
}

int64_t replay_first_ms(const struct replay *replay)
{
	return replay->lines[0].at_ms;
}

int64_t replay_last_ms(const struct replay *replay)
{
	return replay->lines[replay->n - 1].at_ms;
}

int64_t replay_at_ms(const struct replay *replay)
{
	return replay->next ? replay->lines[replay->next - 1].at_ms : 0;
}

bool replay_seek(struct replay *replay, struct state **state, int64_t at_ms)
{
	bool changed = false;

	if (replay->next && replay->lines[replay->next - 1].at_ms > at_ms) {
		state_free(*state);
		*state = state_new();
		replay->next = 0;
		changed = true;
	}
	while (replay->next < replay->n && replay->lines[replay->next].at_ms <= at_ms) {
		const struct replay_line *line = &replay->lines[replay->next++];
		state_fold_line(*state, line->text, line->len, NULL);
		changed = true;
	}
	return changed;
}

static void kind_of(const struct replay_line *line, char *out, size_t size)
{
	struct event *event = event_parse(line->text, line->len, NULL);

	text_copy(out, size, event ? event->kind : "");
	event_free(event);
}

int64_t replay_same_kind_ms(struct replay *replay, int step, char *kind, size_t size)
{
	char other[64];
	size_t at = replay->next ? replay->next - 1 : 0;

	kind_of(&replay->lines[at], kind, size);
	for (size_t i = at + (size_t)(ptrdiff_t)step; i < replay->n; i += (size_t)(ptrdiff_t)step) {
		kind_of(&replay->lines[i], other, sizeof(other));
		if (strcmp(kind, other) == 0 && replay->lines[i].at_ms != replay->lines[at].at_ms)
			return replay->lines[i].at_ms;
	}
	return -1;
}

int64_t replay_parse_at_ms(const struct replay *replay, const char *text)
{
	int64_t first_ms = replay_first_ms(replay), at_ms;
	int h = 0, m = 0, s = 0;
	time_t day = (time_t)(first_ms / 1000);
	struct tm tm;

	while (*text == ' ')
		text++;
	if (*text == '+') {
		at_ms = units_parse_duration_ms(text + 1);
		return at_ms < 0 ? -1 : first_ms + at_ms;
	}
	if (sscanf(text, "%d:%d:%d", &h, &m, &s) < 2 || !localtime_r(&day, &tm))
		return -1;
	tm.tm_hour = h;
	tm.tm_min = m;
	tm.tm_sec = s;
	tm.tm_isdst = -1;
	at_ms = (int64_t)mktime(&tm) * 1000;
	/* A night goes over midnight: an hour before its begin is the next day's. */
	return at_ms + 1000 < first_ms ? at_ms + 86400000 : at_ms;
}
