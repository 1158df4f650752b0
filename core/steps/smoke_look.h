/* The smoke tests of nightferry.yml against one side: by address before the flip, by DNS after it. */
#ifndef CORE_STEPS_SMOKE_LOOK_H
#define CORE_STEPS_SMOKE_LOOK_H

#include "core/job.h"
#include "core/links/dns_cell.h"

enum smoke_side { SMOKE_OLD, SMOKE_NEW, SMOKE_PUBLIC };

struct smoke_result {
	char host[256], path[300], method[8], text[160],
	    at[64]; /* at: "127.0.1.2:80", where the request went */
	int status, want;
	int64_t ms;
	enum verdict verdict;
};
struct smoke_look {
	struct job *job;
	enum smoke_side side;
	bool gets_only;  /* for looks that repeat: a POST may write */
	bool first_only; /* the first name only */
	struct smoke_result results[200];
	size_t n, passed;
	int64_t cert_until_ms; /* the earliest seen; 0 none */
	bool tls_failed;
};
const char *smoke_side_name(enum smoke_side side); /* "PUBLIC" */
/* How many requests it will be, and where to ("127.0.1.2:80"; "" for PUBLIC: DNS decides). -1: no address
 * known. */
int smoke_plan(struct job *job, enum smoke_side side, size_t *requests, char *where, size_t size,
	       struct err *err);
/* Asks everything, tells each as smoke.seen. -1 only when nothing could be asked at all. */
int smoke_ask(struct smoke_look *look, struct err *err);
void smoke_evidence(const struct smoke_look *look, struct evidence *ev);
/* All addresses that the caches have for a name. */
void smoke_addresses(struct job *job, const char *name, struct dns_addresses *out);

#endif
