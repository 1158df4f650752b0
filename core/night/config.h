/* nightferry.yml. Its keys, with types, defaults and help, are the table at the top of config_keys.c. */
#ifndef CORE_NIGHT_CONFIG_H
#define CORE_NIGHT_CONFIG_H

#include "core/base/err.h"
#include "core/base/json.h"
#include <stdint.h>

/* The resolved configuration: every default filled in, "env:NAME" kept as it is (no secret is ever in it),
 * `steps:` as {ID: {param: text or list}}. What is not written comes from Kamal's file: address, port, user,
 * key and jump host of `host`, service, roles and accessory of `kamal`, which also holds the rest of that
 * file (see kamal_load()) and `used`, `read`, `why`, `folder`, `command`. `hosts` lists all servers, the
 * primary one first: {name, address, port, user, key, known_hosts, proxy_jump, proxy_command, roles,
 * accessories, primary}. NULL and ERR_CONFIG "FILE:LINE:COLUMN: sentence" otherwise. Free with json_free().
 */
struct json *config_load(const char *path, struct err *err);
/* The same, with a person who can be asked; see kamal_load(). */
struct json *config_load_asking(const char *path, bool (*ask)(const char *question), struct err *err);

/* The window of the night that `now_ms` is in, that ended less than six hours ago, or that comes next; local
 * time. Returns 0, or -1 when the configuration has none. */
int config_window(const struct json *config, int64_t now_ms, int64_t *start_ms, int64_t *end_ms);

/* The name of the variable behind "env:NAME"; NULL for any other text. */
const char *config_env_name(const char *value);

#endif
