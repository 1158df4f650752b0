/* Jobs in tables. What a version of a system does not have yet is told by the columns that are there. Times
 * are compared by the server, whose session speaks UTC, as these systems write it. */
#include "core/base/text.h"
#include "core/links/jobs.h"
#include "core/links/postgres.h"
#include <stdlib.h>
#include <string.h>

struct tables {
	struct pg *pg;
	struct pg_result *columns; /* schema, table, column */
};

static int tables_look(struct pg *pg, struct tables *t, struct err *err)
{
	*t = (struct tables){.pg = pg};
	t->columns = pg_query(
	    pg,
	    "SELECT n.nspname, c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = "
	    "a.attrelid "
	    "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname IN ('good_jobs', "
	    "'good_job_processes', 'good_job_settings', 'delayed_jobs', 'solid_queue_jobs', "
	    "'solid_queue_ready_executions', 'solid_queue_scheduled_executions', "
	    "'solid_queue_claimed_executions', 'solid_queue_failed_executions', "
	    "'solid_queue_blocked_executions', 'solid_queue_processes', 'solid_queue_recurring_tasks') "
	    "AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND n.nspname !~ '^pg_' "
	    "ORDER BY n.nspname <> 'public', n.nspname, c.relname, a.attnum",
	    NULL, err);
	return t->columns ? 0 : -1;
}

/* column NULL: the table. */
static bool has(const struct tables *t, const char *table, const char *column)
{
	for (size_t i = 0; i < pg_rows(t->columns); i++)
		if (text_equal(pg_get(t->columns, i, 1), table) &&
		    (!column || text_equal(pg_get(t->columns, i, 2), column)))
			return true;
	return false;
}

static void add_table(const struct tables *t, const char *table, struct buf *sql)
{
	for (size_t i = 0; i < pg_rows(t->columns); i++)
		if (text_equal(pg_get(t->columns, i, 1), table)) {
			pg_add_name(sql, pg_get(t->columns, i, 0));
			buf_addc(sql, '.');
			pg_add_name(sql, table);
			return;
		}
	buf_adds(sql, "(SELECT WHERE false) nothing");
}

/* "count(*) FILTER (WHERE ...)", the table and the rest, in one statement. */
static struct pg_result *ask(const struct tables *t, const char *what, const char *table, const char *rest,
			     struct err *err)
{
	struct buf sql = {0};
	buf_addf(&sql, "SELECT %s FROM ", what);
	add_table(t, table, &sql);
	buf_addf(&sql, " %s", rest);
	struct pg_result *r = pg_query(t->pg, buf_text(&sql), NULL, err);
	buf_done(&sql);
	return r;
}

static int ask_int(const struct tables *t, const char *what, const char *table, const char *rest,
		   int64_t *out, struct err *err)
{
	struct pg_result *r = ask(t, what, table, rest, err);
	*out = r && pg_rows(r) ? pg_get_int(r, 0, 0) : 0;
	pg_result_free(r);
	return r ? 0 : -1;
}

static int ask_queues(const struct tables *t, const char *column, const char *table, const char *where,
		      struct jobs_system *s, struct err *err)
{
	char what[80], rest[500];
	text_copyf(what, sizeof what, "coalesce(%s, 'default'), count(*)", column);
	text_copyf(rest, sizeof rest, "WHERE %s GROUP BY 1 ORDER BY 2 DESC, 1", where);
	struct pg_result *r = ask(t, what, table, rest, err);
	s->all_queues = (int64_t)pg_rows(r);
	for (size_t i = 0; i < pg_rows(r) && i < JOBS_QUEUES; i++)
		jobs_add_queue(s, pg_get(r, i, 0), strlen(pg_get(r, i, 0)), pg_get_int(r, i, 1));
	pg_result_free(r);
	return r ? 0 : -1;
}

/* Four counts of one pass over what is not finished. */
static int ask_counts(const struct tables *t, const char *table, const char *open, const char *running,
		      const char *retry, const char *later, struct jobs_system *s, struct err *err)
{
	char what[1200], rest[300];
	text_copyf(what, sizeof what,
		   "count(*) FILTER (WHERE %s), count(*) FILTER (WHERE NOT (%s) AND %s), "
		   "count(*) FILTER (WHERE NOT (%s) AND NOT (%s) AND %s), "
		   "count(*) FILTER (WHERE NOT (%s) AND NOT (%s) AND NOT (%s))",
		   running, running, retry, running, retry, later, running, retry, later);
	text_copyf(rest, sizeof rest, "WHERE %s", open);
	struct pg_result *r = ask(t, what, table, rest, err);
	if (!r)
		return -1;
	s->running = pg_get_int(r, 0, 0);
	s->retry = pg_get_int(r, 0, 1);
	s->scheduled = pg_get_int(r, 0, 2);
	s->waiting = pg_get_int(r, 0, 3);
	pg_result_free(r);
	return 0;
}

/* ---- GoodJob ---- */

static int good_job_cron(const struct tables *t, struct jobs_side *side, struct err *err)
{
	bool settings = has(t, "good_job_settings", "value");
	struct buf disabled = {0};
	if (!has(t, "good_jobs", "cron_key"))
		return 0;
	buf_adds(&disabled, "cron_key, '', ");
	if (settings) {
		buf_adds(&disabled, "NOT EXISTS (SELECT 1 FROM ");
		add_table(t, "good_job_settings", &disabled);
		buf_adds(&disabled, " s WHERE s.key = 'cron_keys_disabled' AND s.value::jsonb ? cron_key)");
	} else {
		buf_adds(&disabled, "true");
	}
	/* Its schedule is in the app's code; what has run within a week is known by its jobs. */
	struct pg_result *r =
	    ask(t, buf_text(&disabled), "good_jobs",
		"WHERE cron_key IS NOT NULL AND created_at > now() - interval '8 days' GROUP BY 1 "
		"ORDER BY 1",
		err);
	for (size_t i = 0; i < pg_rows(r); i++)
		jobs_add_cron(side, "good_job", pg_get(r, i, 0), strlen(pg_get(r, i, 0)), "", 0,
			      pg_get_bool(r, i, 2));
	pg_result_free(r);
	buf_done(&disabled);
	return r ? 0 : -1;
}

static int add_good_job(const struct tables *t, bool deep, struct jobs_side *side, struct err *err)
{
	struct jobs_system *s = jobs_add(side, "good_job");
	bool error = has(t, "good_jobs", "error"), locked = has(t, "good_jobs", "locked_by_id");
	const char *running =
	    locked ? "locked_by_id IS NOT NULL"
	    : has(t, "good_jobs", "performed_at")
		? "performed_at IS NOT NULL AND coalesce(scheduled_at, performed_at) <= now()"
		: "false";
	const char *retry = error ? "error IS NOT NULL" : "false";
	if (ask_counts(t, "good_jobs", "finished_at IS NULL", running, retry,
		       "coalesce(scheduled_at, '-infinity') > now()", s, err) < 0 ||
	    ask_queues(
		t, "queue_name", "good_jobs",
		error
		    ? "finished_at IS NULL AND error IS NULL AND coalesce(scheduled_at, '-infinity') <= now()"
		    : "finished_at IS NULL AND coalesce(scheduled_at, '-infinity') <= now()",
		s, err) < 0)
		return -1;
	if (has(t, "good_job_processes", "updated_at") &&
	    ask_int(t, "count(*)", "good_job_processes", "WHERE updated_at > now() - interval '90 s'",
		    &s->processes, err) < 0)
		return -1;
	if (deep && error &&
	    ask_int(t, "count(*)", "good_jobs", "WHERE finished_at IS NOT NULL AND error IS NOT NULL",
		    &s->failed, err) < 0)
		return -1;
	if (deep && ask_int(t, "count(*)", "good_jobs", "WHERE finished_at > now() - interval '1 min'",
			    &s->done_minute, err) < 0)
		return -1;
	return good_job_cron(t, side, err);
}

/* ---- Solid Queue ---- */

static int add_solid_queue(const struct tables *t, bool deep, struct jobs_side *side, struct err *err)
{
	struct jobs_system *s = jobs_add(side, "solid_queue");
	int64_t blocked = 0;
	if (ask_int(t, "count(*)", "solid_queue_ready_executions", "", &s->waiting, err) < 0 ||
	    ask_int(t, "count(*)", "solid_queue_scheduled_executions", "", &s->scheduled, err) < 0 ||
	    ask_int(t, "count(*)", "solid_queue_claimed_executions", "", &s->running, err) < 0 ||
	    ask_int(t, "count(*)", "solid_queue_failed_executions", "", &s->failed, err) < 0 ||
	    ask_int(t, "count(*)", "solid_queue_blocked_executions", "", &blocked, err) < 0 ||
	    (has(t, "solid_queue_ready_executions", "queue_name") &&
	     ask_queues(t, "queue_name", "solid_queue_ready_executions", "true", s, err) < 0))
		return -1;
	s->waiting += blocked;
	if (has(t, "solid_queue_processes", "last_heartbeat_at") &&
	    ask_int(t, "count(*)", "solid_queue_processes",
		    "WHERE last_heartbeat_at > now() - interval '90 s'", &s->processes, err) < 0)
		return -1;
	if (deep && ask_int(t, "count(*)", "solid_queue_jobs", "WHERE finished_at > now() - interval '1 min'",
			    &s->done_minute, err) < 0)
		return -1;
	if (!has(t, "solid_queue_recurring_tasks", "schedule"))
		return 0;
	struct pg_result *r = ask(t, "key, schedule", "solid_queue_recurring_tasks", "ORDER BY key", err);
	for (size_t i = 0; i < pg_rows(r); i++)
		jobs_add_cron(side, "solid_queue", pg_get(r, i, 0), strlen(pg_get(r, i, 0)), pg_get(r, i, 1),
			      strlen(pg_get(r, i, 1)), true);
	pg_result_free(r);
	return r ? 0 : -1;
}

/* ---- Delayed Job ---- */

static int add_delayed_job(const struct tables *t, struct jobs_side *side, struct err *err)
{
	struct jobs_system *s = jobs_add(side, "delayed_job");
	bool cron = has(t, "delayed_jobs", "cron");
	if (ask_counts(t, "delayed_jobs", "failed_at IS NULL", "locked_at IS NOT NULL", "attempts > 0",
		       "coalesce(run_at, '-infinity') > now()", s, err) < 0 ||
	    ask_int(t, "count(*)", "delayed_jobs", "WHERE failed_at IS NOT NULL", &s->failed, err) < 0)
		return -1;
	if (has(t, "delayed_jobs", "queue") &&
	    ask_queues(t, "queue", "delayed_jobs",
		       "failed_at IS NULL AND locked_at IS NULL AND attempts = 0 AND coalesce(run_at, "
		       "'-infinity') <= now()",
		       s, err) < 0)
		return -1;
	if (!cron)
		return 0;
	struct pg_result *r = ask(t,
				  "coalesce((regexp_match(handler, '(?:job_class|object): "
				  "*!?(?:ruby/[a-z]+:)?([A-Za-z0-9_:]+)'))[1], id::text), cron",
				  "delayed_jobs", "WHERE cron IS NOT NULL AND cron <> '' ORDER BY 1", err);
	for (size_t i = 0; i < pg_rows(r); i++)
		jobs_add_cron(side, "delayed_job", pg_get(r, i, 0), strlen(pg_get(r, i, 0)), pg_get(r, i, 1),
			      strlen(pg_get(r, i, 1)), true);
	pg_result_free(r);
	return r ? 0 : -1;
}

int jobs_add_pg(struct pg *pg, bool deep, struct jobs_side *side, struct err *err)
{
	struct tables t;
	int rc = tables_look(pg, &t, err);
	/* A table of that name that is something else has none of these. */
	if (rc == 0 && has(&t, "good_jobs", "finished_at") && has(&t, "good_jobs", "scheduled_at") &&
	    has(&t, "good_jobs", "queue_name"))
		rc = add_good_job(&t, deep, side, err);
	if (rc == 0 && has(&t, "solid_queue_jobs", "finished_at"))
		rc = add_solid_queue(&t, deep, side, err);
	if (rc == 0 && has(&t, "delayed_jobs", "locked_at") && has(&t, "delayed_jobs", "failed_at") &&
	    has(&t, "delayed_jobs", "attempts") && has(&t, "delayed_jobs", "run_at"))
		rc = add_delayed_job(&t, side, err);
	pg_result_free(t.columns);
	return rc;
}
