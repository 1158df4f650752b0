/* In a rehearsal the old side is live and goes on being written. What was written since it was recorded is no
 * fault of the copy; the server's own counters tell which tables that can be said of. */
#ifndef CORE_STEPS_OLD_ALIVE_H
#define CORE_STEPS_OLD_ALIVE_H

#include "core/job.h"
#include "core/links/pg_tables.h"

/* The fact "source-written": rows written into each table of OLD so far, by its counters. Nothing where this
 * is no rehearsal. */
int old_alive_record(struct job *job, struct pg *old, struct err *err);

struct old_alive {
	bool rehearsal;
	struct pg_tables moved; /* written since the record; rows: how many writes */
};
/* A look that fails leaves nothing moved: then differences are judged as on the night. */
void old_alive_look(struct job *job, struct pg *old, struct old_alive *out);
/* Whether a difference of this table may come from what OLD did meanwhile. was, is: OLD at the record and
 * now; -1 unknown. */
bool old_alive_moved(const struct old_alive *alive, const char *label, int64_t was, int64_t is);
void old_alive_done(struct old_alive *alive);

#endif
