/* docker exec: a command beside a container's own, which outlives the docker that began it. */
#include "demo/docker/cmds.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void environment(const cJSON *container, const struct texts *extra)
{
	char root[PATH_MAX], path[2 * PATH_MAX + 128], *kept_state = strdup(getenv("DOCKER_STATE"));
	const cJSON *entry;
	int postgres = !strcmp(text_of(container, "kind"), "postgres");
	rootfs_path(container, root);
	snprintf(path, sizeof path,
		 "%s/usr/local/bin:%s%s/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", root,
		 postgres ? world_get("PG_BIN") : "", postgres ? ":" : "");
	const char *world = getenv("NIGHTFERRY_WORLD");
	char *kept_world = world ? strdup(world) : NULL;
	clearenv();
	setenv("DOCKER_STATE", kept_state, 1);
	if (kept_world)
		setenv("NIGHTFERRY_WORLD", kept_world, 1);
	free(kept_world);
	setenv("DOCKER_CONTAINER", text_of(container, "id"), 1);
	free(kept_state);
	setenv("PATH", path, 1);
	snprintf(path, sizeof path, "%s/root", root);
	setenv("HOME", path, 1);
	if (postgres) {
		setenv("PGHOST", "127.0.0.1", 1);
		setenv("PGPORT", world_get("PG_PORT"), 1);
		setenv("PGUSER", "shop", 1);
		/* The image trusts local connections; the cluster behind it asks for a password. */
		setenv("PGPASSWORD", world_get("PG_PASSWORD"), 1);
	}
	cJSON_ArrayForEach(entry, cJSON_GetObjectItem(container, "env"))
	{
		char *equals = strchr(entry->valuestring, '=');
		char *key = strndup(entry->valuestring, (size_t)(equals - entry->valuestring));
		setenv(key, equals + 1, 1);
		free(key);
	}
	for (int i = 0; i < extra->count; i++) {
		char *copy = strdup(extra->item[i]);
		putenv(copy);
	}
}

static int command_missing(const char *name)
{
	char path[PATH_MAX];
	if (strchr(name, '/'))
		return access(name, X_OK) != 0;
	for (const char *at = getenv("PATH"); at && *at; at += strcspn(at, ":"), at += *at == ':') {
		snprintf(path, sizeof path, "%.*s/%s", (int)strcspn(at, ":"), at, name);
		if (!access(path, X_OK))
			return 0;
	}
	return 1;
}

static void become(char **argv)
{
	struct sigaction usual = {.sa_handler = SIG_DFL};
	sigaction(SIGPIPE, &usual, NULL);
	sigaction(SIGHUP, &usual, NULL);
	execvp(argv[0], argv);
	_exit(errno == ENOENT ? 127 : 126);
}

static int detached(char **argv)
{
	pid_t pid = fork();
	if (pid == 0) {
		setsid();
		if (fork())
			_exit(0);
		int null = open("/dev/null", O_RDWR);
		dup2(null, 0), dup2(null, 1), dup2(null, 2);
		close_range(3, ~0U, 0);
		become(argv);
	}
	waitpid(pid, NULL, 0);
	return 0;
}

/* Hands on what is in the pipe. When nobody listens any more it is thrown away, as by docker's daemon. */
static int relay(int from, int to)
{
	static char bytes[65536];
	ssize_t got = read(from, bytes, sizeof bytes);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 1;
	for (ssize_t sent = 0; sent < got;) {
		ssize_t more = write(to, bytes + sent, (size_t)(got - sent));
		if (more < 0 && errno == EAGAIN) {
			struct pollfd ready = {.fd = to, .events = POLLOUT};
			poll(&ready, 1, 1000);
		} else if (more < 0 && errno != EINTR) {
			break;
		}
		sent += more > 0 ? more : 0;
	}
	return got > 0;
}

static int status_of(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

/* Runs between docker and the command, so that the command outlives a docker whose session is lost. */
static int between(char **argv, int interactive)
{
	int pipes[2][2], status = 0, ended = 0;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	setsid();
	if (pipe2(pipes[0], O_CLOEXEC) || pipe2(pipes[1], O_CLOEXEC))
		return 126;
	pid_t pid = fork();
	if (pid == 0) {
		if (!interactive)
			dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
		dup2(pipes[0][1], 1);
		dup2(pipes[1][1], 2);
		become(argv);
	}
	close(0);
	struct pollfd fds[2];
	for (int i = 0; i < 2; i++) {
		close(pipes[i][1]);
		fcntl(pipes[i][0], F_SETFL, O_NONBLOCK);
		fds[i] = (struct pollfd){.fd = pipes[i][0], .events = POLLIN};
	}
	while (!ended || fds[0].fd >= 0 || fds[1].fd >= 0) {
		int open_ends = (fds[0].fd >= 0) + (fds[1].fd >= 0);
		if (!open_ends) {
			waitpid(pid, &status, 0);
			break;
		}
		int ready = poll(fds, 2, ended ? 0 : 100);
		for (int i = 0; i < 2; i++)
			if (ready > 0 && fds[i].fd >= 0 && fds[i].revents && !relay(fds[i].fd, i + 1))
				fds[i].fd = -1;
		if (ended && ready <= 0)
			break;
		ended = ended || waitpid(pid, &status, WNOHANG) == pid;
	}
	return status_of(status);
}

static int attached(char **argv, int interactive)
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0)
		_exit(between(argv, interactive));
	waitpid(pid, &status, 0);
	return status_of(status);
}

static int run_in(const cJSON *container, int count, char **argv, const struct texts *extra, int modes)
{
	char root[PATH_MAX], **translated = calloc((size_t)count + 1, sizeof *translated);
	for (int i = 0; i < count; i++)
		translated[i] = argument_translate(container, argv[i]);
	environment(container, extra);
	if (chdir(rootfs_path(container, root)))
		return 126;
	if (command_missing(translated[0])) {
		fprintf(
		    stderr,
		    "OCI runtime exec failed: exec failed: unable to start container process: exec: \"%s\": "
		    "executable file not found in $PATH: unknown\n",
		    argv[0]);
		return 127;
	}
	fflush(NULL);
	if (modes & 4)
		return detached(translated);
	if (modes & 2)
		become(translated);
	return attached(translated, modes & 1);
}

int cmd_exec(int argc, char **argv)
{
	int interactive = 0, tty = 0, detach = 0;
	struct texts extra = {0};
	const struct option_row rows[] = {
	    {"interactive", 'i', 'b', &interactive},
	    {"tty", 't', 'b', &tty},
	    {"detach", 'd', 'b', &detach},
	    {"user", 'u', 'S', NULL},
	    {"env", 'e', 'l', &extra},
	    {"workdir", 'w', 'S', NULL},
	    {"privileged", 0, 'B', NULL},
	};
	int count = OPTIONS(rows, argc, argv, 1);
	if (count < 2) {
		if (count >= 0)
			fputs("docker: 'docker exec' requires at least 2 arguments\n", stderr);
		return count < 0 ? 125 : 1;
	}
	if (tty && !detach && !isatty(0)) {
		fputs("the input device is not a TTY\n", stderr);
		return 1;
	}
	cJSON *all = store_load(), *container = store_find(all, argv[0]);
	int status;
	if (!container) {
		status = no_such(argv[0]);
	} else if (strcmp(text_of(container, "status"), "running") != 0) {
		fprintf(stderr, "Error response from daemon: container %s is not running\n",
			text_of(container, "id"));
		status = 1;
	} else {
		status = run_in(container, count - 1, argv + 1, &extra,
				(interactive ? 1 : 0) | (tty ? 2 : 0) | (detach ? 4 : 0));
	}
	cJSON_Delete(all);
	return status;
}
