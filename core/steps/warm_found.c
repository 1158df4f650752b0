/* See the header. */
#include "core/steps/warm_found.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/links/pg_sides.h"
#include "core/links/pg_tables.h"
#include "core/steps/warm_follow.h"
#include <stdlib.h>

/* OLD says whether its tables are still those that were copied. */
static int look_left(struct job *job, struct pg *new_pg, struct warm_left *out, struct err *err)
{
	struct copy_boundary now;
	struct delta_tables tables = {0};
	const char **skip = warm_skip(job);
	struct pg *old_pg = pg_open_old(job, err);
	int rc = old_pg ? copy_boundary_open(old_pg, &now, NULL, 0, err) : -1;
	if (rc == 0)
		rc = delta_tables_look(old_pg, skip, &tables, err);
	if (rc == 0)
		rc = warm_left_look(new_pg, &now, &tables, out, NULL, err);
	delta_tables_done(&tables);
	free(skip);
	pg_close(old_pg);
	return rc;
}

int warm_found_look(struct job *job, const char *fact, struct warm_found *out, struct err *err)
{
	struct pg_tables tables = {0};
	const char *token = json_str(job_fact(job, fact, ""), "token", "");
	*out = (struct warm_found){0};
	struct pg *pg = pg_open_new(job, PG_LOOK, err);
	int rc = pg ? pg_tables_look(pg, &tables, err) : -1;
	for (size_t i = 0; i < tables.n; i++)
		out->tables += !text_starts(tables.list[i].label, "nightferry.");
	if (rc == 0)
		text_copy(out->database, sizeof out->database, pg_database(pg));
	if (rc == 0 && pg_tables_find(&tables, "nightferry.unfinished_stream"))
		rc = look_left(job, pg, &out->left, err);
	out->ours = *token && text_equal(token, out->left.token);
	pg_tables_done(&tables);
	pg_close(pg);
	return rc;
}

void warm_found_plan(const struct warm_found *found, struct plan *plan)
{
	const struct warm_left *left = &found->left;
	char kept[UNITS_MAX], all[UNITS_MAX];
	units_size(kept, left->kept_bytes);
	units_size(all, left->bytes);
	if (!found->ours && found->tables)
		plan_refuse(plan, "%s is not empty, it holds %zu tables: run wipe-target, then plan again",
			    found->database, found->tables);
	else if (found->ours && left->goes_on && left->rows_in)
		plan_does(plan,
			  "all %zu tables are here already (%s), of one moment: what is left of "
			  "indexes and keys follows",
			  left->tables, all);
	else if (found->ours && left->goes_on)
		plan_does(plan,
			  "%zu of %zu tables are here already (%s of %s), brought up to date; %zu to copy",
			  left->kept, left->tables, kept, all, left->tables - left->kept);
	else if (found->ours)
		plan_does(plan, "empty %s first: %zu tables of tonight's unfinished copy%s%s",
			  found->database, found->tables, *left->why ? "; none can be kept: " : "",
			  left->why);
}
