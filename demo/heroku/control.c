/*
 * What only the fake can do. `POST /__heroku` takes one JSON object; every field is optional:
 *
 *   backup         "ok", "fail", "stall" (running, nothing moves), "pending" (never starts) or "cancel"
 * (somebody cancels it while it runs) lag_s          seconds from the end of a backup to the right
 * processed_bytes (0 = 1) rotate         true: the database gets a new password, and the config vars with it
 *   two_factor     "account", "app" or "": a change wants the code 123456
 *   token_ends_s   seconds from now that the token still lives (0 = for good)
 *   token_scope    "global", "read-protected write-protected", …: what the token may do
 *   boot_slow_s    how long a dyno is at least starting
 *   platform       object merged into what /api/v4/current-status says, e.g. {"status": [...]}
 *   stop_slow      true: dynos do not get their SIGTERM, only the SIGKILL
 *   kill_after_s   seconds from SIGTERM to SIGKILL (0 = 30)
 *   crash          name of a dyno to kill
 *   run            {"type": "scheduler", "command": "…"} starts a one-off dyno
 *   page_max       longest page of any list (0 = as asked)
 *   cut_tails      true: every open log tail ends now
 *   logs_plain     true: the log stream is text/plain whatever was asked for
 *   expire_urls    true: every dump address handed out so far is dead
 *   rate_remaining tokens left in the rate limit
 *   plan           "standard-0", "essential-0", …: the database's plan
 *   feature        {"name": "preboot", "enabled": true}
 *   release        {"status": "pending"}: merged into the newest release
 *   data_maintenance  object merged into the database's maintenance, e.g. {"status": "running"}
 *
 * Its answer tells how the rate limit did: {"rate_tokens", "rate_lowest", "rate_refused"}.
 */
#include "demo/heroku/heroku.h"

#include <stdio.h>
#include <string.h>

static const cJSON *field(const struct http_request *req, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(req->json, name);
}

static void plan_set(const char *plan)
{
	char name[64];

	snprintf(H.plan, sizeof H.plan, "%s", plan);
	snprintf(name, sizeof name, "heroku-postgresql:%s", plan);
	json_set(cJSON_GetObjectItem(database_addon(), "plan"), "name", cJSON_CreateString(name));
}

static void feature_set(const cJSON *change)
{
	cJSON *item;
	const char *name = json_text(change, "name");

	cJSON_ArrayForEach(item, fixture_get("features"))
	{
		if (name && strcmp(json_text(item, "name"), name) == 0)
			json_set(item, "enabled",
				 cJSON_CreateBool(cJSON_IsTrue(cJSON_GetObjectItem(change, "enabled"))));
	}
}

static void release_merge(const cJSON *change)
{
	const cJSON *item;
	int last = release_current() ? cJSON_GetArraySize(fixture_get("releases")) - 1 : 0;
	cJSON *release = cJSON_GetArrayItem(fixture_get("releases"), last);

	cJSON_ArrayForEach(item, change) json_set(release, item->string, cJSON_Duplicate(item, true));
}

static void things_change(const struct http_request *req)
{
	const cJSON *run = field(req, "run"), *maintenance = field(req, "data_maintenance");
	const char *type = json_text(run, "type"), *command = json_text(run, "command");

	if (http_json_string(req, "crash"))
		dyno_crash(http_json_string(req, "crash"));
	if (run)
		dyno_run(type ? type : "run", command ? command : "bin/rails runner Task.call", "Standard-1X",
			 0);
	if (field(req, "platform"))
		json_set(H.fixture, "platform_status", cJSON_Duplicate(field(req, "platform"), true));
	if (http_json_string(req, "plan"))
		plan_set(http_json_string(req, "plan"));
	if (field(req, "feature"))
		feature_set(field(req, "feature"));
	if (field(req, "release"))
		release_merge(field(req, "release"));
	if (maintenance)
		json_set(H.fixture, "data_maintenance", cJSON_Duplicate(maintenance, true));
}

static void reply_rate(struct http_reply *reply)
{
	const struct heroku_control *c = &H.control;
	cJSON *json = cJSON_CreateObject();

	cJSON_AddNumberToObject(json, "rate_tokens", (int)c->rate_tokens);
	cJSON_AddNumberToObject(json, "rate_lowest", (int)c->rate_lowest);
	cJSON_AddNumberToObject(json, "rate_refused", c->rate_refused);
	http_reply_json(reply, 200, json);
}

void handle_control(struct http_request *req, struct http_reply *reply)
{
	struct heroku_control *c = &H.control;

	if (!cJSON_IsObject(req->json)) {
		http_reply_text(reply, 400, "text/plain", "The body must be one JSON object.\n");
		return;
	}
	if (http_json_string(req, "backup"))
		snprintf(c->backup, sizeof c->backup, "%s", http_json_string(req, "backup"));
	if (http_json_string(req, "two_factor")) {
		snprintf(c->two_factor, sizeof c->two_factor, "%s", http_json_string(req, "two_factor"));
		c->pre_authorized = false;
	}
	if (http_json_string(req, "token_scope"))
		snprintf(c->token_scope, sizeof c->token_scope, "%s", http_json_string(req, "token_scope"));
	c->token_ends_s = (int)http_json_number(req, "token_ends_s", c->token_ends_s);
	if (field(req, "stop_slow"))
		c->stop_slow = cJSON_IsTrue(field(req, "stop_slow"));
	if (field(req, "logs_plain"))
		c->logs_plain = cJSON_IsTrue(field(req, "logs_plain"));
	if (cJSON_IsTrue(field(req, "cut_tails")))
		c->tails_cut++;
	if (cJSON_IsTrue(field(req, "expire_urls")))
		c->urls_expired_ms = now_ms() + 1;
	c->kill_after_s = (int)http_json_number(req, "kill_after_s", c->kill_after_s);
	c->boot_slow_s = (int)http_json_number(req, "boot_slow_s", c->boot_slow_s);
	c->lag_s = (int)http_json_number(req, "lag_s", c->lag_s);
	c->page_max = (int)http_json_number(req, "page_max", c->page_max);
	c->rate_tokens = http_json_number(req, "rate_remaining", c->rate_tokens);
	things_change(req);
	if (cJSON_IsTrue(field(req, "rotate")) && !database_rotate()) {
		http_reply_text(reply, 500, "text/plain", "The database took no new password.\n");
		return;
	}
	reply_rate(reply);
}
