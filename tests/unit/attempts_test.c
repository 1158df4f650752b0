/* What the engine promises about doing: a record is on the disk before the act, nothing is done twice, and
 * what is not proved is not said. Time runs five times as fast. */
#include "tests/unit/rig_night.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/base/text.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char one[] = "{\"id\":\"one\",\"do\":\"fake\"}";

static void expect_file(const char *name, const char *text)
{
	char *is = rig_read(rig, name);
	assert_string_equal(is, text);
	free(is);
}

static void expect_field(const char *kind, const char *field, const char *value)
{
	char *is = rig_field(rig, kind, field);
	assert_string_equal(is, value);
	free(is);
}

static void test_record_is_synced_before_act(void **unused)
{
	(void)unused;
	night_begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"n\":5}}");
	rig->faults->sync_ms = 60;
	night_cmd("run", "one");
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
	expect_file("world/effects", "did 1\ndid 2\ndid 3\ndid 4\ndid 5\n");
	assert_int_equal(rig_events(rig, "fact", "\"rec\":"), 5);
}

static void test_no_journal_no_act(void **unused)
{
	(void)unused;
	night_begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"wait\"}}");
	night_cmd("run", "one");
	rig_wait_file(rig, "waiting");
	rig->faults->sync_fails = true;
	rig_put(rig, "go", "");
	rig_wait_file(rig, "refusals");
	rig_hear(ana, "nothing acts");
	night_cmd("run", "one");
	rig_sleep(200);
	assert_false(rig_has(rig, "effects"));
	char *said = rig_read(rig, "world/refusals");
	assert_non_null(strstr(said, "nothing was changed"));
	free(said);
	expect_file("world/runs", "a1\n");
	/* When the disk is mended the night goes on. */
	rig->faults->sync_fails = false;
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"arm\"}");
	rig_fence(rig, ana);
	for (int i = 0; i < 50 && !rig_has(rig, "effects"); i++) {
		night_cmd("run", "one");
		rig_sleep(100);
	}
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
	expect_file("world/effects", "did 1\n");
}

/* How it ended is told as soon as the disk takes it, without a hand; until then nothing starts beside it. */
static void test_end_waits_for_the_disk(void **unused)
{
	(void)unused;
	night_begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"wait\"}}");
	night_cmd("run", "one");
	rig_wait_file(rig, "waiting");
	rig->faults->sync_fails = true;
	rig_put(rig, "go", "");
	rig_wait_file(rig, "refusals");
	rig_hear(ana, "one failed: ");
	assert_int_equal(rig_events(rig, "attempt.ended", ""), 0);
	rig_forget(ana);
	night_cmd("run", "one");
	rig_hear(ana, "not in the journal yet, so nothing starts");
	rig->faults->sync_fails = false;
	rig_wait(rig, "attempt.ended", "\"failed\"", 1);
	rig_hear(ana, "how the step ended is in it now");
	assert_int_equal(rig_events(rig, "attempt.ended", "\"ended_at_ms\":"), 1);
	night_cmd("run", "one");
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
	expect_file("world/effects", "did 1\n");
}

/* A number that the disk did not take is not given to another attempt by the next engine: their locks,
 * records and facts would be one another's. */
static void test_no_number_twice(void **unused)
{
	(void)unused;
	night_begin("{\"id\":\"one\",\"do\":\"fake\"},{\"id\":\"two\",\"do\":\"fake\",\"auto\":false}");
	rig_fence(rig, ana);
	rig->faults->sync_fails = true;
	night_cmd("run", "one");
	rig_hear(ana, "one: the journal cannot be written");
	rig->faults->sync_fails = false;
	night_cmd("run", "one");
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
	expect_field("attempt.ended", "attempt", "a2");
	rig_signal(rig, SIGKILL);
	assert_int_equal(rig_wait_end(rig), 1000 + SIGKILL);
	night_again();
	night_cmd("run", "two");
	rig_wait(rig, "attempt.ended", "\"done\"", 2);
	expect_field("attempt.ended", "attempt", "a3");
}

/* The engine stands still and then dies between the step's record and its journal. */
static void test_dead_between_record_and_journal(void **unused)
{
	(void)unused;
	night_begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"wait\"}}");
	night_cmd("run", "one");
	rig_wait_file(rig, "waiting");
	rig_signal(rig, SIGSTOP);
	rig_put(rig, "go", "");
	rig_sleep(300);
	assert_false(rig_has(rig, "effects"));
	expect_file("world/refusals", "");
	rig_signal(rig, SIGKILL);
	assert_int_equal(rig_wait_end(rig), 1000 + SIGKILL);
	rig_wait_file(rig, "refusals");
	assert_false(rig_has(rig, "effects"));
	assert_int_equal(rig_events(rig, "fact", "did"), 0);
	night_again();
	/* What it wrote for itself is in the journal now, once; a look says it is not done. */
	rig_wait(rig, "attempt.ended", "\"failed\"", 1);
	assert_int_equal(rig_events(rig, "fact", "\"attempt\":\"a1\",\"rec\":1"), 1);
	assert_int_equal(rig_events(rig, "attempt.found", "NOT_DONE"), 1);
	night_cmd("run", "one");
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
	expect_file("world/effects", "did 1\n");
	assert_int_equal(rig_events(rig, "fact", "did"), 2);
}

/* {mode, what a look says, outcome, whether it was looked at} */
static const struct {
	const char *mode, *prove, *outcome;
	bool looked;
} outcomes[] = {
    {"", "", "done", true},
    {"", "WARN", "done", true},
    {"", "FAIL", "failed", true},
    {"", "UNKNOWN", "unknown", true},
    {"", "CANNOT LOOK", "unknown", true},
    {"", "DIE", "unknown", true},
    {"error-before", "PASS", "failed", false},
    {"error-after", "UNKNOWN", "unknown", true},
    {"error-after", "CANNOT LOOK", "unknown", true},
    {"error-after", "PASS", "done", true},
    {"error-after", "FAIL", "failed", true},
    {"die-after", "UNKNOWN", "unknown", true},
    {"die-after", "PASS", "done", true},
    {"die-after", "DIE", "unknown", true},
};
enum { OUTCOMES = sizeof outcomes / sizeof *outcomes };

static void test_proof_decides(void **unused)
{
	(void)unused;
	struct buf steps = {0};
	for (int i = 0; i < OUTCOMES; i++)
		buf_addf(&steps,
			 "%s{\"id\":\"s%d\",\"do\":\"fake\",\"auto\":false,\"with\":{\"mode\":\"%s\"}}",
			 i ? "," : "", i, outcomes[i].mode);
	night_begin(steps.data);
	buf_done(&steps);
	for (int i = 0; i < OUTCOMES; i++) {
		char id[8], step[24];
		text_copyf(id, sizeof id, "s%d", i);
		text_copyf(step, sizeof step, "\"step\":\"%s\"", id);
		rig_put(rig, "prove", outcomes[i].prove);
		rig_remove(rig, "looks");
		night_cmd("run", id);
		rig_wait(rig, "attempt.ended", step, 1);
		expect_field("attempt.ended", "outcome", outcomes[i].outcome);
		char *looks = rig_read(rig, "world/looks");
		assert_int_equal(rig_lines(looks, "prove"), outcomes[i].looked);
		free(looks);
		/* The next step comes only when this one is done with. */
		if (!text_equal(outcomes[i].outcome, "done")) {
			rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"run\",\"step\":\"s%d\"}", i + 1);
			if (i + 1 < OUTCOMES)
				rig_hear(ana, "comes first");
			rig_forget(ana);
			rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"skip\",\"step\":\"%s\",\"reason\":\"seen\"}",
				 id);
			rig_wait(rig, "step.skipped", step, 1);
		} else {
			night_cmd("run", id);
			rig_hear(ana, "nothing is done twice");
			rig_forget(ana);
		}
	}
	rig_wait(rig, "night.closed", "done", 1);
}

/* Engine and step are killed, something the step began lives: nothing is started beside it. */
static void test_descendant_holds_the_lock(void **unused)
{
	(void)unused;
	night_begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"linger\"}},{\"id\":\"two\",\"do\":"
		    "\"fake\"}");
	night_cmd("run", "one");
	rig_wait_file(rig, "descendant");
	rig_wait_file(rig, "waiting");
	rig_signal(rig, SIGKILL);
	rig_wait_end(rig);
	rig_put(rig, "go", ""); /* the step itself ends */
	night_again();
	rig_wait(rig, "attempt.found", "RUNNING", 1);
	night_cmd("run", "one");
	rig_hear(ana, "still runs");
	rig_forget(ana);
	night_cmd("run", "two");
	rig_hear(ana, "still runs");
	expect_file("world/runs", "a1\n");
	rig_put(rig, "let-go", "");
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
	assert_int_equal(rig_events(rig, "attempt.found", "\"DONE\""), 1);
	assert_int_equal(rig_events(rig, "attempt.started", "\"one\""), 1);
	/* Its record was in the journal and in its own file: it is one. */
	assert_int_equal(rig_events(rig, "fact", "\"attempt\":\"a1\",\"rec\":1"), 1);
	night_cmd("run", "two");
	rig_wait(rig, "attempt.ended", "\"two\"", 1);
}

static void test_unclear_is_for_people(void **unused)
{
	(void)unused;
	night_begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"wait\"}}");
	rig_put(rig, "probe", "UNCLEAR");
	night_cmd("run", "one");
	rig_wait_file(rig, "waiting");
	rig_signal(rig, SIGKILL);
	rig_wait_end(rig);
	rig_put(rig, "go", "");
	rig_wait_file(rig, "refusals");
	night_again();
	rig_wait(rig, "attempt.found", "UNCLEAR", 1);
	rig_fence(rig, ana);
	assert_int_equal(rig_events(rig, "attempt.ended", ""), 0);
	expect_file("world/runs", "a1\n"); /* nothing is tried again by itself */
	rig_remove(rig, "probe");
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"again\",\"step\":\"one\"}");
	rig_wait(rig, "attempt.found", "NOT_DONE", 1);
}

static void test_cancel(void **unused)
{
	(void)unused;
	night_begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"wait\"}},"
		    "{\"id\":\"two\",\"do\":\"never\",\"auto\":false,\"with\":{\"mode\":\"wait\"}}");
	night_cmd("run", "one");
	rig_wait_file(rig, "waiting");
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"cancel\",\"step\":\"two\"}");
	rig_hear(ana, "no longer runs");
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"cancel\",\"step\":\"one\"}");
	rig_wait(rig, "attempt.ended", "\"cancelled\"", 1);
	assert_false(rig_has(rig, "effects"));
	rig_put(rig, "go", "");
	night_cmd("run", "one");
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
	rig_remove(rig, "go");
	rig_remove(rig, "waiting");
	night_cmd("run", "two");
	rig_wait_file(rig, "waiting");
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"cancel\"}");
	rig_hear(ana, "cannot be stopped half-way");
	rig_put(rig, "go", "");
	rig_wait(rig, "attempt.ended", "\"two\"", 1);
	expect_field("attempt.ended", "outcome", "done");
}

/* The engine stands still for half a minute of the night while a step talks and records. */
static void test_engine_stands_still(void **unused)
{
	(void)unused;
	night_begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"wait\",\"n\":1}},"
		    "{\"id\":\"two\",\"do\":\"fake\",\"with\":{\"mode\":\"stream\",\"n\":20}}");
	rig_put(rig, "go", "");
	night_cmd("run", "one");
	rig_wait_file(rig, "effects");
	rig_signal(rig, SIGSTOP);
	rig_sleep(2000);
	rig_signal(rig, SIGCONT);
	rig_wait(rig, "attempt.ended", "\"two\"", 1);
	expect_field("attempt.ended", "outcome", "done");
	char *effects = rig_read(rig, "world/effects");
	assert_int_equal(rig_lines(effects, "did"), 21);
	assert_int_equal(rig_lines(effects, "before"), 0);
	free(effects);
	assert_int_equal(rig_events(rig, "fact", "\"rec\":"), 21);
	rig_sleep(100); /* the trace is flushed at each beat */
	char *trace = rig_read(rig, "trace.jsonl"), last[32];
	for (int i = 0; i < 2000; i += 37) {
		text_copyf(last, sizeof last, "\"line %d\"", i);
		assert_int_equal(rig_lines(trace, last), 1);
	}
	assert_int_equal(rig_lines(trace, "\"text\":\"line "), 2000);
	free(trace);
	rig_hear(ana, "\"line 1999\"");
	assert_false(rig_heard(ana, "\"t\":\"gap\""));
}

static void test_torn_journal_is_told(void **unused)
{
	(void)unused;
	night_begin(one);
	night_cmd("run", "one");
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
	rig_signal(rig, SIGKILL);
	rig_wait_end(rig);
	char path[120], *kept;
	text_copyf(path, sizeof path, "%s/journal.jsonl", rig->dir);
	FILE *f = fopen(path, "a");
	assert_non_null(f);
	fputs("{\"seq\":99,\"at\":1,\"kind\":\"attempt.sta", f);
	fclose(f);
	night_again();
	assert_int_equal(rig_events(rig, "engine.started", "\"torn\":true"), 1);
	kept = rig_read(rig, "journal.jsonl.torn");
	assert_non_null(strstr(kept, "attempt.sta"));
	free(kept);
	expect_file("world/effects", "did 1\n");
}

int main(int argc, char **argv)
{
	rig_main(argc, argv);
	setenv("NIGHTFERRY_CLOCK", "0,5", 1);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_record_is_synced_before_act, night_end),
	    cmocka_unit_test_teardown(test_no_journal_no_act, night_end),
	    cmocka_unit_test_teardown(test_end_waits_for_the_disk, night_end),
	    cmocka_unit_test_teardown(test_no_number_twice, night_end),
	    cmocka_unit_test_teardown(test_dead_between_record_and_journal, night_end),
	    cmocka_unit_test_teardown(test_proof_decides, night_end),
	    cmocka_unit_test_teardown(test_descendant_holds_the_lock, night_end),
	    cmocka_unit_test_teardown(test_unclear_is_for_people, night_end),
	    cmocka_unit_test_teardown(test_cancel, night_end),
	    cmocka_unit_test_teardown(test_engine_stands_still, night_end),
	    cmocka_unit_test_teardown(test_torn_journal_is_told, night_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
