/* See the header. What cannot be kept is refused as a delta would refuse it; the definitions as a whole are
 * compared by the copy itself, when it has read them. */
#include "core/copy/warm_left.h"
#include "core/base/text.h"
#include <stdlib.h>
#include <string.h>

/* Columns that an older program did not write are no error. */
static int read_mark(struct pg *target, struct warm_left *out, bool *defined, struct err *err)
{
	char there[4];
	*defined = false;
	if (pg_value(target, "SELECT 1 WHERE to_regclass('nightferry.unfinished_stream') IS NOT NULL", NULL,
		     there, sizeof there, err) < 0)
		return -1;
	if (!*there)
		return 0;
	struct pg_result *r = pg_query(target,
				       "SELECT token, to_jsonb(u)->>'pre' IS NOT NULL, "
				       "coalesce((to_jsonb(u)->>'rows_in')::boolean, false) FROM "
				       "nightferry.unfinished_stream u",
				       NULL, err);
	if (!r)
		return -1;
	if (pg_rows(r)) {
		text_copy(out->token, sizeof out->token, pg_get(r, 0, 0));
		*defined = pg_get_bool(r, 0, 1);
		out->rows_in = pg_get_bool(r, 0, 2);
	}
	pg_result_free(r);
	return 0;
}

static bool is_one(const struct warm_state *state, const struct delta_tables *tables, struct warm_left *out)
{
	size_t found = 0;
	for (size_t i = 0; i < tables->n; i++) {
		const struct delta_table *t = &tables->list[i];
		const struct warm_table *w = warm_state_find(state, t->schema, t->name);
		out->bytes += t->size_bytes;
		if (!w)
			continue;
		if (!text_equal(w->fingerprint, t->fingerprint)) {
			text_copyf(out->why, sizeof out->why, "table %s was changed on OLD since", t->label);
			return false;
		}
		found++;
		out->kept_bytes += t->size_bytes;
	}
	if (found < state->n)
		text_copy(out->why, sizeof out->why, "a table was dropped or renamed on OLD since");
	return found == state->n;
}

/* After a crash of its server an unlogged table is empty, whatever was noted of it. */
static int check_unlogged(struct pg *target, const struct warm_state *state, struct warm_left *out,
			  struct err *err)
{
	struct pg_result *r = pg_query(
	    target,
	    "SELECT n.nspname, c.relname, format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN "
	    "pg_namespace n ON n.oid = c.relnamespace JOIN nightferry.warm_table w ON w.schema_name = "
	    "n.nspname AND w.table_name = c.relname WHERE c.relkind = 'r' AND c.relpersistence = 'u'",
	    NULL, err);
	int rc = r ? 0 : -1;
	for (size_t i = 0; rc == 0 && out->goes_on && i < pg_rows(r); i++) {
		const struct warm_table *w = warm_state_find(state, pg_get(r, i, 0), pg_get(r, i, 1));
		char *sql = xasprintf("SELECT count(*) FROM ONLY %s", pg_get(r, i, 2));
		int64_t rows = 0;
		rc = pg_number(target, sql, NULL, &rows, err);
		free(sql);
		if (rc < 0 || !w || rows == w->rows)
			continue;
		out->goes_on = false;
		text_copyf(out->why, sizeof out->why,
			   "NEW's server has crashed, and the unlogged table %s is empty", w->name);
	}
	pg_result_free(r);
	return rc;
}

static int judge(struct pg *target, const struct copy_boundary *now, const struct delta_tables *tables,
		 const struct warm_state *state, struct warm_left *out, struct err *err)
{
	struct err refused = {0};
	out->tables = tables->n;
	out->kept = state->n;
	if (!state->n)
		return 0;
	if (copy_boundary_check(&state->source, now, &refused) < 0) {
		/* Its way out is another one here. */
		text_copyf(out->why, sizeof out->why, "%.*s", (int)strcspn(refused.text, ";"), refused.text);
		return 0;
	}
	if (!text_equal(state->types, tables->types)) {
		text_copy(out->why, sizeof out->why, "a type was changed on OLD since");
		return 0;
	}
	out->goes_on = is_one(state, tables, out);
	return out->goes_on ? check_unlogged(target, state, out, err) : 0;
}

int warm_left_look(struct pg *target, const struct copy_boundary *now, const struct delta_tables *tables,
		   struct warm_left *out, struct warm_state *state, struct err *err)
{
	struct warm_state own = {0};
	bool defined;
	*out = (struct warm_left){0};
	if (state)
		*state = own;
	if (read_mark(target, out, &defined, err) < 0)
		return -1;
	if (!defined)
		return 0;
	if (warm_state_read(target, &own, err) < 0)
		return -1;
	int rc = judge(target, now, tables, &own, out, err);
	if (rc == 0 && state)
		*state = own;
	else
		warm_state_done(&own);
	return rc;
}
