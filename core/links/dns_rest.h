/* What providers with JSON and a bearer token have in common: who is asked, what is repeated, how long one
 * waits. Every request is told by job_command(); the token goes by https or to loopback only. */
#ifndef CORE_LINKS_DNS_REST_H
#define CORE_LINKS_DNS_REST_H

#include "core/links/dns_provider.h"
#include "core/links/http.h"

enum { DNS_PAGES_MAX = 24 };

struct dns_rest {
	struct job *job;
	struct http *http;
	enum dns_manner manner;
	const char *title; /* "Cloudflare" */
	/* NULL for a good answer, else sets err; `answer` is NULL when it is no JSON. */
	int (*judge)(struct dns_rest *, const struct http_request *, const struct http_reply *,
		     const struct json *answer, struct err *err);
	/* Seconds to wait before anything is answered again; only asked after a 429. */
	int64_t (*held_s)(const struct http_reply *);
	/* A header that tells how many requests are left; NULL: none. */
	int64_t (*left_of)(const struct http_reply *);
	char *base, *secret;
	bool lost;
	int64_t left;
	/* The zone's records of one moment, for names that are looked at together; kept until the end, for
	 * what was read of them points into them. */
	struct json *pages[DNS_PAGES_MAX];
	size_t n_pages;
	bool gathered; /* the pages hold the whole zone, and nothing was changed since */
};

/* The first variable of the list that is set. `rights` is what a token needs, for the sentence. -1 and err
 * when there is none, or dns.api would take it elsewhere. */
int dns_rest_open(struct dns_rest *rest, struct job *job, enum dns_manner manner, const char *base,
		  const char *token, const char *missing, struct err *err);
void dns_rest_done(struct dns_rest *rest);
/* A changing call (method other than NULL) is sent once. The answer is to be freed; NULL and err. */
struct json *dns_rest_call(struct dns_rest *rest, const char *method, const char *path, const char *body,
			   struct err *err);

/* Reads the list at `path` page by page, when that takes fewer requests than `most`. `last_of` says which
 * page is the last one, as the first one tells it; `count_of` how many records a page holds, and of how many.
 * 0 also when it is not read: look at `gathered`. */
int dns_rest_gather(struct dns_rest *rest, const char *path, size_t most,
		    int64_t (*last_of)(const struct json *),
		    void (*count_of)(const struct json *, int64_t *here, int64_t *all), struct err *err);

#endif
