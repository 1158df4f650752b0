/* The sheets over the panels: cards, help, exact calls, the way back, people. */
#include "tui/cockpit.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include <stdlib.h>
#include <string.h>

enum { CARD_ROWS = 120 };

void sheet_close(struct cockpit *c)
{
	buf_done(&c->sheet.text);
	buf_done(&c->sheet.wrapped);
	c->sheet = (struct sheet){.kind = SHEET_NONE};
	seat_dirty(c);
}

void sheet_text(struct cockpit *c, const char *title, struct buf *take_text)
{
	sheet_close(c);
	c->sheet.kind = SHEET_TEXT;
	c->sheet.text = *take_text;
	*take_text = (struct buf){0};
	text_copy(c->sheet.title, sizeof(c->sheet.title), title);
}

void sheet_card(struct cockpit *c, const struct panel *panel, const char *subject)
{
	sheet_close(c);
	c->sheet.kind = SHEET_CARD;
	c->sheet.panel = panel;
	text_copy(c->sheet.subject, sizeof(c->sheet.subject), subject);
	text_copyf(c->sheet.title, sizeof(c->sheet.title), "%s  %s", panel->title, subject);
}

void sheet_help(struct cockpit *c)
{
	struct scene scene = local_scene(c, c->local.focus);
	struct buf text = {0};

	keys_help(WHERE_SCREEN, c->local.focus, &scene, &text);
	sheet_text(c, "KEYS  / searches them", &text);
}

void sheet_commands(struct cockpit *c)
{
	const struct log_ring *ring = &c->state->logs.commands;
	struct buf text = {0};
	size_t first = ring->n > 2000 ? ring->n - 2000 : 0;

	if (ring->total > ring->n - first)
		buf_addf(&text, "(%llu older ones are in the trace)\n",
			 (unsigned long long)(ring->total - (ring->n - first)));
	for (size_t i = first; i < ring->n; i++) {
		const struct log_line *line = log_at(ring, i);
		char clock[UNITS_MAX];
		buf_addf(&text, "%s %-5s %s\n", units_clock(clock, line->at_ms), line->source, line->text);
	}
	if (!ring->n)
		buf_adds(&text, c->me.no_trace ? "not recorded: this night has no trace\n"
					       : "no request has been made yet\n");
	sheet_text(c, "COMMANDS  every request, SQL and ssh line, masked", &text);
	c->sheet.top = 1 << 20; /* the newest are what one looks for */
}

void sheet_who(struct cockpit *c)
{
	const struct people_state *people = &c->state->people;
	struct buf text = {0};

	for (size_t i = 0; i < people->n; i++) {
		const struct seat_seen *seat = &people->seats[i];
		char clock[UNITS_MAX];
		char shell[UNITS_MAX], in_shell[64] = "";
		if (seat->shell[0])
			text_copyf(in_shell, sizeof(in_shell), "  in a shell on %s since %s", seat->shell,
				   units_clock(shell, seat->shell_at_ms));
		buf_addf(&text, "%-4s %-12s %-8s %s %s%s%s%s%s\n", seat->id, seat->name, seat->station,
			 seat->here ? "here since" : "left at",
			 units_clock(clock, seat->here ? seat->joined_at_ms : seat->left_at_ms),
			 strcmp(seat->id, people->driver) == 0 ? "  DRIVES" : "",
			 seat->here && seat->armed_until_ms > seat_now_ms(c) ? "  ARMED" : "",
			 seat->observer ? "  only watches" : "", in_shell);
	}
	for (size_t i = 0; i < people->n_votes; i++) {
		const struct vote_seen *vote = &people->votes[i];
		buf_addf(&text, "%svote of %s: %s by %s %s%s%s\n", i ? "" : "\n", vote->station,
			 vote->go ? "GO" : "NO-GO", vote->by, vote->reason, vote->fallen ? "  FALLEN: " : "",
			 vote->fallen ? vote->fallen_why : "");
	}
	if (!text.len)
		buf_adds(&text, "nobody has been recorded here yet\n");
	if (c->options->join_hint)
		buf_addf(&text,
			 "\nA terminal is one seat, however many people look at it. Somebody else opens an "
			 "own one:\n%s\n",
			 c->options->join_hint);
	sheet_text(c, "WHO is here", &text);
}

/* What the way back does and costs, before anybody is asked for a phrase. */
void sheet_way_back(struct cockpit *c, struct buf *out)
{
	static const char *const gates[] = {"", "yes", "TYPE", "POLL"};
	const struct state *state = c->state;
	struct way_back back;

	way_back_of(state, seat_now_ms(c), &back);
	buf_addf(out, "%s: %s.\n", way_back_word(back.back), back.why);
	if (back.started && !back.certificate_ms)
		buf_adds(out, "How long the old side's certificate lasts is not known.\n");
	buf_adds(out, "\n");
	for (size_t i = state->steps.n_forward; i < state->steps.n; i++) {
		const struct step_seen *step = &state->steps.steps[i];
		buf_addf(out, "%2d %-18s %s  %s\n", step->number, step->id, gates[step->gate & 3],
			 step->title);
	}
	buf_addf(out, "\ny opens this plan as the playbook. Each of its steps meets its own gate%s",
		 state->rehearsal ? "." : ";\nmoving the traffic back is typed.");
}

/* The card of a step whose row is elsewhere now must still be that step's: it is drawn from its subject. */
static void card_lines(struct cockpit *c)
{
	struct scene scene = local_scene(c, c->sheet.panel);
	struct canvas *canvas = canvas_new(
	    (struct size){.cols = c->size.cols > 100 ? 96 : c->size.cols - 4, .rows = CARD_ROWS}, c->ascii);
	char selected[104], row[800];

	local_selected(c, selected, sizeof(selected));
	/* Nothing moves under an open card: when its row is gone, it stays as it was last seen and says so.
	 */
	if (strcmp(selected, c->sheet.subject) != 0) {
		if (c->sheet.text.len && !text_starts(c->sheet.text.data, "GONE")) {
			struct buf kept = c->sheet.text;
			c->sheet.text = (struct buf){0};
			buf_addf(&c->sheet.text,
				 "GONE: this row is no longer there. As it was last seen:\n\n%s",
				 buf_text(&kept));
			buf_done(&kept);
		}
		canvas_free(canvas);
		return;
	}
	buf_reset(&c->sheet.text);
	c->sheet.panel->card(&scene, canvas);
	for (int i = 0; i < CARD_ROWS; i++) {
		size_t len;
		canvas_row_text(canvas, i, row, sizeof(row));
		len = strlen(row);
		while (len && row[len - 1] == ' ')
			row[--len] = '\0';
		buf_addf(&c->sheet.text, "%s\n", row);
	}
	while (c->sheet.text.len > 1 && c->sheet.text.data[c->sheet.text.len - 1] == '\n' &&
	       c->sheet.text.data[c->sheet.text.len - 2] == '\n')
		c->sheet.text.data[--c->sheet.text.len] = '\0';
	canvas_free(canvas);
}

/* Broken at blanks where there are some; what goes on stands under the last column. */
static size_t hang_of(const char *at, size_t n, size_t cells)
{
	size_t hang = 2;

	for (size_t i = 2; i < n && i < 30; i++)
		if (at[i] != ' ' && at[i - 1] == ' ' && at[i - 2] == ' ')
			hang = i;
	return hang < cells / 2 ? hang : 2;
}

static void text_wrap(const char *at, size_t cells, struct buf *out)
{
	buf_reset(out);
	while (*at) {
		size_t n = strcspn(at, "\n"), room = cells, hang = hang_of(at, n, cells);
		bool first = true;
		do {
			size_t take = n;
			if (take > room) {
				take = room;
				while (take > room / 2 && at[take] != ' ')
					take--;
				if (at[take] != ' ')
					take = room;
				while (take > 1 && (at[take] & 0xc0) == 0x80)
					take--;
			}
			buf_addf(out, "%*s%.*s\n", first ? 0 : (int)hang, "", (int)take, at);
			at += take;
			n -= take;
			if (n && *at == ' ')
				at++, n--;
			first = false;
			room = cells - hang;
		} while (n);
		if (*at == '\n')
			at++;
	}
}

static int lines_count(const struct buf *text)
{
	int n = 0;

	for (size_t i = 0; i < text->len; i++)
		if (text->data[i] == '\n')
			n++;
	return n + (text->len && text->data[text->len - 1] != '\n');
}

static void line_at(const struct buf *text, int number, char *out, size_t size)
{
	const char *at = buf_text(text);

	while (number-- > 0 && at) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	text_copyf(out, size, "%.*s", at ? (int)strcspn(at, "\n") : 0, at ? at : "");
}

void sheet_search(struct cockpit *c, const char *text, int step)
{
	struct sheet *sheet = &c->sheet;
	char line[800];

	if (text)
		text_copy(sheet->search, sizeof(sheet->search), text);
	if (!sheet->search[0])
		return;
	for (int i = sheet->top + (text ? 0 : step); i >= 0 && i < sheet->lines; i += step) {
		line_at(&sheet->wrapped, i, line, sizeof(line));
		if (text_find(line, sheet->search)) {
			sheet->top = i;
			return;
		}
	}
	seat_toast(c, ROLE_MUTED, "no more \"%s\"", sheet->search);
}

bool sheet_do(struct cockpit *c, const char *cmd)
{
	static const struct {
		const char *cmd;
		int lines, pages;
	} moves[] = {{"up", -1, 0},       {"down", 1, 0},           {"page-up", 0, -1},
		     {"page-down", 0, 1}, {"first", -(1 << 20), 0}, {"last", 1 << 20, 0}};
	struct sheet *sheet = &c->sheet;

	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++)
		if (strcmp(cmd, moves[i].cmd) == 0) {
			sheet->top +=
			    moves[i].lines + moves[i].pages * (sheet->height > 2 ? sheet->height - 1 : 1);
			return true;
		}
	if (strcmp(cmd, "out") == 0)
		sheet_close(c);
	else if (strcmp(cmd, "search") == 0)
		prompt_open(c, PROMPT_SHEET_SEARCH, "", "search");
	else if (strcmp(cmd, "search-next") == 0)
		sheet_search(c, NULL, 1);
	else if (strcmp(cmd, "search-previous") == 0)
		sheet_search(c, NULL, -1);
	else
		return false;
	return true;
}

static void box_rule(struct canvas *canvas, int row, bool top, const char *title)
{
	int cols = canvas->size.cols;

	canvas_fill(canvas, 0, row, cols, ROLE_FRAME_FOCUS, glyph(canvas, GLYPH_H));
	canvas_put(canvas, 0, row, ROLE_FRAME_FOCUS, glyph(canvas, top ? GLYPH_TL : GLYPH_BL));
	canvas_put(canvas, cols - 1, row, ROLE_FRAME_FOCUS, glyph(canvas, top ? GLYPH_TR : GLYPH_BR));
	if (title[0])
		canvas_putf(canvas, 2, row, ROLE_TITLE, " %s ", title);
}

/* A card's own colours are kept: it is drawn again, scrolled, into the box. */
static void body_draw(struct cockpit *c, struct canvas *canvas)
{
	struct sheet *sheet = &c->sheet;
	char line[800];

	for (int i = 0; i < sheet->height; i++) {
		bool hit;
		line_at(&sheet->wrapped, sheet->top + i, line, sizeof(line));
		hit = sheet->search[0] && text_find(line, sheet->search);
		canvas_fill(canvas, 0, i + 1, canvas->size.cols, ROLE_TEXT, " ");
		canvas_put(canvas, 0, i + 1, ROLE_FRAME_FOCUS, glyph(canvas, GLYPH_V));
		canvas_put(canvas, canvas->size.cols - 1, i + 1, ROLE_FRAME_FOCUS, glyph(canvas, GLYPH_V));
		canvas_field(canvas, 2, i + 1, canvas->size.cols - 4, false, hit ? ROLE_NOW : ROLE_TEXT,
			     line);
	}
	if (sheet->kind == SHEET_CARD) {
		struct canvas *whole =
		    canvas_new((struct size){.cols = canvas->size.cols - 4, .rows = CARD_ROWS}, c->ascii);
		struct scene scene = local_scene(c, sheet->panel);
		sheet->panel->card(&scene, whole);
		for (int i = 0; i < sheet->height && sheet->top + i < CARD_ROWS; i++)
			memcpy(&canvas->cells[(i + 1) * canvas->stride + 2],
			       &whole->cells[(sheet->top + i) * whole->stride],
			       (size_t)whole->size.cols * sizeof(struct cell));
		canvas_free(whole);
	}
}

void sheet_draw(struct cockpit *c, struct canvas *canvas)
{
	struct sheet *sheet = &c->sheet;
	struct canvas box;
	int cols, rows;
	char more[40] = "";

	if (sheet->kind == SHEET_CLOCK) {
		draw_clock(c, canvas);
		return;
	}
	if (sheet->kind == SHEET_CARD)
		card_lines(c);
	cols = canvas->size.cols > 104 && sheet->kind == SHEET_CARD ? 100 : canvas->size.cols;
	text_wrap(buf_text(&sheet->text), (size_t)cols - 4, &sheet->wrapped);
	sheet->lines = lines_count(&sheet->wrapped);
	rows = sheet->lines + 2 < canvas->size.rows - 6 ? sheet->lines + 2 : canvas->size.rows - 6;
	if (rows < 5)
		rows = 5;
	box = canvas_part(canvas, (canvas->size.cols - cols) / 2, 2, cols, rows);
	sheet->height = rows - 2;
	if (sheet->top > sheet->lines - sheet->height)
		sheet->top = sheet->lines - sheet->height;
	if (sheet->top < 0)
		sheet->top = 0;
	box_rule(&box, 0, true, sheet->title);
	body_draw(c, &box);
	if (sheet->lines > sheet->height)
		text_copyf(more, sizeof(more), "%d-%d of %d", sheet->top + 1, sheet->top + sheet->height,
			   sheet->lines);
	box_rule(&box, rows - 1, false, more);
}
