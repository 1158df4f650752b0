/* Lines per ten seconds over the last two minutes, as small bars. */
#ifndef PANELS_LOGS_HISTOGRAM_H
#define PANELS_LOGS_HISTOGRAM_H

#include "core/night/state.h"
#include "panels/canvas.h"

void logs_histogram(const struct log_ring *ring, int64_t now_ms, struct canvas *canvas, int col, int row);

#endif
