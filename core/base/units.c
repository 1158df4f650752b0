/* Figures as people read them, the same in every locale. */
#include "core/base/units.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

char *units_count(char out[UNITS_MAX], int64_t n)
{
	uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
	char digits[UNITS_MAX];
	size_t at = sizeof(digits), count = 0;

	digits[--at] = '\0';
	do {
		if (count && count % 3 == 0)
			digits[--at] = ',';
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
		count++;
	} while (rest);
	if (n < 0)
		digits[--at] = '-';
	return memcpy(out, digits + at, sizeof(digits) - at);
}

/* One decimal below ten of a unit, none for bytes. */
static void scaled(char *out, size_t size, double value, const char *suffix)
{
	static const char *const unit[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	const char *sign = value < 0 ? "-" : "";
	size_t i = 0;
	long long tenths;

	if (!isfinite(value) || fabs(value) > 9e20)
		value = 0;
	value = fabs(value);
	while (i + 1 < sizeof(unit) / sizeof(unit[0]) && value >= (i ? 999.5 : 1000)) {
		value /= 1000;
		i++;
	}
	tenths = llround(value * 10);
	if (i == 0 || tenths >= 100)
		snprintf(out, size, "%s%lld %s%s", sign, llround(value), unit[i], suffix);
	else
		snprintf(out, size, "%s%lld.%lld %s%s", sign, tenths / 10, tenths % 10, unit[i], suffix);
}

char *units_size(char out[UNITS_MAX], int64_t bytes)
{
	scaled(out, UNITS_MAX, (double)bytes, "");
	return out;
}

char *units_rate(char out[UNITS_MAX], double bytes_per_second)
{
	scaled(out, UNITS_MAX, bytes_per_second, "/s");
	return out;
}

char *units_duration(char out[UNITS_MAX], int64_t ms)
{
	const char *sign = ms <= -1000 ? "-" : "";
	long long s = ms / 1000;

	if (s < 0)
		s = -s;
	if (s < 3600)
		snprintf(out, UNITS_MAX, "%s%lld:%02lld", sign, s / 60, s % 60);
	else
		snprintf(out, UNITS_MAX, "%s%lld:%02lld:%02lld", sign, s / 3600, s / 60 % 60, s % 60);
	return out;
}

char *units_age(char out[UNITS_MAX], int64_t ms)
{
	long long s = ms > 0 ? ms / 1000 : 0;

	if (s < 60)
		snprintf(out, UNITS_MAX, "%llds", s);
	else if (s < 3600)
		snprintf(out, UNITS_MAX, "%lldm", s / 60);
	else if (s < 86400)
		snprintf(out, UNITS_MAX, "%lldh", s / 3600);
	else
		snprintf(out, UNITS_MAX, "%lldd", s / 86400);
	return out;
}

static int64_t floor_seconds(int64_t at_ms)
{
	return at_ms >= 0 ? at_ms / 1000 : -((-at_ms + 999) / 1000);
}

char *units_clock(char out[UNITS_MAX], int64_t at_ms)
{
	time_t at = (time_t)floor_seconds(at_ms);
	struct tm tm = {0};

	localtime_r(&at, &tm);
	snprintf(out, UNITS_MAX, "%02d:%02d:%02d", tm.tm_hour % 24, tm.tm_min % 60, tm.tm_sec % 61);
	return out;
}

char *units_clock_hm(char out[UNITS_MAX], int64_t at_ms)
{
	units_clock(out, at_ms);
	out[5] = '\0';
	return out;
}

char *units_iso(char out[UNITS_MAX], int64_t at_ms)
{
	time_t at = (time_t)floor_seconds(at_ms);
	struct tm tm = {0};

	gmtime_r(&at, &tm);
	snprintf(out, UNITS_MAX, "%04d-%02d-%02dT%02d:%02d:%02dZ", (tm.tm_year + 1900) % 10000, tm.tm_mon + 1,
		 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	return out;
}

int units_percent(int64_t done, int64_t total)
{
	if (total <= 0 || done <= 0)
		return 0;
	if (done >= total)
		return 100;
	/* A double rounds 2^60-1 of 2^60 up to 1. */
	return (int)fmin(99, (double)done / (double)total * 100);
}

/* The unit at *text in ms, moving past it; 0 for none. */
static int64_t duration_unit(const char **text)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t len = strlen(units[i].name);

		if (strncmp(*text, units[i].name, len) == 0) {
			*text += len;
			return units[i].ms;
		}
	}
	return 0;
}

int64_t units_parse_duration_ms(const char *text)
{
	int64_t total = 0, before = INT64_MAX;

	if (!text || !*text)
		return -1;
	while (*text) {
		int64_t n = 0, unit;
		size_t digits = 0;

		for (; *text >= '0' && *text <= '9' && digits < 12; text++, digits++)
			n = n * 10 + (*text - '0');
		if (!digits)
			return -1;
		unit = *text ? duration_unit(&text) : before == INT64_MAX ? 1000 : 0;
		/* Each unit once and falling, so that "5m1h" is a typing error and no duration. */
		if (!unit || unit >= before || n > 1000000000000 / unit)
			return -1;
		before = unit;
		total += n * unit;
	}
	return total;
}

int64_t units_parse_int(const char *text, int64_t otherwise)
{
	char *end = NULL;
	long long n;

	if (!text)
		return otherwise;
	errno = 0;
	n = strtoll(text, &end, 10);
	return end == text || errno == ERANGE ? otherwise : n;
}
