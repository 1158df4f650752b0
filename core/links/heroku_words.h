/* Heroku's refusals as sentences. Only for core/links/heroku*.c. */
#ifndef CORE_LINKS_HEROKU_WORDS_H
#define CORE_LINKS_HEROKU_WORDS_H

#include "core/base/json.h"
#include "core/links/http.h"

/* A whole decimal number in text, with at most `unit` behind it ("12ms"); `otherwise` when it is none. */
int64_t heroku_number(const char *text, const char *unit, int64_t otherwise);

/* How often one call was sent again, by reason. */
struct heroku_tries {
	int looks, limits, factors;
};

/* `said`: the parsed body, NULL when it was no JSON. `changes`: the request was to change something. */
int heroku_explain(struct err *err, const char *app, bool data, const char *path,
		   const struct http_reply *reply, const struct json *said, bool changes);

#endif
