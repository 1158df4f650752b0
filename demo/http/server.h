/*
 * A small HTTP server for the demo world, on libmicrohttpd and cJSON.
 *
 * Every connection has its own thread; handlers run one at a time under one lock of the process, so they may
 * touch their world freely. A handler marked `unlocked` runs without the lock and takes it itself where
 * needed.
 *
 * Each server answers `/__ctl` itself: tests use it to make the server misbehave (see ctl.c for the fields).
 */
#ifndef DEMO_HTTP_SERVER_H
#define DEMO_HTTP_SERVER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cjson/cJSON.h>

struct MHD_Connection;
struct http_server;
struct http_reply;

enum { HTTP_ARGS_MAX = 8, HTTP_ADDRESSES_MAX = 4 };

/* One request, borrowed by the handler for the time of the call. */
struct http_request {
	const char *method;
	const char *path; /* decoded, without the query */
	const char *body; /* whole and NUL-terminated, never NULL */
	size_t body_size;
	const cJSON *json; /* the body if it parses, else NULL */
	void *ctx;         /* from the configuration */
	struct {
		char *name, *value;
	} args[HTTP_ARGS_MAX]; /* read with http_arg() */
	struct MHD_Connection *connection;
};

typedef void http_handler(struct http_request *req, struct http_reply *reply);
/* Returns true when it has answered and the route must not run. */
typedef bool http_filter(struct http_request *req, struct http_reply *reply);
/* Writes up to `size` bytes and returns how many; 0 ends the answer. May block; never called under the lock.
 */
typedef size_t http_stream(void *state, char *out, size_t size);
typedef void http_each(void *state, const char *name, const char *value);

struct http_route {
	const char *method; /* "GET" (answers HEAD too), …, or "*" for any */
	const char *path;   /* "/apps/:app/dynos"; a last segment "*" matches the rest, also an empty rest */
	http_handler *handle;
	bool unlocked;
};

struct http_config {
	const char *addresses[HTTP_ADDRESSES_MAX]; /* IPv4; none means 127.0.0.1 */
	uint16_t port;
	const struct http_route *routes; /* the first match wins */
	size_t routes_count;
	http_filter *before;              /* locked; authorization and the like; may be NULL */
	http_handler *after;              /* locked; adds headers to every answer of a route; may be NULL */
	http_handler *missing;            /* answers what no route matches; NULL gives a JSON 404 */
	const char *log_path;             /* one line "METHOD /path STATUS" a request; may be NULL */
	const char *cert_path, *key_path; /* both set: TLS */
	void *ctx;
};

/* A whole number above 0, as in a server's arguments and environment; `fallback` for anything else and NULL.
 */
long http_number(const char *text, long fallback);
/* Blocks SIGINT and SIGTERM for all later threads and ignores SIGPIPE. Call it first in main. */
void http_init(void);
/* Listens on all addresses. NULL when one cannot be bound; the reason is on stderr. The configuration is
 * copied, what it points to is not. */
struct http_server *http_server_start(const struct http_config *config);
/* Sleeps until SIGINT or SIGTERM. The caller then cleans up and exits; connections die with the process. */
void http_wait(void);
/* The one lock of the process, for threads of the server's own and for unlocked handlers. */
void http_lock(void);
void http_unlock(void);

/* Parts of a request; NULL when it has none. `http_header` ignores case. */
const char *http_header(const struct http_request *req, const char *name);
const char *http_query(const struct http_request *req, const char *name);
const char *http_arg(const struct http_request *req, const char *name);
void http_each_header(const struct http_request *req, http_each *each, void *state);
void http_each_query(const struct http_request *req, http_each *each, void *state);
/* A string or number member of the JSON body; NULL or `fallback` when absent or of another type. */
const char *http_json_string(const struct http_request *req, const char *name);
double http_json_number(const struct http_request *req, const char *name, double fallback);

/* Answers. The last one wins; a handler that calls none answers 204. */
void http_reply_json(struct http_reply *reply, int status, cJSON *take_json);
void http_reply_text(struct http_reply *reply, int status, const char *type, const char *text);
void http_reply_bytes(struct http_reply *reply, int status, const char *type, const void *data, size_t size);
/* Sends `size` bytes of a file from `offset` on and closes it. */
void http_reply_file(struct http_reply *reply, int status, const char *type, int take_fd, uint64_t offset,
		     uint64_t size);
/* Chunked; `done` (may be NULL) frees the state. */
void http_reply_stream(struct http_reply *reply, int status, const char *type, http_stream *stream,
		       void *state, void (*done)(void *state));
/* Closes the connection without an answer. */
void http_reply_drop(struct http_reply *reply);
/* Sets a header, replacing an earlier one of the same name. */
void http_reply_header(struct http_reply *reply, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds one more header of a name (Set-Cookie). */
void http_reply_header_add(struct http_reply *reply, const char *name, const char *value);
int http_reply_status(const struct http_reply *reply);
/* The bytes of a text, JSON or bytes answer; NULL for files and streams. */
const char *http_reply_body(const struct http_reply *reply, size_t *size);

#endif
