/* Cloudflare for one zone of the demo world.
 *
 *   cloudflare PORT KNOT_SOCKET STATE_FILE [LOG_FILE]
 *
 * The token comes by CLOUDFLARE_API_TOKEN. CLOUDFLARE_TTL_LEAST (seconds, 60) and CLOUDFLARE_RATE (requests
 * in five minutes, 1200) bend the rules. CLOUDFLARE_EDGE (address:port) makes it the proxy of proxied names,
 * too; CLOUDFLARE_RESOLVER (address#port) tells it where their targets are. */
#include "api.h"
#include "demo/zone/provider.h"
#include <stdlib.h>

#define ZONE "/client/v4/zones/:zone"

static bool ready(void *ctx);

static const struct http_route routes[] = {
    {"GET", "/client/v4/user/tokens/verify", api_verify, false},
    {"GET", "/client/v4/zones", api_zones, false},
    {"GET", ZONE, api_zone, false},
    {"GET", ZONE "/dns_records", api_records, false},
    {"POST", ZONE "/dns_records", api_change_one, false},
    {"POST", ZONE "/dns_records/batch", api_batch, false},
    {"GET", ZONE "/dns_records/:id", api_record, false},
    {"PATCH", ZONE "/dns_records/:id", api_change_one, false},
    {"PUT", ZONE "/dns_records/:id", api_change_one, false},
    {"DELETE", ZONE "/dns_records/:id", api_change_one, false},
};
static bool ready(void *ctx)
{
	struct api *api = ctx;
	api->token = provider_secret("cloudflare", "CLOUDFLARE_API_TOKEN");
	api->rules.ttl_least = http_number(getenv("CLOUDFLARE_TTL_LEAST"), 60);
	api->asked_most = (int)http_number(getenv("CLOUDFLARE_RATE"), 1200);
	record_new_id(api->account_id);
	return api->token && edge_start(api);
}

int main(int argc, char **argv)
{
	static struct api api = {.rules.zone = PROVIDER_ZONE};
	const struct provider provider = {
	    .name = "cloudflare",
	    .routes = routes,
	    .routes_count = sizeof(routes) / sizeof(*routes),
	    .before = api_admit,
	    .missing = api_no_route,
	    .ready = ready,
	    .ctx = &api,
	    .knot = &api.knot,
	    .state_path = &api.state_path,
	    .zone_id = api.zone_id,
	    .known = &api.known,
	};
	return provider_run(argc, argv, &provider);
}
