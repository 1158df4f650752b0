/* A recorded night at this seat: its speed, its jumps, and boxes that ask nothing. */
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
	c->me.no_trace = !replay_traced(c->replay, at_ms);
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

static void move(struct cockpit *c, int step, const struct replay_wish *wish)
{
	const char *side = step > 0 ? "later" : "earlier";
	char said[400];

	c->paused = true;
	if (!replay_move(c->replay, &c->state, step, wish, said, sizeof(said))) {
		if (wish && wish->text[0])
			seat_toast(c, ROLE_MUTED, "there is no %s line with \"%s\"", side, wish->text);
		else
			seat_toast(c, ROLE_MUTED, "there is no %s %s", side,
				   wish && wish->kind[0] ? wish->kind : "event");
		return;
	}
	c->replay_now_ms = replay_at_ms(c->replay);
	c->me.no_trace = !replay_traced(c->replay, c->replay_now_ms);
	c->replay_real_ms = seat_real_ms(c);
	seat_after_fold(c);
	seat_toast(c, ROLE_MUTED, "%s", said);
}

void rerun_wish(struct cockpit *c, const char *kind, const char *text)
{
	c->wish = (struct replay_wish){0};
	text_copy(c->wish.kind, sizeof(c->wish.kind), kind);
	text_copy(c->wish.text, sizeof(c->wish.text), text);
	move(c, 1, &c->wish);
}

/* A gate's box comes and goes as it did on the driver's seat; who puts it aside keeps it aside. */
void rerun_gate_follow(struct cockpit *c)
{
	const struct gate_seen *gate = &c->state->steps.gate;
	const char *id = gate->open ? gate->id : "";

	if (strcmp(c->gate.id, id) == 0)
		return;
	c->gate = (struct gate_box){.shown = gate->open};
	text_copy(c->gate.id, sizeof(c->gate.id), id);
}

/* What lies in the box can be read; nothing of it is asked of anybody. */
bool rerun_gate_key(struct cockpit *c, const char *key)
{
	if (!c->gate.shown || !c->state->steps.gate.open)
		return false;
	if (strcmp(key, "Esc") == 0) {
		c->gate.shown = false;
		return true;
	}
	return (strcmp(key, "PgDn") == 0 || strcmp(key, "PgUp") == 0 || strcmp(key, "@") == 0) &&
	       box_gate_common(c, key);
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
	} else if (strcmp(cmd, "event-on") == 0) {
		move(c, 1, NULL);
	} else if (strcmp(cmd, "event-back") == 0) {
		move(c, -1, NULL);
	} else if (strcmp(cmd, "next-event") == 0) {
		move(c, 1, &c->wish);
	} else if (strcmp(cmd, "previous-event") == 0) {
		move(c, -1, &c->wish);
	} else if (strcmp(cmd, "faster") == 0 || strcmp(cmd, "slower") == 0) {
		c->speed = strcmp(cmd, "faster") == 0 ? c->speed * 2 : c->speed / 2;
		c->speed = c->speed < 0.125 ? 0.125 : c->speed > 1024 ? 1024 : c->speed;
	} else {
		return false;
	}
	return true;
}
