/* The files in which Amazon's own tools keep their keys, as people write them. */
#include "core/base/text.h"
#include "core/links/s3.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char file[] = "# mine\r\n"
			   "[default]\r\n"
			   "aws_access_key_id = DEFAULT\r\n"
			   "aws_secret_access_key=ab/c+d==\r\n"
			   "\r\n"
			   "[profile night]\n"
			   ";aws_access_key_id = old\n"
			   "  #aws_access_key_id = older\n"
			   "aws_access_key_id\t=\tNIGHT  \n"
			   "aws_access_key_id = SECOND\n"
			   "aws_secret_access_key =\n"
			   "[nights]\n"
			   "aws_access_key_id = OTHER\n"
			   "[ spaced ]\n"
			   "region = eu-central-1\n"
			   "no equals sign\n"
			   "= no name\n"
			   "[last]\n"
			   "aws_session_token = end";

static const char *value(const char *section, const char *name)
{
	static char out[200];
	bool found = s3_profile(file, section, name, out, sizeof out);
	assert_int_equal(found, *out != '\0');
	return found ? out : "(none)";
}

static void test_profile(void **state)
{
	(void)state;
	assert_string_equal(value("default", "aws_access_key_id"), "DEFAULT");
	assert_string_equal(value("default", "aws_secret_access_key"), "ab/c+d==");
	assert_string_equal(value("night", "aws_access_key_id"), "NIGHT");
	assert_string_equal(value("nights", "aws_access_key_id"), "OTHER");
	assert_string_equal(value("spaced", "region"), "eu-central-1");
	assert_string_equal(value("last", "aws_session_token"), "end");
	/* Another section's, one that is empty, and what is not there are none. */
	assert_string_equal(value("night", "aws_secret_access_key"), "(none)");
	assert_string_equal(value("night", "region"), "(none)");
	assert_string_equal(value("nigh", "aws_access_key_id"), "(none)");
	assert_string_equal(value("DEFAULT", "aws_access_key_id"), "(none)");
	assert_string_equal(value("default", "aws_access_key"), "(none)");
}

static void test_no_file(void **state)
{
	static const char *const texts[] = {"",          "\n",          "[",     "[]",          "[default",
					    "[default]", "[default]\n", "a = b", "[default]\nk"};
	char out[20];
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (s3_profile(texts[i], "default", "k", out, sizeof out))
			fail_msg("\"%s\" gave \"%s\"", texts[i], out);
}

/* Half a key would be refused by the storage with words that lead astray. */
static void test_too_long(void **state)
{
	char *text = malloc(20000), out[400];
	(void)state;
	memset(text, 'a', 20000);
	memcpy(text, "[default]\nk = ", 14);
	text[1000] = '\0';
	assert_false(s3_profile(text, "default", "k", out, sizeof out));
	memset(text + 14, 'a', 19986);
	text[19999] = '\0';
	assert_false(s3_profile(text, "default", "k", out, sizeof out));
	/* What comes after it is still found. */
	memcpy(text + 19980, "\nk2 = short", 12);
	assert_true(s3_profile(text, "default", "k2", out, sizeof out));
	assert_string_equal(out, "short");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_profile),
	    cmocka_unit_test(test_no_file),
	    cmocka_unit_test(test_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
