/* What every copy into NEW is planned and proved by, whichever way the rows have come. */
#ifndef CORE_STEPS_COPY_EVIDENCE_H
#define CORE_STEPS_COPY_EVIDENCE_H

#include "core/job.h"
#include "core/links/pg_tables.h"
#include "core/links/ssh.h"

/* The line "space": room in the container for a database of `size_bytes`, and a fifth more to sort in.
 * Refuses the plan where there is none. -1: could not look. */
int copy_plan_room(struct ssh *ssh, const char *container, int64_t size_bytes, struct plan *plan,
		   struct err *err);
/* The line "tables": whether all tables of OLD are there `now`; `source` is what was recorded of OLD, NULL
 * when nobody did, and then nobody knows. */
void copy_prove_tables(const struct pg_source *source, const struct pg_tables *now, struct evidence *ev);
/* The line "indexes": all are valid. -1: could not look. */
int copy_prove_indexes(struct pg *pg, struct evidence *ev, struct err *err);

#endif
