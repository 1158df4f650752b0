/* One run of the repository's kamal, on a terminal that nobody's death hangs up. Killing it in the middle
 * leaves the lock and two generations of containers, so nothing here ever does: a cancel is not for it, a new
 * engine finds it again, and it is started once for an attempt. */
#ifndef CORE_STEPS_KAMAL_RUN_H
#define CORE_STEPS_KAMAL_RUN_H

#include "core/job.h"
#include "core/links/kamal.h"

/* Into a plan: the program, its version and the exact call; refuses where there is none, or where it does not
 * know the lock this night holds. `words` is NULL-ended. */
int kamal_run_plan(struct job *job, const char *const *words, struct plan *plan, struct err *err);
/* Starts it and follows it to its end. 0: it says that all went well, which proves nothing. -1: it does not,
 * or it was not started, with the sentence. Refuses while somebody else holds the lock. */
int kamal_run(struct job *job, const char *const *words, struct err *err);
/* What became of the newest run of this step: RUNNING; DONE_UNCLEAR with how it ended in `err`; DONE_NOT_DONE
 * when it never began. The world says the rest. */
enum done kamal_run_probe(struct job *job, struct err *err);

#endif
