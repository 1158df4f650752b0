/* Schemas that hold more than the server has locks for. Each object that a transaction drops takes a lock of
 * its own, also what goes with it: indexes, defaults, row types. Ten thousand tables take some hundred
 * thousand, and a server as it comes has room for some thousand. So the objects go some at a time, each time
 * in a transaction of its own, until what is left fits into one. */
#include "core/base/text.h"
#include "core/steps/wipe_database.h"
#include <stdlib.h>

enum { LOCKS_PER_TABLE = 16, LARGE_PIECE = 1000 };

#define APP_SCHEMAS " n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
#define OWN(class, oid)                                                                                   \
	" NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = '" class "'::regclass AND x.objid = " oid \
									 " AND x.deptype = 'e') "

/* Half of the room is left to others and to what a piece brings with it. */
static const char capacity_sql[] = "SELECT current_setting('max_locks_per_transaction')::bigint * "
				   "(current_setting('max_connections')::bigint "
				   "+ current_setting('max_prepared_transactions')::bigint) / 2";
static const char objects_sql[] =
    "SELECT (SELECT count(*) FROM pg_depend d JOIN pg_class c ON d.refclassid = 'pg_class'::regclass AND "
    "d.refobjid = c.oid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE d.deptype IN ('a', 'i') "
    "AND" APP_SCHEMAS
    ") + (SELECT count(*) * 3 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE" APP_SCHEMAS ") + (SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
    "WHERE" APP_SCHEMAS ") + (SELECT count(*) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace "
    "WHERE" APP_SCHEMAS ") + (SELECT count(*) FROM pg_largeobject_metadata)";

/* One kind at a time, $1 of them at most, and first what would take many others with it: a key that thousands
 * of tables have to one. A table with children waits until these are gone; what belongs to an extension goes
 * with that. */
static const char piece_sql[] =
    "SELECT CASE k.kind WHEN 'KEY' THEN string_agg(k.name, '; ') ELSE 'DROP ' || k.kind || ' IF EXISTS ' || "
    "string_agg(k.name, ', ') || ' CASCADE' END FROM (SELECT o.*, row_number() OVER (PARTITION BY o.kind) AS "
    "at "
    "FROM (SELECT 'KEY' AS kind, format('ALTER TABLE %I.%I DROP CONSTRAINT %I', n.nspname, c.relname, "
    "f.conname) AS name FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid JOIN pg_namespace n ON "
    "n.oid "
    "= c.relnamespace WHERE f.contype = 'f' AND f.conparentid = 0 AND" APP_SCHEMAS "AND" OWN(
	"pg_class",
	"c.oid") "UNION ALL SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' "
		 "WHEN 'f' THEN "
		 "'FOREIGN TABLE' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, format('%I.%I', n.nspname, "
		 "c.relname) FROM "
		 "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', "
		 "'v', 'm', 'f', 'S') "
		 "AND" APP_SCHEMAS
		 "AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid) AND NOT (c.relkind "
		 "= 'S' AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND "
		 "d.objid = c.oid AND "
		 "d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i'))) AND" OWN(
		     "pg_class",
		     "c.oid") "UNION ALL SELECT 'ROUTINE', format('%I.%I(%s)', n.nspname, p.proname, "
			      "pg_get_function_identity_arguments(p.oid)) FROM pg_proc p JOIN pg_namespace n "
			      "ON n.oid = p.pronamespace "
			      "WHERE" APP_SCHEMAS
			      "AND" OWN("pg_proc",
					"p.oid") ") o) k WHERE k.at <= $1::bigint GROUP BY k.kind ORDER BY "
						 "array_position(ARRAY['KEY', 'MATERIALIZED VIEW', 'VIEW', "
						 "'FOREIGN TABLE', 'TABLE', 'SEQUENCE', "
						 "'ROUTINE'], k.kind) LIMIT 1";

int wipe_pieces_look(struct pg *pg, struct wipe_way *way, struct err *err)
{
	int64_t objects = 0, capacity = 0;
	if (pg_number(pg, capacity_sql, NULL, &capacity, err) < 0 ||
	    pg_number(pg, objects_sql, NULL, &objects, err) < 0)
		return -1;
	way->piece = objects <= capacity                ? 0
		     : capacity / LOCKS_PER_TABLE < 1   ? 1
		     : capacity / LOCKS_PER_TABLE > 500 ? 500
							: capacity / LOCKS_PER_TABLE;
	return 0;
}

static int drop_large(struct pg *pg, struct err *err)
{
	char most[12];
	int64_t gone = 1;
	text_copyf(most, sizeof most, "%d", LARGE_PIECE);
	while (gone > 0)
		if (pg_number(
			pg,
			"SELECT count(lo_unlink(m.oid)) FROM (SELECT oid FROM pg_largeobject_metadata LIMIT "
			"$1::bigint) m",
			PG_ARGS(most), &gone, err) < 0)
			return -1;
	return 0;
}

int wipe_pieces_go(struct job *job, struct pg *pg, int64_t piece, struct err *err)
{
	char most[24];
	text_copyf(most, sizeof most, "%lld", (long long)piece);
	for (int64_t n = 1;; n++) {
		struct pg_result *r = pg_query(pg, piece_sql, PG_ARGS(most), err);
		int rc = !r ? -1 : pg_rows(r) ? 1 : 0;
		if (rc > 0 && job)
			job_progress(job, n, -1, "items", "drops tables, some at a time");
		if (rc > 0 && pg_exec(pg, err, "%s", pg_get(r, 0, 0)) < 0)
			rc = -1;
		pg_result_free(r);
		if (rc <= 0)
			return rc < 0 ? -1 : drop_large(pg, err);
	}
}
