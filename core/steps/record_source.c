/* record-source: what the old database holds once nobody writes to it; everything later is compared with
 * this. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/pg_count.h"
#include "core/links/pg_sides.h"
#include "core/steps/old_alive.h"

static int record_source_plan(struct job *job, struct plan *plan, struct err *err);
static int record_source_run(struct job *job, struct err *err);
static enum done record_source_probe(struct job *job, struct err *err);
static enum verdict record_source_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"live", "flag", "false", "the app still writes: the counts are of a moment, and may grow"},
    {0},
};
static const char *const makes[] = {"source", NULL};
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct step record_source_step = {
    .name = "record-source",
    .help = "counts every table of the old database and records its sequences, extensions and size",
    .gate = GATE_NONE,
    .cancel = CANCEL_ANYTIME,
    .rehearse = REHEARSE_SAME,
    .by_size = true,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .plan = record_source_plan,
    .run = record_source_run,
    .probe = record_source_probe,
    .prove = record_source_prove,
};

static bool is_live(struct job *job)
{
	const struct json *given = json_get(job_params(job), "live");
	return json_is_bool(given) ? json_true(given) : text_equal(json_text(given), "true");
}

static int record_source_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct pg *pg = pg_open_old(job, err);
	struct pg_tables tables = {0};
	int rc = pg ? pg_tables_look(pg, &tables, err) : -1;
	if (rc == 0) {
		char rows[UNITS_MAX];
		text_copy(plan->target, sizeof plan->target, pg_database(pg));
		text_copy(plan->side, sizeof plan->side, "OLD");
		text_copy(plan->verb, sizeof plan->verb, "LOOKS");
		text_copyf(plan->from, sizeof plan->from, "%zu tables, about %s rows", tables.n,
			   units_count(rows, pg_tables_estimate(&tables)));
		text_copy(plan->to, sizeof plan->to, "their exact counts are recorded");
		text_copy(plan->back, sizeof plan->back, "nothing is changed");
		plan_does(plan, "SELECT count(*) of %zu tables, over a few connections", tables.n);
		plan->estimate_ms = 1000 + pg_tables_estimate(&tables) / 3000;
	}
	pg_tables_done(&tables);
	pg_close(pg);
	return rc;
}

static int first_uncounted(const struct pg_tables *tables, struct err *err)
{
	for (size_t i = 0; i < tables->n; i++) {
		if (tables->list[i].rows < 0)
			return err_set(err, ERR_REFUSED, "The OLD table %s cannot be counted: %s",
				       tables->list[i].label, tables->list[i].why);
	}
	return 0;
}

static int record(struct job *job, const struct pg_source *source, struct err *err)
{
	struct jw w;
	jw_fact(&w, "source", "");
	pg_source_write(&w, source);
	return job_record(job, &w, err);
}

static int record_source_run(struct job *job, struct err *err)
{
	struct pg_source source = {0};
	struct pg *pg = pg_open_old(job, err);
	int rc = pg ? pg_source_look(pg, &source, err) : -1;
	struct pg_counting side = {.pg = pg, .tables = &source.tables, .lanes = PG_LANES_MAX};
	/* Before the counts: what is written while they are taken has then been written since. */
	if (rc == 0)
		rc = old_alive_record(job, pg, err);
	if (rc == 0)
		rc = pg_count(job, &side, 1, true, err);
	if (rc == 0)
		rc = first_uncounted(&source.tables, err);
	if (rc == 0)
		rc = record(job, &source, err);
	pg_source_done(&source);
	pg_close(pg);
	return rc;
}

static enum done record_source_probe(struct job *job, struct err *err)
{
	(void)err;
	return job_fact(job, "source", "") ? DONE_DONE : DONE_NOT_DONE;
}

/* Nobody's transaction ended since: then no row can have changed, and one number proves what a count would.
 */
static bool stands_still(struct pg *pg, const struct pg_source *was)
{
	int64_t stand = 0;
	return was->stand && pg_stand(pg, &stand, NULL) == 0 && stand == was->stand;
}

static void compare(const struct pg_tables *was, const struct pg_tables *is, bool live, struct evidence *ev)
{
	size_t moved = 0;
	for (size_t i = 0; i < is->n; i++) {
		const struct pg_table *old = pg_tables_find(was, is->list[i].label);
		int64_t before = old ? old->rows : -1;
		if (before == is->list[i].rows)
			continue;
		if (live && ++moved == 1)
			evidence_add(
			    ev, VERDICT_WARN, "moved", "",
			    "OLD %s had %lld rows at the record and has %lld now, as it must while it is "
			    "live; on the night nobody writes",
			    is->list[i].label, (long long)before, (long long)is->list[i].rows);
		else if (!live && ++moved <= 8)
			evidence_add(ev, VERDICT_FAIL, "moved", is->list[i].label,
				     "OLD %s had %lld rows at the record and has %lld now: somebody still "
				     "writes; find and stop the "
				     "writer, then run record-source again",
				     is->list[i].label, (long long)before, (long long)is->list[i].rows);
	}
	for (size_t i = 0; i < was->n; i++) {
		if (!pg_tables_find(is, was->list[i].label))
			evidence_add(ev, VERDICT_FAIL, "moved", was->list[i].label,
				     "OLD %s was there at the record and is gone", was->list[i].label);
	}
	if (!ev->n)
		evidence_add(ev, VERDICT_PASS, "rows", "",
			     "%zu of %zu tables of OLD counted again: as recorded", is->n, was->n);
}

static int look_again(struct job *job, struct pg *pg, const struct pg_source *was, struct evidence *ev,
		      struct err *err)
{
	struct pg_tables now = {0};
	int rc = pg_tables_look(pg, &now, err);
	struct pg_counting side = {.pg = pg, .tables = &now, .quiet = true, .lanes = PG_LANES_MAX};
	if (rc == 0)
		rc = pg_count(job, &side, 1, false, err);
	if (rc == 0)
		rc = first_uncounted(&now, err);
	if (rc == 0)
		compare(&was->tables, &now, job_rehearsal(job), ev);
	pg_tables_done(&now);
	return rc;
}

static enum verdict record_source_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct pg_source was;
	if (!pg_source_read(job_fact(job, "source", ""), &was)) {
		evidence_add(ev, VERDICT_FAIL, "source", "missing",
			     "nothing is recorded about OLD; run record-source again");
		return VERDICT_FAIL;
	}
	char rows[UNITS_MAX], size[UNITS_MAX];
	struct pg *pg = pg_open_old(job, err);
	int rc = pg ? 0 : -1;
	if (pg && is_live(job))
		evidence_add(ev, VERDICT_PASS, "rows", "", "the app is live: the counts are of one moment");
	else if (pg && stands_still(pg, &was))
		evidence_add(ev, VERDICT_PASS, "rows", "",
			     "no transaction has written on OLD's server since the record");
	else if (pg)
		rc = look_again(job, pg, &was, ev, err);
	if (rc == 0)
		evidence_add(ev, VERDICT_PASS, "source", "",
			     "%zu tables, %s rows, %zu sequences, %zu extensions, %s, PostgreSQL %s",
			     was.tables.n, units_count(rows, pg_tables_rows(&was.tables)), was.sequences.n,
			     was.n_extensions, units_size(size, was.size_bytes), was.server_version);
	pg_close(pg);
	pg_source_done(&was);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
