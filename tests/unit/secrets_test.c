/* Every live secret is known by name and by value, however many there are and however they are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/engine/inner.h"
#include <stdlib.h>
#include <unistd.h>

static struct engine *engine;

static int begin(void **unused)
{
	(void)unused;
	engine = xcalloc(1, sizeof *engine);
	text_copy(engine->dir, sizeof engine->dir, "/nonexistent");
	return 0;
}

static int end(void **unused)
{
	(void)unused;
	json_free(engine->opened);
	for (size_t i = 0; i < engine->n_secrets; i++)
		free(engine->secrets[i]);
	for (size_t i = 0; i < engine->n_named; i++) {
		free(engine->named[i].name);
		free(engine->named[i].value);
	}
	free(engine->secrets);
	free(engine->named);
	free(engine);
	return 0;
}

static void expect_redacted(const char *text, const char *wanted)
{
	struct buf out = {0};
	secrets_redact(engine, text, strlen(text), &out);
	assert_string_equal(buf_text(&out), wanted);
	buf_done(&out);
}

static void test_many_names(void **unused)
{
	(void)unused;
	enum { N = 150 };
	struct buf config = {0};
	buf_adds(&config, "{\"app\":\"acme\",\"list\":[");
	for (int i = 0; i < N; i++) {
		char name[32], value[64];
		text_copyf(name, sizeof name, "NF_SECRET_%d", i);
		text_copyf(value, sizeof value, "the-%d-th-value", i);
		setenv(name, value, 1);
		buf_addf(&config, "%s\"env:%s\"", i ? "," : "", name);
	}
	buf_adds(&config, "]}");
	engine->config = engine->opened = json_parse(config.data, config.len, NULL);
	buf_done(&config);
	assert_non_null(engine->config);
	secrets_load(engine);
	assert_string_equal(secrets_get(engine, "NF_SECRET_0"), "the-0-th-value");
	assert_string_equal(secrets_get(engine, "NF_SECRET_149"), "the-149-th-value");
	assert_null(secrets_get(engine, "NF_SECRET_150"));
	expect_redacted("a the-149-th-value b", "a [secret] b");
}

/* A key of several lines comes back as it stands, as JSON, and line by line. */
static void test_several_lines(void **unused)
{
	(void)unused;
	secrets_learn(engine,
		      "-----BEGIN KEY-----\r\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\nAA==\n-----END KEY-----\n");
	expect_redacted("log: kqhkiG9w0BAQEF", "log: [secret]");
	expect_redacted("MIIEvQIBADANBg", "[secret]");
	/* What is in every such file is no secret, and what is too short would cut ordinary words. */
	expect_redacted("-----BEGIN KEY----- AA==", "-----BEGIN KEY----- AA==");
	expect_redacted(
	    "\"-----BEGIN KEY-----\\r\\nMIIEvQIBADANBg\\nkqhkiG9w0BAQEF\\nAA==\\n-----END KEY-----\\n\"",
	    "\"[secret]\"");
}

/* What was cut to its length in a child ends in a part of a secret, which is no less one. */
static void test_cut_off(void **unused)
{
	(void)unused;
	secrets_learn(engine, "postgres://acme:p4ssw0rd-of-the-night@db.example/acme");
	secrets_learn(engine, "short-one");
	expect_redacted("{\"text\":\"to postgres://acme:p4ssw0rd-of-the\"}", "{\"text\":\"to [secret]\"}");
	expect_redacted("{\"text\":\"password p4ssw0rd-of-th\xe2\x80\xa6\"}",
			"{\"text\":\"password [secret]\xe2\x80\xa6\"}");
	expect_redacted("it was p4ssw0rd-of-th", "it was [secret]");
	/* A begin that goes on otherwise, or that is a word, is another word. */
	expect_redacted("{\"image\":\"postgres\",\"text\":\"postgres://\"}",
			"{\"image\":\"postgres\",\"text\":\"postgres://\"}");
	expect_redacted("p4ssw0rd-of-th is half", "p4ssw0rd-of-th is half");
	expect_redacted("a short\"", "a short\"");
}

static void expect_told(const char *const wanted[])
{
	char path[80];
	FILE *f;
	char line[4096];
	size_t i = 0;
	trace_flush(engine->trace);
	text_copyf(path, sizeof path, "%s/trace.jsonl", engine->dir);
	assert_non_null(f = fopen(path, "r"));
	for (; fgets(line, sizeof line, f); i++) {
		assert_non_null(wanted[i]);
		if (!strstr(line, wanted[i]))
			fail_msg("no \"%s\" in %s", wanted[i], line);
		assert_null(strstr(line, "s3cr3t"));
	}
	assert_null(wanted[i]);
	fclose(f);
	unlink(path);
}

/* A program says a line of megabytes: its begin is told, once, and no half of a secret at either end of it.
 */
static void test_line_without_an_end(void **unused)
{
	(void)unused;
	static const char *const wanted[] = {"yyy", "the next line", NULL};
	struct child child = {.e = engine, .name = "fake"};
	char path[80], *piece = xmalloc(60000);
	text_copy(engine->dir, sizeof engine->dir, "/tmp/nfs.XXXXXX");
	assert_non_null(mkdtemp(engine->dir));
	text_copyf(path, sizeof path, "%s/trace.jsonl", engine->dir);
	assert_non_null(engine->trace = trace_open(path, NULL));
	engine->state = state_new();
	secrets_learn(engine, "s3cr3t-s3cr3t-s3cr3t");
	memset(piece, 'y', 60000);
	memcpy(piece + 1990, "s3cr3t-s3cr3t-s3cr3t", 20); /* where the line is cut */
	memcpy(piece + 59995, "s3cr3", 5);                /* where the piece ends */
	child_take_text(&child, &child.out_text, "", piece, 60000, false);
	child_take_text(&child, &child.out_text, "", "t-s3cr3t-s3cr3t", 15, false);
	memset(piece, 'z', 60000);
	for (int i = 0; i < 20; i++)
		child_take_text(&child, &child.out_text, "", piece, 60000, false);
	child_take_text(&child, &child.out_text, "", "z\nthe next line\n", 16, false);
	expect_told(wanted);
	free(piece);
	buf_done(&child.out_text);
	trace_close(engine->trace);
	state_free(engine->state);
	for (size_t i = 0; i < engine->ring_n; i++)
		shared_unref(engine->ring[i]);
	free(engine->ring);
	kept_done(&engine->kept);
	free(engine->signature_counts);
	rmdir(engine->dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_many_names, begin, end),
	    cmocka_unit_test_setup_teardown(test_several_lines, begin, end),
	    cmocka_unit_test_setup_teardown(test_cut_off, begin, end),
	    cmocka_unit_test_setup_teardown(test_line_without_an_end, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
