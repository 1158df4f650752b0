/* A line for the shell of this machine, as ssh_exec() is one for the host's. */
#ifndef CORE_LINKS_SHELL_HERE_H
#define CORE_LINKS_SHELL_HERE_H

#include "core/base/buf.h"
#include "core/base/err.h"

/* Runs it in a session of its own, with `input` as its standard input (at most 64 KB, never an argument).
 * Returns its exit status (128 + signal), or -1 and err. What it leaves in the background goes on. */
int shell_here(const char *script, const char *input, struct buf *out, struct buf *said, struct err *err);

#endif
