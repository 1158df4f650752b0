/* Before a gate: the plan of the next attempt, the playbook's checks, and what the two ask for. */
#include "core/engine/inner.h"

static void on_plan(struct child *child);
static void on_check(struct child *child);

static void start_next_check(struct engine *e);

/* The highest of what the kind, the plan's evidence and the playbook ask for. */
static enum gate level_now(const struct engine *e)
{
	const struct act_now *act = &e->act;
	enum gate plan = gate_of(json_str(act->plan, "gate", "")),
		  book = gate_of(json_str(playbook_step(e, act->step), "gate", ""));
	enum gate level = act->row->gate;
	level = plan > level ? plan : level;
	level = book > level ? book : level;
	/* In front of a step without a gate a check could stop nothing. */
	if (level == GATE_NONE && e->act.checks_shut)
		level = GATE_YES;
	/* With two people at the desk, traffic is never moved forward by one alone. */
	if (level == GATE_TYPE && e->state->people.wanted >= 2 && !e->state->steps.turned &&
	    text_equal(act->row->name, "dns-point"))
		level = GATE_POLL;
	return level;
}

/* Only what is shown is approved: until its checks are in, a fresh plan waits beside the one on the screens.
 */
static void take_plan(struct act_now *act)
{
	json_free(act->plan);
	free(act->plan_text);
	act->plan = act->next_plan;
	act->plan_text = act->next_plan_text;
	act->next_plan = NULL;
	act->next_plan_text = NULL;
	act->look_failed[0] = '\0';
	act->looked_wall_ms = clock_wall_ms();
	act->looked_life_ms = clock_life_ms();
}

/* The open gate meets the evidence of now: it may close, ask for more, or show what moved; it never asks for
 * less. */
static void decide_again(struct engine *e)
{
	struct act_now *act = &e->act;
	act->refreshing = false;
	e->probed_life_ms = clock_life_ms();
	take_plan(act);
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
		act_close_gate(e, "nightferry",
			       "nothing happened: what is seen now asks for a stricter gate");
		act->level = level;
		gate_open(e, NULL);
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
		act_give_up(e, "failed", refused);
		return;
	}
	if (json_bool(act->plan, "nothing_to_do", false)) {
		act_prove(e);
		return;
	}
	act->level = level_now(e);
	if (act->level == GATE_NONE)
		act_run(e);
	else
		gate_open(e, NULL);
}

static void add_check(struct act_now *act, const char *verdict, const char *name, const char *text,
		      const char *fact)
{
	struct jw line = {0};
	act->checks_shut = act->checks_shut || (!text_equal(verdict, "PASS") && !text_equal(verdict, "WARN"));
	jw_open(&line);
	jw_str(&line, "verdict", verdict);
	jw_str(&line, "name", name);
	jw_str(&line, "text", text);
	jw_str(&line, "fact", fact);
	jw_finish(&line);
	if (act->check_lines.len)
		buf_addc(&act->check_lines, ',');
	buf_add(&act->check_lines, line.buf.data, line.buf.len);
	jw_done(&line);
}

/* Across machines the world is the lock: where a playbook takes Kamal's, it is read again before each step
 * that is typed and acts on the new side. Going back to the old side must not hang on a host that may be
 * dead. */
static bool wants_lock(const struct engine *e)
{
	const struct steps_state *steps = &e->state->steps;
	if (level_now(e) < GATE_TYPE || !text_equal(json_str(e->act.plan, "side", ""), "NEW"))
		return false;
	for (size_t i = 0; i < steps->n; i++)
		if (text_equal(steps->steps[i].kind, "kamal-lock"))
			return true;
	return false;
}

/* The playbook's checks of this step in their order, then the lock; NULL at the end. */
static const char *next_check(struct engine *e)
{
	size_t i = 0, at = e->act.check_next++;
	const struct json *checks = json_get(playbook_step(e, e->act.step), "checks");
	bool lock = wants_lock(e);
	for (const struct json *x = json_first(checks); x; x = json_next(x)) {
		lock = lock && !text_equal(json_text(x), "lock");
		if (i++ == at)
			return json_text(x) ? json_text(x) : "";
	}
	return lock && i == at ? "lock" : NULL;
}

static void start_next_check(struct engine *e)
{
	struct act_now *act = &e->act;
	const char *name = next_check(e);
	if (!name) {
		decide(e);
		return;
	}
	const struct check *row = check_row(name);
	struct err err = {0};
	struct child_spec spec = {.role = "check",
				  .name = row ? row->name : "",
				  .verb = "run",
				  .step = "",
				  .attempt = "",
				  .secrets = row ? row->secrets : NULL,
				  .lock_fd = -1,
				  .ended = on_check};
	if (row && (act->child = child_start(e, &spec, &err)))
		return;
	/* What cannot be looked at is UNKNOWN, never left out. */
	add_check(act, "UNKNOWN", name, row ? err.text : "this build has no such check", "");
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
	const char *text = child_last_word(child, "it ended without a word");
	const struct json *seen = json_get(child->end, "seen"), *first = *text ? NULL : json_first(seen);
	for (const struct json *x = json_first(seen); x; x = json_next(x))
		if (text_equal(json_str(x, "verdict", ""), verdict))
			first = x;
	add_check(act, verdict, child->name, first ? json_str(first, "text", "") : text,
		  json_str(first, "fact", ""));
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
		text_copy(
		    text, sizeof text,
		    child_last_word(child, "its plan ended without a word; nothing was changed, try again"));
		if (act->refreshing) {
			act->refreshing = false;
			e->probed_life_ms = clock_life_ms();
			/* A gate whose evidence nobody can see is shut. */
			text_copy(act->look_failed, sizeof act->look_failed, text);
			gate_refresh(e);
		} else {
			act_give_up(e, "failed", text);
		}
		return;
	}
	json_free(act->next_plan);
	free(act->next_plan_text);
	act->next_plan_text = json_print(json_get(child->end, "plan"));
	act->next_plan = json_parse(act->next_plan_text, strlen(act->next_plan_text), NULL);
	if (!act->refreshing)
		take_plan(act);
	buf_reset(&act->check_lines);
	act->check_next = 0;
	act->checks_shut = false;
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
	if (act->phase != ACT_GATE || act->refreshing || !act->row)
		return;
	if (text_equal(act->verb, "undo"))
		undo_refresh(e);
	if (!text_equal(act->verb, "run"))
		return;
	act->refreshing = true;
	if (act_plan(e, NULL) < 0)
		act->refreshing = false;
}

int act_plan(struct engine *e, struct err *err)
{
	return act_spawn(e, "plan", on_plan, NULL, "", -1, err);
}
