/* What the programs that play a DNS provider have in common: arguments, state, one HTTP server on one zone.
 */
#ifndef DEMO_ZONE_PROVIDER_H
#define DEMO_ZONE_PROVIDER_H

#include "demo/http/server.h"
#include "demo/zone/knot.h"
#include "demo/zone/records.h"

#define PROVIDER_ZONE "acme.example"

struct provider {
	const char *name; /* "cloudflare", for usage and errors */
	const struct http_route *routes;
	size_t routes_count;
	http_filter *before;
	http_handler *missing;
	/* Reads the environment, after the state is loaded. False: it has said on stderr what is missing. */
	bool (*ready)(void *ctx);
	void *ctx;
	/* Parts of ctx, filled here. */
	struct knot *knot;
	const char **state_path;
	char *zone_id; /* ID_SIZE */
	struct record_set *known;
};
/* PROGRAM PORT KNOT_SOCKET STATE_FILE [LOG_FILE]; serves until it is told to stop. For main() to return. */
int provider_run(int argc, char **argv, const struct provider *provider);
/* A variable that must be there; NULL and a sentence on stderr when it is not. */
const char *provider_secret(const char *program, const char *name);

#endif
