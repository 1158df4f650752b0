/* Heroku's own backups by the clock: looked at, taken away for a night, put back. */
#include "core/base/text.h"
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

struct schedules {
	struct heroku_schedule *items;
	size_t n;
};

static void each_schedule(void *ctx, const struct json *item)
{
	struct schedules *list = ctx;
	list->items = xrealloc(list->items, list->n + 1, sizeof *list->items);
	struct heroku_schedule *out = &list->items[list->n++];
	int64_t hour = heroku_int(item, "hour", -1);
	*out = (struct heroku_schedule){.hour = hour < 24 ? (int)hour : -1,
					.retain_weeks = (int)json_int(item, "retain_weeks", -1),
					.retain_months = (int)json_int(item, "retain_months", -1)};
	TAKE(out->id, item, "uuid");
	TAKE(out->name, item, "name");
	TAKE(out->timezone, item, "timezone");
	for (const struct json *day = json_first(json_get(item, "days")); day; day = json_next(day)) {
		size_t used = strlen(out->days);
		const char *text = json_text(day) ? json_text(day) : "";
		text_copyf(out->days + used, sizeof out->days - used, "%s%s", used ? " " : "", text);
	}
}

int heroku_schedules(struct heroku *heroku, const struct heroku_database *database,
		     struct heroku_schedule **out, size_t *n, struct err *err)
{
	char path[160];
	struct schedules list = {0};
	*out = NULL;
	*n = 0;
	text_copyf(path, sizeof path, "/client/v11/databases/%s/transfer-schedules", database->id);
	if (heroku_each(heroku, &(struct heroku_call){.data = true}, path, each_schedule, &list, err) < 0) {
		free(list.items);
		return -1;
	}
	*out = list.items;
	*n = list.n;
	return 0;
}

int heroku_schedule_delete(struct heroku *heroku, const struct heroku_database *database, const char *id,
			   struct err *err)
{
	char path[200];
	if (!*id || id[strspn(id, "abcdefABCDEF0123456789-")])
		return err_set(
		    err, ERR_NET,
		    "a schedule's id is not as it should be; look with `heroku pg:backups:schedules`");
	text_copyf(path, sizeof path, "/client/v11/databases/%s/transfer-schedules/%s", database->id, id);
	return heroku_call(heroku, &(struct heroku_call){.method = "DELETE", .data = true}, path, NULL, err);
}

int heroku_schedule_add(struct heroku *heroku, const struct heroku_database *database,
			const struct heroku_schedule *schedule, struct err *err)
{
	char path[160];
	struct jw w = {0};
	text_copyf(path, sizeof path, "/client/v11/databases/%s/transfer-schedules", database->id);
	jw_open(&w);
	jw_strf(&w, "hour", "%02d", schedule->hour);
	jw_str(&w, "timezone", schedule->timezone);
	jw_str(&w, "schedule_name", schedule->name);
	struct heroku_call call = {.method = "POST", .data = true, .body = jw_finish(&w)};
	int rc = heroku_call(heroku, &call, path, NULL, err);
	jw_done(&w);
	return rc;
}
