/* What the files of links/route53 share. */
#ifndef CORE_LINKS_ROUTE53_INNER_H
#define CORE_LINKS_ROUTE53_INNER_H

#include "core/base/buf.h"
#include "core/links/aws_login.h"
#include "core/links/dns_provider.h"

struct route53 {
	struct job *job;
	struct http *http;
	enum dns_manner manner;
	struct aws_login login;
	char *base;
	int64_t due_ms; /* our time; from when on the next request keeps the pace */
	bool lost;
};

/* A request with its signature; NULL method: GET, repeated when it was held back or got lost. A change is
 * repeated only when Amazon says that nothing was done. The answer's root element, to be freed. */
struct json *route53_call(struct route53 *r, const char *method, const char *path, const char *body,
			  struct err *err);
/* The body of a batch: DELETEs first, as the order within a batch counts. */
void route53_batch(struct buf *out, const struct dns_change *changes, size_t n);

#endif
