/* forget-copy: what nightferry knew of its warm copy goes from the new database, once no delta can follow:
 * the schema `nightferry` would stand in every dump and every backup. Foreign keys that are still noted there
 * are not forgotten. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/copy/warm_state.h"
#include "core/job.h"
#include "core/links/pg_sides.h"

static int forget_copy_plan(struct job *job, struct plan *plan, struct err *err);
static int forget_copy_run(struct job *job, struct err *err);
static enum done forget_copy_probe(struct job *job, struct err *err);
static enum verdict forget_copy_prove(struct job *job, struct evidence *ev, struct err *err);

static const char *const makes[] = {"forgot-copy", NULL};
static const char *const secrets[] = {"NEW_DATABASE_URL", NULL};

const struct step forget_copy_step = {
    .name = "forget-copy",
    .help = "removes nightferry's notes of a warm copy from the new database",
    .gate = GATE_NONE,
    .cancel = CANCEL_SAFE_POINT,
    .rehearse = REHEARSE_SAME,
    .makes = makes,
    .secrets = secrets,
    .plan = forget_copy_plan,
    .run = forget_copy_run,
    .probe = forget_copy_probe,
    .prove = forget_copy_prove,
};

struct notes {
	struct pg *pg;
	bool there;   /* tables of a warm copy */
	int64_t held; /* foreign keys that have not been put back */
};

static int notes_open(struct job *job, enum pg_mode mode, struct notes *n, struct err *err)
{
	int64_t there, held;
	*n = (struct notes){.pg = pg_open_new(job, mode, err)};
	if (!n->pg ||
	    pg_number(n->pg,
		      "SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('nightferry') AND "
		      "relname IN ('warm_source', 'warm_table')",
		      NULL, &there, err) < 0 ||
	    pg_number(n->pg, "SELECT count(*) FROM pg_class WHERE oid = to_regclass('nightferry.held_key')",
		      NULL, &held, err) < 0 ||
	    (held && pg_number(n->pg, "SELECT count(*) FROM nightferry.held_key", NULL, &n->held, err) < 0))
		return -1;
	n->there = there > 0;
	return 0;
}

static int forget_copy_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct notes n;
	int rc = notes_open(job, PG_LOOK, &n, err);
	if (rc == 0) {
		text_copy(plan->target, sizeof plan->target, pg_database(n.pg));
		text_copy(plan->side, sizeof plan->side, "NEW");
		text_copy(plan->verb, sizeof plan->verb, "FORGETS");
		text_copy(plan->from, sizeof plan->from,
			  n.there ? "the notes of a warm copy" : "no notes of a copy");
		text_copy(plan->to, sizeof plan->to, "the app's own schemas alone");
		text_copy(plan->then, sizeof plan->then, "no delta can follow; the app notices nothing");
		text_copy(plan->back, sizeof plan->back, "not needed: no row of the app is touched");
		plan_does(plan, "DROP TABLE nightferry.warm_source, nightferry.warm_table; DROP SCHEMA "
				"nightferry where nothing else is in it");
		plan->nothing_to_do = !n.there;
		plan->estimate_ms = 1000;
		if (n.held)
			plan_refuse(plan,
				    "%lld foreign keys stand in nightferry.held_key and not on their tables: "
				    "run delta once more, it puts them back",
				    (long long)n.held);
	}
	pg_close(n.pg);
	return rc;
}

static int forget_copy_run(struct job *job, struct err *err)
{
	struct notes n;
	struct jw w;
	int rc = notes_open(job, PG_ACT, &n, err);
	if (rc == 0 && n.held)
		rc = err_set(err, ERR_WORLD,
			     "Foreign keys stand in nightferry.held_key and not on their tables; nothing was "
			     "changed, run delta once more");
	if (rc == 0) {
		jw_fact(&w, "forgot-copy", "");
		jw_int(&w, "at_ms", clock_wall_ms());
		rc = job_record(job, &w, err);
	}
	if (rc == 0)
		rc = warm_state_drop(n.pg, err);
	pg_close(n.pg);
	return rc;
}

/* -1 it cannot be seen, 1 they are gone. */
static int forgotten(struct job *job, struct err *err)
{
	struct notes n;
	int rc = notes_open(job, PG_LOOK, &n, err) < 0 ? -1 : !n.there;
	pg_close(n.pg);
	return rc;
}

static enum done forget_copy_probe(struct job *job, struct err *err)
{
	int gone = forgotten(job, err);
	return gone < 0 ? DONE_UNCLEAR : gone ? DONE_DONE : DONE_NOT_DONE;
}

static enum verdict forget_copy_prove(struct job *job, struct evidence *ev, struct err *err)
{
	int gone = forgotten(job, err);
	if (gone < 0)
		return VERDICT_UNKNOWN;
	evidence_add(ev, gone ? VERDICT_PASS : VERDICT_FAIL, "notes", gone ? "gone" : "there",
		     gone ? "NEW holds no notes of a copy" : "NEW still holds the notes of the copy");
	return evidence_verdict(ev);
}
