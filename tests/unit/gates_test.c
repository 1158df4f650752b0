/* What the engine promises about deciding: which evidence opens a gate, and that what was approved is what
 * was shown. Who may is in gates_who_test.c. Time runs five times as fast. */
#include "tests/unit/rig_night.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/base/text.h"
#include <stdlib.h>
#include <string.h>

static void phrase(struct rig_seat *seat, const char *gate, const char *target, const char *tag)
{
	rig_tell(seat, "{\"t\":\"cmd\",\"cmd\":\"phrase\",\"gate\":\"%s\",\"text\":\"%s %s\"}", gate, target,
		 tag);
}

/* ---- evidence ---- */

static void test_evidence_shuts(void **unused)
{
	(void)unused;
	static const char *const shut[] = {"FAIL|x|3 rows|three rows\n", "UNKNOWN|x||nobody answers\n",
					   "PASS|a||fine\nFAIL|x||bad\nWARN|b||odd\n"};
	night_begin(yes_step);
	for (size_t i = 0; i < 3; i++) {
		rig_put(rig, "evidence", shut[i]);
		night_open_gate("run", "one");
		night_yes(ana);
		rig_hear(ana, "stays shut");
		rig_forget(ana);
		night_leave_gate();
	}
	night_nothing_happened();
	rig_put(rig, "evidence", "PASS|a||fine\nWARN|b||odd\n");
	night_open_gate("run", "one");
	night_yes(ana);
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
}

static void test_evidence_shuts_phrase(void **unused)
{
	(void)unused;
	night_begin(type_step);
	rig_put(rig, "evidence", "FAIL|x|3|three rows\n");
	night_open_gate("run", "one");
	night_phrase(ana);
	rig_hear(ana, "stays shut");
	night_leave_gate();
	assert_int_equal(rig_events(rig, "gate.counting", ""), 0);
	/* It turns bad while the count runs: the newest look is what counts. */
	rig_put(rig, "evidence", "PASS|x|0|no rows\n");
	night_open_gate("run", "one");
	rig_put(rig, "evidence", "FAIL|x|3|three rows\n");
	rig_wait(rig, "gate.changed", "", 1);
	night_phrase(ana);
	rig_fence(rig, ana);
	assert_int_equal(rig_events(rig, "gate.counting", ""), 0);
	night_nothing_happened();
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
	night_begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"gate\":\"yes\"},\"checks\":[\"fake\"]}");
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		rig_put(rig, "check", table[i].check);
		night_open_gate("run", "one");
		night_yes(ana);
		if (!table[i].opens) {
			rig_hear(ana, "stays shut");
			rig_forget(ana);
			night_leave_gate();
			night_nothing_happened();
		}
	}
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
}

/* A night's playbook may name a check that this build has not. */
static void test_missing_check_is_unknown(void **unused)
{
	(void)unused;
	night_begin(
	    "{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"gate\":\"yes\"},\"checks\":[\"of-the-future\"]}");
	night_open_gate("run", "one");
	night_yes(ana);
	rig_hear(ana, "stays shut");
	night_nothing_happened();
}

/* ---- the tag ---- */

static void test_tag(void **unused)
{
	(void)unused;
	char gate[16], tag[8], was[8];
	night_begin(type_step);
	rig_put(rig, "evidence", "PASS|rows|1000 rows|1000 rows, 3 s ago\nPASS|lag||120 ms\n");
	night_open_gate("run", "one");
	rig_gate(rig, gate, was);
	/* Ages and rates. */
	rig_put(rig, "evidence", "PASS|rows|1000 rows|1000 rows, 9 s ago\nPASS|lag||340 ms\n");
	night_looks_again();
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
	night_nothing_happened();
	assert_int_equal(rig_events(rig, "gate.counting", ""), 0);
	rig_put(rig, "refused", "somebody writes there");
	rig_wait(rig, "gate.closed", "somebody writes there", 1);
	night_nothing_happened();
}

static void test_phrase_of_another_gate(void **unused)
{
	(void)unused;
	char gate[16], tag[8], other[16], its[8];
	night_begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"gate\":\"type\"}},"
		    "{\"id\":\"two\",\"do\":\"fake\",\"auto\":false,\"with\":{\"gate\":\"type\"}},"
		    "{\"id\":\"three\",\"do\":\"fake\",\"with\":{\"gate\":\"yes\"}}");
	night_open_gate("run", "one");
	rig_gate(rig, other, its);
	night_leave_gate();
	phrase(ana, other, "acme-production", its);
	rig_hear(ana, "no longer open");
	night_open_gate("run", "one");
	rig_gate(rig, other, its);
	night_phrase(ana);
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
	/* All is as it was at the gate before but the step. */
	night_open_gate("run", "two");
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
	night_yes(ana);
	rig_hear(ana, "wants its phrase");
	night_leave_gate();
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"skip\",\"step\":\"two\",\"reason\":\"seen\"}");
	rig_wait(rig, "step.skipped", "", 1);
	night_open_gate("run", "three");
	rig_forget(ana);
	night_phrase(ana);
	rig_hear(ana, "does not match");
	assert_int_equal(rig_events(rig, "gate.counting", ""), 1);
	assert_int_equal(rig_events(rig, "gate.passed", ""), 1);
	assert_int_equal(rig_events(rig, "attempt.started", ""), 1);
}

int main(int argc, char **argv)
{
	rig_main(argc, argv);
	setenv("NIGHTFERRY_CLOCK", "0,5", 1);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_evidence_shuts, night_end),
	    cmocka_unit_test_teardown(test_evidence_shuts_phrase, night_end),
	    cmocka_unit_test_teardown(test_checks_shut, night_end),
	    cmocka_unit_test_teardown(test_missing_check_is_unknown, night_end),
	    cmocka_unit_test_teardown(test_tag, night_end),
	    cmocka_unit_test_teardown(test_phrase_of_another_gate, night_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
