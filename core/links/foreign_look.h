/* A short local program that only looks, with an environment of its own and a job to listen to: run to its
 * end, both its outputs kept. What must outlive us is pty_child.h's. */
#ifndef CORE_LINKS_FOREIGN_LOOK_H
#define CORE_LINKS_FOREIGN_LOOK_H

#include "core/base/buf.h"
#include "core/base/err.h"

struct job;

/* argv and env as in pty_child.h. Both outputs go to `out`, at most 1 MB of them. Returns its exit status
 * (128 + signal when one ended it); -1: ERR_CONFIG it could not be started, ERR_NET it did not end within
 * timeout_ms (real time) and was ended, ERR_CANCELLED the job shall stop. */
int foreign_look(struct job *job, const char *const *argv, const char *const *env, const char *dir,
		 int timeout_ms, struct buf *out, struct err *err);
/* "NAME=VALUE" into our own environment, "NAME" out of it: for a child between fork and exec. */
void foreign_environment(const char *const *env);

#endif
