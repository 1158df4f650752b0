/* What Heroku's answers mean, as sentences; and its two ways to write a time. */
#include "core/links/heroku_words.h"
#include "core/base/text.h"
#include "core/links/heroku.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int64_t heroku_number(const char *text, const char *unit, int64_t otherwise)
{
	char *end;
	if (!text || *text < '0' || *text > '9')
		return otherwise;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	return errno || (*end && !text_equal(end, unit)) ? otherwise : value;
}

int64_t heroku_int(const struct json *object, const char *key, int64_t otherwise)
{
	const struct json *value = json_get(object, key);
	return json_is_string(value) ? heroku_number(json_text(value), "", otherwise)
				     : json_value(value, otherwise);
}

bool heroku_name(const struct json *object, const char *key, char *out, size_t size)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	const char *name = json_str(object, key, "");
	if (*name && !name[strspn(name, allowed)] && !strstr(name, "..") && text_copy(out, size, name))
		return true;
	out[0] = '?';
	text_clean(out + 1, size - 1, name, strlen(name));
	return false;
}

int64_t heroku_time_ms(const char *text)
{
	int year, month, day, hour, minute, second, used = 0;
	if (!text || sscanf(text, "%4d-%2d-%2d%*1[T ]%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute,
			    &second, &used) != 6)
		return 0;
	const char *rest = text + used;
	int64_t fraction_ms = 0;
	if (*rest == '.')
		for (int scale = 100; *++rest >= '0' && *rest <= '9'; scale /= 10)
			fraction_ms += (*rest - '0') * scale;
	while (*rest == ' ')
		rest++;
	int off_hour = 0, off_minute = 0, sign = *rest == '-' ? -1 : 1;
	if (*rest == '+' || *rest == '-') {
		const char *form = strchr(rest, ':') ? "%2d:%2d" : "%2d%2d";
		if (sscanf(rest + 1, form, &off_hour, &off_minute) < 1)
			return 0;
	}
	struct tm tm = {.tm_year = year - 1900,
			.tm_mon = month - 1,
			.tm_mday = day,
			.tm_hour = hour,
			.tm_min = minute,
			.tm_sec = second};
	return ((int64_t)timegm(&tm) - sign * (off_hour * 3600 + off_minute * 60)) * 1000 + fraction_ms;
}

static bool on_day(const struct heroku_schedule *schedule, const struct tm *tm)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	return !*schedule->days || strstr(schedule->days, days[tm->tm_wday]);
}

/* The C library knows time zones only through TZ; a child is one thread at this point and puts it back. */
int64_t heroku_schedule_next_ms(const struct heroku_schedule *schedule, int64_t now_ms)
{
	char zone[64], path[128];
	text_copyf(path, sizeof path, "/usr/share/zoneinfo/%s", schedule->timezone);
	bool utc = text_equal(schedule->timezone, "UTC");
	if (schedule->hour < 0 || schedule->hour > 23 || strstr(path, "..") ||
	    (!utc && access(path, R_OK) != 0))
		return 0;
	const char *env = getenv("TZ");
	char *old = env ? xstrdup(env) : NULL;
	text_copyf(zone, sizeof zone, utc ? "UTC0" : ":%s", schedule->timezone);
	setenv("TZ", zone, 1);
	tzset();
	time_t now = (time_t)(now_ms / 1000), next = 0;
	struct tm tm;
	localtime_r(&now, &tm);
	for (int day = 0; day < 9 && (next <= now || !on_day(schedule, &tm)); day++) {
		if (day)
			tm.tm_mday++;
		tm.tm_hour = schedule->hour;
		tm.tm_min = tm.tm_sec = 0;
		tm.tm_isdst = -1;
		next = mktime(&tm);
	}
	if (old)
		setenv("TZ", old, 1);
	else
		unsetenv("TZ");
	tzset();
	free(old);
	return next > now ? (int64_t)next * 1000 : 0;
}

static int explain_missing(struct err *err, const char *app, bool data, const char *path, const char *words)
{
	if (data)
		return err_set(err, ERR_REFUSED,
			       "heroku's data API does not know %s (404%s); backups exist for the classic "
			       "PostgreSQL plans only, so look "
			       "which plan %s has, and copy with pg_dump if it is an Advanced one",
			       path, words, app);
	return err_set(err, ERR_REFUSED,
		       "heroku does not know %s (404%s); either the name in heroku.app is wrong, or the "
		       "account of this token may not "
		       "see it: try `heroku apps:info -a %s`",
		       path, words, app);
}

static int explain_auth(struct err *err, int status, const char *id, const char *words)
{
	if (text_equal(id, "two_factor"))
		return err_set(err, ERR_AUTH,
			       "heroku wants a second factor for this; make a token with `heroku "
			       "authorizations:create`, which "
			       "needs none, or run the step again and type the code");
	if (status == 401)
		return err_set(err, ERR_AUTH,
			       "heroku does not accept the token in HEROKU_API_KEY (401%s); it may have run "
			       "out, so make a new "
			       "one with `heroku authorizations:create`",
			       words);
	return err_set(err, ERR_AUTH,
		       "heroku does not allow this to the account of this token (%d%s); nothing was changed, "
		       "use the token "
		       "of a member with deploy and operate rights",
		       status, words);
}

bool heroku_unclear(int status)
{
	return status >= 500 || status == 408;
}

int heroku_explain(struct err *err, const char *app, bool data, const char *path,
		   const struct http_reply *reply, const struct json *said, bool changes)
{
	char message[200], words[240] = "", id[64], head[80] = "", request[80] = "";
	const char *raw = json_str(said, "message", "");
	text_clean(message, sizeof message, raw, strlen(raw));
	text_copy(id, sizeof id, json_str(said, "id", ""));
	size_t len = strlen(message);
	while (len && (message[len - 1] == '.' || message[len - 1] == ' '))
		message[--len] = '\0';
	if (*message)
		text_copyf(words, sizeof words, ": %s", message);
	http_head(reply, "request-id", head, sizeof head);
	text_clean(request, sizeof request, head, strcspn(head, ","));
	int status = reply->status;
	if (status == 401 || status == 402 || status == 403 || status == 412)
		return explain_auth(err, status, id, words);
	if (status == 404)
		return explain_missing(err, app, data, path, words);
	if (status == 429)
		return err_set(err, ERR_NET,
			       "heroku's rate limit of this account is used up, by this or by another "
			       "program; nothing was "
			       "done, it refills by about 75 requests a minute");
	if (heroku_unclear(status))
		return err_set(
		    err, ERR_NET, "heroku answered %s with an error of its own (%d%s, request %s); %s", path,
		    status, words, *request ? request : "without a number",
		    changes ? "nobody knows whether the change was made, so look before trying again"
			    : "try again, and look at status.heroku.com if it stays so");
	return err_set(err, ERR_REFUSED, "heroku refused %s (%d%s); nothing was changed%s%s", path, status,
		       words, *request ? ", request " : "", request);
}
