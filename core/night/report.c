#include "core/night/report.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/night/report_moments.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- reading ---- */

static void add_gap(struct report *r, int64_t from_ms, int64_t to_ms, const char *text)
{
	r->gaps = xrealloc(r->gaps, r->n_gaps + 1, sizeof *r->gaps);
	r->gaps[r->n_gaps++] = (struct report_gap){.from_ms = from_ms, .to_ms = to_ms, .text = xstrdup(text)};
}

static void take_gap(struct report *r, const struct event *event)
{
	if (text_equal(event->kind, "engine.started") && json_bool(event->body, "restarted", false))
		add_gap(r, r->last_ms, event->at_ms,
			"no engine ran: what happened meanwhile is known by what was found afterwards only");
	else if (text_equal(event->kind, "clock.jumped"))
		add_gap(r, r->last_ms, event->at_ms,
			"the clock jumped: durations over this moment are not to be relied on");
}

static struct report_gate *gate_of(struct report *r, const char *id)
{
	for (size_t i = r->n_gates; i-- > 0;)
		if (text_equal(r->gates[i].id, id))
			return &r->gates[i];
	return NULL;
}

static void open_gate(struct report *r, const struct event *event)
{
	const struct json *b = event->body;
	r->gates = xrealloc(r->gates, r->n_gates + 1, sizeof *r->gates);
	struct report_gate *g = &r->gates[r->n_gates++];
	*g = (struct report_gate){.opened_ms = event->at_ms};
	text_copy(g->id, sizeof g->id, json_str(b, "gate", ""));
	text_copy(g->step, sizeof g->step, json_str(b, "step", ""));
	text_copy(g->act, sizeof g->act, json_str(b, "act", "run"));
	text_copy(g->level, sizeof g->level, json_str(b, "level", ""));
	text_copy(g->target, sizeof g->target, json_str(b, "target", ""));
}

static void pass_gate(struct report_gate *g, const struct json *b)
{
	g->passed = true;
	g->by_name_only = json_bool(b, "by_name_only", false);
	text_copy(g->how, sizeof g->how, json_str(b, "how", ""));
	text_copy(g->second, sizeof g->second, json_str(b, "second", ""));
	char *seen = json_get(b, "seen") ? json_print(json_get(b, "seen")) : NULL;
	json_free(g->seen);
	g->seen = seen ? json_parse(seen, strlen(seen), NULL) : NULL;
	free(seen);
}

static void take_gate(struct report *r, const struct event *event)
{
	const struct json *b = event->body;
	bool passed = text_equal(event->kind, "gate.passed"), closed = text_equal(event->kind, "gate.closed");
	if (text_equal(event->kind, "gate.opened")) {
		open_gate(r, event);
		return;
	}
	struct report_gate *g = gate_of(r, json_str(b, "gate", ""));
	if (!g)
		return;
	g->changed += text_equal(event->kind, "gate.changed");
	if ((!passed && !closed) || g->ended_ms)
		return;
	g->ended_ms = event->at_ms;
	text_copy(g->by, sizeof g->by, json_str(b, "by", ""));
	if (passed)
		pass_gate(g, b);
	else
		g->why = xstrdup(json_str(b, "why", ""));
}

static void take_answer(struct report *r, const struct event *event)
{
	const struct json *b = event->body;
	if (!text_equal(event->kind, "dns.cell"))
		return;
	r->answers = xrealloc(r->answers, r->n_answers + 1, sizeof *r->answers);
	struct report_answer *a = &r->answers[r->n_answers++];
	*a = (struct report_answer){.at_ms = event->at_ms, .auth = json_bool(b, "auth", false)};
	text_copy(a->server, sizeof a->server, json_str(b, "server", ""));
	text_copy(a->label, sizeof a->label, json_str(b, "label", ""));
	text_copy(a->name, sizeof a->name, json_str(b, "name", ""));
	text_copy(a->state, sizeof a->state, json_str(b, "state", ""));
}

/* A step that went well later is no reason for anything. */
static void take_end(struct report *r, const struct event *event)
{
	const struct json *b = event->body;
	const char *step = json_str(b, "step", ""), *outcome = json_str(b, "outcome", "");
	if (text_equal(event->kind, "attempt.ended") && !text_equal(outcome, "done")) {
		text_copy(r->bad_step, sizeof r->bad_step, step);
		text_copy(r->bad_outcome, sizeof r->bad_outcome, outcome);
	} else if (text_equal(event->kind, "attempt.ended") && text_equal(r->bad_step, step)) {
		r->bad_step[0] = '\0';
	} else if (text_equal(event->kind, "night.turned")) {
		text_copy(r->back_step, sizeof r->back_step, r->bad_step);
		text_copy(r->back_outcome, sizeof r->back_outcome, r->bad_outcome);
		text_copy(r->back_by, sizeof r->back_by, json_str(b, "by", ""));
	}
}

static bool read_line(void *arg, const char *line, size_t len)
{
	struct report *r = arg;
	struct report_moment moment;
	struct event *event = event_parse(line, len, NULL);
	if (!event)
		return true;
	state_fold(r->state, event);
	if (report_moment_of(event, &moment)) {
		r->moments = xrealloc(r->moments, r->n_moments + 1, sizeof *r->moments);
		r->moments[r->n_moments++] = moment;
	}
	take_gap(r, event);
	take_gate(r, event);
	take_answer(r, event);
	take_end(r, event);
	report_people_take(r, event);
	if (!r->first_ms)
		r->first_ms = event->at_ms;
	r->last_ms = event->at_ms;
	if (!r->opened && text_equal(event->kind, "night.opened"))
		r->opened = json_parse(line, len, NULL);
	event_free(event);
	return true;
}

/* What the file itself cannot tell. */
static void look_at_files(struct report *r, const char *journal)
{
	char trace[700], text[240];
	const char *slash = strrchr(journal, '/');
	text_copyf(trace, sizeof trace, "%.*strace.jsonl", slash ? (int)(slash - journal + 1) : 0, journal);
	if (access(trace, R_OK) != 0)
		add_gap(
		    r, 0, 0,
		    "no trace lies beside the journal: progress and logs of this night are not kept here");
	if (r->check.bad) {
		text_copyf(text, sizeof text,
			   "line %llu of the journal does not hold (%s): what comes after it is not in "
			   "this report",
			   (unsigned long long)r->check.bad, r->check.why);
		add_gap(r, r->last_ms, 0, text);
	}
	if (r->check.torn)
		add_gap(r, r->last_ms, 0,
			"the journal's last line is torn: a machine stopped while it was written");
	if (r->check.anchored && !r->check.anchor_found)
		add_gap(r, r->last_ms, 0, "HEAD names a line that is not here: lines were cut off the end");
}

int report_read(const char *journal, struct report *r, struct err *err)
{
	memset(r, 0, sizeof *r);
	r->state = state_new();
	if (journal_check(journal, read_line, r, &r->check, err) < 0) {
		report_done(r);
		return -1;
	}
	if (!r->opened) {
		report_done(r);
		return err_set(err, ERR_USAGE, "%s is not the journal of a night", journal);
	}
	look_at_files(r, journal);
	return 0;
}

void report_done(struct report *r)
{
	state_free(r->state);
	json_free(r->opened);
	for (size_t i = 0; i < r->n_moments; i++) {
		free(r->moments[i].what);
		free(r->moments[i].text);
	}
	for (size_t i = 0; i < r->n_gates; i++) {
		json_free(r->gates[i].seen);
		free(r->gates[i].why);
	}
	for (size_t i = 0; i < r->n_gaps; i++)
		free(r->gaps[i].text);
	free(r->moments);
	free(r->gates);
	free(r->answers);
	free(r->gaps);
	free(r->drives);
	memset(r, 0, sizeof *r);
}

/* ---- sums ---- */

const char *report_verdict(const struct report *r)
{
	return r->state->closed_at_ms ? r->state->closed_verdict : "open";
}

double report_downtime_s(const struct state *s, int64_t now_ms)
{
	struct downtime down = downtime_of(s, now_ms);
	return down.ever ? (double)down.ms / 1000.0 : -1;
}

size_t report_n_steps(const struct report *r)
{
	return r->state->steps.turned ? r->state->steps.n : r->state->steps.n_forward;
}

static void sum_steps(const struct report *r, struct report_sums *out)
{
	out->steps = r->state->steps.n_forward;
	for (size_t i = 0; i < out->steps; i++) {
		enum step_state state = r->state->steps.steps[i].state;
		out->skipped += state == STEP_SKIPPED;
		out->byhand += state == STEP_BYHAND;
		out->done += step_state_finished(state) && state != STEP_SKIPPED;
		out->failed += state == STEP_FAILED || state == STEP_UNKNOWN;
	}
}

static bool was_new(const struct report *r, size_t at)
{
	const struct report_answer *a = &r->answers[at];
	for (size_t i = at; i-- > 0;)
		if (text_equal(r->answers[i].server, a->server) && text_equal(r->answers[i].name, a->name))
			return text_equal(r->answers[i].state, "NEW");
	return false;
}

/* From the flip until the last of the answers that are NEW now became so. */
static void sum_dns(const struct report *r, struct report_sums *out)
{
	int64_t last_ms = -1;
	out->servers = r->state->dns.n;
	for (size_t i = 0; i < r->state->dns.n; i++) {
		out->not_new += !text_equal(r->state->dns.cells[i].state, "NEW");
		out->old += text_equal(r->state->dns.cells[i].state, "OLD");
	}
	for (size_t i = 0; i < r->n_answers; i++)
		if (text_equal(r->answers[i].state, "NEW") && !was_new(r, i))
			last_ms = r->answers[i].at_ms;
	if (out->flip_ms > 0 && out->servers && !out->not_new && last_ms >= out->flip_ms)
		out->all_ms = last_ms - out->flip_ms;
}

/* When the way back had pointed names to the old side; -1: it never did, or there was no way to go back. */
static int64_t moved_back_ms(const struct state *s)
{
	for (size_t i = s->steps.n_forward; s->steps.turned && s->flip_at_ms && i < s->steps.n; i++)
		if (text_equal(s->steps.steps[i].kind, "dns-point") && s->steps.steps[i].state == STEP_DONE)
			return s->steps.steps[i].ended_at_ms;
	return -1;
}

void report_sum(const struct report *r, struct report_sums *out)
{
	const struct state *s = r->state;
	*out = (struct report_sums){.end_ms = s->closed_at_ms ? s->closed_at_ms : r->last_ms,
				    .flip_ms = s->flip_at_ms ? s->flip_at_ms : -1,
				    .all_ms = -1,
				    .back_ms = moved_back_ms(s)};
	struct downtime down = downtime_of(s, out->end_ms);
	out->took_ms = out->end_ms - s->opened_at_ms;
	out->down_ms = down.ever ? down.ms : -1;
	for (size_t i = 0; i < r->n_gates; i++)
		out->people_ms +=
		    (r->gates[i].ended_ms ? r->gates[i].ended_ms : out->end_ms) - r->gates[i].opened_ms;
	for (size_t i = 0; i < s->watching.n_waivers; i++)
		out->waivers += !s->watching.waivers[i].fallen;
	sum_steps(r, out);
	sum_dns(r, out);
}

void report_sentence(const struct report *r, char *out, size_t size)
{
	const struct state *s = r->state;
	const char *verdict = report_verdict(r);
	struct report_sums sums;
	char down[UNITS_MAX], closed[96] = "visitors never found it closed";
	report_sum(r, &sums);
	if (sums.down_ms >= 0)
		text_copyf(closed, sizeof closed, "visitors found it closed for %s",
			   units_duration(down, sums.down_ms));
	if (text_equal(verdict, "done"))
		text_copyf(out, size, "%s moved from %s to %s; %s.", s->app, s->old_name, s->new_name,
			   closed);
	else if (text_equal(verdict, "rolled-back"))
		text_copyf(out, size, "%s went back to %s%s%s%s%s: the move to %s was not kept; %s.", s->app,
			   s->old_name, *r->back_step ? " after " : "", r->back_step,
			   !*r->back_step                          ? ""
			   : text_equal(r->back_outcome, "failed") ? " failed"
								   : " ended as ",
			   !*r->back_step || text_equal(r->back_outcome, "failed") ? "" : r->back_outcome,
			   s->new_name, closed);
	else if (text_equal(verdict, "open"))
		text_copyf(out, size, "The night of %s is still open: %zu of %zu steps are done; %s so far.",
			   s->app, sums.done, sums.steps, closed);
	else
		text_copyf(out, size,
			   "The move of %s from %s to %s ended as \"%s\" with %zu of %zu steps done; %s.",
			   s->app, s->old_name, s->new_name, verdict, sums.done, sums.steps, closed);
}
