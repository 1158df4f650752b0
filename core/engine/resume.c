/* After a restart: what the engine before us left is looked at, never guessed. */
#include "core/engine/inner.h"
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

static void on_probe(struct child *child);

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

int act_probe(struct engine *e, const struct step_seen *step, const char *by, struct err *err)
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
	if (act_spawn(e, "probe", on_probe, NULL, "", -1, err) < 0) {
		act_reset(e);
		return -1;
	}
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
	const struct step_seen *step = steps_get(e->state, act->step);
	if (step && step->undoing) {
		found(e, act->attempt, act->step, done, "its undo was broken off; it was looked at");
		undo_found(e, done, json_str(child->end, "text", ""));
		return;
	}
	if (text_equal(done, "NOT_DONE")) {
		text_copyf(text, sizeof text,
			   "an engine stopped in it; it was looked at: not done. R runs it again");
		found(e, act->attempt, act->step, done, text);
		act_end(e, "failed", text, NULL);
		return;
	}
	if (text_equal(done, "DONE")) {
		found(e, act->attempt, act->step, done,
		      "an engine stopped in it; it looks done, its proof is being looked for");
		act_prove(e);
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
	e->headless_joins = text_equal(done, "RUNNING") && act->row && act->row->joins;
	act_reset(e);
}

int attempt_probe_again(struct engine *e, const char *id, const char *by, struct err *err)
{
	const struct step_seen *step = steps_get(e->state, id);
	if (!step || step->state != STEP_UNKNOWN || e->act.phase != ACT_IDLE)
		return err_set(err, ERR_REFUSED,
			       "only a step that is UNKNOWN is looked at again, and only while nothing runs");
	return act_probe(e, step, by, err);
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
		act_state(e, step->id, "waiting",
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
	return act_probe(e, steps_get(e->state, id), "nightferry", err);
}
