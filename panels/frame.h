/* The cockpit's frame: who, where and when on top, the crossing, the rules between panels, and below them
 * what happened, the clocks, what to do now and the keys. Pure, like the panels. */
#ifndef PANELS_FRAME_H
#define PANELS_FRAME_H

#include "panels/layout.h"

/* The whole screen but its last row, which is the seat's: its keys come from its own table. scene->view is
 * the array of all panels' views in the order of panel_table (void *const *); the focus is layout->focus. A
 * screen that is too small gets one sentence that says what is needed. */
void frame_draw(const struct scene *scene, const struct layout *layout, struct canvas *canvas);
/* One panel of the layout with its title. Here scene->view is that panel's own, scene->focus whether it has
 * the focus. */
void frame_panel(const struct scene *scene, const struct layout *layout, size_t i, struct canvas *canvas);

/* Its parts. */
void frame_top(const struct scene *scene, const struct layout *layout, struct canvas *canvas);
/* The line of the clocks, at any row. */
void frame_clocks(const struct scene *scene, struct canvas *canvas, int row);
void frame_bottom(const struct scene *scene, const struct layout *layout, struct canvas *canvas);

#endif
