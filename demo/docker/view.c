/* docker inspect: the object that Docker shows of a container. */
#include "demo/docker/cmds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cJSON *copy_or_new(const cJSON *container, const char *key)
{
	cJSON *copy = cJSON_Duplicate(cJSON_GetObjectItem(container, key), 1);
	return copy ? copy : cJSON_CreateObject();
}

static cJSON *view_state(const cJSON *container)
{
	const char *status = text_of(container, "status"), *health = text_of(container, "health");
	cJSON *state = cJSON_CreateObject();
	text_set(state, "Status", status);
	cJSON_AddBoolToObject(state, "Running", is_running(container));
	cJSON_AddBoolToObject(state, "Paused", 0);
	cJSON_AddBoolToObject(state, "Restarting", !strcmp(status, "restarting"));
	cJSON_AddBoolToObject(state, "OOMKilled", 0);
	cJSON_AddBoolToObject(state, "Dead", 0);
	number_set(state, "Pid", number_of(container, "pid"));
	number_set(state, "ExitCode", is_running(container) ? 0 : number_of(container, "exit_code"));
	text_set(state, "Error", "");
	text_set(state, "StartedAt", text_of(container, "started_at"));
	text_set(state, "FinishedAt", text_of(container, "finished_at"));
	if (*health)
		text_set(cJSON_AddObjectToObject(state, "Health"), "Status", health);
	return state;
}

static cJSON *view_ports(const cJSON *container)
{
	char port[16];
	cJSON *ports = cJSON_CreateObject();
	const char *inside = text_of(container, "inside_port");
	if (!*inside)
		return ports;
	if (!is_running(container) || !number_of(container, "port"))
		return ports;
	cJSON *list = cJSON_AddArrayToObject(ports, inside), *one = cJSON_CreateObject();
	snprintf(port, sizeof port, "%lld", number_of(container, "port"));
	text_set(one, "HostIp", text_of(container, "host_ip"));
	text_set(one, "HostPort", port);
	cJSON_AddItemToArray(list, one);
	return ports;
}

static cJSON *view_network(const cJSON *container)
{
	char network_id[65];
	cJSON *settings = cJSON_CreateObject();
	cJSON_AddItemToObject(settings, "Ports", view_ports(container));
	cJSON *kamal = cJSON_AddObjectToObject(cJSON_AddObjectToObject(settings, "Networks"), "kamal");
	int up = is_running(container);
	image_id("network kamal", network_id);
	cJSON_AddNullToObject(kamal, "IPAMConfig");
	cJSON *aliases = cJSON_AddArrayToObject(kamal, "Aliases");
	cJSON_AddItemToArray(aliases, cJSON_CreateString(text_of(container, "name")));
	text_set(kamal, "NetworkID", network_id);
	text_set(kamal, "Gateway", up ? "127.0.0.1" : "");
	text_set(kamal, "IPAddress", up ? text_of(container, "host_ip") : "");
	number_set(kamal, "IPPrefixLen", up ? 8 : 0);
	return settings;
}

static cJSON *view_config(const cJSON *container)
{
	cJSON *config = cJSON_CreateObject();
	char host[13];
	snprintf(host, sizeof host, "%.12s", text_of(container, "id"));
	text_set(config, "Hostname", host);
	cJSON_AddBoolToObject(config, "Tty", 0);
	cJSON *env = cJSON_Duplicate(cJSON_GetObjectItem(container, "env"), 1);
	cJSON_AddItemToObject(config, "Env", env ? env : cJSON_CreateArray());
	cJSON *command = cJSON_Duplicate(cJSON_GetObjectItem(container, "command"), 1);
	cJSON_AddItemToObject(config, "Cmd", command ? command : cJSON_CreateArray());
	text_set(config, "Image", text_of(container, "image"));
	text_set(config, "WorkingDir", "/");
	cJSON_AddItemToObject(config, "Labels", copy_or_new(container, "labels"));
	return config;
}

static cJSON *view_host_config(const cJSON *container)
{
	cJSON *host = cJSON_CreateObject(), *restart = cJSON_CreateObject(), *log = cJSON_CreateObject();
	text_set(restart, "Name", text_of(container, "restart"));
	number_set(restart, "MaximumRetryCount", 0);
	text_set(log, "Type", "json-file");
	text_set(cJSON_AddObjectToObject(log, "Config"), "max-size", "10m");
	text_set(host, "NetworkMode", "kamal");
	cJSON_AddItemToObject(host, "RestartPolicy", restart);
	cJSON_AddItemToObject(host, "LogConfig", log);
	return host;
}

static cJSON *view_mounts(const cJSON *container)
{
	cJSON *mounts = cJSON_CreateArray();
	if (!strcmp(text_of(container, "kind"), "postgres")) {
		cJSON *mount = cJSON_CreateObject();
		text_set(mount, "Type", "bind");
		text_set(mount, "Source", world_get("PG_DATA"));
		text_set(mount, "Destination", "/var/lib/postgresql/data");
		text_set(mount, "Mode", "");
		cJSON_AddBoolToObject(mount, "RW", 1);
		cJSON_AddItemToArray(mounts, mount);
	}
	return mounts;
}

cJSON *view_inspect(const cJSON *container)
{
	char text[PATH_MAX], image[65];
	cJSON *view = cJSON_CreateObject(), *command = cJSON_GetObjectItem(container, "command");
	text_set(view, "Id", text_of(container, "id"));
	text_set(view, "Created", text_of(container, "created_at"));
	const char *path = cJSON_GetStringValue(cJSON_GetArrayItem(command, 0));
	text_set(view, "Path", path ? path : "");
	cJSON *args = cJSON_AddArrayToObject(view, "Args");
	for (int i = 1; i < cJSON_GetArraySize(command); i++)
		cJSON_AddItemToArray(args, cJSON_Duplicate(cJSON_GetArrayItem(command, i), 1));
	cJSON_AddItemToObject(view, "State", view_state(container));
	image_id(text_of(container, "image"), image);
	snprintf(text, sizeof text, "sha256:%s", image);
	text_set(view, "Image", text);
	text_set(view, "LogPath", store_path(text, "logs/%s.log", text_of(container, "id")));
	snprintf(text, sizeof text, "/%s", text_of(container, "name"));
	text_set(view, "Name", text);
	number_set(view, "RestartCount", number_of(container, "restart_count"));
	text_set(view, "Driver", "overlay2");
	text_set(view, "Platform", "linux");
	cJSON_AddItemToObject(view, "HostConfig", view_host_config(container));
	cJSON_AddItemToObject(view, "Mounts", view_mounts(container));
	cJSON_AddItemToObject(view, "Config", view_config(container));
	cJSON_AddItemToObject(view, "NetworkSettings", view_network(container));
	return view;
}

int cmd_inspect(int argc, char **argv)
{
	const char *format = NULL;
	const struct option_row rows[] = {
	    {"format", 'f', 's', &format}, {"type", 0, 'S', NULL}, {"size", 's', 'B', NULL}};
	int count = OPTIONS(rows, argc, argv, 0), status = 0;
	if (count < 1) {
		if (count == 0)
			fputs("docker: 'docker inspect' requires at least 1 argument\n", stderr);
		return count ? 125 : 1;
	}
	cJSON *all = store_load(), *shown = cJSON_CreateArray();
	for (int i = 0; i < count; i++) {
		const cJSON *container = store_find(all, argv[i]);
		if (!container) {
			fprintf(stderr, "Error: No such object: %s\n", argv[i]);
			status = 1;
			continue;
		}
		cJSON *view = view_inspect(container);
		if (format && strcmp(format, "json") != 0)
			status |= format_print(format, view, NULL, TEMPLATE_INSPECT) ? 1 : 0;
		cJSON_AddItemToArray(shown, view);
		if (format && status)
			fflush(stdout);
	}
	if (!format || !strcmp(format, "json")) {
		char *text = format ? cJSON_PrintUnformatted(shown) : cJSON_Print(shown);
		puts(text);
		free(text);
	}
	cJSON_Delete(shown);
	cJSON_Delete(all);
	return status;
}
