/* Several hands: the wheel, HOLD, and who comes and goes. None of it needs an armed seat. */
#include "core/engine/inner.h"

bool seat_drives(const struct seat *seat)
{
	return text_equal(seat->id, seat->e->state->people.driver);
}

static void wheel_event(struct engine *e, const char *kind, const char *seat, const char *name,
			const char *key, const char *value)
{
	struct jw w;
	jw_event(&w, kind);
	jw_str(&w, "seat", seat);
	jw_str(&w, "name", name);
	if (key)
		jw_str(&w, key, value);
	engine_emit(e, &w, NULL);
}

static struct seat *seat_here(struct engine *e, const char *id)
{
	for (struct seat *s = e->seats; s; s = s->next)
		if (s->ready && !s->leaving && text_equal(s->id, id))
			return s;
	return NULL;
}

static void wheel_give(struct seat *seat, const char *from)
{
	struct engine *e = seat->e;
	wheel_event(e, "wheel.given", seat->id, seat->name, "from", from);
	/* What the driver before was asked and has not answered. */
	if (e->ask_child)
		seat_ask(seat);
}

/* ---- coming and going ---- */

static bool others_could_drive(const struct seat *seat)
{
	for (const struct seat *s = seat->e->seats; s; s = s->next)
		if (s != seat && s->ready && !s->leaving && !s->observer)
			return true;
	return false;
}

static bool was_driver(const struct seat *seat)
{
	const struct people_state *p = &seat->e->state->people;
	return *p->lost_seat && seat->uid == p->lost_uid && text_equal(seat->login, p->lost_login) &&
	       text_equal(seat->name, p->lost_name);
}

/* The same login under another name, and nobody else is here: a night of one. */
static bool is_alone_again(const struct seat *seat)
{
	const struct people_state *p = &seat->e->state->people;
	return *p->lost_seat && seat->uid == p->lost_uid && text_equal(seat->login, p->lost_login) &&
	       !others_could_drive(seat);
}

/* The first one drives. While the wheel waits for a driver who vanished, only he gets it without asking. */
void people_joined(struct seat *seat)
{
	struct engine *e = seat->e;
	const struct people_state *p = &e->state->people;
	if (seat->observer || seat_driver(e))
		return;
	bool waits = *p->lost_seat && clock_wall_ms() < p->lost_take_at_ms;
	if (was_driver(seat) || is_alone_again(seat)) {
		wheel_give(seat, "");
		seat_say(seat, "info", "you are back and have the wheel again");
	} else if (!waits && !others_could_drive(seat)) {
		wheel_give(seat, p->lost_name);
	}
}

void people_left(struct seat *seat)
{
	struct engine *e = seat->e;
	if (!seat_drives(seat))
		return;
	/* Nothing irreversible starts while nobody drives. */
	if (e->act.phase == ACT_GATE)
		gate_stop_count(e, e->act.gate_id, "nightferry, for the driver's seat is gone");
	struct jw w;
	jw_event(&w, "wheel.lost");
	jw_str(&w, "seat", seat->id);
	jw_str(&w, "name", seat->name);
	jw_str(&w, "login", seat->login);
	jw_int(&w, "uid", seat->uid);
	jw_int(&w, "take_at_ms", clock_wall_ms() + WHEEL_WAITS_MS);
	engine_emit(e, &w, NULL);
}

/* ---- the wheel: D asks, D gives, y takes ---- */

static void wheel_ask(struct seat *seat)
{
	struct engine *e = seat->e;
	const struct people_state *p = &e->state->people;
	int64_t wait_ms = p->lost_take_at_ms - clock_wall_ms();
	const struct seat *first = seat_here(e, p->asked);
	if (seat_driver(e) && first && first != seat) {
		/* One at a time: the driver gives it to whom he saw asking, and nobody's asking is lost. */
		seat_say(seat, "warn", "%s asks for the wheel already; D asks once %s has it, or has left",
			 first->name, first->name);
	} else if (seat_driver(e)) {
		wheel_event(e, "wheel.asked", seat->id, seat->name, NULL, NULL);
	} else if (*p->lost_seat && wait_ms > 0 && wait_ms <= WHEEL_WAITS_MS && !was_driver(seat)) {
		seat_say(seat, "warn", "%s may come back: in %lld s D takes the wheel", p->lost_name,
			 (long long)((wait_ms + 999) / 1000));
	} else {
		char from[32];
		text_copy(from, sizeof from, p->lost_name);
		wheel_give(seat, from);
	}
}

/* shown: the seat that the driver saw asking when he gave it. */
static void wheel_offer(struct seat *seat, const char *shown)
{
	struct engine *e = seat->e;
	struct seat *to = seat_here(e, e->state->people.asked);
	if (!to) {
		seat_say(seat, "info", "nobody asks for the wheel");
		return;
	}
	if (*shown && !text_equal(shown, to->id)) {
		seat_say(seat, "warn", "%s asks for the wheel now; D once more gives it to %s", to->name,
			 to->name);
		return;
	}
	if (seat->armed_until_life_ms)
		seat_arm(seat, false);
	wheel_event(e, "wheel.offered", to->id, to->name, "by", seat->name);
	for (struct seat *s = e->seats, *next; s; s = next) {
		next = s->next;
		if (s == to)
			seat_say(s, "info", "%s gives you the wheel: y takes it", seat->name);
		else if (s->ready)
			seat_say(s, "info", "%s gives the wheel to %s, who takes it with y", seat->name,
				 to->name);
	}
}

static void wheel_take(struct seat *seat)
{
	struct engine *e = seat->e;
	struct seat *driver = seat_driver(e);
	if (driver && !text_equal(seat->id, e->state->people.offered)) {
		seat_say(seat, "warn", "%s has not given the wheel", driver->name);
		return;
	}
	if (!driver) {
		wheel_ask(seat);
		return;
	}
	wheel_give(seat, driver->name);
}

void cmd_wheel(struct seat *seat, const struct json *m)
{
	const char *action = json_str(m, "action", "");
	if (seat->observer)
		seat_say(seat, "warn", "observers never drive; attach without --observer to take the wheel");
	else if (text_equal(action, "ask") && !seat_drives(seat))
		wheel_ask(seat);
	else if (text_equal(action, "give") && seat_drives(seat))
		wheel_offer(seat, json_str(m, "to", ""));
	else if (text_equal(action, "take") && !seat_drives(seat))
		wheel_take(seat);
}

/* Arming is driving on: what was offered is kept. */
void wheel_keep(struct seat *seat)
{
	if (seat_drives(seat) && *seat->e->state->people.offered)
		wheel_event(seat->e, "wheel.kept", seat->id, seat->name, NULL, NULL);
}

/* ---- HOLD: from every seat, unarmed; stops starts, never what runs ---- */

void cmd_hold(struct seat *seat, const struct json *m)
{
	struct engine *e = seat->e;
	char why[160];
	struct err err = {0};
	seat_clean(m, "why", why, sizeof why);
	if (night_is_open(e, &err) < 0) {
		seat_say(seat, "info", "%s, so there is nothing to hold", err.text);
		return;
	}
	if (e->state->people.hold) {
		seat_say(seat, "info", "HOLD is already called by %s", e->state->people.hold_by);
		return;
	}
	if (e->act.phase == ACT_GATE)
		gate_stop_count(e, e->act.gate_id, seat->name);
	struct jw w;
	jw_event(&w, "hold.called");
	jw_str(&w, "by", seat->name);
	jw_str(&w, "seat", seat->id);
	jw_str(&w, "why", why);
	engine_emit(e, &w, NULL);
}

/* His own seat, or the one he came back to. */
static bool called_it(const struct seat *seat)
{
	const struct people_state *p = &seat->e->state->people;
	const struct seat_seen *caller = seat_get(seat->e->state, p->hold_seat);
	if (text_equal(seat->id, p->hold_seat))
		return true;
	return caller && !caller->here && caller->uid == seat->uid &&
	       text_equal(caller->login, seat->login) && text_equal(caller->name, seat->name);
}

void cmd_release(struct seat *seat, const struct json *m)
{
	struct engine *e = seat->e;
	const struct people_state *p = &e->state->people;
	char reason[160];
	seat_clean(m, "reason", reason, sizeof reason);
	if (!p->hold)
		return;
	bool caller = called_it(seat), gone = !caller && !seat_here(e, p->hold_seat);
	if (!seat_drives(seat) && !caller) {
		seat_say(seat, "warn", "HOLD is released by %s or the driver", p->hold_by);
		return;
	}
	if (!*reason) {
		seat_say(seat, "warn", "say in words why it may go on; it stands in the report");
		return;
	}
	char by[32];
	text_copy(by, sizeof by, p->hold_by);
	struct jw w;
	jw_event(&w, "hold.released");
	jw_str(&w, "by", seat->name);
	jw_str(&w, "reason", reason);
	jw_bool(&w, "caller_gone", gone);
	engine_emit(e, &w, NULL);
	if (gone)
		seats_say(e, "warn", "%s released the HOLD of %s, whose seat is gone: %s", seat->name, by,
			  reason);
}
