#include "demo/heroku/dyno.h"

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
};

const char *const DYNO_STATES[] = {"starting", "up", "crashed"};

static void state_set(struct dyno *d, enum dyno_state state)
{
	if (d->state != state)
		log_add("heroku", d->name, "State changed from %s to %s", DYNO_STATES[d->state],
			DYNO_STATES[state]);
	d->state = state;
	d->changed_ms = now_ms();
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
	char program[1024], role[8], sleeps[] = "sleep", forever[] = "infinity";
	char *argv[] = {program, role, NULL}, *waits[] = {sleeps, forever, NULL};
	bool web = strcmp(d->type, "web") == 0, light = !d->one_off && d->index >= DYNO_LIGHT_FROM;

	snprintf(program, sizeof program, "%s/app", H.bin);
	snprintf(role, sizeof role, "%s", d->one_off ? "run" : web ? "web" : "worker");
	d->port = web && !light ? port_free() : 0;
	d->ending = RUNNING;
	d->termed = d->killed = false;
	d->line_size = 0;
	char **env = env_make(d);
	if (d->state == CRASHED)
		state_set(d, STARTING);
	log_add("heroku", d->name, "Starting process with command `%s`", d->command);
	d->pid = child_start(light ? waits : argv, env, NULL, &d->out_fd);
	d->started_ms = now_ms();
	for (size_t i = 0; env[i]; i++)
		free(env[i]);
	free(env);
}

void dyno_end(struct dyno *d, enum dyno_ending ending)
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
		log_add("heroku", d->name, "State changed from %s to down", DYNO_STATES[d->state]);
	}
	d->ending = ending;
	d->changed_ms = d->stop_ms = now_ms();
	d->port = 0;
}

static void line_feed(struct dyno *d, const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (data[i] != '\n' && d->line_size < DYNO_LINE_ROOM - 1) {
			d->line[d->line_size++] = data[i];
			if (d->line_size < DYNO_LINE_ROOM - 1)
				continue;
		}
		d->line[d->line_size] = '\0';
		if (d->line_size > 0)
			log_add("app", d->name, "%s", d->line);
		d->line_size = 0;
	}
}

void dyno_output_read(struct dyno *d)
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
		log_add("heroku", d->name, "State changed from %s to %s", DYNO_STATES[d->state],
			status == 0 ? "complete" : "crashed");
		d->used = false;
		return;
	}
	if (now_ms() - d->started_ms > DYNO_BACKOFF_LAST_MS)
		d->backoff_ms = DYNO_BACKOFF_FIRST_MS;
	state_set(d, CRASHED);
	d->start_at_ms = now_ms() + d->backoff_ms;
	d->backoff_ms = d->backoff_ms * 2 < DYNO_BACKOFF_LAST_MS ? d->backoff_ms * 2 : DYNO_BACKOFF_LAST_MS;
}

static void dyno_reaped(struct dyno *d, int wait_status)
{
	int status = WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);

	dyno_output_read(d);
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

void dyno_tick(struct dyno *d, int64_t now)
{
	int status;

	dyno_output_read(d);
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
	} else if (d->state == STARTING && now - d->started_ms > H.control.boot_slow_s * 1000 &&
		   (d->port ? port_answers(d->port) : now - d->started_ms > BOOT_SHORT_MS)) {
		state_set(d, UP);
	} else if (d->ttl_ms && now - d->started_ms > d->ttl_ms) {
		dyno_end(d, TO_DOWN);
	}
}
