/* 8 DNS: what every server says about every name, and how long the old answers may still live. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/age.h"
#include "panels/list.h"
#include "panels/dns_card.h"
#include "panels/dns_words.h"

#include <stdio.h>
#include <string.h>

static void dns_head(const struct scene *scene, char *out, size_t size);
static void dns_draw(const struct scene *scene, struct canvas *canvas);
static void dns_act(void *view, const struct state *state, const struct act *act, struct size size);
static void dns_selected(const struct scene *scene, char *out, size_t size);
static void dns_card(const struct scene *scene, struct canvas *canvas);

struct dns_view {
	struct list list;
	bool not_new, detail;
};

static const struct binding dns_keys[] = {
    {.key = "Enter", .cmd = "card", .note = "the raw answers of this server"},
    {.key = "z", .cmd = "not-new", .note = "only servers with an answer that is not NEW"},
    {.key = "d", .cmd = "detail", .note = "TTL left beside each answer, or its value"},
    {.key = NULL},
};

const struct panel dns_panel = {
    .name = "dns",
    .title = "DNS",
    .digit = '8',
    .side = "",
    .watch = "dns",
    .least = {30, 3},
    .view_size = sizeof(struct dns_view),
    .keys = dns_keys,
    .head = dns_head,
    .draw = dns_draw,
    .act = dns_act,
    .selected = dns_selected,
    .card = dns_card,
};

enum { SERVERS_MAX = 256, MARKS_WORDS = 18 };

struct servers {
	const struct dns_state *dns;
	size_t cell[SERVERS_MAX], n; /* the first cell of each server */
};

/* The cells of one server mostly stand together, so the search begins at its first. */
static const struct dns_cell *cell_of(const struct dns_state *dns, const struct dns_cell *first,
				      const char *name)
{
	size_t start = (size_t)(first - dns->cells);

	for (size_t i = 0; i < dns->n; i++) {
		const struct dns_cell *cell = &dns->cells[(start + i) % dns->n];

		if (text_equal(cell->name, name) && text_equal(cell->server, first->server))
			return cell;
	}
	return NULL;
}

/* The IPv6 address says something else than the IPv4 one, which is easily overlooked. */
static bool six_differs(const struct dns_cell *cell)
{
	return cell->six.state[0] && !text_equal(cell->six.state, cell->state) &&
	       !text_equal(cell->six.state, "COLD");
}

static bool all_new(const struct dns_state *dns, const char *server)
{
	for (size_t i = 0; i < dns->n; i++)
		if (text_equal(dns->cells[i].server, server) &&
		    (!text_equal(dns->cells[i].state, "NEW") || six_differs(&dns->cells[i])))
			return false;
	return true;
}

static void servers_init(struct servers *servers, const struct dns_view *view, const struct state *state)
{
	const struct dns_state *dns = &state->dns;

	servers->dns = dns;
	servers->n = 0;
	/* Those that speak with authority first: what they say is what the others will learn. */
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < dns->n; i++) {
			bool known = false;

			if (dns->cells[i].auth != (pass == 0))
				continue;
			for (size_t j = 0; j < servers->n; j++)
				known = known ||
					text_equal(dns->cells[servers->cell[j]].server, dns->cells[i].server);
			if (!known && servers->n < SERVERS_MAX &&
			    !(view->not_new && all_new(dns, dns->cells[i].server)))
				servers->cell[servers->n++] = i;
		}
}

static void server_key(const void *ctx, size_t i, char *out, size_t size)
{
	const struct servers *servers = ctx;

	text_copy(out, size, servers->dns->cells[servers->cell[i]].server);
}

static void server_text(const void *ctx, size_t i, char *out, size_t size)
{
	const struct servers *servers = ctx;
	const struct dns_cell *first = &servers->dns->cells[servers->cell[i]];

	snprintf(out, size, "%s %s", first->label, first->server);
	for (size_t c = 0; c < servers->dns->n; c++) {
		size_t len = strlen(out);

		if (text_equal(servers->dns->cells[c].server, first->server))
			snprintf(out + len, size - len, " %s %s", servers->dns->cells[c].state,
				 servers->dns->cells[c].value);
	}
}

static struct list_rows rows_of(const struct servers *servers)
{
	return (struct list_rows){.ctx = servers, .n = servers->n, .key = server_key, .text = server_text};
}

/* Names as the plan tells them; before there is one, as the cells do. */
static size_t names_of(const struct dns_state *dns, const char *names[], size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < dns->n_names && n < max; i++)
		names[n++] = dns->names[i].name;
	for (size_t i = 0; i < dns->n; i++) {
		bool known = false;

		for (size_t j = 0; j < n; j++)
			known = known || text_equal(names[j], dns->cells[i].name);
		if (!known && n < max)
			names[n++] = dns->cells[i].name;
	}
	return n;
}

static void dns_head(const struct scene *scene, char *out, size_t size)
{
	const char *names[64];
	static const struct dns_view everything;
	struct servers servers;
	size_t n = names_of(&scene->state->dns, names, 64);

	servers_init(&servers, &everything, scene->state);
	snprintf(out, size, "%zu %s × %zu servers", n, n == 1 ? "name" : "names", servers.n);
}

/* What is left of an answer that still counts; -1: nothing to show. */
static int64_t seconds_left(const struct scene *scene, const struct dns_cell *cell)
{
	int64_t left_s = cell->expires_ms > 0 ? (cell->expires_ms - scene->now_ms) / 1000 : cell->ttl_s;

	if (left_s < 0 && (cell->expires_ms > 0 || cell->ttl_s >= 0))
		left_s = 0;
	return left_s > 99999 ? -1 : left_s;
}

/* "NEW   59", "OLD   17 ▄▄", "RELEARNED 17", "SILENT 12s", "NEW  v6 OLD". */
static void draw_cell(const struct scene *scene, struct canvas *canvas, int col, int row, int cells,
		      const struct dns_cell *cell, bool detail)
{
	char age[UNITS_MAX];
	enum role role;
	int64_t left_s;
	int len;

	if (!cell) {
		canvas_put(canvas, col, row, ROLE_MUTED, "-");
		return;
	}
	role = dns_state_role(cell->state);
	len = (int)strlen(cell->state);
	canvas_field(canvas, col, row, cells < 9 ? cells : 9, false, role, cell->state);
	if (detail) {
		canvas_field(canvas, col + (len > 4 ? len : 4) + 1, row, cells - (len > 4 ? len : 4) - 1,
			     false, ROLE_MUTED, cell->value[0] ? cell->value : cell->why);
		return;
	}
	if (text_equal(cell->state, "SILENT") && cells >= 12) {
		canvas_put(canvas, col + 7, row, ROLE_MUTED,
			   cell->at_ms > 0 ? units_age(age, scene->now_ms - cell->at_ms) : "-");
		return;
	}
	if (six_differs(cell) && len <= 4 && cells >= 12) {
		canvas_put(canvas, col + 5, row, ROLE_MUTED, "v6");
		canvas_field(canvas, col + 8, row, cells - 8, false, dns_state_role(cell->six.state),
			     cell->six.state);
		return;
	}
	left_s = seconds_left(scene, cell);
	if (cells < 9 || len > 9)
		return;
	if (len > 4) {
		if (left_s >= 0 && cell->expires_ms > 0 && !cell->auth && len + 3 <= cells)
			canvas_field(canvas, col + len + 1, row, cells - len - 1, false, ROLE_MUTED,
				     units_count(age, left_s));
		return;
	}
	if (cell->auth) {
		canvas_put(canvas, col + 5, row, ROLE_MUTED, "auth");
		return;
	}
	if (left_s < 0)
		return;
	canvas_putf(canvas, col + 4, row, ROLE_MUTED, "%5lld", (long long)left_s);
	/* Only an old answer's rest matters: one block for every ten seconds it may still live. */
	if (role == ROLE_OLD && scene->state->flip_at_ms > 0)
		for (int i = 0; i < 4 && i * 10 < left_s && 10 + i < cells; i++)
			canvas_put(canvas, col + 10 + i, row, ROLE_OLD, "▄");
}

struct grid {
	const char *names[64];
	size_t n, shown;
	int label, cell, rtt;
	bool marks; /* more names than columns: one mark for each, and the rest in words */
};

/* What every name ends with, from a dot on: where it is narrow it would be all that is left of them. */
static size_t common_tail(const struct grid *grid)
{
	const char *first = grid->n > 0 ? grid->names[0] : "";
	size_t tail = strlen(first);

	for (size_t i = 1; i < grid->n; i++) {
		size_t len = strlen(grid->names[i]), same = 0;

		while (same < len && same < tail &&
		       grid->names[i][len - same - 1] == first[strlen(first) - same - 1])
			same++;
		tail = same < tail ? same : tail;
	}
	while (tail > 0 && first[strlen(first) - tail] != '.')
		tail--;
	return grid->n > 1 ? tail : 0;
}

/* www of www.acme.com, if only so it fits. */
static const char *narrow_name(const struct grid *grid, const struct canvas *canvas, const char *name,
			       int cells, char *out, size_t size)
{
	size_t tail = common_tail(grid), len = strlen(name);
	const char *end = grid->n > 0 ? grid->names[0] + strlen(grid->names[0]) - tail : "";

	if (canvas_width(canvas, name) <= cells || tail == 0 || len <= tail ||
	    !text_equal(name + len - tail, end))
		return name;
	text_copyf(out, size, "%.*s", (int)(len - tail), name);
	return out;
}

static void grid_init(struct grid *grid, const struct dns_state *dns, int cols)
{
	grid->n = names_of(dns, grid->names, 64);
	grid->label = cols >= 56 ? 17 : 11;
	grid->rtt = cols >= 48 ? 6 : 0;
	grid->cell = grid->n > 0 ? (cols - grid->label - grid->rtt) / (int)grid->n : 0;
	if (grid->cell > 22)
		grid->cell = 22;
	if (grid->cell < 13)
		grid->cell = 13;
	grid->shown = (size_t)((cols - grid->label - grid->rtt) / grid->cell);
	if (grid->shown > grid->n)
		grid->shown = grid->n;
	grid->marks = grid->shown < grid->n;
}

/* One for each name, so that a row shows at a glance how far its server is. */
static void draw_marks(const struct scene *scene, struct canvas *canvas, int row, const struct grid *grid,
		       const struct dns_cell *first)
{
	const struct dns_state *dns = &scene->state->dns;
	int col = grid->label, room = canvas->size.cols - grid->label - MARKS_WORDS;

	for (size_t i = 0; i < grid->n && (int)i < room; i++) {
		const struct dns_cell *cell = cell_of(dns, first, grid->names[i]);

		if (cell && text_equal(cell->state, "NEW") && !six_differs(cell))
			canvas_put(canvas, col, row, ROLE_NEW, glyph(canvas, GLYPH_DOT));
		else
			canvas_putf(canvas, col, row, cell ? dns_state_role(cell->state) : ROLE_MUTED, "%c",
				    cell ? dns_state_mark(cell->state) : ' ');
		col++;
	}
	dns_words_of(scene, canvas, grid->label + ((int)grid->n < room ? (int)grid->n : room) + 2, row,
		     first->server);
}

static void draw_heads(struct canvas *canvas, int row, const struct grid *grid)
{
	char name[128];

	canvas_put(canvas, 0, row, ROLE_MUTED, "SERVER");
	if (grid->marks) {
		canvas_putf(canvas, grid->label, row, ROLE_MUTED, "one mark a name: %s NEW, O OLD",
			    glyph(canvas, GLYPH_DOT));
		canvas_sides(canvas, grid->label, row, canvas->size.cols - grid->label);
		if (canvas->size.cols >= grid->label + 45)
			canvas_field(canvas, canvas->size.cols - 12, row, 12, true, ROLE_MUTED, "OLD UNTIL");
		return;
	}
	for (size_t i = 0; i < grid->shown; i++)
		canvas_field(canvas, grid->label + (int)i * grid->cell, row, grid->cell - 1, false,
			     ROLE_MUTED,
			     narrow_name(grid, canvas, grid->names[i], grid->cell - 1, name, sizeof(name)));
	if (grid->rtt > 0)
		canvas_field(canvas, canvas->size.cols - grid->rtt, row, grid->rtt, true, ROLE_MUTED,
			     "RTT ms");
}

static void draw_server(const struct scene *scene, struct canvas *canvas, int row, const struct grid *grid,
			const struct dns_cell *first)
{
	const struct dns_view *view = scene->view;
	double rtt = first->rtt_ms;

	char label[128];

	canvas_field(canvas, 0, row, grid->label - 1, false, ROLE_TEXT,
		     narrow_name(grid, canvas, first->label[0] ? first->label : first->server,
				 grid->label - 1, label, sizeof(label)));
	if (grid->marks) {
		draw_marks(scene, canvas, row, grid, first);
		return;
	}
	for (size_t i = 0; i < grid->shown; i++) {
		const struct dns_cell *cell = cell_of(&scene->state->dns, first, grid->names[i]);

		draw_cell(scene, canvas, grid->label + (int)i * grid->cell, row, grid->cell - 1, cell,
			  view->detail);
	}
	if (grid->rtt == 0)
		return;
	if (rtt >= 0 && rtt < 99999 && !text_equal(first->state, "SILENT"))
		canvas_putf(canvas, canvas->size.cols - grid->rtt, row, ROLE_MUTED, "%6.0f", rtt);
	else
		canvas_field(canvas, canvas->size.cols - grid->rtt, row, grid->rtt, true, ROLE_MUTED, "-");
}

static void dns_draw(const struct scene *scene, struct canvas *canvas)
{
	const struct dns_view *view = scene->view;
	int top = age_trouble(scene, canvas, "dns"), r = 0;
	int below = dns_below_lines(scene, canvas->size.rows - top),
	    height = canvas->size.rows - top - 2 - below;
	struct servers servers;
	struct list_rows rows;
	struct list_page page;
	struct grid grid;

	if (scene->state->dns.n == 0) {
		age_nothing(canvas, top, "No name server has been asked yet.");
		return;
	}
	servers_init(&servers, view, scene->state);
	rows = rows_of(&servers);
	grid_init(&grid, &scene->state->dns, canvas->size.cols);
	dns_draw_top(scene, canvas, top);
	draw_heads(canvas, top + 1, &grid);
	list_page_init(&page, &view->list, &rows, height);
	for (; r < height && list_page_row(&page, r) >= 0; r++) {
		draw_server(scene, canvas, top + 2 + r, &grid,
			    &scene->state->dns.cells[servers.cell[list_page_row(&page, r)]]);
		if (scene->focus && page.top + (size_t)r == page.selected)
			canvas_select(canvas, top + 2 + r);
	}
	if (servers.n == 0)
		age_nothing(canvas, top + 2 + r++, view->not_new ? "every answer is NEW" : "no server");
	dns_draw_below(scene, canvas, top + 2 + r, below);
	list_note(canvas, top + 1, &view->list, &page);
	list_page_done(&page);
}

static void dns_act(void *data, const struct state *state, const struct act *act, struct size size)
{
	struct dns_view *view = data;
	struct servers servers;
	struct list_rows rows;

	if (act->kind == ACT_KEY) {
		if (text_equal(act->text, "not-new"))
			view->not_new = !view->not_new;
		else if (text_equal(act->text, "detail"))
			view->detail = !view->detail;
		return;
	}
	servers_init(&servers, view, state);
	rows = rows_of(&servers);
	list_act(&view->list, &rows, act, size.rows - 3);
}

static void dns_selected(const struct scene *scene, char *out, size_t size)
{
	const struct dns_view *view = scene->view;
	struct servers servers;
	struct list_rows rows;

	servers_init(&servers, view, scene->state);
	rows = rows_of(&servers);
	list_selected(&view->list, &rows, out, size);
}

static void dns_card(const struct scene *scene, struct canvas *canvas)
{
	char server[104] = "";

	dns_selected(scene, server, sizeof(server));
	dns_card_draw(scene, canvas, server);
}
