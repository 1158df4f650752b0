/* The life of the database container is the life of the real cluster behind it. */
#include "demo/docker/cmds.h"

#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int owner_run(const char *script, const char *argument)
{
	struct stat data;
	if (stat(world_get("PG_DATA"), &data))
		return -1;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);
		dup2(null, 0), dup2(null, 1), dup2(null, 2);
		close_range(3, ~0U, 0);
		setsid();
		umask(077);
		/* PostgreSQL refuses to run as root; the owner of the data folder is who may. */
		if (geteuid() == 0 && (setgroups(0, NULL) || setgid(data.st_gid) || setuid(data.st_uid)))
			_exit(126);
		if (chdir(world_get("PG_DATA")))
			_exit(126);
		unsetenv("DOCKER_STATE");
		setenv("PG_BIN", world_get("PG_BIN"), 1);
		setenv("PG_LOG", world_get("PG_LOG"), 1);
		setenv("PATH", "/usr/bin:/bin", 1);
		execl("/bin/sh", "sh", "-c", script, "sh", argument, (char *)NULL);
		_exit(127);
	}
	int status = 0;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

int postgres_start(void)
{
	/* The options of the last start stand in postmaster.opts, quoted for a shell. */
	return owner_run(
	    "\"$PG_BIN/pg_ctl\" -D . status && exit 0\n"
	    "[ -n \"$PG_LOG\" ] || PG_LOG=/dev/null\n"
	    "\"$PG_BIN/pg_ctl\" -D \"$PWD\" -l \"$PG_LOG\" -w -o \"$(cut -d' ' -f2- postmaster.opts)\" start",
	    "");
}

int postgres_stop(int grace_seconds)
{
	char grace[16];
	snprintf(grace, sizeof grace, "%d", grace_seconds > 0 ? grace_seconds : 1);
	return owner_run("\"$PG_BIN/pg_ctl\" -D . -m fast -w -t \"$1\" stop || "
			 "\"$PG_BIN/pg_ctl\" -D . -m immediate -w stop",
			 grace);
}
