#include "core/links/env_set.h"
#include "core/base/text.h"
#include <stdlib.h>
#include <string.h>

static char *copy_of(const char *text, size_t len)
{
	char *copy = xmalloc(len + 1);
	memcpy(copy, text, len);
	copy[len] = 0;
	return copy;
}

void env_set_add(struct env_set *set, const char *name, size_t name_len, const char *value, size_t value_len)
{
	char *key = copy_of(name, name_len);
	if (!*key || env_set_get(set, key)) {
		free(key);
		return;
	}
	set->list = xrealloc(set->list, set->n + 1, sizeof *set->list);
	set->list[set->n++] = (struct env_var){.name = key, .value = copy_of(value, value_len)};
}

const char *env_set_get(const struct env_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->list[i].name, name) == 0)
			return set->list[i].value;
	return NULL;
}

void env_set_done(struct env_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		explicit_bzero(set->list[i].value, strlen(set->list[i].value));
		free(set->list[i].value);
		free(set->list[i].name);
	}
	free(set->list);
	*set = (struct env_set){0};
}

int env_set_heroku(struct env_set *set, const struct json *vars, struct err *err)
{
	if (!json_is_object(vars))
		return err_set(err, ERR_WORLD,
			       "Heroku's answer about the config vars was no object of names and values");
	for (const struct json *v = json_first(vars); v; v = json_next(v)) {
		const char *value = json_text(v);
		/* Heroku keeps text only; null is how it tells of a variable that was removed. */
		if (!value && !json_is_null(v))
			return err_set(err, ERR_WORLD, "Heroku told a config var that is no text");
		if (value)
			env_set_add(set, json_key(v), strlen(json_key(v)), value, strlen(value));
	}
	return 0;
}

static void add_entry(struct env_set *set, const char *entry, size_t len)
{
	const char *equals = memchr(entry, '=', len);
	if (equals)
		env_set_add(set, entry, (size_t)(equals - entry), equals + 1,
			    len - (size_t)(equals - entry) - 1);
}

int env_set_docker(struct env_set *set, const struct json *list, struct err *err)
{
	/* A container without any variable has null. */
	if (!json_is_array(list) && !json_is_null(list))
		return err_set(err, ERR_WORLD, "docker's answer about a container's variables was no list");
	for (const struct json *e = json_first(list); e; e = json_next(e)) {
		if (!json_text(e))
			return err_set(err, ERR_WORLD, "docker told a variable that is no text");
		add_entry(set, json_text(e), strlen(json_text(e)));
	}
	return 0;
}

void env_set_process(struct env_set *set, const char *data, size_t len)
{
	while (len) {
		size_t one = strnlen(data, len);
		add_entry(set, data, one);
		one += one < len;
		data += one;
		len -= one;
	}
}
