/* The look at the source; see the header. Large tables are read in ranges of pages, small ones many in one
 * statement, over a few connections at once. Each statement is a transaction of its own in the shared moment:
 * the locks of ten thousand tables would not fit into the server's table of locks. */
#include "core/copy/delta_look.h"
#include "core/copy/lanes.h"
#include <stdlib.h>
#include <string.h>

enum {
	PAGE_BYTES =
	    8192, /* where pages are larger, the last ranges are empty, and the one before reaches on */
	RANGE_PAGES = 4096,
	RANGES_SINCE = 14, /* the oldest major that reads a range of pages without reading the rest */
	SMALL_BYTES = 16 * PAGE_BYTES,
	SMALL_TOGETHER = 40,
	/* Changed rows are fetched by their place, so that the table is not read a second time. */
	PLACES_MOST = 200000,
	PLACES_IN_ALL = 2000000,
};

struct unit {
	size_t at, n;     /* tables; n > 1: whole small ones */
	int64_t from, to; /* pages; to 0: up to the end, wherever that is */
	int64_t bytes;
};
struct work {
	const struct delta_look *look;
	struct delta_seen *seen;
	struct unit *units;
	size_t n, taken;
	int64_t places; /* kept in all */
	struct pg_lane lanes[LANES_MOST];
	struct unit *at[LANES_MOST];
	size_t n_lanes;
};

void delta_add_changed(struct buf *sql, uint64_t boundary)
{
	/* age() counts back from now in 32 bits. A frozen row keeps its old mark; one from before the last
	 * wraparound may look young, and is moved once too often. From the future is nothing that this
	 * snapshot sees: a negative age is a frozen row, too. */
	buf_addf(sql, "age(xmin) BETWEEN 0 AND age('%u'::xid)", (unsigned)(boundary & 0xffffffffU));
}

static void add_unit(struct work *w, struct unit unit)
{
	if ((w->n & (w->n - 1)) == 0)
		w->units = xrealloc(w->units, w->n ? w->n * 2 : 1, sizeof *w->units);
	w->units[w->n++] = unit;
}

static void make_units(struct work *w)
{
	const struct delta_tables *t = w->look->tables;
	bool ranges = pg_major(w->look->source) >= RANGES_SINCE;
	for (size_t i = 0; i < t->n;) {
		int64_t bytes = t->list[i].size_bytes, pages = bytes / PAGE_BYTES;
		size_t n = 1;
		if (ranges && pages > 2 * RANGE_PAGES) {
			for (int64_t from = 0; from < pages; from += RANGE_PAGES) {
				bool last = from + RANGE_PAGES >= pages;
				int64_t span = last ? pages - from : RANGE_PAGES;
				add_unit(w, (struct unit){i, 1, from, last ? 0 : from + RANGE_PAGES,
							  span * PAGE_BYTES});
			}
		} else {
			while (t->list[i].size_bytes <= SMALL_BYTES && i + n < t->n && n < SMALL_TOGETHER)
				bytes += t->list[i + n++].size_bytes;
			add_unit(w, (struct unit){i, n, 0, 0, bytes});
		}
		i += n;
	}
}

static void add_range(struct buf *sql, const struct unit *u)
{
	if (u->from || u->to)
		buf_addf(sql, " WHERE ctid >= '(%lld,0)'::tid", (long long)u->from);
	if (u->to)
		buf_addf(sql, " AND ctid < '(%lld,0)'::tid", (long long)u->to);
}

static void add_select(const struct work *w, const struct unit *u, size_t i, struct buf *sql)
{
	const struct delta_table *t = &w->look->tables->list[u->at + i];
	buf_adds(sql, i ? " UNION ALL " : "");
	if (w->seen[u->at + i].whole) {
		buf_addf(sql, "SELECT %zu, count(*), count(*), NULL::tid[] FROM %s", i, t->from);
		add_range(sql, u);
		return;
	}
	buf_addf(sql,
		 "SELECT %zu, n, c, CASE WHEN c <= %d THEN p END FROM (SELECT count(*) AS n, count(p) AS c, "
		 "array_agg(p) FILTER (WHERE p IS NOT NULL) AS p FROM (SELECT CASE WHEN ",
		 i, PLACES_MOST);
	delta_add_changed(sql, w->look->was[u->at + i]->boundary);
	buf_addf(sql, " THEN ctid END AS p FROM %s", t->from);
	add_range(sql, u);
	buf_adds(sql, ") r) a");
}

static bool next_unit(void *ctx, struct pg_lane *lane, struct buf *sql)
{
	struct work *w = ctx;
	if (w->taken == w->n)
		return false;
	struct unit *u = w->at[lane - w->lanes] = &w->units[w->taken++];
	buf_adds(sql, "COMMIT; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT ");
	pg_add_text(sql, w->look->snapshot);
	buf_adds(sql, "; ");
	for (size_t i = 0; i < u->n; i++)
		add_select(w, u, i, sql);
	return true;
}

/* "{"(0,1)","(0,2)"}" without its braces onto what is there. */
static void keep_places(struct work *w, struct delta_seen *seen, const char *array, int64_t n)
{
	size_t len = strlen(array);
	if (seen->changed > PLACES_MOST || w->places + n > PLACES_IN_ALL) {
		buf_done(&seen->places);
		return;
	}
	/* Once some were left out, all are. */
	if (n == 0 || len < 2 || (seen->changed > n && !seen->places.len))
		return;
	buf_adds(&seen->places, seen->places.len ? "," : "");
	buf_add(&seen->places, array + 1, len - 2);
	w->places += n;
}

static int take_unit(void *ctx, struct pg_lane *lane, const struct pg_result *result, struct err *err)
{
	struct work *w = ctx;
	const struct unit *u = w->at[lane - w->lanes];
	(void)err; /* a statement that failed has left its reason there */
	if (!result)
		return -1;
	for (size_t row = 0; row < pg_rows(result); row++) {
		struct delta_seen *seen = &w->seen[u->at + (size_t)pg_get_int(result, row, 0)];
		int64_t n = pg_get_int(result, row, 2);
		seen->rows += pg_get_int(result, row, 1);
		seen->changed += n;
		keep_places(w, seen, pg_get(result, row, 3), n);
	}
	if (w->look->read)
		w->look->read(w->look->ctx, u->bytes);
	return 0;
}

static int open_lanes(struct work *w, struct err *err)
{
	size_t most = w->look->lanes > LANES_MOST ? LANES_MOST : w->look->lanes;
	most = most > w->n ? w->n : most;
	for (; w->n_lanes < (most ? most : 1); w->n_lanes++) {
		struct pg *pg = pg_open_like(w->look->source, NULL, PG_LOOK, err);
		if (!pg)
			return -1;
		w->lanes[w->n_lanes] = (struct pg_lane){.pg = pg};
		/* Ranges are what runs in parallel, and compiling costs more than it wins over one of them.
		 */
		if (pg_exec(pg, err,
			    "SET statement_timeout = 0; SET lock_timeout = '30s'; SET jit = off; SET "
			    "max_parallel_workers_per_gather = "
			    "%d; BEGIN",
			    pg_major(pg) < RANGES_SINCE ? 2 : 0) < 0) {
			w->n_lanes++;
			return -1;
		}
	}
	return 0;
}

int delta_look_run(const struct delta_look *look, struct delta_seen *seen, struct err *err)
{
	struct work w = {.look = look, .seen = seen};
	const struct pg_errand errand = {.next = next_unit, .done = take_unit, .ctx = &w};
	for (size_t i = 0; i < look->tables->n; i++)
		seen[i] = (struct delta_seen){.whole = look->was[i]->oid != look->tables->list[i].oid};
	make_units(&w);
	int rc = w.n ? open_lanes(&w, err) : 0;
	if (rc == 0 && w.n)
		rc = pg_together(w.lanes, w.n_lanes, &errand, err);
	for (size_t i = 0; i < w.n_lanes; i++)
		pg_close(w.lanes[i].pg);
	free(w.units);
	return rc;
}

void delta_seen_done(struct delta_seen *seen, size_t n)
{
	for (size_t i = 0; seen && i < n; i++)
		buf_done(&seen[i].places);
	free(seen);
}
