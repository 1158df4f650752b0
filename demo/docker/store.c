#include "demo/docker/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
	char dir[PATH_MAX];
	cJSON *world;
} store;

char *store_path(char path[PATH_MAX], const char *format, ...)
{
	int used = snprintf(path, PATH_MAX, "%s/", store.dir);
	if (used < 0 || used >= PATH_MAX)
		abort();
	va_list args;
	va_start(args, format);
	vsnprintf(path + used, (size_t)(PATH_MAX - used), format, args);
	va_end(args);
	return path;
}

static cJSON *world_read(FILE *file)
{
	cJSON *world = cJSON_CreateObject();
	char *line = NULL;
	size_t room = 0;
	while (getline(&line, &room, file) > 0) {
		line[strcspn(line, "\n")] = 0;
		char *equals = strchr(line, '=');
		if (!equals)
			continue;
		*equals = 0;
		text_set(world, line, equals + 1);
	}
	free(line);
	return world;
}

int store_open(void)
{
	const char *dir = getenv("DOCKER_STATE");
	char path[PATH_MAX];
	FILE *file = NULL;
	if (dir && strlen(dir) < sizeof store.dir - 100) {
		snprintf(store.dir, sizeof store.dir, "%s", dir);
		file = fopen(store_path(path, "world"), "re");
	}
	if (!file) {
		fputs("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker "
		      "daemon running?\n",
		      stderr);
		return -1;
	}
	store.world = world_read(file);
	fclose(file);
	mkdir(store_path(path, "containers"), 0700);
	mkdir(store_path(path, "logs"), 0700);
	return 0;
}

const char *world_get(const char *key)
{
	return text_of(store.world, key);
}

int store_lock(void)
{
	char path[PATH_MAX];
	int fd = open(store_path(path, "lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	while (fd >= 0 && flock(fd, LOCK_EX) && errno == EINTR)
		;
	return fd;
}

void store_unlock(int lock_fd)
{
	if (lock_fd >= 0)
		close(lock_fd);
}

static long long postmaster_pid(void)
{
	char path[PATH_MAX];
	long long pid = 0;
	snprintf(path, sizeof path, "%s/postmaster.pid", world_get("PG_DATA"));
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%lld", &pid) != 1)
		pid = 0;
	fclose(file);
	return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM) ? pid : 0;
}

/* A holder or a postmaster may have been killed behind docker's back: what runs decides, not the file. */
static void container_correct(cJSON *container)
{
	if (!strcmp(text_of(container, "kind"), "postgres")) {
		long long pid = postmaster_pid();
		number_set(container, "pid", pid);
		if (pid)
			text_set(container, "status", "running");
		else if (is_running(container))
			text_set(container, "status", "exited");
		return;
	}
	if (!is_running(container))
		return;
	pid_t holder = (pid_t)number_of(container, "holder");
	if (holder > 0 && kill(holder, 0) == 0)
		return;
	text_set(container, "status", "exited");
	number_set(container, "exit_code", 137);
	number_set(container, "pid", 0);
}

static cJSON *file_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat stat;
	if (fd < 0)
		return NULL;
	cJSON *container = NULL;
	if (fstat(fd, &stat) == 0 && stat.st_size > 0) {
		char *text = calloc(1, (size_t)stat.st_size + 1);
		if (text && read(fd, text, (size_t)stat.st_size) == stat.st_size)
			container = cJSON_Parse(text);
		free(text);
	}
	close(fd);
	if (container)
		container_correct(container);
	return container;
}

static int newest_first(const void *a, const void *b)
{
	const cJSON *left = *(const cJSON *const *)a, *right = *(const cJSON *const *)b;
	return strcmp(text_of(right, "created_at"), text_of(left, "created_at"));
}

cJSON *store_load(void)
{
	char path[PATH_MAX];
	cJSON *found[256], *all = cJSON_CreateArray();
	size_t count = 0;
	DIR *dir = opendir(store_path(path, "containers"));
	for (struct dirent *entry; dir && count < 256 && (entry = readdir(dir));) {
		size_t length = strlen(entry->d_name);
		if (length != 69)
			continue;
		cJSON *container = file_read(store_path(path, "containers/%s", entry->d_name));
		if (container)
			found[count++] = container;
	}
	if (dir)
		closedir(dir);
	qsort(found, count, sizeof *found, newest_first);
	for (size_t i = 0; i < count; i++)
		cJSON_AddItemToArray(all, found[i]);
	return all;
}

cJSON *store_get(const char *id)
{
	char path[PATH_MAX];
	return file_read(store_path(path, "containers/%s.json", id));
}

int store_save(const cJSON *container)
{
	char path[PATH_MAX], draft[PATH_MAX];
	const char *id = text_of(container, "id");
	store_path(path, "containers/%s.json", id);
	store_path(draft, "containers/.%s.%d", id, (int)getpid());
	char *text = cJSON_Print(container);
	int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t length = strlen(text);
	int failed = fd < 0 || write(fd, text, length) != (ssize_t)length || rename(draft, path);
	if (fd >= 0)
		close(fd);
	free(text);
	return failed ? -1 : 0;
}

void store_remove(const char *id)
{
	char path[PATH_MAX];
	unlink(store_path(path, "containers/%s.json", id));
	unlink(store_path(path, "logs/%s.log", id));
	unlink(store_path(path, "logs/%s.log.1", id));
}

cJSON *store_find(const cJSON *all, const char *ref)
{
	cJSON *container, *found = NULL;
	if (*ref == '/')
		ref++;
	size_t length = strlen(ref);
	cJSON_ArrayForEach(container, all)
	{
		if (!strcmp(text_of(container, "name"), ref) || !strcmp(text_of(container, "id"), ref))
			return container;
	}
	cJSON_ArrayForEach(container, all)
	{
		if (!length || strncmp(text_of(container, "id"), ref, length))
			continue;
		if (found)
			return NULL;
		found = container;
	}
	return found;
}
