/* Cloudflare's envelope around every answer, its errors and its pages. */
#include "api.h"
#include <stdlib.h>
#include <string.h>

static cJSON *envelope(bool success)
{
	cJSON *json = cJSON_CreateObject();
	cJSON_AddBoolToObject(json, "success", success);
	return json;
}

void api_reply(struct http_reply *reply, cJSON *result, cJSON *info)
{
	cJSON *json = envelope(true);
	cJSON_AddItemToObject(json, "result", result);
	cJSON_AddArrayToObject(json, "errors");
	cJSON_AddArrayToObject(json, "messages");
	if (info)
		cJSON_AddItemToObject(json, "result_info", info);
	http_reply_json(reply, 200, json);
}

static cJSON *add_error(cJSON *errors, int code, const char *message)
{
	cJSON *error = cJSON_CreateObject();
	cJSON_AddNumberToObject(error, "code", code);
	cJSON_AddStringToObject(error, "message", message);
	cJSON_AddItemToArray(errors, error);
	return error;
}

void api_refuse(struct http_reply *reply, const struct problem *problem)
{
	cJSON *json = envelope(false);
	cJSON *errors = cJSON_AddArrayToObject(json, "errors");
	cJSON *error = add_error(errors, problem->code, problem->message);
	if (problem->chain_code)
		add_error(cJSON_AddArrayToObject(error, "error_chain"), problem->chain_code, problem->chain);
	if (problem->code == 7003)
		add_error(errors, 7000, "No route for that URI");
	cJSON_AddArrayToObject(json, "messages");
	cJSON_AddNullToObject(json, "result");
	http_reply_json(reply, problem->status, json);
}

static long number_query(const struct http_request *req, const char *name, long fallback)
{
	const char *text = http_query(req, name);
	char *end;
	if (!text)
		return fallback;
	long value = strtol(text, &end, 10);
	return *text && !*end ? value : -1;
}

void api_reply_page(const struct http_request *req, struct http_reply *reply, cJSON *items, long per_page,
		    long per_page_most)
{
	struct problem problem;
	long page = number_query(req, "page", 1), total = cJSON_GetArraySize(items);
	per_page = number_query(req, "per_page", per_page);
	if (page < 1 || per_page < 1 || per_page > per_page_most) {
		problem_invalid(&problem, 9101, "page must be at least 1 and per_page between 1 and %ld.",
				per_page_most);
		api_refuse(reply, &problem);
		cJSON_Delete(items);
		return;
	}
	cJSON *shown = cJSON_CreateArray();
	for (long i = 0; i < per_page && (page - 1) * per_page + i < total; i++)
		cJSON_AddItemToArray(
		    shown, cJSON_Duplicate(cJSON_GetArrayItem(items, (int)((page - 1) * per_page + i)), 1));
	cJSON_Delete(items);
	cJSON *info = cJSON_CreateObject();
	cJSON_AddNumberToObject(info, "page", (double)page);
	cJSON_AddNumberToObject(info, "per_page", (double)per_page);
	cJSON_AddNumberToObject(info, "count", cJSON_GetArraySize(shown));
	cJSON_AddNumberToObject(info, "total_count", (double)total);
	cJSON_AddNumberToObject(info, "total_pages", (double)((total + per_page - 1) / per_page));
	api_reply(reply, shown, info);
}

void api_no_route(struct http_request *req, struct http_reply *reply)
{
	struct problem problem;
	problem_set(&problem, 404, 7003,
		    "Could not route to %.200s, perhaps your object identifier is invalid?", req->path);
	api_refuse(reply, &problem);
}
