/* Counting and hashing in units: one statement is a range of pages of a large table, a whole table, or many
 * small ones. */
#include "core/base/text.h"
#include "core/copy/compare_inner.h"
#include "core/copy/hash.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RANGE_PAGES = 4096, /* 32 MB: about a tenth of a second to a second each */
	SMALL_PAGES = 16,
	SMALL_TOGETHER = 40, /* tables in one statement: a round trip is worth more than they are */
	RANGES_SINCE = 14,   /* the oldest major that reads a range of pages without reading the rest */
	LANES = 4,
};

struct unit {
	size_t leaf, n;   /* n > 1: whole small leaves, one after the other in `order` */
	int64_t from, to; /* pages; to 0: up to the end, wherever that is by then */
	int64_t pages;
};
struct work {
	struct compare_side *side;
	size_t *order; /* leaves, largest first */
	struct unit *units, *again;
	size_t n, taken, n_again, taken_again;
	size_t *left;  /* a table's leaves or ranges that are still to come */
	uint64_t *sum; /* a table's hash so far */
	struct pg_lane lanes[COMPARE_LANES_MAX];
	size_t n_lanes;
	bool own_lanes;
};
struct count {
	struct work works[2];
	const struct copy_compare_options *options;
	struct copy_compared *out;
	struct copy_compare_progress progress;
	struct pg_lane *lanes; /* of both */
	struct unit **at;      /* what each does */
	size_t n_old;
	bool recode;
};

/* ---- units ---- */

struct weight {
	size_t at;
	int64_t pages;
};

static int larger_first(const void *a, const void *b)
{
	const struct weight *x = a, *y = b;
	if (x->pages != y->pages)
		return x->pages < y->pages ? 1 : -1;
	return (x->at > y->at) - (x->at < y->at);
}

static void order_leaves(struct work *w)
{
	size_t n = w->side->n_leaves;
	struct weight *weights = xcalloc(n + 1, sizeof *weights);
	w->order = xcalloc(n + 1, sizeof *w->order);
	for (size_t i = 0; i < n; i++)
		weights[i] = (struct weight){i, w->side->leaves[i].pages};
	qsort(weights, n, sizeof *weights, larger_first);
	for (size_t i = 0; i < n; i++)
		w->order[i] = weights[i].at;
	free(weights);
}

static void add_unit(struct work *w, size_t leaf, size_t n, int64_t from, int64_t to, int64_t pages)
{
	w->units = xrealloc(w->units, w->n + 1, sizeof *w->units);
	w->units[w->n++] = (struct unit){.leaf = leaf, .n = n, .from = from, .to = to, .pages = pages};
	for (size_t i = 0; i < n; i++)
		w->left[w->side->leaves[w->order[leaf + i]].table]++;
}

static void add_ranges(struct work *w, size_t leaf, int64_t pages)
{
	for (int64_t from = 0; from < pages; from += RANGE_PAGES) {
		bool last = from + RANGE_PAGES >= pages;
		add_unit(w, leaf, 1, from, last ? 0 : from + RANGE_PAGES, last ? pages - from : RANGE_PAGES);
	}
}

static void make_units(struct work *w)
{
	bool ranges = pg_major(w->side->pg) >= RANGES_SINCE;
	order_leaves(w);
	for (size_t i = 0; i < w->side->n_leaves;) {
		const struct leaf *leaf = &w->side->leaves[w->order[i]];
		size_t n = 1;
		if (ranges && leaf->kind == 'r' && leaf->pages > 2 * RANGE_PAGES) {
			add_ranges(w, i, leaf->pages);
		} else {
			int64_t pages = leaf->pages;
			while (leaf->pages <= SMALL_PAGES && i + n < w->side->n_leaves && n < SMALL_TOGETHER)
				pages += w->side->leaves[w->order[i + n++]].pages;
			add_unit(w, i, n, 0, 0, pages);
		}
		i += n;
	}
	w->again = xcalloc(w->side->n_leaves + 1, sizeof *w->again);
}

/* ---- statements ---- */

static void add_hash(const struct count *c, const struct work *w, const struct leaf *leaf, struct buf *sql)
{
	const struct compare_side *mine = w->side, *other = c->works[w == &c->works[0]].side;
	const struct pg_table *twin = pg_tables_find(&other->tables, mine->tables.list[leaf->table].label);
	const char *columns[2] = {mine->columns[leaf->table],
				  twin ? other->columns[twin - other->tables.list] : NULL};
	struct json *trees[2] = {0};
	for (int i = 0; i < 2; i++)
		trees[i] = columns[i] ? json_parse(columns[i], strlen(columns[i]), NULL) : NULL;
	copy_hash_sum(sql, trees[0], trees[1], c->recode);
	json_free(trees[0]);
	json_free(trees[1]);
}

/* A table that only one side has is counted, and compared with nothing. */
static bool has_twin(const struct count *c, const struct work *w, const struct leaf *leaf)
{
	const struct copy_compared_table *t =
	    copy_compared_find(c->out, w->side->tables.list[leaf->table].label);
	return t && t->side[COPY_OLD].rows != -1 && t->side[COPY_NEW].rows != -1;
}

static void add_select(const struct count *c, const struct work *w, const struct unit *u, size_t i,
		       struct buf *sql)
{
	const struct leaf *leaf = &w->side->leaves[w->order[u->leaf + i]];
	buf_addf(sql, "%sSELECT %zu, count(*), ", i ? " UNION ALL " : "", i);
	if (c->out->content && has_twin(c, w, leaf))
		add_hash(c, w, leaf, sql);
	else
		buf_adds(sql, "NULL");
	buf_adds(sql, leaf->kind == 'r' ? " FROM ONLY " : " FROM ");
	pg_add_name(sql, leaf->schema);
	buf_addc(sql, '.');
	pg_add_name(sql, leaf->name);
	buf_adds(sql, " AS " COPY_ROW);
	if (u->from || u->to)
		buf_addf(sql, " WHERE ctid >= '(%" PRId64 ",0)'", u->from);
	if (u->to)
		buf_addf(sql, " AND ctid < '(%" PRId64 ",0)'", u->to);
}

/* Each statement is a transaction of its own in the shared moment: locks of ten thousand tables would not fit
 * into the server's table of locks. */
static bool next_unit(void *ctx, struct pg_lane *lane, struct buf *sql)
{
	struct count *c = ctx;
	size_t at = (size_t)(lane - c->lanes);
	struct work *w = &c->works[at >= c->n_old];
	if (w->taken_again < w->n_again)
		c->at[at] = &w->again[w->taken_again++];
	else if (w->taken < w->n)
		c->at[at] = &w->units[w->taken++];
	else
		return false;
	if (*w->side->snapshot)
		buf_addf(sql,
			 "COMMIT; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT "
			 "'%s'; ",
			 w->side->snapshot);
	for (size_t i = 0; i < c->at[at]->n; i++)
		add_select(c, w, c->at[at], i, sql);
	return true;
}

/* ---- results ---- */

static void finish_table(struct count *c, int side, size_t table)
{
	struct work *w = &c->works[side];
	size_t at = compared_at(c->out, w->side->tables.list[table].label);
	struct copy_compared_table *t = &c->out->list[at];
	c->progress.side[side].tables++;
	c->progress.table = t->label;
	if (t->side[side].rows >= 0) {
		*t->side[side].why = '\0';
		if (c->out->content && t->side[!side].rows != -1)
			snprintf(t->side[side].hash, sizeof t->side[side].hash, "%016" PRIx64, w->sum[table]);
	}
	if (c->options->finished)
		c->options->finished(c->options->ctx, side, t);
}

static struct copy_side *side_of(struct count *c, int side, size_t table)
{
	const char *label = c->works[side].side->tables.list[table].label;
	return &c->out->list[compared_at(c->out, label)].side[side];
}

static void take_leaf(struct count *c, int side, size_t table, const struct pg_result *r, size_t row,
		      const struct err *why)
{
	struct work *w = &c->works[side];
	struct copy_side *s = side_of(c, side, table);
	if (!r) {
		s->rows = -2;
		text_copy(s->why, sizeof s->why, why->text);
	} else if (s->rows >= 0) {
		int64_t rows = pg_get_int(r, row, 1);
		s->rows += rows;
		c->progress.side[side].rows += rows;
		if (!pg_null(r, row, 2))
			w->sum[table] = copy_hash_add(w->sum[table], pg_get(r, row, 2));
	}
	if (--w->left[table] == 0)
		finish_table(c, side, table);
}

/* One of many cannot be read: each is asked alone, so that only that one stays unknown. */
static void ask_again(struct work *w, const struct unit *u)
{
	for (size_t i = 0; i < u->n; i++)
		w->again[w->n_again++] = (struct unit){
		    .leaf = u->leaf + i, .n = 1, .pages = w->side->leaves[w->order[u->leaf + i]].pages};
}

static int take_unit(void *ctx, struct pg_lane *lane, const struct pg_result *result, struct err *err)
{
	struct count *c = ctx;
	size_t at = (size_t)(lane - c->lanes);
	int side = at >= c->n_old;
	struct work *w = &c->works[side];
	const struct unit *u = c->at[at];
	if (!result && u->n > 1) {
		ask_again(w, u);
		return 0;
	}
	for (size_t i = 0; i < u->n; i++) {
		size_t row = 0;
		while (result && row < pg_rows(result) && pg_get_int(result, row, 0) != (int64_t)i)
			row++;
		take_leaf(c, side, w->side->leaves[w->order[u->leaf + i]].table, result, row, err);
	}
	c->progress.side[side].bytes += u->pages * w->side->page_bytes;
	if (c->options->progress)
		c->options->progress(c->options->ctx, &c->progress);
	return 0;
}

/* ---- lanes ---- */

static int settle_lane(struct pg *pg, struct err *err)
{
	/* Compiling costs more than it wins over pages by the thousand; ranges are what runs in parallel. */
	if (pg_limit(pg, 0, err) < 0)
		return -1;
	if (pg_exec(pg, err, "SET jit = off") < 0)
		return -1;
	return pg_major(pg) < RANGES_SINCE ? 0 : pg_exec(pg, err, "SET max_parallel_workers_per_gather = 0");
}

/* The given session holds the moment. Where the server has no other to give, it counts by itself. */
static int open_lanes(struct work *w, size_t most, struct err *err)
{
	int used, limit, room = pg_room(w->side->pg, &used, &limit, NULL);
	w->own_lanes = true;
	for (; w->n_lanes < most && (int)w->n_lanes * 2 < room; w->n_lanes++) {
		struct pg *pg = pg_open_like(w->side->pg, NULL, PG_LOOK, NULL);
		if (!pg)
			break;
		w->lanes[w->n_lanes] = (struct pg_lane){.pg = pg};
	}
	if (!w->n_lanes) {
		w->own_lanes = false;
		w->lanes[w->n_lanes++] = (struct pg_lane){.pg = w->side->pg};
		if (*w->side->snapshot && pg_exec(w->side->pg, err, "COMMIT") < 0)
			return -1;
		*w->side->snapshot = '\0';
	}
	for (size_t i = 0; i < w->n_lanes; i++) {
		if (settle_lane(w->lanes[i].pg, err) < 0)
			return -1;
	}
	return 0;
}

static void begin_side(struct count *c, int side)
{
	struct work *w = &c->works[side];
	size_t n = w->side->tables.n;
	w->left = xcalloc(n + 1, sizeof *w->left);
	w->sum = xcalloc(n + 1, sizeof *w->sum);
	make_units(w);
	c->progress.side[side].tables_total = n;
	for (size_t i = 0; i < w->side->n_leaves; i++) {
		int64_t bytes = w->side->leaves[i].pages * w->side->page_bytes;
		c->progress.side[side].bytes_total += bytes;
		side_of(c, side, w->side->leaves[i].table)->bytes += bytes;
	}
	for (size_t i = 0; i < n; i++)
		side_of(c, side, i)->rows = 0;
	/* A partitioned table without partitions has no rows, and nobody to ask. */
	for (size_t i = 0; i < n; i++) {
		if (!w->left[i])
			finish_table(c, side, i);
	}
}

static void work_done(struct work *w)
{
	for (size_t i = 0; w->own_lanes && i < w->n_lanes; i++)
		pg_close(w->lanes[i].pg);
	free(w->order);
	free(w->units);
	free(w->again);
	free(w->left);
	free(w->sum);
}

/* What was not finished before a failure is not known: its rows so far are no count. */
static void forget_unfinished(struct count *c, int side)
{
	struct work *w = &c->works[side];
	for (size_t i = 0; w->left && i < w->side->tables.n; i++) {
		if (w->left[i])
			side_of(c, side, i)->rows = -2;
	}
}

static void say_columns(const struct compare_side sides[2], struct copy_compared *out)
{
	for (size_t i = 0; i < sides[COPY_OLD].tables.n; i++) {
		const char *label = sides[COPY_OLD].tables.list[i].label;
		const struct pg_table *twin = pg_tables_find(&sides[COPY_NEW].tables, label);
		const char *a = sides[COPY_OLD].columns[i],
			   *b = twin ? sides[COPY_NEW].columns[twin - sides[COPY_NEW].tables.list] : NULL;
		if (!twin || text_equal(a, b))
			continue;
		struct json *x = a ? json_parse(a, strlen(a), NULL) : NULL,
			    *y = b ? json_parse(b, strlen(b), NULL) : NULL;
		struct copy_compared_table *t = &out->list[compared_at(out, label)];
		copy_columns_differ(t->columns, sizeof t->columns, x, y);
		json_free(x);
		json_free(y);
	}
}

int compare_count(struct compare_side sides[2], const struct copy_compare_options *options,
		  struct copy_compared *out, struct err *err)
{
	struct count c = {
	    .options = options, .out = out, .works = {{.side = &sides[0]}, {.side = &sides[1]}}};
	struct pg_lane lanes[2 * COMPARE_LANES_MAX];
	struct unit *at[2 * COMPARE_LANES_MAX];
	size_t most = options->lanes ? options->lanes : LANES, n = 0;
	int rc = 0;
	c.lanes = lanes, c.at = at;
	c.recode = !text_equal(sides[0].encoding, sides[1].encoding);
	c.progress.table = "";
	say_columns(sides, out);
	for (int i = 0; i < 2 && rc == 0; i++) {
		rc = open_lanes(&c.works[i], most > COMPARE_LANES_MAX ? COMPARE_LANES_MAX : most, err);
		out->one_moment[i] = *sides[i].snapshot != '\0';
		begin_side(&c, i);
		for (size_t j = 0; j < c.works[i].n_lanes; j++)
			lanes[n++] = c.works[i].lanes[j];
		if (i == 0)
			c.n_old = n;
	}
	const struct pg_errand errand = {.next = next_unit, .done = take_unit, .ctx = &c};
	if (rc == 0)
		rc = pg_together(lanes, n, &errand, err);
	for (int i = 0; i < 2; i++) {
		forget_unfinished(&c, i);
		work_done(&c.works[i]);
	}
	return rc;
}
