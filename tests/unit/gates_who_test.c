/* What the engine promises about who may decide, and what HOLD, a full disk, a clock that jumps and an engine
 * that dies do to a gate. Time runs five times as fast. */
#include "tests/unit/rig_night.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static const char *const deeds[] = {
    "\"cmd\":\"run\",\"step\":\"one\"",
    "\"cmd\":\"run\"",
    "\"cmd\":\"skip\",\"step\":\"one\",\"reason\":\"no\"",
    "\"cmd\":\"manual\",\"step\":\"card\",\"words\":\"no\"",
    "\"cmd\":\"waive\",\"about\":\"seen:x\",\"reason\":\"no\"",
    "\"cmd\":\"undo\",\"step\":\"one\"",
    "\"cmd\":\"back\"",
    "\"cmd\":\"end-session\",\"pid\":1,\"start_ms\":1",
    "\"cmd\":\"again\",\"step\":\"one\"",
    "\"cmd\":\"cancel\"",
    "\"cmd\":\"auto\",\"on\":false",
};

static void tries_everything(struct rig_seat *seat, const char *why)
{
	for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
		rig_forget(seat);
		rig_tell(seat, "{\"t\":\"cmd\",%s}", deeds[i]);
		if (!strstr(deeds[i], "\"cancel\"") || rig_events(rig, "gate.opened", ""))
			rig_hear(seat, why);
		else
			rig_fence(rig, seat);
	}
}

static void test_who_may_act(void **unused)
{
	(void)unused;
	night_begin(
	    "{\"id\":\"card\",\"do\":\"manual\"},{\"id\":\"one\",\"do\":\"fake\",\"auto\":false,\"with\":{"
	    "\"gate\":"
	    "\"type\"}}");
	rig_put(rig, "evidence", "PASS|x|0|fine\n");
	bea = rig_sit(rig, "bea", true);
	tries_everything(bea, "observers see");
	rig_tell(bea, "{\"t\":\"cmd\",\"cmd\":\"arm\"}");
	rig_hear(bea, "observers are never armed");
	rig_tell(bea, "{\"t\":\"cmd\",\"cmd\":\"stop-engine\"}");
	rig_hear(bea, "only the driver");
	struct rig_seat *cyd = rig_sit(rig, "cyd", false);
	tries_everything(cyd, "only the driver");
	rig_tell(cyd, "{\"t\":\"cmd\",\"cmd\":\"arm\"}");
	rig_hear(cyd, "only the driver's seat is armed");
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"arm\",\"on\":false}");
	tries_everything(ana, "read-only");
	night_nothing_happened();
	assert_int_equal(rig_events(rig, "gate.opened", ""), 0);
	assert_int_equal(rig_events(rig, "step.skipped", "") + rig_events(rig, "step.byhand", "") +
			     rig_events(rig, "waiver.given", ""),
			 0);
	/* The same at an open gate. */
	night_arm();
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"manual\",\"step\":\"card\",\"words\":\"done\"}");
	rig_wait(rig, "step.byhand", "", 1);
	night_open_gate("run", "one");
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"arm\",\"on\":false}");
	struct rig_seat *const seats[] = {ana, bea, cyd};
	for (size_t i = 0; i < 3; i++) {
		rig_forget(seats[i]);
		night_phrase(seats[i]);
		rig_hear(seats[i], i == 0 ? "read-only" : i == 1 ? "observers see" : "only the driver");
		tries_everything(seats[i], i == 0   ? "read-only"
					   : i == 1 ? "observers see"
						    : "only the driver");
		if (i > 0) {
			char gate[16], tag[8];
			rig_gate(rig, gate, tag);
			rig_tell(seats[i], "{\"t\":\"cmd\",\"cmd\":\"leave-gate\",\"gate\":\"%s\"}", gate);
			rig_fence(rig, seats[i]);
		}
	}
	assert_int_equal(rig_events(rig, "gate.closed", "") + rig_events(rig, "gate.counting", ""), 0);
	night_nothing_happened();
	rig_leave(cyd);
}

static void test_count_and_hold(void **unused)
{
	(void)unused;
	night_begin(type_step);
	bea = rig_sit(rig, "bea", true);
	night_open_gate("run", "one");
	char gate[16], tag[8];
	rig_gate(rig, gate, tag);
	/* Any seat's key, an observer's too. */
	night_phrase(ana);
	rig_wait(rig, "gate.counting", "", 1);
	rig_tell(bea, "{\"t\":\"cmd\",\"cmd\":\"stop-count\",\"gate\":\"%s\"}", gate);
	rig_wait(rig, "gate.stopped", "bea", 1);
	rig_sleep(900);
	night_nothing_happened();
	/* HOLD, unarmed, from an observer: the count and everything after it. */
	night_phrase(ana);
	rig_wait(rig, "gate.counting", "", 2);
	rig_tell(bea, "{\"t\":\"cmd\",\"cmd\":\"hold\",\"why\":\"odd\"}");
	rig_wait(rig, "gate.stopped", "", 2);
	rig_sleep(900);
	rig_forget(ana);
	night_phrase(ana);
	rig_hear(ana, "HOLD by bea");
	night_leave_gate();
	rig_forget(ana);
	night_cmd("run", "one");
	rig_hear(ana, "HOLD by bea");
	night_nothing_happened();
	rig_tell(bea, "{\"t\":\"cmd\",\"cmd\":\"release\",\"reason\":\"fine now\"}");
	rig_wait(rig, "hold.released", "", 1);
	rig_sleep(100);
	night_nothing_happened(); /* nothing starts by itself */
	night_arm();
	night_open_gate("run", "one");
	night_phrase(ana);
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
	assert_int_equal(rig_events(rig, "gate.counting", ""), 3);
	char *passed = rig_field(rig, "gate.passed", "at"), *counting = rig_field(rig, "gate.counting", "at");
	assert_true(atoll(passed) - atoll(counting) >= 2900);
	free(passed);
	free(counting);
}

/* A confirmation that the disk did not take is over: it must not act minutes later, when somebody made room.
 */
static void test_count_on_a_full_disk(void **unused)
{
	(void)unused;
	night_begin(type_step);
	night_open_gate("run", "one");
	char gate[16], tag[8];
	rig_gate(rig, gate, tag);
	night_phrase(ana);
	rig_wait(rig, "gate.counting", "", 1);
	rig->faults->sync_fails = true;
	rig_hear(ana, "nothing acts");
	rig->faults->sync_fails = false;
	rig_fence(rig, ana);
	rig_sleep(900);
	night_nothing_happened();
	/* The seat that still counts is told by its next key. */
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"stop-count\",\"gate\":\"%s\"}", gate);
	rig_wait(rig, "gate.stopped", "", 1);
	night_phrase(ana);
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
}

/* A gate that came into no journal is on no screen: nobody could pass it, and nobody could leave it. */
static void test_gate_that_nobody_sees(void **unused)
{
	(void)unused;
	night_begin(yes_step);
	rig_fence(rig, ana);
	rig->faults->sync_fails = true;
	night_cmd("run", "one");
	rig_hear(ana, "one: the journal cannot be written");
	rig->faults->sync_fails = false;
	assert_int_equal(rig_events(rig, "gate.opened", ""), 0);
	night_open_gate("run", "one");
	night_leave_gate();
}

/* What was seen before the clock was set has no age any more. */
static void test_clock_jumps_at_gate(void **unused)
{
	(void)unused;
	night_begin(type_step);
	night_open_gate("run", "one");
	night_phrase(ana);
	rig_wait(rig, "gate.counting", "", 1);
	rig->faults->wall_jump_ms = -7200000;
	rig_wait(rig, "clock.jumped", "", 1);
	rig_wait(rig, "gate.stopped", "the clock has jumped", 1);
	rig_sleep(900);
	night_nothing_happened();
	night_looks_again();
	night_phrase(ana);
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
}

/* A gate does not outlive its engine: what it showed is nobody's to confirm. */
static void test_gate_and_engine_restart(void **unused)
{
	(void)unused;
	night_begin(yes_step);
	night_open_gate("run", "one");
	night_killed();
	rig_wait(rig, "gate.closed", "started again", 1);
	night_yes(ana);
	rig_hear(ana, "no longer open");
	night_nothing_happened();
	night_open_gate("run", "one");
	night_yes(ana);
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
}

/* HOLD stops what would start, also the next step of one press of R, and not what runs. */
static void test_hold_stops_starts(void **unused)
{
	(void)unused;
	night_begin(
	    "{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"wait\"}},{\"id\":\"two\",\"do\":\"fake\"}");
	night_cmd("run", "one");
	rig_wait_file(rig, "waiting");
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"hold\",\"why\":\"odd\"}");
	rig_wait(rig, "hold.called", "", 1);
	rig_put(rig, "go", "");
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
	rig_sleep(200);
	assert_int_equal(rig_events(rig, "attempt.started", ""), 1);
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"release\",\"reason\":\"fine\"}");
	rig_wait(rig, "hold.released", "", 1);
	night_cmd("run", "two");
	rig_wait(rig, "attempt.ended", "\"two\"", 1);
}

int main(int argc, char **argv)
{
	rig_main(argc, argv);
	setenv("NIGHTFERRY_CLOCK", "0,5", 1);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_who_may_act, night_end),
	    cmocka_unit_test_teardown(test_count_and_hold, night_end),
	    cmocka_unit_test_teardown(test_count_on_a_full_disk, night_end),
	    cmocka_unit_test_teardown(test_gate_that_nobody_sees, night_end),
	    cmocka_unit_test_teardown(test_clock_jumps_at_gate, night_end),
	    cmocka_unit_test_teardown(test_gate_and_engine_restart, night_end),
	    cmocka_unit_test_teardown(test_hold_stops_starts, night_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
