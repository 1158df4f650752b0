/* One table brought up to date, in one transaction of the target. */
#ifndef CORE_COPY_DELTA_TABLE_H
#define CORE_COPY_DELTA_TABLE_H

#include "core/copy/warm_state.h"

enum delta_state {
	DELTA_EQUAL,    /* no row has changed since */
	DELTA_CHANGED,  /* changed rows were written, vanished ones removed */
	DELTA_REPLACED, /* copied again as a whole */
};
/* What was moved. */
struct delta_done {
	enum delta_state state;
	int64_t source_rows, target_rows; /* at the end equal, or it is an error */
	int64_t changed, removed, bytes;
	char why[120]; /* why it was copied again; "" */
};
/* The two sessions of a lane: the source's stands in its snapshot, the target's may write without triggers
 * and foreign keys getting in the way (delta_guard.h). */
struct delta_pair {
	struct pg *source, *target;
	uint64_t boundary; /* of the source's snapshot: what the table is at afterwards */
};

/* Either all of it happens, or nothing (-1). A table that somebody else has written to on the target is
 * refused (ERR_WORLD). */
int delta_table_run(const struct delta_pair *pair, const struct delta_table *table,
		    const struct warm_table *was, struct delta_done *out, struct err *err);

/* ---- shared by the files of one table ---- */

/* The condition for a row that may have changed; "true" where nothing is known. */
void delta_add_changed(struct buf *sql, uint64_t boundary, bool whole);
/* A 64-bit number that two equal keys have in common, on both sides and across versions. */
void delta_add_hash(struct buf *sql, const struct delta_table *table);
/* "a"."id" OPERATOR(pg_catalog.=) "b"."id" AND ... */
void delta_add_match(struct buf *sql, const struct delta_table *table, const char *a, const char *b);
/* "id", "place" */
void delta_add_keys(struct buf *sql, const struct delta_table *table);
/* Rows from one side to the other, as text. */
int delta_pump(const struct delta_pair *pair, const char *out_sql, const char *in_sql, int64_t *rows,
	       int64_t *bytes, struct err *err);
/* Removes exactly `wanted` rows from the target whose keys the source no longer has. 1 when it cannot be told
 * cheaply or something does not add up: nothing is removed then, and the table is to be copied again. */
int delta_gone_remove(const struct delta_pair *pair, const struct delta_table *table, uint64_t boundary,
		      int64_t wanted, int64_t kept, struct err *err);

#endif
