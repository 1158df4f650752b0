/* 5 Logs: lines of both sides in the order they came. It follows the end until somebody scrolls. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/age.h"
#include "panels/brief.h"
#include "panels/logs_histogram.h"
#include "panels/panel.h"

#include <stdio.h>
#include <string.h>

static void logs_head(const struct scene *scene, char *out, size_t size);
static void logs_tail(const struct scene *scene, char *out, size_t size);
static void logs_draw(const struct scene *scene, struct canvas *canvas);
static void logs_act(void *view, const struct state *state, const struct act *act, struct size size);
static void logs_selected(const struct scene *scene, char *out, size_t size);
static void logs_card(const struct scene *scene, struct canvas *canvas);

enum { MARKS = 8 };

/* A line's identity is its number since the beginning of the night: it keeps it while others fall out at the
 * front. */
struct logs_view {
	uint64_t at; /* number of the selected line + 1; 0: follow the end */
	uint64_t marks[MARKS];
	char search[64], filter[64];
	bool hide, wrap, histogram;
	int source, level; /* 0 all, 1 OLD, 2 NEW; 0 all, 1 warnings and errors, 2 errors */
};

static const struct binding logs_keys[] = {
    {.key = "Enter", .cmd = "card", .note = "the whole line"},
    {.key = "f", .cmd = "follow", .note = "follow the end, or stay here"},
    {.key = "e", .cmd = "next-error", .note = "next error"},
    {.key = "E", .cmd = "prev-error", .note = "previous error (only looks)"},
    {.key = "w", .cmd = "wrap", .note = "wrap long lines"},
    {.key = "m", .cmd = "mark", .note = "mark this line, or take the mark away"},
    {.key = "u", .cmd = "next-mark", .note = "next mark"},
    {.key = "i", .cmd = "histogram", .note = "lines per 10 s as bars"},
    {.key = "x", .cmd = "source", .note = "both sides, OLD only, NEW only"},
    {.key = "d", .cmd = "level", .note = "all lines, warnings and errors, errors"},
    {.key = NULL},
};

const struct panel logs_panel = {
    .name = "logs",
    .title = "Logs",
    .digit = '5',
    .side = "",
    .watch = "heroku-logs",
    .least = {36, 2},
    .view_size = sizeof(struct logs_view),
    .keys = logs_keys,
    .head = logs_head,
    .tail = logs_tail,
    .draw = logs_draw,
    .act = logs_act,
    .selected = logs_selected,
    .card = logs_card,
};

static uint64_t number_of(const struct log_ring *ring, size_t i)
{
	return ring->total - ring->n + i;
}

static bool shown(const struct logs_view *view, const struct log_line *line)
{
	bool warn = text_equal(line->level, "warn"), error = text_equal(line->level, "error");

	if ((view->source == 1 && !text_equal(line->side, "OLD")) ||
	    (view->source == 2 && !text_equal(line->side, "NEW")))
		return false;
	if ((view->level == 1 && !warn && !error) || (view->level == 2 && !error))
		return false;
	if (!view->filter[0])
		return true;
	return (text_find(line->text, view->filter) != NULL ||
		text_find(line->source, view->filter) != NULL) != view->hide;
}

/* The index in the ring of the selected line; the last shown one while following. -1: no line at all. */
static ptrdiff_t selected_index(const struct logs_view *view, const struct log_ring *ring)
{
	uint64_t first = ring->total - ring->n;
	ptrdiff_t from = (ptrdiff_t)ring->n - 1;

	if (view->at > 0) {
		uint64_t number = view->at - 1;

		from = number < first ? 0 : (number - first < ring->n ? (ptrdiff_t)(number - first) : from);
	}
	for (ptrdiff_t i = from; i >= 0; i--)
		if (shown(view, log_at(ring, (size_t)i)))
			return i;
	for (ptrdiff_t i = from + 1; i < (ptrdiff_t)ring->n; i++)
		if (shown(view, log_at(ring, (size_t)i)))
			return i;
	return -1;
}

static ptrdiff_t step_shown(const struct logs_view *view, const struct log_ring *ring, ptrdiff_t from, int by)
{
	for (ptrdiff_t i = from + by; i >= 0 && i < (ptrdiff_t)ring->n; i += by)
		if (shown(view, log_at(ring, (size_t)i)))
			return i;
	return -1;
}

static void logs_head(const struct scene *scene, char *out, size_t size)
{
	const struct logs_view *view = scene->view;
	static const char *const sources[] = {"OLD and NEW", "OLD only", "NEW only"};
	static const char *const levels[] = {"", ", warnings and errors", ", errors"};

	snprintf(out, size, "%s%s%s%s", sources[view->source % 3], levels[view->level % 3],
		 view->filter[0] ? (view->hide ? ", without " : ", only ") : "", view->filter);
}

static void logs_tail(const struct scene *scene, char *out, size_t size)
{
	const struct logs_view *view = scene->view;
	const struct log_ring *ring = &scene->state->logs.lines;

	if (view->at == 0)
		snprintf(out, size, "FOLLOW");
	else if (ring->total > view->at)
		snprintf(out, size, "+%llu newer, f follows", (unsigned long long)(ring->total - view->at));
	else
		snprintf(out, size, "f follows");
}

static bool marked(const struct logs_view *view, uint64_t number)
{
	for (int i = 0; i < MARKS; i++)
		if (view->marks[i] == number + 1)
			return true;
	return false;
}

/* Returns the rows used. */
static int draw_line(const struct logs_view *view, struct canvas *canvas, int row, int rows,
		     const struct log_line *line, bool mark)
{
	char clock[UNITS_MAX], text[600];
	int cols = canvas->size.cols, col;
	enum role role = ROLE_TEXT;

	brief_log(text, sizeof(text), line->text ? line->text : "", line->at_ms);

	if (text_equal(line->level, "error"))
		role = ROLE_BAD;
	else if (text_equal(line->level, "warn"))
		role = ROLE_WARN;
	col = canvas_put(canvas, 0, row, mark ? ROLE_NOW : ROLE_MUTED, units_clock(clock, line->at_ms)) + 1;
	if (cols >= 56) {
		canvas_put(canvas, col, row, text_equal(line->side, "OLD") ? ROLE_OLD : ROLE_NEW, line->side);
		col += 4;
	}
	canvas_field(
	    canvas, col, row, 8, false,
	    cols >= 56 ? ROLE_MUTED
		       : (text_equal(line->side, "OLD") ? ROLE_OLD : (line->side[0] ? ROLE_NEW : ROLE_MUTED)),
	    line->source);
	col += 9;
	if (view->wrap)
		return canvas_wrap(canvas, col, row, cols - col, rows, role, line->text ? line->text : "");
	canvas_field(canvas, col, row, cols - col, false, role, text);
	return 1;
}

static int line_rows(const struct logs_view *view, const struct canvas *canvas, const struct log_line *line)
{
	int width = canvas->size.cols - (canvas->size.cols >= 56 ? 22 : 18), cells;

	if (!view->wrap || width <= 0 || !line->text)
		return 1;
	cells = canvas_width(canvas, line->text);
	/* Words move to the next line whole, so it may take one more than the cells alone need. */
	return cells <= width ? 1 : (cells + width - 1) / width + 1;
}

enum { SCAN_MAX = 20000 };

static void draw_foot(const struct scene *scene, struct canvas *canvas, int row)
{
	const struct logs_view *view = scene->view;
	const struct log_ring *ring = &scene->state->logs.lines;
	size_t hidden = 0, from = ring->n > SCAN_MAX ? ring->n - SCAN_MAX : 0;
	char total[UNITS_MAX];
	int col;

	if (view->filter[0] || view->source || view->level)
		for (size_t i = from; i < ring->n; i++)
			hidden += !shown(view, log_at(ring, i));
	col = canvas_putf(canvas, 0, row, ROLE_MUTED, "%s lines, %s%zu hidden, errors %llu",
			  units_count(total, (int64_t)ring->total),
			  from > 0 && hidden > 0 ? "of the newest " : "", hidden,
			  (unsigned long long)scene->state->logs.errors);
	if (scene->seat.gap_lines > 0)
		col = canvas_putf(canvas, col, row, ROLE_WARN, "  %llu not sent to this seat",
				  (unsigned long long)scene->seat.gap_lines);
	if (view->histogram && canvas->size.cols - col > 24)
		logs_histogram(&scene->state->logs.lines, scene->now_ms, canvas, col + 2, row);
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

static void logs_draw(const struct scene *scene, struct canvas *canvas)
{
	const struct logs_view *view = scene->view;
	const struct log_ring *ring = &scene->state->logs.lines;
	int top = trouble(scene, canvas), height = canvas->size.rows - top, used = 0;
	ptrdiff_t at = selected_index(view, ring), last = at, first = at;
	bool foot = height >= 8 || view->histogram || view->filter[0];

	height -= foot;
	if (at < 0) {
		age_nothing(canvas, top,
			    ring->n == 0 ? "No line yet." : "Every line is hidden by the filter.");
		if (foot && height > 0)
			draw_foot(scene, canvas, top + height);
		return;
	}
	/* The selected line sits two thirds down; at either end the page is filled. */
	if (view->at > 0)
		for (int i = 0; i < height / 3; i++) {
			ptrdiff_t next = step_shown(view, ring, last, 1);

			if (next < 0)
				break;
			last = next;
		}
	first = last;
	used = line_rows(view, canvas, log_at(ring, (size_t)first));
	for (;;) {
		ptrdiff_t before = step_shown(view, ring, first, -1);

		if (before < 0 || used + line_rows(view, canvas, log_at(ring, (size_t)before)) > height)
			break;
		first = before;
		used += line_rows(view, canvas, log_at(ring, (size_t)first));
	}
	for (int row = 0; first >= 0 && row < height; first = step_shown(view, ring, first, 1)) {
		const struct log_line *line = log_at(ring, (size_t)first);
		int rows = draw_line(view, canvas, top + row, height - row, line,
				     marked(view, number_of(ring, (size_t)first)));

		if (scene->focus && first == at)
			canvas_select(canvas, top + row);
		row += rows > 0 ? rows : 1;
	}
	if (foot && height > 0)
		draw_foot(scene, canvas, top + height);
}

static void go_to(struct logs_view *view, const struct log_ring *ring, ptrdiff_t i)
{
	if (i >= 0)
		view->at = number_of(ring, (size_t)i) + 1;
}

static void find(struct logs_view *view, const struct log_ring *ring, ptrdiff_t from, int by,
		 const char *needle, bool errors)
{
	if (!errors && !needle[0])
		return;
	for (ptrdiff_t i = step_shown(view, ring, from, by); i >= 0; i = step_shown(view, ring, i, by)) {
		const struct log_line *line = log_at(ring, (size_t)i);

		if (errors ? text_equal(line->level, "error")
			   : text_find(line->text, needle) || text_find(line->source, needle)) {
			go_to(view, ring, i);
			return;
		}
	}
}

static void toggle_mark(struct logs_view *view, uint64_t number)
{
	for (int i = 0; i < MARKS; i++)
		if (view->marks[i] == number + 1) {
			view->marks[i] = 0;
			return;
		}
	memmove(&view->marks[1], &view->marks[0], (MARKS - 1) * sizeof(view->marks[0]));
	view->marks[0] = number + 1;
}

static void next_mark(struct logs_view *view, uint64_t number)
{
	uint64_t best = 0, lowest = 0;

	for (int i = 0; i < MARKS; i++) {
		if (view->marks[i] > number + 1 && (best == 0 || view->marks[i] < best))
			best = view->marks[i];
		if (view->marks[i] > 0 && (lowest == 0 || view->marks[i] < lowest))
			lowest = view->marks[i];
	}
	if (best > 0 || lowest > 0)
		view->at = best > 0 ? best : lowest;
}

static void key_act(struct logs_view *view, const struct log_ring *ring, const char *cmd, ptrdiff_t at)
{
	if (text_equal(cmd, "follow") && view->at > 0)
		view->at = 0;
	else if (text_equal(cmd, "follow"))
		go_to(view, ring, at);
	else if (text_equal(cmd, "next-error"))
		find(view, ring, view->at == 0 ? -1 : at, 1, "", true);
	else if (text_equal(cmd, "prev-error"))
		find(view, ring, view->at == 0 ? (ptrdiff_t)ring->n : at, -1, "", true);
	else if (text_equal(cmd, "wrap"))
		view->wrap = !view->wrap;
	else if (text_equal(cmd, "mark") && at >= 0)
		toggle_mark(view, number_of(ring, (size_t)at));
	else if (text_equal(cmd, "next-mark"))
		next_mark(view, view->at > 0 ? view->at - 1 : UINT64_MAX - 1);
	else if (text_equal(cmd, "histogram"))
		view->histogram = !view->histogram;
	else if (text_equal(cmd, "source"))
		view->source = (view->source + 1) % 3;
	else if (text_equal(cmd, "level"))
		view->level = (view->level + 1) % 3;
}

static void move(struct logs_view *view, const struct log_ring *ring, ptrdiff_t at, const struct act *act,
		 int page)
{
	int steps = 0;

	switch (act->move) {
	case MOVE_UP: steps = -1; break;
	case MOVE_DOWN: steps = 1; break;
	case MOVE_PAGE_UP: steps = -page; break;
	case MOVE_PAGE_DOWN: steps = page; break;
	case MOVE_FIRST: go_to(view, ring, step_shown(view, ring, -1, 1)); return;
	case MOVE_LAST: view->at = 0; return;
	default: return;
	}
	for (int by = steps < 0 ? -1 : 1; steps != 0; steps -= by) {
		ptrdiff_t next = step_shown(view, ring, at, by);

		if (next < 0)
			break;
		at = next;
	}
	go_to(view, ring, at);
	/* Past the end means: keep up with it again. */
	if (act->move == MOVE_PAGE_DOWN && step_shown(view, ring, at, 1) < 0)
		view->at = 0;
}

static void logs_act(void *data, const struct state *state, const struct act *act, struct size size)
{
	struct logs_view *view = data;
	const struct log_ring *ring = &state->logs.lines;
	ptrdiff_t at = selected_index(view, ring);

	switch (act->kind) {
	case ACT_MOVE: move(view, ring, at, act, size.rows > 2 ? size.rows - 1 : 1); break;
	case ACT_SEARCH:
		text_copy(view->search, sizeof(view->search), act->text ? act->text : "");
		find(view, ring, at + 1, -1, view->search, false);
		break;
	case ACT_SEARCH_NEXT: find(view, ring, at, 1, view->search, false); break;
	case ACT_SEARCH_PREV: find(view, ring, at, -1, view->search, false); break;
	case ACT_KEEP:
	case ACT_HIDE:
		text_copy(view->filter, sizeof(view->filter), act->text ? act->text : "");
		view->hide = act->kind == ACT_HIDE;
		break;
	case ACT_KEY: key_act(view, ring, act->text, at); break;
	default: break;
	}
}

static void logs_selected(const struct scene *scene, char *out, size_t size)
{
	const struct log_ring *ring = &scene->state->logs.lines;
	ptrdiff_t at = selected_index(scene->view, ring);

	if (at < 0)
		snprintf(out, size, "%s", "");
	else
		snprintf(out, size, "line:%llu", (unsigned long long)number_of(ring, (size_t)at));
}

static void logs_card(const struct scene *scene, struct canvas *canvas)
{
	const struct log_ring *ring = &scene->state->logs.lines;
	ptrdiff_t at = selected_index(scene->view, ring);
	char clock[UNITS_MAX];
	const struct log_line *line;

	if (at < 0) {
		age_nothing(canvas, 0, "No line is selected.");
		return;
	}
	line = log_at(ring, (size_t)at);
	canvas_putf(canvas, 0, 0, ROLE_TITLE, "%s  %s  %s  %s", units_clock(clock, line->at_ms), line->side,
		    line->source, line->level);
	canvas_sides(canvas, 0, 0, canvas->size.cols);
	canvas_wrap(canvas, 0, 2, canvas->size.cols, canvas->size.rows - 2, ROLE_TEXT,
		    line->text ? line->text : "");
}
