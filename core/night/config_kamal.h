/* What nightferry.yml need not repeat, because Kamal's deploy.yml says it. */
#ifndef CORE_NIGHT_CONFIG_KAMAL_H
#define CORE_NIGHT_CONFIG_KAMAL_H

#include "core/base/err.h"

/* JSON texts, to be freed by config_kamal_done(); NULL: not said, or written in Ruby (`<%= %>`). */
struct config_kamal {
	char *service, *roles, *address, *port, *user, *accessory;
};
/* Reads `path` (config/deploy.yml) and, over it, deploy.DESTINATION.yml beside it. -1: it cannot be read. */
int config_kamal_load(struct config_kamal *kamal, const char *path, const char *destination, struct err *err);
void config_kamal_done(struct config_kamal *kamal);

#endif
