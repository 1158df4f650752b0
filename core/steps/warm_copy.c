/* warm-copy: the database is copied while the app is live, hours before the night, so that the night itself
 * has to move only what changed since. Its worker goes on without us; it is whole in the end, or no warm
 * copy, and one that broke off is gone on with. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/copy/delta.h"
#include "core/copy/lanes.h"
#include "core/job.h"
#include "core/links/docker.h"
#include "core/links/pg_sides.h"
#include "core/steps/warm_follow.h"
#include "core/steps/warm_found.h"
#include "core/steps/wipe_database.h"
#include <stdlib.h>

static int warm_copy_plan(struct job *job, struct plan *plan, struct err *err);
static int warm_copy_run(struct job *job, struct err *err);
static enum done warm_copy_probe(struct job *job, struct err *err);
static enum verdict warm_copy_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"lanes", "int", "2", "connections to OLD that read rows; at most four more come beside them"},
    {"limit", "text", "", "at most so much a second, as 20MB; empty: as fast as OLD stays quick"},
    {"where", "text", "auto", "host: on the new server; here: beside the engine; auto: host if it can"},
    {0},
};
static const char *const makes[] = {"warm-copy", "restored-by-us", NULL};
static const char *const secrets[] = {"HEROKU_API_KEY", "NEW_DATABASE_URL", NULL};

const struct step warm_copy_step = {
    .name = "warm-copy",
    .help = "copies the database while the app is live; delta then moves what changed",
    .gate = GATE_YES,
    .cancel = CANCEL_ANYTIME,
    .joins = true,
    .rehearse = REHEARSE_THROWAWAY,
    .by_size = true,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .plan = warm_copy_plan,
    .run = warm_copy_run,
    .probe = warm_copy_probe,
    .prove = warm_copy_prove,
};

#define STARTED "warm-started"
/* Beside the lanes: who holds the snapshot, who times OLD's answers, and pg_dump twice while it begins. */
enum { BESIDE_LANES = 4 };

static int64_t limit_bytes(struct job *job)
{
	const char *text = json_str(job_params(job), "limit", "");
	char *unit;
	double number = strtod(text, &unit);
	return (int64_t)(number * (text_starts(unit, "GB")   ? 1e9
				   : text_starts(unit, "MB") ? 1e6
				   : text_starts(unit, "kB") ? 1e3
							     : 1));
}

/* ---- the plan ---- */

static int plan_source(struct job *job, struct plan *plan, struct err *err)
{
	struct copy_boundary boundary;
	struct delta_tables tables = {0};
	char size[UNITS_MAX];
	int used = 0, limit = 0;
	int64_t bytes = 0;
	const char **skip = warm_skip(job);
	struct pg *pg = pg_open_old(job, err);
	int rc = pg ? copy_boundary_open(pg, &boundary, NULL, 0, err) : -1;
	if (rc == 0)
		rc = delta_tables_look(pg, skip, &tables, err);
	if (rc == 0) {
		int room = pg_room(pg, &used, &limit, NULL), lanes = (int)warm_param(job, "lanes", 2);
		size_t keyless = 0;
		for (size_t i = 0; i < tables.n; i++)
			bytes += tables.list[i].size_bytes, keyless += !tables.list[i].n_keys;
		text_copyf(plan->from, sizeof plan->from, "OLD live, %zu tables, %s", tables.n,
			   units_size(size, bytes));
		evidence_add(&plan->seen, room > lanes + BESIDE_LANES ? VERDICT_PASS : VERDICT_FAIL,
			     "connections", "",
			     "%d of %d connections of OLD are used, the copy takes at most %d more", used,
			     limit, lanes + BESIDE_LANES);
		evidence_add(&plan->seen, VERDICT_PASS, "open", "",
			     *boundary.held_by
				 ? "%llu transactions back, because of %s: what they write counts as changed"
				 : "%llu transactions are open on OLD%s",
			     (unsigned long long)(boundary.next - boundary.xid), boundary.held_by);
		if (!*boundary.system)
			evidence_add(&plan->seen, VERDICT_WARN, "identity", "unseen",
				     "OLD does not show which cluster it is; the delta will know it by "
				     "database, timeline and log");
		if (keyless)
			evidence_add(
			    &plan->seen, VERDICT_PASS, "keys", "keyless",
			    "%zu tables have no usable key: the delta copies them again when they changed",
			    keyless);
	}
	delta_tables_done(&tables);
	free(skip);
	pg_close(pg);
	return rc;
}

/* Ended well while nobody looked, and what it made stands there: the proof will look at it. */
static bool has_ended(struct job *job, const struct copy_worker *w, int ended, const struct warm_found *found)
{
	const char *taken = json_str(job_fact(job, "warm-copy", ""), "base", "");
	return ended == 0 && w->result && found->tables && !found->ours && !text_equal(taken, w->base);
}

static void plan_words(const struct copy_worker *w, struct plan *plan)
{
	text_copy(plan->side, sizeof plan->side, "NEW");
	text_copy(plan->verb, sizeof plan->verb, "COPIES");
	text_copy(plan->to, sizeof plan->to, "the same on NEW as of one moment; delta brings the rest");
	text_copy(plan->then, sizeof plan->then,
		  "nobody notices: the copy waits whenever OLD answers slower");
	text_copy(plan->back, sizeof plan->back, "wipe-target; OLD is only read");
	plan_does(plan, "nightferry __copy warm on %s (detached)", copy_worker_place(w));
	plan_does(
	    plan,
	    "REPEATABLE READ, pg_export_snapshot() on OLD; its vacuum waits until the last row is read");
	plan_does(plan, "COPY of each table into NEW; indexes, keys and the rest as pg_dump writes them");
	plan->estimate_ms = -1;
}

static int warm_copy_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct copy_worker w;
	enum detached_state state = DETACHED_NEVER;
	struct warm_found found = {0};
	int ended;
	int64_t lanes = warm_param(job, "lanes", 2);
	if (lanes < 1 || lanes > LANES_MOST)
		return err_set(err, ERR_CONFIG,
			       "warm-copy: lanes is %lld, but it goes from 1 to %d; mend the playbook",
			       (long long)lanes, LANES_MOST);
	int rc = copy_worker_open(job, &w, STARTED, err);
	if (rc == 0)
		rc = copy_worker_look(&w, &state, &ended, err);
	if (rc == 0)
		rc = plan_source(job, plan, err);
	if (rc == 0)
		rc = warm_found_look(job, STARTED, &found, err);
	if (rc == 0) {
		text_copy(plan->target, sizeof plan->target, found.database);
		plan_words(&w, plan);
		copy_worker_evidence(&w, plan, "");
		if (state == DETACHED_ENDED && has_ended(job, &w, ended, &found))
			plan_does(plan, "it has ended meanwhile: its copy is looked at, nothing is started");
		else if (state == DETACHED_ALIVE)
			plan_does(plan, "it runs already: its end is waited for, nothing is started twice");
		else
			warm_found_plan(&found, plan);
		jw_open(&plan->data);
		jw_bool(&plan->data, "goes_on", found.ours && found.left.goes_on);
	}
	copy_worker_close(&w);
	return rc;
}

/* ---- the run ---- */

/* A copy that goes on keeps the token of the first one: NEW is known by it, whichever of them dies. */
struct ordered {
	struct job *job;
	const char *token; /* NULL: it begins */
};

static void add_order(struct jw *w, void *ctx)
{
	const struct ordered *o = ctx;
	struct job *job = o->job;
	struct docker_names names;
	jw_int(w, "lanes", warm_param(job, "lanes", 2));
	jw_int(w, "limit_bytes", limit_bytes(job));
	if (o->token)
		jw_str(w, "token", o->token);
	else
		jw_strf(w, "token", "%s %s", job_night(job), job_attempt(job));
	jw_bool(w, "resume", o->token != NULL);
	if (docker_names(job, &names, NULL) == 0)
		jw_str(w, "container", names.accessory);
	warm_add_skip(job, w);
}

static int record_end(struct job *job, const struct copy_worker *worker, struct err *err)
{
	const struct json *result = worker->result;
	struct jw w;
	jw_fact(&w, "warm-copy", "");
	jw_str(&w, "base", worker->base);
	jw_int(&w, "at_ms", clock_wall_ms());
	jw_int(&w, "tables", json_int(result, "tables", 0));
	jw_int(&w, "rows", json_int(result, "rows", 0));
	jw_int(&w, "bytes", json_int(result, "bytes", 0));
	jw_int(&w, "ms", json_int(result, "ms", 0));
	return job_record(job, &w, err);
}

/* Whoever wipes NEW after this meets rows of ours. */
static int record_ours(struct job *job, const char *database, struct err *err)
{
	struct jw w;
	jw_fact(&w, "restored-by-us", "");
	jw_str(&w, "database", database);
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(job, &w, err);
}

static int record_empties(struct job *job, const struct wipe_way *way, bool done, struct err *err)
{
	struct jw w;
	jw_fact(&w, "warm-empties", "");
	jw_bool(&w, "done", done);
	wipe_way_write(&w, way);
	return job_record(job, &w, err);
}

/* The statements that give the database its grants back are recorded before it goes; `way` may come from
 * there.
 */
static int empty_target(struct job *job, bool half, struct err *err)
{
	struct wipe_way way = {0};
	struct pg *pg = half ? NULL : pg_open_new(job, PG_LOOK, err);
	bool known = half && wipe_way_read(job_fact(job, "warm-empties", ""), &way);
	int rc = known ? 0 : pg ? wipe_way_find(job, pg, &way, err) : -1;
	pg_close(pg);
	if (rc == 0 && *way.cannot)
		rc = err_set(err, ERR_REFUSED, "%s Nothing was changed.", way.cannot);
	if (rc == 0 && !known)
		rc = record_empties(job, &way, false, err);
	if (rc == 0)
		rc = wipe_way_go(job, &way, err);
	if (rc == 0)
		rc = record_empties(job, &way, true, err);
	wipe_way_done(&way);
	return rc;
}

/* It was approved that nothing is emptied. */
static bool planned_to_go_on(struct job *job)
{
	return json_bool(json_get(job_plan(job), "data"), "goes_on", false);
}

static int start(struct job *job, struct copy_worker *w, int ended, struct err *err)
{
	struct warm_found found = {0};
	const struct json *emptied = job_fact(job, "warm-empties", "");
	bool half = emptied && !json_bool(emptied, "done", false);
	if (!half && warm_found_look(job, STARTED, &found, err) < 0)
		return -1;
	if (!half && has_ended(job, w, ended, &found))
		return 0;
	if (found.tables && !found.ours)
		return err_set(err, ERR_WORLD,
			       "%s is not empty any more, it holds %zu tables; nothing was changed, run "
			       "wipe-target and plan again",
			       found.database, found.tables);
	bool goes_on = !half && found.ours && found.left.goes_on;
	if (!half && planned_to_go_on(job) && !goes_on)
		return err_set(err, ERR_WORLD,
			       "What the plan was to keep on %s cannot be kept any more%s%s; nothing was "
			       "changed, plan again",
			       found.database, *found.left.why ? ": " : "", found.left.why);
	if ((half || (found.ours && !goes_on)) && empty_target(job, half, err) < 0)
		return -1;
	if (half && warm_found_look(job, STARTED, &found, err) < 0)
		return -1;
	if (record_ours(job, found.database, err) < 0)
		return -1;
	struct ordered ordered = {job, goes_on ? found.left.token : NULL};
	return copy_worker_start(w, "warm", STARTED, add_order, &ordered, err);
}

static int warm_copy_run(struct job *job, struct err *err)
{
	struct copy_worker w;
	struct warm_follow follow = {.job = job, .stage = "warm-copy", .proof_ms = -1};
	enum detached_state state = DETACHED_NEVER;
	int ended = -1;
	int64_t began_ms = clock_life_ms();
	int rc = copy_worker_open(job, &w, STARTED, err);
	if (rc == 0)
		rc = copy_worker_look(&w, &state, &ended, err);
	if (rc == 0 && state != DETACHED_ALIVE)
		rc = start(job, &w, state == DETACHED_ENDED ? ended : -1, err);
	if (rc == 0)
		rc = warm_follow(&w, &follow, err);
	if (rc == 0) {
		copy_ended(job, "warm-copy", true, json_int(w.result, "bytes", -1),
			   clock_life_ms() - began_ms, "as of one moment; delta brings the rest");
		rc = record_end(job, &w, err);
	}
	copy_worker_close(&w);
	return rc;
}

/* ---- looking back ---- */

static enum done warm_copy_probe(struct job *job, struct err *err)
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
		       : state == DETACHED_NEVER               ? DONE_NOT_DONE
		       : state == DETACHED_ENDED               ? DONE_NOT_DONE
							       : DONE_UNCLEAR;
	copy_worker_close(&w);
	return done;
}

/* A delta could begin: the state is in NEW, for every table of OLD, from this very source. */
static enum verdict warm_copy_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct copy_delta look = {0};
	struct err refused = {0};
	const char **skip = warm_skip(job);
	struct pg *old_pg = pg_open_old(job, err), *new_pg = old_pg ? pg_open_new(job, PG_LOOK, err) : NULL;
	int rc = new_pg ? copy_delta_look(old_pg, new_pg, skip, &look, &refused) : -1;
	if (new_pg && rc < 0 && refused.kind != ERR_WORLD && refused.kind != ERR_REFUSED)
		err_set(err, refused.kind, "%s", refused.text);
	else if (new_pg && rc < 0)
		evidence_add(ev, VERDICT_FAIL, "warm", "none", "%.240s", refused.text);
	else if (rc == 0)
		evidence_add(ev, VERDICT_PASS, "warm", "ready",
			     "%zu tables stand on NEW, %llu transactions behind OLD", look.tables,
			     (unsigned long long)(look.now.next - look.was.xid));
	free(skip);
	pg_close(old_pg);
	pg_close(new_pg);
	return rc < 0 && !ev->n ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
