/* docker run --detach: a container's record, from options, image and environment. */
#include "demo/docker/cmds.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct run_options {
	const char *name, *restart;
	struct texts labels, env, env_files, log_options;
	int detach;
};

static void env_set(cJSON *env, const char *entry)
{
	size_t length = strcspn(entry, "=") + 1;
	cJSON *old;
	int index = 0;
	cJSON_ArrayForEach(old, env)
	{
		if (!strncmp(old->valuestring, entry, length)) {
			cJSON_ReplaceItemInArray(env, index, cJSON_CreateString(entry));
			return;
		}
		index++;
	}
	cJSON_AddItemToArray(env, cJSON_CreateString(entry));
}

/* Docker takes the lines of an env file as they are; a bare name means the caller's own variable. */
static int env_take(cJSON *env, const char *entry)
{
	char text[8192];
	const char *value = strchr(entry, '=') ? NULL : getenv(entry);
	if (strchr(entry, '='))
		env_set(env, entry);
	else if (value && snprintf(text, sizeof text, "%s=%s", entry, value) < (int)sizeof text)
		env_set(env, text);
	return 0;
}

static int env_file(cJSON *env, const char *path)
{
	char *line = NULL;
	size_t room = 0;
	FILE *file = fopen(path, "re");
	if (!file) {
		fprintf(stderr, "docker: open %s: no such file or directory\n", path);
		return -1;
	}
	while (getline(&line, &room, file) > 0) {
		line[strcspn(line, "\n")] = 0;
		if (*line && *line != '#')
			env_take(env, line);
	}
	free(line);
	fclose(file);
	return 0;
}

static void env_default(cJSON *env, const char *key, const char *value)
{
	char text[8192];
	const cJSON *old;
	size_t length = strlen(key);
	cJSON_ArrayForEach(old, env)
	{
		if (!strncmp(old->valuestring, key, length) && old->valuestring[length] == '=')
			return;
	}
	snprintf(text, sizeof text, "%s=%s", key, value);
	cJSON_AddItemToArray(env, cJSON_CreateString(text));
}

static void id_make(char id[65])
{
	unsigned char bytes[32];
	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		abort();
	for (int i = 0; i < 32; i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

static void app_environment(cJSON *container, cJSON *env)
{
	char served[300], image[256];
	const char *name = text_of(container, "name"), *dash = strrchr(name, '-');
	const char *version = strrchr(text_of(container, "image"), ':');
	/* The header that tells the two sides apart shows the version short, as people say it. */
	int short_length = dash && strlen(dash) > 8 ? (int)(dash - name) + 8 : (int)strlen(name);
	snprintf(served, sizeof served, "kamal %.*s", short_length, name);
	snprintf(image, sizeof image, "%s", version ? version + 1 : "");
	env_default(env, "SERVED_BY", served);
	env_default(env, "KAMAL_CONTAINER_NAME", name);
	env_default(env, "KAMAL_VERSION", image);
	env_default(env, "DATABASE_URL", world_get("NEW_DATABASE_URL"));
}

/* What the container is, from its image and labels: the database, the proxy, or the app as web or worker. */
static void kind_set(cJSON *container, cJSON *env)
{
	const char *image = text_of(container, "image");
	const char *role = text_of(cJSON_GetObjectItem(container, "labels"), "role");
	text_set(container, "host_ip", "127.0.0.1");
	if (!strncmp(image, "postgres:", 9) || strstr(image, "/postgres:")) {
		text_set(container, "kind", "postgres");
		text_set(container, "inside_port", "5432/tcp");
		number_set(container, "port", atoll(world_get("PG_PORT")));
	} else if (strstr(image, "kamal-proxy")) {
		text_set(container, "kind", "proxy");
		text_set(container, "inside_port", "80/tcp");
		text_set(container, "host_ip", "127.0.1.2");
		number_set(container, "port", atoll(world_get("HTTP_PORT")));
		text_set(cJSON_GetObjectItem(container, "labels"), "org.opencontainers.image.title",
			 "kamal-proxy");
	} else if (!strncmp(image, "redis:", 6)) {
		text_set(container, "kind", "redis");
		text_set(container, "inside_port", "6379/tcp");
	} else if (!strcmp(image, IMAGE_IMPORTED)) {
		text_set(container, "kind", "command");
	} else {
		text_set(container, "kind", "app");
		text_set(container, "inside_port", !*role || !strcmp(role, "web") ? "80/tcp" : "");
		app_environment(container, env);
	}
}

/* "10k", "10m" */
static long long bytes_parse(const char *text)
{
	char *end;
	long long n = strtoll(text, &end, 10);
	return *end == 'k' ? n << 10 : *end == 'm' ? n << 20 : *end == 'g' ? n << 30 : n;
}

static cJSON *container_make(const struct run_options *run, const char *image, int argc, char **argv)
{
	char id[65], now[40], named[256], name[32];
	cJSON *container = cJSON_CreateObject(), *env = cJSON_CreateArray();
	id_make(id);
	snprintf(name, sizeof name, "quiet_%.8s", id);
	time_now_text(now);
	text_set(container, "id", id);
	text_set(container, "name", run->name ? run->name : name);
	text_set(container, "image", image_resolve(image, named));
	text_set(container, "status", "created");
	text_set(container, "wanted", "stopped");
	text_set(container, "restart", run->restart ? run->restart : "no");
	text_set(container, "created_at", now);
	text_set(container, "started_at", "0001-01-01T00:00:00Z");
	text_set(container, "finished_at", "0001-01-01T00:00:00Z");
	cJSON *labels = cJSON_AddObjectToObject(container, "labels");
	for (int i = 0; i < run->labels.count; i++) {
		char key[256];
		const char *label = run->labels.item[i];
		size_t length = strcspn(label, "=");
		snprintf(key, sizeof key, "%.*s", (int)length, label);
		text_set(labels, key, label[length] ? label + length + 1 : "");
	}
	for (int i = 0; i < run->log_options.count; i++)
		if (!strncmp(run->log_options.item[i], "max-size=", 9))
			number_set(container, "log_max_bytes", bytes_parse(run->log_options.item[i] + 9));
	for (int i = 0; i < run->env_files.count; i++) {
		if (env_file(env, run->env_files.item[i])) {
			cJSON_Delete(container);
			cJSON_Delete(env);
			return NULL;
		}
	}
	for (int i = 0; i < run->env.count; i++)
		env_take(env, run->env.item[i]);
	kind_set(container, env);
	cJSON_AddItemToObject(container, "env", env);
	cJSON *command = cJSON_AddArrayToObject(container, "command");
	for (int i = 0; i < argc; i++)
		cJSON_AddItemToArray(command, cJSON_CreateString(argv[i]));
	if (!argc) {
		const char *kind = text_of(container, "kind");
		const char *usual = *kind == 'p'   ? (kind[1] == 'o' ? "postgres" : "kamal-proxy")
				    : *kind == 'r' ? "redis-server"
						   : "bin/server";
		cJSON_AddItemToArray(command, cJSON_CreateString(usual));
	}
	return container;
}

static int container_add(const cJSON *container)
{
	int lock = store_lock();
	cJSON *all = store_load(), *clash = store_find(all, text_of(container, "name"));
	if (clash)
		fprintf(stderr,
			"docker: Error response from daemon: Conflict. The container name \"/%s\" is already "
			"in use by "
			"container \"%s\". You have to remove (or rename) that container to be able to reuse "
			"that "
			"name.\n\nRun 'docker run --help' for more information\n",
			text_of(container, "name"), text_of(clash, "id"));
	int failed = clash || store_save(container);
	if (!failed)
		event_write(container, "create", NULL, NULL);
	store_unlock(lock);
	cJSON_Delete(all);
	return failed ? -1 : 0;
}

int cmd_run(int argc, char **argv)
{
	struct run_options run = {0};
	const struct option_row rows[] = {
	    {"name", 0, 's', &run.name},
	    {"restart", 0, 's', &run.restart},
	    {"label", 'l', 'l', &run.labels},
	    {"env", 'e', 'l', &run.env},
	    {"env-file", 0, 'l', &run.env_files},
	    {"detach", 'd', 'b', &run.detach},
	    {"network", 0, 'S', NULL},
	    {"hostname", 'h', 'S', NULL},
	    {"log-opt", 0, 'l', &run.log_options},
	    {"log-driver", 0, 'S', NULL},
	    {"volume", 'v', 'S', NULL},
	    {"publish", 'p', 'S', NULL},
	    {"mount", 0, 'S', NULL},
	    {"expose", 0, 'S', NULL},
	    {"memory", 'm', 'S', NULL},
	    {"cpus", 0, 'S', NULL},
	    {"user", 'u', 'S', NULL},
	    {"workdir", 'w', 'S', NULL},
	    {"entrypoint", 0, 'S', NULL},
	    {"stop-timeout", 0, 'S', NULL},
	    {"network-alias", 0, 'S', NULL},
	    {"rm", 0, 'B', NULL},
	    {"interactive", 'i', 'B', NULL},
	    {"tty", 't', 'B', NULL},
	    {"init", 0, 'B', NULL},
	    {"pull", 0, 'S', NULL},
	    {"add-host", 0, 'S', NULL},
	    {"ulimit", 0, 'S', NULL},
	};
	int count = OPTIONS(rows, argc, argv, 1);
	if (count <= 0) {
		if (!count)
			fputs("docker: 'docker run' requires at least 1 argument\n", stderr);
		return count ? 125 : 1;
	}
	if (!run.detach) {
		fputs("docker: this stand-in runs containers with --detach only; add --detach, or use docker "
		      "exec.\n",
		      stderr);
		return 125;
	}
	cJSON *container = container_make(&run, argv[0], count - 1, argv + 1);
	if (!container || container_add(container)) {
		cJSON_Delete(container);
		return 125;
	}
	image_record(text_of(container, "image"), NULL);
	int failed = container_start(container);
	if (failed)
		fprintf(stderr, "docker: Error response from daemon: failed to start container %s\n",
			text_of(container, "name"));
	else
		puts(text_of(container, "id"));
	cJSON_Delete(container);
	return failed ? 125 : 0;
}

void image_id(const char *reference, char id[65])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	if (!EVP_Digest(reference, strlen(reference), digest, &length, EVP_sha256(), NULL))
		abort();
	for (unsigned i = 0; i < 32; i++)
		snprintf(id + 2 * i, 3, "%02x", digest[i]);
}
