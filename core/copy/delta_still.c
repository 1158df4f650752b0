/* Tables that did not change on the source: the target's must not have either, and is at the new boundary
 * then. Many small ones share a transaction, for each round trip costs more than they do. */
#include "core/base/text.h"
#include "core/copy/delta_table.h"

bool delta_is_still(const struct delta_known *known)
{
	return !known->seen->whole && !known->seen->changed && known->seen->rows == known->was->rows;
}

static int lock(const struct delta_pair *pair, const struct delta_known *known, size_t n, struct err *err)
{
	struct buf sql = {0};
	buf_adds(&sql, "BEGIN; LOCK TABLE ");
	for (size_t i = 0; i < n; i++)
		buf_addf(&sql, "%s%s", i ? ", " : "", known[i].table->from);
	buf_adds(&sql, " IN SHARE ROW EXCLUSIVE MODE");
	int rc = pg_exec(pair->target, err, "%s", buf_text(&sql));
	buf_done(&sql);
	return rc;
}

static int check_one(const struct delta_pair *pair, const struct delta_known *known,
		     const struct pg_result *r, size_t row, struct err *err)
{
	int64_t rows = pg_get_int(r, row, 1), others = pg_get_int(r, row, 2);
	if ((uint64_t)pg_get_int(r, row, 3) != known->was->boundary)
		return delta_refuse_moved(pair, known, err);
	return others || rows != known->was->rows ? delta_refuse_foreign(pair, known, rows, others, err) : 0;
}

static int check(const struct delta_pair *pair, const struct delta_known *known, size_t n, struct err *err)
{
	struct buf sql = {0};
	for (size_t i = 0; i < n; i++) {
		buf_addf(&sql, "%sSELECT %zu, count(*), count(*) FILTER (WHERE ", i ? " UNION ALL " : "", i);
		delta_add_foreign(&sql, known[i].was, 0, "xmin");
		buf_adds(&sql, "), (SELECT boundary FROM nightferry.warm_table WHERE schema_name = ");
		pg_add_text(&sql, known[i].table->schema);
		buf_adds(&sql, " AND table_name = ");
		pg_add_text(&sql, known[i].table->name);
		buf_addf(&sql, ") FROM %s", known[i].table->from);
	}
	struct pg_result *r = pg_query(pair->target, buf_text(&sql), NULL, err);
	int rc = r ? 0 : -1;
	buf_done(&sql);
	for (size_t row = 0; rc == 0 && row < pg_rows(r); row++)
		rc = check_one(pair, &known[pg_get_int(r, row, 0)], r, row, err);
	pg_result_free(r);
	return rc;
}

static int settle(const struct delta_pair *pair, const struct delta_known *known, size_t n, struct err *err)
{
	struct buf sql = {0};
	buf_addf(&sql,
		 "UPDATE nightferry.warm_table SET boundary = %llu, at = now() WHERE (schema_name, "
		 "table_name) IN (",
		 (unsigned long long)pair->boundary);
	for (size_t i = 0; i < n; i++) {
		buf_adds(&sql, i ? ", (" : "(");
		pg_add_text(&sql, known[i].table->schema);
		buf_adds(&sql, ", ");
		pg_add_text(&sql, known[i].table->name);
		buf_addc(&sql, ')');
	}
	buf_adds(&sql, "); COMMIT");
	int rc = pg_exec(pair->target, err, "%s", buf_text(&sql));
	buf_done(&sql);
	return rc;
}

int delta_still_run(const struct delta_pair *pair, const struct delta_known *known, size_t n, struct err *err)
{
	if (lock(pair, known, n, err) == 0 && check(pair, known, n, err) == 0 &&
	    settle(pair, known, n, err) == 0)
		return 0;
	pg_exec(pair->target, NULL, "ROLLBACK");
	return -1;
}
