/* What the engine promises about deciding: what opens a gate and what does not, who may. Time runs five times
 * as fast. */
#include "tests/unit/rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/base/text.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static struct rig *rig;
static struct rig_seat *ana, *bea;

static const char yes_step[] = "{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"gate\":\"yes\"}}";
static const char type_step[] = "{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"gate\":\"type\"}}";

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
	if (bea)
		rig_leave(bea);
	ana = bea = NULL;
	if (rig)
		rig_free(rig);
	rig = NULL;
	return 0;
}

static void run(const char *step)
{
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"run\",\"step\":\"%s\"}", step);
}

static void open_gate(const char *step)
{
	size_t n = rig_events(rig, "gate.opened", "");
	run(step);
	rig_wait(rig, "gate.opened", "", n + 1);
}

static void say_yes(struct rig_seat *seat)
{
	char gate[16], tag[8];
	rig_gate(rig, gate, tag);
	rig_tell(seat, "{\"t\":\"cmd\",\"cmd\":\"yes\",\"gate\":\"%s\",\"tag\":\"%s\"}", gate, tag);
	rig_fence(rig, seat);
}

static void phrase(struct rig_seat *seat, const char *gate, const char *target, const char *tag)
{
	rig_tell(seat, "{\"t\":\"cmd\",\"cmd\":\"phrase\",\"gate\":\"%s\",\"text\":\"%s %s\"}", gate, target,
		 tag);
}

static void say_phrase(struct rig_seat *seat)
{
	char gate[16], tag[8];
	rig_gate(rig, gate, tag);
	phrase(seat, gate, "acme-production", tag);
}

static void nothing_happened(void)
{
	assert_int_equal(rig_events(rig, "gate.passed", ""), 0);
	assert_int_equal(rig_events(rig, "attempt.started", ""), 0);
	assert_false(rig_has(rig, "effects"));
}

static void leave_gate(void)
{
	char gate[16], tag[8];
	size_t n = rig_events(rig, "gate.closed", "");
	rig_gate(rig, gate, tag);
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"leave-gate\",\"gate\":\"%s\"}", gate);
	rig_wait(rig, "gate.closed", "", n + 1);
}

/* Two whole looks at the evidence have gone by. */
static void looks_again(void)
{
	char *looks = rig_read(rig, "world/looks");
	size_t n = rig_lines(looks, "plan");
	free(looks);
	for (int i = 0; i < 1000; i++, rig_sleep(10)) {
		looks = rig_read(rig, "world/looks");
		bool enough = rig_lines(looks, "plan") >= n + 3;
		free(looks);
		if (enough)
			return;
	}
	fail_msg("the gate does not look again");
}

/* ---- evidence ---- */

static void test_evidence_shuts(void **unused)
{
	(void)unused;
	static const char *const shut[] = {"FAIL|x|3 rows|three rows\n", "UNKNOWN|x||nobody answers\n",
					   "PASS|a||fine\nFAIL|x||bad\nWARN|b||odd\n"};
	begin(yes_step);
	for (size_t i = 0; i < 3; i++) {
		rig_put(rig, "evidence", shut[i]);
		open_gate("one");
		say_yes(ana);
		rig_hear(ana, "stays shut");
		rig_forget(ana);
		leave_gate();
	}
	nothing_happened();
	rig_put(rig, "evidence", "PASS|a||fine\nWARN|b||odd\n");
	open_gate("one");
	say_yes(ana);
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
}

static void test_evidence_shuts_phrase(void **unused)
{
	(void)unused;
	begin(type_step);
	rig_put(rig, "evidence", "FAIL|x|3|three rows\n");
	open_gate("one");
	say_phrase(ana);
	rig_hear(ana, "stays shut");
	leave_gate();
	assert_int_equal(rig_events(rig, "gate.counting", ""), 0);
	/* It turns bad while the count runs: the newest look is what counts. */
	rig_put(rig, "evidence", "PASS|x|0|no rows\n");
	open_gate("one");
	rig_put(rig, "evidence", "FAIL|x|3|three rows\n");
	rig_wait(rig, "gate.changed", "", 1);
	say_phrase(ana);
	rig_fence(rig, ana);
	assert_int_equal(rig_events(rig, "gate.counting", ""), 0);
	nothing_happened();
}

/* {what the check says, whether the gate opens for a y} */
static void test_checks_shut(void **unused)
{
	(void)unused;
	static const struct {
		const char *check;
		bool opens;
	} table[] = {
	    {"FAIL", false}, {"UNKNOWN", false}, {"CANNOT LOOK", false}, {"DIE", false}, {"PASS", true}};
	begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"gate\":\"yes\"},\"checks\":[\"fake\"]}");
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		rig_put(rig, "check", table[i].check);
		open_gate("one");
		say_yes(ana);
		if (!table[i].opens) {
			rig_hear(ana, "stays shut");
			rig_forget(ana);
			leave_gate();
			nothing_happened();
		}
	}
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
}

/* A night's playbook may name a check that this build has not. */
static void test_missing_check_is_unknown(void **unused)
{
	(void)unused;
	begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"gate\":\"yes\"},\"checks\":[\"of-the-future\"]}");
	open_gate("one");
	say_yes(ana);
	rig_hear(ana, "stays shut");
	nothing_happened();
}

/* ---- the tag ---- */

static void test_tag(void **unused)
{
	(void)unused;
	char gate[16], tag[8], was[8];
	begin(type_step);
	rig_put(rig, "evidence", "PASS|rows|1000 rows|1000 rows, 3 s ago\nPASS|lag||120 ms\n");
	open_gate("one");
	rig_gate(rig, gate, was);
	/* Ages and rates. */
	rig_put(rig, "evidence", "PASS|rows|1000 rows|1000 rows, 9 s ago\nPASS|lag||340 ms\n");
	looks_again();
	assert_int_equal(rig_events(rig, "gate.changed", ""), 0);
	/* A fact, a verdict, the command, a line more, a line less: each is another decision. */
	static const char *const evidence[] = {
	    "PASS|rows|1001 rows|1000 rows, 3 s ago\nPASS|lag||120 ms\n",
	    "PASS|rows|1001 rows|1000 rows, 3 s ago\nWARN|lag||120 ms\n",
	    "PASS|rows|1001 rows|1000 rows, 3 s ago\nWARN|lag||120 ms\nPASS|more||x\n",
	    "PASS|rows|1001 rows|1000 rows, 3 s ago\nPASS|more||x\n",
	};
	for (size_t i = 0; i < 5; i++) {
		rig_gate(rig, gate, was);
		rig_put(rig, i < 4 ? "evidence" : "does", i < 4 ? evidence[i] : "CHANGE that");
		rig_wait(rig, "gate.changed", gate, i + 1);
		rig_gate(rig, gate, tag);
		assert_string_not_equal(tag, was);
		phrase(ana, gate, "acme-production", was);
		rig_hear(ana, "does not match");
		rig_forget(ana);
		rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"yes\",\"gate\":\"%s\",\"tag\":\"%s\"}", gate, was);
		rig_hear(ana, "just changed");
		rig_forget(ana);
	}
	nothing_happened();
	assert_int_equal(rig_events(rig, "gate.counting", ""), 0);
	rig_put(rig, "refused", "somebody writes there");
	rig_wait(rig, "gate.closed", "somebody writes there", 1);
	nothing_happened();
}

static void test_phrase_of_another_gate(void **unused)
{
	(void)unused;
	char gate[16], tag[8], other[16], its[8];
	begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"gate\":\"type\"}},"
	      "{\"id\":\"two\",\"do\":\"fake\",\"auto\":false,\"with\":{\"gate\":\"type\"}},"
	      "{\"id\":\"three\",\"do\":\"fake\",\"with\":{\"gate\":\"yes\"}}");
	open_gate("one");
	rig_gate(rig, other, its);
	leave_gate();
	phrase(ana, other, "acme-production", its);
	rig_hear(ana, "no longer open");
	open_gate("one");
	rig_gate(rig, other, its);
	say_phrase(ana);
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
	/* All is as it was at the gate before but the step. */
	open_gate("two");
	rig_gate(rig, gate, tag);
	assert_string_not_equal(tag, its);
	rig_forget(ana);
	phrase(ana, gate, "acme-production", its);
	rig_hear(ana, "does not match");
	rig_forget(ana);
	phrase(ana, gate, "acme-staging", tag);
	rig_hear(ana, "does not match");
	rig_forget(ana);
	phrase(ana, other, "acme-production", tag);
	rig_hear(ana, "no longer open");
	rig_forget(ana);
	say_yes(ana);
	rig_hear(ana, "wants its phrase");
	leave_gate();
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"skip\",\"step\":\"two\",\"reason\":\"seen\"}");
	rig_wait(rig, "step.skipped", "", 1);
	open_gate("three");
	rig_forget(ana);
	say_phrase(ana);
	rig_hear(ana, "does not match");
	assert_int_equal(rig_events(rig, "gate.counting", ""), 1);
	assert_int_equal(rig_events(rig, "gate.passed", ""), 1);
	assert_int_equal(rig_events(rig, "attempt.started", ""), 1);
}

/* ---- who may ---- */

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
	begin("{\"id\":\"card\",\"do\":\"manual\"},{\"id\":\"one\",\"do\":\"fake\",\"auto\":false,\"with\":{"
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
	nothing_happened();
	assert_int_equal(rig_events(rig, "gate.opened", ""), 0);
	assert_int_equal(rig_events(rig, "step.skipped", "") + rig_events(rig, "step.byhand", "") +
			     rig_events(rig, "waiver.given", ""),
			 0);
	/* The same at an open gate. */
	arm();
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"manual\",\"step\":\"card\",\"words\":\"done\"}");
	rig_wait(rig, "step.byhand", "", 1);
	open_gate("one");
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"arm\",\"on\":false}");
	struct rig_seat *const seats[] = {ana, bea, cyd};
	for (size_t i = 0; i < 3; i++) {
		rig_forget(seats[i]);
		say_phrase(seats[i]);
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
	nothing_happened();
	rig_leave(cyd);
}

static void test_count_and_hold(void **unused)
{
	(void)unused;
	begin(type_step);
	bea = rig_sit(rig, "bea", true);
	open_gate("one");
	char gate[16], tag[8];
	rig_gate(rig, gate, tag);
	/* Any seat's key, an observer's too. */
	say_phrase(ana);
	rig_wait(rig, "gate.counting", "", 1);
	rig_tell(bea, "{\"t\":\"cmd\",\"cmd\":\"stop-count\",\"gate\":\"%s\"}", gate);
	rig_wait(rig, "gate.stopped", "bea", 1);
	rig_sleep(900);
	nothing_happened();
	/* HOLD, unarmed, from an observer: the count and everything after it. */
	say_phrase(ana);
	rig_wait(rig, "gate.counting", "", 2);
	rig_tell(bea, "{\"t\":\"cmd\",\"cmd\":\"hold\",\"why\":\"odd\"}");
	rig_wait(rig, "gate.stopped", "", 2);
	rig_sleep(900);
	rig_forget(ana);
	say_phrase(ana);
	rig_hear(ana, "HOLD by bea");
	leave_gate();
	rig_forget(ana);
	run("one");
	rig_hear(ana, "HOLD by bea");
	nothing_happened();
	rig_tell(bea, "{\"t\":\"cmd\",\"cmd\":\"release\",\"reason\":\"fine now\"}");
	rig_wait(rig, "hold.released", "", 1);
	rig_sleep(100);
	nothing_happened(); /* nothing starts by itself */
	arm();
	open_gate("one");
	say_phrase(ana);
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
	begin(type_step);
	open_gate("one");
	char gate[16], tag[8];
	rig_gate(rig, gate, tag);
	say_phrase(ana);
	rig_wait(rig, "gate.counting", "", 1);
	rig->faults->sync_fails = true;
	rig_hear(ana, "nothing acts");
	rig->faults->sync_fails = false;
	rig_fence(rig, ana);
	rig_sleep(900);
	nothing_happened();
	/* The seat that still counts is told by its next key. */
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"stop-count\",\"gate\":\"%s\"}", gate);
	rig_wait(rig, "gate.stopped", "", 1);
	say_phrase(ana);
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
}

/* A gate that came into no journal is on no screen: nobody could pass it, and nobody could leave it. */
static void test_gate_that_nobody_sees(void **unused)
{
	(void)unused;
	begin(yes_step);
	rig_fence(rig, ana);
	rig->faults->sync_fails = true;
	run("one");
	rig_hear(ana, "one: the journal cannot be written");
	rig->faults->sync_fails = false;
	assert_int_equal(rig_events(rig, "gate.opened", ""), 0);
	open_gate("one");
	leave_gate();
}

/* What was seen before the clock was set has no age any more. */
static void test_clock_jumps_at_gate(void **unused)
{
	(void)unused;
	begin(type_step);
	open_gate("one");
	say_phrase(ana);
	rig_wait(rig, "gate.counting", "", 1);
	rig->faults->wall_jump_ms = -7200000;
	rig_wait(rig, "clock.jumped", "", 1);
	rig_wait(rig, "gate.stopped", "the clock has jumped", 1);
	rig_sleep(900);
	nothing_happened();
	looks_again();
	say_phrase(ana);
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
}

/* A gate does not outlive its engine: what it showed is nobody's to confirm. */
static void test_gate_and_engine_restart(void **unused)
{
	(void)unused;
	begin(yes_step);
	open_gate("one");
	rig_signal(rig, SIGKILL);
	rig_wait_end(rig);
	rig_leave(ana);
	rig_start(rig, NULL);
	ana = rig_sit(rig, "ana", false);
	arm();
	rig_wait(rig, "gate.closed", "started again", 1);
	say_yes(ana);
	rig_hear(ana, "no longer open");
	nothing_happened();
	open_gate("one");
	say_yes(ana);
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
}

/* HOLD stops what would start, also the next step of one press of R, and not what runs. */
static void test_hold_stops_starts(void **unused)
{
	(void)unused;
	begin(
	    "{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"wait\"}},{\"id\":\"two\",\"do\":\"fake\"}");
	run("one");
	rig_wait_file(rig, "waiting");
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"hold\",\"why\":\"odd\"}");
	rig_wait(rig, "hold.called", "", 1);
	rig_put(rig, "go", "");
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
	rig_sleep(200);
	assert_int_equal(rig_events(rig, "attempt.started", ""), 1);
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"release\",\"reason\":\"fine\"}");
	rig_wait(rig, "hold.released", "", 1);
	run("two");
	rig_wait(rig, "attempt.ended", "\"two\"", 1);
}

int main(int argc, char **argv)
{
	rig_main(argc, argv);
	setenv("NIGHTFERRY_CLOCK", "0,5", 1);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_evidence_shuts, end),
	    cmocka_unit_test_teardown(test_evidence_shuts_phrase, end),
	    cmocka_unit_test_teardown(test_checks_shut, end),
	    cmocka_unit_test_teardown(test_missing_check_is_unknown, end),
	    cmocka_unit_test_teardown(test_tag, end),
	    cmocka_unit_test_teardown(test_phrase_of_another_gate, end),
	    cmocka_unit_test_teardown(test_who_may_act, end),
	    cmocka_unit_test_teardown(test_count_and_hold, end),
	    cmocka_unit_test_teardown(test_count_on_a_full_disk, end),
	    cmocka_unit_test_teardown(test_gate_that_nobody_sees, end),
	    cmocka_unit_test_teardown(test_clock_jumps_at_gate, end),
	    cmocka_unit_test_teardown(test_gate_and_engine_restart, end),
	    cmocka_unit_test_teardown(test_hold_stops_starts, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
