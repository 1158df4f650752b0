/* Heroku's refusals as sentences. Only for core/links/heroku*.c. */
#ifndef CORE_LINKS_HEROKU_WORDS_H
#define CORE_LINKS_HEROKU_WORDS_H

#include "core/base/json.h"
#include "core/links/http.h"

/* A whole decimal number in text, with at most `unit` behind it ("12ms"); `otherwise` when it is none. */
int64_t heroku_number(const char *text, const char *unit, int64_t otherwise);

/* The same of a member that may be a number or a number in text. */
int64_t heroku_int(const struct json *object, const char *key, int64_t otherwise);
/* A name that may go into a request: letters, digits, "-", "_" and ".". False when it holds anything else or
 * does not fit: cut or cleaned it would be the name of another. Then `out` is "?" and what it looks like. */
bool heroku_name(const struct json *object, const char *key, char *out, size_t size);

/* How often one call was sent again, by reason. */
struct heroku_tries {
	int looks, limits, factors;
};

/* An answer after which nobody knows whether a change was made. */
bool heroku_unclear(int status);
/* `said`: the parsed body, NULL when it was no JSON. `changes`: the request was to change something. */
int heroku_explain(struct err *err, const char *app, bool data, const char *path,
		   const struct http_reply *reply, const struct json *said, bool changes);

#endif
