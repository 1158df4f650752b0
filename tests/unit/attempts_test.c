/* What the engine promises about doing: a record is on the disk before the act, nothing is done twice, and
 * what is not proved is not said. Time runs five times as fast. */
#include "tests/unit/rig.h"
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

static struct rig *rig;
static struct rig_seat *ana;

static void begin(const char *steps)
{
	rig = rig_new(steps);
	rig_start(rig, NULL);
	assert_string_equal(rig->said_at_start, "");
	ana = rig_sit(rig, "ana", false);
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"arm\"}");
}

/* The next engine of the same night, after this one was killed. */
static void again(void)
{
	rig_leave(ana);
	rig_start(rig, NULL);
	assert_string_equal(rig->said_at_start, "");
	ana = rig_sit(rig, "ana", false);
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"arm\"}");
}

static void run(const char *step)
{
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"run\",\"step\":\"%s\"}", step);
}

static int end(void **unused)
{
	(void)unused;
	if (ana)
		rig_leave(ana);
	rig_free(rig);
	ana = NULL;
	rig = NULL;
	return 0;
}

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
	begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"n\":5}}");
	rig->faults->sync_ms = 60;
	run("one");
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
	expect_file("world/effects", "did 1\ndid 2\ndid 3\ndid 4\ndid 5\n");
	assert_int_equal(rig_events(rig, "fact", "\"rec\":"), 5);
}

static void test_no_journal_no_act(void **unused)
{
	(void)unused;
	begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"wait\"}}");
	run("one");
	rig_wait_file(rig, "waiting");
	rig->faults->sync_fails = true;
	rig_put(rig, "go", "");
	rig_wait_file(rig, "refusals");
	rig_hear(ana, "nothing acts");
	run("one");
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
		run("one");
		rig_sleep(100);
	}
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
	expect_file("world/effects", "did 1\n");
}

/* How it ended is told as soon as the disk takes it, without a hand; until then nothing starts beside it. */
static void test_end_waits_for_the_disk(void **unused)
{
	(void)unused;
	begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"wait\"}}");
	run("one");
	rig_wait_file(rig, "waiting");
	rig->faults->sync_fails = true;
	rig_put(rig, "go", "");
	rig_wait_file(rig, "refusals");
	rig_hear(ana, "one failed: ");
	assert_int_equal(rig_events(rig, "attempt.ended", ""), 0);
	rig_forget(ana);
	run("one");
	rig_hear(ana, "not in the journal yet, so nothing starts");
	rig->faults->sync_fails = false;
	rig_wait(rig, "attempt.ended", "\"failed\"", 1);
	rig_hear(ana, "how the step ended is in it now");
	assert_int_equal(rig_events(rig, "attempt.ended", "\"ended_at_ms\":"), 1);
	run("one");
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
	expect_file("world/effects", "did 1\n");
}

/* A number that the disk did not take is not given to another attempt by the next engine: their locks,
 * records and facts would be one another's. */
static void test_no_number_twice(void **unused)
{
	(void)unused;
	begin("{\"id\":\"one\",\"do\":\"fake\"},{\"id\":\"two\",\"do\":\"fake\",\"auto\":false}");
	rig_fence(rig, ana);
	rig->faults->sync_fails = true;
	run("one");
	rig_hear(ana, "one: the journal cannot be written");
	rig->faults->sync_fails = false;
	run("one");
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
	expect_field("attempt.ended", "attempt", "a2");
	rig_signal(rig, SIGKILL);
	assert_int_equal(rig_wait_end(rig), 1000 + SIGKILL);
	again();
	run("two");
	rig_wait(rig, "attempt.ended", "\"done\"", 2);
	expect_field("attempt.ended", "attempt", "a3");
}

/* The engine stands still and then dies between the step's record and its journal. */
static void test_dead_between_record_and_journal(void **unused)
{
	(void)unused;
	begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"wait\"}}");
	run("one");
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
	again();
	/* What it wrote for itself is in the journal now, once; a look says it is not done. */
	rig_wait(rig, "attempt.ended", "\"failed\"", 1);
	assert_int_equal(rig_events(rig, "fact", "\"attempt\":\"a1\",\"rec\":1"), 1);
	assert_int_equal(rig_events(rig, "attempt.found", "NOT_DONE"), 1);
	run("one");
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
	begin(steps.data);
	buf_done(&steps);
	for (int i = 0; i < OUTCOMES; i++) {
		char id[8], step[24];
		text_copyf(id, sizeof id, "s%d", i);
		text_copyf(step, sizeof step, "\"step\":\"%s\"", id);
		rig_put(rig, "prove", outcomes[i].prove);
		rig_remove(rig, "looks");
		run(id);
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
			run(id);
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
	begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"linger\"}},{\"id\":\"two\",\"do\":"
	      "\"fake\"}");
	run("one");
	rig_wait_file(rig, "descendant");
	rig_wait_file(rig, "waiting");
	rig_signal(rig, SIGKILL);
	rig_wait_end(rig);
	rig_put(rig, "go", ""); /* the step itself ends */
	again();
	rig_wait(rig, "attempt.found", "RUNNING", 1);
	run("one");
	rig_hear(ana, "still runs");
	rig_forget(ana);
	run("two");
	rig_hear(ana, "still runs");
	expect_file("world/runs", "a1\n");
	rig_put(rig, "let-go", "");
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
	assert_int_equal(rig_events(rig, "attempt.found", "\"DONE\""), 1);
	assert_int_equal(rig_events(rig, "attempt.started", "\"one\""), 1);
	/* Its record was in the journal and in its own file: it is one. */
	assert_int_equal(rig_events(rig, "fact", "\"attempt\":\"a1\",\"rec\":1"), 1);
	run("two");
	rig_wait(rig, "attempt.ended", "\"two\"", 1);
}

static void test_unclear_is_for_people(void **unused)
{
	(void)unused;
	begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"wait\"}}");
	rig_put(rig, "probe", "UNCLEAR");
	run("one");
	rig_wait_file(rig, "waiting");
	rig_signal(rig, SIGKILL);
	rig_wait_end(rig);
	rig_put(rig, "go", "");
	rig_wait_file(rig, "refusals");
	again();
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
	begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"wait\"}},"
	      "{\"id\":\"two\",\"do\":\"never\",\"auto\":false,\"with\":{\"mode\":\"wait\"}}");
	run("one");
	rig_wait_file(rig, "waiting");
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"cancel\",\"step\":\"two\"}");
	rig_hear(ana, "no longer runs");
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"cancel\",\"step\":\"one\"}");
	rig_wait(rig, "attempt.ended", "\"cancelled\"", 1);
	assert_false(rig_has(rig, "effects"));
	rig_put(rig, "go", "");
	run("one");
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
	rig_remove(rig, "go");
	rig_remove(rig, "waiting");
	run("two");
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
	begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"wait\",\"n\":1}},"
	      "{\"id\":\"two\",\"do\":\"fake\",\"with\":{\"mode\":\"stream\",\"n\":20}}");
	rig_put(rig, "go", "");
	run("one");
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
	begin(one);
	run("one");
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
	rig_signal(rig, SIGKILL);
	rig_wait_end(rig);
	char path[120], *kept;
	text_copyf(path, sizeof path, "%s/journal.jsonl", rig->dir);
	FILE *f = fopen(path, "a");
	assert_non_null(f);
	fputs("{\"seq\":99,\"at\":1,\"kind\":\"attempt.sta", f);
	fclose(f);
	again();
	assert_int_equal(rig_events(rig, "engine.started", "\"torn\":true"), 1);
	kept = rig_read(rig, "journal.jsonl.torn");
	assert_non_null(strstr(kept, "attempt.sta"));
	free(kept);
	expect_file("world/effects", "did 1\n");
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
	begin(one);
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
	begin(one);
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
	rig_signal(rig, SIGKILL);
	rig_wait_end(rig);
	again();
	rig_sleep(400);
	assert_int_equal(rig_events(rig, "dynos.seen", ""), 5);
}

static void test_clock(void **unused)
{
	(void)unused;
	begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"wait-long\",\"for_ms\":15000}}");
	run("one");
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
	    cmocka_unit_test_teardown(test_record_is_synced_before_act, end),
	    cmocka_unit_test_teardown(test_no_journal_no_act, end),
	    cmocka_unit_test_teardown(test_end_waits_for_the_disk, end),
	    cmocka_unit_test_teardown(test_no_number_twice, end),
	    cmocka_unit_test_teardown(test_dead_between_record_and_journal, end),
	    cmocka_unit_test_teardown(test_proof_decides, end),
	    cmocka_unit_test_teardown(test_descendant_holds_the_lock, end),
	    cmocka_unit_test_teardown(test_unclear_is_for_people, end),
	    cmocka_unit_test_teardown(test_cancel, end),
	    cmocka_unit_test_teardown(test_engine_stands_still, end),
	    cmocka_unit_test_teardown(test_torn_journal_is_told, end),
	    cmocka_unit_test_teardown(test_watch_comes_back, end),
	    cmocka_unit_test_teardown(test_equal_is_not_told_again, end),
	    cmocka_unit_test_teardown(test_clock, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
