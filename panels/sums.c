#include "panels/sums.h"
#include "core/base/text.h"
#include "core/base/units.h"

#include <string.h>

/* Longer than any step: such an estimate is none. */
static const int64_t LONGEST_MS = 30LL * 24 * 3600 * 1000;

const char *sums_gate_word(int gate)
{
	static const char *const words[] = {"no gate", "YES", "TYPE", "POLL"};

	return gate >= 0 && gate < 4 ? words[gate] : "?";
}

const char *sums_verdict_word(int verdict)
{
	static const char *const words[] = {"UNKNOWN", "PASS", "WARN", "FAIL"};

	return verdict >= 0 && verdict < 4 ? words[verdict] : "UNKNOWN";
}

bool sums_step_active(const struct step_seen *step)
{
	return step->state == STEP_RUNNING || step->state == STEP_PROVING || step->state == STEP_GATE ||
	       step->state == STEP_PLANNING;
}

static size_t forward(const struct state *state)
{
	return state->steps.n_forward <= state->steps.n ? state->steps.n_forward : state->steps.n;
}

const struct step_seen *sums_flip(const struct state *state)
{
	for (size_t i = forward(state); i > 0; i--)
		if (text_equal(state->steps.steps[i - 1].kind, "dns-point"))
			return &state->steps.steps[i - 1];
	return NULL;
}

static bool moves_bytes(const struct step_seen *step)
{
	return text_equal(step->kind, "restore") || text_equal(step->kind, "capture") ||
	       text_equal(step->kind, "download");
}

int64_t sums_left_ms(const struct state *state, const struct step_seen *step, int64_t now_ms)
{
	int64_t elapsed;

	if (step_state_finished(step->state))
		return 0;
	if (step->state == STEP_RUNNING && moves_bytes(step) && state->transfer.eta_ms > 0 &&
	    state->transfer.at_ms >= step->started_at_ms) {
		elapsed = now_ms - state->transfer.at_ms;
		return state->transfer.eta_ms > elapsed ? state->transfer.eta_ms - elapsed : 0;
	}
	if (step->estimate_ms < 0 || step->estimate_ms > LONGEST_MS)
		return -1;
	if (step->started_at_ms <= 0 || (step->state != STEP_RUNNING && step->state != STEP_PROVING))
		return step->estimate_ms;
	elapsed = now_ms - step->started_at_ms;
	return step->estimate_ms > elapsed ? step->estimate_ms - elapsed : 0;
}

/* Sums what is left of steps[from..end): how many have no estimate, and 0 only if nothing is left. */
static int64_t left_until(const struct state *state, size_t end, int64_t now_ms, int *unknown, bool *any)
{
	int64_t sum = 0;

	*unknown = 0;
	*any = false;
	for (size_t i = 0; i < end; i++) {
		const struct step_seen *step = &state->steps.steps[i];
		int64_t left = sums_left_ms(state, step, now_ms);

		if (step_state_finished(step->state))
			continue;
		if (left < 0) {
			/* A person's errand has no length of its own; it is told as a step, not as minutes.
			 */
			*unknown += !step->manual;
			continue;
		}
		*any = true;
		sum += left;
	}
	return sum;
}

/* What each step took, against what its rehearsal had made us expect of tonight's data. */
static void ghost(const struct state *state, int64_t now_ms, struct sums *sums)
{
	for (size_t i = 0; i < forward(state); i++) {
		const struct step_seen *step = &state->steps.steps[i];
		bool done = step->state == STEP_DONE && step->ended_at_ms > step->started_at_ms;
		int64_t took = (done ? step->ended_at_ms : now_ms) - step->started_at_ms;

		if (step->rehearsed_ms < 0 || step->estimate_ms < 0 || step->started_at_ms <= 0 ||
		    (!done && step->state != STEP_RUNNING))
			continue;
		sums->against_rehearsal = true;
		if (done || took > step->estimate_ms)
			sums->behind_ms += took - step->estimate_ms;
	}
}

static void clocks(const struct state *state, int64_t now_ms, struct sums *sums)
{
	const struct step_seen *flip = sums_flip(state), *current = steps_current(state);
	size_t end = flip ? (size_t)(flip - state->steps.steps) + 1 : forward(state);
	bool any;
	int64_t left;

	if (state->steps.turned)
		return;
	left = left_until(state, end, now_ms, &sums->up_unknown, &any);
	if (any)
		sums->up_at_ms = now_ms + left;
	left = left_until(state, forward(state), now_ms, &sums->done_unknown, &any);
	if (any)
		sums->done_at_ms = now_ms + left;
	left = current ? sums_left_ms(state, current, now_ms) : -1;
	if (left > 0)
		sums->now_until_ms = now_ms + left;
}

static void down(const struct state *state, int64_t now_ms, struct sums *sums)
{
	struct downtime down = downtime_of(state, now_ms);

	sums->down = down.now;
	sums->was_down = down.ever && !down.now;
	sums->down_ms = down.ms;
}

static int64_t restored_at_ms(const struct state *state)
{
	for (size_t i = 0; i < state->transfer.n_ended; i++)
		if (state->transfer.ended[i].ok && text_equal(state->transfer.ended[i].stage, "restore"))
			return state->transfer.ended[i].at_ms;
	return 0;
}

static int64_t wiped_at_ms(const struct state *state)
{
	int64_t at_ms = 0;

	for (size_t i = 0; i < state->facts.n; i++)
		if (text_equal(state->facts.facts[i].name, "wiped") && state->facts.facts[i].at_ms > at_ms)
			at_ms = state->facts.facts[i].at_ms;
	return at_ms;
}

static int data_percent(const struct state *state)
{
	const struct transfer_state *t = &state->transfer;
	int64_t restored_ms = restored_at_ms(state);

	if (state->steps.n == 0)
		return -1;
	if (restored_ms > 0 && restored_ms >= wiped_at_ms(state) &&
	    (restored_ms >= t->at_ms || !text_equal(t->stage, "restore")))
		return 100;
	if (!text_equal(t->stage, "restore") || t->at_ms <= 0)
		return 0;
	if (t->rows_total > 0)
		return units_percent(t->rows < t->rows_total ? t->rows : t->rows_total, t->rows_total);
	if (t->bytes_total > 0)
		return units_percent(t->bytes < t->bytes_total ? t->bytes : t->bytes_total, t->bytes_total);
	return -1;
}

/* The same kind of step on the way forward, as long as it took tonight. */
static int64_t took_ms(const struct state *state, const char *kind)
{
	for (size_t i = forward(state); i > 0; i--) {
		const struct step_seen *step = &state->steps.steps[i - 1];

		if (text_equal(step->kind, kind) && step->state == STEP_DONE && step->started_at_ms > 0 &&
		    step->ended_at_ms > step->started_at_ms)
			return step->ended_at_ms - step->started_at_ms;
	}
	return -1;
}

/* -1: not rehearsed, and nothing like it has been done tonight. */
static int64_t back_step_ms(const struct state *state, const struct step_seen *step,
			    const struct way_back *back)
{
	bool export = text_equal(step->kind, "export-new-rows");

	if (step_state_finished(step->state))
		return 0;
	if (step->estimate_ms >= 0 && step->estimate_ms <= LONGEST_MS)
		return step->estimate_ms;
	/* Nothing to export and no name to move. */
	if ((export && !back->started) || (text_equal(step->kind, "dns-point") && state->flip_at_ms <= 0))
		return 0;
	if (export)
		return back->rows >= 0 ? 3000 + back->rows / 50 : -1;
	return took_ms(state, step->kind);
}

/* A person needs a minute to decide, and once names have moved the last visitors come after their TTL. */
static int64_t back_margin_ms(const struct state *state)
{
	int64_t ttl_s = 0;

	for (size_t i = 0; state->flip_at_ms > 0 && i < state->dns.n_names; i++)
		if (state->dns.names[i].ttl_s > ttl_s && state->dns.names[i].ttl_s < 86400)
			ttl_s = state->dns.names[i].ttl_s;
	return 60000 + ttl_s * 1000;
}

static void way_back(const struct state *state, int64_t now_ms, struct sums *sums)
{
	struct way_back back;
	bool known = forward(state) < state->steps.n;

	way_back_of(state, now_ms, &back);
	sums->one_road = state->steps.n > 0 && !known;
	sums->back_ms = 0;
	for (size_t i = forward(state); i < state->steps.n; i++) {
		int64_t ms = back_step_ms(state, &state->steps.steps[i], &back);

		known = known && ms >= 0;
		sums->back_ms += ms > 0 ? ms : 0;
	}
	if (!known)
		sums->back_ms = -1;
	sums->back = state->steps.n > 0 ? back.back : BACK_UNKNOWN;
	sums->back_rows = back.rows > 0 ? back.rows : 0;
	sums->back_jobs = back.jobs > 0 ? back.jobs : 0;
	text_copy(sums->back_why, sizeof(sums->back_why), back.why);
	sums->back_margin_ms = back_margin_ms(state);
	if (state->window_end_ms > 0 && sums->back_ms >= 0)
		sums->turn_back_at_ms = state->window_end_ms - sums->back_ms - sums->back_margin_ms;
}

void sums_of(const struct state *state, int64_t now_ms, struct sums *sums)
{
	const struct step_seen *step = steps_current(state);

	*sums = (struct sums){.traffic_percent = -1, .total = (int)forward(state)};
	if (!step)
		step = steps_next(state);
	if (!step && state->steps.n > 0)
		step = &state->steps.steps[forward(state) > 0 ? forward(state) - 1 : 0];
	if (step) {
		sums->number = step->number;
		if (step->phase < state->steps.n_phases)
			sums->phase = &state->steps.phases[step->phase];
	}
	if (state->steps.turned) {
		sums->total = (int)(state->steps.n - forward(state));
		sums->number -= (int)forward(state);
	}
	if (sums->number > sums->total || sums->number < 0)
		sums->number = 0;
	down(state, now_ms, sums);
	clocks(state, now_ms, sums);
	ghost(state, now_ms, sums);
	way_back(state, now_ms, sums);
	if (step && sums_step_active(step) && step->budget_ms > 0 && step->started_at_ms > 0 &&
	    now_ms - step->started_at_ms > step->budget_ms)
		sums->over_ms = now_ms - step->started_at_ms - step->budget_ms;
	sums->data_percent = data_percent(state);
	if (state->traffic.at_ms > 0 && state->traffic.share_new >= 0 && state->traffic.share_new <= 1)
		sums->traffic_percent = (int)(state->traffic.share_new * 100.0);
}

void sums_phase(const struct state *state, const struct phase_seen *phase, int64_t now_ms,
		struct phase_sums *sums)
{
	int64_t first_ms = 0, last_ms = 0;

	*sums = (struct phase_sums){.total = (int)phase->n};
	for (size_t i = phase->first; i < phase->first + phase->n && i < state->steps.n; i++) {
		const struct step_seen *step = &state->steps.steps[i];
		int64_t left = sums_left_ms(state, step, now_ms);

		sums->done += step_state_finished(step->state);
		sums->started = sums->started || step->state != STEP_WAITING;
		if (step->started_at_ms > 0 && (first_ms == 0 || step->started_at_ms < first_ms))
			first_ms = step->started_at_ms;
		if (step->ended_at_ms > last_ms)
			last_ms = step->ended_at_ms;
		if (step_state_finished(step->state))
			continue;
		if (step->gate > sums->gate)
			sums->gate = step->gate;
		if (left >= 0 && sums->estimate_ms >= 0)
			sums->estimate_ms += left;
		else if (!step->manual)
			sums->estimate_ms = -1;
	}
	sums->finished = sums->total > 0 && sums->done == sums->total;
	if (first_ms > 0)
		sums->elapsed_ms = (sums->finished && last_ms > first_ms ? last_ms : now_ms) - first_ms;
	if (sums->elapsed_ms < 0)
		sums->elapsed_ms = 0;
}
