/* What stands in the target until the copy is whole: whoever finds it knows whose the tables beside it are,
 * and how far the copy has come that left them. Commits do not wait for the disk, but they reach it in their
 * order: what is noted here is never there without what it tells of. */
#include "core/base/text.h"
#include "core/copy/stream_inner.h"

/* A copy into a database that holds tables would end in the middle, or mix two of them. */
int stream_need_empty(struct stream *s, struct err *err)
{
	struct copy_catalog there;
	if (copy_catalog_read(s->target, NULL, &there, err) < 0)
		return -1;
	size_t n = 0;
	for (size_t i = 0; i < there.n; i++)
		n += !there.list[i].extension;
	copy_catalog_done(&there);
	return n ? err_set(err, ERR_WORLD,
			   "%s is not empty any more, it holds %zu tables; nothing was changed, run "
			   "wipe-target and "
			   "plan again",
			   pg_database(s->target), n)
		 : 0;
}

int stream_mark(struct stream *s, struct err *err)
{
	struct buf sql = {0};
	buf_adds(
	    &sql,
	    "CREATE SCHEMA IF NOT EXISTS nightferry; CREATE TABLE nightferry.unfinished_stream AS SELECT ");
	pg_add_text(&sql, json_str(s->order->json, "token", ""));
	buf_adds(&sql, "::text AS token, pg_catalog.now() AS at, NULL::text AS pre, NULL::text AS post, "
		       "false AS rows_in, 0::bigint AS rest");
	int rc = pg_exec(s->target, err, "SET synchronous_commit = on; %s; SET synchronous_commit = off",
			 buf_text(&sql));
	buf_done(&sql);
	return rc;
}

int stream_mark_read(struct stream *s, struct err *err)
{
	struct pg_result *r = pg_query(s->target,
				       "SELECT coalesce(pre, ''), coalesce(post, ''), rows_in, rest FROM "
				       "nightferry.unfinished_stream WHERE token = $1",
				       PG_ARGS(json_str(s->order->json, "token", "")), err);
	if (!r)
		return -1;
	bool there = pg_rows(r) && *pg_get(r, 0, 0);
	if (there) {
		text_copy(s->left.pre, sizeof s->left.pre, pg_get(r, 0, 0));
		text_copy(s->left.post, sizeof s->left.post, pg_get(r, 0, 1));
		s->left.rows_in = pg_get_bool(r, 0, 2);
		s->left.rest = (size_t)pg_get_int(r, 0, 3);
	}
	pg_result_free(r);
	return there ? 0
		     : err_set(err, ERR_WORLD,
			       "%s no longer holds what the copy has left there; nothing was changed, plan "
			       "again",
			       pg_name(s->target));
}

int stream_mark_note(struct stream *s, const char *what, const char *value, struct err *err)
{
	struct buf sql = {0};
	buf_addf(&sql, "UPDATE nightferry.unfinished_stream SET %s = ", what);
	pg_add_text(&sql, value);
	int rc = pg_exec(s->target, err, "%s", buf_text(&sql));
	buf_done(&sql);
	return rc;
}

int stream_unmark(struct stream *s, struct err *err)
{
	return pg_exec(
	    s->target, err,
	    "DROP TABLE nightferry.unfinished_stream; DO $$BEGIN DROP SCHEMA nightferry; EXCEPTION WHEN "
	    "dependent_objects_still_exist THEN NULL; END$$");
}
