/* The loop that all watches on the databases share: look, beat, wait; a lost connection is opened again with
 * back-off. */
#ifndef CORE_WATCHES_PG_LOOP_H
#define CORE_WATCHES_PG_LOOP_H

#include "core/job.h"
#include "core/links/postgres.h"

struct pg_loop {
	bool old_side, new_side; /* which databases look() needs */
	int64_t interval_ms;     /* how often it beats */
	int64_t wait_ms;         /* between two rounds; 0: interval_ms */
	/* One round. Writes into `text` what the panel says beside the age, may leave it empty. */
	int (*look)(struct job *job, void *ctx, struct pg *old_pg, struct pg *new_pg, char text[200],
		    struct err *err);
	void *ctx;
};
int pg_loop_run(struct job *job, const struct pg_loop *loop);

#endif
