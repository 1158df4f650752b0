/* Add-ons and their attachments, and which of them a word means. */
#include "demo/heroku/heroku.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

cJSON *addon_find(const char *name_or_id)
{
	cJSON *item;

	cJSON_ArrayForEach(item, fixture_get("addons"))
	{
		if (strcmp(json_text(item, "id"), name_or_id) == 0 ||
		    strcmp(json_text(item, "name"), name_or_id) == 0)
			return item;
	}
	return NULL;
}

cJSON *database_addon(void)
{
	return cJSON_GetArrayItem(fixture_get("addons"), 0);
}

static cJSON *addon_json(const cJSON *addon)
{
	cJSON *json = cJSON_Duplicate(addon, true);

	cJSON_AddItemToObject(json, "app", app_ref());
	return json;
}

void handle_addons(struct http_request *req, struct http_reply *reply)
{
	cJSON *list = cJSON_CreateArray();
	const cJSON *item;

	cJSON_ArrayForEach(item, fixture_get("addons")) cJSON_AddItemToArray(list, addon_json(item));
	reply_page(req, reply, list, "name");
}

void handle_addon(struct http_request *req, struct http_reply *reply)
{
	const cJSON *addon = addon_find(http_arg(req, "addon"));

	if (addon)
		http_reply_json(reply, 200, addon_json(addon));
	else
		reply_not_found(reply, "add_on", "add-on");
}

/* Plan and config vars come only when the client asks to include them. */
static cJSON *attachment_json(const struct http_request *req, const cJSON *attachment)
{
	const char *include = http_header(req, "Accept-Inclusion");
	const cJSON *addon = addon_find(json_text(attachment, "addon"));
	cJSON *json = cJSON_Duplicate(attachment, true), *ref = cJSON_CreateObject();

	cJSON_AddStringToObject(ref, "id", json_text(addon, "id"));
	cJSON_AddStringToObject(ref, "name", json_text(addon, "name"));
	cJSON_AddItemToObject(ref, "app", app_ref());
	if (include && strstr(include, "addon:plan"))
		cJSON_AddItemToObject(ref, "plan",
				      cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(addon, "plan"), true));
	if (!include || !strstr(include, "config_vars"))
		cJSON_DeleteItemFromObject(json, "config_vars");
	json_set(json, "addon", ref);
	cJSON_AddItemToObject(json, "app", app_ref());
	cJSON_AddNullToObject(json, "namespace");
	cJSON_AddNullToObject(json, "log_input_url");
	cJSON_AddStringToObject(json, "web_url", json_text(addon, "web_url"));
	return json;
}

/* All attachments, those of one add-on, or those a word may mean: DATABASE, DATABASE_URL, the add-on's name.
 */
static cJSON *attachments_json(const struct http_request *req, const char *addon, const char *word)
{
	cJSON *list = cJSON_CreateArray();
	const cJSON *item;
	char name[160] = "";

	if (word) {
		size_t length = strlen(word);
		if (length > 4 && strcasecmp(word + length - 4, "_URL") == 0)
			length -= 4;
		snprintf(name, sizeof name, "%.*s", (int)length, word);
	}
	cJSON_ArrayForEach(item, fixture_get("attachments"))
	{
		const cJSON *of = addon_find(json_text(item, "addon"));
		bool same = addon && of == addon_find(addon);
		bool meant =
		    word && (strcasecmp(name, json_text(item, "name")) == 0 || of == addon_find(word));
		if ((!addon && !word) || same || meant)
			cJSON_AddItemToArray(list, attachment_json(req, item));
	}
	return list;
}

void handle_attachments(struct http_request *req, struct http_reply *reply)
{
	const char *addon = http_arg(req, "addon");

	if (addon && !addon_find(addon)) {
		reply_not_found(reply, "add_on", "add-on");
		return;
	}
	reply_page(req, reply, attachments_json(req, addon, NULL), "id");
}

void handle_resolve_attachment(struct http_request *req, struct http_reply *reply)
{
	const char *word = http_json_string(req, "addon_attachment"), *app = http_json_string(req, "app");
	cJSON *list;

	if (app && !app_matches(app)) {
		reply_not_found(reply, "app", "app");
		return;
	}
	list = word ? attachments_json(req, NULL, word) : cJSON_CreateArray();
	/* Named by its add-on it is still one thing: the first attachment stands for it. */
	while (word && addon_find(word) && cJSON_GetArraySize(list) > 1)
		cJSON_DeleteItemFromArray(list, 1);
	if (cJSON_GetArraySize(list) > 0) {
		http_reply_json(reply, 200, list);
		return;
	}
	cJSON_Delete(list);
	reply_not_found(reply, "add_on attachment", "add on attachment");
}

void handle_resolve_addon(struct http_request *req, struct http_reply *reply)
{
	const char *word = http_json_string(req, "addon");
	cJSON *attachments = word ? attachments_json(req, NULL, word) : NULL, *list;
	const char *id = json_text(cJSON_GetObjectItem(cJSON_GetArrayItem(attachments, 0), "addon"), "id");
	const cJSON *addon = word ? addon_find(word) : NULL;

	if (!addon && id)
		addon = addon_find(id);
	cJSON_Delete(attachments);
	if (!addon) {
		reply_not_found(reply, "add_on", "add-on");
		return;
	}
	list = cJSON_CreateArray();
	cJSON_AddItemToArray(list, addon_json(addon));
	http_reply_json(reply, 200, list);
}
