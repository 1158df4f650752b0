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

static const struct param params[] = {
    {"state", "text", "paused", "paused: none until they are put back; running: those of tonight come back"},
    {0},
};
static const char *const makes[] = {"backups-paused", NULL};
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct step pause_backups_step = {
    .name = "pause-backups",
    .help = "takes Heroku's scheduled backups away until they are put back",
    .gate = GATE_NONE, /* the plan asks where there is something to pause or to put back */
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

static int read_goal(struct job *job, bool *paused, struct err *err)
{
	const char *state = json_str(job_params(job), "state", "paused");
	*paused = text_equal(state, "paused");
	return *paused || text_equal(state, "running")
		   ? 0
		   : err_set(
			 err, ERR_CONFIG,
			 "pause-backups: state is \"%s\", but only paused and running are there; mend the "
			 "playbook",
			 state);
}

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

static bool same_words(const struct json *a, const struct json *b)
{
	return text_equal(json_str(a, "name", ""), json_str(b, "name", "")) &&
	       text_equal(json_str(a, "timezone", ""), json_str(b, "timezone", "")) &&
	       json_int(a, "hour", -1) == json_int(b, "hour", -1);
}

/* The next one that was paused tonight, from *i on, which is moved behind it. One that was put back and
 * paused once more has another id and the same words: it comes once. */
static const struct json *paused_next(const struct job *job, size_t *i)
{
	const struct json *was;
	while ((was = job_fact_at(job, "backups-paused", *i))) {
		size_t k = 0;
		while (k < *i && !same_words(job_fact_at(job, "backups-paused", k), was))
			k++;
		bool first = k == (*i)++;
		if (first)
			return was;
	}
	return NULL;
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

static void plan_pause(const struct schedules *s, struct plan *plan)
{
	text_copy(plan->verb, sizeof plan->verb, "PAUSES BACKUPS");
	text_copyf(plan->from, sizeof plan->from, "%zu scheduled backup%s", s->n, s->n == 1 ? "" : "s");
	text_copy(plan->to, sizeof plan->to, "none until they are put back");
	text_copy(
	    plan->then, sizeof plan->then,
	    "Heroku makes no backup by itself; the ones it has stay, and Continuous Protection goes on.");
	text_copy(
	    plan->back, sizeof plan->back,
	    "each is put back by name, hour and time zone; Heroku gives it its usual days and retention");
	for (size_t i = 0; i < s->n; i++) {
		char words[160], in[UNITS_MAX];
		const struct heroku_schedule *one = &s->list[i];
		int64_t next = heroku_schedule_next_ms(one, clock_wall_ms());
		say_one(one, words, sizeof words);
		plan_does(plan, "DELETE /client/v11/databases/%s/transfer-schedules/%s (%s)",
			  s->database.name, one->id, words);
		evidence_add(&plan->seen, one->hour < 0 ? VERDICT_WARN : VERDICT_PASS, "schedule", one->id,
			     "%s%s%s.", words, next ? ", next in " : "",
			     next ? units_duration(in, next - clock_wall_ms()) : "");
		if (one->hour < 0 || !*one->timezone || !*one->name)
			plan_refuse(plan,
				    "Heroku does not say name, hour and time zone of the schedule %s, so it "
				    "could not be "
				    "put back; nothing is deleted. Look with `heroku pg:backups:schedules`.",
				    one->id);
	}
	plan->nothing_to_do = s->n == 0;
}

static void plan_put_back(struct job *job, const struct schedules *s, struct plan *plan)
{
	const struct json *was;
	size_t n = 0;
	for (size_t i = 0; (was = paused_next(job, &i));) {
		if (is_back(s, was))
			continue;
		n++;
		plan_does(plan, "POST /client/v11/databases/%s/transfer-schedules (%s at %02lld:00 %s)",
			  s->database.name, json_str(was, "name", ""), (long long)json_int(was, "hour", 0),
			  json_str(was, "timezone", ""));
	}
	text_copy(plan->verb, sizeof plan->verb, "PUTS BACKUPS BACK");
	text_copyf(plan->from, sizeof plan->from, "%zu scheduled backup%s", s->n, s->n == 1 ? "" : "s");
	text_copyf(plan->to, sizeof plan->to, "%zu more, as before tonight", n);
	text_copy(plan->then, sizeof plan->then,
		  "Heroku makes its backups again, with its usual days and retention.");
	text_copy(plan->back, sizeof plan->back, "they are paused once more; two seconds");
	plan->nothing_to_do = n == 0;
}

static int pause_backups_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct schedules s;
	bool paused;
	if (read_goal(job, &paused, err) < 0 || schedules_open(job, &s, err) < 0)
		return -1;
	text_copy(plan->target, sizeof plan->target, s.database.name);
	text_copy(plan->side, sizeof plan->side, "OLD");
	if (paused)
		plan_pause(&s, plan);
	else
		plan_put_back(job, &s, plan);
	plan->gate = plan->nothing_to_do ? GATE_NONE : GATE_YES;
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

static int pause_all(struct job *job, struct err *err)
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

static int put_all_back(struct job *job, struct err *err)
{
	struct schedules s;
	const struct json *was;
	if (schedules_open(job, &s, err) < 0)
		return -1;
	int rc = 0;
	for (size_t i = 0; rc == 0 && (was = paused_next(job, &i));)
		if (!is_back(&s, was) && (rc = put_back(job, &s, was, err)) == 0)
			rc = look(&s, err);
	schedules_close(&s);
	return rc;
}

static int pause_backups_run(struct job *job, struct err *err)
{
	bool paused;
	if (read_goal(job, &paused, err) < 0)
		return -1;
	return paused ? pause_all(job, err) : put_all_back(job, err);
}

static int pause_backups_undo(struct job *job, struct err *err)
{
	bool paused;
	if (read_goal(job, &paused, err) < 0)
		return -1;
	return paused ? put_all_back(job, err) : pause_all(job, err);
}

static enum done pause_backups_probe(struct job *job, struct err *err)
{
	struct schedules s;
	const struct json *was;
	size_t back = 0, all = 0, i = 0;
	bool paused;
	if (read_goal(job, &paused, err) < 0 || schedules_open(job, &s, err) < 0)
		return DONE_UNCLEAR;
	for (; (was = paused_next(job, &i)); all++)
		back += is_back(&s, was);
	enum done done = DONE_UNCLEAR;
	if (paused ? s.n == 0 : back == all)
		done = DONE_DONE;
	else if (paused ? back == all : back == 0)
		done = DONE_NOT_DONE;
	if (done == DONE_UNCLEAR)
		err_set(err, ERR_WORLD, "%zu of %zu schedules are there again", back, all);
	schedules_close(&s);
	return done;
}

static void prove_paused(const struct schedules *s, struct evidence *ev)
{
	char words[160];
	for (size_t i = 0; i < s->n; i++) {
		say_one(&s->list[i], words, sizeof words);
		evidence_add(ev, VERDICT_FAIL, "schedule", s->list[i].id, "Heroku still has a schedule: %s.",
			     words);
	}
	if (!s->n)
		evidence_add(ev, VERDICT_PASS, "schedule", "none", "Heroku lists no scheduled backup.");
}

static void prove_running(struct job *job, const struct schedules *s, struct evidence *ev)
{
	const struct json *was;
	size_t i = 0;
	while ((was = paused_next(job, &i))) {
		bool back = is_back(s, was);
		evidence_add(ev, back ? VERDICT_PASS : VERDICT_FAIL, "schedule", json_str(was, "id", ""),
			     "%s at %02lld:00 %s %s.", json_str(was, "name", ""),
			     (long long)json_int(was, "hour", 0), json_str(was, "timezone", ""),
			     back ? "is scheduled again" : "is not scheduled");
	}
	if (!i)
		evidence_add(ev, VERDICT_PASS, "schedule", "none",
			     "No scheduled backup was paused tonight; Heroku lists %zu.", s->n);
}

static enum verdict pause_backups_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct schedules s;
	bool paused;
	if (read_goal(job, &paused, err) < 0 || schedules_open(job, &s, err) < 0)
		return VERDICT_UNKNOWN;
	if (paused)
		prove_paused(&s, ev);
	else
		prove_running(job, &s, ev);
	schedules_close(&s);
	return evidence_verdict(ev);
}
