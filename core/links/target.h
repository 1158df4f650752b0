/* What the new side is: a server that Kamal runs, a server without Kamal, or a database that somebody else
 * runs. */
#ifndef CORE_LINKS_TARGET_H
#define CORE_LINKS_TARGET_H

#include "core/job.h"

/* NULL when there is a server; else why what only a server could tell is not known. */
const char *target_no_host(const struct job *job);
/* NULL when Kamal runs the app on a server; else why containers, routes and Kamal's lock are not known. */
const char *target_no_kamal(const struct job *job);
/* A watch that has nothing to look at: says so until it shall stop. That is no trouble, so nothing is stale.
 */
void target_idle(struct job *job, const char *why);
/* A check that has nothing to look at: one line that says so, and no doubt left. */
enum verdict target_skip(struct evidence *ev, const char *why);

#endif
