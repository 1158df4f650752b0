/* A server that gives one canned answer a request, in order, and a link to Heroku that asks it. */
#ifndef TESTS_UNIT_CANNED_H
#define TESTS_UNIT_CANNED_H

#include "core/job.h"
#include "core/links/heroku.h"
#include <stddef.h>
#include <sys/types.h>

struct server {
	pid_t pid;
	int port, said; /* each request's first line comes out of `said` */
};
/* NULL among the answers cuts the connection. */
struct server server_start(const char *const *answers, size_t n);
/* All first lines it saw; in memory of its own. */
char *server_stop(struct server *server);
/* A link that asks once, and its job; both are the caller's. HEROKU_API_KEY has to be set. */
struct heroku *heroku_at(int port, struct job **job);

#endif
