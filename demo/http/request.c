/* What a handler asks about its request. */
#include "demo/http/internal.h"

#include <string.h>

const char *http_header(const struct http_request *req, const char *name)
{
	return MHD_lookup_connection_value(req->connection, MHD_HEADER_KIND, name);
}

const char *http_query(const struct http_request *req, const char *name)
{
	return MHD_lookup_connection_value(req->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *http_arg(const struct http_request *req, const char *name)
{
	for (size_t i = 0; i < HTTP_ARGS_MAX && req->args[i].name; i++)
		if (strcmp(req->args[i].name, name) == 0)
			return req->args[i].value;
	return NULL;
}

struct each {
	http_each *each;
	void *state;
};

static enum MHD_Result each_value(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct each *e = cls;

	(void)kind;
	e->each(e->state, name, value ? value : "");
	return MHD_YES;
}

void http_each_header(const struct http_request *req, http_each *each, void *state)
{
	struct each e = {each, state};

	MHD_get_connection_values(req->connection, MHD_HEADER_KIND, each_value, &e);
}

void http_each_query(const struct http_request *req, http_each *each, void *state)
{
	struct each e = {each, state};

	MHD_get_connection_values(req->connection, MHD_GET_ARGUMENT_KIND, each_value, &e);
}

const char *http_json_string(const struct http_request *req, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(req->json, name));
}

double http_json_number(const struct http_request *req, const char *name, double fallback)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(req->json, name);

	return cJSON_IsNumber(item) ? item->valuedouble : fallback;
}
