/* ~/.netrc: where the Heroku CLI keeps its token, as the password of machine api.heroku.com. */
#ifndef CORE_BASE_NETRC_H
#define CORE_BASE_NETRC_H

#include <stdbool.h>
#include <stddef.h>

/* The password of the first entry of that machine, in one line or indented; comments are skipped, `default`
 * is not taken. False when there is none. The caller wipes `out`. */
bool netrc_password(const char *machine, char *out, size_t size);
/* The same for a text. */
bool netrc_find(const char *text, const char *machine, char *out, size_t size);

#endif
