#include "demo/zone/records.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

struct record *records_add(struct record_set *set)
{
	if (set->count == RECORDS_MAX)
		return NULL;
	if (set->count == set->room) {
		size_t room = set->room ? set->room * 2 : 32;
		struct record *list = realloc(set->list, room * sizeof(*list));
		if (!list)
			return NULL;
		set->list = list;
		set->room = room;
	}
	struct record *record = &set->list[set->count++];
	memset(record, 0, sizeof(*record));
	return record;
}

void records_remove(struct record_set *set, struct record *record)
{
	size_t after = (size_t)(set->list + set->count - record) - 1;
	memmove(record, record + 1, after * sizeof(*record));
	set->count--;
}

struct record *records_find(const struct record_set *set, const char *id)
{
	for (size_t i = 0; i < set->count; i++)
		if (!strcmp(set->list[i].id, id))
			return &set->list[i];
	return NULL;
}

int records_copy(struct record_set *to, const struct record_set *from)
{
	records_free(to);
	for (size_t i = 0; i < from->count; i++) {
		struct record *record = records_add(to);
		if (!record)
			return -1;
		*record = from->list[i];
	}
	return 0;
}

void records_free(struct record_set *set)
{
	free(set->list);
	*set = (struct record_set){0};
}

bool record_is(const struct record *record, const char *name, const char *type)
{
	return !strcasecmp(record->name, name) && !strcmp(record->type, type);
}

bool record_has_address(const struct record *record)
{
	return !strcmp(record->type, "A") || !strcmp(record->type, "AAAA");
}

void record_new_id(char id[static ID_SIZE])
{
	uint8_t bytes[16];
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		abort();
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

void record_stamp(char at[static 40])
{
	struct timespec now;
	struct tm utc;
	char day[32];
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(at, 40, "%.19s.%06ldZ", day, (now.tv_nsec / 1000) % 1000000);
}

static const struct record *counterpart(const struct record_set *known, const bool *taken,
					const struct record *seen, bool exact)
{
	for (size_t i = 0; i < known->count; i++) {
		const struct record *old = &known->list[i];
		if (taken[i] || !record_is(old, seen->name, seen->type))
			continue;
		if (!exact || (!strcmp(old->content, seen->content) && old->priority == seen->priority))
			return old;
	}
	return NULL;
}

static void adopt(struct record *seen, const struct record *old)
{
	memcpy(seen->id, old->id, sizeof(seen->id));
	memcpy(seen->comment, old->comment, sizeof(seen->comment));
	memcpy(seen->created_on, old->created_on, sizeof(seen->created_on));
	memcpy(seen->modified_on, old->modified_on, sizeof(seen->modified_on));
	seen->proxied = old->proxied;
	if (old->ttl == TTL_AUTOMATIC && seen->ttl == TTL_AUTOMATIC_SECONDS)
		seen->ttl = TTL_AUTOMATIC;
}

void records_adopt(struct record_set *seen, const struct record_set *known)
{
	bool taken[RECORDS_MAX + 1] = {false};
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < seen->count; i++) {
			struct record *record = &seen->list[i];
			const struct record *old;
			if (record->id[0] || !(old = counterpart(known, taken, record, pass == 0)))
				continue;
			taken[old - known->list] = true;
			adopt(record, old);
			if (pass == 1)
				record_stamp(record->modified_on);
		}
	for (size_t i = 0; i < seen->count; i++) {
		struct record *record = &seen->list[i];
		if (record->id[0])
			continue;
		record_new_id(record->id);
		record_stamp(record->created_on);
		memcpy(record->modified_on, record->created_on, sizeof(record->modified_on));
	}
}

cJSON *record_json(const struct record *record)
{
	bool proxiable = record_has_address(record) || !strcmp(record->type, "CNAME");
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "id", record->id);
	cJSON_AddStringToObject(json, "name", record->name);
	cJSON_AddStringToObject(json, "type", record->type);
	cJSON_AddStringToObject(json, "content", record->content);
	if (!strcmp(record->type, "MX"))
		cJSON_AddNumberToObject(json, "priority", record->priority);
	cJSON_AddBoolToObject(json, "proxiable", proxiable);
	cJSON_AddBoolToObject(json, "proxied", record->proxied);
	cJSON_AddNumberToObject(json, "ttl", (double)record->ttl);
	cJSON *settings = cJSON_AddObjectToObject(json, "settings");
	if (!strcmp(record->type, "CNAME"))
		cJSON_AddBoolToObject(settings, "flatten_cname", false);
	cJSON_AddObjectToObject(json, "meta");
	if (record->comment[0])
		cJSON_AddStringToObject(json, "comment", record->comment);
	else
		cJSON_AddNullToObject(json, "comment");
	cJSON_AddArrayToObject(json, "tags");
	cJSON_AddStringToObject(json, "created_on", record->created_on);
	cJSON_AddStringToObject(json, "modified_on", record->modified_on);
	return json;
}
