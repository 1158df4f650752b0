/* newrows: rows written on the new database since traffic was moved. They are what the way back costs. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/links/pg_writes.h"
#include "core/watches/pg_loop.h"
#include <stdlib.h>
#include <string.h>

#define INTERVAL_MS 2000

static int newrows_run(struct job *job, struct err *err);

static const char *const secrets[] = {"NEW_DATABASE_URL", NULL};

const struct watch newrows_watch = {
    .name = "newrows",
    .help = "rows written on the new database since traffic was moved",
    .secrets = secrets,
    .run = newrows_run,
};

struct newrows {
	struct pg_writes writes;
	struct pg_written *base; /* totals at the flip */
	size_t n_base;
	bool have_base, told;
	int64_t rows;
};

static int64_t base_of(const struct newrows *n, const char *table)
{
	for (size_t i = 0; i < n->n_base; i++) {
		if (text_equal(n->base[i].label, table))
			return n->base[i].total;
	}
	return 0;
}

static void add_base(struct newrows *n, const char *table, int64_t total)
{
	n->base = xrealloc(n->base, n->n_base + 1, sizeof *n->base);
	n->base[n->n_base] = (struct pg_written){.total = total};
	text_copy(n->base[n->n_base++].label, sizeof n->base->label, table);
}

/* A watch that starts again must go on from the same line, so the line is a fact. */
static void read_base(struct job *job, struct newrows *n)
{
	const struct json *tables = json_get(job_fact(job, "newrows-baseline", ""), "tables");
	n->have_base = tables != NULL;
	for (const struct json *t = json_first(tables); t; t = json_next(t))
		add_base(n, json_str(t, "table", ""), strtoll(json_str(t, "total", "0"), NULL, 10));
}

static int record_base(struct job *job, struct newrows *n, struct err *err)
{
	struct jw w;
	jw_fact(&w, "newrows-baseline", "");
	jw_int(&w, "at_ms", clock_wall_ms());
	jw_arr(&w, "tables");
	for (size_t i = 0; i < n->writes.n_tables; i++) {
		add_base(n, n->writes.tables[i].label, n->writes.tables[i].total);
		jw_obj(&w, NULL);
		jw_str(&w, "table", n->writes.tables[i].label);
		jw_strf(&w, "total", "%lld", (long long)n->writes.tables[i].total);
		jw_end(&w);
	}
	jw_end(&w);
	if (job_record(job, &w, err) < 0)
		return -1;
	n->have_base = true;
	return 0;
}

static int64_t since(const struct newrows *n, const struct pg_written *t)
{
	int64_t base = base_of(n, t->label);
	/* Counters that went back were reset (a crash of the server): what they hold now is all of later. */
	return t->total >= base ? t->total - base : t->total;
}

static void tell(struct job *job, struct newrows *n)
{
	struct jw w;
	int64_t rows = 0;
	for (size_t i = 0; i < n->writes.n_tables; i++)
		rows += since(n, &n->writes.tables[i]);
	if (n->told && rows == n->rows)
		return;
	n->rows = rows;
	n->told = true;
	jw_event(&w, "newrows.seen");
	jw_int(&w, "rows", rows);
	jw_arr(&w, "tables");
	for (size_t i = 0; i < n->writes.n_tables; i++) {
		int64_t here = since(n, &n->writes.tables[i]);
		if (!here)
			continue;
		jw_obj(&w, NULL);
		jw_str(&w, "table", n->writes.tables[i].label);
		jw_int(&w, "rows", here);
		jw_end(&w);
	}
	job_event(job, &w);
}

static int look(struct job *job, void *ctx, struct pg *old_pg, struct pg *new_pg, char text[200],
		struct err *err)
{
	struct newrows *n = ctx;
	char rows[UNITS_MAX];
	(void)old_pg;
	if (pg_writes_look(new_pg, &n->writes, err) < 0)
		return -1;
	if (!n->have_base && !job_fact_at(job, "dns-pointed", 0)) {
		text_copy(text, 200, "waits for the flip");
		return 0;
	}
	if (!n->have_base && record_base(job, n, err) < 0)
		return -1;
	tell(job, n);
	text_copyf(text, 200, "%s rows since the flip", units_count(rows, n->rows));
	return 0;
}

static int newrows_run(struct job *job, struct err *err)
{
	struct newrows n = {0};
	(void)err;
	read_base(job, &n);
	const struct pg_loop loop = {.new_side = true, .interval_ms = INTERVAL_MS, .look = look, .ctx = &n};
	int rc = pg_loop_run(job, &loop);
	pg_writes_done(&n.writes);
	free(n.base);
	return rc;
}
