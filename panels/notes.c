/* Notes: what people wrote down with ; and how the stations voted. It has no digit and comes with wide
 * screens. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/age.h"
#include "panels/list.h"

#include <stdio.h>

static void notes_head(const struct scene *scene, char *out, size_t size);
static void notes_draw(const struct scene *scene, struct canvas *canvas);
static void notes_act(void *view, const struct state *state, const struct act *act, struct size size);
static void notes_selected(const struct scene *scene, char *out, size_t size);

struct notes_view {
	struct list list;
};

static const struct binding notes_keys[] = {
    {.key = NULL},
};

const struct panel notes_panel = {
    .name = "notes",
    .title = "Notes",
    .digit = ' ',
    .side = "",
    .least = {30, 2},
    .view_size = sizeof(struct notes_view),
    .keys = notes_keys,
    .head = notes_head,
    .draw = notes_draw,
    .act = notes_act,
    .selected = notes_selected,
};

/* Votes first in the list: there are few, and they stand until they fall. */
static void entry_key(const void *ctx, size_t i, char *out, size_t size)
{
	const struct people_state *people = ctx;

	if (i < people->n_votes)
		snprintf(out, size, "vote:%s:%s", people->votes[i].station, people->votes[i].by);
	else
		snprintf(out, size, "note:%lld:%zu", (long long)people->notes[i - people->n_votes].at_ms,
			 i - people->n_votes);
}

static void entry_text(const void *ctx, size_t i, char *out, size_t size)
{
	const struct people_state *people = ctx;

	if (i < people->n_votes)
		snprintf(out, size, "%s %s %s %s", people->votes[i].station,
			 people->votes[i].go ? "GO" : "NO-GO", people->votes[i].by, people->votes[i].reason);
	else
		snprintf(out, size, "%s %s", people->notes[i - people->n_votes].by,
			 people->notes[i - people->n_votes].text);
}

static struct list_rows rows_of(const struct state *state)
{
	const struct people_state *people = &state->people;
	size_t n = people->n_votes + people->n_notes;

	return (struct list_rows){
	    .ctx = people, .n = n, .start = n > 0 ? n - 1 : 0, .key = entry_key, .text = entry_text};
}

static void notes_head(const struct scene *scene, char *out, size_t size)
{
	(void)scene;
	snprintf(out, size, "; to add");
}

static void draw_entry(struct canvas *canvas, int row, const struct people_state *people, size_t i)
{
	char clock[UNITS_MAX];
	int cols = canvas->size.cols;

	if (i < people->n_votes) {
		const struct vote_seen *vote = &people->votes[i];

		canvas_put(canvas, 0, row, ROLE_MUTED,
			   vote->at_ms > 0 ? units_clock_hm(clock, vote->at_ms) : "-");
		canvas_field(canvas, 6, row, 8, false, ROLE_TEXT, vote->by);
		canvas_field(canvas, 15, row, 6, false, ROLE_TEXT, vote->station);
		canvas_put(canvas, 22, row, vote->go ? ROLE_OK : ROLE_BAD, vote->go ? "GO" : "NO-GO");
		canvas_field(canvas, 29, row, cols - 29, false, ROLE_MUTED, vote->reason);
		return;
	}
	const struct note_seen *note = &people->notes[i - people->n_votes];
	canvas_put(canvas, 0, row, ROLE_MUTED, note->at_ms > 0 ? units_clock_hm(clock, note->at_ms) : "-");
	canvas_field(canvas, 6, row, 8, false, ROLE_MUTED, note->by);
	canvas_field(canvas, 15, row, cols - 15, false, ROLE_TEXT, note->text);
}

static void notes_draw(const struct scene *scene, struct canvas *canvas)
{
	const struct notes_view *view = scene->view;
	struct list_rows rows = rows_of(scene->state);
	struct list_page page;

	if (rows.n == 0) {
		age_nothing(canvas, 0, "No notes yet. Any seat may add one with ;");
		return;
	}
	list_page_init(&page, &view->list, &rows, canvas->size.rows);
	for (int r = 0; list_page_row(&page, r) >= 0; r++) {
		draw_entry(canvas, r, &scene->state->people, (size_t)list_page_row(&page, r));
		if (scene->focus && page.top + (size_t)r == page.selected)
			canvas_select(canvas, r);
	}
	list_note(canvas, canvas->size.rows - 1, &view->list, &page);
	list_page_done(&page);
}

static void notes_act(void *data, const struct state *state, const struct act *act, struct size size)
{
	struct notes_view *view = data;
	struct list_rows rows = rows_of(state);

	list_act(&view->list, &rows, act, size.rows);
}

static void notes_selected(const struct scene *scene, char *out, size_t size)
{
	const struct notes_view *view = scene->view;
	struct list_rows rows = rows_of(scene->state);

	list_selected(&view->list, &rows, out, size);
}
