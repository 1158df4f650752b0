/* A database whose collation moved on with its server's library: what was sorted by the old order is wrong,
 * and only that has to be built again. */
#ifndef CORE_STEPS_REPAIR_COLLATION_H
#define CORE_STEPS_REPAIR_COLLATION_H

#include "core/job.h"
#include "core/links/postgres.h"

struct repair_collation {
	bool differs;              /* the database's own, or one that an index uses */
	char made[40], actual[40]; /* of the database; "" where only a named collation differs */
	bool may;                  /* our role owns what has to be told */
	bool built_tonight; /* all indexes were built after tonight's wipe, so by the library that is there
			       now */
	char **indexes;     /* to be built again; quoted names, largest first */
	size_t n_indexes;
	int64_t bytes;  /* of those */
	char **refresh; /* statements that take the library's version as the recorded one */
	size_t n_refresh;
};
int repair_collation_look(struct job *job, struct pg *pg, struct repair_collation *out, struct err *err);
/* Builds them again, then refreshes; running it again goes on. */
int repair_collation_run(struct job *job, struct pg *pg, const struct repair_collation *seen,
			 struct err *err);
void repair_collation_evidence(const struct repair_collation *seen, struct evidence *ev);
/* About how long; 0 for nothing to build. */
int64_t repair_collation_ms(const struct repair_collation *seen);
void repair_collation_done(struct repair_collation *seen);

#endif
