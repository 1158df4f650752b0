/* Folds of text: two rings, bounded in bytes. See logs.h. */
#include "core/night/kinds/fold.h"

const struct log_line *log_at(const struct log_ring *ring, size_t i)
{
	return &ring->lines[(ring->first + i) % ring->cap];
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
	ring->total++;
	return line;
}

static void ring_trim(struct log_ring *ring)
{
	while (ring->n > 1 && ring->bytes > LOGS_MAX_BYTES)
		ring_drop_oldest(ring);
}

static void fold_log_lines(struct state *state, const struct event *event)
{
	for (const struct json *x = json_first(json_get(event->body, "lines")); x; x = json_next(x)) {
		struct log_line *line = ring_push(&state->logs.lines, json_str(x, "text", ""));
		line->at_ms = json_int(x, "at_ms", event->at_ms);
		line->seq = event->seq;
		FOLD_TEXT(line->side, x, "side");
		FOLD_TEXT(line->source, x, "source");
		FOLD_TEXT(line->level, x, "level");
		state->logs.errors += text_equal(line->level, "error");
	}
	ring_trim(&state->logs.lines);
}

static void fold_command_seen(struct state *state, const struct event *event)
{
	struct log_line *line = ring_push(&state->logs.commands, json_str(event->body, "text", ""));
	line->at_ms = json_int(event->body, "at_ms", event->at_ms);
	line->seq = event->seq;
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
}

const struct kind log_lines_kind = {
    .name = "log.lines", .keep = KEEP_STREAM, .since = 1, .fold = fold_log_lines};
const struct kind command_seen_kind = {
    .name = "command.seen", .keep = KEEP_STREAM, .since = 1, .fold = fold_command_seen};
