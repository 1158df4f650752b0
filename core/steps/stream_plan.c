/* The plan of stream: an empty target or our own unfinished copy, the way of the bytes, room, and what an
 * earlier attempt has become. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/steps/copy_evidence.h"
#include "core/steps/stream.h"
#include <stdlib.h>
#include <string.h>

static int plan_space(struct stream_copy *s, struct plan *plan, struct err *err)
{
	if (!s->has_source || !s->worker.ssh || !*s->container)
		return 0;
	return copy_plan_room(s->worker.ssh, s->container, s->source.size_bytes, plan, err);
}

static void plan_words(struct stream_copy *s, struct plan *plan)
{
	char size[UNITS_MAX], rows[UNITS_MAX];
	text_copy(plan->target, sizeof plan->target, s->database);
	text_copy(plan->side, sizeof plan->side, "NEW");
	text_copy(plan->verb, sizeof plan->verb, "COPIES");
	text_copyf(plan->from, sizeof plan->from, "OLD, as of one moment: %s",
		   s->has_source ? units_size(size, s->source.size_bytes) : "size not recorded");
	text_copyf(plan->to, sizeof plan->to, "%zu tables, %s rows", s->source.tables.n,
		   units_count(rows, pg_tables_rows(&s->source.tables)));
	text_copy(plan->then, sizeof plan->then, "nobody notices; both servers and the new host are busy");
	text_copy(plan->back, sizeof plan->back, "wipe-target; OLD is only read");
	plan->gate = GATE_YES;
	plan->estimate_ms = -1;
}

static void plan_versions(struct stream_copy *s, struct plan *plan)
{
	if (!s->has_source)
		return;
	bool older = s->source.major > pg_major(s->pg);
	evidence_add(&plan->seen, older ? VERDICT_WARN : VERDICT_PASS, "version", older ? "older" : "fits",
		     older ? "NEW is PostgreSQL %d, OLD is %d: definitions that are newer than NEW will fail"
			   : "NEW is PostgreSQL %d, OLD is %d",
		     pg_major(s->pg), s->source.major);
}

static int plan_fresh(struct stream_copy *s, struct plan *plan, struct err *err)
{
	struct stream_found found;
	if (stream_find(s, &found, err) < 0)
		return -1;
	if (found.ours)
		plan_does(plan, "empty %s first: %zu tables of tonight's unfinished copy", s->database,
			  found.tables);
	plan_does(plan, "on %s: nightferry __copy stream (order by standard input)",
		  copy_worker_place(&s->worker));
	plan_does(plan, "pg_dump the definitions, COPY all rows from one snapshot, largest table first");
	plan_does(plan, "indexes and keys while other tables still copy; sequences, objects, triggers last");
	plan_does(plan, "it runs detached: a lost connection does not end it");
	evidence_add(&plan->seen, found.tables && !found.ours ? VERDICT_FAIL : VERDICT_PASS, "empty",
		     found.ours     ? "ours"
		     : found.tables ? "tables"
				    : "empty",
		     found.ours     ? "%s holds %zu tables, all of tonight's unfinished copy"
		     : found.tables ? "%s holds %zu tables"
				    : "%s holds no table",
		     s->database, found.tables);
	if (found.tables && !found.ours)
		plan_refuse(plan, "%s is not empty, it holds %zu tables: run wipe-target, then plan again",
			    s->database, found.tables);
	plan_versions(s, plan);
	stream_fill_speed(s, plan);
	return plan_space(s, plan, err);
}

int stream_fill_plan(struct stream_copy *s, struct plan *plan, struct err *err)
{
	enum detached_state state;
	int rc;
	if (copy_worker_look(&s->worker, &state, &rc, err) < 0)
		return -1;
	plan_words(s, plan);
	jw_open(&plan->data);
	jw_bool(&plan->data, "here", !s->worker.ssh);
	if (state == DETACHED_ALIVE) {
		plan_does(plan, "join the copy that already runs on %s", copy_worker_place(&s->worker));
		evidence_add(&plan->seen, VERDICT_PASS, "running", "running",
			     "tonight's copy still runs; no second one is started");
		return 0;
	}
	if (state == DETACHED_ENDED && rc == 0 && s->worker.result) {
		plan->nothing_to_do =
		    text_equal(json_str(job_fact(s->job, "restored-by-us", ""), "by", ""), "stream");
		plan_does(plan, "read how tonight's copy has ended");
		evidence_add(&plan->seen, VERDICT_PASS, "ended", "ended", "tonight's copy is whole");
		return 0;
	}
	return plan_fresh(s, plan, err);
}
