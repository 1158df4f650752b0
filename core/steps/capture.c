/* A backup made by Heroku itself, after the freeze. It is begun once: whatever became of the request, the
 * list of backups is asked before another one is begun. */
#include "core/steps/capture.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include <stdlib.h>
#include <string.h>

static int capture_plan(struct job *job, struct plan *plan, struct err *err);
static int capture_run(struct job *job, struct err *err);
static enum done capture_probe(struct job *job, struct err *err);
static enum verdict capture_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"running", "text", "adopt",
     "a backup that somebody else began after the freeze: adopt, or refuse to begin"},
    {0},
};
static const char *const makes[] = {"backup", NULL};
static const char *const secrets[] = {"HEROKU_API_KEY", "DIGEST_KEY", NULL};

const struct step capture_step = {
    .name = "capture",
    .help = "lets Heroku make a backup of the old database",
    .gate = GATE_NONE,
    .cancel = CANCEL_ANYTIME,
    .rehearse = REHEARSE_SAME,
    .by_size = true,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .plan = capture_plan,
    .run = capture_run,
    .undo = NULL,
    .probe = capture_probe,
    .prove = capture_prove,
};

enum { LOST_LOOKS = 4, LOST_PAUSE_MS = 2000, SCHEDULE_NEAR_MS = 3 * 3600 * 1000 };
#define LARGE_BYTES (20LL * 1000 * 1000 * 1000)

/* How long this one takes, by the newest good one of the same database. */
static int64_t estimate_ms(const struct capture *capture, int64_t size_bytes)
{
	for (size_t i = 0; i < capture->n; i++) {
		const struct heroku_transfer *t = &capture->list[i];
		if (!heroku_is_backup(t) || t->succeeded != 1 || t->source_bytes <= 0 ||
		    t->finished_ms <= t->started_ms)
			continue;
		return (int64_t)((double)(t->finished_ms - t->started_ms) * (double)size_bytes /
				 (double)t->source_bytes) +
		       5000;
	}
	return -1;
}

static void plan_schedules(struct capture *capture, struct plan *plan)
{
	struct heroku_schedule *list;
	size_t n;
	struct err unseen = {0};
	if (heroku_schedules(capture->heroku, &capture->database, &list, &n, &unseen) < 0) {
		evidence_add(&plan->seen, VERDICT_WARN, "schedule", "unseen",
			     "Whether a scheduled backup is near could not be seen: %s", unseen.text);
		return;
	}
	int64_t now = clock_wall_ms();
	for (size_t i = 0; i < n; i++) {
		int64_t next = heroku_schedule_next_ms(&list[i], now);
		char in[UNITS_MAX];
		if (next && next - now < SCHEDULE_NEAR_MS)
			evidence_add(&plan->seen, VERDICT_WARN, "schedule", list[i].id,
				     "Heroku begins its own backup of %s at %02d:00 %s, in %s; the two would "
				     "wait for each other.",
				     list[i].name, list[i].hour, list[i].timezone,
				     units_duration(in, next - now));
	}
	free(list);
}

static void plan_size(struct capture *capture, struct plan *plan)
{
	struct heroku_database_info info;
	struct err unseen = {0};
	char size[UNITS_MAX];
	if (heroku_database_info(capture->heroku, &capture->database, &info, &unseen) < 0) {
		evidence_add(&plan->seen, VERDICT_WARN, "size", "unseen",
			     "The database's size could not be seen: %s", unseen.text);
		return;
	}
	plan->estimate_ms = info.size_bytes > 0 ? estimate_ms(capture, info.size_bytes) : -1;
	units_size(size, info.size_bytes > 0 ? info.size_bytes : 0);
	if (info.size_bytes > LARGE_BYTES)
		evidence_add(&plan->seen, VERDICT_WARN, "size", "large",
			     "%s is more than the 20 GB that Heroku vouches for; it may take long or "
			     "time out.",
			     size);
	else if (info.size_bytes > 0)
		evidence_add(&plan->seen, VERDICT_PASS, "size", "", "%s (%s) holds %s.",
			     capture->database.name, info.plan, size);
}

static void plan_words(struct capture *capture, struct plan *plan)
{
	const struct heroku_transfer *mine = capture_mine(capture);
	text_copy(plan->target, sizeof plan->target, capture->database.name);
	text_copy(plan->side, sizeof plan->side, "OLD");
	text_copy(plan->verb, sizeof plan->verb, "MAKES A BACKUP");
	text_copy(plan->then, sizeof plan->then,
		  "Heroku dumps the database to its own storage; nothing of the app changes.");
	text_copy(plan->back, sizeof plan->back, "nothing to take back: a backup changes nothing");
	text_copy(plan->to, sizeof plan->to, "a finished backup, begun after the freeze");
	if (mine) {
		text_copyf(plan->from, sizeof plan->from, "%s of tonight is %s", mine->label,
			   mine->finished_ms ? "finished" : "under way");
		plan_does(plan, "GET /client/v11/apps/%s/transfers/%s until it is finished",
			  capture->database.app, mine->id);
		plan->nothing_to_do = mine->succeeded == 1 && text_equal(mine->id, capture->fact_id);
		return;
	}
	const struct heroku_transfer *other = capture_other(capture);
	if (other && capture_adoptable(capture, other)) {
		text_copyf(plan->from, sizeof plan->from,
			   "%s, begun after the freeze by somebody else, is under way", other->label);
		text_copy(plan->verb, sizeof plan->verb, "ADOPTS A BACKUP");
		plan_does(plan, "GET /client/v11/apps/%s/transfers/%s until it is finished; none is begun",
			  capture->database.app, other->id);
		plan->gate = GATE_YES;
		return;
	}
	text_copy(plan->from, sizeof plan->from, "no backup of tonight");
	plan_does(plan, "POST /client/v11/databases/%s/backups", capture->database.id);
	plan_does(plan, "GET /client/v11/apps/%s/transfers/… every 3 s until it is finished",
		  capture->database.app);
}

static int capture_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct capture capture;
	if (capture_open(job, &capture, err) < 0)
		return -1;
	plan_words(&capture, plan);
	plan_size(&capture, plan);
	plan_schedules(&capture, plan);
	const struct heroku_transfer *other = capture_other(&capture);
	char since[UNITS_MAX];
	if (other && !capture_adoptable(&capture, other))
		plan_refuse(plan,
			    "Heroku is busy with %s since %s, which is not this step's; wait for its end, or "
			    "end it with `heroku "
			    "pg:backups:cancel %s -a %s`.",
			    other->label, units_clock_hm(since, other->created_ms), other->label,
			    capture.database.app);
	if (text_starts(capture.database.plan, "advanced") ||
	    text_starts(capture.database.plan, "performance"))
		plan_refuse(
		    plan,
		    "Heroku makes no such backups of the plan %s; use a playbook that copies with pg_dump.",
		    capture.database.plan);
	if (!capture.frozen_ms)
		evidence_add(&plan->seen, VERDICT_WARN, "freeze", "none",
			     "No freeze was recorded tonight: what is written after this backup begins will "
			     "not be in it.");
	capture_close(&capture);
	return 0;
}

/* The request was sent and nobody knows what became of it: the list does. */
static const struct heroku_transfer *find_after_loss(struct capture *capture, struct err *err)
{
	for (int i = 0; i < LOST_LOOKS; i++) {
		struct err own = {0};
		const struct heroku_transfer *found = NULL;
		clock_sleep_ms(i ? LOST_PAUSE_MS : 0);
		if (capture_list(capture, &own) == 0)
			found = capture_mine(capture);
		if (found)
			return found;
		if (own.kind && i + 1 == LOST_LOOKS) {
			err_set(err, own.kind,
				"the answer to the request for a backup was lost, and the list of backups "
				"cannot be seen either: %s",
				own.text);
			return NULL;
		}
	}
	err_set(err, ERR_NET,
		"the answer to the request for a backup was lost, and Heroku lists no new one; none was "
		"asked for twice, so look "
		"with `heroku pg:backups` and run this step again");
	return NULL;
}

static int begin(struct capture *capture, struct heroku_transfer *out, struct err *err)
{
	struct jw w;
	int64_t newest = 0;
	for (size_t i = 0; i < capture->n; i++)
		newest = capture->list[i].num > newest ? capture->list[i].num : newest;
	jw_fact(&w, "capture-began", "");
	jw_int(&w, "before_num", newest);
	jw_int(&w, "at_ms", clock_wall_ms());
	capture_note_url(capture);
	jw_str(&w, "url", capture->url_digest);
	if (job_record(capture->job, &w, err) < 0)
		return -1;
	capture->before_num = newest;
	struct err own = {0};
	if (heroku_capture(capture->heroku, &capture->database, out, &own) == 0)
		return 0;
	if (!heroku_lost(capture->heroku))
		return err_set(err, own.kind, "%s", own.text);
	job_log(capture->job, "OLD", "%s; looking at the list of backups instead of asking again", own.text);
	const struct heroku_transfer *found = find_after_loss(capture, err);
	if (!found)
		return -1;
	*out = *found;
	return 0;
}

/* Tonight's, one to adopt, or a new one, followed to its end. */
static int run_one(struct capture *capture, struct err *err)
{
	struct heroku_transfer transfer;
	const struct heroku_transfer *mine = capture_mine(capture), *other = capture_other(capture);
	int rc = 0;
	if (mine)
		transfer = *mine;
	else if (other && capture_adoptable(capture, other))
		transfer = *other;
	else if (other)
		rc = err_set(err, ERR_WORLD,
			     "Heroku is busy with %s, which is not this step's; nothing was begun, wait for "
			     "its end and run again",
			     other->label);
	else
		rc = begin(capture, &transfer, err);
	if (rc == 0 && !text_equal(transfer.id, capture->fact_id))
		rc = capture_record(capture, &transfer, err);
	return rc == 0 ? capture_follow(capture, &transfer, err) : -1;
}

static int capture_run(struct job *job, struct err *err)
{
	struct capture capture;
	if (capture_open(job, &capture, err) < 0)
		return -1;
	int rc = run_one(&capture, err);
	/* Heroku moved the database while it was being dumped: no fault of the dump, so it is begun once
	 * more. */
	if (rc < 0 && err->kind == ERR_WORLD && !job_stopping(job) && capture_rotated(&capture)) {
		job_log(job, "OLD",
			"Heroku changed DATABASE_URL while the backup ran (%s); beginning another one, once",
			err->text);
		*err = (struct err){0};
		rc = capture_list(&capture, err) < 0 ? -1 : run_one(&capture, err);
	} else if (rc == 0 && capture_rotated(&capture)) {
		job_log(job, "OLD",
			"Heroku changed DATABASE_URL while the backup ran; the backup itself is finished");
	}
	capture_close(&capture);
	return rc;
}

static enum done capture_probe(struct job *job, struct err *err)
{
	struct capture capture;
	if (capture_open(job, &capture, err) < 0)
		return DONE_UNCLEAR;
	const struct heroku_transfer *mine = capture_mine(&capture);
	enum done done = !mine ? DONE_NOT_DONE : mine->finished_ms ? DONE_DONE : DONE_RUNNING;
	capture_close(&capture);
	return done;
}

static enum verdict capture_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct capture capture;
	char size[UNITS_MAX], at[UNITS_MAX];
	if (capture_open(job, &capture, err) < 0)
		return VERDICT_UNKNOWN;
	const struct heroku_transfer *t = NULL;
	for (size_t i = 0; i < capture.n && !t; i++)
		if (*capture.fact_id && text_equal(capture.list[i].id, capture.fact_id))
			t = &capture.list[i];
	if (!t)
		evidence_add(ev, VERDICT_FAIL, "backup", "none",
			     *capture.fact_id ? "Heroku no longer lists the backup of tonight."
					      : "No backup was made tonight.");
	else if (t->succeeded == 1)
		evidence_add(ev, VERDICT_PASS, "backup", t->id,
			     "%s is finished: %s of the database, %lld bytes kept%s.", t->label,
			     units_size(size, t->source_bytes > 0 ? t->source_bytes : 0),
			     (long long)t->processed_bytes,
			     t->processed_bytes ? "" : " as far as Heroku has counted them");
	else
		evidence_add(ev, VERDICT_FAIL, "backup", t->id, "%s %s.", t->label,
			     t->canceled_ms   ? "was cancelled"
			     : t->finished_ms ? "failed"
					      : "is not finished");
	if (t && capture.frozen_ms)
		evidence_add(
		    ev, capture_after_freeze(&capture, t) ? VERDICT_PASS : VERDICT_FAIL, "after-freeze", "",
		    capture_after_freeze(&capture, t)
			? "%s was begun after the freeze, at %s."
			: "%s was begun before the freeze, at %s: rows written since are missing in it.",
		    t->label, units_clock(at, t->created_ms));
	else if (t)
		evidence_add(ev, VERDICT_WARN, "after-freeze", "",
			     "No freeze was recorded tonight to compare %s with.", t->label);
	if (t && t->warnings)
		evidence_add(ev, VERDICT_WARN, "warnings", "",
			     "Heroku counts %lld warnings: `heroku pg:backups:info %s`.",
			     (long long)t->warnings, t->label);
	capture_close(&capture);
	return evidence_verdict(ev);
}
