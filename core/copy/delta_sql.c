/* Pieces of SQL that the files of one table share, and the pump between the two sides. */
#include "core/base/text.h"
#include "core/copy/delta_table.h"

enum { CHUNK_BYTES = 256 << 10 };

void delta_add_foreign(struct buf *sql, const struct warm_table *was, uint64_t own, const char *xmin)
{
	buf_addf(sql, "(age(%s) BETWEEN 0 AND age('%u'::xid) AND %s <> '%u'::xid AND %s <> '%u'::xid)", xmin,
		 (unsigned)(was->mark & 0xffffffffU), xmin, (unsigned)(was->own & 0xffffffffU), xmin,
		 (unsigned)(own & 0xffffffffU));
}

int delta_refuse_foreign(const struct delta_pair *pair, const struct delta_known *known, int64_t rows,
			 int64_t others, struct err *err)
{
	char what[80];
	if (others)
		text_copyf(what, sizeof what, "%lld rows there are not ours", (long long)others);
	else
		text_copyf(what, sizeof what, "it holds %lld rows and had %lld", (long long)rows,
			   (long long)known->was->rows);
	return err_set(
	    err, ERR_WORLD,
	    "Somebody else has written to %s of the %s since the copy (%s). Nothing of it was changed. Stop "
	    "what writes there, then run wipe-target and warm-copy again; or take the backup way",
	    known->table->label, pg_name(pair->target), what);
}

int delta_refuse_moved(const struct delta_pair *pair, const struct delta_known *known, struct err *err)
{
	return err_set(
	    err, ERR_WORLD,
	    "Another delta is at work on %s: table %s has moved on meanwhile. Nothing was changed by "
	    "this one; look who runs it",
	    pg_name(pair->target), known->table->label);
}

void delta_add_hash(struct buf *sql, const struct delta_table *table)
{
	for (size_t i = 0; i < table->n_keys; i++) {
		const struct delta_key *key = &table->keys[i];
		buf_adds(sql, i ? " # " : "");
		if (key->integer)
			buf_addf(sql, "hashint8extended(%s::bigint, %zu)", key->column, i);
		else
			buf_addf(sql, "hashtextextended(%s::text COLLATE \"C\", %zu)", key->column, i);
	}
}

void delta_add_match(struct buf *sql, const struct delta_table *table, const char *a, const char *b)
{
	for (size_t i = 0; i < table->n_keys; i++) {
		const struct delta_key *key = &table->keys[i];
		buf_addf(sql, "%s%s.%s %s %s.%s", i ? " AND " : "", a, key->column, key->equals, b,
			 key->column);
	}
}

void delta_add_keys(struct buf *sql, const struct delta_table *table)
{
	for (size_t i = 0; i < table->n_keys; i++)
		buf_addf(sql, "%s%s", i ? ", " : "", table->keys[i].column);
}

int delta_pump(const struct delta_pair *pair, const char *out_sql, const char *in_sql, int64_t *rows,
	       int64_t *bytes, struct err *err)
{
	struct buf chunk = {0};
	if (pg_copy_out(pair->source, out_sql, err) < 0)
		return -1;
	if (pg_copy_in(pair->target, in_sql, err) < 0) {
		pg_copy_stop(pair->source);
		return -1;
	}
	int more = 1, rc = 0;
	while (more == 1 && rc == 0) {
		buf_reset(&chunk);
		more = pg_copy_read(pair->source, &chunk, CHUNK_BYTES, err);
		*bytes += (int64_t)chunk.len;
		rc = more < 0 ? -1 : pg_copy_write(pair->target, chunk.data, chunk.len, err);
	}
	if (more < 0)
		pg_copy_end(pair->target, "the source has failed", NULL);
	else if (rc < 0)
		pg_copy_stop(pair->source);
	else
		rc = pg_copy_end(pair->target, NULL, err);
	*rows = pg_copy_rows(pair->source);
	buf_done(&chunk);
	return more < 0 ? -1 : rc;
}
