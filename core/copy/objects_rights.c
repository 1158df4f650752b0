/* Looks at who owns what, who may do what with it, and what stands beside the rows. No difference here loses
 * data: each is told as something that somebody should know.
 *
 * CREATE on public for everybody is left out: servers before 15 begin with it. */
#include "core/copy/objects_inner.h"

/* Made by prepare-target or by Heroku, with an owner of each side's own. */
#define OTHER_SCHEMAS " n.nspname NOT IN ('public', 'heroku_ext') AND "

static const char owners[] = "SELECT " REL("n", "c") ", " ROLE(
    "c.relowner") ", false FROM pg_class c JOIN pg_namespace n ON n.oid = "
		  "c.relnamespace WHERE c.relkind IN ('r', 'p', 'S', 'v', 'm') AND c.relpersistence <> 't' "
		  "AND" USERS "AND" OWN("pg_class", "c.oid") "UNION ALL SELECT 'schema ' || n.nspname, " ROLE(
		      "n.nspowner") ", false FROM pg_namespace n "
				    "WHERE" OTHER_SCHEMAS USERS "AND" OWN(
					"pg_namespace",
					"n.oid") "UNION ALL SELECT 'function ' || " FUNCTION
						 ", " ROLE(
						     "p.proowner") ", false FROM pg_proc p JOIN "
								   "pg_namespace n ON n.oid = p.pronamespace "
								   "WHERE" USERS "AND" OWN("pg_proc", "p.oid") "UNION ALL SELECT 'type ' || " REL(
								       "n",
								       "t") ", " ROLE("t.typowner") ", false "
												    "FROM "
												    "(SELECT "
												    "*, "
												    "typname "
												    "AS "
												    "relname "
												    "FROM "
												    "pg_type)"
												    " t JOIN "
												    "pg_"
												    "namespac"
												    "e n ON "
												    "n.oid = "
												    "t."
												    "typnames"
												    "pace "
												    "WHERE "
												    "t."
												    "typtype "
												    "IN "
												    "('e', "
												    "'d', "
												    "'r') "
												    "AN"
												    "D" USERS
												    "AND" OWN(
													"pg_"
													"typ"
													"e",
													"t."
													"oi"
													"d");

static const char rights[] = "SELECT " WHO("a.grantee") " || ' on ' || " REL(
    "n", "c") ", " GRANTED "FROM pg_class c JOIN "
	      "pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL aclexplode(c.relacl) a WHERE "
	      "c.relkind IN "
	      "('r', 'p', 'S', 'v', 'm') AND" OTHERS("c.relowner") "AND" USERS "AND" OWN(
		  "pg_class",
		  "c.oid") "GROUP BY a.grantee, n.nspname, c.relname "
			   "UNION ALL SELECT " WHO("a.grantee") " || ' on column ' || " REL(
			       "n",
			       "c") " || '.' || t.attname, " GRANTED
				    "FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid JOIN "
				    "pg_namespace n ON n.oid = "
				    "c.relnamespace CROSS JOIN LATERAL aclexplode(t.attacl) a WHERE t.attacl "
				    "IS NOT NULL AND NOT "
				    "t.attisdropped AND" OTHERS("c.relowner") "AND" USERS "AND" OWN(
					"pg_class",
					"c.oid") "GROUP BY a.grantee, n.nspname, c.relname, t.attname "
						 "UNION ALL SELECT " WHO(
						     "a.grantee") " || ' on schema ' || n.nspname, " GRANTED
								  "FROM pg_namespace n "
								  "CROSS JOIN LATERAL aclexplode(n.nspacl) a "
								  "WHERE n.nspname <> 'heroku_ext' AND NOT "
								  "(a.grantee = 0 AND "
								  "n.nspname = 'public' AND a.privilege_type "
								  "= 'CREATE') AND" OTHERS(
								      "n.nspowner") "AND" USERS
										    "AND" OWN(
											"pg_namespace",
											"n.oid") "GROUP BY "
												 "a.grantee, "
												 "n.nspname ";

static const char rights_on_functions[] = "SELECT " WHO(
    "a.grantee") " || ' on function ' || " FUNCTION ", " GRANTED "FROM pg_proc p "
		 "JOIN pg_namespace n ON n.oid = p.pronamespace CROSS JOIN LATERAL aclexplode(p.proacl) a "
		 "WHERE a.grantee "
		 "<> 0 AND" OTHERS("p.proowner") "AND" USERS "AND" OWN(
		     "pg_proc", "p.oid") "GROUP BY a.grantee, n.nspname, p.proname, p.oid "
					 /* Everybody may call a function until that is taken away. */
					 "UNION ALL SELECT 'kept from everybody: function ' || " FUNCTION
					 ", 'EXECUTE', false FROM pg_proc p JOIN "
					 "pg_namespace n ON n.oid = p.pronamespace WHERE p.proacl IS NOT "
					 "NULL AND NOT EXISTS (SELECT FROM "
					 "aclexplode(p.proacl) a WHERE a.grantee = 0) AND" USERS
					 "AND" OWN("pg_proc", "p.oid");

const struct object_look object_looks_beside[] = {
    {.kind = "owner",
     .plural = "owners",
     .sql = owners,
     .mend = "run repair, or ALTER ... OWNER TO: the app's migrations may fail",
     .slight = true,
     .follows = true},
    {.kind = "sequence's column",
     .plural = "columns of sequences",
     .sql = "SELECT " REL(
	 "n",
	 "c") ", coalesce((SELECT t.relname || '.' || a.attname FROM pg_depend d JOIN "
	      "pg_class t ON t.oid = d.refobjid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = "
	      "d.refobjsubid WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = "
	      "'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i') LIMIT 1), 'none'), "
	      "false "
	      "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S' AND "
	      "c.relpersistence <> 't' AND" USERS "AND" OWN("pg_class", "c.oid"),
     .mend = "ALTER SEQUENCE ... OWNED BY: TRUNCATE ... RESTART IDENTITY and DROP TABLE pass it over",
     .slight = true,
     .follows = true},
    {.kind = "right",
     .plural = "rights",
     .sql = rights,
     .mend = "GRANT or REVOKE it as OLD has it, where that role is still used",
     .slight = true},
    {.kind = "right",
     .plural = "rights on functions",
     .sql = rights_on_functions,
     .mend = "GRANT or REVOKE it as OLD has it, where that role is still used",
     .slight = true},
    {.kind = "default privilege",
     .plural = "default privileges",
     .sql = "SELECT " ROLE(
	 "d.defaclrole") " || ' for ' || CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN "
			 "'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' WHEN 'n' THEN "
			 "'schemas' "
			 "ELSE 'large objects' END || coalesce(' in ' || n.nspname, ''), coalesce((SELECT "
			 "string_agg(g.w, "
			 "', ' ORDER BY g.w COLLATE \"C\") FROM (SELECT " WHO(
			     "a.grantee") " || ' ' || a.privilege_type "
					  "AS w FROM aclexplode(d.defaclacl) a WHERE a.grantee <> "
					  "d.defaclrole AND a.privilege_type <> "
					  "'MAINTAIN') g), 'nobody'), false FROM pg_default_acl d LEFT JOIN "
					  "pg_namespace n ON n.oid = "
					  "d.defaclnamespace",
     .mend = "ALTER DEFAULT PRIVILEGES by hand: tables that a migration makes later lack these rights",
     .slight = true},
    {.kind = "statistics object",
     .plural = "statistics objects",
     .sql = "SELECT CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || s.stxname, "
	    "pg_get_statisticsobjdef(s.oid), false FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = "
	    "s.stxnamespace WHERE" USERS "AND" OWN("pg_statistic_ext", "s.oid"),
     .mend = "CREATE STATISTICS as on OLD, then ANALYZE: some queries may be planned badly",
     .slight = true,
     .printed = true},
    {.kind = "publication",
     .plural = "publications",
     .sql = "SELECT p.pubname, md5(concat_ws('|', p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete, "
	    "(SELECT string_agg(t.schemaname || '.' || t.tablename, ',' ORDER BY (t.schemaname || '.' || "
	    "t.tablename) COLLATE \"C\") FROM pg_publication_tables t WHERE t.pubname = p.pubname))), false "
	    "FROM pg_publication p",
     .mend = "publications are not carried; CREATE PUBLICATION by hand where something shall read from NEW",
     .slight = true},
};
const size_t n_object_looks_beside = sizeof object_looks_beside / sizeof *object_looks_beside;
