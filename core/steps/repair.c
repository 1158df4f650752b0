/* repair: what a restore leaves undone. Planner statistics, sequences that lag behind their tables, and the
 * rights of the app's role when another role did the restore. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/pg_sides.h"
#include "core/steps/repair_look.h"

static int repair_plan(struct job *job, struct plan *plan, struct err *err);
static int repair_run(struct job *job, struct err *err);
static enum done repair_probe(struct job *job, struct err *err);
static enum verdict repair_prove(struct job *job, struct evidence *ev, struct err *err);

static const char *const makes[] = {"repaired", NULL};
static const char *const secrets[] = {"NEW_DATABASE_URL", NULL};

const struct step repair_step = {
    .name = "repair",
    .help = "statistics, sequences and rights of the new database after the restore",
    .gate = GATE_NONE,
    .cancel = CANCEL_SAFE_POINT,
    .rehearse = REHEARSE_SAME,
    .by_size = true,
    .makes = makes,
    .secrets = secrets,
    .plan = repair_plan,
    .run = repair_run,
    .probe = repair_probe,
    .prove = repair_prove,
};

#define STAGES_BYTES (256LL << 20) /* below it a full round takes seconds anyway */

static int repair_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct repair_look seen = {0};
	struct pg *pg = pg_open_new(job, PG_LOOK, err);
	int rc = pg ? repair_look(job, pg, &seen, err) : -1;
	if (rc == 0) {
		text_copy(plan->target, sizeof plan->target, pg_database(pg));
		text_copy(plan->side, sizeof plan->side, "NEW");
		text_copy(plan->verb, sizeof plan->verb, "REPAIRS");
		text_copyf(plan->from, sizeof plan->from,
			   "%zu tables without statistics, %zu sequences behind, %zu objects without rights",
			   seen.n_unanalyzed, seen.behind, seen.n_grants);
		text_copy(plan->to, sizeof plan->to, "0, 0, 0");
		text_copy(plan->back, sizeof plan->back, "not needed: no row is changed");
		if (seen.n_unanalyzed)
			plan_does(plan, "ANALYZE of %zu tables over 2 connections%s", seen.n_unanalyzed,
				  seen.bytes >= STAGES_BYTES ? ", first a coarse round, then the full one"
							     : "");
		if (seen.collation.differs && seen.collation.may && !seen.collation.built_tonight)
			for (size_t i = 0; i < seen.collation.n_indexes && i < 3; i++)
				plan_does(plan, "REINDEX INDEX %s", seen.collation.indexes[i]);
		for (size_t i = 0; seen.collation.may && i < seen.collation.n_refresh && i < 2; i++)
			plan_does(plan, "%s", seen.collation.refresh[i]);
		if (seen.behind)
			plan_does(plan, "setval() of %zu sequences", seen.behind);
		for (size_t i = 0; i < seen.n_grants && i < 5; i++)
			plan_does(plan, "%s", seen.grants[i]);
		if (seen.n_grants > 5)
			plan_does(plan, "and %zu statements like these for role %s", seen.n_grants - 5,
				  seen.app_role);
		plan->nothing_to_do = !repair_left(&seen);
		plan->estimate_ms = 1000 + seen.rows / 2000 + repair_collation_ms(&seen.collation);
		repair_evidence(&seen, VERDICT_WARN, &plan->seen);
	}
	repair_look_done(&seen);
	pg_close(pg);
	return rc;
}

static int record(struct job *job, const struct repair_look *seen, struct err *err)
{
	struct jw w;
	jw_fact(&w, "repaired", "");
	jw_int(&w, "at_ms", clock_wall_ms());
	jw_int(&w, "analyzed", (int64_t)seen->n_unanalyzed);
	jw_arr(&w, "sequences");
	for (size_t i = 0; i < seen->sequences.n; i++) {
		const struct pg_sequence *s = &seen->sequences.list[i];
		int64_t to;
		if (!pg_sequence_behind(s, &seen->source.sequences, &to))
			continue;
		jw_obj(&w, NULL);
		jw_str(&w, "sequence", s->label);
		if (s->called)
			jw_strf(&w, "from", "%lld", (long long)s->last);
		jw_strf(&w, "to", "%lld", (long long)to);
		jw_end(&w);
	}
	jw_end(&w);
	jw_int(&w, "grants", (int64_t)seen->n_grants);
	jw_str(&w, "role", seen->app_role);
	return job_record(job, &w, err);
}

static int set_sequences(struct pg *pg, const struct repair_look *seen, struct err *err)
{
	struct buf sql = {0};
	int rc = 0;
	for (size_t i = 0; i < seen->sequences.n && rc == 0; i++) {
		const struct pg_sequence *s = &seen->sequences.list[i];
		int64_t to;
		if (!pg_sequence_behind(s, &seen->source.sequences, &to))
			continue;
		struct buf name = {0};
		pg_add_name(&name, s->schema);
		buf_addc(&name, '.');
		pg_add_name(&name, s->name);
		buf_reset(&sql);
		buf_adds(&sql, "SELECT setval(");
		pg_add_text(&sql, buf_text(&name));
		buf_addf(&sql, "::regclass, %lld)", (long long)to);
		rc = pg_exec(pg, err, "%s", buf_text(&sql));
		buf_done(&name);
	}
	buf_done(&sql);
	return rc;
}

/* All rights or none, so that a half-owned schema is never left behind. */
static int give_rights(struct pg *pg, const struct repair_look *seen, struct err *err)
{
	if (!seen->n_grants)
		return 0;
	int rc = pg_exec(pg, err, "BEGIN");
	for (size_t i = 0; i < seen->n_grants && rc == 0; i++)
		rc = pg_exec(pg, err, "%s", seen->grants[i]);
	return rc == 0 ? pg_exec(pg, err, "COMMIT") : rc;
}

struct analyzing {
	struct job *job;
	const struct repair_look *seen;
	size_t taken, finished;
};

static bool next_analyze(void *ctx, struct pg_lane *lane, struct buf *sql)
{
	struct analyzing *a = ctx;
	if (a->taken == a->seen->n_unanalyzed)
		return false;
	lane->item = a->taken++;
	buf_addf(sql, "ANALYZE %s", a->seen->unanalyzed[lane->item]);
	return true;
}

static int took_analyze(void *ctx, struct pg_lane *lane, const struct pg_result *result, struct err *err)
{
	struct analyzing *a = ctx;
	(void)err;
	a->finished++;
	job_progress(a->job, (int64_t)a->finished, (int64_t)a->seen->n_unanalyzed, "items",
		     a->seen->unanalyzed[lane->item]);
	return result ? 0 : -1;
}

/* One round over all of them; target: how finely, "" : as the server is set. */
static int analyze_round(struct job *job, struct pg *pg, const struct repair_look *seen, const char *target,
			 struct err *err)
{
	struct analyzing analyzing = {.job = job, .seen = seen};
	const struct pg_errand errand = {.next = next_analyze, .done = took_analyze, .ctx = &analyzing};
	struct pg_lane lanes[2] = {{.pg = pg}};
	size_t n = 1;
	int rc = 0;
	lanes[1].pg = pg_open_like(pg, NULL, PG_ACT, NULL);
	n += lanes[1].pg != NULL;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = *target ? pg_exec(lanes[i].pg, err, "SET default_statistics_target = %s", target)
			     : pg_exec(lanes[i].pg, err, "RESET default_statistics_target");
	if (rc == 0)
		rc = pg_together(lanes, n, &errand, err);
	pg_close(lanes[1].pg);
	return rc;
}

static int record_stage(struct job *job, struct pg *pg, bool full, struct err *err)
{
	struct jw w;
	int64_t now_ms;
	/* The server's clock, for it is the server that says when a table was analyzed. */
	if (pg_number(pg, "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint", NULL, &now_ms,
		      err) < 0)
		return -1;
	jw_fact(&w, "statistics", "");
	jw_str(&w, "stage", full ? "full" : "coarse");
	jw_int(&w, "full_ms", full ? now_ms : 0);
	return job_record(job, &w, err);
}

/* A large database gets a few samples of every table first: with them plans are usable within seconds, also
 * when the full round is cut short. */
static int analyze(struct job *job, struct pg *pg, const struct repair_look *seen, struct err *err)
{
	const struct json *before = job_fact(job, "statistics", "");
	int rc = 0;
	if (seen->bytes >= STAGES_BYTES && !before) {
		rc = record_stage(job, pg, false, err);
		if (rc == 0)
			rc = analyze_round(job, pg, seen, "1", err);
		if (rc == 0 && job_stopping(job))
			rc = err_set(
			    err, ERR_CANCELLED,
			    "Stopped on request after the coarse statistics; running repair again goes on.");
	}
	bool coarse = before ? json_int(before, "full_ms", 0) == 0 : seen->bytes >= STAGES_BYTES;
	if (rc == 0 && coarse)
		rc = record_stage(job, pg, true, err);
	return rc < 0 ? -1 : analyze_round(job, pg, seen, "", err);
}

static int repair_run(struct job *job, struct err *err)
{
	struct repair_look seen = {0};
	struct pg *pg = pg_open_new(job, PG_ACT, err);
	int rc = pg ? repair_look(job, pg, &seen, err) : -1;
	if (rc == 0)
		rc = record(job, &seen, err);
	if (rc == 0)
		rc = set_sequences(pg, &seen, err);
	if (rc == 0)
		rc = give_rights(pg, &seen, err);
	if (rc == 0)
		rc = repair_collation_run(job, pg, &seen.collation, err);
	if (rc == 0)
		rc = analyze(job, pg, &seen, err);
	repair_look_done(&seen);
	pg_close(pg);
	return rc;
}

static enum done repair_probe(struct job *job, struct err *err)
{
	struct repair_look seen = {0};
	struct pg *pg = pg_open_new(job, PG_LOOK, err);
	int rc = pg ? repair_look(job, pg, &seen, err) : -1;
	bool left = repair_left(&seen);
	repair_look_done(&seen);
	pg_close(pg);
	return rc < 0 ? DONE_UNCLEAR : left ? DONE_NOT_DONE : DONE_DONE;
}

static enum verdict repair_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct repair_look seen = {0};
	struct pg *pg = pg_open_new(job, PG_LOOK, err);
	int rc = pg ? repair_look(job, pg, &seen, err) : -1;
	bool left = repair_left(&seen);
	if (rc == 0)
		repair_evidence(&seen, VERDICT_FAIL, ev);
	repair_look_done(&seen);
	pg_close(pg);
	/* A collation that is another's to mend is told, and nothing this step can do. */
	return rc < 0 ? VERDICT_UNKNOWN : left ? VERDICT_FAIL : VERDICT_PASS;
}
