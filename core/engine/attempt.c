/* One step from plan to proof: plan -> checks -> gate -> run -> prove. At most one is under way. What must
 * last is recorded before it acts; an exit status is no evidence, only prove() is. */
#include "core/engine/inner.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

static void on_plan(struct child *child);
static void on_check(struct child *child);
static void on_run(struct child *child);
static void on_prove(struct child *child);
static void on_probe(struct child *child);

const struct step *step_row(const char *kind)
{
	for (size_t i = 0; step_table[i]; i++)
		if (text_equal(step_table[i]->name, kind))
			return step_table[i];
	return NULL;
}

const struct json *playbook_step(const struct engine *e, const char *id)
{
	for (const struct json *p = json_first(json_get(e->playbook, "phases")); p; p = json_next(p))
		for (const struct json *s = json_first(json_get(p, "steps")); s; s = json_next(s))
			if (text_equal(json_str(s, "id", ""), id))
				return s;
	for (const struct json *s = json_first(json_get(e->playbook, "rollback")); s; s = json_next(s))
		if (text_equal(json_str(s, "id", ""), id))
			return s;
	return NULL;
}

static void run_over(struct engine *e);

/* The waiting step that made room for something beside it goes on; it may have ended meanwhile. */
static void act_unpark(struct engine *e)
{
	struct act_now *parked = e->parked;
	if (!parked)
		return;
	e->parked = NULL;
	e->act = *parked;
	free(parked);
	if (!e->act.child)
		run_over(e);
}

static void act_reset(struct engine *e)
{
	struct act_now *act = &e->act;
	json_free(act->plan);
	json_free(act->run_end);
	free(act->plan_text);
	buf_done(&act->seen);
	buf_done(&act->check_lines);
	json_free(act->own_params);
	memset(act, 0, sizeof *act);
	act_unpark(e);
}

static void step_state(struct engine *e, const char *step, const char *state, const char *text)
{
	struct jw w;
	jw_event(&w, "step.state");
	jw_str(&w, "step", step);
	jw_str(&w, "state", state);
	jw_str(&w, "text", text);
	engine_emit(e, &w, NULL);
}

/* Back to where it stood, with the reason on every screen. */
static void give_up(struct engine *e, const char *state, const char *why)
{
	char step[48], text[700];
	text_copy(step, sizeof step, e->act.step);
	text_copy(text, sizeof text, why); /* it may live in the plan that goes now */
	act_reset(e);
	step_state(e, step, state, text);
	seats_say(e, text_equal(state, "failed") ? "bad" : "warn", "%s: %s", step, text);
}

static int spawn(struct engine *e, const char *verb, child_ended_fn *ended, const char *plan,
		 const char *spool, int lock_fd, struct err *err)
{
	struct act_now *act = &e->act;
	struct child_spec spec = {
	    .role = "step",
	    .name = act->row->name,
	    .verb = verb,
	    .step = act->step,
	    .attempt = act->attempt,
	    .params = act->own_params ? act->own_params : json_get(playbook_step(e, act->step), "with"),
	    .plan_text = plan,
	    .secrets = act->row->secrets,
	    .spool = spool,
	    .lock_fd = lock_fd,
	    .ended = ended,
	};
	act->child = child_start(e, &spec, err);
	return act->child ? 0 : -1;
}

static const char *order_problem(const struct engine *e, const struct step_seen *step, char out[200])
{
	const struct state *s = e->state;
	bool back = (size_t)(step - s->steps.steps) >= s->steps.n_forward;
	if (back != s->steps.turned) {
		text_copy(out, 200,
			  back ? "it belongs to the way back; B opens that"
			       : "the way back is being taken; this step is on the way forward");
		return out;
	}
	for (const struct step_seen *x = s->steps.steps + (back ? s->steps.n_forward : 0); x < step; x++)
		if (!step_state_finished(x->state) && !(x->manual && step->phase > x->phase)) {
			text_copyf(out, 200, "%d %s comes first; S skips it with a reason", x->number, x->id);
			return out;
		}
	return NULL;
}

/* What stands in the way of everything. */
static int may_start(const struct engine *e, struct err *err)
{
	if (e->stopping || e->state->closed_at_ms)
		return err_set(err, ERR_REFUSED, "this night is closed; nothing starts in it any more");
	if (e->state->people.hold)
		return err_set(err, ERR_REFUSED, "HOLD by %s: nothing starts until it is released",
			       e->state->people.hold_by);
	if (journal_tight(e->journal))
		return err_set(err, ERR_IO,
			       "the disk under the journal is full, so nothing starts; make room in %s",
			       e->dir);
	if (e->attempt_alive)
		return err_set(
		    err, ERR_REFUSED,
		    "an attempt of the engine before this one still runs; nothing is started beside it");
	return 0;
}

static int may_begin(struct engine *e, const struct step_seen *step, const char *id, const char *verb,
		     struct err *err)
{
	char why[200];
	if (!step)
		return err_set(err, ERR_USAGE, "the playbook has no step \"%s\"", id);
	if (may_start(e, err) < 0)
		return -1;
	if (e->act.phase != ACT_IDLE)
		return err_set(err, ERR_REFUSED, "%s is under way; one step at a time", e->act.step);
	if (text_equal(verb, "undo"))
		return step->state == STEP_WAITING
			   ? err_set(err, ERR_REFUSED, "%s has not run, so there is nothing to take back", id)
			   : 0;
	if (step_state_finished(step->state))
		return err_set(err, ERR_REFUSED, "%s is done already; nothing is done twice", id);
	if (order_problem(e, step, why))
		return err_set(err, ERR_REFUSED, "%s: %s", id, why);
	return 0;
}

/* The gate of an undo has no plan of its own: what it takes back is what the step recorded. */
static int begin_undo(struct engine *e, const struct step_seen *step, struct err *err)
{
	struct act_now *act = &e->act;
	if (!act->row->undo) {
		act_reset(e);
		return err_set(err, ERR_REFUSED,
			       "%s has no way back of its own; B is the way back of the whole night",
			       step->id);
	}
	struct jw w = {0};
	jw_open(&w);
	jw_str(&w, "target", *step->plan.target ? step->plan.target : step->id);
	jw_str(&w, "side", step->plan.side);
	jw_str(&w, "verb", "TAKES BACK");
	jw_str(&w, "from", step->plan.to);
	jw_str(&w, "to", step->plan.from);
	jw_arr(&w, "does");
	jw_strf(&w, NULL, "undo of %s by what it recorded: %s", step->id,
		*step->plan.back ? step->plan.back : step->title);
	jw_end(&w);
	const char *text = jw_finish(&w);
	act->plan_text = xstrdup(text);
	act->plan = json_parse(text, strlen(text), NULL);
	jw_done(&w);
	act->level = act->row->gate > GATE_YES ? act->row->gate : GATE_YES;
	return gate_open(e);
}

int attempt_begin(struct engine *e, const char *id, const char *verb, const char *by, struct err *err)
{
	const struct step_seen *step = steps_get(e->state, id);
	if (may_begin(e, step, id, verb, err) < 0)
		return -1;
	if (step->manual && text_equal(verb, "run"))
		return err_set(err, ERR_REFUSED, "%s is done by people: press M when it is done", id);
	const struct step *row = step_row(step->kind);
	if (!row)
		return err_set(err, ERR_CONFIG, "this build has no step kind \"%s\"", step->kind);
	act_reset(e);
	struct act_now *act = &e->act;
	act->row = row;
	text_copy(act->step, sizeof act->step, id);
	text_copy(act->verb, sizeof act->verb, verb);
	text_copy(act->by, sizeof act->by, by);
	if (text_equal(verb, "undo"))
		return begin_undo(e, step, err);
	act->phase = ACT_PLAN;
	step_state(e, id, "planning", "");
	if (spawn(e, "plan", on_plan, NULL, "", -1, err) < 0) {
		give_up(e, "waiting", err->text);
		return -1;
	}
	return 0;
}

/* A playbook's step is asked for by name; this is something beside it, such as ending one session. A step
 * that only waits goes on running meanwhile. */
int attempt_aside(struct engine *e, const char *kind, struct json *take_params, const char *by,
		  struct err *err)
{
	struct act_now *act = &e->act;
	const struct step *row = step_row(kind);
	bool waits = act->phase == ACT_RUN && act->child && act->row->gate == GATE_NONE && !e->parked;
	int rc = may_start(e, err);
	if (rc == 0 && !row)
		rc = err_set(err, ERR_CONFIG, "this build has no step kind \"%s\"", kind);
	if (rc == 0 && act->phase != ACT_IDLE && !waits)
		rc = err_set(err, ERR_REFUSED, "%s is under way; one step at a time", act->step);
	if (rc < 0) {
		json_free(take_params);
		return -1;
	}
	if (waits) {
		e->parked = xcalloc(1, sizeof *e->parked);
		*e->parked = *act;
		memset(act, 0, sizeof *act);
	}
	act->row = row;
	act->own_params = take_params;
	act->aside = true;
	text_copy(act->step, sizeof act->step, kind);
	text_copy(act->verb, sizeof act->verb, "run");
	text_copy(act->by, sizeof act->by, by);
	act->phase = ACT_PLAN;
	if (spawn(e, "plan", on_plan, NULL, "", -1, err) < 0) {
		give_up(e, "waiting", err->text);
		return -1;
	}
	return 0;
}

/* Steps whose proof later gates show: to go without it is typed. */
static bool is_proof(const char *kind)
{
	static const char *const proofs[] = {"wait-quiet", "restore", "count-rows", "smoke", "canaries"};
	for (size_t i = 0; i < sizeof proofs / sizeof *proofs; i++)
		if (text_equal(proofs[i], kind))
			return true;
	return false;
}

static int skipped(struct engine *e, const char *id, const char *reason, const char *by)
{
	struct jw w;
	jw_event(&w, "step.skipped");
	jw_str(&w, "step", id);
	jw_str(&w, "by", by);
	jw_str(&w, "reason", reason);
	return engine_emit(e, &w, NULL);
}

int attempt_skip(struct engine *e, const char *id, const char *reason, const char *by, struct err *err)
{
	const struct step_seen *step = steps_get(e->state, id);
	struct act_now *act = &e->act;
	if (!step || step_state_finished(step->state) || step->state == STEP_RUNNING ||
	    step->state == STEP_PROVING)
		return err_set(err, ERR_REFUSED, "that step cannot be skipped now");
	if (!*reason)
		return err_set(
		    err, ERR_REFUSED,
		    "a skip wants its reason in words; it stands in every later gate and in the report");
	if (act->phase != ACT_IDLE && text_equal(act->step, id))
		return err_set(err, ERR_REFUSED, "%s is being looked at; leave its gate first", id);
	if (!is_proof(step->kind))
		return skipped(e, id, reason, by);
	if (act->phase != ACT_IDLE)
		return err_set(err, ERR_REFUSED, "%s is under way; one step at a time", act->step);
	act_reset(e);
	act->row = step_row(step->kind);
	text_copy(act->step, sizeof act->step, id);
	text_copy(act->verb, sizeof act->verb, "skip");
	text_copy(act->by, sizeof act->by, by);
	text_copy(act->words, sizeof act->words, reason);
	act->level = GATE_TYPE;
	struct jw w = {0};
	jw_open(&w);
	jw_str(&w, "target", id);
	jw_str(&w, "verb", "SKIPS A PROOF");
	jw_arr(&w, "does");
	jw_strf(&w, NULL, "goes on without %s: \"%s\"", id, reason);
	jw_end(&w);
	jw_str(&w, "then", "every later gate and the report show it as skipped, with your name");
	jw_str(&w, "back",
	       "R runs it as long as the step after it has not begun; a skip itself changes nothing");
	jw_arr(&w, "seen");
	jw_obj(&w, NULL);
	jw_str(&w, "verdict", "WARN");
	jw_str(&w, "name", "proof");
	jw_strf(&w, "text", "what %s proves will not be known: %s", id,
		*step->title ? step->title : step->kind);
	jw_strf(&w, "fact", "%s", step_state_name(step->state));
	jw_end(&w);
	jw_end(&w);
	const char *text = jw_finish(&w);
	act->plan_text = xstrdup(text);
	act->plan = json_parse(text, strlen(text), NULL);
	jw_done(&w);
	return gate_open(e);
}

/* ---- plan and checks ---- */

static void start_next_check(struct engine *e);
static void start_run(struct engine *e);
static void start_prove(struct engine *e);

/* The highest of what the kind, the plan's evidence and the playbook ask for. */
static enum gate level_now(const struct engine *e)
{
	const struct act_now *act = &e->act;
	enum gate plan = gate_of(json_str(act->plan, "gate", "")),
		  book = gate_of(json_str(playbook_step(e, act->step), "gate", ""));
	enum gate level = act->row->gate;
	level = plan > level ? plan : level;
	level = book > level ? book : level;
	/* With two people at the desk, traffic is never moved forward by one alone. */
	if (level == GATE_TYPE && e->state->people.wanted >= 2 && !e->state->steps.turned &&
	    text_equal(act->row->name, "dns-point"))
		level = GATE_POLL;
	return level;
}

static void close_gate(struct engine *e, const char *by, const char *why)
{
	struct jw w;
	jw_event(&w, "gate.closed");
	jw_str(&w, "gate", e->act.gate_id);
	jw_str(&w, "step", e->act.step);
	jw_str(&w, "by", by);
	jw_str(&w, "why", why);
	engine_emit(e, &w, NULL);
}

/* The open gate meets the evidence of now: it may close, ask for more, or show what moved; it never asks for
 * less. */
static void decide_again(struct engine *e)
{
	struct act_now *act = &e->act;
	act->refreshing = false;
	e->probed_life_ms = clock_life_ms();
	const char *refused = json_str(act->plan, "refused", "");
	enum gate level = level_now(e);
	char text[480];
	if (*refused || json_bool(act->plan, "nothing_to_do", false)) {
		text_copyf(text, sizeof text, "nothing happened: %s",
			   *refused ? refused
				    : "it is done already by somebody else; R looks at it and proves it");
		seats_say(e, *refused ? "bad" : "warn", "%s: %s", act->step, text);
		attempt_leave_gate(e, "nightferry", text);
	} else if (level > act->level) {
		close_gate(e, "nightferry", "nothing happened: what is seen now asks for a stricter gate");
		act->level = level;
		gate_open(e);
	} else {
		gate_refresh(e);
	}
}

static void decide(struct engine *e)
{
	struct act_now *act = &e->act;
	if (act->refreshing) {
		decide_again(e);
		return;
	}
	const char *refused = json_str(act->plan, "refused", "");
	if (*refused) {
		give_up(e, "failed", refused);
		return;
	}
	if (json_bool(act->plan, "nothing_to_do", false)) {
		start_prove(e);
		return;
	}
	act->level = level_now(e);
	if (act->level == GATE_NONE)
		start_run(e);
	else
		gate_open(e);
}

static void start_next_check(struct engine *e)
{
	struct act_now *act = &e->act;
	const struct json *checks = json_get(playbook_step(e, act->step), "checks");
	const struct json *x = json_first(checks);
	for (size_t i = 0; x && i < act->check_next; i++)
		x = json_next(x);
	if (!x) {
		decide(e);
		return;
	}
	act->check_next++;
	const struct check *row = check_row(json_text(x) ? json_text(x) : "");
	struct child_spec spec = {.role = "check",
				  .name = row ? row->name : "",
				  .verb = "run",
				  .step = "",
				  .attempt = "",
				  .secrets = row ? row->secrets : NULL,
				  .lock_fd = -1,
				  .ended = on_check};
	if (!row || !(act->child = child_start(e, &spec, NULL)))
		start_next_check(e);
}

static void on_check(struct child *child)
{
	struct engine *e = child->e;
	struct act_now *act = &e->act;
	if (act->child != child)
		return;
	act->child = NULL;
	const char *verdict = json_str(child->end, "verdict", "UNKNOWN");
	check_tell(child);
	struct jw line = {0};
	jw_open(&line);
	jw_str(&line, "verdict", verdict);
	jw_str(&line, "name", child->name);
	const struct json *first = json_first(json_get(child->end, "seen"));
	for (const struct json *x = first; x; x = json_next(x))
		if (text_equal(json_str(x, "verdict", ""), verdict))
			first = x;
	jw_str(&line, "text",
	       first ? json_str(first, "text", "") : json_str(child->end, "text", "it ended without a word"));
	jw_str(&line, "fact", first ? json_str(first, "fact", "") : "");
	jw_finish(&line);
	if (act->check_lines.len)
		buf_addc(&act->check_lines, ',');
	buf_add(&act->check_lines, line.buf.data, line.buf.len);
	jw_done(&line);
	start_next_check(e);
}

static void on_plan(struct child *child)
{
	struct engine *e = child->e;
	struct act_now *act = &e->act;
	if (act->child != child)
		return;
	act->child = NULL;
	if (!child->end || !json_bool(child->end, "ok", false)) {
		char text[700];
		text_copy(text, sizeof text,
			  child->end ? json_str(child->end, "text", "")
				     : "its plan ended without a word; nothing was changed, try again");
		if (act->refreshing) {
			act->refreshing = false;
			e->probed_life_ms = clock_life_ms();
			seats_say(e, "warn", "%s: evidence could not be looked at again: %s", act->step,
				  text);
		} else {
			give_up(e, "failed", text);
		}
		return;
	}
	json_free(act->plan);
	free(act->plan_text);
	act->plan_text = json_print(json_get(child->end, "plan"));
	act->plan = json_parse(act->plan_text, strlen(act->plan_text), NULL);
	buf_reset(&act->check_lines);
	act->check_next = 0;
	if (!act->refreshing) {
		act->phase = ACT_CHECKS;
		struct jw w;
		jw_event(&w, "plan.seen");
		jw_str(&w, "step", act->step);
		jw_raw(&w, "plan", act->plan_text, strlen(act->plan_text));
		engine_emit(e, &w, NULL);
	}
	start_next_check(e);
}

/* Evidence is refreshed while the dialog is open. */
void attempt_tick(struct engine *e)
{
	struct act_now *act = &e->act;
	if (act->phase != ACT_GATE || act->refreshing || !act->row || !text_equal(act->verb, "run"))
		return;
	act->refreshing = true;
	if (spawn(e, "plan", on_plan, NULL, "", -1, NULL) < 0)
		act->refreshing = false;
}

/* ---- run ---- */

static int lock_attempt(const struct engine *e, const char *id, struct err *err)
{
	char path[512];
	text_copyf(path, sizeof path, "%s/attempts/%s.lock", e->dir, id);
	int fd = open(path, O_RDWR | O_CREAT,
		      0600); /* not close-on-exec: it lives as long as any descendant does */
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (fd >= 0)
			close(fd);
		return err_set(err, ERR_IO, "%s: %s; nothing was started", path, strerror(errno));
	}
	return fd;
}

static void start_run(struct engine *e)
{
	struct act_now *act = &e->act;
	if (e->state->people.hold) {
		char why[80];
		text_copyf(why, sizeof why, "HOLD by %s: it was not started", e->state->people.hold_by);
		give_up(e, "waiting", why);
		return;
	}
	text_copyf(act->attempt, sizeof act->attempt, "a%d", ++e->n_attempts);
	struct err err = {0};
	struct jw w;
	jw_event(&w, "attempt.started");
	jw_str(&w, "attempt", act->attempt);
	jw_str(&w, "step", act->step);
	jw_str(&w, "verb", act->verb);
	jw_str(&w, "by", act->by);
	jw_raw(&w, "plan", act->plan_text, strlen(act->plan_text));
	if (engine_emit(e, &w, &err) < 0) {
		give_up(e, "waiting", err.text);
		return;
	}
	act->phase = ACT_RUN;
	char spool[512];
	text_copyf(spool, sizeof spool, "%s/attempts/%s.jsonl", e->dir, act->attempt);
	int fd = lock_attempt(e, act->attempt, &err);
	if (fd < 0 || spawn(e, act->verb, on_run, act->plan_text, spool, fd, &err) < 0)
		give_up(e, "failed", err.text);
}

static void ended(struct engine *e, const char *outcome, const char *text, const struct json *seen)
{
	struct act_now *act = &e->act;
	char step[48], by[32];
	text_copy(step, sizeof step, act->step);
	text_copy(by, sizeof by, act->by);
	struct jw w;
	jw_event(&w, "attempt.ended");
	jw_str(&w, "attempt", act->attempt);
	jw_str(&w, "step", step);
	jw_str(&w, "outcome", outcome);
	jw_str(&w, "text", text);
	if (seen)
		jw_json(&w, "seen", seen);
	bool aside = act->aside;
	engine_emit(e, &w, NULL);
	act_reset(e);
	if (aside)
		seats_say(e, text_equal(outcome, "done") ? "info" : "warn", "%s %s: %s", step, outcome, text);
	else if (text_equal(outcome, "done"))
		attempt_go_on(e, by);
	else
		seats_say(e, text_equal(outcome, "failed") ? "bad" : "warn", "%s %s: %s", step, outcome,
			  text);
}

static void start_prove(struct engine *e)
{
	struct act_now *act = &e->act;
	act->phase = ACT_PROVE;
	step_state(e, act->step, "proving", "");
	struct err err = {0};
	if (spawn(e, "prove", on_prove, act->plan_text, "", -1, &err) < 0)
		ended(e, "unknown", err.text, NULL);
}

static void on_run(struct child *child)
{
	struct engine *e = child->e;
	struct act_now *act = &e->act;
	if (e->parked && e->parked->child == child)
		act = e->parked;
	if (act->child != child)
		return;
	act->child = NULL;
	act->records = child->records;
	act->run_end = child->end;
	child->end = NULL;
	if (!act->run_end)
		text_copyf(act->words, sizeof act->words, "its process ended without a word (%s %d)",
			   child->term_signal ? "signal" : "status",
			   child->term_signal ? child->term_signal : child->exit_status);
	if (act == &e->act)
		run_over(e);
}

/* Its process is gone; what it did is told by its last word, its records and a fresh look. */
static void run_over(struct engine *e)
{
	struct act_now *act = &e->act;
	bool ok = json_bool(act->run_end, "ok", false);
	char text[700];
	text_copy(text, sizeof text, act->run_end ? json_str(act->run_end, "text", "") : act->words);
	if (text_equal(act->verb, "undo"))
		ended(e, ok ? "undone" : "unknown", ok ? "taken back" : text, NULL);
	else if (!ok && json_bool(act->run_end, "cancelled", false))
		ended(e, "cancelled", *text ? text : "stopped by a person", NULL);
	else if (!ok && act->run_end && act->records == 0)
		ended(e, "failed", text, NULL); /* nothing was recorded, so nothing was begun */
	else
		start_prove(e);
}

static void on_prove(struct child *child)
{
	struct engine *e = child->e;
	struct act_now *act = &e->act;
	if (act->child != child)
		return;
	act->child = NULL;
	enum verdict v = child->end ? verdict_of(json_str(child->end, "verdict", "")) : VERDICT_UNKNOWN;
	bool ran_ok = !act->run_end || json_bool(act->run_end, "ok", false);
	const char *ran = ran_ok ? "" : json_str(act->run_end, "text", "");
	const char *looked = child->end ? json_str(child->end, "text", "") : "the proof ended without a word";
	const struct json *seen = json_get(child->end, "seen");
	for (const struct json *x = json_first(seen); x && !*looked; x = json_next(x))
		if (verdict_of(json_str(x, "verdict", "")) == v && v != VERDICT_PASS)
			looked = json_str(x, "text", "");
	char text[700];
	text_copyf(text, sizeof text, "%s%s%s", ran, *ran && *looked ? "; " : "", looked);
	ended(e,
	      v == VERDICT_PASS || v == VERDICT_WARN ? "done"
	      : v == VERDICT_FAIL                    ? "failed"
						     : "unknown",
	      text, seen);
}

void attempt_gate_passed(struct engine *e, const char *by, const char *how)
{
	struct act_now *act = &e->act;
	struct jw w;
	jw_event(&w, "gate.passed");
	jw_str(&w, "gate", act->gate_id);
	jw_str(&w, "step", act->step);
	jw_str(&w, "by", by);
	jw_str(&w, "how", how);
	if (act->level == GATE_POLL)
		poll_tell(e, &w);
	jw_str(&w, "tag", act->tag);
	jw_raw(&w, "seen", buf_text(&act->seen), act->seen.len);
	struct err err = {0};
	text_copy(act->by, sizeof act->by, by);
	if (engine_emit(e, &w, &err) < 0)
		return; /* the gate stays open; the sentence is on every seat */
	journal_anchor(e->journal, NULL);
	if (act->child) {
		/* a refresh was under way: what was confirmed is what was shown */
		act->child = NULL;
		act->refreshing = false;
	}
	if (text_equal(act->verb, "skip")) {
		char step[48], words[200];
		text_copy(step, sizeof step, act->step);
		text_copy(words, sizeof words, act->words);
		act_reset(e);
		skipped(e, step, words, by);
		return;
	}
	if (act->row) {
		start_run(e);
		return;
	}
	act_reset(e);
	jw_event(&w, "night.turned");
	jw_str(&w, "by", by);
	jw_str(&w, "why", "the way back was taken");
	engine_emit(e, &w, NULL);
}

void attempt_leave_gate(struct engine *e, const char *by, const char *why)
{
	if (e->act.phase != ACT_GATE)
		return;
	close_gate(e, by, why);
	act_reset(e);
}

void attempt_cancel(struct engine *e, const char *by)
{
	struct act_now *act = &e->act;
	if (act->phase == ACT_GATE) {
		attempt_leave_gate(e, by, "nothing happened: the gate was left");
	} else if (act->phase == ACT_RUN && act->child && act->row->cancel == CANCEL_NEVER) {
		seats_say(e, "warn",
			  "%s cannot be stopped half-way; it ends by itself, and U or B take it back",
			  act->step);
	} else if (act->phase == ACT_PROVE || act->phase == ACT_FOUND) {
		seats_say(e, "info", "%s has run and is only looked at now; there is nothing to cancel",
			  act->step);
	} else if (act->phase == ACT_RUN && act->child) {
		act->cancelled = true;
		child_cancel(act->child);
		seats_say(e, "warn", "%s is asked to stop at its next safe point (by %s)", act->step, by);
	} else if (act->phase == ACT_PLAN || act->phase == ACT_CHECKS) {
		if (act->child)
			child_cancel(act->child);
		give_up(e, "waiting", "left before it began; nothing happened");
	}
}

/* One press of R runs on through ungated steps to the next gate. */
void attempt_go_on(struct engine *e, const char *by)
{
	if (e->headless || !e->auto_run || e->act.phase != ACT_IDLE || e->state->people.hold)
		return;
	const struct step_seen *next = steps_next(e->state);
	const struct step *row = next ? step_row(next->kind) : NULL;
	const struct json *book = next ? playbook_step(e, next->id) : NULL;
	if (!row || next->manual || next->state != STEP_WAITING || row->gate != GATE_NONE ||
	    gate_of(json_str(book, "gate", "")) != GATE_NONE || !json_bool(book, "auto", true))
		return;
	struct err err = {0};
	if (attempt_begin(e, next->id, "run", by, &err) < 0)
		seats_say(e, "warn", "%s", err.text);
}

/* ---- after a restart ---- */

struct spool_reader {
	struct engine *e;
	const char *attempt, *step;
	int64_t newest; /* highest record number the journal has */
	struct json *end;
};

static int64_t newest_record(const struct engine *e, const char *attempt)
{
	int64_t newest = 0;
	for (size_t i = 0; i < e->n_log; i++) {
		if (!strstr(e->log[i]->text, "\"rec\":"))
			continue;
		struct json *j = json_parse(e->log[i]->text, e->log[i]->len - 1, NULL);
		if (text_equal(json_str(j, "attempt", ""), attempt) && json_int(j, "rec", 0) > newest)
			newest = json_int(j, "rec", 0);
		json_free(j);
	}
	return newest;
}

/* What the step wrote down for itself and the dead engine did not live to journal. */
static void take_spool(struct spool_reader *r)
{
	char path[512];
	text_copyf(path, sizeof path, "%s/attempts/%s.jsonl", r->e->dir, r->attempt);
	FILE *f = fopen(path, "re");
	if (!f)
		return;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	while ((n = getline(&line, &cap, f)) > 0) {
		struct json *m = line[n - 1] == '\n' ? json_parse(line, (size_t)n - 1, NULL) : NULL;
		if (text_equal(json_str(m, "t", ""), "end")) {
			json_free(r->end);
			r->end = m;
			continue;
		}
		if (json_int(m, "n", 0) > r->newest) {
			struct jw w = {0};
			jw_open(&w);
			for (const struct json *x = json_first(json_get(m, "ev")); x; x = json_next(x))
				if (!text_equal(json_key(x), "t"))
					jw_json(&w, json_key(x), x);
			jw_str(&w, "step", r->step);
			jw_str(&w, "attempt", r->attempt);
			jw_int(&w, "rec", json_int(m, "n", 0));
			const char *text = jw_finish(&w);
			engine_admit(r->e, "engine", text, strlen(text), NULL);
			jw_done(&w);
		}
		json_free(m);
	}
	free(line);
	fclose(f);
}

static void found(struct engine *e, const char *attempt, const char *step, const char *probe,
		  const char *text)
{
	struct jw w;
	jw_event(&w, "attempt.found");
	jw_str(&w, "attempt", attempt);
	jw_str(&w, "step", step);
	jw_str(&w, "probe", probe);
	jw_str(&w, "text", text);
	engine_emit(e, &w, NULL);
}

static int begin_probe(struct engine *e, const struct step_seen *step, const char *by, struct err *err)
{
	act_reset(e);
	struct act_now *act = &e->act;
	act->row = step_row(step->kind);
	if (!act->row)
		return err_set(err, ERR_CONFIG, "this build has no step kind \"%s\"", step->kind);
	text_copy(act->step, sizeof act->step, step->id);
	text_copy(act->verb, sizeof act->verb, "run");
	text_copy(act->by, sizeof act->by, by);
	text_copy(act->attempt, sizeof act->attempt, step->attempt);
	act->phase = ACT_FOUND;
	if (spawn(e, "probe", on_probe, NULL, "", -1, err) < 0) {
		act_reset(e);
		return -1;
	}
	return 0;
}

static int by_hand(struct engine *e, const char *step, const char *by, const char *words,
		   const struct json *fields)
{
	struct jw w;
	jw_event(&w, "step.byhand");
	jw_str(&w, "step", step);
	jw_str(&w, "by", by);
	jw_str(&w, "words", words);
	if (fields)
		jw_json(&w, "fields", fields);
	return engine_emit(e, &w, NULL);
}

/* A person says it is done; only a look that says NOT_DONE or RUNNING is believed more. */
static void by_hand_probed(struct engine *e, const char *done)
{
	struct act_now *act = &e->act;
	char by[32];
	text_copy(by, sizeof by, act->by);
	int rc = -1;
	if (text_equal(done, "NOT_DONE") || text_equal(done, "RUNNING"))
		seats_say(
		    e, "bad",
		    "%s was just looked at and %s, so it cannot be ticked by hand. R runs it, S skips it",
		    act->step, text_equal(done, "RUNNING") ? "something of it still runs" : "is not done");
	else
		rc = by_hand(e, act->step, act->by, act->words, act->plan);
	act_reset(e);
	if (rc == 0)
		attempt_go_on(e, by);
}

int attempt_by_hand(struct engine *e, const char *id, const char *by, const char *words,
		    const struct json *fields, struct err *err)
{
	const struct step_seen *step = steps_get(e->state, id);
	if (!step || step_state_finished(step->state) || step->state == STEP_RUNNING ||
	    step->state == STEP_PROVING ||
	    (!step->manual && step->state != STEP_UNKNOWN && step->state != STEP_FAILED))
		return err_set(
		    err, ERR_REFUSED,
		    "M is for cards done by people, and for a step that failed or is UNKNOWN and was done by "
		    "hand");
	if (!*words)
		return err_set(err, ERR_REFUSED,
			       "say in words what was done and seen; it stands in the report");
	/* What was never begun leaves nothing to probe. */
	if (step->manual || !step->attempts || !step_row(step->kind)) {
		if (by_hand(e, id, by, words, fields) == 0)
			attempt_go_on(e, by);
		return 0;
	}
	if (e->act.phase != ACT_IDLE)
		return err_set(err, ERR_REFUSED, "%s is under way; one step at a time", e->act.step);
	if (begin_probe(e, step, by, err) < 0)
		return -1;
	text_copy(e->act.verb, sizeof e->act.verb, "byhand");
	text_copy(e->act.words, sizeof e->act.words, words);
	char *copy = json_print(fields);
	e->act.plan = fields ? json_parse(copy, strlen(copy), NULL) : NULL;
	free(copy);
	return 0;
}

static void on_probe(struct child *child)
{
	struct engine *e = child->e;
	struct act_now *act = &e->act;
	if (act->child != child)
		return;
	act->child = NULL;
	const char *done = child->end ? json_str(child->end, "done", "UNCLEAR") : "UNCLEAR";
	if (text_equal(act->verb, "byhand")) {
		by_hand_probed(e, done);
		return;
	}
	char text[400];
	if (text_equal(done, "NOT_DONE")) {
		text_copyf(text, sizeof text,
			   "an engine stopped in it; it was looked at: not done. R runs it again");
		found(e, act->attempt, act->step, done, text);
		ended(e, "failed", text, NULL);
		return;
	}
	if (text_equal(done, "DONE")) {
		found(e, act->attempt, act->step, done,
		      "an engine stopped in it; it looks done, its proof is being looked for");
		start_prove(e);
		return;
	}
	const char *why = json_str(child->end, "text", "");
	text_copyf(
	    text, sizeof text,
	    "an engine stopped in it and %s. p looks again, R runs it again, M: done by hand, B: way back",
	    text_equal(done, "RUNNING") ? "something of it still runs"
	    : *why                      ? why
					: "what it did is unclear");
	found(e, act->attempt, act->step, text_equal(done, "RUNNING") ? "UNCLEAR" : done, text);
	act_reset(e);
}

int attempt_probe_again(struct engine *e, const char *id, const char *by, struct err *err)
{
	const struct step_seen *step = steps_get(e->state, id);
	if (!step || step->state != STEP_UNKNOWN || e->act.phase != ACT_IDLE)
		return err_set(err, ERR_REFUSED,
			       "only a step that is UNKNOWN is looked at again, and only while nothing runs");
	return begin_probe(e, step, by, err);
}

/* Called at the start and then each tick while an older attempt is alive. */
int attempt_resume(struct engine *e, struct err *err)
{
	const struct step_seen *step = NULL;
	const struct gate_seen *gate = &e->state->steps.gate;
	if (gate->open && e->act.phase == ACT_IDLE) {
		struct jw w;
		jw_event(&w, "gate.closed");
		jw_str(&w, "gate", gate->id);
		jw_str(&w, "step", gate->step);
		jw_str(&w, "by", "nightferry");
		jw_str(&w, "why", "the engine was started again; nothing happened, open the gate anew");
		engine_emit(e, &w, NULL);
	}
	for (size_t i = 0; i < e->state->steps.n && !step; i++) {
		enum step_state s = e->state->steps.steps[i].state;
		if (s == STEP_RUNNING || s == STEP_PROVING || s == STEP_GATE || s == STEP_PLANNING)
			step = &e->state->steps.steps[i];
	}
	if (!step)
		return 0;
	if (step->state == STEP_GATE || step->state == STEP_PLANNING) {
		step_state(e, step->id, "waiting",
			   "the engine was started again before it began; nothing happened");
		return 0;
	}
	char id[48], attempt[16], path[512];
	text_copy(id, sizeof id, step->id);
	text_copy(attempt, sizeof attempt, step->attempt);
	text_copyf(path, sizeof path, "%s/attempts/%s.lock", e->dir, attempt);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		if (!e->attempt_alive)
			found(e, attempt, id, "RUNNING",
			      "started by the engine before this one and still running; it ends by itself or "
			      "at its next safe point");
		e->attempt_alive = true;
		return 0;
	}
	if (fd >= 0)
		close(fd);
	e->attempt_alive = false;
	struct spool_reader r = {.e = e, .attempt = attempt, .step = id, .newest = newest_record(e, attempt)};
	take_spool(&r);
	json_free(r.end);
	return begin_probe(e, steps_get(e->state, id), "nightferry", err);
}
