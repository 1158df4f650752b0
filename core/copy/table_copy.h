/* One relation, or some of its pages, from one database into the other: COPY into COPY, without a file. */
#ifndef CORE_COPY_TABLE_COPY_H
#define CORE_COPY_TABLE_COPY_H

#include "core/copy/catalog.h"

struct copy_piece {
	const struct copy_table *table;
	int64_t from_page, to_page; /* of the source's heap; to_page -1: to its end, also what came since */
	bool whole;                 /* the one piece of a table that nobody else fills: emptied and frozen */
};
struct copy_done {
	int64_t rows, bytes;
};
/* Called for each chunk with what is done so far. */
typedef void copy_progress_fn(void *ctx, const struct copy_done *so_far);

/* `source` is in its snapshot's transaction, `target` in none. One transaction on the target: all rows are
 * there or none. Both servers' own counts have to agree. */
int copy_table_run(struct pg *source, struct pg *target, const struct copy_piece *piece,
		   copy_progress_fn *progress, void *ctx, struct copy_done *done, struct err *err);

/* Small tables, one after the other: the source is asked for all of them at once, so that the way to it is
 * waited for once and not for each. Each is committed by itself, and not written frozen, for that would cost
 * more than it is worth. `is_in` is called when the rows of list[i] are in. */
int copy_tables_run(struct pg *source, struct pg *target, const struct copy_table *list, size_t n,
		    void (*is_in)(void *ctx, size_t i, const struct copy_done *done), void *ctx,
		    struct err *err);

#endif
