/* The agreed hours of the night, in local time. */
#include "core/night/config.h"
#include "core/base/units.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINGER_MS = 6 * 3600 * 1000 };

/* "HH:MM" of the day `days` after that of `now_ms`. The C library knows the clock changes of that day. */
static int64_t local_ms(const char *hour, int64_t now_ms, int days)
{
	time_t now = (time_t)(now_ms / 1000);
	struct tm tm = {0};
	const char *minute = strchr(hour, ':');

	localtime_r(&now, &tm);
	tm.tm_hour = (int)units_parse_int(hour, 0);
	tm.tm_min = (int)units_parse_int(minute ? minute + 1 : NULL, 0);
	tm.tm_sec = 0;
	tm.tm_mday += days;
	tm.tm_isdst = -1;
	return (int64_t)mktime(&tm) * 1000;
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
