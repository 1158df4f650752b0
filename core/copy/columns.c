/* Columns of tables, by the system catalogs. */
#include "core/copy/columns.h"

#define USER_TABLES                                                                                      \
	"c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't' AND n.nspname <> " \
	"'information_schema' AND n.nspname !~ '^pg_' "

/* The base type of a domain is what its values are. A type of an extension is the same in whatever schema the
 * extension was put. Virtual columns hold nothing. */
struct pg_result *copy_columns_look(struct pg *pg, const char *schema, const char *table, struct err *err)
{
	return pg_query(
	    pg,
	    "WITH RECURSIVE d AS (SELECT oid, typbasetype AS base FROM pg_type WHERE typtype = 'd' "
	    " UNION ALL SELECT d.oid, t.typbasetype FROM d JOIN pg_type t ON t.oid = d.base WHERE t.typtype "
	    "= 'd') "
	    "SELECT n.nspname, c.relname, json_agg(json_build_array(a.attname, "
	    " CASE WHEN b.typnamespace = 'pg_catalog'::regnamespace THEN b.typname ELSE '' END, "
	    "a.attnotnull, "
	    " CASE WHEN EXISTS (SELECT FROM pg_depend p WHERE p.classid = 'pg_type'::regclass AND p.deptype "
	    "= 'e' AND "
	    "  p.objid = coalesce(nullif(o.typelem, 0), o.oid)) "
	    " THEN replace(format_type(a.atttypid, a.atttypmod), quote_ident(s.nspname) || '.', '') "
	    " ELSE format_type(a.atttypid, a.atttypmod) END) ORDER BY a.attname) "
	    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND "
	    "a.attgenerated <> "
	    "'v' "
	    "JOIN pg_type o ON o.oid = a.atttypid JOIN pg_namespace s ON s.oid = o.typnamespace "
	    "LEFT JOIN LATERAL (SELECT d.base FROM d JOIN pg_type t ON t.oid = d.base WHERE d.oid = "
	    "a.atttypid AND "
	    "t.typtype <> 'd') x ON true "
	    "JOIN pg_type b ON b.oid = coalesce(x.base, a.atttypid) WHERE " USER_TABLES
	    "AND ($1 = '' OR (n.nspname = $1 AND c.relname = $2)) GROUP BY 1, 2",
	    PG_ARGS(schema, table), err);
}
