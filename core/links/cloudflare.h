/* Cloudflare's API: zones and DNS records. A look is repeated when it was held back, a change is sent once;
 * when its answer is lost, cloudflare_lost() is true: look, then decide.
 *
 * Token: CLOUDFLARE_API_TOKEN, only ever sent by https or to loopback. Every request is told by
 * job_command(). */
#ifndef CORE_LINKS_CLOUDFLARE_H
#define CORE_LINKS_CLOUDFLARE_H

#include "core/base/err.h"
#include "core/base/json.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job;
struct cloudflare;

enum cloudflare_manner {
	CLOUDFLARE_BRISK,   /* plans, proofs, checks: "wait five minutes" is an error */
	CLOUDFLARE_PATIENT, /* runs: waits as long as it is told to, up to six minutes, and can be cancelled
			     */
};
struct cloudflare_zone {
	char id[64], name[256], status[32]; /* "active" */
	char name_servers[8][256];
	size_t n_name_servers;
};

/* NULL and err when config or token cannot be used. Asks nothing of the network. */
struct cloudflare *cloudflare_open(struct job *job, enum cloudflare_manner manner, struct err *err);
void cloudflare_close(struct cloudflare *cloudflare);
bool cloudflare_lost(const struct cloudflare *cloudflare);

/* `name` or the nearest name above it that is a zone of this token. */
int cloudflare_zone(struct cloudflare *cloudflare, const char *name, struct cloudflare_zone *out,
		    struct err *err);
/* Every record of exactly that name, of all types: {"result":[...]}. To be freed. */
struct json *cloudflare_records(struct cloudflare *cloudflare, const struct cloudflare_zone *zone,
				const char *name, struct err *err);
/* The record as it is now: {"result":{...}}. To be freed. */
struct json *cloudflare_record(struct cloudflare *cloudflare, const struct cloudflare_zone *zone,
			       const char *id, struct err *err);
/* Changes the fields in `body` and no others. */
int cloudflare_patch(struct cloudflare *cloudflare, const struct cloudflare_zone *zone, const char *id,
		     const char *body, struct err *err);

#endif
