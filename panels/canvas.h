/* A grid of cells with a meaning each. Panels draw into it; only tui/terminal.c turns it into a terminal's
 * bytes. */
#ifndef PANELS_CANVAS_H
#define PANELS_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Theme roles: what a cell means, never which colour it has. */
enum role {
	ROLE_TEXT = 0,
	ROLE_MUTED,
	ROLE_FRAME,
	ROLE_FRAME_FOCUS,
	ROLE_OLD,
	ROLE_NEW,
	ROLE_OK,
	ROLE_NOW,
	ROLE_WARN,
	ROLE_BAD,
	ROLE_UNKNOWN,
	ROLE_ARMED,
	ROLE_FROZEN,
	ROLE_DANGER,
	ROLE_TITLE,
	ROLE_KEY,
	ROLE_SELECTED,
	/* Sources of a log, one after the other: only to tell them apart. */
	ROLE_SOURCE_1,
	ROLE_SOURCE_2,
	ROLE_SOURCE_3,
	ROLE_SOURCE_4,
	ROLE_SOURCE_5,
	ROLE_SOURCE_6,
	ROLE_COUNT,
	ROLE_SOURCES = ROLE_COUNT - ROLE_SOURCE_1
};
const char *role_name(enum role role);

struct size {
	int cols, rows;
};
struct cell {
	char text[8]; /* one UTF-8 character with what combines; "" in the right half of a wide one */
	uint8_t role;
	uint8_t selected; /* the row under the cursor: drawn reversed or on a bar, role kept */
};
struct canvas {
	struct size size;
	struct cell *cells; /* size.rows * size.cols */
	/* a window of a larger canvas: cells of row r start at cells[r * stride] */
	int stride;
	bool ascii; /* the ASCII glyph set of screens.md */
	bool owned;
};

struct canvas *canvas_new(struct size size, bool ascii);
void canvas_free(struct canvas *canvas);
void canvas_clear(struct canvas *canvas);
/* A view of a part, clipped; shares the cells. */
struct canvas canvas_part(const struct canvas *canvas, int col, int row, int cols, int rows);
/* Draws text from (col,row), cut at the right edge; returns the column after it. Out of range draws nothing.
 */
int canvas_put(struct canvas *canvas, int col, int row, enum role role, const char *text);
int canvas_putf(struct canvas *canvas, int col, int row, enum role role, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* How many cells the text takes on this canvas; not the same on an ASCII one. */
int canvas_width(const struct canvas *canvas, const char *text);
/* Within a field of `cells`; shortened with an ellipsis; `right` aligns right. Returns col + cells. */
int canvas_field(struct canvas *canvas, int col, int row, int cells, bool right, enum role role,
		 const char *text);
void canvas_fill(struct canvas *canvas, int col, int row, int cols, enum role role, const char *glyph);
void canvas_role(struct canvas *canvas, int col, int row, int cols, enum role role); /* keeps the text */
void canvas_select(struct canvas *canvas, int row);                                  /* whole row */
/* A bar of `cells` for done/total, filled only as far as it is true. */
void canvas_bar(struct canvas *canvas, int col, int row, int cells, int64_t done, int64_t total,
		enum role role);
/* Gives every lone word OLD, NEW or HEROKU of that stretch the colour of its side. */
void canvas_sides(struct canvas *canvas, int col, int row, int cols);
/* Text over several lines, broken at spaces, within `cols` x `rows`; returns the lines used. */
int canvas_wrap(struct canvas *canvas, int col, int row, int cols, int rows, enum role role,
		const char *text);
/* How many lines of it canvas_wrap() would use. */
int canvas_lines(const struct canvas *canvas, int cols, int rows, const char *text);
/* The text of one row, exactly size.cols cells wide, for tests and copies. */
void canvas_row_text(const struct canvas *canvas, int row, char *out, size_t size);

/* Glyphs by name, from the set of the canvas. */
enum glyph {
	GLYPH_H,
	GLYPH_V,
	GLYPH_T_DOWN,
	GLYPH_T_UP,
	GLYPH_T_RIGHT,
	GLYPH_T_LEFT,
	GLYPH_CROSS,
	GLYPH_TL,
	GLYPH_TR,
	GLYPH_BL,
	GLYPH_BR,
	GLYPH_FULL,
	GLYPH_LIGHT,
	GLYPH_WAKE,
	GLYPH_ROUTE,
	GLYPH_BOAT,
	GLYPH_NOW,
	GLYPH_DOT,
	GLYPH_ARROW,
	GLYPH_ELLIPSIS,
	GLYPH_COUNT
};
const char *glyph(const struct canvas *canvas, enum glyph g);

#endif
