/* What keeps a copy of a live database gentle: its answers are timed from outside, and what moves is counted.
 */
#ifndef CORE_COPY_GENTLE_H
#define CORE_COPY_GENTLE_H

#include "core/copy/order.h"
#include <sys/types.h>

enum gentle_why { GENTLE_FREE, GENTLE_SLOW, GENTLE_LIMIT };
struct gentle {
	struct pg *source; /* a session that only looks */
	int64_t limit;     /* bytes per second; 0: none */
	double usual_ms;   /* a look at the source before the copy began */
	double now_ms;
	int64_t *moved;        /* bytes of rows so far: the copy's processes count here together */
	int64_t bytes;         /* of them at the last look */
	int64_t paid_until_ms; /* by then the limit allows as much */
	bool still;            /* the copy is held */
	enum gentle_why why;
	int64_t still_ms, still_since_ms, look_at_ms, told_at_ms;
	int64_t pauses; /* because of slow answers */
};
/* Of the order: `limit_bytes` a second. Times the source before anything is copied. */
int gentle_open(struct gentle *gentle, const struct copy_order *order, struct err *err);
void gentle_close(struct gentle *gentle);
/* Looks when it is time to, and holds or frees the group of processes that copies. */
void gentle_look(struct gentle *gentle, pid_t group);
int gentle_wait_ms(const struct gentle *gentle); /* until the next look */
void gentle_tell_end(struct gentle *gentle);

#endif
