/* Which name is asked for its certificate next. Every handshake without one may make the new host's proxy ask
 * the issuer, and Let's Encrypt forgives a name five failures an hour: four are used, with pauses between,
 * one is left for people. Pure: no clock, no network. */
#ifndef CORE_STEPS_CERTIFICATE_QUEUE_H
#define CORE_STEPS_CERTIFICATE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CERT_NAMES_MAX = 1000, CERT_FAILURES_MOST = 4 };

enum cert_state { CERT_WAITS = 0, CERT_ISSUED, CERT_GIVEN_UP };
struct cert_name {
	char name[256], why[160];
	enum cert_state state;
	int failures;
	int64_t next_ms; /* not before then */
};
struct cert_queue {
	struct cert_name names[CERT_NAMES_MAX];
	size_t n, issued, given_up;
};
/* False when it is there already, or there is no room. */
bool cert_add(struct cert_queue *queue, const char *name);
/* The one that has waited longest of those that are due; NULL: none is. `next_ms`: when the next one will be,
 * 0 when nobody waits any more. */
struct cert_name *cert_next(struct cert_queue *queue, int64_t now_ms, int64_t *next_ms);
void cert_good(struct cert_queue *queue, struct cert_name *name);
/* `hopeless`: asking again cannot help. */
void cert_failed(struct cert_queue *queue, struct cert_name *name, const char *why, bool hopeless,
		 int64_t now_ms);
/* It does not lead to the new host yet: not asked, which costs nothing. */
void cert_not_yet(struct cert_name *name, const char *why, int64_t now_ms);
/* The most names that one domain (by its last two labels) has in the queue, and which. */
size_t cert_crowd(const struct cert_queue *queue, char *domain, size_t size);

#endif
