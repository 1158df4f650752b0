/* What warm-copy meets on NEW: nothing, its own unfinished copy, whole or in part of use, or something else.
 */
#ifndef CORE_STEPS_WARM_FOUND_H
#define CORE_STEPS_WARM_FOUND_H

#include "core/copy/warm_left.h"
#include "core/job.h"

struct warm_found {
	size_t tables;         /* that stand on NEW */
	bool ours;             /* of an attempt of tonight that broke off */
	struct warm_left left; /* with `ours`: what of it can be kept */
	char database[64];
};
/* fact: that of the attempts of tonight, with the `token` of the newest. */
int warm_found_look(struct job *job, const char *fact, struct warm_found *out, struct err *err);
/* What becomes of it, as lines of the plan; refuses where it is not ours. */
void warm_found_plan(const struct warm_found *found, struct plan *plan);

#endif
