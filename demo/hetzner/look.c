/* What only looks: zones and sets of records. */
#include "api.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static cJSON *zone_json(const struct api *api)
{
	char name[300];
	cJSON *zone = cJSON_CreateObject();
	cJSON_AddNumberToObject(zone, "id", ZONE_NUMBER);
	cJSON_AddStringToObject(zone, "name", api->knot.zone);
	cJSON_AddStringToObject(zone, "mode", api->mode);
	cJSON_AddStringToObject(zone, "status", "ok");
	cJSON_AddNumberToObject(zone, "ttl", TTL_AUTOMATIC_SECONDS);
	cJSON_AddNumberToObject(zone, "record_count", (double)api->known.count);
	cJSON *servers = cJSON_AddObjectToObject(zone, "authoritative_nameservers");
	cJSON *assigned = cJSON_AddArrayToObject(servers, "assigned");
	cJSON *delegated = cJSON_AddArrayToObject(servers, "delegated");
	for (int i = 1; i <= 2; i++) {
		snprintf(name, sizeof(name), "ns%d.%s.", i, api->knot.zone);
		cJSON_AddItemToArray(assigned, cJSON_CreateString(name));
		cJSON_AddItemToArray(delegated, cJSON_CreateString(name));
	}
	cJSON_AddStringToObject(servers, "delegation_status", "valid");
	return zone;
}

void api_zones(struct http_request *req, struct http_reply *reply)
{
	struct api *api = req->ctx;
	const char *name = http_query(req, "name");
	cJSON *json = cJSON_CreateObject(), *zones = cJSON_AddArrayToObject(json, "zones");
	if (!name || !strcasecmp(name, api->knot.zone))
		cJSON_AddItemToArray(zones, zone_json(api));
	http_reply_json(reply, 200, json);
}

int api_look(struct http_request *req, struct http_reply *reply)
{
	struct api *api = req->ctx;
	struct record_set seen = {0};
	const char *zone = http_arg(req, "zone");
	char why[400];
	if (!zone || (strtol(zone, NULL, 10) != ZONE_NUMBER && strcasecmp(zone, api->knot.zone))) {
		api_error(reply, 404, "not_found", "zone with ID '%s' not found", zone ? zone : "");
		return -1;
	}
	if (knot_read(&api->knot, &seen, why, sizeof(why)) < 0) {
		api_error(reply, 503, "unavailable", "%s", why);
		return -1;
	}
	records_adopt(&seen, &api->known);
	records_free(&api->known);
	api->known = seen;
	return 0;
}

void api_full_name(const struct api *api, const char *label, char *out, size_t size)
{
	if (!strcmp(label, "@"))
		snprintf(out, size, "%s", api->knot.zone);
	else
		snprintf(out, size, "%s.%s", label, api->knot.zone);
}

static void label_of(const struct api *api, const char *name, char *out, size_t size)
{
	size_t length = strlen(name), tail = strlen(api->knot.zone);
	if (!strcasecmp(name, api->knot.zone))
		snprintf(out, size, "@");
	else
		snprintf(out, size, "%.*s", (int)(length - tail - 1), name);
}

cJSON *api_set_json(const struct api *api, const struct record_set *set, const char *name, const char *type)
{
	cJSON *json = NULL, *records = NULL;
	for (size_t i = 0; i < set->count; i++) {
		const struct record *record = &set->list[i];
		char label[300], text[2200];
		if (!record_is(record, name, type))
			continue;
		if (!json) {
			json = cJSON_CreateObject();
			label_of(api, name, label, sizeof(label));
			snprintf(text, sizeof(text), "%s/%s", label, type);
			cJSON_AddStringToObject(json, "id", text);
			cJSON_AddStringToObject(json, "name", label);
			cJSON_AddStringToObject(json, "type", type);
			if (record->ttl == TTL_AUTOMATIC)
				cJSON_AddNullToObject(json, "ttl");
			else
				cJSON_AddNumberToObject(json, "ttl", (double)record->ttl);
			cJSON_AddObjectToObject(json, "labels");
			cJSON_AddBoolToObject(cJSON_AddObjectToObject(json, "protection"), "change", false);
			records = cJSON_AddArrayToObject(json, "records");
			cJSON_AddNumberToObject(json, "zone", ZONE_NUMBER);
		}
		bool host = !strcmp(type, "CNAME") || !strcmp(type, "NS");
		snprintf(text, sizeof(text), "%s%s", record->content, host ? "." : "");
		cJSON *one = cJSON_CreateObject();
		cJSON_AddStringToObject(one, "value", text);
		cJSON_AddStringToObject(one, "comment", record->comment);
		cJSON_AddItemToArray(records, one);
	}
	return json;
}

static bool is_first(const struct record_set *set, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (record_is(&set->list[i], set->list[at].name, set->list[at].type))
			return false;
	return true;
}

static long number_of(struct http_request *req, const char *name, long fallback)
{
	const char *text = http_query(req, name);
	return text ? strtol(text, NULL, 10) : fallback;
}

void api_sets(struct http_request *req, struct http_reply *reply)
{
	struct api *api = req->ctx;
	const char *name = http_query(req, "name"), *type = http_query(req, "type");
	char full[600];
	if (api_look(req, reply) < 0)
		return;
	api_full_name(api, name ? name : "", full, sizeof(full));
	long page = number_of(req, "page", 1), per_page = number_of(req, "per_page", 25), total = 0;
	if (page < 1 || per_page < 1 || per_page > 100) {
		api_error(reply, 400, "invalid_input", "invalid input in field 'page' or 'per_page'");
		return;
	}
	cJSON *json = cJSON_CreateObject(), *sets = cJSON_AddArrayToObject(json, "rrsets");
	for (size_t i = 0; i < api->known.count; i++) {
		const struct record *record = &api->known.list[i];
		if (!is_first(&api->known, i) || (name && strcmp(record->name, full)) ||
		    (type && strcmp(record->type, type)))
			continue;
		if (total >= (page - 1) * per_page && total < page * per_page)
			cJSON_AddItemToArray(sets,
					     api_set_json(api, &api->known, record->name, record->type));
		total++;
	}
	cJSON *info = cJSON_AddObjectToObject(cJSON_AddObjectToObject(json, "meta"), "pagination");
	cJSON_AddNumberToObject(info, "page", (double)page);
	cJSON_AddNumberToObject(info, "per_page", (double)per_page);
	cJSON_AddNumberToObject(info, "last_page", (double)(total ? (total + per_page - 1) / per_page : 1));
	cJSON_AddNumberToObject(info, "total_entries", (double)total);
	http_reply_json(reply, 200, json);
}
