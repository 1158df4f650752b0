/*
 * A container's filesystem is the folder ROOTS/NAME on the host, and no namespace stands behind it. So the
 * paths, the port and the host name in an exec'd command are put into the host's terms before it runs.
 */
#include "demo/docker/cmds.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const own_folders[] = {
    "/tmp",  "/backups", "/backup",      "/dumps",   "/dump", "/restore", "/root",
    "/home", "/mnt",     "/var/backups", "/var/tmp", "/srv",  "/data",    "/var/lib/postgresql"};

char *rootfs_path(const cJSON *container, char path[PATH_MAX])
{
	static const char *const skeleton[] = {"",     "/tmp",       "/backups",      "/root",
					       "/usr", "/usr/local", "/usr/local/bin"};
	char folder[PATH_MAX + 32];
	snprintf(path, PATH_MAX, "%s/%s", world_get("ROOTS"), text_of(container, "name"));
	for (size_t i = 0; i < sizeof skeleton / sizeof *skeleton; i++) {
		snprintf(folder, sizeof folder, "%s%s", path, skeleton[i]);
		mkdir(folder, 0755);
	}
	return path;
}

static int is_own(const char *root, const char *token, size_t length)
{
	char path[PATH_MAX];
	struct stat found;
	for (size_t i = 0; i < sizeof own_folders / sizeof *own_folders; i++) {
		size_t prefix = strlen(own_folders[i]);
		if (length >= prefix && !strncmp(token, own_folders[i], prefix) &&
		    (length == prefix || token[prefix] == '/'))
			return 1;
	}
	/* What `docker cp` put elsewhere is found because it is there. */
	if (snprintf(path, sizeof path, "%s%.*s", root, (int)length, token) >= (int)sizeof path)
		return 0;
	return !stat(path, &found) && S_ISREG(found.st_mode);
}

static size_t path_write(FILE *out, const cJSON *container, const char *root, const char *at)
{
	size_t length = 0;
	const char *world = world_get("WORLD");
	while (at[length] && (isalnum((unsigned char)at[length]) || strchr("/._-+@%~", at[length])))
		length++;
	if (*world && !strncmp(at, world, strlen(world)))
		fwrite(at, 1, length, out);
	else if (!strncmp(at, "/proc/1/", 8) && number_of(container, "pid"))
		fprintf(out, "/proc/%lld%.*s", number_of(container, "pid"), (int)length - 7, at + 7);
	else
		fprintf(out, "%s%.*s", is_own(root, at, length) ? root : "", (int)length, at);
	return length;
}

static int comes_after(const char *argument, const char *at, const char *word)
{
	size_t length = strlen(word);
	return (size_t)(at - argument) >= length && !strncmp(at - length, word, length);
}

static int is_address(const char *argument, const char *at, const char *word, const char *const *before)
{
	size_t length = strlen(word);
	if (strncmp(at, word, length) || isalnum((unsigned char)at[length]))
		return 0;
	if (at == argument && !at[length])
		return 1;
	for (; *before; before++)
		if (comes_after(argument, at, *before))
			return 1;
	return 0;
}

char *argument_translate(const cJSON *container, const char *argument)
{
	static const char *const before_port[] = {":", "-p", "-p ", "port=", "--port ", NULL};
	static const char *const before_host[] = {"@", "-h", "-h ", "host=", "--host ", NULL};
	char root[PATH_MAX], *text = NULL;
	size_t size = 0;
	int postgres = !strcmp(text_of(container, "kind"), "postgres");
	const char *name = text_of(container, "name");
	FILE *out = open_memstream(&text, &size);
	rootfs_path(container, root);
	for (const char *at = argument; *at;) {
		int edge = at == argument || strchr(" \t\n'\"=:;<>(){}|&,`@", at[-1]);
		if (edge && *at == '/' && at[1] != '/') {
			at += path_write(out, container, root, at);
		} else if (postgres && is_address(argument, at, "5432", before_port)) {
			fputs(world_get("PG_PORT"), out);
			at += 4;
		} else if (postgres && is_address(argument, at, name, before_host)) {
			fputs("127.0.0.1", out);
			at += strlen(name);
		} else {
			fputc(*at++, out);
		}
	}
	fclose(out);
	return text;
}
