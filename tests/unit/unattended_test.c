/* Nights without a screen, what children ask people, and secrets: what is said, and what never is.
 * Time runs five times as fast. */
#include "tests/unit/rig_night.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/base/text.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* ---- without a screen ---- */

static int headless(const char *steps, const char *evidence, const char *prove, const struct headless *how)
{
	rig = rig_new(steps);
	rig_put(rig, "evidence", evidence);
	rig_put(rig, "prove", prove);
	rig_start(rig, how);
	assert_string_equal(rig->said_at_start, "");
	return rig_wait_end(rig);
}

static void test_headless(void **unused)
{
	(void)unused;
	static const char *right[] = {"one=acme-production"}, *wrong[] = {"one=acme-staging"},
			  *waive[] = {"one:x=seen"};
	const struct headless none = {.quiet = true}, yes = {.yes = right, .n_yes = 1},
			      no = {.yes = wrong, .n_yes = 1},
			      until = {.yes = right, .n_yes = 1, .until = "nowhere"},
			      astray = {.yes = right, .n_yes = 1, .until = "back"},
			      turning = {.yes = right, .n_yes = 1, .until = "one", .back = true},
			      waived = {.yes = right, .n_yes = 1, .waive = waive, .n_waive = 1};
	static const char poll_step[] = "{\"id\":\"one\",\"do\":\"fake\",\"gate\":\"poll\"}",
			  asking[] =
			      "{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"ask\",\"questions\":3}}",
			  broken[] = "{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"error-before\"}}";
	const struct {
		const char *steps, *evidence, *prove;
		const struct headless *how;
		int status, effects;
		const char *says;
	} table[] = {
	    {type_step, "PASS|x||fine\n", "", &yes, 0, 1, ""},
	    {type_step, "WARN|x||odd\n", "", &yes, 1, 0, "must be PASS"},
	    {type_step, "UNKNOWN|x||?\n", "", &yes, 1, 0, "must be PASS"},
	    {type_step, "FAIL|x|3|bad\n", "", &waived, 0, 1, ""},
	    {type_step, "PASS|x||fine\n", "", &no, 1, 0, "names \"acme-staging\""},
	    {yes_step, "PASS|x||fine\n", "", &none, 1, 0, "it wants --yes one=acme-production"},
	    {poll_step, "PASS|x||fine\n", "", &yes, 1, 0, "is a poll"},
	    {yes_step, "PASS|x||fine\n", "FAIL", &yes, 1, 1, "one is failed"},
	    {yes_step, "PASS|x||fine\n", "UNKNOWN", &yes, 1, 1, "one is unknown"},
	    {yes_step, "PASS|x||fine\n", "CANNOT LOOK", &yes, 1, 1, "could not be looked at"},
	    {yes_step, "PASS|x||fine\n", "", &until, 2, 0, "no step \"nowhere\""},
	    {yes_step, "PASS|x||fine\n", "", &astray, 2, 0, "back belongs to the way back"},
	    {yes_step, "PASS|x||fine\n", "", &turning, 2, 0, "one belongs to the way forward"},
	    {asking, "", "", &none, 0, 1, ""}, /* nobody is there to answer, three times */
	    {broken, "", "", &none, 1, 0, "the world has changed"},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const char *says = table[i].says;
		int status = headless(table[i].steps, table[i].evidence, table[i].prove, table[i].how);
		char *log = rig_read(rig, "world/engine.log"), *effects = rig_read(rig, "world/effects");
		if (status != table[i].status || !strstr(log, says) ||
		    (int)rig_lines(effects, "did") != table[i].effects)
			fail_msg("row %zu: status %d, %zu effects, said: %s", i, status,
				 rig_lines(effects, "did"), log);
		free(log);
		free(effects);
		night_end(NULL);
	}
}

/* What is not known is for a person: the same command again tries nothing. */
static void test_headless_leaves_unknown(void **unused)
{
	(void)unused;
	const struct headless none = {.quiet = true};
	rig = rig_new("{\"id\":\"one\",\"do\":\"fake\"}");
	rig_put(rig, "prove", "UNKNOWN");
	for (int i = 0; i < 2; i++) {
		rig_start(rig, &none);
		assert_int_equal(rig_wait_end(rig), 1);
	}
	assert_int_equal(rig_events(rig, "attempt.started", ""), 1);
	char *effects = rig_read(rig, "world/effects");
	assert_string_equal(effects, "did 1\n");
	free(effects);
}

static void test_headless_is_stopped(void **unused)
{
	(void)unused;
	const struct headless none = {.quiet = true};
	rig = rig_new("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"wait\"}}");
	rig_start(rig, &none);
	rig_wait_file(rig, "waiting");
	rig_signal(rig, SIGTERM);
	assert_int_equal(rig_wait_end(rig), 3);
	assert_int_equal(rig_events(rig, "night.closed", ""), 0);
}

/* Whoever holds has the night: it waits under the one who holds, and goes on when the hold is released. */
static void test_headless_is_held(void **unused)
{
	(void)unused;
	const struct headless none = {.quiet = true};
	rig = rig_new(
	    "{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"wait\"}},{\"id\":\"two\",\"do\":\"fake\"}");
	rig_start(rig, &none);
	bea = rig_sit(rig, "bea", true);
	rig_wait_file(rig, "waiting");
	rig_tell(bea, "{\"t\":\"cmd\",\"cmd\":\"hold\",\"why\":\"look at the orders\"}");
	rig_wait(rig, "hold.called", "", 1);
	rig_put(rig, "go", "");
	rig_wait(rig, "attempt.ended", "\"one\"", 1);
	rig_sleep(500);
	rig_fence(rig, bea); /* the engine is still there, and nothing has begun */
	assert_int_equal(rig_events(rig, "attempt.started", "\"two\""), 0);
	rig_tell(bea, "{\"t\":\"cmd\",\"cmd\":\"release\",\"reason\":\"all is well\"}");
	rig_wait(rig, "attempt.ended", "\"two\"", 1);
	assert_int_equal(rig_wait_end(rig), 0);
}

/* ---- questions ---- */

static void nowhere(const char *word)
{
	static const char *const files[] = {"journal.jsonl", "trace.jsonl", "attempts/a1.jsonl",
					    "world/engine.log"};
	rig_sleep(100); /* the trace is flushed at each beat */
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char *text = rig_read(rig, files[i]);
		if (strstr(text, word))
			fail_msg("%s has \"%s\"", files[i], word);
		free(text);
	}
}

static void test_question(void **unused)
{
	(void)unused;
	night_begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"ask\",\"questions\":2}}");
	bea = rig_sit(rig, "bea", true);
	night_cmd("run", "one");
	rig_hear(ana, "what is the word?");
	rig_tell(bea, "{\"t\":\"answer\",\"id\":1,\"text\":\"bea-knows-better\"}");
	rig_fence(rig, bea);
	assert_false(rig_heard(bea, "what is the word?"));
	assert_false(rig_has(rig, "answers"));
	/* The driver goes and comes back: the question waits. */
	rig_leave(ana);
	rig_wait(rig, "seat.left", "ana", 1);
	ana = rig_sit(rig, "ana", false);
	rig_hear(ana, "what is the word?");
	rig_tell(ana, "{\"t\":\"answer\",\"id\":1,\"text\":\"open-sesame-4711\"}");
	rig_wait_file(rig, "answers");
	rig_hear(ana, "\"t\":\"ask\",\"id\":2");
	rig_tell(ana, "{\"t\":\"answer\",\"id\":2,\"refused\":true}");
	rig_wait(rig, "attempt.ended", "", 1);
	char *answers = rig_read(rig, "world/answers");
	assert_string_equal(answers, "open-sesame-4711\nnobody answered: what is the word?\n");
	free(answers);
	nowhere("open-sesame-4711");
	assert_false(rig_heard(bea, "open-sesame-4711"));
}

/* A key with a passphrase is asked for by a step and by watches at the same time. */
static void test_two_questions(void **unused)
{
	(void)unused;
	night_begin("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"ask\"}}");
	night_cmd("run", "one");
	rig_hear(ana, "what is the word?");
	rig_put(rig, "watch-asks", "");
	rig_wait_file(rig, "watch-asked");
	rig_fence(rig, ana);
	rig_sleep(100);
	rig_tell(ana, "{\"t\":\"answer\",\"id\":1,\"text\":\"the first word\"}");
	rig_hear(ana, "and you?");
	rig_tell(ana, "{\"t\":\"answer\",\"id\":1,\"text\":\"late\"}");
	rig_tell(ana, "{\"t\":\"answer\",\"id\":2,\"text\":\"the second word\"}");
	rig_wait_file(rig, "answers");
	rig_wait_file(rig, "watch-answers");
	char *step = rig_read(rig, "world/answers"), *watch = rig_read(rig, "world/watch-answers");
	assert_string_equal(step, "the first word\n");
	assert_string_equal(watch, "the second word\n");
	free(step);
	free(watch);
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
}

/* ---- secrets ---- */

static void test_secrets(void **unused)
{
	(void)unused;
	static const char *const hidden[] = {"HRKU-\\\"quoted", "quoted\\\\back", "pass-word-0815",
					     "found-at-run-time-77", "HRKU-\"quoted"};
	setenv("HEROKU_API_KEY", "HRKU-\"quoted\\back/4711", 1);
	setenv("NEW_DATABASE_URL", "postgres://u:pass-word-0815@127.0.0.1:1/shop", 1);
	rig = rig_new("{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"mode\":\"talk\",\"gate\":\"yes\",\"what\":"
		      "\"pass-word-0815\"}},{\"id\":\"two\",\"do\":\"fake\",\"auto\":false,"
		      "\"with\":{\"mode\":\"error-secret\"}}");
	rig_put(rig, "found-secret", "found-at-run-time-77");
	rig_put(rig, "evidence", "WARN|x|pass-word-0815|it is HRKU-\"quoted\\back/4711 or so\n");
	rig_put(rig, "dynos", "HRKU-\"quoted\\back/4711");
	rig_start(rig, NULL);
	unsetenv("HEROKU_API_KEY");
	unsetenv("NEW_DATABASE_URL");
	ana = rig_sit(rig, "ana", false);
	night_arm();
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"note\",\"text\":\"psst: pass-word-0815\"}");
	night_open_gate("run", "one");
	night_yes(ana);
	rig_wait(rig, "attempt.ended", "\"done\"", 1);
	night_cmd("run", "two");
	rig_wait(rig, "attempt.ended", "\"failed\"", 1);
	rig_hear(ana, "two failed: it does not take [secret]");
	rig_sleep(150);
	rig_fence(rig, ana);
	char *trace = rig_read(rig, "trace.jsonl"), *journal = rig_read(rig, "journal.jsonl");
	/* All of it was said, and none of it is there. */
	assert_non_null(strstr(trace, "it is [secret], they said"));
	assert_non_null(strstr(trace, "GET /?token=[secret]"));
	assert_non_null(strstr(trace, "on stderr: [secret]"));
	assert_non_null(strstr(trace, "on stdout: [secret] given"));
	assert_non_null(strstr(trace, "the key is [secret]"));
	assert_non_null(strstr(journal, "it is [secret] or so"));
	assert_non_null(strstr(journal, "psst: [secret]"));
	assert_non_null(strstr(journal, "\"release\":\"[secret]\""));
	for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
		if (strstr(trace, hidden[i]) || strstr(journal, hidden[i]))
			fail_msg("a secret is kept: %s", hidden[i]);
		assert_false(rig_heard(ana, hidden[i]));
	}
	free(trace);
	free(journal);
}

/* A password that is a word of the configuration would be cut from it, and the next engine would act on
 * another app; nobody could type the name at a gate, either. */
static void test_secret_is_a_word(void **unused)
{
	(void)unused;
	const char *is = getenv("NEW_DATABASE_URL");
	char *before = is ? xstrdup(is) : NULL;
	setenv("NEW_DATABASE_URL", "postgres://shop:production@127.0.0.1:1/shop", 1);
	rig = rig_new(yes_step);
	rig_start(rig, NULL);
	if (before)
		setenv("NEW_DATABASE_URL", before, 1);
	else
		unsetenv("NEW_DATABASE_URL");
	free(before);
	assert_non_null(
	    strstr(rig->said_at_start, "NEW_DATABASE_URL, or the password in it, is a part of a name"));
	assert_null(strstr(rig->said_at_start, "production"));
	assert_int_equal(rig_events(rig, "night.opened", ""), 0);
	assert_int_equal(rig_wait_end(rig), 2);
}

int main(int argc, char **argv)
{
	rig_main(argc, argv);
	setenv("NIGHTFERRY_CLOCK", "0,5", 1);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_headless, night_end),
	    cmocka_unit_test_teardown(test_headless_leaves_unknown, night_end),
	    cmocka_unit_test_teardown(test_headless_is_stopped, night_end),
	    cmocka_unit_test_teardown(test_headless_is_held, night_end),
	    cmocka_unit_test_teardown(test_question, night_end),
	    cmocka_unit_test_teardown(test_two_questions, night_end),
	    cmocka_unit_test_teardown(test_secrets, night_end),
	    cmocka_unit_test_teardown(test_secret_is_a_word, night_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
