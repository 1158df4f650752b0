/* Every change is made on a copy of the record set first. Only when all of it is allowed does the name server
 * get it, in one transaction; only when that has committed does the copy become the truth. */
#include "api.h"
#include <stdio.h>
#include <string.h>

enum { BATCH_MOST = 200 };

typedef int change_fn(struct api *api, struct record_set *set, const char *id, const cJSON *body,
		      cJSON **result, struct problem *problem);

static struct record *wanted(struct record_set *set, const char *id, struct problem *problem)
{
	struct record *record = id ? records_find(set, id) : NULL;
	if (!record)
		problem_set(problem, 404, 81044, "Record does not exist.");
	return record;
}

static int change_post(struct api *api, struct record_set *set, const char *id, const cJSON *body,
		       cJSON **result, struct problem *problem)
{
	(void)id;
	struct record *record = records_add(set);
	if (!record)
		return problem_set(problem, 400, 81045, "Record quota exceeded.");
	record_new_id(record->id);
	record_stamp(record->created_on);
	memcpy(record->modified_on, record->created_on, sizeof(record->modified_on));
	if (check_fields(&api->rules, record, body, HOW_NEW, problem) < 0 ||
	    check_place(set, record, problem) < 0)
		return -1;
	*result = record_json(record);
	return 0;
}

static int change_fields(struct api *api, struct record_set *set, const char *id, const cJSON *body,
			 enum how how, cJSON **result, struct problem *problem)
{
	struct record *record = wanted(set, id, problem);
	if (!record || check_fields(&api->rules, record, body, how, problem) < 0 ||
	    check_place(set, record, problem) < 0)
		return -1;
	record_stamp(record->modified_on);
	*result = record_json(record);
	return 0;
}

static int change_patch(struct api *api, struct record_set *set, const char *id, const cJSON *body,
			cJSON **result, struct problem *problem)
{
	return change_fields(api, set, id, body, HOW_PATCH, result, problem);
}

static int change_put(struct api *api, struct record_set *set, const char *id, const cJSON *body,
		      cJSON **result, struct problem *problem)
{
	return change_fields(api, set, id, body, HOW_NEW, result, problem);
}

static int change_delete(struct api *api, struct record_set *set, const char *id, const cJSON *body,
			 cJSON **result, struct problem *problem)
{
	(void)api;
	struct record *record = wanted(set, id, problem);
	if (!record)
		return -1;
	/* A batch answers with the whole record that went, a single DELETE with its id only. */
	*result = body ? record_json(record) : cJSON_CreateObject();
	if (!body)
		cJSON_AddStringToObject(*result, "id", id);
	records_remove(set, record);
	return 0;
}

static int commit(struct api *api, struct record_set *set, struct problem *problem)
{
	struct record_set was = {0}, is = {0};
	char why[400] = "there is no room for more records";
	int rc = edge_serve(api, &was, &api->known) < 0 || edge_serve(api, &is, set) < 0
		     ? -1
		     : knot_replace(&api->knot, &was, &is, why, sizeof(why));
	records_free(&was);
	records_free(&is);
	if (rc < 0)
		return problem_invalid(problem, 9101, "%s", why);
	records_free(&api->known);
	api->known = *set;
	*set = (struct record_set){0};
	if (state_save(api->state_path, api->zone_id, &api->known) < 0)
		perror(api->state_path);
	return 0;
}

void api_change_one(struct http_request *req, struct http_reply *reply)
{
	static const struct {
		const char *method;
		change_fn *change;
	} ways[] = {
	    {"POST", change_post}, {"PATCH", change_patch}, {"PUT", change_put}, {"DELETE", change_delete}};
	struct api *api = req->ctx;
	struct record_set set = {0};
	struct problem problem = {0};
	cJSON *result = NULL;
	if (api_look(req, reply) < 0)
		return;
	int rc = records_copy(&set, &api->known);
	for (size_t i = 0; rc == 0 && i < sizeof(ways) / sizeof(*ways); i++)
		if (!strcmp(req->method, ways[i].method))
			rc = ways[i].change(api, &set, http_arg(req, "id"),
					    ways[i].change == change_delete ? NULL : req->json, &result,
					    &problem);
	if (rc == 0 && commit(api, &set, &problem) == 0) {
		api_reply(reply, result, NULL);
	} else {
		cJSON_Delete(result);
		api_refuse(reply, &problem);
	}
	records_free(&set);
}

static int batch_part(struct api *api, struct record_set *set, const cJSON *list, change_fn *change,
		      cJSON *results, struct problem *problem)
{
	const cJSON *item;
	cJSON_ArrayForEach(item, list)
	{
		cJSON *result = NULL;
		const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "id"));
		if (!cJSON_IsObject(item))
			return problem_set(problem, 400, 9207, "Request body is invalid.");
		if (change(api, set, id, item, &result, problem) < 0)
			return -1;
		cJSON_AddItemToArray(results, result);
	}
	return 0;
}

/* Cloudflare's own order, whatever order the request has. */
static const struct {
	const char *key;
	change_fn *change;
} batch_parts[] = {
    {"deletes", change_delete}, {"patches", change_patch}, {"puts", change_put}, {"posts", change_post}};

static int check_batch(const cJSON *body, struct problem *problem)
{
	const cJSON *item;
	int count = 0;
	cJSON_ArrayForEach(item, body)
	{
		bool known = false;
		for (size_t i = 0; i < sizeof(batch_parts) / sizeof(*batch_parts); i++)
			known = known || !strcmp(item->string, batch_parts[i].key);
		if (!known || !(cJSON_IsArray(item) || cJSON_IsNull(item)))
			return problem_set(problem, 400, 9207, "Request body is invalid: \"%.60s\".",
					   item->string);
		count += cJSON_GetArraySize(item);
	}
	if (!cJSON_IsObject(body) || count == 0)
		return problem_set(problem, 400, 9207, "Request body is invalid: the batch holds no change.");
	if (count > BATCH_MOST)
		return problem_set(problem, 400, 9207, "The batch holds %d changes; the limit is %d.", count,
				   BATCH_MOST);
	return 0;
}

void api_batch(struct http_request *req, struct http_reply *reply)
{
	struct api *api = req->ctx;
	struct record_set set = {0};
	struct problem problem = {0};
	if (api_look(req, reply) < 0)
		return;
	cJSON *result = cJSON_CreateObject();
	int rc = check_batch(req->json, &problem);
	if (rc == 0)
		rc = records_copy(&set, &api->known);
	for (size_t i = 0; i < sizeof(batch_parts) / sizeof(*batch_parts); i++) {
		cJSON *results = cJSON_AddArrayToObject(result, batch_parts[i].key);
		if (rc == 0)
			rc = batch_part(api, &set,
					cJSON_GetObjectItemCaseSensitive(req->json, batch_parts[i].key),
					batch_parts[i].change, results, &problem);
	}
	if (rc == 0 && commit(api, &set, &problem) == 0) {
		api_reply(reply, result, NULL);
	} else {
		cJSON_Delete(result);
		api_refuse(reply, &problem);
	}
	records_free(&set);
}
