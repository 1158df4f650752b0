/* The app, the account, and what of both comes from the fixture. */
#include "demo/heroku/heroku.h"

#include <stdio.h>
#include <string.h>

bool app_matches(const char *name_or_id)
{
	const cJSON *app = fixture_get("app");

	return name_or_id && (strcmp(name_or_id, json_text(app, "name")) == 0 ||
			      strcmp(name_or_id, json_text(app, "id")) == 0);
}

cJSON *app_ref(void)
{
	const cJSON *app = fixture_get("app");
	cJSON *ref = cJSON_CreateObject();

	cJSON_AddStringToObject(ref, "id", json_text(app, "id"));
	cJSON_AddStringToObject(ref, "name", json_text(app, "name"));
	return ref;
}

bool maintenance_on(void)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(fixture_get("app"), "maintenance"));
}

/* Under version 3 `generation` is an object, under 3.sdk a string. */
static cJSON *app_json(const struct http_request *req)
{
	cJSON *app = cJSON_Duplicate(fixture_get("app"), true), *generation;
	const char *accept = http_header(req, "Accept");

	if (!accept || !strstr(accept, "3.sdk")) {
		generation = cJSON_CreateObject();
		cJSON_AddStringToObject(generation, "id", "8e7a1e5c-7d1b-4f0c-9f0e-5c1f0a5b7c01");
		cJSON_AddStringToObject(generation, "name", "cedar");
		json_set(app, "generation", generation);
	}
	return app;
}

void handle_account(struct http_request *req, struct http_reply *reply)
{
	(void)req;
	http_reply_json(reply, 200, cJSON_Duplicate(fixture_get("account"), true));
}

void handle_rate_limits(struct http_request *req, struct http_reply *reply)
{
	cJSON *json = cJSON_CreateObject();

	(void)req;
	cJSON_AddNumberToObject(json, "remaining", (int)H.control.rate_tokens);
	http_reply_json(reply, 200, json);
}

void handle_app(struct http_request *req, struct http_reply *reply)
{
	http_reply_json(reply, 200, app_json(req));
}

void handle_apps(struct http_request *req, struct http_reply *reply)
{
	cJSON *list = cJSON_CreateArray();

	cJSON_AddItemToArray(list, app_json(req));
	reply_page(req, reply, list, "id");
}

void handle_app_patch(struct http_request *req, struct http_reply *reply)
{
	const cJSON *on = cJSON_GetObjectItemCaseSensitive(req->json, "maintenance");
	cJSON *app = fixture_get("app");

	if (!cJSON_IsBool(on)) {
		reply_error(reply, 422, "invalid_params", "The demo app can only change `maintenance`.");
		return;
	}
	if (cJSON_IsTrue(on) != maintenance_on()) {
		json_set(app, "maintenance", cJSON_CreateBool(cJSON_IsTrue(on)));
		json_set_time(app, "updated_at");
		log_add("app", "api", "%s maintenance mode by user %s",
			cJSON_IsTrue(on) ? "Enable" : "Disable", json_text(fixture_get("account"), "email"));
	}
	http_reply_json(reply, 200, app_json(req));
}

/* /apps/APP/domains, /features, /collaborators: the fixture of that name, with the app put in. */
void handle_app_list(struct http_request *req, struct http_reply *reply)
{
	const char *name = strrchr(req->path, '/') + 1;
	const char *const account_features = "/account/features";
	cJSON *list, *item;

	if (strcmp(req->path, account_features) == 0)
		name = "account_features";
	list = cJSON_Duplicate(fixture_get(name), true);
	cJSON_ArrayForEach(item, list) cJSON_AddItemToObject(item, "app", app_ref());
	reply_page(req, reply, list, "id");
}

void handle_empty_list(struct http_request *req, struct http_reply *reply)
{
	reply_page(req, reply, cJSON_CreateArray(), "id");
}

void handle_empty_object(struct http_request *req, struct http_reply *reply)
{
	(void)req;
	http_reply_json(reply, 200, cJSON_CreateObject());
}
