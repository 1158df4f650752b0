/* What pty_child.c and pty_holder.c share. Nobody else includes this. */
#ifndef CORE_LINKS_PTY_INNER_H
#define CORE_LINKS_PTY_INNER_H

#include "core/links/pty_child.h"

/* "42 123456 BOOT-ID": a number alone may belong to somebody else tomorrow. */
struct pty_who {
	int pid;
	unsigned long long born; /* in clock ticks since boot */
	char boot[40];
};
/* False when there is no such process (any more). */
bool pty_who_of(int pid, struct pty_who *who);

/* The holder: never returns. One line of answer goes to answer_fd: "ok", or why nothing was started as
 * "KIND sentence". */
_Noreturn void pty_hold(const struct pty_start *start, int answer_fd);

#endif
