/*
 * Misbehaviour on demand. `POST /__ctl` takes one rule or an array of rules, `GET /__ctl` lists what is left
 * of them, `DELETE /__ctl` forgets them all, `DELETE /__ctl?name=NAME` those of that name. Fields of a rule,
 * all optional:
 *
 *   name           by which it can be forgotten alone
 *   method         only this method
 *   path           prefix of the path
 *   skip           let this many matching requests through first
 *   times          use the rule this often (default 1; 0 = until deleted)
 *   unless_header  the rule is blind to requests that carry this header
 *   status, body   answer this instead of acting (body: text, or JSON that is sent as JSON)
 *   headers        object; added to the canned answer, or to the real one when there is neither status nor
 * body act            true: act first, then give the canned answer drop           "before" or "after" acting:
 * reset the connection hang           seconds to wait before the answer (before acting unless it acts first)
 */
#include "demo/http/internal.h"

#include <stdlib.h>
#include <string.h>

struct ctl_rule {
	struct ctl_rule *next;
	cJSON *json;
	int skip, times;
};

static const char *text_of(const cJSON *json, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

static double number_of(const cJSON *json, const char *name, double fallback)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	return cJSON_IsNumber(item) ? item->valuedouble : fallback;
}

static void rule_add(struct http_server *server, const cJSON *json)
{
	struct ctl_rule **end = &server->rules, *rule = calloc(1, sizeof *rule);

	if (!rule)
		abort();
	rule->json = cJSON_Duplicate(json, true);
	rule->skip = (int)number_of(json, "skip", 0);
	rule->times = (int)number_of(json, "times", 1);
	if (rule->times == 0)
		rule->times = -1;
	while (*end)
		end = &(*end)->next;
	*end = rule;
}

static void rule_drop(struct ctl_rule **at)
{
	struct ctl_rule *rule = *at;

	*at = rule->next;
	cJSON_Delete(rule->json);
	free(rule);
}

/* `name` NULL: all of them. */
static void rules_drop(struct http_server *server, const char *name)
{
	for (struct ctl_rule **at = &server->rules; *at;) {
		const char *own = text_of((*at)->json, "name");
		if (!name || (own && strcmp(own, name) == 0))
			rule_drop(at);
		else
			at = &(*at)->next;
	}
}

void ctl_handle(struct http_server *server, struct http_request *req, struct http_reply *reply)
{
	const cJSON *item;
	cJSON *list;

	if (strcmp(req->method, "POST") == 0 && !req->json) {
		http_reply_text(reply, 400, "text/plain",
				"The body must be one JSON rule or an array of rules.\n");
		return;
	}
	if (strcmp(req->method, "DELETE") == 0)
		rules_drop(server, http_query(req, "name"));
	if (strcmp(req->method, "POST") == 0) {
		if (cJSON_IsArray(req->json)) {
			cJSON_ArrayForEach(item, req->json) rule_add(server, item);
		} else {
			rule_add(server, req->json);
		}
	}
	list = cJSON_CreateArray();
	for (struct ctl_rule *r = server->rules; r; r = r->next) {
		cJSON *copy = cJSON_Duplicate(r->json, true);
		cJSON_DeleteItemFromObject(copy, "times");
		cJSON_AddNumberToObject(copy, "times", r->times < 0 ? 0 : r->times);
		cJSON_AddItemToArray(list, copy);
	}
	http_reply_json(reply, 200, list);
}

static bool rule_matches(const struct ctl_rule *rule, const struct http_request *req)
{
	const char *method = text_of(rule->json, "method"), *path = text_of(rule->json, "path");
	const char *unless = text_of(rule->json, "unless_header");

	return (!method || strcmp(method, req->method) == 0) &&
	       (!path || strncmp(path, req->path, strlen(path)) == 0) &&
	       !(unless && http_header(req, unless));
}

static void verdict_fill(struct ctl_verdict *out, const cJSON *json)
{
	const cJSON *body = cJSON_GetObjectItemCaseSensitive(json, "body");
	const cJSON *headers = cJSON_GetObjectItemCaseSensitive(json, "headers");
	const char *drop = text_of(json, "drop");

	out->matched = true;
	out->status = (int)number_of(json, "status", 200);
	out->answer = body || cJSON_GetObjectItemCaseSensitive(json, "status");
	out->drop = drop != NULL;
	out->act = (drop && strcmp(drop, "after") == 0) ||
		   cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "act"));
	out->hang_s = number_of(json, "hang", 0);
	out->cut = (uint64_t)number_of(json, "cut", 0);
	out->rate = (uint64_t)number_of(json, "rate", 0);
	out->body = cJSON_IsString(body) ? strdup(body->valuestring)
		    : body               ? cJSON_PrintUnformatted(body)
					 : NULL;
	out->headers = headers ? cJSON_PrintUnformatted(headers) : NULL;
}

void ctl_match(struct http_server *server, const struct http_request *req, struct ctl_verdict *out)
{
	for (struct ctl_rule **at = &server->rules; *at; at = &(*at)->next) {
		struct ctl_rule *rule = *at;
		if (!rule_matches(rule, req))
			continue;
		if (rule->skip > 0) {
			rule->skip--;
			continue;
		}
		verdict_fill(out, rule->json);
		if (rule->times > 0 && --rule->times == 0)
			rule_drop(at);
		return;
	}
}

void ctl_apply(const struct ctl_verdict *verdict, struct http_reply *reply)
{
	cJSON *headers = verdict->headers ? cJSON_Parse(verdict->headers) : NULL;
	const cJSON *header;

	if (verdict->drop)
		http_reply_drop(reply);
	reply->cut = verdict->cut;
	reply->rate = verdict->rate;
	if (verdict->answer) {
		const char *body = verdict->body ? verdict->body : "";
		bool json = *body == '{' || *body == '[';
		http_reply_text(reply, verdict->status, json ? "application/json" : "text/html", body);
	}
	cJSON_ArrayForEach(header, headers)
	{
		if (cJSON_IsString(header) && strcmp(header->string, "Content-Type") == 0) {
			free(reply->type);
			reply->type = strdup(header->valuestring);
		} else if (cJSON_IsString(header)) {
			http_reply_header(reply, header->string, "%s", header->valuestring);
		}
	}
	cJSON_Delete(headers);
}

void ctl_done(struct ctl_verdict *verdict)
{
	free(verdict->body);
	free(verdict->headers);
}
