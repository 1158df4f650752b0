/* 0 Traffic: who answers visitors, how well, and what the way back would cost now. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/age.h"
#include "panels/columns.h"
#include "panels/list.h"
#include "panels/sums.h"

#include <stdio.h>
#include <string.h>

static void traffic_head(const struct scene *scene, char *out, size_t size);
static void traffic_draw(const struct scene *scene, struct canvas *canvas);
static void traffic_act(void *view, const struct state *state, const struct act *act, struct size size);
static void traffic_selected(const struct scene *scene, char *out, size_t size);
static void traffic_card(const struct scene *scene, struct canvas *canvas);

struct traffic_view {
	bool back_first; /* r: the way back above the figures */
};

static const struct binding traffic_keys[] = {
    {.key = "Enter", .cmd = "card", .note = "the rows written on NEW, table by table"},
    {.key = "r", .cmd = "back-first", .note = "way back on top, or traffic on top"},
    {.key = NULL},
};

const struct panel traffic_panel = {
    .name = "traffic",
    .title = "Traffic",
    .digit = '0',
    .side = "",
    .watch = "traffic",
    .least = {36, 3},
    .view_size = sizeof(struct traffic_view),
    .keys = traffic_keys,
    .head = traffic_head,
    .draw = traffic_draw,
    .act = traffic_act,
    .selected = traffic_selected,
    .card = traffic_card,
};

enum { SIDE, GOOD, E4, E5, P50, P95, N_COLUMNS };
static const struct column traffic_columns[N_COLUMNS] = {
    [SIDE] = {.head = "SIDE", .least = 4, .want = 5},
    [GOOD] = {.head = "2xx/3xx", .least = 8, .want = 9, .right = true},
    [E4] = {.head = "4xx", .least = 6, .want = 6, .right = true},
    [E5] = {.head = "5xx", .least = 6, .want = 6, .right = true},
    [P50] = {.head = "p50 ms", .least = 7, .want = 7, .right = true, .rank = 2},
    [P95] = {.head = "p95 ms", .least = 7, .want = 7, .right = true, .rank = 1},
};

static void traffic_head(const struct scene *scene, char *out, size_t size)
{
	(void)scene;
	snprintf(out, size, "who answers, last minute");
}

static void draw_share(const struct scene *scene, struct canvas *canvas, int row, bool is_new)
{
	const struct traffic_state *traffic = &scene->state->traffic;
	int cols = canvas->size.cols, bar = cols >= 56 ? 28 : 16;
	/* Both sides make up a hundred, and line 1 or 2 says the same of NEW. */
	int percent = (int)(traffic->share_new * 100.0);
	const struct side_traffic *side = is_new ? &traffic->new_side : &traffic->old_side;
	int col = canvas_put(canvas, 0, row, is_new ? ROLE_NEW : ROLE_OLD, is_new ? "NEW" : "OLD") + 2;

	if (traffic->share_new < 0 || traffic->share_new > 1) {
		canvas_put(canvas, col, row, ROLE_MUTED, "share not known: nobody asked in the last minute");
		return;
	}
	percent = is_new ? percent : 100 - percent;
	canvas_bar(canvas, col, row, bar, percent, 100, is_new ? ROLE_NEW : ROLE_OLD);
	col = canvas_putf(canvas, col + bar + 2, row, ROLE_TEXT, "%3d%%", percent);
	if (cols - col > 16)
		canvas_putf(canvas, cols - 16, row, ROLE_MUTED, "%8d req/min", side->rpm);
}

static void draw_ms(struct canvas *canvas, int row, const struct columns *columns, int i, double ms)
{
	if (ms >= 0 && ms < 1e6)
		columns_putf(canvas, row, columns, i, ROLE_MUTED, "%.0f", ms);
	else
		columns_put(canvas, row, columns, i, ROLE_MUTED, "-");
}

static void draw_side(struct canvas *canvas, int row, const struct columns *columns, const char *name,
		      const struct side_traffic *side)
{
	columns_put(canvas, row, columns, SIDE, name[0] == 'O' ? ROLE_OLD : ROLE_NEW, name);
	columns_count(canvas, row, columns, GOOD, ROLE_TEXT, side->ok);
	columns_count(canvas, row, columns, E4, ROLE_MUTED, side->e4);
	columns_count(canvas, row, columns, E5, side->e5 > 0 && name[0] == 'N' ? ROLE_BAD : ROLE_MUTED,
		      side->e5);
	draw_ms(canvas, row, columns, P50, side->p50_ms);
	draw_ms(canvas, row, columns, P95, side->p95_ms);
}

static int draw_quiet(const struct scene *scene, struct canvas *canvas, int row)
{
	const struct traffic_state *traffic = &scene->state->traffic;
	char quiet[UNITS_MAX], need[UNITS_MAX];
	int64_t ms = scene->now_ms - traffic->quiet_since_ms;

	if (traffic->quiet_need_ms <= 0)
		return row;
	if (traffic->quiet_since_ms <= 0)
		canvas_putf(canvas, 0, row, ROLE_WARN, "quiet timer  0:00 of %s  %s",
			    units_duration(need, traffic->quiet_need_ms), traffic->quiet_why);
	else
		canvas_putf(canvas, 0, row, ROLE_TEXT, "quiet timer  %s of %s  %s",
			    units_duration(quiet, ms < traffic->quiet_need_ms ? ms : traffic->quiet_need_ms),
			    units_duration(need, traffic->quiet_need_ms), traffic->quiet_why);
	return row + 1;
}

static int draw_traffic(const struct scene *scene, struct canvas *canvas, int row, int end)
{
	const struct traffic_state *traffic = &scene->state->traffic;
	struct columns columns;
	char clock[UNITS_MAX];

	if (traffic->at_ms <= 0) {
		age_unseen(scene, canvas, row, "Nobody has been seen to visit yet.");
		return row + 1;
	}
	draw_share(scene, canvas, row++, true);
	draw_share(scene, canvas, row++, false);
	if (end - row >= 4)
		row++;
	if (end - row >= 3) {
		columns_fit(&columns, traffic_columns, N_COLUMNS, canvas->size.cols);
		columns_head(canvas, row++, &columns);
		draw_side(canvas, row++, &columns, "NEW", &traffic->new_side);
		draw_side(canvas, row++, &columns, "OLD", &traffic->old_side);
	}
	if (row < end && traffic->last_old_ms > 0 && scene->state->flip_at_ms > 0) {
		canvas_putf(canvas, 0, row, ROLE_MUTED, "last visitor on OLD at %s",
			    units_clock(clock, traffic->last_old_ms));
		canvas_sides(canvas, 0, row++, canvas->size.cols);
	}
	if (row < end)
		row = draw_quiet(scene, canvas, row);
	return row;
}

static void tables_text(const struct traffic_state *traffic, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < traffic->n_new_tables && len + 80 < size; i++) {
		char count[UNITS_MAX];

		snprintf(out + len, size - len, "%s%.48s %s", len ? "   " : "", traffic->new_tables[i].table,
			 units_count(count, traffic->new_tables[i].rows));
		len = strlen(out);
	}
}

/* The one figure of the hour after the flip: what going back would lose. */
static int draw_back(const struct scene *scene, struct canvas *canvas, int row, int end)
{
	const struct state *state = scene->state;
	struct sums sums;
	char text[800], a[UNITS_MAX];
	int col;

	sums_of(state, scene->now_ms, &sums);
	col = canvas_put(canvas, 0, row, ROLE_MUTED, "WAY BACK  ");
	if (sums.one_road)
		col = canvas_put(canvas, col, row, ROLE_WARN, "none in this playbook");
	else if (sums.back == BACK_FREE)
		col = canvas_put(canvas, col, row, ROLE_OK, state->flip_at_ms > 0 ? "FREE so far" : "FREE");
	else if (sums.back == BACK_ONE_WAY)
		col = canvas_put(canvas, col, row, ROLE_BAD, "ONE-WAY");
	else if (sums.back == BACK_COSTS && sums.back_rows > 0)
		col =
		    canvas_putf(canvas, col, row, ROLE_WARN, "COSTS %s ROWS", units_count(a, sums.back_rows));
	else if (sums.back == BACK_COSTS)
		col = canvas_put(canvas, col, row, ROLE_WARN, "COSTS ROWS, not counted yet");
	else
		col = canvas_put(canvas, col, row, ROLE_UNKNOWN, "cost not seen yet");
	if (state->new_write_at_ms > 0 && !sums.one_road && canvas->size.cols - col >= 25)
		canvas_putf(canvas, col + 2, row, ROLE_MUTED, "was FREE until %s",
			    units_clock(a, state->new_write_at_ms));
	row++;
	if (!sums.one_road && (sums.back == BACK_ONE_WAY || sums.back == BACK_UNKNOWN) && row < end)
		canvas_field(canvas, 0, row++, canvas->size.cols, false, ROLE_TEXT, sums.back_why);
	tables_text(&state->traffic, text, sizeof(text));
	if (text[0] && row < end)
		canvas_field(canvas, 0, row++, canvas->size.cols, false, ROLE_TEXT, text);
	if (row < end) {
		if (sums.one_road)
			snprintf(text, sizeof(text), "B has nothing to run: going back would be by hand");
		else if (sums.back_ms >= 0)
			snprintf(text, sizeof(text), "B shows plan and cost first; it takes ~%s",
				 units_duration(a, sums.back_ms));
		else
			snprintf(text, sizeof(text), "B shows plan and cost first; not rehearsed");
		canvas_field(canvas, 0, row++, canvas->size.cols, false, ROLE_MUTED, text);
	}
	return row;
}

static void traffic_draw(const struct scene *scene, struct canvas *canvas)
{
	const struct traffic_view *view = scene->view;
	int row = age_trouble(scene, canvas, "traffic"), rows = canvas->size.rows;

	if (view->back_first) {
		row = draw_back(scene, canvas, row, rows);
		draw_traffic(scene, canvas, row + (rows - row > 6 ? 1 : 0), rows);
		return;
	}
	row = draw_traffic(scene, canvas, row, rows - 1);
	if (rows - row > 3)
		row++;
	if (row < rows)
		draw_back(scene, canvas, row, rows);
}

static void traffic_act(void *data, const struct state *state, const struct act *act, struct size size)
{
	struct traffic_view *view = data;

	(void)state;
	(void)size;
	if (act->kind == ACT_KEY && text_equal(act->text, "back-first"))
		view->back_first = !view->back_first;
}

static void traffic_selected(const struct scene *scene, char *out, size_t size)
{
	(void)scene;
	text_copy(out, size, "way back");
}

static void traffic_card(const struct scene *scene, struct canvas *canvas)
{
	const struct traffic_state *traffic = &scene->state->traffic;
	int row = draw_back(scene, canvas, 0, canvas->size.rows) + 1;

	canvas_put(canvas, 0, row++, ROLE_MUTED, "ROWS WRITTEN ON NEW SINCE ITS APP STARTED");
	if (traffic->n_new_tables == 0)
		canvas_put(canvas, 0, row, ROLE_MUTED, "none seen yet");
	for (size_t i = 0; i < traffic->n_new_tables; i++) {
		char count[UNITS_MAX];

		canvas_field(canvas, 0, row, 30, false, ROLE_TEXT, traffic->new_tables[i].table);
		canvas_field(canvas, 31, row++, 14, true, ROLE_TEXT,
			     units_count(count, traffic->new_tables[i].rows));
	}
}
