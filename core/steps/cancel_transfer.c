/* cancel-transfer: ends a backup, restore or copy that is under way at Heroku and is not this night's. Heroku
 * makes one at a time, so it would hold up the capture. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/steps/capture.h"
#include <stdlib.h>

static int cancel_transfer_plan(struct job *job, struct plan *plan, struct err *err);
static int cancel_transfer_run(struct job *job, struct err *err);
static enum done cancel_transfer_probe(struct job *job, struct err *err);
static enum verdict cancel_transfer_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {{0}};
static const char *const makes[] = {"transfer-cancelled", NULL};
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct step cancel_transfer_step = {
    .name = "cancel-transfer",
    .help = "ends a backup, restore or copy under way at Heroku that is not this night's",
    .gate = GATE_TYPE,
    .cancel = CANCEL_SAFE_POINT,
    .rehearse = REHEARSE_SKIP,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .plan = cancel_transfer_plan,
    .run = cancel_transfer_run,
    .undo = NULL, /* what was cancelled does not go on */
    .probe = cancel_transfer_probe,
    .prove = cancel_transfer_prove,
};

enum { GONE_LOOKS = 20, GONE_PAUSE_MS = 1000 };

static const char *kind_of(const struct heroku_transfer *t)
{
	return heroku_is_backup(t)                   ? "a backup"
	       : text_equal(t->from_type, "pg_dump") ? "a copy"
						     : "a RESTORE";
}

static int cancel_transfer_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct capture capture;
	char since[UNITS_MAX];
	if (capture_open(job, &capture, err) < 0)
		return -1;
	const struct heroku_transfer *other = capture_other(&capture);
	text_copy(plan->target, sizeof plan->target, other ? other->label : capture.database.name);
	text_copy(plan->side, sizeof plan->side, "OLD");
	text_copy(plan->verb, sizeof plan->verb, "CANCELS A TRANSFER");
	text_copy(plan->to, sizeof plan->to, "nothing but this night's own is under way");
	text_copy(plan->back, sizeof plan->back,
		  "none: it does not go on, it can only be begun again from its start");
	plan->nothing_to_do = !other;
	plan->estimate_ms = 5000;
	if (other) {
		text_copyf(plan->from, sizeof plan->from, "%s, %s, under way since %s", other->label,
			   kind_of(other), units_clock_hm(since, other->created_ms));
		plan_does(plan, "POST /client/v11/apps/%s/transfers/%s/actions/cancel", capture.database.app,
			  other->id);
		evidence_add(&plan->seen, VERDICT_WARN, "transfer", other->id, "%s is %s%s of %s.",
			     other->label, other->scheduled ? "Heroku's scheduled one, " : "", kind_of(other),
			     since);
		if (!heroku_is_backup(other))
			plan_refuse(plan,
				    "%s is %s: to end it would leave a database half filled. Wait for its "
				    "end, or ask who "
				    "began it.",
				    other->label, kind_of(other));
	} else {
		text_copy(plan->from, sizeof plan->from, "no other transfer is under way");
	}
	jw_open(&plan->data);
	jw_str(&plan->data, "id", other ? other->id : "");
	capture_close(&capture);
	return 0;
}

static int cancel_one(struct job *job, struct capture *capture, const struct heroku_transfer *other,
		      struct err *err)
{
	struct err own = {0};
	struct jw w;
	jw_fact(&w, "transfer-cancelled", other->id);
	jw_str(&w, "id", other->id);
	jw_str(&w, "label", other->label);
	if (job_record(job, &w, err) < 0)
		return -1;
	/* One that has just ended by itself is refused, and a lost answer is settled by the list. */
	if (heroku_transfer_cancel(capture->heroku, capture->database.app, other->id, &own) < 0 &&
	    own.kind != ERR_REFUSED && !heroku_lost(capture->heroku))
		return err_set(err, own.kind, "%s", own.text);
	return 0;
}

static int cancel_transfer_run(struct job *job, struct err *err)
{
	struct capture capture;
	char label[24] = "", planned[40];
	if (capture_open(job, &capture, err) < 0)
		return -1;
	const struct heroku_transfer *other = capture_other(&capture);
	text_copy(planned, sizeof planned, json_str(json_get(job_plan(job), "data"), "id", ""));
	int rc = 0;
	if (other && *planned && !text_equal(planned, other->id))
		rc = err_set(err, ERR_WORLD,
			     "the plan saw another transfer than %s, which is under way now; nothing was "
			     "cancelled, look at "
			     "the new plan",
			     other->label);
	else if (other && !heroku_is_backup(other))
		rc = err_set(err, ERR_WORLD, "%s is %s; nothing was cancelled", other->label, kind_of(other));
	else if (other)
		rc = cancel_one(job, &capture, other, err);
	if (other)
		text_copy(label, sizeof label, other->label);
	for (int i = 0; rc == 0 && other; i++) {
		rc = capture_list(&capture, err);
		other = rc == 0 ? capture_other(&capture) : NULL;
		if (rc == 0 && other && (i == GONE_LOOKS || job_wait(job, GONE_PAUSE_MS)))
			rc = err_set(err, ERR_WORLD,
				     "%s was asked to end and Heroku still shows it under way; run again",
				     label);
	}
	capture_close(&capture);
	return rc;
}

static enum done cancel_transfer_probe(struct job *job, struct err *err)
{
	struct capture capture;
	if (capture_open(job, &capture, err) < 0)
		return DONE_UNCLEAR;
	enum done done = capture_other(&capture) ? DONE_NOT_DONE : DONE_DONE;
	capture_close(&capture);
	return done;
}

static enum verdict cancel_transfer_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct capture capture;
	if (capture_open(job, &capture, err) < 0)
		return VERDICT_UNKNOWN;
	const struct heroku_transfer *other = capture_other(&capture);
	if (other)
		evidence_add(ev, VERDICT_FAIL, "transfer", other->id, "%s is still under way.", other->label);
	else
		evidence_add(ev, VERDICT_PASS, "transfer", "none",
			     "Nothing but this night's own is under way.");
	capture_close(&capture);
	return evidence_verdict(ev);
}
