/* A look that says nothing for a minute is ended, and what it looked at is UNKNOWN. Time runs forty times as
 * fast. */
#include "tests/unit/rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static struct rig *rig;
static struct rig_seat *ana;

static const char one_step[] = "{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"gate\":\"yes\"}}";

static void arm(void)
{
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"arm\"}");
}

static void begin(const char *steps)
{
	rig = rig_new(steps);
	rig_start(rig, NULL);
	assert_string_equal(rig->said_at_start, "");
	ana = rig_sit(rig, "ana", false);
	arm();
}

static int end(void **unused)
{
	(void)unused;
	if (ana)
		rig_leave(ana);
	ana = NULL;
	if (rig)
		rig_free(rig);
	rig = NULL;
	return 0;
}

static void cmd(const char *name, const char *step)
{
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"%s\",\"step\":\"%s\"}", name, step);
}

static void open_gate(const char *name, const char *step)
{
	size_t n = rig_events(rig, "gate.opened", "");
	arm(); /* ten minutes are short here */
	cmd(name, step);
	rig_wait(rig, "gate.opened", "", n + 1);
}

static void say_yes(void)
{
	char gate[16], tag[8];
	rig_gate(rig, gate, tag);
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"yes\",\"gate\":\"%s\",\"tag\":\"%s\"}", gate, tag);
	rig_fence(rig, ana);
}

static void test_plan_hangs(void **unused)
{
	(void)unused;
	begin(one_step);
	rig_put(rig, "plan-hangs", "");
	rig_forget(ana);
	cmd("run", "one");
	rig_hear(ana, "ended after 1:00 without a word");
	assert_int_equal(rig_events(rig, "attempt.started", ""), 0);
	rig_remove(rig, "plan-hangs");
	open_gate("run", "one");
	say_yes();
	rig_wait(rig, "attempt.ended", "", 1);
	assert_int_equal(rig_events(rig, "attempt.ended", "\"done\""), 1);
}

static void test_check_hangs(void **unused)
{
	(void)unused;
	begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"gate\":\"yes\"},\"checks\":[\"fake\"]}");
	rig_put(rig, "check-hangs", "");
	open_gate("run", "one");
	assert_int_equal(rig_events(rig, "gate.opened", "ended after 1:00 without a word"), 1);
	rig_forget(ana);
	say_yes();
	rig_hear(ana, "this gate stays shut: UNKNOWN fake");
	rig_remove(rig, "check-hangs");
	rig_wait(rig, "gate.changed", "PASS fake", 1);
}

int main(int argc, char **argv)
{
	rig_main(argc, argv);
	setenv("NIGHTFERRY_CLOCK", "0,40", 1);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_plan_hangs, end),
	    cmocka_unit_test_teardown(test_check_hangs, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
