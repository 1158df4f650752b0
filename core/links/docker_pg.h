/* Where the database inside a container listens, as the host sees it. */
#ifndef CORE_LINKS_DOCKER_PG_H
#define CORE_LINKS_DOCKER_PG_H

#include "core/base/err.h"
#include <stddef.h>

struct job;

/* Holds the connection to the host and lends it at the socket `ctl` until the job shall stop; beside it,
 * where the database is an accessory, SSH_LINE_PG leads to it. */
int docker_lend(struct job *job, const char *ctl, struct err *err);
/* The folder that is libpq's host for the database in the container: the line's, or by hand, without one,
 * that of a line of our own, which ends with this process. */
int docker_tunnel(struct job *job, char *folder, size_t size, struct err *err);
/* A shell command for the host whose answer docker_pg_read() reads; to be freed. */
char *docker_pg_command(const char *container);
/* The published port of 5432 on this host, else the container's own address; the address changes when the
 * container is made anew, so it is read each time. -1 with a sentence when it does not run or listens
 * nowhere. */
int docker_pg_read(const char *text, char *host, size_t size, int *port, struct err *err);

#endif
