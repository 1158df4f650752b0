/* Watches never end on network trouble: they say since when they are blind. */
#include "core/watches/pg_loop.h"
#include "core/links/pg_sides.h"

#define BACK_OFF_MOST_MS 15000

static int open_sides(struct job *job, const struct pg_loop *loop, struct pg **old_pg, struct pg **new_pg,
		      struct err *err)
{
	if (loop->old_side && !*old_pg) {
		*old_pg = pg_open_old(job, err);
		if (!*old_pg)
			return -1;
	}
	if (loop->new_side && !*new_pg) {
		*new_pg = pg_open_new(job, PG_LOOK, err);
		if (!*new_pg)
			return -1;
	}
	return 0;
}

/* The statements of the first round are shown, those that repeat are not. */
static void hush(struct pg *pg)
{
	if (pg)
		pg_hush(pg, true);
}

static void drop(struct pg **pg)
{
	if (*pg && !pg_alive(*pg)) {
		pg_close(*pg);
		*pg = NULL;
	}
}

int pg_loop_run(struct job *job, const struct pg_loop *loop)
{
	struct pg *old_pg = NULL, *new_pg = NULL;
	int64_t back_off = loop->interval_ms;
	for (bool stop = false; !stop;) {
		char text[200] = "";
		struct err err = {0};
		int rc = open_sides(job, loop, &old_pg, &new_pg, &err);
		if (rc == 0)
			rc = loop->look(job, loop->ctx, old_pg, new_pg, text, &err);
		hush(old_pg);
		hush(new_pg);
		drop(&old_pg);
		drop(&new_pg);
		if (!job_stopping(job))
			job_beat(job, loop->interval_ms, rc == 0, rc == 0 ? text : err.text);
		back_off = rc == 0                           ? loop->interval_ms
			   : back_off * 2 > BACK_OFF_MOST_MS ? BACK_OFF_MOST_MS
							     : back_off * 2;
		stop = job_wait(job, rc == 0 && loop->wait_ms ? loop->wait_ms : back_off);
	}
	pg_close(old_pg);
	pg_close(new_pg);
	return 0;
}
