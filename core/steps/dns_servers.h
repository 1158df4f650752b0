/* The zone's own servers after a change: asked again and again until all of them tell it. */
#ifndef CORE_STEPS_DNS_SERVERS_H
#define CORE_STEPS_DNS_SERVERS_H

#include "core/job.h"
#include "core/links/dns_matrix.h"

/* A proof waits this long for a secondary that is late by some seconds: also where run() had nothing to do,
 * because somebody else had just made the change. */
enum { DNS_PROOF_WAIT_MS = 10000 };

/* How many answers of the zone's servers, by the newest look, are not as wanted, how many of these are
 * answers at all, and of how many; `who` names one of them for a person. */
struct dns_left {
	size_t n, told, all;
	char who[200];
};
typedef void dns_left_fn(const struct dns_matrix *matrix, const void *ctx, struct dns_left *left);

/* Asks once a second and tells its progress, until nothing is left, wait_ms are over or a person stops it.
 * With `told_only`, servers that are silent or refuse are not waited for. Without a matrix `look` asks by
 * itself. */
struct dns_left dns_servers_wait(struct job *job, struct dns_matrix *matrix, dns_left_fn *look,
				 const void *ctx, bool told_only, int64_t wait_ms);
bool dns_tells_nothing(const struct dns_seen *seen); /* silent, refused or failing: neither side */

#endif
