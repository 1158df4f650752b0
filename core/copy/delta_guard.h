/* Triggers and foreign keys of the target, which must not act on rows that have had their effects on the
 * source already. A role that may set session_replication_role holds all of them still for its own session.
 * Another one that owns the tables disables their triggers for a transaction, and takes the foreign keys away
 * for a round: what they were stands in the target until they are back. */
#ifndef CORE_COPY_DELTA_GUARD_H
#define CORE_COPY_DELTA_GUARD_H

#include "core/copy/delta_tables.h"

/* *owner_only: the second way has to be taken. -1 (ERR_REFUSED) with the way out where neither can be. */
int delta_guard_set(struct pg *target, bool *owner_only, struct err *err);
/* In the open transaction: triggers that fire even so are disabled; `again` gets the statements that enable
 * them as they were, for the end of the same transaction. */
int delta_guard_hush(struct pg *target, bool owner_only, const struct delta_table *table, struct buf *again,
		     struct err *err);
/* Takes all foreign keys away, in one transaction with the note of them. */
int delta_keys_take(struct pg *target, struct err *err);
/* Puts back what is noted, each checked against all rows; *n says how many. Also what an earlier round has
 * left. */
int delta_keys_put_back(struct pg *target, int64_t *n, struct err *err);

#endif
