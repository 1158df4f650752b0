#include "panels/logs_view.h"
#include "core/base/text.h"

#include <string.h>

bool logs_filtered(const struct logs_view *view)
{
	return view->filter[0] || view->side[0] || view->source[0] || view->level;
}

bool logs_shown(const struct logs_view *view, const struct log_line *line)
{
	bool error = text_equal(line->level, "error"), warn = text_equal(line->level, "warn");

	if (view->side[0] && !text_equal(line->side, view->side))
		return false;
	if (view->source[0] && !text_equal(line->source, view->source))
		return false;
	if ((view->level == 1 && !warn && !error) || (view->level == 2 && !error))
		return false;
	if (!view->filter[0])
		return true;
	return (text_find(line->text, view->filter) != NULL ||
		text_find(line->source, view->filter) != NULL) != view->hide;
}

ptrdiff_t logs_step(const struct logs_view *view, const struct log_ring *ring, ptrdiff_t from, int by)
{
	for (ptrdiff_t i = from + by; i >= 0 && i < (ptrdiff_t)ring->n; i += by)
		if (logs_shown(view, log_at(ring, (size_t)i)))
			return i;
	return -1;
}

ptrdiff_t logs_selected(const struct logs_view *view, const struct log_ring *ring)
{
	ptrdiff_t from = (ptrdiff_t)ring->n - 1, found;

	if (view->at > 0) {
		from = log_place(ring, view->at);
		/* It fell out at the front: the oldest that is left. */
		from = from < 0 ? 0 : from;
	}
	found = logs_step(view, ring, from + 1, -1);
	return found >= 0 ? found : logs_step(view, ring, from, 1);
}

void logs_go_to(struct logs_view *view, const struct log_ring *ring, ptrdiff_t place)
{
	if (place < 0)
		return;
	if (view->at == 0)
		view->total_at = ring->total;
	view->at = log_at(ring, (size_t)place)->id;
}

void logs_find(struct logs_view *view, const struct log_ring *ring, ptrdiff_t from, int by,
	       const char *needle)
{
	for (ptrdiff_t i = logs_step(view, ring, from, by); i >= 0; i = logs_step(view, ring, i, by)) {
		const struct log_line *line = log_at(ring, (size_t)i);

		if (needle ? text_find(line->text, needle) || text_find(line->source, needle)
			   : text_equal(line->level, "error")) {
			logs_go_to(view, ring, i);
			view->missed = false;
			return;
		}
	}
	view->missed = true;
}

bool logs_marked(const struct logs_view *view, uint64_t id)
{
	for (int i = 0; i < LOG_MARKS; i++)
		if (view->marks[i] == id)
			return true;
	return false;
}

void logs_mark(struct logs_view *view, uint64_t id)
{
	for (int i = 0; i < LOG_MARKS; i++)
		if (view->marks[i] == id) {
			view->marks[i] = 0;
			return;
		}
	memmove(&view->marks[1], &view->marks[0], (LOG_MARKS - 1) * sizeof(view->marks[0]));
	view->marks[0] = id;
}

/* The nearest one below, then from the top again. */
void logs_next_mark(struct logs_view *view, const struct log_ring *ring, ptrdiff_t at)
{
	ptrdiff_t below = -1, first = -1;

	for (int i = 0; i < LOG_MARKS; i++) {
		ptrdiff_t place = view->marks[i] ? log_place(ring, view->marks[i]) : -1;

		if (place < 0)
			continue;
		if (place > at && (below < 0 || place < below))
			below = place;
		if (first < 0 || place < first)
			first = place;
	}
	logs_go_to(view, ring, view->at && below >= 0 ? below : first);
}

void logs_next_source(struct logs_view *view, const struct logs_state *logs)
{
	size_t next = 0;

	if (!view->source[0] && !text_equal(view->side, "NEW")) {
		text_copy(view->side, sizeof(view->side), view->side[0] ? "NEW" : "OLD");
		return;
	}
	for (size_t i = 0; view->source[0] && i < logs->n_sources; i++)
		if (text_equal(logs->sources[i].source, view->source) &&
		    text_equal(logs->sources[i].side, view->side))
			next = i + 1;
	view->side[0] = view->source[0] = '\0';
	if (next < logs->n_sources) {
		text_copy(view->side, sizeof(view->side), logs->sources[next].side);
		text_copy(view->source, sizeof(view->source), logs->sources[next].source);
	}
}

size_t logs_newer(const struct logs_view *view, const struct log_ring *ring, size_t most)
{
	size_t n = 0;

	if (view->at == 0)
		return 0;
	/* They came last, but may have been put some places back. */
	for (size_t i = ring->n; i > 0 && ring->n - i < most; i--) {
		const struct log_line *line = log_at(ring, i - 1);

		n += line->id > view->total_at && logs_shown(view, line);
	}
	return n;
}
