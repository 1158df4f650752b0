/* A program on the host, or in a container there, that goes on without us: it is known by three files beside
 * it, BASE.pid, BASE.rc and BASE.log, so that any later look can tell what became of it. */
#ifndef CORE_LINKS_DETACHED_H
#define CORE_LINKS_DETACHED_H

#include "core/links/ssh.h"
#include <sys/types.h>

struct detached {
	struct ssh *ssh;       /* NULL: on this machine */
	const char *container; /* NULL: on the host itself */
	const char *base;      /* for the shell: "/tmp/nightferry-a12", "$HOME/.nightferry/x" */
	const char *program;   /* the name of its process: "pg_restore" */
	const char *extra;     /* shell commands whose first line of output becomes `extra` of a look; NULL */
};
enum detached_state {
	DETACHED_NEVER, /* no trace of it */
	DETACHED_ALIVE,
	DETACHED_ENDED, /* rc is known */
	DETACHED_DEAD,  /* it ran and is gone, and nobody saw how it ended */
};
struct detached_look {
	enum detached_state state;
	int rc, pid;
	char extra[120];
	int64_t log_bytes; /* of the whole log */
	struct buf log;    /* from the asked-for byte on, whole lines only */
};
/* Starts it, having removed the traces of an earlier one. Its standard error goes to the log. `input` (may be
 * NULL) becomes its standard input; only on the host, at most 64 KB, never seen in a list of processes. */
int detached_start(const struct detached *d, const char *command, const char *input, struct err *err);
/* log_from: the first byte of the log to bring; at most 256 KB come. */
int detached_look(const struct detached *d, int64_t log_from, struct detached_look *look, struct err *err);
void detached_look_done(struct detached_look *look);
/* TERM, then waits up to `ms` until it is gone; 0 when it is. */
int detached_stop(const struct detached *d, int ms, struct err *err);
/* Removes BASE.pid, BASE.rc, BASE.log. */
int detached_forget(const struct detached *d, struct err *err);

#endif
