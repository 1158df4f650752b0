/* Every picture of a seat into the file that NIGHTFERRY_FRAMES names, with what it was drawn from: so a test
 * can hold the record of a night against what was on the screen that night. Nothing else reads them. */
#include "tui/cockpit.h"
#include "core/base/text.h"
#include <stdlib.h>

void frames_open(struct cockpit *c)
{
	const char *path = getenv("NIGHTFERRY_FRAMES");

	if (path && *path)
		c->frames = fopen(path, "we");
}

void frames_close(struct cockpit *c)
{
	if (c->frames)
		fclose(c->frames);
	c->frames = NULL;
}

/* What only this seat knows lies over the picture of the night: no record has it. */
static bool is_covered(const struct cockpit *c)
{
	return c->sheet.kind || c->prompt.kind || c->confirm.open || c->gate.phrase.len || c->gate.sent ||
	       c->gate.calls || c->gate.top || c->local.frozen || !c->me.connected ||
	       seat_real_ms(c) < c->toast_until_real_ms;
}

void frames_note(struct cockpit *c)
{
	struct jw w = {0};

	if (!c->frames || is_covered(c))
		return;
	jw_open(&w);
	jw_int(&w, "now_ms", c->picture_ms);
	jw_int(&w, "seq", (int64_t)c->state->seq);
	jw_int(&w, "cols", c->size.cols);
	jw_int(&w, "rows", c->size.rows);
	jw_str(&w, "seat", c->me.seat);
	jw_str(&w, "name", c->me.name);
	jw_bool(&w, "observer", c->me.observer);
	jw_bool(&w, "gate", c->gate.shown);
	jw_str(&w, "view", c->local.view);
	jw_bool(&w, "view_chosen", c->local.view_chosen);
	jw_str(&w, "focus", c->local.focus->name);
	jw_int(&w, "zoom", c->local.zoom);
	jw_arr(&w, "picture");
	for (int row = 0; row < c->size.rows; row++) {
		struct buf cells = {0};
		/* Each cell's text, and its meaning as a character. */
		for (int col = 0; col < c->size.cols; col++) {
			const struct cell *cell = &c->canvas->cells[row * c->canvas->stride + col];
			buf_addf(&cells, "%s", cell->text);
		}
		buf_addc(&cells, '\t');
		for (int col = 0; col < c->size.cols; col++) {
			const struct cell *cell = &c->canvas->cells[row * c->canvas->stride + col];
			buf_addc(&cells, (char)('0' + cell->role + (cell->selected ? 40 : 0)));
		}
		jw_str(&w, NULL, buf_text(&cells));
		buf_done(&cells);
	}
	jw_end(&w);
	jw_finish(&w);
	fprintf(c->frames, "%s\n", w.buf.data);
	fflush(c->frames);
	jw_done(&w);
}
