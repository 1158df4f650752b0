/* Large objects of OLD that NEW does not have, or not so. */
#include "core/copy/delta_rest.h"
#include "core/base/text.h"
#include "core/copy/large.h"
#include <stdlib.h>

enum { PIECE_BYTES = 1 << 20 };

struct object {
	int64_t oid;
	char digest[40];
};
struct objects {
	struct object *list; /* by oid */
	size_t n;
};

static int read_objects(struct pg *pg, struct objects *out, struct err *err)
{
	struct pg_result *r = pg_query(
	    pg, "SELECT m.oid, " COPY_LARGE_DIGEST " FROM pg_largeobject_metadata m ORDER BY 1", NULL, err);
	if (!r)
		return -1;
	out->n = pg_rows(r);
	out->list = xcalloc(out->n + 1, sizeof *out->list);
	for (size_t i = 0; i < out->n; i++) {
		out->list[i].oid = pg_get_int(r, i, 0);
		text_copy(out->list[i].digest, sizeof out->list[i].digest, pg_get(r, i, 1));
	}
	pg_result_free(r);
	return 0;
}

/* 1: there is more behind this piece. */
static int move_piece(struct pg *source, struct pg *target, const char *oid, int64_t at, struct err *err)
{
	char from[24], size[24];
	text_copyf(from, sizeof from, "%lld", (long long)at);
	text_copyf(size, sizeof size, "%d", PIECE_BYTES);
	struct pg_result *r =
	    pg_query(source, "SELECT b, length(b) FROM lo_get($1::oid, $2::bigint, $3::int) b",
		     PG_ARGS(oid, from, size), err);
	int64_t got = r ? pg_get_int(r, 0, 1) : 0;
	struct pg_result *put = r && got ? pg_query(target, "SELECT lo_put($1::oid, $2::bigint, $3::bytea)",
						    PG_ARGS(oid, from, pg_get(r, 0, 0)), err)
					 : NULL;
	int rc = !r || (got && !put) ? -1 : got == PIECE_BYTES;
	pg_result_free(r);
	pg_result_free(put);
	return rc;
}

/* One that is there keeps its owner and grants. */
static int move_object(struct pg *source, struct pg *target, int64_t oid, bool there, struct err *err)
{
	char text[24];
	int more = 1;
	text_copyf(text, sizeof text, "%lld", (long long)oid);
	int rc = there ? pg_exec(target, err, "BEGIN; SELECT lo_truncate(lo_open(%s, 131072), 0)", text)
		       : pg_exec(target, err, "BEGIN; SELECT lo_create(%s)", text);
	for (int64_t at = 0; rc == 0 && more; at += PIECE_BYTES) {
		more = move_piece(source, target, text, at, err);
		rc = more < 0 ? -1 : 0;
	}
	if (rc == 0)
		return pg_exec(target, err, "COMMIT");
	pg_exec(target, NULL, "ROLLBACK");
	return -1;
}

int delta_objects(struct pg *source, struct pg *target, struct delta_rest *out, struct err *err)
{
	struct objects from = {0}, to = {0};
	int rc = read_objects(source, &from, err) < 0 ? -1 : read_objects(target, &to, err);
	for (size_t i = 0, k = 0; rc == 0 && (i < from.n || k < to.n);) {
		bool old = i < from.n && (k >= to.n || from.list[i].oid <= to.list[k].oid);
		bool new = k < to.n && (i >= from.n || to.list[k].oid <= from.list[i].oid);
		if (old && new &&text_equal(from.list[i].digest, to.list[k].digest)) {
			i++, k++;
			continue;
		}
		rc = old ? move_object(source, target, from.list[i].oid, new, err)
			 : pg_exec(target, err, "SELECT lo_unlink(%lld)", (long long)to.list[k].oid);
		out->objects++;
		i += old, k += new;
	}
	free(from.list);
	free(to.list);
	return rc;
}
