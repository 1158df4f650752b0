/* Encrypted values among the rows that a way back would leave behind: who wrote them may use keys, digests or
 * a version that the old app does not have, and then it cannot read its own rows. See pg_since.h. */
#include "core/base/text.h"
#include "core/links/pg_since.h"
#include "core/links/pg_tables.h"
#include <stdlib.h>

enum { PAGES = 2000, ROWS = 1000 };

/* The columns that may hold such values, and how each is told: by its name, or by what stands in it. */
static const char columns_sql[] =
    "SELECT n.nspname, c.relname, a.attname, "
    "a.attname LIKE '%\\_ciphertext' OR (a.attname LIKE 'encrypted\\_%' AND EXISTS (SELECT 1 FROM "
    "pg_attribute i "
    "WHERE i.attrelid = c.oid AND i.attname = a.attname || '_iv' AND NOT i.attisdropped)), c.relpages "
    "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND n.nspname !~ "
    "'^(pg_|information_schema$)' "
    "AND a.atttypid IN ('text'::regtype, 'varchar'::regtype, 'json'::regtype, 'jsonb'::regtype, "
    "'bytea'::regtype) "
    "ORDER BY 1, 2, a.attnum";

static bool is_changed(const struct pg_since *changed, const char *schema, const char *name)
{
	char label[130];
	pg_label(label, sizeof label, schema, name);
	for (size_t i = 0; i < changed->n; i++)
		if (text_equal(changed->tables[i].label, label))
			return changed->tables[i].inserted + changed->tables[i].updated > 0;
	return false;
}

/* {"p":"...","h":{...}} is what Active Record writes for a value, in the order of its keys or of jsonb's. */
static void add_condition(struct buf *sql, const char *column, bool by_name)
{
	pg_add_name(sql, column);
	if (by_name)
		buf_adds(sql, " IS NOT NULL");
	else
		buf_adds(sql, "::text ~ '^\\s*\\{\\s*\"(p|h)\"\\s*:' AND ");
	if (!by_name) {
		pg_add_name(sql, column);
		buf_adds(sql, "::text ~ '\"h\"\\s*:\\s*\\{' AND ");
		pg_add_name(sql, column);
		buf_adds(sql, "::text ~ '\"iv\"\\s*:'");
	}
}

/* One table: rows i up to the first of another. */
static void table_sql(const struct pg_result *r, size_t i, size_t end, bool by_pages, const char *since,
		      struct buf *sql)
{
	buf_adds(sql, "SELECT count(*) FROM (SELECT 1 FROM ONLY ");
	pg_add_name(sql, pg_get(r, i, 0));
	buf_addc(sql, '.');
	pg_add_name(sql, pg_get(r, i, 1));
	buf_addf(sql, " WHERE %s AND (", since);
	for (size_t k = i; k < end; k++) {
		if (k > i)
			buf_adds(sql, " OR ");
		buf_addc(sql, '(');
		add_condition(sql, pg_get(r, k, 2), pg_get_bool(r, k, 3));
		buf_addc(sql, ')');
	}
	buf_addc(sql, ')');
	if (by_pages && pg_get_int(r, i, 4) > PAGES)
		buf_addf(sql, " AND ctid >= '(%lld,0)'::tid", (long long)pg_get_int(r, i, 4) - PAGES);
	buf_addf(sql, " LIMIT %d) x", ROWS);
}

/* "legacy.encrypted_pin" where a name says so, else the table: its values were found, not asked for by
 * column. */
static void name_place(const struct pg_result *r, size_t i, size_t end, char *where, size_t size)
{
	char label[130];
	const char *column = end - i == 1 ? pg_get(r, i, 2) : "";
	for (size_t k = i; k < end && !*column; k++)
		if (pg_get_bool(r, k, 3))
			column = pg_get(r, k, 2);
	pg_label(label, sizeof label, pg_get(r, i, 0), pg_get(r, i, 1));
	text_copyf(where, size, "%s%s%s", label, *column ? "." : "", column);
}

static int count_table(struct pg *pg, const struct pg_result *r, size_t i, size_t end, const char *since,
		       int64_t *rows, char *where, size_t size, struct err *err)
{
	struct buf sql = {0};
	int64_t n = 0;
	table_sql(r, i, end, pg_major(pg) >= 14, since, &sql);
	int rc = pg_number(pg, buf_text(&sql), NULL, &n, err);
	buf_done(&sql);
	if (rc == 0 && n > 0 && !*rows)
		name_place(r, i, end, where, size);
	*rows += n;
	return rc;
}

int pg_since_encrypted(struct pg *pg, const struct pg_since *since, const struct pg_since *changed,
		       int64_t *rows, char *where, size_t size, struct err *err)
{
	char condition[80];
	int rc = 0;
	*rows = 0;
	*where = '\0';
	if (!changed->n)
		return 0;
	if (pg_since_where(pg, since, condition, sizeof condition, err) < 0)
		return -1;
	struct pg_result *r = pg_query(pg, columns_sql, NULL, err);
	if (!r)
		return -1;
	for (size_t i = 0, end; i < pg_rows(r) && rc == 0; i = end) {
		for (end = i + 1; end < pg_rows(r) && text_equal(pg_get(r, end, 0), pg_get(r, i, 0)) &&
				  text_equal(pg_get(r, end, 1), pg_get(r, i, 1));)
			end++;
		if (is_changed(changed, pg_get(r, i, 0), pg_get(r, i, 1)))
			rc = count_table(pg, r, i, end, condition, rows, where, size, err);
	}
	pg_result_free(r);
	return rc;
}
