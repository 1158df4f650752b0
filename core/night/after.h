/* What is still to do after a night, and until when: only what its own state shows. nightferry does none of
 * it. */
#ifndef CORE_NIGHT_AFTER_H
#define CORE_NIGHT_AFTER_H

#include "core/base/buf.h"
#include "core/night/state.h"

struct after_item {
	char id[40]; /* stable, for the calendar */
	char what[160], why[320];
	int64_t at_ms; /* when it is due */
};
struct after {
	struct after_item *list; /* by time */
	size_t n;
};
/* Nothing for a night that is open, a rehearsal, or one that never moved anybody. */
void after_of(const struct state *state, struct after *out);
void after_done(struct after *after);
/* A calendar (RFC 5545) with one entry an item and an alarm at each. */
void after_ics(const struct state *state, struct buf *out);

#endif
