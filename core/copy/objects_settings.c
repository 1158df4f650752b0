/* Looks at how things are set and described, and at rights on what is no table. No difference here loses
 * data.
 */
#include "core/copy/objects_inner.h"

/* Options that a server keeps for itself begin with its own name. */
static const char table_settings[] = "SELECT x.name, x.set, false FROM (SELECT " REL(
    "n",
    "c") "AS name, concat_ws(', ', "
	 "array_to_string(c.reloptions, ', '), CASE WHEN c.relreplident <> 'd' THEN 'replica identity ' || "
	 "c.relreplident::text END, (SELECT 'clustered by ' || i.indexrelid::regclass FROM pg_index i WHERE "
	 "i.indrelid = c.oid AND i.indisclustered)) AS set FROM pg_class c JOIN pg_namespace n ON n.oid = "
	 "c.relnamespace WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND" USERS
	 "AND" OWN("pg_class", "c.oid") "UNION ALL SELECT " REL(
	     "n",
	     "c") "|| '.' || a.attname, concat_ws(', ', 'statistics ' || "
		  "nullif(a.attstattarget, -1), CASE WHEN a.attstorage <> t.typstorage THEN 'storage ' || "
		  "a.attstorage::text END, (SELECT string_agg(o, ', ' ORDER BY o COLLATE \"C\") FROM "
		  "unnest(a.attoptions) o WHERE o !~ '^pg_')) FROM pg_attribute a JOIN pg_type t ON t.oid = "
		  "a.atttypid "
		  "JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE "
		  "c.relkind IN "
		  "('r', 'p', 'm') AND c.relpersistence <> 't' AND a.attnum > 0 AND NOT a.attisdropped "
		  "AND" USERS "AND" OWN("pg_class", "c.oid") ") x WHERE x.set <> ''";

/* Not in a dump of one database at all. Those with a dot are the app's own, and may be keys. */
#define SETTINGS                                                                                            \
	" FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) " \
	"w "                                                                                                \
	"WHERE (s.setdatabase = 0 OR d.datname = current_database()) AND (s.setrole = 0 OR s.setrole = "    \
	"(SELECT m.oid FROM pg_roles m WHERE m.rolname = current_user)) AND split_part(w, '=', 1) "
#define SET_NAME                                                                                \
	"SELECT split_part(w, '=', 1) || CASE WHEN s.setrole = 0 THEN ' of the database' WHEN " \
	"s.setdatabase = 0 THEN ' of the app''s role' ELSE ' of the app''s role in the database' END, "
#define SET_VALUE " substr(w, strpos(w, '=') + 1), false "

static const char large_rights[] = "SELECT " WHO(
    "a.grantee") " || ' on large objects of thousand ' || m.oid::bigint / 1000, count(*) || ' ' "
		 "|| md5(string_agg(m.oid || ' ' || a.privilege_type, ',' ORDER BY m.oid, a.privilege_type "
		 "COLLATE "
		 "\"C\")), false FROM pg_largeobject_metadata m CROSS JOIN LATERAL aclexplode(m.lomacl) a "
		 "WHERE" OTHERS("m.lomowner") "GROUP BY a.grantee, m.oid::bigint / 1000";

static const char large_owners[] =
    "SELECT 'large objects of thousand ' || x.k, string_agg(DISTINCT x.w, ', ' ORDER BY x.w), false FROM "
    "(SELECT m.oid::bigint / 1000 AS k, " ROLE("m.lomowner") " AS w FROM pg_largeobject_metadata m) x GROUP "
							     "BY x.k";

static const char other_rights[] = "SELECT " WHO(
    "a.grantee") " || ' on type ' || " IN_SCHEMA "|| t.typname, " GRANTED "FROM pg_type t JOIN "
		 "pg_namespace n ON n.oid = t.typnamespace CROSS JOIN LATERAL aclexplode(t.typacl) a "
		 "WHERE" OTHERS("t.typowner") "AND a.grantee <> 0 AND" USERS "AND" OWN(
		     "pg_type",
		     "t.oid") "GROUP BY a.grantee, n.nspname, t.typname "
			      /* Everybody may use a type until that is taken away. */
			      "UNION ALL SELECT 'kept from everybody: type ' || " IN_SCHEMA
			      "|| t.typname, 'USAGE', false FROM pg_type "
			      "t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typacl IS NOT NULL "
			      "AND NOT EXISTS (SELECT FROM "
			      "aclexplode(t.typacl) a WHERE a.grantee = 0) AND" USERS
			      "AND" OWN("pg_type", "t.oid") "UNION ALL SELECT " WHO(
				  "a.grantee") " || ' on foreign server ' || s.srvname, " GRANTED "FROM "
					       "pg_foreign_server s CROSS JOIN LATERAL aclexplode(s.srvacl) "
					       "a WHERE" OTHERS("s.srvowner") "GROUP BY a.grantee, s.srvname";

/* Names that no server translates. An extension brings its own, and public's is there from the beginning. */
static const char comments[] =
    "SELECT i.type || ' ' || i.identity, md5(d.description), false FROM pg_description d, LATERAL "
    "pg_identify_object(d.classoid, d.objoid, d.objsubid) i WHERE (d.objoid >= 16384 OR (d.classoid = "
    "'pg_namespace'::regclass AND d.objoid = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = 'public') "
    "AND d.description <> 'standard public schema')) AND "
    "d.classoid <> 'pg_extension'::regclass AND coalesce(i.schema, '') NOT IN ('information_schema', "
    "'_heroku') AND coalesce(i.schema, '') !~ '^pg_' AND i.identity !~ '(^| on )(_heroku|pg_temp_[0-9]+)\\.' "
    "AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = d.classoid AND x.objid = d.objoid AND "
    "x.deptype = 'e')";

const struct object_look object_looks_settings[] = {
    {.kind = "setting",
     .plural = "settings of tables and columns",
     .sql = table_settings,
     .mend = "ALTER TABLE ... SET by hand: autovacuum and plans may be others than on OLD",
     .slight = true},
    {.kind = "setting",
     .plural = "settings of the database and the app's role",
     .sql = SET_NAME SET_VALUE SETTINGS "!~ '\\.' AND split_part(w, '=', 1) <> 'search_path'",
     .mend = "dumps do not carry it: ALTER DATABASE or ALTER ROLE ... SET, where the app counts on it",
     .slight = true},
    {.kind = "setting",
     .plural = "settings of the app's own",
     .sql = SET_NAME SET_VALUE SETTINGS "~ '\\.'",
     .mend = "dumps do not carry it: ALTER DATABASE or ALTER ROLE ... SET, where the app counts on it",
     .slight = true,
     .hidden = true},
    {.kind = "right",
     .plural = "rights on large objects",
     .sql = large_rights,
     .mend = "GRANT or REVOKE ... ON LARGE OBJECT as OLD has it, where that role is still used",
     .slight = true},
    {.kind = "owner",
     .plural = "owners of large objects",
     .sql = large_owners,
     .mend = "ALTER LARGE OBJECT ... OWNER TO: only its owner may write to it",
     .slight = true,
     .follows = true},
    {.kind = "right",
     .plural = "rights on types and foreign servers",
     .sql = other_rights,
     .mend = "GRANT or REVOKE it as OLD has it, where that role is still used",
     .slight = true},
    {.kind = "comment",
     .plural = "comments",
     .sql = comments,
     .mend = "COMMENT ON it by hand, if anybody reads it",
     .slight = true},
};
const size_t n_object_looks_settings = sizeof object_looks_settings / sizeof *object_looks_settings;
