/* The URL of the new database, when nobody has written it down: user, password and database as its container
 * holds them. */
#ifndef CORE_LINKS_PG_ACCESSORY_H
#define CORE_LINKS_PG_ACCESSORY_H

#include "core/job.h"

/* "postgres://USER:PASSWORD@CONTAINER/DATABASE" of the accessory, or of database.container; the container
 * must run on the primary server. The password is made known to the engine, which cuts it from all text; the
 * caller wipes `url`. 0, or -1 and a sentence. */
int pg_accessory_url(struct job *job, char *url, size_t size, struct err *err);

/* The same from what docker tells of the container's environment, one JSON text of "NAME=value" a line.
 * `password` gets the password alone. */
int pg_accessory_read(const char *text, const char *container, char *url, size_t size, char *password,
		      size_t password_size, struct err *err);

#endif
