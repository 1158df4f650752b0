/* Shared by the files named postgres*.c only: nobody else may include libpq. */
#ifndef CORE_LINKS_POSTGRES_INNER_H
#define CORE_LINKS_POSTGRES_INNER_H

#include "core/links/postgres.h"
#include <libpq-fe.h>
#include <poll.h>

#define PG_STOPPED "The %s: stopped on request; the statement under way was cancelled."

struct pg {
	struct job *job;
	PGconn *conn;
	char *url;
	struct pg_where where;
	char side[8], name[240];
	char tunnel[120]; /* the folder of a socket that leads there; "" : the URL says where */
	enum pg_mode mode;
	bool hush, deaf;
	int stop_fd;        /* readable: all waits end; -1: none */
	char code[6];       /* SQLSTATE of the last failure */
	int64_t copied;     /* rows of the COPY under way, then of the one that has ended */
	size_t copies_left; /* behind the one under way */
};

struct pg_result {
	PGresult *res;
};

/* Tells the job which spellings of the URL's password are secret. */
void pg_learn(struct job *job, const char *url);
/* Waits for any of the sockets, up to `until_ms` of the life clock (0: for ever), beside what stops this
 * session: the job's cancel and pg_stop_on(). NULL: nothing does. fds has room for two more. 1 ready, 0 time
 * is over, -1 it shall stop. */
int pg_wait(const struct pg *pg, struct pollfd *fds, size_t n, int64_t until_ms);
/* Sends a statement without waiting for its end; args: NULL-ended or NULL. */
int pg_send(struct pg *pg, const char *sql, const char *const *args, struct err *err);
/* Reads what has come. 1 done, 0 more to wait for, -1 the connection is gone. */
int pg_pump(struct pg *pg);
/* Waits until the statement under way has something to say; -1 with err when it was stopped or the way is
 * gone. */
int pg_await(struct pg *pg, struct err *err);
/* What a statement that is done gave; NULL and err when it failed. */
struct pg_result *pg_take(struct pg *pg, struct err *err);
/* The same, but what comes behind it is left for later. After a failure nothing is. */
struct pg_result *pg_take_one(struct pg *pg, struct err *err);
/* Tells the server to stop and takes what still comes, so that the session stays usable for a clean end. */
void pg_cancel(struct pg *pg);

#endif
