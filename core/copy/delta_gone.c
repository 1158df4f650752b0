/* Which keys have vanished from the source.
 *
 * What is left of the target here (the rows that did not change, and those that are gone) holds everything
 * that is left of the source. So each bucket of keys tells by its count how many are gone, and where it is
 * one, the difference of the sums of hashes *is* that one. Only of buckets with several all keys are asked
 * about. No key is removed that the source has not itself said it does not have. */
#include "core/copy/delta_table.h"
#include <stdio.h>
#include <stdlib.h>

enum {
	BITS_MOST = 18,
	ROOM = 32,           /* buckets for each vanished key: nearly all stand alone then */
	ASKED_MOST = 500000, /* keys; beyond it copying again is quicker */
	ASK_ROWS = 10000,
};

static int64_t bucket_mask(int64_t wanted)
{
	int bits = 0;
	while (bits < BITS_MOST && (INT64_C(1) << bits) < wanted * ROOM)
		bits++;
	return (INT64_C(1) << bits) - 1;
}

static void add_buckets(struct buf *sql, const struct delta_table *table, int64_t mask, uint64_t boundary,
			bool source)
{
	buf_addf(sql, "SELECT h & %lld, count(*), sum(h) FROM (SELECT ", (long long)mask);
	delta_add_hash(sql, table);
	buf_addf(sql, " AS h FROM %s WHERE NOT (", table->from);
	if (source)
		delta_add_changed(sql, boundary);
	else
		buf_adds(sql, "false");
	buf_adds(sql, ")) r GROUP BY 1");
}

static int fetch_buckets(const struct delta_pair *pair, const struct delta_table *table, uint64_t boundary,
			 int64_t mask, struct err *err)
{
	struct buf sql = {0};
	int64_t rows, bytes = 0;
	int rc = pg_exec(pair->target, err,
			 "CREATE TEMP TABLE nightferry_there (b bigint, n bigint, s numeric) ON COMMIT DROP");
	buf_adds(&sql, "COPY (");
	add_buckets(&sql, table, mask, boundary, true);
	buf_adds(&sql, ") TO STDOUT");
	if (rc == 0)
		rc = delta_pump(pair, buf_text(&sql), "COPY pg_temp.nightferry_there FROM STDIN", &rows,
				&bytes, err);
	buf_done(&sql);
	return rc == 0 ? pg_exec(pair->target, err, "ANALYZE pg_temp.nightferry_there") : -1;
}

/* 1 when the buckets do not add up to what the counts have said. */
static int find_differing(const struct delta_pair *pair, const struct delta_table *table, int64_t mask,
			  int64_t wanted, struct err *err)
{
	struct buf sql = {0};
	buf_adds(&sql, "CREATE TEMP TABLE nightferry_differ ON COMMIT DROP AS SELECT b, coalesce(m.n, 0) - "
		       "coalesce(t.n, 0) AS "
		       "d, coalesce(m.s, 0) - coalesce(t.s, 0) AS h FROM (");
	add_buckets(&sql, table, mask, 0, false);
	buf_adds(
	    &sql,
	    ") m (b, n, s) FULL JOIN pg_temp.nightferry_there t USING (b) WHERE (m.n, m.s) IS DISTINCT FROM "
	    "(t.n, t.s)");
	int rc = pg_exec(pair->target, err, "%s", buf_text(&sql));
	buf_done(&sql);
	struct pg_result *r = rc < 0 ? NULL
				     : pg_query(pair->target,
						"SELECT coalesce(sum(d), 0), coalesce(bool_and(d > 0), "
						"false) FROM pg_temp.nightferry_differ",
						NULL, err);
	if (!r)
		return -1;
	bool adds_up = pg_get_int(r, 0, 0) == wanted && pg_get_bool(r, 0, 1);
	pg_result_free(r);
	return !adds_up;
}

/* 1 when too many keys would have to be asked about. */
static int find_candidates(const struct delta_pair *pair, const struct delta_table *table, int64_t mask,
			   struct err *err)
{
	struct buf sql = {0};
	int64_t n = 0;
	buf_adds(&sql, "CREATE TEMP TABLE nightferry_gone ON COMMIT DROP AS SELECT (row_number() OVER "
		       "())::int AS nightferry_at, ");
	delta_add_keys(&sql, table);
	buf_adds(&sql, " FROM (SELECT ");
	delta_add_keys(&sql, table);
	buf_adds(&sql, ", ");
	delta_add_hash(&sql, table);
	buf_addf(
	    &sql,
	    " AS nightferry_h FROM %s) t JOIN pg_temp.nightferry_differ f ON f.b = t.nightferry_h & %lld "
	    "WHERE f.d > 1 OR t.nightferry_h = f.h LIMIT %d",
	    table->from, (long long)mask, ASKED_MOST + 1);
	int rc = pg_exec(pair->target, err, "%s", buf_text(&sql));
	buf_done(&sql);
	if (rc == 0)
		rc = pg_number(pair->target, "SELECT count(*) FROM pg_temp.nightferry_gone", NULL, &n, err);
	return rc < 0 ? -1 : n > ASKED_MOST;
}

/* $1 their numbers, $2 ... their keys, as arrays that the target has written and the source reads. */
static void add_question(struct buf *sql, const struct delta_table *table)
{
	buf_adds(sql, "SELECT array_agg(g.at) FROM unnest($1::int[]");
	for (size_t i = 0; i < table->n_keys; i++)
		buf_addf(sql, ", $%zu::text[]", i + 2);
	buf_adds(sql, ") g (at");
	for (size_t i = 0; i < table->n_keys; i++)
		buf_addf(sql, ", k%zu", i);
	buf_addf(sql, ") WHERE EXISTS (SELECT FROM %s t WHERE ", table->from);
	for (size_t i = 0; i < table->n_keys; i++)
		buf_addf(sql, "%st.%s %s g.k%zu::%s", i ? " AND " : "", table->keys[i].column,
			 table->keys[i].equals, i, table->keys[i].type);
	buf_addc(sql, ')');
}

static void add_arrays(struct buf *sql, const struct delta_table *table)
{
	buf_adds(sql, "SELECT array_agg(nightferry_at)");
	for (size_t i = 0; i < table->n_keys; i++)
		buf_addf(sql, ", array_agg(%s::text)", table->keys[i].column);
	buf_adds(sql, " FROM pg_temp.nightferry_gone WHERE nightferry_at > $1 AND nightferry_at <= $2");
}

/* Those that the source still has are no longer candidates. 0 when there was nothing left to ask. */
static int ask_some(const struct delta_pair *pair, const struct delta_table *table, int64_t from,
		    struct err *err)
{
	struct buf sql = {0};
	char low[24], high[24];
	snprintf(low, sizeof low, "%lld", (long long)from);
	snprintf(high, sizeof high, "%lld", (long long)from + ASK_ROWS);
	add_arrays(&sql, table);
	struct pg_result *keys = pg_query(pair->target, buf_text(&sql), PG_ARGS(low, high), err),
			 *left = NULL;
	buf_reset(&sql);
	int rc = !keys ? -1 : !pg_null(keys, 0, 0);
	if (rc == 1) {
		const char **args = xcalloc(table->n_keys + 2, sizeof(char *));
		for (size_t i = 0; i <= table->n_keys; i++)
			args[i] = pg_get(keys, 0, (int)i);
		add_question(&sql, table);
		left = pg_query(pair->source, buf_text(&sql), args, err);
		free(args);
		rc = left ? 1 : -1;
	}
	if (rc == 1 && !pg_null(left, 0, 0)) {
		struct pg_result *r = pg_query(
		    pair->target, "DELETE FROM pg_temp.nightferry_gone WHERE nightferry_at = ANY ($1::int[])",
		    PG_ARGS(pg_get(left, 0, 0)), err);
		rc = r ? 1 : -1;
		pg_result_free(r);
	}
	pg_result_free(keys);
	pg_result_free(left);
	buf_done(&sql);
	return rc;
}

/* 1 when not exactly as many are left as the counts have said. */
static int ask_source(const struct delta_pair *pair, const struct delta_table *table, int64_t wanted,
		      struct err *err)
{
	int64_t n;
	int rc = 1;
	for (int64_t at = 0; rc == 1; at += ASK_ROWS)
		rc = ask_some(pair, table, at, err);
	if (rc < 0 ||
	    pg_number(pair->target, "SELECT count(*) FROM pg_temp.nightferry_gone", NULL, &n, err) < 0)
		return -1;
	return n != wanted;
}

/* Rows that somebody else has put there are not ours to remove. */
static int remove_found(const struct delta_pair *pair, const struct delta_known *known, uint64_t own,
			int64_t wanted, struct err *err)
{
	struct buf sql = {0};
	buf_addf(&sql, "WITH touched AS (DELETE FROM %s t USING pg_temp.nightferry_gone g WHERE ",
		 known->table->from);
	delta_add_match(&sql, known->table, "t", "g");
	buf_adds(&sql, " RETURNING t.xmin AS x) SELECT count(*), count(*) FILTER (WHERE ");
	delta_add_foreign(&sql, known->was, own, "x");
	buf_adds(&sql, ") FROM touched");
	struct pg_result *r = pg_query(pair->target, buf_text(&sql), NULL, err);
	buf_done(&sql);
	if (!r)
		return -1;
	int64_t n = pg_get_int(r, 0, 0), others = pg_get_int(r, 0, 1);
	pg_result_free(r);
	return others ? delta_refuse_foreign(pair, known, 0, others, err) : n != wanted;
}

enum delta_gone delta_gone_remove(const struct delta_pair *pair, const struct delta_known *known,
				  uint64_t own, int64_t wanted, int64_t kept, struct err *err)
{
	const struct delta_table *table = known->table;
	int64_t mask = bucket_mask(wanted);
	if (wanted > kept / 2)
		return GONE_UNCLEAR;
	int odd = fetch_buckets(pair, table, known->was->boundary, mask, err);
	if (odd == 0)
		odd = find_differing(pair, table, mask, wanted, err);
	if (odd == 0)
		odd = find_candidates(pair, table, mask, err);
	if (odd == 0)
		odd = ask_source(pair, table, wanted, err);
	if (odd == 0)
		odd = remove_found(pair, known, own, wanted, err);
	return odd < 0 ? GONE_FAILED : odd ? GONE_UNCLEAR : GONE_REMOVED;
}
