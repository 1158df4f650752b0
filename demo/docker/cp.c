/* docker cp, between a container's folder and the host. */
#include "demo/docker/cmds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Turns `NAME:/path` into a path on the host; 1 when it was one, 0 for a plain path, -1 without container. */
static int side_resolve(const cJSON *all, const char *side, char path[PATH_MAX])
{
	char name[256], root[PATH_MAX];
	const char *colon = strchr(side, ':');
	if (!colon || *side == '/' || *side == '.' || colon - side >= 256) {
		snprintf(path, PATH_MAX, "%s", side);
		return 0;
	}
	snprintf(name, sizeof name, "%.*s", (int)(colon - side), side);
	const cJSON *container = store_find(all, name);
	if (!container) {
		no_such(name);
		return -1;
	}
	rootfs_path(container, root);
	int length = snprintf(path, PATH_MAX, "%s%s%s", root, colon[1] == '/' ? "" : "/", colon + 1);
	return length < PATH_MAX ? 1 : -1;
}

static int folder_missing(const char *path)
{
	char folder[PATH_MAX];
	struct stat found;
	snprintf(folder, sizeof folder, "%s", path);
	char *slash = strrchr(folder, '/');
	if (!slash || slash == folder)
		return 0;
	*slash = 0;
	return stat(folder, &found) != 0;
}

static int copy_run(const char *from, const char *to)
{
	pid_t pid = fork();
	if (pid == 0) {
		execl("/bin/cp", "cp", "-R", "--reflink=auto", "--", from, to, (char *)NULL);
		_exit(127);
	}
	int status = 0;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : 1;
}

int cmd_cp(int argc, char **argv)
{
	int quiet = 0;
	const struct option_row rows[] = {
	    {"quiet", 'q', 'b', &quiet}, {"archive", 'a', 'B', NULL}, {"follow-link", 'L', 'B', NULL}};
	int count = OPTIONS(rows, argc, argv, 0);
	if (count != 2) {
		fputs(count < 0 ? "" : "docker: 'docker cp' requires 2 arguments\n", stderr);
		return count < 0 ? 125 : 1;
	}
	char from[PATH_MAX], to[PATH_MAX];
	cJSON *all = store_load();
	int from_side = side_resolve(all, argv[0], from), to_side = side_resolve(all, argv[1], to);
	cJSON_Delete(all);
	if (from_side < 0 || to_side < 0)
		return 1;
	struct stat found;
	if (from_side == to_side) {
		fputs(from_side ? "copying between containers is not supported\n"
				: "must specify at least one container source\n",
		      stderr);
		return 1;
	}
	if (stat(from, &found)) {
		if (from_side)
			fprintf(stderr,
				"Error response from daemon: Could not find the file %s in container %.*s\n",
				strchr(argv[0], ':') + 1, (int)strcspn(argv[0], ":"), argv[0]);
		else
			fprintf(stderr, "lstat %s: no such file or directory\n", from);
		return 1;
	}
	if (folder_missing(to)) {
		fprintf(stderr, "Error response from daemon: Could not find the file %s in container %.*s\n",
			to_side ? strchr(argv[1], ':') + 1 : to, (int)strcspn(argv[1], ":"), argv[1]);
		return 1;
	}
	if (copy_run(from, to))
		return 1;
	if (!quiet)
		fprintf(stderr, "Successfully copied %.3gMB to %s\n", (double)found.st_size / 1e6, argv[1]);
	return 0;
}
