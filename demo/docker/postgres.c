/* The life of the database container is the life of the real cluster behind it. */
#include "demo/docker/cmds.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { START_MS = 20000, LOOK_MS = 30 };

static int server_look(int *ready)
{
	char path[PATH_MAX], line[1024];
	int pid = 0;
	snprintf(path, sizeof path, "%s/postmaster.pid", world_get("PG_DATA"));
	FILE *file = fopen(path, "re");
	*ready = 0;
	for (int i = 0; file && fgets(line, sizeof line, file); i++) {
		if (i == 0)
			pid = atoi(line);
		*ready |= i > 0 && !strncmp(line, "ready", 5);
	}
	if (file)
		fclose(file);
	return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM) ? pid : 0;
}

/* PostgreSQL refuses to run as root; the owner of the data folder is who may. */
static void server_become(const struct stat *data, int log)
{
	char program[PATH_MAX];
	const char *path = "/usr/bin:/bin";
	setsid();
	dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
	dup2(log, 1);
	dup2(log, 2);
	close_range(3, ~0U, 0);
	umask(077);
	if (geteuid() == 0 && (setgroups(0, NULL) || setgid(data->st_gid) || setuid(data->st_uid)))
		_exit(126);
	if (chdir(world_get("PG_DATA")))
		_exit(126);
	unsetenv("DOCKER_STATE");
	setenv("PATH", path, 1);
	snprintf(program, sizeof program, "%s/postgres", world_get("PG_BIN"));
	execl(program, program, "-D", world_get("PG_DATA"), (char *)NULL);
	_exit(127);
}

int postgres_start(void)
{
	struct stat data;
	int ready = 0;
	if (server_look(&ready))
		return 0;
	if (stat(world_get("PG_DATA"), &data))
		return -1;
	int log = open(world_get("PG_LOG"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		server_become(&data, log);
	close(log);
	/* Whoever started the cluster first stops it by this file at the end of the world. */
	FILE *file = fopen(world_get("PG_PIDFILE"), "we");
	if (file) {
		fprintf(file, "%d\n", (int)pid);
		fclose(file);
	}
	for (int waited_ms = 0; waited_ms < START_MS; waited_ms += LOOK_MS) {
		if (server_look(&ready) && ready)
			return 0;
		poll(NULL, 0, LOOK_MS);
	}
	return -1;
}

int postgres_stop(int grace_seconds)
{
	int ready = 0, pid = server_look(&ready);
	double quit_at = time_now() + grace_seconds;
	if (pid)
		kill(pid, SIGINT);
	for (int quit = 0; server_look(&ready); poll(NULL, 0, LOOK_MS)) {
		if (time_now() < quit_at)
			continue;
		if (quit)
			return -1;
		kill(pid, SIGQUIT);
		quit = 1;
		quit_at = time_now() + 10;
	}
	return 0;
}
