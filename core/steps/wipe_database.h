/* How wipe-target empties a database so that it afterwards is as it was, only without anything in it. */
#ifndef CORE_STEPS_WIPE_DATABASE_H
#define CORE_STEPS_WIPE_DATABASE_H

#include "core/job.h"
#include "core/links/postgres.h"

#define WIPE_STATEMENTS_MAX 64

/* Statements are made from the catalogs before anything goes, and recorded: after a crash they are all that
 * is left. */
struct wipe_way {
	bool whole; /* drop and create the database; false: drop its schemas and create public again */
	char *list[WIPE_STATEMENTS_MAX]; /* in order */
	size_t n;
	int64_t
	    piece; /* more objects than one transaction has locks for: so many at a time; 0: all at once */
	char cannot[300];  /* why our role can do neither; "" */
	char why_not[160]; /* why the database as a whole cannot be dropped; "" */
};
/* Looks at the database of `pg`; changes nothing. */
int wipe_way_find(struct job *job, struct pg *pg, struct wipe_way *out, struct err *err);
/* Sets way->piece by what is there and what the server has room for. */
int wipe_pieces_look(struct pg *pg, struct wipe_way *way, struct err *err);
/* Drops tables, views, sequences, functions and large objects, `piece` at a time, each in a transaction of
 * its own. job: whom to tell; may be NULL. */
int wipe_pieces_go(struct job *job, struct pg *pg, int64_t piece, struct err *err);
/* Runs the statements of a way that drops schemas, over `pg`. job may be NULL. */
int wipe_schemas_go(struct job *job, struct pg *pg, const struct wipe_way *way, struct err *err);
/* Only the making: an empty database of that name with the owner, encoding, locale and settings of `pg`'s. */
int wipe_way_beside(struct pg *pg, const char *database, struct wipe_way *out, struct err *err);
void wipe_way_write(struct jw *w, const struct wipe_way *way);
bool wipe_way_read(const struct json *fact, struct wipe_way *out);
void wipe_way_done(struct wipe_way *way);
/* Runs the statements. Each may run again: what exists is left, what is gone is not missed. */
int wipe_way_go(struct job *job, const struct wipe_way *way, struct err *err);

#endif
