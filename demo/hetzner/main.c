/* Hetzner's DNS for one zone of the demo world.
 *
 *   hetzner PORT KNOT_SOCKET STATE_FILE [LOG_FILE]
 *
 * The token comes by HCLOUD_TOKEN. HETZNER_RATE (requests an hour, 3600), HETZNER_ACTION_MS (how long a
 * change takes, 600), HETZNER_MODE (primary or secondary) and HETZNER_READONLY (any text) bend the rules. */
#include "api.h"
#include "demo/zone/provider.h"
#include <stdlib.h>

#define ZONE "/v1/zones/:zone"

static bool ready(void *ctx);

static const struct http_route routes[] = {
    {"GET", "/v1/zones", api_zones, false},
    {"GET", ZONE "/rrsets", api_sets, false},
    {"POST", ZONE "/rrsets", api_create, false},
    {"DELETE", ZONE "/rrsets/:name/:type", api_delete, false},
    {"POST", ZONE "/rrsets/:name/:type/actions/:verb", api_act, false},
    {"GET", "/v1/actions/:id", api_action, false},
};
static bool ready(void *ctx)
{
	struct api *api = ctx;
	const char *mode = getenv("HETZNER_MODE");
	api->token = provider_secret("hetzner", "HCLOUD_TOKEN");
	api->asked_most = http_number(getenv("HETZNER_RATE"), 3600);
	api->pending_ms = http_number(getenv("HETZNER_ACTION_MS"), 600);
	api->readonly = getenv("HETZNER_READONLY") != NULL;
	api->mode = mode ? mode : "primary";
	return api->token != NULL;
}

int main(int argc, char **argv)
{
	static struct api api;
	const struct provider provider = {
	    .name = "hetzner",
	    .routes = routes,
	    .routes_count = sizeof(routes) / sizeof(*routes),
	    .before = api_admit,
	    .missing = api_missing,
	    .ready = ready,
	    .ctx = &api,
	    .knot = &api.knot,
	    .state_path = &api.state_path,
	    .zone_id = api.zone_id,
	    .known = &api.known,
	};
	return provider_run(argc, argv, &provider);
}
