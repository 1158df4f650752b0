/* Heroku's platform and data APIs. */
#ifndef CORE_LINKS_HEROKU_H
#define CORE_LINKS_HEROKU_H

#include "core/base/err.h"
#include <stddef.h>

struct job;

/* The app's DATABASE_URL, read afresh from its config vars. 0, or -1 and err. Never print it; wipe `out` after use. */
int heroku_database_url(struct job *job, char *out, size_t size, struct err *err);

#endif
