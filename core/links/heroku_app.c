/* The platform API, typed: the app, its dynos, formation, releases, add-ons, domains and config vars. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/heroku.h"
#include "core/links/heroku_words.h"
#include "core/links/http.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SDK "3.sdk"
enum { QUANTITY_MAX = 10000 };
/* Text from Heroku is cleaned where it enters. */
#define TAKE(out, object, key) take_text((out), sizeof(out), (object), (key))

static void take_text(char *out, size_t size, const struct json *object, const char *key)
{
	const char *text = json_str(object, key, "");
	text_clean(out, size, text, strlen(text));
}

static void app_path(const struct heroku *heroku, char out[240], const char *rest)
{
	text_copyf(out, 240, "/apps/%s%s", heroku_app(heroku), rest);
}

/* A growing list of any of the structs below. */
struct list {
	void *items;
	size_t n, size;
	bool odd; /* something in it cannot be right */
};

static void *list_push(struct list *list)
{
	list->items = xrealloc(list->items, list->n + 1, list->size);
	void *item = (char *)list->items + list->n++ * list->size;
	memset(item, 0, list->size);
	return item;
}

static int list_get(struct heroku *heroku, const struct heroku_call *call, const char *path,
		    struct list *list, void (*each)(void *ctx, const struct json *item), struct err *err)
{
	if (heroku_each(heroku, call, path, each, list, err) == 0)
		return 0;
	free(list->items);
	return -1;
}

int heroku_account(struct heroku *heroku, struct heroku_account *out, struct err *err)
{
	struct json *said;
	*out = (struct heroku_account){0};
	if (heroku_call(heroku, &(struct heroku_call){0}, "/account", &said, err) < 0)
		return -1;
	TAKE(out->email, said, "email");
	out->federated = json_bool(said, "federated", false);
	char scope[160];
	heroku_head(heroku, "oauth-scope", scope, sizeof scope);
	text_clean(out->scope, sizeof out->scope, scope, strlen(scope));
	json_free(said);
	return 0;
}

int heroku_app_get(struct heroku *heroku, struct heroku_app *out, struct err *err)
{
	char path[240];
	struct json *said;
	*out = (struct heroku_app){0};
	app_path(heroku, path, "");
	if (heroku_call(heroku, &(struct heroku_call){0}, path, &said, err) < 0)
		return -1;
	TAKE(out->name, said, "name");
	/* A string under 3.sdk, an object under 3. */
	const struct json *generation = json_get(said, "generation");
	if (json_is_object(generation))
		TAKE(out->generation, generation, "name");
	else
		TAKE(out->generation, said, "generation");
	TAKE(out->space, json_get(said, "space"), "name");
	TAKE(out->stack, json_get(said, "build_stack"), "name");
	bool told = json_is_bool(json_get(said, "maintenance"));
	out->maintenance = json_bool(said, "maintenance", false);
	json_free(said);
	if (!told)
		return err_set(err, ERR_NET,
			       "heroku's answer about %s does not say whether maintenance is on; try again",
			       heroku_app(heroku));
	return 0;
}

int heroku_maintenance_set(struct heroku *heroku, bool on, struct err *err)
{
	char path[240];
	app_path(heroku, path, "");
	struct heroku_call call = {.method = "PATCH",
				   .body = on ? "{\"maintenance\":true}" : "{\"maintenance\":false}"};
	return heroku_call(heroku, &call, path, NULL, err);
}

static void each_dyno(void *ctx, const struct json *item)
{
	struct heroku_dyno *dyno = list_push(ctx);
	heroku_name(item, "name", dyno->name, sizeof dyno->name);
	heroku_name(item, "type", dyno->type, sizeof dyno->type);
	TAKE(dyno->state, item, "state");
	TAKE(dyno->size, item, "size");
	TAKE(dyno->command, item, "command");
	dyno->since_ms = heroku_time_ms(json_str(item, "updated_at", json_str(item, "created_at", "")));
}

int heroku_dynos(struct heroku *heroku, struct heroku_dyno **out, size_t *n, struct err *err)
{
	char path[240];
	struct list list = {.size = sizeof **out};
	app_path(heroku, path, "/dynos");
	*out = NULL;
	*n = 0;
	if (list_get(heroku, &(struct heroku_call){.accept = SDK}, path, &list, each_dyno, err) < 0)
		return -1;
	*out = list.items;
	*n = list.n;
	return 0;
}

int heroku_dyno_stop(struct heroku *heroku, const char *name, struct err *err)
{
	char path[240], rest[100];
	if (!*name || *name == '?')
		return err_set(err, ERR_NET,
			       "heroku names a dyno in a way that cannot be right; look with `heroku ps`");
	text_copyf(rest, sizeof rest, "/dynos/%s/actions/stop", name);
	app_path(heroku, path, rest);
	return heroku_call(heroku, &(struct heroku_call){.method = "POST", .accept = SDK}, path, NULL, err);
}

static void each_process(void *ctx, const struct json *item)
{
	struct list *list = ctx;
	struct heroku_process *process = list_push(list);
	/* Heroku's own program sends quantities as strings, so both shapes may come back. What is no number
	 * is not 0: it would be the way back. */
	int64_t quantity = heroku_int(item, "quantity", -1);
	bool named = heroku_name(item, "type", process->type, sizeof process->type);
	TAKE(process->size, item, "size");
	list->odd = list->odd || !named || quantity < 0 || quantity > QUANTITY_MAX;
	process->quantity = (int)quantity;
}

int heroku_formation(struct heroku *heroku, struct heroku_process **out, size_t *n, struct err *err)
{
	char path[240];
	struct list list = {.size = sizeof **out};
	app_path(heroku, path, "/formation");
	*out = NULL;
	*n = 0;
	if (list_get(heroku, &(struct heroku_call){0}, path, &list, each_process, err) < 0)
		return -1;
	if (list.odd) {
		free(list.items);
		return err_set(
		    err, ERR_NET,
		    "heroku gives %s a process type or a quantity that cannot be right, so its "
		    "formation is not known; nothing was changed, look with `heroku ps:scale -a %s`",
		    heroku_app(heroku), heroku_app(heroku));
	}
	*out = list.items;
	*n = list.n;
	return 0;
}

int heroku_formation_set(struct heroku *heroku, const struct heroku_process *list, size_t n, struct err *err)
{
	char path[240];
	struct jw w = {0};
	app_path(heroku, path, "/formation");
	jw_open(&w);
	jw_arr(&w, "updates");
	for (size_t i = 0; i < n; i++) {
		jw_obj(&w, NULL);
		jw_str(&w, "type", list[i].type);
		jw_int(&w, "quantity", list[i].quantity);
		if (*list[i].size)
			jw_str(&w, "size", list[i].size);
		jw_end(&w);
	}
	int rc = heroku_call(heroku, &(struct heroku_call){.method = "PATCH", .body = jw_finish(&w)}, path,
			     NULL, err);
	jw_done(&w);
	return rc;
}

static void each_release(void *ctx, const struct json *item)
{
	struct heroku_release *release = list_push(ctx);
	release->version = heroku_int(item, "version", 0);
	release->created_ms = heroku_time_ms(json_str(item, "created_at", ""));
	release->current = json_bool(item, "current", false);
	TAKE(release->status, item, "status");
	TAKE(release->description, item, "description");
	TAKE(release->by, json_get(item, "user"), "email");
}

int heroku_releases(struct heroku *heroku, int max, struct heroku_release **out, size_t *n, struct err *err)
{
	char path[240], range[64];
	struct list list = {.size = sizeof **out};
	struct json *said;
	app_path(heroku, path, "/releases");
	text_copyf(range, sizeof range, "version ..; max=%d, order=desc", max);
	*out = NULL;
	*n = 0;
	/* Only the first page: an app has thousands of releases. */
	if (heroku_call(heroku, &(struct heroku_call){.accept = SDK, .range = range}, path, &said, err) < 0)
		return -1;
	bool whole = json_is_array(said);
	for (const struct json *item = json_first(said); item && whole; item = json_next(item))
		each_release(&list, item);
	json_free(said);
	if (!whole)
		return err_set(err, ERR_NET,
			       "heroku answered %s with no list; try again, and look at status.heroku.com if "
			       "it stays so",
			       path);
	*out = list.items;
	*n = list.n;
	return 0;
}

static void each_addon(void *ctx, const struct json *item)
{
	struct heroku_addon *addon = list_push(ctx);
	TAKE(addon->id, item, "id");
	TAKE(addon->name, item, "name");
	TAKE(addon->service, json_get(item, "addon_service"), "name");
	TAKE(addon->plan, json_get(item, "plan"), "name");
	TAKE(addon->state, item, "state");
}

int heroku_addons(struct heroku *heroku, struct heroku_addon **out, size_t *n, struct err *err)
{
	char path[240];
	struct list list = {.size = sizeof **out};
	app_path(heroku, path, "/addons");
	*out = NULL;
	*n = 0;
	if (list_get(heroku, &(struct heroku_call){0}, path, &list, each_addon, err) < 0)
		return -1;
	*out = list.items;
	*n = list.n;
	return 0;
}

static void each_domain(void *ctx, const struct json *item)
{
	struct heroku_domain *domain = list_push(ctx);
	TAKE(domain->hostname, item, "hostname");
	TAKE(domain->cname, item, "cname");
	TAKE(domain->kind, item, "kind");
	TAKE(domain->acm, item, "acm_status");
}

int heroku_domains(struct heroku *heroku, struct heroku_domain **out, size_t *n, struct err *err)
{
	char path[240];
	struct list list = {.size = sizeof **out};
	app_path(heroku, path, "/domains");
	*out = NULL;
	*n = 0;
	if (list_get(heroku, &(struct heroku_call){.range = "id ..; max=1000;"}, path, &list, each_domain,
		     err) < 0)
		return -1;
	*out = list.items;
	*n = list.n;
	return 0;
}

int heroku_log_session(struct heroku *heroku, int lines, bool tail, char *url, size_t size, struct err *err)
{
	char path[240], body[80];
	struct json *said;
	struct http_where where;
	app_path(heroku, path, "/log-sessions");
	text_copyf(body, sizeof body, "{\"lines\":%d,\"tail\":%s}", lines, tail ? "true" : "false");
	/* A session only listens: asking for a second one does no harm. */
	struct heroku_call call = {.method = "POST", .accept = SDK, .body = body, .looks = true};
	if (heroku_call(heroku, &call, path, &said, err) < 0)
		return -1;
	const char *stream = json_str(said, "logplex_url", "");
	bool fits = text_copy(url, size, stream), good = http_where(url, &where);
	job_learn_secret(heroku_job(heroku), stream);
	const char *token = strstr(stream, "token=");
	if (token)
		job_learn_secret(heroku_job(heroku), token + 6);
	json_free(said);
	if (!fits || !good || (!where.loopback && !text_equal(where.scheme, "https")))
		return err_set(err, ERR_NET,
			       "heroku gave an address for the logs that cannot be used; try again");
	return 0;
}
