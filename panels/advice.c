#include "panels/advice.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/dialog.h"
#include "panels/dns_words.h"
#include "panels/sums.h"

#include <stdio.h>
#include <string.h>

static const char *driver_name(const struct state *state)
{
	for (size_t i = 0; i < state->people.n; i++)
		if (state->people.driver[0] && text_equal(state->people.seats[i].id, state->people.driver))
			return state->people.seats[i].name;
	return "nobody";
}

static const char *gate_words(int gate)
{
	static const char *const words[] = {"no gate", "asks y", "asks for a phrase", "asks every station"};

	return gate >= 0 && gate < 4 ? words[gate] : "gate not known";
}

/* What comes after the running step, as it will be asked for. */
static const struct step_seen *step_after(const struct state *state, const struct step_seen *current)
{
	size_t end = state->steps.turned ? state->steps.n : state->steps.n_forward;

	for (size_t i = 0; current && i < end && i < state->steps.n; i++)
		if (&state->steps.steps[i] > current && state->steps.steps[i].state == STEP_WAITING)
			return &state->steps.steps[i];
	return NULL;
}

static bool drives(const struct scene *scene)
{
	return scene->seat.driver && !scene->seat.observer && !scene->seat.replaying;
}

static void next_words(const struct scene *scene, const struct step_seen *current, char *out, size_t size)
{
	const struct step_seen *next = step_after(scene->state, current);

	if (!next)
		snprintf(out, size, "  It is the last step.");
	else
		snprintf(out, size, "  Next: %s%d %s (%s)",
			 !drives(scene) ? ""
			 : next->manual ? "M "
					: "R ",
			 next->number, next->id, next->manual ? "by hand" : gate_words(next->gate));
}

static enum role gate_advice(const struct scene *scene, char *out, size_t size)
{
	const struct gate_seen *gate = &scene->state->steps.gate;
	const char *verb = gate->plan.verb[0] ? gate->plan.verb : gate->verb;
	struct poll_look look;

	if (gate->counting_until_ms > scene->now_ms) {
		snprintf(out, size, "%s STARTS IN %lld s: any key stops it.", gate->step,
			 (long long)((gate->counting_until_ms - scene->now_ms + 999) / 1000));
		return ROLE_WARN;
	}
	poll_look(scene->state, &look);
	if (gate->level == 3 && !look.ready) {
		snprintf(out, size, "POLL: %s waits: %s. V votes.", gate->step, look.why);
		return scene->seat.driver ? ROLE_NOW : ROLE_TEXT;
	}
	if (!scene->seat.driver || scene->seat.observer) {
		snprintf(out, size, "GATE: %s decides on %s %s. H holds.", driver_name(scene->state),
			 gate->step, verb);
		return ROLE_TEXT;
	}
	if (gate_shut_by(gate)) {
		snprintf(out, size, "GATE: %s is shut by %s. W asks to waive it; Esc: nothing happens.",
			 gate->step, gate_shut_by(gate)->name);
		return ROLE_WARN;
	}
	if (gate->level >= 2)
		snprintf(out, size, "GATE: %s %s. Type the phrase, or Esc: nothing happens.", gate->step,
			 verb);
	else
		snprintf(out, size, "GATE: %s %s. y does it; any other key: nothing happens.", gate->step,
			 verb);
	return ROLE_NOW;
}

static enum role waiting_advice(const struct step_seen *step, char *out, size_t size, const char *next)
{
	char left[UNITS_MAX];
	int64_t left_s;

	if (step->total > 0 && step->total < 1000000 && step->done >= 0 && text_equal(step->unit, "s")) {
		left_s = step->total > step->done ? step->total - step->done : 0;
		snprintf(out, size, "WAITING: %s, %s to go.%s", step->progress[0] ? step->progress : step->id,
			 units_duration(left, left_s * 1000), next);
	} else
		snprintf(out, size, "WAITING: %s%s%s", step->progress[0] ? step->progress : step->id,
			 step->progress[0] && strchr(".!?", step->progress[strlen(step->progress) - 1]) ? ""
													: ".",
			 next);
	return ROLE_TEXT;
}

static enum role watching_advice(const struct scene *scene, char *out, size_t size, const char *next)
{
	const struct dns_state *dns = &scene->state->dns;
	char clock[UNITS_MAX];
	size_t old = 0;

	for (size_t i = 0; i < dns->n; i++)
		old += dns_cell_waits(&dns->cells[i]);
	if (old == 0)
		snprintf(out, size, "WATCHING: no server says OLD any more.%s", next);
	else if (dns->old_die_ms > scene->now_ms)
		snprintf(out, size, "WATCHING: %zu old %s left, the last dies by %s.%s", old,
			 old == 1 ? "answer" : "answers", units_clock(clock, dns->old_die_ms), next);
	else
		snprintf(out, size, "WATCHING: %zu old %s left.%s", old, old == 1 ? "answer" : "answers",
			 next);
	return ROLE_TEXT;
}

/* A copy that stands still, as told within the last moments: there may well be something to do. */
static bool stands_still(const struct scene *scene, const struct step_seen *step)
{
	const struct transfer_state *t = &scene->state->transfer;

	return step->state == STEP_RUNNING && t->stalled_ms > 0 && t->at_ms >= step->started_at_ms &&
	       scene->now_ms - t->at_ms < 30000;
}

/* How long that is, as far as anybody knows. */
static void nothing_to_do(const struct scene *scene, const struct step_seen *step, int64_t until_ms,
			  char *out, size_t size, const char *next)
{
	int64_t left_ms = until_ms - scene->now_ms,
		over_ms = scene->now_ms - step->started_at_ms - step->estimate_ms;
	char text[UNITS_MAX];

	if (step->estimate_ms < 0 && until_ms <= 0)
		snprintf(out, size, "NOTHING TO DO: %s runs, how long is not rehearsed.%s", step->id, next);
	else if (left_ms > 120000)
		snprintf(out, size, "NOTHING TO DO until ~%s.%s", units_clock_hm(text, until_ms), next);
	else if (left_ms >= 1000)
		snprintf(out, size, "NOTHING TO DO for ~%s.%s", units_duration(text, left_ms), next);
	else if (until_ms > 0 || over_ms < 1000)
		snprintf(out, size, "NOTHING TO DO: %s should end just now.%s", step->id, next);
	else
		snprintf(out, size, "NOTHING TO DO: %s takes %s longer than planned. Enter looks closer.%s",
			 step->id, units_duration(text, over_ms), next);
}

static enum role running_advice(const struct scene *scene, const struct step_seen *step, char *out,
				size_t size)
{
	char next[160], over[UNITS_MAX];
	struct sums sums;

	next_words(scene, step, next, sizeof(next));
	sums_of(scene->state, scene->now_ms, &sums);
	if (step->state == STEP_PLANNING) {
		snprintf(out, size, "LOOKING before %s: its gate opens by itself.", step->id);
		return ROLE_TEXT;
	}
	if (step->state == STEP_PROVING) {
		snprintf(out, size, "PROVING %s: a fresh look decides, not its exit.%s", step->id, next);
		return ROLE_TEXT;
	}
	if (step->manual) {
		snprintf(out, size, "BY HAND: %d %s. Enter shows what to do, M says it is done.",
			 step->number, step->id);
		return ROLE_NOW;
	}
	if (stands_still(scene, step)) {
		snprintf(out, size, "STALLED: %d %s has not moved for %s. 3 Transfer says why.", step->number,
			 step->id, units_duration(over, scene->state->transfer.stalled_ms));
		return ROLE_WARN;
	}
	if (sums.over_ms > 0) {
		snprintf(out, size,
			 "OVER BUDGET: %d %s has taken %s more than planned. Enter looks closer.%s",
			 step->number, step->id, units_duration(over, sums.over_ms), next);
		return ROLE_WARN;
	}
	if (text_equal(step->kind, "wait-propagation") && scene->state->dns.n > 0)
		return watching_advice(scene, out, size, next);
	if (text_starts(step->kind, "wait") || text_starts(step->kind, "quiet"))
		return waiting_advice(step, out, size, next);
	nothing_to_do(scene, step, sums.now_until_ms, out, size, next);
	return ROLE_TEXT;
}

static bool may_not(const struct scene *scene)
{
	const struct seat_view *seat = &scene->seat;

	return seat->replaying || !seat->connected || seat->observer || !seat->driver || !seat->armed;
}

/* The exits of a step that has not ended well; only the ones that are there, and only for who can take them.
 */
static void exits_words(const struct scene *scene, const struct step_seen *step, char *out, size_t size)
{
	const struct steps_state *steps = &scene->state->steps;
	bool failed = step->state == STEP_FAILED, unknown = step->state == STEP_UNKNOWN;

	text_copy(out, size, "");
	if (scene->seat.replaying)
		return;
	if (!drives(scene)) {
		snprintf(out, size, "  %s decides.", driver_name(scene->state));
		return;
	}
	const struct step_seen *back = steps_sent_back(scene->state, NULL);
	char first[64];
	if (back) /* it would refuse to run before that one has */
		snprintf(first, sizeof(first), ":run %s", back->id);
	else
		text_copy(first, sizeof(first), unknown ? "p looks again" : "R again");
	snprintf(out, size, "  %s%s%s%s%s%s", first,
		 unknown ? "  M by hand" : "", /* no word of a person stands for a look that failed */
		 failed && text_equal(step->kind, "count-rows") ? "  W waives rows" : "",
		 unknown ? "" : "  S skip", step->state == STEP_CANCELLED ? "  U undo" : "",
		 !steps->turned && steps->n_forward < steps->n ? "  B way back" : "");
}

static enum role next_advice(const struct scene *scene, const struct step_seen *step, char *out, size_t size)
{
	bool waits = may_not(scene);
	char exits[120];

	exits_words(scene, step, exits, sizeof(exits));
	switch (step->state) {
	case STEP_FAILED:
		snprintf(out, size, "FAILED: %d %s. Enter why.%s", step->number, step->id, exits);
		return ROLE_BAD;
	case STEP_UNKNOWN:
		snprintf(out, size, "UNKNOWN: %d %s, nobody saw its end. Enter why.%s", step->number,
			 step->id, exits);
		return ROLE_UNKNOWN;
	case STEP_CANCELLED:
		snprintf(out, size, "CANCELLED: %d %s. Enter why.%s", step->number, step->id, exits);
		return ROLE_WARN;
	default: break;
	}
	if (waits && scene->seat.driver && !scene->seat.armed && !scene->seat.observer &&
	    scene->seat.connected && !scene->seat.replaying)
		snprintf(out, size, "A arms this seat.  Next: %s %d %s (%s)", step->manual ? "M" : "R",
			 step->number, step->id, step->manual ? "by hand" : gate_words(step->gate));
	else if (waits)
		snprintf(out, size, "Next: %d %s (%s), by %s", step->number, step->id,
			 step->manual ? "by hand" : gate_words(step->gate), driver_name(scene->state));
	else
		snprintf(out, size, "Next: %s %d %s (%s)", step->manual ? "M" : "R", step->number, step->id,
			 step->manual ? "by hand" : gate_words(step->gate));
	return waits ? ROLE_TEXT : ROLE_NOW;
}

/* Who called it, what it costs, who ends it. */
static enum role hold_advice(const struct scene *scene, char *out, size_t size)
{
	const struct people_state *people = &scene->state->people;
	const struct step_seen *step = steps_current(scene->state), *next = steps_next(scene->state);
	const struct seat_seen *caller = seat_get(scene->state, people->hold_seat);
	bool mine = scene->seat.driver || text_equal(people->hold_seat, scene->seat.seat);
	bool gone = !caller || !caller->here, runs = step && step->state >= STEP_RUNNING;
	const char *driver = driver_name(scene->state);
	char age[UNITS_MAX], waits[160] = "", who[80];

	if (runs)
		snprintf(waits, sizeof(waits), " %s runs on, nothing new starts.", step->id);
	else if (next)
		snprintf(waits, sizeof(waits), " %d %s waits.", next->number, next->id);
	if (mine)
		text_copy(who, sizeof(who), "H releases it");
	else if (gone || text_equal(driver, people->hold_by))
		snprintf(who, sizeof(who), "%s releases it", driver);
	else
		snprintf(who, sizeof(who), "%s or %s releases it", people->hold_by, driver);
	/* Who ends it stands before what is long: a narrow screen leaves out the end. */
	snprintf(out, size, "HOLD by %s%s for %s, %s%s%s.%s%s", people->hold_by,
		 gone ? ", whose seat is gone," : "", units_age(age, scene->now_ms - people->hold_at_ms), who,
		 people->hold_why[0] ? ": " : "", people->hold_why, waits,
		 downtime_of(scene->state, scene->now_ms).now ? " DOWN runs on." : "");
	return ROLE_WARN;
}

/* The driver's seat is gone: what runs goes on, and for a moment the wheel waits for him. */
static enum role lost_advice(const struct scene *scene, char *out, size_t size)
{
	const struct people_state *people = &scene->state->people;
	int64_t left_ms = people->lost_take_at_ms - scene->now_ms;
	char age[UNITS_MAX], hold[60] = "";

	units_age(age, scene->now_ms - people->lost_at_ms);
	if (people->hold)
		snprintf(hold, sizeof(hold), "HOLD by %s. ", people->hold_by);
	if (scene->seat.observer)
		snprintf(out, size, "%sNOBODY DRIVES: %s is gone since %s. What runs goes on.", hold,
			 people->lost_name, age);
	else if (left_ms > 0)
		snprintf(out, size, "%sNOBODY DRIVES: %s is gone since %s. D takes the wheel in %lld s.",
			 hold, people->lost_name, age, (long long)((left_ms + 999) / 1000));
	else
		snprintf(out, size, "%sNOBODY DRIVES: %s is gone since %s. D takes the wheel.", hold,
			 people->lost_name, age);
	return ROLE_WARN;
}

enum role advice_of(const struct scene *scene, char *out, size_t size, char *say, size_t say_size)
{
	const struct state *state = scene->state;
	const struct step_seen *current = steps_current(state), *next = steps_next(state);
	char age[UNITS_MAX];

	text_copy(say, say_size, "");
	if (!scene->seat.connected && !scene->seat.replaying) {
		units_age(age, scene->now_ms - scene->seat.lost_at_ms);
		if (scene->seat.on[0] && !scene->seat.no_engine)
			snprintf(out, size,
				 "SSH TO %s LOST %s ago. The engine there goes on with what runs; this seat "
				 "attaches "
				 "by itself.",
				 scene->seat.on, age);
		else
			snprintf(out, size,
				 "ENGINE LOST %s ago. Nothing new can start; what runs goes on. This seat "
				 "attaches "
				 "by itself.",
				 age);
		return ROLE_BAD;
	}
	if (state->closed_at_ms > 0) {
		snprintf(out, size,
			 "THE NIGHT IS CLOSED: %s. q leaves; `nightferry report` prints what happened.",
			 state->closed_verdict);
		return ROLE_TEXT;
	}
	if (state->steps.n == 0) {
		snprintf(out, size, "WAITING for the engine to open the night.");
		return ROLE_TEXT;
	}
	if (state->people.lost_seat[0] && !scene->seat.replaying)
		return lost_advice(scene, out, size);
	if (state->steps.gate.open && !state->people.hold)
		return gate_advice(scene, out, size);
	if (current && current->say[0])
		text_copy(say, say_size, current->say);
	if (state->people.hold)
		return hold_advice(scene, out, size);
	if (current)
		return running_advice(scene, current, out, size);
	if (next && next->say[0])
		text_copy(say, say_size, next->say);
	if (next)
		return next_advice(scene, next, out, size);
	snprintf(out, size, "%s q leaves, the report says everything.",
		 state->steps.turned ? "THE WAY BACK IS DONE." : "ALL STEPS ARE DONE.");
	return ROLE_OK;
}
