#include "demo/zone/provider.h"
#include <stdio.h>
#include <stdlib.h>

const char *provider_secret(const char *program, const char *name)
{
	const char *value = getenv(name);
	if (value && *value)
		return value;
	fprintf(stderr, "%s: set %s to what shall be valid.\n", program, name);
	return NULL;
}

int provider_run(int argc, char **argv, const struct provider *p)
{
	http_init();
	long port = argc > 3 ? http_number(argv[1], 0) : 0;
	if (argc < 4 || port < 1 || port > 65535) {
		fprintf(stderr, "usage: %s PORT KNOT_SOCKET STATE_FILE [LOG_FILE]\n", p->name);
		return 2;
	}
	p->knot->socket = argv[2];
	p->knot->zone = PROVIDER_ZONE;
	*p->state_path = argv[3];
	if (state_load(argv[3], p->zone_id, p->known) < 0) {
		perror(argv[3]);
		return 1;
	}
	if (!p->ready(p->ctx))
		return 2;
	struct http_config config = {
	    .port = (uint16_t)port,
	    .routes = p->routes,
	    .routes_count = p->routes_count,
	    .before = p->before,
	    .missing = p->missing,
	    .log_path = argc > 4 ? argv[4] : NULL,
	    .ctx = p->ctx,
	};
	if (!http_server_start(&config))
		return 1;
	http_wait();
	records_free(p->known);
	return 0;
}
