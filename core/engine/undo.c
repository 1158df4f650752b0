/* Taking one step back: a look at whether it still holds, a gate with that look in it, the step's own undo,
 * and another look, which alone says that it was taken back. */
#include "core/engine/inner.h"

static void on_looked(struct child *child);
static void on_undone(struct child *child);

/* Only looks and papers have neither a gate nor an undo; everything else stands on what came before it. */
static bool changes_world(const struct step_seen *step)
{
	const struct step *row = step_row(step->kind);
	return row && !row->alone && (row->gate != GATE_NONE || row->undo) && step->attempts > 0 &&
	       (step_state_finished(step->state) || step->state == STEP_FAILED ||
		step->state == STEP_UNKNOWN || step->state == STEP_CANCELLED) &&
	       step->state != STEP_SKIPPED;
}

/* What stands on it is taken back first, the newest first, as a stack is. */
static const struct step_seen *stands_on(const struct engine *e, const struct step_seen *step)
{
	const struct steps_state *s = &e->state->steps;
	const struct step *row = step_row(step->kind);
	if (row && row->alone)
		return NULL;
	size_t i = (size_t)(step - s->steps), end = i < s->n_forward ? s->n_forward : s->n;
	for (size_t k = end; k-- > i + 1;)
		if (changes_world(&s->steps[k]))
			return &s->steps[k];
	return NULL;
}

int undo_may_begin(const struct engine *e, const struct step_seen *step, struct err *err)
{
	const struct steps_state *s = &e->state->steps;
	const struct step_seen *later = stands_on(e, step);
	struct way_back back;
	if (step->state == STEP_WAITING || !step->attempts)
		return err_set(err, ERR_REFUSED, "%s has not run, so there is nothing to take back",
			       step->id);
	if (step->state == STEP_UNDONE)
		return err_set(err, ERR_REFUSED, "%s has been taken back already; R runs it again", step->id);
	if (s->turned && (size_t)(step - s->steps) < s->n_forward)
		return err_set(err, ERR_REFUSED, "the way back is being taken; its own steps take %s back",
			       step->id);
	if (later)
		return err_set(
		    err, ERR_REFUSED,
		    "%d %s came after %s and stands on it: take that back first (U in its card), or B "
		    "is the way back of the whole night",
		    later->number, later->id, step->id);
	way_back_of(e->state, clock_wall_ms(), &back);
	if (text_equal(step->kind, "dns-point") && !s->turned && back.started && back.back != BACK_FREE)
		return err_set(
		    err, ERR_REFUSED,
		    "going back %s (%s): B is the way back, it brings those rows into a file before "
		    "traffic moves",
		    way_back_word(back.back), back.why);
	return 0;
}

static int look(struct engine *e, child_ended_fn *ended, struct err *err)
{
	return act_spawn(e, "probe", ended, e->act.plan_text, "", -1, err);
}

/* The least is what its kind says; what was typed on the way there is typed on the way back. */
static enum gate level_of(const struct engine *e, const struct step_seen *step)
{
	enum gate level = e->act.row->undo_gate > GATE_YES ? e->act.row->undo_gate : GATE_YES;
	enum gate own = e->act.row->gate, was = (enum gate)step->plan.gate;
	level = own > level ? own : level;
	was = was > GATE_TYPE ? GATE_TYPE : was;
	return was > level ? was : level;
}

int undo_begin(struct engine *e, const struct step_seen *step, struct err *err)
{
	struct act_now *act = &e->act;
	if (!act->row->undo) {
		act_reset(e);
		return err_set(err, ERR_REFUSED,
			       "%s has no way back of its own; B is the way back of the whole night",
			       step->id);
	}
	act->level = level_of(e, step);
	text_copy(act->attempt, sizeof act->attempt, step->attempt);
	act->phase = ACT_CHECKS;
	if (look(e, on_looked, err) == 0)
		return 0;
	act_reset(e);
	return -1;
}

/* Whether the step still holds is what there is to see before it is taken back. */
static void write_seen(struct jw *w, const struct step_seen *step, const char *done, const char *said)
{
	const char *verdict = "UNKNOWN", *text = *said ? said : "whether it still holds could not be seen";
	if (text_equal(done, "DONE")) {
		verdict = "PASS";
		text = "looked at just now: it holds, as this step left it";
	} else if (text_equal(done, "NOT_DONE")) {
		verdict = "WARN";
		text =
		    "looked at just now: it no longer holds, somebody else has taken it back or changed it";
	}
	jw_arr(w, "seen");
	jw_obj(w, NULL);
	jw_str(w, "verdict", verdict);
	jw_str(w, "name", "holds");
	jw_strf(w, "text", "%s: %s", step->id, text);
	jw_str(w, "fact", done);
	jw_end(w);
	jw_end(w);
}

static void make_plan(struct engine *e, const struct step_seen *step, const char *done, const char *said)
{
	struct act_now *act = &e->act;
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
	jw_str(&w, "back", "R runs the step again");
	write_seen(&w, step, done, said);
	const char *text = jw_finish(&w);
	json_free(act->plan);
	free(act->plan_text);
	act->plan_text = xstrdup(text);
	act->plan = json_parse(text, strlen(text), NULL);
	jw_done(&w);
}

static void on_looked(struct child *child)
{
	struct engine *e = child->e;
	struct act_now *act = &e->act;
	if (act->child != child)
		return;
	act->child = NULL;
	const struct step_seen *step = steps_get(e->state, act->step);
	if (!step) {
		act_reset(e);
		return;
	}
	act->looked_wall_ms = clock_wall_ms();
	act->looked_life_ms = clock_life_ms();
	make_plan(e, step, json_str(child->end, "done", "UNCLEAR"), json_str(child->end, "text", ""));
	if (act->refreshing) {
		act->refreshing = false;
		e->probed_life_ms = clock_life_ms();
		gate_refresh(e);
		return;
	}
	gate_open(e, NULL);
}

void undo_refresh(struct engine *e)
{
	e->act.refreshing = look(e, on_looked, NULL) == 0;
}

void undo_prove(struct engine *e, bool ran_ok, const char *text)
{
	struct act_now *act = &e->act;
	struct err err = {0};
	act->phase = ACT_PROVE;
	text_copy(act->words, sizeof act->words, ran_ok ? "" : text);
	act_state(e, act->step, "proving", "");
	if (look(e, on_undone, &err) < 0)
		act_end(e, "unknown", err.text, NULL);
}

void undo_found(struct engine *e, const char *done, const char *said)
{
	const char *words = e->act.words;
	/* Half of it taken back is no longer the whole, either: only an undo that ended well is one. After a
	 * restart nobody knows how it ended. */
	bool ended = json_bool(e->act.run_end, "ok", false);
	bool gone = text_equal(done, "NOT_DONE"), back = gone && ended, still = text_equal(done, "DONE");
	char text[600];
	text_copyf(
	    text, sizeof text, "%s%s%s", words, *words ? "; " : "",
	    back   ? "taken back: looked at, it no longer holds"
	    : gone ? "looked at: it no longer holds as a whole, but its undo did not end well, so a part may "
		     "stand. "
		     "U tries again, B is the way back"
	    : still
		? "looked at: it holds as before, so it was not taken back. U tries again, B is the way back"
	    : *said ? said
		    : "whether it was taken back could not be seen. p looks again, U tries again");
	act_end(e, back ? "undone" : "unknown", text, NULL);
}

static void on_undone(struct child *child)
{
	struct engine *e = child->e;
	if (e->act.child != child)
		return;
	e->act.child = NULL;
	undo_found(e, json_str(child->end, "done", "UNCLEAR"), json_str(child->end, "text", ""));
}
