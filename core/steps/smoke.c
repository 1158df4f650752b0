/* smoke: the tests of nightferry.yml against one side, with the production names, whatever DNS says. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/steps/smoke_look.h"
#include "core/steps/smoke_sides.h"
#include <stdlib.h>

static int smoke_step_plan(struct job *job, struct plan *plan, struct err *err);
static int smoke_step_run(struct job *job, struct err *err);
static enum done smoke_step_probe(struct job *job, struct err *err);
static enum verdict smoke_step_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"side", "text", "new", "new, old, public, or all: the three beside each other"},
    {0},
};

const struct step smoke_step = {
    .name = "smoke",
    .help = "tries the app's paths on one side, or on all of them",
    .gate = GATE_NONE,
    .cancel = CANCEL_ANYTIME,
    .rehearse = REHEARSE_SAME,
    .params = params,
    .plan = smoke_step_plan,
    .run = smoke_step_run,
    .probe = smoke_step_probe,
    .prove = smoke_step_prove,
};

static bool is_all(struct job *job)
{
	return text_equal(json_str(job_params(job), "side", ""), "all");
}

static bool is_flipped(struct job *job)
{
	const char *name = job_first_name(job);
	return name && text_equal(json_str(job_fact(job, "dns-pointed", name), "to", ""), "new");
}

/* Visitors are there by now, and what writes has been tried before they were: what only reads is asked. */
static bool is_reading(struct job *job)
{
	for (const struct json *x = json_first(json_get(job_config(job), "smoke")); x; x = json_next(x))
		if (json_get(x, "get"))
			return is_flipped(job);
	return false;
}

/* `all` is planned as the new side, which decides. */
static int read_side(struct job *job, enum smoke_side *side, struct err *err)
{
	const char *text = json_str(job_params(job), "side", "new");
	*side = text_equal(text, "old") ? SMOKE_OLD : text_equal(text, "public") ? SMOKE_PUBLIC : SMOKE_NEW;
	if (*side == SMOKE_NEW && !text_equal(text, "new") && !is_all(job))
		return err_set(
		    err, ERR_CONFIG,
		    "smoke: side is \"%s\", but it can only be new, old, public or all; mend the playbook",
		    text);
	return 0;
}

static int smoke_step_plan(struct job *job, struct plan *plan, struct err *err)
{
	enum smoke_side side;
	size_t requests;
	char where[300];
	if (read_side(job, &side, err) < 0 || smoke_plan(job, side, &requests, where, sizeof where, err) < 0)
		return -1;
	const char *name = job_first_name(job);
	text_copy(plan->target, sizeof plan->target, *where ? where : "public path");
	text_copy(plan->side, sizeof plan->side, side == SMOKE_PUBLIC ? "" : smoke_side_name(side));
	text_copy(plan->verb, sizeof plan->verb, "LOOKS");
	text_copyf(plan->to, sizeof plan->to, "%zu answers as nightferry.yml expects them", requests);
	plan_does(plan, "%zu requests for %s %s", requests, name ? name : "",
		  *where ? where : "where the caches lead");
	if (is_all(job))
		plan_does(plan, "the same on OLD and where the caches lead, and what differs is told first%s",
			  is_reading(job) ? "; what writes is not asked now that visitors are there" : "");
	text_copy(plan->back, sizeof plan->back,
		  "not needed: it only looks, unless a path of nightferry.yml writes");
	plan->estimate_ms = 1000 + (int64_t)requests * 200;
	return 0;
}

/* The look is the proof, and asking twice would prove no more. */
static int smoke_step_run(struct job *job, struct err *err)
{
	enum smoke_side side;
	if (read_side(job, &side, err) < 0)
		return -1;
	job_progress(job, 0, 0, "items", "asking");
	return 0;
}

static enum done smoke_step_probe(struct job *job, struct err *err)
{
	(void)job;
	(void)err;
	return DONE_DONE;
}

/* In a rehearsal the app stands on its own database and not on the copy: what it answers is worth knowing,
 * but it judges nothing. That it cannot be reached, or shows a wrong certificate, does. */
static void soften(struct evidence *ev)
{
	size_t n = 0;
	for (size_t i = 0; i < ev->n; i++) {
		struct evidence_line *line = &ev->lines[i];
		if (line->verdict != VERDICT_FAIL ||
		    (!text_equal(line->name, "smoke") && !text_equal(line->name, "differs")))
			continue;
		line->verdict = VERDICT_WARN;
		n++;
	}
	if (n)
		evidence_add(
		    ev, VERDICT_WARN, "rehearsal", "own database",
		    "The app stands on its own database in a rehearsal, so these answers say nothing of the "
		    "copy; on the night each would be a FAIL.");
}

/* A side that cannot be asked is told as such; only NEW has to be there. */
static void prove_all(struct job *job, struct evidence *ev, struct err *err)
{
	struct smoke_look *looks[SMOKE_SIDES];
	bool flipped = is_flipped(job);
	for (size_t s = 0; s < SMOKE_SIDES; s++) {
		struct err unseen = {0};
		looks[s] = xcalloc(1, sizeof *looks[s]);
		looks[s]->job = job;
		looks[s]->side = (enum smoke_side)s;
		/* A path that writes is for the side that decides. */
		looks[s]->gets_only = s != SMOKE_NEW || is_reading(job);
		if (smoke_ask(looks[s], s == SMOKE_NEW ? err : &unseen) < 0 && unseen.kind)
			evidence_add(ev, VERDICT_WARN, "unasked", smoke_side_name((enum smoke_side)s), "%s",
				     unseen.text);
	}
	const struct smoke_look *const seen[SMOKE_SIDES] = {looks[0], looks[1], looks[2]};
	smoke_sides_see(seen, flipped, ev);
	for (size_t s = 0; s < SMOKE_SIDES; s++)
		free(looks[s]);
}

static enum verdict smoke_step_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct smoke_look *look = xcalloc(1, sizeof *look);
	look->job = job;
	if (read_side(job, &look->side, err) == 0 && is_all(job))
		prove_all(job, ev, err);
	else if (!err->kind && smoke_ask(look, err) == 0)
		smoke_evidence(look, ev);
	free(look);
	if (job_rehearsal(job))
		soften(ev);
	return err->kind ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
