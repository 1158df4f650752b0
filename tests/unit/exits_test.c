/* The exits of a stop: taking a step back with a look before and after, what words tick and what they do not,
 * what a waiver is tied to, and looks that end without a word. */
#include "tests/unit/rig_night.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/base/text.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* With a card behind it, or the night would be closed with its last step. */
static const char one_step[] = "{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"gate\":\"yes\"}},{\"id\":"
			       "\"card\",\"do\":\"manual\",\"with\":{\"card\":\"x\"}}";

/* Up to its end, whatever that is. */
static void run_through(const char *step)
{
	size_t n = rig_events(rig, "attempt.ended", "");
	night_open_gate("run", step);
	night_yes(ana);
	rig_wait(rig, "attempt.ended", "", n + 1);
}

static void test_undo(void **unused)
{
	(void)unused;
	night_begin(one_step);
	night_refused("undo", "one", "has not run");
	run_through("one");
	night_open_gate("undo", "one");
	assert_int_equal(rig_events(rig, "gate.opened", "looked at just now: it holds"), 1);
	assert_int_equal(night_effects("undone"), 0);
	night_yes(ana);
	rig_wait(rig, "attempt.ended", "\"undone\"", 1);
	assert_int_equal(rig_events(rig, "attempt.ended", "it no longer holds"), 1);
	assert_int_equal(night_effects("undone"), 1);
	night_refused("undo", "one", "taken back already");
	/* And forward again: what was taken back is not done. */
	run_through("one");
	assert_int_equal(rig_events(rig, "attempt.ended", "\"outcome\":\"done\""), 2);
}

/* Its exit status is no evidence, in either direction. */
static void test_undo_is_proven(void **unused)
{
	(void)unused;
	night_begin(one_step);
	run_through("one");
	rig_put(rig, "undo-lies", "");
	night_open_gate("undo", "one");
	night_yes(ana);
	rig_wait(rig, "attempt.ended", "it holds as before, so it was not taken back", 1);
	assert_int_equal(rig_events(rig, "attempt.ended", "\"undone\""), 0);
	rig_remove(rig, "undo-lies");
	rig_put(rig, "undo-fails", "");
	night_open_gate("undo", "one");
	night_yes(ana);
	/* Half of it taken back is no longer the whole, either. */
	rig_wait(rig, "attempt.ended", "the line broke; looked at: it no longer holds as a whole", 1);
	assert_int_equal(rig_events(rig, "attempt.ended", "\"undone\""), 0);
	rig_remove(rig, "undo-fails");
	rig_remove(rig, "undone");
	night_open_gate("undo", "one");
	night_yes(ana);
	rig_wait(rig, "attempt.ended", "\"undone\"", 1);
}

/* What nobody could see opens no gate, and what moves while it is open is shown. */
static void test_undo_evidence(void **unused)
{
	(void)unused;
	night_begin(one_step);
	run_through("one");
	rig_put(rig, "probe", "UNCLEAR");
	night_open_gate("undo", "one");
	rig_forget(ana);
	night_yes(ana);
	rig_hear(ana, "this gate stays shut: UNKNOWN holds");
	assert_int_equal(night_effects("undone"), 0);
	rig_remove(rig, "probe");
	rig_wait(rig, "gate.changed", "it holds", 1);
	night_yes(ana);
	rig_wait(rig, "attempt.ended", "\"undone\"", 1);
}

static void test_undo_stack(void **unused)
{
	(void)unused;
	night_begin(
	    "{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"gate\":\"yes\"}},{\"id\":\"two\",\"do\":\"fake\","
	    "\"with\":{"
	    "\"gate\":\"type\"}},{\"id\":\"card\",\"do\":\"manual\",\"with\":{\"card\":\"x\"}}");
	run_through("one");
	/* One press runs on to the next gate, which opens by itself. */
	rig_wait(rig, "gate.opened", "\"step\":\"two\"", 1);
	night_phrase(ana);
	rig_wait(rig, "attempt.ended", "\"two\"", 1);
	night_refused("undo", "one", "2 two came after one and stands on it");
	/* What was typed on the way there is typed on the way back. */
	night_open_gate("undo", "two");
	night_yes(ana);
	assert_int_equal(night_effects("undone"), 0);
	night_phrase(ana);
	rig_wait(rig, "attempt.ended", "\"undone\"", 1);
	night_open_gate("undo", "one");
	/* Left: what is done stays done. */
	char gate[16], tag[8];
	rig_gate(rig, gate, tag);
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"leave-gate\",\"gate\":\"%s\"}", gate);
	rig_wait(rig, "gate.closed", "", 1);
	night_refused("run", "one", "done already");
}

static void test_undo_and_restart(void **unused)
{
	(void)unused;
	night_begin(one_step);
	run_through("one");
	night_open_gate("undo", "one");
	night_yes(ana);
	rig_wait(rig, "attempt.ended", "\"undone\"", 1);
	night_killed();
	night_refused("undo", "one", "taken back already");
}

/* A look that failed is no matter of opinion; a step that is mended by now passes by itself. */
static void test_words_tick_no_failure(void **unused)
{
	(void)unused;
	night_begin(
	    "{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"gate\":\"yes\"}},{\"id\":\"two\",\"do\":\"fake\"}");
	rig_put(rig, "prove", "FAIL");
	run_through("one");
	rig_forget(ana);
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"manual\",\"step\":\"one\",\"words\":\"compared by eye\"}");
	rig_hear(ana, "words do not tick it");
	assert_int_equal(rig_events(rig, "step.byhand", ""), 0);
	/* UNKNOWN may be ticked, but nothing runs on from that by itself. */
	rig_put(rig, "prove", "CANNOT LOOK");
	run_through("one");
	rig_put(rig, "probe", "UNCLEAR");
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"manual\",\"step\":\"one\",\"words\":\"seen on the host\"}");
	rig_wait(rig, "step.byhand", "seen on the host", 1);
	rig_fence(rig, ana);
	assert_int_equal(rig_events(rig, "attempt.started", "\"two\""), 0);
}

static void waive(const char *fact)
{
	rig_tell(
	    ana,
	    "{\"t\":\"cmd\",\"cmd\":\"waive\",\"about\":\"seen:jobs\",\"reason\":\"known\",\"fact\":\"%s\"}",
	    fact);
	rig_fence(rig, ana);
}

/* Tied to what the giver saw; a line without a fact of its own stands for its verdict. */
static void test_waiver_facts(void **unused)
{
	(void)unused;
	rig_put(rig = rig_new(one_step), "evidence", "WARN|jobs|2 jobs|2 jobs wait\n");
	night_start();
	night_open_gate("run", "one");
	rig_put(rig, "evidence", "WARN|jobs|200 jobs|200 jobs wait\n");
	rig_wait(rig, "gate.changed", "200 jobs", 1);
	rig_forget(ana);
	waive("2 jobs");
	rig_hear(ana, "nothing was waived");
	assert_int_equal(rig_events(rig, "waiver.given", ""), 0);
	waive("200 jobs");
	assert_int_equal(rig_events(rig, "waiver.given", "200 jobs"), 1);
	rig_put(rig, "evidence", "WARN|jobs||some jobs wait\n");
	rig_wait(rig, "waiver.fallen", "", 1);
	rig_wait(rig, "gate.changed", "some jobs", 1);
	waive("WARN");
	assert_int_equal(rig_events(rig, "waiver.given", "\"fact\":\"WARN\""), 1);
	rig_put(rig, "evidence", "FAIL|jobs||no job can run\n");
	rig_wait(rig, "waiver.fallen", "", 2);
}

/* A proof may count for long; X ends it, and then nobody knows. */
static void test_prove_hangs(void **unused)
{
	(void)unused;
	night_begin(one_step);
	rig_put(rig, "prove-hangs", "");
	night_open_gate("run", "one");
	night_yes(ana);
	rig_wait(rig, "step.state", "proving", 1);
	night_cmd("cancel", "one");
	rig_wait(rig, "attempt.ended", "the look at it was ended by ana", 1);
	assert_int_equal(rig_events(rig, "attempt.ended", "\"unknown\""), 1);
}

/* Evidence that cannot be looked at any more is no evidence, and nobody can wave that through. */
static void test_look_fails(void **unused)
{
	(void)unused;
	night_begin(one_step);
	night_open_gate("run", "one");
	rig_put(rig, "plan-fails", "");
	rig_wait(rig, "gate.changed", "UNKNOWN look nobody answers", 1);
	rig_forget(ana);
	night_yes(ana);
	rig_hear(ana, "this gate stays shut: UNKNOWN look");
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"waive\",\"about\":\"seen:look\",\"reason\":\"slow\",\"fact\":"
		      "\"failed\"}");
	rig_hear(ana, "cannot be waived");
	assert_int_equal(night_effects("did"), 0);
	rig_remove(rig, "plan-fails");
	rig_wait(rig, "gate.changed", "no longer seen", 1);
	night_yes(ana);
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
}

/* Only what was shown is approved: a fresh plan whose checks are still looked at is on no screen yet. */
static void test_plan_waits_for_its_checks(void **unused)
{
	(void)unused;
	night_begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"gate\":\"yes\"},\"checks\":[\"fake\"]}");
	night_open_gate("run", "one");
	rig_put(rig, "check-hangs", "");
	rig_put(rig, "does", "CHANGE something else");
	char *looks = rig_read(rig, "world/looks");
	size_t n = rig_lines(looks, "plan");
	free(looks);
	for (size_t now = n; now < n + 2; rig_sleep(10)) {
		looks = rig_read(rig, "world/looks");
		now = rig_lines(looks, "plan");
		free(looks);
		if (rig_events(rig, "gate.changed", "something else"))
			break;
		if (now > n)
			break;
	}
	assert_int_equal(rig_events(rig, "gate.changed", ""), 0);
	night_yes(ana);
	rig_remove(rig, "check-hangs");
	rig_wait(rig, "attempt.started", "", 1);
	assert_int_equal(rig_events(rig, "attempt.started", "CHANGE it"), 1);
	assert_int_equal(rig_events(rig, "attempt.started", "something else"), 0);
}

static void test_stricter_while_open(void **unused)
{
	(void)unused;
	night_begin(one_step);
	night_open_gate("run", "one");
	rig_put(rig, "gate", "type");
	rig_wait(rig, "gate.closed", "stricter gate", 1);
	rig_wait(rig, "gate.opened", "\"type\"", 1);
	rig_forget(ana);
	night_yes(ana);
	rig_hear(ana, "wants its phrase");
	assert_int_equal(night_effects("did"), 0);
	night_phrase(ana);
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
}

/* R means the step that stood on that screen as next; a tick is believed less than a look. */
static void test_what_was_meant(void **unused)
{
	(void)unused;
	night_begin(
	    "{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"gate\":\"yes\"}},{\"id\":\"two\",\"do\":\"fake\"}");
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"run\",\"expect\":\"two\"}");
	rig_hear(ana, "two is no longer next, one is");
	rig_put(rig, "prove", "CANNOT LOOK");
	run_through("one");
	rig_put(rig, "undone", "by somebody");
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"manual\",\"step\":\"one\",\"words\":\"it is there\"}");
	rig_hear(ana, "is not done, so it cannot be ticked");
	assert_int_equal(rig_events(rig, "step.byhand", ""), 0);
}

int main(int argc, char **argv)
{
	rig_main(argc, argv);
	setenv("NIGHTFERRY_CLOCK", "0,5", 1);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_undo, night_end),
	    cmocka_unit_test_teardown(test_undo_is_proven, night_end),
	    cmocka_unit_test_teardown(test_undo_evidence, night_end),
	    cmocka_unit_test_teardown(test_undo_stack, night_end),
	    cmocka_unit_test_teardown(test_undo_and_restart, night_end),
	    cmocka_unit_test_teardown(test_words_tick_no_failure, night_end),
	    cmocka_unit_test_teardown(test_waiver_facts, night_end),
	    cmocka_unit_test_teardown(test_prove_hangs, night_end),
	    cmocka_unit_test_teardown(test_look_fails, night_end),
	    cmocka_unit_test_teardown(test_plan_waits_for_its_checks, night_end),
	    cmocka_unit_test_teardown(test_stricter_while_open, night_end),
	    cmocka_unit_test_teardown(test_what_was_meant, night_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
