/* end-session: ends one session on the old database, known by its process and its begin. Never a step of a
 * playbook: the Writers panel asks for it. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/pg_sides.h"
#include <string.h>

#define GONE_MS 10000
#define LOOK_MS 200

static int end_session_plan(struct job *job, struct plan *plan, struct err *err);
static int end_session_run(struct job *job, struct err *err);
static enum done end_session_probe(struct job *job, struct err *err);
static enum verdict end_session_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"pid", "int", NULL, "the server process of the session"},
    {"start_ms", "int", NULL, "when it began, in milliseconds since 1970: a process number comes back"},
    {0},
};
static const char *const makes[] = {"session-ended", NULL};
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct step end_session_step = {
    .name = "end-session",
    .help = "ends one session on the old database",
    .gate = GATE_YES,
    .cancel = CANCEL_ANYTIME,
    .rehearse = REHEARSE_SKIP,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .plan = end_session_plan,
    .run = end_session_run,
    .undo = NULL,
    .probe = end_session_probe,
    .prove = end_session_prove,
};

struct session {
	char pid[24], start[24]; /* as parameters of SQL */
	bool there, ours, other; /* other: another session has that process now */
	char who[64], from[48], state[24], query[160];
};

static int look(struct job *job, struct pg *pg, struct session *s, struct err *err)
{
	static const char sql[] =
	    "SELECT (extract(epoch FROM backend_start) * 1000)::bigint = $2::bigint, "
	    "coalesce(nullif(application_name, ''), usename), coalesce(client_addr::text, 'local'), "
	    "coalesce(state, ''), "
	    "left(coalesce(query, ''), 150), application_name LIKE 'nightferry %' "
	    "FROM pg_stat_activity WHERE pid = $1::int AND datname = current_database()";
	*s = (struct session){.there = false};
	text_copyf(s->pid, sizeof s->pid, "%lld", (long long)json_int(job_params(job), "pid", 0));
	text_copyf(s->start, sizeof s->start, "%lld", (long long)json_int(job_params(job), "start_ms", 0));
	struct pg_result *rows = pg_query(pg, sql, PG_ARGS(s->pid, s->start), err);
	if (!rows)
		return -1;
	s->there = pg_rows(rows) > 0 && pg_get_bool(rows, 0, 0);
	s->other = pg_rows(rows) > 0 && !s->there;
	if (s->there) {
		text_clean(s->who, sizeof s->who, pg_get(rows, 0, 1), strlen(pg_get(rows, 0, 1)));
		text_copy(s->from, sizeof s->from, pg_get(rows, 0, 2));
		text_copy(s->state, sizeof s->state, pg_get(rows, 0, 3));
		text_clean(s->query, sizeof s->query, pg_get(rows, 0, 4), strlen(pg_get(rows, 0, 4)));
		s->ours = pg_get_bool(rows, 0, 5);
	}
	pg_result_free(rows);
	return 0;
}

static int end_session_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct session s;
	struct pg *pg = pg_open_old(job, err);
	if (!pg || look(job, pg, &s, err) < 0) {
		pg_close(pg);
		return -1;
	}
	text_copyf(plan->target, sizeof plan->target, "session %s", s.pid);
	text_copy(plan->side, sizeof plan->side, "OLD");
	text_copy(plan->verb, sizeof plan->verb, "ENDS A SESSION");
	text_copyf(plan->from, sizeof plan->from, "%s from %s, %s", s.who, s.from, s.state);
	text_copy(plan->to, sizeof plan->to, "gone");
	plan_does(plan, "pg_terminate_backend(%s) on %s, if it is still the session that began then", s.pid,
		  pg_name(pg));
	if (*s.query)
		plan_does(plan, "its statement: %s", s.query);
	text_copy(plan->then, sizeof plan->then,
		  "its open transaction is rolled back; a dyno that still runs connects again");
	text_copy(plan->back, sizeof plan->back, "none is needed: what it has committed stays");
	plan->estimate_ms = 1000;
	plan->nothing_to_do = !s.there && !s.other;
	if (s.other)
		plan_refuse(plan,
			    "Process %s is another session by now: the one you saw has ended. Nothing was "
			    "done; look at the "
			    "Writers again.",
			    s.pid);
	else if (s.ours)
		plan_refuse(
		    plan,
		    "That session is nightferry's own look at the database; it writes nothing and stays.");
	else if (s.there)
		evidence_add(&plan->seen, VERDICT_PASS, "session", s.start, "%s from %s, %s", s.who, s.from,
			     s.state);
	pg_close(pg);
	return 0;
}

static int end_session_run(struct job *job, struct err *err)
{
	struct session s;
	struct pg *pg = pg_open_old(job, err);
	if (!pg || look(job, pg, &s, err) < 0) {
		pg_close(pg);
		return -1;
	}
	if (!s.there) {
		pg_close(pg);
		return s.other ? err_set(err, ERR_WORLD,
					 "Process %s is another session by now, so nothing was ended.", s.pid)
			       : 0;
	}
	struct jw w;
	jw_fact(&w, "session-ended", s.pid);
	jw_str(&w, "start_ms", s.start);
	jw_str(&w, "who", s.who);
	jw_int(&w, "at_ms", clock_wall_ms());
	int rc = job_record(job, &w, err);
	char ended[8] = "";
	/* Asked once more within the statement: between a look and an end a process number may change hands.
	 */
	if (rc == 0)
		rc =
		    pg_value(pg,
			     "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1::int AND "
			     "(extract(epoch FROM backend_start) * 1000)::bigint = $2::bigint",
			     PG_ARGS(s.pid, s.start), ended, sizeof ended, err);
	for (int64_t till = clock_life_ms() + GONE_MS; rc == 0 && s.there && clock_life_ms() < till;) {
		if (job_wait(job, LOOK_MS))
			break;
		rc = look(job, pg, &s, err);
	}
	pg_close(pg);
	return rc;
}

static enum done end_session_probe(struct job *job, struct err *err)
{
	struct session s;
	struct pg *pg = pg_open_old(job, err);
	int rc = pg ? look(job, pg, &s, err) : -1;
	pg_close(pg);
	return rc < 0 ? DONE_UNCLEAR : s.there ? DONE_NOT_DONE : DONE_DONE;
}

static enum verdict end_session_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct session s;
	struct pg *pg = pg_open_old(job, err);
	int rc = pg ? look(job, pg, &s, err) : -1;
	pg_close(pg);
	if (rc < 0)
		return VERDICT_UNKNOWN;
	evidence_add(ev, s.there ? VERDICT_FAIL : VERDICT_PASS, "session", s.there ? "there" : "gone",
		     s.there ? "session %s is still there" : "session %s is gone", s.pid);
	return evidence_verdict(ev);
}
