/* Which panels a screen shows and where: from the size and the view alone, anew at every draw. */
#ifndef PANELS_LAYOUT_H
#define PANELS_LAYOUT_H

#include "panels/panel.h"

enum { LAYOUT_MAX = 12, LAYOUT_COLUMNS = 3 };

/* A panel's place: `row` is its title rule, its body is the rows below. Columns are without the line between
 * them. */
struct place {
	const struct panel *panel;
	int col, row, cols, rows;
};
struct layout {
	struct size size;
	bool too_small; /* only one sentence fits */
	char view[16];
	bool zoomed, half; /* one panel alone; one panel and the playbook */
	int crossings;     /* lines of the crossing: 1 or 2 */
	int top, bottom;   /* first title rule; the event line's rule */
	struct place places[LAYOUT_MAX];
	size_t n;
	size_t focus;              /* set by the seat: index into places */
	int lines[LAYOUT_COLUMNS]; /* columns of the vertical lines */
	size_t n_lines;
};

/* `view` is one of layout_views; `zoomed` a panel's name or NULL. "name+" as zoomed keeps the playbook beside
 * it (half). */
void layout_for(struct size size, const char *view, const char *zoomed, struct layout *layout);
/* "prepare" "freeze" "copy" "verify" "boot" "flip" "watch" "all", NULL-ended: in the order of v. */
extern const char *const layout_views[];
/* The view that the state's phase proposes. */
const char *layout_view_of(const struct state *state);
/* The place of a panel; NULL when this layout leaves it out. */
const struct place *layout_place(const struct layout *layout, const char *panel);
/* The body of a place as a canvas of its own, one cell of air at both sides. */
struct canvas layout_body(const struct place *place, const struct canvas *canvas);

#endif
