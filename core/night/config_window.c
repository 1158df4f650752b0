/* The agreed hours of the night, in local time. */
#include "core/night/config.h"
#include "core/base/units.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINGER_MS = 6 * 3600 * 1000 };

/* Minutes since midnight on a wall clock. */
static int minute_of(time_t at)
{
	struct tm tm = {0};

	localtime_r(&at, &tm);
	return tm.tm_hour * 60 + tm.tm_min;
}

/* "HH:MM" of the day `days` after that of `now_ms`. An hour that comes twice, when the clocks go back, is the
 * first of the two: the shorter window is the safe one. An hour that is left out, when they go forward, is
 * the moment they do. */
static int64_t local_ms(const char *hour, int64_t now_ms, int days)
{
	time_t now = (time_t)(now_ms / 1000), first = -1;
	struct tm tm = {0};
	char *colon;
	int minute = (int)strtol(hour, &colon, 10) * 60;

	if (*colon == ':')
		minute += (int)strtol(colon + 1, NULL, 10);
	localtime_r(&now, &tm);
	tm.tm_mday += days;
	tm.tm_hour = 12; /* there is a noon on every day */
	tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	mktime(&tm);
	for (int summer = 0; summer <= 1; summer++) {
		struct tm wanted = {.tm_year = tm.tm_year, .tm_mon = tm.tm_mon, .tm_mday = tm.tm_mday};

		wanted.tm_hour = minute / 60;
		wanted.tm_min = minute % 60;
		wanted.tm_isdst = summer;
		time_t at = mktime(&wanted);
		if (at != -1 && minute_of(at) == minute && wanted.tm_mday == tm.tm_mday &&
		    (first == -1 || at < first))
			first = at;
	}
	if (first == -1) {
		tm.tm_hour = minute / 60;
		tm.tm_min = minute % 60;
		tm.tm_isdst = 0;
		first = mktime(&tm);
		while (minute_of(first) > minute && minute_of(first - 60) > minute)
			first -= 60;
	}
	return (int64_t)first * 1000;
}

int config_window(const struct json *config, int64_t now_ms, int64_t *start_ms, int64_t *end_ms)
{
	const struct json *window = json_get(config, "window");
	const char *start = json_str(window, "start", NULL), *end = json_str(window, "end", NULL);

	if (!start || !end)
		return -1;
	for (int day = -1; day <= 2; day++) {
		*start_ms = local_ms(start, now_ms, day);
		*end_ms = local_ms(end, now_ms, day);
		if (*end_ms <= *start_ms)
			*end_ms = local_ms(end, now_ms, day + 1);
		if (now_ms < *end_ms + LINGER_MS)
			return 0;
	}
	return 0;
}
