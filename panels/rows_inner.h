/* Shared by rows.c and rows_card.c only. */
#ifndef PANELS_ROWS_INNER_H
#define PANELS_ROWS_INNER_H

#include "panels/panel.h"

void rows_selected(const struct scene *scene, char *out, size_t size);
void rows_card(const struct scene *scene, struct canvas *canvas);
size_t rows_whole(const struct scene *scene);
bool rows_line(const struct scene *scene, size_t i, char *out, size_t size);

#endif
