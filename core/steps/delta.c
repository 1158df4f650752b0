/* delta: brings a warm copy to what OLD is now, by moving only what changed, and proves it: every table
 * counted and hashed on both sides. `live: true` is a round before the night, which makes the last one
 * shorter. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/copy/delta.h"
#include "core/copy/lanes.h"
#include "core/job.h"
#include "core/links/pg_sides.h"
#include "core/steps/count_compare.h"
#include "core/steps/earlier.h"
#include "core/steps/warm_follow.h"
#include <stdlib.h>
#include <string.h>

static int delta_plan(struct job *job, struct plan *plan, struct err *err);
static int delta_run(struct job *job, struct err *err);
static enum done delta_probe(struct job *job, struct err *err);
static enum verdict delta_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"live", "flag", "false", "the app still writes: a round that only makes the last one shorter"},
    {"lanes", "int", "2", "connections to each side beside the first"},
    {"where", "text", "auto", "host: on the new server; here: beside the engine; auto: host if it can"},
    {0},
};
static const char *const makes[] = {"delta", "compared", NULL};
static const char *const secrets[] = {"HEROKU_API_KEY", "NEW_DATABASE_URL", NULL};

const struct step delta_step = {
    .name = "delta",
    .help = "moves what changed since warm-copy and proves both sides equal",
    .gate = GATE_YES,
    .cancel = CANCEL_ANYTIME,
    .joins = true,
    .rehearse = REHEARSE_THROWAWAY,
    .by_size = true,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .plan = delta_plan,
    .run = delta_run,
    .probe = delta_probe,
    .prove = delta_prove,
};

#define STARTED "delta-started"

/* ---- the plan ---- */

static int look_sides(struct job *job, struct copy_delta *out, char *database, size_t size, struct err *err)
{
	const char **skip = warm_skip(job);
	struct pg *old_pg = pg_open_old(job, err), *new_pg = old_pg ? pg_open_new(job, PG_ACT, err) : NULL;
	int rc = new_pg ? copy_delta_look(old_pg, new_pg, skip, out, err) : -1;
	if (new_pg)
		text_copy(database, size, pg_database(new_pg));
	free(skip);
	pg_close(old_pg);
	pg_close(new_pg);
	return rc;
}

struct measured {
	int64_t bytes, ms, proof_ms; /* read on one side; of the delta; of the proof after it, -1 none */
	char from[48];               /* "as rehearsed 2026-11-21"; "" : tonight */
};

static bool take_round(const struct json *data, void *ctx)
{
	struct measured *out = ctx;
	*out = (struct measured){json_int(data, "source_bytes", 0), json_int(data, "ms", 0),
				 json_int(data, "proof_ms", -1), ""};
	return out->bytes > 0;
}

static bool take_proved(const struct json *data, void *ctx)
{
	return take_round(data, ctx) && ((struct measured *)ctx)->proof_ms >= 0;
}

/* Of tonight, or else of a rehearsal or an earlier night. */
static bool measured(struct job *job, bool proved, struct measured *out)
{
	char night[64];
	if (!earlier_fact(job, "delta", proved ? take_proved : take_round, out, night, sizeof night))
		return false;
	if (*night)
		text_copyf(out->from, sizeof out->from, "as %s %.10s",
			   strstr(night, "-rehearsal") ? "rehearsed" : "in the night of", night);
	return true;
}

static int64_t scaled(int64_t ms, int64_t bytes, const struct measured *by)
{
	return (int64_t)((double)ms * (double)bytes / (double)by->bytes);
}

/* The newest delta: the same reading; the newest proof: the same again. */
static int64_t estimate(struct job *job, const struct copy_delta *look, char from[48])
{
	struct measured round, proof;
	*from = 0;
	if (!measured(job, false, &round))
		return -1;
	text_copy(from, 48, round.from);
	bool live = warm_flag(job, "live"), proved = measured(job, true, &proof);
	return scaled(round.ms, look->source_bytes, &round) +
	       (!live && proved ? scaled(proof.proof_ms, look->source_bytes, &proof) : 0);
}

static void plan_words(struct job *job, const struct copy_worker *w, const struct copy_delta *look,
		       struct plan *plan)
{
	char size[UNITS_MAX], from[48];
	bool live = warm_flag(job, "live");
	text_copy(plan->side, sizeof plan->side, "NEW");
	text_copy(plan->verb, sizeof plan->verb, "BRINGS UP TO DATE");
	text_copyf(plan->from, sizeof plan->from, "a copy that is %llu transactions behind OLD",
		   (unsigned long long)(look->now.next - look->was.xid));
	text_copy(plan->to, sizeof plan->to,
		  live ? "OLD as it is when the round begins" : "OLD as it is, every table proved equal");
	text_copy(plan->then, sizeof plan->then,
		  live ? "nobody notices" : "the window is this, and the proof");
	text_copy(plan->back, sizeof plan->back,
		  "the backup way: wipe-target, then capture, download, restore; OLD is only read");
	plan_does(plan, "nightferry __copy delta on %s (detached)", copy_worker_place(w));
	plan_does(plan,
		  "each of %zu tables is read once on OLD (%s), rows newer than the boundary are fetched",
		  look->tables, units_size(size, look->source_bytes));
	plan_does(plan, "one transaction a table on NEW; triggers and foreign keys %s",
		  look->owner_only ? "stand aside, and are checked when they come back"
				   : "are held still (session_replication_role)");
	if (!live)
		plan_does(plan, "sequences, large objects, materialized views; then count and hash of every "
				"table on both sides");
	evidence_add(&plan->seen, VERDICT_PASS, "source", look->now.system,
		     "OLD is the cluster and database that were copied%s",
		     *look->now.system ? "" : ", as far as it shows");
	evidence_add(&plan->seen, VERDICT_PASS, "schema", "same",
		     "no table of OLD was changed, made or dropped since the copy");
	if (look->owner_only)
		evidence_add(
		    &plan->seen, VERDICT_PASS, "keys", "aside",
		    "NEW's role may not set session_replication_role: foreign keys go, and come back "
		    "checked; that takes longer");
	if (*look->now.held_by)
		evidence_add(&plan->seen, VERDICT_PASS, "open", "", "still open on OLD: %s",
			     look->now.held_by);
	plan->estimate_ms = estimate(job, look, from);
	if (*from)
		evidence_add(&plan->seen, VERDICT_PASS, "pace", "",
			     "how long it takes is reckoned from its size, %s", from);
}

static int delta_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct copy_worker w;
	struct copy_delta look = {0};
	struct err refused = {0};
	int64_t lanes = warm_param(job, "lanes", 2);
	if (lanes < 1 || lanes > LANES_MOST)
		return err_set(err, ERR_CONFIG,
			       "delta: lanes is %lld, but it goes from 1 to %d; mend the playbook",
			       (long long)lanes, LANES_MOST);
	int rc = copy_worker_open(job, &w, STARTED, err);
	if (rc == 0 && look_sides(job, &look, plan->target, sizeof plan->target, &refused) < 0) {
		if (refused.kind != ERR_WORLD && refused.kind != ERR_REFUSED)
			rc = err_set(err, refused.kind, "%s", refused.text);
		else
			plan_refuse(plan, "%.310s", refused.text);
	}
	if (rc == 0 && !*plan->refused) {
		plan_words(job, &w, &look, plan);
		copy_worker_evidence(&w, plan, "");
	}
	copy_worker_close(&w);
	return rc;
}

/* ---- the run ---- */

static void add_order(struct jw *w, void *ctx)
{
	struct job *job = ctx;
	jw_int(w, "lanes", warm_param(job, "lanes", 2));
	jw_bool(w, "last", !warm_flag(job, "live"));
	warm_add_skip(job, w);
}

static int record_end(struct job *job, const struct copy_worker *worker, int64_t proof_ms, struct err *err)
{
	const struct json *r = worker->result;
	static const char *const numbers[] = {
	    "tables", "equal",        "changed_tables", "replaced", "rows",  "changed", "removed",
	    "bytes",  "source_bytes", "sequences",      "objects",  "views", "held_ms", "ms"};
	struct jw w;
	jw_fact(&w, "delta", "");
	jw_str(&w, "base", worker->base);
	jw_int(&w, "at_ms", clock_wall_ms());
	jw_bool(&w, "live", warm_flag(job, "live"));
	jw_str(&w, "boundary", json_str(r, "boundary", ""));
	jw_int(&w, "proof_ms", proof_ms);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		jw_int(&w, numbers[i], json_int(r, numbers[i], 0));
	return job_record(job, &w, err);
}

static void tell_end(struct job *job, const struct json *r)
{
	char text[160], changed[UNITS_MAX], removed[UNITS_MAX], held[UNITS_MAX];
	text_copyf(
	    text, sizeof text, "%s rows, %s removed, %lld tables copied again; OLD's vacuum held back %s",
	    units_count(changed, json_int(r, "changed", 0)), units_count(removed, json_int(r, "removed", 0)),
	    (long long)json_int(r, "replaced", 0), units_duration(held, json_int(r, "held_ms", 0)));
	copy_ended(job, "delta", true, json_int(r, "bytes", -1), json_int(r, "ms", -1), text);
	if (*json_str(r, "held_by", ""))
		job_log(job, "OLD", "still open while the delta read: %s", json_str(r, "held_by", ""));
}

/* Told as it counts, and recorded, so that the next gate knows it. A difference is no error of the run: the
 * proof says FAIL. */
static int compare(struct job *job, int64_t *proof_ms, struct err *err)
{
	struct compared compared;
	int64_t began_ms = clock_life_ms();
	int rc = compare_sides(job, true, true, &compared, err);
	*proof_ms = clock_life_ms() - began_ms;
	if (rc == 0)
		rc = compared_record(job, &compared, err);
	compared_done(&compared);
	return rc;
}

/* What the proof after it took for how much, where it was measured. */
static void foretell(struct job *job, struct warm_follow *f)
{
	struct measured proof;
	if (!f->window_ms || !measured(job, true, &proof))
		return;
	f->proof_ms = proof.proof_ms;
	f->proof_bytes = proof.bytes;
	/* Its day is in the plan. */
	text_copy(f->proof_from, sizeof f->proof_from,
		  !*proof.from                      ? ""
		  : strstr(proof.from, "rehearsed") ? "as rehearsed"
						    : "as once before");
}

static int delta_run(struct job *job, struct err *err)
{
	struct copy_worker w;
	struct warm_follow follow = {.job = job,
				     .stage = "delta",
				     .window_ms = warm_flag(job, "live") ? 0 : warm_window_ms(job),
				     .proof_ms = -1};
	enum detached_state state = DETACHED_NEVER;
	int ended = -1;
	int64_t proof_ms = -1;
	int rc = copy_worker_open(job, &w, STARTED, err);
	if (rc == 0)
		rc = copy_worker_look(&w, &state, &ended, err);
	if (rc == 0 && state != DETACHED_ALIVE)
		rc = copy_worker_start(&w, "delta", STARTED, add_order, job, err);
	if (rc == 0)
		foretell(job, &follow);
	if (rc == 0)
		rc = warm_follow(&w, &follow, err);
	if (rc == 0)
		tell_end(job, w.result);
	if (rc == 0 && !warm_flag(job, "live"))
		rc = compare(job, &proof_ms, err);
	if (rc == 0)
		rc = record_end(job, &w, proof_ms, err);
	copy_worker_close(&w);
	return rc;
}

/* ---- looking back ---- */

static enum done delta_probe(struct job *job, struct err *err)
{
	struct copy_worker w;
	enum detached_state state = DETACHED_NEVER;
	enum done done = DONE_UNCLEAR;
	int ended = -1;
	if (!job_fact(job, STARTED, ""))
		return DONE_NOT_DONE;
	if (copy_worker_open(job, &w, STARTED, err) == 0 && copy_worker_look(&w, &state, &ended, err) == 0)
		done = state == DETACHED_ALIVE                 ? DONE_RUNNING
		       : state == DETACHED_ENDED && ended == 0 ? DONE_DONE
		       : state == DETACHED_DEAD                ? DONE_UNCLEAR
							       : DONE_NOT_DONE;
	copy_worker_close(&w);
	return done;
}

/* A live round leaves the sides different: what it proves is how far the copy has come. */
static enum verdict prove_live(struct job *job, struct evidence *ev, struct err *err)
{
	struct copy_delta look = {0};
	struct err refused = {0};
	char database[64];
	uint64_t reached = strtoull(json_str(job_fact(job, "delta", ""), "boundary", "0"), NULL, 10);
	if (look_sides(job, &look, database, sizeof database, &refused) < 0) {
		if (refused.kind != ERR_WORLD && refused.kind != ERR_REFUSED) {
			err_set(err, refused.kind, "%s", refused.text);
			return VERDICT_UNKNOWN;
		}
		evidence_add(ev, VERDICT_FAIL, "delta", "refused", "%.240s", refused.text);
	} else {
		bool there = reached && look.was.xid >= reached;
		evidence_add(ev, there ? VERDICT_PASS : VERDICT_FAIL, "delta", there ? "reached" : "behind",
			     there ? "%zu tables are %llu transactions behind OLD"
				   : "not all of %zu tables came along, the oldest is %llu transactions "
				     "behind: run it again",
			     look.tables, (unsigned long long)(look.now.next - look.was.xid));
	}
	return evidence_verdict(ev);
}

/* Tables that are equal do not tell of sequences, large objects and materialized views, which come after
 * them: only a delta that has come to its end has brought those. */
static bool has_told_end(struct job *job)
{
	const char *base = json_str(job_fact(job, "delta", ""), "base", "");
	return *base && text_equal(base, json_str(job_fact(job, STARTED, ""), "base", ""));
}

static enum verdict delta_prove(struct job *job, struct evidence *ev, struct err *err)
{
	if (warm_flag(job, "live"))
		return prove_live(job, ev, err);
	if (has_told_end(job))
		return compared_prove(job, true, ev, err);
	evidence_add(
	    ev, VERDICT_FAIL, "end", "none",
	    "the delta has not come to its end: sequences, large objects and materialized views may be "
	    "behind; run it again, it moves only what is missing");
	return evidence_verdict(ev);
}
