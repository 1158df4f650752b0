/* The lender's end of ssh_frame.h: one connection to a host, held and lent to any number of processes over
 * Unix sockets. Where sshd allows few sessions on one connection, more connections are made, with the same
 * answers. */
#ifndef CORE_LINKS_SSH_LEND_H
#define CORE_LINKS_SSH_LEND_H

#include "core/base/err.h"
#include "core/base/json.h"
#include "core/links/ssh.h"
#include <stddef.h>

/* Beside the line's socket: the folder is what libpq takes for a host. */
#define SSH_LINE_PG "pg/.s.PGSQL.5432"

struct ssh_lend {
	const char *ctl; /* path of the socket for ssh_open(); for its owner only */
	/* Path of a socket whose every connection goes on to the database, spoken to as if it were
	 * PostgreSQL's own; NULL: none. Where that listens is asked anew each time: pg_look is a command
	 * there, pg_where reads its answer. */
	const char *pg, *pg_look;
	int (*pg_where)(const char *text, char *host, size_t size, int *port, struct err *err);
};
/* Connects, connects again whenever it is lost, and lends until the job shall stop. -1 only when the sockets
 * cannot be made. */
int ssh_lend_run(struct job *job, const struct json *host, const struct ssh_lend *what, struct err *err);

/* A folder that is this user's alone and named after this process, made if need be; swept up after it. */
int ssh_own_folder(char *out, size_t size, struct err *err);
void ssh_folder_remove(const char *path); /* with all that is in it */
/* From now on this process ends with that one. */
void ssh_end_with(pid_t parent);

#endif
