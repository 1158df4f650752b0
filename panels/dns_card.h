/* The raw answers of one server to every name. */
#ifndef PANELS_DNS_CARD_H
#define PANELS_DNS_CARD_H

#include "panels/panel.h"

void dns_card_draw(const struct scene *scene, struct canvas *canvas, const char *server);

#endif
