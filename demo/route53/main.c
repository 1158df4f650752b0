/* Route 53 for one zone of the demo world.
 *
 *   route53 PORT KNOT_SOCKET STATE_FILE [LOG_FILE]
 *
 * The key pair comes by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a session's token by AWS_SESSION_TOKEN.
 * ROUTE53_RATE (requests a second, 10), ROUTE53_PENDING_MS (until a change is INSYNC, 1500), ROUTE53_TWIN (a
 * second, dead zone of the name) bend the rules. ROUTE53_WEIGHTS names mod-geoip's file, ROUTE53_SECOND the
 * control socket of the second name server. */
#include "api.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZONE "/2013-04-01/hostedzone/:zone"

static const struct http_route routes[] = {
    {"GET", "/2013-04-01/hostedzonesbyname", api_zones, false},
    {"GET", ZONE "/rrset", api_sets, false},
    {"POST", ZONE "/rrset/", api_change, false},
    {"POST", ZONE "/rrset", api_change, false},
    {"GET", "/2013-04-01/change/:id", api_change_state, false},
};

int main(int argc, char **argv)
{
	http_init();
	static struct api api = {.knot.zone = "acme.example"};
	long port = argc > 3 ? http_number(argv[1], 0) : 0;
	if (argc < 4 || port < 1 || port > 65535) {
		fprintf(stderr, "usage: route53 PORT KNOT_SOCKET STATE_FILE [LOG_FILE]\n");
		return 2;
	}
	api.key_id = getenv("AWS_ACCESS_KEY_ID");
	api.key = getenv("AWS_SECRET_ACCESS_KEY");
	api.token = getenv("AWS_SESSION_TOKEN");
	if (!api.key_id || !api.key) {
		fprintf(stderr, "route53: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to what shall be "
				"valid.\n");
		return 2;
	}
	api.knot.socket = argv[2];
	api.state_path = argv[3];
	api.weights_path = getenv("ROUTE53_WEIGHTS");
	api.second_socket = getenv("ROUTE53_SECOND");
	api.rate = http_number(getenv("ROUTE53_RATE"), 10);
	api.pending_ms = http_number(getenv("ROUTE53_PENDING_MS"), 1500);
	api.twin = getenv("ROUTE53_TWIN") != NULL;
	if (state_load(api.state_path, api.zone_id, &api.known) < 0) {
		perror(api.state_path);
		return 1;
	}
	struct http_config config = {
	    .port = (uint16_t)port,
	    .routes = routes,
	    .routes_count = sizeof(routes) / sizeof(*routes),
	    .before = api_admit,
	    .missing = api_missing,
	    .log_path = argc > 4 ? argv[4] : NULL,
	    .ctx = &api,
	};
	if (!http_server_start(&config))
		return 1;
	http_wait();
	records_free(&api.known);
	return 0;
}
