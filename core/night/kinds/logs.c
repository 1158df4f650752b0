/* Folds of text: two rings, bounded in bytes, and the known errors that were seen. See logs.h. */
#include "core/night/kinds/fold.h"

/* Sources are read by different ways and come in late by their own time; further back than this nothing is
 * moved: then it is a clock that is wrong, or a log that was read again from long ago. */
enum { LATE_MOST_MS = 20000, LATE_MOST_LINES = 2000 };

const struct log_line *log_at(const struct log_ring *ring, size_t i)
{
	return &ring->lines[(ring->first + i) % ring->cap];
}

static struct log_line *line_at(struct log_ring *ring, size_t i)
{
	return &ring->lines[(ring->first + i) % ring->cap];
}

/* Ids grow with the places but for the late ones, so it is searched from where it would be without them. */
ptrdiff_t log_place(const struct log_ring *ring, uint64_t id)
{
	ptrdiff_t n = (ptrdiff_t)ring->n, first = (ptrdiff_t)(ring->total - ring->n), guess;
	if (!id || id > ring->total || !n)
		return -1;
	guess = (ptrdiff_t)id - 1 - first;
	guess = guess < 0 ? 0 : guess >= n ? n - 1 : guess;
	for (ptrdiff_t by = 0; by < n; by++) {
		if (guess + by < n && log_at(ring, (size_t)(guess + by))->id == id)
			return guess + by;
		if (guess >= by && log_at(ring, (size_t)(guess - by))->id == id)
			return guess - by;
	}
	return -1;
}

static size_t line_bytes(const struct log_line *line)
{
	return sizeof *line + strlen(line->text) + 1;
}

static void ring_drop_oldest(struct log_ring *ring)
{
	struct log_line *line = &ring->lines[ring->first];
	ring->bytes -= line_bytes(line);
	free(line->text);
	ring->first = (ring->first + 1) % ring->cap;
	ring->n--;
}

static struct log_line *ring_push(struct log_ring *ring, const char *text)
{
	if (ring->n == ring->cap) {
		size_t cap = ring->cap ? ring->cap * 2 : 256;
		struct log_line *lines = xmalloc(cap * sizeof *lines);
		for (size_t i = 0; i < ring->n; i++)
			lines[i] = ring->lines[(ring->first + i) % ring->cap];
		free(ring->lines);
		ring->lines = lines;
		ring->first = 0;
		ring->cap = cap;
	}
	struct log_line *line = &ring->lines[(ring->first + ring->n++) % ring->cap];
	memset(line, 0, sizeof *line);
	line->text = xstrdup(text);
	ring->bytes += line_bytes(line);
	line->id = ++ring->total;
	return line;
}

/* The newest line goes back to where it belongs by its time. */
static void ring_settle(struct log_ring *ring)
{
	for (size_t i = ring->n - 1; i > 0 && ring->n - i < LATE_MOST_LINES; i--) {
		struct log_line *late = line_at(ring, i), *before = line_at(ring, i - 1), kept = *late;
		if (before->at_ms <= late->at_ms || before->at_ms - late->at_ms > LATE_MOST_MS)
			return;
		*late = *before;
		*before = kept;
	}
}

static void ring_trim(struct log_ring *ring)
{
	while (ring->n > 1 && ring->bytes > LOGS_MAX_BYTES)
		ring_drop_oldest(ring);
}

static void count_source(struct logs_state *logs, const struct log_line *line)
{
	struct log_source *s = logs->sources;
	for (; s < logs->sources + logs->n_sources; s++)
		if (text_equal(s->source, line->source) && text_equal(s->side, line->side))
			break;
	if (s == logs->sources + LOG_SOURCES_MAX)
		return;
	if (s == logs->sources + logs->n_sources) {
		logs->n_sources++;
		text_copy(s->side, sizeof s->side, line->side);
		text_copy(s->source, sizeof s->source, line->source);
	}
	s->n++;
}

static void fold_log_lines(struct state *state, const struct event *event)
{
	struct logs_state *logs = &state->logs;
	for (const struct json *x = json_first(json_get(event->body, "lines")); x; x = json_next(x)) {
		struct log_line *line = ring_push(&logs->lines, json_str(x, "text", ""));
		int64_t left = json_int(x, "left", 0);
		line->at_ms = json_int(x, "at_ms", event->at_ms);
		FOLD_TEXT(line->side, x, "side");
		FOLD_TEXT(line->source, x, "source");
		FOLD_TEXT(line->level, x, "level");
		logs->errors += text_equal(line->level, "error");
		logs->left_out += left > 0 ? (uint64_t)left : 0;
		count_source(logs, line);
		ring_settle(&logs->lines);
	}
	ring_trim(&logs->lines);
}

/* ---- known errors ---- */

const struct signature_seen *log_signature_by_id(const struct logs_state *logs, const char *id)
{
	for (size_t i = 0; i < logs->n_signatures; i++)
		if (text_equal(logs->signatures[i].id, id))
			return &logs->signatures[i];
	return NULL;
}

const struct signature_seen *log_signature(const struct logs_state *logs, const struct log_line *line)
{
	for (size_t i = 0; i < logs->n_signatures; i++) {
		const struct signature_seen *s = &logs->signatures[i];
		if (text_equal(line->source, LOG_CARD_SOURCE)) {
			if (text_starts(line->text, s->title))
				return s;
			continue;
		}
		for (size_t k = 0; k < sizeof s->match / sizeof *s->match && *s->match[k]; k++)
			if (text_like(line->text, s->match[k]))
				return s;
	}
	return NULL;
}

static struct signature_seen *signature_push(struct logs_state *logs, const struct event *event)
{
	struct signature_seen *s = FOLD_PUSH(logs->signatures, logs->n_signatures);
	const struct json *b = event->body;
	size_t n = 0;
	FOLD_TEXT(s->id, b, "id");
	FOLD_TEXT(s->title, b, "title");
	FOLD_TEXT(s->cause, b, "cause");
	FOLD_TEXT(s->fix, b, "fix");
	FOLD_TEXT(s->side, b, "side");
	FOLD_TEXT(s->source, b, "source");
	FOLD_TEXT(s->text, b, "text");
	s->warn = json_bool(b, "warn", false);
	for (const struct json *m = json_first(json_get(b, "match"));
	     m && n < sizeof s->match / sizeof *s->match; m = json_next(m))
		text_copy(s->match[n++], sizeof *s->match, json_text(m) ? json_text(m) : "");
	s->count = 1;
	s->first_at_ms = s->last_at_ms = json_int(b, "line_at_ms", event->at_ms);
	return s;
}

/* It stands in the log too, right under the line that raised it, so that it is found there later. */
static void fold_log_signature(struct state *state, const struct event *event)
{
	struct logs_state *logs = &state->logs;
	if (log_signature_by_id(logs, json_str(event->body, "id", "")))
		return;
	const struct signature_seen *s = signature_push(logs, event);
	char text[160];
	text_copyf(text, sizeof text, "%s. Enter: cause and fix", s->title);
	struct log_line *line = ring_push(&logs->lines, text);
	line->at_ms = s->first_at_ms;
	text_copy(line->side, sizeof line->side, s->side);
	text_copy(line->source, sizeof line->source, LOG_CARD_SOURCE);
	text_copy(line->level, sizeof line->level, s->warn ? "warn" : "error");
	ring_settle(&logs->lines);
	ring_trim(&logs->lines);
}

static void fold_log_again(struct state *state, const struct event *event)
{
	const char *id = json_str(event->body, "id", "");
	int64_t count = json_int(event->body, "count", 0);
	for (size_t i = 0; i < state->logs.n_signatures; i++) {
		struct signature_seen *s = &state->logs.signatures[i];
		/* A new engine counts from what it knows; the figure never falls. */
		if (text_equal(s->id, id) && count > 0 && (uint64_t)count > s->count) {
			s->count = (uint64_t)count;
			s->last_at_ms = json_int(event->body, "line_at_ms", event->at_ms);
		}
	}
}

static void fold_command_seen(struct state *state, const struct event *event)
{
	struct log_line *line = ring_push(&state->logs.commands, json_str(event->body, "text", ""));
	line->at_ms = json_int(event->body, "at_ms", event->at_ms);
	FOLD_TEXT(line->source, event->body, "how");
	ring_trim(&state->logs.commands);
}

static void ring_done(struct log_ring *ring)
{
	while (ring->n)
		ring_drop_oldest(ring);
	free(ring->lines);
	memset(ring, 0, sizeof *ring);
}

void logs_done(struct state *state)
{
	ring_done(&state->logs.lines);
	ring_done(&state->logs.commands);
	free(state->logs.signatures);
}

const struct kind log_lines_kind = {
    .name = "log.lines", .keep = KEEP_STREAM, .since = 1, .fold = fold_log_lines};
const struct kind log_signature_kind = {
    .name = "log.signature", .keep = KEEP_CHANGE, .key = "id", .since = 1, .fold = fold_log_signature};
const struct kind log_again_kind = {
    .name = "log.again", .keep = KEEP_SAMPLE, .key = "id", .since = 1, .fold = fold_log_again};
const struct kind command_seen_kind = {
    .name = "command.seen", .keep = KEEP_STREAM, .since = 1, .fold = fold_command_seen};
