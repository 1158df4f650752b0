/* 7 Host: the new machine, its containers, what its proxy routes, and who holds Kamal's lock. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/age.h"
#include "panels/brief.h"
#include "panels/columns.h"
#include "panels/list.h"
#include "panels/plan_card.h"

#include <stdio.h>
#include <string.h>

static void host_head(const struct scene *scene, char *out, size_t size);
static void host_draw(const struct scene *scene, struct canvas *canvas);
static void host_act(void *view, const struct state *state, const struct act *act, struct size size);
static void host_selected(const struct scene *scene, char *out, size_t size);
static void host_card(const struct scene *scene, struct canvas *canvas);

struct host_view {
	struct list list;
};

static const struct binding host_keys[] = {
    {.key = "Enter", .cmd = "card", .note = "this container: version, health, restarts"},
    {.key = NULL},
};

const struct panel host_panel = {
    .name = "host",
    .title = "Host",
    .digit = '7',
    .side = "NEW",
    .watch = "host",
    .least = {36, 3},
    .view_size = sizeof(struct host_view),
    .keys = host_keys,
    .head = host_head,
    .draw = host_draw,
    .act = host_act,
    .selected = host_selected,
    .card = host_card,
};

enum { NAME, VERSION, HEALTH, UP, RESTARTS, N_COLUMNS };
static const struct column host_columns[N_COLUMNS] = {
    [NAME] = {.head = "CONTAINER", .least = 14, .want = 20},
    [VERSION] = {.head = "VERSION", .least = 8, .want = 9, .rank = 2},
    [HEALTH] = {.head = "HEALTH", .least = 9, .want = 12},
    [UP] = {.head = "UP", .least = 8, .want = 10, .rank = 1},
    [RESTARTS] = {.head = "RESTARTS", .least = 8, .want = 8, .right = true, .rank = 3},
};

static void container_key(const void *ctx, size_t i, char *out, size_t size)
{
	text_copy(out, size, ((const struct host_state *)ctx)->containers[i].name);
}

static void container_text(const void *ctx, size_t i, char *out, size_t size)
{
	const struct container_seen *c = &((const struct host_state *)ctx)->containers[i];

	snprintf(out, size, "%s %s %s %s %s", c->name, c->role, c->version, c->status, c->health);
}

static struct list_rows rows_of(const struct state *state)
{
	return (struct list_rows){
	    .ctx = &state->host, .n = state->host.n, .key = container_key, .text = container_text};
}

static void host_head(const struct scene *scene, char *out, size_t size)
{
	snprintf(out, size, "NEW %s",
		 scene->state->host.address[0] ? scene->state->host.address : scene->state->new_name);
}

static void draw_load(const struct scene *scene, struct canvas *canvas, int row)
{
	const struct host_state *host = &scene->state->host;
	char a[UNITS_MAX], b[UNITS_MAX], text[200];
	int64_t skew_s = host->skew_ms / 1000;
	bool tight = host->disk_total > 0 && host->disk_free < host->disk_total / 10;
	int col;

	if (host->load_at_ms <= 0) {
		canvas_put(canvas, 0, row, ROLE_MUTED, "load, memory and disk: not seen yet");
		return;
	}
	snprintf(text, sizeof(text), "load %.2f   mem %s of %s   ", host->load, units_size(a, host->mem_used),
		 units_size(b, host->mem_total));
	col = canvas_put(canvas, 0, row, ROLE_MUTED, text);
	snprintf(text, sizeof(text), "disk %s free", units_size(a, host->disk_free));
	if (canvas_width(canvas, text) <= canvas->size.cols - col)
		col = canvas_put(canvas, col, row, tight ? ROLE_BAD : ROLE_MUTED, text);
	if ((skew_s > 1 || skew_s < -1) && canvas->size.cols - col > 14)
		canvas_putf(canvas, col + 3, row, ROLE_WARN, "clock %+llds", (long long)skew_s);
}

static void draw_container(const struct scene *scene, struct canvas *canvas, int row,
			   const struct columns *columns, const struct container_seen *c)
{
	char up[UNITS_MAX], name[128], version[128];
	bool running = text_equal(c->status, "running"), sick = text_equal(c->health, "unhealthy");
	const char *health =
	    !running ? c->status : (c->health[0] && !text_equal(c->health, "none") ? c->health : c->status);

	columns_put(canvas, row, columns, NAME, ROLE_TEXT, brief_ids(name, sizeof(name), c->name));
	columns_put(canvas, row, columns, VERSION, c->stale ? ROLE_WARN : ROLE_MUTED,
		    c->version[0] ? brief_ids(version, sizeof(version), c->version) : "-");
	columns_put(canvas, row, columns, HEALTH, sick ? ROLE_BAD : (running ? ROLE_OK : ROLE_WARN),
		    health[0] ? health : "-");
	columns_put(canvas, row, columns, UP, ROLE_MUTED,
		    running && c->started_ms > 0 ? units_duration(up, scene->now_ms - c->started_ms) : "-");
	columns_putf(canvas, row, columns, RESTARTS, c->restarts > 0 ? ROLE_WARN : ROLE_MUTED, "%d",
		     c->restarts);
}

static int draw_routes(const struct scene *scene, struct canvas *canvas, int row, int end)
{
	const struct host_state *host = &scene->state->host;
	char text[400], since[UNITS_MAX], target[128];

	for (size_t i = 0; i < host->n_routes && row < end; i++) {
		const struct route_seen *route = &host->routes[i];

		snprintf(text, sizeof(text), "%s → %s  %s%s", route->hosts[0] ? route->hosts : "any name",
			 brief_ids(target, sizeof(target), route->target), route->state,
			 route->tls ? "  TLS" : "");
		canvas_put(canvas, 0, row, ROLE_MUTED, i == 0 ? "proxy" : "");
		canvas_field(canvas, 7, row++, canvas->size.cols - 7, false, ROLE_MUTED, text);
	}
	if (row >= end)
		return row;
	canvas_put(canvas, 0, row, ROLE_MUTED, "lock");
	if (host->lock_held)
		snprintf(text, sizeof(text), "held by %s%s%s%s%s", host->lock_by[0] ? host->lock_by : "-",
			 host->lock_since_ms > 0 ? " since " : "",
			 host->lock_since_ms > 0 ? units_clock(since, host->lock_since_ms) : "",
			 host->lock_why[0] ? ": " : "", host->lock_why);
	else
		snprintf(text, sizeof(text), "free: a deploy could start");
	canvas_field(canvas, 7, row++, canvas->size.cols - 7, false, ROLE_MUTED, text);
	return row;
}

static int list_height(const struct state *state, int rows)
{
	int foot = (int)(state->host.n_routes < 4 ? state->host.n_routes : 4) + 1, height = rows - 2 - foot;

	return height >= 3 ? height : rows - 2;
}

static void host_draw(const struct scene *scene, struct canvas *canvas)
{
	const struct host_view *view = scene->view;
	struct list_rows rows = rows_of(scene->state);
	int top = age_trouble(scene, canvas, "host"),
	    height = list_height(scene->state, canvas->size.rows - top), r = 0;
	struct list_page page;
	struct columns columns;

	if (!scene->state->host.seen && scene->state->host.load_at_ms <= 0) {
		age_nothing(canvas, top, "The new host has not been seen yet.");
		return;
	}
	draw_load(scene, canvas, top);
	columns_fit(&columns, host_columns, N_COLUMNS, canvas->size.cols);
	columns_head(canvas, top + 1, &columns);
	list_page_init(&page, &view->list, &rows, height);
	for (; r < height && list_page_row(&page, r) >= 0; r++) {
		draw_container(scene, canvas, top + 2 + r, &columns,
			       &scene->state->host.containers[list_page_row(&page, r)]);
		if (scene->focus && page.top + (size_t)r == page.selected)
			canvas_select(canvas, top + 2 + r);
	}
	if (rows.n == 0)
		age_nothing(canvas, top + 2 + r++, "no container of this app");
	if (canvas->size.rows - top - 2 - r >= 1)
		draw_routes(scene, canvas, top + 2 + r, canvas->size.rows);
	list_note(canvas, top + 1, &view->list, &page);
	list_page_done(&page);
}

static void host_act(void *data, const struct state *state, const struct act *act, struct size size)
{
	struct host_view *view = data;
	struct list_rows rows = rows_of(state);

	list_act(&view->list, &rows, act, list_height(state, size.rows));
}

static void host_selected(const struct scene *scene, char *out, size_t size)
{
	const struct host_view *view = scene->view;
	struct list_rows rows = rows_of(scene->state);

	list_selected(&view->list, &rows, out, size);
}

static void host_card(const struct scene *scene, struct canvas *canvas)
{
	const struct host_view *view = scene->view;
	struct list_rows rows = rows_of(scene->state);
	ptrdiff_t at = list_selected_row(&view->list, &rows);
	char text[200], clock[UNITS_MAX];
	int row = 0;

	if (at < 0) {
		age_nothing(canvas, 0, "No container is selected.");
		return;
	}
	const struct container_seen *c = &scene->state->host.containers[at];
	canvas_put(canvas, 0, row++, ROLE_TITLE, c->name);
	row++;
	row = card_text(canvas, row, "ROLE", ROLE_TEXT, c->role[0] ? c->role : "-");
	row = card_text(canvas, row, "VERS", ROLE_TEXT, c->version[0] ? c->version : "-");
	snprintf(text, sizeof(text), "%s%s%s, %d restarts", c->status, c->health[0] ? ", " : "", c->health,
		 c->restarts);
	row = card_text(canvas, row, "STATE", ROLE_TEXT, text);
	row = card_text(canvas, row, "SINCE", ROLE_TEXT,
			c->started_ms > 0 ? units_clock(clock, c->started_ms) : "not known");
	if (c->stale)
		row = card_text(canvas, row, "NOTE", ROLE_WARN,
				"More than one container of this role is there; this one is not the newest.");
	if (scene->state->host.pg_version[0])
		row = card_text(canvas, row, "PG", ROLE_MUTED, scene->state->host.pg_version);
	draw_routes(scene, canvas, row + 1, canvas->size.rows);
}
