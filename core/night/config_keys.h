/* The keys of nightferry.yml as a table; `nightferry help config` can print it. */
#ifndef CORE_NIGHT_CONFIG_KEYS_H
#define CORE_NIGHT_CONFIG_KEYS_H

#include "core/night/schema.h"

extern const struct schema config_keys[];

#endif
