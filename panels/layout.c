#include "panels/layout.h"
#include "core/base/text.h"
#include "panels/sums.h"

#include <stdio.h>
#include <string.h>

const char *const layout_views[] = {"prepare", "freeze", "copy", "verify", "boot",
				    "flip",    "watch",  "all",  NULL};

/* A panel and its share of the column's height; least rows come from the panel itself. */
struct share {
	const char *panel;
	int weight;
};
/* base: right of the playbook at 80x24; middle and right: from 120 columns, `right` only from 160. */
struct plan {
	const char *view;
	struct share base[3], middle[5], right[6];
};

static const struct plan plans[] = {
    {"prepare",
     {{"checks", 3}, {"host", 2}},
     {{"checks", 4}, {"dynos", 3}, {"logs", 2}},
     {{"host", 3}, {"dns", 4}, {"rows", 3}, {"notes", 2}}},
    {"freeze",
     {{"dynos", 4}, {"writers", 4}},
     {{"dynos", 3}, {"writers", 3}, {"logs", 4}},
     {{"host", 2}, {"dns", 4}, {"checks", 2}, {"jobs", 2}, {"rows", 2}, {"notes", 1}}},
    {"copy",
     {{"transfer", 5}, {"logs", 3}},
     {{"transfer", 5}, {"logs", 4}},
     {{"host", 3}, {"rows", 4}, {"writers", 2}, {"notes", 2}}},
    {"verify",
     {{"rows", 1}},
     {{"rows", 5}, {"logs", 3}},
     {{"checks", 3}, {"transfer", 3}, {"host", 2}, {"notes", 2}}},
    {"boot",
     {{"checks", 4}, {"logs", 4}},
     {{"checks", 4}, {"logs", 4}},
     {{"host", 3}, {"traffic", 3}, {"jobs", 2}, {"rows", 3}, {"notes", 2}}},
    {"flip",
     {{"dns", 4}, {"traffic", 4}},
     {{"dns", 4}, {"logs", 4}},
     {{"traffic", 6}, {"checks", 3}, {"jobs", 2}, {"host", 2}, {"dynos", 2}, {"notes", 2}}},
    {"watch",
     {{"dns", 4}, {"traffic", 4}},
     {{"dns", 4}, {"logs", 4}},
     {{"traffic", 6}, {"checks", 3}, {"jobs", 2}, {"host", 2}, {"dynos", 2}, {"notes", 2}}},
    {"all",
     {{"transfer", 1}, {"dns", 1}, {"logs", 1}},
     {{"dynos", 2}, {"transfer", 3}, {"rows", 3}, {"writers", 2}, {"logs", 3}},
     {{"host", 2}, {"dns", 3}, {"checks", 3}, {"traffic", 3}, {"notes", 1}}},
};

enum { LEAST_COLS = 60, LEAST_ROWS = 20, BASE = 80, WIDE = 120, THREE = 160, BOTTOM_LINES = 4 };
/* The playbook beside panels at 80 columns: its longest ids, such as maintenance-on, fit with their times. */
enum { NARROW = 28 };

static const struct plan *plan_of(const char *view)
{
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++)
		if (text_equal(plans[i].view, view))
			return &plans[i];
	return &plans[0];
}

static void add(struct layout *layout, const struct panel *panel, int col, int row, int cols, int rows)
{
	if (panel && layout->n < LAYOUT_MAX && rows >= 2 && cols >= 3)
		layout->places[layout->n++] = (struct place){panel, col, row, cols, rows};
}

/* Shares a column's height among its panels; those that would be smaller than their least are left out, last
 * first. */
static void fill_column(struct layout *layout, const struct share *shares, size_t max, int col, int cols)
{
	int height = layout->bottom - layout->top, weights = 0, least = 0, row = layout->top, given = 0;
	size_t n = 0;

	while (n < max && shares[n].panel) {
		const struct panel *panel = panel_find(shares[n].panel);

		if (!panel || panel->least.cols > cols - 2 || least + panel->least.rows + 1 > height)
			break;
		least += panel->least.rows + 1;
		weights += shares[n].weight;
		n++;
	}
	for (size_t i = 0; i < n; i++) {
		const struct panel *panel = panel_find(shares[i].panel);
		int rows =
		    panel->least.rows + 1 + (height - least) * shares[i].weight / (weights > 0 ? weights : 1);

		given += rows;
		if (i == n - 1)
			rows += height - given;
		add(layout, panel, col, row, cols, rows);
		row += rows;
	}
}

static void add_line(struct layout *layout, int col)
{
	if (layout->n_lines < LAYOUT_COLUMNS)
		layout->lines[layout->n_lines++] = col;
}

static void zoom(struct layout *layout, const char *name, bool half)
{
	const struct panel *panel = panel_find(name);
	int cols = layout->size.cols, height = layout->bottom - layout->top, left = 0;

	layout->zoomed = !half;
	layout->half = half;
	if (half && cols >= BASE && !text_equal(panel->name, "playbook")) {
		left = cols >= THREE ? 36 : NARROW;
		add(layout, panel_find("playbook"), 0, layout->top, left, height);
		add_line(layout, left++);
		layout->focus = 1;
	}
	add(layout, panel, left, layout->top, cols - left, height);
}

static void arrange(struct layout *layout, const struct plan *plan)
{
	int cols = layout->size.cols, height = layout->bottom - layout->top;
	int left = cols >= THREE ? 36 : (cols >= WIDE ? 34 : NARROW);

	/* Too narrow for two: what the phase is about has the screen, the playbook is a digit away. */
	if (cols < BASE) {
		fill_column(layout, plan->base, 3, 0, cols);
		return;
	}
	add(layout, panel_find("playbook"), 0, layout->top, left, height);
	add_line(layout, left);
	if (cols < THREE) {
		/* On a high screen of middle width there is room for the wide layout's middle column. */
		fill_column(layout, layout->size.rows >= 34 ? plan->middle : plan->base,
			    layout->size.rows >= 34 ? 5 : 3, left + 1, cols - left - 1);
		return;
	}
	int middle = (cols - left - 2 + 1) / 2;
	fill_column(layout, plan->middle, 5, left + 1, middle);
	add_line(layout, left + 1 + middle);
	fill_column(layout, plan->right, 6, left + 2 + middle, cols - left - 2 - middle);
}

void layout_for(struct size size, const char *view, const char *zoomed, struct layout *layout)
{
	const struct plan *plan = plan_of(view);
	char name[32] = "";
	bool half = false;

	*layout =
	    (struct layout){.size = size, .too_small = size.cols < LEAST_COLS || size.rows < LEAST_ROWS};
	text_copy(layout->view, sizeof(layout->view), plan->view);
	if (layout->too_small)
		return;
	layout->crossings = size.cols >= WIDE ? 2 : 1;
	layout->top = 1 + layout->crossings;
	layout->bottom = size.rows - BOTTOM_LINES;
	if (zoomed && zoomed[0]) {
		text_copy(name, sizeof(name), zoomed);
		half = name[strlen(name) - 1] == '+';
		if (half)
			name[strlen(name) - 1] = '\0';
	}
	if (name[0] && panel_find(name))
		zoom(layout, name, half);
	else
		arrange(layout, plan);
}

const char *layout_view_of(const struct state *state)
{
	struct sums sums;

	sums_of(state, 0, &sums);
	for (size_t i = 0; sums.phase && layout_views[i]; i++)
		if (text_equal(layout_views[i], sums.phase->name))
			return layout_views[i];
	return sums.phase && state->flip_at_ms > 0 ? "watch" : "prepare";
}

const struct place *layout_place(const struct layout *layout, const char *panel)
{
	for (size_t i = 0; i < layout->n; i++)
		if (text_equal(layout->places[i].panel->name, panel))
			return &layout->places[i];
	return NULL;
}

struct canvas layout_body(const struct place *place, const struct canvas *canvas)
{
	return canvas_part(canvas, place->col + 1, place->row + 1, place->cols - 2, place->rows - 1);
}
