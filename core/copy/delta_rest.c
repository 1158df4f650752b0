/* Sequences and materialized views; large objects: delta_objects.c. */
#include "core/copy/delta_rest.h"
#include "core/base/text.h"
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 200 };

#define OURS                                                                                                 \
	" n.nspname NOT IN ('information_schema', '_heroku', 'nightferry') AND n.nspname !~ '^pg_' AND NOT " \
	"EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND "    \
	"x.deptype = 'e') "

/* ---- sequences ---- */

struct sequence {
	char *name; /* "public"."orders_id_seq" */
	int64_t last;
	bool called;
};
struct sequences {
	struct sequence *list; /* by name */
	size_t n;
};

static void sequences_done(struct sequences *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->list[i].name);
	free(s->list);
}

/* What stands in the sequence itself: pg_sequences does not say where one begins that gave out nothing yet.
 */
static int read_values(struct pg *pg, struct sequences *s, size_t from, struct err *err)
{
	struct buf sql = {0};
	size_t to = from + AT_ONCE < s->n ? from + AT_ONCE : s->n;
	for (size_t i = from; i < to; i++)
		buf_addf(&sql, "%sSELECT %zu, last_value, is_called FROM %s", i > from ? " UNION ALL " : "",
			 i, s->list[i].name);
	struct pg_result *r = pg_query(pg, buf_text(&sql), NULL, err);
	buf_done(&sql);
	for (size_t i = 0; i < pg_rows(r); i++) {
		struct sequence *one = &s->list[pg_get_int(r, i, 0)];
		one->last = pg_get_int(r, i, 1);
		one->called = pg_get_bool(r, i, 2);
	}
	pg_result_free(r);
	return r ? 0 : -1;
}

static int read_sequences(struct pg *pg, struct sequences *s, struct err *err)
{
	struct pg_result *r = pg_query(
	    pg,
	    "SELECT format('%I.%I', n.nspname, c.relname) COLLATE \"C\" FROM pg_class c JOIN pg_namespace n "
	    "ON "
	    "n.oid = c.relnamespace WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND" OURS "ORDER BY 1",
	    NULL, err);
	if (!r)
		return -1;
	s->n = pg_rows(r);
	s->list = xcalloc(s->n + 1, sizeof *s->list);
	for (size_t i = 0; i < s->n; i++)
		s->list[i].name = xstrdup(pg_get(r, i, 0));
	pg_result_free(r);
	int rc = 0;
	for (size_t i = 0; i < s->n && rc == 0; i += AT_ONCE)
		rc = read_values(pg, s, i, err);
	return rc;
}

static int set_values(struct pg *target, struct buf *sql, struct err *err)
{
	int rc = sql->len ? pg_exec(target, err, "SELECT %s", buf_text(sql)) : 0;
	buf_reset(sql);
	return rc;
}

static void add_value(struct buf *sql, const struct sequence *to)
{
	buf_addf(sql, "%ssetval(", sql->len ? ", " : "");
	pg_add_text(sql, to->name);
	buf_addf(sql, ", %lld, %s)", (long long)to->last, to->called ? "true" : "false");
}

/* Both lists go by name. */
static int set_differing(struct pg *target, const struct sequences *from, const struct sequences *to,
			 struct delta_rest *out, struct err *err)
{
	struct buf sql = {0};
	int rc = 0;
	for (size_t i = 0, at = 0; rc == 0 && i < from->n; i++) {
		const struct sequence *want = &from->list[i];
		while (at < to->n && strcmp(to->list[at].name, want->name) < 0)
			at++;
		if (at >= to->n || !text_equal(to->list[at].name, want->name)) {
			rc = err_set(err, ERR_WORLD,
				     "Sequence %s is on OLD and not on NEW: the schema has changed since the "
				     "copy; run warm-copy again",
				     want->name);
		} else if (to->list[at].last != want->last || to->list[at].called != want->called) {
			add_value(&sql, want);
			out->sequences++;
			if (out->sequences % AT_ONCE == 0)
				rc = set_values(target, &sql, err);
		}
	}
	if (rc == 0)
		rc = set_values(target, &sql, err);
	buf_done(&sql);
	return rc;
}

int delta_sequences(struct pg *source, struct pg *target, struct delta_rest *out, struct err *err)
{
	struct sequences from = {0}, to = {0};
	int rc = read_sequences(source, &from, err) < 0 ? -1 : read_sequences(target, &to, err);
	if (rc == 0)
		rc = set_differing(target, &from, &to, out, err);
	sequences_done(&from);
	sequences_done(&to);
	return rc;
}

/* ---- materialized views ---- */

/* By the longest way down to views that stand on no other. */
static const char views_sql[] =
    "WITH RECURSIVE v AS (SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = "
    "c.relnamespace WHERE c.relkind = 'm' AND c.relispopulated AND" OURS "), "
    "d AS (SELECT DISTINCT r.ev_class AS oid, x.refobjid AS stands_on FROM pg_rewrite r JOIN pg_depend x ON "
    "x.classid = 'pg_rewrite'::regclass AND x.objid = r.oid AND x.refclassid = 'pg_class'::regclass JOIN "
    "pg_class k "
    "ON k.oid = x.refobjid WHERE k.relkind IN ('m', 'v') AND x.refobjid <> r.ev_class), "
    "w AS (SELECT oid, 0 AS depth FROM v UNION SELECT d.oid, w.depth + 1 FROM w JOIN d ON d.stands_on = "
    "w.oid WHERE "
    "w.depth < 100) "
    "SELECT format('%I.%I', v.nspname, v.relname) FROM v JOIN w USING (oid) GROUP BY 1 ORDER BY "
    "max(w.depth), 1";

int delta_views(struct pg *source, struct pg *target, struct delta_rest *out, struct err *err)
{
	struct pg_result *r = pg_query(source, views_sql, NULL, err);
	if (!r)
		return -1;
	int rc = 0;
	for (size_t i = 0; i < pg_rows(r) && rc == 0; i++) {
		rc = pg_exec(target, err, "REFRESH MATERIALIZED VIEW %s", pg_get(r, i, 0));
		out->views++;
	}
	pg_result_free(r);
	return rc;
}
