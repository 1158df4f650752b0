/* Who owns and who may what in a database: a restore without owners and grants leaves all of it behind, so it
 * is written down and planned. */
#ifndef CORE_LINKS_PG_ACCESS_H
#define CORE_LINKS_PG_ACCESS_H

#include "core/base/json.h"
#include "core/links/postgres.h"

struct pg_role {
	char name[64];
	int64_t owns;    /* tables, views, sequences of the app */
	int64_t granted; /* of others it has rights on */
};
struct pg_access {
	struct pg_role *list; /* sorted by name */
	size_t n;
	int64_t defaults; /* ALTER DEFAULT PRIVILEGES that stand */
};
int pg_access_look(struct pg *pg, struct pg_access *out, struct err *err);
/* The fields "roles" and "default_privileges", into an open object. */
void pg_access_write(struct jw *w, const struct pg_access *access);
void pg_access_read(const struct json *fact, struct pg_access *out);
void pg_access_done(struct pg_access *access);

#endif
