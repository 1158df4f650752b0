/* One certificate of one name at one address: is it to be trusted, whose is it, until when. Looks twice:
 * first as a browser would, and when that fails once more without trust, only to see what is there. */
#ifndef CORE_LINKS_TLS_LOOK_H
#define CORE_LINKS_TLS_LOOK_H

#include "core/job.h"

struct tls_look {
	bool trusted;
	bool seen;     /* a certificate came */
	bool unknown;  /* the other side refused the name: it has no certificate for it, and says so */
	char why[200]; /* what is wrong, in words; "" when trusted */
	char issuer[160], names[320], hsts[200];
	int64_t until_ms;
	int status; /* of the answer, 0: none */
};
/* `at` is "address:port" or "host:port". Asks for "/" by GET; what the answer is does not matter. */
void tls_look(struct job *job, const char *name, const char *at, struct tls_look *out);
/* Evidence about it: PASS, WARN for less than `days_least` days, FAIL when it is not to be trusted. */
void tls_see(const struct tls_look *look, const char *side, const char *name, int days_least,
	     struct evidence *ev);

#endif
