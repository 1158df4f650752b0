/* A second factor before a change, and what Heroku says of itself. Two kinds: an account asks for the code
 * with each request, an app asks once to be opened by it. */
#include "demo/heroku/heroku.h"

#include <stdio.h>
#include <string.h>

static const char CODE[] = "123456";

static bool code_given(const struct http_request *req)
{
	const char *code = http_header(req, "Heroku-Two-Factor-Code");

	return code && strcmp(code, CODE) == 0;
}

static bool ends(const char *text, const char *with)
{
	size_t have = strlen(text), want = strlen(with);

	return have >= want && strcmp(text + have - want, with) == 0;
}

/* POSTs that only ask are no change. */
static bool changes(const struct http_request *req)
{
	return strcmp(req->method, "GET") != 0 && strcmp(req->method, "HEAD") != 0 &&
	       !ends(req->path, "/resolve") && !ends(req->path, "/log-sessions") &&
	       !ends(req->path, "/public-url") && !ends(req->path, "/pre-authorizations");
}

bool two_factor_asks(struct http_request *req, struct http_reply *reply)
{
	bool app = strcmp(H.control.two_factor, "app") == 0;
	cJSON *error;

	if (!*H.control.two_factor || !changes(req) || (app ? H.control.pre_authorized : code_given(req)))
		return false;
	error = cJSON_CreateObject();
	cJSON_AddStringToObject(error, "id", "two_factor");
	cJSON_AddStringToObject(
	    error, "message",
	    "A second authentication factor or pre-authorization is required for this request.");
	if (app)
		cJSON_AddItemToObject(error, "app", app_ref());
	http_reply_json(reply, 403, error);
	return true;
}

void handle_pre_authorization(struct http_request *req, struct http_reply *reply)
{
	if (!code_given(req)) {
		reply_error(reply, 403, "two_factor", "Invalid second authentication factor.");
		return;
	}
	H.control.pre_authorized = true;
	http_reply_json(reply, 200, cJSON_CreateObject());
}

void handle_platform_status(struct http_request *req, struct http_reply *reply)
{
	const cJSON *extra = fixture_get("platform_status"), *item;
	cJSON *json =
	    cJSON_Parse("{\"status\":[{\"system\":\"Apps\",\"status\":\"green\"},{\"system\":\"Data\","
			"\"status\":\"green\"},{\"system\":\"Tools\",\"status\":\"green\"}],"
			"\"incidents\":[],\"scheduled\":[]}");

	(void)req;
	cJSON_ArrayForEach(item, extra) json_set(json, item->string, cJSON_Duplicate(item, true));
	http_reply_json(reply, 200, json);
}
