/* Every live secret is known by name and by value, however many there are and however they are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/engine/inner.h"
#include <stdlib.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_many_names, begin, end),
	    cmocka_unit_test_setup_teardown(test_several_lines, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
