/* Notes: what people wrote down with ; and how the stations voted. It has no digit and comes with wide
 * screens. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/age.h"
#include "panels/list.h"

#include <stdio.h>
#include <stdlib.h>

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

/* Notes and votes by their time: both arrays are in order already. Index below n_notes: a note; else a vote.
 */
struct entries {
	const struct people_state *people;
	size_t *order, n;
};

static void entries_init(struct entries *entries, const struct people_state *people)
{
	size_t note = 0, vote = 0;

	entries->people = people;
	entries->n = people->n_notes + people->n_votes;
	entries->order = calloc(entries->n + 1, sizeof(size_t));
	if (!entries->order)
		abort();
	for (size_t i = 0; i < entries->n; i++) {
		bool take_note =
		    vote >= people->n_votes ||
		    (note < people->n_notes && people->notes[note].at_ms <= people->votes[vote].at_ms);

		entries->order[i] = take_note ? note++ : people->n_notes + vote++;
	}
}

static void entry_key(const void *ctx, size_t i, char *out, size_t size)
{
	const struct entries *entries = ctx;
	const struct people_state *people = entries->people;
	size_t at = entries->order[i];

	if (at < people->n_notes)
		snprintf(out, size, "note:%zu", at);
	else
		snprintf(out, size, "vote:%s:%s", people->votes[at - people->n_notes].station,
			 people->votes[at - people->n_notes].by);
}

static void entry_text(const void *ctx, size_t i, char *out, size_t size)
{
	const struct entries *entries = ctx;
	const struct people_state *people = entries->people;
	size_t at = entries->order[i];

	if (at < people->n_notes) {
		snprintf(out, size, "%s %s", people->notes[at].by, people->notes[at].text);
	} else {
		const struct vote_seen *vote = &people->votes[at - people->n_notes];

		snprintf(out, size, "%s %s %s %s", vote->station, vote->go ? "GO" : "NO-GO", vote->by,
			 vote->reason);
	}
}

static struct list_rows rows_of(const struct entries *entries)
{
	return (struct list_rows){.ctx = entries,
				  .n = entries->n,
				  .start = entries->n > 0 ? entries->n - 1 : 0,
				  .key = entry_key,
				  .text = entry_text};
}

static void notes_head(const struct scene *scene, char *out, size_t size)
{
	(void)scene;
	snprintf(out, size, "; to add");
}

static void draw_entry(struct canvas *canvas, int row, const struct people_state *people, size_t at)
{
	char clock[UNITS_MAX];
	int cols = canvas->size.cols;

	if (at >= people->n_notes) {
		const struct vote_seen *vote = &people->votes[at - people->n_notes];

		canvas_put(canvas, 0, row, ROLE_MUTED,
			   vote->at_ms > 0 ? units_clock_hm(clock, vote->at_ms) : "-");
		canvas_field(canvas, 6, row, 8, false, ROLE_TEXT, vote->by);
		canvas_field(canvas, 15, row, 6, false, ROLE_TEXT, vote->station);
		canvas_put(canvas, 22, row, vote->go ? ROLE_OK : ROLE_BAD, vote->go ? "GO" : "NO-GO");
		canvas_field(canvas, 29, row, cols - 29, false, ROLE_MUTED, vote->reason);
		return;
	}
	const struct note_seen *note = &people->notes[at];
	canvas_put(canvas, 0, row, ROLE_MUTED, note->at_ms > 0 ? units_clock_hm(clock, note->at_ms) : "-");
	canvas_field(canvas, 6, row, 8, false, ROLE_MUTED, note->by);
	canvas_field(canvas, 15, row, cols - 15, false, ROLE_TEXT, note->text);
}

static void notes_draw(const struct scene *scene, struct canvas *canvas)
{
	const struct notes_view *view = scene->view;
	struct entries entries;
	struct list_rows rows;
	struct list_page page;

	entries_init(&entries, &scene->state->people);
	rows = rows_of(&entries);
	if (rows.n == 0)
		age_nothing(canvas, 0, "No notes yet. Any seat may add one with ;");
	list_page_init(&page, &view->list, &rows, canvas->size.rows);
	for (int r = 0; list_page_row(&page, r) >= 0; r++) {
		draw_entry(canvas, r, entries.people, entries.order[list_page_row(&page, r)]);
		if (scene->focus && page.top + (size_t)r == page.selected)
			canvas_select(canvas, r);
	}
	list_note(canvas, canvas->size.rows - 1, &view->list, &page);
	list_page_done(&page);
	free(entries.order);
}

static void notes_act(void *data, const struct state *state, const struct act *act, struct size size)
{
	struct notes_view *view = data;
	struct entries entries;
	struct list_rows rows;

	entries_init(&entries, &state->people);
	rows = rows_of(&entries);
	list_act(&view->list, &rows, act, size.rows);
	free(entries.order);
}

static void notes_selected(const struct scene *scene, char *out, size_t size)
{
	const struct notes_view *view = scene->view;
	struct entries entries;
	struct list_rows rows;

	entries_init(&entries, &scene->state->people);
	rows = rows_of(&entries);
	list_selected(&view->list, &rows, out, size);
	free(entries.order);
}
