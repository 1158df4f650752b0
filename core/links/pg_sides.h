/* The two databases of the night, opened by their side. */
#ifndef CORE_LINKS_PG_SIDES_H
#define CORE_LINKS_PG_SIDES_H

#include "core/job.h"
#include "core/links/postgres.h"

struct ssh;

/* In a rehearsal NEW is the rehearsal's own database, for everybody, and nothing here leads to the real one
 * but pg_where_target().
 *
 * OLD is only ever looked at. Its URL is read afresh from Heroku each time: Heroku changes it. */
struct pg *pg_open_old(struct job *job, struct err *err);
struct pg *pg_open_new(struct job *job, enum pg_mode mode, struct err *err);
/* The new side's database as its URL names it, without a connection; -1 and err when the URL is not usable.
 */
int pg_where_new(struct job *job, struct pg_where *out, struct err *err);
/* The night's target, also in a rehearsal: its name, so that it is never mistaken. */
int pg_where_target(struct job *job, struct pg_where *out, struct err *err);
int pg_where_old(struct job *job, struct pg_where *out, struct err *err);
/* The new server by another database of it ("postgres"), for what cannot be done from inside. */
struct pg *pg_open_new_at(struct job *job, const char *database, enum pg_mode mode, struct err *err);

/* The addresses themselves, for a worker that opens its own connections; the caller wipes them. */
int pg_url_old(struct job *job, char *out, size_t size, struct err *err);
int pg_url_new(struct job *job, char *out, size_t size, struct err *err);
/* The new database's as its host reaches it: a container by its published port or its own address. */
int pg_url_new_there(struct job *job, struct ssh *ssh, char *out, size_t size, struct err *err);

/* As many more connections as make sense: at most `most`, and never more than half of what is left.
 * lanes[0].pg is `first`; the rest are opened like it. Returns how many there are, at least 1. */
size_t pg_lanes_open(struct pg *first, struct pg_lane *lanes, size_t most);
/* Closes all but the first. */
void pg_lanes_close(struct pg_lane *lanes, size_t n);

#endif
