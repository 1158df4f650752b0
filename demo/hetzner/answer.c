/* Who may ask and how often, and errors in Hetzner's words. */
#include "api.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { WINDOW_MS = 3600 * 1000 };

void api_error(struct http_reply *reply, int status, const char *code, const char *format, ...)
{
	char text[400];
	va_list list;
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	cJSON *json = cJSON_CreateObject(), *error = cJSON_AddObjectToObject(json, "error");
	cJSON_AddStringToObject(error, "code", code);
	cJSON_AddStringToObject(error, "message", text);
	cJSON_AddNullToObject(error, "details");
	http_reply_json(reply, status, json);
}

long long api_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool over_limit(struct api *api, struct http_reply *reply)
{
	long long now = api_now_ms();
	if (now >= api->window_ends_ms) {
		api->window_ends_ms = now + WINDOW_MS;
		api->asked = 0;
	}
	bool over = api->asked >= api->asked_most;
	api->asked += !over;
	http_reply_header(reply, "RateLimit-Limit", "%ld", api->asked_most);
	http_reply_header(reply, "RateLimit-Remaining", "%ld", api->asked_most - api->asked);
	http_reply_header(reply, "RateLimit-Reset", "%lld",
			  (long long)time(NULL) + (api->window_ends_ms - now) / 1000);
	if (over)
		api_error(reply, 429, "rate_limit_exceeded", "limit of %ld requests per hour reached",
			  api->asked_most);
	return over;
}

bool api_admit(struct http_request *req, struct http_reply *reply)
{
	struct api *api = req->ctx;
	const char *header = http_header(req, "Authorization");
	bool changes = strcmp(req->method, "GET") && strcmp(req->method, "HEAD");
	if (!header || strncasecmp(header, "Bearer ", 7) || strcmp(header + 7, api->token)) {
		api_error(reply, 401, "unauthorized", "unable to authenticate");
		return true;
	}
	if (over_limit(api, reply))
		return true;
	if (changes && api->readonly) {
		api_error(reply, 403, "token_readonly", "the token is only allowed to perform GET requests");
		return true;
	}
	if (changes && req->body_size && !req->json) {
		api_error(reply, 400, "json_error", "invalid JSON in the body");
		return true;
	}
	api_settle(api);
	return false;
}

void api_missing(struct http_request *req, struct http_reply *reply)
{
	api_error(reply, 404, "not_found", "%s not found", req->path);
}
