#include "tui/replay.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/night/report_moments.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A trace may be larger than the machine's memory, so only where its lines lie is kept. */
struct replay_line {
	uint64_t seq;
	int64_t at_ms;
	int64_t offset;
	uint32_t len;
	uint8_t file;
};
struct replay {
	int fds[3]; /* journal, trace, the trace before it; -1: there is none */
	struct replay_line *lines;
	size_t n, cap, next; /* next: the first that is not folded yet */
	bool traced;
	int64_t traced_from_ms; /* what came before was dropped with an older file; 0: nothing was */
	char *text;             /* of the line that was read last */
	size_t len, room;
};

/* The text of a line, until the next is asked for; "" when the file has lost it. */
static const char *line_text(struct replay *replay, const struct replay_line *line)
{
	size_t got = 0;
	ssize_t n = 1;

	if (line->len >= replay->room) {
		replay->room = (size_t)line->len + 4096;
		replay->text = xrealloc(replay->text, replay->room, 1);
	}
	while (got < line->len && n > 0) {
		n = pread(replay->fds[line->file], replay->text + got, line->len - got,
			  (off_t)(line->offset + (int64_t)got));
		got += n > 0 ? (size_t)n : 0;
	}
	replay->text[got] = '\0';
	replay->len = got;
	return replay->text;
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

	*out = (struct replay_line){.len = (uint32_t)len};
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
static void line_add(struct replay *replay, size_t file, const char *text, size_t len, int64_t offset)
{
	const char *start = memchr(text, '{', len);
	struct replay_line line;

	if (len && text[len - 1] == '\n')
		len--;
	/* A line may carry its hash in front: the object begins at the brace. */
	if (!start || start >= text + len || !line_head(start, (size_t)(text + len - start), &line))
		return;
	line.file = (uint8_t)file;
	line.offset = offset + (start - text);
	if (replay->n == replay->cap) {
		replay->cap = replay->cap ? 2 * replay->cap : 1024;
		replay->lines = xrealloc(replay->lines, replay->cap, sizeof(*replay->lines));
	}
	replay->lines[replay->n++] = line;
}

static bool file_add(struct replay *replay, size_t file, const char *path, struct err *err)
{
	FILE *in = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;
	ssize_t len;
	int64_t offset = 0;

	replay->fds[file] = in ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (!in || replay->fds[file] < 0) {
		err_set(err, ERR_IO, "the recorded night %s cannot be opened: %s", path, strerror(errno));
		if (in)
			fclose(in);
		return false;
	}
	while ((len = getline(&text, &room, in)) > 0) {
		line_add(replay, file, text, (size_t)len, offset);
		offset += len;
	}
	free(text);
	fclose(in);
	return true;
}

static int by_seq(const void *a, const void *b)
{
	uint64_t x = ((const struct replay_line *)a)->seq, y = ((const struct replay_line *)b)->seq;

	return x < y ? -1 : x > y;
}

/* A trace that was moved aside once may have been so before: its oldest line tells from when on it is there.
 * A whole one begins with the first things that were seen. */
static void traced_from(struct replay *replay)
{
	enum { BEGINS_WITHIN = 200 };
	uint64_t first = UINT64_MAX;
	int64_t at_ms = 0;

	for (size_t i = 0; i < replay->n; i++)
		if (replay->lines[i].file != 0 && replay->lines[i].seq < first) {
			first = replay->lines[i].seq;
			at_ms = replay->lines[i].at_ms;
		}
	replay->traced_from_ms = first > BEGINS_WITHIN ? at_ms : 0;
}

struct replay *replay_open(const char *journal, const char *trace, struct err *err)
{
	struct replay *replay = xcalloc(1, sizeof(*replay));

	for (size_t i = 0; i < 3; i++)
		replay->fds[i] = -1;
	if (!file_add(replay, 0, journal, err)) {
		replay_close(replay);
		return NULL;
	}
	if (!replay->n) {
		err_set(err, ERR_USAGE, "%s holds no event of a night; give the journal of one", journal);
		replay_close(replay);
		return NULL;
	}
	replay->traced = trace && *trace && file_add(replay, 1, trace, NULL);
	if (replay->traced) {
		char *older = xasprintf("%s.1", trace);
		bool rotated = file_add(replay, 2, older, NULL);
		free(older);
		if (rotated)
			traced_from(replay);
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
	for (size_t i = 0; i < 3; i++)
		if (replay->fds[i] >= 0)
			close(replay->fds[i]);
	free(replay->text);
	free(replay->lines);
	free(replay);
}

bool replay_traced(const struct replay *replay, int64_t at_ms)
{
	return replay->traced && at_ms >= replay->traced_from_ms;
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

/* Until `next` lines are folded; going back begins anew. */
static bool fold_up_to(struct replay *replay, struct state **state, size_t next)
{
	bool changed = next != replay->next;

	if (next < replay->next) {
		state_free(*state);
		*state = state_new();
		replay->next = 0;
	}
	while (replay->next < next) {
		const struct replay_line *line = &replay->lines[replay->next++];
		const char *text = line_text(replay, line);
		state_fold_line(*state, text, replay->len, NULL);
	}
	return changed;
}

bool replay_seek(struct replay *replay, struct state **state, int64_t at_ms)
{
	size_t next = replay->next;

	while (next > 0 && replay->lines[next - 1].at_ms > at_ms)
		next--;
	while (next < replay->n && replay->lines[next].at_ms <= at_ms)
		next++;
	return fold_up_to(replay, state, next);
}

bool replay_seek_seq(struct replay *replay, struct state **state, uint64_t seq)
{
	size_t next = replay->next;

	while (next > 0 && replay->lines[next - 1].seq > seq)
		next--;
	while (next < replay->n && replay->lines[next].seq <= seq)
		next++;
	return fold_up_to(replay, state, next);
}

/* ---- one event at a time ---- */

/* "10:59:59 restore: started by ana", or the kind where no report would tell of it. */
static void words_of(const struct event *event, char *out, size_t size)
{
	struct report_moment moment;
	char at[UNITS_MAX];

	units_clock(at, event->at_ms);
	if (!report_moment_of(event, &moment)) {
		text_copyf(out, size, "%s %s", at, event->kind);
		return;
	}
	text_copyf(out, size, "%s %s%s%s", at, moment.what, moment.what[0] ? ": " : "", moment.text);
	free(moment.what);
	free(moment.text);
}

static bool is_moment(const struct event *event)
{
	struct report_moment moment;

	if (!report_moment_of(event, &moment))
		return false;
	free(moment.what);
	free(moment.text);
	return true;
}

static bool is_wanted(struct replay *replay, const struct replay_line *line, const struct replay_wish *wish,
		      char *said, size_t size)
{
	bool journal = line->file == 0, wanted;
	const char *text;
	struct event *event;

	/* A trace is long: its lines are read only for who asks for what may be in them. */
	if (!journal && (!wish || (!wish->kind[0] && !wish->text[0])))
		return false;
	text = line_text(replay, line);
	if (wish && wish->text[0] && !text_find(text, wish->text))
		return false;
	event = event_parse(text, replay->len, NULL);
	wanted = event && (!wish || !wish->kind[0] || strcmp(event->kind, wish->kind) == 0) &&
		 (!wish || wish->kind[0] || wish->text[0] || is_moment(event));
	if (wanted)
		words_of(event, said, size);
	event_free(event);
	return wanted;
}

bool replay_move(struct replay *replay, struct state **state, int step, const struct replay_wish *wish,
		 char *said, size_t size)
{
	ptrdiff_t at = (ptrdiff_t)replay->next - 1;

	for (at += step; at >= 0 && at < (ptrdiff_t)replay->n; at += step)
		if (is_wanted(replay, &replay->lines[at], wish, said, size)) {
			fold_up_to(replay, state, (size_t)at + 1);
			return true;
		}
	return false;
}

void replay_kinds(struct replay *replay, struct buf *out)
{
	char kind[64], word[68];

	for (size_t i = 0; i < replay->n; i++) {
		if (replay->lines[i].file != 0)
			continue;
		const char *text = line_text(replay, &replay->lines[i]);
		struct event *event = event_parse(text, replay->len, NULL);
		text_copy(kind, sizeof(kind), event ? event->kind : "");
		event_free(event);
		text_copyf(word, sizeof(word), " %s ", kind);
		if (kind[0] && (!out->len || !strstr(buf_text(out), word)))
			buf_addf(out, "%s%s ", out->len ? "" : " ", kind);
	}
}

/* "2026-11-21 01:14", with T between them or seconds behind: any day; -1 when it is none. */
static int64_t parse_day_ms(const char *text)
{
	struct tm tm = {.tm_isdst = -1};
	int n = 0;

	if (sscanf(text, "%4d-%2d-%2d%*1[ T]%2d:%2d%n:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &n, &tm.tm_sec, &n) < 5 ||
	    text[n] != '\0')
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return (int64_t)mktime(&tm) * 1000;
}

static int64_t parse_hour_ms(const char *text, int64_t first_ms)
{
	int h = 0, m = 0, s = 0, n = 0;
	time_t day = (time_t)(first_ms / 1000);
	struct tm tm;
	int64_t at_ms;

	if (sscanf(text, "%2d:%2d%n:%2d%n", &h, &m, &n, &s, &n) < 2 || text[n] != '\0' || h > 23 || m > 59 ||
	    s > 60 || !localtime_r(&day, &tm))
		return -1;
	tm.tm_hour = h;
	tm.tm_min = m;
	tm.tm_sec = s;
	tm.tm_isdst = -1;
	at_ms = (int64_t)mktime(&tm) * 1000;
	/* A night goes over midnight: an hour before its begin is the next day's. */
	return at_ms + 1000 < first_ms ? at_ms + 86400000 : at_ms;
}

int64_t replay_parse_at_ms(const struct replay *replay, const char *text)
{
	int64_t ms;

	while (*text == ' ')
		text++;
	if (*text == '+' || *text == '-') {
		ms = units_parse_duration_ms(text + 1);
		if (ms < 0)
			return -1;
		return *text == '+' ? replay_first_ms(replay) + ms : replay_last_ms(replay) - ms;
	}
	ms = parse_day_ms(text);
	return ms >= 0 ? ms : parse_hour_ms(text, replay_first_ms(replay));
}
