/* Add-ons, domains, backups, the database and Heroku itself: see dynos_around.h. */
#include "panels/dynos_around.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/age.h"

#include <stdio.h>
#include <string.h>

enum { GROUP_CELLS = 9, FOOT_AT = 11, ROUTER_OLD_MS = 20000, BUDGET_LOW = 500 };

static void row_key(const void *ctx, size_t i, char *out, size_t size)
{
	const struct dynos_state *dynos = ctx;

	snprintf(out, size, "%s:%.80s", dynos->rows[i].group, dynos->rows[i].name);
}

static void row_text(const void *ctx, size_t i, char *out, size_t size)
{
	const struct heroku_row *row = &((const struct dynos_state *)ctx)->rows[i];

	snprintf(out, size, "%s %s %s", row->group, row->name, row->text);
}

struct list_rows around_rows(const struct state *state)
{
	return (struct list_rows){
	    .ctx = &state->dynos, .n = state->dynos.n_rows, .key = row_key, .text = row_text};
}

static enum role role_of(const struct heroku_row *row)
{
	return text_equal(row->level, "bad")    ? ROLE_BAD
	       : text_equal(row->level, "warn") ? ROLE_WARN
						: ROLE_TEXT;
}

static void draw_row(struct canvas *canvas, int line, const struct heroku_row *row, bool group)
{
	int cols = canvas->size.cols, name = cols > 90 ? 30 : cols > 60 ? 22 : 14;

	canvas_field(canvas, 0, line, GROUP_CELLS, false, ROLE_MUTED, group ? row->group : "");
	canvas_field(canvas, GROUP_CELLS + 1, line, name, false, role_of(row), row->name);
	if (cols - GROUP_CELLS - name - 2 > 0)
		canvas_field(canvas, GROUP_CELLS + name + 2, line, cols - GROUP_CELLS - name - 2, false,
			     role_of(row), row->text);
}

void around_draw(const struct scene *scene, const struct list *list, struct canvas *canvas, int row,
		 int height)
{
	const struct dynos_state *dynos = &scene->state->dynos;
	struct list_rows rows = around_rows(scene->state);
	struct list_page page;
	const char *group = "";

	list_page_init(&page, list, &rows, height);
	for (int r = 0; r < height && list_page_row(&page, r) >= 0; r++) {
		const struct heroku_row *one = &dynos->rows[list_page_row(&page, r)];

		draw_row(canvas, row + r, one, !text_equal(one->group, group));
		group = one->group;
		if (scene->focus && page.top + (size_t)r == page.selected)
			canvas_select(canvas, row + r);
	}
	if (rows.n == 0)
		age_nothing(canvas, row, "What stands around the dynos has not been seen yet.");
	list_note(canvas, row, list, &page);
	list_page_done(&page);
}

/* Below the dynos, in the columns of the lines around it: one name does not stand under another there. */
static void draw_loud(struct canvas *canvas, int line, const struct heroku_row *row)
{
	char text[sizeof(row->name) + sizeof(row->text) + 2];

	snprintf(text, sizeof(text), "%s  %s", row->name, row->text);
	canvas_field(canvas, 0, line, FOOT_AT - 1, false, ROLE_MUTED, row->group);
	canvas_field(canvas, FOOT_AT, line, canvas->size.cols - FOOT_AT, false, role_of(row), text);
}

static int draw_router(const struct scene *scene, struct canvas *canvas, int row)
{
	const struct dynos_state *dynos = &scene->state->dynos;
	char age[32];
	int col;

	if (!dynos->router_at_ms)
		return 0;
	canvas_put(canvas, 0, row, ROLE_MUTED, "router");
	if (scene->now_ms - dynos->router_at_ms > ROUTER_OLD_MS) {
		canvas_putf(canvas, FOOT_AT, row, ROLE_WARN, "log not seen since %s",
			    age_ago(age, sizeof(age), dynos->router_at_ms, scene->now_ms));
		return 1;
	}
	col = canvas_putf(canvas, FOOT_AT, row, ROLE_TEXT, "%.1f requests/s", dynos->router_per_s);
	for (size_t i = 0; i < dynos->n_codes; i++)
		/* The page that was asked for is no error. */
		col = canvas_putf(canvas, col, row,
				  text_equal(dynos->codes[i].code, "H80") ? ROLE_MUTED : ROLE_BAD, "   %s %d",
				  dynos->codes[i].code, dynos->codes[i].n);
	canvas_put(canvas, col, row, ROLE_MUTED, "   in the last minute");
	return 1;
}

static int draw_budget(const struct scene *scene, struct canvas *canvas, int row)
{
	const struct dynos_state *dynos = &scene->state->dynos;
	char count[UNITS_MAX];

	if (dynos->remaining < 0)
		return 0;
	canvas_put(canvas, 0, row, ROLE_MUTED, "requests");
	canvas_putf(canvas, FOOT_AT, row, dynos->remaining < BUDGET_LOW ? ROLE_WARN : ROLE_MUTED,
		    dynos->remaining < BUDGET_LOW
			? "only %s left of the account's limit: nightferry looks less often"
			: "%s left of the account's limit",
		    units_count(count, dynos->remaining));
	return 1;
}

int around_foot(const struct scene *scene, struct canvas *canvas, int row, int most)
{
	const struct dynos_state *dynos = &scene->state->dynos;
	int used = 0;

	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < dynos->n_rows && used < most; i++)
			if (text_equal(dynos->rows[i].level, pass ? "warn" : "bad"))
				draw_loud(canvas, row + used++, &dynos->rows[i]);
	if (used < most)
		used += draw_router(scene, canvas, row + used);
	if (used < most)
		used += draw_budget(scene, canvas, row + used);
	return used;
}

int around_loud(const struct dynos_state *dynos, int most)
{
	int n = 0;

	for (size_t i = 0; i < dynos->n_rows && n < most; i++)
		n += dynos->rows[i].level[0] != '\0';
	return n;
}

bool around_card(const struct scene *scene, const char *key, struct canvas *canvas)
{
	const struct dynos_state *dynos = &scene->state->dynos;

	for (size_t i = 0; i < dynos->n_rows; i++) {
		char own[112];

		row_key(dynos, i, own, sizeof(own));
		if (!text_equal(own, key))
			continue;
		canvas_putf(canvas, 0, 0, ROLE_TITLE, "%s  %s", dynos->rows[i].group, dynos->rows[i].name);
		canvas_wrap(canvas, 0, 2, canvas->size.cols, canvas->size.rows - 2, role_of(&dynos->rows[i]),
			    dynos->rows[i].text);
		return true;
	}
	return false;
}
