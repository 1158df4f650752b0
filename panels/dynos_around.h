/* What stands around the dynos on Heroku, as a list of its own and as lines under the dynos. Only for
 * panels/dynos*.c. */
#ifndef PANELS_DYNOS_AROUND_H
#define PANELS_DYNOS_AROUND_H

#include "panels/list.h"

struct list_rows around_rows(const struct state *state);
void around_draw(const struct scene *scene, const struct list *list, struct canvas *canvas, int row,
		 int height);
/* The lines that want attention first, then the router and the budget; returns the lines used, `most` at the
 * most. */
int around_foot(const struct scene *scene, struct canvas *canvas, int row, int most);
/* How many lines want attention, counted to `most`. */
int around_loud(const struct dynos_state *dynos, int most);
/* The whole of one row. False when there is none of that name. */
bool around_card(const struct scene *scene, const char *key, struct canvas *canvas);

#endif
