/* prepare-target: what the dump takes for granted. Heroku's dumps leave out the schema heroku_ext and what
 * lives in it; a table with a column of such a type is then not restored at all, so extensions come before
 * the restore. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/pg_sides.h"
#include "core/steps/target_fit.h"
#include <ctype.h>
#include <stdlib.h>
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

/* What is still to be run. */
struct todo {
	char **list;
	size_t n;
};

static void add(struct todo *todo, struct buf *sql)
{
	todo->list = xrealloc(todo->list, todo->n + 1, sizeof *todo->list);
	todo->list[todo->n++] = xstrdup(buf_text(sql));
	buf_reset(sql);
}

static void todo_find(const struct target_fit *fit, const char *path, struct todo *todo)
{
	struct buf sql = {0};
	char refresh[200];
	*todo = (struct todo){0};
	for (size_t i = 0; i < fit->wants.n; i++)
		if (pg_want_sql(&fit->wants.list[i], &sql))
			add(todo, &sql);
	for (size_t i = 0; i < fit->needs.n_schemas; i++) {
		buf_adds(&sql, "CREATE SCHEMA IF NOT EXISTS ");
		pg_add_name(&sql, fit->needs.schemas[i]);
		add(todo, &sql);
	}
	target_fit_collation(fit, refresh, sizeof refresh);
	if (*refresh) {
		buf_adds(&sql, refresh);
		add(todo, &sql);
	}
	if (!text_equal(path, fit->now.search_path)) {
		buf_adds(&sql, "ALTER DATABASE ");
		pg_add_name(&sql, fit->now.database);
		buf_addf(&sql, " SET search_path = %s", path);
		add(todo, &sql);
	}
	buf_done(&sql);
}

static void todo_done(struct todo *todo)
{
	for (size_t i = 0; i < todo->n; i++)
		free(todo->list[i]);
	free(todo->list);
	*todo = (struct todo){0};
}

struct prepare {
	struct pg *pg;
	struct target_fit fit;
	char path[300];
	struct todo todo;
};

static int prepare_open(struct job *job, enum pg_mode mode, struct prepare *p, struct err *err)
{
	*p = (struct prepare){.pg = pg_open_new(job, mode, err)};
	if (!p->pg || target_fit_look(job, p->pg, json_get(job_params(job), "skip"), &p->fit, err) < 0)
		return -1;
	wanted_path(&p->fit.source, p->fit.now.search_path, p->path, sizeof p->path);
	todo_find(&p->fit, p->path, &p->todo);
	return 0;
}

static void prepare_close(struct prepare *p)
{
	todo_done(&p->todo);
	target_fit_done(&p->fit);
	pg_close(p->pg);
}

static int prepare_target_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct prepare p;
	int rc = prepare_open(job, PG_LOOK, &p, err);
	if (rc == 0) {
		const struct pg_wants *wants = &p.fit.wants;
		text_copy(plan->target, sizeof plan->target, pg_database(p.pg));
		text_copy(plan->side, sizeof plan->side, "NEW");
		text_copy(plan->verb, sizeof plan->verb, "MAKES EXTENSIONS");
		text_copyf(plan->from, sizeof plan->from, "%zu of %zu extensions are there",
			   wants->n - wants->missing, wants->n);
		text_copyf(plan->to, sizeof plan->to, "%zu extensions, search_path %s", wants->n, p.path);
		text_copy(plan->back, sizeof plan->back,
			  "wipe-target removes them again; no data is touched");
		target_fit_judge(&p.fit, false, plan);
		for (size_t i = 0; i < p.todo.n; i++)
			plan_does(plan, "%s", p.todo.list[i]);
		plan->nothing_to_do = !p.todo.n && !*plan->refused;
		plan->estimate_ms = 2000;
	}
	prepare_close(&p);
	return rc;
}

static int record(struct job *job, const struct prepare *p, struct err *err)
{
	struct jw w;
	jw_fact(&w, "prepared", "");
	jw_str(&w, "database", pg_database(p->pg));
	jw_str(&w, "search_path_before", p->fit.now.search_path);
	jw_arr(&w, "extensions");
	for (size_t i = 0; i < p->fit.wants.n; i++) {
		if (p->fit.wants.list[i].verdict != VERDICT_FAIL)
			jw_str(&w, NULL, p->fit.wants.list[i].name);
	}
	jw_end(&w);
	jw_arr(&w, "schemas");
	for (size_t i = 0; i < p->fit.needs.n_schemas; i++)
		jw_str(&w, NULL, p->fit.needs.schemas[i]);
	jw_end(&w);
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(job, &w, err);
}

static int act(struct job *job, const struct prepare *p, struct err *err)
{
	for (size_t i = 0; i < p->todo.n; i++) {
		job_progress(job, (int64_t)i, (int64_t)p->todo.n, "items", p->todo.list[i]);
		if (pg_exec(p->pg, err, "%s", p->todo.list[i]) < 0)
			return -1;
		if (job_stopping(job))
			return err_set(
			    err, ERR_CANCELLED,
			    "Stopped on request after \"%.120s\"; running prepare-target again goes on.",
			    p->todo.list[i]);
	}
	return 0;
}

/* What the plan would refuse now is refused here too: an extension may have gone since. */
static int refuse_unfit(const struct target_fit *fit, struct err *err)
{
	struct plan plan = {0};
	target_fit_judge(fit, false, &plan);
	int rc = *plan.refused ? err_set(err, ERR_WORLD, "%s", plan.refused) : 0;
	plan_done(&plan);
	return rc;
}

static int prepare_target_run(struct job *job, struct err *err)
{
	struct prepare p;
	int rc = prepare_open(job, PG_ACT, &p, err);
	if (rc == 0)
		rc = refuse_unfit(&p.fit, err);
	if (rc == 0)
		rc = record(job, &p, err);
	if (rc == 0)
		rc = act(job, &p, err);
	prepare_close(&p);
	return rc;
}

static void look_extension(const struct pg_want *want, const char *path, struct evidence *ev)
{
	bool there = want->skipped || (want->installed && want->right_schema);
	evidence_add(ev, there ? want->verdict : VERDICT_FAIL, "extension", want->fact,
		     there ? "%s" : "%s: not there yet, run prepare-target again",
		     there ? want->text : want->name);
	if (there && !want->skipped && !text_equal(want->schema, "public") &&
	    !text_equal(want->schema, "pg_catalog") && !text_find(path, want->schema))
		evidence_add(ev, VERDICT_FAIL, "search_path", want->schema,
			     "new sessions do not look into %s (search_path is %s)", want->schema, path);
}

/* Looks with a session that did none of it, so that search_path is what the app will get. */
static enum verdict look(struct job *job, struct evidence *ev, struct err *err)
{
	struct prepare p;
	int rc = prepare_open(job, PG_LOOK, &p, err);
	for (size_t i = 0; i < p.fit.wants.n && rc == 0; i++)
		look_extension(&p.fit.wants.list[i], p.fit.now.search_path, ev);
	for (size_t i = 0; i < p.fit.needs.n_schemas && rc == 0; i++)
		evidence_add(ev, VERDICT_FAIL, "schema", p.fit.needs.schemas[i],
			     "schema %s is not there yet, run prepare-target again", p.fit.needs.schemas[i]);
	if (rc == 0)
		evidence_add(ev, VERDICT_PASS, "search_path", p.fit.now.search_path,
			     "new sessions start with search_path %s", p.fit.now.search_path);
	prepare_close(&p);
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
