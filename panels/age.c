#include "panels/age.h"
#include "core/base/units.h"

#include <stdio.h>

enum { MISSED = 3, INTERVAL_MS = 5000 };

enum age age_moment(int64_t at_ms, int64_t now_ms, int64_t stale_ms, char *out, size_t size)
{
	char age[UNITS_MAX];
	int64_t ms = now_ms > at_ms ? now_ms - at_ms : 0;

	if (at_ms <= 0) {
		snprintf(out, size, "not seen yet");
		return AGE_NEVER;
	}
	if (stale_ms > 0 && ms > stale_ms) {
		snprintf(out, size, "STALE %s", units_age(age, ms));
		return AGE_STALE;
	}
	snprintf(out, size, "%s", units_age(age, ms));
	return AGE_FRESH;
}

enum age age_watch(const struct state *state, const char *watch, int64_t now_ms, char *out, size_t size)
{
	const struct watch_seen *seen = watch_get(state, watch);
	int64_t interval_ms;

	if (!seen || (seen->ok_at_ms <= 0 && seen->looked_at_ms <= 0))
		return age_moment(0, now_ms, 0, out, size);
	if (seen->ok_at_ms <= 0) {
		snprintf(out, size, "no answer yet");
		return AGE_STALE;
	}
	interval_ms = seen->interval_ms > 0 ? seen->interval_ms : INTERVAL_MS;
	return age_moment(seen->ok_at_ms, now_ms, interval_ms * MISSED, out, size);
}

enum role age_role(enum age age)
{
	return age == AGE_STALE ? ROLE_WARN : ROLE_MUTED;
}

char *age_ago(char *out, size_t size, int64_t at_ms, int64_t now_ms)
{
	char age[UNITS_MAX];

	if (at_ms <= 0)
		snprintf(out, size, "-");
	else
		snprintf(out, size, "%s ago", units_age(age, now_ms > at_ms ? now_ms - at_ms : 0));
	return out;
}

int age_trouble(const struct scene *scene, struct canvas *canvas, const char *watch)
{
	const struct watch_seen *seen = watch_get(scene->state, watch);

	if (!seen || seen->ok || seen->looked_at_ms <= 0)
		return 0;
	canvas_field(canvas, 0, 0, canvas->size.cols, false, ROLE_WARN, seen->text);
	return 1;
}

static const char not_recorded[] = "not recorded";

enum age age_seen(const struct scene *scene, const char *watch, char *out, size_t size)
{
	if (!scene->seat.no_trace)
		return age_watch(scene->state, watch, scene->now_ms, out, size);
	snprintf(out, size, "%s", not_recorded);
	return AGE_NEVER;
}

void age_unseen(const struct scene *scene, struct canvas *canvas, int row, const char *yet)
{
	char text[120];

	snprintf(text, sizeof(text), "%s: this night has no trace of it", not_recorded);
	age_nothing(canvas, row, scene->seat.no_trace ? text : yet);
}

void age_nothing(struct canvas *canvas, int row, const char *what)
{
	canvas_field(canvas, 0, row, canvas->size.cols, false, ROLE_MUTED, what);
}
