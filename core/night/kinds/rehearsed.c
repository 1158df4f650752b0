/* What rehearsals have taught about this night's steps: see steps.h. */
#include "core/night/kinds/fold.h"

/* Longer than any step; whatever says so is no measurement. */
static const int64_t LONGEST_MS = 7LL * 24 * 3600 * 1000;

static int64_t span(const struct json *x, const char *key)
{
	int64_t ms = json_int(x, key, -1);
	return ms >= 0 && ms <= LONGEST_MS ? ms : -1;
}

/* One attempt is all it takes to be rehearsed; a second one tonight would start from nothing again. */
static void estimate(struct step_seen *step, double factor)
{
	if (step->state != STEP_WAITING || step->rehearsed_ms < 0)
		return;
	step->estimate_ms = step->rehearsed_look_ms + (int64_t)((double)step->rehearsed_ms * factor);
}

static void take_step(struct state *state, const struct json *x)
{
	struct step_seen *step = steps_find(state, json_str(x, "step", ""));
	/* The same id with another kind of step behind it is another step. */
	if (!step || !text_equal(step->kind, json_str(x, "kind", "")) || span(x, "ms") < 0)
		return;
	step->rehearsed_ms = span(x, "ms");
	step->rehearsed_look_ms = span(x, "look_ms") > 0 ? span(x, "look_ms") : 0;
	step->rehearsed_by_size = json_bool(x, "by_size", false);
	step->rehearsed_bytes = json_int(x, "bytes", 0);
	estimate(step, 1);
}

void rehearsed_opened(struct state *state, const struct json *rehearsed)
{
	struct rehearsed_state *r = &state->rehearsed;
	free(r->waivers);
	memset(r, 0, sizeof *r);
	FOLD_TEXT(r->night, rehearsed, "night");
	r->at_ms = json_int(rehearsed, "at_ms", 0);
	for (const struct json *x = json_first(json_get(rehearsed, "steps")); x; x = json_next(x))
		take_step(state, x);
	for (const struct json *x = json_first(json_get(rehearsed, "waivers")); x; x = json_next(x)) {
		struct rehearsed_waiver *waiver = FOLD_PUSH(r->waivers, r->n_waivers);
		FOLD_TEXT(waiver->about, x, "about");
		FOLD_TEXT(waiver->by, x, "by");
		FOLD_TEXT(waiver->reason, x, "reason");
	}
}

void rehearsed_scale(struct state *state, int64_t bytes)
{
	for (size_t i = 0; bytes > 0 && i < state->steps.n; i++) {
		struct step_seen *step = &state->steps.steps[i];
		if (step->rehearsed_by_size && step->rehearsed_bytes > 0)
			estimate(step, (double)bytes / (double)step->rehearsed_bytes);
	}
}
