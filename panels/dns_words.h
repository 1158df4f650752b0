/* What the DNS panel says beside its grid: until when old answers live, who still gives them, who visits. */
#ifndef PANELS_DNS_WORDS_H
#define PANELS_DNS_WORDS_H

#include "panels/panel.h"

enum role dns_state_role(const char *state);
/* One letter for a state, 'O' for OLD; NEW is the canvas' dot. */
char dns_state_mark(const char *state);
/* Visitors are still led to the old side, and waiting helps; of a cell, by either family. */
bool dns_word_waits(const char *state);
bool dns_cell_waits(const struct dns_cell *cell);
/* The first line: how safe a flip is, or when the last old answer dies. */
void dns_draw_top(const struct scene *scene, struct canvas *canvas, int row);
/* "OLD 3, MIXED 1   01:22:10", of one server. */
void dns_words_of(const struct scene *scene, struct canvas *canvas, int col, int row, const char *server);
/* The lines below the grid, when `rows` are there for all of the panel: how many, and those. */
int dns_below_lines(const struct scene *scene, int rows);
void dns_draw_below(const struct scene *scene, struct canvas *canvas, int row, int lines);

#endif
