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
    .rehearse = REHEARSE_THROWAWAY,
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

static void use_base(struct restore *r, const char *base)
{
	text_copy(r->base, sizeof r->base, base);
	r->program = (struct detached){
	    .ssh = r->ssh, .container = r->db.container, .base = r->base, .program = "pg_restore"};
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
	if (docker_db(job, &r->db, err) < 0)
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

int restore_look_earlier(struct restore *r, struct detached_look *look, struct err *err)
{
	*look = (struct detached_look){.state = DETACHED_NEVER};
	return *r->base ? restore_read_log(r, look, err) : 0;
}

/* It ended, and by its own account nothing is lost. One that was stopped ends with 1 too, but names no error
 * that was ignored. */
bool restore_ended_whole(const struct restore *r, const struct detached_look *look)
{
	if (look->state != DETACHED_ENDED || restore_log_harm(&r->log, NULL))
		return false;
	return look->rc == 0 || (look->rc == 1 && r->log.n_errors);
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
	const struct json *skip = json_path(job_config(r->job), "copy.skip_data");
	struct buf script = {0}, command = {0};
	*some = false;
	buf_addf(&script, "pg_restore -l %s | grep -vF", r->file);
	for (const struct json *s = json_first(skip); s; s = json_next(s)) {
		const char *label = json_text(s) ? json_text(s) : "", *dot = strchr(label, '.');
		struct restore_item *item = NULL;
		for (size_t i = 0; i < r->log.n && !item; i++)
			if (r->log.items[i].kind == RESTORE_DATA && text_equal(r->log.items[i].label, label))
				item = &r->log.items[i];
		if (!item)
			continue;
		char *pattern = dot ? xasprintf(" TABLE DATA %.*s %s ", (int)(dot - label), label, dot + 1)
				    : xasprintf(" TABLE DATA public %s ", label);
		buf_adds(&script, " -e ");
		ssh_quote(&script, pattern);
		free(pattern);
		item->skipped = *some = true;
	}
	buf_addf(&script, " >%s.list", r->base);
	buf_addf(&command, "docker exec %s sh -c ", r->db.container);
	ssh_quote(&command, buf_text(&script));
	int rc = *some ? ssh_run(r->ssh, NULL, err, "%s", buf_text(&command)) : 0;
	buf_done(&script);
	buf_done(&command);
	return rc;
}

static int record_start(struct restore *r, struct err *err)
{
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
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(r->job, &w, err);
}

static int start(struct restore *r, struct err *err)
{
	struct buf command = {0};
	size_t tables;
	int64_t size;
	bool some;
	/* The plan saw this; a deploy may have migrated the database since. */
	if (restore_count_tables(r, &tables, err) < 0)
		return -1;
	if (tables)
		return err_set(err, ERR_WORLD,
			       "%s is not empty any more, it holds %zu tables; nothing was changed, run "
			       "wipe-target and plan again",
			       r->db.database, tables);
	if (copy_file_size(r->ssh, r->db.container, r->file, &size, err) < 0)
		return -1;
	if (size != r->file_bytes)
		return err_set(
		    err, ERR_WORLD,
		    "the dump %s is not the recorded one any more; nothing was changed, run download again",
		    r->file);
	/* What an earlier one has done says nothing about this one. */
	restore_log_done(&r->log);
	r->log_at = 0;
	pg_source_done(&r->source);
	if (restore_contents(r, err) < 0)
		return -1;
	if (record_start(r, err) < 0 || write_list(r, &some, err) < 0)
		return -1;
	buf_addf(&command, "pg_restore -j%d --no-owner --no-acl --verbose -U ", r->jobs);
	ssh_quote(&command, r->db.user);
	buf_adds(&command, " -d ");
	ssh_quote(&command, r->db.database);
	if (some)
		buf_addf(&command, " -L %s.list", r->base);
	buf_addf(&command, " %s", r->file);
	int rc = detached_start(&r->program, buf_text(&command), NULL, err);
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

static int record_end(struct restore *r, int rc, struct err *err)
{
	struct jw w;
	jw_fact(&w, "restored-by-us", "");
	jw_str(&w, "database", r->db.database);
	jw_int(&w, "at_ms", clock_wall_ms());
	jw_int(&w, "rc", rc);
	jw_int(&w, "errors", (int64_t)restore_log_harm(&r->log, NULL));
	jw_int(&w, "harmless", (int64_t)(r->log.n_errors - restore_log_harm(&r->log, NULL)));
	return job_record(r->job, &w, err);
}

/* Which of its errors came first, and what it has cost. */
static int autopsy(struct restore *r, int rc, struct err *err)
{
	const struct restore_error *first;
	char lost[200];
	size_t harm = restore_log_harm(&r->log, &first),
	       tables = restore_log_lost(&r->log, lost, sizeof lost);
	if (rc < 0)
		return err_set(err, ERR_WORLD,
			       "pg_restore vanished without a word (was the container or the host "
			       "restarted?); what it has loaded stays: "
			       "run wipe-target, prepare-target, restore");
	if (!first && (rc == 0 || (rc == 1 && r->log.n_errors)))
		return 0;
	if (!first)
		return err_set(err, ERR_WORLD,
			       "pg_restore ended with %d and named no error; read %s.log in %s, then wipe "
			       "and restore again",
			       rc, r->base, r->db.container);
	return err_set(err, ERR_WORLD,
		       "pg_restore had %zu error%s%s%s; the first, at %s %s: %.160s. Most likely %s", harm,
		       harm == 1 ? "" : "s", tables ? " and lost " : "", lost,
		       *first->type ? first->type : "the start", first->label, first->text,
		       restore_log_cause(first->text));
}

static void tell_end(struct restore *r, int rc, int64_t began_ms)
{
	char text[160], left[80];
	size_t harm = restore_log_harm(&r->log, NULL), soft = r->log.n_errors - harm;
	restore_left(r, left, sizeof left);
	text_copyf(text, sizeof text, "%s; pg_restore ended with %d, %zu error%s%s", left, rc, harm,
		   harm == 1 ? "" : "s", soft ? " and some that cost nothing" : "");
	copy_ended(r->job, "restore", harm == 0 && rc >= 0, r->file_bytes, clock_life_ms() - began_ms, text);
	for (size_t i = 0; i < r->log.n_errors && i < 20; i++)
		job_log(r->job, "NEW", "%s %s: %s%s", r->log.errors[i].type, r->log.errors[i].label,
			r->log.errors[i].text, r->log.errors[i].harmless ? " (costs nothing)" : "");
}

static int run_all(struct restore *r, struct err *err)
{
	struct detached_look look;
	struct err own = {0};
	size_t tables = 0;
	int rc = -1;
	int64_t began_ms = clock_life_ms();
	if (restore_contents(r, err) < 0 || restore_look_earlier(r, &look, err) < 0)
		return -1;
	enum detached_state state = look.state;
	bool whole = restore_ended_whole(r, &look);
	detached_look_done(&look);
	if (state != DETACHED_ALIVE && restore_count_tables(r, &tables, err) < 0)
		return -1;
	if (state == DETACHED_ALIVE)
		job_log(r->job, "NEW", "joining the pg_restore that already runs in %s", r->db.container);
	else if (!(whole && tables) && start(r, err) < 0)
		return -1;
	if (restore_follow(r, &rc, &own) < 0)
		return own.kind == ERR_CANCELLED ? cancel_all(r, err)
						 : err_set(err, own.kind, "%s", own.text);
	tell_end(r, rc, began_ms);
	if (record_end(r, rc, err) < 0)
		return -1;
	return autopsy(r, rc, err);
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
