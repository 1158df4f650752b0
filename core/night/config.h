/* nightferry.yml. Its keys, with types, defaults and help, are the table at the top of config_keys.c. */
#ifndef CORE_NIGHT_CONFIG_H
#define CORE_NIGHT_CONFIG_H

#include "core/base/err.h"
#include "core/base/json.h"
#include <stdint.h>

/* The resolved configuration: every default filled in, "env:NAME" kept as it is (no secret is ever in it),
 * `steps:` as {ID: {param: text or list}}. Host, user, roles and accessory come from Kamal's file when they
 * are not written. NULL and ERR_CONFIG "FILE:LINE:COLUMN: sentence" otherwise. Free with json_free(). */
struct json *config_load(const char *path, struct err *err);

/* The window of the night that `now_ms` is in, that ended less than six hours ago, or that comes next; local
 * time. Returns 0, or -1 when the configuration has none. */
int config_window(const struct json *config, int64_t now_ms, int64_t *start_ms, int64_t *end_ms);

/* The name of the variable behind "env:NAME"; NULL for any other text. */
const char *config_env_name(const char *value);

#endif
