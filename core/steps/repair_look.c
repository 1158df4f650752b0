/* Four looks: statistics, sequences, rights, collation. */
#include "core/steps/repair_look.h"
#include "core/base/text.h"
#include <stdlib.h>

/* Everything in schemas of the app, without what belongs to an extension. */
#define APP_SCHEMAS                                                                               \
	" n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (SELECT FROM " \
	"pg_extension e WHERE e.extnamespace = n.oid AND n.nspname <> 'public') "
#define NOT_OF_EXTENSION(class, oid)                                                                      \
	" NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = '" class "'::regclass AND x.objid = " oid \
									 " AND x.deptype = 'e') "

static char **texts(const struct pg_result *r, size_t *n)
{
	*n = pg_rows(r);
	char **list = xcalloc(*n + 1, sizeof *list);
	for (size_t i = 0; i < *n; i++)
		list[i] = xstrdup(pg_get(r, i, 0));
	return list;
}

/* The first stage's few samples are no statistics to go to work with: until the last one has begun, and for
 * what it has not come to, a table counts as having none. */
static void full_since(struct job *job, char *out, size_t size)
{
	const struct json *stage = job_fact(job, "statistics", "");
	int64_t full_ms = json_int(stage, "full_ms", 0);
	if (!stage)
		text_copy(out, size, "0");
	else if (!full_ms)
		text_copy(out, size, "Infinity");
	else
		text_copyf(out, size, "%lld.%03lld", (long long)(full_ms / 1000),
			   (long long)(full_ms % 1000));
}

/* Empty tables count too: after a restore nobody has told the planner that they are empty. */
static int look_statistics(struct job *job, struct pg *pg, struct repair_look *out, struct err *err)
{
	char full[40];
	full_since(job, full, sizeof full);
	struct pg_result *r = pg_query(
	    pg,
	    "SELECT format('%I.%I', n.nspname, c.relname), pg_relation_size(c.oid) FROM pg_class c JOIN "
	    "pg_namespace n ON n.oid = c.relnamespace "
	    "WHERE c.relkind IN ('r', 'm', 'p') AND c.relpersistence <> 't' AND" APP_SCHEMAS
	    "AND" NOT_OF_EXTENSION(
		"pg_class",
		"c.oid") " AND CASE c.relkind WHEN 'p' THEN NOT EXISTS (SELECT FROM pg_stats s WHERE "
			 "s.schemaname = n.nspname AND s.tablename = c.relname) AND EXISTS "
			 "  (SELECT FROM pg_partition_tree(c.oid) t JOIN pg_class l ON l.oid = t.relid WHERE "
			 "t.isleaf AND pg_relation_size(l.oid) > 0) "
			 " ELSE NOT EXISTS (SELECT FROM pg_stat_all_tables s WHERE s.relid = c.oid AND "
			 "greatest(s.last_analyze, s.last_autoanalyze) >= to_timestamp($1::float8)) END "
			 "ORDER BY pg_relation_size(c.oid) DESC, 1",
	    PG_ARGS(full), err);
	if (!r)
		return -1;
	out->unanalyzed = texts(r, &out->n_unanalyzed);
	for (size_t i = 0; i < pg_rows(r); i++)
		out->bytes += pg_get_int(r, i, 1);
	out->rows = out->bytes / 100;
	pg_result_free(r);
	int64_t n = 0;
	int rc = pg_number(pg,
			   "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
			   "WHERE c.relkind IN ('r', 'm', 'p') "
			   "AND c.relpersistence <> 't' AND" APP_SCHEMAS,
			   NULL, &n, err);
	out->n_tables = (size_t)n;
	return rc;
}

static int look_sequences(struct pg *pg, struct repair_look *out, struct err *err)
{
	if (pg_sequences_look(pg, &out->sequences, err) < 0 ||
	    pg_sequences_columns(pg, &out->sequences, err) < 0)
		return -1;
	for (size_t i = 0; i < out->sequences.n; i++) {
		int64_t to;
		if (!pg_sequence_behind(&out->sequences.list[i], &out->source.sequences, &to))
			continue;
		if (!out->behind++)
			text_copy(out->behind_first, sizeof out->behind_first, out->sequences.list[i].label);
	}
	return 0;
}

/* Migrations need the owner, not only grants, so that is what the app's role becomes. ALTER TABLE also takes
 * views and sequences; a sequence that a column owns goes with its table. */
static const char rights_sql[] =
    "WITH role AS (SELECT oid, rolname, rolsuper FROM pg_roles WHERE rolname = $1) "
    "SELECT format('ALTER TABLE %I.%I OWNER TO %I', n.nspname, c.relname, role.rolname) "
    "FROM role, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE NOT role.rolsuper AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND c.relpersistence <> 't' "
    "AND" APP_SCHEMAS "AND" NOT_OF_EXTENSION(
	"pg_class",
	"c.oid") "AND NOT pg_has_role(role.oid, c.relowner, 'USAGE') "
		 "AND NOT (c.relkind = 'S' AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = "
		 "'pg_class'::regclass AND d.objid = c.oid "
		 " AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_class'::regclass)) "
		 "UNION ALL SELECT format('ALTER ROUTINE %s OWNER TO %I', format('%I.%I(%s)', n.nspname, "
		 "p.proname, pg_get_function_identity_arguments(p.oid)), role.rolname) "
		 "FROM role, pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE NOT role.rolsuper "
		 "AND" APP_SCHEMAS "AND" NOT_OF_EXTENSION(
		     "pg_proc",
		     "p.oid") "AND NOT pg_has_role(role.oid, p.proowner, 'USAGE') "
			      "UNION ALL SELECT format('ALTER TYPE %I.%I OWNER TO %I', n.nspname, t.typname, "
			      "role.rolname) "
			      "FROM role, pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE NOT "
			      "role.rolsuper AND" APP_SCHEMAS "AND" NOT_OF_EXTENSION(
				  "pg_type",
				  "t.oid") "AND NOT pg_has_role(role.oid, t.typowner, 'USAGE') AND "
					   "(t.typtype IN ('e', 'd', 'r') "
					   " OR (t.typtype = 'c' AND (SELECT relkind FROM pg_class WHERE oid "
					   "= t.typrelid) = 'c')) "
					   "UNION ALL SELECT format('ALTER SCHEMA %I OWNER TO %I', "
					   "n.nspname, role.rolname) FROM role, pg_namespace n "
					   "WHERE NOT role.rolsuper AND" APP_SCHEMAS
					   "AND n.nspname <> 'public' AND NOT pg_has_role(role.oid, "
					   "n.nspowner, 'USAGE') "
					   "UNION ALL SELECT format('GRANT USAGE, CREATE ON SCHEMA public TO "
					   "%I', role.rolname) FROM role, pg_namespace n "
					   "WHERE n.nspname = 'public' AND NOT "
					   "has_schema_privilege(role.oid, n.oid, 'USAGE, CREATE') "
					   "UNION ALL SELECT format('GRANT USAGE ON SCHEMA %I TO %I', "
					   "n.nspname, role.rolname) FROM role, pg_namespace n "
					   "WHERE n.nspname <> 'public' AND EXISTS (SELECT FROM pg_extension "
					   "e WHERE e.extnamespace = n.oid) AND n.nspname !~ '^pg_' "
					   "AND NOT has_schema_privilege(role.oid, n.oid, 'USAGE') "
					   "UNION ALL SELECT format('GRANT CONNECT, TEMPORARY, CREATE ON "
					   "DATABASE %I TO %I', current_database(), role.rolname) FROM role "
					   "WHERE NOT has_database_privilege(role.oid, current_database(), "
					   "'CONNECT') OR NOT has_database_privilege(role.oid, "
					   "current_database(), 'CREATE')";

static int look_rights(struct job *job, struct pg *pg, struct repair_look *out, struct err *err)
{
	char found[4];
	const char *role = job_config_str(job, "database.app_role", "");
	if (!*role || text_equal(role, pg_user(pg)))
		return 0;
	text_copy(out->app_role, sizeof out->app_role, role);
	if (pg_value(pg, "SELECT 1 FROM pg_roles WHERE rolname = $1", PG_ARGS(role), found, sizeof found,
		     err) < 0)
		return -1;
	if (!*found)
		return err_set(err, ERR_CONFIG,
			       "The role %s of database.app_role does not exist on NEW: create it (CREATE "
			       "ROLE ... LOGIN), or correct "
			       "nightferry.yml.",
			       role);
	struct pg_result *r = pg_query(pg, rights_sql, PG_ARGS(role), err);
	if (!r)
		return -1;
	out->grants = texts(r, &out->n_grants);
	pg_result_free(r);
	return 0;
}

bool repair_left(const struct repair_look *seen)
{
	return seen->n_unanalyzed || seen->behind || seen->n_grants ||
	       (seen->collation.differs && seen->collation.may);
}

int repair_look(struct job *job, struct pg *pg, struct repair_look *out, struct err *err)
{
	*out = (struct repair_look){0};
	pg_source_read(job_fact(job, "source", ""), &out->source);
	if (look_statistics(job, pg, out, err) < 0 || look_sequences(pg, out, err) < 0 ||
	    look_rights(job, pg, out, err) < 0)
		return -1;
	return repair_collation_look(job, pg, &out->collation, err);
}

void repair_evidence(const struct repair_look *seen, enum verdict bad, struct evidence *ev)
{
	if (seen->n_unanalyzed)
		evidence_add(ev, bad, "statistics", "missing",
			     "%zu of %zu tables have no planner statistics, such as %s", seen->n_unanalyzed,
			     seen->n_tables, seen->unanalyzed[0]);
	else
		evidence_add(ev, VERDICT_PASS, "statistics", "there",
			     "all %zu tables have planner statistics", seen->n_tables);
	if (seen->behind)
		evidence_add(ev, bad, "sequences", seen->behind_first,
			     "%zu of %zu sequences are behind, such as %s: the next insert would collide",
			     seen->behind, seen->sequences.n, seen->behind_first);
	else
		evidence_add(ev, VERDICT_PASS, "sequences", "ok",
			     "%zu sequences are at or beyond their columns and the source",
			     seen->sequences.n);
	if (seen->n_grants)
		evidence_add(ev, bad, "rights", seen->app_role, "role %s lacks rights, such as: %s",
			     seen->app_role, seen->grants[0]);
	else if (*seen->app_role)
		evidence_add(ev, VERDICT_PASS, "rights", seen->app_role, "role %s owns what the app needs",
			     seen->app_role);
	else
		evidence_add(ev, VERDICT_PASS, "rights", "same role",
			     "the app logs in as the role that restores");
	repair_collation_evidence(&seen->collation, ev);
}

void repair_look_done(struct repair_look *seen)
{
	for (size_t i = 0; i < seen->n_unanalyzed; i++)
		free(seen->unanalyzed[i]);
	for (size_t i = 0; i < seen->n_grants; i++)
		free(seen->grants[i]);
	free(seen->unanalyzed);
	free(seen->grants);
	free(seen->sequences.list);
	repair_collation_done(&seen->collation);
	pg_source_done(&seen->source);
	*seen = (struct repair_look){0};
}
