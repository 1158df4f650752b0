/* wipe-target: empties the new database before the restore. The most dangerous step there is, so its plan
 * tells what would go, raises the gate by what it finds, and refuses a database that somebody uses. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/pg_sides.h"
#include "core/links/pg_tables.h"
#include "core/links/pg_target.h"
#include "core/steps/target_fit.h"
#include "core/steps/wipe_database.h"
#include <string.h>

static int wipe_target_plan(struct job *job, struct plan *plan, struct err *err);
static int wipe_target_run(struct job *job, struct err *err);
static enum done wipe_target_probe(struct job *job, struct err *err);
static enum verdict wipe_target_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"live_within", "duration", "2m", "a target whose newest row is younger is taken for a live one"},
    {0},
};
static const char *const makes[] = {"wiped", NULL};
static const char *const secrets[] = {"NEW_DATABASE_URL", NULL};

const struct step wipe_target_step = {
    .name = "wipe-target",
    .help = "empties the new database, so that the restore finds nothing in its way",
    .gate = GATE_YES,
    .cancel = CANCEL_NEVER,
    .rehearse = REHEARSE_THROWAWAY,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .plan = wipe_target_plan,
    .run = wipe_target_run,
    .probe = wipe_target_probe,
    .prove = wipe_target_prove,
};

/* ---- what is there ---- */

static const struct json *wiped_here(struct job *job, const struct pg_where *where)
{
	const struct json *wiped = job_fact(job, "wiped", "");
	bool here = text_equal(json_str(wiped, "database", ""), where->database) &&
		    text_equal(json_str(wiped, "host", where->host), where->host);
	return here ? wiped : NULL;
}

/* 1 there, 0 not there, -1 unknown. Asked from outside only when the database itself does not let us in. */
static int open_target(struct job *job, const struct pg_where *where, struct pg **pg, struct err *err)
{
	struct err first = {0};
	char found[4];
	*pg = pg_open_new(job, PG_LOOK, &first);
	if (*pg)
		return 1;
	struct pg *outside =
	    first.kind == ERR_REFUSED ? pg_open_new_at(job, "postgres", PG_LOOK, NULL) : NULL;
	bool gone = outside &&
		    pg_value(outside, "SELECT 1 FROM pg_database WHERE datname = $1",
			     PG_ARGS(where->database), found, sizeof found, NULL) == 0 &&
		    !*found;
	pg_close(outside);
	return gone ? 0 : err_set(err, first.kind, "%s", first.text);
}

/* Ours: we emptied it tonight, no row is younger than the frozen source, and there are not more than the
 * source has. */
static bool is_ours(struct job *job, const struct pg_where *where, const struct pg_target *seen)
{
	const struct json *source = job_fact(job, "source", "");
	const struct json *restored = job_fact(job, "restored-by-us", "");
	bool put = text_equal(json_str(restored, "database", ""), where->database) ||
		   job_fact(job, "restore-started", "") || job_fact(job, "stream-started", "");
	int64_t frozen_at_ms = json_int(source, "at_ms", 0);
	return wiped_here(job, where) && put && source && !seen->uncounted &&
	       seen->rows <= json_int(source, "rows", 0) &&
	       (seen->newest_at_ms == 0 || seen->newest_at_ms < frozen_at_ms + 60000);
}

static int64_t live_within_ms(struct job *job)
{
	int64_t ms = units_parse_duration_ms(json_str(job_params(job), "live_within", "2m"));
	/* A night that runs faster than the clock on the wall still meets rows that were written by that
	 * clock. */
	return ms <= 0 ? 0 : clock_real_ms(ms);
}

/* ---- the plan ---- */

static void add_evidence(struct plan *plan, const struct pg_target *seen, bool ours, int64_t live_ms)
{
	char rows[UNITS_MAX], age[UNITS_MAX];
	evidence_add(&plan->seen, VERDICT_PASS, "target", seen->database, "database %s on %s", seen->database,
		     seen->host);
	evidence_add(&plan->seen, seen->rows && !ours ? VERDICT_WARN : VERDICT_PASS, "rows", "",
		     "%s%s rows in %zu tables would go%s", seen->uncounted ? "about " : "",
		     units_count(rows, seen->rows), seen->tables,
		     ours              ? ": nightferry put them there tonight"
		     : seen->uncounted ? ": some tables could not be counted"
				       : "");
	struct evidence_line *line = &plan->seen.lines[plan->seen.n - 1];
	text_copyf(line->fact, sizeof line->fact, "%lld rows in %zu tables", (long long)seen->rows,
		   seen->tables);
	if (seen->newest_age_ms >= 0) {
		bool young = seen->newest_age_ms < live_ms && !ours;
		evidence_add(&plan->seen, young ? VERDICT_FAIL : VERDICT_PASS, "newest", young ? "young" : "",
			     "the newest row is %s old, in %s", units_age(age, seen->newest_age_ms),
			     seen->newest_table);
	}
	if (seen->sessions)
		evidence_add(&plan->seen, VERDICT_FAIL, "sessions", seen->session,
			     "%zu session(s) that are not ours: %s", seen->sessions, seen->session);
	else
		evidence_add(&plan->seen, VERDICT_PASS, "sessions", "none", "no session but ours");
	if (seen->written)
		evidence_add(&plan->seen, VERDICT_FAIL, "writes", seen->written_to,
			     "%lld rows were written to %s while we looked", (long long)seen->written,
			     seen->written_to);
}

static void judge(struct plan *plan, const struct pg_target *seen, bool ours, int64_t live_ms)
{
	char age[UNITS_MAX];
	if (seen->written)
		plan_refuse(plan,
			    "%s is live: rows were written to %s while we looked. Stop whatever writes there "
			    "(app-stop), or correct "
			    "database.url if this is not the database you mean.",
			    seen->database, seen->written_to);
	else if (seen->sessions)
		plan_refuse(plan,
			    "%s is in use by %zu session(s), such as %s. Stop the app (app-stop), close "
			    "consoles, then plan again; or "
			    "correct database.url if this is not the database you mean.",
			    seen->database, seen->sessions, seen->session);
	else if (!ours && seen->newest_age_ms >= 0 && seen->newest_age_ms < live_ms)
		plan_refuse(plan,
			    "%s looks live: its newest row, in %s, is %s old. Stop what wrote it and wait "
			    "until it is older than "
			    "live_within, or correct database.url.",
			    seen->database, seen->newest_table, units_age(age, seen->newest_age_ms));
	plan->gate = seen->rows && !ours ? GATE_TYPE : GATE_YES;
}

/* The one mistake that no backup of tonight mends: NEW_DATABASE_URL that leads to OLD. */
static void judge_other(struct job *job, struct pg *pg, const struct pg_target *seen, bool ours,
			struct plan *plan)
{
	char why[240];
	enum verdict verdict = target_fit_other(job, pg, why, sizeof why);
	if (verdict == VERDICT_FAIL)
		plan_refuse(plan, "%s: wiping it would destroy what is to be moved. Correct database.url.",
			    why);
	if (verdict == VERDICT_PASS)
		evidence_add(&plan->seen, VERDICT_PASS, "old", "another", "it is another server than OLD's");
	else if (verdict == VERDICT_FAIL || (seen->rows && !ours))
		evidence_add(&plan->seen, verdict, "old", "", "%s", why);
}

/* What the restore would miss afterwards is said while the rows are still there. */
static int judge_fit(struct job *job, struct pg *pg, struct plan *plan, struct err *err)
{
	struct target_fit fit = {0};
	if (!job_fact(job, "source", ""))
		return 0;
	int rc = target_fit_look(job, pg, json_path(job_config(job), "steps.prepare-target.skip"), &fit, err);
	if (rc == 0)
		target_fit_judge(&fit, true, plan);
	target_fit_done(&fit);
	return rc;
}

static void name_target(struct plan *plan, const struct pg_where *where)
{
	text_copy(plan->target, sizeof plan->target, where->database);
	text_copy(plan->side, sizeof plan->side, "NEW");
	text_copy(plan->verb, sizeof plan->verb, "WIPES");
	text_copy(plan->to, sizeof plan->to, "0 tables");
	text_copy(plan->then, sizeof plan->then, "nobody notices: visitors are on OLD's maintenance page");
}

static void add_way(struct plan *plan, const struct wipe_way *way)
{
	if (way->piece)
		plan_does(plan,
			  "DROP TABLE ... CASCADE, %lld at a time: there is more than one transaction has "
			  "locks for, so "
			  "what is gone is gone, and running it again goes on",
			  (long long)way->piece);
	for (size_t i = 0; i < way->n && i < 8; i++)
		plan_does(plan, "%s", way->list[i]);
	if (way->n > 8)
		plan_does(plan, "and %zu statements that give grants and settings back", way->n - 8);
	if (*way->why_not)
		evidence_add(&plan->seen, VERDICT_PASS, "way", "schemas",
			     "its schemas are dropped, not the database: %s", way->why_not);
}

/* After a crash between DROP and CREATE the database is gone; what it was is in our own record. */
static int plan_missing(struct job *job, const struct pg_where *where, struct plan *plan, struct err *err)
{
	struct wipe_way way;
	const struct json *wiped = wiped_here(job, where);
	if (!wiped || !wipe_way_read(wiped, &way))
		return err_set(err, ERR_REFUSED,
			       "The NEW database %s does not exist on %s; create it (kamal accessory boot, "
			       "or CREATE DATABASE), or correct "
			       "database.url.",
			       where->database, where->host);
	text_copy(plan->from, sizeof plan->from, "dropped tonight, not created again yet");
	text_copy(plan->back, sizeof plan->back, "nothing is left that could be lost");
	add_way(plan, &way);
	wipe_way_done(&way);
	jw_bool(&plan->data, "missing", true);
	plan->gate = GATE_YES;
	plan->estimate_ms = 2000;
	return 0;
}

static int plan_there(struct job *job, struct pg *pg, const struct pg_where *where, struct plan *plan,
		      struct err *err)
{
	struct pg_target seen;
	struct wipe_way way = {0};
	char rows[UNITS_MAX];
	int64_t live_ms = live_within_ms(job);
	if (pg_target_look(job, pg, &seen, err) < 0 || wipe_way_find(job, pg, &way, err) < 0) {
		wipe_way_done(&way);
		return -1;
	}
	bool ours = is_ours(job, where, &seen);
	const struct json *wiped = wiped_here(job, where);
	text_copyf(plan->from, sizeof plan->from, "%zu tables, %s rows%s", seen.tables,
		   units_count(rows, seen.rows), ours ? " that nightferry put there tonight" : "");
	text_copy(plan->back, sizeof plan->back,
		  seen.rows
		      ? ours ? "restore again from tonight's dump"
			     : "none: these rows are gone for good; pg_dump them first if anybody needs them"
		      : "nothing is lost: there are no rows");
	/* A rehearsal's database is empty already, but how long it takes is what is asked. */
	plan->nothing_to_do = !seen.tables && (wiped ? json_bool(wiped, "done", false) : !job_rehearsal(job));
	plan->estimate_ms = 3000;
	add_evidence(plan, &seen, ours, live_ms);
	judge(plan, &seen, ours, live_ms);
	if (*way.cannot)
		plan_refuse(plan, "%s", way.cannot);
	/* The last to refuse is what is read, and the worst comes last. */
	int rc = judge_fit(job, pg, plan, err);
	judge_other(job, pg, &seen, ours, plan);
	add_way(plan, &way);
	jw_int(&plan->data, "rows", seen.rows);
	jw_int(&plan->data, "tables", (int64_t)seen.tables);
	jw_bool(&plan->data, "by_us", ours);
	jw_bool(&plan->data, "counted", !seen.uncounted);
	wipe_way_done(&way);
	return rc;
}

static int wipe_target_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct pg_where where;
	struct pg *pg = NULL;
	if (pg_where_new(job, &where, err) < 0)
		return -1;
	int there = open_target(job, &where, &pg, err);
	if (there < 0)
		return -1;
	name_target(plan, &where);
	jw_open(&plan->data);
	jw_str(&plan->data, "database", where.database);
	jw_str(&plan->data, "host", where.host);
	int rc = there ? plan_there(job, pg, &where, plan, err) : plan_missing(job, &where, plan, err);
	pg_close(pg);
	return rc;
}

/* ---- the act ---- */

static int refuse_changed(struct err *err, const struct pg_target *seen, const char *what)
{
	return err_set(err, ERR_WORLD,
		       "The NEW database %s is not as the approved plan saw it: %s. Nothing was wiped; plan "
		       "the step again.",
		       seen->database, what);
}

static int still_as_planned(struct job *job, const struct json *data, const struct pg_target *seen,
			    struct err *err)
{
	char what[200];
	if (!data)
		return refuse_changed(err, seen, "there is no plan");
	if (!text_equal(json_str(data, "database", ""), seen->database) ||
	    !text_equal(json_str(data, "host", ""), seen->host))
		return refuse_changed(err, seen, "the URL names another database or host now");
	if (seen->sessions || seen->written) {
		text_copyf(what, sizeof what, "%s", seen->written ? "rows are being written" : seen->session);
		return refuse_changed(err, seen, what);
	}
	bool counted = json_bool(data, "counted", true);
	if (json_int(data, "tables", -1) != (int64_t)seen->tables ||
	    (counted && json_int(data, "rows", -1) != seen->rows)) {
		text_copyf(what, sizeof what, "it had %lld rows in %lld tables and has %lld in %zu",
			   (long long)json_int(data, "rows", -1), (long long)json_int(data, "tables", -1),
			   (long long)seen->rows, seen->tables);
		return refuse_changed(err, seen, what);
	}
	return job_stopping(job)
		   ? err_set(err, ERR_CANCELLED, "Stopped on request before anything was wiped.")
		   : 0;
}

static int record(struct job *job, const struct pg_where *where, const struct json *data,
		  const struct wipe_way *way, bool done, struct err *err)
{
	struct jw w;
	jw_fact(&w, "wiped", "");
	jw_str(&w, "database", where->database);
	jw_str(&w, "host", where->host);
	jw_int(&w, "rows", json_int(data, "rows", 0));
	jw_int(&w, "tables", json_int(data, "tables", 0));
	jw_bool(&w, "by_us", json_bool(data, "by_us", false));
	jw_int(&w, "at_ms", clock_wall_ms());
	jw_bool(&w, "done", done);
	wipe_way_write(&w, way);
	return job_record(job, &w, err);
}

static int find_way(struct job *job, const struct pg_where *where, const struct json *data,
		    struct wipe_way *way, struct err *err)
{
	struct pg *pg = NULL;
	struct pg_target seen;
	int there = open_target(job, where, &pg, err);
	if (there < 0)
		return -1;
	if (there == 0)
		return wiped_here(job, where) && wipe_way_read(wiped_here(job, where), way)
			   ? 0
			   : err_set(err, ERR_WORLD,
				     "The NEW database %s is gone since the plan; nothing was done, plan the "
				     "step again.",
				     where->database);
	char why[240];
	int rc = pg_target_look(job, pg, &seen, err);
	if (rc == 0 && target_fit_other(job, pg, why, sizeof why) == VERDICT_FAIL)
		rc = err_set(err, ERR_REFUSED, "%s. Nothing was wiped; correct database.url.", why);
	if (rc == 0 && json_bool(data, "missing", false))
		rc = seen.tables
			 ? refuse_changed(err, &seen, "it was missing, and now it is there with tables")
			 : 0;
	else if (rc == 0)
		rc = still_as_planned(job, data, &seen, err);
	if (rc == 0) {
		/* Half-way after a crash: empty, but its grants and settings are only in our record. */
		const struct json *wiped = wiped_here(job, where);
		bool half = wiped && !json_bool(wiped, "done", false) && !seen.tables;
		if (!half || !wipe_way_read(wiped, way))
			rc = wipe_way_find(job, pg, way, err);
		if (rc == 0 && *way->cannot)
			rc = err_set(err, ERR_REFUSED, "%s Nothing was wiped.", way->cannot);
	}
	pg_close(pg);
	return rc;
}

static int wipe_target_run(struct job *job, struct err *err)
{
	struct pg_where where;
	struct wipe_way way = {0};
	const struct json *data = json_get(job_plan(job), "data");
	int rc = pg_where_new(job, &where, err);
	if (rc == 0)
		rc = find_way(job, &where, data, &way, err);
	if (rc == 0)
		rc = record(job, &where, data, &way, false, err);
	if (rc == 0)
		rc = wipe_way_go(job, &way, err);
	if (rc == 0)
		rc = record(job, &where, data, &way, true, err);
	wipe_way_done(&way);
	return rc;
}

/* ---- what became of it ---- */

static enum done wipe_target_probe(struct job *job, struct err *err)
{
	struct pg_where where;
	struct pg *pg = NULL;
	struct pg_tables tables = {0};
	enum done done = DONE_UNCLEAR;
	if (pg_where_new(job, &where, err) < 0)
		return DONE_UNCLEAR;
	if (!wiped_here(job, &where))
		return DONE_NOT_DONE;
	int there = open_target(job, &where, &pg, err);
	if (there == 0)
		err_set(err, ERR_NONE,
			"The NEW database %s is dropped and not created again yet; running wipe-target again "
			"goes on.",
			where.database);
	else if (there > 0 && pg_tables_look(pg, &tables, err) == 0)
		done = tables.n == 0 && json_bool(wiped_here(job, &where), "done", false) ? DONE_DONE
											  : DONE_NOT_DONE;
	pg_tables_done(&tables);
	pg_close(pg);
	return there == 0 ? DONE_NOT_DONE : done;
}

static enum verdict wipe_target_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct pg_tables tables = {0};
	struct pg *pg = pg_open_new(job, PG_LOOK, err);
	int rc = pg ? pg_tables_look(pg, &tables, err) : -1;
	if (rc == 0 && tables.n)
		evidence_add(ev, VERDICT_FAIL, "tables", tables.list[0].label,
			     "%s still has %zu tables, such as %s; run wipe-target again", pg_database(pg),
			     tables.n, tables.list[0].label);
	else if (rc == 0)
		evidence_add(ev, VERDICT_PASS, "tables", "0", "%s on %s has no tables", pg_database(pg),
			     pg_host(pg));
	pg_tables_done(&tables);
	pg_close(pg);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
