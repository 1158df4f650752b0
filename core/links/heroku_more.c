/* What stands around the app: how long the token lasts, features, the database's next maintenance, what
 * replaces each add-on, and how Heroku itself feels. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/heroku_inner.h"
#include "core/links/heroku_words.h"
#include <stdlib.h>
#include <string.h>

enum { TOKEN_MAX_S = 20 * 366 * 86400 };

#define TAKE(out, object, key) take_text((out), sizeof(out), (object), (key))

static void take_text(char *out, size_t size, const struct json *object, const char *key)
{
	const char *text = json_str(object, key, "");
	text_clean(out, size, text, strlen(text));
}

/* ---- the token ---- */

struct own {
	const char *token;
	struct heroku_token *out;
	int64_t now_ms;
};

static void each_authorization(void *ctx, const struct json *item)
{
	struct own *own = ctx;
	const struct json *access = json_get(item, "access_token"), *left = json_get(access, "expires_in");
	if (own->out->known || !text_equal(json_str(access, "token", ""), own->token))
		return;
	/* Heroku's own program reads it so: seconds from now, null for no end. What is neither is not
	 * believed. */
	int64_t left_s = heroku_int(access, "expires_in", -1);
	bool for_good = left && json_is_null(left);
	if (!for_good && (left_s < 0 || left_s > TOKEN_MAX_S))
		return;
	own->out->known = true;
	own->out->ends_ms = for_good ? 0 : own->now_ms + left_s * 1000;
	TAKE(own->out->described, item, "description");
}

int heroku_token(struct heroku *heroku, struct heroku_token *out, struct err *err)
{
	struct err own_err = {0};
	struct own own = {
	    .token = heroku->auth + strlen(HEROKU_BEARER), .out = out, .now_ms = clock_wall_ms()};
	*out = (struct heroku_token){0};
	if (heroku_each(heroku, &(struct heroku_call){.secret = true}, "/oauth/authorizations",
			each_authorization, &own, &own_err) == 0)
		return 0;
	*out = (struct heroku_token){0};
	if (heroku->reply.end == HTTP_ANSWERED &&
	    (heroku->reply.status == 403 || heroku->reply.status == 404))
		return 0;
	return err_set(err, own_err.kind, "%s", own_err.text);
}

/* ---- the app ---- */

struct features {
	struct heroku_feature *items;
	size_t n;
};

static void each_feature(void *ctx, const struct json *item)
{
	struct features *list = ctx;
	list->items = xrealloc(list->items, list->n + 1, sizeof *list->items);
	struct heroku_feature *out = &list->items[list->n++];
	*out = (struct heroku_feature){.enabled = json_bool(item, "enabled", false)};
	TAKE(out->name, item, "name");
}

int heroku_features(struct heroku *heroku, struct heroku_feature **out, size_t *n, struct err *err)
{
	char path[160];
	struct features list = {0};
	text_copyf(path, sizeof path, "/apps/%s/features", heroku_app(heroku));
	*out = NULL;
	*n = 0;
	if (heroku_each(heroku, &(struct heroku_call){0}, path, each_feature, &list, err) < 0) {
		free(list.items);
		return -1;
	}
	*out = list.items;
	*n = list.n;
	return 0;
}

int heroku_data_maintenance(struct heroku *heroku, const struct heroku_database *database,
			    struct heroku_data_maintenance *out, struct err *err)
{
	char path[160];
	struct json *said;
	*out = (struct heroku_data_maintenance){0};
	text_copyf(path, sizeof path, "/data/maintenances/v1/%s", database->id);
	if (heroku_call(heroku, &(struct heroku_call){.data = true}, path, &said, err) < 0)
		return -1;
	TAKE(out->status, said, "status");
	TAKE(out->window, said, "window");
	TAKE(out->reason, said, "reason");
	out->scheduled_ms = heroku_time_ms(json_str(said, "scheduled_for", ""));
	out->required_ms = heroku_time_ms(json_str(said, "required_by", ""));
	json_free(said);
	return 0;
}

/* "Apps yellow, Data red", "" while all is green. */
static void say_systems(const struct json *said, char *out, size_t size)
{
	out[0] = '\0';
	for (const struct json *one = json_first(json_get(said, "status")); one; one = json_next(one)) {
		char name[32], status[16];
		TAKE(name, one, "system");
		TAKE(status, one, "status");
		size_t used = strlen(out);
		if (!text_equal(status, "green"))
			text_copyf(out + used, size - used, "%s%s %s", used ? ", " : "", name, status);
	}
}

int heroku_platform(struct job *job, struct heroku_platform *out, struct err *err)
{
	const char *own = job_config_str(job, "heroku.api", ""),
		   *base = job_config_str(job, "heroku.status", "");
	*out = (struct heroku_platform){0};
	/* Another Heroku than the real one has its own health, if any. */
	out->asked = *base || !*own || text_find(own, "api.heroku.com");
	if (!out->asked)
		return 0;
	char *url = xasprintf("%s/api/v4/current-status", *base ? base : "https://status.heroku.com");
	struct http_request request = {.url = url, .timeout_ms = 10000, .body_max = 1 << 20};
	struct http_reply reply;
	int rc = http_once(job, &request, &reply, err);
	struct json *said =
	    rc == 0 && reply.status == 200 ? json_parse(buf_text(&reply.body), reply.body.len, NULL) : NULL;
	if (rc == 0 && !json_count(json_get(said, "status")))
		rc = err_set(err, ERR_NET, "Heroku's status page answered %d with nothing that can be read",
			     reply.status);
	say_systems(said, out->trouble, sizeof out->trouble);
	const struct json *incident = json_first(json_get(said, "incidents"));
	TAKE(out->incident, incident, "title");
	json_free(said);
	http_reply_done(&reply);
	free(url);
	return rc;
}

const char *heroku_replaced_by(const char *service)
{
	static const struct {
		const char *service, *by;
	} known[] = {
	    {"heroku-postgresql", "the copy of this night"},
	    {"heroku-redis", "a Redis on the new side; what waits in it is not copied"},
	    {"rediscloud", "a Redis on the new side, or the same account"},
	    {"stackhero-redis", "the same account"},
	    {"heroku-kafka", "a Kafka elsewhere; what waits in it is not copied"},
	    {"scheduler", "cron on the new side; its jobs are only in the dashboard"},
	    {"heroku-connect", "nothing: it lives on Heroku, and it writes to the database"},
	    {"memcachier", "a cache on the new side; it begins empty"},
	    {"memcachedcloud", "a cache on the new side; it begins empty"},
	    {"bucketeer", "the same bucket, with keys that outlive the add-on"},
	    {"cloudinary", "the same account"},
	    {"sendgrid", "the same account, its key with the app's secrets"},
	    {"mailgun", "the same account, its key with the app's secrets"},
	    {"postmark", "the same account, its key with the app's secrets"},
	    {"papertrail", "the new side's own log, or a drain there"},
	    {"logentries", "the new side's own log, or a drain there"},
	    {"coralogix", "the new side's own log, or a drain there"},
	    {"newrelic", "the same account"},
	    {"scout", "the same account"},
	    {"sentry", "the same account"},
	    {"rollbar", "the same account"},
	    {"honeybadger", "the same account"},
	    {"bonsai", "a search index elsewhere, filled anew"},
	    {"searchbox", "a search index elsewhere, filled anew"},
	    {"foundelasticsearch", "a search index elsewhere, filled anew"},
	    {"fixie", "an address of the new host: tell those who let only the old one in"},
	    {"quotaguardstatic", "an address of the new host: tell those who let only the old one in"},
	    {"hirefire", "nothing: there are no dynos to scale any more"},
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (text_equal(known[i].service, service))
			return known[i].by;
	return NULL;
}
