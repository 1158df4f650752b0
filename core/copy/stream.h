/* The whole of a database into an empty one, straight: definitions by pg_dump, rows by COPY from one snapshot
 * in several lanes, indexes and constraints while other tables still copy, and what is left in pg_dump's
 * order. */
#ifndef CORE_COPY_STREAM_H
#define CORE_COPY_STREAM_H

#include "core/copy/catalog.h"
#include "core/copy/order.h"
#include "core/copy/table_copy.h"

/* For a copy that will be continued; each may be NULL. -1 ends the copy with err. */
struct copy_stream_hooks {
	/* The snapshot is open and nothing was changed yet. */
	int (*opened)(void *ctx, struct pg *source, struct pg *target, const char *snapshot, struct err *err);
	/* Nothing of the source is needed any more but where its sequences stand: it holds nothing back. */
	void (*released)(void *ctx);
	/* All is there; rows[i] went into catalog->list[i]. */
	int (*finished)(void *ctx, struct pg *source, struct pg *target, const struct copy_catalog *catalog,
			const int64_t *rows, struct err *err);
	void *ctx;
};
/* Of the order: `lanes` (0: by the machine), `piece_mb` (0: by the database), `skip` (labels), `container`,
 * and `token`, by which an unfinished copy in the target is known again. Tells the lines "table", "total",
 * "left_out" and in the end "result". On -1 the target holds an unfinished copy, or nothing. */
int copy_stream_run(const struct copy_order *order, const struct copy_stream_hooks *hooks, struct err *err);

#endif
