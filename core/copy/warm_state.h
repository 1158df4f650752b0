/* What the target knows about its own copy: the schema "nightferry" there, written in the same transactions
 * as the rows it speaks of, so that neither a crash nor a lost connection can part the two. */
#ifndef CORE_COPY_WARM_STATE_H
#define CORE_COPY_WARM_STATE_H

#include "core/copy/boundary.h"
#include "core/copy/delta_tables.h"

struct warm_table {
	char schema[64], name[64];
	uint32_t oid; /* the source's */
	char fingerprint[40];
	uint64_t boundary; /* of the source: rows from there on may be newer than ours */
	int64_t rows;      /* the target had when we left it */
	uint64_t mark;     /* of the target: a row from there on is not ours ... */
	uint64_t own;      /* ... but for those of this transaction; 0: none */
};
struct warm_state {
	struct copy_boundary source; /* xid: the oldest of all tables */
	char types[40];
	struct warm_table *list; /* by schema and name */
	size_t n;
	bool unfinished; /* the copy has broken off, or goes on: some tables are missing, or their keys */
};
/* Empty, for a copy of this source. */
int warm_state_make(struct pg *target, const struct copy_boundary *source, const char *types,
		    struct err *err);
/* 0 with n = 0 and source.xid = 0 when there is none. */
int warm_state_read(struct pg *target, struct warm_state *out, struct err *err);
void warm_state_done(struct warm_state *state);
const struct warm_table *warm_state_find(const struct warm_state *state, const char *schema,
					 const char *name); /* NULL: not there */
/* In the transaction that is open. */
int warm_state_set(struct pg *target, const struct warm_table *table, struct err *err);
/* A table that was just copied whole and committed: its mark is taken now. What dies between the two loses
 * the note and not the rows: a copy that goes on takes the table for half, and copies it again. */
int warm_state_copied(struct pg *target, const struct delta_table *table, uint64_t boundary, int64_t rows,
		      struct err *err);
/* After the last delta: the app needs nothing of it. */
int warm_state_drop(struct pg *target, struct err *err);

#endif
