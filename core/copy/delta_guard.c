/* See the header. */
#include "core/copy/delta_guard.h"

int delta_guard_set(struct pg *target, struct err *err)
{
	struct err refused = {0};
	int64_t acting;
	if (pg_exec(target, &refused, "SET session_replication_role = replica") == 0)
		return 0;
	if (!pg_alive(target))
		return err_set(err, refused.kind, "%s", refused.text);
	if (pg_number(target,
		      "SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN "
		      "pg_namespace n ON n.oid "
		      "= c.relnamespace WHERE t.tgenabled <> 'D' AND n.nspname !~ '^pg_' AND n.nspname <> "
		      "'information_schema'",
		      NULL, &acting, err) < 0)
		return -1;
	if (!acting)
		return 0;
	return err_set(
	    err, ERR_REFUSED,
	    "Foreign keys and triggers of the %s would act on copied rows, and the role %s may not hold them "
	    "still. Nothing was changed. Give it the right (GRANT SET ON PARAMETER session_replication_role "
	    "TO "
	    "%s, from PostgreSQL 15 on) or use a superuser's URL for the night; or take the backup way",
	    pg_name(target), pg_user(target), pg_user(target));
}

static void add_trigger(struct buf *sql, const struct delta_table *table, const char *how, const char *name)
{
	buf_adds(sql, "ALTER TABLE ");
	buf_adds(sql, table->from);
	buf_addf(sql, " %s TRIGGER ", how);
	pg_add_name(sql, name);
	buf_adds(sql, "; ");
}

int delta_guard_hush(struct pg *target, const struct delta_table *table, struct buf *again, struct err *err)
{
	struct buf sql = {0};
	struct pg_result *r = pg_query(
	    target,
	    "SELECT t.tgname, t.tgenabled = 'A' FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN "
	    "pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2 AND NOT "
	    "t.tgisinternal AND t.tgenabled IN ('A', 'R')",
	    PG_ARGS(table->schema, table->name), err);
	for (size_t i = 0; i < pg_rows(r); i++) {
		add_trigger(&sql, table, "DISABLE", pg_get(r, i, 0));
		add_trigger(again, table, pg_get_bool(r, i, 1) ? "ENABLE ALWAYS" : "ENABLE REPLICA",
			    pg_get(r, i, 0));
	}
	int rc = !r ? -1 : sql.len ? pg_exec(target, err, "%s", buf_text(&sql)) : 0;
	pg_result_free(r);
	buf_done(&sql);
	return rc;
}
