#include "panels/frame.h"
#include "panels/age.h"

#include <stdio.h>
#include <string.h>

static void draw_rules(const struct layout *layout, struct canvas *canvas)
{
	for (size_t i = 0; i < layout->n_lines; i++)
		for (int row = layout->top; row < layout->bottom; row++)
			canvas_put(canvas, layout->lines[i], row, ROLE_FRAME, glyph(canvas, GLYPH_V));
	for (size_t i = 0; i < layout->n; i++)
		canvas_fill(canvas, layout->places[i].col, layout->places[i].row, layout->places[i].cols,
			    ROLE_FRAME, glyph(canvas, GLYPH_H));
	canvas_fill(canvas, 0, layout->bottom, layout->size.cols, ROLE_FRAME, glyph(canvas, GLYPH_H));
}

/* Whether a title rule ends (or begins) beside the line at `col` in this row. */
static bool rule_at(const struct layout *layout, int row, int col)
{
	for (size_t i = 0; i < layout->n; i++) {
		const struct place *place = &layout->places[i];

		if (place->row == row && col >= place->col && col < place->col + place->cols)
			return true;
	}
	return false;
}

static void draw_joints(const struct layout *layout, struct canvas *canvas)
{
	for (size_t i = 0; i < layout->n_lines; i++) {
		int col = layout->lines[i];

		for (int row = layout->top; row < layout->bottom; row++) {
			bool left = rule_at(layout, row, col - 1), right = rule_at(layout, row, col + 1);
			enum glyph joint = GLYPH_V;

			if (row == layout->top)
				joint = left && right ? GLYPH_T_DOWN : (left ? GLYPH_TR : GLYPH_TL);
			else if (left && right)
				joint = GLYPH_CROSS;
			else if (left || right)
				joint = left ? GLYPH_T_LEFT : GLYPH_T_RIGHT;
			canvas_put(canvas, col, row, ROLE_FRAME, glyph(canvas, joint));
		}
		canvas_put(canvas, col, layout->bottom, ROLE_FRAME, glyph(canvas, GLYPH_T_UP));
	}
}

static void draw_too_small(const struct layout *layout, struct canvas *canvas)
{
	char text[160];

	snprintf(
	    text, sizeof(text),
	    "nightferry needs 60 columns and 20 rows; this terminal has %d and %d. Nothing stops meanwhile.",
	    layout->size.cols, layout->size.rows);
	canvas_wrap(canvas, 0, 0, canvas->size.cols, canvas->size.rows, ROLE_TEXT, text);
}

static void draw_title(const struct scene *scene, const struct place *place, struct canvas *canvas)
{
	const struct panel *panel = place->panel;
	struct canvas rule = canvas_part(canvas, place->col, place->row, place->cols, 1);
	char head[160] = "", tail[64] = "";
	enum role tail_role = ROLE_MUTED, name_role = scene->focus ? ROLE_FRAME_FOCUS : ROLE_TITLE;
	int col = 1, tail_cells;

	if (panel->head)
		panel->head(scene, head, sizeof(head));
	if (panel->tail)
		panel->tail(scene, tail, sizeof(tail));
	else if (panel->watch)
		tail_role = age_role(age_seen(scene, panel->watch, tail, sizeof(tail)));
	if (strncmp(tail, "STALE", 5) == 0)
		tail_role = ROLE_WARN;
	if (scene->focus)
		canvas_role(&rule, 0, 0, place->cols, ROLE_FRAME_FOCUS);
	tail_cells = tail[0] ? canvas_width(&rule, tail) + 2 : 0;
	if (panel->digit != ' ')
		col = canvas_putf(&rule, col, 0, name_role, " %c", panel->digit);
	col = canvas_putf(&rule, col, 0, name_role, " %s ", panel->title);
	if (place->cols - col < tail_cells + 1)
		tail_cells = 0;
	if (tail_cells > 0) {
		canvas_putf(&rule, place->cols - tail_cells - 1, 0, tail_role, " %s ", tail);
	}
	int room = place->cols - col - tail_cells - 3, width = canvas_width(&rule, head);
	if (head[0] && room >= 8) {
		int cells = width < room ? width : room;

		canvas_put(&rule, col, 0, ROLE_MUTED, " ");
		canvas_field(&rule, col + 1, 0, cells, false, ROLE_MUTED, head);
		canvas_put(&rule, col + 1 + cells, 0, ROLE_MUTED, " ");
		canvas_sides(&rule, col + 1, 0, cells);
	}
}

void frame_panel(const struct scene *scene, const struct layout *layout, size_t i, struct canvas *canvas)
{
	const struct place *place;
	struct canvas body;

	if (layout->too_small || i >= layout->n)
		return;
	place = &layout->places[i];
	body = layout_body(place, canvas);
	draw_title(scene, place, canvas);
	if (body.size.cols > 0 && body.size.rows > 0)
		place->panel->draw(scene, &body);
}

void frame_draw(const struct scene *scene, const struct layout *layout, struct canvas *canvas)
{
	void *const *views = scene->view;

	canvas_clear(canvas);
	if (layout->too_small) {
		draw_too_small(layout, canvas);
		return;
	}
	draw_rules(layout, canvas);
	draw_joints(layout, canvas);
	frame_top(scene, layout, canvas);
	frame_bottom(scene, layout, canvas);
	for (size_t i = 0; i < layout->n; i++) {
		struct scene own = *scene;

		for (size_t k = 0; panel_table[k]; k++)
			if (panel_table[k] == layout->places[i].panel)
				own.view = views[k];
		own.focus = i == layout->focus;
		frame_panel(&own, layout, i, canvas);
	}
}
