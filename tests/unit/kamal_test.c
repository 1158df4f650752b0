/* Kamal's words and its lock, as they come and as somebody hostile or a broken pipe would send them. */
#include "core/links/kamal.h"
#include "core/links/kamal_lock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
#include <cmocka.h>

static void take(struct kamal_talk *talk, struct kamal_line *line, const char *text)
{
	kamal_line_read(text, strlen(text), line);
	kamal_talk_take(talk, line);
}

/* ---- lines ---- */

static void test_running_and_finished(void **state)
{
	struct kamal_talk talk = {0};
	struct kamal_line line;
	char now[200];
	(void)state;
	take(&talk, &line, "  INFO [0a1b2c3d] Running docker stop on on 203.0.113.9");
	assert_int_equal(line.what, KAMAL_RUNNING);
	assert_string_equal(line.id, "0a1b2c3d");
	assert_string_equal(line.host, "203.0.113.9");
	assert_string_equal(line.text, "docker stop on");
	take(&talk, &line, "  INFO [ffffffff] Running /usr/bin/env mkdir -p .kamal on 203.0.113.10");
	assert_string_equal(line.text, "mkdir -p .kamal");
	kamal_talk_now(&talk, now, sizeof now);
	assert_string_equal(now, "mkdir -p .kamal on 203.0.113.10, and 1 more");
	/* Roles run beside each other: the end belongs to the id, not to the line before it. */
	take(&talk, &line, "  INFO [0a1b2c3d] Finished in 0.171 seconds with exit status 0 (successful).");
	assert_int_equal(line.what, KAMAL_FINISHED);
	assert_int_equal(line.ms, 171);
	assert_int_equal(line.status, 0);
	kamal_talk_now(&talk, now, sizeof now);
	assert_string_equal(now, "mkdir -p .kamal on 203.0.113.10");
	take(&talk, &line, "  INFO [ffffffff] Finished in 61.5 seconds with exit status 123 (failed).");
	assert_int_equal(line.ms, 61500);
	assert_int_equal(line.status, 123);
	kamal_talk_now(&talk, now, sizeof now);
	assert_string_equal(now, "");
	assert_int_equal(talk.begun, 2);
	assert_int_equal(talk.ended, 2);
	assert_int_equal(talk.failed, 1);
	assert_string_equal(talk.on_the_way, "mkdir -p .kamal ended with 123");
}

static void test_words(void **state)
{
	struct kamal_talk talk = {0};
	struct kamal_line line;
	(void)state;
	take(&talk, &line, "\033[35mAcquiring the deploy lock...\033[0m\r");
	assert_int_equal(line.what, KAMAL_SAYS);
	assert_string_equal(line.text, "Acquiring the deploy lock...");
	assert_true(talk.took_lock);
	take(&talk, &line, "\033[0;34;49m  INFO\033[0m First web container is healthy on 10.0.0.1");
	assert_int_equal(line.what, KAMAL_INFO);
	assert_string_equal(line.id, "");
	take(&talk, &line, " ERROR Failed to boot web on 10.0.0.1");
	assert_int_equal(line.what, KAMAL_ERROR);
	assert_string_equal(talk.on_the_way, "Failed to boot web on 10.0.0.1");
	take(&talk, &line, "Releasing the deploy lock...");
	assert_false(talk.took_lock);
	take(&talk, &line, "  Finished all in 21.3 seconds");
	assert_int_equal(line.what, KAMAL_TOOK);
	assert_int_equal(line.ms, 21300);
	take(&talk, &line, " DEBUG [0a1b2c3d] \tsome output");
	assert_int_equal(line.what, KAMAL_DEBUG);
	take(&talk, &line, "Skipping booting `db` on 10.0.0.1, a container already exists");
	assert_true(talk.skipped);
	assert_int_equal(talk.begun, 0);
}

static void test_last_word(void **state)
{
	struct kamal_talk talk = {0};
	struct kamal_line line;
	char end[800];
	(void)state;
	take(&talk, &line, "Acquiring the deploy lock...");
	take(&talk, &line, "Releasing the deploy lock...");
	take(&talk, &line,
	     "  \033[31mERROR (SSHKit::Command::Failed): Exception while executing on host 10.0.0.1: docker "
	     "exit "
	     "status: 1");
	assert_int_equal(line.what, KAMAL_FAILED);
	assert_string_equal(line.class, "SSHKit::Command::Failed");
	take(&talk, &line, "docker stdout: Nothing written");
	take(&talk, &line,
	     "docker stderr: Error: target failed to become healthy within configured timeout (30s)\033[0m");
	kamal_talk_end(&talk, 1, end, sizeof end);
	assert_non_null(
	    strstr(end, "docker exit status: 1 / docker stdout: Nothing written / docker stderr: Error: "
			"target failed to become healthy"));
	assert_non_null(strstr(end, "the container before it still gets the visitors"));
	assert_null(strstr(end, "lock"));
}

static void test_lock_refused(void **state)
{
	struct kamal_talk talk = {0};
	struct kamal_line line;
	char end[800];
	(void)state;
	take(&talk, &line, "Acquiring the deploy lock...");
	take(&talk, &line, "Deploy lock already in place!");
	take(&talk, &line, "Locked by: bob at 2026-11-20T12:05:57Z");
	take(
	    &talk, &line,
	    "  ERROR (Kamal::Cli::LockError): Deploy lock found. Run 'kamal lock help' for more information");
	assert_true(talk.lock_refused);
	assert_false(talk.took_lock);
	kamal_talk_end(&talk, 1, end, sizeof end);
	assert_non_null(strstr(end, "kamal did nothing: the deploy lock is held"));
}

/* Killed in the middle: no last word, and the lock is still there. */
static void test_broken_off(void **state)
{
	struct kamal_talk talk = {0};
	struct kamal_line line;
	char end[800];
	(void)state;
	take(&talk, &line, "Acquiring the deploy lock...");
	take(&talk, &line,
	     "  INFO [0a1b2c3d] Running docker run --detach --name acme-web-v2 acme:v2 on 10.0.0.1");
	kamal_talk_end(&talk, -1, end, sizeof end);
	assert_string_equal(
	    end, "it was at docker run --detach --name acme-web-v2 acme:v2 on 10.0.0.1, and left the lock it "
		 "had taken: look what runs, then kamal lock release");
	assert_int_equal(talk.n_pending, 1);
}

static void test_secrets_are_cut(void **state)
{
	struct kamal_line line;
	const char *text = "  INFO [0a1b2c3d] Running docker run --env KAMAL_VERSION=\"v2\" --env "
			   "API_KEY=\"s3cr et\\\"x\" --env "
			   "-e TOKEN='ab c' --env PLAIN --env=x --name acme --env URL=postgres://u:pw@h/d "
			   "postgres://shop:hunter2@db:5432/shop?x=1 on 10.0.0.1";
	(void)state;
	kamal_line_read(text, strlen(text), &line);
	assert_null(strstr(line.text, "s3cr"));
	assert_null(strstr(line.text, "et\\"));
	assert_null(strstr(line.text, "ab c"));
	assert_null(strstr(line.text, "hunter2"));
	assert_null(strstr(line.text, "pw@"));
	assert_non_null(strstr(line.text, "KAMAL_VERSION=\"v2\""));
	assert_non_null(strstr(line.text, "API_KEY=..."));
	assert_non_null(strstr(line.text, "--name acme"));
	assert_non_null(strstr(line.text, "postgres://shop:...@db:5432/shop?x=1"));
}

/* Nothing a host can print may be taken for Kamal's own word, break the screen, or overflow anything. */
static void test_hostile(void **state)
{
	static const char *const lines[] = {
	    "",
	    "  INFO",
	    "  INFO ",
	    "  INFO [",
	    "  INFO [zzzzzzzz] Running x on y",
	    "  INFO [0a1b2c3d",
	    "  INFO [0a1b2c3d] Running ",
	    "  INFO [0a1b2c3d] Running on ",
	    "  INFO [0a1b2c3d] Running x on ",
	    "  INFO [0a1b2c3d] Finished in ",
	    "  INFO [0a1b2c3d] Finished in -1 seconds with exit status 99999999999999999999 (failed).",
	    "  INFO [0a1b2c3d] Finished in 1e300 seconds with exit status",
	    "  ERROR (",
	    "  ERROR ():",
	    "  ERROR (): x",
	    "  ERROR (a b): x",
	    "  Finished all in lunch",
	    "\x1b]0;title\x07\x1b[2J\x1b[31m\xff\xfe\xc3",
	    "--env A=\"",
	    "--env ",
	    "://",
	    "x://:@",
	};
	struct kamal_talk talk = {0};
	struct kamal_line line;
	char text[9000];
	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		kamal_line_read(lines[i], strlen(lines[i]), &line);
		assert_null(strchr(line.text, '\x1b'));
		assert_int_not_equal(line.what, KAMAL_FAILED);
		kamal_talk_take(&talk, &line);
	}
	kamal_line_read("  INFO x\0y", 10, &line);
	assert_int_equal(line.what, KAMAL_INFO);
	memset(text, 'A', sizeof text);
	memcpy(text, "  ERROR (A): ", 13);
	for (int i = 0; i < 200; i++) {
		kamal_line_read(text, sizeof text, &line);
		kamal_talk_take(&talk, &line);
	}
	assert_true(strlen(talk.error) < sizeof talk.error);
	/* An id that ends without having begun, and more at once than anybody keeps. */
	int64_t failed = talk.failed;
	take(&talk, &line, "  INFO [99999999] Finished in 0.1 seconds with exit status 1 (failed).");
	assert_int_equal(talk.failed, failed);
	for (unsigned i = 0; i < 100; i++) {
		char one[80];
		snprintf(one, sizeof one, "  INFO [%08x] Running x on y", i);
		take(&talk, &line, one);
	}
	assert_true(talk.n_pending <= sizeof talk.pending / sizeof *talk.pending);
	assert_string_equal(talk.pending[talk.n_pending - 1].id, "00000063");
}

static void test_argv(void **state)
{
	struct kamal k = {.config = "config/deploy.yml", .destination = "production", .n_head = 1};
	static const char *const words[] = {"app", "boot", "--version", "it's", NULL};
	const char *argv[KAMAL_ARGS], *many[64];
	struct err err = {0};
	char said[200];
	(void)state;
	memcpy(k.head[0], "bin/kamal", sizeof "bin/kamal");
	assert_int_equal(kamal_argv(&k, words, argv, &err), 0);
	kamal_argv_say(argv, said, sizeof said);
	assert_string_equal(said, "bin/kamal app boot --version 'it's' -d production");
	for (size_t i = 0; i < 63; i++)
		many[i] = "x";
	many[63] = NULL;
	assert_int_equal(kamal_argv(&k, many, argv, &err), -1);
}

static void test_versions(void **state)
{
	(void)state;
	assert_true(kamal_version_at_least("2.12.0", 2, 6));
	assert_true(kamal_version_at_least("2.6", 2, 6));
	assert_true(kamal_version_at_least("3.0.0", 2, 6));
	assert_false(kamal_version_at_least("2.5.3", 2, 6));
	assert_false(kamal_version_at_least("1.9.0", 2, 6));
	assert_false(kamal_version_at_least("", 2, 6));
	assert_false(kamal_version_at_least("two", 2, 6));
}

/* ---- the lock ---- */

static void test_lock_of_kamal(void **state)
{
	struct kamal_lock lock = {.folder = ".kamal/lock-acme"};
	char says[320];
	(void)state;
	kamal_lock_read(
	    "1795176357\nLocked by: Bob B at 2026-11-20T12:05:57Z\nVersion: 4f2c\nMessage: Automatic deploy "
	    "lock\n",
	    &lock);
	assert_true(lock.held);
	assert_false(lock.empty);
	assert_string_equal(lock.by, "Bob B");
	assert_string_equal(lock.why, "Automatic deploy lock");
	assert_string_equal(lock.key, "");
	assert_string_equal(lock.folder, ".kamal/lock-acme");
	assert_int_equal(lock.since_ms, 1795176357000);
	kamal_lock_say(&lock, "new.example", says, sizeof says);
	assert_non_null(strstr(says, "is held by Bob B since"));
	assert_non_null(strstr(says, "Automatic deploy lock"));
}

static void test_lock_of_ours(void **state)
{
	struct kamal_lock lock = {0};
	struct buf text = {0};
	(void)state;
	struct kamal_lock_words words = {.by = "ana@laptop",
					 .night = "2026-11-20-2200",
					 .app = "acme",
					 .key = "0123456789abcdef",
					 .head = "ffee"};
	buf_adds(&text, "1795176357\n");
	kamal_lock_details(&words, &text);
	kamal_lock_read(buf_text(&text), &lock);
	buf_done(&text);
	assert_string_equal(lock.by, "ana@laptop");
	assert_string_equal(lock.key, "0123456789abcdef");
	assert_non_null(strstr(lock.why, "night 2026-11-20-2200 of acme"));
	assert_non_null(strstr(lock.why, "journal ffee"));
}

static void test_lock_of_nobody(void **state)
{
	struct kamal_lock lock = {.folder = ".kamal/lock-acme"};
	char says[320];
	(void)state;
	kamal_lock_read("none\n", &lock);
	assert_false(lock.held);
	kamal_lock_read("1795176357\n", &lock);
	assert_true(lock.held && lock.empty);
	kamal_lock_say(&lock, "new.example", says, sizeof says);
	assert_non_null(strstr(says, "rmdir ~/.kamal/lock-acme"));
	kamal_lock_read("1795176357\n\n  \n", &lock);
	assert_true(lock.empty);
}

static void test_lock_of_somebody_hostile(void **state)
{
	struct kamal_lock lock = {0};
	char text[6000];
	(void)state;
	/* Garbage that is no base64, somebody who writes our words without a key, or with a false one. */
	kamal_lock_read("1\n\xff\xfe\x1b[31m\xc3(", &lock);
	assert_true(lock.held);
	assert_false(lock.empty);
	assert_string_equal(lock.by, "somebody who left no name");
	kamal_lock_read("1\nLocked by: \x1b[31mx\nMessage: nightferry key 0123", &lock);
	assert_string_equal(lock.key, "");
	assert_null(strchr(lock.by, '\x1b'));
	kamal_lock_read("1\nMessage: mine, key 0123456789abcdef", &lock);
	assert_string_equal(lock.key, "");
	kamal_lock_read("1\nMessage: nightferry x, key 0123456789abcdeff", &lock);
	assert_string_equal(lock.key, "");
	memset(text, 'x', sizeof text);
	memcpy(text, "1\nLocked by: ", 13);
	text[sizeof text - 1] = 0;
	kamal_lock_read(text, &lock);
	assert_true(strlen(lock.by) < sizeof lock.by);
}

/* An unescaped password may hold what ends a word elsewhere. */
static void test_mask_url(void **state)
{
	char out[200];
	(void)state;
	kamal_mask("pull from redis://:s3/cr'e\"t@10.0.0.5:6379/0 as https://u:p@x:y@z.com/p ok", out,
		   sizeof out);
	assert_string_equal(out, "pull from redis://:...@10.0.0.5:6379/0 as https://u:...@z.com/p ok");
	kamal_mask("http://host:80/path mail me@acme.com", out, sizeof out);
	assert_string_equal(out, "http://host:80/path mail me@acme.com");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mask_url),
	    cmocka_unit_test(test_running_and_finished),
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_last_word),
	    cmocka_unit_test(test_lock_refused),
	    cmocka_unit_test(test_broken_off),
	    cmocka_unit_test(test_secrets_are_cut),
	    cmocka_unit_test(test_hostile),
	    cmocka_unit_test(test_argv),
	    cmocka_unit_test(test_versions),
	    cmocka_unit_test(test_lock_of_kamal),
	    cmocka_unit_test(test_lock_of_ours),
	    cmocka_unit_test(test_lock_of_nobody),
	    cmocka_unit_test(test_lock_of_somebody_hostile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
