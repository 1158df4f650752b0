/* 2 Dynos: what still runs on Heroku, type by type, and to what the way back would scale it. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/age.h"
#include "panels/columns.h"
#include "panels/dynos_around.h"
#include "panels/list.h"

#include <stdio.h>
#include <string.h>

static void dynos_head(const struct scene *scene, char *out, size_t size);
static void dynos_draw(const struct scene *scene, struct canvas *canvas);
static void dynos_act(void *view, const struct state *state, const struct act *act, struct size size);
static void dynos_selected(const struct scene *scene, char *out, size_t size);
static void dynos_card(const struct scene *scene, struct canvas *canvas);

struct dynos_view {
	struct list list, around_list;
	bool each;   /* every dyno on its own line */
	bool around; /* add-ons, domains, backups instead of dynos */
};

static const struct binding dynos_keys[] = {
    {.key = "Enter", .cmd = "card", .note = "this type's dynos with their commands"},
    {.key = "z", .cmd = "each", .note = "by type, or every dyno by itself"},
    {.key = "a", .cmd = "around", .note = "add-ons, domains, database, backups; or the dynos again"},
    {.key = NULL},
};

const struct panel dynos_panel = {
    .name = "dynos",
    .title = "Dynos",
    .digit = '2',
    .side = "OLD",
    .watch = "dynos",
    .least = {36, 3},
    .view_size = sizeof(struct dynos_view),
    .keys = dynos_keys,
    .head = dynos_head,
    .draw = dynos_draw,
    .act = dynos_act,
    .selected = dynos_selected,
    .card = dynos_card,
};

enum { TYPE, SIZE, WANT, HAVE, BEFORE, STATE, N_COLUMNS };
static const struct column dynos_columns[N_COLUMNS] = {
    [TYPE] = {.head = "TYPE", .least = 8, .want = 14},
    [SIZE] = {.head = "SIZE", .least = 11, .want = 11, .rank = 3},
    [WANT] = {.head = "WANT", .least = 4, .want = 4, .right = true, .rank = 2},
    [HAVE] = {.head = "HAVE", .least = 4, .want = 4, .right = true},
    [BEFORE] = {.head = "BEFORE", .least = 6, .want = 6, .right = true, .rank = 4},
    [STATE] = {.head = "STATE", .least = 12, .want = 40},
};

static bool formed(const struct dynos_state *dynos, const char *type)
{
	for (size_t i = 0; i < dynos->n_formation; i++)
		if (text_equal(dynos->formation[i].type, type))
			return true;
	return false;
}

/* The rows: every type of the formation, then every dyno that belongs to none (one-offs); or all dynos. */
struct dyno_rows {
	const struct dynos_state *dynos;
	bool each;
	size_t n_types;
};

static size_t loose(const struct dyno_rows *rows, size_t nth)
{
	size_t seen = 0;

	for (size_t i = 0; i < rows->dynos->n; i++)
		if ((rows->each || !formed(rows->dynos, rows->dynos->dynos[i].type)) && seen++ == nth)
			return i;
	return rows->dynos->n;
}

static const struct dyno_seen *dyno_of(const struct dyno_rows *rows, size_t i)
{
	size_t at;

	if (rows->each)
		return i < rows->dynos->n ? &rows->dynos->dynos[i] : NULL;
	if (i < rows->n_types)
		return NULL;
	at = loose(rows, i - rows->n_types);
	return at < rows->dynos->n ? &rows->dynos->dynos[at] : NULL;
}

static void row_key(const void *ctx, size_t i, char *out, size_t size)
{
	const struct dyno_rows *rows = ctx;
	const struct dyno_seen *dyno = dyno_of(rows, i);

	if (dyno)
		text_copy(out, size, dyno->name);
	else
		snprintf(out, size, "type:%s", i < rows->n_types ? rows->dynos->formation[i].type : "");
}

static void row_text(const void *ctx, size_t i, char *out, size_t size)
{
	const struct dyno_seen *dyno = dyno_of(ctx, i);

	if (dyno)
		snprintf(out, size, "%s %s %s %s", dyno->name, dyno->type, dyno->state, dyno->command);
	else
		row_key(ctx, i, out, size);
}

static struct list_rows rows_of(const struct dyno_rows *rows)
{
	size_t n = rows->n_types;

	for (size_t i = 0; i < rows->dynos->n; i++)
		n += rows->each || !formed(rows->dynos, rows->dynos->dynos[i].type);
	return (struct list_rows){.ctx = rows, .n = n, .key = row_key, .text = row_text};
}

static struct dyno_rows rows_init(const struct dynos_view *view, const struct state *state)
{
	return (struct dyno_rows){
	    .dynos = &state->dynos, .each = view->each, .n_types = view->each ? 0 : state->dynos.n_formation};
}

static void dynos_head(const struct scene *scene, char *out, size_t size)
{
	snprintf(out, size, "OLD %s", scene->state->old_name);
}

static void draw_top(const struct scene *scene, struct canvas *canvas, int row)
{
	const struct dynos_state *dynos = &scene->state->dynos;
	char clock[UNITS_MAX];
	int col = canvas_put(canvas, 0, row, ROLE_MUTED, "maintenance ");

	col = canvas_put(canvas, col, row, dynos->maintenance ? ROLE_TEXT : ROLE_MUTED,
			 dynos->maintenance ? "ON" : "off");
	if (dynos->maintenance_at_ms > 0)
		col = canvas_putf(canvas, col, row, ROLE_MUTED, " since %s",
				  units_clock(clock, dynos->maintenance_at_ms));
	bool pending = text_equal(dynos->release_status, "pending"),
	     failed = text_equal(dynos->release_status, "failed");
	char release[48];

	snprintf(release, sizeof(release), "%s%s%s", dynos->release, pending || failed ? " " : "",
		 pending  ? "RELEASING"
		 : failed ? "FAILED"
			  : "");
	if (dynos->release[0] && canvas->size.cols - col > 16)
		canvas_field(canvas, col + 1, row, canvas->size.cols - col - 1, true,
			     failed    ? ROLE_BAD
			     : pending ? ROLE_WARN
				       : ROLE_MUTED,
			     release);
}

/* A one-off that the writers' watch knows by name is why the database is not quiet. */
static bool writes(const struct state *state, const struct dyno_seen *dyno)
{
	for (size_t i = 0; i < state->writers.n; i++)
		if (text_find(state->writers.writers[i].who, dyno->name))
			return true;
	return false;
}

static void draw_dyno(const struct scene *scene, struct canvas *canvas, int row,
		      const struct columns *columns, const struct dyno_seen *dyno)
{
	char age[UNITS_MAX];
	bool formation = formed(&scene->state->dynos, dyno->type), seen = writes(scene->state, dyno);
	/* What no formation made is stopped by no scale: each may write, whoever was seen to. */
	bool loud = seen || !formation;
	const char *word = !loud ? "" : seen ? "WRITES? " : "MAY WRITE ";

	columns_put(canvas, row, columns, TYPE, ROLE_TEXT, dyno->name);
	columns_put(canvas, row, columns, SIZE, ROLE_MUTED,
		    formation                             ? dyno->size
		    : text_equal(dyno->type, "scheduler") ? "scheduler"
		    : text_equal(dyno->type, "release")   ? "release"
							  : "one-off");
	columns_put(canvas, row, columns, WANT, ROLE_MUTED, "-");
	columns_put(canvas, row, columns, HAVE, ROLE_TEXT, "1");
	columns_put(canvas, row, columns, BEFORE, ROLE_MUTED, "-");
	/* The loud word first: what is cut off at the end is only for how long. */
	columns_putf(canvas, row, columns, STATE,
		     text_equal(dyno->state, "crashed") ? ROLE_BAD
		     : loud                             ? ROLE_WARN
							: ROLE_TEXT,
		     "%s%s%s%s", word, loud && columns->cells[STATE] < 15 ? "" : dyno->state,
		     loud && columns->cells[STATE] < 15 ? "" : " ",
		     dyno->since_ms > 0 ? units_duration(age, scene->now_ms - dyno->since_ms) : "");
}

static void draw_type(const struct scene *scene, struct canvas *canvas, int row,
		      const struct columns *columns, const struct formation_seen *type)
{
	const struct dynos_state *dynos = &scene->state->dynos;
	int have = 0, up = 0, crashed = 0;

	for (size_t i = 0; i < dynos->n; i++)
		if (text_equal(dynos->dynos[i].type, type->type)) {
			have++;
			up += text_equal(dynos->dynos[i].state, "up");
			crashed += text_equal(dynos->dynos[i].state, "crashed");
		}
	columns_put(canvas, row, columns, TYPE, ROLE_TEXT, type->type);
	columns_put(canvas, row, columns, SIZE, ROLE_MUTED, type->size);
	columns_putf(canvas, row, columns, WANT, type->want == have ? ROLE_MUTED : ROLE_WARN, "%d",
		     type->want);
	columns_putf(canvas, row, columns, HAVE, ROLE_TEXT, "%d", have);
	if (type->before >= 0)
		columns_putf(canvas, row, columns, BEFORE, ROLE_MUTED, "%d", type->before);
	else
		columns_put(canvas, row, columns, BEFORE, ROLE_MUTED, "-");
	if (crashed > 0)
		columns_putf(canvas, row, columns, STATE, ROLE_BAD, "%d up, %d crashed", up, crashed);
	else if (have == 0)
		columns_put(canvas, row, columns, STATE, type->before > 0 ? ROLE_OK : ROLE_MUTED,
			    type->want > 0 ? "none yet" : (type->before > 0 ? "all gone" : "none"));
	else if (up < have)
		columns_putf(canvas, row, columns, STATE, ROLE_TEXT, "%d up, %d %s", up, have - up,
			     type->want < have ? "going" : "coming");
	else
		columns_putf(canvas, row, columns, STATE, ROLE_TEXT,
			     type->want < have ? "%d up, to stop" : "%d up", up);
}

/* What lies below the list: the database, the way back and Heroku's own warning, as far as there is room. */
static void draw_foot(const struct scene *scene, struct canvas *canvas, int row)
{
	const struct dynos_state *dynos = &scene->state->dynos;
	char text[600] = "", size[UNITS_MAX];
	bool recorded = false;

	if (dynos->plan[0]) {
		snprintf(text, sizeof(text), "%s %s, %s, %d of %d connections", dynos->plan, dynos->version,
			 units_size(size, dynos->size_bytes), dynos->connections, dynos->connection_limit);
		canvas_put(canvas, 0, row, ROLE_MUTED, "database");
		canvas_field(canvas, 11, row++, canvas->size.cols - 11, false, ROLE_MUTED, text);
	}
	text[0] = '\0';
	for (size_t i = 0; i < dynos->n_formation; i++) {
		size_t len = strlen(text);

		if (dynos->formation[i].before < 0)
			continue;
		recorded = true;
		snprintf(text + len, sizeof(text) - len, "%s%s=%d", len ? " " : "", dynos->formation[i].type,
			 dynos->formation[i].before);
	}
	canvas_put(canvas, 0, row, ROLE_MUTED, "way back");
	canvas_field(canvas, 11, row++, canvas->size.cols - 11, false, ROLE_MUTED,
		     recorded ? text : "not recorded yet: the freeze does it first");
	if (dynos->warning[0])
		canvas_field(canvas, 0, row, canvas->size.cols, false, ROLE_WARN, dynos->warning);
}

/* Everything below the list, the loudest first where there is little room. */
static void draw_below(const struct scene *scene, struct canvas *canvas, int row)
{
	const struct dynos_state *dynos = &scene->state->dynos;
	int own = 1 + (dynos->plan[0] != '\0') + (dynos->warning[0] != '\0'), room = canvas->size.rows - row;

	draw_foot(scene, canvas, row);
	if (room > own)
		around_foot(scene, canvas, row + own, room - own);
}

static int list_height(const struct dynos_state *dynos, int rows)
{
	int foot = 3 + around_loud(dynos, 2) + (dynos->plan[0] != '\0') + (dynos->warning[0] != '\0');

	return rows - 2 - foot >= 4 ? rows - 2 - foot : rows - 2;
}

/* Which part of a long list is on the screen; what is searched or filtered has a note of its own. */
static void draw_part(struct canvas *canvas, int row, const struct dynos_view *view,
		      const struct list_page *page, int shown, size_t n)
{
	char text[48];

	if (view->list.filter[0] || view->list.search[0] || (size_t)shown >= n)
		return;
	snprintf(text, sizeof(text), " %zu-%zu of %zu ", page->top + 1, page->top + (size_t)shown, n);
	canvas_field(canvas, canvas->size.cols - (int)strlen(text), row, (int)strlen(text), false, ROLE_KEY,
		     text);
}

static void dynos_draw(const struct scene *scene, struct canvas *canvas)
{
	const struct dynos_view *view = scene->view;
	struct dyno_rows rows = rows_init(view, scene->state);
	struct list_rows list_rows = rows_of(&rows);
	struct columns columns;
	struct list_page page;
	int top = age_trouble(scene, canvas, "dynos"),
	    height = list_height(rows.dynos, canvas->size.rows - top), used = 0;

	if (!rows.dynos->seen) {
		age_nothing(canvas, top, "Heroku has not been seen yet.");
		return;
	}
	draw_top(scene, canvas, top);
	if (view->around) {
		around_draw(scene, &view->around_list, canvas, top + 1, canvas->size.rows - top - 1);
		return;
	}
	columns_fit(&columns, dynos_columns, N_COLUMNS, canvas->size.cols);
	columns_head(canvas, top + 1, &columns);
	list_page_init(&page, &view->list, &list_rows, height);
	for (int r = 0; r < height && list_page_row(&page, r) >= 0; r++, used++) {
		size_t i = (size_t)list_page_row(&page, r);
		const struct dyno_seen *dyno = dyno_of(&rows, i);

		if (dyno)
			draw_dyno(scene, canvas, top + 2 + r, &columns, dyno);
		else
			draw_type(scene, canvas, top + 2 + r, &columns, &rows.dynos->formation[i]);
		if (scene->focus && page.top + (size_t)r == page.selected)
			canvas_select(canvas, top + 2 + r);
	}
	if (list_rows.n == 0)
		age_nothing(canvas, top + 2, "no dyno of any kind");
	list_note(canvas, top + 1, &view->list, &page);
	draw_part(canvas, top + 1, view, &page, used, list_rows.n);
	if (canvas->size.rows - top - 2 - used >= 3)
		draw_below(scene, canvas, top + 3 + used);
	list_page_done(&page);
}

static void dynos_act(void *data, const struct state *state, const struct act *act, struct size size)
{
	struct dynos_view *view = data;
	struct dyno_rows rows = rows_init(view, state);
	struct list_rows list_rows = rows_of(&rows), around = around_rows(state);

	if (act->kind == ACT_KEY && text_equal(act->text, "each"))
		view->each = !view->each;
	else if (act->kind == ACT_KEY && text_equal(act->text, "around"))
		view->around = !view->around;
	else if (view->around)
		list_act(&view->around_list, &around, act, size.rows - 1);
	else
		list_act(&view->list, &list_rows, act, list_height(&state->dynos, size.rows));
}

static void dynos_selected(const struct scene *scene, char *out, size_t size)
{
	const struct dynos_view *view = scene->view;
	struct dyno_rows rows = rows_init(view, scene->state);
	struct list_rows list_rows = view->around ? around_rows(scene->state) : rows_of(&rows);

	list_selected(view->around ? &view->around_list : &view->list, &list_rows, out, size);
}

static void dynos_card(const struct scene *scene, struct canvas *canvas)
{
	const struct dynos_state *dynos = &scene->state->dynos;
	char key[104] = "", since[UNITS_MAX];
	int row = 2;

	dynos_selected(scene, key, sizeof(key));
	if (((const struct dynos_view *)scene->view)->around && around_card(scene, key, canvas))
		return;
	canvas_put(canvas, 0, 0, ROLE_TITLE, text_starts(key, "type:") ? key + 5 : key);
	for (size_t i = 0; i < dynos->n; i++) {
		const struct dyno_seen *dyno = &dynos->dynos[i];

		if (text_starts(key, "type:") ? !text_equal(dyno->type, key + 5)
					      : !text_equal(dyno->name, key))
			continue;
		canvas_putf(canvas, 0, row++, ROLE_TEXT, "%s   %s   %s   since %s", dyno->name, dyno->size,
			    dyno->state, dyno->since_ms > 0 ? units_clock(since, dyno->since_ms) : "-");
		row += canvas_wrap(canvas, 2, row, canvas->size.cols - 2, 3, ROLE_MUTED, dyno->command);
	}
	if (row == 2)
		canvas_put(canvas, 0, row, ROLE_MUTED, "No dyno of this type runs.");
}
