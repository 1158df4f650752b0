/* Foreign keys that stand aside for a round. They are noted in the same transaction that takes them away, and
 * struck off in the one that puts them back: neither a crash nor a lost connection loses one. */
#include "core/base/text.h"
#include "core/copy/delta_guard.h"

#define KEYS                                                                                                \
	" FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = "       \
	"c.relnamespace WHERE k.contype = 'f' AND k.conparentid = 0 AND n.nspname !~ '^pg_' AND n.nspname " \
	"<> 'information_schema'"

/* Without a search path everything in a definition is named in full. Keys of partitions go and come with
 * their parent's. What an earlier round has left noted stays so: it does not stand there. */
static const char note_sql[] =
    "BEGIN; CREATE TABLE IF NOT EXISTS nightferry.held_key (target text NOT NULL, name text NOT NULL, "
    "definition text NOT NULL, comment text, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (target, "
    "name)); SET LOCAL search_path = ''; "
    "INSERT INTO nightferry.held_key SELECT format('%I.%I', n.nspname, c.relname), k.conname, "
    "pg_get_constraintdef(k.oid), obj_description(k.oid, 'pg_constraint')" KEYS;
static const char drop_sql[] =
    "SELECT format('ALTER TABLE %I.%I DROP CONSTRAINT %I; ', n.nspname, c.relname, k.conname)" KEYS;

static int drop_noted(struct pg *target, struct err *err)
{
	struct buf sql = {0};
	struct pg_result *r = pg_query(target, drop_sql, NULL, err);
	for (size_t i = 0; i < pg_rows(r); i++)
		buf_adds(&sql, pg_get(r, i, 0));
	buf_adds(&sql, "COMMIT");
	int rc = r ? pg_exec(target, err, "%s", buf_text(&sql)) : -1;
	pg_result_free(r);
	buf_done(&sql);
	return rc;
}

int delta_keys_take(struct pg *target, struct err *err)
{
	if (pg_exec(target, err, "%s", note_sql) == 0 && drop_noted(target, err) == 0)
		return 0;
	if (pg_alive(target))
		pg_exec(target, NULL, "ROLLBACK");
	return -1;
}

static int put_back(struct pg *target, const struct pg_result *r, size_t i, struct err *err)
{
	struct buf sql = {0};
	const char *table = pg_get(r, i, 0), *name = pg_get(r, i, 1);
	buf_addf(&sql, "BEGIN; ALTER TABLE %s ADD CONSTRAINT ", table);
	pg_add_name(&sql, name);
	buf_addf(&sql, " %s; ", pg_get(r, i, 2));
	if (!pg_null(r, i, 3)) {
		buf_adds(&sql, "COMMENT ON CONSTRAINT ");
		pg_add_name(&sql, name);
		buf_addf(&sql, " ON %s IS ", table);
		pg_add_text(&sql, pg_get(r, i, 3));
		buf_adds(&sql, "; ");
	}
	buf_adds(&sql, "DELETE FROM nightferry.held_key WHERE target = ");
	pg_add_text(&sql, table);
	buf_adds(&sql, " AND name = ");
	pg_add_text(&sql, name);
	buf_adds(&sql, "; COMMIT");
	int rc = pg_exec(target, err, "%s", buf_text(&sql));
	buf_done(&sql);
	if (rc == 0)
		return 0;
	if (pg_alive(target))
		pg_exec(target, NULL, "ROLLBACK");
	return err_wrap(err,
			"Foreign key %s of %s could not be put back; it is noted in nightferry.held_key, and "
			"the next delta tries again",
			name, table);
}

int delta_keys_put_back(struct pg *target, int64_t *n, struct err *err)
{
	char there[4];
	*n = 0;
	if (pg_value(target, "SELECT 1 WHERE to_regclass('nightferry.held_key') IS NOT NULL", NULL, there,
		     sizeof there, err) < 0)
		return -1;
	if (!*there)
		return 0;
	struct pg_result *r = pg_query(
	    target, "SELECT target, name, definition, comment FROM nightferry.held_key ORDER BY target, name",
	    NULL, err);
	int rc = r ? 0 : -1;
	for (size_t i = 0; i < pg_rows(r) && rc == 0; i++, *n += rc == 0)
		rc = put_back(target, r, i, err);
	pg_result_free(r);
	return rc == 0 ? pg_exec(target, err, "DROP TABLE nightferry.held_key") : -1;
}
