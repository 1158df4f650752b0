/* The screen where nothing is set up yet: three things one can do. */
#ifndef PANELS_START_H
#define PANELS_START_H

#include "panels/canvas.h"

enum { START_LOOK, START_DEMO, START_SETUP, START_CHOICES };

/* `selected` is one of the above; `folder` where it was started, `why` why no night is found there; both may
 * be NULL. */
void start_draw(struct canvas *canvas, int selected, const char *folder, const char *why);
/* The words of a choice, e.g. for a terminal without a screen. */
const char *start_words(int choice);

#endif
