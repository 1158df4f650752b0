/* What a database holds beside its rows, both sides compared: extensions, types, tables, columns, sequences
 * and where they stand, indexes, constraints, functions, triggers, rules, views, operators, casts,
 * collations, text search, foreign data, event triggers, rights, owners, row security, default privileges,
 * settings, statistics objects, publications, subscriptions, comments, and large objects by their content.
 *
 * Each kind is one look at the catalogs that gives a name and a definition; what belongs to an extension or
 * to PostgreSQL itself is left out. The role of each side's own login stands for the app on both: Heroku
 * calls it one name, the new server another. */
#ifndef CORE_COPY_OBJECTS_H
#define CORE_COPY_OBJECTS_H

#include "core/base/err.h"
#include "core/links/postgres.h"

enum copy_how {
	COPY_MISSING, /* on OLD only */
	COPY_EXTRA,   /* on NEW only */
	COPY_DIFFERS,
	COPY_BROKEN, /* there, and of no use: an invalid index, a sequence that would give out a number twice
		      */
};
struct copy_object {
	const char *kind; /* "index" */
	enum copy_how how;
	bool grave;     /* data or the app is in danger; else somebody should know */
	char name[160]; /* "orders_number_key on orders" */
	char text[240]; /* a sentence: what, and the way out */
};
struct copy_kind {
	const char *kind, *plural;
	size_t old_n, new_n, grave, slight;
};
enum { COPY_KINDS_MAX = 64, COPY_OBJECTS_MAX = 500 };
struct copy_objects {
	struct copy_object *list; /* grave ones first; at most COPY_OBJECTS_MAX */
	size_t n;
	struct copy_kind kinds[COPY_KINDS_MAX];
	size_t n_kinds;
	size_t grave, slight; /* of all, also of those that did not fit */
	int64_t large_ms;     /* how long reading the large objects of both sides took */
};
/* -1: a look failed, and nothing is known. Free with copy_objects_done() either way. */
int copy_objects_compare(struct pg *old_pg, struct pg *new_pg, struct copy_objects *out, struct err *err);
/* How fast large objects can be read there, by the first megabyte of some; *bytes is 0 when there are none.
 */
int copy_large_measure(struct pg *pg, int64_t *bytes, int64_t *ms, struct err *err);
void copy_objects_done(struct copy_objects *objects);

#endif
