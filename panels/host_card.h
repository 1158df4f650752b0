/* The card of a container or a host, and the words the Host panel shares with it. */
#ifndef PANELS_HOST_CARD_H
#define PANELS_HOST_CARD_H

#include "panels/panel.h"

struct host_row {
	const struct host_state *host;
	const struct container_seen *container; /* NULL: the host itself */
};
/* "healthy", "crash loop", "exited 137 OOM": what counts, and its role. */
enum role host_health(const struct container_seen *c, char *out, size_t size);
/* What the proxies really send visitors to, and Kamal's lock. Returns the row after. */
int host_routes(const struct scene *scene, struct canvas *canvas, int row, int end);
void host_card_draw(const struct scene *scene, struct canvas *canvas, struct host_row row);

#endif
