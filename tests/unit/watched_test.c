/* What the engine promises about its watches and its clock: a watch that dies comes back, what is as it was
 * is not told again, and a wall clock that is set moves no timer. Time runs five times as fast. */
#include "tests/unit/rig_night.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/base/text.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char one[] = "{\"id\":\"one\",\"do\":\"fake\"}";

static void expect_field(const char *kind, const char *field, const char *value)
{
	char *is = rig_field(rig, kind, field);
	assert_string_equal(is, value);
	free(is);
}

static pid_t newest_watch(size_t n)
{
	char *pids = NULL;
	for (int i = 0; i < 2000; i++) {
		free(pids);
		pids = rig_read(rig, "world/watch-pids");
		if (rig_lines(pids, "") >= n)
			break;
		rig_sleep(10);
	}
	assert_int_equal(rig_lines(pids, ""), n);
	pids[strlen(pids) - 1] = '\0';
	const char *nl = strrchr(pids, '\n');
	pid_t pid = (pid_t)strtol(nl ? nl + 1 : pids, NULL, 10);
	free(pids);
	return pid;
}

static void test_watch_comes_back(void **unused)
{
	(void)unused;
	night_begin(one);
	static const char *const waits[] = {"1000", "2000", "4000"};
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(kill(newest_watch(i + 1), SIGKILL), 0);
		rig_wait(rig, "watch.down", "", i + 1);
		expect_field("watch.down", "retry_ms", waits[i]);
		expect_field("watch.down", "text", "its process ended without a word");
	}
	rig_hear(ana, "watch.down");
	newest_watch(4);
	/* It tells its engine's death by the end of its line, and ends. */
	pid_t last = newest_watch(4);
	rig_signal(rig, SIGKILL);
	rig_wait_end(rig);
	bool gone = false;
	for (int i = 0; i < 500 && !gone; i++, rig_sleep(10))
		gone = kill(last, 0) < 0;
	assert_true(gone);
}

static void test_equal_is_not_told_again(void **unused)
{
	(void)unused;
	night_begin(one);
	rig_wait(rig, "dynos.seen", "\"maintenance\":false", 1);
	rig_sleep(600); /* some ten looks */
	assert_int_equal(rig_events(rig, "dynos.seen", ""), 1);
	rig_put(rig, "dynos", "on");
	rig_wait(rig, "dynos.seen", "\"maintenance\":true", 1);
	/* Of the same length. */
	rig_put(rig, "dynos", "ox");
	rig_wait(rig, "dynos.seen", "\"release\":\"ox\"", 1);
	rig_put(rig, "dynos", "of");
	rig_wait(rig, "dynos.seen", "\"release\":\"of\"", 1);
	rig_remove(rig, "dynos");
	rig_wait(rig, "dynos.seen", "\"release\":\"\"", 2);
	night_killed();
	rig_sleep(400);
	assert_int_equal(rig_events(rig, "dynos.seen", ""), 5);
}

static void test_clock(void **unused)
{
	(void)unused;
	night_begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"wait-long\",\"for_ms\":15000}}");
	night_cmd("run", "one");
	rig_put(rig, "go", "");
	rig_wait(rig, "attempt.started", "", 1);
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
	char *started = rig_field(rig, "attempt.started", "at"),
	     *ended = rig_field(rig, "attempt.ended", "at");
	long long ms = atoll(ended) - atoll(started);
	assert_true(ms >= 15000 && ms < 60000);
	free(started);
	free(ended);
	/* Somebody sets the wall clock: one event, and nothing waits longer or shorter for it. */
	rig->faults->wall_jump_ms = 600000;
	rig_wait(rig, "clock.jumped", "", 1);
	char *by = rig_field(rig, "clock.jumped", "by_ms");
	assert_in_range(atoll(by), 2900000, 3100000); /* 10 min, five times as fast */
	free(by);
	rig_hear(ana, "clock.jumped");
}

int main(int argc, char **argv)
{
	rig_main(argc, argv);
	setenv("NIGHTFERRY_CLOCK", "0,5", 1);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_watch_comes_back, night_end),
	    cmocka_unit_test_teardown(test_equal_is_not_told_again, night_end),
	    cmocka_unit_test_teardown(test_clock, night_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
