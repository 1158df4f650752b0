/* What is left to repair in the new database; plan, run, probe and proof of repair all look with this. */
#ifndef CORE_STEPS_REPAIR_LOOK_H
#define CORE_STEPS_REPAIR_LOOK_H

#include "core/job.h"
#include "core/links/pg_tables.h"
#include "core/steps/repair_collation.h"

struct repair_look {
	struct pg_source source; /* the fact; empty when there is none */
	struct pg_sequences sequences;
	size_t behind;
	char behind_first[130];
	char **unanalyzed; /* quoted names, partitions too */
	size_t n_unanalyzed, n_tables;
	int64_t rows;      /* estimate of those */
	char app_role[64]; /* "" : the role that restores is the app's */
	char **grants;     /* statements that give it what it lacks */
	size_t n_grants;
	int64_t bytes; /* of the tables without statistics */
	struct repair_collation collation;
};
/* Something is left that repair is for. */
bool repair_left(const struct repair_look *seen);
int repair_look(struct job *job, struct pg *pg, struct repair_look *out, struct err *err);
/* bad: FAIL for a proof; WARN for a plan, where it is only what the step is for. */
void repair_evidence(const struct repair_look *seen, enum verdict bad, struct evidence *ev);
void repair_look_done(struct repair_look *seen);

#endif
