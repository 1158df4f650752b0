/* pause-backups: takes Heroku's scheduled backups away for the night and puts them back. One that begins
 * beside the capture makes both wait. Heroku knows no pause, so each is recorded before it is deleted. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/heroku.h"
#include <stdlib.h>

static int pause_backups_plan(struct job *job, struct plan *plan, struct err *err);
static int pause_backups_run(struct job *job, struct err *err);
static int pause_backups_undo(struct job *job, struct err *err);
static enum done pause_backups_probe(struct job *job, struct err *err);
static enum verdict pause_backups_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {{0}};
static const char *const makes[] = {"backups-paused", NULL};
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct step pause_backups_step = {
    .name = "pause-backups",
    .help = "takes Heroku's scheduled backups away until they are put back",
    .gate = GATE_YES,
    .cancel = CANCEL_SAFE_POINT,
    .alone = true,
    .rehearse = REHEARSE_SKIP,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .plan = pause_backups_plan,
    .run = pause_backups_run,
    .undo = pause_backups_undo,
    .probe = pause_backups_probe,
    .prove = pause_backups_prove,
};

struct schedules {
	struct heroku *heroku;
	struct heroku_database database;
	struct heroku_schedule *list;
	size_t n;
};

static int look(struct schedules *s, struct err *err)
{
	free(s->list);
	s->list = NULL;
	s->n = 0;
	return heroku_schedules(s->heroku, &s->database, &s->list, &s->n, err);
}

static void schedules_close(struct schedules *s)
{
	free(s->list);
	heroku_close(s->heroku);
	*s = (struct schedules){0};
}

static int schedules_open(struct job *job, struct schedules *s, struct err *err)
{
	*s = (struct schedules){.heroku = heroku_open(job, HEROKU_PATIENT, err)};
	if (s->heroku && heroku_database(s->heroku, &s->database, err) == 0 && look(s, err) == 0)
		return 0;
	schedules_close(s);
	return -1;
}

static void say_one(const struct heroku_schedule *one, char *out, size_t size)
{
	text_copyf(out, size, "%s at %02d:00 %s", one->name, one->hour, one->timezone);
}

static int pause_backups_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct schedules s;
	if (schedules_open(job, &s, err) < 0)
		return -1;
	text_copy(plan->target, sizeof plan->target, s.database.name);
	text_copy(plan->side, sizeof plan->side, "OLD");
	text_copy(plan->verb, sizeof plan->verb, "PAUSES BACKUPS");
	text_copyf(plan->from, sizeof plan->from, "%zu scheduled backup%s", s.n, s.n == 1 ? "" : "s");
	text_copy(plan->to, sizeof plan->to, "none until they are put back");
	text_copy(
	    plan->then, sizeof plan->then,
	    "Heroku makes no backup by itself; the ones it has stay, and Continuous Protection goes on.");
	text_copy(
	    plan->back, sizeof plan->back,
	    "each is put back by name, hour and time zone; Heroku gives it its usual days and retention");
	for (size_t i = 0; i < s.n; i++) {
		char words[160], in[UNITS_MAX];
		int64_t next = heroku_schedule_next_ms(&s.list[i], clock_wall_ms());
		say_one(&s.list[i], words, sizeof words);
		plan_does(plan, "DELETE /client/v11/databases/%s/transfer-schedules/%s (%s)", s.database.name,
			  s.list[i].id, words);
		evidence_add(&plan->seen, s.list[i].hour < 0 ? VERDICT_WARN : VERDICT_PASS, "schedule",
			     s.list[i].id, "%s%s%s.", words, next ? ", next in " : "",
			     next ? units_duration(in, next - clock_wall_ms()) : "");
		if (s.list[i].hour < 0 || !*s.list[i].timezone || !*s.list[i].name)
			plan_refuse(plan,
				    "Heroku does not say name, hour and time zone of the schedule %s, so it "
				    "could not be "
				    "put back; nothing is deleted. Look with `heroku pg:backups:schedules`.",
				    s.list[i].id);
	}
	plan->nothing_to_do = s.n == 0;
	plan->estimate_ms = 3000;
	schedules_close(&s);
	return 0;
}

static int record_one(struct job *job, const struct heroku_schedule *one, struct err *err)
{
	struct jw w;
	jw_fact(&w, "backups-paused", one->id);
	jw_str(&w, "id", one->id);
	jw_str(&w, "name", one->name);
	jw_int(&w, "hour", one->hour);
	jw_str(&w, "timezone", one->timezone);
	jw_str(&w, "days", one->days);
	jw_int(&w, "retain_weeks", one->retain_weeks);
	jw_int(&w, "retain_months", one->retain_months);
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(job, &w, err);
}

static const struct heroku_schedule *find_id(const struct schedules *s, const char *id)
{
	for (size_t i = 0; i < s->n; i++)
		if (text_equal(s->list[i].id, id))
			return &s->list[i];
	return NULL;
}

/* An answer that was lost, or a "not there", is settled by the list. */
static int delete_one(struct schedules *s, const struct heroku_schedule *one, struct err *err)
{
	struct err own = {0};
	if (heroku_schedule_delete(s->heroku, &s->database, one->id, &own) == 0)
		return 0;
	if (!heroku_lost(s->heroku) && own.kind != ERR_REFUSED)
		return err_set(err, own.kind, "%s", own.text);
	struct schedules now = {.heroku = s->heroku, .database = s->database};
	int rc = look(&now, err);
	if (rc == 0 && find_id(&now, one->id))
		rc = err_set(
		    err, own.kind,
		    "%s; the schedule is still there, nothing was asked for twice: run the step again",
		    own.text);
	free(now.list);
	return rc;
}

static int pause_backups_run(struct job *job, struct err *err)
{
	struct schedules s;
	if (schedules_open(job, &s, err) < 0)
		return -1;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < s.n; i++) {
		const struct heroku_schedule *one = &s.list[i];
		if (one->hour < 0 || !*one->timezone || !*one->name)
			rc = err_set(err, ERR_WORLD,
				     "the schedule %s has no hour or time zone that could be put back; it "
				     "was not deleted",
				     one->id);
		else if ((rc = record_one(job, one, err)) == 0)
			rc = delete_one(&s, one, err);
		job_progress(job, (int64_t)i + 1, (int64_t)s.n, "items", one->name);
	}
	schedules_close(&s);
	return rc;
}

/* Heroku gives a schedule that is made anew another id, so it is known by what it says. */
static bool is_back(const struct schedules *s, const struct json *was)
{
	for (size_t i = 0; i < s->n; i++)
		if (text_equal(s->list[i].name, json_str(was, "name", "")) &&
		    text_equal(s->list[i].timezone, json_str(was, "timezone", "")) &&
		    s->list[i].hour == json_int(was, "hour", -1))
			return true;
	return false;
}

static int put_back(struct job *job, struct schedules *s, const struct json *was, struct err *err)
{
	struct heroku_schedule one = {.hour = (int)json_int(was, "hour", 0)};
	struct err own = {0};
	struct jw w;
	text_copy(one.name, sizeof one.name, json_str(was, "name", ""));
	text_copy(one.timezone, sizeof one.timezone, json_str(was, "timezone", ""));
	jw_fact(&w, "backups-put-back", json_str(was, "id", ""));
	jw_int(&w, "at_ms", clock_wall_ms());
	if (job_record(job, &w, err) < 0)
		return -1;
	if (heroku_schedule_add(s->heroku, &s->database, &one, &own) == 0)
		return 0;
	if (!heroku_lost(s->heroku))
		return err_set(err, own.kind, "%s", own.text);
	if (look(s, err) < 0)
		return -1;
	return is_back(s, was)
		   ? 0
		   : err_set(
			 err, own.kind,
			 "%s; Heroku does not list the schedule, and it was not asked for twice: take the "
			 "step back once more",
			 own.text);
}

static int pause_backups_undo(struct job *job, struct err *err)
{
	struct schedules s;
	const struct json *was;
	if (schedules_open(job, &s, err) < 0)
		return -1;
	int rc = 0;
	for (size_t i = 0; rc == 0 && (was = job_fact_at(job, "backups-paused", i)); i++)
		if (!is_back(&s, was))
			rc = put_back(job, &s, was, err);
	schedules_close(&s);
	return rc;
}

static enum done pause_backups_probe(struct job *job, struct err *err)
{
	struct schedules s;
	const struct json *was;
	size_t back = 0, all = 0;
	if (schedules_open(job, &s, err) < 0)
		return DONE_UNCLEAR;
	for (; (was = job_fact_at(job, "backups-paused", all)); all++)
		back += is_back(&s, was);
	enum done done = s.n == 0 ? DONE_DONE : back == all ? DONE_NOT_DONE : DONE_UNCLEAR;
	if (done == DONE_UNCLEAR)
		err_set(err, ERR_WORLD, "%zu of %zu schedules are there again", back, all);
	schedules_close(&s);
	return done;
}

static enum verdict pause_backups_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct schedules s;
	char words[160];
	if (schedules_open(job, &s, err) < 0)
		return VERDICT_UNKNOWN;
	for (size_t i = 0; i < s.n; i++) {
		say_one(&s.list[i], words, sizeof words);
		evidence_add(ev, VERDICT_FAIL, "schedule", s.list[i].id, "Heroku still has a schedule: %s.",
			     words);
	}
	if (!s.n)
		evidence_add(ev, VERDICT_PASS, "schedule", "none", "Heroku lists no scheduled backup.");
	schedules_close(&s);
	return evidence_verdict(ev);
}
