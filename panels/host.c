/* 7 Host: the new machine, its containers, what its proxy routes, and who holds Kamal's lock. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/age.h"
#include "panels/brief.h"
#include "panels/columns.h"
#include "panels/host_card.h"
#include "panels/list.h"

#include <stdio.h>
#include <string.h>

static void host_head(const struct scene *scene, char *out, size_t size);
static void host_draw(const struct scene *scene, struct canvas *canvas);
static void host_act(void *view, const struct state *state, const struct act *act, struct size size);
static void host_selected(const struct scene *scene, char *out, size_t size);
static void host_card(const struct scene *scene, struct canvas *canvas);

struct host_view {
	struct list list;
	bool audit;
	size_t up; /* audit lines scrolled up from the end */
};

static const struct binding host_keys[] = {
    {.key = "Enter", .cmd = "card", .note = "this container: version, health, restarts, its last lines"},
    {.key = "a", .cmd = "audit", .note = "Kamal's audit log, or the containers again"},
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
    [HEALTH] = {.head = "HEALTH", .least = 9, .want = 14},
    [UP] = {.head = "UP", .least = 8, .want = 10, .rank = 1},
    [RESTARTS] = {.head = "RESTARTS", .least = 8, .want = 8, .right = true, .rank = 3},
};

/* ---- rows: the containers; with several hosts each has a row of its own above them ---- */

static struct host_row row_at(const struct state *state, size_t i)
{
	bool several = state->n_more_hosts > 0;

	for (size_t h = 0;; h++) {
		const struct host_state *host = host_at(state, h);

		if (!host)
			return (struct host_row){.host = &state->host};
		if (several && i == 0)
			return (struct host_row){.host = host};
		i -= several;
		if (i < host->n)
			return (struct host_row){.host = host, .container = &host->containers[i]};
		i -= host->n;
	}
}

static void row_key(const void *ctx, size_t i, char *out, size_t size)
{
	struct host_row row = row_at(ctx, i);

	snprintf(out, size, "%s%s%s", row.host->name, row.host->name[0] && row.container ? "/" : "",
		 row.container ? row.container->name : "");
}

static void row_text(const void *ctx, size_t i, char *out, size_t size)
{
	struct host_row row = row_at(ctx, i);
	const struct container_seen *c = row.container;

	if (c)
		snprintf(out, size, "%s %s %s %s %s %s", row.host->address, c->name, c->role, c->version,
			 c->status, c->health);
	else
		snprintf(out, size, "%s %s", row.host->name, row.host->address);
}

static struct list_rows rows_of(const struct state *state)
{
	size_t n = 0;

	for (size_t h = 0; host_at(state, h); h++)
		n += host_at(state, h)->n + (state->n_more_hosts > 0);
	return (struct list_rows){.ctx = state, .n = n, .key = row_key, .text = row_text};
}

static void host_head(const struct scene *scene, char *out, size_t size)
{
	const struct host_view *view = scene->view;
	const struct state *state = scene->state;

	if (view->audit)
		snprintf(out, size, "NEW Kamal's audit log");
	else if (state->n_more_hosts > 0)
		snprintf(out, size, "NEW %zu hosts", state->n_more_hosts + 1);
	else
		snprintf(out, size, "NEW %s", state->host.address[0] ? state->host.address : state->new_name);
}

static const struct host_disk *fullest(const struct host_state *host)
{
	return host->n_disks > 0 ? &host->disks[0] : NULL;
}

static void draw_load(const struct scene *scene, struct canvas *canvas, int col, int row,
		      const struct host_state *host)
{
	char a[UNITS_MAX], b[UNITS_MAX], text[200];
	int64_t skew_s = host->skew_ms / 1000;
	bool tight = host->disk_total > 0 && host->disk_free < host->disk_total / 10;
	const struct host_disk *disk = fullest(host);

	if (host->load_at_ms <= 0) {
		canvas_put(canvas, col, row, ROLE_MUTED,
			   scene->seat.no_trace ? "load, memory and disk: not recorded"
						: "load, memory and disk: not seen yet");
		return;
	}
	snprintf(text, sizeof(text), "load %.2f   mem %s of %s   ", host->load, units_size(a, host->mem_used),
		 units_size(b, host->mem_total));
	col = canvas_put(canvas, col, row, ROLE_MUTED, text);
	snprintf(text, sizeof(text), "disk %s free", units_size(a, host->disk_free));
	if (canvas_width(canvas, text) <= canvas->size.cols - col)
		col = canvas_put(canvas, col, row, tight ? ROLE_BAD : ROLE_MUTED, text);
	/* Which one, where it is not the only one. */
	if (disk && host->n_disks > 1 && (int)strlen(disk->path) + 4 < canvas->size.cols - col)
		col = canvas_putf(canvas, col, row, ROLE_MUTED, " on %s", disk->path);
	if ((skew_s > 1 || skew_s < -1) && canvas->size.cols - col > 14)
		canvas_putf(canvas, col + 3, row, ROLE_WARN, "clock %+llds", (long long)skew_s);
}

static void draw_container(const struct scene *scene, struct canvas *canvas, int row,
			   const struct columns *columns, const struct container_seen *c, const char *pg)
{
	char up[UNITS_MAX], name[128], version[128], health[64];
	bool running = text_equal(c->status, "running");
	enum role role = host_health(c, health, sizeof(health));

	columns_put(canvas, row, columns, NAME, c->replaced ? ROLE_WARN : ROLE_TEXT,
		    brief_ids(name, sizeof(name), c->name));
	columns_put(canvas, row, columns, VERSION, c->stale ? ROLE_WARN : ROLE_MUTED,
		    c->version[0]                        ? brief_ids(version, sizeof(version), c->version)
		    : text_equal(c->role, "db") && pg[0] ? pg
							 : "-");
	columns_put(canvas, row, columns, HEALTH, role, health);
	columns_put(canvas, row, columns, UP, ROLE_MUTED,
		    running && c->started_ms > 0 && c->started_ms <= scene->now_ms
			? units_duration(up, scene->now_ms - c->started_ms)
			: "-");
	columns_putf(canvas, row, columns, RESTARTS, c->restarts > 0 ? ROLE_WARN : ROLE_MUTED, "%d",
		     c->restarts);
}

static void draw_host(const struct scene *scene, struct canvas *canvas, int row,
		      const struct host_state *host)
{
	int col = canvas_put(canvas, 0, row, ROLE_TITLE, host->name[0] ? host->name : host->address);
	char name[32], age[UNITS_MAX];
	const struct watch_seen *watch;

	snprintf(name, sizeof(name), host->name[0] ? "host@%.26s" : "host", host->name);
	watch = watch_get(scene->state, name);
	if (watch && !watch->ok) {
		snprintf(age, sizeof(age), "%s", "");
		age_seen(scene, name, age, sizeof(age));
		col = canvas_putf(canvas, col + 2, row, ROLE_WARN, "%s", age);
		canvas_field(canvas, col + 2, row, canvas->size.cols - col - 2, false, ROLE_WARN,
			     watch->text);
	} else if (!host->seen && host->load_at_ms <= 0) {
		canvas_put(canvas, col + 2, row, ROLE_UNKNOWN, "not seen yet");
	} else {
		draw_load(scene, canvas, col + 2, row, host);
	}
}

static int list_height(const struct state *state, int rows)
{
	size_t routes = 0;
	int foot, height;

	for (size_t h = 0; host_at(state, h); h++)
		routes += host_at(state, h)->n_routes;
	foot = (int)(routes < 4 ? routes : 4) + 1;
	height = rows - 2 - foot;
	return height >= 3 ? height : rows - 2;
}

/* The end of the log, oldest line first. */
static void draw_audit(const struct scene *scene, struct canvas *canvas, int top)
{
	const struct host_view *view = scene->view;
	const struct host_state *host = &scene->state->host;
	int height = canvas->size.rows - top;
	size_t up = view->up < host->n_audit ? view->up : host->n_audit, end = host->n_audit - up,
	       fit = height > 0 ? (size_t)height : 0, from = end > fit ? end - fit : 0;

	if (host->n_audit == 0)
		age_nothing(canvas, top,
			    host->audit_at_ms > 0 ? "Kamal has written no audit log on this host."
						  : "Kamal's audit log has not been read yet.");
	for (size_t i = from; i < end; i++)
		canvas_field(canvas, 0, top + (int)(i - from), canvas->size.cols, false,
			     i + 1 == host->n_audit ? ROLE_TEXT : ROLE_MUTED, host->audit[i]);
}

static void draw_rows(const struct scene *scene, struct canvas *canvas, int top)
{
	const struct host_view *view = scene->view;
	const struct state *state = scene->state;
	struct list_rows rows = rows_of(state);
	int height = list_height(state, canvas->size.rows - top), r = 0;
	struct list_page page;
	struct columns columns;

	if (state->n_more_hosts > 0)
		canvas_putf(canvas, 0, top, ROLE_MUTED, "%zu hosts", state->n_more_hosts + 1);
	else
		draw_load(scene, canvas, 0, top, &state->host);
	columns_fit(&columns, host_columns, N_COLUMNS, canvas->size.cols);
	columns_head(canvas, top + 1, &columns);
	list_page_init(&page, &view->list, &rows, height);
	for (; r < height && list_page_row(&page, r) >= 0; r++) {
		struct host_row row = row_at(state, (size_t)list_page_row(&page, r));

		if (row.container)
			draw_container(scene, canvas, top + 2 + r, &columns, row.container,
				       text_equal(row.container->log, "pg") || !row.container->log[0]
					   ? row.host->pg_version
					   : "");
		else
			draw_host(scene, canvas, top + 2 + r, row.host);
		if (scene->focus && page.top + (size_t)r == page.selected)
			canvas_select(canvas, top + 2 + r);
	}
	/* A database that is out of sight is not a database that is gone. */
	if (r > 0 && (size_t)r < page.n)
		canvas_putf(canvas, (int)strlen("CONTAINER "), top + 1, ROLE_WARN, "%d of %zu", r, page.n);
	if (rows.n == 0)
		age_nothing(canvas, top + 2 + r++,
			    scene->state->no_kamal
				? "containers, routes and lock: not known: no kamal: in nightferry.yml"
				: "no container of this app");
	if (canvas->size.rows - top - 2 - r >= 1)
		host_routes(scene, canvas, top + 2 + r, canvas->size.rows);
	list_note(canvas, top + 1, &view->list, &page);
	list_page_done(&page);
}

/* Where there is no server, the watch says so itself. */
static const char *nothing_yet(const struct state *state)
{
	const struct watch_seen *seen = watch_get(state, "host");

	return state->no_kamal && seen && seen->text[0] ? seen->text : "The new host has not been seen yet.";
}

static void host_draw(const struct scene *scene, struct canvas *canvas)
{
	const struct host_view *view = scene->view;
	int top = age_trouble(scene, canvas, "host");

	if (view->audit)
		draw_audit(scene, canvas, top);
	else if (!scene->state->host.seen && scene->state->host.load_at_ms <= 0 &&
		 scene->state->n_more_hosts == 0)
		age_nothing(canvas, top, nothing_yet(scene->state));
	else
		draw_rows(scene, canvas, top);
}

static void audit_move(struct host_view *view, const struct host_state *host, enum move move, size_t page)
{
	size_t most = host->n_audit > page ? host->n_audit - page : 0;

	switch (move) {
	case MOVE_UP: view->up++; break;
	case MOVE_DOWN: view->up -= view->up > 0; break;
	case MOVE_PAGE_UP: view->up += page; break;
	case MOVE_PAGE_DOWN: view->up = view->up > page ? view->up - page : 0; break;
	case MOVE_FIRST: view->up = most; break;
	case MOVE_LAST: view->up = 0; break;
	default: break;
	}
	if (view->up > most)
		view->up = most;
}

static void host_act(void *data, const struct state *state, const struct act *act, struct size size)
{
	struct host_view *view = data;
	struct list_rows rows = rows_of(state);

	if (act->kind == ACT_KEY && text_equal(act->text, "audit")) {
		view->audit = !view->audit;
		view->up = 0;
	} else if (view->audit && act->kind == ACT_MOVE) {
		audit_move(view, &state->host, act->move, size.rows > 1 ? (size_t)size.rows : 1);
	} else {
		list_act(&view->list, &rows, act, list_height(state, size.rows));
	}
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

	if (at < 0)
		age_nothing(canvas, 0, "No container is selected.");
	else
		host_card_draw(scene, canvas, row_at(scene->state, (size_t)at));
}
