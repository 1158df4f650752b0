#include "demo/heroku/heroku.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	KILL_AFTER_S = 30,
	BOOT_LIMIT_MS = 60000,
	BOOT_SHORT_MS = 300, /* how long a dyno without a port counts as starting */
	BACKOFF_FIRST_MS = 1000,
	BACKOFF_LAST_MS = 30000,
	END_GRACE_MS = 2000,
	LINE_ROOM = 8192,
};

enum state { STARTING, UP, CRASHED };
static const char *const STATE_NAMES[] = {"starting", "up", "crashed"};
/* Why a dyno was told to stop. */
enum ending { RUNNING, TO_DOWN, TO_RESTART };

struct dyno {
	bool used, one_off;
	char name[32], type[16], size[24], command[256];
	char id[HEROKU_UUID_SIZE];
	int index, port, out_fd, backoff_ms;
	pid_t pid;
	enum state state;
	enum ending ending;
	bool termed, killed;
	int64_t created_ms, changed_ms, started_ms, stop_ms, start_at_ms, ttl_ms;
	char line[LINE_ROOM];
	size_t line_size;
};

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

static void state_set(struct dyno *d, enum state state)
{
	if (d->state != state)
		log_add("heroku", d->name, "State changed from %s to %s", STATE_NAMES[d->state],
			STATE_NAMES[state]);
	d->state = state;
	d->changed_ms = now_ms();
}

static struct dyno *dyno_new(const char *type, int index, const char *command, const char *size)
{
	for (size_t i = 0; i < HEROKU_DYNOS_MAX; i++) {
		struct dyno *d = &dynos[i];
		if (d->used)
			continue;
		*d = (struct dyno){.used = true, .index = index, .out_fd = -1, .state = STARTING};
		d->backoff_ms = BACKOFF_FIRST_MS;
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

/* Below the kernel's own range, so that no client connection can sit on it. */
static int port_free(void)
{
	for (int tries = 0; tries < 200; tries++) {
		char hex[5];
		int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		hex_make(hex, 4);
		int port = 12000 + (int)(strtol(hex, NULL, 16) % 20000);
		at.sin_port = htons((uint16_t)port);
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
		bool ok = bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
		close(fd);
		if (ok)
			return port;
	}
	return 0;
}

static bool port_answers(int port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	at.sin_port = htons((uint16_t)port);
	bool ok = connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
	close(fd);
	return ok;
}

static void env_add(char **env, size_t *count, const char *name, const char *value)
{
	if (asprintf(&env[(*count)++], "%s=%s", name, value) < 0)
		abort();
}

/* A dyno sees its config vars and little else. */
static char **env_make(const struct dyno *d)
{
	const cJSON *vars = fixture_get("config_vars"), *var;
	char **env = calloc((size_t)cJSON_GetArraySize(vars) + 10, sizeof *env), text[64];
	const char *path = getenv("PATH");
	size_t count = 0;

	if (!env)
		abort();
	cJSON_ArrayForEach(var, vars)
	{
		if (strcmp(var->string, "PATH") != 0)
			env_add(env, &count, var->string, var->valuestring);
	}
	env_add(env, &count, "PATH", path ? path : "/usr/bin:/bin");
	env_add(env, &count, "HOME", H.dir);
	env_add(env, &count, "DYNO", d->name);
	snprintf(text, sizeof text, "heroku %s", d->name);
	env_add(env, &count, "SERVED_BY", text);
	snprintf(text, sizeof text, "v%d", release_current());
	env_add(env, &count, "HEROKU_RELEASE_VERSION", text);
	if (d->port) {
		snprintf(text, sizeof text, "%d", d->port);
		env_add(env, &count, "PORT", text);
	}
	return env;
}

static void dyno_launch(struct dyno *d)
{
	char program[1024], role[8];
	char *argv[] = {program, role, NULL};
	bool web = strcmp(d->type, "web") == 0;

	snprintf(program, sizeof program, "%s/app", H.bin);
	snprintf(role, sizeof role, "%s", d->one_off ? "run" : web ? "web" : "worker");
	d->port = web ? port_free() : 0;
	d->ending = RUNNING;
	d->termed = d->killed = false;
	d->line_size = 0;
	char **env = env_make(d);
	if (d->state == CRASHED)
		state_set(d, STARTING);
	log_add("heroku", d->name, "Starting process with command `%s`", d->command);
	d->pid = child_start(argv, env, NULL, &d->out_fd);
	d->started_ms = now_ms();
	for (size_t i = 0; env[i]; i++)
		free(env[i]);
	free(env);
}

static void dyno_end(struct dyno *d, enum ending ending)
{
	if (d->ending == TO_DOWN || (d->ending == ending && d->pid > 0))
		return;
	if (d->pid <= 0) {
		/* Between two lives: only the plan changes. */
		if (ending == TO_DOWN)
			d->used = false;
		d->start_at_ms = now_ms();
		return;
	}
	if (ending == TO_RESTART) {
		log_add("heroku", d->name, "Restarting");
		state_set(d, STARTING);
	} else {
		log_add("heroku", d->name, "State changed from %s to down", STATE_NAMES[d->state]);
	}
	d->ending = ending;
	d->changed_ms = d->stop_ms = now_ms();
	d->port = 0;
}

static void line_feed(struct dyno *d, const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (data[i] != '\n' && d->line_size < LINE_ROOM - 1) {
			d->line[d->line_size++] = data[i];
			if (d->line_size < LINE_ROOM - 1)
				continue;
		}
		d->line[d->line_size] = '\0';
		if (d->line_size > 0)
			log_add("app", d->name, "%s", d->line);
		d->line_size = 0;
	}
}

static void output_read(struct dyno *d)
{
	char data[16384];
	ssize_t got;

	while (d->out_fd >= 0 && (got = read(d->out_fd, data, sizeof data)) != -1) {
		if (got == 0) {
			close(d->out_fd);
			d->out_fd = -1;
		} else {
			line_feed(d, data, (size_t)got);
		}
	}
}

/* A dyno that ended on its own: one-offs are done, the others have crashed and come back after a while. */
static void dyno_ended(struct dyno *d, int status)
{
	if (d->one_off) {
		log_add("heroku", d->name, "State changed from %s to %s", STATE_NAMES[d->state],
			status == 0 ? "complete" : "crashed");
		d->used = false;
		return;
	}
	if (now_ms() - d->started_ms > BACKOFF_LAST_MS)
		d->backoff_ms = BACKOFF_FIRST_MS;
	state_set(d, CRASHED);
	d->start_at_ms = now_ms() + d->backoff_ms;
	d->backoff_ms = d->backoff_ms * 2 < BACKOFF_LAST_MS ? d->backoff_ms * 2 : BACKOFF_LAST_MS;
}

static void dyno_reaped(struct dyno *d, int wait_status)
{
	int status = WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);

	output_read(d);
	if (d->out_fd >= 0)
		close(d->out_fd);
	d->out_fd = -1;
	d->pid = 0;
	/* Heroku shows the signal even when the program ended well because of it. */
	if (d->termed && !d->killed)
		status = 143;
	log_add("heroku", d->name, "Process exited with status %d", status);
	if (d->ending == TO_DOWN) {
		d->used = false;
	} else if (d->ending == TO_RESTART) {
		d->start_at_ms = now_ms();
		d->ending = RUNNING;
		uuid_make(d->id);
		d->created_ms = now_ms();
	} else {
		dyno_ended(d, status);
	}
}

static void stopping_tick(struct dyno *d, int64_t now)
{
	int limit_s = H.control.kill_after_s ? H.control.kill_after_s : KILL_AFTER_S;

	if (!d->termed) {
		log_add("heroku", d->name, "Stopping all processes with SIGTERM");
		d->termed = true;
		if (!H.control.stop_slow)
			kill(d->pid, SIGTERM);
	} else if (!d->killed && now - d->stop_ms > limit_s * 1000) {
		log_add(
		    "heroku", d->name,
		    "Error R12 (Exit timeout) -> At least one process failed to exit within %d seconds of "
		    "SIGTERM",
		    limit_s);
		log_add("heroku", d->name, "Stopping remaining processes with SIGKILL");
		d->killed = true;
		kill(d->pid, SIGKILL);
	}
}

static void dyno_tick(struct dyno *d, int64_t now)
{
	int status;

	output_read(d);
	if (d->pid > 0 && waitpid(d->pid, &status, WNOHANG) == d->pid) {
		dyno_reaped(d, status);
	} else if (d->pid <= 0) {
		if (now >= d->start_at_ms)
			dyno_launch(d);
	} else if (d->ending != RUNNING) {
		stopping_tick(d, now);
	} else if (d->state == STARTING && d->port && now - d->started_ms > BOOT_LIMIT_MS) {
		log_add(
		    "heroku", d->name,
		    "Error R10 (Boot timeout) -> Web process failed to bind to $PORT within 60 seconds of "
		    "launch");
		d->killed = true;
		kill(d->pid, SIGKILL);
	} else if (d->state == STARTING &&
		   (d->port ? port_answers(d->port) : now - d->started_ms > BOOT_SHORT_MS)) {
		state_set(d, UP);
	} else if (d->ttl_ms && now - d->started_ms > d->ttl_ms) {
		dyno_end(d, TO_DOWN);
	}
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
			output_read(d);
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
	cJSON_AddStringToObject(json, "state", STATE_NAMES[d->state]);
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
