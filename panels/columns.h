/* Columns of a table: what does not fit is left out as a whole, by rank; a number is never cut. */
#ifndef PANELS_COLUMNS_H
#define PANELS_COLUMNS_H

#include "panels/canvas.h"

#define COLUMNS_MAX 12

struct column {
	const char *head;
	int least, want; /* cells; `want` is reached from left to right while there is room */
	bool right;
	int rank; /* 0: always there; the highest rank is left out first */
};
struct columns {
	const struct column *column;
	int n;
	int at[COLUMNS_MAX], cells[COLUMNS_MAX]; /* cells 0: left out */
};

void columns_fit(struct columns *columns, const struct column *column, int n, int cols);
void columns_head(struct canvas *canvas, int row, const struct columns *columns);
void columns_put(struct canvas *canvas, int row, const struct columns *columns, int i, enum role role,
		 const char *text);
void columns_putf(struct canvas *canvas, int row, const struct columns *columns, int i, enum role role,
		  const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* 12,004,218 or, where that does not fit, 12.0M; "-" for a negative one. */
void columns_count(struct canvas *canvas, int row, const struct columns *columns, int i, enum role role,
		   int64_t count);
/* The same for a figure anywhere; never more than `cells` cells. */
char *figure_count(char *out, size_t size, int64_t count, int cells);

/* Copies the columns; on a screen wider than most, column `name` gets half of what is over: a name that is
 * cut there is cut for nothing. */
void columns_widen(struct column *out, const struct column *column, int n, int name, int cols);

#endif
