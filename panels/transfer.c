/* 3 Transfer: what of the data is across, table by table, and whether it still moves. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/age.h"
#include "panels/columns.h"
#include "panels/list.h"
#include "panels/ranked.h"
#include "panels/sums.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void transfer_head(const struct scene *scene, char *out, size_t size);
static void transfer_tail(const struct scene *scene, char *out, size_t size);
static void transfer_draw(const struct scene *scene, struct canvas *canvas);
static void transfer_act(void *view, const struct state *state, const struct act *act, struct size size);
static void transfer_selected(const struct scene *scene, char *out, size_t size);
static void transfer_card(const struct scene *scene, struct canvas *canvas);

struct transfer_view {
	struct list list;
	bool moving; /* only what moves now */
};

static const struct binding transfer_keys[] = {
    {.key = "Enter", .cmd = "card", .note = "this table and all stages so far"},
    {.key = "z", .cmd = "moving", .note = "only what moves now, or all tables"},
    {.key = NULL},
};

const struct panel transfer_panel = {
    .name = "transfer",
    .title = "Transfer",
    .digit = '3',
    .side = "",
    .least = {36, 4},
    .view_size = sizeof(struct transfer_view),
    .keys = transfer_keys,
    .head = transfer_head,
    .tail = transfer_tail,
    .draw = transfer_draw,
    .act = transfer_act,
    .selected = transfer_selected,
    .card = transfer_card,
};

enum { TABLE, ROWS, BAR, STATE, N_COLUMNS };
static const struct column transfer_columns[N_COLUMNS] = {
    [TABLE] = {.head = "TABLE", .least = 11, .want = 24},
    [ROWS] = {.head = "ROWS", .least = 10, .want = 13, .right = true, .rank = 2},
    [BAR] = {.head = "", .least = 10, .want = 14, .rank = 3},
    [STATE] = {.head = "STATE", .least = 12, .want = 100},
};

enum { TOP = 4 };

static int state_rank(const struct transfer_table *table)
{
	static const char *const order[] = {"failed", "copying", "index", "waiting", "done"};

	for (int i = 0; i < 5; i++)
		if (text_equal(table->state, order[i]))
			return i;
	return 3;
}

struct tables {
	const struct transfer_table **list;
	size_t n, done, waiting;
};

static void tables_init(struct tables *tables, const struct transfer_view *view,
			const struct transfer_state *transfer)
{
	struct ranked *ranked = calloc(transfer->n + 1, sizeof(*ranked));

	*tables = (struct tables){.list = calloc(transfer->n + 1, sizeof(*tables->list))};
	if (!ranked || !tables->list)
		abort();
	for (size_t i = 0; i < transfer->n; i++) {
		const struct transfer_table *table = &transfer->list[i];
		int rank = state_rank(table);

		tables->waiting += rank == 3;
		tables->done += rank == 4;
		if (!view->moving || rank < 3)
			ranked[tables->n++] =
			    (struct ranked){.rank = rank, .rows = table->rows_total, .at = i};
	}
	ranked_sort(ranked, tables->n);
	for (size_t i = 0; i < tables->n; i++)
		tables->list[i] = &transfer->list[ranked[i].at];
	free(ranked);
}

static void table_key(const void *ctx, size_t i, char *out, size_t size)
{
	text_copy(out, size, ((const struct tables *)ctx)->list[i]->table);
}

static void table_text(const void *ctx, size_t i, char *out, size_t size)
{
	const struct transfer_table *table = ((const struct tables *)ctx)->list[i];

	snprintf(out, size, "%s %s %s", table->table, table->state, table->text);
}

static struct list_rows rows_of(const struct tables *tables)
{
	return (struct list_rows){.ctx = tables, .n = tables->n, .key = table_key, .text = table_text};
}

static void transfer_head(const struct scene *scene, char *out, size_t size)
{
	snprintf(out, size, "OLD → NEW %s", scene->state->new_db);
}

static void transfer_tail(const struct scene *scene, char *out, size_t size)
{
	const struct step_seen *step = steps_current(scene->state);
	bool moving =
	    step && step->state == STEP_RUNNING && scene->state->transfer.at_ms >= step->started_at_ms;

	if (scene->seat.no_trace)
		snprintf(out, size, "not recorded");
	else
		age_moment(scene->state->transfer.at_ms, scene->now_ms, moving ? 15000 : 0, out, size);
}

/* Why nothing moves takes the whole line, and a second one where it is long: it is what people look for. */
static int draw_stalled(struct canvas *canvas, int row, const struct transfer_state *t)
{
	char ms[UNITS_MAX], text[260];

	snprintf(text, sizeof(text), "STALLED %s %s", units_duration(ms, t->stalled_ms), t->stalled_why);
	return canvas_wrap(canvas, 0, row, canvas->size.cols, canvas->size.rows > 10 ? 2 : 1, ROLE_BAD, text);
}

/* Returns the lines it takes. */
static int draw_bytes(struct canvas *canvas, int row, const struct transfer_state *t)
{
	char a[UNITS_MAX], b[UNITS_MAX];

	if (t->stalled_ms > 0)
		return draw_stalled(canvas, row, t);
	if (t->eta_why[0] && t->eta_ms >= 0) {
		char text[100];

		snprintf(text, sizeof(text), "later: %s", t->eta_why);
		canvas_field(canvas, 0, row, canvas->size.cols, false, ROLE_WARN, text);
		return 1;
	}
	canvas_put(canvas, 0, row, ROLE_MUTED, "bytes");
	if (t->bytes < 0)
		canvas_put(canvas, 7, row, ROLE_MUTED, "-");
	else if (t->bytes_total > 0)
		canvas_putf(canvas, 7, row, ROLE_TEXT, "%s of %s", units_size(a, t->bytes),
			    units_size(b, t->bytes_total));
	else
		canvas_put(canvas, 7, row, ROLE_TEXT, units_size(a, t->bytes));
	if (t->rate >= 0 && canvas->size.cols >= 40)
		canvas_putf(canvas, 32, row, ROLE_MUTED, "%s", units_rate(a, t->rate));
	return 1;
}

/* Returns the lines it takes: TOP, or one more. */
static int draw_figures(const struct scene *scene, struct canvas *canvas)
{
	const struct transfer_state *t = &scene->state->transfer;
	int cols = canvas->size.cols, bar = cols >= 60 ? 28 : (cols >= 48 ? 20 : 10), col;
	char a[UNITS_MAX], b[UNITS_MAX];
	bool bytes = t->rows_total <= 0;
	int64_t done = bytes ? t->bytes : t->rows, total = bytes ? t->bytes_total : t->rows_total;

	canvas_field(canvas, 0, 0, 10, false, ROLE_TEXT, t->stage);
	if (total > 0) {
		canvas_bar(canvas, 12, 0, bar, done, total, done >= total ? ROLE_OK : ROLE_TEXT);
		col = canvas_putf(canvas, 13 + bar, 0, ROLE_TEXT, "%d%%",
				  units_percent(done < total ? done : total, total));
	} else
		col = canvas_put(canvas, 12, 0, ROLE_MUTED, "size not known");
	/* Rows are not all: indexes and keys come after the last of them. */
	bool more =
	    done < total || (t->eta_ms >= 1000 && (t->indexes < t->indexes_total || t->keys < t->keys_total));
	if (t->eta_ms >= 0 && total > 0 && more) {
		char left[48];

		snprintf(left, sizeof(left), t->eta_about ? "about %s left" : "~%s left",
			 units_duration(a, t->eta_ms));
		if (canvas_width(canvas, left) + 2 <= cols - col)
			canvas_field(canvas, col + 1, 0, cols - col - 1, true, ROLE_MUTED, left);
	}
	/* A capture and a download move one file: they have neither tables nor rows. */
	if (t->tables_total <= 0 && t->rows_total <= 0 && t->n == 0) {
		return draw_bytes(canvas, 1, t) - 1 + TOP;
	}
	col = canvas_put(canvas, 0, 1, ROLE_MUTED, "tables ");
	if (t->tables_total > 0)
		col = canvas_putf(canvas, col, 1, ROLE_TEXT, "%lld/%lld", (long long)t->tables,
				  (long long)t->tables_total);
	else
		col = canvas_put(canvas, col, 1, ROLE_MUTED, "-");
	if (t->indexes_total > 0)
		col = canvas_putf(canvas, col, 1, ROLE_TEXT, "  indexes %lld/%lld", (long long)t->indexes,
				  (long long)t->indexes_total);
	if (t->keys_total > 0)
		canvas_putf(canvas, col, 1, ROLE_TEXT, "  keys %lld/%lld", (long long)t->keys,
			    (long long)t->keys_total);
	canvas_put(canvas, 0, 2, ROLE_MUTED, "rows");
	if (t->rows >= 0 && t->rows_total > 0)
		canvas_putf(canvas, 7, 2, ROLE_TEXT, "%s of %s", units_count(a, t->rows),
			    units_count(b, t->rows_total));
	else if (text_equal(t->stage, "delta") || text_equal(t->stage, "warm-copy"))
		/* No rows to be done, but a window that is open. */
		canvas_field(canvas, 0, 2, cols, false, ROLE_TEXT, t->text);
	else
		canvas_put(canvas, 7, 2, ROLE_MUTED, "-");
	return 3 + draw_bytes(canvas, 3, t);
}

/* "43% 12 MB/s 0:14 left" while it moves; what it waits for stands in its place. */
static void table_state(const struct transfer_table *table, char *out, size_t size)
{
	char rate[UNITS_MAX], left[UNITS_MAX];

	if (state_rank(table) != 1 || table->rows_total <= 0) {
		snprintf(out, size, "%s", table->text[0] ? table->text : table->state);
		return;
	}
	snprintf(out, size, "%2d%% %s", units_percent(table->rows, table->rows_total),
		 table->text[0]    ? table->text
		 : table->rate > 0 ? units_rate(rate, table->rate)
				   : table->state);
	if (!table->text[0] && table->eta_ms >= 0 && table->rate > 0)
		snprintf(out + strlen(out), size - strlen(out), " %s left",
			 units_duration(left, table->eta_ms));
}

static void draw_table(struct canvas *canvas, int row, const struct columns *columns,
		       const struct transfer_table *table)
{
	int rank = state_rank(table);
	enum role role = rank == 0 ? ROLE_BAD : (rank == 3 ? ROLE_MUTED : (rank == 4 ? ROLE_OK : ROLE_TEXT));

	columns_put(canvas, row, columns, TABLE, rank >= 3 ? ROLE_MUTED : ROLE_TEXT, table->table);
	columns_count(canvas, row, columns, ROWS, rank >= 3 ? ROLE_MUTED : ROLE_TEXT,
		      table->rows_total >= 0 ? table->rows_total : table->rows);
	canvas_bar(canvas, columns->at[BAR], row, columns->cells[BAR], table->rows, table->rows_total, role);
	char text[120];
	table_state(table, text, sizeof(text));
	columns_put(canvas, row, columns, STATE, role, text);
}

static void draw_ended(struct canvas *canvas, int row, const struct transfer_state *t)
{
	for (size_t i = 0; i < t->n_ended && i < 8; i++) {
		char size[UNITS_MAX], took[UNITS_MAX], text[240];
		const struct transfer_ended *ended = &t->ended[i];

		canvas_putf(canvas, 0, row, ended->ok ? ROLE_OK : ROLE_BAD, "%s", ended->ok ? "OK" : "FAIL");
		canvas_field(canvas, 5, row, 10, false, ROLE_TEXT, ended->stage);
		snprintf(text, sizeof(text), "%9s in %s  %s",
			 ended->bytes >= 0 ? units_size(size, ended->bytes) : "-",
			 units_duration(took, ended->ms), ended->text);
		canvas_field(canvas, 14, row, canvas->size.cols - 14, false, ROLE_MUTED, text);
		row++;
	}
}

static void transfer_draw(const struct scene *scene, struct canvas *canvas)
{
	const struct transfer_view *view = scene->view;
	const struct transfer_state *t = &scene->state->transfer;
	int top, height;
	struct tables tables;
	struct list_rows rows;
	struct list_page page;
	struct column wide[N_COLUMNS];
	struct columns columns;

	if (t->at_ms <= 0 && t->n == 0) {
		age_unseen(scene, canvas, 0, "Nothing has been moved yet.");
		draw_ended(canvas, 2, t);
		return;
	}
	top = draw_figures(scene, canvas);
	height = canvas->size.rows - top - 2;
	if (t->n == 0) {
		if (t->text[0])
			canvas_field(canvas, 0, top + 1, canvas->size.cols, false, ROLE_MUTED, t->text);
		draw_ended(canvas, top + 3, t);
		return;
	}
	tables_init(&tables, view, t);
	rows = rows_of(&tables);
	columns_widen(wide, transfer_columns, N_COLUMNS, TABLE, canvas->size.cols);
	columns_fit(&columns, wide, N_COLUMNS, canvas->size.cols);
	columns_head(canvas, top, &columns);
	list_page_init(&page, &view->list, &rows, height);
	for (int r = 0; r < height && list_page_row(&page, r) >= 0; r++) {
		draw_table(canvas, top + 1 + r, &columns, tables.list[list_page_row(&page, r)]);
		if (scene->focus && page.top + (size_t)r == page.selected)
			canvas_select(canvas, top + 1 + r);
	}
	int col =
	    canvas_putf(canvas, 0, canvas->size.rows - 1, ROLE_MUTED, "%zu tables: %zu done, %zu waiting%s",
			t->n, tables.done, tables.waiting, view->moving ? ", only what moves is shown" : "");
	if (t->text[0] && tables.done < t->n && canvas_width(canvas, t->text) + 3 <= canvas->size.cols - col)
		canvas_field(canvas, col + 3, canvas->size.rows - 1, canvas->size.cols - col - 3, true,
			     ROLE_MUTED, t->text);
	list_note(canvas, top, &view->list, &page);
	list_page_done(&page);
	free(tables.list);
}

static void transfer_act(void *data, const struct state *state, const struct act *act, struct size size)
{
	struct transfer_view *view = data;
	struct tables tables;
	struct list_rows rows;

	if (act->kind == ACT_KEY) {
		if (text_equal(act->text, "moving"))
			view->moving = !view->moving;
		return;
	}
	tables_init(&tables, view, &state->transfer);
	rows = rows_of(&tables);
	list_act(&view->list, &rows, act, size.rows - TOP - 2);
	free(tables.list);
}

static void transfer_selected(const struct scene *scene, char *out, size_t size)
{
	const struct transfer_view *view = scene->view;
	struct tables tables;
	struct list_rows rows;

	tables_init(&tables, view, &scene->state->transfer);
	rows = rows_of(&tables);
	list_selected(&view->list, &rows, out, size);
	free(tables.list);
}

static void transfer_card(const struct scene *scene, struct canvas *canvas)
{
	const struct transfer_state *t = &scene->state->transfer;
	char key[104] = "", a[UNITS_MAX], b[UNITS_MAX];
	int row = 0;

	transfer_selected(scene, key, sizeof(key));
	for (size_t i = 0; i < t->n; i++) {
		if (!text_equal(t->list[i].table, key))
			continue;
		canvas_put(canvas, 0, row++, ROLE_TITLE, key);
		canvas_putf(canvas, 0, row++, ROLE_TEXT, "%s  %s", t->list[i].state, t->list[i].text);
		canvas_putf(canvas, 0, row++, ROLE_TEXT, "rows %s of %s, bytes %s",
			    t->list[i].rows >= 0 ? units_count(a, t->list[i].rows) : "-",
			    t->list[i].rows_total >= 0 ? units_count(b, t->list[i].rows_total) : "-",
			    t->list[i].bytes >= 0 ? units_size((char[UNITS_MAX]){0}, t->list[i].bytes) : "-");
		if (t->list[i].rate > 0)
			canvas_putf(canvas, 0, row++, ROLE_TEXT, "%s since it began%s%s",
				    units_rate(a, t->list[i].rate),
				    t->list[i].eta_ms >= 0 ? ", left about " : "",
				    t->list[i].eta_ms >= 0 ? units_duration(b, t->list[i].eta_ms) : "");
		row++;
	}
	canvas_put(canvas, 0, row++, ROLE_MUTED, "STAGES SO FAR");
	if (t->n_ended == 0)
		canvas_put(canvas, 0, row, ROLE_MUTED, "none has ended yet");
	draw_ended(canvas, row, t);
	row += (int)t->n_ended + 1;
	for (size_t i = 0; i < t->n_ended; i++)
		if (!t->ended[i].ok)
			row += canvas_wrap(canvas, 0, row, canvas->size.cols, 6, ROLE_BAD, t->ended[i].text);
	if (t->stalled_ms > 0)
		row += canvas_wrap(canvas, 0, row, canvas->size.cols, 3, ROLE_BAD, t->stalled_why);
	if (t->text[0])
		canvas_wrap(canvas, 0, row, canvas->size.cols, 4, ROLE_MUTED, t->text);
}
