/* Route 53 for one zone of the demo world.
 *
 *   route53 PORT KNOT_SOCKET STATE_FILE [LOG_FILE]
 *
 * The key pair comes by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a session's token by AWS_SESSION_TOKEN.
 * ROUTE53_RATE (requests a second, 10), ROUTE53_PENDING_MS (until a change is INSYNC, 1500), ROUTE53_TWIN (a
 * second, dead zone of the name) bend the rules. ROUTE53_WEIGHTS names mod-geoip's file, ROUTE53_SECOND the
 * control socket of the second name server. */
#include "api.h"
#include "demo/zone/provider.h"
#include <stdlib.h>

#define ZONE "/2013-04-01/hostedzone/:zone"

static bool ready(void *ctx);

static const struct http_route routes[] = {
    {"GET", "/2013-04-01/hostedzonesbyname", api_zones, false},
    {"GET", ZONE "/rrset", api_sets, false},
    {"POST", ZONE "/rrset/", api_change, false},
    {"POST", ZONE "/rrset", api_change, false},
    {"GET", "/2013-04-01/change/:id", api_change_state, false},
};
static bool ready(void *ctx)
{
	struct api *api = ctx;
	api->key_id = provider_secret("route53", "AWS_ACCESS_KEY_ID");
	api->key = provider_secret("route53", "AWS_SECRET_ACCESS_KEY");
	api->token = getenv("AWS_SESSION_TOKEN");
	api->weights_path = getenv("ROUTE53_WEIGHTS");
	api->second_socket = getenv("ROUTE53_SECOND");
	api->rate = http_number(getenv("ROUTE53_RATE"), 10);
	api->pending_ms = http_number(getenv("ROUTE53_PENDING_MS"), 1500);
	api->twin = getenv("ROUTE53_TWIN") != NULL;
	return api->key_id && api->key;
}

int main(int argc, char **argv)
{
	static struct api api;
	const struct provider provider = {
	    .name = "route53",
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
