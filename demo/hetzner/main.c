/* Hetzner's DNS for one zone of the demo world.
 *
 *   hetzner PORT KNOT_SOCKET STATE_FILE [LOG_FILE]
 *
 * The token comes by HCLOUD_TOKEN. HETZNER_RATE (requests an hour, 3600), HETZNER_ACTION_MS (how long a
 * change takes, 600), HETZNER_MODE (primary or secondary) and HETZNER_READONLY (any text) bend the rules. */
#include "api.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZONE "/v1/zones/:zone"

static const struct http_route routes[] = {
    {"GET", "/v1/zones", api_zones, false},
    {"GET", ZONE "/rrsets", api_sets, false},
    {"POST", ZONE "/rrsets", api_create, false},
    {"DELETE", ZONE "/rrsets/:name/:type", api_delete, false},
    {"POST", ZONE "/rrsets/:name/:type/actions/:verb", api_act, false},
    {"GET", "/v1/actions/:id", api_action, false},
};

int main(int argc, char **argv)
{
	http_init();
	static struct api api = {.knot.zone = "acme.example"};
	long port = argc > 3 ? http_number(argv[1], 0) : 0;
	if (argc < 4 || port < 1 || port > 65535) {
		fprintf(stderr, "usage: hetzner PORT KNOT_SOCKET STATE_FILE [LOG_FILE]\n");
		return 2;
	}
	api.token = getenv("HCLOUD_TOKEN");
	if (!api.token || !*api.token) {
		fprintf(stderr, "hetzner: set HCLOUD_TOKEN to the token that shall be valid.\n");
		return 2;
	}
	api.knot.socket = argv[2];
	api.state_path = argv[3];
	api.asked_most = http_number(getenv("HETZNER_RATE"), 3600);
	api.pending_ms = http_number(getenv("HETZNER_ACTION_MS"), 600);
	api.readonly = getenv("HETZNER_READONLY") != NULL;
	api.mode = getenv("HETZNER_MODE") ? getenv("HETZNER_MODE") : "primary";
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
