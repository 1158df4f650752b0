/* The proof of stream: how the worker ended, whether its mark is gone, all tables of OLD are there, and all
 * indexes and constraints are valid. */
#include "core/base/text.h"
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

static void prove_tables(struct stream_copy *s, const struct pg_tables *now, struct evidence *ev)
{
	char missing[200] = "";
	size_t n = 0;
	for (size_t i = 0; i < s->source.tables.n; i++) {
		const char *label = s->source.tables.list[i].label;
		if (!pg_tables_find(now, label) && n++ < 4)
			text_copyf(missing + strlen(missing), sizeof missing - strlen(missing), "%s%s",
				   n > 1 ? ", " : "", label);
	}
	if (!s->has_source)
		evidence_add(ev, VERDICT_UNKNOWN, "tables", "no source",
			     "nobody recorded what OLD holds: run record-source");
	else if (n)
		evidence_add(ev, VERDICT_FAIL, "tables", missing, "%zu of %zu tables are missing: %s%s", n,
			     s->source.tables.n, missing, n > 4 ? " …" : "");
	else
		evidence_add(ev, VERDICT_PASS, "tables", "all", "all %zu tables of OLD are there",
			     s->source.tables.n);
	if (pg_tables_find(now, "nightferry.unfinished_stream"))
		evidence_add(ev, VERDICT_FAIL, "mark", "unfinished",
			     "NEW still says that its copy is unfinished");
}

static int prove_valid(struct stream_copy *s, struct evidence *ev, struct err *err)
{
	int64_t bad = 0;
	char name[96];
	if (pg_number(s->pg, "SELECT count(*) FROM pg_index WHERE NOT indisvalid", NULL, &bad, err) < 0 ||
	    pg_value(s->pg,
		     "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE NOT "
		     "i.indisvalid ORDER BY 1",
		     NULL, name, sizeof name, err) < 0)
		return -1;
	evidence_add(ev, bad ? VERDICT_FAIL : VERDICT_PASS, "indexes", name,
		     bad ? "%lld indexes are invalid, such as %s" : "%lld indexes are invalid%s",
		     (long long)bad, name);
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
	prove_tables(s, &now, ev);
	pg_tables_done(&now);
	return prove_valid(s, ev, err);
}
