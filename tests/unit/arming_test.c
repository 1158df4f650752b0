/* Arming slides: a seat stays armed while it acts, and ten idle minutes disarm it. Time runs a
 * hundred times as fast. */
#include "tests/unit/rig_night.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void test_arming_slides(void **unused)
{
	(void)unused;
	night_begin("{\"id\":\"one\",\"do\":\"fake\"}");
	rig_wait(rig, "seat.armed", "", 1);
	char *at = rig_field(rig, "seat.armed", "at"), *until = rig_field(rig, "seat.armed", "until_ms");
	long long armed_at = atoll(at);
	assert_int_equal(atoll(until) - armed_at, 600000);
	free(at);
	free(until);
	/* Something to do each two minutes, for longer than ten: a machine that stands still for seconds may
	 * stand. */
	for (int i = 0; i < 6; i++) {
		rig_sleep(1200);
		night_refused("run", "none", "no step");
	}
	assert_int_equal(rig_events(rig, "seat.armed", "\"until_ms\":0"), 0);
	rig_wait(rig, "seat.armed", "\"until_ms\":0", 1);
	at = rig_field(rig, "seat.armed", "at");
	/* Ten idle minutes after the newest deed, which was at least twelve after the arming. */
	assert_true(atoll(at) - armed_at >= 1200000);
	free(at);
	night_refused("run", "one", "read-only");
	assert_int_equal(rig_events(rig, "attempt.started", ""), 0);
}

int main(int argc, char **argv)
{
	rig_main(argc, argv);
	setenv("NIGHTFERRY_CLOCK", "0,100", 1);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_arming_slides, night_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
