/* A headless night, for `run` and for the demo. */
#ifndef CORE_CMDS_RUN_H
#define CORE_CMDS_RUN_H

#include "core/engine/engine.h"

/* Opens a night, or a rehearsal, or takes up the open one of that kind, and runs it to its end in this
 * process. `dir` gets its folder. Returns the exit status, or -1 with err when it could not begin. */
int night_run(const struct json *config, const char *playbook_name, bool rehearse,
	      const struct headless *headless, char *dir, size_t size, struct err *err);

#endif
