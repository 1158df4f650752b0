/* One command on another machine by the user's own ssh program. For core/cmds/on*.c only. */
#ifndef CORE_CMDS_ON_SSH_H
#define CORE_CMDS_ON_SSH_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include <stdbool.h>

enum { ON_ARGV_MAX = 48 };

struct on_ssh {
	char host[200];
	char control[200];     /* ssh's own socket: what comes after the first login asks nothing */
	char control_dir[120]; /* ours alone, removed at the end; "" when it is the user's runtime folder */
};
int on_ssh_init(struct on_ssh *ssh, const char *host, struct err *err);
void on_ssh_done(struct on_ssh *ssh);
/* The whole argument list for `script`, a line for a POSIX shell there. quiet: never asks. Free each with
 * on_ssh_argv_free(). */
char **on_ssh_argv(const struct on_ssh *ssh, const char *script, bool quiet);
void on_ssh_argv_free(char **argv);
/* Runs it with `input` (may be NULL). out NULL: its output is passed on. Returns its exit status, 255 when
 * ssh itself failed, and -1 with err when it could not be run at all. */
int on_ssh_run(const struct on_ssh *ssh, const char *script, const struct buf *input, struct buf *out,
	       struct err *err);

#endif
