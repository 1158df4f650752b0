/* Counting: one statement per table, over a few connections per side, all in one poll(). */
#include "core/links/pg_count.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/pg_sides.h"
#include <stdlib.h>
#include <string.h>

struct lane_of {
	struct pg_counting *side;
	size_t *order;
	int64_t began_ms;
	struct pg_table *table;
};
struct run {
	struct job *job;
	struct pg_lane lanes[2 * PG_LANES_MAX];
	struct lane_of of[2 * PG_LANES_MAX];
	size_t n;
	size_t done, total;
	bool steps;
};

void pg_tell_rows(struct job *job, const char *side, const struct pg_table *table, bool exact)
{
	struct jw w;
	jw_event(&w, "rows.side");
	jw_str(&w, "side", side);
	jw_str(&w, "table", table->label);
	jw_int(&w, "rows", table->rows);
	jw_str(&w, "hash", table->hash);
	jw_bool(&w, "exact", exact);
	job_event(job, &w);
}

static void tell_progress(struct job *job, const struct pg_counting *side)
{
	struct jw w;
	jw_event(&w, "rows.progress");
	jw_str(&w, "side", pg_side(side->pg));
	jw_int(&w, "tables", (int64_t)side->finished);
	jw_int(&w, "tables_total", (int64_t)side->tables->n);
	jw_int(&w, "rows", side->rows);
	job_event(job, &w);
}

/* A sum does not care for the order of rows, and COLLATE "C" keeps the hash one of bytes. The alias is one
 * that no column is called. */
static bool next_table(void *ctx, struct pg_lane *lane, struct buf *sql)
{
	struct run *run = ctx;
	struct lane_of *of = &run->of[lane - run->lanes];
	struct pg_counting *side = of->side;
	if (side->taken == side->tables->n)
		return false;
	lane->item = of->order[side->taken++];
	of->table = &side->tables->list[lane->item];
	of->began_ms = clock_life_ms();
	buf_adds(sql, "SELECT count(*)");
	if (side->content)
		buf_adds(sql, ", coalesce(sum(hashtextextended(nightferry_row::text COLLATE \"C\", 0)), 0)");
	buf_adds(sql, " FROM ");
	pg_table_from(sql, of->table);
	buf_adds(sql, " AS nightferry_row");
	return true;
}

static int take_table(void *ctx, struct pg_lane *lane, const struct pg_result *result, struct err *err)
{
	struct run *run = ctx;
	struct lane_of *of = &run->of[lane - run->lanes];
	struct pg_table *table = of->table;
	table->ms = clock_life_ms() - of->began_ms;
	if (result) {
		table->rows = pg_get_int(result, 0, 0);
		text_copy(table->hash, sizeof table->hash, of->side->content ? pg_get(result, 0, 1) : "");
		of->side->rows += table->rows;
	} else {
		text_copy(table->why, sizeof table->why, err->text);
	}
	of->side->finished++;
	run->done++;
	if (!of->side->quiet) {
		if (result)
			pg_tell_rows(run->job, pg_side(lane->pg), table, true);
		tell_progress(run->job, of->side);
	}
	if (run->steps)
		job_progress(run->job, (int64_t)run->done, (int64_t)run->total, "items", table->label);
	return 0;
}

struct weight {
	size_t at;
	int64_t estimate;
};

static int larger_first(const void *a, const void *b)
{
	int64_t x = ((const struct weight *)a)->estimate, y = ((const struct weight *)b)->estimate;
	return (x < y) - (x > y);
}

static size_t *order_of(const struct pg_tables *tables)
{
	struct weight *weights = xcalloc(tables->n + 1, sizeof *weights);
	size_t *order = xcalloc(tables->n + 1, sizeof *order);
	for (size_t i = 0; i < tables->n; i++)
		weights[i] = (struct weight){.at = i, .estimate = tables->list[i].estimate};
	qsort(weights, tables->n, sizeof *weights, larger_first);
	for (size_t i = 0; i < tables->n; i++)
		order[i] = weights[i].at;
	free(weights);
	return order;
}

static int open_side(struct run *run, struct pg_counting *side, struct err *err)
{
	side->taken = side->finished = 0;
	side->rows = 0;
	size_t most = side->lanes ? side->lanes : 2;
	size_t first = run->n;
	size_t *order = order_of(side->tables);
	run->n += pg_lanes_open(side->pg, &run->lanes[first], most > PG_LANES_MAX ? PG_LANES_MAX : most);
	run->total += side->tables->n;
	int rc = 0;
	for (size_t i = first; i < run->n; i++) {
		run->of[i] = (struct lane_of){.side = side, .order = order};
		if (rc == 0)
			rc = pg_limit(run->lanes[i].pg, side->limit_ms, err);
	}
	return rc;
}

int pg_count(struct job *job, struct pg_counting *sides, size_t n, bool steps, struct err *err)
{
	struct run run = {.job = job, .steps = steps};
	size_t first[2] = {0}, lanes[2] = {0};
	int rc = 0;
	for (size_t i = 0; i < n && i < 2; i++) {
		first[i] = run.n;
		if (rc == 0)
			rc = open_side(&run, &sides[i], err);
		lanes[i] = run.n - first[i];
	}
	const struct pg_errand errand = {.next = next_table, .done = take_table, .ctx = &run};
	if (rc == 0)
		rc = pg_together(run.lanes, run.n, &errand, err);
	for (size_t i = 0; i < n && i < 2; i++) {
		if (lanes[i]) {
			free(run.of[first[i]].order);
			pg_lanes_close(&run.lanes[first[i]], lanes[i]);
		}
	}
	return rc;
}
