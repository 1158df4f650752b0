/* What the Logs panel shows of the ring: filters, the selected line, marks. */
#ifndef PANELS_LOGS_VIEW_H
#define PANELS_LOGS_VIEW_H

#include "panels/panel.h"

enum { LOG_MARKS = 8 };

/* Lines are known by their ids: others may come between them, or fall out before them. */
struct logs_view {
	uint64_t at;       /* id of the selected line; 0: follow the end */
	uint64_t total_at; /* how many lines there were when following stopped */
	uint64_t marks[LOG_MARKS];
	char search[64], filter[64];
	bool hide, wrap, histogram;
	bool missed;              /* nothing was found in that direction */
	char side[4], source[28]; /* "": every one */
	int level;                /* 0 all, 1 warnings and errors, 2 errors */
};

/* Whether the filters let it through. */
bool logs_shown(const struct logs_view *view, const struct log_line *line);
bool logs_filtered(const struct logs_view *view);
/* The place in the ring of the selected line, of the last shown one while following; -1: there is none. */
ptrdiff_t logs_selected(const struct logs_view *view, const struct log_ring *ring);
/* The next shown one from `from`, not counting it; -1: none. by: 1 or -1. */
ptrdiff_t logs_step(const struct logs_view *view, const struct log_ring *ring, ptrdiff_t from, int by);
void logs_go_to(struct logs_view *view, const struct log_ring *ring, ptrdiff_t place);
/* To the next shown line with the text, or, without one, to the next error. */
void logs_find(struct logs_view *view, const struct log_ring *ring, ptrdiff_t from, int by,
	       const char *needle);
bool logs_marked(const struct logs_view *view, uint64_t id);
void logs_mark(struct logs_view *view, uint64_t id);
void logs_next_mark(struct logs_view *view, const struct log_ring *ring, ptrdiff_t at);
/* Everything, OLD, NEW, then each source by itself. */
void logs_next_source(struct logs_view *view, const struct logs_state *logs);
/* Lines that came since following stopped, of those that are shown; at most `most`. */
size_t logs_newer(const struct logs_view *view, const struct log_ring *ring, size_t most);

/* The panel's lines, foot and card. */
void logs_draw(const struct scene *scene, struct canvas *canvas);
void logs_card(const struct scene *scene, struct canvas *canvas);

#endif
