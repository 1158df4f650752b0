/* Looks at what few apps have, and those that have it cannot do without: how tables hang together, rules,
 * operators, casts, collations, text search, data of other servers, and what only a superuser may make. */
#include "core/copy/objects_inner.h"

/* What a server brings itself has lower numbers. */
#define MADE(oid) oid " >= 16384 "

static const char tables[] = "SELECT " REL(
    "n",
    "c") ", CASE c.relkind WHEN 'p' THEN 'partitioned by ' || pg_get_partkeydef(c.oid) "
	 "WHEN 'f' THEN 'foreign table' ELSE 'table' END || CASE c.relpersistence WHEN 'u' THEN ' unlogged' "
	 "ELSE "
	 "'' END || coalesce((SELECT ' of ' || string_agg(i.inhparent::regclass::text, ', ' ORDER BY "
	 "i.inhseqno) "
	 "FROM pg_inherits i WHERE i.inhrelid = c.oid), '') || coalesce(' ' || pg_get_expr(c.relpartbound, "
	 "c.oid), ''), false FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind "
	 "IN "
	 "('r', 'p', 'f') AND c.relpersistence <> 't' AND" USERS "AND" OWN("pg_class", "c.oid");

/* A dump never says this: after a restore all keys are enforced. */
static const char enforcement[] = "SELECT k.conname || ' on ' || " REL(
    "n",
    "c") ", CASE WHEN EXISTS (SELECT FROM pg_trigger g WHERE "
	 "g.tgconstraint = k.oid AND g.tgisinternal AND g.tgenabled IN ('D', 'R')) THEN 'switched off' ELSE "
	 "'enforced' END, false FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace "
	 "n ON "
	 "n.oid = c.relnamespace WHERE k.contype = 'f' AND" USERS "AND" OWN("pg_class", "c.oid");

static const char domains[] =
    "SELECT " IN_SCHEMA "|| t.typname, concat_ws(', ', 'DEFAULT ' || t.typdefault, CASE WHEN t.typnotnull "
    "THEN 'NOT NULL' END, (SELECT string_agg(k.conname || ' ' || pg_get_constraintdef(k.oid), ', ' ORDER BY "
    "k.conname COLLATE \"C\") FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c')), EXISTS "
    "(SELECT FROM pg_constraint k WHERE k.contypid = t.oid AND NOT k.convalidated) FROM pg_type t JOIN "
    "pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype = 'd' AND" USERS "AND" OWN("pg_type", "t.oid");

/* Bodies that are kept parsed, and printed by the server; their column is not there before 14. */
static const char bodies[] =
    "SELECT " FUNCTION ", pg_get_functiondef(p.oid), false FROM pg_proc p JOIN pg_namespace n ON n.oid = "
    "p.pronamespace WHERE p.prokind IN ('f', 'p') AND to_jsonb(p) ->> 'prosqlbody' IS NOT NULL AND" USERS
    "AND" OWN("pg_proc", "p.oid");

static const char operators[] =
    "SELECT " IN_SCHEMA "|| o.oprname || ' (' || format_type(nullif(o.oprleft, 0), NULL) || ', ' || "
    "format_type(nullif(o.oprright, 0), NULL) || ')', concat_ws('|', o.oprcode, format_type(o.oprresult, "
    "NULL), nullif(o.oprcom, 0)::regoperator, nullif(o.oprnegate, 0)::regoperator, o.oprrest, o.oprjoin, "
    "o.oprcanmerge, o.oprcanhash), false FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace "
    "WHERE" USERS
    "AND" OWN("pg_operator",
	      "o.oid") "UNION ALL SELECT 'class ' || " IN_SCHEMA
		       "|| o.opcname || ' of ' || m.amname, concat_ws('|', "
		       "format_type(o.opcintype, NULL), o.opcdefault, format_type(nullif(o.opckeytype, 0), "
		       "NULL), f.opfname), "
		       "false FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace JOIN pg_am m "
		       "ON m.oid = "
		       "o.opcmethod JOIN pg_opfamily f ON f.oid = o.opcfamily WHERE" USERS
		       "AND" OWN("pg_opclass",
				 "o.oid") "UNION ALL SELECT 'family ' || " IN_SCHEMA
					  "|| f.opfname || ' of ' || m.amname, concat_ws('|', (SELECT "
					  "string_agg(w, ',' ORDER BY w COLLATE \"C\") FROM (SELECT "
					  "concat_ws(' ', a.amopstrategy, "
					  "a.amopopr::regoperator, a.amoppurpose) AS w FROM pg_amop a WHERE "
					  "a.amopfamily = f.oid) x), (SELECT "
					  "string_agg(w, ',' ORDER BY w COLLATE \"C\") FROM (SELECT "
					  "concat_ws(' ', a.amprocnum, "
					  "a.amproc::regprocedure) AS w FROM pg_amproc a WHERE "
					  "a.amprocfamily = f.oid) x)), false FROM pg_opfamily "
					  "f JOIN pg_namespace n ON n.oid = f.opfnamespace JOIN pg_am m ON "
					  "m.oid = f.opfmethod WHERE" USERS "AND" OWN("pg_opfamily", "f.oid");

static const char casts[] =
    "SELECT format_type(k.castsource, NULL) || ' as ' || format_type(k.casttarget, NULL), concat_ws('|', "
    "k.castmethod, k.castcontext, nullif(k.castfunc, 0)::regprocedure), false FROM pg_cast k "
    "WHERE " MADE("k.oid") "AND" OWN("pg_cast", "k.oid");

/* Columns of the locale changed names between 14, 15 and 17, hence the detour by jsonb. */
static const char collations[] =
    "SELECT " IN_SCHEMA "|| k.collname, concat_ws('|', k.collprovider, coalesce(j->>'colllocale', "
    "j->>'colliculocale', j->>'collcollate'), CASE k.collprovider WHEN 'c' THEN j->>'collctype' END, CASE "
    "WHEN j->>'collisdeterministic' = 'false' THEN 'not deterministic' END, j->>'collicurules'), false FROM "
    "pg_collation k JOIN pg_namespace n ON n.oid = k.collnamespace, LATERAL to_jsonb(k) j WHERE" USERS
    "AND" OWN("pg_collation", "k.oid");

static const char text_search[] =
    "SELECT 'configuration ' || " IN_SCHEMA "|| t.cfgname, concat_ws('|', (SELECT p.prsname FROM "
    "pg_ts_parser p WHERE p.oid = t.cfgparser), (SELECT string_agg(m.maptokentype || ' ' || "
    "m.mapdict::regdictionary, ',' ORDER BY m.maptokentype, m.mapseqno) FROM pg_ts_config_map m WHERE "
    "m.mapcfg = t.oid)), false FROM pg_ts_config t JOIN pg_namespace n ON n.oid = t.cfgnamespace WHERE" USERS
    "AND" OWN("pg_ts_config",
	      "t.oid") "UNION ALL SELECT 'dictionary ' || " IN_SCHEMA
		       "|| t.dictname, concat_ws('|', (SELECT p.tmplname FROM "
		       "pg_ts_template p WHERE p.oid = t.dicttemplate), t.dictinitoption), false FROM "
		       "pg_ts_dict t JOIN "
		       "pg_namespace n ON n.oid = t.dictnamespace WHERE" USERS
		       "AND" OWN("pg_ts_dict",
				 "t.oid") "UNION ALL SELECT 'parser ' || " IN_SCHEMA
					  "|| t.prsname, t.prstoken::text, false FROM pg_ts_parser t "
					  "JOIN pg_namespace n ON n.oid = t.prsnamespace WHERE" USERS
					  "AND" OWN("pg_ts_parser",
						    "t.oid") "UNION ALL SELECT 'template ' || " IN_SCHEMA
							     "|| t.tmplname, t.tmpllexize::text, false FROM "
							     "pg_ts_template t JOIN pg_namespace n ON n.oid "
							     "= t.tmplnamespace WHERE" USERS
							     "AND" OWN("pg_ts_template", "t.oid");

static const char wrappers[] =
    "SELECT w.fdwname, concat_ws('|', nullif(w.fdwhandler, 0)::regproc, nullif(w.fdwvalidator, 0)::regproc, "
    "array_to_string(w.fdwoptions, ',')), false FROM pg_foreign_data_wrapper w "
    "WHERE" OWN("pg_foreign_data_wrapper", "w.oid");

static const char foreign_data[] =
    "SELECT 'server ' || s.srvname, concat_ws('|', w.fdwname, s.srvtype, s.srvversion, "
    "array_to_string(s.srvoptions, ',')), false FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON "
    "w.oid = s.srvfdw WHERE" OWN("pg_foreign_server", "s.oid") "UNION ALL SELECT 'table ' || " REL(
	"n", "c") ", concat_ws('|', s.srvname, array_to_string(f.ftoptions, "
		  "',')), false FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver JOIN "
		  "pg_class c ON "
		  "c.oid = f.ftrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE" USERS
		  "AND" OWN("pg_class", "c.oid");

/* Passwords of other servers are not for this one to read; that there is a mapping is. */
static const char mappings[] =
    "SELECT " WHO("u.umuser") " || ' on ' || s.srvname, '', false FROM pg_user_mappings u JOIN "
			      "pg_foreign_server s ON s.oid = u.srvid";

static const char languages[] =
    "SELECT 'language ' || l.lanname, concat_ws('|', l.lanpltrusted, nullif(l.lanplcallfoid, 0)::regproc), "
    "false FROM pg_language l WHERE " MADE("l.oid") "AND l.lanispl AND" OWN(
	"pg_language",
	"l.oid") "UNION ALL SELECT 'conversion ' || " IN_SCHEMA "|| v.conname, concat_ws('|', "
		 "pg_encoding_to_char(v.conforencoding), pg_encoding_to_char(v.contoencoding), v.conproc, "
		 "v.condefault), "
		 "false FROM pg_conversion v JOIN pg_namespace n ON n.oid = v.connamespace WHERE" USERS
		 "AND" OWN("pg_conversion",
			   "v.oid") "UNION ALL SELECT 'transform of ' || format_type(t.trftype, NULL) || ' "
				    "for ' || l.lanname, "
				    "concat_ws('|', t.trffromsql, t.trftosql), false FROM pg_transform t "
				    "JOIN pg_language l ON l.oid = "
				    "t.trflang WHERE" OWN(
					"pg_transform",
					"t.oid") "UNION ALL SELECT 'access method ' || m.amname, "
						 "m.amhandler::text, false FROM pg_am m "
						 "WHERE " MADE("m.oid") "AND" OWN("pg_am", "m.oid");

const struct object_look object_looks_rare[] = {
    {.kind = "table",
     .plural = "tables",
     .sql = tables,
     .mend = "copy again; its rows are not there either",
     .printed = true},
    {.kind = "foreign key",
     .plural = "foreign keys that are enforced",
     .sql = enforcement,
     .mend = "ALTER TABLE ... ENABLE TRIGGER ALL, as a superuser",
     .follows = true},
    {.kind = "domain",
     .plural = "domains",
     .sql = domains,
     .broken = "has a constraint that is not validated on NEW: ALTER DOMAIN ... VALIDATE CONSTRAINT",
     .mend = "restore again, or ALTER DOMAIN by hand",
     .follows = true,
     .printed = true},
    {.kind = "body of function",
     .plural = "bodies of functions",
     .sql = bodies,
     .mend = "restore again, or create it by hand",
     .follows = true,
     .printed = true},
    {.kind = "rule",
     .plural = "rules",
     .sql = "SELECT r.rulename || ' on ' || " REL(
	 "n", "c") ", pg_get_ruledef(r.oid) || ' enabled ' || "
		   "r.ev_enabled::text, false FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN "
		   "pg_namespace n ON n.oid = c.relnamespace WHERE r.rulename <> '_RETURN' AND" USERS
		   "AND" OWN("pg_class", "c.oid"),
     .mend = "create it before the app starts: writes would go where they do not go on OLD",
     .extra_grave = true,
     .printed = true},
    {.kind = "operator",
     .plural = "operators",
     .sql = operators,
     .mend = "restore again, or create it by hand: queries that use it fail"},
    {.kind = "cast",
     .plural = "casts",
     .sql = casts,
     .mend = "restore again, or CREATE CAST by hand: queries that use it fail"},
    /* Since 16 a server writes names of locales in a form of its own. */
    {.kind = "collation",
     .plural = "collations",
     .sql = collations,
     .mend = "CREATE COLLATION as on OLD: columns and queries that name it sort otherwise or fail",
     .printed = true},
    {.kind = "text search",
     .plural = "text search objects",
     .sql = text_search,
     .mend = "restore again, or create it by hand: searches find other rows, or fail"},
    {.kind = "foreign data wrapper",
     .plural = "foreign data wrappers",
     .sql = wrappers,
     .mend = "only a superuser may make it: what uses it is missing as well",
     .slight = true,
     .hidden = true},
    {.kind = "foreign",
     .plural = "foreign servers and tables",
     .sql = foreign_data,
     .mend = "create it by hand: the app cannot read what is behind it",
     .hidden = true},
    {.kind = "user mapping",
     .plural = "user mappings of foreign servers",
     .sql = mappings,
     .mend = "CREATE USER MAPPING with the password, where a foreign server is still read from NEW",
     .slight = true},
    {.kind = "object",
     .plural = "languages, conversions, transforms and access methods",
     .sql = languages,
     .mend = "create it by hand, most often as a superuser"},
    {.kind = "event trigger",
     .plural = "event triggers",
     .sql = "SELECT t.evtname, concat_ws('|', t.evtevent, array_to_string(t.evttags, ','), "
	    "t.evtfoid::regproc, t.evtenabled), false FROM pg_event_trigger t JOIN pg_proc p ON p.oid = "
	    "t.evtfoid JOIN pg_namespace n ON n.oid = p.pronamespace WHERE" USERS
	    "AND" OWN("pg_event_trigger", "t.oid"),
     .mend = "only a superuser may make it, so a restore by another role leaves it out; no row depends on "
	     "it: CREATE EVENT TRIGGER as a superuser, where it is still wanted",
     .slight = true},
    {.kind = "subscription",
     .plural = "subscriptions",
     .sql = "SELECT s.subname, CASE WHEN s.subenabled THEN 'enabled' ELSE 'disabled' END || ' for ' || "
	    "array_to_string(s.subpublications, ', '), false FROM pg_subscription s JOIN pg_database d ON "
	    "d.oid = s.subdbid WHERE d.datname = current_database()",
     .mend = "subscriptions are not carried, or come switched off; what it brings to OLD does not come to "
	     "NEW until a superuser makes or enables one there, after the flip",
     .slight = true},
};
const size_t n_object_looks_rare = sizeof object_looks_rare / sizeof *object_looks_rare;
