/* The formation and its dynos over the API: scaled, restarted, stopped, run. */
#include "demo/heroku/heroku.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { QUANTITY_MAX = 100 };

static cJSON *formation_find(const char *type)
{
	cJSON *item;

	cJSON_ArrayForEach(item, fixture_get("formation"))
	{
		const char *have = json_text(item, "type");
		if (have && type && strcmp(have, type) == 0)
			return item;
	}
	return NULL;
}

int formation_quantity(const char *type)
{
	const cJSON *quantity = cJSON_GetObjectItemCaseSensitive(formation_find(type), "quantity");

	return cJSON_IsNumber(quantity) ? (int)quantity->valuedouble : 0;
}

const char *formation_size(const char *type)
{
	const char *size = json_text(formation_find(type), "size");

	return size ? size : "Standard-1X";
}

const char *formation_command(const char *type)
{
	const char *command = json_text(formation_find(type), "command");

	return command ? command : "";
}

size_t formation_types(const char *types[HEROKU_TYPES_MAX])
{
	const cJSON *item;
	size_t count = 0;

	cJSON_ArrayForEach(item, fixture_get("formation"))
	{
		const char *type = json_text(item, "type");
		if (type && strcmp(type, "release") != 0 && count < HEROKU_TYPES_MAX)
			types[count++] = type;
	}
	return count;
}

static cJSON *formation_json(const cJSON *item)
{
	cJSON *copy = cJSON_Duplicate(item, true), *size = cJSON_CreateObject();

	cJSON_AddItemToObject(copy, "app", app_ref());
	cJSON_AddStringToObject(size, "id", json_text(item, "dyno_size_id"));
	cJSON_AddStringToObject(size, "name", json_text(item, "size"));
	cJSON_DeleteItemFromObject(copy, "dyno_size_id");
	cJSON_AddItemToObject(copy, "dyno_size", size);
	return copy;
}

void handle_formation(struct http_request *req, struct http_reply *reply)
{
	cJSON *list = cJSON_CreateArray();
	const cJSON *item;

	cJSON_ArrayForEach(item, fixture_get("formation")) cJSON_AddItemToArray(list, formation_json(item));
	reply_page(req, reply, list, "id");
}

static void reply_no_type(struct http_reply *reply, const char *type)
{
	reply_error(reply, 404, "not_found", "Couldn't find that process type (%s).", type ? type : "");
}

void handle_formation_type(struct http_request *req, struct http_reply *reply)
{
	const cJSON *item = formation_find(http_arg(req, "type"));

	if (item)
		http_reply_json(reply, 200, formation_json(item));
	else
		reply_no_type(reply, http_arg(req, "type"));
}

/* 3, "3", "+1" and "-1"; false when it is none of them or out of bounds. */
static bool quantity_read(const cJSON *value, int current, int *out)
{
	char *end;
	long number;

	*out = current;
	if (!value)
		return true;
	if (cJSON_IsNumber(value)) {
		number = (long)value->valuedouble;
	} else if (cJSON_IsString(value)) {
		number = strtol(value->valuestring, &end, 10);
		if (end == value->valuestring || *end)
			return false;
		if (*value->valuestring == '+' || *value->valuestring == '-')
			number += current;
	} else {
		return false;
	}
	*out = (int)number;
	return number >= 0 && number <= QUANTITY_MAX;
}

/* Checks one update, or makes it. False after an answer. */
static bool update_apply(const cJSON *update, const char *type, bool check_only, struct http_reply *reply)
{
	cJSON *item = formation_find(type);
	const char *size = json_text(update, "size");
	int quantity;

	if (!size)
		size = json_text(cJSON_GetObjectItemCaseSensitive(update, "dyno_size"), "name");
	if (!item) {
		reply_no_type(reply, type);
		return false;
	}
	if (!quantity_read(cJSON_GetObjectItemCaseSensitive(update, "quantity"), formation_quantity(type),
			   &quantity)) {
		reply_error(reply, 422, "invalid_params", "Invalid quantity. Must be between 0 and %d.",
			    QUANTITY_MAX);
		return false;
	}
	if (check_only)
		return true;
	json_set(item, "quantity", cJSON_CreateNumber(quantity));
	if (size)
		json_set(item, "size", cJSON_CreateString(size));
	json_set_time(item, "updated_at");
	return true;
}

static void scale_log(void)
{
	char text[512] = "";
	const cJSON *item;

	cJSON_ArrayForEach(item, fixture_get("formation"))
	{
		size_t used = strlen(text);
		const char *type = json_text(item, "type");
		if (strcmp(type, "release") != 0)
			snprintf(text + used, sizeof text - used, "%s@%d:%s ", type, formation_quantity(type),
				 formation_size(type));
	}
	log_add("app", "api", "Scaled to %sby user %s", text, json_text(fixture_get("account"), "email"));
}

static cJSON *updates_of(const struct http_request *req)
{
	const cJSON *updates = cJSON_GetObjectItemCaseSensitive(req->json, "updates");
	const char *type = http_arg(req, "type");
	cJSON *list, *one;

	if (!type)
		return cJSON_IsArray(updates) ? cJSON_Duplicate(updates, true) : NULL;
	list = cJSON_CreateArray();
	one = req->json ? cJSON_Duplicate(req->json, true) : cJSON_CreateObject();
	json_set(one, "type", cJSON_CreateString(type));
	cJSON_AddItemToArray(list, one);
	return list;
}

/* All or nothing: every update is checked before the first is made. */
void handle_formation_patch(struct http_request *req, struct http_reply *reply)
{
	cJSON *updates = updates_of(req), *answer;
	const cJSON *update;

	if (!updates) {
		reply_error(reply, 422, "invalid_params", "Require params: updates.");
		return;
	}
	for (int pass = 0; pass < 2; pass++) {
		cJSON_ArrayForEach(update, updates)
		{
			if (!update_apply(update, json_text(update, "type"), pass == 0, reply)) {
				cJSON_Delete(updates);
				return;
			}
		}
	}
	scale_log();
	answer = cJSON_CreateArray();
	cJSON_ArrayForEach(update, updates)
	    cJSON_AddItemToArray(answer, formation_json(formation_find(json_text(update, "type"))));
	cJSON_Delete(updates);
	if (!http_arg(req, "type")) {
		http_reply_json(reply, 200, answer);
		return;
	}
	http_reply_json(reply, 200, cJSON_DetachItemFromArray(answer, 0));
	cJSON_Delete(answer);
}

void handle_dynos(struct http_request *req, struct http_reply *reply)
{
	reply_page(req, reply, dynos_json(), "id");
}

void handle_dyno(struct http_request *req, struct http_reply *reply)
{
	cJSON *json = dyno_json(http_arg(req, "dyno"));

	if (json)
		http_reply_json(reply, 200, json);
	else
		reply_not_found(reply, "dyno", "dyno");
}

void handle_dyno_run(struct http_request *req, struct http_reply *reply)
{
	const char *command = http_json_string(req, "command"), *type = http_json_string(req, "type");
	const char *size = http_json_string(req, "size"), *name;

	if (!command) {
		reply_error(reply, 422, "invalid_params", "Require params: command.");
		return;
	}
	name = dyno_run(type ? type : "run", command, size ? size : formation_size("web"),
			http_json_number(req, "time_to_live", 0));
	if (!name) {
		reply_error(reply, 422, "invalid_params", "Cannot run more dynos.");
		return;
	}
	log_add("app", "api", "Starting process with command `%s` by user %s", command,
		json_text(fixture_get("account"), "email"));
	http_reply_json(reply, 201, dyno_json(name));
}

void handle_dyno_restart(struct http_request *req, struct http_reply *reply)
{
	const char *which = http_arg(req, "dyno");

	dynos_restart(which ? which : http_arg(req, "type"));
	http_reply_json(reply, 202, cJSON_CreateObject());
}

void handle_dyno_stop(struct http_request *req, struct http_reply *reply)
{
	const char *which = http_arg(req, "dyno");

	if (dyno_stop(which ? which : http_arg(req, "type")))
		http_reply_json(reply, 202, cJSON_CreateObject());
	else
		reply_not_found(reply, "dyno", "dyno");
}
