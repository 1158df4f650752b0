/* Heroku's log stream: one endless tail over many sessions. No line is told twice; one that Heroku itself no
 * longer had when a session was opened again is lost, and that is told. */
#ifndef CORE_LINKS_HEROKU_LOGS_H
#define CORE_LINKS_HEROKU_LOGS_H

#include "core/base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job;

/* "2024-10-17T22:23:22.209776+00:00 app[web.1]: text" */
struct heroku_log_line {
	int64_t at_us;    /* microseconds since the epoch, Heroku's clock */
	char source[12];  /* "app", "heroku" */
	char process[40]; /* "web.1", "router", "api", "postgres" */
	const char *text; /* cleaned; borrowed for the call */
};
bool heroku_log_parse(const char *line, size_t len, struct heroku_log_line *out, char *text, size_t size);

/* A line of heroku[router]. */
struct heroku_router_line {
	char method[12], host[160], path[400], dyno[40], code[8]; /* code: "H80", "" for none */
	int status, connect_ms, service_ms;                       /* -1: not said */
	int64_t bytes;                                            /* -1: not said */
};
bool heroku_router_parse(const char *text, struct heroku_router_line *out);

struct heroku_log_ears {
	bool (*line)(void *ctx, const struct heroku_log_line *line); /* false ends the stream */
	bool (*tick)(void *ctx); /* at least every 200 ms; false ends it; may be NULL */
	/* The tail broke or cannot be opened, in a sentence; it is tried again. NULL: it runs (again). May be
	 * NULL. */
	void (*trouble)(void *ctx, const char *sentence);
	/* Lines between these two moments may be missing: more had come than Heroku's buffer holds while no
	 * session was open. May be NULL. */
	void (*gap)(void *ctx, int64_t from_us, int64_t to_us);
	void *ctx;
};
/* Returns 0 when the job shall stop or an ear said so; -1 only when token or config cannot be used at all.
 * `lines`: how many of the past to begin with. */
int heroku_log_stream(struct job *job, int lines, const struct heroku_log_ears *ears, struct err *err);

#endif
