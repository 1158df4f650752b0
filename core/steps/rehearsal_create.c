/* rehearsal-create: a database beside the target, of the same owner, encoding and locale, for a rehearsal to
 * fill. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/pg_sides.h"
#include "core/steps/rehearsal_database.h"
#include "core/steps/wipe_database.h"
#include <string.h>

static int rehearsal_create_plan(struct job *job, struct plan *plan, struct err *err);
static int rehearsal_create_run(struct job *job, struct err *err);
static enum done rehearsal_create_probe(struct job *job, struct err *err);
static enum verdict rehearsal_create_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {{0}};
static const char *const makes[] = {"rehearsal-database", NULL};
static const char *const secrets[] = {"NEW_DATABASE_URL", NULL};

const struct step rehearsal_create_step = {
    .name = "rehearsal-create",
    .help = "makes the database that a rehearsal fills, beside the real one",
    .gate = GATE_YES,
    .cancel = CANCEL_NEVER,
    .rehearse = REHEARSE_SAME,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .plan = rehearsal_create_plan,
    .run = rehearsal_create_run,
    .probe = rehearsal_create_probe,
    .prove = rehearsal_create_prove,
};

/* May our role, and how is it made? */
static int look_way(struct job *job, const struct rehearsal_db *db, struct plan *plan, struct wipe_way *way,
		    struct err *err)
{
	char may[8] = "";
	struct pg *pg = pg_open_new_at(job, db->target, PG_LOOK, err);
	int rc =
	    pg ? pg_value(pg, "SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = session_user",
			  NULL, may, sizeof may, err)
	       : -1;
	if (rc == 0)
		rc = wipe_way_beside(pg, db->name, way, err);
	if (rc == 0 && *may != 't' && plan)
		plan_refuse(plan,
			    "role %s may not create databases, and a rehearsal never uses the real one: run "
			    "ALTER ROLE %s CREATEDB as the superuser of %s, then plan again",
			    pg_user(pg), pg_user(pg), db->host);
	pg_close(pg);
	return rc;
}

static int rehearsal_create_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct rehearsal_db db;
	struct wipe_way way = {0};
	int there = rehearsal_db_name(job, &db, err) < 0 ? -1 : rehearsal_db_there(job, &db, err);
	if (there < 0 || look_way(job, &db, plan, &way, err) < 0) {
		wipe_way_done(&way);
		return -1;
	}
	const struct json *made = rehearsal_db_made(job, &db);
	text_copy(plan->target, sizeof plan->target, db.name);
	text_copy(plan->side, sizeof plan->side, "NEW");
	text_copy(plan->verb, sizeof plan->verb, "MAKES A DATABASE");
	text_copy(plan->from, sizeof plan->from, there ? "it is there" : "it is not there");
	text_copyf(plan->to, sizeof plan->to, "an empty database %s on %s", db.name, db.host);
	for (size_t i = 0; i < way.n && i < 6; i++)
		plan_does(plan, "%s", way.list[i]);
	text_copyf(plan->then, sizeof plan->then,
		   "nobody notices; %s is only read for its settings, and the copy needs its room twice",
		   db.target);
	text_copy(plan->back, sizeof plan->back, "rehearsal-drop, the last step, or B");
	evidence_add(&plan->seen, VERDICT_PASS, "target", db.target,
		     "the night's own database is %s; this rehearsal does not write to it", db.target);
	plan->nothing_to_do = there && json_bool(made, "made", false);
	plan->estimate_ms = 2000;
	if (there && !made)
		plan_refuse(
		    plan,
		    "%s is there already and this rehearsal did not make it, so it is not used: drop it "
		    "yourself if it is nobody's, and rehearse again",
		    db.name);
	wipe_way_done(&way);
	return 0;
}

static int record(struct job *job, const struct rehearsal_db *db, bool made, struct err *err)
{
	struct jw w;
	jw_fact(&w, "rehearsal-database", "");
	jw_str(&w, "database", db->name);
	jw_str(&w, "host", db->host);
	jw_bool(&w, "made", made);
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(job, &w, err);
}

static int make(struct job *job, const struct rehearsal_db *db, const struct wipe_way *way, int there,
		struct err *err)
{
	struct pg *pg = pg_open_new_at(job, db->target, PG_ACT, err);
	int rc = pg ? 0 : -1;
	/* The first statement is CREATE DATABASE, and an attempt that died behind it has done that. */
	for (size_t i = there ? 1 : 0; i < way->n && rc == 0; i++)
		rc = pg_exec(pg, err, "%s", way->list[i]);
	pg_close(pg);
	return rc;
}

static int rehearsal_create_run(struct job *job, struct err *err)
{
	struct rehearsal_db db;
	struct wipe_way way = {0};
	int there = rehearsal_db_name(job, &db, err) < 0 ? -1 : rehearsal_db_there(job, &db, err);
	int rc = there < 0 ? -1 : look_way(job, &db, NULL, &way, err);
	if (rc == 0 && there && !rehearsal_db_made(job, &db))
		rc = err_set(err, ERR_WORLD, "%s appeared since the plan; it is not ours and was left alone",
			     db.name);
	if (rc == 0)
		rc = record(job, &db, false, err);
	if (rc == 0)
		rc = make(job, &db, &way, there, err);
	if (rc == 0)
		rc = record(job, &db, true, err);
	wipe_way_done(&way);
	return rc;
}

static enum done rehearsal_create_probe(struct job *job, struct err *err)
{
	struct rehearsal_db db;
	int there = rehearsal_db_name(job, &db, err) < 0 ? -1 : rehearsal_db_there(job, &db, err);
	return there < 0 ? DONE_UNCLEAR : there && rehearsal_db_made(job, &db) ? DONE_DONE : DONE_NOT_DONE;
}

static enum verdict rehearsal_create_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct rehearsal_db db;
	struct pg *pg = rehearsal_db_name(job, &db, err) < 0 ? NULL : pg_open_new(job, PG_LOOK, err);
	if (!pg)
		return VERDICT_UNKNOWN;
	bool it = text_equal(pg_database(pg), db.name);
	evidence_add(ev, it ? VERDICT_PASS : VERDICT_FAIL, "database", pg_database(pg),
		     it ? "%s on %s lets us in; every step of this rehearsal works there"
			: "we were led to %s on %s, not to the rehearsal's database",
		     pg_database(pg), pg_host(pg));
	pg_close(pg);
	return evidence_verdict(ev);
}
