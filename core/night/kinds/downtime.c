/* See downtime.h. */
#include "core/night/kinds/fold.h"
#include <string.h>

struct downtime downtime_of(const struct state *state, int64_t now_ms)
{
	const struct downtime_state *down = &state->downtime;
	int64_t end_ms = state->closed_at_ms ? state->closed_at_ms : now_ms;
	struct downtime out = {.ever = state->freeze_at_ms > 0,
			       .now = down->since_ms > 0 && !state->closed_at_ms,
			       .ms = down->before_ms};
	if (down->since_ms > 0 && end_ms > down->since_ms)
		out.ms += end_ms - down->since_ms;
	return out;
}

size_t downtime_spans(const struct state *state, int64_t now_ms, struct downtime_span out[DOWNTIME_SPANS + 1])
{
	const struct downtime_state *down = &state->downtime;
	int64_t end_ms = state->closed_at_ms ? state->closed_at_ms : now_ms;
	size_t n = down->n_spans;
	memcpy(out, down->spans, n * sizeof *out);
	if (down->since_ms > 0 && end_ms > down->since_ms)
		out[n++] = (struct downtime_span){down->since_ms, end_ms};
	return n;
}

static void begin(struct state *state, int64_t at_ms)
{
	if (!state->downtime.since_ms)
		state->downtime.since_ms = at_ms;
}

static void end(struct state *state, int64_t at_ms)
{
	struct downtime_state *down = &state->downtime;
	if (!down->since_ms)
		return;
	down->before_ms += at_ms > down->since_ms ? at_ms - down->since_ms : 0;
	if (down->n_spans == DOWNTIME_SPANS)
		down->spans[DOWNTIME_SPANS - 1].to_ms = at_ms;
	else if (at_ms > down->since_ms)
		down->spans[down->n_spans++] = (struct downtime_span){down->since_ms, at_ms};
	down->since_ms = 0;
	down->ended_at_ms = at_ms;
}

static bool old_serves(const struct dynos_state *dynos)
{
	for (size_t i = 0; !dynos->maintenance && i < dynos->n; i++)
		if (text_equal(dynos->dynos[i].type, "web") &&
		    (text_equal(dynos->dynos[i].state, "up") || text_equal(dynos->dynos[i].state, "idle")))
			return true;
	return false;
}

void downtime_old_seen(struct state *state, int64_t at_ms)
{
	if (!state->freeze_at_ms || state->downtime.to_new)
		return;
	if (state->dynos.maintenance)
		begin(state, at_ms);
	else if (old_serves(&state->dynos))
		end(state, at_ms);
}

void downtime_new_answered(struct state *state, int64_t at_ms)
{
	/* By whatever way the names were moved, and before its step has been proven. */
	state->downtime.to_new = true;
	end(state, at_ms);
}

void downtime_moved(struct state *state, bool to_new, int64_t at_ms)
{
	state->downtime.to_new = to_new;
	if (!to_new)
		downtime_old_seen(state, at_ms);
	else if (state->public_at_ms) /* that it answers was seen the first time */
		end(state, at_ms);
}
