/* compare: what the databases hold beside their rows. Looks only; the proof is the same look again. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/copy/objects.h"
#include "core/job.h"
#include "core/links/pg_sides.h"
#include "core/steps/earlier.h"

static int compare_plan(struct job *job, struct plan *plan, struct err *err);
static int compare_run(struct job *job, struct err *err);
static enum done compare_probe(struct job *job, struct err *err);
static enum verdict compare_prove(struct job *job, struct evidence *ev, struct err *err);

static const char *const makes[] = {"objects", "objects-large", NULL};
static const char *const secrets[] = {"HEROKU_API_KEY", "NEW_DATABASE_URL", NULL};

const struct step compare_step = {
    .name = "compare",
    .help = "compares what the databases hold beside their rows: indexes, constraints, sequences, rights ...",
    .gate = GATE_NONE,
    .cancel = CANCEL_ANYTIME,
    .rehearse = REHEARSE_SAME,
    .makes = makes,
    .secrets = secrets,
    .plan = compare_plan,
    .run = compare_run,
    .probe = compare_probe,
    .prove = compare_prove,
};

/* GUESS_BYTES_MS: only where nothing could be measured, and said so. */
enum { LINES = 16, LOG_LINES = 100, GUESS_BYTES_MS = 25000 };
static const char large_bytes_sql[] = "SELECT pg_relation_size('pg_catalog.pg_largeobject')";

/* At the pace of the last comparison of this app; else by some of them on OLD, and NEW is taken for as fast.
 */
static int64_t plan_large_ms(struct job *job, struct pg *old_pg, int64_t bytes, struct plan *plan)
{
	struct earlier_pace pace;
	struct err seen = {0};
	char rate[UNITS_MAX], size[UNITS_MAX], at[UNITS_MAX];
	int64_t some, ms;
	if (earlier_pace(job, "objects-large", &pace)) {
		evidence_add(
		    &plan->seen, VERDICT_PASS, "pace", "",
		    "large objects of both sides were compared at %s the last time (measured, ended %s)",
		    units_rate(rate, (double)pace.bytes * 1000 / (double)pace.ms), units_iso(at, pace.at_ms));
		return earlier_ms(&pace, bytes);
	}
	if (copy_large_measure(old_pg, &some, &ms, &seen) == 0 && some > 0) {
		evidence_add(
		    &plan->seen, VERDICT_PASS, "pace", "",
		    "large objects are read at %s on OLD (measured on %s of them); NEW is taken for as fast",
		    units_rate(rate, (double)some * 1000 / (double)ms), units_size(size, some));
		return (int64_t)(2.0 * (double)bytes * (double)ms / (double)some);
	}
	evidence_add(&plan->seen, VERDICT_WARN, "pace", "",
		     "how fast large objects are read could not be measured: guessed at %s%s%s",
		     units_rate(rate, GUESS_BYTES_MS * 1000.0), *seen.text ? "; " : "", seen.text);
	return 2 * bytes / GUESS_BYTES_MS;
}

/* The catalogs take seconds; of large objects every byte is read, first on OLD, then on NEW. */
static int plan_large(struct job *job, struct pg *old_pg, struct plan *plan, struct err *err)
{
	int64_t bytes = 0;
	char size[UNITS_MAX];
	if (pg_number(old_pg, large_bytes_sql, NULL, &bytes, err) < 0)
		return -1;
	plan->estimate_ms = 3000;
	if (!bytes)
		return 0;
	plan_does(plan, "lo_get() of every large object on both sides (%s on OLD)", units_size(size, bytes));
	plan->estimate_ms += plan_large_ms(job, old_pg, bytes, plan);
	return 0;
}

static int compare_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct pg *old_pg = pg_open_old(job, err);
	struct pg *new_pg = old_pg ? pg_open_new(job, PG_LOOK, err) : NULL;
	if (new_pg) {
		text_copy(plan->target, sizeof plan->target, pg_database(new_pg));
		text_copy(plan->verb, sizeof plan->verb, "LOOKS");
		text_copyf(plan->from, sizeof plan->from, "OLD is PostgreSQL %d, NEW is %d", pg_major(old_pg),
			   pg_major(new_pg));
		text_copy(plan->to, sizeof plan->to,
			  "every table, index, constraint, sequence, function, trigger, view, right, comment "
			  "and large object "
			  "compared");
		text_copy(plan->back, sizeof plan->back, "nothing is changed");
		plan_does(plan, "SELECT from the catalogs of both sides");
	}
	int rc = new_pg ? plan_large(job, old_pg, plan, err) : -1;
	pg_close(old_pg);
	pg_close(new_pg);
	return rc;
}

/* *bytes: of OLD's large objects; may be NULL. */
static int look(struct job *job, struct copy_objects *out, int64_t *bytes, struct err *err)
{
	*out = (struct copy_objects){0};
	struct pg *old_pg = pg_open_old(job, err);
	struct pg *new_pg = old_pg ? pg_open_new(job, PG_LOOK, err) : NULL;
	int rc = new_pg ? copy_objects_compare(old_pg, new_pg, out, err) : -1;
	if (rc == 0 && bytes)
		rc = pg_number(old_pg, large_bytes_sql, NULL, bytes, err);
	pg_close(old_pg);
	pg_close(new_pg);
	return rc;
}

static int compare_run(struct job *job, struct err *err)
{
	struct copy_objects objects;
	struct jw w;
	int64_t bytes = 0;
	int rc = look(job, &objects, &bytes, err);
	if (rc == 0) {
		for (size_t i = 0; i < objects.n && i < LOG_LINES; i++)
			job_log(job, "NEW", "%s: %s", objects.list[i].grave ? "FAIL" : "WARN",
				objects.list[i].text);
		jw_fact(&w, "objects", "");
		jw_int(&w, "at_ms", clock_wall_ms());
		jw_int(&w, "grave", (int64_t)objects.grave);
		jw_int(&w, "slight", (int64_t)objects.slight);
		rc = job_record(job, &w, err);
	}
	if (rc == 0 && bytes > 0) {
		jw_fact(&w, "objects-large", "");
		jw_int(&w, "bytes", bytes);
		jw_int(&w, "ms", objects.large_ms);
		jw_int(&w, "at_ms", clock_wall_ms());
		rc = job_record(job, &w, err);
	}
	copy_objects_done(&objects);
	return rc;
}

static enum done compare_probe(struct job *job, struct err *err)
{
	(void)err;
	return job_fact(job, "objects", "") ? DONE_DONE : DONE_NOT_DONE;
}

/* One line for all that is well, one a kind that is not, then the worst by name. */
static void tell(const struct copy_objects *o, struct evidence *ev)
{
	struct buf well = {0};
	char name[32];
	for (size_t i = 0; i < o->n_kinds; i++) {
		const struct copy_kind *k = &o->kinds[i];
		if (!k->grave && !k->slight && k->old_n)
			buf_addf(&well, "%s%zu %s", well.len ? ", " : "", k->old_n, k->plural);
	}
	evidence_add(ev, o->n_kinds ? VERDICT_PASS : VERDICT_UNKNOWN, "objects", "",
		     "the same on both sides: %s", well.len ? buf_text(&well) : "nothing");
	buf_done(&well);
	for (size_t i = 0; i < o->n_kinds; i++) {
		const struct copy_kind *k = &o->kinds[i];
		if (!k->grave && !k->slight)
			continue;
		text_copyf(name, sizeof name, "objects:%s", k->kind);
		char fact[80];
		text_copyf(fact, sizeof fact, "%zu %zu %zu %zu", k->old_n, k->new_n, k->grave, k->slight);
		evidence_add(ev, k->grave ? VERDICT_FAIL : VERDICT_WARN, name, fact,
			     "%s: OLD %zu, NEW %zu; %zu not the same", k->plural, k->old_n, k->new_n,
			     k->grave + k->slight);
	}
	for (size_t i = 0; i < o->n && i < LINES; i++)
		evidence_add(ev, o->list[i].grave ? VERDICT_FAIL : VERDICT_WARN, "object", o->list[i].name,
			     "%s", o->list[i].text);
	if (o->grave + o->slight > LINES)
		evidence_add(ev, o->grave > LINES ? VERDICT_FAIL : VERDICT_WARN, "object", "",
			     "and %zu more; the log of this step names them", o->grave + o->slight - LINES);
}

/* In a rehearsal OLD lives on while the copy is made: that its sequences are ahead, or a large object has
 * come since, is worth telling there, and a failure only on the night. */
static bool lives_on(const char *kind)
{
	return text_equal(kind, "sequence's value") || text_equal(kind, "large object");
}

static void spare_living(struct copy_objects *o)
{
	for (size_t i = 0; i < o->n; i++)
		if (lives_on(o->list[i].kind))
			o->list[i].grave = false;
	for (size_t i = 0; i < o->n_kinds; i++) {
		struct copy_kind *k = &o->kinds[i];
		if (!lives_on(k->kind))
			continue;
		o->grave -= k->grave;
		o->slight += k->grave;
		k->slight += k->grave;
		k->grave = 0;
	}
}

static enum verdict compare_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct copy_objects objects;
	int rc = look(job, &objects, NULL, err);
	if (rc == 0 && job_rehearsal(job))
		spare_living(&objects);
	if (rc == 0)
		tell(&objects, ev);
	copy_objects_done(&objects);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
