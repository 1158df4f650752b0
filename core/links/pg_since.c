/* Rows by the transaction that wrote them: see pg_since.h. */
#include "core/links/pg_since.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/pg_tables.h"
#include <stdlib.h>

static const char counters_sql[] =
    "SELECT n.nspname, c.relname, sum(s.n_tup_ins)::bigint, sum(s.n_tup_upd)::bigint, "
    "sum(s.n_tup_del)::bigint FROM pg_stat_user_tables s "
    "JOIN pg_class c ON c.oid = coalesce(pg_partition_root(s.relid), s.relid) "
    "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE s.schemaname NOT LIKE 'pg\\_temp%' GROUP BY 1, 2 "
    "ORDER BY 1, 2";

static int counters(struct pg *pg, struct pg_since *out, struct err *err)
{
	struct pg_result *r = pg_query(pg, counters_sql, NULL, err);
	if (!r)
		return -1;
	out->n = pg_rows(r);
	out->tables = xcalloc(out->n ? out->n : 1, sizeof *out->tables);
	for (size_t i = 0; i < out->n; i++) {
		struct pg_counted *t = &out->tables[i];
		pg_label(t->label, sizeof t->label, pg_get(r, i, 0), pg_get(r, i, 1));
		t->inserted = pg_get_int(r, i, 2);
		t->updated = pg_get_int(r, i, 3);
		t->deleted = pg_get_int(r, i, 4);
	}
	pg_result_free(r);
	return 0;
}

int pg_since_look(struct pg *pg, struct pg_since *out, struct err *err)
{
	*out = (struct pg_since){.at_ms = clock_wall_ms()};
	/* The number first: what is written between the two looks is then told twice rather than never. */
	struct pg_result *r = pg_query(pg,
				       "SELECT pg_snapshot_xmin(pg_current_snapshot())::text, CASE WHEN "
				       "pg_is_in_recovery() THEN '' ELSE pg_current_wal_lsn()::text END, "
				       "extract(epoch FROM clock_timestamp())::numeric(20, 3)::text",
				       NULL, err);
	if (!r)
		return -1;
	out->xmin = pg_get_int(r, 0, 0);
	text_copy(out->lsn, sizeof out->lsn, pg_get(r, 0, 1));
	text_copy(out->clock, sizeof out->clock, pg_get(r, 0, 2));
	pg_result_free(r);
	return counters(pg, out, err);
}

void pg_since_write(struct jw *w, const struct pg_since *since)
{
	jw_strf(w, "xmin", "%lld", (long long)since->xmin);
	jw_str(w, "lsn", since->lsn);
	jw_str(w, "clock", since->clock);
	jw_int(w, "at_ms", since->at_ms);
	jw_arr(w, "tables");
	for (size_t i = 0; i < since->n; i++) {
		const struct pg_counted *t = &since->tables[i];
		jw_obj(w, NULL);
		jw_str(w, "table", t->label);
		jw_strf(w, "ins", "%lld", (long long)t->inserted);
		jw_strf(w, "upd", "%lld", (long long)t->updated);
		jw_strf(w, "del", "%lld", (long long)t->deleted);
		jw_end(w);
	}
	jw_end(w);
}

void pg_since_done(struct pg_since *since)
{
	free(since->tables);
	*since = (struct pg_since){0};
}

static int64_t number(const struct json *object, const char *key)
{
	return strtoll(json_str(object, key, "0"), NULL, 10);
}

bool pg_since_read(const struct job *job, struct pg_since *out)
{
	const struct json *fact = job_fact(job, "boundary", "");
	int64_t at_ms = json_int(fact, "at_ms", 0);
	*out = (struct pg_since){.xmin = number(fact, "xmin"), .at_ms = at_ms};
	if (out->xmin <= 0 || json_int(job_fact(job, "restored-by-us", ""), "at_ms", 0) > at_ms) {
		*out = (struct pg_since){0};
		return false;
	}
	text_copy(out->lsn, sizeof out->lsn, json_str(fact, "lsn", ""));
	text_copy(out->clock, sizeof out->clock, json_str(fact, "clock", "0"));
	const struct json *tables = json_get(fact, "tables");
	out->tables = xcalloc(json_count(tables) + 1, sizeof *out->tables);
	for (const struct json *x = json_first(tables); x; x = json_next(x)) {
		struct pg_counted *t = &out->tables[out->n++];
		text_copy(t->label, sizeof t->label, json_str(x, "table", ""));
		t->inserted = number(x, "ins");
		t->updated = number(x, "upd");
		t->deleted = number(x, "del");
	}
	return true;
}

static const struct pg_counted *find(const struct pg_since *since, const char *label)
{
	for (size_t i = 0; i < since->n; i++)
		if (text_equal(since->tables[i].label, label))
			return &since->tables[i];
	return NULL;
}

/* Counters that went back were reset (a crash of the server): what they hold now is all of later. */
static int64_t grown(int64_t now, int64_t before)
{
	return now >= before ? now - before : now;
}

int pg_since_counters(struct pg *pg, const struct pg_since *since, struct pg_since *out, struct err *err)
{
	size_t n = 0;
	*out = (struct pg_since){.xmin = since->xmin, .at_ms = since->at_ms};
	if (counters(pg, out, err) < 0)
		return -1;
	for (size_t i = 0; i < out->n; i++) {
		struct pg_counted t = out->tables[i];
		const struct pg_counted *before = find(since, t.label);
		t.inserted = grown(t.inserted, before ? before->inserted : 0);
		t.updated = grown(t.updated, before ? before->updated : 0);
		t.deleted = grown(t.deleted, before ? before->deleted : 0);
		if (t.inserted || t.updated || t.deleted)
			out->tables[n++] = t;
	}
	out->n = n;
	return 0;
}

int pg_since_where(struct pg *pg, const struct pg_since *since, char *out, size_t size, struct err *err)
{
	int64_t now = 0;
	if (pg_number(pg, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text", NULL, &now, err) < 0)
		return -1;
	if (since->xmin > now)
		return err_set(
		    err, ERR_WORLD,
		    "%s is at transaction %lld, before the %lld that was recorded when the new app "
		    "started: it is another server, or was put back; which rows are new cannot be told",
		    pg_name(pg), (long long)now, (long long)since->xmin);
	if (now - since->xmin >= INT64_C(2000000000))
		return err_set(
		    err, ERR_WORLD,
		    "%s has ended %lld transactions since the new app started, more than its rows can "
		    "tell apart; which rows are new cannot be told",
		    pg_name(pg), (long long)(now - since->xmin));
	/* 0, 1 and 2 are no transactions but marks. age() counts backwards from now on the 32-bit circle, and
	 * is the largest number for a mark. */
	uint32_t mark = (uint32_t)(since->xmin & 0xffffffff);
	text_copyf(out, size, "age(xmin) <= age('%u'::xid)", mark < 3 ? 3 : mark);
	return 0;
}

int pg_since_jobs(struct pg *pg, const struct pg_since *since, int64_t *jobs, char *table, size_t size,
		  struct err *err)
{
	static const char *const kept[] = {"good_jobs", "solid_queue_jobs"};
	*jobs = -1;
	*table = '\0';
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
		int64_t n = 0;
		struct pg_result *r = pg_query(
		    pg,
		    "SELECT format('%I.%I', table_schema, table_name), data_type FROM "
		    "information_schema.columns WHERE "
		    "table_name = $1 AND column_name = 'finished_at' AND table_schema !~ '^pg_' ORDER BY 1",
		    PG_ARGS(kept[i]), err);
		if (!r)
			return -1;
		if (!pg_rows(r)) {
			pg_result_free(r);
			continue;
		}
		/* Rails keeps UTC in columns without a time zone. */
		char *sql =
		    xasprintf("SELECT count(*) FROM %s WHERE finished_at >= to_timestamp($1::float8)%s",
			      pg_get(r, 0, 0),
			      text_find(pg_get(r, 0, 1), "with time zone") ? "" : " AT TIME ZONE 'UTC'");
		pg_result_free(r);
		int rc = pg_number(pg, sql, PG_ARGS(since->clock), &n, err);
		free(sql);
		if (rc < 0)
			return -1;
		*jobs = (*jobs < 0 ? 0 : *jobs) + n;
		text_copyf(table, size, "%s", kept[i]);
	}
	return 0;
}
