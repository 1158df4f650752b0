#include "core/base/scheduler.h"
#include "core/base/text.h"

enum { MINUTE_MS = 60000, HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS };

/* Two digits below `below`, and then `end`; -1 for anything else. */
static int two(const char *text, int below, char end)
{
	if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9' || text[2] != end)
		return -1;
	int n = (text[0] - '0') * 10 + text[1] - '0';
	return n < below ? n : -1;
}

static int64_t next(int64_t after_ms, int64_t every_ms, int64_t offset_ms)
{
	int64_t at_ms = after_ms / every_ms * every_ms + offset_ms;
	return at_ms > after_ms ? at_ms : at_ms + every_ms;
}

int64_t scheduler_next_ms(const char *at, int64_t after_ms)
{
	if (after_ms < 0)
		return 0;
	if (text_equal(at, "10m"))
		return next(after_ms, 10 * MINUTE_MS, 0);
	if (at[0] == ':') {
		int minute = two(at + 1, 60, '\0');
		return minute < 0 ? 0 : next(after_ms, HOUR_MS, (int64_t)minute * MINUTE_MS);
	}
	int hour = two(at, 24, ':'), minute = hour < 0 ? -1 : two(at + 3, 60, '\0');
	return minute < 0 ? 0 : next(after_ms, DAY_MS, (int64_t)hour * HOUR_MS + (int64_t)minute * MINUTE_MS);
}
