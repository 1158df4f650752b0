#include "tui/cockpit.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include <string.h>

void rerun_to(struct cockpit *c, int64_t at_ms)
{
	int64_t first_ms = replay_first_ms(c->replay), last_ms = replay_last_ms(c->replay);

	at_ms = at_ms < first_ms ? first_ms : at_ms > last_ms ? last_ms : at_ms;
	c->replay_now_ms = at_ms;
	c->replay_real_ms = seat_real_ms(c);
	if (replay_seek(c->replay, &c->state, at_ms))
		seat_after_fold(c);
	if (at_ms == last_ms && !c->paused) {
		c->paused = true;
		seat_toast(c, ROLE_MUTED, "the record ends here; < goes back, q leaves");
	}
	seat_dirty(c);
}

void rerun_tick(struct cockpit *c, int64_t real_ms)
{
	int64_t passed_ms = real_ms - c->replay_real_ms;

	if (c->paused || c->local.frozen) {
		c->replay_real_ms = real_ms;
		return;
	}
	/* At a low speed less than a millisecond of the night passes in a tick: the rest is kept for the next
	 * one. */
	if ((double)passed_ms * c->speed < 1)
		return;
	rerun_to(c, c->replay_now_ms + (int64_t)((double)passed_ms * c->speed));
}

static void to_same_kind(struct cockpit *c, int step)
{
	char kind[64];
	int64_t at_ms = replay_same_kind_ms(c->replay, step, kind, sizeof(kind));

	c->paused = true;
	if (at_ms < 0) {
		seat_toast(c, ROLE_MUTED, "there is no %s %s", step > 0 ? "later" : "earlier", kind);
		return;
	}
	rerun_to(c, at_ms);
	seat_toast(c, ROLE_MUTED, "%s", kind);
}

bool rerun_do(struct cockpit *c, const char *cmd)
{
	if (!c->replay)
		return false;
	if (strcmp(cmd, "pause") == 0) {
		c->paused = !c->paused;
		c->replay_real_ms = seat_real_ms(c);
	} else if (strcmp(cmd, "later") == 0) {
		rerun_to(c, c->replay_now_ms + 60000);
	} else if (strcmp(cmd, "earlier") == 0) {
		rerun_to(c, c->replay_now_ms - 60000);
	} else if (strcmp(cmd, "next-event") == 0) {
		to_same_kind(c, 1);
	} else if (strcmp(cmd, "previous-event") == 0) {
		to_same_kind(c, -1);
	} else if (strcmp(cmd, "faster") == 0 || strcmp(cmd, "slower") == 0) {
		c->speed = strcmp(cmd, "faster") == 0 ? c->speed * 2 : c->speed / 2;
		c->speed = c->speed < 0.125 ? 0.125 : c->speed > 1024 ? 1024 : c->speed;
	} else {
		return false;
	}
	return true;
}
