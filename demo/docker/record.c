/* A container's record: its fields in the JSON file, its times, and the events that tell of it. */
#include "demo/docker/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *text_of(const cJSON *object, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
	return text ? text : "";
}

long long number_of(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
	return cJSON_IsNumber(item) ? (long long)item->valuedouble : 0;
}

static void item_set(cJSON *object, const char *key, cJSON *item)
{
	if (cJSON_HasObjectItem(object, key))
		cJSON_ReplaceItemInObjectCaseSensitive(object, key, item);
	else
		cJSON_AddItemToObject(object, key, item);
}

void text_set(cJSON *object, const char *key, const char *value)
{
	item_set(object, key, cJSON_CreateString(value));
}

void number_set(cJSON *object, const char *key, long long value)
{
	item_set(object, key, cJSON_CreateNumber((double)value));
}

int is_running(const cJSON *container)
{
	const char *status = text_of(container, "status");
	return !strcmp(status, "running") || !strcmp(status, "restarting");
}

void time_now_text(char text[40])
{
	struct timespec now;
	struct tm utc;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	size_t used = strftime(text, 24, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + used, 40 - used, ".%09ldZ", now.tv_nsec % 1000000000L);
}

double time_parse(const char *text)
{
	struct tm utc = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
	if (!rest)
		return -1;
	return (double)timegm(&utc) + (*rest == '.' ? strtod(rest, NULL) : 0);
}

double time_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static cJSON *actor(const cJSON *container, const char *key, const char *value)
{
	cJSON *actor = cJSON_CreateObject();
	cJSON *attributes = cJSON_Duplicate(cJSON_GetObjectItem(container, "labels"), 1);
	if (!attributes)
		attributes = cJSON_CreateObject();
	text_set(attributes, "image", text_of(container, "image"));
	text_set(attributes, "name", text_of(container, "name"));
	if (key)
		text_set(attributes, key, value);
	text_set(actor, "ID", text_of(container, "id"));
	cJSON_AddItemToObject(actor, "Attributes", attributes);
	return actor;
}

void event_write(const cJSON *container, const char *action, const char *key, const char *value)
{
	char path[PATH_MAX], nanoseconds[32];
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	cJSON *event = cJSON_CreateObject();
	text_set(event, "status", action);
	text_set(event, "id", text_of(container, "id"));
	text_set(event, "from", text_of(container, "image"));
	text_set(event, "Type", "container");
	text_set(event, "Action", action);
	cJSON_AddItemToObject(event, "Actor", actor(container, key, value));
	text_set(event, "scope", "local");
	number_set(event, "time", now.tv_sec);
	/* As raw text, because 19 digits do not fit the double that cJSON keeps. */
	snprintf(nanoseconds, sizeof nanoseconds, "%lld%09ld", (long long)now.tv_sec, now.tv_nsec);
	cJSON_AddRawToObject(event, "timeNano", nanoseconds);
	char *text = cJSON_PrintUnformatted(event);
	int fd = open(store_path(path, "events"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd >= 0) {
		dprintf(fd, "%s\n", text);
		close(fd);
	}
	free(text);
	cJSON_Delete(event);
}
