/* Causes of differences: see row_causes.h. A table that is missing: row_causes_missing.c. */
#include "core/steps/row_causes.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/steps/row_causes_inner.h"
#include <stdlib.h>
#include <string.h>

enum { LOOKS_MOST = 200 }; /* a comparison of ten thousand lost tables must end as well */

int row_causes_begin(struct row_causes *causes, struct job *job, struct pg *old_pg, struct pg *new_pg,
		     struct err *err)
{
	*causes = (struct row_causes){.job = job, .old_pg = old_pg, .new_pg = new_pg};
	causes->have_source = pg_source_read(job_fact(job, "source", ""), &causes->source);
	return pg_writes_look(old_pg, &causes->old_writes, err) < 0
		   ? -1
		   : pg_writes_look(new_pg, &causes->new_writes, err);
}

int row_causes_end(struct row_causes *causes, struct err *err)
{
	return pg_writes_look(causes->old_pg, &causes->old_writes, err) < 0
		   ? -1
		   : pg_writes_look(causes->new_pg, &causes->new_writes, err);
}

void row_causes_done(struct row_causes *causes)
{
	pg_source_done(&causes->source);
	pg_writes_done(&causes->old_writes);
	pg_writes_done(&causes->new_writes);
	*causes = (struct row_causes){0};
}

/* ---- who writes ---- */

static bool has_line(const char *lines, const char *label)
{
	size_t len = strlen(label);
	for (const char *at = lines; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		if (strcspn(at, "\n") == len && memcmp(at, label, len) == 0)
			return true;
	}
	return false;
}

static const struct pg_session *writer_of(const struct pg_writes *writes, const char *label)
{
	for (size_t i = 0; i < writes->n_sessions; i++) {
		const struct pg_session *s = &writes->sessions[i];
		if (s->wrote && (has_line(s->tables, label) || text_equal(s->table, label)))
			return s;
	}
	return NULL;
}

static int64_t written_while(const struct pg_writes *writes, const char *label)
{
	for (size_t i = 0; i < writes->n_tables; i++) {
		if (text_equal(writes->tables[i].label, label))
			return writes->looks > 1 ? writes->tables[i].delta : 0;
	}
	return 0;
}

/* Somebody writes to it now: by the counters, or by a lock that only writers take. */
static bool written_now(const struct pg_writes *writes, const char *side, const char *label, char *out,
			size_t size)
{
	char n[UNITS_MAX];
	const struct pg_session *who = writer_of(writes, label);
	int64_t rows = written_while(writes, label);
	if (!rows && !(who && who->holds_xid))
		return false;
	if (rows)
		text_copyf(out, size, "written on %s while we counted: %s rows", side, units_count(n, rows));
	else
		text_copyf(out, size, "being written on %s: not committed yet", side);
	size_t used = strlen(out);
	if (who)
		text_copyf(out + used, size - used, ", by %s from %s", who->who, who->from);
	else
		text_copy(out + used, size - used, ", by a session that is gone or not shown to us");
	return true;
}

/* ---- what the counters of NEW say; its tables are as old as the copy ---- */

struct counters {
	int64_t inserted, updated, deleted, dead, bytes, vacuums;
};

static bool look_counters(struct pg *pg, const struct copy_side *side, struct counters *out)
{
	struct pg_result *r = pg_query(
	    pg,
	    "SELECT coalesce(sum(s.n_tup_ins), 0)::bigint, coalesce(sum(s.n_tup_upd), 0)::bigint, "
	    "coalesce(sum(s.n_tup_del), 0)::bigint, coalesce(sum(s.n_dead_tup), 0)::bigint, "
	    "coalesce(sum(pg_relation_size(s.relid)), 0)::bigint, coalesce(sum(s.vacuum_count + "
	    "s.autovacuum_count), 0)::bigint FROM pg_stat_user_tables s "
	    "WHERE coalesce(pg_partition_root(s.relid), s.relid) = (SELECT c.oid FROM pg_class c JOIN "
	    "pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2)",
	    PG_ARGS(side->schema, side->name), NULL);
	if (!r)
		return false;
	*out = (struct counters){pg_get_int(r, 0, 0), pg_get_int(r, 0, 1), pg_get_int(r, 0, 2),
				 pg_get_int(r, 0, 3), pg_get_int(r, 0, 4), pg_get_int(r, 0, 5)};
	pg_result_free(r);
	return true;
}

/* A vacuum takes away what tells rows that were taken back from rows that were emptied out. */
static void say_gone(const struct counters *k, char *out, size_t size)
{
	char n[UNITS_MAX];
	units_count(n, k->inserted);
	if (k->dead || k->bytes)
		text_copyf(
		    out, size,
		    "its COPY was broken off on NEW: %s rows came and were taken back; restore it again", n);
	else if (k->vacuums)
		text_copyf(
		    out, size,
		    "%s rows came to NEW and are gone: its COPY was broken off, or it was emptied after "
		    "the copy",
		    n);
	else
		text_copyf(out, size, "emptied on NEW after the copy: %s rows had come", n);
}

/* Rows that are younger, by their transactions, than most of the table. A copy writes a table at once. */
static int64_t look_younger(struct pg *pg, const struct copy_side *side)
{
	struct buf sql = {0};
	int64_t n = 0;
	buf_adds(&sql, "WITH x AS (SELECT age(xmin) AS age, count(*) AS n FROM ");
	pg_add_name(&sql, side->schema);
	buf_addc(&sql, '.');
	pg_add_name(&sql, side->name);
	buf_adds(&sql, " GROUP BY 1) SELECT coalesce(sum(n), 0)::bigint FROM x WHERE age < (SELECT age FROM "
		       "x ORDER BY n "
		       "DESC, age DESC LIMIT 1)");
	if (pg_number(pg, buf_text(&sql), NULL, &n, NULL) < 0)
		n = 0;
	buf_done(&sql);
	return n;
}

/* A warm copy and its deltas write a table more than once themselves. */
static bool filled_at_once(struct job *job)
{
	return job_fact(job, "restored-by-us", "") && !job_fact(job, "warm-copy", "");
}

static bool new_was_written(struct row_causes *c, const struct copy_compared_table *t, char *out, size_t size)
{
	struct counters k;
	char a[UNITS_MAX], b[UNITS_MAX];
	const struct copy_side *side = &t->side[COPY_NEW];
	if (!filled_at_once(c->job) || !look_counters(c->new_pg, side, &k))
		return false;
	if (side->rows == 0 && k.inserted && !k.deleted) {
		say_gone(&k, out, size);
		return true;
	}
	if (side->rows == 0 && !k.inserted) {
		text_copy(
		    out, size,
		    "no row was ever written into it on NEW: the dump holds none of it, or its COPY was "
		    "refused");
		return true;
	}
	if (k.updated || k.deleted) {
		text_copyf(out, size, "changed on NEW after the copy: %s rows updated, %s deleted there",
			   units_count(a, k.updated), units_count(b, k.deleted));
		return true;
	}
	/* More than there are too many come from a copy in parts. */
	int64_t more = side->rows - t->side[COPY_OLD].rows,
		younger = more > 0 ? look_younger(c->new_pg, side) : 0;
	if (younger > more)
		return false;
	if (younger)
		text_copyf(out, size,
			   "written on NEW after the copy: %s of its rows are of later transactions",
			   units_count(a, younger));
	return younger > 0;
}

/* ---- tables that cannot be read ---- */

static void judge_unread(struct row_causes *c, const struct copy_compared_table *t, char *out, size_t size)
{
	int which = t->side[COPY_OLD].rows == -2 ? COPY_OLD : COPY_NEW;
	const struct copy_side *side = &t->side[which];
	struct pg *pg = which == COPY_OLD ? c->old_pg : c->new_pg;
	struct pg_result *r = pg_query(
	    pg,
	    "SELECT row_security_active(c.oid), has_table_privilege(c.oid, 'SELECT'), current_user, "
	    "coalesce((SELECT string_agg(polname, ', ' ORDER BY polname) FROM pg_policy WHERE polrelid = "
	    "c.oid), 'none'), pg_get_userbyid(c.relowner) FROM pg_class c JOIN pg_namespace n ON n.oid = "
	    "c.relnamespace WHERE n.nspname = $1 AND c.relname = $2",
	    PG_ARGS(side->schema, side->name), NULL);
	const char *name = which == COPY_OLD ? "OLD" : "NEW";
	if (pg_rows(r) && !pg_get_bool(r, 0, 1))
		text_copyf(out, size, "not counted: the role %s may not read it on %s; its owner is %s",
			   pg_get(r, 0, 2), name, pg_get(r, 0, 4));
	else if (pg_rows(r) && pg_get_bool(r, 0, 0))
		text_copyf(
		    out, size,
		    "not counted: row security hides rows of it from %s on %s (policies: %s); its owner "
		    "is %s",
		    pg_get(r, 0, 2), name, pg_get(r, 0, 3), pg_get(r, 0, 4));
	else
		text_copyf(out, size, "could not be counted: %s", side->why);
	pg_result_free(r);
}

/* ---- all together ---- */

static bool old_has_moved(const struct row_causes *c, const struct copy_compared_table *t, char *out,
			  size_t size)
{
	const struct pg_table *was = c->have_source ? pg_tables_find(&c->source.tables, t->label) : NULL;
	char a[UNITS_MAX], b[UNITS_MAX];
	if (!was || was->rows < 0 || was->rows == t->side[COPY_OLD].rows)
		return false;
	text_copyf(out, size, "OLD changed after it was recorded: %s rows then, %s now; capture again",
		   units_count(a, was->rows), units_count(b, t->side[COPY_OLD].rows));
	return true;
}

static void not_known(const struct copy_compared_table *t, char *out, size_t size)
{
	bool counts = t->side[COPY_OLD].rows != t->side[COPY_NEW].rows;
	text_copyf(out, size, "not known: %s, and no write was seen on either side; Enter finds the rows",
		   counts ? "the counts differ" : "as many rows that do not say the same");
}

void row_cause(struct row_causes *causes, const struct copy_compared *compared,
	       const struct copy_compared_table *t, char *out, size_t size)
{
	(void)compared;
	*out = '\0';
	if (causes->looked++ >= LOOKS_MOST) {
		text_copyf(out, size, "not looked into: more than %d tables differ", LOOKS_MOST);
	} else if (t->side[COPY_NEW].rows == -1) {
		row_cause_missing(causes, t, out, size);
	} else if (t->side[COPY_OLD].rows == -1) {
		row_cause_extra(causes, t, out, size);
	} else if (t->side[COPY_OLD].rows < 0 || t->side[COPY_NEW].rows < 0) {
		judge_unread(causes, t, out, size);
	} else if (row_cause_restore(causes->job, t->label, out, size) ||
		   written_now(&causes->old_writes, "OLD", t->label, out, size) ||
		   written_now(&causes->new_writes, "NEW", t->label, out, size)) {
		return;
	} else if (*t->columns) {
		text_copy(out, size, t->columns);
	} else if (!old_has_moved(causes, t, out, size) && !new_was_written(causes, t, out, size)) {
		not_known(t, out, size);
	}
}
