/* Config vars and the releases that each change of them makes. */
#include "demo/heroku/heroku.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RELEASE_FIRST = 25, RELEASE_STEP_MS = 86400000 };

static cJSON *releases(void)
{
	return fixture_get("releases");
}

static void releases_need(void);

/* Each release has the config vars it was made with, so that an earlier value can be read back. */
static void config_keep(void)
{
	char version[16];
	cJSON *kept = fixture_get("release_configs");
	int last = RELEASE_FIRST + cJSON_GetArraySize(releases()) - 1;

	if (!kept)
		kept = cJSON_AddObjectToObject(H.fixture, "release_configs");
	snprintf(version, sizeof version, "%d", last);
	json_set(kept, version, cJSON_Duplicate(fixture_get("config_vars"), true));
}

static void release_add(const char *description, int64_t at_ms)
{
	cJSON *list = releases(), *release = cJSON_CreateObject(), *user, *slug, *old;
	char id[HEROKU_UUID_SIZE], at[HEROKU_STAMP_SIZE];
	const cJSON *account = fixture_get("account");
	cJSON *plans;

	cJSON_ArrayForEach(old, list) json_set(old, "current", cJSON_CreateBool(false));
	uuid_make(id);
	stamp_rfc(at, at_ms);
	plans = cJSON_AddArrayToObject(release, "addon_plan_names");
	cJSON_AddItemToArray(plans, cJSON_CreateString("heroku-postgresql:standard-0"));
	cJSON_AddItemToArray(plans, cJSON_CreateString("heroku-redis:premium-0"));
	cJSON_AddItemToArray(plans, cJSON_CreateString("scheduler:standard"));
	cJSON_AddItemToObject(release, "app", app_ref());
	cJSON_AddArrayToObject(release, "artifacts");
	cJSON_AddStringToObject(release, "created_at", at);
	cJSON_AddStringToObject(release, "description", description);
	cJSON_AddBoolToObject(release, "current", true);
	cJSON_AddBoolToObject(release, "eligible_for_rollback", true);
	cJSON_AddStringToObject(release, "id", id);
	cJSON_AddNullToObject(release, "output_stream_url");
	uuid_make(id);
	slug = cJSON_AddObjectToObject(release, "slug");
	cJSON_AddStringToObject(slug, "id", id);
	cJSON_AddStringToObject(release, "status", "succeeded");
	cJSON_AddStringToObject(release, "updated_at", at);
	user = cJSON_AddObjectToObject(release, "user");
	cJSON_AddStringToObject(user, "email", json_text(account, "email"));
	cJSON_AddStringToObject(user, "id", json_text(account, "id"));
	cJSON_AddNumberToObject(release, "version", RELEASE_FIRST + cJSON_GetArraySize(list));
	cJSON_AddItemToArray(list, release);
	config_keep();
}

void release_platform(const char *description)
{
	releases_need();
	release_add(description, now_ms());
	json_set_time(fixture_get("app"), "released_at");
	log_add("app", "api", "Release v%d created by user heroku-postgresql@addons.heroku.com",
		release_current());
	dynos_restart(NULL);
}

/* The history is made from the fixture's words, one release a day up to yesterday. */
static void releases_need(void)
{
	const cJSON *words = fixture_get("release_words");
	int count = cJSON_GetArraySize(words);

	if (releases())
		return;
	cJSON_AddArrayToObject(H.fixture, "releases");
	for (int i = count - 1; i >= 0; i--)
		release_add(cJSON_GetStringValue(cJSON_GetArrayItem(words, i)),
			    now_ms() - (int64_t)(i + 1) * RELEASE_STEP_MS);
}

static cJSON *release_last(void)
{
	releases_need();
	return cJSON_GetArrayItem(releases(), cJSON_GetArraySize(releases()) - 1);
}

int release_current(void)
{
	return (int)cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(release_last(), "version"));
}

const char *release_id(void)
{
	return json_text(release_last(), "id");
}

void handle_releases(struct http_request *req, struct http_reply *reply)
{
	releases_need();
	reply_page(req, reply, cJSON_Duplicate(releases(), true), "version");
}

static cJSON *release_find(const char *version)
{
	cJSON *item;

	releases_need();
	cJSON_ArrayForEach(item, releases())
	{
		double have = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(item, "version"));
		if (strcmp(json_text(item, "id"), version) == 0 || (int)have == atoi(version))
			return item;
	}
	return NULL;
}

void handle_release(struct http_request *req, struct http_reply *reply)
{
	const cJSON *release = release_find(http_arg(req, "version"));

	if (release)
		http_reply_json(reply, 200, cJSON_Duplicate(release, true));
	else
		reply_not_found(reply, "release", "release");
}

void handle_config(struct http_request *req, struct http_reply *reply)
{
	(void)req;
	http_reply_json(reply, 200, cJSON_Duplicate(fixture_get("config_vars"), true));
}

void handle_release_config(struct http_request *req, struct http_reply *reply)
{
	const char *version = http_arg(req, "version");
	const cJSON *vars;

	releases_need();
	vars = cJSON_GetObjectItemCaseSensitive(fixture_get("release_configs"),
						*version == 'v' ? version + 1 : version);
	if (vars)
		http_reply_json(reply, 200, cJSON_Duplicate(vars, true));
	else
		reply_not_found(reply, "release", "release");
}

static void names_add(char *out, size_t size, const char *name)
{
	size_t used = strlen(out);

	snprintf(out + used, size - used, "%s%s", used ? ", " : "", name);
}

/* A change makes a release, and a release restarts every dyno of the formation. */
static void config_released(const char *verb, const char *names)
{
	const char *email = json_text(fixture_get("account"), "email");
	char words[600];

	snprintf(words, sizeof words, "%s %s config vars", verb, names);
	releases_need();
	release_add(words, now_ms());
	json_set_time(fixture_get("app"), "released_at");
	log_add("app", "api", "%s by user %s", words, email);
	log_add("app", "api", "Release v%d created by user %s", release_current(), email);
	dynos_restart(NULL);
}

void handle_config_patch(struct http_request *req, struct http_reply *reply)
{
	cJSON *vars = fixture_get("config_vars");
	const cJSON *item;
	char set[512] = "", removed[512] = "";

	if (!cJSON_IsObject(req->json)) {
		reply_error(reply, 400, "bad_request", "Invalid JSON: config vars must be one object.");
		return;
	}
	releases_need();
	cJSON_ArrayForEach(item, req->json)
	{
		if (cJSON_IsNull(item)) {
			cJSON_DeleteItemFromObjectCaseSensitive(vars, item->string);
			names_add(removed, sizeof removed, item->string);
		} else if (cJSON_IsString(item)) {
			json_set(vars, item->string, cJSON_CreateString(item->valuestring));
			names_add(set, sizeof set, item->string);
		}
	}
	if (*set)
		config_released("Set", set);
	else if (*removed)
		config_released("Remove", removed);
	handle_config(req, reply);
}
