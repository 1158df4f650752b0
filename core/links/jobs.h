/* Background jobs of one side: Sidekiq's in Redis; GoodJob's, Solid Queue's and Delayed Job's in PostgreSQL.
 *
 * Only sizes and names are read, never a job. Names come from outside: all texts here are cleaned. */
#ifndef CORE_LINKS_JOBS_H
#define CORE_LINKS_JOBS_H

#include "core/base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jw;
struct pg;
struct redis;

enum { JOBS_QUEUES = 40, JOBS_CRON = 60, JOBS_SYSTEMS = 4 };

struct jobs_queue {
	char name[64];
	int64_t waiting;
};
/* One system's jobs; a job is counted once. -1: it does not tell. */
struct jobs_system {
	char name[16];                       /* "sidekiq" "good_job" "solid_queue" "delayed_job" */
	int64_t waiting, scheduled, running; /* to be done now, later; being done */
	int64_t retry;                       /* failed, to be tried again */
	int64_t failed;                      /* given up */
	int64_t done;                        /* ever done */
	int64_t done_minute;                 /* done in the last minute */
	int64_t processes;                   /* that have shown life within a minute or so */
	struct jobs_queue queues[JOBS_QUEUES];
	size_t n_queues;
	int64_t all_queues; /* there may be more than are listed */
};
struct jobs_cron {
	char system[20], name[80], schedule[48]; /* "sidekiq-cron" "sidekiq-scheduler" "good_job" ... */
	bool enabled;
};
struct jobs_side {
	struct jobs_system systems[JOBS_SYSTEMS];
	size_t n;
	struct jobs_cron cron[JOBS_CRON];
	size_t n_cron;
	int64_t all_cron;
};

/* Adds what is there; nothing when Redis holds nothing of Sidekiq's. prefix: "" or "NAME:". */
int jobs_add_redis(struct redis *redis, const char *prefix, struct jobs_side *side, struct err *err);
/* The same for the tables. deep: also what only a scan tells (failed). */
int jobs_add_pg(struct pg *pg, bool deep, struct jobs_side *side, struct err *err);

/* NULL when that side has none of that name. */
const struct jobs_system *jobs_find(const struct jobs_side *side, const char *name);
/* Waiting, to retry, scheduled and running: what is still to be done. */
int64_t jobs_left(const struct jobs_system *system);
/* "12 waiting (default 9, mailers 3), 3 to retry, 2 scheduled, 1 running"; what is 0 is not said. */
void jobs_say(const struct jobs_system *system, char *out, size_t size);

/* For jobs_redis.c and jobs_pg.c. */
struct jobs_system *jobs_add(struct jobs_side *side, const char *name);
void jobs_add_queue(struct jobs_system *system, const char *name, size_t len, int64_t waiting);
void jobs_add_cron(struct jobs_side *side, const char *system, const char *name, size_t len,
		   const char *schedule, size_t schedule_len, bool enabled);
/* Queues with the most jobs first, cron by name. */
void jobs_sort(struct jobs_side *side);

#endif
