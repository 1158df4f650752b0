/* One table: what changed is fetched, what vanished is found, and both are put into the target at once.
 *
 * All of it rests on one invariant: a row of the source that is older than the boundary is in the target,
 * byte for byte. So the rows that changed and the two counts tell how many keys have vanished, without one
 * key crossing the wire. Where the counts cannot be, the invariant is broken, and the table is copied again.
 *
 * Changed rows are removed by key and then all inserted, not updated one by one: two rows that have swapped a
 * unique value, or a new row with the value of one that is gone, would stand in each other's way. */
#include "core/copy/delta_table.h"
#include "core/base/text.h"
#include "core/copy/delta_guard.h"
#include <stdlib.h>
#include <string.h>

enum {
	CHUNK_BYTES = 256 << 10,
	ADDRESSES_MOST = 200000, /* changed rows are fetched by their place, so that the table is read once */
};

/* ---- the pieces of SQL ---- */

void delta_add_changed(struct buf *sql, uint64_t boundary, bool whole)
{
	/* age() counts back from now in 32 bits. A frozen row keeps its old mark; one from before the last
	 * wraparound may look young, and is moved once too often. From the future is nothing that this
	 * snapshot sees: a negative age is a frozen row, too. */
	if (whole)
		buf_adds(sql, "true");
	else
		buf_addf(sql, "age(xmin) BETWEEN 0 AND age('%u'::xid)", (unsigned)(boundary & 0xffffffffU));
}

void delta_add_hash(struct buf *sql, const struct delta_table *table)
{
	for (size_t i = 0; i < table->n_keys; i++) {
		const struct delta_key *key = &table->keys[i];
		buf_adds(sql, i ? " # " : "");
		if (key->integer)
			buf_addf(sql, "hashint8extended(%s::bigint, %zu)", key->column, i);
		else
			buf_addf(sql, "hashtextextended(%s::text COLLATE \"C\", %zu)", key->column, i);
	}
}

void delta_add_match(struct buf *sql, const struct delta_table *table, const char *a, const char *b)
{
	for (size_t i = 0; i < table->n_keys; i++) {
		const struct delta_key *key = &table->keys[i];
		buf_addf(sql, "%s%s.%s %s %s.%s", i ? " AND " : "", a, key->column, key->equals, b,
			 key->column);
	}
}

void delta_add_keys(struct buf *sql, const struct delta_table *table)
{
	for (size_t i = 0; i < table->n_keys; i++)
		buf_addf(sql, "%s%s", i ? ", " : "", table->keys[i].column);
}

int delta_pump(const struct delta_pair *pair, const char *out_sql, const char *in_sql, int64_t *rows,
	       int64_t *bytes, struct err *err)
{
	struct buf chunk = {0};
	if (pg_copy_out(pair->source, out_sql, err) < 0)
		return -1;
	if (pg_copy_in(pair->target, in_sql, err) < 0) {
		pg_copy_stop(pair->source);
		return -1;
	}
	int more = 1, rc = 0;
	while (more == 1 && rc == 0) {
		buf_reset(&chunk);
		more = pg_copy_read(pair->source, &chunk, CHUNK_BYTES, err);
		*bytes += (int64_t)chunk.len;
		rc = more < 0 ? -1 : pg_copy_write(pair->target, chunk.data, chunk.len, err);
	}
	if (more < 0)
		pg_copy_end(pair->target, "the source has failed", NULL);
	else if (rc < 0)
		pg_copy_stop(pair->source);
	else
		rc = pg_copy_end(pair->target, NULL, err);
	*rows = pg_copy_rows(pair->source);
	buf_done(&chunk);
	return more < 0 ? -1 : rc;
}

/* ---- the looks ---- */

struct work {
	const struct delta_pair *pair;
	const struct delta_table *table;
	const struct warm_table *was;
	bool whole; /* another table stands under the name: nothing of it was ever copied */
	struct delta_done *out;
	struct buf places;    /* of the changed rows; empty: too many */
	int64_t mark, before; /* the target's, when its lock was ours */
};

/* One reading of the source's table gives count, number of changed rows, and where they are. */
static int look_source(struct work *w, struct err *err)
{
	struct buf sql = {0};
	buf_addf(&sql,
		 "SELECT n, c, CASE WHEN c <= %d THEN p END FROM (SELECT count(*) AS n, count(p) AS c, "
		 "array_agg(p) "
		 "FILTER (WHERE p IS NOT NULL) AS p FROM (SELECT CASE WHEN ",
		 ADDRESSES_MOST);
	delta_add_changed(&sql, w->was->boundary, w->whole);
	buf_addf(&sql, " THEN ctid END AS p FROM %s) r) a", w->table->from);
	struct pg_result *r = pg_query(w->pair->source, buf_text(&sql), NULL, err);
	buf_done(&sql);
	if (!r)
		return -1;
	w->out->source_rows = pg_get_int(r, 0, 0);
	w->out->changed = pg_get_int(r, 0, 1);
	buf_adds(&w->places, pg_get(r, 0, 2));
	pg_result_free(r);
	return 0;
}

static int refuse_written(const struct work *w, int64_t others, struct err *err)
{
	char what[80];
	if (others)
		text_copyf(what, sizeof what, "%lld rows there are not ours", (long long)others);
	else
		text_copyf(what, sizeof what, "it holds %lld rows and had %lld", (long long)w->before,
			   (long long)w->was->rows);
	return err_set(
	    err, ERR_WORLD,
	    "Somebody else has written to %s of the %s since the copy (%s). Nothing of it was changed. Stop "
	    "what writes there, then run warm-copy again; or take the backup way",
	    w->table->label, pg_name(w->pair->target), what);
}

/* The lock keeps other writers out until our end; the mark is taken when it is ours. */
static int look_target(struct work *w, struct err *err)
{
	struct buf sql = {0};
	if (pg_exec(w->pair->target, err, "BEGIN; LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE",
		    w->table->from) < 0 ||
	    pg_number(w->pair->target, "SELECT txid_snapshot_xmax(txid_current_snapshot())", NULL, &w->mark,
		      err) < 0)
		return -1;
	buf_addf(&sql,
		 "SELECT count(*), count(*) FILTER (WHERE age(xmin) BETWEEN 0 AND age('%u'::xid) AND xmin <> "
		 "'%u'::xid) FROM %s",
		 (unsigned)(w->was->mark & 0xffffffffU), (unsigned)(w->was->own & 0xffffffffU),
		 w->table->from);
	struct pg_result *r = pg_query(w->pair->target, buf_text(&sql), NULL, err);
	buf_done(&sql);
	if (!r)
		return -1;
	int64_t others = pg_get_int(r, 0, 1);
	w->before = pg_get_int(r, 0, 0);
	pg_result_free(r);
	return others || w->before != w->was->rows ? refuse_written(w, others, err) : 0;
}

/* Read again under the lock: another run may have been here since the state was read. */
static int look_state(struct work *w, struct err *err)
{
	int64_t boundary;
	if (pg_number(w->pair->target,
		      "SELECT boundary FROM nightferry.warm_table WHERE schema_name = $1 AND table_name = $2",
		      PG_ARGS(w->table->schema, w->table->name), &boundary, err) < 0)
		return -1;
	if ((uint64_t)boundary != w->was->boundary)
		return err_set(
		    err, ERR_WORLD,
		    "Another delta is at work on %s: table %s has moved on meanwhile. Nothing was changed by "
		    "this one; look who runs it",
		    pg_name(w->pair->target), w->table->label);
	return 0;
}

/* ---- the changes ---- */

static int fetch(struct work *w, const char *into, int64_t *rows, struct err *err)
{
	struct buf out = {0}, in = {0};
	const char *columns = w->table->columns;
	buf_addf(&out, "COPY (SELECT %s FROM %s WHERE ", columns, w->table->from);
	if (w->out->state == DELTA_REPLACED)
		buf_adds(&out, "true");
	else if (w->places.len)
		buf_addf(&out, "ctid = ANY ('%s'::tid[])", buf_text(&w->places));
	else
		delta_add_changed(&out, w->was->boundary, w->whole);
	buf_adds(&out, ") TO STDOUT");
	buf_addf(&in, "COPY %s%s%s%s FROM STDIN", into, *columns ? " (" : "", columns, *columns ? ")" : "");
	int rc = delta_pump(w->pair, buf_text(&out), buf_text(&in), rows, &w->out->bytes, err);
	buf_done(&out);
	buf_done(&in);
	return rc;
}

static int replace(struct work *w, const char *why, struct err *err)
{
	const struct delta_table *t = w->table;
	int64_t rows;
	w->out->state = DELTA_REPLACED;
	text_copy(w->out->why, sizeof w->out->why, why);
	/* TRUNCATE is refused where a foreign key points here, whatever the rows say. */
	if (pg_exec(w->pair->target, err, t->referenced ? "DELETE FROM %s" : "TRUNCATE %s", t->from) < 0 ||
	    fetch(w, t->from + strlen("ONLY "), &rows, err) < 0)
		return -1;
	w->out->removed = w->before;
	w->out->target_rows = rows;
	return 0;
}

/* How many rows a DELETE or INSERT says it touched; `sql` has RETURNING nothing. */
static int touch(struct pg *pg, const char *sql, int64_t *rows, struct err *err)
{
	char *counted = xasprintf("WITH touched AS (%s RETURNING 1) SELECT count(*) FROM touched", sql);
	int rc = pg_number(pg, counted, NULL, rows, err);
	free(counted);
	return rc;
}

static int remove_changed(struct work *w, int64_t *removed, struct err *err)
{
	struct buf sql = {0};
	buf_addf(&sql, "DELETE FROM %s t USING pg_temp.nightferry_new n WHERE ", w->table->from);
	delta_add_match(&sql, w->table, "t", "n");
	int rc = touch(w->pair->target, buf_text(&sql), removed, err);
	buf_done(&sql);
	return rc;
}

static int insert_changed(struct work *w, int64_t *added, struct err *err)
{
	char *sql =
	    xasprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM pg_temp.nightferry_new",
		      w->table->from + strlen("ONLY "), w->table->columns, w->table->columns);
	int rc = touch(w->pair->target, sql, added, err);
	free(sql);
	return rc;
}

static int drop_staged(struct work *w, struct err *err)
{
	return pg_exec(w->pair->target, err, "DROP TABLE pg_temp.nightferry_new");
}

static int change(struct work *w, struct err *err)
{
	struct pg *target = w->pair->target;
	struct delta_done *out = w->out;
	int64_t rows, removed = 0, added = 0;
	w->out->state = DELTA_CHANGED;
	if (pg_exec(target, err,
		    "CREATE TEMP TABLE nightferry_new ON COMMIT DROP AS SELECT %s FROM %s WITH NO DATA",
		    w->table->columns, w->table->from) < 0 ||
	    fetch(w, "pg_temp.nightferry_new", &rows, err) < 0 ||
	    pg_exec(target, err, "ANALYZE pg_temp.nightferry_new") < 0 ||
	    remove_changed(w, &removed, err) < 0)
		return -1;
	int64_t kept = w->before - removed, gone = kept - (out->source_rows - out->changed);
	int odd = gone < 0    ? 1
		  : gone == 0 ? 0
			      : delta_gone_remove(w->pair, w->table, w->was->boundary, gone, kept, err);
	if (odd < 0)
		return -1;
	if (odd) {
		out->bytes = 0;
		return drop_staged(w, err) < 0
			   ? -1
			   : replace(w,
				     gone < 0 ? "rows are missing that should have been there"
					      : "so many rows have gone that this is quicker",
				     err);
	}
	if (insert_changed(w, &added, err) < 0 || drop_staged(w, err) < 0)
		return -1;
	out->removed = gone;
	out->target_rows = kept - gone + added;
	return 0;
}

static int write_changes(struct work *w, struct err *err)
{
	const struct delta_done *out = w->out;
	if (w->whole)
		return replace(w, "another table stands under this name since the copy", err);
	if (!w->table->n_keys)
		return replace(w, "no usable key", err);
	if (out->changed == out->source_rows)
		return replace(w, "every row is new", err);
	return change(w, err);
}

static int bring_up(struct work *w, struct err *err)
{
	struct buf again = {0};
	if (w->out->changed == 0 && w->out->source_rows == w->before) {
		w->out->target_rows = w->before;
		return 0;
	}
	int rc = delta_guard_hush(w->pair->target, w->table, &again, err);
	if (rc == 0)
		rc = write_changes(w, err);
	if (rc == 0 && again.len)
		rc = pg_exec(w->pair->target, err, "%s", buf_text(&again));
	buf_done(&again);
	return rc;
}

static int settle(struct work *w, struct err *err)
{
	struct warm_table now = *w->was;
	int64_t own;
	if (w->out->target_rows != w->out->source_rows)
		return err_set(err, ERR_WORLD,
			       "Table %s has %lld rows on OLD and would have %lld on NEW; it was left as it "
			       "was. Run the "
			       "delta again; if it says so again, take the backup way",
			       w->table->label, (long long)w->out->source_rows,
			       (long long)w->out->target_rows);
	now.oid = w->table->oid;
	now.boundary = w->pair->boundary;
	now.rows = w->out->target_rows;
	if (w->out->state != DELTA_EQUAL) {
		if (pg_number(w->pair->target, "SELECT txid_current()", NULL, &own, err) < 0)
			return -1;
		now.own = (uint64_t)own;
		now.mark = (uint64_t)w->mark;
	}
	return warm_state_set(w->pair->target, &now, err) < 0 ? -1 : pg_exec(w->pair->target, err, "COMMIT");
}

int delta_table_run(const struct delta_pair *pair, const struct delta_table *table,
		    const struct warm_table *was, struct delta_done *out, struct err *err)
{
	*out = (struct delta_done){0};
	struct work w = {
	    .pair = pair, .table = table, .was = was, .out = out, .whole = was->oid != table->oid};
	int rc = look_source(&w, err);
	if (rc == 0 && (look_target(&w, err) < 0 || look_state(&w, err) < 0 || bring_up(&w, err) < 0 ||
			settle(&w, err) < 0)) {
		pg_exec(pair->target, NULL, "ROLLBACK");
		rc = -1;
	}
	buf_done(&w.places);
	return rc;
}
