/* The whole of a database into an empty one, straight: definitions by pg_dump, rows by COPY from one snapshot
 * in several lanes, indexes and constraints while other tables still copy, and what is left in pg_dump's
 * order. */
#ifndef CORE_COPY_STREAM_H
#define CORE_COPY_STREAM_H

#include "core/copy/catalog.h"
#include "core/copy/order.h"
#include "core/copy/table_copy.h"

/* For a copy that will be continued; each may be NULL. -1 ends the copy with err.
 *
 * With `kept` and `catch_up` a copy that broke off can be gone on with (the order's `resume`, and the same
 * `token`): under the same definitions, tables that are whole stay, the others are emptied and copied, and
 * indexes and constraints that stand there are not made again. */
struct copy_stream_hooks {
	/* The snapshot is open and nothing was changed yet. */
	int (*opened)(void *ctx, struct pg *source, struct pg *target, const char *snapshot, struct err *err);
	/* The definitions stand in the target, and no row yet; not called when it goes on. */
	int (*defined)(void *ctx, struct pg *target, struct err *err);
	/* When it goes on: all rows of this table are there, of an older snapshot. */
	bool (*kept)(void *ctx, const struct copy_table *table);
	/* When it goes on: brings these tables to the snapshot. Nothing acts on their rows: keys of others
	 * and triggers are not there. */
	int (*catch_up)(void *ctx, struct pg *source, struct pg *target, const char *snapshot,
			struct err *err);
	/* All rows of a table were committed. */
	int (*table_in)(void *ctx, struct pg *target, const struct copy_table *table, int64_t rows,
			struct err *err);
	/* Nothing of the source is needed any more but where its sequences stand: it holds nothing back. */
	void (*released)(void *ctx);
	void *ctx;
};
/* Of the order: `lanes` (0: by the machine), `piece_mb` (0: by the database), `skip` (labels), `container`,
 * and `token`, by which an unfinished copy in the target is known again. Tells the lines "table", "total",
 * "left_out" and in the end "result". On -1 the target holds an unfinished copy, or nothing. */
int copy_stream_run(const struct copy_order *order, const struct copy_stream_hooks *hooks, struct err *err);

#endif
