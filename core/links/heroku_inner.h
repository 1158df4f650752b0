/* What the files of the Heroku link share. Only for core/links/heroku*.c. */
#ifndef CORE_LINKS_HEROKU_INNER_H
#define CORE_LINKS_HEROKU_INNER_H

#include "core/links/heroku.h"
#include "core/links/http.h"

enum { HEROKU_ETAGS = 12 };
/* In front of the token, in struct heroku's `auth`. */
#define HEROKU_BEARER "Authorization: Bearer "

/* An answer that may be asked for again: its tag, and what it said. */
struct heroku_etag {
	char *what, *etag; /* what: path and headers that shape the answer; NULL: free */
	struct buf body;
};

struct heroku {
	struct job *job;
	struct http *http;
	enum heroku_manner manner;
	char app[64], api[240], data[240];
	char *auth; /* the header line with the token */
	char warning[200], two_factor[80];
	int remaining;
	int64_t skew_ms;
	bool lost, despite, hush;
	struct http_reply reply; /* the last one, for its headers */
	struct heroku_etag etags[HEROKU_ETAGS];
	size_t next_etag;
};

/* The tag of an answer to this that is kept here; NULL for none. */
const char *heroku_etag_known(const struct heroku *heroku, const char *what);
/* Keeps a 200 that has a tag, and turns a 304 into the 200 it stands for. */
void heroku_etag_take(struct heroku *heroku, const char *what);
void heroku_etags_done(struct heroku *heroku);

#endif
