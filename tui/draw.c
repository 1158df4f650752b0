/* One whole screen: frame, panels, and the box, card, line or list of keys over them. */
#include "tui/cockpit.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/dialog.h"
#include "panels/frame.h"
#include "panels/plan_card.h"
#include <string.h>

/* Digits of 3 x 5 cells: a row is three bits. */
static const unsigned char digit_bits[11][5] = {
    {7, 5, 5, 5, 7}, {2, 6, 2, 2, 7}, {7, 1, 7, 4, 7}, {7, 1, 7, 1, 7}, {5, 5, 7, 1, 1}, {7, 4, 7, 1, 7},
    {7, 4, 7, 5, 7}, {7, 1, 1, 2, 2}, {7, 5, 7, 5, 7}, {7, 5, 7, 1, 7}, {0, 2, 0, 2, 0}};

/* `zoom` cells per bit across, one down for small screens and two for large ones. */
static void big_text(struct canvas *canvas, int row, int zoom, enum role role, const char *text)
{
	int each = 4 * zoom, col = (canvas->size.cols - (int)strlen(text) * each + zoom) / 2,
	    down = zoom > 2 ? 2 : 1;

	for (; *text; text++, col += each) {
		int n = *text == ':' ? 10 : *text - '0';
		if (n < 0 || n > 10)
			continue;
		for (int y = 0; y < 5 * down; y++)
			for (int x = 0; x < 3; x++)
				if (digit_bits[n][y / down] & (4 >> x))
					canvas_fill(canvas, col + x * zoom, row + y, zoom, role,
						    glyph(canvas, GLYPH_FULL));
	}
}

static void centred(struct canvas *canvas, int row, enum role role, const char *text)
{
	char fits[300];

	text_fit(fits, sizeof(fits), text, (size_t)canvas->size.cols);
	canvas_put(canvas, (canvas->size.cols - (int)text_width(fits)) / 2, row, role, fits);
}

void draw_clock(struct cockpit *c, struct canvas *canvas)
{
	const struct state *state = c->state;
	const struct step_seen *step = steps_current(state);
	int zoom = canvas->size.cols >= 140 ? 4 : 2, high = zoom > 2 ? 10 : 5,
	    row = canvas->size.rows >= 40 ? 5 : 3;
	char clock[UNITS_MAX], down[UNITS_MAX], line[200];
	int64_t now_ms = seat_now_ms(c);
	struct downtime downtime = downtime_of(state, now_ms);
	enum role role = downtime.now ? ROLE_WARN : ROLE_OK;

	for (int i = 2; i < canvas->size.rows - 1; i++)
		canvas_fill(canvas, 0, i, canvas->size.cols, ROLE_TEXT, " ");
	big_text(canvas, row, zoom, ROLE_TITLE, units_clock(clock, now_ms));
	row += high + 1;
	if (downtime.ever) {
		centred(canvas, row++, role, downtime.now ? "DOWN" : "WAS DOWN");
		big_text(canvas, row + 1, zoom, role, units_duration(down, downtime.ms));
		row += high + 2;
	}
	if (!step)
		step = steps_next(state);
	text_copyf(line, sizeof(line), "%s %d %s",
		   state->steps.gate.open                ? "GATE"
		   : step && step->state == STEP_RUNNING ? "NOW"
							 : "NEXT",
		   step ? step->number : 0, step ? step->id : "nothing");
	centred(canvas, row + 1, ROLE_TEXT, line);
	centred(canvas, row + 2, ROLE_MUTED, step ? step->title : "");
	if (state->people.hold) {
		text_copyf(line, sizeof(line), "HOLD by %s %s", state->people.hold_by,
			   state->people.hold_why);
		centred(canvas, row + 3, ROLE_WARN, line);
	}
}

static void draw_confirm(struct cockpit *c, struct canvas *canvas)
{
	const char *at = buf_text(&c->confirm.text);
	int cols = canvas->size.cols > 84 ? 80 : canvas->size.cols - 2, lines = 1, row = 1;
	struct canvas box;
	char line[400];

	for (const char *x = at; *x; x++)
		lines += *x == '\n' || (int)strcspn(x, "\n") % (cols - 4) == 0;
	lines = lines + 5 < canvas->size.rows - 4 ? lines + 5 : canvas->size.rows - 4;
	box = canvas_part(canvas, (canvas->size.cols - cols) / 2, 3, cols, lines);
	for (int i = 0; i < lines; i++) {
		bool rule = i == 0 || i == lines - 1;
		canvas_fill(&box, 0, i, cols, rule ? ROLE_WARN : ROLE_TEXT,
			    rule ? glyph(&box, GLYPH_H) : " ");
		canvas_put(&box, 0, i, ROLE_WARN, glyph(&box, !rule ? GLYPH_V : i ? GLYPH_BL : GLYPH_TL));
		canvas_put(&box, cols - 1, i, ROLE_WARN,
			   glyph(&box, !rule ? GLYPH_V
				       : i   ? GLYPH_BR
					     : GLYPH_TR));
	}
	canvas_putf(&box, 2, 0, ROLE_TITLE, " %s ", c->confirm.title);
	while (*at && row < lines - 3) {
		/* Broken at a blank, so that no word is cut in a sentence one decides by. */
		size_t n = strcspn(at, "\n"), most = (size_t)cols - 4;
		if (n > most) {
			n = most;
			while (n > 20 && at[n] != ' ')
				n--;
		}
		text_copyf(line, sizeof(line), "%.*s", (int)n, at);
		canvas_put(&box, 2, row++, ROLE_TEXT, line);
		at += n;
		at += *at == '\n' || *at == ' ';
	}
	canvas_put(&box, 2, lines - 2, ROLE_KEY,
		   c->confirm.leaves ? "y stops it   n leaves it running   any other key stays"
				     : "y does it   any other key: nothing happens");
}

/* What is to be done by hand stands above the words that say it was. */
static void draw_card(struct cockpit *c, struct canvas *canvas)
{
	const struct step_seen *step = steps_get(c->state, c->prompt.subject);
	int cols = canvas->size.cols > 84 ? 80 : canvas->size.cols - 2, row = 0;
	struct canvas box, *text;

	if (c->prompt.kind != PROMPT_MANUAL || !step || !step->manual)
		return;
	text = canvas_new((struct size){cols - 4, 40}, canvas->ascii);
	row = card_text(text, row, "DO", ROLE_TEXT, step->card[0] ? step->card : step->title);
	for (size_t i = 0; i < 6 && step->fields[i][0]; i++)
		row = card_text(text, row, i == 0 ? "ASKS" : "", ROLE_MUTED, step->fields[i]);
	if (step->say[0])
		row = card_text(text, row + 1, "SAY", ROLE_TEXT, step->say);
	if (row > canvas->size.rows - 9)
		row = canvas->size.rows - 9;
	box = canvas_part(canvas, (canvas->size.cols - cols) / 2, 3, cols, row + 2);
	for (int i = 0; i < row + 2; i++) {
		bool rule = i == 0 || i == row + 1;

		canvas_fill(&box, 0, i, cols, rule ? ROLE_FRAME_FOCUS : ROLE_TEXT,
			    rule ? glyph(&box, GLYPH_H) : " ");
		canvas_put(&box, 0, i, ROLE_FRAME_FOCUS,
			   glyph(&box, !rule ? GLYPH_V : (i ? GLYPH_BL : GLYPH_TL)));
		canvas_put(&box, cols - 1, i, ROLE_FRAME_FOCUS,
			   glyph(&box, !rule ? GLYPH_V : (i ? GLYPH_BR : GLYPH_TR)));
		if (!rule)
			memcpy(&box.cells[(size_t)i * (size_t)box.stride + 2],
			       &text->cells[(size_t)(i - 1) * (size_t)text->stride],
			       (size_t)text->size.cols * sizeof(struct cell));
	}
	canvas_putf(&box, 2, 0, ROLE_TITLE, " BY HAND   %d %s ", step->number, step->id);
	canvas_free(text);
}

/* A long question has a line of its own: what is typed keeps its room. */
static int draw_label(const struct prompt *prompt, struct canvas *canvas, int row)
{
	int col = 1;

	if (prompt->label[0] && text_width(prompt->label) + 34 > (size_t)canvas->size.cols) {
		canvas_fill(canvas, 0, row - 1, canvas->size.cols, ROLE_TEXT, " ");
		canvas_field(canvas, 1, row - 1, canvas->size.cols - 2, false, ROLE_TITLE, prompt->label);
	} else
		col = canvas_putf(canvas, 1, row, ROLE_TITLE, "%s", prompt->label);
	if (prompt->kind != PROMPT_PALETTE)
		col = canvas_put(canvas, col, row, ROLE_TITLE, col > 1 ? " > " : "> ");
	return col;
}

static void draw_prompt(struct cockpit *c, struct canvas *canvas)
{
	int row = canvas->size.rows - 2, col, start;
	const struct prompt *prompt = &c->prompt;
	char shown[260];
	size_t at;

	canvas_fill(canvas, 0, row, canvas->size.cols, ROLE_TEXT, " ");
	draw_card(c, canvas);
	col = draw_label(prompt, canvas, row);
	text_copy(shown, sizeof(shown), prompt->line.text);
	if (prompt->hidden)
		memset(shown, '*', strlen(shown));
	text_copyf(shown + 0, sizeof(shown), "%.*s", (int)prompt->line.len,
		   prompt->hidden ? shown : prompt->line.text);
	/* The end that is being typed stays in sight. */
	at = prompt->line.at;
	start = 0;
	while ((int)text_width(shown + start) > canvas->size.cols - col - 2 && (size_t)start < at)
		start += (shown[start + 1] & 0xc0) == 0x80 ? 2 : 1;
	while ((shown[start] & 0xc0) == 0x80)
		start++;
	canvas_put(canvas, col, row, ROLE_TEXT, shown + start);
	shown[at] = '\0';
	c->cursor_col = col + (int)text_width(shown + start);
	c->cursor_row = row;
	if (c->cursor_col >= canvas->size.cols)
		c->cursor_col = canvas->size.cols - 1;
}

static void draw_keys(struct cockpit *c, struct canvas *canvas)
{
	struct scene scene = local_scene(c, c->local.focus);
	enum where where = box_counting(c) ? WHERE_YES : keyboard_where(c);
	char line[400];

	if (box_counting(c))
		text_copy(line, sizeof(line), " any key on any seat stops the count");
	else if (c->confirm.open && !c->prompt.kind)
		text_copy(line, sizeof(line),
			  c->confirm.leaves ? " y stops it   n leaves it running   any other key stays"
					    : " y does it   any other key: nothing happens");
	else if (c->prompt.kind && c->prompt.kind != PROMPT_PALETTE)
		text_copy(line, sizeof(line), " Enter takes it  Esc leaves");
	else if (c->sheet.kind == SHEET_CLOCK && where == WHERE_CARD)
		text_copy(line, sizeof(line), " Esc back");
	else
		keys_bottom(where, &scene, canvas->size.cols, line, sizeof(line));
	canvas_fill(canvas, 0, canvas->size.rows - 1, canvas->size.cols, ROLE_TEXT, " ");
	canvas_put(canvas, 0, canvas->size.rows - 1, where == WHERE_SCREEN ? ROLE_MUTED : ROLE_KEY, line);
}

enum { TOAST_LINES = 4 };

/* What this seat has to say stands on the line of the last events, and above it where it is long: what to do
 * stands at the end of a sentence. */
static void draw_toast(struct cockpit *c, struct canvas *canvas)
{
	int row = canvas->size.rows - 4, cols = canvas->size.cols, lines;
	char age[UNITS_MAX], text[400];
	enum role role = c->toast_role;

	text_copy(text, sizeof(text), seat_real_ms(c) < c->toast_until_real_ms ? c->toast : "");
	if (!text[0] && !c->replay && !c->me.connected && c->ever_welcomed) {
		role = ROLE_BAD;
		units_age(age, seat_now_ms(c) - c->me.lost_at_ms);
		if (c->me.on[0] && !c->me.no_engine)
			text_copyf(text, sizeof(text), "what you see is %s old; trying again%s%s", age,
				   c->wire.said[0] ? ": " : "", c->wire.said);
		else
			text_copyf(text, sizeof(text),
				   "engine lost %s ago: what you see stands still; trying again", age);
	} else if (!text[0] && !c->replay && !c->me.connected && !c->options->starting_log) {
		role = ROLE_WARN;
		if (c->me.on[0] && !c->me.no_engine)
			text_copyf(text, sizeof(text), "reaching the engine on %s by ssh%s%s", c->me.on,
				   c->wire.said[0] ? ": " : "", c->wire.said);
		else
			text_copy(text, sizeof(text), "no engine answers yet; trying again");
	} else if (!text[0] && c->me.gap_lines) {
		role = ROLE_MUTED;
		text_copyf(text, sizeof(text),
			   "%llu log lines were left out for this seat; the trace has them",
			   (unsigned long long)c->me.gap_lines);
	}
	if (!text[0])
		return;
	lines = canvas_lines(canvas, cols - 4, TOAST_LINES, text);
	if (lines > 1) {
		row -= lines;
		canvas_fill(canvas, 0, row, cols, ROLE_FRAME, glyph(canvas, GLYPH_H));
		for (int i = 1; i <= lines; i++)
			canvas_fill(canvas, 0, row + i, cols, ROLE_TEXT, " ");
		canvas_wrap(canvas, 2, row + 1, cols - 4, TOAST_LINES, role, text);
		return;
	}
	canvas_fill(canvas, 0, row, cols, ROLE_FRAME, glyph(canvas, GLYPH_H));
	canvas_put(canvas, 1, row, ROLE_TEXT, " ");
	canvas_put(canvas,
		   canvas_field(canvas, 2, row,
				(int)text_width(text) < cols - 4 ? (int)text_width(text) : cols - 4, false,
				role, text),
		   row, ROLE_TEXT, " ");
}

/* REPLAY and FROZEN stand where the crossing begins: they are true for the whole screen, and hide no figure.
 */
static void draw_banner(struct cockpit *c, struct canvas *canvas)
{
	char text[80], age[UNITS_MAX];

	/* Pictures for tests and the README are made without a terminal: nothing runs there. */
	if (!c->terminal)
		return;
	if (c->local.frozen)
		text_copyf(text, sizeof(text), " FROZEN +%s ",
			   units_age(age, seat_now_ms(c) - c->local.frozen_at_ms));
	else if (c->replay)
		text_copyf(text, sizeof(text), " REPLAY %gx%s%s ", c->speed, c->paused ? " paused" : "",
			   c->me.no_trace ? " no trace" : "");
	else
		return;
	canvas_put(canvas, 0, c->layout.crossings, ROLE_NOW, text);
}

static void draw_gate(struct cockpit *c, struct canvas *canvas)
{
	struct dialog_view view = {.typed = c->gate.phrase.text, .top = c->gate.top, .calls = c->gate.calls};
	struct scene scene = local_scene(c, c->local.focus);

	view.message = seat_real_ms(c) < c->toast_until_real_ms ? c->toast : NULL;
	dialog_draw(&scene, &view, canvas);
}

static void too_small(struct canvas *canvas)
{
	canvas_clear(canvas);
	canvas_putf(canvas, 0, 0, ROLE_WARN, "nightferry needs 60x20, this is %dx%d", canvas->size.cols,
		    canvas->size.rows);
	canvas_put(canvas, 0, 1, ROLE_TEXT, "the night goes on; make it larger");
}

static void focus_cursor(struct cockpit *c)
{
	c->cursor_col = c->cursor_row = -1;
}

void draw_screen(struct cockpit *c)
{
	struct canvas *canvas = c->canvas;
	struct scene scene = local_scene(c, c->local.focus);
	bool gate = c->gate.shown && c->state->steps.gate.open;
	bool starting = c->options->starting_log && !c->ever_welcomed && !c->replay;

	canvas->ascii = c->ascii;
	focus_cursor(c);
	canvas_clear(canvas);
	if (c->size.cols < 60 || c->size.rows < 20) {
		too_small(canvas);
		return;
	}
	scene.view = c->local.views;
	frame_draw(&scene, &c->layout, canvas);
	if (starting)
		starting_draw(c, canvas);
	if (c->sheet.kind)
		sheet_draw(c, canvas);
	if (gate)
		draw_gate(c, canvas);
	if (c->confirm.open)
		draw_confirm(c, canvas);
	draw_banner(c, canvas);
	if (!gate || c->confirm.open)
		draw_toast(c, canvas);
	draw_keys(c, canvas);
	if (c->prompt.kind)
		draw_prompt(c, canvas);
}
