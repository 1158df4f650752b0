/* The account's authorizations: each is a token, its scope and its end. The one in use is the second of them.
 */
#include "demo/heroku/heroku.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *id, *description, *created;
} AUTHORIZATIONS[] = {
    {"a0a00000-0001-4b4b-8c8c-000000000001", "Heroku CLI login from 2025-11-02", "2025-11-02T08:11:40Z"},
    {"a0a00000-0002-4b4b-8c8c-000000000002", "nightferry", "2026-11-12T09:20:31Z"},
    {"a0a00000-0003-4b4b-8c8c-000000000003", "deploys of the staging app", "2024-03-05T14:02:10Z"},
};
enum { OURS = 1, OTHERS_END_S = 86400 * 200 };

static cJSON *scope_json(const char *text)
{
	cJSON *list = cJSON_CreateArray();

	while (*text) {
		size_t size = strcspn(text, " ");
		char word[32];
		snprintf(word, sizeof word, "%.*s", (int)size, text);
		cJSON_AddItemToArray(list, cJSON_CreateString(word));
		text += size + (text[size] == ' ');
	}
	return list;
}

static cJSON *authorization_json(size_t at)
{
	cJSON *json = cJSON_CreateObject(), *access = cJSON_AddObjectToObject(json, "access_token"),
	      *user = cJSON_AddObjectToObject(json, "user");
	char id[HEROKU_UUID_SIZE], others[64];
	int ends_s = at == OURS ? H.control.token_ends_s : OTHERS_END_S;

	uuid_make(id);
	snprintf(others, sizeof others, "HRKU-%s", id);
	cJSON_AddStringToObject(access, "id", AUTHORIZATIONS[at].id);
	cJSON_AddStringToObject(access, "token", at == OURS ? H.token : others);
	if (ends_s)
		cJSON_AddNumberToObject(access, "expires_in", ends_s);
	else
		cJSON_AddNullToObject(access, "expires_in");
	cJSON_AddNullToObject(json, "client");
	cJSON_AddNullToObject(json, "grant");
	cJSON_AddNullToObject(json, "refresh_token");
	cJSON_AddNullToObject(json, "session");
	cJSON_AddStringToObject(json, "id", AUTHORIZATIONS[at].id);
	cJSON_AddStringToObject(json, "description", AUTHORIZATIONS[at].description);
	cJSON_AddStringToObject(json, "created_at", AUTHORIZATIONS[at].created);
	cJSON_AddStringToObject(json, "updated_at", AUTHORIZATIONS[at].created);
	cJSON_AddItemToObject(json, "scope", scope_json(at == OURS ? H.control.token_scope : "global"));
	cJSON_AddStringToObject(user, "id", json_text(fixture_get("account"), "id"));
	cJSON_AddStringToObject(user, "email", json_text(fixture_get("account"), "email"));
	return json;
}

/* The list, or one of it by its id. */
void handle_authorizations(struct http_request *req, struct http_reply *reply)
{
	const char *id = http_arg(req, "id");
	cJSON *list;

	if (!strstr(H.control.token_scope, "global")) {
		reply_error(reply, 403, "forbidden",
			    "The scope of this OAuth authorization doesn't allow access to this resource.");
		return;
	}
	list = cJSON_CreateArray();
	for (size_t i = 0; i < sizeof AUTHORIZATIONS / sizeof *AUTHORIZATIONS; i++)
		if (!id || strcmp(id, AUTHORIZATIONS[i].id) == 0)
			cJSON_AddItemToArray(list, authorization_json(i));
	if (!id)
		reply_page(req, reply, list, "id");
	else if (cJSON_GetArraySize(list))
		http_reply_json(reply, 200, cJSON_DetachItemFromArray(list, 0));
	else
		reply_not_found(reply, "authorization", "authorization");
	if (id)
		cJSON_Delete(list);
}
