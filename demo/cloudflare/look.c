/* What only looks: the token, the zone, its records and their filters. */
#include "api.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const epoch = "2021-03-04T09:30:00.000000Z";

static bool is_id(const char *text)
{
	return text && strlen(text) == ID_SIZE - 1 && strspn(text, "0123456789abcdef") == ID_SIZE - 1;
}

void api_verify(struct http_request *req, struct http_reply *reply)
{
	struct api *api = req->ctx;
	cJSON *result = cJSON_CreateObject();
	cJSON_AddStringToObject(result, "id", api->account_id);
	cJSON_AddStringToObject(result, "status", "active");
	api_reply(reply, result, NULL);
}

static cJSON *zone_json(const struct api *api)
{
	char name[300];
	cJSON *zone = cJSON_CreateObject();
	cJSON_AddStringToObject(zone, "id", api->zone_id);
	cJSON_AddStringToObject(zone, "name", api->rules.zone);
	cJSON_AddStringToObject(zone, "status", "active");
	cJSON_AddBoolToObject(zone, "paused", false);
	cJSON_AddStringToObject(zone, "type", "full");
	cJSON_AddNumberToObject(zone, "development_mode", 0);
	cJSON *servers = cJSON_AddArrayToObject(zone, "name_servers");
	for (int i = 1; i <= 2; i++) {
		snprintf(name, sizeof(name), "ns%d.%s", i, api->rules.zone);
		cJSON_AddItemToArray(servers, cJSON_CreateString(name));
	}
	cJSON_AddNullToObject(zone, "original_name_servers");
	cJSON_AddStringToObject(zone, "created_on", epoch);
	cJSON_AddStringToObject(zone, "modified_on", epoch);
	cJSON_AddStringToObject(zone, "activated_on", epoch);
	cJSON *account = cJSON_AddObjectToObject(zone, "account");
	cJSON_AddStringToObject(account, "id", api->account_id);
	cJSON_AddStringToObject(account, "name", "Acme");
	cJSON *permissions = cJSON_AddArrayToObject(zone, "permissions");
	cJSON_AddItemToArray(permissions, cJSON_CreateString("#dns_records:edit"));
	cJSON_AddItemToArray(permissions, cJSON_CreateString("#dns_records:read"));
	cJSON_AddItemToArray(permissions, cJSON_CreateString("#zone:read"));
	return zone;
}

void api_zones(struct http_request *req, struct http_reply *reply)
{
	struct api *api = req->ctx;
	const char *name = http_query(req, "name"), *status = http_query(req, "status");
	cJSON *zones = cJSON_CreateArray();
	if ((!name || !strcasecmp(name, api->rules.zone)) && (!status || !strcmp(status, "active")))
		cJSON_AddItemToArray(zones, zone_json(api));
	api_reply_page(req, reply, zones, 20, 50);
}

static bool is_our_zone(struct http_request *req, struct http_reply *reply)
{
	struct api *api = req->ctx;
	const char *id = http_arg(req, "zone");
	if (is_id(id) && !strcmp(id, api->zone_id))
		return true;
	api_no_route(req, reply);
	return false;
}

void api_zone(struct http_request *req, struct http_reply *reply)
{
	if (is_our_zone(req, reply))
		api_reply(reply, zone_json(req->ctx), NULL);
}

int api_look(struct http_request *req, struct http_reply *reply)
{
	struct api *api = req->ctx;
	struct record_set seen = {0};
	struct problem problem;
	char why[400];
	if (!is_our_zone(req, reply))
		return -1;
	if (knot_read(&api->knot, &seen, why, sizeof(why)) < 0) {
		problem_set(&problem, 503, 10001, "%s", why);
		api_refuse(reply, &problem);
		return -1;
	}
	edge_restore(api, &seen);
	records_adopt(&seen, &api->known);
	records_free(&api->known);
	api->known = seen;
	if (state_save(api->state_path, api->zone_id, &api->known) < 0)
		perror(api->state_path);
	return 0;
}

/* name, name.exact, name.contains, name.startswith, name.endswith; the same for content. */
static bool field_matches(const struct http_request *req, const char *field, const char *value)
{
	static const char *const forms[] = {"", ".exact", ".contains", ".startswith", ".endswith"};
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		char key[40];
		snprintf(key, sizeof(key), "%s%s", field, forms[i]);
		const char *wanted = http_query(req, key);
		if (!wanted)
			continue;
		size_t length = strlen(wanted), size = strlen(value);
		bool ok = i < 2    ? !strcasecmp(wanted, value)
			  : i == 2 ? strcasestr(value, wanted) != NULL
			  : i == 3 ? !strncasecmp(value, wanted, length)
				   : size >= length && !strcasecmp(value + size - length, wanted);
		if (!ok)
			return false;
	}
	return true;
}

static bool record_matches(const struct http_request *req, const struct record *record)
{
	const char *type = http_query(req, "type"), *proxied = http_query(req, "proxied");
	return (!type || !strcasecmp(type, record->type)) &&
	       (!proxied || !strcmp(proxied, "true") == record->proxied) &&
	       field_matches(req, "name", record->name) && field_matches(req, "content", record->content);
}

void api_records(struct http_request *req, struct http_reply *reply)
{
	struct api *api = req->ctx;
	if (api_look(req, reply) < 0)
		return;
	cJSON *items = cJSON_CreateArray();
	for (size_t i = 0; i < api->known.count; i++)
		if (record_matches(req, &api->known.list[i]))
			cJSON_AddItemToArray(items, record_json(&api->known.list[i]));
	api_reply_page(req, reply, items, 100, 5000);
}

void api_record(struct http_request *req, struct http_reply *reply)
{
	struct api *api = req->ctx;
	struct problem problem;
	const char *id = http_arg(req, "id");
	if (!is_id(id)) {
		api_no_route(req, reply);
		return;
	}
	if (api_look(req, reply) < 0)
		return;
	const struct record *record = records_find(&api->known, id);
	if (record) {
		api_reply(reply, record_json(record), NULL);
		return;
	}
	problem_set(&problem, 404, 81044, "Record does not exist.");
	api_refuse(reply, &problem);
}
