#include "tests/screens/night.h"
#include "tests/screens/night_events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS 1795305600000 /* 2026-11-22 00:00:00 UTC */

int64_t night_ms(const char *clock)
{
	int h = 0, m = 0, s = 0;

	if (sscanf(clock, "%d:%d:%d", &h, &m, &s) != 3)
		abort();
	return DAY_MS + ((int64_t)h * 3600 + m * 60 + s) * 1000;
}

void night_event(struct night *night, const char *at, const char *kind, const char *fields)
{
	static char line[65536];
	struct err err = {0};
	int len = snprintf(line, sizeof(line), "{\"seq\":%llu,\"at\":%lld,\"src\":\"test\",\"kind\":\"%s\"%s",
			   (unsigned long long)night->state->seq + 1, (long long)night_ms(at), kind,
			   fields[0] ? "," : "");

	for (const char *c = fields; *c && len + 40 < (int)sizeof(line);) {
		if (c[0] == '@' && strlen(c) > 9 && c[9] == '@') {
			len += snprintf(line + len, sizeof(line) - (size_t)len, "%lld",
					(long long)night_ms(c + 1));
			c += 10;
		} else
			line[len++] = *c++;
	}
	snprintf(line + len, sizeof(line) - (size_t)len, "}");
	if (state_fold_line(night->state, line, strlen(line), &err) < 0) {
		fprintf(stderr, "%s\n%s\n", err.text, line);
		abort();
	}
}

struct night night_new(enum stage stage)
{
	static const char *const looks[STAGE_COUNT] = {"00:59:30", "01:05:30", "01:14:07", "01:17:40",
						       "01:20:54", "01:21:52", "01:34:10"};
	struct night night = {.state = state_new(), .now_ms = night_ms(looks[stage])};

	for (const struct night_entry *e = night_entries; e->at; e++)
		if (e->stage <= stage)
			night_event(&night, e->at, e->kind, e->fields);
	return night;
}

void night_free(struct night *night)
{
	state_free(night->state);
	night->state = NULL;
}
