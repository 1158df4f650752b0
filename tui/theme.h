/* Themes: which colours and attributes a meaning has. Data in themes/NAME.theme; the default is also built
 * in. */
#ifndef TUI_THEME_H
#define TUI_THEME_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "panels/canvas.h"

enum theme_attr { THEME_BOLD = 1, THEME_DIM = 2, THEME_UNDERLINE = 4, THEME_REVERSE = 8 };
enum theme_set { THEME_256, THEME_16, THEME_8, THEME_MONO, THEME_SETS };

struct theme_style {
	short fg, bg;   /* -1: the terminal's own; else a colour number */
	unsigned attrs; /* of enum theme_attr */
};
struct theme {
	char name[32];
	struct theme_style style[THEME_SETS][ROLE_COUNT];
};

/* The built-in default. */
void theme_default(struct theme *theme);
/* By name from the theme folders, or by path when it holds a '/'. -1: `err` says which names there are. */
int theme_load(struct theme *theme, const char *name, struct err *err);
/* Reads a theme's text over the built-in default; `err` names file and line. */
int theme_parse(struct theme *theme, const char *file, const char *text, struct err *err);
/* Names of all themes that can be loaded, separated by blanks. */
void theme_names(struct buf *out);
/* The set for a terminal with so many colours; NO_COLOR is the caller's to know. */
enum theme_set theme_set_for(int colors);

#endif
