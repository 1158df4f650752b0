/* A step that failed may send back to one that is done: it comes again by its own gate, and so does what was
 * done after it; nothing else does. */
#include "tests/unit/rig_night.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/base/text.h"
#include <stdlib.h>
#include <string.h>

static const char steps[] = "{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"gate\":\"yes\"}},"
			    "{\"id\":\"two\",\"do\":\"fake\",\"auto\":false},"
			    "{\"id\":\"three\",\"do\":\"fake\",\"auto\":false},"
			    "{\"id\":\"card\",\"do\":\"manual\",\"with\":{\"card\":\"x\"}}";

static void run_to_its_end(const char *step)
{
	char its[64];
	text_copyf(its, sizeof its, "\"step\":\"%s\"", step);
	size_t n = rig_events(rig, "attempt.ended", its);
	night_cmd("run", step);
	rig_wait(rig, "attempt.ended", its, n + 1);
}

static void one_again(void)
{
	size_t n = rig_events(rig, "attempt.ended", "\"step\":\"one\"");
	night_open_gate("run", "one");
	night_yes(ana);
	rig_wait(rig, "attempt.ended", "\"step\":\"one\"", n + 1);
}

static void test_nothing_is_done_twice(void **unused)
{
	(void)unused;
	night_begin(steps);
	one_again();
	run_to_its_end("two");
	night_refused("run", "one", "nothing is done twice");
	assert_int_equal(night_effects("did"), 2);
}

static void test_back_to_a_done_step(void **unused)
{
	(void)unused;
	night_begin(steps);
	one_again();
	run_to_its_end("two");
	rig_put(rig, "prove", "FAIL");
	run_to_its_end("three");
	rig_put(rig, "prove", "");
	/* The gate was opened and left: it stands as it was, and three may be tried as before. */
	night_open_gate("run", "one");
	night_leave_gate();
	rig_wait(rig, "step.state", "it was not run again, and stands as it was", 1);
	assert_int_equal(night_effects("did"), 3);
	assert_int_equal(rig_events(rig, "step.state", "so this comes again"), 0);
	one_again();
	rig_wait(rig, "step.state", "\"step\":\"two\",\"state\":\"waiting\",\"text\":\"one is run again", 1);
	rig_wait(rig, "step.state", "\"step\":\"three\",\"state\":\"waiting\",\"text\":\"one is run again",
		 1);
	night_refused("run", "three", "two comes first");
	run_to_its_end("two");
	run_to_its_end("three");
	assert_int_equal(night_effects("did"), 6);
	night_refused("run", "one", "nothing is done twice");
}

/* What a person has ticked or left out is theirs and stays. */
static void test_steps_before_stay(void **unused)
{
	(void)unused;
	night_begin(steps);
	one_again();
	rig_put(rig, "prove", "FAIL");
	run_to_its_end("two");
	rig_put(rig, "prove", "");
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"skip\",\"step\":\"two\",\"reason\":\"not tonight\"}");
	rig_wait(rig, "step.skipped", "", 1);
	rig_put(rig, "prove", "FAIL");
	run_to_its_end("three");
	rig_put(rig, "prove", "");
	night_refused("run", "two", "nothing is done twice"); /* skipped, not done */
	one_again();
	assert_int_equal(rig_events(rig, "step.state", "\"step\":\"two\",\"state\":\"waiting\""), 0);
	run_to_its_end("three");
	assert_int_equal(rig_events(rig, "attempt.ended", "\"step\":\"three\",\"outcome\":\"done\""), 1);
}

static void test_without_a_screen(void **unused)
{
	(void)unused;
	static const char *yes[] = {"one=acme-production"}, *again[] = {"one"}, *nobody[] = {"nobody"};
	static const char *done[] = {"card=seen"};
	struct headless how = {.quiet = true, .yes = yes, .n_yes = 1, .done = done, .n_done = 1};
	rig = rig_new(
	    "{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"gate\":\"yes\"}},"
	    "{\"id\":\"two\",\"do\":\"fake\"},{\"id\":\"card\",\"do\":\"manual\",\"with\":{\"card\":\"x\"}}");
	struct headless first = how;
	first.until = "one";
	rig_start(rig, &first);
	assert_int_equal(rig_wait_end(rig), 0);
	rig_put(rig, "prove", "FAIL");
	rig_start(rig, &how);
	assert_int_equal(rig_wait_end(rig), 1);
	rig_put(rig, "prove", "");
	how.again = nobody;
	how.n_again = 1;
	rig_start(rig, &how);
	assert_int_equal(rig_wait_end(rig), 1);
	assert_int_equal(night_effects("did"), 2);
	how.again = again;
	rig_start(rig, &how);
	assert_int_equal(rig_wait_end(rig), 0);
	assert_int_equal(night_effects("did"), 4);
	assert_int_equal(rig_events(rig, "night.closed", "\"verdict\":\"done\""), 1);
}

/* What is not known is tried again only by name. */
static void test_unknown_without_a_screen(void **unused)
{
	(void)unused;
	static const char *again[] = {"one"};
	struct headless how = {.quiet = true};
	rig = rig_new("{\"id\":\"one\",\"do\":\"fake\"}");
	rig_put(rig, "prove", "UNKNOWN");
	rig_start(rig, &how);
	assert_int_equal(rig_wait_end(rig), 1);
	rig_put(rig, "prove", "");
	rig_start(rig, &how);
	assert_int_equal(rig_wait_end(rig), 1);
	assert_int_equal(night_effects("did"), 1);
	how.again = again;
	how.n_again = 1;
	rig_start(rig, &how);
	assert_int_equal(rig_wait_end(rig), 0);
	assert_int_equal(night_effects("did"), 2);
}

int main(int argc, char **argv)
{
	rig_main(argc, argv);
	setenv("NIGHTFERRY_CLOCK", "0,5", 1);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_nothing_is_done_twice, night_end),
	    cmocka_unit_test_teardown(test_back_to_a_done_step, night_end),
	    cmocka_unit_test_teardown(test_steps_before_stay, night_end),
	    cmocka_unit_test_teardown(test_without_a_screen, night_end),
	    cmocka_unit_test_teardown(test_unknown_without_a_screen, night_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
