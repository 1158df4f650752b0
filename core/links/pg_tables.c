/* Tables, sequences and extensions, by the system catalogs. */
#include "core/links/pg_tables.h"
#include "core/base/text.h"
#include <stdlib.h>
#include <string.h>

/* Schemas that are PostgreSQL's or Heroku's own, and where the state of a warm copy is kept. */
#define USER_SCHEMA                                                                                         \
	" n.nspname NOT IN ('information_schema', '_heroku') AND n.nspname !~ '^pg_' AND NOT (n.nspname = " \
	"'nightferry' AND c.relname LIKE 'warm%') "
#define NO_EXTENSION(class, oid)                                                                          \
	" NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = '" class "'::regclass AND x.objid = " oid \
									 " AND x.deptype = 'e') "

void pg_label(char *out, size_t size, const char *schema, const char *name)
{
	char raw[130];
	if (text_equal(schema, "public"))
		text_copy(raw, sizeof raw, name);
	else
		text_copyf(raw, sizeof raw, "%s.%s", schema, name);
	text_clean(out, size, raw, strlen(raw));
}

static int by_label(const void *a, const void *b)
{
	return strcmp(((const struct pg_table *)a)->label, ((const struct pg_table *)b)->label);
}

int pg_tables_look(struct pg *pg, struct pg_tables *out, struct err *err)
{
	*out = (struct pg_tables){0};
	struct pg_result *r =
	    pg_query(pg,
		     "SELECT n.nspname, c.relname, c.relkind, "
		     " CASE c.relkind WHEN 'r' THEN greatest(c.reltuples, 0)::bigint ELSE coalesce((SELECT "
		     "sum(greatest(p.reltuples, 0)) "
		     "  FROM pg_partition_tree(c.oid) t JOIN pg_class p ON p.oid = t.relid WHERE t.isleaf), "
		     "0)::bigint END "
		     "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
		     "WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't' "
		     "AND" USER_SCHEMA "AND" NO_EXTENSION("pg_class", "c.oid") "ORDER BY 1, 2",
		     NULL, err);
	if (!r)
		return -1;
	out->n = pg_rows(r);
	out->list = xcalloc(out->n ? out->n : 1, sizeof *out->list);
	for (size_t i = 0; i < out->n; i++) {
		struct pg_table *t = &out->list[i];
		text_copy(t->schema, sizeof t->schema, pg_get(r, i, 0));
		text_copy(t->name, sizeof t->name, pg_get(r, i, 1));
		pg_label(t->label, sizeof t->label, t->schema, t->name);
		t->kind = *pg_get(r, i, 2);
		t->estimate = pg_get_int(r, i, 3);
		t->rows = -1;
	}
	pg_result_free(r);
	pg_tables_sort(out);
	return 0;
}

void pg_tables_sort(struct pg_tables *tables)
{
	qsort(tables->list, tables->n, sizeof *tables->list, by_label);
}

void pg_tables_done(struct pg_tables *tables)
{
	free(tables->list);
	*tables = (struct pg_tables){0};
}

struct pg_table *pg_tables_find(const struct pg_tables *tables, const char *label)
{
	size_t low = 0, high = tables->n;
	while (low < high) {
		size_t mid = (low + high) / 2;
		int order = strcmp(tables->list[mid].label, label);
		if (order == 0)
			return &tables->list[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

int64_t pg_tables_rows(const struct pg_tables *tables)
{
	int64_t rows = 0;
	for (size_t i = 0; i < tables->n; i++)
		rows += tables->list[i].rows > 0 ? tables->list[i].rows : 0;
	return rows;
}

int64_t pg_tables_estimate(const struct pg_tables *tables)
{
	int64_t rows = 0;
	for (size_t i = 0; i < tables->n; i++)
		rows += tables->list[i].estimate;
	return rows;
}

void pg_table_from(struct buf *sql, const struct pg_table *table)
{
	buf_adds(sql, table->kind == 'p' ? "" : "ONLY ");
	pg_add_name(sql, table->schema);
	buf_addc(sql, '.');
	pg_add_name(sql, table->name);
}

/* A sequence fills the column that owns it, or else the one whose default takes from it. */
int pg_sequences_look(struct pg *pg, struct pg_sequences *out, struct err *err)
{
	*out = (struct pg_sequences){0};
	struct pg_result *r = pg_query(
	    pg,
	    "SELECT n.nspname, c.relname, s.last_value, s.increment_by, tn.nspname, t.relname, a.attname "
	    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	    "JOIN pg_sequences s ON s.schemaname = n.nspname AND s.sequencename = c.relname "
	    "LEFT JOIN LATERAL (SELECT refobjid AS rel, refobjsubid AS num FROM pg_depend d WHERE d.classid "
	    "= 'pg_class'::regclass "
	    "  AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND "
	    "d.deptype IN ('a', 'i') "
	    " UNION ALL SELECT f.adrelid, f.adnum FROM pg_depend d JOIN pg_attrdef f ON f.oid = d.objid "
	    "  WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND "
	    "d.refobjid = c.oid LIMIT 1) o ON true "
	    "LEFT JOIN pg_class t ON t.oid = o.rel LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace "
	    "LEFT JOIN pg_attribute a ON a.attrelid = o.rel AND a.attnum = o.num AND a.atttypid IN (20, 21, "
	    "23) "
	    "WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND" USER_SCHEMA
	    "AND" NO_EXTENSION("pg_class", "c.oid") "ORDER BY 1, 2",
	    NULL, err);
	if (!r)
		return -1;
	out->n = pg_rows(r);
	out->list = xcalloc(out->n ? out->n : 1, sizeof *out->list);
	for (size_t i = 0; i < out->n; i++) {
		struct pg_sequence *s = &out->list[i];
		text_copy(s->schema, sizeof s->schema, pg_get(r, i, 0));
		text_copy(s->name, sizeof s->name, pg_get(r, i, 1));
		pg_label(s->label, sizeof s->label, s->schema, s->name);
		s->called = !pg_null(r, i, 2);
		s->last = pg_get_int(r, i, 2);
		s->increment = pg_get_int(r, i, 3);
		text_copy(s->table_schema, sizeof s->table_schema, pg_get(r, i, 4));
		text_copy(s->table, sizeof s->table, pg_get(r, i, 5));
		text_copy(s->column, sizeof s->column, pg_get(r, i, 6));
		s->most = INT64_MIN;
	}
	pg_result_free(r);
	return 0;
}

int pg_sequences_columns(struct pg *pg, struct pg_sequences *sequences, struct err *err)
{
	int rc = 0;
	for (size_t i = 0; i < sequences->n && rc == 0; i++) {
		struct pg_sequence *s = &sequences->list[i];
		if (!*s->column)
			continue;
		struct buf sql = {0};
		buf_adds(&sql, "SELECT max(");
		pg_add_name(&sql, s->column);
		buf_adds(&sql, ") FROM ");
		pg_add_name(&sql, s->table_schema);
		buf_addc(&sql, '.');
		pg_add_name(&sql, s->table);
		struct pg_result *r = pg_query(pg, buf_text(&sql), NULL, err);
		buf_done(&sql);
		rc = r ? 0 : -1;
		if (r && !pg_null(r, 0, 0))
			s->most = pg_get_int(r, 0, 0);
		pg_result_free(r);
	}
	return rc;
}

bool pg_sequence_behind(const struct pg_sequence *sequence, const struct pg_sequences *source,
			int64_t *should_be)
{
	int64_t want = sequence->most;
	for (size_t i = 0; source && i < source->n; i++) {
		const struct pg_sequence *old = &source->list[i];
		if (text_equal(old->label, sequence->label) && old->called && old->last > want)
			want = old->last;
	}
	*should_be = want;
	if (want == INT64_MIN || sequence->increment < 0)
		return false;
	return sequence->called ? sequence->last < want : true;
}

int pg_stand(struct pg *pg, int64_t *out, struct err *err)
{
	return pg_number(pg, "SELECT hashtextextended(txid_current_snapshot()::text, 0)", NULL, out, err);
}
