/* A recorded night walked through: one event at a time, by kind, by text and by time, on and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/text.h"
#include "tui/replay.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NIGHT "demo/recorded/journal.jsonl"
#define TRACE "demo/recorded/trace.jsonl"

static struct replay *replay;
static struct state *state;
static char said[400];

static int begin(const char *trace)
{
	replay = replay_open(NIGHT, trace, NULL);
	state = state_new();
	return replay ? 0 : -1;
}

static int setup(void **unused)
{
	(void)unused;
	return begin(TRACE);
}

static int setup_untraced(void **unused)
{
	(void)unused;
	return begin(NULL);
}

static int teardown(void **unused)
{
	(void)unused;
	replay_close(replay);
	state_free(state);
	return 0;
}

static bool move(int step, const struct replay_wish *wish)
{
	return replay_move(replay, &state, step, wish, said, sizeof said);
}

static char *picture(void)
{
	struct jw w = {0};
	jw_open(&w);
	state_write(state, &w);
	char *text = xstrdup(jw_finish(&w));
	jw_done(&w);
	return text;
}

static size_t lines_with(const char *path, const char *text)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0, n = 0;
	assert_non_null(f);
	while (getline(&line, &cap, f) > 0)
		n += strstr(line, text) != NULL;
	free(line);
	fclose(f);
	return n;
}

/* Each event once, in order; and on the way back the same state at each of them. */
static void test_one_by_one(void **unused)
{
	(void)unused;
	enum { MOST = 2000, LOOK_EVERY = 4, BACK = 40 };
	char *pictures[MOST] = {0};
	size_t n = 0, all = lines_with(NIGHT, "\"kind\":");
	uint64_t seq = 0;
	for (; n < MOST && move(1, NULL); n++) {
		assert_true(state->seq > seq);
		seq = state->seq;
		if (n + BACK > all && n % LOOK_EVERY == 0)
			pictures[n] = picture();
	}
	assert_int_equal(n, all);
	assert_true(state->closed_at_ms > 0);
	for (size_t i = n - 1; i-- > n - BACK;) {
		assert_true(move(-1, NULL));
		assert_true(state->seq < seq);
		seq = state->seq;
		if (!pictures[i])
			continue;
		char *again = picture();
		assert_string_equal(again, pictures[i]);
		free(again);
		free(pictures[i]);
		pictures[i] = NULL;
	}
	replay_seek_seq(replay, &state, 1);
	assert_false(move(-1, NULL));
	assert_int_equal(state->seq, 1); /* and nothing has moved */
	for (size_t i = 0; i < MOST; i++)
		free(pictures[i]);
}

static size_t count(int step, const struct replay_wish *wish, const char *expect)
{
	size_t n = 0;
	for (; move(step, wish); n++)
		if (!strstr(said, expect))
			fail_msg("\"%s\" does not say \"%s\"", said, expect);
	return n;
}

static void test_by_kind(void **unused)
{
	(void)unused;
	static const struct replay_wish gates = {.kind = "gate.opened"}, none = {.kind = "no.such"};
	assert_int_equal(count(1, &gates, "gate opened ("), 5);
	assert_true(state->steps.gate.open);
	assert_string_equal(state->steps.gate.step, "dns-point");
	assert_int_equal(count(-1, &gates, "gate opened ("), 4);
	assert_false(move(1, &none));
	struct buf kinds = {0};
	replay_kinds(replay, &kinds);
	assert_non_null(strstr(buf_text(&kinds), " gate.opened "));
	assert_null(strstr(buf_text(&kinds), "log.lines")); /* of the journal only */
	buf_done(&kinds);
}

static void test_by_text(void **unused)
{
	(void)unused;
	static const struct replay_wish error = {.text = "PlaceOrderJob"}, stripe = {.text = "WIPE-target"};
	/* In the trace, too, and in any case. */
	size_t n = count(1, &error, "");
	assert_int_equal(n, lines_with(NIGHT, "PlaceOrderJob") + lines_with(TRACE, "PlaceOrderJob"));
	assert_true(n > 0);
	replay_seek_seq(replay, &state, 0);
	assert_int_equal(count(1, &stripe, "") > 3, true);
}

/* Without a wish: what a report tells, and nothing else. */
static void test_moments(void **unused)
{
	(void)unused;
	static const struct replay_wish any = {.kind = ""};
	assert_true(move(1, &any));
	assert_non_null(strstr(said, "night opened for acme"));
	size_t n = 1;
	for (; move(1, &any); n++)
		assert_null(strstr(said, "host.seen"));
	assert_non_null(strstr(said, "night closed: done"));
	assert_in_range(n, 60, 100);
}

/* One event of a moment may be folded without the others of the same millisecond; time takes them all. */
static void test_then_time(void **unused)
{
	(void)unused;
	static const struct replay_wish passed = {.kind = "gate.passed"};
	assert_true(move(1, &passed));
	uint64_t seq = state->seq;
	int64_t at_ms = replay_at_ms(replay);
	replay_seek(replay, &state, at_ms);
	assert_true(state->seq >= seq);
	char *there = picture();
	replay_seek(replay, &state, replay_last_ms(replay));
	replay_seek(replay, &state, at_ms);
	char *again = picture();
	assert_string_equal(again, there);
	free(there);
	free(again);
	assert_true(replay_seek_seq(replay, &state, seq) || state->seq == seq);
	assert_int_equal(state->seq, seq);
}

static void test_times(void **unused)
{
	(void)unused;
	int64_t first = replay_first_ms(replay), last = replay_last_ms(replay);
	assert_int_equal(replay_parse_at_ms(replay, "+90s"), first + 90000);
	assert_int_equal(replay_parse_at_ms(replay, " -1m"), last - 60000);
	assert_int_equal(replay_parse_at_ms(replay, "10:59:00"), 1795258740000);
	assert_int_equal(replay_parse_at_ms(replay, "10:59"), 1795258740000);
	assert_int_equal(replay_parse_at_ms(replay, "2026-11-21 10:59:30"), 1795258770000);
	assert_int_equal(replay_parse_at_ms(replay, "2026-11-21T10:59"), 1795258740000);
	/* An hour before the begin is the next day's. */
	assert_int_equal(replay_parse_at_ms(replay, "01:00"), 1795309200000);
	static const char *const bad[] = {"",  "soon", "25:00",      "10:61", "10:59:00x",
					  "+", "-x",   "2026-11-21", "10"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(replay_parse_at_ms(replay, bad[i]), -1);
}

static void test_untraced(void **unused)
{
	(void)unused;
	assert_false(replay_traced(replay, replay_first_ms(replay)));
	replay_seek(replay, &state, replay_last_ms(replay));
	assert_int_equal(state->logs.lines.n, 0);
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_one_by_one, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_by_kind, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_by_text, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_moments, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_then_time, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_times, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_untraced, setup_untraced, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
