/* The proof of stream: how the worker ended, whether its mark is gone, all tables of OLD are there, and all
 * indexes are valid. */
#include "core/base/text.h"
#include "core/steps/copy_evidence.h"
#include "core/steps/stream.h"
#include <string.h>

static int prove_end(struct stream_copy *s, struct evidence *ev, struct err *err)
{
	enum detached_state state;
	char text[160];
	int rc;
	if (copy_worker_look(&s->worker, &state, &rc, err) < 0)
		return -1;
	if (state == DETACHED_ALIVE) {
		evidence_add(ev, VERDICT_UNKNOWN, "end", "running", "the copy still runs");
	} else if (state == DETACHED_ENDED && rc == 0 && s->worker.result) {
		stream_result_text(s->worker.result, text, sizeof text);
		evidence_add(ev, VERDICT_PASS, "end", "whole", "the copy ended well: %s", text);
	} else {
		evidence_add(ev, VERDICT_FAIL, "end", "broken", "the copy is not whole");
	}
	return 0;
}

int stream_prove_all(struct stream_copy *s, struct evidence *ev, struct err *err)
{
	struct pg_tables now = {0};
	struct stream_found found;
	if (prove_end(s, ev, err) < 0 || stream_find(s, &found, err) < 0 ||
	    pg_tables_look(s->pg, &now, err) < 0)
		return -1;
	if (found.marked)
		evidence_add(ev, VERDICT_FAIL, "mark", "unfinished",
			     "NEW itself says that its copy is unfinished");
	copy_prove_tables(s->has_source ? &s->source : NULL, &now, ev);
	pg_tables_done(&now);
	return copy_prove_indexes(s->pg, ev, err);
}
