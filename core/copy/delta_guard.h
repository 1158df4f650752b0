/* Triggers, rules and foreign keys of the target, which must not act on rows that have had their effects on
 * the source already. */
#ifndef CORE_COPY_DELTA_GUARD_H
#define CORE_COPY_DELTA_GUARD_H

#include "core/copy/delta_tables.h"

/* Sets session_replication_role to replica. Where the role may not, and there are foreign keys or triggers
 * that would act: -1 (ERR_REFUSED) with the way out. Without any, 0: nothing is in the way. */
int delta_guard_set(struct pg *target, struct err *err);
/* In the open transaction: triggers that fire even so (ENABLE ALWAYS, ENABLE REPLICA) are disabled; `again`
 * gets the statements that enable them as they were, for the end of the same transaction. */
int delta_guard_hush(struct pg *target, const struct delta_table *table, struct buf *again, struct err *err);

#endif
