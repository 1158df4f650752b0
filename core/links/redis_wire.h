/* Bytes to and from a Redis server: a socket of our own, or a channel of the SSH connection, with TLS over
 * either. Every wait hears the job's cancel. For core/links/redis.c only. */
#ifndef CORE_LINKS_REDIS_WIRE_H
#define CORE_LINKS_REDIS_WIRE_H

#include "core/base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct job;
struct ssh;
struct redis_wire;

/* `ssh` NULL: straight from here; else host and port are as the host sees them. `ms`: the most that
 * connecting, and each later wait, may take (real milliseconds). */
struct redis_wire *redis_wire_open(struct job *job, struct ssh *ssh, const char *host, int port, int ms,
				   struct err *err);
/* verify: the certificate must be the host's own; else it is taken as it is, as Heroku tells its users to. */
int redis_wire_tls(struct redis_wire *wire, const char *host, bool verify, struct err *err);
int redis_wire_write(struct redis_wire *wire, const void *data, size_t len, struct err *err);
/* At least one byte; -1 and err at the end of the stream, on trouble and when nothing came in time. */
ssize_t redis_wire_read(struct redis_wire *wire, void *data, size_t size, struct err *err);
void redis_wire_close(struct redis_wire *wire);

#endif
