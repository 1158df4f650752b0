#include "core/copy/table_copy.h"
#include "core/base/text.h"

enum { CHUNK_BYTES = 128 << 10 };

static void add_source(struct buf *sql, const struct copy_piece *piece)
{
	const struct copy_table *t = piece->table;
	bool all = piece->whole && !*t->where;
	if (all) {
		buf_adds(sql, "COPY ");
		copy_table_name(sql, t);
		if (*t->columns)
			buf_addf(sql, " (%s)", t->columns);
	} else {
		buf_addf(sql, "COPY (SELECT %s FROM ONLY ", t->columns);
		copy_table_name(sql, t);
		buf_addf(sql, " %s", t->where);
		if (!piece->whole)
			buf_addf(sql, " WHERE ctid >= '(%lld,0)'::tid", (long long)piece->from_page);
		if (!piece->whole && piece->to_page >= 0)
			buf_addf(sql, " AND ctid < '(%lld,0)'::tid", (long long)piece->to_page);
		buf_addc(sql, ')');
	}
	buf_addf(sql, " TO STDOUT (FORMAT %s)", t->binary ? "binary" : "text");
}

/* Rows that nobody has seen before this transaction are written frozen: no vacuum has to come back for them.
 */
static void add_target(struct buf *sql, const struct copy_table *t, bool frozen)
{
	buf_adds(sql, "COPY ");
	copy_table_name(sql, t);
	if (*t->columns)
		buf_addf(sql, " (%s)", t->columns);
	buf_addf(sql, " FROM STDIN (FORMAT %s%s)", t->binary ? "binary" : "text", frozen ? ", FREEZE" : "");
}

static bool is_frozen(const struct copy_piece *piece)
{
	return piece->whole && !piece->table->extension;
}

static int begin(struct pg *target, const struct copy_piece *piece, struct err *err)
{
	struct buf sql = {0};
	buf_adds(&sql, "BEGIN");
	if (is_frozen(piece)) {
		buf_adds(&sql, "; TRUNCATE ONLY ");
		copy_table_name(&sql, piece->table);
	}
	int rc = pg_exec(target, err, "%s", buf_text(&sql));
	buf_done(&sql);
	return rc;
}

/* -1: the source failed; -2: the target did. */
static int relay(struct pg *source, struct pg *target, copy_progress_fn *progress, void *ctx,
		 struct copy_done *done, struct err *err)
{
	struct buf rows = {0};
	int more = 1;
	while (more == 1) {
		buf_reset(&rows);
		more = pg_copy_read(source, &rows, CHUNK_BYTES, err);
		if (more >= 0 && pg_copy_write(target, rows.data, rows.len, err) < 0)
			more = -2;
		done->bytes += (int64_t)rows.len;
		done->rows = pg_copy_rows(source);
		if (progress)
			progress(ctx, done);
	}
	buf_done(&rows);
	return more;
}

/* Both COPYs have begun. */
static int pour(struct pg *source, struct pg *target, const char *label, copy_progress_fn *progress,
		void *ctx, struct copy_done *done, struct err *err)
{
	int rc = relay(source, target, progress, ctx, done, err);
	if (rc == -1)
		pg_copy_end(target, "the source broke off", NULL);
	if (rc == -2)
		pg_copy_stop(source);
	if (rc < 0 || pg_copy_end(target, NULL, err) < 0)
		return -1;
	done->rows = pg_copy_rows(target);
	if (pg_copy_rows(source) != pg_copy_rows(target))
		return err_set(err, ERR_WORLD,
			       "%s: OLD gave %lld rows and NEW took %lld; nothing of this table is kept",
			       label, (long long)pg_copy_rows(source), (long long)pg_copy_rows(target));
	return 0;
}

static int copy_rows(struct pg *source, struct pg *target, const struct copy_piece *piece,
		     copy_progress_fn *progress, void *ctx, struct copy_done *done, struct err *err)
{
	struct buf from = {0}, to = {0};
	add_source(&from, piece);
	add_target(&to, piece->table, is_frozen(piece));
	int rc = pg_copy_in(target, buf_text(&to), err);
	if (rc == 0 && pg_copy_out(source, buf_text(&from), err) < 0) {
		pg_copy_end(target, "the source would not give its rows", NULL);
		rc = -1;
	}
	buf_done(&from);
	buf_done(&to);
	return rc < 0 ? -1 : pour(source, target, piece->table->label, progress, ctx, done, err);
}

int copy_table_run(struct pg *source, struct pg *target, const struct copy_piece *piece,
		   copy_progress_fn *progress, void *ctx, struct copy_done *done, struct err *err)
{
	*done = (struct copy_done){0};
	int rc = begin(target, piece, err);
	if (rc == 0)
		rc = copy_rows(source, target, piece, progress, ctx, done, err);
	if (rc == 0)
		return pg_exec(target, err, "COMMIT");
	if (pg_alive(target))
		pg_exec(target, NULL, "ROLLBACK");
	return err_wrap(err, "%s", piece->table->label);
}

static int copy_small(struct pg *source, struct pg *target, const struct copy_table *t, bool first,
		      struct copy_done *done, struct err *err)
{
	struct buf to = {0};
	add_target(&to, t, false);
	int rc = first ? 0 : pg_copy_next(source, err);
	if (rc == 0 && pg_copy_in(target, buf_text(&to), err) < 0) {
		pg_copy_stop(source);
		rc = -1;
	}
	buf_done(&to);
	if (rc == 0)
		rc = pour(source, target, t->label, NULL, NULL, done, err);
	return rc < 0 ? err_wrap(err, "%s", t->label) : 0;
}

int copy_tables_run(struct pg *source, struct pg *target, const struct copy_table *list, size_t n,
		    void (*is_in)(void *ctx, size_t i, const struct copy_done *done), void *ctx,
		    struct err *err)
{
	struct buf from = {0};
	for (size_t i = 0; i < n; i++) {
		buf_adds(&from, i ? "; " : "");
		add_source(&from, &(struct copy_piece){.table = &list[i], .whole = true, .to_page = -1});
	}
	int rc = pg_copy_out_many(source, buf_text(&from), n, err);
	buf_done(&from);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct copy_done done = {0};
		rc = copy_small(source, target, &list[i], i == 0, &done, err);
		if (rc == 0)
			is_in(ctx, i, &done);
	}
	if (rc < 0)
		pg_copy_stop(source);
	return rc;
}
