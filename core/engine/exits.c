/* The exits of a stop: to go on without a step, or with one that people did by hand; and what is done beside
 * the playbook. */
#include "core/engine/inner.h"

bool act_park(struct engine *e)
{
	struct act_now *act = &e->act;
	if (act->phase == ACT_IDLE)
		return true;
	if (act->phase != ACT_RUN || !act->child || act->row->gate != GATE_NONE || e->parked)
		return false;
	e->parked = xcalloc(1, sizeof *e->parked);
	*e->parked = *act;
	memset(act, 0, sizeof *act);
	return true;
}

/* A playbook's step is asked for by name; this is something beside it, such as ending one session. A step
 * that only waits goes on running meanwhile. */
int attempt_aside(struct engine *e, const char *kind, struct json *take_params, const char *by,
		  struct err *err)
{
	struct act_now *act = &e->act;
	const struct step *row = step_row(kind);
	int rc = act_may_start(e, err);
	if (rc == 0 && !row)
		rc = err_set(err, ERR_CONFIG, "this build has no step kind \"%s\"", kind);
	if (rc == 0)
		rc = rehearsal_may(e, row, kind, err);
	if (rc == 0 && !act_park(e))
		rc = err_set(err, ERR_REFUSED, "%s is under way; one step at a time", act->step);
	if (rc < 0) {
		json_free(take_params);
		return -1;
	}
	act->row = row;
	act->own_params = take_params;
	act->aside = true;
	text_copy(act->step, sizeof act->step, kind);
	text_copy(act->verb, sizeof act->verb, "run");
	text_copy(act->by, sizeof act->by, by);
	act->phase = ACT_PLAN;
	if (act_plan(e, err) < 0) {
		act_give_up(e, "waiting", err->text);
		return -1;
	}
	return 0;
}

/* Steps whose proof later gates show: to go without it is typed. */
static bool is_proof(const char *kind)
{
	static const char *const proofs[] = {"wait-quiet", "restore", "count-rows",
					     "compare",    "smoke",   "canaries"};
	for (size_t i = 0; i < sizeof proofs / sizeof *proofs; i++)
		if (text_equal(proofs[i], kind))
			return true;
	return false;
}

int act_skipped(struct engine *e, const char *id, const char *reason, const char *by)
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
	if (night_is_open(e, err) < 0)
		return -1;
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
		return act_skipped(e, id, reason, by);
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
	return gate_open(e, err);
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
void by_hand_probed(struct engine *e, const char *done)
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
	/* Nothing runs on by itself after what only a person has seen. */
	act_reset(e);
	if (rc == 0)
		seats_say(e, "info", "ticked by hand (%s); R runs the next step", by);
}

int attempt_by_hand(struct engine *e, const char *id, const char *by, const char *words,
		    const struct json *fields, struct err *err)
{
	const struct step_seen *step = steps_get(e->state, id);
	if (night_is_open(e, err) < 0)
		return -1;
	if (!step || step_state_finished(step->state) || step->state == STEP_RUNNING ||
	    step->state == STEP_PROVING ||
	    (!step->manual && step->state != STEP_UNKNOWN && step->state != STEP_FAILED))
		return err_set(
		    err, ERR_REFUSED,
		    "M is for cards done by people, and for a step that is UNKNOWN and was done by hand");
	/* A look that failed is no matter of opinion, and a step that is mended by now passes by itself. */
	if (!step->manual && step->state == STEP_FAILED)
		return err_set(
		    err, ERR_REFUSED,
		    "%s failed, so words do not tick it: mend it and R looks again, S goes on without it, "
		    "W waives a line, B is the way back",
		    id);
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
	if (act_probe(e, step, by, err) < 0)
		return -1;
	text_copy(e->act.verb, sizeof e->act.verb, "byhand");
	text_copy(e->act.words, sizeof e->act.words, words);
	char *copy = json_print(fields);
	e->act.plan = fields ? json_parse(copy, strlen(copy), NULL) : NULL;
	free(copy);
	return 0;
}
