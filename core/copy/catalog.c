#include "core/copy/catalog.h"
#include "core/base/text.h"
#include "core/links/pg_tables.h"
#include <stdlib.h>
#include <string.h>

/* Types whose binary form holds nothing of one server, such as the numbers of types in composite values and
 * in arrays of a user's own type, and has been the same since 9.6. Enums travel as their labels. */
#define PLAIN_TYPES                                                                                          \
	"'{bool,bytea,char,name,int2,int4,int8,text,oid,json,jsonb,point,lseg,path,box,polygon,line,circle," \
	"float4,float8,money,macaddr,macaddr8,inet,cidr,bpchar,varchar,date,time,timetz,timestamp,"          \
	"timestamptz,interval,bit,varbit,numeric,uuid,tsvector,tsquery,int4range,int8range,numrange,"        \
	"tsrange,tstzrange,daterange}'::name[]"

static const char tables_sql[] =
    "WITH plain AS (SELECT t.oid FROM pg_type t WHERE t.typnamespace = 'pg_catalog'::regnamespace AND "
    "t.typname = ANY (" PLAIN_TYPES ")), "
    "safe AS (SELECT oid FROM plain UNION SELECT a.oid FROM pg_type a JOIN plain p ON p.oid = a.typelem AND "
    "a.typlen = -1 AND a.typnamespace = 'pg_catalog'::regnamespace "
    " UNION SELECT oid FROM pg_type WHERE typtype = 'e' UNION SELECT d.oid FROM pg_type d JOIN plain p ON "
    "p.oid = d.typbasetype WHERE d.typtype = 'd' "
    " UNION SELECT t.oid FROM pg_type t JOIN pg_depend x ON x.classid = 'pg_type'::regclass AND x.objid = "
    "t.oid AND x.deptype = 'e' JOIN pg_extension e ON e.oid = x.refobjid WHERE e.extname = 'citext' AND "
    "t.typname = 'citext'), "
    "config AS (SELECT unnest(extconfig) AS oid, unnest(extcondition) AS cond FROM pg_extension), "
    "cols AS (SELECT a.attrelid, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS list, "
    "bool_and(a.atttypid IN (SELECT oid FROM safe)) AS safe FROM pg_attribute a WHERE a.attnum > 0 AND NOT "
    "a.attisdropped AND %s GROUP BY 1) "
    "SELECT c.oid, n.nspname, c.relname, coalesce(k.list, ''), coalesce(k.safe, true), g.oid IS NOT NULL, "
    "coalesce(g.cond, ''), pg_table_size(c.oid), pg_relation_size(c.oid) / "
    "current_setting('block_size')::int, c.reltuples::bigint "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN cols k ON k.attrelid = c.oid "
    "LEFT JOIN config g ON g.oid = c.oid "
    "WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname NOT IN ('information_schema', "
    "'_heroku', 'nightferry') AND n.nspname !~ '^pg_' "
    "AND (g.oid IS NOT NULL OR NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass "
    "AND x.objid = c.oid AND x.deptype = 'e')) ORDER BY 8 DESC, 2, 3";

static bool is_skipped(const char *const *skip, const char *label)
{
	for (size_t i = 0; skip && skip[i]; i++)
		if (text_equal(skip[i], label))
			return true;
	return false;
}

static void read_row(const struct pg_result *r, size_t i, const char *const *skip, struct copy_table *t)
{
	t->oid = (uint32_t)pg_get_int(r, i, 0);
	text_copy(t->schema, sizeof t->schema, pg_get(r, i, 1));
	text_copy(t->name, sizeof t->name, pg_get(r, i, 2));
	pg_label(t->label, sizeof t->label, t->schema, t->name);
	t->columns = xstrdup(pg_get(r, i, 3));
	t->binary = pg_get_bool(r, i, 4);
	t->extension = pg_get_bool(r, i, 5);
	/* "WHERE ..." as pg_dump takes it. */
	t->where = xstrdup(pg_get(r, i, 6));
	t->size_bytes = pg_get_int(r, i, 7);
	t->pages = pg_get_int(r, i, 8);
	t->rows = pg_get_int(r, i, 9);
	t->skipped = is_skipped(skip, t->label);
}

static int by_name(const void *a, const void *b)
{
	const struct copy_table *x = *(struct copy_table *const *)a, *y = *(struct copy_table *const *)b;
	int order = strcmp(x->name, y->name);
	return order ? order : strcmp(x->schema, y->schema);
}

int copy_catalog_read(struct pg *pg, const char *const *skip, struct copy_catalog *out, struct err *err)
{
	struct buf sql = {0};
	*out = (struct copy_catalog){0};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	/* Generated columns are of 12. */
	buf_addf(&sql, tables_sql, pg_major(pg) >= 12 ? "a.attgenerated = ''" : "true");
#pragma GCC diagnostic pop
	struct pg_result *r = pg_query(pg, buf_text(&sql), NULL, err);
	buf_done(&sql);
	if (!r)
		return -1;
	out->n = pg_rows(r);
	out->list = xcalloc(out->n + 1, sizeof *out->list);
	out->by_name = xcalloc(out->n + 1, sizeof *out->by_name);
	for (size_t i = 0; i < out->n; i++) {
		read_row(r, i, skip, &out->list[i]);
		out->by_name[i] = &out->list[i];
		if (!out->list[i].skipped)
			out->size_bytes += out->list[i].size_bytes;
	}
	pg_result_free(r);
	qsort(out->by_name, out->n, sizeof *out->by_name, by_name);
	return 0;
}

void copy_catalog_done(struct copy_catalog *catalog)
{
	for (size_t i = 0; i < catalog->n; i++) {
		free(catalog->list[i].columns);
		free(catalog->list[i].where);
	}
	free(catalog->by_name);
	free(catalog->list);
	*catalog = (struct copy_catalog){0};
}

struct copy_table *copy_catalog_find(const struct copy_catalog *catalog, const char *schema, const char *name)
{
	size_t low = 0, high = catalog->n;
	while (low < high) {
		size_t mid = (low + high) / 2;
		struct copy_table *t = catalog->by_name[mid];
		int order = strcmp(t->name, name);
		order = order ? order : strcmp(t->schema, schema);
		if (order == 0)
			return t;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

void copy_table_name(struct buf *sql, const struct copy_table *table)
{
	pg_add_name(sql, table->schema);
	buf_addc(sql, '.');
	pg_add_name(sql, table->name);
}
