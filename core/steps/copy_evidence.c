#include "core/steps/copy_evidence.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/steps/host_copy.h"
#include <string.h>

int copy_plan_room(struct ssh *ssh, const char *container, int64_t size_bytes, struct plan *plan,
		   struct err *err)
{
	char need[UNITS_MAX], have[UNITS_MAX];
	int64_t free_bytes, bytes = size_bytes + size_bytes / 5;
	if (copy_data_room(ssh, container, &free_bytes, err) < 0)
		return -1;
	bool fits = free_bytes > bytes;
	evidence_add(&plan->seen, fits ? VERDICT_PASS : VERDICT_FAIL, "space", fits ? "fits" : "too little",
		     "%s needed for data and sorting, %s free", units_size(need, bytes),
		     units_size(have, free_bytes));
	if (!fits)
		plan_refuse(
		    plan, "the database needs about %s and its disk has %s free: make room, then plan again",
		    need, have);
	return 0;
}

void copy_prove_tables(const struct pg_source *source, const struct pg_tables *now, struct evidence *ev)
{
	char missing[200] = "";
	size_t n = 0;
	if (!source) {
		evidence_add(ev, VERDICT_UNKNOWN, "tables", "no source",
			     "nobody recorded what OLD holds: run record-source");
		return;
	}
	for (size_t i = 0; i < source->tables.n; i++) {
		const char *label = source->tables.list[i].label;
		if (!pg_tables_find(now, label) && n++ < 4)
			text_copyf(missing + strlen(missing), sizeof missing - strlen(missing), "%s%s",
				   n > 1 ? ", " : "", label);
	}
	if (n)
		evidence_add(ev, VERDICT_FAIL, "tables", missing, "%zu of %zu tables are missing: %s%s", n,
			     source->tables.n, missing, n > 4 ? " …" : "");
	else
		evidence_add(ev, VERDICT_PASS, "tables", "all", "all %zu tables of OLD are there",
			     source->tables.n);
}

int copy_prove_indexes(struct pg *pg, struct evidence *ev, struct err *err)
{
	struct pg_result *rows = pg_query(pg,
					  "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = "
					  "i.indexrelid WHERE NOT i.indisvalid ORDER BY 1",
					  NULL, err);
	if (!rows)
		return -1;
	char name[96] = "";
	if (pg_rows(rows))
		text_clean(name, sizeof name, pg_get(rows, 0, 0), strlen(pg_get(rows, 0, 0)));
	evidence_add(ev, pg_rows(rows) ? VERDICT_FAIL : VERDICT_PASS, "indexes", name,
		     pg_rows(rows) ? "%zu indexes are invalid, such as %s" : "%zu indexes are invalid%s",
		     pg_rows(rows), name);
	pg_result_free(rows);
	return 0;
}
