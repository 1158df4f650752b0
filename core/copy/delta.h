/* The delta of a warm copy: the target is brought to what the source is now, by moving only what changed. May
 * be run any number of times while the source lives; the last time nobody writes there any more. */
#ifndef CORE_COPY_DELTA_H
#define CORE_COPY_DELTA_H

#include "core/copy/delta_rest.h"
#include "core/copy/delta_table.h"

struct copy_delta_tell {
	const struct delta_table *table;
	const struct delta_seen *seen; /* it has changed, and waits for its turn; NULL: that has come */
	const struct delta_done *done; /* NULL: it begins, or waits */
	size_t tables_done, tables;
};
struct copy_delta_options {
	size_t lanes;            /* sessions on each side beside the first one */
	const char *const *skip; /* labels of tables whose rows stay behind, NULL-ended; may be NULL */
	bool last;               /* large objects and materialized views, too */
	int stop_fd;             /* readable or hung up: stop; -1 */
	void *ctx;
	void (*tell)(void *ctx, const struct copy_delta_tell *tell); /* may be NULL */
	void (*read)(void *ctx, int64_t bytes); /* so much more of both sides was read; may be NULL */
};
struct copy_delta {
	struct copy_boundary was, now; /* was.xid: the oldest of all tables */
	size_t tables, equal, changed_tables, replaced;
	int64_t rows, changed, removed, bytes;
	int64_t source_bytes; /* of the tables' heaps: what had to be read there, and on the target */
	int64_t keys;         /* foreign keys that stood aside, and are back */
	bool owner_only;      /* the role on the target may hold triggers still only as their tables' owner */
	struct delta_rest rest;
	int64_t held_ms; /* as long was the source's vacuum held back */
	int64_t ms;
};
/* Each table's rows were counted on both sides, and are as many: `rows`. That is of the moment of the round
 * on the source, and of the transaction that wrote on the target.
 *
 * Looks only: whether a delta can be taken at all, and from where (was, now, tables, source_bytes). -1 with
 * the reason and the way out when it cannot. */
int copy_delta_look(struct pg *source, struct pg *target, const char *const *skip, struct copy_delta *out,
		    struct err *err);
/* Only those tables that the target has, for a copy that goes on: no more is refused than by a table itself,
 * nothing acts on its rows, and neither sequences nor anything else is touched. `snapshot` is the source's,
 * which `out->now` tells of. */
int copy_delta_catch_up(struct pg *source, struct pg *target, const char *snapshot,
			const struct delta_tables *tables, const struct warm_state *state,
			const struct copy_delta_options *options, struct copy_delta *out, struct err *err);
/* -1: tables that were done stay done, the others are as they were; run it again. */
int copy_delta_run(struct pg *source, struct pg *target, const struct copy_delta_options *options,
		   struct copy_delta *out, struct err *err);

#endif
