/* The terminal as a screen: canvas out, named keys in. The only file that knows curses. */
#ifndef TUI_SCREEN_H
#define TUI_SCREEN_H

#include "panels/canvas.h"
#include "tui/theme.h"
#include <stdio.h>

struct screen;

/* `in` and `out` are the terminal, opened anew. -1 colours: as terminfo says. NULL: `err` says why. */
struct screen *screen_open(FILE *in, FILE *out, const struct theme *theme, bool no_color, bool mouse,
			   struct err *err);
/* The terminal is as it was before. */
void screen_close(struct screen *screen);
void screen_theme(struct screen *screen, const struct theme *theme);
int screen_colors(const struct screen *screen);
bool screen_utf8(const struct screen *screen); /* false: only ASCII can be shown */
/* Asks the terminal how large it is now. */
struct size screen_measure(struct screen *screen);
/* Sends what differs from the last canvas; cursor < 0 hides it. */
void screen_draw(struct screen *screen, const struct canvas *canvas, int cursor_col, int cursor_row);
/* The next draw sends every cell. */
void screen_forget(struct screen *screen);
void screen_bell(struct screen *screen);
/* Gives the terminal back for a while, and takes it again. */
void screen_leave(struct screen *screen);
void screen_return(struct screen *screen);
/* Bytes that put the terminal right after a crash; for a signal handler. */
size_t screen_rescue(struct screen *screen, char *out, size_t size);

enum screen_event {
	SCREEN_NOTHING,
	SCREEN_KEY,
	SCREEN_PASTE_BEGIN,
	SCREEN_PASTE_END,
	SCREEN_RESIZE,
	SCREEN_CLICK
};
/* The next key that has come, without waiting. Names: "a", "Enter", "Shift-Tab", "PgUp", "Ctrl-L", "F5",
 * "Space". `col`, `row`: where the mouse clicked. */
enum screen_event screen_key(struct screen *screen, char name[16], int *col, int *row);

#endif
