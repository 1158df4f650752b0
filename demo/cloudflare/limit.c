/* Who may ask, and how often. */
#include "api.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { WINDOW_MS = 300 * 1000 };

static long long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Over the limit every call is refused for the next five minutes, not only until the window ends. */
static bool over_limit(struct api *api, struct http_reply *reply)
{
	long long now = now_ms();
	if (now >= api->window_ends_ms) {
		api->window_ends_ms = now + WINDOW_MS;
		api->asked = 0;
	}
	if (now >= api->blocked_until_ms && api->asked++ >= api->asked_most)
		api->blocked_until_ms = now + WINDOW_MS;
	int left = api->asked < api->asked_most ? api->asked_most - api->asked : 0;
	http_reply_header(reply, "Ratelimit", "\"default\";r=%d;t=%lld", left,
			  (api->window_ends_ms - now + 999) / 1000);
	http_reply_header(reply, "Ratelimit-Policy", "\"default\";q=%d;w=%d", api->asked_most,
			  WINDOW_MS / 1000);
	if (now >= api->blocked_until_ms)
		return false;
	http_reply_header(reply, "Retry-After", "%lld", (api->blocked_until_ms - now + 999) / 1000);
	struct problem problem;
	problem_set(&problem, 429, 971, "Please wait and consider throttling your request speed");
	api_refuse(reply, &problem);
	return true;
}

static int check_token(const struct api *api, const struct http_request *req, struct problem *problem)
{
	const char *header = http_header(req, "Authorization");
	if (!header)
		return problem_set(problem, 400, 9106,
				   "Missing X-Auth-Key, X-Auth-Email or Authorization headers");
	if (strncasecmp(header, "Bearer ", 7) || !header[7] || strpbrk(header + 7, " \t")) {
		problem_set(problem, 400, 6003, "Invalid request headers");
		problem->chain_code = 6111;
		snprintf(problem->chain, sizeof(problem->chain), "Invalid format for Authorization header");
		return -1;
	}
	if (!strcmp(header + 7, api->token))
		return 0;
	if (strstr(req->path, "/tokens/verify"))
		return problem_set(problem, 401, 1000, "Invalid API Token");
	if (strstr(req->path, "/dns_records"))
		return problem_set(problem, 403, 10000, "Authentication error");
	return problem_set(problem, 403, 9109, "Invalid access token");
}

static int check_body(const struct http_request *req, struct problem *problem)
{
	const char *type = http_header(req, "Content-Type");
	if (!strcmp(req->method, "GET") || !strcmp(req->method, "DELETE") || !strcmp(req->method, "HEAD"))
		return 0;
	if (!type || strncasecmp(type, "application/json", 16)) {
		problem_set(problem, 400, 6003, "Invalid request headers");
		problem->chain_code = 6105;
		snprintf(
		    problem->chain, sizeof(problem->chain),
		    "Invalid Content-Type header, valid values are application/json,multipart/form-data");
		return -1;
	}
	if (!req->json)
		return problem_set(problem, 400, 6007, "Malformed JSON in request body");
	return 0;
}

bool api_admit(struct http_request *req, struct http_reply *reply)
{
	struct api *api = req->ctx;
	struct problem problem;
	char ray[ID_SIZE];
	record_new_id(ray);
	http_reply_header(reply, "cf-ray", "%.16s-FRA", ray);
	if (over_limit(api, reply))
		return true;
	if (check_token(api, req, &problem) == 0 && check_body(req, &problem) == 0)
		return false;
	api_refuse(reply, &problem);
	return true;
}
