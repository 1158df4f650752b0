/* What is neither row nor index: where sequences stand, and large objects. */
#include "core/base/text.h"
#include "core/copy/stream_inner.h"
#include <string.h>

enum { SEQUENCES_AT_ONCE = 200, OBJECTS_AT_ONCE = 200 };

static const char sequences_sql[] =
    "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c JOIN pg_namespace n ON "
    "n.oid = c.relnamespace WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND n.nspname NOT IN "
    "('information_schema', '_heroku', 'nightferry') AND n.nspname !~ '^pg_' AND NOT EXISTS (SELECT FROM "
    "pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e') ORDER BY 1";

/* pg_sequences tells nothing of one that gave out no value yet, so each is asked itself. */
static int set_some(struct stream *s, const struct pg_result *names, size_t from, size_t to, struct err *err)
{
	struct buf ask = {0}, set = {0};
	for (size_t i = from; i < to; i++)
		buf_addf(&ask, "%sSELECT %zu, last_value, is_called FROM %s", i > from ? " UNION ALL " : "",
			 i, pg_get(names, i, 0));
	struct pg_result *r = pg_query(s->source, buf_text(&ask), NULL, err);
	for (size_t i = 0; i < pg_rows(r); i++) {
		buf_adds(&set, "SELECT pg_catalog.setval(");
		pg_add_text(&set, pg_get(names, (size_t)pg_get_int(r, i, 0), 0));
		buf_addf(&set, ", %s, %s);", pg_get(r, i, 1), pg_get_bool(r, i, 2) ? "true" : "false");
	}
	int rc = r ? 0 : -1;
	if (rc == 0 && set.len)
		rc = pg_exec(s->target, err, "%s", buf_text(&set));
	pg_result_free(r);
	buf_done(&ask);
	buf_done(&set);
	return rc;
}

int stream_sequences(struct stream *s, int64_t *n, struct err *err)
{
	struct pg_result *names = pg_query(s->source, sequences_sql, NULL, err);
	int rc = names ? 0 : -1;
	*n = (int64_t)pg_rows(names);
	for (size_t i = 0; rc == 0 && i < pg_rows(names); i += SEQUENCES_AT_ONCE) {
		size_t to = i + SEQUENCES_AT_ONCE;
		rc = set_some(s, names, i, to < pg_rows(names) ? to : pg_rows(names), err);
	}
	pg_result_free(names);
	return rc;
}

/* In pieces of 1 MB: an object may be larger than any value. */
static const char objects_sql[] =
    "COPY (WITH RECURSIVE piece(loid, at, bytes) AS (SELECT m.oid, 0::bigint, lo_get(m.oid, 0, 1048576) "
    "FROM pg_largeobject_metadata m WHERE m.oid IN (%s) UNION ALL SELECT loid, at + 1048576, lo_get(loid, at "
    "+ 1048576, 1048576) FROM piece WHERE length(bytes) = 1048576) SELECT * FROM piece) TO STDOUT (FORMAT "
    "binary)";

static int copy_objects(struct stream *s, const char *list, struct err *err)
{
	struct buf sql = {0}, rows = {0};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	buf_addf(&sql, objects_sql, list);
#pragma GCC diagnostic pop
	int rc =
	    pg_exec(s->target, err,
		    "BEGIN; CREATE TEMPORARY TABLE nightferry_objects (loid oid, at bigint, bytes bytea) ON "
		    "COMMIT DROP");
	if (rc == 0)
		rc = pg_copy_in(s->target, "COPY pg_temp.nightferry_objects FROM STDIN (FORMAT binary)", err);
	if (rc == 0)
		rc = pg_copy_out(s->source, buf_text(&sql), err);
	for (int more = 1; rc == 0 && more == 1;) {
		buf_reset(&rows);
		more = pg_copy_read(s->source, &rows, 1 << 20, err);
		rc = more < 0 ? -1 : pg_copy_write(s->target, rows.data, rows.len, err);
	}
	if (rc == 0)
		rc = pg_copy_end(s->target, NULL, err);
	/* pg_dump's definitions have made them, empty; a server of another version may leave that to us. */
	if (rc == 0)
		rc = pg_exec(s->target, err,
			     "SELECT pg_catalog.lo_create(loid) FROM (SELECT DISTINCT loid FROM "
			     "pg_temp.nightferry_objects) o WHERE NOT EXISTS (SELECT FROM "
			     "pg_catalog.pg_largeobject_metadata m WHERE m.oid = o.loid); SELECT "
			     "pg_catalog.lo_put(loid, at, bytes) FROM pg_temp.nightferry_objects; COMMIT");
	buf_done(&sql);
	buf_done(&rows);
	return rc;
}

int stream_large_objects(struct stream *s, int64_t *n, struct err *err)
{
	struct pg_result *oids =
	    pg_query(s->source, "SELECT oid FROM pg_largeobject_metadata ORDER BY oid", NULL, err);
	struct buf list = {0};
	int rc = oids ? 0 : -1;
	*n = (int64_t)pg_rows(oids);
	for (size_t i = 0; rc == 0 && i < pg_rows(oids); i++) {
		buf_addf(&list, "%s%s", list.len ? "," : "", pg_get(oids, i, 0));
		if ((i + 1) % OBJECTS_AT_ONCE != 0 && i + 1 < pg_rows(oids))
			continue;
		rc = copy_objects(s, buf_text(&list), err);
		buf_reset(&list);
		stream_tell_total(s, "objects", false);
	}
	buf_done(&list);
	pg_result_free(oids);
	return rc < 0 ? err_wrap(err, "large objects") : 0;
}
