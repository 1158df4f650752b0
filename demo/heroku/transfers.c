#include "demo/heroku/transfers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { URL_TTL_S = 3600, HISTORY = 4, HISTORY_FIRST = 41 };

cJSON *transfers_list(void)
{
	return fixture_get("transfers");
}

void transfer_time(cJSON *t, const char *name, int64_t at_ms)
{
	char at[HEROKU_STAMP_SIZE];

	stamp_ruby(at, at_ms);
	json_set(t, name, cJSON_CreateString(at));
}

const char *transfer_uuid(const cJSON *t)
{
	return json_text(t, "uuid");
}

static cJSON *transfer_new(int64_t at_ms, bool scheduled)
{
	static const char *const EMPTY[] = {"source_bytes", "succeeded",   "started_at", "canceled_at",
					    "updated_at",   "finished_at", "deleted_at", "purged_at"};
	cJSON *t = cJSON_CreateObject(), *schedule;
	char uuid[HEROKU_UUID_SIZE], url[512];
	const cJSON *last = cJSON_GetArrayItem(transfers_list(), cJSON_GetArraySize(transfers_list()) - 1);
	const cJSON *num = cJSON_GetObjectItemCaseSensitive(last, "num");

	uuid_make(uuid);
	cJSON_AddStringToObject(t, "uuid", uuid);
	cJSON_AddNumberToObject(t, "num", last ? num->valuedouble + 1 : HISTORY_FIRST);
	cJSON_AddStringToObject(t, "from_name", "DATABASE");
	cJSON_AddStringToObject(t, "from_type", "pg_dump");
	snprintf(url, sizeof url, "postgres://%s:%s/%s", H.pg_host, H.pg_port, H.pg_name);
	cJSON_AddStringToObject(t, "from_url", url);
	cJSON_AddStringToObject(t, "to_name", scheduled ? "SCHEDULED BACKUP" : "BACKUP");
	cJSON_AddStringToObject(t, "to_type", "gof3r");
	snprintf(url, sizeof url, "https://transfers.example.net/xfrtu/%s", uuid);
	cJSON_AddStringToObject(t, "to_url", url);
	cJSON_AddObjectToObject(t, "options");
	cJSON_AddNumberToObject(t, "processed_bytes", 0);
	cJSON_AddNumberToObject(t, "warnings", 0);
	cJSON_AddNumberToObject(t, "num_keep", 25);
	for (size_t i = 0; i < sizeof EMPTY / sizeof *EMPTY; i++)
		cJSON_AddNullToObject(t, EMPTY[i]);
	transfer_time(t, "created_at", at_ms);
	if (scheduled) {
		schedule = cJSON_AddObjectToObject(t, "schedule");
		cJSON_AddStringToObject(schedule, "uuid",
					json_text(cJSON_GetArrayItem(fixture_get("schedules"), 0), "uuid"));
	}
	cJSON_AddArrayToObject(t, "logs");
	cJSON_AddItemToArray(transfers_list(), t);
	return t;
}

void transfer_log(cJSON *t, const char *level, const char *message)
{
	cJSON *line = cJSON_CreateObject();

	cJSON_AddStringToObject(line, "level", level);
	cJSON_AddStringToObject(line, "message", message);
	transfer_time(line, "created_at", now_ms());
	cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(t, "logs"), line);
}

/* A few nights of the schedule, so that lists are not empty. Their dumps are no longer in the store. */
void transfers_init(void)
{
	double size = (double)database_size_bytes();

	cJSON_AddArrayToObject(H.fixture, "transfers");
	for (int day = HISTORY; day > 0; day--) {
		int64_t at = (now_ms() / 86400000 - day) * 86400000 + 3600000 + day * 1700;
		cJSON *t = transfer_new(at, true);
		json_set(t, "source_bytes", cJSON_CreateNumber((double)(int64_t)(size * (1 - 0.002 * day))));
		json_set(t, "processed_bytes",
			 cJSON_CreateNumber((double)(int64_t)(size * (0.05 - 0.0001 * day))));
		json_set(t, "succeeded", cJSON_CreateBool(true));
		transfer_time(t, "started_at", at + 26000);
		transfer_time(t, "updated_at", at + 43000);
		transfer_time(t, "finished_at", at + 43000);
		transfer_log(t, "info", "Backup completed");
	}
}

/* By uuid, number, or the number in a name as the CLI shows it. */
static cJSON *transfer_find(const char *word)
{
	cJSON *t;
	char *end;
	long num = word ? strtol(word, &end, 10) : 0;

	cJSON_ArrayForEach(t, transfers_list())
	{
		double have = cJSON_GetObjectItemCaseSensitive(t, "num")->valuedouble;
		if (word && (strcmp(transfer_uuid(t), word) == 0 || (!*end && (long)have == num)))
			return t;
	}
	return NULL;
}

bool transfer_file(const char *uuid, char *path, size_t size)
{
	const cJSON *t = transfer_find(uuid);

	if (!t || !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(t, "succeeded")))
		return false;
	backup_path(path, size, transfer_uuid(t));
	return access(path, R_OK) == 0;
}

static cJSON *transfer_json(const cJSON *t, bool verbose)
{
	cJSON *copy = cJSON_Duplicate(t, true);

	if (!verbose)
		cJSON_DeleteItemFromObject(copy, "logs");
	return copy;
}

void handle_transfers(struct http_request *req, struct http_reply *reply)
{
	cJSON *list = cJSON_CreateArray();
	const cJSON *t;

	(void)req;
	cJSON_ArrayForEach(t, transfers_list()) cJSON_InsertItemInArray(list, 0, transfer_json(t, false));
	http_reply_json(reply, 200, list);
}

static cJSON *transfer_asked(struct http_request *req, struct http_reply *reply)
{
	cJSON *t = transfer_find(http_arg(req, "num"));

	if (!t)
		reply_error(reply, 404, "not_found", "Not found.");
	return t;
}

void handle_transfer(struct http_request *req, struct http_reply *reply)
{
	const cJSON *t = transfer_asked(req, reply);
	const char *verbose = http_query(req, "verbose");

	if (t)
		http_reply_json(reply, 200, transfer_json(t, verbose && strcmp(verbose, "true") == 0));
}

void handle_capture(struct http_request *req, struct http_reply *reply)
{
	const char *name = http_arg(req, "db");

	if (!name || !addon_find(name) || addon_find(name) != database_addon()) {
		reply_no_database(reply);
		return;
	}
	http_reply_json(reply, 201, transfer_json(transfer_new(now_ms(), false), false));
}

void transfer_cancel(cJSON *t)
{
	backup_abandon(t);
	transfer_time(t, "canceled_at", now_ms());
	transfer_time(t, "finished_at", now_ms());
	transfer_time(t, "updated_at", now_ms());
	json_set(t, "succeeded", cJSON_CreateBool(false));
}

void handle_cancel(struct http_request *req, struct http_reply *reply)
{
	cJSON *t = transfer_asked(req, reply), *json;

	if (!t)
		return;
	if (!cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(t, "finished_at"))) {
		reply_error(reply, 422, "invalid_params", "The transfer has already finished.");
		return;
	}
	transfer_cancel(t);
	json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "canceled_at", json_text(t, "canceled_at"));
	http_reply_json(reply, 200, json);
}

void handle_transfer_delete(struct http_request *req, struct http_reply *reply)
{
	cJSON *t = transfer_asked(req, reply), *copy;
	char path[1024];

	if (!t)
		return;
	backup_abandon(t);
	backup_path(path, sizeof path, transfer_uuid(t));
	unlink(path);
	transfer_time(t, "deleted_at", now_ms());
	copy = transfer_json(t, false);
	cJSON_Delete(cJSON_DetachItemViaPointer(transfers_list(), t));
	http_reply_json(reply, 200, copy);
}

/* The real CLI downloads over https only; others get http unless HEROKU_DUMP_HTTPS says which it is to be. */
static bool https_wanted(const struct http_request *req)
{
	const char *agent = http_header(req, "User-Agent");

	if (H.dump_https && *H.dump_https)
		return strcmp(H.dump_https, "1") == 0;
	return agent && strncmp(agent, "heroku-cli/", 11) == 0;
}

void handle_public_url(struct http_request *req, struct http_reply *reply)
{
	cJSON *t = transfer_asked(req, reply), *json;
	int64_t ttl_s = (int64_t)http_json_number(req, "ttl", URL_TTL_S);
	int64_t expires = now_ms() + ttl_s * 1000;
	char url[1024], at[HEROKU_STAMP_SIZE];

	if (!t)
		return;
	if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(t, "succeeded"))) {
		http_reply_text(reply, 500, "text/html", "<h1>Internal Server Error</h1>");
		return;
	}
	store_url(url, sizeof url, transfer_uuid(t), expires, https_wanted(req));
	stamp_ruby(at, expires);
	json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "url", url);
	cJSON_AddStringToObject(json, "expires_at", at);
	http_reply_json(reply, 200, json);
}

void handle_schedules(struct http_request *req, struct http_reply *reply)
{
	(void)req;
	http_reply_json(reply, 200, cJSON_Duplicate(fixture_get("schedules"), true));
}

void handle_schedule_add(struct http_request *req, struct http_reply *reply)
{
	const cJSON *hour = cJSON_GetObjectItemCaseSensitive(req->json, "hour");
	const char *zone = http_json_string(req, "timezone"), *name = http_json_string(req, "schedule_name");
	cJSON *schedule, *list = fixture_get("schedules");
	char uuid[HEROKU_UUID_SIZE];

	if (!hour || !zone || !name) {
		reply_error(reply, 422, "invalid_params", "hour, timezone and schedule_name are required.");
		return;
	}
	schedule = cJSON_CreateObject();
	uuid_make(uuid);
	cJSON_AddStringToObject(schedule, "uuid", uuid);
	cJSON_AddStringToObject(schedule, "name", name);
	cJSON_AddNumberToObject(schedule, "hour",
				cJSON_IsString(hour) ? atoi(hour->valuestring) : hour->valuedouble);
	cJSON_AddStringToObject(schedule, "timezone", zone);
	cJSON_AddItemToObject(schedule, "days",
			      cJSON_Parse("[\"Mon\",\"Tue\",\"Wed\",\"Thu\",\"Fri\",\"Sat\",\"Sun\"]"));
	cJSON_AddNumberToObject(schedule, "retain_weeks", 4);
	cJSON_AddNumberToObject(schedule, "retain_months", 12);
	transfer_time(schedule, "created_at", now_ms());
	transfer_time(schedule, "updated_at", now_ms());
	cJSON_AddNullToObject(schedule, "deleted_at");
	cJSON_AddItemToArray(list, schedule);
	http_reply_json(reply, 201, cJSON_Duplicate(schedule, true));
}

void handle_schedule_delete(struct http_request *req, struct http_reply *reply)
{
	cJSON *list = fixture_get("schedules"), *item;
	const char *uuid = http_arg(req, "uuid");

	cJSON_ArrayForEach(item, list)
	{
		if (strcmp(json_text(item, "uuid"), uuid) == 0) {
			http_reply_json(reply, 200, cJSON_Duplicate(item, true));
			cJSON_Delete(cJSON_DetachItemViaPointer(list, item));
			return;
		}
	}
	reply_error(reply, 404, "not_found", "Not found.");
}
