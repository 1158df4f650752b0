/* What PostgreSQL and the host tell of a running pg_restore: rows and bytes by table, indexes under way, and
 * why something waits. */
#ifndef CORE_STEPS_RESTORE_PULSE_H
#define CORE_STEPS_RESTORE_PULSE_H

#include "core/steps/restore.h"

struct restore_pulse {
	int64_t size_bytes, tuples,
	    blocks; /* of the database; of all running copies; of all running indexes */
	int64_t moved_at_ms, last_sum;
	char why[160]; /* nothing has moved for STALLED_MS: what it waits for; "" */
	struct copy_rate rate;
};
enum { RESTORE_STALLED_MS = 30000 };
/* One look; the tables' entries in r->log are brought up to date. The target may be out of reach for a while.
 */
void restore_pulse_read(struct restore *r, struct restore_pulse *p);

#endif
