/* fence-writers: new sessions on the old database begin read-only, and the sessions of before are ended. It
 * is a fence and no wall: a program may still ask for a transaction that writes. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/heroku.h"
#include "core/links/pg_sides.h"
#include <string.h>

static int fence_writers_plan(struct job *job, struct plan *plan, struct err *err);
static int fence_writers_run(struct job *job, struct err *err);
static int fence_writers_undo(struct job *job, struct err *err);
static enum done fence_writers_probe(struct job *job, struct err *err);
static enum verdict fence_writers_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"state", "text", "up", "up: nobody writes any more; down: as it was before"},
    {0},
};
static const char *const makes[] = {"fence", NULL};
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct step fence_writers_step = {
    .name = "fence-writers",
    .help = "makes the old database read-only for new sessions and ends the old ones",
    .gate = GATE_YES,
    .cancel = CANCEL_SAFE_POINT,
    .rehearse = REHEARSE_SKIP,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .plan = fence_writers_plan,
    .run = fence_writers_run,
    .undo = fence_writers_undo,
    .probe = fence_writers_probe,
    .prove = fence_writers_prove,
};

enum { GONE_LOOKS = 30, GONE_PAUSE_MS = 500 };

struct fence {
	char set[16];   /* what is set on the database: "", "on", "off" */
	char given[16]; /* what a new session gets: that of ours */
	char now[48];   /* the server's clock */
	bool owner;
	int64_t roles;  /* roles with a word of their own against it */
	int64_t before; /* sessions older than the fence; all where there is none */
	int64_t hidden; /* sessions whose beginning this login may not see */
};

static int read_goal(struct job *job, bool *up, struct err *err)
{
	const char *state = json_str(job_params(job), "state", "up");
	*up = text_equal(state, "up");
	return *up || text_equal(state, "down")
		   ? 0
		   : err_set(
			 err, ERR_CONFIG,
			 "fence-writers: state is \"%s\", but it can only be up or down; mend the playbook",
			 state);
}

/* `since`: by the server's clock; "" where there is no fence yet. */
static int fence_look(struct pg *pg, const char *since, struct fence *fence, struct err *err)
{
	/* reset_val is what this session began with, before it set anything itself. */
	static const char sql[] =
	    "WITH d AS (SELECT oid, datdba FROM pg_database WHERE datname = current_database()), "
	    "s AS (SELECT setrole, split_part(c, '=', 2) AS v FROM d, pg_db_role_setting, unnest(setconfig) "
	    "c "
	    "WHERE (setdatabase = d.oid OR (setdatabase = 0 AND setrole <> 0)) AND c LIKE "
	    "'default_transaction_read_only=%'), "
	    "a AS (SELECT backend_start FROM pg_stat_activity LEFT JOIN pg_roles ON rolname = usename WHERE "
	    "datname = "
	    "current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND "
	    "application_name NOT "
	    "LIKE 'nightferry %' AND NOT coalesce(rolsuper, false)) "
	    "SELECT coalesce((SELECT v FROM s WHERE setrole = 0), ''), (SELECT reset_val FROM pg_settings "
	    "WHERE name = "
	    "'default_transaction_read_only'), clock_timestamp()::text, pg_has_role(current_user, d.datdba, "
	    "'USAGE'), "
	    "(SELECT count(*) FROM s WHERE setrole <> 0 AND v = 'off'), "
	    "(SELECT count(*) FROM a WHERE backend_start < coalesce(nullif($1, '')::timestamptz, "
	    "'infinity')), "
	    "(SELECT count(*) FROM a WHERE backend_start IS NULL) FROM d";
	struct pg_result *rows = pg_query(pg, sql, PG_ARGS(since), err);
	*fence = (struct fence){0};
	if (!rows)
		return -1;
	text_copy(fence->set, sizeof fence->set, pg_get(rows, 0, 0));
	text_copy(fence->given, sizeof fence->given, pg_get(rows, 0, 1));
	text_copy(fence->now, sizeof fence->now, pg_get(rows, 0, 2));
	fence->owner = pg_get_bool(rows, 0, 3);
	fence->roles = pg_get_int(rows, 0, 4);
	fence->before = pg_get_int(rows, 0, 5);
	fence->hidden = pg_get_int(rows, 0, 6);
	pg_result_free(rows);
	return 0;
}

static const char *fenced_since(const struct job *job)
{
	return json_str(job_fact(job, "fence", ""), "since", "");
}

static void plan_words(const struct pg *pg, const struct fence *fence, bool up, struct plan *plan)
{
	text_copy(plan->target, sizeof plan->target, pg_database(pg));
	text_copy(plan->side, sizeof plan->side, "OLD");
	text_copy(plan->verb, sizeof plan->verb, up ? "FENCES WRITERS OFF" : "LETS WRITERS IN");
	text_copyf(plan->from, sizeof plan->from, "new sessions begin %s",
		   text_equal(fence->given, "on") ? "read-only" : "able to write");
	text_copyf(plan->to, sizeof plan->to, "new sessions begin %s",
		   up ? "read-only" : "as before the fence");
	plan_does(plan,
		  up ? "ALTER DATABASE %s SET default_transaction_read_only = on"
		     : "ALTER DATABASE %s, default_transaction_read_only as it was",
		  pg_database(pg));
	plan_does(plan, "POST /client/v11/databases/…/connection_reset ends every session, ours too");
	text_copy(plan->then, sizeof plan->then,
		  up ? "Open transactions are rolled back; whoever connects again can read and gets an error "
		       "when writing."
		     : "Whoever connects again can write to the OLD database.");
	text_copy(plan->back, sizeof plan->back,
		  up ? "the setting as it was before, and the sessions ended once more; two seconds"
		     : "put the fence up again; two seconds");
	plan->gate = up ? GATE_YES : GATE_TYPE;
	plan->estimate_ms = 3000;
}

static int fence_writers_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct fence fence;
	bool up;
	if (read_goal(job, &up, err) < 0)
		return -1;
	struct pg *pg = pg_open_old(job, err);
	int rc = pg ? fence_look(pg, fenced_since(job), &fence, err) : -1;
	if (rc == 0) {
		plan_words(pg, &fence, up, plan);
		plan->nothing_to_do = text_equal(fence.given, up ? "on" : "off") && (!up || !fence.before);
		evidence_add(&plan->seen, VERDICT_PASS, "sessions", "", "%lld sessions will be ended.",
			     (long long)(fence.before + fence.hidden));
		if (fence.roles)
			evidence_add(
			    &plan->seen, VERDICT_WARN, "roles", "roles",
			    "%lld role%s a setting of their own that lets them write in spite of it.",
			    (long long)fence.roles, fence.roles == 1 ? " has" : "s have");
		if (!up && !job_fact(job, "fence", "") && !plan->nothing_to_do)
			plan_refuse(plan,
				    "No fence was put up tonight, so nobody knows how %s was before; it is "
				    "read-only by "
				    "somebody else's wish. Nothing was changed.",
				    pg_database(pg));
		if (!fence.owner)
			plan_refuse(plan,
				    "The login of DATABASE_URL does not own %s, so it cannot put up a fence. "
				    "Nothing was "
				    "changed: stop the dynos and let wait-quiet prove that nobody writes.",
				    pg_database(pg));
	}
	pg_close(pg);
	return rc;
}

/* The way back is kept from the first time tonight: a second one would find our own fence. */
static int record_fence(struct job *job, const struct fence *fence, const char *since, bool up,
			struct err *err)
{
	const struct json *old = job_fact(job, "fence", "");
	struct jw w;
	jw_fact(&w, "fence", "");
	jw_bool(&w, "up", up);
	jw_str(&w, "was", old ? json_str(old, "was", "") : fence->set);
	jw_str(&w, "since", since);
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(job, &w, err);
}

static int alter(struct pg *pg, const char *value, struct err *err)
{
	struct buf name = {0};
	pg_add_name(&name, pg_database(pg));
	int rc = *value ? pg_exec(pg, err, "ALTER DATABASE %s SET default_transaction_read_only = %s",
				  buf_text(&name), text_equal(value, "on") ? "on" : "off")
			: pg_exec(pg, err, "ALTER DATABASE %s RESET default_transaction_read_only",
				  buf_text(&name));
	buf_done(&name);
	return rc;
}

/* Asked once. Whether it was done is seen in the sessions that are left, not in its answer. */
static int reset_sessions(struct job *job, struct err *err)
{
	struct heroku *heroku = heroku_open(job, HEROKU_PATIENT, err);
	struct heroku_database database;
	struct err own = {0};
	int rc = heroku ? heroku_database(heroku, &database, err) : -1;
	if (rc == 0 && heroku_connection_reset(heroku, &database, &own) < 0) {
		job_log(job, "OLD", "%s; looking which sessions are left", own.text);
		if (!heroku_lost(heroku))
			rc = err_set(err, own.kind,
				     "the setting is made, and the sessions of before go on: %s", own.text);
	}
	heroku_close(heroku);
	return rc;
}

static int wait_gone(struct job *job, const char *since, struct err *err)
{
	struct fence fence = {0};
	for (int i = 0; i < GONE_LOOKS; i++) {
		struct err own = {0};
		struct pg *pg = pg_open_old(job, &own);
		int rc = pg ? fence_look(pg, since, &fence, &own) : -1;
		pg_close(pg);
		if (rc == 0 && fence.before == 0)
			return 0;
		/* A server that has just thrown everybody out may refuse for a moment. */
		if (rc < 0 && (own.kind != ERR_NET || i + 1 == GONE_LOOKS))
			return err_set(err, own.kind, "%s", own.text);
		job_progress(job, 0, fence.before, "items", "waiting for the sessions of before to end");
		if (job_wait(job, GONE_PAUSE_MS))
			return err_set(
			    err, ERR_CANCELLED,
			    "stopped; the setting is made, and %lld sessions of before may still write",
			    (long long)fence.before);
	}
	return err_set(err, ERR_WORLD,
		       "%lld sessions of before the fence are still there and may write; run this step "
		       "again, or end them in "
		       "the Writers panel",
		       (long long)fence.before);
}

static int change(struct job *job, bool up, struct err *err)
{
	char url[2048], since[48] = "";
	struct fence fence;
	int rc = heroku_database_url(job, url, sizeof url, err);
	struct pg *pg = rc == 0 ? pg_open(job, "OLD", url, PG_ACT, err) : NULL;
	explicit_bzero(url, sizeof url);
	rc = pg ? fence_look(pg, "", &fence, err) : -1;
	if (rc == 0)
		rc = record_fence(job, &fence, "", up, err);
	if (rc == 0)
		rc = alter(pg, up ? "on" : json_str(job_fact(job, "fence", ""), "was", ""), err);
	/* From here on every new session is as it should be: what is older is what has to go. */
	if (rc == 0)
		rc = pg_value(pg, "SELECT clock_timestamp()::text", NULL, since, sizeof since, err);
	if (rc == 0)
		rc = record_fence(job, &fence, since, up, err);
	pg_close(pg);
	if (rc == 0)
		rc = reset_sessions(job, err);
	return rc == 0 ? wait_gone(job, since, err) : -1;
}

static int fence_writers_run(struct job *job, struct err *err)
{
	bool up;
	return read_goal(job, &up, err) < 0 ? -1 : change(job, up, err);
}

static int fence_writers_undo(struct job *job, struct err *err)
{
	bool up;
	return read_goal(job, &up, err) < 0 ? -1 : change(job, !up, err);
}

static enum done fence_writers_probe(struct job *job, struct err *err)
{
	struct fence fence;
	bool up;
	if (read_goal(job, &up, err) < 0)
		return DONE_UNCLEAR;
	struct pg *pg = pg_open_old(job, err);
	int rc = pg ? fence_look(pg, fenced_since(job), &fence, err) : -1;
	pg_close(pg);
	return rc < 0 ? DONE_UNCLEAR : text_equal(fence.given, "on") == up ? DONE_DONE : DONE_NOT_DONE;
}

static enum verdict fence_writers_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct fence fence;
	bool up;
	if (read_goal(job, &up, err) < 0)
		return VERDICT_UNKNOWN;
	struct pg *pg = pg_open_old(job, err);
	int rc = pg ? fence_look(pg, fenced_since(job), &fence, err) : -1;
	pg_close(pg);
	if (rc < 0)
		return VERDICT_UNKNOWN;
	bool read_only = text_equal(fence.given, "on");
	evidence_add(ev, read_only == up ? VERDICT_PASS : VERDICT_FAIL, "fence", fence.given,
		     "A new session on OLD begins %s.", read_only ? "read-only" : "able to write");
	if (up && fence.before)
		evidence_add(ev, VERDICT_FAIL, "sessions", "left",
			     "%lld sessions of before the fence are still there.", (long long)fence.before);
	if (up && fence.hidden)
		evidence_add(ev, VERDICT_WARN, "hidden", "hidden",
			     "%lld sessions of other logins do not show when they began; wait-quiet tells "
			     "whether they "
			     "write.",
			     (long long)fence.hidden);
	if (up && fence.roles)
		evidence_add(ev, VERDICT_WARN, "roles", "roles",
			     "%lld roles may write by a setting of their own.", (long long)fence.roles);
	return evidence_verdict(ev);
}
