/* What keeps a copy of a live database gentle: its answers are timed from outside, and what moves is counted.
 */
#ifndef CORE_COPY_GENTLE_H
#define CORE_COPY_GENTLE_H

#include "core/copy/order.h"
#include <sys/types.h>

struct gentle {
	struct pg *source, *target; /* sessions that only look */
	int64_t limit;              /* bytes per second; 0: none */
	double usual_ms;            /* a look at the source before the copy began */
	double now_ms;
	bool still; /* the copy is held */
	int64_t still_ms, still_since_ms, pauses;
	int64_t bytes, looked_at_ms, resume_at_ms;
};
/* Of the order: `limit_bytes` a second. Times the source before anything is copied. */
int gentle_open(struct gentle *gentle, const struct copy_order *order, struct err *err);
void gentle_close(struct gentle *gentle);
/* Looks, and holds or frees the group of processes that copies. */
void gentle_look(struct gentle *gentle, pid_t group);
int gentle_wait_ms(const struct gentle *gentle); /* until the next look */
void gentle_tell_end(struct gentle *gentle);

#endif
