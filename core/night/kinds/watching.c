/* Folds of ages, checks and waivers: see watching.h. */
#include "core/night/kinds/fold.h"

const struct watch_seen *watch_get(const struct state *state, const char *name)
{
	for (size_t i = 0; i < state->watching.n; i++)
		if (text_equal(state->watching.watches[i].name, name))
			return &state->watching.watches[i];
	return NULL;
}

const struct waiver_seen *waiver_get(const struct state *state, const char *about)
{
	for (size_t i = state->watching.n_waivers; i-- > 0;)
		if (text_equal(state->watching.waivers[i].about, about))
			return state->watching.waivers[i].fallen ? NULL : &state->watching.waivers[i];
	return NULL;
}

static struct watch_seen *watch_of(struct state *state, const char *name)
{
	struct watch_seen *watch = (struct watch_seen *)(uintptr_t)watch_get(state, name);
	if (watch)
		return watch;
	/* Sorted by name: a late seat gets only the newest beat of each, and must end with the same list. */
	struct watching_state *w = &state->watching;
	FOLD_PUSH(w->watches, w->n);
	size_t i = w->n - 1;
	for (; i > 0 && strcmp(w->watches[i - 1].name, name) > 0; i--)
		w->watches[i] = w->watches[i - 1];
	memset(&w->watches[i], 0, sizeof w->watches[i]);
	text_copy(w->watches[i].name, sizeof w->watches[i].name, name);
	return &w->watches[i];
}

static void fold_watch_beat(struct state *state, const struct event *event)
{
	struct watch_seen *watch = watch_of(state, json_str(event->body, "watch", ""));
	watch->ok = json_bool(event->body, "ok", false);
	watch->interval_ms = json_int(event->body, "interval_ms", 0);
	FOLD_TEXT(watch->text, event->body, "text");
	watch->looked_at_ms = event->at_ms;
	watch->ok_at_ms = watch->ok ? event->at_ms : json_int(event->body, "ok_at_ms", 0);
}

static void fold_watch_down(struct state *state, const struct event *event)
{
	struct watch_seen *watch = watch_of(state, json_str(event->body, "watch", ""));
	watch->restarts++;
}

static struct check_seen *check_of(struct state *state, const char *name)
{
	for (size_t i = 0; i < state->watching.n_checks; i++)
		if (text_equal(state->watching.checks[i].name, name))
			return &state->watching.checks[i];
	struct check_seen *check = FOLD_PUSH(state->watching.checks, state->watching.n_checks);
	text_copy(check->name, sizeof check->name, name);
	return check;
}

static void fold_check_seen(struct state *state, const struct event *event)
{
	struct check_seen *check = check_of(state, json_str(event->body, "check", ""));
	check->verdict = fold_verdict(json_str(event->body, "verdict", ""));
	FOLD_TEXT(check->fix, event->body, "fix");
	FOLD_TEXT(check->bite, event->body, "bite");
	fold_seen(&check->lines, &check->n, json_get(event->body, "lines"), event->at_ms);
	check->at_ms = event->at_ms;
}

static void fold_check_beat(struct state *state, const struct event *event)
{
	for (size_t i = 0; i < state->watching.n_checks; i++)
		if (text_equal(state->watching.checks[i].name, json_str(event->body, "check", "")))
			state->watching.checks[i].at_ms = event->at_ms;
}

static void fold_waiver_given(struct state *state, const struct event *event)
{
	struct waiver_seen *waiver = FOLD_PUSH(state->watching.waivers, state->watching.n_waivers);
	FOLD_TEXT(waiver->about, event->body, "about");
	FOLD_TEXT(waiver->by, event->body, "by");
	FOLD_TEXT(waiver->reason, event->body, "reason");
	FOLD_TEXT(waiver->fact, event->body, "fact");
	waiver->at_ms = event->at_ms;
}

static void fold_waiver_fallen(struct state *state, const struct event *event)
{
	struct waiver_seen *waiver =
	    (struct waiver_seen *)(uintptr_t)waiver_get(state, json_str(event->body, "about", ""));
	if (waiver)
		waiver->fallen = true;
}

static void fold_clock_jumped(struct state *state, const struct event *event)
{
	state->watching.clock_jumped_at_ms = event->at_ms;
}

const struct kind watch_beat_kind = {
    .name = "watch.beat", .keep = KEEP_SAMPLE, .key = "watch", .since = 1, .fold = fold_watch_beat};
const struct kind watch_down_kind = {
    .name = "watch.down", .keep = KEEP_RECORD, .since = 1, .fold = fold_watch_down};
const struct kind check_seen_kind = {
    .name = "check.seen", .keep = KEEP_CHANGE, .key = "check", .since = 1, .fold = fold_check_seen};
const struct kind check_beat_kind = {
    .name = "check.beat", .keep = KEEP_SAMPLE, .key = "check", .since = 1, .fold = fold_check_beat};
const struct kind waiver_given_kind = {
    .name = "waiver.given", .keep = KEEP_RECORD, .since = 1, .fold = fold_waiver_given};
const struct kind waiver_fallen_kind = {
    .name = "waiver.fallen", .keep = KEEP_RECORD, .since = 1, .fold = fold_waiver_fallen};
const struct kind clock_jumped_kind = {
    .name = "clock.jumped", .keep = KEEP_RECORD, .since = 1, .fold = fold_clock_jumped};
