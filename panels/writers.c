/* 6 Writers: who still writes to the old database, and for how long it has been quiet. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/age.h"
#include "panels/columns.h"
#include "panels/list.h"
#include "panels/plan_card.h"

#include <stdio.h>
#include <string.h>

static void writers_head(const struct scene *scene, char *out, size_t size);
static void writers_draw(const struct scene *scene, struct canvas *canvas);
static void writers_act(void *view, const struct state *state, const struct act *act, struct size size);
static void writers_selected(const struct scene *scene, char *out, size_t size);
static void writers_card(const struct scene *scene, struct canvas *canvas);

struct writers_view {
	struct list list;
	bool writing;
};

static const struct binding writers_keys[] = {
    {.key = "Enter", .cmd = "card", .note = "what this session runs"},
    {.key = "z", .cmd = "writing", .note = "only sessions that write"},
    {.key = "T", .cmd = "end-session", .note = "end this session (asks y)"},
    {.key = NULL},
};

const struct panel writers_panel = {
    .name = "writers",
    .title = "Writers",
    .digit = '6',
    .side = "OLD",
    .watch = "writers",
    .least = {36, 3},
    .view_size = sizeof(struct writers_view),
    .keys = writers_keys,
    .head = writers_head,
    .draw = writers_draw,
    .act = writers_act,
    .selected = writers_selected,
    .card = writers_card,
};

enum { WHO, FROM, TABLE, ROWS, SINCE, STATE, N_COLUMNS };
static const struct column writers_columns[N_COLUMNS] = {
    [WHO] = {.head = "WHO", .least = 12, .want = 22},
    [FROM] = {.head = "FROM", .least = 13, .want = 18, .rank = 3},
    [TABLE] = {.head = "TABLE", .least = 10, .want = 16, .rank = 1},
    [ROWS] = {.head = "ROWS/20s", .least = 8, .want = 8, .right = true},
    [SINCE] = {.head = "SINCE", .least = 7, .want = 7, .right = true, .rank = 2},
    [STATE] = {.head = "STATE", .least = 8, .want = 20, .rank = 4},
};

struct sessions {
	const struct writers_state *writers;
	size_t index[512], n, writing;
};

static void sessions_init(struct sessions *sessions, const struct writers_view *view,
			  const struct state *state)
{
	*sessions = (struct sessions){.writers = &state->writers};
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < state->writers.n; i++) {
			bool writes = state->writers.writers[i].writes;

			if (writes != (pass == 0))
				continue;
			sessions->writing += writes;
			if ((writes || !view->writing) && sessions->n < 512)
				sessions->index[sessions->n++] = i;
		}
}

static const struct writer_seen *writer_of(const struct sessions *sessions, size_t i)
{
	return &sessions->writers->writers[sessions->index[i]];
}

/* A process id comes back after a while; with the time it started it is one session and no other. */
static void session_key(const void *ctx, size_t i, char *out, size_t size)
{
	const struct writer_seen *writer = writer_of(ctx, i);

	snprintf(out, size, "%d:%lld", writer->pid, (long long)writer->start_ms);
}

static void session_text(const void *ctx, size_t i, char *out, size_t size)
{
	const struct writer_seen *writer = writer_of(ctx, i);

	snprintf(out, size, "%s %s %s %s %s", writer->who, writer->from, writer->table, writer->state,
		 writer->query);
}

static struct list_rows rows_of(const struct sessions *sessions)
{
	return (struct list_rows){
	    .ctx = sessions, .n = sessions->n, .key = session_key, .text = session_text};
}

static void writers_head(const struct scene *scene, char *out, size_t size)
{
	(void)scene;
	snprintf(out, size, "OLD database");
}

static void draw_quiet(const struct scene *scene, struct canvas *canvas, int row)
{
	const struct writers_state *writers = &scene->state->writers;
	const struct watch_seen *watch = watch_get(scene->state, "writers");
	int bar = canvas->size.cols >= 56 ? 24 : 14, col;
	char quiet[UNITS_MAX];
	int64_t quiet_ms;

	col = canvas_put(canvas, 0, row, ROLE_TEXT, "QUIET FOR  ");
	if (scene->seat.no_trace) {
		canvas_put(canvas, col, row, ROLE_MUTED, "not recorded");
		return;
	}
	if (writers->quiet_since_ms <= 0) {
		canvas_put(canvas, col, row, ROLE_WARN, "0 s: somebody writes");
		return;
	}
	/* Only what was really watched counts: never longer than till the newest look. */
	quiet_ms = (watch && watch->ok_at_ms > writers->at_ms ? watch->ok_at_ms : writers->at_ms) -
		   writers->quiet_since_ms;
	if (quiet_ms < 0)
		quiet_ms = 0;
	if (writers->quiet_need_ms > 0 && quiet_ms < writers->quiet_need_ms) {
		canvas_bar(canvas, col, row, bar, quiet_ms, writers->quiet_need_ms, ROLE_TEXT);
		canvas_putf(canvas, col + bar + 2, row, ROLE_TEXT, "%lld of %lld s",
			    (long long)(quiet_ms / 1000), (long long)(writers->quiet_need_ms / 1000));
	} else
		canvas_putf(canvas, col, row, ROLE_OK, "%s", units_duration(quiet, quiet_ms));
}

static void draw_last(const struct scene *scene, struct canvas *canvas, int row)
{
	const struct writers_state *writers = &scene->state->writers;
	char clock[UNITS_MAX];

	if (writers->last_write_at_ms <= 0)
		canvas_field(canvas, 0, row, canvas->size.cols, false, ROLE_MUTED,
			     "last written row: none seen since nightferry looks");
	else {
		char text[240];

		snprintf(text, sizeof(text), "last written row: %s, %s, by %s",
			 writers->last_write_table[0] ? writers->last_write_table : "-",
			 units_clock(clock, writers->last_write_at_ms),
			 writers->last_write_by[0] ? writers->last_write_by : "-");
		canvas_field(canvas, 0, row, canvas->size.cols, false, ROLE_MUTED, text);
	}
}

static void draw_session(const struct scene *scene, struct canvas *canvas, int row,
			 const struct columns *columns, const struct writer_seen *writer)
{
	char text[UNITS_MAX];
	enum role role = writer->writes ? ROLE_WARN : ROLE_MUTED;

	columns_put(canvas, row, columns, WHO, writer->writes ? ROLE_WARN : ROLE_TEXT,
		    writer->who[0] ? writer->who : "-");
	columns_put(canvas, row, columns, FROM, ROLE_MUTED, writer->from[0] ? writer->from : "-");
	columns_put(canvas, row, columns, TABLE, role, writer->table[0] ? writer->table : "-");
	if (writer->rows < 0)
		columns_put(canvas, row, columns, ROWS, role, "shared");
	else
		columns_count(canvas, row, columns, ROWS, role, writer->rows);
	columns_put(canvas, row, columns, SINCE, ROLE_MUTED,
		    writer->since_ms > 0 ? units_duration(text, scene->now_ms - writer->since_ms) : "-");
	columns_put(canvas, row, columns, STATE, ROLE_MUTED, writer->state);
}

static int head_lines(int rows)
{
	return rows >= 7 ? 3 : 2;
}

static void writers_draw(const struct scene *scene, struct canvas *canvas)
{
	const struct writers_view *view = scene->view;
	int top = age_trouble(scene, canvas, "writers"), rows = canvas->size.rows - top,
	    head = head_lines(rows), height;
	bool last = rows >= 5;
	struct sessions sessions;
	struct list_rows list_rows;
	struct list_page page;
	struct columns columns;

	if (!scene->state->writers.seen) {
		age_nothing(canvas, top, "The old database has not been watched yet.");
		return;
	}
	sessions_init(&sessions, view, scene->state);
	list_rows = rows_of(&sessions);
	draw_quiet(scene, canvas, top);
	columns_fit(&columns, writers_columns, N_COLUMNS, canvas->size.cols);
	columns_head(canvas, top + head - 1, &columns);
	height = rows - head - (last ? 1 : 0);
	list_page_init(&page, &view->list, &list_rows, height);
	int r = 0;
	for (; r < height && list_page_row(&page, r) >= 0; r++) {
		draw_session(scene, canvas, top + head + r, &columns,
			     writer_of(&sessions, (size_t)list_page_row(&page, r)));
		if (scene->focus && page.top + (size_t)r == page.selected)
			canvas_select(canvas, top + head + r);
	}
	if (sessions.n == 0)
		age_nothing(canvas, top + head, view->writing ? "nobody writes" : "no session of anybody");
	if (last)
		draw_last(scene, canvas, top + head + (r + 1 < height ? (r > 0 ? r : 1) + 1 : height));
	list_note(canvas, top + head - 1, &view->list, &page);
	list_page_done(&page);
}

static void writers_act(void *data, const struct state *state, const struct act *act, struct size size)
{
	struct writers_view *view = data;
	struct sessions sessions;
	struct list_rows rows;

	if (act->kind == ACT_KEY) {
		if (text_equal(act->text, "writing"))
			view->writing = !view->writing;
		return;
	}
	sessions_init(&sessions, view, state);
	rows = rows_of(&sessions);
	list_act(&view->list, &rows, act, size.rows - head_lines(size.rows) - (size.rows >= 5));
}

static void writers_selected(const struct scene *scene, char *out, size_t size)
{
	const struct writers_view *view = scene->view;
	struct sessions sessions;
	struct list_rows rows;

	sessions_init(&sessions, view, scene->state);
	rows = rows_of(&sessions);
	list_selected(&view->list, &rows, out, size);
}

static void writers_card(const struct scene *scene, struct canvas *canvas)
{
	const struct writers_view *view = scene->view;
	struct sessions sessions;
	struct list_rows rows;
	ptrdiff_t at;
	char clock[UNITS_MAX], text[200];
	int row = 0;

	sessions_init(&sessions, view, scene->state);
	rows = rows_of(&sessions);
	at = list_selected_row(&view->list, &rows);
	if (at < 0) {
		age_nothing(canvas, 0, "No session is selected.");
		return;
	}
	const struct writer_seen *writer = writer_of(&sessions, (size_t)at);
	canvas_putf(canvas, 0, row++, ROLE_TITLE, "%s   process %d   %s", writer->who, writer->pid,
		    writer->state);
	row++;
	row = card_text(canvas, row, "FROM", ROLE_TEXT, writer->from[0] ? writer->from : "not known");
	snprintf(text, sizeof(text), "%s",
		 writer->start_ms > 0 ? units_clock(clock, writer->start_ms) : "not known");
	row = card_text(canvas, row, "SINCE", ROLE_TEXT, text);
	if (writer->rows < 0)
		snprintf(text, sizeof(text), "to %s, as others do: whose rows they are is not known",
			 writer->table);
	else
		snprintf(text, sizeof(text), "%lld rows in the last 20 s%s%s%s", (long long)writer->rows,
			 writer->table[0] ? ", table " : "", writer->table,
			 writer->writes && !writer->rows ? "; its open transaction has written" : "");
	row = card_text(canvas, row, "WROTE", writer->writes ? ROLE_WARN : ROLE_TEXT, text);
	row = card_text(canvas, row, "RUNS", ROLE_TEXT,
			writer->query[0] ? writer->query : "nothing, or it may not be seen");
	card_text(canvas, row + 1, "KEYS", ROLE_MUTED,
		  "T ends this session (asks y). Its open transaction is rolled back.");
}
