/* The schema "nightferry" of the target. Numbers are bigint: 64-bit transaction ids have room in it. */
#include "core/copy/warm_state.h"
#include "core/base/text.h"
#include <stdlib.h>
#include <string.h>

int warm_state_make(struct pg *target, const struct copy_boundary *source, const char *types, struct err *err)
{
	struct buf system = {0}, kind = {0};
	pg_add_text(&system, source->system);
	pg_add_text(&kind, types);
	int rc = pg_exec(
	    target, err,
	    "CREATE SCHEMA IF NOT EXISTS nightferry; DROP TABLE IF EXISTS nightferry.warm_source, "
	    "nightferry.warm_table; "
	    "CREATE TABLE nightferry.warm_source (system text NOT NULL, timeline bigint NOT NULL, database "
	    "bigint NOT NULL, next bigint NOT NULL, log_bytes bigint NOT NULL, types text NOT NULL, began "
	    "timestamptz NOT NULL DEFAULT now()); "
	    "CREATE TABLE nightferry.warm_table (schema_name text, table_name text, oid bigint NOT NULL, "
	    "fingerprint text NOT NULL, boundary bigint NOT NULL, rows bigint NOT NULL, mark bigint NOT "
	    "NULL, "
	    "own bigint NOT NULL, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (schema_name, "
	    "table_name)); "
	    "INSERT INTO nightferry.warm_source VALUES (%s, %u, %u, %llu, %llu, %s)",
	    buf_text(&system), source->timeline, source->database, (unsigned long long)source->next,
	    (unsigned long long)source->log_bytes, buf_text(&kind));
	buf_done(&system);
	buf_done(&kind);
	return rc;
}

static void take_table(struct warm_table *t, const struct pg_result *r, size_t i)
{
	text_copy(t->schema, sizeof t->schema, pg_get(r, i, 0));
	text_copy(t->name, sizeof t->name, pg_get(r, i, 1));
	t->oid = (uint32_t)pg_get_int(r, i, 2);
	text_copy(t->fingerprint, sizeof t->fingerprint, pg_get(r, i, 3));
	t->boundary = (uint64_t)pg_get_int(r, i, 4);
	t->rows = pg_get_int(r, i, 5);
	t->mark = (uint64_t)pg_get_int(r, i, 6);
	t->own = (uint64_t)pg_get_int(r, i, 7);
}

static int read_source(struct pg *target, struct warm_state *out, struct err *err)
{
	struct pg_result *r = pg_query(
	    target, "SELECT system, timeline, database, next, log_bytes, types FROM nightferry.warm_source",
	    NULL, err);
	if (!r)
		return -1;
	if (pg_rows(r)) {
		text_copy(out->source.system, sizeof out->source.system, pg_get(r, 0, 0));
		out->source.timeline = (unsigned)pg_get_int(r, 0, 1);
		out->source.database = (uint32_t)pg_get_int(r, 0, 2);
		out->source.next = (uint64_t)pg_get_int(r, 0, 3);
		out->source.log_bytes = (uint64_t)pg_get_int(r, 0, 4);
		text_copy(out->types, sizeof out->types, pg_get(r, 0, 5));
	}
	pg_result_free(r);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct warm_table *x = a, *y = b;
	int order = strcmp(x->schema, y->schema);
	return order ? order : strcmp(x->name, y->name);
}

int warm_state_read(struct pg *target, struct warm_state *out, struct err *err)
{
	char there[8];
	*out = (struct warm_state){0};
	if (pg_value(
		target,
		"SELECT CASE WHEN to_regclass('nightferry.unfinished_stream') IS NOT NULL THEN 'half' ELSE "
		"'whole' END WHERE to_regclass('nightferry.warm_table') IS NOT NULL",
		NULL, there, sizeof there, err) < 0)
		return -1;
	if (!*there)
		return 0;
	out->unfinished = text_equal(there, "half");
	struct pg_result *r =
	    pg_query(target,
		     "SELECT schema_name, table_name, oid, fingerprint, boundary, rows, mark, own "
		     "FROM nightferry.warm_table",
		     NULL, err);
	if (!r || read_source(target, out, err) < 0) {
		pg_result_free(r);
		return -1;
	}
	out->list = xcalloc(pg_rows(r) + 1, sizeof *out->list);
	for (; out->n < pg_rows(r); out->n++) {
		struct warm_table *t = &out->list[out->n];
		take_table(t, r, out->n);
		if (!out->source.xid || t->boundary < out->source.xid)
			out->source.xid = t->boundary;
	}
	pg_result_free(r);
	qsort(out->list, out->n, sizeof *out->list, by_name);
	return 0;
}

void warm_state_done(struct warm_state *state)
{
	free(state->list);
	*state = (struct warm_state){0};
}

const struct warm_table *warm_state_find(const struct warm_state *state, const char *schema, const char *name)
{
	struct warm_table key = {0};
	text_copy(key.schema, sizeof key.schema, schema);
	text_copy(key.name, sizeof key.name, name);
	return state->n ? bsearch(&key, state->list, state->n, sizeof key, by_name) : NULL;
}

/* mark "": that of now. */
static int set(struct pg *target, const struct warm_table *t, const char *mark, struct err *err)
{
	char number[4][24];
	text_copyf(number[0], sizeof number[0], "%u", t->oid);
	text_copyf(number[1], sizeof number[1], "%llu", (unsigned long long)t->boundary);
	text_copyf(number[2], sizeof number[2], "%lld", (long long)t->rows);
	text_copyf(number[3], sizeof number[3], "%llu", (unsigned long long)t->own);
	/* Not its xmin: the copies of other tables that are still under way began before this one ended. */
	struct pg_result *r = pg_query(
	    target,
	    "INSERT INTO nightferry.warm_table (schema_name, table_name, oid, fingerprint, boundary, rows, "
	    "own, mark) VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce(nullif($8, '')::bigint, "
	    "txid_snapshot_xmax(txid_current_snapshot()))) ON CONFLICT (schema_name, table_name) DO UPDATE "
	    "SET "
	    "oid = excluded.oid, fingerprint = excluded.fingerprint, boundary = excluded.boundary, rows = "
	    "excluded.rows, mark = excluded.mark, own = excluded.own, at = now()",
	    PG_ARGS(t->schema, t->name, number[0], t->fingerprint, number[1], number[2], number[3], mark),
	    err);
	pg_result_free(r);
	return r ? 0 : -1;
}

int warm_state_set(struct pg *target, const struct warm_table *t, struct err *err)
{
	char mark[24];
	text_copyf(mark, sizeof mark, "%llu", (unsigned long long)t->mark);
	return set(target, t, mark, err);
}

int warm_state_copied(struct pg *target, const struct delta_table *table, uint64_t boundary, int64_t rows,
		      struct err *err)
{
	struct warm_table t = {.oid = table->oid, .boundary = boundary, .rows = rows};
	text_copy(t.schema, sizeof t.schema, table->schema);
	text_copy(t.name, sizeof t.name, table->name);
	text_copy(t.fingerprint, sizeof t.fingerprint, table->fingerprint);
	return set(target, &t, "", err);
}

int warm_state_drop(struct pg *target, struct err *err)
{
	return pg_exec(
	    target, err,
	    "DROP TABLE IF EXISTS nightferry.warm_source, nightferry.warm_table; DO $$BEGIN DROP SCHEMA IF "
	    "EXISTS nightferry; EXCEPTION WHEN dependent_objects_still_exist THEN NULL; END$$");
}
