/* See the header. */
#include "core/copy/delta_guard.h"
#include "core/base/text.h"

#define ACTING                                                                                   \
	"FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = " \
	"c.relnamespace WHERE t.tgenabled <> 'D' AND n.nspname !~ '^pg_' AND n.nspname <> "      \
	"'information_schema'"

int delta_guard_set(struct pg *target, bool *owner_only, struct err *err)
{
	struct err refused = {0};
	*owner_only = false;
	if (pg_exec(target, &refused, "SET session_replication_role = replica") == 0)
		return 0;
	if (!pg_alive(target))
		return err_set(err, refused.kind, "%s", refused.text);
	struct pg_result *r = pg_query(
	    target, "SELECT count(*), count(*) FILTER (WHERE NOT pg_has_role(c.relowner, 'USAGE')) " ACTING,
	    NULL, err);
	if (!r)
		return -1;
	int64_t foreign = pg_get_int(r, 0, 1);
	*owner_only = pg_get_int(r, 0, 0) > 0;
	pg_result_free(r);
	if (!foreign)
		return 0;
	return err_set(
	    err, ERR_REFUSED,
	    "Foreign keys and triggers of the %s would act on copied rows, and the role %s may not hold them "
	    "still: it neither owns the tables nor may it set session_replication_role. Nothing was changed. "
	    "Give it the right (GRANT SET ON PARAMETER session_replication_role TO %s, from PostgreSQL 15 "
	    "on), "
	    "or use the URL of the tables' owner or of a superuser for the night; or take the backup way",
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

int delta_guard_hush(struct pg *target, bool owner_only, const struct delta_table *table, struct buf *again,
		     struct err *err)
{
	struct buf sql = {0};
	struct pg_result *r = pg_query(
	    target,
	    "SELECT t.tgname, t.tgenabled FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN "
	    "pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2 AND NOT "
	    "t.tgisinternal AND t.tgenabled <> 'D' AND (t.tgenabled <> 'O' OR $3)",
	    PG_ARGS(table->schema, table->name, owner_only ? "t" : "f"), err);
	for (size_t i = 0; i < pg_rows(r); i++) {
		char when = *pg_get(r, i, 1);
		add_trigger(&sql, table, "DISABLE", pg_get(r, i, 0));
		add_trigger(again, table,
			    when == 'A'   ? "ENABLE ALWAYS"
			    : when == 'R' ? "ENABLE REPLICA"
					  : "ENABLE",
			    pg_get(r, i, 0));
	}
	int rc = !r ? -1 : sql.len ? pg_exec(target, err, "%s", buf_text(&sql)) : 0;
	pg_result_free(r);
	buf_done(&sql);
	return rc;
}
