/* What happened last, in the words of the last line. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/brief.h"
#include "panels/sums.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct newest {
	struct happened *out;
	size_t n, max;
};

/* Keeps the newest ones, in order. */
__attribute__((format(printf, 4, 5))) static void add(struct newest *list, int64_t at_ms, bool bad,
						      const char *fmt, ...)
{
	struct happened entry = {.at_ms = at_ms, .bad = bad};
	size_t at = list->n;
	va_list ap;

	if (at_ms <= 0 || (list->n == list->max && list->out[list->n - 1].at_ms > at_ms))
		return;
	va_start(ap, fmt);
	vsnprintf(entry.text, sizeof(entry.text), fmt, ap);
	va_end(ap);
	if (list->n < list->max)
		list->n++;
	else
		at--;
	/* Of one moment the later told is the newer: a step ends after it began. */
	while (at > 0 && list->out[at - 1].at_ms <= at_ms) {
		list->out[at] = list->out[at - 1];
		at--;
	}
	list->out[at] = entry;
}

static const char *end_words(enum step_state state)
{
	switch (state) {
	case STEP_DONE: return "done";
	case STEP_FAILED: return "FAILED";
	case STEP_UNKNOWN: return "ended UNKNOWN";
	case STEP_CANCELLED: return "cancelled";
	case STEP_UNDONE: return "taken back";
	default: return "ended";
	}
}

static void add_step(struct newest *list, const struct step_seen *step)
{
	char took[UNITS_MAX];
	bool bad = step->state == STEP_FAILED || step->state == STEP_UNKNOWN;

	add(list, step->started_at_ms, false, "%s %s%s%s", step->id,
	    step->undoing ? "is taken back" : "started", step->by[0] ? " by " : "", step->by);
	add(list, step->gate_opened_at_ms, false, "gate of %s opened", step->id);
	add(list, step->gate_passed_at_ms, false, "gate of %s passed", step->id);
	if (step->state == STEP_SKIPPED)
		add(list, step->ended_at_ms, false, "%s skipped by %s: %s", step->id, step->by, step->text);
	else if (step->state == STEP_BYHAND)
		add(list, step->ended_at_ms, false, "%s done by hand, seen by %s", step->id, step->by);
	else if (bad)
		add(list, step->ended_at_ms, true, "%s %s: %s", step->id, end_words(step->state), step->text);
	else if (step->ended_at_ms > 0 && !sums_step_active(step))
		add(list, step->ended_at_ms, false, "%s %s, %s", step->id, end_words(step->state),
		    brief_took(took, sizeof(took), step->ended_at_ms - step->started_at_ms));
}

static void add_shell(struct newest *list, const struct seat_seen *seat)
{
	if (seat->shell[0])
		add(list, seat->shell_at_ms, false, "%s is in a shell on %s since then", seat->name,
		    seat->shell);
	else
		add(list, seat->shell_at_ms, false, "%s was in a shell", seat->name);
}

size_t sums_happened(const struct state *state, struct happened *out, size_t max)
{
	struct newest list = {.out = out, .max = max};

	if (max == 0)
		return 0;
	for (size_t i = 0; i < state->steps.n; i++)
		add_step(&list, &state->steps.steps[i]);
	add(&list, state->freeze_at_ms, false, "the public page is the maintenance page");
	add(&list, state->new_write_at_ms, false, "first row written on NEW");
	add(&list, state->public_at_ms, false, "first public answer from NEW");
	add(&list, state->closed_at_ms, false, "the night is closed: %s", state->closed_verdict);
	if (state->people.hold)
		add(&list, state->people.hold_at_ms, false, "HOLD by %s%s%s", state->people.hold_by,
		    state->people.hold_why[0] ? ": " : "", state->people.hold_why);
	for (size_t i = 0; i < state->people.n_notes; i++)
		add(&list, state->people.notes[i].at_ms, false, "note by %s: %s", state->people.notes[i].by,
		    state->people.notes[i].text);
	for (size_t i = 0; i < state->watching.n_waivers; i++)
		add(&list, state->watching.waivers[i].at_ms, false, "%s waived by %s",
		    state->watching.waivers[i].about, state->watching.waivers[i].by);
	for (size_t i = 0; i < state->people.n; i++) {
		add(&list, state->people.seats[i].joined_at_ms, false, "%s joined",
		    state->people.seats[i].name);
		add(&list, state->people.seats[i].left_at_ms, false, "%s left", state->people.seats[i].name);
		add_shell(&list, &state->people.seats[i]);
	}
	add(&list, state->watching.clock_jumped_at_ms, true,
	    "the clock jumped: everything must be looked at again");
	return list.n;
}
