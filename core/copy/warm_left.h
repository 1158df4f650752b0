/* What a warm copy that broke off has left in the target, and whether another one can go on from there. */
#ifndef CORE_COPY_WARM_LEFT_H
#define CORE_COPY_WARM_LEFT_H

#include "core/copy/warm_state.h"

struct warm_left {
	char token[128]; /* of the unfinished copy; "" : none stands there */
	bool goes_on;
	char why[400];       /* it cannot go on: the reason, without a full stop; "" : it never came so far */
	bool rows_in;        /* all rows are there, of one moment: nothing has to be brought up to date */
	size_t kept, tables; /* that are whole there; of the source now */
	int64_t kept_bytes, bytes; /* their heaps on the source */
};
/* The source is at a snapshot, `now` and `tables` are what it says in it. Changes nothing. `state` gets what
 * the target knows of its tables, and goes to warm_state_done(); may be NULL. */
int warm_left_look(struct pg *target, const struct copy_boundary *now, const struct delta_tables *tables,
		   struct warm_left *out, struct warm_state *state, struct err *err);

#endif
