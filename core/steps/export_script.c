/* What the file of exported rows looks like. It is plain SQL for psql, in one transaction: each table's rows
 * come into a table of their own first, so that a row whose key the old database has given out meanwhile is
 * left aside and does not stop the rest. */
#include "core/steps/export_script.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include <stdlib.h>
#include <string.h>

const char export_count_awk[] = "!d && /^COPY nf_[0-9]+ / {d = 1; n = 0; next} "
				"d && $0 == \"\\\\.\" {d = 0; next} d {n++; next} "
				"/^-- rows [0-9]+$/ {t++; s += n; w += $3 != n} /^-- the end$/ {e = 1} "
				"END {print t + 0, s + 0, w + 0, e + 0}";

/* ---- looking ---- */

static int count_one(struct pg *pg, struct export_rows *rows, struct pg_table *t, struct err *err)
{
	struct buf sql = {0};
	buf_adds(&sql, "SELECT count(*) FROM ");
	pg_table_from(&sql, t);
	buf_addf(&sql, " WHERE %s", rows->where);
	int rc = pg_number(pg, buf_text(&sql), NULL, &t->rows, err);
	buf_done(&sql);
	return rc;
}

static int look_columns(struct pg *pg, struct export_table *x, struct err *err)
{
	struct buf name = {0}, columns = {0};
	pg_add_name(&name, x->table->schema);
	buf_addc(&name, '.');
	pg_add_name(&name, x->table->name);
	struct pg_result *r = pg_query(pg,
				       "SELECT attname, EXISTS (SELECT FROM pg_index i WHERE i.indrelid = "
				       "a.attrelid AND i.indisunique AND "
				       "i.indisvalid AND i.indpred IS NULL) FROM pg_attribute a WHERE "
				       "attrelid = $1::regclass AND attnum > 0 "
				       "AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
				       PG_ARGS(buf_text(&name)), err);
	for (size_t i = 0; r && i < pg_rows(r); i++) {
		buf_adds(&columns, i ? ", " : "");
		pg_add_name(&columns, pg_get(r, i, 0));
		x->keyed = pg_get_bool(r, i, 1);
	}
	pg_result_free(r);
	buf_done(&name);
	x->columns = xstrdup(buf_text(&columns));
	buf_done(&columns);
	return r ? 0 : -1;
}

static struct export_table *find(struct export_rows *rows, const char *label)
{
	for (size_t i = 0; i < rows->n; i++)
		if (text_equal(rows->list[i].table->label, label))
			return &rows->list[i];
	return NULL;
}

/* A row that names another one comes after it. Circles are left to deferred constraints. */
static int put_in_order(struct pg *pg, struct export_rows *rows, struct err *err)
{
	struct pg_result *r =
	    pg_query(pg,
		     "SELECT cn.nspname, c.relname, pn.nspname, p.relname FROM pg_constraint k "
		     "JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace cn ON cn.oid = "
		     "c.relnamespace JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace pn ON "
		     "pn.oid = p.relnamespace WHERE k.contype = 'f' AND k.conrelid <> k.confrelid",
		     NULL, err);
	if (!r)
		return -1;
	struct export_table *ordered = xcalloc(rows->n + 1, sizeof *ordered);
	size_t n = 0;
	for (size_t before = SIZE_MAX; n < rows->n;) {
		bool circle = before == n;
		before = n;
		for (size_t i = 0; i < rows->n; i++) {
			struct export_table *x = &rows->list[i];
			bool waits = x->placed;
			for (size_t k = 0; k < pg_rows(r) && !waits && !circle; k++) {
				char child[130], parent[130];
				pg_label(child, sizeof child, pg_get(r, k, 0), pg_get(r, k, 1));
				pg_label(parent, sizeof parent, pg_get(r, k, 2), pg_get(r, k, 3));
				const struct export_table *p =
				    text_equal(child, x->table->label) ? find(rows, parent) : NULL;
				waits = p && !p->placed;
			}
			if (waits)
				continue;
			ordered[n++] = *x;
			x->placed = true;
			if (circle)
				break;
		}
	}
	pg_result_free(r);
	free(rows->list);
	rows->list = ordered;
	return 0;
}

static int look_tables(struct job *job, struct pg *pg, struct export_rows *rows, struct err *err)
{
	struct pg_source source;
	bool known = pg_source_read(job_fact(job, "source", ""), &source);
	rows->list = xcalloc(rows->tables.n + 1, sizeof *rows->list);
	int rc = 0;
	for (size_t i = 0; i < rows->tables.n && rc == 0; i++) {
		const struct pg_table *t = &rows->tables.list[i];
		if (t->rows <= 0)
			continue;
		struct export_table *x = &rows->list[rows->n++];
		*x = (struct export_table){
		    .table = t, .unknown_to_old = known && !pg_tables_find(&source.tables, t->label)};
		rc = look_columns(pg, x, err);
	}
	if (known)
		pg_source_done(&source);
	return rc == 0 ? put_in_order(pg, rows, err) : -1;
}

int export_look(struct job *job, struct pg *pg, bool whole, struct export_rows *out, struct err *err)
{
	struct pg_since counted = {0};
	*out = (struct export_rows){0};
	pg_since_read(job, &out->since);
	if (pg_since_where(pg, &out->since, out->where, sizeof out->where, err) < 0 ||
	    pg_since_counters(pg, &out->since, &counted, err) < 0 ||
	    pg_tables_look(pg, &out->tables, err) < 0)
		return -1;
	for (size_t i = 0; i < counted.n; i++) {
		out->updated += counted.tables[i].updated;
		out->deleted += counted.tables[i].deleted;
	}
	pg_since_done(&counted);
	for (size_t i = 0; i < out->tables.n; i++) {
		struct pg_table *t = &out->tables.list[i];
		if (count_one(pg, out, t, err) < 0)
			return -1;
		out->rows += t->rows;
		out->changed_tables += t->rows > 0;
		job_progress(job, (int64_t)i + 1, (int64_t)out->tables.n, "items",
			     "looking for new rows, table by table");
	}
	return whole ? look_tables(job, pg, out, err) : 0;
}

void export_done(struct export_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		free(rows->list[i].columns);
	free(rows->list);
	pg_tables_done(&rows->tables);
	pg_since_done(&rows->since);
	*rows = (struct export_rows){0};
}

/* ---- writing ---- */

/* One line of the file. psql takes backslashes and quotes in its own way, and they must come out as they are.
 */
static void say(struct buf *out, const struct buf *line)
{
	buf_adds(out, "\\echo '");
	for (const char *c = buf_text(line); *c; c++) {
		if (*c == '\n')
			buf_adds(out, "\\n");
		else if (*c == '\'')
			buf_adds(out, "''");
		else if (*c == '\\')
			buf_adds(out, "\\\\");
		else
			buf_addc(out, *c);
	}
	buf_adds(out, "'\n");
}

static void sayf(struct buf *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void sayf(struct buf *out, const char *fmt, ...)
{
	struct buf line = {0};
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&line, fmt, ap);
	va_end(ap);
	say(out, &line);
	buf_done(&line);
}

static void say_head(struct buf *out, const struct export_rows *rows)
{
	char at[UNITS_MAX];
	sayf(out,
	     "-- Rows written on the new side since %s, taken there by nightferry: %lld rows of %zu tables.",
	     units_iso(at, rows->since.at_ms), (long long)rows->rows, rows->n);
	sayf(out, "-- Load it into the old database: psql -X -f FILE URL. A row whose key is taken there is "
		  "left as it");
	sayf(out, "-- is, so a row that was only changed on the new side stays as the old side knows it.");
	if (rows->updated || rows->deleted)
		sayf(out,
		     "-- By the counters of the server %lld rows were changed and %lld deleted since then; "
		     "that is not undone "
		     "by this file.",
		     (long long)rows->updated, (long long)rows->deleted);
	sayf(out, "\\set ON_ERROR_STOP on");
	sayf(out, "SET client_encoding = UTF8; SET standard_conforming_strings = on; SET DateStyle = ISO;");
	sayf(out, "SET IntervalStyle = postgres; SET client_min_messages = warning;");
	sayf(out, "BEGIN;");
	sayf(out, "SET CONSTRAINTS ALL DEFERRED;");
}

static void say_insert(struct buf *out, const struct export_table *x, const char *into, const char *from,
		       size_t number)
{
	sayf(out, "\\echo '%s: %lld here, taken in:'",
	     strpbrk(x->table->label, "'\\") ? "a table" : x->table->label, (long long)x->table->rows);
	sayf(out, "INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM nf_%zu x%s", into, x->columns,
	     x->columns, number, x->keyed ? " ON CONFLICT DO NOTHING;" : "");
	if (x->keyed)
		return;
	/* Without a key only the whole row tells whether it is there already. */
	sayf(out, "WHERE NOT EXISTS (SELECT FROM (SELECT %s FROM %s) y WHERE y::text = x::text);", x->columns,
	     from);
}

static void say_table(struct buf *out, const struct export_rows *rows, const struct export_table *x,
		      size_t number)
{
	struct buf into = {0}, from = {0};
	pg_add_name(&into, x->table->schema);
	buf_addc(&into, '.');
	pg_add_name(&into, x->table->name);
	pg_table_from(&from, x->table);
	if (x->unknown_to_old)
		sayf(out, "-- This table was made on the new side: make it first, or stop here.\nBEGIN;");
	sayf(out, "CREATE TEMP TABLE nf_%zu AS SELECT %s FROM %s WITH NO DATA;", number, x->columns,
	     buf_text(&from));
	sayf(out, "COPY nf_%zu (%s) FROM stdin;", number, x->columns);
	buf_addf(out, "COPY (SELECT %s FROM %s WHERE %s) TO STDOUT;\n", x->columns, buf_text(&from),
		 rows->where);
	sayf(out, "\\.");
	sayf(out, "-- rows %lld", (long long)x->table->rows);
	say_insert(out, x, buf_text(&into), buf_text(&from), number);
	if (x->unknown_to_old)
		sayf(out, "COMMIT;");
	buf_done(&into);
	buf_done(&from);
}

/* The rows are as the new side's triggers made them; the old side's would write their own lines a second
 * time. Each trigger gets back what it was, and an error in between takes everything back. */
static int say_triggers(struct pg *pg, const struct export_rows *rows, bool off, struct buf *out,
			struct err *err)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct export_table *x = &rows->list[i];
		struct buf table = {0};
		pg_add_name(&table, x->table->schema);
		buf_addc(&table, '.');
		pg_add_name(&table, x->table->name);
		struct pg_result *r =
		    x->unknown_to_old
			? NULL
			: pg_query(
			      pg,
			      "SELECT tgname, tgenabled = 'A' FROM pg_trigger WHERE tgrelid = $1::regclass "
			      "AND NOT tgisinternal AND tgenabled IN ('O', 'A') ORDER BY 1",
			      PG_ARGS(buf_text(&table)), err);
		if (!r && !x->unknown_to_old) {
			buf_done(&table);
			return -1;
		}
		for (size_t k = 0; r && k < pg_rows(r); k++) {
			struct buf name = {0};
			pg_add_name(&name, pg_get(r, k, 0));
			sayf(out, "ALTER TABLE %s %s TRIGGER %s;", buf_text(&table),
			     off                    ? "DISABLE"
			     : pg_get_bool(r, k, 1) ? "ENABLE ALWAYS"
						    : "ENABLE",
			     buf_text(&name));
			buf_done(&name);
		}
		pg_result_free(r);
		buf_done(&table);
	}
	return 0;
}

/* The old app must not give out numbers again that rows of this file already have. */
static int say_sequences(struct job *job, struct pg *pg, struct buf *out, struct err *err)
{
	struct pg_sequences sequences;
	struct pg_source source;
	bool known = pg_source_read(job_fact(job, "source", ""), &source);
	if (pg_sequences_look(pg, &sequences, err) < 0)
		return -1;
	for (size_t i = 0; i < sequences.n; i++) {
		const struct pg_sequence *s = &sequences.list[i];
		bool there = !known;
		for (size_t k = 0; known && k < source.sequences.n; k++)
			there = there || text_equal(source.sequences.list[k].label, s->label);
		if (!s->called || !there || s->increment <= 0)
			continue;
		struct buf name = {0}, quoted = {0};
		pg_add_name(&name, s->schema);
		buf_addc(&name, '.');
		pg_add_name(&name, s->name);
		pg_add_text(&quoted, buf_text(&name));
		sayf(out, "SELECT setval(%s, greatest(last_value, %lld)) FROM %s \\g /dev/null",
		     buf_text(&quoted), (long long)s->last, buf_text(&name));
		buf_done(&name);
		buf_done(&quoted);
	}
	free(sequences.list);
	if (known)
		pg_source_done(&source);
	return 0;
}

int export_script(struct job *job, struct pg *pg, const struct export_rows *rows, const char *snapshot,
		  struct buf *out, struct err *err)
{
	buf_adds(out, "\\set ON_ERROR_STOP on\n"
		      "SET client_encoding = UTF8; SET DateStyle = ISO; SET IntervalStyle = postgres;\n"
		      "SET extra_float_digits = 3; SET bytea_output = hex; SET row_security = off;\n"
		      "SET statement_timeout = 0; SET lock_timeout = '15s';\n"
		      "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n");
	buf_addf(out, "SET TRANSACTION SNAPSHOT '%s';\n", snapshot);
	say_head(out, rows);
	if (say_triggers(pg, rows, true, out, err) < 0)
		return -1;
	for (size_t i = 0; i < rows->n; i++)
		if (!rows->list[i].unknown_to_old)
			say_table(out, rows, &rows->list[i], i + 1);
	/* A table cannot be altered while checks of its rows are still put off. */
	sayf(out, "SET CONSTRAINTS ALL IMMEDIATE;");
	if (say_triggers(pg, rows, false, out, err) < 0 || say_sequences(job, pg, out, err) < 0)
		return -1;
	sayf(out, "COMMIT;");
	for (size_t i = 0; i < rows->n; i++)
		if (rows->list[i].unknown_to_old)
			say_table(out, rows, &rows->list[i], i + 1);
	sayf(out, "-- the end");
	buf_adds(out, "COMMIT;\n");
	return 0;
}
