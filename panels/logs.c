/* 5 Logs: lines of both sides, by time. It follows the end until somebody scrolls. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/logs_view.h"

#include <stdio.h>

static void logs_head(const struct scene *scene, char *out, size_t size);
static void logs_tail(const struct scene *scene, char *out, size_t size);
static void logs_act(void *view, const struct state *state, const struct act *act, struct size size);
static void logs_chosen(const struct scene *scene, char *out, size_t size);
static size_t logs_whole(const struct scene *scene);
static bool logs_line(const struct scene *scene, size_t i, char *out, size_t size);

static const struct binding logs_keys[] = {
    {.key = "Enter", .cmd = "card", .note = "the whole line; cause and fix of a known error"},
    {.key = "f", .cmd = "follow", .note = "follow the end, or stay here"},
    {.key = "e", .cmd = "next-error", .note = "next error"},
    {.key = "E", .cmd = "prev-error", .note = "previous error (only looks)"},
    {.key = "w", .cmd = "wrap", .note = "wrap long lines"},
    {.key = "m", .cmd = "mark", .note = "mark this line, or take the mark away"},
    {.key = "u", .cmd = "next-mark", .note = "next mark"},
    {.key = "i", .cmd = "histogram", .note = "lines per 10 s as bars"},
    {.key = "x", .cmd = "source", .note = "both sides, OLD only, NEW only, then each source"},
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
    .selected = logs_chosen,
    .card = logs_card,
    .whole = logs_whole,
    .line = logs_line,
};

static void logs_head(const struct scene *scene, char *out, size_t size)
{
	const struct logs_view *view = scene->view;
	static const char *const levels[] = {"", ", warnings and errors", ", errors"};

	snprintf(out, size, "%s%s%s%s%s%s", view->side[0] || view->source[0] ? view->side : "OLD and NEW",
		 view->side[0] && view->source[0] ? " " : "",
		 view->source[0] ? view->source : (view->side[0] ? " only" : ""), levels[view->level % 3],
		 view->filter[0] ? (view->hide ? ", without " : ", only ") : "", view->filter);
}

static void logs_tail(const struct scene *scene, char *out, size_t size)
{
	enum { COUNT_MOST = 9999 };
	const struct logs_view *view = scene->view;
	size_t newer = logs_newer(view, &scene->state->logs.lines, COUNT_MOST);

	if (view->at == 0)
		snprintf(out, size, "FOLLOW");
	else
		snprintf(out, size, "STOPPED +%zu%s new, f follows", newer,
			 newer >= COUNT_MOST ? " or more" : "");
}

static void key_act(struct logs_view *view, const struct logs_state *logs, const char *cmd, ptrdiff_t at)
{
	const struct log_ring *ring = &logs->lines;

	if (text_equal(cmd, "follow") && view->at > 0)
		view->at = 0;
	else if (text_equal(cmd, "follow"))
		logs_go_to(view, ring, at);
	else if (text_equal(cmd, "next-error"))
		logs_find(view, ring, view->at == 0 ? -1 : at, 1, NULL);
	else if (text_equal(cmd, "prev-error"))
		logs_find(view, ring, view->at == 0 ? (ptrdiff_t)ring->n : at, -1, NULL);
	else if (text_equal(cmd, "wrap"))
		view->wrap = !view->wrap;
	else if (text_equal(cmd, "mark") && at >= 0)
		logs_mark(view, log_at(ring, (size_t)at)->id);
	else if (text_equal(cmd, "next-mark"))
		logs_next_mark(view, ring, at);
	else if (text_equal(cmd, "histogram"))
		view->histogram = !view->histogram;
	else if (text_equal(cmd, "source"))
		logs_next_source(view, logs);
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
	case MOVE_FIRST: logs_go_to(view, ring, logs_step(view, ring, -1, 1)); return;
	case MOVE_LAST: view->at = 0; return;
	default: return;
	}
	/* Going down at the end changes nothing: it follows already. */
	if (view->at == 0 && steps > 0)
		return;
	for (int by = steps < 0 ? -1 : 1; steps != 0; steps -= by) {
		ptrdiff_t next = logs_step(view, ring, at, by);

		if (next < 0)
			break;
		at = next;
	}
	logs_go_to(view, ring, at);
	/* Past the end means: keep up with it again. */
	if (act->move == MOVE_PAGE_DOWN && logs_step(view, ring, at, 1) < 0)
		view->at = 0;
}

static void logs_act(void *data, const struct state *state, const struct act *act, struct size size)
{
	struct logs_view *view = data;
	const struct log_ring *ring = &state->logs.lines;
	ptrdiff_t at = logs_selected(view, ring);

	switch (act->kind) {
	case ACT_MOVE: move(view, ring, at, act, size.rows > 2 ? size.rows - 1 : 1); break;
	case ACT_SEARCH:
		text_copy(view->search, sizeof(view->search), act->text ? act->text : "");
		view->missed = false;
		if (view->search[0])
			logs_find(view, ring, at + 1, -1, view->search);
		break;
	case ACT_SEARCH_NEXT:
	case ACT_SEARCH_PREV:
		if (view->search[0])
			logs_find(view, ring, at, act->kind == ACT_SEARCH_NEXT ? 1 : -1, view->search);
		break;
	case ACT_KEEP:
	case ACT_HIDE:
		text_copy(view->filter, sizeof(view->filter), act->text ? act->text : "");
		view->hide = act->kind == ACT_HIDE;
		break;
	case ACT_KEY: key_act(view, &state->logs, act->text, at); break;
	default: break;
	}
}

static void logs_chosen(const struct scene *scene, char *out, size_t size)
{
	const struct log_ring *ring = &scene->state->logs.lines;
	ptrdiff_t at = logs_selected(scene->view, ring);

	if (at < 0)
		snprintf(out, size, "%s", "");
	else
		snprintf(out, size, "line:%llu", (unsigned long long)log_at(ring, (size_t)at)->id);
}

/* ---- the whole of it, for a file ---- */

static size_t logs_whole(const struct scene *scene)
{
	return scene->state->logs.lines.n + 1;
}

static bool logs_line(const struct scene *scene, size_t i, char *out, size_t size)
{
	const struct logs_state *logs = &scene->state->logs;
	const struct log_ring *ring = &logs->lines;
	const struct log_line *line;
	char iso[UNITS_MAX];

	if (i == 0) {
		snprintf(
		    out, size, "# the newest %zu of %llu lines; older ones are in the night's trace.jsonl%s",
		    ring->n, (unsigned long long)ring->total,
		    logs_filtered(scene->view) ? "; only those that the panel's filters let through" : "");
		return true;
	}
	line = log_at(ring, i - 1);
	if (!logs_shown(scene->view, line))
		return false;
	snprintf(out, size, "%s %-3s %-12s %-5s %s", units_iso(iso, line->at_ms), line->side, line->source,
		 line->level, line->text);
	return true;
}
