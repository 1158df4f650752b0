/* HTTP: the only door to libcurl. Calls block, but every wait also listens for the job's cancel.
 *
 * Nothing is sent twice by itself: a changing request always gets a connection of its own, because libcurl
 * silently repeats a request of any method when a kept connection turns out to be dead. */
#ifndef CORE_LINKS_HTTP_H
#define CORE_LINKS_HTTP_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job;
struct http; /* keeps connections between requests */
struct http_reply;

struct http_request {
	const char *method; /* NULL: GET */
	const char *url;
	const char *const *headers; /* "Name: value", NULL-ended; may be NULL */
	const char *secret; /* one more header line, "Authorization: Bearer …"; never follows a redirect to
			       another host */
	/* Signed for Amazon with this key pair ("aws:amz:REGION:SERVICE"); both or none. The query has to be
	 * sorted by name, or the signature will not hold. */
	const char *sign_for, *sign_key_id, *sign_key;
	const char *body;
	size_t body_len;
	const char *range;      /* "0-0", "1024-"; NULL: all */
	int timeout_ms;         /* for the whole answer; 0: 30 s, or none when there is a sink */
	int connect_ms;         /* 0: 10 s */
	int idle_ms;            /* longest silence of a stream; 0: 60 s */
	const char *connect_to; /* "ip:port" or "host:port": go there, whatever the URL's host resolves to */
	const char
	    *ca_file;  /* whose word is taken for the other side instead of the usual ones; NULL or "" */
	bool insecure; /* look at the answer and its certificate though nobody vouches for it */
	int follow;    /* redirects to follow; 0: none, the 3xx is the answer */
	bool despite_cancel; /* a cancelled job still needs this one */
	size_t body_max;     /* 0: 32 MB */
	/* A stream: `head` is called once with status and headers, `sink` with each piece of the body, `tick`
	 * at least every 100 ms. false from one of them ends the request, which then counts as answered. All
	 * may be NULL. */
	bool (*head)(void *ctx, const struct http_reply *reply);
	bool (*sink)(void *ctx, const char *data, size_t len);
	bool (*tick)(void *ctx);
	void *ctx;
};

enum http_end {
	HTTP_NOT_SENT = 0, /* the other side cannot have acted: no connection came about */
	HTTP_LOST,         /* sent, and no whole answer came: nobody knows whether it was done */
	HTTP_ANSWERED,
};

struct http_reply {
	enum http_end end;
	int status;
	struct buf head, body; /* head: "name: value" lines of the last answer, names as sent */
	char remote[64];       /* "203.0.113.7:443" */
	int64_t ms, connect_ms, tls_ms, first_byte_ms; /* real milliseconds */
	int64_t server_ms; /* wall time by its Date header, second precision; 0: none said */
	int64_t asked_ms;  /* our wall time when the answer's head came */
	bool tls;
	char cert_subject[160], cert_issuer[160], cert_names[320]; /* of a TLS answer, also with .insecure */
	int64_t cert_from_ms, cert_until_ms;
};

struct http *http_open(struct job *job); /* job may be NULL: cannot be cancelled */
void http_close(struct http *http);
/* 0 when an answer came, whatever its status; -1 with a sentence otherwise (ERR_NET, ERR_CANCELLED). The
 * reply is reset first and must be freed with http_reply_done() in both cases. */
int http_perform(struct http *http, const struct http_request *request, struct http_reply *reply,
		 struct err *err);
/* The same with a connection for this one request only. */
int http_once(struct job *job, const struct http_request *request, struct http_reply *reply, struct err *err);
/* The first header of that name, copied to `out`; false and "" when there is none. */
bool http_head(const struct http_reply *reply, const char *name, char *out, size_t size);
void http_reply_done(struct http_reply *reply);
/* How it ended, for the list of commands: "200", "answer lost" or "not sent". Returns `out`. */
enum { HTTP_ENDED_MAX = 16 };
const char *http_ended(const struct http_reply *reply, char out[HTTP_ENDED_MAX]);

/* Parts of a URL. False when it is none. */
struct http_where {
	char scheme[16], host[200], path[1000];
	int port; /* the scheme's own when not given; 0 unknown */
	bool loopback;
};
bool http_where(const char *url, struct http_where *out);
bool http_loopback(const char *host);

#endif
