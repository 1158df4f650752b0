/* The fold: events in, state out. Total and deterministic; the folds themselves live in kinds/. */
#include "core/night/kinds/fold.h"

struct state *state_new(void)
{
	struct state *state = xcalloc(1, sizeof *state);
	state->transfer.rate = -1;
	state->transfer.bytes = state->transfer.bytes_total = state->transfer.rows =
	    state->transfer.rows_total = -1;
	state->transfer.eta_ms = -1;
	state->traffic.share_new = -1;
	state->dynos.remaining = -1;
	return state;
}

void state_free(struct state *state)
{
	if (!state)
		return;
	steps_done(state);
	logs_done(state);
	for (size_t i = 0; i < state->facts.n; i++)
		free(state->facts.facts[i].data);
	free(state->facts.facts);
	for (size_t i = 0; i < state->watching.n_checks; i++)
		free(state->watching.checks[i].lines);
	free(state->watching.checks);
	free(state->watching.watches);
	free(state->watching.waivers);
	free(state->rehearsed.waivers);
	free(state->people.seats);
	free(state->people.notes);
	free(state->people.votes);
	free(state->dynos.dynos);
	free(state->dynos.formation);
	free(state->dynos.rows);
	free(state->writers.writers);
	hosts_done(state);
	jobs_done(state);
	free(state->transfer.list);
	free(state->rows.tables);
	free(state->rows.bisected);
	free(state->dns.cells);
	free(state->dns.names);
	free(state->traffic.smoke);
	free(state->traffic.new_tables);
	free(state->config);
	free(state->drill);
	free(state);
}

void state_fold(struct state *state, const struct event *event)
{
	const struct kind *kind = kind_find(event->kind);
	state->seq = event->seq;
	state->at_ms = event->at_ms;
	if (kind)
		kind->fold(state, event);
	else
		state->skipped++;
}

int state_fold_line(struct state *state, const char *line, size_t len, struct err *err)
{
	struct event *event = event_parse(line, len, err);
	if (!event)
		return -1;
	state_fold(state, event);
	event_free(event);
	return 0;
}
