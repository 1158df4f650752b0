/* export-new-rows: what was written on the new side goes into a file on its host, before anybody goes back.
 * Loading it is a person's decision; having it is not. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/links/pg_sides.h"
#include "core/steps/export_script.h"
#include "core/steps/host_copy.h"
#include <stdio.h>

static int export_new_rows_plan(struct job *job, struct plan *plan, struct err *err);
static int export_new_rows_run(struct job *job, struct err *err);
static enum done export_new_rows_probe(struct job *job, struct err *err);
static enum verdict export_new_rows_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {{0}};
static const char *const makes[] = {"exported", NULL};
static const char *const secrets[] = {"NEW_DATABASE_URL", NULL};

const struct step export_new_rows_step = {
    .name = "export-new-rows",
    .help = "puts the rows written on the new side into a file that the old database can load",
    .gate = GATE_NONE,
    .cancel = CANCEL_ANYTIME,
    .rehearse = REHEARSE_SKIP,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .plan = export_new_rows_plan,
    .run = export_new_rows_run,
    .probe = export_new_rows_probe,
    .prove = export_new_rows_prove,
};

enum { EXPORT_MS = 3 * 3600 * 1000, TABLES_SHOWN = 8 };

/* A new app that nobody started has written nothing. */
static bool never_started(struct job *job)
{
	return !job_fact(job, "app-booted", "") && !job_fact(job, "boundary", "") &&
	       !job_fact_at(job, "dns-pointed", 0);
}

static bool boundary_known(struct job *job)
{
	struct pg_since since;
	bool known = pg_since_read(job, &since);
	pg_since_done(&since);
	return known;
}

/* Filled again after the boundary, and not started since: what is there is the copy. */
static bool only_the_copy(struct job *job)
{
	return never_started(job) || json_int(job_fact(job, "restored-by-us", ""), "at_ms", 0) >
					 json_int(job_fact(job, "app-booted", ""), "at_ms", 0);
}

/* ---- the plan ---- */

static void plan_tables(struct plan *plan, const struct export_rows *rows)
{
	char count[UNITS_MAX], more[UNITS_MAX];
	size_t shown = 0, left = 0;
	int64_t left_rows = 0;
	for (size_t i = 0; i < rows->tables.n; i++) {
		const struct pg_table *t = &rows->tables.list[i];
		if (t->rows <= 0)
			continue;
		if (shown++ < TABLES_SHOWN) {
			evidence_add(&plan->seen, VERDICT_PASS, t->label, "", "%s: %s rows", t->label,
				     units_count(count, t->rows));
			continue;
		}
		left++;
		left_rows += t->rows;
	}
	if (left)
		evidence_add(&plan->seen, VERDICT_PASS, "more", "", "%zu more tables: %s rows", left,
			     units_count(more, left_rows));
}

static void see_gone(struct evidence *ev, const struct export_rows *rows)
{
	char updated[UNITS_MAX], deleted[UNITS_MAX];
	if (!rows->updated && !rows->deleted)
		return;
	evidence_add(ev, VERDICT_WARN, "changes", "",
		     "By the server's counters rows were changed %s times and %s were deleted on NEW: "
		     "changed rows are in "
		     "the file, but loading it leaves rows alone that OLD has.",
		     units_count(updated, rows->updated), units_count(deleted, rows->deleted));
}

static int plan_words(struct job *job, struct plan *plan, const struct export_rows *rows, struct err *err)
{
	char count[UNITS_MAX], at[UNITS_MAX], folder[300];
	struct docker_db db;
	if (docker_db(job, &db, err) < 0)
		return -1;
	text_copyf(plan->from, sizeof plan->from, "%s rows of %lld tables, written on NEW since %s",
		   units_count(count, rows->rows), (long long)rows->changed_tables,
		   units_clock(at, rows->since.at_ms));
	text_copyf(folder, sizeof folder, "~/.nightferry/%s", job_config_str(job, "app", "app"));
	text_copyf(plan->to, sizeof plan->to, "%s:%s/new-rows-*.sql",
		   job_config_str(job, "host.address", "the host"), folder);
	plan_does(plan,
		  "docker exec -i %s psql -U %s -d %s (COPY of rows with xmin >= %lld) >%s/new-rows-*.sql",
		  db.container, db.user, db.database, (long long)rows->since.xmin, folder);
	plan_tables(plan, rows);
	see_gone(&plan->seen, rows);
	text_copy(
	    plan->then, sizeof plan->then,
	    "the file lies on the new host; psql -f loads it into the old database, whenever you decide to");
	text_copy(plan->back, sizeof plan->back, "delete the file");
	plan->estimate_ms = 3000 + rows->rows / 50;
	plan->nothing_to_do = rows->rows == 0;
	return 0;
}

static int export_new_rows_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct pg_where where;
	struct export_rows rows = {0};
	text_copy(plan->side, sizeof plan->side, "NEW");
	text_copy(plan->verb, sizeof plan->verb, "EXPORTS NEW ROWS");
	if (pg_where_new(job, &where, err) < 0)
		return -1;
	text_copy(plan->target, sizeof plan->target, where.database);
	plan->estimate_ms = 5000;
	if (!boundary_known(job)) {
		plan->nothing_to_do = only_the_copy(job);
		if (!plan->nothing_to_do)
			plan_refuse(plan, "Nobody recorded where the new database stood when the new app "
					  "started, so its new rows "
					  "cannot be told from copied ones. Keep that database as it is and "
					  "look by hand; S goes on "
					  "without the export.");
		return 0;
	}
	struct pg *pg = pg_open_new(job, PG_LOOK, err);
	int rc = pg && pg_limit(pg, 0, err) == 0 ? export_look(job, pg, false, &rows, err) : -1;
	if (rc == 0)
		rc = plan_words(job, plan, &rows, err);
	export_done(&rows);
	pg_close(pg);
	return rc;
}

/* ---- the run ---- */

struct counted {
	int64_t tables, rows, wrong, ended;
};

static int count_file(struct ssh *ssh, const char *path, struct counted *out, struct err *err)
{
	struct buf text = {0};
	long long tables = -1, rows = -1, wrong = -1, ended = 0;
	int rc = ssh_run(ssh, &text, err, "LC_ALL=C awk '%s' '%s'", export_count_awk, path);
	if (rc == 0 && sscanf(buf_text(&text), "%lld %lld %lld %lld", &tables, &rows, &wrong, &ended) != 4)
		rc = err_set(err, ERR_WORLD, "%s on %s could not be counted", path, ssh_name(ssh));
	*out = (struct counted){tables, rows, wrong, ended};
	buf_done(&text);
	return rc;
}

static int write_file(struct ssh *ssh, const struct docker_db *db, const char *path, const struct buf *script,
		      struct err *err)
{
	struct buf command = {0};
	struct ssh_reply reply;
	buf_addf(&command,
		 "umask 077; mkdir -p \"$(dirname '%s')\" && docker exec -i %s psql -X -q -A -t -v "
		 "ON_ERROR_STOP=1 -U ",
		 path, db->container);
	ssh_quote(&command, db->user);
	buf_adds(&command, " -d ");
	ssh_quote(&command, db->database);
	buf_addf(&command, " >'%s.part'", path);
	struct ssh_call call = {.command = buf_text(&command),
				.input = script->data,
				.input_len = script->len,
				.timeout_ms = EXPORT_MS};
	int rc = ssh_exec(ssh, &call, &reply, err);
	if (rc == 0 && reply.status != 0) {
		char said[240];
		text_clean(said, sizeof said, buf_text(&reply.err), reply.err.len);
		rc = err_set(
		    err, ERR_WORLD,
		    "psql on %s could not export the new rows (%s); nothing else was touched, run it again",
		    ssh_name(ssh), *said ? said : "it gave no reason");
	}
	ssh_reply_done(&reply);
	buf_done(&command);
	return rc;
}

/* What was counted over one connection must be what was written over the other. */
static int check_file(struct ssh *ssh, const char *path, const struct export_rows *rows, struct err *err)
{
	struct counted seen;
	if (count_file(ssh, path, &seen, err) < 0)
		return -1;
	if (seen.ended == 1 && seen.wrong == 0 && seen.rows == rows->rows && seen.tables == (int64_t)rows->n)
		return 0;
	return err_set(err, ERR_WORLD,
		       "%s holds %lld rows of %lld tables%s and not the %lld of %zu that were counted; the "
		       "disk may be full: "
		       "look, and run it again",
		       path, (long long)seen.rows, (long long)seen.tables, seen.ended ? "" : " and is cut",
		       (long long)rows->rows, rows->n);
}

static int record_export(struct job *job, struct ssh *ssh, const char *path, const struct export_rows *rows,
			 struct err *err)
{
	char sha256[65];
	int64_t size;
	if (copy_file_size(ssh, NULL, path, &size, err) < 0 ||
	    copy_file_sha256(ssh, NULL, path, sha256, err) < 0)
		return -1;
	struct jw w;
	jw_fact(&w, "exported", "");
	jw_str(&w, "path", path);
	jw_str(&w, "host", ssh_name(ssh));
	jw_str(&w, "attempt", job_attempt(job));
	jw_int(&w, "rows", rows->rows);
	jw_arr(&w, "tables");
	for (size_t i = 0; i < rows->n; i++) {
		jw_obj(&w, NULL);
		jw_str(&w, "table", rows->list[i].table->label);
		jw_int(&w, "rows", rows->list[i].table->rows);
		jw_end(&w);
	}
	jw_end(&w);
	jw_int(&w, "updated", rows->updated);
	jw_int(&w, "deleted", rows->deleted);
	jw_int(&w, "size_bytes", size);
	jw_str(&w, "sha256", sha256);
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(job, &w, err);
}

static int export_all(struct job *job, struct pg *pg, struct ssh *ssh, struct err *err)
{
	struct export_rows rows = {0};
	struct docker_db db;
	struct buf script = {0};
	struct jw w;
	char folder[300], path[360], snapshot[64];
	int rc = pg_limit(pg, 0, err);
	if (rc == 0)
		rc = pg_exec(pg, err, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
	if (rc == 0)
		rc = pg_value(pg, "SELECT pg_export_snapshot()", NULL, snapshot, sizeof snapshot, err);
	if (rc == 0)
		rc = export_look(job, pg, true, &rows, err);
	if (rc == 0)
		rc = export_script(job, pg, &rows, snapshot, &script, err);
	if (rc == 0 && (docker_db(job, &db, err) < 0 || copy_folder(ssh, folder, sizeof folder, err) < 0))
		rc = -1;
	text_copyf(path, sizeof path, "%s/new-rows-%s.sql", folder,
		   *job_attempt(job) ? job_attempt(job) : "0");
	if (rc == 0) {
		jw_fact(&w, "export-started", "");
		jw_str(&w, "path", path);
		jw_int(&w, "at_ms", clock_wall_ms());
		rc = job_record(job, &w, err);
	}
	if (rc == 0)
		rc = write_file(ssh, &db, path, &script, err);
	if (rc == 0)
		rc = ssh_run(ssh, NULL, err, "sync '%s.part' 2>/dev/null; mv -f '%s.part' '%s'", path, path,
			     path);
	if (rc == 0)
		rc = check_file(ssh, path, &rows, err);
	if (rc == 0)
		rc = record_export(job, ssh, path, &rows, err);
	buf_done(&script);
	export_done(&rows);
	return rc;
}

static int export_new_rows_run(struct job *job, struct err *err)
{
	struct ssh *ssh = ssh_open(job, SSH_ASKING, err);
	struct pg *pg = ssh ? pg_open_new(job, PG_LOOK, err) : NULL;
	int rc = pg ? export_all(job, pg, ssh, err) : -1;
	pg_close(pg);
	ssh_close(ssh);
	return rc;
}

static bool by_this_attempt(struct job *job)
{
	return *job_attempt(job) &&
	       text_equal(json_str(job_fact(job, "exported", ""), "attempt", ""), job_attempt(job));
}

static enum done export_new_rows_probe(struct job *job, struct err *err)
{
	(void)err;
	/* The file is complete before the fact is: without the fact it is made again, beside the other. */
	return by_this_attempt(job) ? DONE_DONE : DONE_NOT_DONE;
}

/* ---- the proof ---- */

static enum verdict prove_none(struct job *job, struct evidence *ev, struct err *err)
{
	struct export_rows rows = {0};
	char count[UNITS_MAX];
	if (!boundary_known(job) && only_the_copy(job)) {
		evidence_add(ev, VERDICT_PASS, "rows", "none",
			     "The new app was not started on this copy, so it wrote nothing.");
		return VERDICT_PASS;
	}
	struct pg *pg = pg_open_new(job, PG_LOOK, err);
	int rc = pg && pg_limit(pg, 0, err) == 0 ? export_look(job, pg, false, &rows, err) : -1;
	if (rc == 0)
		evidence_add(
		    ev, rows.rows ? VERDICT_FAIL : VERDICT_PASS, "rows", rows.rows ? "left" : "none",
		    rows.rows
			? "%s rows were written on NEW and are in no file yet."
			: "%s rows were written on NEW since its app started: there is nothing to export.",
		    units_count(count, rows.rows));
	if (rc == 0)
		see_gone(ev, &rows);
	export_done(&rows);
	pg_close(pg);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}

static enum verdict export_new_rows_prove(struct job *job, struct evidence *ev, struct err *err)
{
	const struct json *fact = job_fact(job, "exported", "");
	const char *path = json_str(fact, "path", "");
	char sha256[65], count[UNITS_MAX];
	struct counted seen;
	if (!by_this_attempt(job))
		return prove_none(job, ev, err);
	struct ssh *ssh = ssh_open(job, SSH_ASKING, err);
	int rc = ssh ? copy_file_sha256(ssh, NULL, path, sha256, err) : -1;
	if (rc == 0 && *sha256)
		rc = count_file(ssh, path, &seen, err);
	ssh_close(ssh);
	if (rc < 0)
		return VERDICT_UNKNOWN;
	bool same = text_equal(sha256, json_str(fact, "sha256", "?"));
	evidence_add(ev, same ? VERDICT_PASS : VERDICT_FAIL, "file", sha256,
		     same ? "%s, SHA-256 %.12s… as recorded." : "%s is not the recorded file (%.12s).", path,
		     *sha256 ? sha256 : "missing");
	if (!same)
		return VERDICT_FAIL;
	bool whole = seen.ended == 1 && seen.wrong == 0 && seen.rows == json_int(fact, "rows", -2) &&
		     seen.tables == (int64_t)json_count(json_get(fact, "tables"));
	evidence_add(ev, whole ? VERDICT_PASS : VERDICT_FAIL, "rows", whole ? "all" : "other",
		     whole ? "It was read back: %s rows of %lld tables, as counted in the database."
			   : "It was read back: %s rows of %lld tables, and not what was counted.",
		     units_count(count, seen.rows), (long long)seen.tables);
	see_gone(ev, &(struct export_rows){.updated = json_int(fact, "updated", 0),
					   .deleted = json_int(fact, "deleted", 0)});
	return evidence_verdict(ev);
}
