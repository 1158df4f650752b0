/* Exact counts, and a hash of what the rows say, of many tables at once on one side or both. */
#ifndef CORE_LINKS_PG_COUNT_H
#define CORE_LINKS_PG_COUNT_H

#include "core/job.h"
#include "core/links/pg_tables.h"

#define PG_LANES_MAX 4

struct pg_counting {
	struct pg *pg;            /* the first connection; the rest are opened like it */
	struct pg_tables *tables; /* rows, hash, why and ms are filled in */
	bool content;             /* the hash too */
	int64_t limit_ms;         /* for one table; 0: as long as it takes */
	bool quiet;               /* no rows.side and rows.progress events */
	size_t lanes;             /* at most so many connections, 1 .. PG_LANES_MAX; 0: 2 */
	/* the counter's own */
	size_t taken, finished;
	int64_t rows;
};
/* All sides run at the same time. A table that cannot be counted keeps rows -1 and says why; a lost
 * connection or a cancel ends everything with -1. Largest tables first. `steps`: job_progress() over all
 * sides as well. */
int pg_count(struct job *job, struct pg_counting *sides, size_t n, bool steps, struct err *err);
/* Tells one table's rows; rows -1: the table is missing there. */
void pg_tell_rows(struct job *job, const char *side, const struct pg_table *table, bool exact);

#endif
