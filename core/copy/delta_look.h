/* What the source says of all tables of a delta, in one reading of each: how many rows there are, how many
 * may have changed, and where these are. */
#ifndef CORE_COPY_DELTA_LOOK_H
#define CORE_COPY_DELTA_LOOK_H

#include "core/base/buf.h"
#include "core/copy/warm_state.h"

struct delta_seen {
	bool whole; /* another table stands under the name: nothing of it was ever copied */
	int64_t rows, changed;
	struct buf places; /* of the changed rows, as the inside of an array of tid; empty: too many */
};
struct delta_look {
	struct pg *source;    /* its login is opened once more for each lane */
	const char *snapshot; /* that all of them see */
	size_t lanes;
	const struct delta_tables *tables;
	const struct warm_table *const *was; /* for each table */
	void *ctx;
	void (*read)(void *ctx, int64_t bytes); /* after each piece, how large it was; may be NULL */
};
/* `seen` has room for each table, and goes to delta_seen_done() in any case. */
int delta_look_run(const struct delta_look *look, struct delta_seen *seen, struct err *err);
void delta_seen_done(struct delta_seen *seen, size_t n);
/* The condition for a row that may have changed. */
void delta_add_changed(struct buf *sql, uint64_t boundary);

#endif
