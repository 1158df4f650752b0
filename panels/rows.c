/* 4 Rows: both sides counted, what differs first, each difference with its likely cause. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/age.h"
#include "panels/columns.h"
#include "panels/list.h"
#include "panels/plan_card.h"
#include "panels/ranked.h"
#include "panels/rows_inner.h"
#include "panels/sums.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void rows_head(const struct scene *scene, char *out, size_t size);
static void rows_draw(const struct scene *scene, struct canvas *canvas);
static void rows_act(void *view, const struct state *state, const struct act *act, struct size size);

struct rows_view {
	struct list list;
	bool differing;
};

static const struct binding rows_keys[] = {
    {.key = "Enter",
     .cmd = "card",
     .note = "this table on both sides, the cause, and the first rows that differ"},
    {.key = "z", .cmd = "differing", .note = "only what differs"},
    {.key = "W", .cmd = "waive", .note = "waive this difference: name and reason"},
    {.key = NULL},
};

const struct panel rows_panel = {
    .name = "rows",
    .title = "Rows",
    .digit = '4',
    .side = "",
    .watch = "counts",
    .least = {36, 4},
    .view_size = sizeof(struct rows_view),
    .keys = rows_keys,
    .head = rows_head,
    .draw = rows_draw,
    .act = rows_act,
    .selected = rows_selected,
    .card = rows_card,
    .whole = rows_whole,
    .line = rows_line,
    .extension = "md",
};

enum { VERDICT, TABLE, OLD, NEW, DIFF, CONTENT, WRITTEN, CAUSE, N_COLUMNS };
static const struct column rows_columns[N_COLUMNS] = {
    [VERDICT] = {.head = "", .least = 7, .want = 7},
    [TABLE] = {.head = "TABLE", .least = 12, .want = 22},
    [OLD] = {.head = "OLD", .least = 10, .want = 13, .right = true},
    [NEW] = {.head = "NEW", .least = 10, .want = 13, .right = true},
    [DIFF] = {.head = "DIFF", .least = 5, .want = 8, .right = true, .rank = 2},
    [CONTENT] = {.head = "CONTENT", .least = 7, .want = 7, .rank = 4},
    [WRITTEN] = {.head = "LAST WRITE", .least = 10, .want = 10, .rank = 5},
    [CAUSE] = {.head = "CAUSE", .least = 14, .want = 160, .rank = 3},
};

enum { TOP = 4 };

/* 0 missing, 1 differs, 2 not known, 3 waived or skipped, 4 equal */
static int rank(const struct state *state, const struct rows_table *table)
{
	char about[112];

	if (state->watching.n_waivers)
		snprintf(about, sizeof(about), "rows:%s", table->table);
	if ((state->watching.n_waivers && waiver_get(state, about)) ||
	    (table->skipped && table->verdict != 3))
		return 3;
	if (table->verdict != 0 && (table->new_rows == -1 || table->old_rows == -1))
		return 0;
	if (table->verdict == 3 || table->verdict == 2)
		return 1;
	return table->verdict == 1 ? 4 : 2;
}

struct order {
	const struct state *state;
	const struct rows_table **list;
	size_t n, differ;
};

static void order_init(struct order *order, const struct rows_view *view, const struct state *state)
{
	struct ranked *ranked = calloc(state->rows.n + 1, sizeof(*ranked));

	*order = (struct order){.state = state, .list = calloc(state->rows.n + 1, sizeof(*order->list))};
	if (!ranked || !order->list)
		abort();
	for (size_t i = 0; i < state->rows.n; i++) {
		int r = rank(state, &state->rows.tables[i]);

		order->differ += r < 2;
		/* Wiped on NEW and never known on OLD: there is no such table any more. */
		if (state->rows.tables[i].old_rows < 0 && state->rows.tables[i].new_rows < 0 &&
		    state->rows.tables[i].verdict == 0)
			continue;
		if (!view->differing || r < 3)
			ranked[order->n++] =
			    (struct ranked){.rank = r, .rows = state->rows.tables[i].old_rows, .at = i};
	}
	ranked_sort(ranked, order->n);
	for (size_t i = 0; i < order->n; i++)
		order->list[i] = &state->rows.tables[ranked[i].at];
	free(ranked);
}

static void row_key(const void *ctx, size_t i, char *out, size_t size)
{
	snprintf(out, size, "rows:%s", ((const struct order *)ctx)->list[i]->table);
}

static void row_text(const void *ctx, size_t i, char *out, size_t size)
{
	const struct rows_table *table = ((const struct order *)ctx)->list[i];

	snprintf(out, size, "%s %s %s", table->table, sums_verdict_word(table->verdict), table->cause);
}

static struct list_rows list_of(const struct order *order)
{
	return (struct list_rows){.ctx = order, .n = order->n, .key = row_key, .text = row_text};
}

static void rows_head(const struct scene *scene, char *out, size_t size)
{
	snprintf(out, size, "OLD %s, NEW %s", scene->state->old_name, scene->state->new_db);
}

static int64_t compared_rows(const struct rows_state *rows, int side, int64_t *tables)
{
	int64_t sum = 0;

	*tables = 0;
	for (size_t i = 0; i < rows->n; i++) {
		int64_t n = side == 0 ? rows->tables[i].old_rows : rows->tables[i].new_rows;

		if (rows->tables[i].verdict == 0 || n < 0)
			continue;
		if (__builtin_add_overflow(sum, n, &sum))
			sum = INT64_MAX; /* nobody has so many rows: a hostile journal */
		++*tables;
	}
	return sum;
}

static void draw_side(const struct scene *scene, struct canvas *canvas, int row, int side)
{
	const struct rows_state *rows = &scene->state->rows;
	char count[UNITS_MAX], ago[48];
	int64_t at_ms = rows->progress[side].at_ms, sum = rows->progress[side].rows,
		tables = rows->progress[side].tables;
	int col = canvas_put(canvas, 0, row, side == 0 ? ROLE_OLD : ROLE_NEW, side == 0 ? "OLD" : "NEW");

	if (at_ms <= 0) {
		canvas_put(canvas, col + 2, row, ROLE_MUTED, "not counted yet");
		return;
	}
	/* Once compared, what was compared is counted: the last word of a progress may come too early. */
	if (rows->compared_at_ms >= at_ms)
		sum = compared_rows(rows, side, &tables);
	col = canvas_putf(canvas, col + 2, row, ROLE_TEXT, "%lld of %lld tables", (long long)tables,
			  (long long)rows->progress[side].tables_total);
	col =
	    canvas_putf(canvas, col, row, ROLE_TEXT, "  %15s rows", sum >= 0 ? units_count(count, sum) : "-");
	if (canvas->size.cols - col > 10)
		canvas_field(canvas, col + 1, row, canvas->size.cols - col - 1, true, ROLE_MUTED,
			     age_ago(ago, sizeof(ago), at_ms, scene->now_ms));
}

static int draw_equal(struct canvas *canvas, int row, const struct rows_state *rows)
{
	bool all = rows->missing == 0 && rows->differ == 0 && rows->compared > 0 &&
		   rows->equal + rows->skipped + rows->waived == rows->compared;
	enum role role = !all && (rows->missing > 0 || rows->differ > 0) ? ROLE_BAD
			 : !all                                          ? ROLE_UNKNOWN
			 : rows->waived                                  ? ROLE_WARN
									 : ROLE_OK;
	int col = canvas_putf(canvas, 0, row, role, "%d/%d tables equal%s", rows->equal, rows->compared,
			      !all            ? ""
			      : rows->content ? ", content too"
					      : " in count");

	if (!all)
		col = canvas_putf(canvas, col, row, role, ", %d differ, %d missing", rows->differ,
				  rows->missing);
	if (rows->skipped)
		col = canvas_putf(canvas, col, row, ROLE_WARN, ", %d skipped", rows->skipped);
	if (rows->waived)
		col = canvas_putf(canvas, col, row, ROLE_WARN, ", %d waived", rows->waived);
	return col;
}

static void draw_verdict(const struct scene *scene, struct canvas *canvas, int row)
{
	const struct rows_state *rows = &scene->state->rows;
	char ago[48];
	int col;

	if (rows->compared_at_ms <= 0) {
		canvas_put(canvas, 0, row, ROLE_MUTED, "Both sides have not been compared yet.");
		return;
	}
	col = draw_equal(canvas, row, rows);
	if (canvas->size.cols - col > 10)
		canvas_field(canvas, col + 1, row, canvas->size.cols - col - 1, true, ROLE_MUTED,
			     age_ago(ago, sizeof(ago), rows->compared_at_ms, scene->now_ms));
}

static void draw_count(struct canvas *canvas, int row, const struct columns *columns, int i, int64_t rows,
		       bool compared)
{
	/* Before anything was copied an empty side is no finding. */
	if (rows == -1 && compared)
		columns_put(canvas, row, columns, i, ROLE_BAD, "MISSING");
	else
		columns_count(canvas, row, columns, i, ROLE_TEXT, rows >= 0 ? rows : -1);
}

static void draw_row(const struct scene *scene, struct canvas *canvas, int row, const struct columns *columns,
		     const struct rows_table *table)
{
	int r = rank(scene->state, table);
	char text[UNITS_MAX];
	/* Of what was left out on purpose nobody expects the same. */
	bool left_out = r == 3 && table->skipped;
	bool counted = !left_out && table->old_rows >= 0 && table->new_rows >= 0;
	bool hashed = counted && table->old_hash[0] && table->new_hash[0];

	if (r == 3)
		columns_put(canvas, row, columns, VERDICT, ROLE_WARN, table->skipped ? "skipped" : "waived");
	else if (table->verdict == 0)
		columns_put(canvas, row, columns, VERDICT, ROLE_MUTED, glyph(canvas, GLYPH_DOT));
	else
		columns_put(canvas, row, columns, VERDICT, verdict_role(table->verdict),
			    sums_verdict_word(table->verdict));
	columns_put(canvas, row, columns, TABLE, ROLE_TEXT, table->table);
	draw_count(canvas, row, columns, OLD, table->old_rows, table->verdict != 0);
	draw_count(canvas, row, columns, NEW, table->new_rows, table->verdict != 0);
	if (counted && table->new_rows != table->old_rows) {
		int64_t diff = table->new_rows - table->old_rows;

		figure_count(text + 1, sizeof(text) - 1, diff < 0 ? -diff : diff, columns->cells[DIFF] - 1);
		text[0] = diff < 0 ? '-' : '+';
		columns_put(canvas, row, columns, DIFF, ROLE_WARN, text);
	} else
		columns_put(canvas, row, columns, DIFF, ROLE_MUTED, counted ? "0" : "-");
	if (hashed && strcmp(table->old_hash, table->new_hash) != 0)
		columns_put(canvas, row, columns, CONTENT, ROLE_BAD, "differs");
	else
		columns_put(canvas, row, columns, CONTENT, ROLE_MUTED, hashed ? "equal" : "-");
	columns_put(canvas, row, columns, WRITTEN, ROLE_MUTED,
		    table->last_write_ms > 0 ? units_clock(text, table->last_write_ms) : "-");
	if (!table->cause[0] && table->new_rows >= 0 && table->grown_to > table->new_rows) {
		char now[UNITS_MAX + 16];

		snprintf(now, sizeof(now), "NEW has %s now", units_count(text, table->grown_to));
		columns_put(canvas, row, columns, CAUSE, ROLE_MUTED, now);
		return;
	}
	columns_put(canvas, row, columns, CAUSE, ROLE_MUTED, table->cause);
}

/* Up to two lines that end above `end`, where `cells` are too few for it; returns how many. */
static int draw_cause(struct canvas *canvas, int end, int cells, const struct order *order,
		      const struct list *view, const struct list_rows *list)
{
	ptrdiff_t at = list_selected_row(view, list);
	const char *cause = at < 0 ? "" : order->list[at]->cause;
	int rows;

	if (!cause[0] || canvas_width(canvas, cause) <= cells)
		return 0;
	rows = canvas_width(canvas, cause) > canvas->size.cols ? 2 : 1;
	canvas_wrap(canvas, 0, end - rows, canvas->size.cols, rows, ROLE_WARN, cause);
	return rows;
}

static void rows_draw(const struct scene *scene, struct canvas *canvas)
{
	const struct rows_view *view = scene->view;
	int top = age_trouble(scene, canvas, "counts"), height;
	struct order order;
	struct list_rows list;
	struct list_page page;
	struct column wide[N_COLUMNS];
	struct columns columns;

	if (scene->state->rows.n == 0 && scene->state->rows.progress[0].at_ms <= 0 &&
	    scene->state->rows.progress[1].at_ms <= 0) {
		age_nothing(canvas, top, "No table has been counted yet.");
		return;
	}
	draw_side(scene, canvas, top, 0);
	draw_side(scene, canvas, top + 1, 1);
	draw_verdict(scene, canvas, top + 2);
	height = canvas->size.rows - top - TOP;
	order_init(&order, view, scene->state);
	list = list_of(&order);
	columns_widen(wide, rows_columns, N_COLUMNS, TABLE, canvas->size.cols);
	columns_fit(&columns, wide, N_COLUMNS, canvas->size.cols);
	columns_head(canvas, top + 3, &columns);
	canvas_sides(canvas, 0, top + 3, canvas->size.cols);
	/* No room for all of the causes: at least the one under the cursor. */
	if (height >= 6)
		height -=
		    draw_cause(canvas, top + TOP + height, columns.cells[CAUSE], &order, &view->list, &list);
	list_page_init(&page, &view->list, &list, height);
	for (int r = 0; r < height && list_page_row(&page, r) >= 0; r++) {
		draw_row(scene, canvas, top + TOP + r, &columns, order.list[list_page_row(&page, r)]);
		if (scene->focus && page.top + (size_t)r == page.selected)
			canvas_select(canvas, top + TOP + r);
	}
	if (order.n == 0)
		age_nothing(canvas, top + TOP,
			    view->differing ? "nothing differs of what has been counted" : "no table");
	list_note(canvas, top + 3, &view->list, &page);
	list_page_done(&page);
	free(order.list);
}

static void rows_act(void *data, const struct state *state, const struct act *act, struct size size)
{
	struct rows_view *view = data;
	struct order order;
	struct list_rows list;

	if (act->kind == ACT_KEY) {
		if (text_equal(act->text, "differing"))
			view->differing = !view->differing;
		return;
	}
	order_init(&order, view, state);
	list = list_of(&order);
	list_act(&view->list, &list, act, size.rows - TOP);
	free(order.list);
}

void rows_selected(const struct scene *scene, char *out, size_t size)
{
	const struct rows_view *view = scene->view;
	struct order order;
	struct list_rows list;

	order_init(&order, view, scene->state);
	list = list_of(&order);
	list_selected(&view->list, &list, out, size);
	free(order.list);
}
