/* Background jobs of both sides.
 *
 * jobs.seen  CHANGE key side {side, error, redis,
 *   systems[{name, waiting, retry, scheduled, running, failed, done, done_minute, processes, all_queues,
 *   queues[{name, waiting}]}], cron[{system, name, schedule, enabled}], all_cron}
 *   figures: -1 not told. redis: where it is, or why there is none. error: this look failed; what stands is
 * older.
 */
#ifndef CORE_NIGHT_KINDS_JOBS_H
#define CORE_NIGHT_KINDS_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job_queue_seen {
	char name[64];
	int64_t waiting;
};
struct job_system_seen {
	char name[16];
	int64_t waiting, retry, scheduled, running, failed, done, done_minute, processes, all_queues;
	int64_t moved_at_ms; /* when `done` was last seen to grow; the first look counts */
	double rate_minute;  /* done per minute between the newest two looks, or as told; -1 not known */
	struct job_queue_seen *queues;
	size_t n_queues;
};
struct job_cron_seen {
	char system[20], name[80], schedule[48];
	bool enabled;
};
struct jobs_side_seen {
	bool seen;
	int64_t at_ms; /* of the newest look that worked */
	char error[240], redis[240];
	struct job_system_seen *systems;
	size_t n;
	struct job_cron_seen *cron;
	size_t n_cron;
	int64_t all_cron;
};
struct jobs_state {
	struct jobs_side_seen sides[2]; /* OLD, NEW */
};

#endif
