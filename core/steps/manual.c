/* What no program can do: people do it, and say so with `M`. The engine keeps their words; here is only the
 * card. */
#include "core/base/text.h"
#include "core/job.h"
#include <string.h>

static int manual_plan(struct job *job, struct plan *plan, struct err *err);
static int manual_run(struct job *job, struct err *err);
static enum done manual_probe(struct job *job, struct err *err);
static enum verdict manual_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"card", "text", NULL, "what is to be done, in a sentence or two"},
    {"fields", "any", "", "names of what shall be noted when it is done"},
    {0},
};

const struct step manual_step = {
    .name = "manual",
    .help = "shows a card for people to act on; M says it is done",
    .gate = GATE_NONE,
    .cancel = CANCEL_ANYTIME,
    .rehearse = REHEARSE_SKIP,
    .params = params,
    .plan = manual_plan,
    .run = manual_run,
    .undo = NULL,
    .probe = manual_probe,
    .prove = manual_prove,
};

/* A card's lines go where other steps say what they will do. */
static void card_lines(struct plan *plan, const char *card)
{
	while (*card) {
		size_t len = strcspn(card, "\n");
		if (len)
			plan_does(plan, "%.*s", (int)(len > 190 ? 190 : len), card);
		card += len + (card[len] == '\n');
	}
}

static int manual_plan(struct job *job, struct plan *plan, struct err *err)
{
	const struct json *p = job_params(job), *fields = json_get(p, "fields");
	const char *card = json_str(p, "card", "");
	if (!*card)
		return err_set(err, ERR_CONFIG,
			       "manual: the card is empty; write into the playbook what people are to do");
	text_copy(plan->target, sizeof plan->target, job_step(job));
	text_copy(plan->verb, sizeof plan->verb, "IS DONE BY PEOPLE");
	text_copy(plan->to, sizeof plan->to, "somebody says it is done: M");
	card_lines(plan, card);
	for (const struct json *field = json_first(fields); field; field = json_next(field))
		if (json_text(field))
			plan_does(plan, "note: %s", json_text(field));
	text_copy(plan->then, sizeof plan->then,
		  "nightferry does nothing here; who did it, and what they noted, goes into the journal.");
	text_copy(plan->back, sizeof plan->back, "by people too");
	return 0;
}

static int manual_run(struct job *job, struct err *err)
{
	return err_set(err, ERR_REFUSED, "%s is done by people: do what its card says, then press M",
		       job_step(job));
}

static enum done manual_probe(struct job *job, struct err *err)
{
	(void)job;
	(void)err;
	return DONE_UNCLEAR;
}

static enum verdict manual_prove(struct job *job, struct evidence *ev, struct err *err)
{
	(void)err;
	evidence_add(ev, VERDICT_UNKNOWN, "by-hand", "",
		     "No program can see whether %s was done: people say so with M.", job_step(job));
	return VERDICT_UNKNOWN;
}
