/* The only file that asks for the time. */
#include "core/base/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t now_ms(clockid_t id)
{
	struct timespec ts = {0};

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Digits with an optional fraction, whatever the locale; -1 for anything else. */
static double parse_speed(const char *text)
{
	double value = 0, place = 1;
	bool digits = false;

	for (; *text >= '0' && *text <= '9'; text++, digits = true)
		value = value * 10 + (*text - '0');
	if (*text == '.')
		for (text++; *text >= '0' && *text <= '9'; text++, digits = true)
			value += (*text - '0') * (place /= 10);
	return digits && !*text && value >= 0.001 && value <= 100000 ? value : -1;
}

struct scale {
	bool parsed;
	int64_t start_ms;
	double speed; /* 1: the real clock */
};

static const struct scale *scale_get(void)
{
	static struct scale scale;
	const char *env;
	char *end, text[64];
	double speed;

	if (scale.parsed)
		return &scale;
	scale = (struct scale){.parsed = true, .speed = 1};
	env = getenv("NIGHTFERRY_CLOCK");
	if (!env || !*env)
		return &scale;
	scale.start_ms = strtoll(env, &end, 10);
	speed = *end == ',' && end > env ? parse_speed(end + 1) : -1;
	if (speed < 0 || scale.start_ms < 0) {
		fprintf(stderr, "nightferry: NIGHTFERRY_CLOCK is \"START_MS,SPEED\", for example \"0,20\"; "
				"the real clock is used\n");
		return &scale;
	}
	scale.speed = speed;
	if (!scale.start_ms) {
		/* Children must begin where we did, not at their own birth. */
		scale.start_ms = now_ms(CLOCK_REALTIME);
		snprintf(text, sizeof(text), "%lld,%s", (long long)scale.start_ms, end + 1);
		setenv("NIGHTFERRY_CLOCK", text, 1);
	}
	return &scale;
}

int64_t clock_wall_ms(void)
{
	const struct scale *scale = scale_get();
	int64_t now = now_ms(CLOCK_REALTIME);

	if (scale->speed == 1)
		return now;
	return scale->start_ms + (int64_t)((double)(now - scale->start_ms) * scale->speed);
}

/* Scaled from the boot, not from the start: so it needs no common beginning and cannot jump with the wall
 * clock. */
int64_t clock_life_ms(void)
{
	const struct scale *scale = scale_get();
	int64_t now = now_ms(CLOCK_BOOTTIME);

	return scale->speed == 1 ? now : (int64_t)((double)now * scale->speed);
}

int64_t clock_real_ms(int64_t ms)
{
	double real;

	if (ms <= 0)
		return 0;
	real = (double)ms / scale_get()->speed;
	return real < 1 ? 1 : (int64_t)(real + 0.5);
}

void clock_sleep_ms(int64_t ms)
{
	int64_t until = now_ms(CLOCK_BOOTTIME) + clock_real_ms(ms);
	struct timespec ts = {.tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000};

	if (ms <= 0)
		return;
	while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}
