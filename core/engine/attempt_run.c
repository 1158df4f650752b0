/* The approved plan is run and then proved. What must last is recorded before it acts; an exit status is no
 * evidence, only prove() is. */
#include "core/engine/inner.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

static void on_run(struct child *child);
static void on_prove(struct child *child);

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

/* What was done after it stood on what it was, and comes again, too. */
static void come_again(struct engine *e)
{
	char id[48], later[48], text[120];
	size_t first = (size_t)(steps_get(e->state, e->act.step)->number), end = e->act.again_to;
	text_copy(id, sizeof id, e->act.step);
	text_copyf(text, sizeof text, "%s is run again, so this comes again", id);
	for (size_t i = first; i < end; i++) {
		const struct step_seen *x = &e->state->steps.steps[i];
		text_copy(later, sizeof later, x->id);
		if (x->state == STEP_DONE || i + 1 == end)
			act_state(e, later, "waiting", text);
	}
}

void act_run(struct engine *e)
{
	struct act_now *act = &e->act;
	if (e->state->people.hold) {
		char why[80];
		text_copyf(why, sizeof why, "HOLD by %s: it was not started", e->state->people.hold_by);
		act_give_up(e, "waiting", why);
		return;
	}
	/* First, so that an engine that dies here leaves too much to do rather than too little. */
	if (act->again_to)
		come_again(e);
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
		act_give_up(e, "waiting", err.text);
		return;
	}
	act->again_to = 0;
	act->phase = ACT_RUN;
	act->run_life_ms = clock_life_ms();
	char spool[512];
	text_copyf(spool, sizeof spool, "%s/attempts/%s.jsonl", e->dir, act->attempt);
	int fd = lock_attempt(e, act->attempt, &err);
	if (fd < 0 || act_spawn(e, act->verb, on_run, act->plan_text, spool, fd, &err) < 0)
		act_give_up(e, "failed", err.text);
}

/* Tried again as soon as the disk may take it: what was done must not look as if it still ran. It says when
 * it ended, for that is not when it is written. */
static void tell_end(struct engine *e, struct jw *w)
{
	struct buf fields = {0};
	event_fields(w, &fields);
	jw_done(w);
	if (engine_admit(e, "engine", fields.data, fields.len, NULL) < 0) {
		buf_done(&e->owed);
		buf_add(&e->owed, fields.data, fields.len - 1);
		buf_addf(&e->owed, ",\"ended_at_ms\":%lld}", (long long)clock_wall_ms());
	}
	buf_done(&fields);
}

void act_tell_owed(struct engine *e)
{
	if (!e->owed.len || clock_life_ms() < e->retry_life_ms ||
	    engine_admit(e, "engine", e->owed.data, e->owed.len, NULL) < 0)
		return;
	buf_done(&e->owed);
	seats_say(e, "info", "the journal can be written again; how the step ended is in it now");
}

void act_end(struct engine *e, const char *outcome, const char *text, const struct json *seen)
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
	tell_end(e, &w);
	rehearsal_took(e, text_equal(outcome, "done"));
	act_reset(e);
	if (aside)
		seats_say(e, text_equal(outcome, "done") ? "info" : "warn", "%s %s: %s", step, outcome, text);
	else if (text_equal(outcome, "done"))
		attempt_go_on(e, by);
	else
		seats_say(e, text_equal(outcome, "failed") ? "bad" : "warn", "%s %s: %s", step, outcome,
			  text);
}

void act_prove(struct engine *e)
{
	struct act_now *act = &e->act;
	act->phase = ACT_PROVE;
	act_state(e, act->step, "proving", "");
	struct err err = {0};
	if (act_spawn(e, "prove", on_prove, act->plan_text, "", -1, &err) < 0)
		act_end(e, "unknown", err.text, NULL);
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
		act_run_over(e);
}

/* Its process is gone; what it did is told by its last word, its records and a fresh look. */
void act_run_over(struct engine *e)
{
	struct act_now *act = &e->act;
	bool ok = json_bool(act->run_end, "ok", false);
	char text[700];
	text_copy(text, sizeof text, act->run_end ? json_str(act->run_end, "text", "") : act->words);
	if (text_equal(act->verb, "undo"))
		undo_prove(e, ok, text);
	else if (!ok && json_bool(act->run_end, "cancelled", false))
		act_end(e, "cancelled", *text ? text : "stopped by a person", NULL);
	else if (!ok && act->run_end && act->records == 0)
		act_end(e, "failed", text, NULL); /* nothing was recorded, so nothing was begun */
	else
		act_prove(e);
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
	/* A process that vanished has left no last word, only how it ended. */
	const char *ran = !act->run_end ? act->words : ran_ok ? "" : json_str(act->run_end, "text", "");
	const char *looked = child_last_word(child, "the proof ended without a word");
	const struct json *seen = json_get(child->end, "seen");
	if ((v == VERDICT_FAIL || v == VERDICT_UNKNOWN) && !*looked && act->row &&
	    text_equal(act->row->name, "preflight"))
		v = waived_verdict(e, seen);
	for (const struct json *x = json_first(seen); x && !*looked; x = json_next(x))
		if (verdict_of(json_str(x, "verdict", "")) == v && v != VERDICT_PASS)
			looked = json_str(x, "text", "");
	char text[700];
	text_copyf(text, sizeof text, "%s%s%s", ran, *ran && *looked ? "; " : "", looked);
	act_end(e,
		v == VERDICT_PASS || v == VERDICT_WARN ? "done"
		: v == VERDICT_FAIL                    ? "failed"
						       : "unknown",
		text, seen);
}
