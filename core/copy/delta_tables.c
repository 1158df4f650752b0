/* One look at the catalogs for all tables, one for all keys. */
#include "core/copy/delta_tables.h"
#include "core/base/text.h"
#include "core/links/pg_tables.h"
#include <stdlib.h>
#include <string.h>

/* PostgreSQL's own, Heroku's, and ours. */
#define OURS                                                                                                 \
	" n.nspname NOT IN ('information_schema', '_heroku', 'nightferry') AND n.nspname !~ '^pg_' AND NOT " \
	"EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND "    \
	"x.deptype = 'e') "
#define TABLES " c.relkind = 'r' AND c.relpersistence <> 't' AND" OURS

static const char tables_sql[] =
    "SELECT c.oid, n.nspname, c.relname, pg_relation_size(c.oid), "
    "(SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid "
    " = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''), "
    "md5(concat_ws('/', pg_get_expr(c.relpartbound, c.oid), "
    " (SELECT string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, "
    "  a.attgenerated, a.attidentity, nullif(a.attcollation, 0)::regcollation::text, "
    "  pg_get_expr(d.adbin, d.adrelid)), ',' ORDER BY a.attnum) FROM pg_attribute a LEFT JOIN pg_attrdef d "
    "ON "
    "  d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT "
    "  a.attisdropped), "
    " (SELECT string_agg(k.conname || ' ' || pg_get_constraintdef(k.oid), ',' ORDER BY k.conname) FROM "
    "  pg_constraint k WHERE k.conrelid = c.oid), "
    " (SELECT string_agg(pg_get_indexdef(i.indexrelid), ',' ORDER BY i.indexrelid::regclass::text) FROM "
    "  pg_index i WHERE i.indrelid = c.oid))), "
    "EXISTS (SELECT FROM pg_constraint k WHERE k.contype = 'f' AND k.confrelid = c.oid) "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE" TABLES
    "ORDER BY pg_relation_size(c.oid) DESC, 2, 3";

/* The primary key, or else a unique index over plain columns that are never null. An index over a computed
 * column is none: its values do not come across. */
static const char keys_sql[] =
    "SELECT c.oid, quote_ident(a.attname), format_type(a.atttypid, a.atttypmod), format('OPERATOR(%I.%s)', "
    "o.nspname, p.oprname), a.atttypid IN (20, 21, 23) "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "JOIN LATERAL (SELECT i.indexrelid, i.indkey, i.indclass, i.indnkeyatts FROM pg_index i WHERE i.indrelid "
    "= "
    " c.oid AND i.indisunique AND i.indisvalid AND NOT i.indisexclusion AND i.indpred IS NULL AND i.indexprs "
    "IS "
    " NULL AND NOT EXISTS (SELECT FROM unnest(i.indkey) WITH ORDINALITY u(num, at) JOIN pg_attribute x ON "
    "  x.attrelid = c.oid AND x.attnum = u.num WHERE u.at <= i.indnkeyatts AND (NOT x.attnotnull OR "
    "  x.attgenerated <> '')) ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1) i ON true "
    "CROSS JOIN LATERAL generate_series(0, i.indnkeyatts - 1) s(at) "
    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[s.at] "
    "JOIN pg_opclass q ON q.oid = i.indclass[s.at] "
    "JOIN pg_amop m ON m.amopfamily = q.opcfamily AND m.amoplefttype = q.opcintype AND m.amoprighttype = "
    " q.opcintype AND m.amopstrategy = 3 "
    "JOIN pg_operator p ON p.oid = m.amopopr JOIN pg_namespace o ON o.oid = p.oprnamespace WHERE" TABLES
    "ORDER BY c.oid, s.at";

static const char types_sql[] =
    "SELECT md5(coalesce(string_agg(t, ',' ORDER BY t), '')) FROM ("
    "SELECT concat_ws(' ', e.enumtypid::regtype, e.enumsortorder, e.enumlabel) FROM pg_enum e UNION ALL "
    "SELECT concat_ws(' ', t.oid::regtype, format_type(t.typbasetype, t.typtypmod), t.typnotnull, (SELECT "
    " string_agg(pg_get_constraintdef(k.oid), ',' ORDER BY k.conname) FROM pg_constraint k WHERE k.contypid "
    "= "
    " t.oid)) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype = 'd' AND "
    "n.nspname "
    " <> 'information_schema' UNION ALL "
    "SELECT concat_ws(' ', c.oid::regclass, a.attname, format_type(a.atttypid, a.atttypmod)) FROM pg_class c "
    " JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relkind = 'c' AND NOT a.attisdropped) x(t)";

static bool is_skipped(const char *const *skip, const char *label)
{
	for (; skip && *skip; skip++) {
		const char *given = text_starts(*skip, "public.") ? *skip + 7 : *skip;
		if (text_equal(given, label))
			return true;
	}
	return false;
}

static void take_table(struct delta_table *t, const struct pg_result *r, size_t i)
{
	struct buf from = {0};
	t->oid = (uint32_t)pg_get_int(r, i, 0);
	text_copy(t->schema, sizeof t->schema, pg_get(r, i, 1));
	text_copy(t->name, sizeof t->name, pg_get(r, i, 2));
	pg_label(t->label, sizeof t->label, t->schema, t->name);
	t->size_bytes = pg_get_int(r, i, 3);
	t->columns = xstrdup(pg_get(r, i, 4));
	text_copy(t->fingerprint, sizeof t->fingerprint, pg_get(r, i, 5));
	t->referenced = pg_get_bool(r, i, 6);
	buf_adds(&from, "ONLY ");
	pg_add_name(&from, t->schema);
	buf_addc(&from, '.');
	pg_add_name(&from, t->name);
	t->from = from.data;
}

static int look_tables(struct pg *pg, const char *const *skip, struct delta_tables *out, struct err *err)
{
	struct pg_result *r = pg_query(pg, tables_sql, NULL, err);
	if (!r)
		return -1;
	out->list = xcalloc(pg_rows(r) + 1, sizeof *out->list);
	for (size_t i = 0; i < pg_rows(r); i++) {
		char label[130];
		pg_label(label, sizeof label, pg_get(r, i, 1), pg_get(r, i, 2));
		if (!is_skipped(skip, label))
			take_table(&out->list[out->n++], r, i);
	}
	pg_result_free(r);
	return 0;
}

static int by_oid(const void *a, const void *b)
{
	uint32_t x = (*(struct delta_table *const *)a)->oid, y = (*(struct delta_table *const *)b)->oid;
	return x < y ? -1 : x > y;
}

static void take_key(struct delta_table *t, const struct pg_result *r, size_t i)
{
	t->keys = xrealloc(t->keys, t->n_keys + 1, sizeof *t->keys);
	struct delta_key *key = &t->keys[t->n_keys++];
	text_copy(key->column, sizeof key->column, pg_get(r, i, 1));
	text_copy(key->type, sizeof key->type, pg_get(r, i, 2));
	text_copy(key->equals, sizeof key->equals, pg_get(r, i, 3));
	key->integer = pg_get_bool(r, i, 4);
}

/* Both lists go by oid, so that ten thousand tables cost one walk. */
static int look_keys(struct pg *pg, struct delta_tables *out, struct err *err)
{
	struct pg_result *r = pg_query(pg, keys_sql, NULL, err);
	if (!r)
		return -1;
	struct delta_table **sorted = xcalloc(out->n + 1, sizeof(struct delta_table *));
	for (size_t i = 0; i < out->n; i++)
		sorted[i] = &out->list[i];
	qsort(sorted, out->n, sizeof *sorted, by_oid);
	for (size_t i = 0, at = 0; i < pg_rows(r); i++) {
		uint32_t oid = (uint32_t)pg_get_int(r, i, 0);
		while (at < out->n && sorted[at]->oid < oid)
			at++;
		if (at < out->n && sorted[at]->oid == oid)
			take_key(sorted[at], r, i);
	}
	free(sorted);
	pg_result_free(r);
	return 0;
}

int delta_tables_look(struct pg *pg, const char *const *skip, struct delta_tables *out, struct err *err)
{
	*out = (struct delta_tables){0};
	if (look_tables(pg, skip, out, err) == 0 && look_keys(pg, out, err) == 0 &&
	    pg_value(pg, types_sql, NULL, out->types, sizeof out->types, err) == 0)
		return 0;
	delta_tables_done(out);
	return -1;
}

void delta_tables_done(struct delta_tables *tables)
{
	for (size_t i = 0; i < tables->n; i++) {
		free(tables->list[i].from);
		free(tables->list[i].columns);
		free(tables->list[i].keys);
	}
	free(tables->list);
	*tables = (struct delta_tables){0};
}

struct delta_table *delta_tables_find(const struct delta_tables *tables, const char *schema, const char *name)
{
	for (size_t i = 0; i < tables->n; i++)
		if (text_equal(tables->list[i].name, name) && text_equal(tables->list[i].schema, schema))
			return &tables->list[i];
	return NULL;
}
