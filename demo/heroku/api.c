/* The table of all answers, and what is common to them: who may ask, how often, and the headers. */
#include "demo/heroku/heroku.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { RATE_LIMIT = 4500, RATE_REFILL_PER_MIN = 75 };

#define APP "/apps/:app"
#define DATA "/client/v11"

const struct http_route API_ROUTES[] = {
    {"POST", "/__heroku", handle_control, false},
    {"GET", "/stream", handle_log_stream, false},
    {"GET", "/xfrtu/:uuid", handle_store, false},

    {"GET", "/account", handle_account, false},
    {"GET", "/account/features", handle_app_list, false},
    {"GET", "/account/rate-limits", handle_rate_limits, false},
    {"GET", "/oauth/authorizations", handle_authorizations, false},
    {"GET", "/oauth/authorizations/:id", handle_authorizations, false},
    {"GET", "/apps", handle_apps, false},
    {"GET", "/users/:user/apps", handle_apps, false},
    {"GET", "/teams", handle_empty_list, false},
    {"GET", APP, handle_app, false},
    {"PATCH", APP, handle_app_patch, false},
    {"PUT", APP "/pre-authorizations", handle_pre_authorization, false},
    {"GET", "/api/v4/current-status", handle_platform_status, false},
    {"GET", APP "/dynos", handle_dynos, false},
    {"POST", APP "/dynos", handle_dyno_run, false},
    {"DELETE", APP "/dynos", handle_dyno_restart, false},
    {"GET", APP "/dynos/:dyno", handle_dyno, false},
    {"DELETE", APP "/dynos/:dyno", handle_dyno_restart, false},
    {"POST", APP "/dynos/:dyno/actions/stop", handle_dyno_stop, false},
    {"GET", APP "/formation", handle_formation, false},
    {"PATCH", APP "/formation", handle_formation_patch, false},
    {"GET", APP "/formation/:type", handle_formation_type, false},
    {"PATCH", APP "/formation/:type", handle_formation_patch, false},
    {"DELETE", APP "/formations/:type", handle_dyno_restart, false},
    {"POST", APP "/formations/:type/actions/stop", handle_dyno_stop, false},
    {"GET", APP "/config-vars", handle_config, false},
    {"PATCH", APP "/config-vars", handle_config_patch, false},
    {"GET", APP "/releases", handle_releases, false},
    {"GET", APP "/releases/:version", handle_release, false},
    {"GET", APP "/releases/:version/config-vars", handle_release_config, false},
    {"GET", APP "/addons", handle_addons, false},
    {"GET", APP "/addons/:addon", handle_addon, false},
    {"GET", APP "/addon-attachments", handle_attachments, false},
    {"GET", "/addons", handle_addons, false},
    {"GET", "/addons/:addon", handle_addon, false},
    {"GET", "/addons/:addon/addon-attachments", handle_attachments, false},
    {"GET", "/addon-attachments", handle_attachments, false},
    {"POST", "/actions/addon-attachments/resolve", handle_resolve_attachment, false},
    {"POST", "/actions/addons/resolve", handle_resolve_addon, false},
    {"GET", APP "/domains", handle_app_list, false},
    {"GET", APP "/features", handle_app_list, false},
    {"GET", APP "/collaborators", handle_app_list, false},
    {"GET", APP "/log-drains", handle_empty_list, false},
    {"GET", APP "/sni-endpoints", handle_empty_list, false},
    {"GET", APP "/webhooks", handle_empty_list, false},
    {"POST", APP "/log-sessions", handle_log_session, false},

    {"GET", DATA "/databases/:db", handle_database, true},
    {"GET", DATA "/databases/:db/wait_status", handle_wait_status, false},
    {"POST", DATA "/databases/:db/connection_reset", handle_connection_reset, false},
    {"POST", DATA "/databases/:db/backups", handle_capture, false},
    {"GET", DATA "/databases/:db/transfer-schedules", handle_schedules, false},
    {"POST", DATA "/databases/:db/transfer-schedules", handle_schedule_add, false},
    {"DELETE", DATA "/databases/:db/transfer-schedules/:uuid", handle_schedule_delete, false},
    {"GET", DATA "/apps/:app/transfers", handle_transfers, false},
    {"GET", DATA "/apps/:app/transfers/:num", handle_transfer, false},
    {"DELETE", DATA "/apps/:app/transfers/:num", handle_transfer_delete, false},
    {"POST", DATA "/apps/:app/transfers/:num/actions/public-url", handle_public_url, false},
    {"POST", DATA "/apps/:app/transfers/:num/actions/cancel", handle_cancel, false},
    {"GET", "/postgres/v0/databases/:db/credentials", handle_credentials, false},
    {"GET", "/postgres/v0/databases/:db/credentials/:name", handle_credentials, false},
    {"GET", "/postgres/v0/databases/:db/config", handle_database_config, false},
    {"GET", "/data/maintenances/v1/apps/:app", handle_maintenances, false},
    {"GET", "/data/maintenances/v1/:db", handle_maintenance_one, false},
};
const size_t API_ROUTES_COUNT = sizeof API_ROUTES / sizeof *API_ROUTES;

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool path_open(const char *path)
{
	return starts(path, "/__heroku") || starts(path, "/stream") || starts(path, "/xfrtu/") ||
	       starts(path, "/api/v4/");
}

static bool path_data(const char *path)
{
	return starts(path, "/client/v11/") || starts(path, "/postgres/v0/") || starts(path, "/data/");
}

/* Bearer everywhere; the data host takes Basic with an empty user as well. */
static bool authorized(const struct http_request *req)
{
	const char *have = http_header(req, "Authorization");
	char plain[512], code[700];

	if (!have)
		return false;
	if (strncasecmp(have, "Bearer ", 7) == 0)
		return strcmp(have + 7, H.token) == 0;
	snprintf(plain, sizeof plain, ":%s", H.token);
	base64_encode(code, sizeof code, plain);
	return path_data(req->path) && strncasecmp(have, "Basic ", 6) == 0 && strcmp(have + 6, code) == 0;
}

/* Takes one token from the bucket; false when it is empty. */
static bool rate_take(const struct http_request *req)
{
	struct heroku_control *c = &H.control;
	int64_t now = now_ms();

	c->rate_tokens += (double)(now - c->rate_at_ms) / 60000 * night_speed() * RATE_REFILL_PER_MIN;
	if (c->rate_tokens > RATE_LIMIT)
		c->rate_tokens = RATE_LIMIT;
	c->rate_at_ms = now;
	if (path_data(req->path) || strcmp(req->path, "/account/rate-limits") == 0)
		return true;
	if (c->rate_tokens < 1) {
		c->rate_refused++;
		return false;
	}
	c->rate_tokens -= 1;
	if (c->rate_tokens < c->rate_lowest)
		c->rate_lowest = c->rate_tokens;
	return true;
}

bool api_before(struct http_request *req, struct http_reply *reply)
{
	const char *app = http_arg(req, "app");

	if (path_open(req->path))
		return false;
	if (!authorized(req)) {
		reply_error(reply, 401, "unauthorized", "Invalid credentials provided.");
	} else if (!rate_take(req)) {
		reply_error(
		    reply, 429, "rate_limit",
		    "Your account reached the API rate limit\nPlease wait a few minutes before making new "
		    "requests");
	} else if (app && !app_matches(app) && !starts(req->path, "/data/")) {
		reply_not_found(reply, "app", "app");
	} else {
		return two_factor_asks(req, reply);
	}
	return true;
}

void api_missing(struct http_request *req, struct http_reply *reply)
{
	if (path_data(req->path))
		reply_no_database(reply);
	else
		reply_error(reply, 404, "not_found",
			    "The requested API endpoint was not found. Are you using the right "
			    "HTTP verb (i.e. `GET` vs. `POST`), and did you specify your "
			    "intended version with the `Accept` header?");
}

/* The digest of the body is its tag; who has it already gets 304 and nothing else. */
static void etag_add(struct http_request *req, struct http_reply *reply)
{
	size_t size;
	const char *body = http_reply_body(reply, &size), *known = http_header(req, "If-None-Match");
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	char hex[2 * EVP_MAX_MD_SIZE + 1] = "", etag[2 * EVP_MAX_MD_SIZE + 3];

	if (!body || !EVP_Digest(body, size, digest, &length, EVP_md5(), NULL))
		return;
	for (unsigned i = 0; i < length; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	snprintf(etag, sizeof(etag), "\"%s\"", hex);
	if (known && strcmp(known, etag) == 0 && strcmp(req->method, "GET") == 0)
		http_reply_bytes(reply, 304, "application/json", "", 0);
	http_reply_header(reply, "ETag", "%s", etag);
}

void api_after(struct http_request *req, struct http_reply *reply)
{
	const char *theirs = http_header(req, "Request-Id");
	char id[HEROKU_UUID_SIZE];

	if (path_open(req->path))
		return;
	uuid_make(id);
	http_reply_header(reply, "Request-Id", "%s%s%s", id, theirs ? "," : "", theirs ? theirs : "");
	if (path_data(req->path))
		return;
	if (http_reply_status(reply) == 200 || http_reply_status(reply) == 206)
		etag_add(req, reply);
	http_reply_header(reply, "RateLimit-Remaining", "%d", (int)H.control.rate_tokens);
	http_reply_header(reply, "RateLimit-Multiplier", "1");
	http_reply_header(reply, "Cache-Control", "private, no-cache");
	http_reply_header(reply, "OAuth-Scope", "%s", H.control.token_scope);
	http_reply_header(reply, "OAuth-Scope-Accepted", "global read read-protected write write-protected");
	http_reply_header(reply, "Vary", "Authorization,Accept-Encoding");
}
