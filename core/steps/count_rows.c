/* count-rows: whether both sides hold the same rows. run() compares in the open, with every table on the
 * screen; the proof looks again, as cheaply as honesty allows. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/pg_sides.h"
#include "core/steps/count_compare.h"
#include <stdlib.h>

static int count_rows_plan(struct job *job, struct plan *plan, struct err *err);
static int count_rows_run(struct job *job, struct err *err);
static enum done count_rows_probe(struct job *job, struct err *err);
static enum verdict count_rows_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"content", "flag", "true", "compare what the rows say, not only how many there are"},
    {0},
};
static const char *const makes[] = {"compared", NULL};
static const char *const secrets[] = {"HEROKU_API_KEY", "NEW_DATABASE_URL", NULL};

const struct step count_rows_step = {
    .name = "count-rows",
    .help = "counts every table on both sides and compares what the rows say",
    .gate = GATE_NONE,
    .cancel = CANCEL_ANYTIME,
    .rehearse = REHEARSE_SAME,
    .by_size = true,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .plan = count_rows_plan,
    .run = count_rows_run,
    .probe = count_rows_probe,
    .prove = count_rows_prove,
};

static bool wants_content(struct job *job)
{
	const struct json *given = json_get(job_params(job), "content");
	return json_is_bool(given) ? json_true(given) : !text_equal(json_text(given), "false");
}

static int count_rows_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct pg_tables old_tables = {0}, new_tables = {0};
	struct pg *old_pg = pg_open_old(job, err);
	struct pg *new_pg = old_pg ? pg_open_new(job, PG_LOOK, err) : NULL;
	int rc = new_pg ? pg_tables_look(old_pg, &old_tables, err) : -1;
	if (rc == 0)
		rc = pg_tables_look(new_pg, &new_tables, err);
	if (rc == 0) {
		char rows[UNITS_MAX];
		int64_t about = pg_tables_estimate(&old_tables);
		text_copyf(plan->target, sizeof plan->target, "%s", pg_database(new_pg));
		text_copy(plan->verb, sizeof plan->verb, "LOOKS");
		text_copyf(plan->from, sizeof plan->from, "OLD %zu tables, NEW %zu tables", old_tables.n,
			   new_tables.n);
		text_copyf(plan->to, sizeof plan->to, "every table counted%s on both sides",
			   wants_content(job) ? " and hashed" : "");
		text_copy(plan->back, sizeof plan->back, "nothing is changed");
		plan_does(plan, "SELECT count(*)%s of about %s rows on each side",
			  wants_content(job) ? " and a hash of all rows" : "", units_count(rows, about));
		plan->estimate_ms = 1000 + about / (wants_content(job) ? 600 : 3000);
	}
	pg_tables_done(&old_tables);
	pg_tables_done(&new_tables);
	pg_close(old_pg);
	pg_close(new_pg);
	return rc;
}

static void tell(struct jw *w, const struct compared *c)
{
	jw_int(w, "tables", (int64_t)c->n);
	jw_int(w, "equal", (int64_t)c->equal);
	jw_int(w, "differ", (int64_t)(c->differ + c->unknown));
	jw_int(w, "missing", (int64_t)c->missing);
	jw_int(w, "skipped", (int64_t)c->skipped);
	jw_int(w, "waived", (int64_t)c->waived);
	jw_int(w, "old_rows", c->old_rows);
	jw_int(w, "new_rows", c->new_rows);
	jw_bool(w, "content", c->content);
}

static void write_event(struct jw *w, const struct compared *c)
{
	jw_event(w, "rows.compared");
	tell(w, c);
}

/* As texts: JSON's numbers end at 53 bits. */
static void write_mark(struct jw *w, const char *name, const struct compare_mark *mark)
{
	jw_obj(w, name);
	jw_strf(w, "stand", "%lld", (long long)mark->stand);
	jw_strf(w, "written", "%lld", (long long)mark->written);
	jw_strf(w, "at_us", "%lld", (long long)mark->at_us);
	jw_end(w);
}

static void write_fact(struct jw *w, const struct compared *c)
{
	jw_fact(w, "compared", "");
	tell(w, c);
	jw_int(w, "at_ms", clock_wall_ms());
	jw_str(w, "verdict", verdict_name(compared_verdict(c)));
	write_mark(w, "old_mark", &c->old_mark);
	write_mark(w, "new_mark", &c->new_mark);
}

int compared_record(struct job *job, const struct compared *c, struct err *err)
{
	struct jw w;
	write_event(&w, c);
	if (job_record(job, &w, err) < 0)
		return -1;
	write_fact(&w, c);
	return job_record(job, &w, err);
}

/* What a proof has found by itself is what the step is judged by, so it is what screens and report show. */
static void compared_tell(struct job *job, const struct compared *c)
{
	struct jw w;
	write_event(&w, c);
	job_event(job, &w);
	write_fact(&w, c);
	job_event(job, &w);
}

static int count_rows_run(struct job *job, struct err *err)
{
	struct compared compared;
	int rc = compare_sides(job, wants_content(job), true, &compared, err);
	if (rc == 0)
		rc = compared_record(job, &compared, err);
	compared_done(&compared);
	return rc;
}

static enum done count_rows_probe(struct job *job, struct err *err)
{
	(void)err;
	return job_fact(job, "compared", "") ? DONE_DONE : DONE_NOT_DONE;
}

static int64_t mark_of(const struct json *mark, const char *name)
{
	return strtoll(json_str(mark, name, "0"), NULL, 10);
}

static enum since side_since(struct pg *pg, const struct json *mark)
{
	const struct compare_mark was = {.stand = mark_of(mark, "stand"),
					 .written = mark_of(mark, "written"),
					 .at_us = mark_of(mark, "at_us")};
	return mark ? compare_since(pg, &was) : SINCE_ROWS;
}

/* The worse of both servers. NOTHING: the comparison still holds, and counting again would only cost minutes
 * of the window. */
static enum since look_since(struct job *job, const struct json *compared)
{
	struct pg *old_pg = pg_open_old(job, NULL), *new_pg = pg_open_new(job, PG_LOOK, NULL);
	enum since a = side_since(old_pg, json_get(compared, "old_mark")),
		   b = side_since(new_pg, json_get(compared, "new_mark"));
	pg_close(old_pg);
	pg_close(new_pg);
	return a > b ? a : b;
}

static enum verdict count_rows_prove(struct job *job, struct evidence *ev, struct err *err)
{
	return compared_prove(job, wants_content(job), ev, err);
}

enum verdict compared_prove(struct job *job, bool wanted, struct evidence *ev, struct err *err)
{
	char rows[UNITS_MAX];
	const struct json *was = job_fact(job, "compared", "");
	bool equal = text_equal(json_str(was, "verdict", ""), "PASS"),
	     content = json_bool(was, "content", false);
	enum since since = equal ? look_since(job, was) : SINCE_ROWS;
	if (since == SINCE_NOTHING) {
		evidence_add(
		    ev, VERDICT_PASS, "rows", "equal",
		    "%lld/%lld tables equal%s, %s rows; no transaction has written on either server since",
		    (long long)json_int(was, "equal", 0), (long long)json_int(was, "tables", 0),
		    content ? " in rows and content" : "", units_count(rows, json_int(was, "old_rows", 0)));
		return VERDICT_PASS;
	}
	struct compared now;
	bool again = wanted && !(content && since == SINCE_TRANSACTIONS);
	/* A mere count has less to say than the comparison that is shown. */
	bool shown = again || !wanted;
	if (compare_sides(job, again, shown, &now, err) < 0) {
		compared_done(&now);
		return VERDICT_UNKNOWN;
	}
	if (shown)
		compared_tell(job, &now);
	compared_evidence(&now, ev);
	if (content && !again)
		evidence_add(
		    ev, VERDICT_PASS, "content", "equal",
		    "contents were equal at the comparison, and no row was written on either side since");
	enum verdict verdict = compared_verdict(&now);
	compared_done(&now);
	/* A table that only NEW has, and a difference that a person let pass, are told beside the verdict. */
	return verdict == VERDICT_WARN ? VERDICT_PASS : verdict;
}
