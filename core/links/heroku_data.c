/* The data API, typed: the database behind DATABASE_URL, its backups and their schedule. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/heroku.h"
#include "core/links/heroku_words.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAKE(out, object, key) take_text((out), sizeof(out), (object), (key))

static void take_text(char *out, size_t size, const struct json *object, const char *key)
{
	const char *text = json_str(object, key, "");
	text_clean(out, size, text, strlen(text));
}

/* Ids go into paths. */
static bool id_safe(const char *id)
{
	return *id && !id[strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")];
}

static int refuse_id(struct err *err)
{
	return err_set(err, ERR_NET, "a backup's id is not as it should be; look with `heroku pg:backups`");
}

int heroku_database(struct heroku *heroku, struct heroku_database *out, struct err *err)
{
	char body[160];
	struct json *said;
	*out = (struct heroku_database){0};
	text_copyf(body, sizeof body, "{\"addon_attachment\":\"DATABASE_URL\",\"app\":\"%s\"}",
		   heroku_app(heroku));
	struct heroku_call call = {.method = "POST",
				   .accept = "3.sdk",
				   .include = "addon:plan,config_vars",
				   .body = body,
				   .looks = true};
	if (heroku_call(heroku, &call, "/actions/addon-attachments/resolve", &said, err) < 0)
		return -1;
	const struct json *addon = json_get(json_first(said), "addon");
	TAKE(out->id, addon, "id");
	TAKE(out->name, addon, "name");
	TAKE(out->app, json_get(addon, "app"), "name");
	const char *plan = json_str(json_get(addon, "plan"), "name", ""), *colon = strchr(plan, ':');
	text_copy(out->plan, sizeof out->plan, colon ? colon + 1 : plan);
	json_free(said);
	if (!*out->app)
		text_copy(out->app, sizeof out->app, heroku_app(heroku));
	if (!id_safe(out->id) || !id_safe(out->app))
		return err_set(err, ERR_NET,
			       "heroku does not say which add-on DATABASE_URL of %s belongs to; look with "
			       "`heroku addons`",
			       heroku_app(heroku));
	return 0;
}

/* One row of the list that `heroku pg:info` prints; "" when the plan has none. */
static void info_row(const struct json *said, const char *name, char *out, size_t size)
{
	out[0] = '\0';
	for (const struct json *row = json_first(json_get(said, "info")); row; row = json_next(row)) {
		const struct json *value = json_first(json_get(row, "values"));
		if (!text_equal(json_str(row, "name", ""), name) || !value)
			continue;
		const char *text = json_text(value);
		if (text)
			text_clean(out, size, text, strlen(text));
		else
			text_copyf(out, size, "%lld", (long long)json_value(value, 0));
	}
}

int heroku_database_info(struct heroku *heroku, const struct heroku_database *database,
			 struct heroku_database_info *out, struct err *err)
{
	char path[160], row[64];
	struct json *said;
	*out = (struct heroku_database_info){.connections = -1,
					     .limit = -1,
					     .size_bytes = -1,
					     .capacity_bytes = -1,
					     .followers = -1,
					     .credentials = -1};
	text_copyf(path, sizeof path, "/client/v11/databases/%s", database->id);
	if (heroku_call(heroku, &(struct heroku_call){.data = true}, path, &said, err) < 0)
		return -1;
	info_row(said, "Plan", out->plan, sizeof out->plan);
	info_row(said, "Status", out->status, sizeof out->status);
	info_row(said, "PG Version", out->version, sizeof out->version);
	info_row(said, "Continuous Protection", out->continuous, sizeof out->continuous);
	info_row(said, "Region", out->region, sizeof out->region);
	info_row(said, "Following", out->following, sizeof out->following);
	info_row(said, "Behind By", out->behind, sizeof out->behind);
	for (const struct json *one = json_first(json_get(said, "info")); one; one = json_next(one))
		if (text_equal(json_str(one, "name", ""), "Followers"))
			out->followers = (int)json_count(json_get(one, "values"));
	info_row(said, "Credentials", row, sizeof row);
	out->credentials = (int)heroku_number(row, "", -1);
	info_row(said, "Connections", row, sizeof row);
	if (sscanf(row, "%d/%d", &out->connections, &out->limit) != 2)
		out->connections = (int)heroku_int(said, "num_connections", -1);
	out->size_bytes = heroku_int(said, "num_bytes", -1);
	out->waiting = json_bool(said, "waiting?", false);
	/* An object on Standard and above, a string on Essential. */
	const struct json *limits = json_get(json_get(said, "plan"), "attrs_unparsed");
	out->capacity_bytes = heroku_int(limits, "capacity_bytes", -1);
	json_free(said);
	return 0;
}

bool heroku_is_backup(const struct heroku_transfer *transfer)
{
	return text_equal(transfer->from_type, "pg_dump") && text_equal(transfer->to_type, "gof3r");
}

static void read_transfer(const struct json *item, struct heroku_transfer *out)
{
	const struct json *ok = json_get(item, "succeeded");
	*out = (struct heroku_transfer){0};
	TAKE(out->id, item, "uuid");
	TAKE(out->from_type, item, "from_type");
	TAKE(out->to_type, item, "to_type");
	TAKE(out->from_name, item, "from_name");
	TAKE(out->created_at, item, "created_at");
	out->num = heroku_int(item, "num", 0);
	out->source_bytes = heroku_int(item, "source_bytes", -1);
	out->processed_bytes = heroku_int(item, "processed_bytes", 0);
	out->warnings = heroku_int(item, "warnings", 0);
	out->created_ms = heroku_time_ms(out->created_at);
	out->started_ms = heroku_time_ms(json_str(item, "started_at", ""));
	out->updated_ms = heroku_time_ms(json_str(item, "updated_at", ""));
	out->finished_ms = heroku_time_ms(json_str(item, "finished_at", ""));
	out->canceled_ms = heroku_time_ms(json_str(item, "canceled_at", ""));
	out->succeeded = json_is_bool(ok) ? json_true(ok) : -1;
	out->scheduled = json_is_object(json_get(item, "schedule")) ||
			 text_equal(json_str(item, "to_name", ""), "SCHEDULED BACKUP");
	bool restore = text_equal(out->to_type, "pg_restore");
	bool copy = restore && text_equal(out->from_type, "pg_dump");
	text_copyf(out->label, sizeof out->label, "%c%03lld",
		   copy             ? 'c'
		   : restore        ? 'r'
		   : out->scheduled ? 'a'
				    : 'b',
		   (long long)out->num);
}

struct transfers {
	struct heroku_transfer *items;
	size_t n;
};

static void each_transfer(void *ctx, const struct json *item)
{
	struct transfers *list = ctx;
	list->items = xrealloc(list->items, list->n + 1, sizeof *list->items);
	read_transfer(item, &list->items[list->n++]);
}

int heroku_transfers(struct heroku *heroku, const char *app, struct heroku_transfer **out, size_t *n,
		     struct err *err)
{
	char path[160];
	struct transfers list = {0};
	*out = NULL;
	*n = 0;
	text_copyf(path, sizeof path, "/client/v11/apps/%s/transfers", app);
	if (heroku_each(heroku, &(struct heroku_call){.data = true}, path, each_transfer, &list, err) < 0) {
		free(list.items);
		return -1;
	}
	*out = list.items;
	*n = list.n;
	return 0;
}

static void last_words(const struct json *said, struct buf *out)
{
	const struct json *logs = json_get(said, "logs");
	size_t skip = json_count(logs), keep = 5;
	for (const struct json *line = json_first(logs); line; line = json_next(line)) {
		const char *text = json_str(line, "message", "");
		char clean[160];
		if (skip-- > keep)
			continue;
		text_clean(clean, sizeof clean, text, strlen(text));
		buf_addf(out, "%s%s", out->len ? "; " : "", clean);
	}
}

int heroku_transfer(struct heroku *heroku, const char *app, const char *id, struct heroku_transfer *out,
		    struct buf *words, struct err *err)
{
	char path[200];
	struct json *said;
	if (!id_safe(id))
		return refuse_id(err);
	text_copyf(path, sizeof path, "/client/v11/apps/%s/transfers/%s%s", app, id,
		   words ? "?verbose=true" : "");
	if (heroku_call(heroku, &(struct heroku_call){.data = true}, path, &said, err) < 0)
		return -1;
	read_transfer(said, out);
	if (words)
		last_words(said, words);
	json_free(said);
	return 0;
}

int heroku_capture(struct heroku *heroku, const struct heroku_database *database, struct heroku_transfer *out,
		   struct err *err)
{
	char path[160];
	struct json *said;
	*out = (struct heroku_transfer){0};
	text_copyf(path, sizeof path, "/client/v11/databases/%s/backups", database->id);
	if (heroku_call(heroku, &(struct heroku_call){.method = "POST", .data = true}, path, &said, err) < 0)
		return -1;
	read_transfer(said, out);
	json_free(said);
	if (!id_safe(out->id))
		return err_set(err, ERR_NET,
			       "heroku took the request for a backup but did not name it; look with `heroku "
			       "pg:backups`");
	return 0;
}

int heroku_transfer_cancel(struct heroku *heroku, const char *app, const char *id, struct err *err)
{
	char path[200];
	if (!id_safe(id))
		return refuse_id(err);
	text_copyf(path, sizeof path, "/client/v11/apps/%s/transfers/%s/actions/cancel", app, id);
	return heroku_call(heroku, &(struct heroku_call){.method = "POST", .data = true}, path, NULL, err);
}

int heroku_public_url(struct heroku *heroku, const char *app, const char *id, char *url, size_t size,
		      struct err *err)
{
	char path[200];
	struct json *said;
	if (!id_safe(id))
		return refuse_id(err);
	text_copyf(path, sizeof path, "/client/v11/apps/%s/transfers/%s/actions/public-url", app, id);
	/* Only an address is made: asking again gives another one. */
	struct heroku_call call = {.method = "POST", .data = true, .looks = true};
	if (heroku_call(heroku, &call, path, &said, err) < 0)
		return -1;
	bool fits = text_copy(url, size, json_str(said, "url", ""));
	job_learn_secret(heroku_job(heroku), json_str(said, "url", NULL));
	json_free(said);
	if (!fits || !*url)
		return err_set(err, ERR_NET, "heroku gave no address for the backup; try again");
	return 0;
}

int heroku_connection_reset(struct heroku *heroku, const struct heroku_database *database, struct err *err)
{
	char path[160];
	text_copyf(path, sizeof path, "/client/v11/databases/%s/connection_reset", database->id);
	return heroku_call(heroku, &(struct heroku_call){.method = "POST", .data = true}, path, NULL, err);
}
