/* The statements that empty a database. A database made anew needs its owner, encoding, collation, grants and
 * settings again; a public schema made anew needs its owner and grants, without which the app's role can no
 * longer create. */
#include "core/steps/wipe_database.h"
#include "core/base/text.h"
#include "core/links/pg_sides.h"
#include <stdlib.h>
#include <string.h>

static void add(struct wipe_way *way, const char *sql)
{
	if (*sql && way->n < WIPE_STATEMENTS_MAX)
		way->list[way->n++] = xstrdup(sql);
}

static int add_rows(struct pg *pg, const char *sql, const char *const *args, struct wipe_way *way,
		    struct err *err)
{
	struct pg_result *r = pg_query(pg, sql, args, err);
	if (!r)
		return -1;
	for (size_t i = 0; i < pg_rows(r); i++)
		add(way, pg_get(r, i, 0));
	bool full = way->n >= WIPE_STATEMENTS_MAX;
	pg_result_free(r);
	return full ? err_set(err, ERR_REFUSED,
			      "The %s has more schemas, grants and settings than wipe-target keeps (%d); "
			      "drop what is not needed "
			      "by hand, then run the step again.",
			      pg_name(pg), WIPE_STATEMENTS_MAX)
		    : 0;
}

/* From another database of that server: one's own cannot be dropped. */
static bool may_drop(struct job *job, struct pg *pg, char *why, size_t size)
{
	char may[8] = "";
	if (text_equal(pg_database(pg), "postgres") || pg_version(pg) < 130000) {
		text_copy(why, size,
			  "it is the server's own database \"postgres\", or the server is older than 13");
		return false;
	}
	pg_value(pg,
		 "SELECT (r.rolsuper OR (r.rolcreatedb AND pg_has_role(session_user, d.datdba, 'USAGE'))) "
		 "AND NOT d.datistemplate "
		 "FROM pg_roles r, pg_database d WHERE r.rolname = session_user AND d.datname = "
		 "current_database()",
		 NULL, may, sizeof may, NULL);
	if (*may != 't') {
		text_copyf(why, size, "role %s may not create databases", pg_user(pg));
		return false;
	}
	struct pg *outside = pg_open_new_at(job, "postgres", PG_LOOK, NULL);
	if (!outside)
		text_copy(why, size, "the server's database \"postgres\" lets us not in");
	pg_close(outside);
	return outside != NULL;
}

/* Catalog columns of the locale changed names between 15, 16 and 17, hence the detour by jsonb. */
static const char create_sql[] =
    "SELECT format('CREATE DATABASE %I WITH OWNER %I TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE "
    "%L', $1::text, "
    "pg_get_userbyid(d.datdba), pg_encoding_to_char(d.encoding), coalesce(j->>'datcollate', 'C'), "
    "coalesce(j->>'datctype', 'C')) "
    "|| CASE j->>'datlocprovider' WHEN 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %L', "
    "coalesce(j->>'datlocale', "
    "j->>'daticulocale')) WHEN 'b' THEN format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', "
    "j->>'datlocale') ELSE '' END "
    "|| CASE WHEN d.datconnlimit >= 0 THEN format(' CONNECTION LIMIT %s', d.datconnlimit) ELSE '' END "
    "|| CASE WHEN t.spcname <> 'pg_default' THEN format(' TABLESPACE %I', t.spcname) ELSE '' END "
    "FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace, LATERAL to_jsonb(d) j WHERE "
    "d.datname = current_database()";

static const char database_grants_sql[] =
    "SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', datname) FROM pg_database WHERE datname = "
    "current_database() "
    "AND datacl IS NOT NULL UNION ALL SELECT format('GRANT %s ON DATABASE %I TO %s%s', a.privilege_type, "
    "d.datname, "
    "CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, "
    "CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) "
    "FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = current_database() AND a.grantee <> "
    "d.datdba";

/* Values of list settings are kept as they were written; quoting them as one text would make them one name.
 */
static const char settings_sql[] =
    "SELECT format('%s SET %I TO %s', CASE s.setrole WHEN 0 THEN format('ALTER DATABASE %I', $1::text) "
    "ELSE format('ALTER ROLE %I IN DATABASE %I', pg_get_userbyid(s.setrole), $1::text) END, split_part(c, "
    "'=', 1), "
    "CASE WHEN split_part(c, '=', 1) IN ('search_path', 'session_preload_libraries', "
    "'local_preload_libraries', 'temp_tablespaces') "
    "THEN coalesce(nullif(substr(c, strpos(c, '=') + 1), ''), '''''') ELSE quote_literal(substr(c, strpos(c, "
    "'=') + 1)) END) "
    "FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) c WHERE "
    "d.datname = current_database()";

static const char schemas_sql[] =
    "SELECT format('DROP SCHEMA IF EXISTS %I CASCADE', nspname) FROM pg_namespace WHERE nspname !~ '^pg_' "
    "AND nspname <> 'information_schema' ORDER BY nspname";

static const char public_sql[] =
    "SELECT format('CREATE SCHEMA public AUTHORIZATION %I', pg_get_userbyid(nspowner)) FROM pg_namespace "
    "WHERE nspname = 'public' "
    "UNION ALL SELECT format('GRANT %s ON SCHEMA public TO %s', a.privilege_type, "
    "CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END) "
    "FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = 'public' AND a.grantee <> n.nspowner";

/* Told before the gate, not after half of it. */
static int look_owner(struct pg *pg, struct wipe_way *out, struct err *err)
{
	char schema[80];
	int rc = pg_value(
	    pg,
	    "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' "
	    "AND NOT pg_has_role(session_user, nspowner, 'USAGE') ORDER BY 1 LIMIT 1",
	    NULL, schema, sizeof schema, err);
	if (rc == 0 && !*schema)
		rc = pg_value(
		    pg,
		    "SELECT 'of the database' WHERE NOT has_database_privilege(current_database(), 'CREATE')",
		    NULL, schema, sizeof schema, err);
	if (rc == 0 && *schema)
		text_copyf(out->cannot, sizeof out->cannot,
			   "Role %s can neither drop the database %s nor its schema %s: use a URL of the "
			   "role that owns the database.",
			   pg_user(pg), pg_database(pg), schema);
	return rc;
}

int wipe_way_find(struct job *job, struct pg *pg, struct wipe_way *out, struct err *err)
{
	*out = (struct wipe_way){0};
	out->whole = may_drop(job, pg, out->why_not, sizeof out->why_not);
	if (!out->whole && look_owner(pg, out, err) < 0)
		return -1;
	if (!out->whole && wipe_pieces_look(pg, out, err) < 0)
		return -1;
	if (!out->whole)
		return add_rows(pg, schemas_sql, NULL, out, err) < 0
			   ? -1
			   : add_rows(pg, public_sql, NULL, out, err);
	struct buf drop = {0};
	buf_adds(&drop, "DROP DATABASE IF EXISTS ");
	pg_add_name(&drop, pg_database(pg));
	buf_adds(&drop, " WITH (FORCE)");
	add(out, buf_text(&drop));
	buf_done(&drop);
	const char *const *named = PG_ARGS(pg_database(pg));
	if (add_rows(pg, create_sql, named, out, err) < 0 ||
	    add_rows(pg, database_grants_sql, NULL, out, err) < 0)
		return -1;
	return add_rows(pg, settings_sql, named, out, err);
}

int wipe_way_beside(struct pg *pg, const char *database, struct wipe_way *out, struct err *err)
{
	*out = (struct wipe_way){.whole = true};
	return add_rows(pg, create_sql, PG_ARGS(database), out, err) < 0
		   ? -1
		   : add_rows(pg, settings_sql, PG_ARGS(database), out, err);
}

void wipe_way_write(struct jw *w, const struct wipe_way *way)
{
	jw_bool(w, "whole", way->whole);
	jw_int(w, "piece", way->piece);
	jw_arr(w, "statements");
	for (size_t i = 0; i < way->n; i++)
		jw_str(w, NULL, way->list[i]);
	jw_end(w);
}

bool wipe_way_read(const struct json *fact, struct wipe_way *out)
{
	*out =
	    (struct wipe_way){.whole = json_bool(fact, "whole", false), .piece = json_int(fact, "piece", 0)};
	const struct json *list = json_get(fact, "statements");
	for (const struct json *s = json_first(list); s; s = json_next(s)) {
		if (json_text(s))
			add(out, json_text(s));
	}
	return out->n > 0;
}

void wipe_way_done(struct wipe_way *way)
{
	for (size_t i = 0; i < way->n; i++)
		free(way->list[i]);
	*way = (struct wipe_way){0};
}

/* CREATE DATABASE has no IF NOT EXISTS, and neither may run inside a transaction. */
static int go_whole(struct job *job, const struct wipe_way *way, struct err *err)
{
	struct pg *pg = pg_open_new_at(job, "postgres", PG_ACT, err);
	int rc = pg ? 0 : -1;
	if (pg)
		pg_deaf(pg, true);
	for (size_t i = 0; i < way->n && rc == 0; i++) {
		job_progress(job, (int64_t)i, (int64_t)way->n, "items", way->list[i]);
		rc = pg_exec(pg, err, "%s", way->list[i]);
	}
	pg_close(pg);
	return rc < 0 ? err_wrap(err, "wiping stopped half-way; running wipe-target again goes on from there")
		      : 0;
}

/* One transaction, all or nothing; where that would take too many locks, the last of many. */
int wipe_schemas_go(struct job *job, struct pg *pg, const struct wipe_way *way, struct err *err)
{
	if (way->piece && wipe_pieces_go(job, pg, way->piece, err) < 0)
		return err_wrap(
		    err, "wiping stopped half-way, what is gone is gone; running wipe-target again goes "
			 "on from there");
	int rc = pg_exec(pg, err, "BEGIN");
	for (size_t i = 0; i < way->n && rc == 0; i++) {
		if (job)
			job_progress(job, (int64_t)i, (int64_t)way->n, "items", way->list[i]);
		rc = pg_exec(pg, err, "%s", way->list[i]);
	}
	if (rc == 0)
		rc = pg_exec(pg, err, "SELECT lo_unlink(oid) FROM pg_largeobject_metadata");
	if (rc == 0)
		rc = pg_exec(pg, err, "COMMIT");
	if (rc == 0)
		return 0;
	return err_wrap(
	    err, way->piece ? "tables are gone, schemas are not; running wipe-target again goes on from there"
			    : "nothing was wiped, the transaction was taken back");
}

static int go_schemas(struct job *job, const struct wipe_way *way, struct err *err)
{
	struct pg *pg = pg_open_new(job, PG_ACT, err);
	int rc = pg ? wipe_schemas_go(job, pg, way, err) : -1;
	pg_close(pg);
	return rc;
}

int wipe_way_go(struct job *job, const struct wipe_way *way, struct err *err)
{
	return way->whole ? go_whole(job, way, err) : go_schemas(job, way, err);
}
