/* Why a table is not the same on both sides: each cause is a look at a server or a record of this night that
 * proves it; what nothing proves is "not known". */
#ifndef CORE_STEPS_ROW_CAUSES_H
#define CORE_STEPS_ROW_CAUSES_H

#include "core/copy/compare.h"
#include "core/job.h"
#include "core/links/pg_tables.h"
#include "core/links/pg_writes.h"

struct row_causes {
	struct job *job;
	struct pg *old_pg, *new_pg;
	struct pg_source source; /* the fact */
	bool have_source;
	struct pg_writes old_writes, new_writes; /* before and after the counting */
	size_t looked;                           /* tables that were looked into */
};
/* Before the counting: what is written from now on is seen. Takes no ownership of the connections. */
int row_causes_begin(struct row_causes *causes, struct job *job, struct pg *old_pg, struct pg *new_pg,
		     struct err *err);
/* After it, when something differs. */
int row_causes_end(struct row_causes *causes, struct err *err);
/* One sentence about a table that is not equal. Looks that fail leave their cause out. */
void row_cause(struct row_causes *causes, const struct copy_compared *compared,
	       const struct copy_compared_table *table, char *out, size_t size);
void row_causes_done(struct row_causes *causes);

#endif
