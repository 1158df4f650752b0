/* What the files of the small HTTP server share. */
#ifndef DEMO_HTTP_INTERNAL_H
#define DEMO_HTTP_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>

#include "demo/http/server.h"

enum { HTTP_HEADERS_MAX = 48 };

struct http_reply {
	int status;
	char *type;
	char *body;
	size_t size;
	int fd; /* -1 when none */
	uint64_t offset;
	http_stream *stream;
	void *state;
	void (*done)(void *state);
	bool drop;
	uint64_t cut, rate; /* bytes, bytes per second; 0 = none */
	struct {
		char *name, *value;
	} headers[HTTP_HEADERS_MAX];
	size_t headers_count;
};

struct ctl_rule;

struct http_server {
	struct http_config config;
	struct MHD_Daemon *daemons[HTTP_ADDRESSES_MAX];
	FILE *log;
	struct ctl_rule *rules;
};

void reply_init(struct http_reply *reply);
void reply_done(struct http_reply *reply);
/* Queues the answer on the connection; the reply is spent. */
enum MHD_Result reply_send(struct http_reply *reply, struct MHD_Connection *connection);

/* What a rule of /__ctl wants for one request. */
struct ctl_verdict {
	bool matched, act, answer, drop;
	int status;
	double hang_s;
	uint64_t cut, rate;
	char *body, *headers; /* headers: a JSON object as text */
};

/* Answers /__ctl. Locked. */
void ctl_handle(struct http_server *server, struct http_request *req, struct http_reply *reply);
/* Finds the first rule for the request and uses it up once. Locked. */
void ctl_match(struct http_server *server, const struct http_request *req, struct ctl_verdict *out);
/* Lays the canned answer and the extra headers over the reply. */
void ctl_apply(const struct ctl_verdict *verdict, struct http_reply *reply);
void ctl_done(struct ctl_verdict *verdict);

#endif
