/* One step from plan to proof: plan -> checks -> gate -> run -> prove. At most one is under way. */
#include "core/engine/inner.h"

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
		act_run_over(e);
}

void act_reset(struct engine *e)
{
	struct act_now *act = &e->act;
	json_free(act->plan);
	json_free(act->run_end);
	free(act->plan_text);
	json_free(act->next_plan);
	free(act->next_plan_text);
	buf_done(&act->seen);
	buf_done(&act->check_lines);
	json_free(act->own_params);
	memset(act, 0, sizeof *act);
	act_unpark(e);
}

void act_state(struct engine *e, const char *step, const char *state, const char *text)
{
	struct jw w;
	jw_event(&w, "step.state");
	jw_str(&w, "step", step);
	jw_str(&w, "state", state);
	jw_str(&w, "text", text);
	engine_emit(e, &w, NULL);
}

/* Back to where it stood, with the reason on every screen. */
void act_give_up(struct engine *e, const char *state, const char *why)
{
	char step[48], text[700];
	/* What was done stays done when nobody has begun to take it back. */
	bool undo = text_equal(e->act.verb, "undo"), again = e->act.again_to;
	text_copy(step, sizeof step, e->act.step);
	text_copy(text, sizeof text, why); /* it may live in the plan that goes now */
	act_reset(e);
	if (!undo)
		act_state(e, step, again ? "done" : state, text);
	seats_say(e, text_equal(state, "failed") ? "bad" : "warn", "%s: %s", step, text);
}

enum { SECRETS_MOST = 32 };

/* Those of its row, and those that the playbook names for a program of its own. */
static void step_secrets(const struct step *row, const struct json *with, const char *names[SECRETS_MOST + 1])
{
	size_t n = 0;
	for (size_t i = 0; row->secrets && row->secrets[i] && n < SECRETS_MOST; i++)
		names[n++] = row->secrets[i];
	for (const struct json *x = json_first(json_get(with, "secrets")); x && n < SECRETS_MOST;
	     x = json_next(x))
		if (json_text(x))
			names[n++] = json_text(x);
}

int act_spawn(struct engine *e, const char *verb, child_ended_fn *ended, const char *plan, const char *spool,
	      int lock_fd, struct err *err)
{
	struct act_now *act = &e->act;
	const struct json *with =
	    act->own_params ? act->own_params : json_get(playbook_step(e, act->step), "with");
	const char *secrets[SECRETS_MOST + 1] = {0};
	step_secrets(act->row, with, secrets);
	struct child_spec spec = {
	    .role = "step",
	    .name = act->row->name,
	    .verb = verb,
	    .step = act->step,
	    .attempt = act->attempt,
	    .params = with,
	    .plan_text = plan,
	    .secrets = secrets,
	    .spool = spool,
	    .lock_fd = lock_fd,
	    .whole_environment = act->row->whole_environment,
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

int night_is_open(const struct engine *e, struct err *err)
{
	if (e->stopping || e->state->closed_at_ms)
		return err_set(err, ERR_REFUSED, "this night is closed; nothing starts in it any more");
	return 0;
}

int nothing_owed(const struct engine *e, struct err *err)
{
	if (!e->owed.len)
		return 0;
	return err_set(
	    err, ERR_IO,
	    "how the step before ended is not in the journal yet, so nothing starts; make room on its "
	    "disk, and it goes on by itself: %s",
	    e->dir);
}

int act_may_start(const struct engine *e, struct err *err)
{
	if (night_is_open(e, err) < 0)
		return -1;
	if (e->state->people.hold)
		return err_set(err, ERR_REFUSED, "HOLD by %s: nothing starts until it is released",
			       e->state->people.hold_by);
	if (journal_tight(e->journal))
		return err_set(err, ERR_IO,
			       "the disk under the journal is full, so nothing starts; make room in %s",
			       e->dir);
	if (nothing_owed(e, err) < 0)
		return -1;
	if (e->attempt_alive)
		return err_set(
		    err, ERR_REFUSED,
		    "an attempt of the engine before this one still runs; nothing is started beside it");
	return 0;
}

/* What failed may send back to a step that is done ("run wipe-target, prepare-target, restore"): it may come
 * again, by its own plan and gate, as long as no traffic stands on it. */
static bool may_come_again(const struct engine *e, const struct step_seen *step)
{
	const struct step_seen *next = steps_next(e->state);
	bool tried = next && (next->state == STEP_FAILED || next->state == STEP_UNKNOWN ||
			      next->state == STEP_CANCELLED);
	return tried && step->state == STEP_DONE && !step->manual && step < next && !e->state->flip_at_ms &&
	       !e->state->steps.turned;
}

static int may_begin(struct engine *e, const struct step_seen *step, const char *id, const char *verb,
		     struct err *err)
{
	char why[200];
	if (!step)
		return err_set(err, ERR_USAGE, "the playbook has no step \"%s\"", id);
	if (act_may_start(e, err) < 0)
		return -1;
	if (e->act.phase != ACT_IDLE)
		return err_set(err, ERR_REFUSED, "%s is under way; one step at a time", e->act.step);
	if (text_equal(verb, "undo"))
		return undo_may_begin(e, step, err);
	if (step_state_finished(step->state) && !may_come_again(e, step))
		return err_set(err, ERR_REFUSED, "%s is done already; nothing is done twice", id);
	if (order_problem(e, step, why))
		return err_set(err, ERR_REFUSED, "%s: %s", id, why);
	return 0;
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
	if (rehearsal_may(e, row, id, err) < 0)
		return -1;
	const struct step_seen *failed = step_state_finished(step->state) ? steps_next(e->state) : NULL;
	act_reset(e);
	struct act_now *act = &e->act;
	act->row = row;
	act->again_to = failed && text_equal(verb, "run") ? (size_t)failed->number : 0;
	text_copy(act->step, sizeof act->step, id);
	text_copy(act->verb, sizeof act->verb, verb);
	text_copy(act->by, sizeof act->by, by);
	if (text_equal(verb, "undo"))
		return undo_begin(e, step, err);
	act->phase = ACT_PLAN;
	act->began_life_ms = clock_life_ms();
	act_state(e, id, "planning", "");
	if (act_plan(e, err) < 0) {
		act_give_up(e, "waiting", err->text);
		return -1;
	}
	return 0;
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
	act->gate_ms = clock_life_ms() - act->gate_life_ms;
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
		act_skipped(e, step, words, by);
		return;
	}
	if (act->row) {
		act_run(e);
		return;
	}
	act_reset(e);
	jw_event(&w, "night.turned");
	jw_str(&w, "by", by);
	jw_str(&w, "why", "the way back was taken");
	engine_emit(e, &w, NULL);
	/* What only waited on the way forward has nothing to wait for any more. */
	if (e->act.phase == ACT_RUN)
		attempt_cancel(e, by);
}

void act_close_gate(struct engine *e, const char *by, const char *why)
{
	struct jw w;
	jw_event(&w, "gate.closed");
	jw_str(&w, "gate", e->act.gate_id);
	jw_str(&w, "step", e->act.step);
	jw_str(&w, "by", by);
	jw_str(&w, "why", why);
	engine_emit(e, &w, NULL);
}

void attempt_leave_gate(struct engine *e, const char *by, const char *why)
{
	char step[48];
	bool again = e->act.again_to;
	if (e->act.phase != ACT_GATE)
		return;
	text_copy(step, sizeof step, e->act.step);
	act_close_gate(e, by, why);
	act_reset(e);
	if (again)
		act_state(e, step, "done", "it was not run again, and stands as it was");
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
	} else if ((act->phase == ACT_PROVE || act->phase == ACT_FOUND) && act->child) {
		char why[120];
		text_copyf(why, sizeof why, "the look at it was ended by %s", by);
		child_kill(act->child, why);
		seats_say(e, "warn",
			  "%s has run; the look at it is ended, and what it did is UNKNOWN until the next",
			  act->step);
	} else if (act->phase == ACT_RUN && act->child) {
		act->cancelled = true;
		child_cancel(act->child);
		seats_say(e, "warn", "%s is asked to stop at its next safe point (by %s)", act->step, by);
	} else if (act->phase == ACT_PLAN || act->phase == ACT_CHECKS) {
		if (act->child)
			child_cancel(act->child);
		act_give_up(e, "waiting", "left before it began; nothing happened");
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
