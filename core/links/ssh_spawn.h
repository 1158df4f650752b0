/* Foreign programs for the files named ssh*: they end with us, whatever ends us. */
#ifndef CORE_LINKS_SSH_SPAWN_H
#define CORE_LINKS_SSH_SPAWN_H

#include "core/base/buf.h"
#include <sys/types.h>

struct ssh_spawned {
	pid_t pid;
	int in, out, err; /* our ends, not blocking; -1: not asked for, it is /dev/null there */
	int gone;         /* readable once it has ended; -1 where the system cannot tell so */
};
enum { SSH_SPAWN_IN = 1, SSH_SPAWN_OUT = 2, SSH_SPAWN_ERR = 4 };
/* argv[0] is looked for in PATH; env: "NAME=VALUE" beside our own environment, NULL-ended or NULL. -1 with
 * errno when it could not be started. */
int ssh_spawn(const char *const *argv, const char *const *env, int pipes, struct ssh_spawned *out);
/* Runs it to its end and keeps what it wrote. 0 only when it ended well within `ms`. */
int ssh_spawn_read(const char *const *argv, int ms, struct buf *out);
/* Its exit status 0..255, 256 + the signal that ended it; -1 while it runs. */
int ssh_spawn_status(struct ssh_spawned *spawned);
/* Ends it and closes what is open; may be called twice. */
void ssh_spawn_end(struct ssh_spawned *spawned);

#endif
