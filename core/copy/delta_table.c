/* One table that changed: what is new is fetched, what vanished is found, and both are put into the target at
 * once.
 *
 * All of it rests on one invariant: a row of the source that is older than the boundary is in the target,
 * byte for byte. So the rows that changed and the two counts tell how many keys have vanished, without one
 * key crossing the wire. Where the counts cannot be, the invariant is broken, and the table is copied again.
 *
 * The target's table is read once, after it was written to and before that is committed: its rows are
 * counted, and those that somebody else has written. Only where all its rows are to go it is read before.
 *
 * Changed rows are removed by key and then all inserted, not updated one by one: two rows that have swapped a
 * unique value, or a new row with the value of one that is gone, would stand in each other's way. */
#include "core/copy/delta_table.h"
#include "core/base/text.h"
#include "core/copy/delta_guard.h"
#include <stdlib.h>
#include <string.h>

struct work {
	const struct delta_pair *pair;
	const struct delta_known *known;
	const struct delta_table *table;
	const struct warm_table *was;
	const struct delta_seen *seen;
	struct delta_done *out;
	uint64_t mark, own; /* taken when the table's lock was ours; own: this transaction */
};
enum outcome { FAILED = -1, DONE, COPY_AGAIN };

/* ---- the begin ---- */

/* The lock keeps other writers out until our end. What is asked after it is seen as it is then. */
static int begin(struct work *w, struct err *err)
{
	struct buf sql = {0};
	buf_addf(&sql,
		 "BEGIN; LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE; SELECT "
		 "txid_snapshot_xmax(txid_current_snapshot()), txid_current(), (SELECT boundary FROM "
		 "nightferry.warm_table WHERE schema_name = ",
		 w->table->from);
	pg_add_text(&sql, w->table->schema);
	buf_adds(&sql, " AND table_name = ");
	pg_add_text(&sql, w->table->name);
	buf_addc(&sql, ')');
	struct pg_result *r = pg_query(w->pair->target, buf_text(&sql), NULL, err);
	buf_done(&sql);
	if (!r)
		return -1;
	bool same = (uint64_t)pg_get_int(r, 0, 2) == w->was->boundary;
	w->mark = (uint64_t)pg_get_int(r, 0, 0);
	w->own = (uint64_t)pg_get_int(r, 0, 1);
	pg_result_free(r);
	return same ? 0 : delta_refuse_moved(w->pair, w->known, err);
}

static int count_target(struct work *w, int64_t *rows, int64_t *others, struct err *err)
{
	struct buf sql = {0};
	buf_adds(&sql, "SELECT count(*), count(*) FILTER (WHERE ");
	delta_add_foreign(&sql, w->was, w->own, "xmin");
	buf_addf(&sql, ") FROM %s", w->table->from);
	struct pg_result *r = pg_query(w->pair->target, buf_text(&sql), NULL, err);
	buf_done(&sql);
	*rows = r ? pg_get_int(r, 0, 0) : 0;
	*others = r ? pg_get_int(r, 0, 1) : 0;
	pg_result_free(r);
	return r ? 0 : -1;
}

/* ---- the writing ---- */

/* The changed rows, or all, into `into`. */
static int fetch(struct work *w, const char *into, int64_t *rows, struct err *err)
{
	struct buf out = {0}, in = {0};
	const char *columns = w->table->columns;
	buf_addf(&out, "COPY (SELECT %s FROM %s WHERE ", columns, w->table->from);
	if (w->out->state == DELTA_REPLACED)
		buf_adds(&out, "true");
	else if (w->seen->places.len)
		buf_addf(&out, "ctid = ANY ('{%s}'::tid[])", buf_text(&w->seen->places));
	else
		delta_add_changed(&out, w->was->boundary);
	buf_adds(&out, ") TO STDOUT");
	buf_addf(&in, "COPY %s%s%s%s FROM STDIN", into, *columns ? " (" : "", columns, *columns ? ")" : "");
	int rc = delta_pump(w->pair, buf_text(&out), buf_text(&in), rows, &w->out->bytes, err);
	buf_done(&out);
	buf_done(&in);
	return rc;
}

/* All rows go, and with them what would show that they are not ours: so it is asked before. */
static int replace(struct work *w, const char *why, struct err *err)
{
	const struct delta_table *t = w->table;
	int64_t rows, others;
	w->out->state = DELTA_REPLACED;
	text_copy(w->out->why, sizeof w->out->why, why);
	if (count_target(w, &rows, &others, err) < 0)
		return -1;
	if (others || rows != w->was->rows)
		return delta_refuse_foreign(w->pair, w->known, rows, others, err);
	w->out->removed = rows;
	/* TRUNCATE is refused where a foreign key points here, whatever the rows say. */
	return pg_exec(w->pair->target, err, t->referenced ? "DELETE FROM %s" : "TRUNCATE %s", t->from) < 0
		   ? -1
		   : fetch(w, t->from + strlen("ONLY "), &rows, err);
}

/* The old versions of changed rows; also of those that somebody else has written over. */
static int remove_changed(struct work *w, int64_t *removed, struct err *err)
{
	struct buf sql = {0};
	buf_addf(&sql, "WITH touched AS (DELETE FROM %s t USING pg_temp.nightferry_new n WHERE ",
		 w->table->from);
	delta_add_match(&sql, w->table, "t", "n");
	buf_adds(&sql, " RETURNING t.xmin AS x) SELECT count(*), count(*) FILTER (WHERE ");
	delta_add_foreign(&sql, w->was, w->own, "x");
	buf_adds(&sql, ") FROM touched");
	struct pg_result *r = pg_query(w->pair->target, buf_text(&sql), NULL, err);
	buf_done(&sql);
	if (!r)
		return -1;
	int64_t others = pg_get_int(r, 0, 1);
	*removed = pg_get_int(r, 0, 0);
	pg_result_free(r);
	return others ? delta_refuse_foreign(w->pair, w->known, 0, others, err) : 0;
}

/* What is new on the source comes into a table of its own, and its old versions go. */
static int stage(struct work *w, int64_t *removed, struct err *err)
{
	int64_t fetched;
	*removed = 0;
	if (!w->seen->changed)
		return 0;
	if (pg_exec(w->pair->target, err,
		    "CREATE TEMP TABLE nightferry_new ON COMMIT DROP AS SELECT %s FROM %s WITH NO DATA",
		    w->table->columns, w->table->from) < 0 ||
	    fetch(w, "pg_temp.nightferry_new", &fetched, err) < 0 ||
	    pg_exec(w->pair->target, err, "ANALYZE pg_temp.nightferry_new") < 0)
		return -1;
	return remove_changed(w, removed, err);
}

static int insert_staged(struct work *w, struct err *err)
{
	const char *columns = w->table->columns;
	if (!w->seen->changed)
		return 0;
	return pg_exec(w->pair->target, err,
		       "INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM pg_temp.nightferry_new",
		       w->table->from + strlen("ONLY "), columns, columns);
}

static enum outcome change(struct work *w, struct err *err)
{
	int64_t removed;
	w->out->state = DELTA_CHANGED;
	if (stage(w, &removed, err) < 0)
		return FAILED;
	int64_t kept = w->was->rows - removed, gone = kept - (w->seen->rows - w->seen->changed);
	enum delta_gone found = gone < 0 ? GONE_UNCLEAR : GONE_REMOVED;
	if (gone > 0)
		found = delta_gone_remove(w->pair, w->known, w->own, gone, kept, err);
	if (found == GONE_FAILED)
		return FAILED;
	if (found == GONE_UNCLEAR) {
		text_copy(w->out->why, sizeof w->out->why,
			  gone < 0 ? "rows are missing that should have been there"
				   : "so many rows have gone that this is quicker");
		return COPY_AGAIN;
	}
	w->out->removed = gone;
	return insert_staged(w, err) < 0 ? FAILED : DONE;
}

static enum outcome write_changes(struct work *w, const char *why, struct err *err)
{
	if (!*why && w->seen->whole)
		why = "another table stands under this name since the copy";
	else if (!*why && !w->table->n_keys)
		why = "no usable key";
	else if (!*why && w->seen->changed == w->seen->rows)
		why = w->seen->rows ? "every row is new" : "it is empty now";
	return !*why ? change(w, err) : replace(w, why, err) < 0 ? FAILED : DONE;
}

/* ---- the end ---- */

/* The proof of this table's count: nothing is kept of it where it fails. */
static int verify(struct work *w, struct err *err)
{
	struct delta_done *out = w->out;
	int64_t others;
	if (count_target(w, &out->target_rows, &others, err) < 0)
		return -1;
	if (others || (out->target_rows != out->source_rows && out->state == DELTA_CHANGED))
		return delta_refuse_foreign(w->pair, w->known,
					    w->was->rows + out->target_rows - out->source_rows, others, err);
	if (out->target_rows != out->source_rows)
		return err_set(err, ERR_WORLD,
			       "Table %s has %lld rows on OLD and would have %lld on NEW; it was left as it "
			       "was. Run the delta again; if it says so again, take the backup way",
			       w->table->label, (long long)out->source_rows, (long long)out->target_rows);
	return 0;
}

static int settle(struct work *w, struct err *err)
{
	struct warm_table now = *w->was;
	now.oid = w->table->oid;
	now.boundary = w->pair->boundary;
	now.rows = w->out->target_rows;
	now.own = w->own;
	now.mark = w->mark;
	return warm_state_set(w->pair->target, &now, err) < 0 ? -1 : pg_exec(w->pair->target, err, "COMMIT");
}

static enum outcome bring_up(struct work *w, const char *why, struct err *err)
{
	struct buf again = {0};
	*w->out = (struct delta_done){.source_rows = w->seen->rows, .changed = w->seen->changed};
	enum outcome outcome = begin(w, err) < 0 ? FAILED : DONE;
	if (outcome == DONE &&
	    delta_guard_hush(w->pair->target, w->pair->owner_only, w->table, &again, err) < 0)
		outcome = FAILED;
	if (outcome == DONE)
		outcome = write_changes(w, why, err);
	if (outcome == DONE && again.len && pg_exec(w->pair->target, err, "%s", buf_text(&again)) < 0)
		outcome = FAILED;
	if (outcome == DONE && (verify(w, err) < 0 || settle(w, err) < 0))
		outcome = FAILED;
	if (outcome != DONE)
		pg_exec(w->pair->target, NULL, "ROLLBACK");
	buf_done(&again);
	return outcome;
}

/* A row that is in the way of ours may be somebody else's: then that is said. */
static void explain_conflict(struct work *w, struct err *err)
{
	struct err unheard = {0};
	int64_t rows = 0, others = 0;
	if (!text_starts(pg_sqlstate(w->pair->target), "23"))
		return;
	if (begin(w, &unheard) == 0 && count_target(w, &rows, &others, &unheard) == 0 &&
	    (others || rows != w->was->rows))
		delta_refuse_foreign(w->pair, w->known, rows, others, err);
	pg_exec(w->pair->target, NULL, "ROLLBACK");
}

int delta_table_run(const struct delta_pair *pair, const struct delta_known *known, struct delta_done *out,
		    struct err *err)
{
	struct work w = {.pair = pair,
			 .known = known,
			 .table = known->table,
			 .was = known->was,
			 .seen = known->seen,
			 .out = out};
	char why[sizeof out->why] = "";
	/* The moment is joined anew for each table: locks of thousands would not fit into the source. */
	if (pg_exec(pair->source, err, "COMMIT") < 0 ||
	    copy_snapshot_join(pair->source, pair->snapshot, err) < 0)
		return -1;
	enum outcome outcome = bring_up(&w, why, err);
	if (outcome == COPY_AGAIN) {
		text_copy(why, sizeof why, out->why);
		outcome = bring_up(&w, why, err);
	}
	if (outcome == FAILED)
		explain_conflict(&w, err);
	return outcome == DONE ? 0 : -1;
}
