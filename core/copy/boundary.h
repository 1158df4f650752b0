/* What a warm copy was taken from: which server, which database, and from which transaction on its rows may
 * have changed.
 *
 * The boundary is pg_snapshot_xmin of the snapshot that was copied, in 64 bits, and nothing else: everything
 * that was not yet finished then has a number from there on, also the subtransactions that a snapshot's list
 * of what is under way leaves out. */
#ifndef CORE_COPY_BOUNDARY_H
#define CORE_COPY_BOUNDARY_H

#include "core/links/postgres.h"

struct copy_boundary {
	uint64_t xid;       /* rows whose xmin is not older may have changed */
	uint64_t next;      /* the first number that was not given out yet */
	char system[24];    /* the cluster's system_identifier; "" : this role may not see it */
	unsigned timeline;  /* 0: not seen */
	uint32_t database;  /* its oid */
	uint64_t log_bytes; /* where the log of changes stood; 0: not seen */
	char held_by[160];  /* what made the boundary older than the snapshot; "" */
};
/* How many transactions a boundary may be old: half of what 32 bits tell apart, less a good margin. */
#define COPY_BOUNDARY_MOST ((UINT64_C(1) << 31) - (UINT64_C(1) << 24))

/* Opens a read-only REPEATABLE READ transaction in this session, which must have none, and reads its
 * boundary. `snapshot` (may be NULL) becomes its exported id, valid until this session's transaction ends.
 * Refuses a server in recovery: its numbers are another server's. */
int copy_boundary_open(struct pg *pg, struct copy_boundary *out, char *snapshot, size_t size,
		       struct err *err);
/* The same of a transaction that is already open so. */
int copy_boundary_read(struct pg *pg, struct copy_boundary *out, struct err *err);
/* Makes another session see the same. */
int copy_snapshot_join(struct pg *pg, const char *snapshot, struct err *err);
/* -1 (ERR_WORLD) with the reason and the way out when rows that were copied at `was` cannot be told from
 * changed ones at `now`: another cluster, another database, one that was restored or promoted, or too old. */
int copy_boundary_check(const struct copy_boundary *was, const struct copy_boundary *now, struct err *err);

#endif
