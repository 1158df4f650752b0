/* All dynos: as many of each type as the formation says, numbered as Heroku does. */
#include "demo/heroku/dyno.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { END_GRACE_MS = 2000 };

static struct dyno dynos[HEROKU_DYNOS_MAX];

static struct dyno *dyno_find(const char *name)
{
	for (size_t i = 0; i < HEROKU_DYNOS_MAX; i++)
		if (dynos[i].used && strcmp(dynos[i].name, name) == 0)
			return &dynos[i];
	return NULL;
}

static bool dyno_is(const struct dyno *d, const char *name_or_type)
{
	return d->used &&
	       (!name_or_type || strcmp(d->name, name_or_type) == 0 || strcmp(d->type, name_or_type) == 0);
}

static struct dyno *dyno_new(const char *type, int index, const char *command, const char *size)
{
	for (size_t i = 0; i < HEROKU_DYNOS_MAX; i++) {
		struct dyno *d = &dynos[i];
		if (d->used)
			continue;
		*d = (struct dyno){.used = true, .index = index, .out_fd = -1, .state = STARTING};
		d->backoff_ms = DYNO_BACKOFF_FIRST_MS;
		d->created_ms = d->changed_ms = d->start_at_ms = now_ms();
		snprintf(d->name, sizeof d->name, "%s.%d", type, index);
		snprintf(d->type, sizeof d->type, "%s", type);
		snprintf(d->command, sizeof d->command, "%s", command);
		snprintf(d->size, sizeof d->size, "%s", size);
		uuid_make(d->id);
		return d;
	}
	return NULL;
}

/* Heroku keeps the lowest numbers: web.1 .. web.N. */
static void formation_tick(void)
{
	const char *types[HEROKU_TYPES_MAX];
	size_t count = formation_types(types);

	for (size_t t = 0; t < count; t++) {
		int want = formation_quantity(types[t]);
		for (int n = 1; n <= want; n++) {
			char name[32];
			snprintf(name, sizeof name, "%s.%d", types[t], n);
			if (!dyno_find(name))
				dyno_new(types[t], n, formation_command(types[t]), formation_size(types[t]));
		}
		for (size_t i = 0; i < HEROKU_DYNOS_MAX; i++) {
			struct dyno *d = &dynos[i];
			if (d->used && !d->one_off && strcmp(d->type, types[t]) == 0 && d->index > want)
				dyno_end(d, TO_DOWN);
		}
	}
}

void dynos_tick(void)
{
	int64_t now = now_ms();

	formation_tick();
	for (size_t i = 0; i < HEROKU_DYNOS_MAX; i++)
		if (dynos[i].used)
			dyno_tick(&dynos[i], now);
}

void dynos_init(int run_seconds)
{
	struct dyno *d = dyno_new("run", 4417, "bin/rails runner Backfill.call", formation_size("web"));

	if (!d)
		return;
	d->one_off = true;
	d->ttl_ms = (int64_t)run_seconds * 1000;
}

size_t dynos_poll(struct pollfd *fds, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < HEROKU_DYNOS_MAX && count < max; i++)
		if (dynos[i].used && dynos[i].out_fd >= 0)
			fds[count++] = (struct pollfd){.fd = dynos[i].out_fd, .events = POLLIN};
	return count;
}

static bool any_alive(void)
{
	bool alive = false;

	for (size_t i = 0; i < HEROKU_DYNOS_MAX; i++) {
		struct dyno *d = &dynos[i];
		if (d->used)
			dyno_output_read(d);
		if (d->used && d->pid > 0 && waitpid(d->pid, NULL, WNOHANG) == d->pid)
			d->pid = 0;
		alive = alive || (d->used && d->pid > 0);
	}
	return alive;
}

void dynos_stop_all(void)
{
	int64_t deadline = now_ms() + END_GRACE_MS;

	for (size_t i = 0; i < HEROKU_DYNOS_MAX; i++)
		if (dynos[i].used && dynos[i].pid > 0)
			kill(dynos[i].pid, SIGTERM);
	while (any_alive() && now_ms() < deadline)
		poll(NULL, 0, 20);
	for (size_t i = 0; i < HEROKU_DYNOS_MAX; i++)
		if (dynos[i].used && dynos[i].pid > 0)
			kill(dynos[i].pid, SIGKILL);
}

void dynos_restart(const char *name_or_type)
{
	for (size_t i = 0; i < HEROKU_DYNOS_MAX; i++)
		if (dyno_is(&dynos[i], name_or_type) && (!dynos[i].one_off || name_or_type))
			dyno_end(&dynos[i], dynos[i].one_off ? TO_DOWN : TO_RESTART);
}

bool dyno_stop(const char *name_or_type)
{
	bool found = false;

	for (size_t i = 0; i < HEROKU_DYNOS_MAX; i++) {
		struct dyno *d = &dynos[i];
		if (!dyno_is(d, name_or_type))
			continue;
		found = true;
		/* The formation still wants it: Heroku, too, starts a stopped dyno again unless it is a
		 * one-off. */
		dyno_end(d, d->one_off ? TO_DOWN : TO_RESTART);
	}
	return found;
}

bool dyno_crash(const char *name)
{
	struct dyno *d = dyno_find(name);

	return d && d->pid > 0 && kill(d->pid, SIGKILL) == 0;
}

const char *dyno_run(const char *type, const char *command, const char *size, double ttl_s)
{
	char digits[9], name[32];
	int index;
	struct dyno *d;

	do {
		hex_make(digits, 8);
		index = 1000 + (int)(strtoul(digits, NULL, 16) % 9000);
		snprintf(name, sizeof name, "%s.%d", type, index);
	} while (dyno_find(name));
	d = dyno_new(type, index, command, size);
	if (!d)
		return NULL;
	d->one_off = true;
	d->ttl_ms = (int64_t)(ttl_s * 1000);
	return d->name;
}

static cJSON *one_json(const struct dyno *d)
{
	cJSON *json = cJSON_CreateObject(), *release;
	char at[HEROKU_STAMP_SIZE];

	cJSON_AddNullToObject(json, "attach_url");
	cJSON_AddStringToObject(json, "command", d->command);
	stamp_rfc(at, d->created_ms);
	cJSON_AddStringToObject(json, "created_at", at);
	cJSON_AddStringToObject(json, "id", d->id);
	cJSON_AddStringToObject(json, "name", d->name);
	release = cJSON_AddObjectToObject(json, "release");
	cJSON_AddStringToObject(release, "id", release_id());
	cJSON_AddNumberToObject(release, "version", release_current());
	cJSON_AddItemToObject(json, "app", app_ref());
	cJSON_AddStringToObject(json, "size", d->size);
	cJSON_AddStringToObject(json, "state", DYNO_STATES[d->state]);
	cJSON_AddStringToObject(json, "type", d->type);
	stamp_rfc(at, d->changed_ms);
	cJSON_AddStringToObject(json, "updated_at", at);
	return json;
}

cJSON *dyno_json(const char *name)
{
	struct dyno *d = dyno_find(name);

	return d ? one_json(d) : NULL;
}

cJSON *dynos_json(void)
{
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; i < HEROKU_DYNOS_MAX; i++)
		if (dynos[i].used)
			cJSON_AddItemToArray(list, one_json(&dynos[i]));
	return list;
}

int dyno_pick(char name[32], bool *crashed, bool *starting)
{
	static size_t turn;

	*crashed = *starting = false;
	for (size_t k = 0; k < HEROKU_DYNOS_MAX; k++) {
		size_t i = (turn + 1 + k) % HEROKU_DYNOS_MAX;
		const struct dyno *d = &dynos[i];
		if (!d->used || strcmp(d->type, "web") != 0 || d->ending == TO_DOWN)
			continue;
		if (d->state == UP && d->port) {
			turn = i;
			memcpy(name, d->name, 32);
			return d->port;
		}
		*crashed = *crashed || d->state == CRASHED;
		*starting = *starting || d->state == STARTING;
	}
	return 0;
}
