/* Jobs: what background work each side still has, queue by queue, and what the clock starts. It has no digit;
 * Tab leads to it, and wide screens show it. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/age.h"
#include "panels/columns.h"
#include "panels/list.h"
#include "panels/plan_card.h"

#include <stdio.h>
#include <string.h>

static void jobs_head(const struct scene *scene, char *out, size_t size);
static void jobs_draw(const struct scene *scene, struct canvas *canvas);
static void jobs_act(void *view, const struct state *state, const struct act *act, struct size size);
static void jobs_selected(const struct scene *scene, char *out, size_t size);
static void jobs_card(const struct scene *scene, struct canvas *canvas);

struct jobs_view {
	struct list list;
	bool sums; /* no queues and no cron */
};

static const struct binding jobs_keys[] = {
    {.key = "Enter", .cmd = "card", .note = "all queues of this system, and what its side's clock starts"},
    {.key = "z", .cmd = "sums", .note = "sums only, or queues and cron too"},
    {.key = NULL},
};

const struct panel jobs_panel = {
    .name = "jobs",
    .title = "Jobs",
    .digit = ' ',
    .side = "",
    .watch = "jobs",
    .least = {40, 3},
    .view_size = sizeof(struct jobs_view),
    .keys = jobs_keys,
    .head = jobs_head,
    .draw = jobs_draw,
    .act = jobs_act,
    .selected = jobs_selected,
    .card = jobs_card,
};

enum { SILENT_MS = 120000, ROWS_MAX = 320 };
enum { SIDE, NAME, WAITING, RETRY, LATER, BUSY, DEAD, RATE, PROCS, N_COLUMNS };
static const struct column jobs_columns[N_COLUMNS] = {
    [SIDE] = {.head = "", .least = 3, .want = 3},
    [NAME] = {.head = "SYSTEM", .least = 11, .want = 22},
    [WAITING] = {.head = "WAITING", .least = 7, .want = 8, .right = true},
    [RETRY] = {.head = "RETRY", .least = 5, .want = 6, .right = true},
    [LATER] = {.head = "LATER", .least = 5, .want = 6, .right = true, .rank = 1},
    [BUSY] = {.head = "RUNS", .least = 4, .want = 5, .right = true, .rank = 2},
    [DEAD] = {.head = "DEAD", .least = 4, .want = 6, .right = true, .rank = 5},
    [RATE] = {.head = "/MIN", .least = 5, .want = 6, .right = true, .rank = 3},
    [PROCS] = {.head = "PROCS", .least = 5, .want = 5, .right = true, .rank = 4},
};
static const char *const sides[2] = {"OLD", "NEW"};

/* A row is a system, one of its queues, or a cron entry. */
struct row {
	int side;
	const struct job_system_seen *system;
	const struct job_queue_seen *queue;
	const struct job_cron_seen *cron;
};
struct rows {
	struct row row[ROWS_MAX];
	size_t n;
};

static void add(struct rows *rows, struct row row)
{
	if (rows->n < ROWS_MAX)
		rows->row[rows->n++] = row;
}

static void rows_init(struct rows *rows, const struct jobs_view *view, const struct state *state)
{
	rows->n = 0;
	for (int side = 0; side < 2; side++) {
		const struct jobs_side_seen *seen = &state->jobs.sides[side];
		for (size_t i = 0; i < seen->n; i++) {
			const struct job_system_seen *s = &seen->systems[i];
			add(rows, (struct row){.side = side, .system = s});
			for (size_t q = 0; q < s->n_queues && !view->sums; q++)
				if (s->queues[q].waiting > 0)
					add(rows,
					    (struct row){.side = side, .system = s, .queue = &s->queues[q]});
		}
		for (size_t i = 0; i < seen->n_cron && !view->sums; i++)
			add(rows, (struct row){.side = side, .cron = &seen->cron[i]});
	}
}

static void row_key(const void *ctx, size_t i, char *out, size_t size)
{
	const struct row *row = &((const struct rows *)ctx)->row[i];

	snprintf(out, size, "%s %.19s %.63s", sides[row->side],
		 row->cron ? row->cron->system : row->system->name,
		 row->cron    ? row->cron->name
		 : row->queue ? row->queue->name
			      : "");
}

static struct list_rows list_of(const struct rows *rows)
{
	return (struct list_rows){.ctx = rows, .n = rows->n, .key = row_key, .text = row_key};
}

static void jobs_head(const struct scene *scene, char *out, size_t size)
{
	(void)scene;
	snprintf(out, size, "OLD and NEW");
}

static int64_t left_of(const struct job_system_seen *s)
{
	return s->waiting + s->scheduled + s->running + (s->retry > 0 ? s->retry : 0);
}

/* Workers of NEW that do nothing though there is something to do. */
static const struct job_system_seen *silent(const struct state *state, int64_t now_ms, int64_t *ms)
{
	const struct jobs_side_seen *seen = &state->jobs.sides[1];

	for (size_t i = 0; i < seen->n; i++) {
		const struct job_system_seen *s = &seen->systems[i];
		bool told = s->done >= 0 || s->done_minute >= 0;

		*ms = (seen->at_ms < now_ms ? seen->at_ms : now_ms) - s->moved_at_ms;
		if (told && s->waiting > 0 && *ms >= SILENT_MS)
			return s;
	}
	return NULL;
}

/* What there is to know first; returns the lines it takes. Why a side is not seen takes two. */
static int draw_side(const struct scene *scene, struct canvas *canvas, int row)
{
	const struct jobs_state *jobs = &scene->state->jobs;
	const struct job_system_seen *quiet;
	char figure[UNITS_MAX], age[UNITS_MAX], text[300];
	int64_t left = 0, ms = 0;

	quiet = silent(scene->state, scene->now_ms, &ms);
	for (size_t i = 0; i < jobs->sides[0].n; i++)
		if (text_equal(jobs->sides[0].systems[i].name, "sidekiq"))
			left += left_of(&jobs->sides[0].systems[i]);
	if (*jobs->sides[0].error || *jobs->sides[1].error) {
		int side = *jobs->sides[0].error ? 0 : 1;
		snprintf(text, sizeof(text), "%s not seen%s%s: %s", sides[side],
			 jobs->sides[side].seen ? " since " : "",
			 jobs->sides[side].seen ? units_clock(age, jobs->sides[side].at_ms) : "",
			 jobs->sides[side].error);
		return canvas_wrap(canvas, 0, row, canvas->size.cols, canvas->size.rows > 6 ? 2 : 1,
				   ROLE_UNKNOWN, text);
	} else if (quiet) {
		snprintf(text, sizeof(text), "NEW %s SILENT: %s waiting, none done for %s", quiet->name,
			 units_count(figure, quiet->waiting), units_duration(age, ms));
		canvas_field(canvas, 0, row, canvas->size.cols, false, ROLE_BAD, text);
	} else if (left > 0) {
		snprintf(text, sizeof(text),
			 "OLD Redis has %s jobs: drain them, or accept them by name before the flip",
			 units_count(figure, left));
		canvas_field(canvas, 0, row, canvas->size.cols, false, ROLE_WARN, text);
	} else
		canvas_field(canvas, 0, row, canvas->size.cols, false, ROLE_OK,
			     "OLD Redis has no job left that stays behind");
	return 1;
}

static void draw_rate(struct canvas *canvas, int row, const struct columns *columns,
		      const struct job_system_seen *s)
{
	char text[UNITS_MAX];

	if (s->rate_minute < 0)
		columns_put(canvas, row, columns, RATE, ROLE_MUTED, "-");
	else
		columns_put(canvas, row, columns, RATE, ROLE_TEXT,
			    units_count(text, (int64_t)(s->rate_minute + 0.5)));
}

static void draw_row(struct canvas *canvas, int at, const struct columns *columns, const struct row *row)
{
	const struct job_system_seen *s = row->system;
	char text[160];

	columns_put(canvas, at, columns, SIDE, row->side ? ROLE_NEW : ROLE_OLD, sides[row->side]);
	if (row->cron) {
		snprintf(text, sizeof(text), "%s %s%s%s", row->cron->enabled ? "cron" : "off ",
			 row->cron->name, *row->cron->schedule ? "  " : "", row->cron->schedule);
		canvas_field(canvas, columns->at[NAME], at, canvas->size.cols - columns->at[NAME], false,
			     row->cron->enabled ? ROLE_TEXT : ROLE_MUTED, text);
		return;
	}
	if (row->queue) {
		snprintf(text, sizeof(text), "  %s", row->queue->name);
		columns_put(canvas, at, columns, NAME, ROLE_MUTED, text);
		columns_count(canvas, at, columns, WAITING, ROLE_MUTED, row->queue->waiting);
		return;
	}
	enum role role =
	    row->side == 0 && text_equal(s->name, "sidekiq") && left_of(s) > 0 ? ROLE_WARN : ROLE_TEXT;
	columns_put(canvas, at, columns, NAME, ROLE_TEXT, s->name);
	columns_count(canvas, at, columns, WAITING, role, s->waiting);
	columns_count(canvas, at, columns, RETRY, role, s->retry);
	columns_count(canvas, at, columns, LATER, role, s->scheduled);
	columns_count(canvas, at, columns, BUSY, role, s->running);
	columns_count(canvas, at, columns, DEAD, ROLE_MUTED, s->failed);
	draw_rate(canvas, at, columns, s);
	columns_count(canvas, at, columns, PROCS, ROLE_MUTED, s->processes);
}

static void jobs_draw(const struct scene *scene, struct canvas *canvas)
{
	const struct jobs_view *view = scene->view;
	const struct jobs_state *jobs = &scene->state->jobs;
	int top, height;
	struct rows list;
	struct list_rows list_rows;
	struct list_page page;
	struct columns columns;

	if (!jobs->sides[0].seen && !jobs->sides[1].seen && !*jobs->sides[0].error &&
	    !*jobs->sides[1].error) {
		age_nothing(canvas, 0, "Nobody has looked at background jobs yet.");
		return;
	}
	rows_init(&list, view, scene->state);
	list_rows = list_of(&list);
	top = draw_side(scene, canvas, 0) + 1;
	height = canvas->size.rows - top;
	columns_fit(&columns, jobs_columns, N_COLUMNS, canvas->size.cols);
	columns_head(canvas, top - 1, &columns);
	list_page_init(&page, &view->list, &list_rows, height);
	for (int r = 0; r < height && list_page_row(&page, r) >= 0; r++) {
		draw_row(canvas, top + r, &columns, &list.row[list_page_row(&page, r)]);
		if (scene->focus && page.top + (size_t)r == page.selected)
			canvas_select(canvas, top + r);
	}
	if (list.n == 0)
		age_nothing(canvas, top, "no Sidekiq, GoodJob, Solid Queue or Delayed Job on either side");
	list_note(canvas, top - 1, &view->list, &page);
	list_page_done(&page);
}

static void jobs_act(void *data, const struct state *state, const struct act *act, struct size size)
{
	struct jobs_view *view = data;
	struct rows list;
	struct list_rows rows;

	if (act->kind == ACT_KEY) {
		if (text_equal(act->text, "sums"))
			view->sums = !view->sums;
		return;
	}
	rows_init(&list, view, state);
	rows = list_of(&list);
	list_act(&view->list, &rows, act, size.rows - 2);
}

static void jobs_selected(const struct scene *scene, char *out, size_t size)
{
	const struct jobs_view *view = scene->view;
	struct rows list;
	struct list_rows rows;

	rows_init(&list, view, scene->state);
	rows = list_of(&list);
	list_selected(&view->list, &rows, out, size);
}

static int card_figure(struct canvas *canvas, int row, const char *name, int64_t n)
{
	char text[UNITS_MAX];

	return card_text(canvas, row, name, ROLE_TEXT, n < 0 ? "it does not tell" : units_count(text, n));
}

static int card_system(struct canvas *canvas, int row, const struct row *at)
{
	const struct job_system_seen *s = at->system;
	char text[200], figure[UNITS_MAX];

	row = card_figure(canvas, row, "WAIT", s->waiting);
	row = card_figure(canvas, row, "RETRY", s->retry);
	row = card_figure(canvas, row, "LATER", s->scheduled);
	row = card_figure(canvas, row, "RUNS", s->running);
	row = card_figure(canvas, row, "DEAD", s->failed);
	row = card_figure(canvas, row, "DONE", s->done);
	row = card_figure(canvas, row, "PROCS", s->processes);
	for (size_t i = 0; i < s->n_queues; i++) {
		snprintf(text, sizeof(text), "%-24s %s", s->queues[i].name,
			 units_count(figure, s->queues[i].waiting));
		row = card_text(canvas, row, i ? "" : "QUEUE", ROLE_TEXT, text);
	}
	if (s->all_queues > (int64_t)s->n_queues) {
		snprintf(text, sizeof(text), "and %lld more",
			 (long long)s->all_queues - (long long)s->n_queues);
		row = card_text(canvas, row, "", ROLE_MUTED, text);
	}
	return row;
}

static void jobs_card(const struct scene *scene, struct canvas *canvas)
{
	const struct jobs_view *view = scene->view;
	struct rows list;
	struct list_rows rows;
	ptrdiff_t at;
	char text[220];
	int row = 0;

	rows_init(&list, view, scene->state);
	rows = list_of(&list);
	at = list_selected_row(&view->list, &rows);
	if (at < 0) {
		age_nothing(canvas, 0, "No row is selected.");
		return;
	}
	const struct row *selected = &list.row[at];
	const struct jobs_side_seen *seen = &scene->state->jobs.sides[selected->side];
	canvas_putf(canvas, 0, row, ROLE_TITLE, "%s   %s", sides[selected->side],
		    selected->cron ? selected->cron->system : selected->system->name);
	row += 2;
	row = card_text(canvas, row, "REDIS", ROLE_TEXT, *seen->redis ? seen->redis : "not known");
	if (selected->system)
		row = card_system(canvas, row, selected);
	for (size_t i = 0; i < seen->n_cron; i++) {
		snprintf(text, sizeof(text), "%s (%s) %s%s", seen->cron[i].name, seen->cron[i].system,
			 seen->cron[i].schedule, seen->cron[i].enabled ? "" : "  turned off");
		row = card_text(canvas, row, i ? "" : "CRON", ROLE_TEXT, text);
	}
}
