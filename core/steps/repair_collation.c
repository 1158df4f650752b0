#include "core/steps/repair_collation.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include <stdlib.h>

enum { BYTES_PER_MS = 20000 }; /* 20 MB of index a second, until the first one is measured */

/* The database's default is collation 100. 15 is the first that records a version for a database. */
#define MOVED                                                                                                \
	"WITH moved AS (SELECT 100::oid AS oid, NULL::text AS named, true AS may WHERE $1 = 'database' "     \
	"UNION "                                                                                             \
	"ALL SELECT c.oid, format('%I.%I', n.nspname, c.collname), pg_has_role(c.collowner, 'USAGE') FROM "  \
	"pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace WHERE c.collversion IS NOT NULL AND " \
	"c.collversion IS DISTINCT FROM pg_collation_actual_version(c.oid) AND c.collencoding IN (-1, "      \
	"(SELECT "                                                                                           \
	"encoding FROM pg_database WHERE datname = current_database()))), "                                  \
	"used AS (SELECT DISTINCT i.indexrelid, m.named, m.may FROM pg_index i JOIN pg_class c ON c.oid = "  \
	"i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace, unnest(i.indcollation) k JOIN moved m " \
	"ON "                                                                                                \
	"m.oid = k WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind = 'i') "

static char **texts(const struct pg_result *r, size_t *n)
{
	*n = pg_rows(r);
	char **list = xcalloc(*n + 1, sizeof *list);
	for (size_t i = 0; i < *n; i++)
		list[i] = xstrdup(pg_get(r, i, 0));
	return list;
}

static int look_database(struct pg *pg, struct repair_collation *out, struct err *err)
{
	struct pg_result *r =
	    pg_query(pg,
		     "SELECT coalesce(datcollversion, ''), pg_database_collation_actual_version(oid), "
		     "pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = current_database() AND "
		     "datcollversion IS DISTINCT FROM pg_database_collation_actual_version(oid)",
		     NULL, err);
	if (!r)
		return -1;
	if (pg_rows(r)) {
		out->differs = true;
		text_copy(out->made, sizeof out->made, pg_get(r, 0, 0));
		text_copy(out->actual, sizeof out->actual, pg_get(r, 0, 1));
		out->may = pg_get_bool(r, 0, 2);
	}
	pg_result_free(r);
	return 0;
}

static int look_indexes(struct pg *pg, const char *which, struct repair_collation *out, struct err *err)
{
	struct pg_result *r = pg_query(
	    pg,
	    MOVED "SELECT indexrelid::regclass::text, pg_relation_size(indexrelid) FROM used GROUP BY "
		  "indexrelid ORDER BY 2 DESC, 1",
	    PG_ARGS(which), err);
	if (!r)
		return -1;
	out->indexes = texts(r, &out->n_indexes);
	for (size_t i = 0; i < pg_rows(r); i++)
		out->bytes += pg_get_int(r, i, 1);
	pg_result_free(r);
	return 0;
}

/* Named collations that no index uses are nobody's trouble. */
static int look_refresh(struct pg *pg, const char *which, struct repair_collation *out, struct err *err)
{
	struct pg_result *r = pg_query(
	    pg,
	    MOVED "SELECT format('ALTER COLLATION %s REFRESH VERSION', named), bool_and(may) FROM used WHERE "
		  "named IS NOT NULL GROUP BY 1 UNION ALL SELECT format('ALTER DATABASE %I REFRESH COLLATION "
		  "VERSION', current_database()), true WHERE $1 = 'database'",
	    PG_ARGS(which), err);
	if (!r)
		return -1;
	out->refresh = texts(r, &out->n_refresh);
	out->may = out->may || !*out->actual;
	for (size_t i = 0; i < pg_rows(r); i++)
		out->may = out->may && pg_get_bool(r, i, 1);
	out->differs = out->differs || pg_rows(r);
	pg_result_free(r);
	return 0;
}

int repair_collation_look(struct job *job, struct pg *pg, struct repair_collation *out, struct err *err)
{
	const struct json *wiped = job_fact(job, "wiped", "");
	*out = (struct repair_collation){0};
	if (pg_major(pg) < 15)
		return 0;
	if (look_database(pg, out, err) < 0)
		return -1;
	const char *which = out->differs ? "database" : "";
	if (look_indexes(pg, which, out, err) < 0 || look_refresh(pg, which, out, err) < 0)
		return -1;
	out->built_tonight = json_bool(wiped, "done", false) &&
			     text_equal(json_str(wiped, "database", ""), pg_database(pg)) &&
			     text_equal(json_str(wiped, "host", pg_host(pg)), pg_host(pg));
	return 0;
}

int64_t repair_collation_ms(const struct repair_collation *seen)
{
	return seen->differs && !seen->built_tonight ? seen->bytes / BYTES_PER_MS : 0;
}

static int build_again(struct job *job, struct pg *pg, const struct repair_collation *seen, struct err *err)
{
	char text[160], left[UNITS_MAX];
	int64_t began_ms = clock_life_ms();
	for (size_t i = 0; i < seen->n_indexes; i++) {
		int64_t ms = clock_life_ms() - began_ms;
		text_copyf(text, sizeof text, "REINDEX %s%s%s", seen->indexes[i], i ? ", about " : "",
			   i ? units_duration(left, ms * (int64_t)(seen->n_indexes - i) / (int64_t)i) : "");
		job_progress(job, (int64_t)i, (int64_t)seen->n_indexes, "items", text);
		if (pg_exec(pg, err, "REINDEX INDEX %s", seen->indexes[i]) < 0)
			return -1;
		if (job_stopping(job))
			return err_set(
			    err, ERR_CANCELLED,
			    "Stopped on request: %zu of %zu indexes are built again; running repair "
			    "again begins with the first one.",
			    i + 1, seen->n_indexes);
	}
	return 0;
}

/* The version is taken last: what is not built again yet is then still known to be so. */
int repair_collation_run(struct job *job, struct pg *pg, const struct repair_collation *seen, struct err *err)
{
	if (!seen->differs || !seen->may)
		return 0;
	if (!seen->built_tonight && build_again(job, pg, seen, err) < 0)
		return -1;
	for (size_t i = 0; i < seen->n_refresh; i++)
		if (pg_exec(pg, err, "%s", seen->refresh[i]) < 0)
			return -1;
	return 0;
}

void repair_collation_evidence(const struct repair_collation *seen, struct evidence *ev)
{
	char size[UNITS_MAX], took[UNITS_MAX];
	if (!seen->differs)
		return;
	if (!seen->may)
		evidence_add(
		    ev, VERDICT_WARN, "collation", "not ours",
		    "the collation's version moved on from %s to %s, and its owner has to REINDEX and "
		    "REFRESH it: our role may not",
		    *seen->made ? seen->made : "another", *seen->actual ? seen->actual : "the library's");
	else if (seen->built_tonight)
		evidence_add(
		    ev, VERDICT_WARN, "collation", "refresh",
		    "the collation's version moved on%s%s; all indexes were built tonight, by the library "
		    "that is there: none has to be built again",
		    *seen->actual ? " to " : "", seen->actual);
	else
		evidence_add(
		    ev, VERDICT_WARN, "collation", "reindex",
		    "the collation's version moved on from %s to %s: %zu indexes that sort by it (%s) are "
		    "built again, about %s at 20 MB/s, not measured yet",
		    *seen->made ? seen->made : "another", *seen->actual ? seen->actual : "the library's",
		    seen->n_indexes, units_size(size, seen->bytes),
		    units_duration(took, repair_collation_ms(seen)));
}

void repair_collation_done(struct repair_collation *seen)
{
	for (size_t i = 0; i < seen->n_indexes; i++)
		free(seen->indexes[i]);
	for (size_t i = 0; i < seen->n_refresh; i++)
		free(seen->refresh[i]);
	free(seen->indexes);
	free(seen->refresh);
	*seen = (struct repair_collation){0};
}
