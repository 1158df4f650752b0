/* Holds the record of a night against the pictures that seats drew that night (NIGHTFERRY_FRAMES):
 *
 *   same_night JOURNAL TRACE FRAMES...
 *
 * 1. Folded up to the same event and drawn for the same seat at the same moment, the record gives each
 * picture again: every cell, its text and its meaning.
 * 2. Drawn as a recorded night, it differs only in what a recorded night says of itself: the end of the first
 *    line, the lines of clocks, advice and keys, and the answer below a gate's evidence.
 * 3. `replay --frame` gives the picture of 2, wherever the record is quiet at that moment.
 *
 * Prints one line a file; exit 1 at the first picture that is another one. */
#include "core/base/text.h"
#include "tui/cockpit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BOTTOM = 3, FRAMES_ASKED = 12 };

static const struct seat_options none;

struct night {
	const char *journal, *trace;
	struct replay *replay;
	struct state *state;
	int seen, gates, asked;
	struct buf phases; /* every phase that was seen, as " copy " */
};

static void fail(const struct json *frame, const char *what, const char *is, const char *was)
{
	printf("seat %s, event %lld, at %lld: %s\n  was %s\n  is  %s\n", json_str(frame, "name", "?"),
	       (long long)json_int(frame, "seq", 0), (long long)json_int(frame, "now_ms", 0), what, was, is);
	exit(1);
}

/* The seat as it was, with the record's state; `replaying`: as one that looks at a recorded night. */
static struct cockpit *seat_again(const struct night *night, const struct json *frame, bool replaying)
{
	struct cockpit *c = xcalloc(1, sizeof(*c));

	c->options = &none;
	wire_init(&c->wire);
	local_init(&c->local);
	c->state = night->state;
	c->picture_ms = json_int(frame, "now_ms", 0);
	c->size = (struct size){(int)json_int(frame, "cols", 0), (int)json_int(frame, "rows", 0)};
	c->canvas = canvas_new(c->size, false);
	c->replay = replaying ? night->replay : NULL;
	c->me.connected = c->ever_welcomed = !replaying;
	c->me.replaying = replaying;
	c->me.observer = !replaying && json_bool(frame, "observer", false);
	text_copy(c->me.seat, sizeof(c->me.seat), replaying ? "" : json_str(frame, "seat", ""));
	text_copy(c->me.name, sizeof(c->me.name), json_str(frame, "name", ""));
	if (json_bool(frame, "view_chosen", false)) {
		text_copy(c->local.view, sizeof(c->local.view), json_str(frame, "view", ""));
		c->local.view_chosen = true;
	}
	local_offer(c);
	c->local.zoom = (int)json_int(frame, "zoom", 0);
	c->local.focus = panel_find(json_str(frame, "focus", ""));
	local_relayout(c);
	c->gate.shown = json_bool(frame, "gate", false);
	follow_me(c);
	draw_screen(c);
	return c;
}

static void seat_free(struct cockpit *c)
{
	wire_done(&c->wire);
	local_done(&c->local);
	canvas_free(c->canvas);
	free(c);
}

static void row_of(const struct canvas *canvas, int row, struct buf *out)
{
	buf_reset(out);
	for (int col = 0; col < canvas->size.cols; col++)
		buf_adds(out, canvas->cells[row * canvas->stride + col].text);
	buf_addc(out, '\t');
	for (int col = 0; col < canvas->size.cols; col++) {
		const struct cell *cell = &canvas->cells[row * canvas->stride + col];
		buf_addc(out, (char)('0' + cell->role + (cell->selected ? 40 : 0)));
	}
}

static void same_picture(const struct json *frame, const struct canvas *canvas)
{
	struct buf is = {0};
	int row = 0;

	for (const struct json *x = json_first(json_get(frame, "picture")); x; x = json_next(x), row++) {
		row_of(canvas, row, &is);
		if (strcmp(buf_text(&is), json_text(x)) != 0)
			fail(frame, "the record draws another picture", buf_text(&is), json_text(x));
	}
	if (row != canvas->size.rows)
		fail(frame, "the picture has another number of lines", "", "");
	buf_done(&is);
}

/* Where the answer of a gate stands: the last lines of its box. */
static bool is_answer(const struct json *frame, const struct canvas *live, int row)
{
	struct buf text = {0};
	bool below = false;

	if (!json_bool(frame, "gate", false))
		return false;
	for (int i = row; i < row + 4 && i < live->size.rows && !below; i++) {
		row_of(live, i, &text);
		below = strstr(buf_text(&text), glyph(live, GLYPH_BL)) != NULL;
	}
	buf_done(&text);
	return below;
}

static void only_says_so(const struct json *frame, const struct canvas *live, const struct canvas *again)
{
	struct buf was = {0}, is = {0};

	for (int row = 1; row < live->size.rows - BOTTOM; row++) {
		row_of(live, row, &was);
		row_of(again, row, &is);
		if (strcmp(buf_text(&was), buf_text(&is)) != 0 && !is_answer(frame, live, row))
			fail(frame, "a recorded night is drawn in another way", buf_text(&is),
			     buf_text(&was));
	}
	buf_done(&was);
	buf_done(&is);
}

/* The program's own picture of that moment, where no event is under way at it. */
static void frame_again(struct night *night, const struct json *frame, const struct canvas *again)
{
	const char *focus = json_str(frame, "focus", ""), *view = json_str(frame, "view", "");
	int64_t now_ms = json_int(frame, "now_ms", 0);
	struct state *till = state_new();
	struct replay *replay;
	struct buf out = {0}, is = {0};
	struct err err = {0};
	char *row = xmalloc((size_t)again->size.cols * 8 + 1);

	if (night->asked >= FRAMES_ASKED || json_int(frame, "zoom", 0) || strcmp(focus, "playbook") != 0 ||
	    !(replay = replay_open(night->journal, night->trace, &err))) {
		state_free(till);
		free(row);
		return;
	}
	replay_seek(replay, &till, now_ms);
	if (till->seq == night->state->seq &&
	    json_bool(frame, "gate", false) == night->state->steps.gate.open) {
		night->asked++;
		if (seat_frame(night->journal, night->trace, again->size, now_ms, view, &out, &err))
			fail(frame, err.text, "", "");
		for (int i = 0; i < again->size.rows; i++) {
			canvas_row_text(again, i, row, (size_t)again->size.cols * 8 + 1);
			buf_addf(&is, "%s\n", row);
		}
		if (strcmp(buf_text(&out), buf_text(&is)) != 0)
			fail(frame, "replay --frame gives another picture", buf_text(&out), buf_text(&is));
	}
	replay_close(replay);
	state_free(till);
	buf_done(&out);
	buf_done(&is);
	free(row);
}

static void phase_seen(struct night *night)
{
	const struct step_seen *step = steps_current(night->state);
	char word[48];

	if (!step || step->phase >= night->state->steps.n_phases)
		return;
	text_copyf(word, sizeof(word), " %.32s ", night->state->steps.phases[step->phase].name);
	if (!strstr(buf_text(&night->phases), word))
		buf_adds(&night->phases, word);
}

static void look(struct night *night, const struct json *frame)
{
	uint64_t seq = (uint64_t)json_int(frame, "seq", 0);

	replay_seek_seq(night->replay, &night->state, seq);
	if (night->state->seq != seq)
		fail(frame, "the record lacks this event", "", "");
	struct cockpit *live = seat_again(night, frame, false);
	same_picture(frame, live->canvas);
	struct cockpit *again = seat_again(night, frame, true);
	only_says_so(frame, live->canvas, again->canvas);
	frame_again(night, frame, again->canvas);
	night->seen++;
	night->gates += json_bool(frame, "gate", false);
	phase_seen(night);
	seat_free(live);
	seat_free(again);
}

static int file_look(const char *journal, const char *trace, const char *path)
{
	struct err err = {0};
	struct night night = {.journal = journal, .trace = trace, .state = state_new()};
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	night.replay = replay_open(journal, trace, &err);
	if (!file || !night.replay) {
		printf("%s: %s\n", path, file ? err.text : "cannot be opened");
		return 1;
	}
	while ((len = getline(&line, &cap, file)) > 0) {
		struct json *frame = json_parse(line, (size_t)len, NULL);
		if (frame)
			look(&night, frame);
		json_free(frame);
	}
	printf("pictures %d gates %d asked %d phases%s\n", night.seen, night.gates, night.asked,
	       buf_text(&night.phases));
	buf_done(&night.phases);
	replay_close(night.replay);
	state_free(night.state);
	free(line);
	fclose(file);
	return night.seen ? 0 : 1;
}

int main(int argc, char **argv)
{
	int status = argc < 4;

	for (int i = 3; i < argc && !status; i++)
		status = file_look(argv[1], argv[2], argv[i]);
	return status;
}
