/* What warm-copy and delta share: following their worker, and telling the transfer pane what it says. */
#ifndef CORE_STEPS_WARM_FOLLOW_H
#define CORE_STEPS_WARM_FOLLOW_H

#include "core/steps/copy_worker.h"
#include "core/steps/host_copy.h"

struct warm_follow {
	struct job *job;
	const char *stage; /* "warm-copy", "delta" */
	int64_t window_ms; /* wall time at which the app went down; 0: it is up */
	int64_t proof_ms,
	    proof_bytes;     /* what a proof of so much (of one side) took; ms -1: none was measured */
	char proof_from[48]; /* which one was measured: "as rehearsed"; "" : one of tonight */
	struct copy_rate rate;
	double reading_rate; /* bytes a second, the most so far */
	char note[120];      /* what holds it; "" */
	int64_t held_ms;     /* so long was OLD's vacuum held back; 0: it still is */
};
/* Until the worker has ended well; a cancel stops it first. -1 with its sentence, or ours. */
int warm_follow(struct copy_worker *worker, struct warm_follow *follow, struct err *err);
/* The labels of copy.skip_data, NULL-ended, to be free()d; its texts are the config's. */
const char **warm_skip(struct job *job);
/* The order's "skip". */
void warm_add_skip(struct job *job, struct jw *w);
/* When the maintenance page went up tonight; 0: it is not up. */
int64_t warm_window_ms(struct job *job);
/* A param that is an integer, also when it was written as text. */
int64_t warm_param(struct job *job, const char *name, int64_t otherwise);
bool warm_flag(struct job *job, const char *name);

#endif
