/* The database that a rehearsal makes for itself and drops again: rehearsal_create.c, rehearsal_drop.c. */
#ifndef CORE_STEPS_REHEARSAL_DATABASE_H
#define CORE_STEPS_REHEARSAL_DATABASE_H

#include "core/job.h"
#include "core/links/postgres.h"

struct rehearsal_db {
	char name[64], host[128]; /* of the rehearsal's */
	char target[64];          /* the night's, which it is not */
};
/* Refuses where there is no rehearsal, where the name does not carry its mark, and where it is the target's.
 */
int rehearsal_db_name(struct job *job, struct rehearsal_db *out, struct err *err);
/* By the server's list of databases: 1 there, 0 not, -1 nobody could look. */
int rehearsal_db_there(struct job *job, const struct rehearsal_db *db, struct err *err);
/* The fact that this rehearsal made it; NULL: it did not. */
const struct json *rehearsal_db_made(struct job *job, const struct rehearsal_db *db);

#endif
