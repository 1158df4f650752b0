/* PostgreSQL. The only door to libpq: calls block, but every wait also listens for the job's cancel.
 *
 * A connection knows its side ("OLD", "NEW") and is named by host and database, never by its URL. Sessions
 * that look are read-only with timeouts; all sessions print dates, floats and bytes the same way, so that
 * text can be compared. */
#ifndef CORE_LINKS_POSTGRES_H
#define CORE_LINKS_POSTGRES_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job;
struct pg;
struct pg_result;

enum pg_mode {
	PG_LOOK, /* default_transaction_read_only, statements end after 30 s, locks are waited for 3 s */
	PG_ACT,  /* may write; no limit on a statement, locks are waited for 15 s */
};

/* A URL without its secrets. Empty when the URL is none. */
struct pg_where {
	char host[128], port[8], database[64], user[64], sslmode[16];
	bool loopback;
	bool tunnel; /* reached through the SSH connection to its host */
};
/* -1 (ERR_CONFIG) when it is no PostgreSQL URL. sslmode is what will be used: a remote OLD side never gets
 * less than "require"; loopback without a word of its own gets "prefer". */
int pg_where(const char *url, const char *side, struct pg_where *out, struct err *err);

/* The same login at another address. */
int pg_url_at(const char *url, const char *host, int port, char *out, size_t size, struct err *err);
/* What libpq's programs take from their environment for this URL, one "PGHOST=..." a line; the password among
 * them, so the caller wipes it. */
int pg_environment(const char *url, const char *side, struct buf *out, struct err *err);

/* job may be NULL (nothing to cancel, nothing logged). NULL and err on failure. */
struct pg *pg_open(struct job *job, const char *side, const char *url, enum pg_mode mode, struct err *err);
/* Another database than the URL names; NULL: the one it names. */
struct pg *pg_open_at(struct job *job, const char *side, const char *url, const char *database,
		      enum pg_mode mode, struct err *err);
/* The NEW side through a socket that leads there, `folder` being its folder: libpq speaks plainly, for SSH
 * carries it. host and port of the URL are only names then. */
struct pg *pg_open_tunnel(struct job *job, const char *folder, const char *url, const char *database,
			  enum pg_mode mode, struct err *err);
/* The same login once more; database NULL: the same database. */
struct pg *pg_open_like(const struct pg *pg, const char *database, enum pg_mode mode, struct err *err);
void pg_close(struct pg *pg);

const char *pg_side(const struct pg *pg);
const char *pg_host(const struct pg *pg);
const char *pg_database(const struct pg *pg);
const char *pg_user(const struct pg *pg);
const char *pg_name(const struct pg *pg); /* "NEW database shop on 127.0.0.1", for sentences */
int pg_version(const struct pg *pg);      /* 150020 */
int pg_major(const struct pg *pg);        /* 15 */
bool pg_tls(const struct pg *pg);
/* The SQLSTATE of the last statement that failed; "" for none, or where only libpq complained. */
const char *pg_sqlstate(const struct pg *pg);
/* False once the server or the way to it is gone. */
bool pg_alive(const struct pg *pg);
/* Statements of this session no longer go to the list of commands: for looks that repeat every second. */
void pg_hush(struct pg *pg, bool hush);
/* A cancel no longer reaches its statements: for the few that must not be left half-way. */
void pg_deaf(struct pg *pg, bool deaf);
/* Readable, or its other end gone: every wait of this session ends as if it was cancelled. For those who have
 * no job; -1: nothing. pg_open_like() hands it on. */
void pg_stop_on(struct pg *pg, int fd);
/* 0: no limit. */
int pg_limit(struct pg *pg, int64_t statement_ms, struct err *err);

/* Values for $1, $2 ... */
#define PG_ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A statement without rows; printf-like, names and texts quoted by the caller. 0 or -1. */
int pg_exec(struct pg *pg, struct err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Rows. args: NULL-ended or NULL. NULL and err on failure; free with pg_result_free(). */
struct pg_result *pg_query(struct pg *pg, const char *sql, const char *const *args, struct err *err);
/* First column of the first row; "" or 0 for none. */
int pg_value(struct pg *pg, const char *sql, const char *const *args, char *out, size_t size,
	     struct err *err);
int pg_number(struct pg *pg, const char *sql, const char *const *args, int64_t *out, struct err *err);

size_t pg_rows(const struct pg_result *result);
const char *pg_get(const struct pg_result *result, size_t row, int col); /* "" for NULL */
bool pg_null(const struct pg_result *result, size_t row, int col);
int64_t pg_get_int(const struct pg_result *result, size_t row, int col);
bool pg_get_bool(const struct pg_result *result, size_t row, int col);
void pg_result_free(struct pg_result *result);

/* Many statements over a few connections, all in one poll(). */
struct pg_lane {
	struct pg *pg;
	size_t item; /* for next() to set and done() to read */
	bool busy, spent;
};
struct pg_errand {
	/* Writes the lane's next statement; false: nothing left for it. */
	bool (*next)(void *ctx, struct pg_lane *lane, struct buf *sql);
	/* result NULL: the statement failed and err says why. 0 goes on, -1 stops everything with err. */
	int (*done)(void *ctx, struct pg_lane *lane, const struct pg_result *result, struct err *err);
	void *ctx;
};
int pg_together(struct pg_lane *lanes, size_t n, const struct pg_errand *errand, struct err *err);
/* How many more connections this login may open, as the server counts; 0 when it cannot be told. */
int pg_room(struct pg *pg, int *used, int *limit, struct err *err);

/* COPY, in raw chunks as the servers write them. `sql` is a whole "COPY ... TO STDOUT" or "... FROM STDIN".
 * Between start and end nothing else may be asked of the session. 0 or -1. */
int pg_copy_out(struct pg *pg, const char *sql, struct err *err);
/* `sql` is n of them, with ";" between: they come one after the other, without a way to the server and back
 * for each. When one has ended, pg_copy_next() begins the next; pg_copy_stop() ends all. */
int pg_copy_out_many(struct pg *pg, const char *sql, size_t n, struct err *err);
int pg_copy_next(struct pg *pg, struct err *err);
/* Appends whole rows to `into`: what has come, at least one, up to about `size_bytes`. 1 there is more, 0 it
 * has ended and pg_copy_rows() is exact, -1 failed (the session is usable again when pg_alive()). */
int pg_copy_read(struct pg *pg, struct buf *into, size_t size_bytes, struct err *err);
int pg_copy_in(struct pg *pg, const char *sql, struct err *err);
/* Waits while the server is slower than we are. When the server has refused, its reason is in err and the
 * COPY is over. */
int pg_copy_write(struct pg *pg, const void *data, size_t len, struct err *err);
/* why NULL: all is written. Else the server forgets what came, and this returns 0 although nothing was kept.
 */
int pg_copy_end(struct pg *pg, const char *why, struct err *err);
/* Ends a COPY from it that nobody wants to read any longer; the session stays usable. */
void pg_copy_stop(struct pg *pg);
int64_t pg_copy_rows(const struct pg *pg); /* so far, or in all; for a COPY to it only in all */

/* "orders" and "order""s" as SQL writes them. */
void pg_add_name(struct buf *buf, const char *name);
void pg_add_text(struct buf *buf, const char *text);

/* What an SQLSTATE means on this connection, as one sentence. `said`: the server's own words. */
int pg_explain(struct err *err, const char *name, const char *sqlstate, const char *said);

#endif
