/* The keys of nightferry.yml as a table; `nightferry help config` can print it. */
#ifndef CORE_NIGHT_CONFIG_KEYS_H
#define CORE_NIGHT_CONFIG_KEYS_H

#include "core/night/schema.h"

extern const struct schema config_keys[], config_kamal_keys[], config_dns_keys[];
/* `kamal:` with what Kamal's file adds to it; in config.c. */
int config_write_kamal(const struct schema_run *run, const struct yaml *map, struct jw *w, struct err *err);

#endif
