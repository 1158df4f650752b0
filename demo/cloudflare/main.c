/* Cloudflare for one zone of the demo world.
 *
 *   cloudflare PORT KNOT_SOCKET STATE_FILE [LOG_FILE]
 *
 * The token comes by CLOUDFLARE_API_TOKEN. CLOUDFLARE_TTL_LEAST (seconds, 60) and CLOUDFLARE_RATE (requests
 * in five minutes, 1200) bend the rules. */
#include "api.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZONE "/client/v4/zones/:zone"

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

int main(int argc, char **argv)
{
	http_init();
	static struct api api = {.knot.zone = "acme.example", .rules.zone = "acme.example"};
	long port = argc > 3 ? http_number(argv[1], 0) : 0;
	if (argc < 4 || port < 1 || port > 65535) {
		fprintf(stderr, "usage: cloudflare PORT KNOT_SOCKET STATE_FILE [LOG_FILE]\n");
		return 2;
	}
	api.token = getenv("CLOUDFLARE_API_TOKEN");
	if (!api.token || !*api.token) {
		fprintf(stderr, "cloudflare: set CLOUDFLARE_API_TOKEN to the token that shall be valid.\n");
		return 2;
	}
	api.knot.socket = argv[2];
	api.state_path = argv[3];
	api.rules.ttl_least = http_number(getenv("CLOUDFLARE_TTL_LEAST"), 60);
	api.asked_most = (int)http_number(getenv("CLOUDFLARE_RATE"), 1200);
	record_new_id(api.account_id);
	if (state_load(api.state_path, api.zone_id, &api.known) < 0) {
		perror(api.state_path);
		return 1;
	}
	struct http_config config = {
	    .port = (uint16_t)port,
	    .routes = routes,
	    .routes_count = sizeof(routes) / sizeof(*routes),
	    .before = api_admit,
	    .missing = api_no_route,
	    .log_path = argc > 4 ? argv[4] : NULL,
	    .ctx = &api,
	};
	if (!http_server_start(&config))
		return 1;
	http_wait();
	records_free(&api.known);
	return 0;
}
