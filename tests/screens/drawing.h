/* Panels drawn from a made-up night, and what must be true of every drawing. */
#ifndef TESTS_SCREENS_DRAWING_H
#define TESTS_SCREENS_DRAWING_H

#include "panels/canvas.h"
#include "panels/frame.h"
#include "tests/screens/night.h"

enum { VIEWS = 32 };

/* One view for each panel. */
void views_new(void *views[VIEWS]);
void views_free(void *views[VIEWS]);
struct scene scene_of(const struct night *night, void *const *views);
/* Every row is exactly as wide as the canvas, however wide its characters are. */
void assert_rows(const struct canvas *canvas);
bool has(const struct canvas *canvas, const char *needle);
/* The whole cockpit; the gate's box over it unless the canvas is wanted, which the caller frees. */
void draw(const struct night *night, void *const *views, struct size size, const char *view, const char *zoom,
	  bool ascii, struct canvas **out);
/* Each panel alone in a body of that size, and its card. */
void draw_cards(const struct night *night, void *const *views, struct size size);
/* Random keys for each panel. */
void act_all(const struct night *night, void *const *views, struct size size, unsigned *seed);
/* The figures are in UTC, whatever the machine says. */
void in_utc(void);

#endif
