#include "panels/logs_histogram.h"

void logs_histogram(const struct log_ring *ring, int64_t now_ms, struct canvas *canvas, int col, int row)
{
	static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇"};
	int64_t counts[12] = {0}, most = 1;

	for (size_t i = ring->n; i > 0; i--) {
		int64_t slot = (now_ms - log_at(ring, i - 1)->at_ms) / 10000;

		if (slot > 200)
			break;
		if (slot >= 0 && slot < 12)
			counts[slot]++;
	}
	for (int i = 0; i < 12; i++)
		if (counts[i] > most)
			most = counts[i];
	for (int i = 11; i >= 0; i--)
		col = canvas_put(canvas, col, row, ROLE_MUTED,
				 counts[i] == 0 ? " " : bars[counts[i] * 6 / most]);
	canvas_put(canvas, col + 1, row, ROLE_MUTED, "per 10 s");
}
