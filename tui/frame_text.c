/* A screen as plain text. */
#include "tui/cockpit.h"
#include "core/base/text.h"
#include <stdlib.h>

/* The same drawing as on a terminal, without one. */
int seat_frame(const char *journal, const char *trace, struct size size, int64_t at_ms, const char *view,
	       struct buf *out, struct err *err)
{
	struct cockpit *c = xcalloc(1, sizeof(*c));
	static const struct seat_options none;
	char *row = xmalloc((size_t)size.cols * 8 + 1);
	int rc = -1;

	c->options = &none;
	wire_init(&c->wire);
	c->state = state_new();
	local_init(&c->local);
	if (view && *view) {
		text_copy(c->local.view, sizeof(c->local.view), view);
		c->local.view_chosen = true;
	}
	c->replay = replay_open(journal, trace, err);
	if (c->replay) {
		c->replay_now_ms = at_ms > 0 ? at_ms : replay_last_ms(c->replay);
		c->me.replaying = true;
		c->me.no_trace = !replay_traced(c->replay, c->replay_now_ms);
		c->speed = 1;
		c->paused = true;
		replay_seek(c->replay, &c->state, c->replay_now_ms);
		c->size = size;
		c->canvas = canvas_new(size, false);
		local_offer(c);
		local_relayout(c);
		c->gate.shown = c->state->steps.gate.open;
		draw_screen(c);
		for (int i = 0; i < size.rows; i++) {
			canvas_row_text(c->canvas, i, row, (size_t)size.cols * 8 + 1);
			buf_addf(out, "%s\n", row);
		}
		rc = 0;
	}
	canvas_free(c->canvas);
	replay_close(c->replay);
	state_free(c->state);
	local_done(&c->local);
	free(row);
	free(c);
	return rc;
}
