/* Folds of the playbook, its attempts and its facts: see steps.h. The gate's are in gate.c. */
#include "core/base/units.h"
#include "core/night/kinds/fold.h"

static const char *const state_names[] = {
    [STEP_WAITING] = "waiting", [STEP_PLANNING] = "planning",   [STEP_GATE] = "gate",
    [STEP_RUNNING] = "running", [STEP_PROVING] = "proving",     [STEP_DONE] = "done",
    [STEP_SKIPPED] = "skipped", [STEP_BYHAND] = "byhand",       [STEP_FAILED] = "failed",
    [STEP_UNKNOWN] = "unknown", [STEP_CANCELLED] = "cancelled", [STEP_UNDONE] = "undone",
};

const char *step_state_name(enum step_state state)
{
	return (size_t)state < sizeof state_names / sizeof *state_names ? state_names[state] : "unknown";
}

static enum step_state state_of(const char *name, enum step_state otherwise)
{
	for (size_t i = 0; i < sizeof state_names / sizeof *state_names; i++)
		if (text_equal(state_names[i], name))
			return (enum step_state)i;
	return otherwise;
}

bool step_state_finished(enum step_state state)
{
	return state == STEP_DONE || state == STEP_SKIPPED || state == STEP_BYHAND;
}

const struct step_seen *steps_get(const struct state *state, const char *id)
{
	for (size_t i = 0; i < state->steps.n; i++)
		if (text_equal(state->steps.steps[i].id, id))
			return &state->steps.steps[i];
	return NULL;
}

struct step_seen *steps_find(struct state *state, const char *id)
{
	return (struct step_seen *)(uintptr_t)steps_get(state, id);
}

/* The way forward, or after night.turned the way back. */
static void steps_range(const struct state *state, size_t *first, size_t *end)
{
	*first = state->steps.turned ? state->steps.n_forward : 0;
	*end = state->steps.turned ? state->steps.n : state->steps.n_forward;
}

const struct step_seen *steps_next(const struct state *state)
{
	size_t first, end;
	steps_range(state, &first, &end);
	for (size_t i = first; i < end; i++)
		if (!step_state_finished(state->steps.steps[i].state))
			return &state->steps.steps[i];
	return NULL;
}

static bool says_run(const char *said, const char *kind)
{
	char run[48];
	text_copyf(run, sizeof run, "run %s", kind);
	for (const char *at = said; (at = strstr(at, run)); at++) {
		char after = at[strlen(run)];
		if (after != '-' && !(after >= 'a' && after <= 'z'))
			return true;
	}
	return false;
}

const struct step_seen *steps_sent_back(const struct state *state, const char *said)
{
	const struct step_seen *failed = steps_next(state);
	if (!failed || failed->state != STEP_FAILED || state->flip_at_ms || state->steps.turned)
		return NULL;
	for (const struct step_seen *x = state->steps.steps; x < failed; x++)
		if (x->state == STEP_DONE && !x->manual && says_run(said ? said : failed->text, x->kind))
			return x;
	return NULL;
}

const struct step_seen *steps_current(const struct state *state)
{
	for (size_t i = 0; i < state->steps.n; i++) {
		enum step_state s = state->steps.steps[i].state;
		if (s == STEP_PLANNING || s == STEP_GATE || s == STEP_RUNNING || s == STEP_PROVING)
			return &state->steps.steps[i];
	}
	return NULL;
}

int fold_verdict(const char *name)
{
	static const char *const names[] = {"UNKNOWN", "PASS", "WARN", "FAIL"};
	for (int i = 0; i < 4; i++)
		if (text_equal(names[i], name))
			return i;
	return 0;
}

int fold_gate(const char *name)
{
	static const char *const names[] = {"none", "yes", "type", "poll"};
	for (int i = 0; i < 4; i++)
		if (text_equal(names[i], name))
			return i;
	return 0;
}

void fold_seen(struct seen_line **lines, size_t *n, const struct json *array, int64_t at_ms)
{
	free(*lines);
	*lines = NULL;
	*n = 0;
	for (const struct json *x = json_first(array); x; x = json_next(x)) {
		struct seen_line *line = FOLD_PUSH(*lines, *n);
		line->verdict = fold_verdict(json_str(x, "verdict", ""));
		FOLD_TEXT(line->name, x, "name");
		FOLD_TEXT(line->text, x, "text");
		line->at_ms = json_int(x, "at_ms", at_ms);
		line->waived = json_bool(x, "waived", false);
		FOLD_TEXT(line->waived_by, x, "waived_by");
		FOLD_TEXT(line->fact, x, "fact");
	}
}

void fold_plan(struct plan_seen *plan, const struct json *object, int64_t at_ms)
{
	memset(plan, 0, sizeof *plan);
	FOLD_TEXT(plan->target, object, "target");
	FOLD_TEXT(plan->side, object, "side");
	FOLD_TEXT(plan->verb, object, "verb");
	FOLD_TEXT(plan->from, object, "from");
	FOLD_TEXT(plan->to, object, "to");
	FOLD_TEXT(plan->then, object, "then");
	FOLD_TEXT(plan->back, object, "back");
	FOLD_TEXT(plan->refused, object, "refused");
	for (const struct json *x = json_first(json_get(object, "does")); x && plan->n_does < 12;
	     x = json_next(x))
		text_copy(plan->does[plan->n_does++], sizeof plan->does[0], json_text(x) ? json_text(x) : "");
	plan->gate = fold_gate(json_str(object, "gate", ""));
	plan->nothing_to_do = json_bool(object, "nothing_to_do", false);
	plan->estimate_ms = json_int(object, "estimate_ms", -1);
	plan->at_ms = at_ms;
}

/* What people do by hand is the playbook's own text: without it the card is only a title. */
static void push_card(struct step_seen *step, const struct json *with)
{
	size_t n = 0;

	if (!step->manual && !text_equal(step->kind, "note"))
		return;
	text_copy(step->card, sizeof step->card, json_str(with, step->manual ? "card" : "text", ""));
	for (const struct json *x = json_first(json_get(with, "fields")); x && n < 6; x = json_next(x))
		text_copy(step->fields[n++], sizeof step->fields[0], json_text(x) ? json_text(x) : "");
}

static void push_steps(struct steps_state *s, const struct json *steps, size_t phase)
{
	for (const struct json *x = json_first(steps); x; x = json_next(x)) {
		struct step_seen *step = FOLD_PUSH(s->steps, s->n);
		FOLD_TEXT(step->id, x, "id");
		FOLD_TEXT(step->kind, x, "do");
		FOLD_TEXT(step->title, x, "title");
		FOLD_TEXT(step->say, x, "say");
		step->phase = phase;
		step->number = (int)s->n;
		step->gate = fold_gate(json_str(x, "gate", ""));
		step->manual = text_equal(step->kind, "manual");
		push_card(step, json_get(x, "with"));
		step->budget_ms = json_int(x, "budget_ms", -1);
		step->estimate_ms = json_int(x, "estimate_ms", -1);
		/* A step that waits for a time takes that time. */
		if (step->estimate_ms < 0)
			step->estimate_ms = units_parse_duration_ms(json_str(json_get(x, "with"), "for", ""));
		step->rehearsed_ms = step->rehearsed_look_ms = -1;
		step->plan.estimate_ms = -1;
	}
}

static void fold_night_opened(struct state *state, const struct event *event)
{
	const struct json *b = event->body;
	FOLD_TEXT(state->app, b, "app");
	FOLD_TEXT(state->night, b, "night");
	FOLD_TEXT(state->version, b, "version");
	FOLD_TEXT(state->old_name, b, "old_name");
	FOLD_TEXT(state->new_name, b, "new_name");
	FOLD_TEXT(state->new_db, b, "new_db");
	state->opened_at_ms = event->at_ms;
	state->rehearsal = json_bool(b, "rehearsal", false);
	state->window_start_ms = json_int(json_get(b, "window"), "start_ms", 0);
	state->window_end_ms = json_int(json_get(b, "window"), "end_ms", 0);
	free(state->config);
	state->config = json_print(json_get(b, "config"));
	/* Nights of earlier builds do not say it, and had Kamal. */
	state->no_kamal = !json_bool(json_path(b, "config.kamal"), "used", true);
	people_opened(state, json_get(b, "config"));

	steps_done(state);
	struct steps_state *s = &state->steps;
	const struct json *playbook = json_get(b, "playbook");
	FOLD_TEXT(s->playbook, playbook, "name");
	for (const struct json *x = json_first(json_get(playbook, "phases")); x; x = json_next(x)) {
		struct phase_seen *phase = FOLD_PUSH(s->phases, s->n_phases);
		FOLD_TEXT(phase->name, x, "name");
		phase->first = s->n;
		push_steps(s, json_get(x, "steps"), s->n_phases - 1);
		phase->n = s->n - phase->first;
	}
	s->n_forward = s->n;
	if (json_count(json_get(playbook, "rollback"))) {
		struct phase_seen *phase = FOLD_PUSH(s->phases, s->n_phases);
		text_copy(phase->name, sizeof phase->name, "way back");
		phase->first = s->n;
		push_steps(s, json_get(playbook, "rollback"), s->n_phases - 1);
		phase->n = s->n - phase->first;
	}
	rehearsed_opened(state, json_get(b, "rehearsed"));
}

static void fold_night_closed(struct state *state, const struct event *event)
{
	state->closed_at_ms = event->at_ms;
	FOLD_TEXT(state->closed_verdict, event->body, "verdict");
}

static void fold_night_turned(struct state *state, const struct event *event)
{
	(void)event;
	state->steps.turned = true;
}

static struct step_seen *step_of(struct state *state, const struct event *event)
{
	return steps_find(state, json_str(event->body, "step", ""));
}

static void fold_attempt_started(struct state *state, const struct event *event)
{
	struct step_seen *step = step_of(state, event);
	if (!step)
		return;
	step->state = STEP_RUNNING;
	FOLD_TEXT(step->attempt, event->body, "attempt");
	FOLD_TEXT(step->by, event->body, "by");
	step->undoing = text_equal(json_str(event->body, "verb", "run"), "undo");
	/* The plan of an undo is the step's own, the other way round. */
	if (!step->undoing)
		fold_plan(&step->plan, json_get(event->body, "plan"), event->at_ms);
	/* What was measured is believed more than what a plan reckons; its looks are over by now. */
	if (step->rehearsed_ms >= 0)
		step->estimate_ms -= step->attempts ? 0 : step->rehearsed_look_ms;
	else if (step->plan.estimate_ms > 0)
		step->estimate_ms = step->plan.estimate_ms;
	step->started_at_ms = event->at_ms;
	step->ended_at_ms = 0;
	step->text[0] = step->progress[0] = '\0';
	step->done = step->total = 0;
	step->attempts++;
}

/* What the proof of a step says about the whole night. */
static void note_milestones(struct state *state, const struct step_seen *step, int64_t at_ms)
{
	if (!text_equal(step->kind, "dns-point"))
		return;
	if (step->state == STEP_DONE && !state->steps.turned)
		state->flip_at_ms = at_ms;
	if (step->state == STEP_UNDONE && !state->steps.turned)
		state->flip_at_ms = 0;
	if (step->state == STEP_DONE || step->state == STEP_UNDONE)
		downtime_moved(state, step->state == STEP_DONE && !state->steps.turned, at_ms);
}

static void fold_attempt_ended(struct state *state, const struct event *event)
{
	struct step_seen *step = step_of(state, event);
	if (!step)
		return;
	const char *outcome = json_str(event->body, "outcome", "unknown");
	step->state = text_equal(outcome, "refused") ? STEP_FAILED : state_of(outcome, STEP_UNKNOWN);
	FOLD_TEXT(step->text, event->body, "text");
	/* On a disk that was full the end came into the journal later. */
	step->ended_at_ms = json_int(event->body, "ended_at_ms", event->at_ms);
	if (!step->started_at_ms) /* there was nothing to do: proved without an attempt */
		step->started_at_ms = event->at_ms;
	fold_seen(&step->seen, &step->n_seen, json_get(event->body, "seen"), event->at_ms);
	note_milestones(state, step, step->ended_at_ms);
}

static void fold_attempt_found(struct state *state, const struct event *event)
{
	struct step_seen *step = step_of(state, event);
	if (!step)
		return;
	const char *probe = json_str(event->body, "probe", "");
	step->state = text_equal(probe, "RUNNING") ? STEP_RUNNING : STEP_UNKNOWN;
	FOLD_TEXT(step->text, event->body, "text");
}

static void fold_step_state(struct state *state, const struct event *event)
{
	struct step_seen *step = step_of(state, event);
	if (!step)
		return;
	step->state = state_of(json_str(event->body, "state", ""), step->state);
	FOLD_TEXT(step->text, event->body, "text");
}

static void fold_step_skipped(struct state *state, const struct event *event)
{
	struct step_seen *step = step_of(state, event);
	if (!step)
		return;
	step->state = STEP_SKIPPED;
	FOLD_TEXT(step->by, event->body, "by");
	FOLD_TEXT(step->text, event->body, "reason");
	step->ended_at_ms = event->at_ms;
}

static void fold_step_byhand(struct state *state, const struct event *event)
{
	struct step_seen *step = step_of(state, event);
	if (!step)
		return;
	step->state = STEP_BYHAND;
	FOLD_TEXT(step->by, event->body, "by");
	FOLD_TEXT(step->text, event->body, "words");
	if (!step->started_at_ms)
		step->started_at_ms = event->at_ms;
	step->ended_at_ms = event->at_ms;
	note_milestones(state, step, event->at_ms);
}

static void fold_plan_seen(struct state *state, const struct event *event)
{
	struct step_seen *step = step_of(state, event);
	if (step)
		fold_plan(&step->plan, json_get(event->body, "plan"), event->at_ms);
}

static void fold_step_progress(struct state *state, const struct event *event)
{
	struct step_seen *step = step_of(state, event);
	if (!step)
		return;
	step->done = json_int(event->body, "done", 0);
	step->total = json_int(event->body, "total", 0);
	FOLD_TEXT(step->unit, event->body, "unit");
	FOLD_TEXT(step->progress, event->body, "text");
}

static void fold_fact(struct state *state, const struct event *event)
{
	struct facts_state *facts = &state->facts;
	const char *name = json_str(event->body, "name", ""), *key = json_str(event->body, "key", "");
	struct fact_seen *fact = NULL;
	for (size_t i = 0; i < facts->n && !fact; i++)
		if (text_equal(facts->facts[i].name, name) && text_equal(facts->facts[i].key, key))
			fact = &facts->facts[i];
	if (!fact) {
		fact = FOLD_PUSH(facts->facts, facts->n);
		text_copy(fact->name, sizeof fact->name, name);
		text_copy(fact->key, sizeof fact->key, key);
	}
	FOLD_TEXT(fact->step, event->body, "step");
	FOLD_TEXT(fact->attempt, event->body, "attempt");
	free(fact->data);
	fact->data = json_print(json_get(event->body, "data"));
	fact->at_ms = event->at_ms;
	if (text_equal(name, "source"))
		rehearsed_scale(state, json_int(json_get(event->body, "data"), "size_bytes", 0));
	/* What was written on the copy before went with it. */
	if (text_equal(name, "restored-by-us") && !state->flip_at_ms)
		state->new_write_at_ms = 0;
	if (text_equal(name, "formation")) {
		const struct json *data = json_get(event->body, "data");
		for (size_t i = 0; i < state->dynos.n_formation; i++) {
			struct formation_seen *f = &state->dynos.formation[i];
			f->before = (int)json_int(json_get(data, f->type), "quantity", f->before);
		}
	}
}

void steps_done(struct state *state)
{
	struct steps_state *s = &state->steps;
	for (size_t i = 0; i < s->n; i++)
		free(s->steps[i].seen);
	free(s->steps);
	free(s->phases);
	free(s->gate.seen);
	memset(s, 0, sizeof *s);
}

const struct kind night_opened_kind = {
    .name = "night.opened", .keep = KEEP_RECORD, .since = 1, .fold = fold_night_opened};
const struct kind night_closed_kind = {
    .name = "night.closed", .keep = KEEP_RECORD, .since = 1, .fold = fold_night_closed};
const struct kind night_turned_kind = {
    .name = "night.turned", .keep = KEEP_RECORD, .since = 1, .fold = fold_night_turned};
const struct kind attempt_started_kind = {
    .name = "attempt.started", .keep = KEEP_RECORD, .since = 1, .fold = fold_attempt_started};
const struct kind attempt_ended_kind = {
    .name = "attempt.ended", .keep = KEEP_RECORD, .since = 1, .fold = fold_attempt_ended};
const struct kind attempt_found_kind = {
    .name = "attempt.found", .keep = KEEP_RECORD, .since = 1, .fold = fold_attempt_found};
const struct kind step_state_kind = {
    .name = "step.state", .keep = KEEP_RECORD, .since = 1, .fold = fold_step_state};
const struct kind step_skipped_kind = {
    .name = "step.skipped", .keep = KEEP_RECORD, .since = 1, .fold = fold_step_skipped};
const struct kind step_byhand_kind = {
    .name = "step.byhand", .keep = KEEP_RECORD, .since = 1, .fold = fold_step_byhand};
const struct kind plan_seen_kind = {
    .name = "plan.seen", .keep = KEEP_CHANGE, .key = "step", .since = 1, .fold = fold_plan_seen};
const struct kind step_progress_kind = {
    .name = "step.progress", .keep = KEEP_SAMPLE, .key = "step", .since = 1, .fold = fold_step_progress};
const struct kind fact_kind = {.name = "fact", .keep = KEEP_RECORD, .since = 1, .fold = fold_fact};
