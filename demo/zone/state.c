/* The state file: one JSON object, replaced whole, so that a reader never meets half of it. */
#include "demo/zone/records.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *slurp(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	char *text = NULL;
	if (fstat(fd, &st) == 0 && (text = calloc(1, (size_t)st.st_size + 1)) &&
	    read(fd, text, (size_t)st.st_size) != st.st_size) {
		free(text);
		text = NULL;
		errno = EIO;
	}
	close(fd);
	return text;
}

static void take_string(const cJSON *from, const char *key, char *to, size_t size)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(from, key);
	snprintf(to, size, "%s", cJSON_IsString(value) ? value->valuestring : "");
}

static void take_record(struct record *record, const cJSON *from)
{
	const cJSON *ttl = cJSON_GetObjectItemCaseSensitive(from, "ttl");
	const cJSON *priority = cJSON_GetObjectItemCaseSensitive(from, "priority");
	take_string(from, "id", record->id, sizeof(record->id));
	take_string(from, "name", record->name, sizeof(record->name));
	take_string(from, "type", record->type, sizeof(record->type));
	take_string(from, "content", record->content, sizeof(record->content));
	take_string(from, "comment", record->comment, sizeof(record->comment));
	take_string(from, "created_on", record->created_on, sizeof(record->created_on));
	take_string(from, "modified_on", record->modified_on, sizeof(record->modified_on));
	record->proxied = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(from, "proxied"));
	record->ttl = cJSON_IsNumber(ttl) ? (long)ttl->valuedouble : TTL_AUTOMATIC;
	record->priority = cJSON_IsNumber(priority) ? priority->valueint : 0;
}

int state_load(const char *path, char zone_id[static ID_SIZE], struct record_set *set)
{
	records_free(set);
	char *text = slurp(path);
	if (!text && errno != ENOENT)
		return -1;
	cJSON *json = text ? cJSON_Parse(text) : NULL;
	free(text);
	take_string(json, "zone_id", zone_id, ID_SIZE);
	if (!zone_id[0])
		record_new_id(zone_id);
	const cJSON *item;
	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "records"))
	{
		struct record *record = records_add(set);
		if (record)
			take_record(record, item);
	}
	cJSON_Delete(json);
	return 0;
}

int state_save(const char *path, const char *zone_id, const struct record_set *set)
{
	char fresh[4096];
	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "zone_id", zone_id);
	cJSON *list = cJSON_AddArrayToObject(json, "records");
	for (size_t i = 0; i < set->count; i++)
		cJSON_AddItemToArray(list, record_json(&set->list[i]));
	char *text = cJSON_Print(json);
	cJSON_Delete(json);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t size = text ? (ssize_t)strlen(text) : 0;
	int rc = text && fd >= 0 && write(fd, text, (size_t)size) == size ? 0 : -1;
	if (fd >= 0)
		close(fd);
	free(text);
	return rc == 0 ? rename(fresh, path) : -1;
}
