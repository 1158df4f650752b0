/* A sentence for the journal and the report, at its place in the playbook. Changes nothing in the world. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include <string.h>

static int note_plan(struct job *job, struct plan *plan, struct err *err);
static int note_run(struct job *job, struct err *err);
static enum done note_probe(struct job *job, struct err *err);
static enum verdict note_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"text", "text", NULL, "the sentence"},
    {0},
};
static const char *const makes[] = {"note", NULL};

const struct step note_step = {
    .name = "note",
    .help = "writes a sentence into the journal",
    .gate = GATE_NONE,
    .cancel = CANCEL_ANYTIME,
    .rehearse = REHEARSE_SAME,
    .params = params,
    .makes = makes,
    .plan = note_plan,
    .run = note_run,
    .undo = NULL,
    .probe = note_probe,
    .prove = note_prove,
};

static const char *note_text(struct job *job)
{
	return json_str(job_params(job), "text", "");
}

/* Kept by the playbook's id, so that two notes of a night do not hide each other. */
static bool is_noted(struct job *job)
{
	return text_equal(json_str(job_fact(job, "note", job_step(job)), "text", ""), note_text(job));
}

static int note_plan(struct job *job, struct plan *plan, struct err *err)
{
	if (!*note_text(job))
		return err_set(err, ERR_CONFIG,
			       "note: the text is empty; write a sentence into the playbook");
	text_copy(plan->target, sizeof plan->target, job_step(job));
	text_copy(plan->verb, sizeof plan->verb, "NOTES");
	text_copy(plan->to, sizeof plan->to, note_text(job));
	plan_does(plan, "%s", note_text(job));
	text_copy(plan->then, sizeof plan->then, "Nothing changes; the sentence stands in the report.");
	plan->nothing_to_do = is_noted(job);
	plan->estimate_ms = 0;
	return 0;
}

static int note_run(struct job *job, struct err *err)
{
	struct jw w;
	jw_fact(&w, "note", job_step(job));
	jw_str(&w, "text", note_text(job));
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(job, &w, err);
}

static enum done note_probe(struct job *job, struct err *err)
{
	(void)err;
	return is_noted(job) ? DONE_DONE : DONE_NOT_DONE;
}

static enum verdict note_prove(struct job *job, struct evidence *ev, struct err *err)
{
	(void)err;
	if (is_noted(job))
		evidence_add(ev, VERDICT_PASS, "note", "", "%s", note_text(job));
	else
		evidence_add(ev, VERDICT_FAIL, "note", "", "The sentence is not in the journal.");
	return evidence_verdict(ev);
}
