/* The services, kept in a file: who serves which host, and whether it is paused. */
#include "demo/proxy/proxy.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static struct {
	pthread_mutex_t mutex;
	cJSON *all;
} services = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static const char *text_at(const cJSON *object, const char *group, const char *key)
{
	const char *text = cJSON_GetStringValue(
	    cJSON_GetObjectItem(group ? cJSON_GetObjectItem(object, group) : object, key));
	return text ? text : "";
}

static void folders_make(void)
{
	char path[] = PROXY_FOLDER;
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		mkdir(path, 0755);
		*slash = '/';
	}
	mkdir(path, 0755);
}

static void save(void)
{
	char *text = cJSON_PrintUnformatted(services.all);
	FILE *file = fopen(PROXY_STATE ".new", "we");
	if (file) {
		fputs(text, file);
		fputc('\n', file);
		if (!fclose(file))
			rename(PROXY_STATE ".new", PROXY_STATE);
	}
	free(text);
}

int services_load(void)
{
	static char text[1 << 20];
	folders_make();
	FILE *file = fopen(PROXY_STATE, "re");
	if (file) {
		text[fread(text, 1, sizeof text - 1, file)] = 0;
		fclose(file);
		services.all = cJSON_Parse(text);
	}
	if (!cJSON_IsArray(services.all))
		services.all = cJSON_CreateArray();
	save();
	return 0;
}

static cJSON *find(const char *name, int *index)
{
	cJSON *service;
	int at = 0;
	cJSON_ArrayForEach(service, services.all)
	{
		if (!strcmp(text_at(service, NULL, "name"), name)) {
			if (index)
				*index = at;
			return service;
		}
		at++;
	}
	return NULL;
}

static const cJSON *hosts_of(const cJSON *service)
{
	return cJSON_GetObjectItem(cJSON_GetObjectItem(service, "options"), "hosts");
}

static int serves(const cJSON *service, const char *host)
{
	const cJSON *one;
	cJSON_ArrayForEach(one, hosts_of(service))
	{
		if (!strcasecmp(one->valuestring, host))
			return 1;
	}
	return 0;
}

int services_route(const char *host, struct route *route)
{
	const cJSON *service, *found = NULL;
	pthread_mutex_lock(&services.mutex);
	cJSON_ArrayForEach(service, services.all)
	{
		if (serves(service, host))
			found = service;
		else if (!found && !cJSON_GetArraySize(hosts_of(service)))
			found = service;
	}
	if (found) {
		const cJSON *check =
		    cJSON_GetObjectItem(cJSON_GetObjectItem(found, "target_options"), "health_check_config");
		const char *target =
		    cJSON_GetStringValue(cJSON_GetArrayItem(cJSON_GetObjectItem(found, "active_targets"), 0));
		const cJSON *pause = cJSON_GetObjectItem(found, "pause_controller");
		snprintf(route->service, sizeof route->service, "%s", text_at(found, NULL, "name"));
		snprintf(route->target, sizeof route->target, "%s", target ? target : "");
		snprintf(route->health_path, sizeof route->health_path, "%s", text_at(check, NULL, "path"));
		snprintf(route->stop_message, sizeof route->stop_message, "%s",
			 text_at(pause, NULL, "stop_message"));
		route->state = (enum pause_state)cJSON_GetNumberValue(cJSON_GetObjectItem(pause, "state"));
	}
	pthread_mutex_unlock(&services.mutex);
	return found ? 0 : -1;
}

const char *services_put(cJSON *service)
{
	const char *why = NULL, *name = text_at(service, NULL, "name");
	const cJSON *other, *host;
	int index = 0;
	pthread_mutex_lock(&services.mutex);
	cJSON_ArrayForEach(other, services.all)
	{
		if (!strcmp(text_at(other, NULL, "name"), name))
			continue;
		if (!cJSON_GetArraySize(hosts_of(other)) && !cJSON_GetArraySize(hosts_of(service)))
			why = "host settings conflict with another service";
		cJSON_ArrayForEach(host, hosts_of(service))
		{
			if (serves(other, host->valuestring))
				why = "host settings conflict with another service";
		}
	}
	const cJSON *old = find(name, &index);
	if (why) {
		cJSON_Delete(service);
	} else {
		if (old) {
			/* Maintenance is not ended by a deploy, only by resume. */
			cJSON_ReplaceItemInObject(
			    service, "pause_controller",
			    cJSON_Duplicate(cJSON_GetObjectItem(old, "pause_controller"), 1));
			cJSON_ReplaceItemInArray(services.all, index, service);
		} else {
			cJSON_AddItemToArray(services.all, service);
		}
		save();
	}
	pthread_mutex_unlock(&services.mutex);
	return why;
}

int services_remove(const char *name)
{
	int index = 0;
	pthread_mutex_lock(&services.mutex);
	int found = find(name, &index) != NULL;
	if (found) {
		cJSON_DeleteItemFromArray(services.all, index);
		save();
	}
	pthread_mutex_unlock(&services.mutex);
	return found ? 0 : -1;
}

int services_pause(const char *name, enum pause_state state, const char *message)
{
	pthread_mutex_lock(&services.mutex);
	cJSON *service = find(name, NULL);
	if (service) {
		cJSON *pause = cJSON_CreateObject();
		cJSON_AddNumberToObject(pause, "state", state);
		cJSON_AddStringToObject(pause, "stop_message", message);
		cJSON_AddNumberToObject(pause, "fail_after", 0);
		cJSON_ReplaceItemInObject(service, "pause_controller", pause);
		save();
	}
	pthread_mutex_unlock(&services.mutex);
	return service ? 0 : -1;
}

/* With colours always, as kamal-proxy does even into a pipe. */
void services_list(FILE *out)
{
	static const char *const states[] = {"running", "paused", "stopped"};
	cJSON *service;
	fprintf(out, "\033[3m%-16s  %-36s  %-6s%-22s  %-9s%s\033[0m\n", "Service", "Host", "Path", "Target",
		"State", "TLS");
	pthread_mutex_lock(&services.mutex);
	cJSON_ArrayForEach(service, services.all)
	{
		char hosts[512] = "";
		const cJSON *host, *options = cJSON_GetObjectItem(service, "options");
		size_t used = 0;
		cJSON_ArrayForEach(host, hosts_of(service))
		{
			if (used < sizeof hosts - 256)
				used += (size_t)snprintf(hosts + used, sizeof hosts - used, "%s%.200s",
							 used ? "," : "", host->valuestring);
		}
		int state = (int)cJSON_GetNumberValue(
		    cJSON_GetObjectItem(cJSON_GetObjectItem(service, "pause_controller"), "state"));
		const char *target = cJSON_GetStringValue(
		    cJSON_GetArrayItem(cJSON_GetObjectItem(service, "active_targets"), 0));
		fprintf(out, "\033[1m%-16s\033[0m  %-36s  %-6s%-22s  \033[32m%-9s\033[0m%s\n",
			text_at(service, NULL, "name"), *hosts ? hosts : "*", "/", target ? target : "",
			states[state >= 0 && state < 3 ? state : 0],
			cJSON_IsTrue(cJSON_GetObjectItem(options, "tls_enabled")) ? "yes" : "no");
	}
	pthread_mutex_unlock(&services.mutex);
}
