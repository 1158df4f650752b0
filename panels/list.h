/* A scrolling list that remembers which row is selected by its identity: rows that come or go above it move
 * nothing. */
#ifndef PANELS_LIST_H
#define PANELS_LIST_H

#include "panels/panel.h"

/* Part of a panel's view: plain data, zeroed at start. */
struct list {
	char key[104]; /* identity of the selected row; "" while nobody has chosen one */
	size_t index;  /* where it was last, for when it is gone */
	int offset;    /* its line within the page */
	char search[64], filter[64];
	bool hide; /* the filter hides what matches instead of keeping it */
};

/* What a list shows, in its order. `text` is what search and filter look at. */
struct list_rows {
	const void *ctx;
	size_t n, start; /* start: the row that counts as selected while nobody has chosen one */
	void (*key)(const void *ctx, size_t i, char *out, size_t size);
	void (*text)(const void *ctx, size_t i, char *out, size_t size);
};

/* The part that fits on `height` lines: rows shown[top] ... of n; `selected` is a place in `shown`. */
struct list_page {
	size_t *shown, n, hidden, top, selected;
	int height;
};
void list_page_init(struct list_page *page, const struct list *list, const struct list_rows *rows,
		    int height);
void list_page_done(struct list_page *page);
/* The row on line `line` of the page; -1 below the end. */
ptrdiff_t list_page_row(const struct list_page *page, int line);
/* Moves, searches and filters; everything else is left alone. */
void list_act(struct list *list, const struct list_rows *rows, const struct act *act, int height);
/* The identity of the selected row; "" when there is none. */
void list_selected(const struct list *list, const struct list_rows *rows, char *out, size_t size);
/* The row that is selected; -1 when there is none. */
ptrdiff_t list_selected_row(const struct list *list, const struct list_rows *rows);
/* "3 hidden" and what is searched, right-aligned; draws nothing when there is nothing to say. */
void list_note(struct canvas *canvas, int row, const struct list *list, const struct list_page *page);

#endif
