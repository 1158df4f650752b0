/* Changes: taken at once, made when their time has come. */
#include "api.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TTL_LEAST = 60 };

static cJSON *action_json(const struct action *action)
{
	cJSON *json = cJSON_CreateObject();
	cJSON_AddNumberToObject(json, "id", (double)action->id);
	cJSON_AddStringToObject(json, "command", action->command);
	cJSON_AddStringToObject(json, "status",
				!action->settled ? "running"
				: action->failed ? "error"
						 : "success");
	cJSON_AddNumberToObject(json, "progress", action->settled ? 100 : 0);
	if (action->failed) {
		cJSON *error = cJSON_AddObjectToObject(json, "error");
		cJSON_AddStringToObject(error, "code", "action_failed");
		cJSON_AddStringToObject(error, "message", action->why);
	} else {
		cJSON_AddNullToObject(json, "error");
	}
	return json;
}

/* The zone with the set as it shall be, whatever else was changed meanwhile. */
static int settle(struct api *api, struct action *action)
{
	struct record_set whole = {0};
	if (records_copy(&whole, &api->known) < 0)
		return -1;
	api_take_out(&whole, action->name, action->type);
	for (size_t i = 0; i < action->after.count; i++) {
		struct record *record = records_add(&whole);
		if (record)
			*record = action->after.list[i];
	}
	if (knot_replace(&api->knot, &api->known, &whole, action->why, sizeof(action->why)) < 0) {
		records_free(&whole);
		return -1;
	}
	records_free(&api->known);
	api->known = whole;
	return 0;
}

void api_settle(struct api *api)
{
	for (size_t i = 0; i < api->n_actions; i++) {
		struct action *action = &api->actions[i];
		if (action->settled || api_now_ms() < action->due_ms)
			continue;
		action->settled = true;
		action->failed = settle(api, action) < 0;
		if (state_save(api->state_path, api->zone_id, &api->known) < 0)
			perror(api->state_path);
		records_free(&action->after);
	}
}

static bool is_busy(const struct api *api, const char *name, const char *type)
{
	for (size_t i = 0; i < api->n_actions; i++)
		if (!api->actions[i].settled && !strcmp(api->actions[i].name, name) &&
		    !strcmp(api->actions[i].type, type))
			return true;
	return false;
}

/* `after`: a zone with the set as it shall be. */
static void begin(struct api *api, struct http_reply *reply, const char *command, const char *name,
		  const char *type, const struct record_set *after, cJSON *take_rrset)
{
	if (api->n_actions == ACTIONS_MAX) {
		cJSON_Delete(take_rrset);
		api_error(reply, 503, "unavailable", "too many actions");
		return;
	}
	struct action *action = &api->actions[api->n_actions++];
	*action =
	    (struct action){.id = 1000 + (long)api->n_actions, .due_ms = api_now_ms() + api->pending_ms};
	snprintf(action->command, sizeof(action->command), "%s", command);
	snprintf(action->name, sizeof(action->name), "%s", name);
	snprintf(action->type, sizeof(action->type), "%s", type);
	for (size_t i = 0; i < after->count; i++) {
		struct record *record =
		    record_is(&after->list[i], name, type) ? records_add(&action->after) : NULL;
		if (record)
			*record = after->list[i];
	}
	cJSON *json = cJSON_CreateObject();
	if (take_rrset)
		cJSON_AddItemToObject(json, "rrset", take_rrset);
	cJSON_AddItemToObject(json, "action", action_json(action));
	http_reply_json(reply, 201, json);
}

static int refuse(struct http_reply *reply, const char *text)
{
	api_error(reply, 422, "invalid_input", "%s", text);
	return -1;
}

/* null is the zone's own TTL. */
static int read_ttl(const cJSON *body, long *ttl, struct http_reply *reply)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, "ttl");
	*ttl = TTL_AUTOMATIC;
	if (!item || cJSON_IsNull(item))
		return 0;
	if (!cJSON_IsNumber(item) || item->valuedouble < TTL_LEAST || item->valuedouble > 2147483647)
		return refuse(reply, "invalid input in field 'ttl': must be between 60 and 2147483647");
	*ttl = (long)item->valuedouble;
	return 0;
}

static int read_value(const struct api *api, struct record *record, const char *value,
		      struct http_reply *reply)
{
	unsigned char address[16];
	size_t length = strlen(value);
	bool host = !strcmp(record->type, "CNAME") || !strcmp(record->type, "NS");
	if (!length || length >= sizeof(record->content) / 2)
		return refuse(reply, "invalid input in field 'records': value");
	if ((!strcmp(record->type, "A") && inet_pton(AF_INET, value, address) != 1) ||
	    (!strcmp(record->type, "AAAA") && inet_pton(AF_INET6, value, address) != 1))
		return refuse(reply, "invalid input in field 'records': not an address");
	/* Without the dot at its end a name is relative to the zone. */
	if (host && value[length - 1] == '.')
		snprintf(record->content, sizeof(record->content), "%.*s", (int)length - 1, value);
	else
		snprintf(record->content, sizeof(record->content), "%s%s%s", value, host ? "." : "",
			 host ? api->knot.zone : "");
	return 0;
}

/* Puts the records of the body into the set, which has none of this name and type. */
static int add_records(const struct api *api, struct record_set *set, const char *name, const char *type,
		       long ttl, const cJSON *body, struct http_reply *reply)
{
	const cJSON *records = cJSON_GetObjectItemCaseSensitive(body, "records"), *item;
	if (!cJSON_IsArray(records) || !cJSON_GetArraySize(records))
		return refuse(reply, "invalid input in field 'records': must not be empty");
	if (!strcmp(type, "CNAME") && cJSON_GetArraySize(records) > 1)
		return refuse(reply, "invalid input in field 'records': a CNAME has one value");
	cJSON_ArrayForEach(item, records)
	{
		const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "value"));
		const char *comment = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "comment"));
		struct record *record = records_add(set);
		if (!value || !record)
			return refuse(reply, "invalid input in field 'records': value is missing");
		record_new_id(record->id);
		snprintf(record->name, sizeof(record->name), "%s", name);
		snprintf(record->type, sizeof(record->type), "%s", type);
		snprintf(record->comment, sizeof(record->comment), "%s", comment ? comment : "");
		record->ttl = ttl;
		if (read_value(api, record, value, reply) < 0)
			return -1;
	}
	return 0;
}

long api_take_out(struct record_set *set, const char *name, const char *type)
{
	long ttl = -1;
	for (size_t i = 0; i < set->count;) {
		if (record_is(&set->list[i], name, type)) {
			ttl = set->list[i].ttl;
			records_remove(set, &set->list[i]);
		} else {
			i++;
		}
	}
	return ttl;
}

static bool stands_alone(const struct record_set *set, const char *name, const char *type)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct record *other = &set->list[i];
		if (!strcasecmp(other->name, name) &&
		    (!strcmp(other->type, type) || !strcmp(other->type, "CNAME") || !strcmp(type, "CNAME")))
			return false;
	}
	return true;
}

static bool is_type(const char *type)
{
	static const char *const types[] = {"A", "AAAA", "CNAME", "TXT", "MX", "CAA", "NS", "HTTPS"};
	for (size_t i = 0; type && i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(types[i], type))
			return true;
	return false;
}

void api_create(struct http_request *req, struct http_reply *reply)
{
	struct api *api = req->ctx;
	const char *label = http_json_string(req, "name"), *type = http_json_string(req, "type");
	struct record_set after = {0};
	char name[600], id[320];
	long ttl;
	if (api_look(req, reply) < 0)
		return;
	if (!label || !*label || !is_type(type)) {
		refuse(reply, "invalid input in field 'name' or 'type'");
		return;
	}
	api_full_name(api, label, name, sizeof(name));
	snprintf(id, sizeof(id), "%.250s/%s", label, type);
	if (!strcmp(api->mode, "secondary"))
		api_error(reply, 422, "incorrect_zone_mode", "zone is in secondary mode");
	else if (!stands_alone(&api->known, name, type))
		api_error(reply, 409, "uniqueness_error", "an RRSet that excludes %s exists already", id);
	else if (records_copy(&after, &api->known) == 0 && read_ttl(req->json, &ttl, reply) == 0 &&
		 add_records(api, &after, name, type, ttl, req->json, reply) == 0) {
		cJSON *rrset = api_set_json(api, &after, name, type);
		begin(api, reply, "create_rrset", name, type, &after, rrset);
	}
	records_free(&after);
}

/* The set of the path, which must exist and be free. A copy of the zone goes to `after`. */
static int open_set(struct http_request *req, struct http_reply *reply, char *name, size_t size, char *id,
		    size_t id_size, struct record_set *after)
{
	struct api *api = req->ctx;
	const char *label = http_arg(req, "name"), *type = http_arg(req, "type");
	if (api_look(req, reply) < 0)
		return -1;
	api_full_name(api, label, name, size);
	snprintf(id, id_size, "%s/%s", label, type);
	cJSON *known = api_set_json(api, &api->known, name, type);
	cJSON_Delete(known);
	if (!known)
		api_error(reply, 404, "not_found", "RRSet with ID '%s' not found", id);
	else if (!strcmp(api->mode, "secondary"))
		api_error(reply, 422, "incorrect_zone_mode", "zone is in secondary mode");
	else if (is_busy(api, name, type))
		api_error(reply, 423, "locked", "RRSet '%s' is locked by another action", id);
	else
		return records_copy(after, &api->known);
	return -1;
}

void api_delete(struct http_request *req, struct http_reply *reply)
{
	struct record_set after = {0};
	char name[600], id[320];
	if (open_set(req, reply, name, sizeof(name), id, sizeof(id), &after) == 0) {
		api_take_out(&after, name, http_arg(req, "type"));
		begin(req->ctx, reply, "delete_rrset", name, http_arg(req, "type"), &after, NULL);
	}
	records_free(&after);
}

void api_act(struct http_request *req, struct http_reply *reply)
{
	struct api *api = req->ctx;
	struct record_set after = {0};
	const char *verb = http_arg(req, "verb"), *type = http_arg(req, "type");
	char name[600], id[320];
	long ttl = -1;
	if (open_set(req, reply, name, sizeof(name), id, sizeof(id), &after) < 0)
		return;
	if (!strcmp(verb, "set_records")) {
		ttl = api_take_out(&after, name, type);
		if (add_records(api, &after, name, type, ttl, req->json, reply) == 0)
			begin(api, reply, "set_rrset_records", name, type, &after, NULL);
	} else if (!strcmp(verb, "change_ttl")) {
		if (!cJSON_GetObjectItemCaseSensitive(req->json, "ttl"))
			refuse(reply, "invalid input in field 'ttl': is missing");
		else if (read_ttl(req->json, &ttl, reply) == 0) {
			for (size_t i = 0; i < after.count; i++)
				if (record_is(&after.list[i], name, type))
					after.list[i].ttl = ttl;
			begin(api, reply, "change_rrset_ttl", name, type, &after, NULL);
		}
	} else {
		api_missing(req, reply);
	}
	records_free(&after);
}

void api_action(struct http_request *req, struct http_reply *reply)
{
	struct api *api = req->ctx;
	long id = strtol(http_arg(req, "id"), NULL, 10);
	for (size_t i = 0; i < api->n_actions; i++)
		if (api->actions[i].id == id) {
			cJSON *json = cJSON_CreateObject();
			cJSON_AddItemToObject(json, "action", action_json(&api->actions[i]));
			http_reply_json(reply, 200, json);
			return;
		}
	api_missing(req, reply);
}
