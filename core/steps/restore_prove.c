/* The proof of restore: how pg_restore ended, whether all tables of OLD are there, and all indexes valid. */
#include "core/base/text.h"
#include "core/steps/copy_evidence.h"
#include "core/steps/restore.h"
#include "core/steps/restore_autopsy.h"
#include <string.h>

static void prove_end(struct restore *r, const struct detached_look *look, struct evidence *ev)
{
	struct restore_autopsy autopsy;
	char said[240];
	restore_autopsy(&r->log, &autopsy);
	restore_autopsy_say(&autopsy, said, sizeof said);
	size_t harm = autopsy.errors, soft = r->log.n_errors - harm;
	restore_autopsy_done(&autopsy);
	if (look->state == DETACHED_ALIVE)
		evidence_add(ev, VERDICT_UNKNOWN, "end", "running", "pg_restore still runs");
	else if (look->state != DETACHED_ENDED)
		evidence_add(ev, VERDICT_FAIL, "end", "vanished",
			     "pg_restore left no exit status: run wipe-target, prepare-target, restore");
	else if (harm)
		evidence_add(ev, VERDICT_FAIL, "end", "errors", "%s", said);
	else if (!restore_ended_whole(r, look))
		evidence_add(
		    ev, VERDICT_FAIL, "end", "status",
		    "pg_restore was stopped or failed (status %d): run wipe-target, prepare-target, restore",
		    look->rc);
	else
		evidence_add(ev, VERDICT_PASS, "end", soft ? "harmless" : "clean",
			     soft ? "pg_restore ended with %d; %zu errors that cost no row"
				  : "pg_restore ended with %d and %zu errors",
			     look->rc, soft);
}

/* Whatever the log says: each table, index and key of the dump is there. */
static int prove_made(struct restore *r, struct evidence *ev, struct err *err)
{
	char such[140] = "";
	size_t n;
	if (restore_mark_missing(r, &n, such, sizeof such, err) < 0)
		return -1;
	evidence_add(ev, n ? VERDICT_FAIL : VERDICT_PASS, "made", such,
		     n ? "%zu tables, indexes and keys of the dump are not there, such as %s"
		       : "%zu tables, indexes and keys of the dump are missing%s",
		     n, such);
	return 0;
}

int restore_prove_all(struct restore *r, struct evidence *ev, struct err *err)
{
	struct detached_look look = {0};
	struct pg_tables now = {0};
	if (restore_contents(r, err) < 0 || restore_look_earlier(r, &look, err) < 0)
		return -1;
	prove_end(r, &look, ev);
	detached_look_done(&look);
	r->pg = pg_open_new(r->job, PG_LOOK, err);
	if (!r->pg || pg_tables_look(r->pg, &now, err) < 0)
		return -1;
	copy_prove_tables(r->has_source ? &r->source : NULL, &now, ev);
	pg_tables_done(&now);
	return prove_made(r, ev, err) < 0 ? -1 : copy_prove_indexes(r->pg, ev, err);
}
