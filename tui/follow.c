/* What changes on a seat because the state did: who one is in it, bells, the wheel, the window's title. */
#include "tui/cockpit.h"
#include "core/base/text.h"
#include <string.h>

enum { LONG_STEP_MS = 10000 };

void follow_me(struct cockpit *c)
{
	const struct people_state *people = &c->state->people;
	int64_t now_ms = seat_now_ms(c);

	c->me.driver = c->me.seat[0] && strcmp(people->driver, c->me.seat) == 0;
	c->me.armed = false;
	c->me.armed_until_ms = 0;
	for (size_t i = 0; i < people->n; i++)
		if (people->seats[i].here && strcmp(people->seats[i].id, c->me.seat) == 0) {
			c->me.armed_until_ms = people->seats[i].armed_until_ms;
			c->me.armed = c->me.armed_until_ms > now_ms;
		}
}

/* Heard once each: a step that ends badly, the end of a long one on the driver's seat, a HOLD of somebody
 * else. */
static void bell_follow(struct cockpit *c)
{
	const struct step_seen *bad = NULL, *ended = NULL;
	const struct people_state *people = &c->state->people;
	bool ring = false;

	for (size_t i = 0; i < c->state->steps.n; i++) {
		const struct step_seen *step = &c->state->steps.steps[i];
		if (step->state == STEP_FAILED || step->state == STEP_UNKNOWN)
			bad = step;
		if (step->ended_at_ms && (!ended || step->ended_at_ms > ended->ended_at_ms))
			ended = step;
	}
	if (bad && strcmp(bad->id, c->failed_step) != 0)
		ring = true;
	text_copy(c->failed_step, sizeof(c->failed_step), bad ? bad->id : "");
	if (ended && ended->ended_at_ms > c->step_ended_ms) {
		/* What a snapshot tells is long over. */
		ring = ring || (c->step_ended_ms && c->me.driver && ended->started_at_ms &&
				ended->ended_at_ms - ended->started_at_ms > LONG_STEP_MS);
		c->step_ended_ms = ended->ended_at_ms;
	}
	if (people->hold && people->hold_at_ms != c->hold_ms && strcmp(people->hold_seat, c->me.seat) != 0)
		ring = true;
	c->hold_ms = people->hold ? people->hold_at_ms : 0;
	if (!c->step_ended_ms)
		c->step_ended_ms = c->state->opened_at_ms;
	if (ring && c->terminal && !c->replay)
		terminal_bell(c->terminal);
}

static void wheel_follow(struct cockpit *c)
{
	const struct people_state *people = &c->state->people;
	const struct seat_seen *asks = seat_get(c->state, people->asked);
	bool mine = people->offered[0] && strcmp(people->offered, c->me.seat) == 0;

	/* The third key of a handover: its box comes by itself, so that `y` is bound to nothing elsewhere. It
	 * waits for a box or a line that is open. */
	if (!mine)
		c->offer_seen = false;
	else if (!c->offer_seen && !c->confirm.open && !c->prompt.kind && c->terminal && !c->replay) {
		c->offer_seen = true;
		acts_do(c, "wheel", "D");
		terminal_bell(c->terminal);
	}
	if (strcmp(people->asked, c->asked) == 0)
		return;
	text_copy(c->asked, sizeof(c->asked), people->asked);
	if (!c->asked[0] || !c->me.driver || !c->terminal || c->replay)
		return;
	seat_toast(c, ROLE_NOW, "%s asks for the wheel: D gives it", asks ? asks->name : people->asked);
	terminal_bell(c->terminal);
}

/* A known error is said once, wherever one looks; what it means stands in its card. */
static void signature_follow(struct cockpit *c)
{
	const struct logs_state *logs = &c->state->logs;
	const struct signature_seen *newest =
	    logs->n_signatures ? &logs->signatures[logs->n_signatures - 1] : NULL;
	bool more = c->told_signatures && logs->n_signatures + 1 > c->told_signatures;

	if (!c->replay && !c->me.connected)
		return;
	/* The answer to a person's key is read first. */
	if (more && c->toast_until_real_ms > seat_real_ms(c))
		return;
	c->told_signatures = logs->n_signatures + 1;
	if (!more || !newest || !c->terminal)
		return;
	seat_toast(c, newest->warn ? ROLE_WARN : ROLE_BAD,
		   "%s%s%s: %s. In 5 Logs, e and Enter: cause and fix", newest->side,
		   newest->side[0] ? " " : "", newest->source, newest->title);
}

static void title_follow(struct cockpit *c)
{
	const struct step_seen *step = steps_current(c->state);
	char title[160];

	if (!c->terminal)
		return;
	text_copyf(title, sizeof(title), "nightferry %s%s%s%s", c->state->app, step ? " " : "",
		   step ? step->id : "",
		   c->state->people.hold       ? " HOLD"
		   : c->state->steps.gate.open ? " GATE"
					       : "");
	if (strcmp(title, c->title) == 0)
		return;
	text_copy(c->title, sizeof(c->title), title);
	terminal_title(c->terminal, title);
}

void seat_after_fold(struct cockpit *c)
{
	follow_me(c);
	local_offer(c);
	if (c->replay)
		rerun_gate_follow(c);
	else
		box_gate_follow(c);
	bell_follow(c);
	wheel_follow(c);
	signature_follow(c);
	title_follow(c);
	seat_dirty(c);
}
