/* counts: running counts of both sides, cheap enough to run all night. A table is counted when it is small,
 * else estimated, and told again only when it has changed, so that it never paints over what count-rows
 * proved. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/pg_count.h"
#include "core/watches/pg_loop.h"
#include <stdlib.h>
#include <string.h>

#define INTERVAL_MS 10000
#define SMALL_ROWS 20000 /* counted in milliseconds */
#define SMALL_LIMIT_MS 1000

static int counts_run(struct job *job, struct err *err);

static const char *const secrets[] = {"HEROKU_API_KEY", "NEW_DATABASE_URL", NULL};

const struct watch counts_watch = {
    .name = "counts",
    .help = "running counts of the tables of both databases",
    .secrets = secrets,
    .run = counts_run,
};

struct known {
	char label[130];
	int64_t total; /* rows ever written, as of the last telling */
	bool there;
	bool uncounted; /* small, but the server was too busy to count it in time */
};
struct side {
	const char *name;
	struct known *list; /* by label */
	size_t n;
	bool told;         /* the first round is over */
	int64_t looked_ms; /* begin of the round before; 0: there was none */
};
struct counts {
	struct side sides[2];
	bool compared; /* count-rows ran before us: what it found stands until a table changes */
};

static struct known *known_of(struct side *side, const char *label, bool *fresh)
{
	bool found;
	size_t i = text_place(side->list, side->n, sizeof *side->list, label, &found);
	*fresh = !found;
	if (found)
		return &side->list[i];
	side->list = xrealloc(side->list, side->n + 1, sizeof *side->list);
	memmove(&side->list[i + 1], &side->list[i], (side->n++ - i) * sizeof *side->list);
	side->list[i] = (struct known){0};
	text_copy(side->list[i].label, sizeof side->list->label, label);
	return &side->list[i];
}

static int64_t count_small(struct pg *pg, const struct pg_table *table)
{
	struct buf sql = {0};
	int64_t rows = -1;
	buf_adds(&sql, "SELECT count(*) FROM ");
	pg_table_from(&sql, table);
	if (pg_number(pg, buf_text(&sql), NULL, &rows, NULL) < 0)
		rows = -1;
	buf_done(&sql);
	return rows;
}

/* False: it was to be counted, and could not be. */
static bool tell(struct job *job, const struct side *side, struct pg *pg, struct pg_table *table,
		 int64_t live, bool wrote)
{
	int64_t guess = live > table->estimate ? live : table->estimate;
	table->rows = guess <= SMALL_ROWS ? count_small(pg, table) : -1;
	bool exact = table->rows >= 0;
	if (!exact)
		table->rows = guess;
	struct jw w;
	jw_event(&w, "rows.side");
	jw_str(&w, "side", side->name);
	jw_str(&w, "table", table->label);
	jw_int(&w, "rows", table->rows);
	jw_str(&w, "hash", "");
	jw_bool(&w, "exact", exact);
	if (wrote) {
		jw_int(&w, "last_write_ms", clock_wall_ms());
		jw_int(&w, "written_after_ms", side->looked_ms);
	}
	job_event(job, &w);
	return exact || guess > SMALL_ROWS;
}

static void tell_gone(struct job *job, struct side *side)
{
	size_t left = 0;
	for (size_t i = 0; i < side->n; i++) {
		struct pg_table gone = {.rows = -1};
		if (side->list[i].there) {
			side->list[left++] = side->list[i];
			continue;
		}
		text_copy(gone.label, sizeof gone.label, side->list[i].label);
		pg_tell_rows(job, side->name, &gone, true);
	}
	side->n = left;
}

static int look_side(struct job *job, struct counts *c, struct side *side, struct pg *pg, struct err *err)
{
	struct pg_tables tables = {0};
	int64_t began_ms = clock_wall_ms();
	if (pg_limit(pg, SMALL_LIMIT_MS, err) < 0 || pg_tables_look(pg, &tables, err) < 0)
		return -1;
	struct pg_result *r = pg_query(pg,
				       "SELECT n.nspname, c.relname, sum(s.n_tup_ins + s.n_tup_upd + "
				       "s.n_tup_del)::bigint, sum(s.n_live_tup)::bigint "
				       "FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = "
				       "coalesce(pg_partition_root(s.relid), s.relid) "
				       "JOIN pg_namespace n ON n.oid = c.relnamespace GROUP BY 1, 2 ORDER "
				       "BY " PG_LABEL_ORDER,
				       NULL, err);
	for (size_t i = 0; i < side->n; i++)
		side->list[i].there = false;
	for (size_t i = 0; i < pg_rows(r) && !job_stopping(job); i++) {
		char label[130];
		bool fresh;
		pg_label(label, sizeof label, pg_get(r, i, 0), pg_get(r, i, 1));
		struct pg_table *table = pg_tables_find(&tables, label);
		if (!table)
			continue;
		struct known *known = known_of(side, label, &fresh);
		int64_t total = pg_get_int(r, i, 2);
		bool moved = !fresh && total != known->total;
		known->there = true;
		known->total = total;
		if (moved || known->uncounted || (fresh && (side->told || !c->compared)))
			known->uncounted = !tell(job, side, pg, table, pg_get_int(r, i, 3), moved);
	}
	if (r && !job_stopping(job))
		tell_gone(job, side);
	side->told = side->told || r;
	side->looked_ms = r ? began_ms : side->looked_ms;
	pg_result_free(r);
	pg_tables_done(&tables);
	return r ? 0 : -1;
}

static int look(struct job *job, void *ctx, struct pg *old_pg, struct pg *new_pg, char text[200],
		struct err *err)
{
	struct counts *c = ctx;
	if (look_side(job, c, &c->sides[0], old_pg, err) < 0 ||
	    look_side(job, c, &c->sides[1], new_pg, err) < 0)
		return -1;
	text_copyf(text, 200, "OLD %zu tables, NEW %zu", c->sides[0].n, c->sides[1].n);
	return 0;
}

static int counts_run(struct job *job, struct err *err)
{
	struct counts c = {.sides = {{.name = "OLD"}, {.name = "NEW"}},
			   .compared = job_fact(job, "compared", "") != NULL};
	(void)err;
	const struct pg_loop loop = {
	    .old_side = true, .new_side = true, .interval_ms = INTERVAL_MS, .look = look, .ctx = &c};
	int rc = pg_loop_run(job, &loop);
	free(c.sides[0].list);
	free(c.sides[1].list);
	return rc;
}
