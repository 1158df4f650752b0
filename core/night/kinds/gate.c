/* Folds of the one gate that can be open: see steps.h. */
#include "core/night/kinds/fold.h"

static void fold_gate_opened(struct state *state, const struct event *event)
{
	const struct json *b = event->body;
	struct gate_seen *gate = &state->steps.gate;
	free(gate->seen);
	memset(gate, 0, sizeof *gate);
	gate->open = true;
	FOLD_TEXT(gate->id, b, "gate");
	FOLD_TEXT(gate->step, b, "step");
	FOLD_TEXT(gate->verb, b, "verb");
	text_copy(gate->act, sizeof gate->act, json_str(b, "act", "run"));
	gate->level = fold_gate(json_str(b, "level", ""));
	FOLD_TEXT(gate->target, b, "target");
	FOLD_TEXT(gate->tag, b, "tag");
	fold_plan(&gate->plan, json_get(b, "plan"), event->at_ms);
	fold_seen(&gate->seen, &gate->n_seen, json_get(b, "seen"), event->at_ms);
	gate->opened_at_ms = event->at_ms;
	/* What a step is does not change while somebody only asks to skip it or to take it back. */
	struct step_seen *step = text_equal(gate->act, "run") ? steps_find(state, gate->step) : NULL;
	if (step) {
		step->state = STEP_GATE;
		step->plan = gate->plan;
		step->gate_opened_at_ms = event->at_ms;
	}
}

static struct gate_seen *gate_of_event(struct state *state, const struct event *event)
{
	struct gate_seen *gate = &state->steps.gate;
	return gate->open && text_equal(gate->id, json_str(event->body, "gate", "")) ? gate : NULL;
}

static void fold_gate_changed(struct state *state, const struct event *event)
{
	struct gate_seen *gate = gate_of_event(state, event);
	if (!gate)
		return;
	const struct json *b = event->body;
	FOLD_TEXT(gate->tag, b, "tag");
	if (json_get(b, "plan"))
		fold_plan(&gate->plan, json_get(b, "plan"), event->at_ms);
	fold_seen(&gate->seen, &gate->n_seen, json_get(b, "seen"), event->at_ms);
	gate->n_changed = 0;
	const struct json *is = json_first(json_get(b, "is"));
	for (const struct json *was = json_first(json_get(b, "was")); was && is && gate->n_changed < 6;
	     was = json_next(was), is = json_next(is)) {
		text_copy(gate->was[gate->n_changed], sizeof gate->was[0],
			  json_text(was) ? json_text(was) : "");
		text_copy(gate->is[gate->n_changed++], sizeof gate->is[0],
			  json_text(is) ? json_text(is) : "");
	}
	gate->changed_at_ms = event->at_ms;
	gate->counting_until_ms = 0;
}

/* The first `lines` of the evidence were looked at anew and are as they were. */
static void fold_gate_looked(struct state *state, const struct event *event)
{
	struct gate_seen *gate = gate_of_event(state, event);
	int64_t lines = json_int(event->body, "lines", 0);
	for (size_t i = 0; gate && i < gate->n_seen && (int64_t)i < lines; i++)
		gate->seen[i].at_ms = event->at_ms;
}

static void fold_gate_counting(struct state *state, const struct event *event)
{
	struct gate_seen *gate = gate_of_event(state, event);
	if (!gate)
		return;
	FOLD_TEXT(gate->counting_by, event->body, "by");
	gate->stopped_by[0] = '\0';
	gate->counting_until_ms = json_int(event->body, "until_ms", 0);
}

static void fold_gate_stopped(struct state *state, const struct event *event)
{
	struct gate_seen *gate = gate_of_event(state, event);
	if (!gate)
		return;
	FOLD_TEXT(gate->stopped_by, event->body, "by");
	gate->counting_until_ms = 0;
}

static void fold_gate_passed(struct state *state, const struct event *event)
{
	struct gate_seen *gate = gate_of_event(state, event);
	struct step_seen *step = steps_find(state, json_str(event->body, "step", ""));
	bool run = !gate || text_equal(gate->act, "run");
	if (gate)
		gate->open = false;
	if (gate && gate->level == 3)
		votes_spend(state, json_str(event->body, "step", ""));
	if (!step || !run)
		return;
	step->gate_passed_at_ms = event->at_ms;
	FOLD_TEXT(step->second, event->body, "second");
	step->second_by_name_only = json_bool(event->body, "by_name_only", false);
}

static void fold_gate_closed(struct state *state, const struct event *event)
{
	struct gate_seen *gate = gate_of_event(state, event);
	struct step_seen *step = steps_find(state, json_str(event->body, "step", ""));
	if (gate)
		gate->open = false;
	if (step && step->state == STEP_GATE && (!gate || text_equal(gate->act, "run")))
		step->state = STEP_WAITING;
	FOLD_TEXT(state->steps.last_gate_closed, event->body, "why");
}

const struct kind gate_opened_kind = {
    .name = "gate.opened", .keep = KEEP_RECORD, .since = 1, .fold = fold_gate_opened};
const struct kind gate_changed_kind = {
    .name = "gate.changed", .keep = KEEP_RECORD, .since = 1, .fold = fold_gate_changed};
const struct kind gate_counting_kind = {
    .name = "gate.counting", .keep = KEEP_RECORD, .since = 1, .fold = fold_gate_counting};
const struct kind gate_stopped_kind = {
    .name = "gate.stopped", .keep = KEEP_RECORD, .since = 1, .fold = fold_gate_stopped};
const struct kind gate_passed_kind = {
    .name = "gate.passed", .keep = KEEP_RECORD, .since = 1, .fold = fold_gate_passed};
const struct kind gate_closed_kind = {
    .name = "gate.closed", .keep = KEEP_RECORD, .since = 1, .fold = fold_gate_closed};
const struct kind gate_looked_kind = {
    .name = "gate.looked", .keep = KEEP_SAMPLE, .key = "", .since = 1, .fold = fold_gate_looked};
