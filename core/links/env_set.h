/* The variables of one side, in this process's memory only; wiped when done with. */
#ifndef CORE_LINKS_ENV_SET_H
#define CORE_LINKS_ENV_SET_H

#include "core/base/err.h"
#include "core/base/json.h"
#include <stdbool.h>
#include <stddef.h>

struct env_var {
	char *name, *value;
};
struct env_set {
	struct env_var *list;
	size_t n;
};
/* The first of a name counts, as getenv() takes it. */
void env_set_add(struct env_set *set, const char *name, size_t name_len, const char *value, size_t value_len);
const char *env_set_get(const struct env_set *set, const char *name); /* NULL: not there */
void env_set_done(struct env_set *set);

/* Heroku's config vars: an object of strings. -1: it is something else. */
int env_set_heroku(struct env_set *set, const struct json *vars, struct err *err);
/* What docker was told: an array of "NAME=value". -1: it is something else. */
int env_set_docker(struct env_set *set, const struct json *list, struct err *err);
/* /proc/PID/environ: "NAME=value" with NULs between. */
void env_set_process(struct env_set *set, const char *data, size_t len);

#endif
