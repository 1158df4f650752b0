/* The lines of the Logs panel, what stands below them, and the card of one. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/age.h"
#include "panels/brief.h"
#include "panels/logs_histogram.h"
#include "panels/logs_view.h"
#include "panels/plan_card.h"

#include <stdio.h>

/* A draw looks at so many lines at most, whatever comes in. */
enum { SCAN_MAX = 20000, WIDE_COLS = 96, FOOT_COLS = 56 };

/* One colour for each source, by its turn; the word stands beside it. */
static enum role source_role(const struct logs_state *logs, const struct log_line *line)
{
	for (size_t i = 0; i < logs->n_sources; i++)
		if (text_equal(logs->sources[i].source, line->source) &&
		    text_equal(logs->sources[i].side, line->side))
			return (enum role)(ROLE_SOURCE_1 + (int)(i % ROLE_SOURCES));
	return ROLE_WARN;
}

static enum role level_role(const struct log_line *line)
{
	if (text_equal(line->level, "error"))
		return ROLE_BAD;
	return text_equal(line->level, "warn") ? ROLE_WARN : ROLE_TEXT;
}

static int source_cells(const struct canvas *canvas)
{
	return canvas->size.cols >= WIDE_COLS ? 12 : 8;
}

static int text_col(const struct canvas *canvas)
{
	return 9 + (canvas->size.cols >= 56 ? 4 : 0) + source_cells(canvas) + 1;
}

/* Returns the rows used. */
static int draw_line(const struct scene *scene, struct canvas *canvas, int row, int rows,
		     const struct log_line *line)
{
	const struct logs_view *view = scene->view;
	char clock[UNITS_MAX], text[600];
	int cols = canvas->size.cols, col = text_col(canvas);
	bool known = text_equal(line->source, LOG_CARD_SOURCE);

	canvas_put(canvas, 0, row, logs_marked(view, line->id) ? ROLE_NOW : ROLE_MUTED,
		   units_clock(clock, line->at_ms));
	if (cols >= 56)
		canvas_put(canvas, 9, row, text_equal(line->side, "OLD") ? ROLE_OLD : ROLE_NEW, line->side);
	canvas_field(canvas, col - 1 - source_cells(canvas), row, source_cells(canvas), false,
		     known ? level_role(line) : source_role(&scene->state->logs, line), line->source);
	if (view->wrap)
		return canvas_wrap(canvas, col, row, cols - col, rows, level_role(line), line->text);
	brief_log(text, sizeof(text), line->text, line->at_ms);
	canvas_field(canvas, col, row, cols - col, false, level_role(line), text);
	return 1;
}

static int line_rows(const struct logs_view *view, const struct canvas *canvas, const struct log_line *line)
{
	int width = canvas->size.cols - text_col(canvas), cells;

	if (!view->wrap || width <= 0)
		return 1;
	cells = canvas_width(canvas, line->text);
	/* Words move to the next line whole, so it may take one more than the cells alone need. */
	return cells <= width ? 1 : (cells + width - 1) / width + 1;
}

static void draw_foot(const struct scene *scene, struct canvas *canvas, int row)
{
	const struct logs_view *view = scene->view;
	const struct logs_state *logs = &scene->state->logs;
	const struct log_ring *ring = &logs->lines;
	size_t hidden = 0, from = ring->n > SCAN_MAX ? ring->n - SCAN_MAX : 0;
	char total[UNITS_MAX], count[UNITS_MAX];
	int col;

	if (logs_filtered(view))
		for (size_t i = from; i < ring->n; i++)
			hidden += !logs_shown(view, log_at(ring, i));
	col = canvas_putf(canvas, 0, row, ROLE_MUTED, "%s lines, ", units_count(total, (int64_t)ring->total));
	if (logs_filtered(view) || canvas->size.cols >= FOOT_COLS)
		col = canvas_putf(canvas, col, row, ROLE_MUTED, "%s%s hidden, ",
				  from > 0 && hidden > 0 ? "of the newest " : "",
				  units_count(count, (int64_t)hidden));
	col = canvas_putf(canvas, col, row, ROLE_MUTED, "errors %llu", (unsigned long long)logs->errors);
	if (logs->n_signatures > 0)
		col = canvas_putf(canvas, col, row, ROLE_WARN, ", known %zu", logs->n_signatures);
	if (logs->left_out > 0)
		col = canvas_putf(canvas, col, row, ROLE_WARN, "  %s left out",
				  units_count(count, (int64_t)logs->left_out));
	if (scene->seat.gap_lines > 0)
		col = canvas_putf(canvas, col, row, ROLE_WARN, "  %s not sent to this seat",
				  units_count(count, (int64_t)scene->seat.gap_lines));
	if (view->missed && view->search[0])
		col = canvas_putf(canvas, col, row, ROLE_WARN, "  no other \"%s\" that way", view->search);
	if (view->histogram && canvas->size.cols - col > 24)
		logs_histogram(ring, scene->now_ms, canvas, col + 2, row);
}

/* Several watches bring lines; one that fails is said, or its silence would look like quiet. */
static int trouble(const struct scene *scene, struct canvas *canvas)
{
	const struct watching_state *watching = &scene->state->watching;

	for (size_t i = 0; i < watching->n; i++)
		if (text_find(watching->watches[i].name, "logs") &&
		    age_trouble(scene, canvas, watching->watches[i].name))
			return 1;
	return 0;
}

/* The first line of the page: the selected one sits two thirds down, and at either end the page is filled. */
static ptrdiff_t page_first(const struct logs_view *view, const struct log_ring *ring,
			    const struct canvas *canvas, ptrdiff_t at, int height)
{
	ptrdiff_t last = at, first;
	int used;

	for (int i = 0; view->at > 0 && i < height / 3; i++) {
		ptrdiff_t next = logs_step(view, ring, last, 1);

		if (next < 0)
			break;
		last = next;
	}
	first = last;
	used = line_rows(view, canvas, log_at(ring, (size_t)first));
	for (;;) {
		ptrdiff_t before = logs_step(view, ring, first, -1);

		if (before < 0 || used + line_rows(view, canvas, log_at(ring, (size_t)before)) > height)
			return first;
		first = before;
		used += line_rows(view, canvas, log_at(ring, (size_t)first));
	}
}

void logs_draw(const struct scene *scene, struct canvas *canvas)
{
	const struct logs_view *view = scene->view;
	const struct logs_state *logs = &scene->state->logs;
	const struct log_ring *ring = &logs->lines;
	int top = trouble(scene, canvas), height = canvas->size.rows - top;
	ptrdiff_t at = logs_selected(view, ring);
	bool foot = height >= 8 || view->histogram || view->filter[0] || (height >= 3 && logs->left_out > 0);

	height -= foot;
	if (at < 0) {
		if (ring->n == 0)
			age_unseen(scene, canvas, top, "No line yet.");
		else
			age_nothing(canvas, top, "Every line is hidden by the filter.");
	} else {
		ptrdiff_t i = page_first(view, ring, canvas, at, height);

		for (int row = 0; i >= 0 && row < height; i = logs_step(view, ring, i, 1)) {
			int rows = draw_line(scene, canvas, top + row, height - row, log_at(ring, (size_t)i));

			if (scene->focus && i == at)
				canvas_select(canvas, top + row);
			row += rows > 0 ? rows : 1;
		}
	}
	if (foot && height > 0)
		draw_foot(scene, canvas, top + height);
}

static int card_known(struct canvas *canvas, int row, const struct signature_seen *known)
{
	char text[400], first[UNITS_MAX], last[UNITS_MAX];

	row = card_text(canvas, row, "KNOWN", known->warn ? ROLE_WARN : ROLE_BAD, known->title);
	row = card_text(canvas, row, "CAUSE", ROLE_TEXT, known->cause);
	row = card_text(canvas, row, "FIX", ROLE_TEXT, known->fix);
	if (known->count > 1)
		snprintf(text, sizeof(text), "%llu times, first %s, last %s",
			 (unsigned long long)known->count, units_clock(first, known->first_at_ms),
			 units_clock(last, known->last_at_ms));
	else
		snprintf(text, sizeof(text), "once, %s", units_clock(first, known->first_at_ms));
	row = card_text(canvas, row, "SEEN", ROLE_TEXT, text);
	snprintf(text, sizeof(text), "%s%s%s: %s", known->side, known->side[0] ? " " : "", known->source,
		 known->text);
	return card_text(canvas, row, "LINE", ROLE_MUTED, text);
}

void logs_card(const struct scene *scene, struct canvas *canvas)
{
	const struct logs_state *logs = &scene->state->logs;
	ptrdiff_t at = logs_selected(scene->view, &logs->lines);
	const struct signature_seen *known;
	const struct log_line *line;
	char clock[UNITS_MAX];
	int row = 0;

	if (at < 0) {
		age_nothing(canvas, 0, "No line is selected.");
		return;
	}
	line = log_at(&logs->lines, (size_t)at);
	known = log_signature(logs, line);
	canvas_putf(canvas, 0, row++, ROLE_TITLE, "%s  %s  %s  %s", units_clock(clock, line->at_ms),
		    line->side, line->source, line->level);
	canvas_sides(canvas, 0, 0, canvas->size.cols);
	row++;
	if (known)
		row = card_known(canvas, row, known) + 1;
	if (!text_equal(line->source, LOG_CARD_SOURCE) || !known)
		canvas_wrap(canvas, 0, row, canvas->size.cols, canvas->size.rows - row, ROLE_TEXT,
			    line->text);
}
