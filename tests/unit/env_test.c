/* What happens to a value between .kamal/secrets and the container, and how it is known again. Every line of
 * the table was made with the real dotenv 3.2 and Kamal 2.12: the value on Heroku, what arrived in the
 * container, why. */
#include "core/base/text.h"
#include "core/links/env_value.h"
#include "core/links/env_ways.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char *known_word(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "word1") == 0 ? "sesame" : NULL;
}

static const struct {
	const char *source; /* as it stands in .kamal/secrets, or how else it came */
	const char *old, *is;
	unsigned causes;
} rows[] = {
    {"X=a\\xA3b", "a\\xA3b", "axA3b", ENV_EATEN},
    {"X=\"a\\xA3b\"", "a\\xA3b", "axA3b", ENV_EATEN},
    {"X='a\\xA3b'", "a\\xA3b", "a\\\\xA3b", ENV_DOUBLED},
    {"X=a\\\\xA3b", "a\\xA3b", "a\\\\xA3b", ENV_DOUBLED},
    {"X='a\\\\xA3b'", "a\\xA3b", "a\\\\\\\\xA3b", ENV_DOUBLED | ENV_TWICE},
    {"X=$(cat f)", "pa$word1 \\x41", "pa \\\\x41", ENV_GONE | ENV_DOUBLED},
    {"X=$(cat f), f ends with a line end", "token\n", "token", ENV_TRIMMED},
    {"X=pa$word1", "pa$word1", "pa", ENV_GONE},
    {"X=\"pa${word1}x\"", "pa${word1}x", "pax", ENV_GONE},
    {"X=pa$word1, and the file has word1", "pa$word1", "pasesame", ENV_EXPANDED},
    {"X=\"pass$other word\", from the shell", "pass$other word", "passABC word", ENV_EXPANDED},
    {"X=has#hash", "has#hash", "has", ENV_CUT},
    {"X=has #hash", "has #hash", "has", ENV_CUT},
    {"X=a\\xb#c", "a\\xb#c", "axb", ENV_EATEN | ENV_CUT},
    {"X=\"l1\\nl2\"", "l1\nl2", "l1\\\\nl2", ENV_CONTROL | ENV_DOUBLED},
    {"X='l1\\nl2'", "l1\nl2", "l1\\\\nl2", ENV_CONTROL | ENV_DOUBLED},
    {"X=\"l1<line end>l2\"", "l1\nl2", "l1\\nl2", ENV_CONTROL},
    {"X=\"a<tab>b\"", "a\tb", "a\\tb", ENV_CONTROL},
    {"X=l1<line end>l2", "l1\nl2", "l1", ENV_ONE_LINE},
    {"X='it\\'s'", "it's", "it\\\\'s", ENV_QUOTE | ENV_DOUBLED},
    {"X= a b ", " a b ", "a b", ENV_TRIMMED},
    {"X='\"v v\"'", "v v", "\"v v\"", ENV_QUOTED},
    {"docker run --env-file with X='v'", "v", "'v'", ENV_QUOTED},
    {"X=\"v\", where the quotes are the value's", "\"v\"", "v", ENV_UNQUOTED},
    {"X=", "v", "", ENV_EMPTY},
    {"X=$(base64 -w0 f)", "a\\b\nc", "YVxiCmM=", ENV_BASE64},
    {"X=$(base64 -w0 f), two bytes over", "abcde", "YWJjZGU=", ENV_BASE64},
    {"a field that holds 16 bytes", "0123456789abcdef0123", "0123456789abcdef", ENV_SHORT},
    {"clear: a#{b}", "a#{b}", "a\\#{b}", ENV_HASH},
    {"clear: l1<line end>l2", "l1\nl2", "l1\\nl2", ENV_CONTROL},
    {"clear: a${NOPE}b", "a${NOPE}b", "ab", ENV_GONE},
    {"another value", "tiger-and-zebra", "zebra-and-tiger", 0},
    {"another value with a $", "$x", "everything", 0},
    {"another value, once more", "ab$", "completely different", 0},
};

static void test_every_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		unsigned got = env_explain(rows[i].old, rows[i].is, known_word, NULL);
		if (got != rows[i].causes) {
			char is[400], want[400];
			env_say(got, is, sizeof is);
			env_say(rows[i].causes, want, sizeof want);
			fail_msg("%s: said \"%s\" and not \"%s\"", rows[i].source, is, want);
		}
	}
}

/* The rows that come from the file as it is must also be foretold from the value alone. */
static void test_prediction(void **state)
{
	(void)state;
	assert_int_equal(env_predict("a\\xA3b", ENV_SINGLE), ENV_DOUBLED);
	assert_int_equal(env_predict("a\\xA3b", ENV_BARE), ENV_EATEN);
	assert_int_equal(env_predict("pa$word1 \\x41", ENV_COMMAND), ENV_GONE | ENV_DOUBLED);
	assert_int_equal(env_predict("pa$word1", ENV_SINGLE), 0);
	assert_int_equal(env_predict("pa$word1", ENV_BARE), ENV_GONE);
	assert_int_equal(env_predict("has#hash", ENV_BARE), ENV_CUT);
	assert_int_equal(env_predict("has#hash", ENV_DOUBLE), 0);
	assert_int_equal(env_predict("l1\nl2", ENV_DOUBLE), ENV_CONTROL);
	assert_int_equal(env_predict("it's", ENV_SINGLE), 0);
	/* base64, hex, quotes inside, what is beyond ASCII, a backslash before a #: whole */
	static const char *const whole[] = {"aGVsbG8+Lz0=", "deadbeef", "a\"b", "gr\xc3\xbc\xc3\x9f",
					    "a\\#b"};
	for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
		assert_int_equal(env_predict(whole[i], ENV_SINGLE), 0);
}

static void file_text(const char *value, const char *want)
{
	struct buf out = {0};
	env_file_text(&out, value);
	assert_string_equal(buf_text(&out), want);
	buf_done(&out);
}

static void test_env_file(void **state)
{
	(void)state;
	file_text("\n\t\r\x1b\x07\x08\x0c\x0b\x01\x7f", "\\n\\t\\r\\e\\a\\b\\f\\v\\x01\\x7F");
	file_text("a\"b'c", "a\"b'c");
	file_text("\\", "\\\\");
	file_text("\\#x", "\\#x");
	file_text("\\#{x", "\\\\#{x");
	file_text("#{x} #$y", "#{x} #$y");
	file_text("", "");
}

/* Whatever two values are: an answer in time, and no part of them in it. */
static void test_hostile(void **state)
{
	char said[600], kind[120];
	size_t len = 65536;
	char *big = xmalloc(len + 1), *other = xmalloc(len + 1);
	(void)state;
	memset(big, '\\', len);
	memset(other, '$', len);
	big[len] = other[len] = 0;
	assert_int_equal(env_explain(big, other, known_word, NULL), 0);
	assert_int_equal(env_explain(other, big, known_word, NULL), 0);
	for (size_t i = 0; i + 6 < len; i += 6)
		memcpy(other + i, "$A,$B,", 6);
	memset(big, ',', len);
	env_explain(other, big, known_word, NULL);
	assert_int_equal(env_explain("\xff\xfe\\", "\xff\xfe\\\\", NULL, NULL), ENV_DOUBLED);
	assert_int_equal(env_explain("zebra\x1b[31m", "zebra\\e[31m", NULL, NULL), ENV_CONTROL);
	for (unsigned bits = 0; bits < 1u << ENV_CAUSES; bits += 7) {
		env_say(bits, said, sizeof said);
		assert_null(strstr(said, "zebra"));
		assert_true(*env_mend("zebra\\", bits));
	}
	env_say(ENV_DOUBLED, said, 12);
	assert_int_equal(strlen(said), 11);
	assert_string_equal(env_classes("0042", kind, sizeof kind), "digits");
	assert_string_equal(env_classes("deadbeef", kind, sizeof kind), "hex");
	assert_string_equal(env_classes("zebra1", kind, sizeof kind), "letters and digits");
	assert_string_equal(env_classes("ze+/=", kind, sizeof kind), "letters, digits, + / = - _");
	assert_string_equal(env_classes("z \\\n\xc3\xa9", kind, sizeof kind),
			    "text with backslashes with blanks with control characters beyond ASCII");
	assert_string_equal(env_classes("", kind, sizeof kind), "nothing");
	free(big);
	free(other);
}

/* What helps must help: single quotes only where they bring the value through. */
static void test_mend(void **state)
{
	(void)state;
	assert_non_null(strstr(env_mend("pa$word", ENV_GONE), "single quotes"));
	assert_non_null(strstr(env_mend("pa$word\\x", ENV_GONE | ENV_DOUBLED), "base64"));
	assert_non_null(strstr(env_mend("l1\nl2", ENV_ONE_LINE), "base64"));
	assert_null(strstr(env_mend("v", ENV_EMPTY), "base64"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_row), cmocka_unit_test(test_prediction),
	    cmocka_unit_test(test_env_file),  cmocka_unit_test(test_hostile),
	    cmocka_unit_test(test_mend),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
