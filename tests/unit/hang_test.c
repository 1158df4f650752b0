/* A look that says nothing for a minute is ended, and what it looked at is UNKNOWN. Time runs forty times as
 * fast. */
#include "tests/unit/rig_night.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void open_gate(void)
{
	night_arm(); /* ten minutes are short here */
	night_open_gate("run", "one");
}

static void test_plan_hangs(void **unused)
{
	(void)unused;
	night_begin(yes_step);
	rig_put(rig, "plan-hangs", "");
	rig_forget(ana);
	night_cmd("run", "one");
	rig_hear(ana, "ended after 1:00 without a word");
	assert_int_equal(rig_events(rig, "attempt.started", ""), 0);
	rig_remove(rig, "plan-hangs");
	open_gate();
	night_yes(ana);
	rig_wait(rig, "attempt.ended", "", 1);
	assert_int_equal(rig_events(rig, "attempt.ended", "\"done\""), 1);
}

static void test_check_hangs(void **unused)
{
	(void)unused;
	night_begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"gate\":\"yes\"},\"checks\":[\"fake\"]}");
	rig_put(rig, "check-hangs", "");
	open_gate();
	assert_int_equal(rig_events(rig, "gate.opened", "ended after 1:00 without a word"), 1);
	rig_forget(ana);
	night_yes(ana);
	rig_hear(ana, "this gate stays shut: UNKNOWN fake");
	rig_remove(rig, "check-hangs");
	rig_wait(rig, "gate.changed", "PASS fake", 1);
}

int main(int argc, char **argv)
{
	rig_main(argc, argv);
	setenv("NIGHTFERRY_CLOCK", "0,40", 1);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_plan_hangs, night_end),
	    cmocka_unit_test_teardown(test_check_hangs, night_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
