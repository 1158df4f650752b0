/* restore: pg_restore beside the new database, detached from us. Its fact is recorded before it starts, so
 * that a second engine finds it and joins it instead of starting another. */
#include "core/steps/restore.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include <stdlib.h>
#include <string.h>

static int restore_plan(struct job *job, struct plan *plan, struct err *err);
static int restore_run(struct job *job, struct err *err);
static enum done restore_probe(struct job *job, struct err *err);
static enum verdict restore_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"jobs", "int", "2", "parallel jobs of pg_restore"},
    {0},
};
static const char *const needs[] = {"dump", NULL};
static const char *const makes[] = {"restored-by-us", NULL};
static const char *const secrets[] = {"NEW_DATABASE_URL", NULL};

const struct step restore_step = {
    .name = "restore",
    .help = "restores the dump into the empty new database",
    .gate = GATE_YES,
    .cancel = CANCEL_ANYTIME,
    .joins = true,
    .rehearse = REHEARSE_THROWAWAY,
    .by_size = true,
    .params = params,
    .needs = needs,
    .makes = makes,
    .secrets = secrets,
    .plan = restore_plan,
    .run = restore_run,
    .probe = restore_probe,
    .prove = restore_prove,
};

enum { JOBS_MAX = 16, STOP_MS = 20000 };

/* ---- opening ---- */

/* Said at each look, by the shell that knows its number as $p. */
static const char process_state[] = "sed -n \"s/^State:[^A-Z]*//p\" /proc/$p/status 2>/dev/null";

static void use_base(struct restore *r, const char *base)
{
	text_copy(r->base, sizeof r->base, base);
	r->program = (struct detached){.ssh = r->ssh,
				       .container = r->db.container,
				       .base = r->base,
				       .program = "pg_restore",
				       .extra = process_state};
}

static int open_all(struct job *job, struct restore *r, struct err *err)
{
	const struct json *dump = job_fact(job, "dump", ""), *started = job_fact(job, "restore-started", "");
	*r = (struct restore){.job = job, .jobs = (int)json_int(job_params(job), "jobs", 2)};
	if (!json_get(job_params(job), "jobs") || json_is_string(json_get(job_params(job), "jobs")))
		r->jobs = (int)units_parse_int(json_str(job_params(job), "jobs", "2"), 0);
	if (r->jobs < 1 || r->jobs > JOBS_MAX)
		return err_set(err, ERR_CONFIG,
			       "restore: jobs is %d, but it goes from 1 to %d; mend the playbook", r->jobs,
			       JOBS_MAX);
	r->file = json_str(dump, "inside", "");
	r->file_bytes = json_int(dump, "size_bytes", -1);
	if (!*r->file)
		return err_set(err, ERR_REFUSED, "there is no dump on the host yet: run download first");
	if (copy_not_rehearsed(job, json_str(dump, "backup", ""), err) < 0 || docker_db(job, &r->db, err) < 0)
		return -1;
	r->ssh = ssh_open(job, SSH_ASKING, err);
	if (!r->ssh)
		return -1;
	use_base(r, json_str(started, "base", ""));
	return 0;
}

static void close_all(struct restore *r)
{
	pg_close(r->pg);
	ssh_close(r->ssh);
	restore_log_done(&r->log);
	pg_source_done(&r->source);
}

/* Where only what was missing came in a second one, the first one's log tells of all the rest. */
static int read_before(struct restore *r, struct err *err)
{
	const struct json *before = json_get(job_fact(r->job, "restore-started", ""), "before");
	for (const struct json *b = json_first(before); b; b = json_next(b)) {
		struct detached_look look = {0};
		use_base(r, json_text(b) ? json_text(b) : "");
		r->log_at = 0;
		int rc = restore_read_log(r, &look, err);
		if (rc == 0 && look.state == DETACHED_NEVER)
			rc = err_set(
			    err, ERR_WORLD,
			    "the log %s.log of the first pg_restore is gone from %s, so nobody can say "
			    "what it brought: run wipe-target, prepare-target, restore",
			    r->base, r->db.container);
		detached_look_done(&look);
		restore_log_again(&r->log);
		if (rc < 0)
			return -1;
	}
	return 0;
}

int restore_look_earlier(struct restore *r, struct detached_look *look, struct err *err)
{
	char last[sizeof r->base];
	text_copy(last, sizeof last, r->base);
	*look = (struct detached_look){.state = DETACHED_NEVER};
	if (!*last)
		return 0;
	int rc = read_before(r, err);
	use_base(r, last);
	r->log_at = 0;
	return rc < 0 ? -1 : restore_read_log(r, look, err);
}

bool restore_ended_whole(const struct restore *r, const struct detached_look *look)
{
	return look->state == DETACHED_ENDED && restore_log_whole(&r->log, look->rc);
}

int restore_count_tables(struct restore *r, size_t *n, struct err *err)
{
	struct pg_tables tables = {0};
	if (!r->pg)
		r->pg = pg_open_new(r->job, PG_LOOK, err);
	if (!r->pg || pg_tables_look(r->pg, &tables, err) < 0)
		return -1;
	*n = tables.n;
	pg_tables_done(&tables);
	return 0;
}

int restore_others(struct restore *r, int64_t *n, struct err *err)
{
	return pg_number(r->pg,
			 "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_restore' AND "
			 "datname = current_database()",
			 NULL, n, err);
}

static int restore_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct restore r;
	int rc = open_all(job, &r, err);
	if (rc == 0)
		rc = restore_fill_plan(&r, plan, err);
	close_all(&r);
	return rc;
}

/* ---- the run ---- */

/* copy.skip_data: tables whose rows stay behind; their definitions come. */
static int write_list(struct restore *r, bool *some, struct err *err)
{
	struct buf script = {0}, command = {0};
	*some = false;
	/* One after the other: of a pipe only the last one's end would be seen, and a list that was cut is
	 * restored without an error. */
	buf_addf(&script, "pg_restore -l %s >%s.toc && { grep -vF", r->file, r->base);
	for (size_t i = 0; i < r->log.n_tables; i++) {
		if (!r->log.tables[i]->skipped)
			continue;
		char *pattern =
		    xasprintf(" TABLE DATA %s %s ", r->log.tables[i]->schema, r->log.tables[i]->name);
		buf_adds(&script, " -e ");
		ssh_quote(&script, pattern);
		free(pattern);
		*some = true;
	}
	buf_addf(&script, " %s.toc >%s.list; [ $? -le 1 ]; }", r->base, r->base);
	buf_addf(&command, "docker exec %s sh -c ", r->db.container);
	ssh_quote(&command, buf_text(&script));
	int rc = *some ? ssh_run(r->ssh, NULL, err, "%s", buf_text(&command)) : 0;
	buf_done(&script);
	buf_done(&command);
	return rc;
}

static int record_start(struct restore *r, struct err *err)
{
	const struct json *earlier = job_fact(r->job, "restore-started", "");
	char base[100];
	text_copyf(base, sizeof base, "/tmp/nightferry-restore-%s",
		   *job_attempt(r->job) ? job_attempt(r->job) : "0");
	use_base(r, base);
	struct jw w;
	jw_fact(&w, "restore-started", "");
	jw_str(&w, "database", r->db.database);
	jw_str(&w, "container", r->db.container);
	jw_str(&w, "host", ssh_name(r->ssh));
	jw_str(&w, "file", r->file);
	jw_str(&w, "base", r->base);
	jw_strf(&w, "log", "%s.log", r->base);
	jw_strf(&w, "rc", "%s.rc", r->base);
	jw_strf(&w, "pid", "%s.pid", r->base);
	jw_int(&w, "jobs", r->jobs);
	jw_arr(&w, "before");
	for (const struct json *b = r->again ? json_first(json_get(earlier, "before")) : NULL; b;
	     b = json_next(b))
		jw_str(&w, NULL, json_text(b));
	if (r->again)
		jw_str(&w, NULL, json_str(earlier, "base", ""));
	jw_end(&w);
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(r->job, &w, err);
}

/* The plan saw this; a deploy may have migrated the database since. */
static int still_as_planned(struct restore *r, const struct detached_look *look, struct buf *entries,
			    struct err *err)
{
	const struct json *data = json_get(job_plan(r->job), "data");
	char why[240];
	size_t tables;
	int64_t size, others;
	if (restore_count_tables(r, &tables, err) < 0)
		return -1;
	int fits =
	    tables && json_bool(data, "again", false) ? restore_again_fits(r, look, why, sizeof why, err) : 0;
	if (fits < 0)
		return -1;
	if (restore_others(r, &others, err) < 0)
		return -1;
	if (others)
		return err_set(
		    err, ERR_WORLD,
		    "a pg_restore that is not ours works in %s by now; nothing was changed, let it end or "
		    "stop it, then plan again",
		    r->db.database);
	r->again = fits && restore_again_entries(r, entries) == (size_t)json_int(data, "entries", -1);
	if (tables && !r->again)
		return err_set(err, ERR_WORLD,
			       "%s is not as planned any more, it holds %zu tables; nothing was changed, "
			       "plan again (an empty one comes from wipe-target)",
			       r->db.database, tables);
	if (copy_file_size(r->ssh, r->db.container, r->file, &size, err) < 0)
		return -1;
	if (size != r->file_bytes)
		return err_set(
		    err, ERR_WORLD,
		    "the dump %s is not the recorded one any more; nothing was changed, run download again",
		    r->file);
	return 0;
}

/* What an earlier one has done says nothing about one that begins anew. */
static int begin_log(struct restore *r, struct err *err)
{
	r->log_at = 0;
	if (r->again) {
		restore_log_again(&r->log);
		return 0;
	}
	restore_log_done(&r->log);
	pg_source_done(&r->source);
	return restore_contents(r, err);
}

static int start(struct restore *r, const struct detached_look *look, struct err *err)
{
	struct buf command = {0}, entries = {0};
	bool some = true;
	int rc = still_as_planned(r, look, &entries, err);
	if (rc == 0)
		rc = begin_log(r, err);
	if (rc == 0)
		rc = record_start(r, err);
	if (rc == 0)
		rc = r->again ? restore_write_again(r, buf_text(&entries), err) : write_list(r, &some, err);
	buf_done(&entries);
	if (rc < 0)
		return -1;
	buf_addf(&command, "pg_restore -j%d --no-owner --no-acl --verbose -U ", r->jobs);
	ssh_quote(&command, r->db.user);
	buf_adds(&command, " -d ");
	ssh_quote(&command, r->db.database);
	if (some)
		buf_addf(&command, " -L %s.list", r->base);
	buf_addf(&command, " %s", r->file);
	rc = detached_start(&r->program, buf_text(&command), NULL, err);
	buf_done(&command);
	return rc;
}

static int cancel_all(struct restore *r, struct err *err)
{
	char left[80];
	ssh_deaf(r->ssh, true);
	struct err seen = {0};
	restore_left(r, left, sizeof left);
	if (detached_stop(&r->program, STOP_MS, &seen) < 0)
		return err_set(err, ERR_CANCELLED, "stopped here, but pg_restore may still run in %s: %s",
			       r->db.container, seen.text);
	return err_set(
	    err, ERR_CANCELLED,
	    "pg_restore was stopped; %s, and they stay there: run wipe-target before the next restore", left);
}

static int run_all(struct restore *r, struct err *err)
{
	struct detached_look look;
	struct err own = {0};
	size_t tables = 0;
	int rc = 0;
	int64_t began_ms = clock_life_ms();
	if (restore_contents(r, err) < 0 || restore_look_earlier(r, &look, err) < 0)
		return -1;
	if (look.state != DETACHED_ALIVE)
		rc = restore_count_tables(r, &tables, err);
	if (look.state == DETACHED_ALIVE)
		job_log(r->job, "NEW", "joining the pg_restore that already runs in %s", r->db.container);
	else if (rc == 0 && !(restore_ended_whole(r, &look) && tables))
		rc = start(r, &look, err);
	detached_look_done(&look);
	if (rc < 0)
		return -1;
	if (restore_follow(r, &rc, &own) < 0)
		return own.kind == ERR_CANCELLED ? cancel_all(r, err)
						 : err_set(err, own.kind, "%s", own.text);
	return restore_end(r, rc, clock_life_ms() - began_ms, err);
}

static int restore_run(struct job *job, struct err *err)
{
	struct restore r;
	int rc = open_all(job, &r, err);
	if (rc == 0)
		rc = run_all(&r, err);
	close_all(&r);
	return rc;
}

/* ---- looking back ---- */

static enum done restore_probe(struct job *job, struct err *err)
{
	struct restore r;
	struct detached_look look = {0};
	enum done done = DONE_UNCLEAR;
	if (!job_fact(job, "restore-started", ""))
		return DONE_NOT_DONE;
	if (open_all(job, &r, err) == 0 && restore_contents(&r, err) == 0 &&
	    restore_look_earlier(&r, &look, err) == 0) {
		done = look.state == DETACHED_ALIVE     ? DONE_RUNNING
		       : restore_ended_whole(&r, &look) ? DONE_DONE
		       : look.state == DETACHED_DEAD    ? DONE_UNCLEAR
							: DONE_NOT_DONE;
		if (done == DONE_UNCLEAR)
			err_set(err, ERR_WORLD,
				"pg_restore ran and is gone without having told how it ended");
	}
	detached_look_done(&look);
	close_all(&r);
	return done;
}

static enum verdict restore_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct restore r;
	if (!job_fact(job, "restore-started", "")) {
		evidence_add(ev, VERDICT_FAIL, "end", "never", "no restore was started tonight");
		return VERDICT_FAIL;
	}
	int rc = open_all(job, &r, err);
	if (rc == 0)
		rc = restore_prove_all(&r, ev, err);
	close_all(&r);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
