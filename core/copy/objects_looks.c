/* One look a kind. Sessions search pg_catalog only, so that every name in a definition is written in full. */
#include "core/copy/objects_inner.h"

const struct object_look object_looks[] = {
    {.kind = "schema",
     .plural = "schemas",
     .sql = "SELECT n.nspname, '', false FROM pg_namespace n WHERE" USERS "AND n.nspname <> 'public'",
     .mend = "run prepare-target, and copy again what belongs into it"},
    {.kind = "extension",
     .plural = "extensions",
     .sql = "SELECT e.extname, e.extversion, false FROM pg_extension e WHERE e.extname <> 'plpgsql'",
     .mend = "run prepare-target; what uses it may be lost"},
    {.kind = "type",
     .plural = "types",
     .sql = "SELECT " REL(
	 "n", "t") ", coalesce((SELECT string_agg(quote_literal(enumlabel), ',' ORDER BY enumsortorder) FROM "
		   "pg_enum WHERE enumtypid = t.oid), (SELECT string_agg(a.attname || ' ' || "
		   "format_type(a.atttypid, "
		   "a.atttypmod), ',' ORDER BY attnum) FROM pg_attribute a WHERE a.attrelid = t.typrelid AND "
		   "a.attnum > 0 AND "
		   "NOT a.attisdropped), (SELECT format_type(g.rngsubtype, NULL) FROM pg_range g WHERE "
		   "g.rngtypid = "
		   "t.oid), format_type(nullif(t.typbasetype, 0), t.typtypmod), t.typinput::text), false "
		   "FROM (SELECT *, typname AS relname FROM pg_type) t JOIN pg_namespace n ON n.oid = "
		   "t.typnamespace "
		   "LEFT JOIN pg_class c ON c.oid = t.typrelid WHERE (t.typtype IN ('e', 'd', 'r') OR "
		   "c.relkind = 'c' OR (t.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_type e WHERE "
		   "e.typarray = t.oid))) AND" USERS "AND" OWN("pg_type", "t.oid"),
     .mend = "restore again"},
    {.kind = "column",
     .plural = "columns",
     .sql = "SELECT " REL(
	 "n",
	 "c") " || '.' || a.attname, format_type(a.atttypid, a.atttypmod) || coalesce((SELECT ' COLLATE ' || "
	      "k.collname FROM pg_collation k, pg_type t WHERE k.oid = a.attcollation AND t.oid = a.atttypid "
	      "AND t.typcollation <> k.oid), '') || CASE WHEN a.attnotnull THEN "
	      "' NOT NULL' ELSE '' END || CASE a.attidentity WHEN '' THEN '' ELSE ' identity ' || "
	      "a.attidentity::text END || "
	      "coalesce(CASE a.attgenerated WHEN '' THEN ' DEFAULT ' ELSE ' GENERATED ' END || "
	      "pg_get_expr(f.adbin, "
	      "f.adrelid), ''), false FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN "
	      "pg_attribute a ON "
	      "a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_attrdef f ON "
	      "f.adrelid = c.oid AND "
	      "f.adnum = a.attnum WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND" USERS
	      "AND" OWN("pg_class", "c.oid"),
     .mend = "restore that table again",
     .printed = true},
    {.kind = "index",
     .plural = "indexes",
     .sql = "SELECT " REL(
	 "n", "c") ", pg_get_indexdef(c.oid), NOT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = "
		   "i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_class t ON t.oid = "
		   "i.indrelid WHERE "
		   "t.relpersistence <> 't' AND" USERS "AND" OWN("pg_class", "t.oid"),
     .broken = "is not valid on NEW: queries cannot use it; REINDEX INDEX it",
     .mend = "create it before the app starts: queries will be slow, and what it keeps unique is not kept",
     .printed = true},
    {.kind = "constraint",
     .plural = "constraints",
     /* A server since 18 keeps NOT NULL as a constraint, too; the columns tell that. */
     .sql = "SELECT k.conname || ' on ' || " REL(
	 "n", "c") ", pg_get_constraintdef(k.oid), NOT k.convalidated FROM "
		   "pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = "
		   "c.relnamespace WHERE "
		   "k.contype IN ('c', 'f', 'p', 'u', 'x') AND c.relpersistence <> 't' AND" USERS
		   "AND" OWN("pg_class", "c.oid"),
     .broken =
	 "is not validated on NEW: rows that break it may be there; ALTER TABLE ... VALIDATE CONSTRAINT",
     .mend = "add it before the app starts: rows that break it can come in",
     .printed = true},
    {.kind = "sequence",
     .plural = "sequences",
     .sql = "SELECT " REL(
	 "n", "c") ", format_type(s.seqtypid, NULL) || format(' %s %s %s %s %s', s.seqincrement, s.seqmin, "
		   "s.seqmax, s.seqstart, s.seqcycle), false FROM pg_sequence s JOIN pg_class c ON c.oid = "
		   "s.seqrelid JOIN "
		   "pg_namespace n ON n.oid = c.relnamespace WHERE c.relpersistence <> 't' AND" USERS
		   "AND" OWN("pg_class", "c.oid"),
     .mend = "restore again, or make it by hand: new rows need it"},
    {.kind = "sequence's value",
     .plural = "sequence values",
     .sql = "SELECT CASE schemaname WHEN 'public' THEN '' ELSE schemaname || '.' END || sequencename, CASE "
	    "WHEN increment_by > "
	    "0 THEN coalesce(last_value, start_value - 1) ELSE -coalesce(last_value, start_value + 1) "
	    "END::text, false FROM "
	    "pg_sequences WHERE schemaname NOT IN ('information_schema', '_heroku') AND schemaname !~ '^pg_'",
     .mend = "run repair: it would give out numbers that were given out before",
     .data = true},
    {.kind = "function",
     .plural = "functions",
     .sql = "SELECT " FUNCTION
	    ", concat_ws('|', format_type(p.prorettype, NULL), l.lanname, p.provolatile, p.proisstrict, "
	    "p.prosecdef, p.proretset, p.prokind, p.proparallel, p.proleakproof, p.procost, p.prorows, "
	    "array_to_string(p.proconfig, ','), pg_get_function_arguments(p.oid), (SELECT concat_ws(',', "
	    "g.aggkind, g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggserialfn, g.aggdeserialfn, "
	    "g.aggmtransfn, g.aggminvtransfn, g.aggmfinalfn, g.aggsortop::regoperator, "
	    "format_type(g.aggtranstype, NULL), g.agginitval, g.aggminitval) FROM pg_aggregate g WHERE "
	    "g.aggfnoid = p.oid), md5(concat_ws('|', p.prosrc, p.probin))), false FROM pg_proc p JOIN "
	    "pg_language l ON l.oid = p.prolang JOIN pg_namespace n ON n.oid = p.pronamespace WHERE" USERS
	    "AND" OWN("pg_proc", "p.oid"),
     .mend = "restore again, or create it by hand"},
    {.kind = "trigger",
     .plural = "triggers",
     .sql = "SELECT g.tgname || ' on ' || " REL(
	 "n", "c") ", pg_get_triggerdef(g.oid) || ' enabled ' || g.tgenabled::text, false FROM "
		   "pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = "
		   "c.relnamespace WHERE NOT "
		   "g.tgisinternal AND" USERS "AND" OWN("pg_class", "c.oid"),
     .mend = "create it, or ALTER TABLE ... ENABLE TRIGGER, before the app starts",
     .printed = true},
    {.kind = "view",
     .plural = "views",
     .sql = "SELECT " REL(
	 "n", "c") ", pg_get_viewdef(c.oid) || coalesce(array_to_string(c.reloptions, ','), ''), c.relkind = "
		   "'m' AND NOT c.relispopulated FROM pg_class c JOIN pg_namespace n ON n.oid = "
		   "c.relnamespace WHERE c.relkind IN "
		   "('v', 'm') AND" USERS "AND" OWN("pg_class", "c.oid"),
     .broken = "was never filled on NEW: REFRESH MATERIALIZED VIEW it",
     .mend = "create it before the app starts",
     .printed = true},
    {.kind = "policy",
     .plural = "policies",
     .sql = "SELECT p.polname || ' on ' || " REL(
	 "n", "c") ", concat_ws('|', p.polcmd, p.polpermissive, (SELECT string_agg("
		   "CASE r WHEN 0 THEN 'public' ELSE " ROLE(
		       "r") " END, ',' ORDER BY r) FROM unnest(p.polroles) r), "
			    "pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)), "
			    "false FROM pg_policy p JOIN "
			    "pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
			    "WHERE" USERS,
     .mend = "create it before the app starts: rows may be seen that should not be",
     .extra_grave = true,
     .printed = true},
    {.kind = "row security",
     .plural = "row security",
     .sql = "SELECT " REL(
	 "n",
	 "c") ", CASE WHEN c.relforcerowsecurity THEN 'forced' ELSE 'on' END, false FROM pg_class c JOIN "
	      "pg_namespace n ON n.oid = c.relnamespace WHERE c.relrowsecurity AND" USERS,
     .mend = "ALTER TABLE ... ENABLE ROW LEVEL SECURITY before the app starts",
     .extra_grave = true},
};
const size_t n_object_looks = sizeof object_looks / sizeof *object_looks;
