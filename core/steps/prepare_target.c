/* prepare-target: what the dump takes for granted. Heroku's dumps leave out the schema heroku_ext and what
 * lives in it; a table with a column of such a type is then not restored at all, so extensions come before
 * the restore. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/pg_extensions.h"
#include "core/links/pg_sides.h"
#include "core/links/pg_tables.h"
#include <ctype.h>
#include <string.h>

static int prepare_target_plan(struct job *job, struct plan *plan, struct err *err);
static int prepare_target_run(struct job *job, struct err *err);
static enum done prepare_target_probe(struct job *job, struct err *err);
static enum verdict prepare_target_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"skip", "any", "", "extensions that the app does not need, such as [pg_stat_statements]"},
    {0},
};
static const char *const needs[] = {"source", NULL};
static const char *const makes[] = {"prepared", NULL};
static const char *const secrets[] = {"NEW_DATABASE_URL", NULL};

const struct step prepare_target_step = {
    .name = "prepare-target",
    .help = "makes the schemas and extensions that the dump expects",
    .gate = GATE_NONE,
    .cancel = CANCEL_SAFE_POINT,
    .rehearse = REHEARSE_SAME,
    .params = params,
    .needs = needs,
    .makes = makes,
    .secrets = secrets,
    .plan = prepare_target_plan,
    .run = prepare_target_run,
    .probe = prepare_target_probe,
    .prove = prepare_target_prove,
};

static int read_source(struct job *job, struct pg_source *source, struct err *err)
{
	if (pg_source_read(job_fact(job, "source", ""), source))
		return 0;
	return err_set(err, ERR_REFUSED,
		       "Nothing is recorded about OLD yet, so nobody knows what the dump expects; run "
		       "record-source first.");
}

/* It goes into a statement as it stands, so outside of quotes it may be nothing but names. */
static bool plain_path(const char *path)
{
	bool quoted = false;
	for (; *path; path++) {
		quoted ^= *path == '"';
		if (!quoted && !isalnum((unsigned char)*path) && !strchr("_$, \"", *path))
			return false;
	}
	return !quoted;
}

/* The source's own search_path when it names the schema, else it is put behind what NEW has. */
static void wanted_path(const struct pg_source *source, const char *now, char *out, size_t size)
{
	const char *base = *source->search_path ? source->search_path : now;
	if (!plain_path(base))
		base = "\"$user\", public";
	struct buf path = {0};
	buf_adds(&path, base);
	for (size_t i = 0; i < source->n_extensions; i++) {
		const char *schema = source->extensions[i].schema;
		if (text_equal(schema, "public") || text_equal(schema, "pg_catalog") ||
		    text_find(buf_text(&path), schema))
			continue;
		buf_adds(&path, path.len ? ", " : "");
		pg_add_name(&path, schema);
	}
	text_copy(out, size, buf_text(&path));
	buf_done(&path);
}

static void locale_evidence(const struct pg_source *old, const struct pg_source *new_side, struct plan *plan)
{
	if (!text_equal(old->encoding, new_side->encoding)) {
		evidence_add(&plan->seen, VERDICT_FAIL, "encoding", new_side->encoding,
			     "OLD is %s and NEW is %s", old->encoding, new_side->encoding);
		plan_refuse(plan,
			    "NEW stores text as %s and OLD as %s, so the restore could change or refuse "
			    "text. Create the database of "
			    "NEW again with ENCODING '%s'.",
			    new_side->encoding, old->encoding, old->encoding);
		return;
	}
	bool same = text_equal(old->collate, new_side->collate) && text_equal(old->ctype, new_side->ctype);
	evidence_add(&plan->seen, same ? VERDICT_PASS : VERDICT_WARN, "collation", new_side->collate,
		     same ? "both sides sort by %s (%s)"
			  : "OLD sorts by %s and NEW by %s: lists may come in another order",
		     old->collate, same ? new_side->encoding : new_side->collate);
}

static int plan_statements(struct pg *pg, const struct pg_wants *wants, const char *path, const char *now,
			   struct plan *plan)
{
	size_t n = 0;
	struct buf text = {0};
	for (size_t i = 0; i < wants->n; i++) {
		const struct pg_want *want = &wants->list[i];
		evidence_add(&plan->seen, want->verdict, "extension", want->fact, "%s", want->text);
		if (want->verdict == VERDICT_FAIL && !*plan->refused)
			plan_refuse(plan, "%s", want->fix);
		buf_reset(&text);
		if (pg_want_sql(want, &text))
			plan_does(plan, "%s", buf_text(&text)), n++;
	}
	buf_done(&text);
	if (!text_equal(path, now))
		plan_does(plan, "ALTER DATABASE \"%s\" SET search_path = %s", pg_database(pg), path), n++;
	return (int)n;
}

static int prepare_target_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct pg_source source = {0}, now = {0};
	struct pg_wants wants = {0};
	char path[300];
	if (read_source(job, &source, err) < 0)
		return -1;
	struct pg *pg = pg_open_new(job, PG_LOOK, err);
	int rc = pg ? pg_source_look(pg, &now, err) : -1;
	if (rc == 0)
		rc = pg_wants_look(pg, &source, json_get(job_params(job), "skip"), &wants, err);
	if (rc == 0) {
		wanted_path(&source, now.search_path, path, sizeof path);
		text_copy(plan->target, sizeof plan->target, pg_database(pg));
		text_copy(plan->side, sizeof plan->side, "NEW");
		text_copy(plan->verb, sizeof plan->verb, "MAKES EXTENSIONS");
		text_copyf(plan->from, sizeof plan->from, "%zu of %zu extensions are there",
			   wants.n - wants.missing, wants.n);
		text_copyf(plan->to, sizeof plan->to, "%zu extensions, search_path %s", wants.n, path);
		text_copy(plan->back, sizeof plan->back,
			  "wipe-target removes them again; no data is touched");
		locale_evidence(&source, &now, plan);
		plan->nothing_to_do =
		    plan_statements(pg, &wants, path, now.search_path, plan) == 0 && !*plan->refused;
		plan->estimate_ms = 2000;
	}
	pg_wants_done(&wants);
	pg_source_done(&now);
	pg_source_done(&source);
	pg_close(pg);
	return rc;
}

static int record(struct job *job, const struct pg_wants *wants, const char *database,
		  const char *path_before, struct err *err)
{
	struct jw w;
	jw_fact(&w, "prepared", "");
	jw_str(&w, "database", database);
	jw_str(&w, "search_path_before", path_before);
	jw_arr(&w, "extensions");
	for (size_t i = 0; i < wants->n; i++) {
		if (wants->list[i].verdict != VERDICT_FAIL)
			jw_str(&w, NULL, wants->list[i].name);
	}
	jw_end(&w);
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(job, &w, err);
}

static int act(struct job *job, struct pg *pg, const struct pg_wants *wants, const char *path,
	       const char *now, struct err *err)
{
	struct buf sql = {0};
	int rc = 0;
	for (size_t i = 0; i < wants->n && rc == 0; i++) {
		buf_reset(&sql);
		job_progress(job, (int64_t)i, (int64_t)wants->n, "items", wants->list[i].name);
		if (pg_want_sql(&wants->list[i], &sql))
			rc = pg_exec(pg, err, "%s", buf_text(&sql));
		if (rc == 0 && job_stopping(job))
			rc = err_set(err, ERR_CANCELLED,
				     "Stopped on request after %s; running prepare-target again goes on.",
				     wants->list[i].name);
	}
	if (rc == 0 && !text_equal(path, now)) {
		buf_reset(&sql);
		buf_adds(&sql, "ALTER DATABASE ");
		pg_add_name(&sql, pg_database(pg));
		buf_addf(&sql, " SET search_path = %s", path);
		rc = pg_exec(pg, err, "%s", buf_text(&sql));
	}
	buf_done(&sql);
	return rc;
}

static int refuse_failed(const struct pg_wants *wants, struct err *err)
{
	for (size_t i = 0; i < wants->n; i++) {
		if (wants->list[i].verdict == VERDICT_FAIL)
			return err_set(err, ERR_WORLD, "%s", wants->list[i].fix);
	}
	return 0;
}

static int prepare_target_run(struct job *job, struct err *err)
{
	struct pg_source source = {0}, now = {0};
	struct pg_wants wants = {0};
	char path[300];
	if (read_source(job, &source, err) < 0)
		return -1;
	struct pg *pg = pg_open_new(job, PG_ACT, err);
	int rc = pg ? pg_source_look(pg, &now, err) : -1;
	if (rc == 0)
		rc = pg_wants_look(pg, &source, json_get(job_params(job), "skip"), &wants, err);
	if (rc == 0)
		rc = refuse_failed(&wants, err);
	if (rc == 0)
		rc = record(job, &wants, pg_database(pg), now.search_path, err);
	if (rc == 0) {
		wanted_path(&source, now.search_path, path, sizeof path);
		rc = act(job, pg, &wants, path, now.search_path, err);
	}
	pg_wants_done(&wants);
	pg_source_done(&now);
	pg_source_done(&source);
	pg_close(pg);
	return rc;
}

/* Looks with a session that did none of it, so that search_path is what the app will get. */
static enum verdict look(struct job *job, struct evidence *ev, struct err *err)
{
	struct pg_source source = {0}, now = {0};
	struct pg_wants wants = {0};
	if (read_source(job, &source, err) < 0)
		return VERDICT_UNKNOWN;
	struct pg *pg = pg_open_new(job, PG_LOOK, err);
	int rc = pg ? pg_source_look(pg, &now, err) : -1;
	if (rc == 0)
		rc = pg_wants_look(pg, &source, json_get(job_params(job), "skip"), &wants, err);
	for (size_t i = 0; i < wants.n && rc == 0; i++) {
		const struct pg_want *want = &wants.list[i];
		bool there = want->skipped || (want->installed && want->right_schema);
		evidence_add(ev, there ? want->verdict : VERDICT_FAIL, "extension", want->fact,
			     there ? "%s" : "%s: not there yet, run prepare-target again",
			     there ? want->text : want->name);
		if (there && !want->skipped && !text_equal(want->schema, "public") &&
		    !text_equal(want->schema, "pg_catalog") && !text_find(now.search_path, want->schema))
			evidence_add(ev, VERDICT_FAIL, "search_path", want->schema,
				     "new sessions do not look into %s (search_path is %s)", want->schema,
				     now.search_path);
	}
	if (rc == 0)
		evidence_add(ev, VERDICT_PASS, "search_path", now.search_path,
			     "new sessions start with search_path %s", now.search_path);
	pg_wants_done(&wants);
	pg_source_done(&now);
	pg_source_done(&source);
	pg_close(pg);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}

static enum done prepare_target_probe(struct job *job, struct err *err)
{
	struct evidence ev = {0};
	enum verdict verdict = look(job, &ev, err);
	evidence_done(&ev);
	return verdict == VERDICT_UNKNOWN ? DONE_UNCLEAR
	       : verdict == VERDICT_FAIL  ? DONE_NOT_DONE
					  : DONE_DONE;
}

/* A version that is a little newer is told and no reason to stop. */
static enum verdict prepare_target_prove(struct job *job, struct evidence *ev, struct err *err)
{
	enum verdict verdict = look(job, ev, err);
	return verdict == VERDICT_WARN ? VERDICT_PASS : verdict;
}
