/* Text as cells, and hostile text made harmless. */
#include "core/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void test_width(void **state)
{
	static const struct {
		const char *text;
		size_t cells;
	} rows[] = {
	    {"", 0},
	    {"shop", 4},
	    {"\xc3\xa9", 1},                             /* e acute */
	    {"e\xcc\x81", 1},                            /* e, combining acute */
	    {"\xe6\x97\xa5\xe6\x9c\xac", 4},             /* CJK */
	    {"\xed\x95\x9c", 2},                         /* Hangul */
	    {"\xe3\x81\x82\xe3\x82\xa2", 4},             /* kana */
	    {"\xef\xbc\xa1", 2},                         /* fullwidth A */
	    {"\xf0\x9f\x9a\x80", 2},                     /* rocket */
	    {"\xe2\x9c\x85", 2},                         /* white check mark */
	    {"\xe2\x80\x8d", 0},                         /* ZWJ */
	    {"\xef\xb8\x8f", 0},                         /* variation selector 16 */
	    {"\xe2\x94\x80\xe2\x96\x88\xe2\x80\xa6", 3}, /* line, block, ellipsis */
	    {"\xff\xfe", 2},                             /* broken bytes are drawn as marks */
	    {"\xc3", 1},
	    {"\xe1\x85\xa0", 0}, /* Hangul filler between jamo */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(text_width(rows[i].text), rows[i].cells);
}

static void test_decode(void **state)
{
	static const struct {
		const char *text;
		uint32_t code;
		size_t used;
	} rows[] = {
	    {"a", 'a', 1},
	    {"\xc3\xa9", 0xe9, 2},
	    {"\xf0\x9f\x9a\x80", 0x1f680, 4},
	    {"\xc0\x80", 0xfffd, 1},         /* overlong */
	    {"\xe0\x80\x80", 0xfffd, 3},     /* overlong */
	    {"\xed\xa0\x80", 0xfffd, 3},     /* surrogate */
	    {"\xf4\x90\x80\x80", 0xfffd, 4}, /* above U+10FFFF */
	    {"\xf5", 0xfffd, 1},
	    {"\x80", 0xfffd, 1},
	    {"\xe2\x82z", 0xfffd, 2}, /* z is not swallowed */
	    {"\xe2\x82", 0xfffd, 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t code;

		assert_int_equal(text_decode(rows[i].text, strlen(rows[i].text), &code), rows[i].used);
		assert_int_equal(code, rows[i].code);
	}
}

static void test_clean(void **state)
{
	static const struct {
		const char *dirty, *clean;
	} rows[] = {
	    {"plain", "plain"},
	    {"a\tb\r\nc\rd", "a b c d"},
	    {"\x1b[31mred\x1b[0m", "red"},
	    {"\x1b[2J\x1b[1;1Hgone", "gone"},
	    {"\x1b[?1049h\x1b[>4;2mx", "x"},
	    {"\x1b]0;title\x07x", "x"},
	    {"\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"},
	    {"\x1b]52;c;aGk=\x07x", "x"},
	    {"\x1bPq#0;2\x1b\\x", "x"},
	    {"\x1b_apc\x1b\\x\x1b^pm\x1b\\y\x1bXsos\x1b\\z", "xyz"},
	    {"\x1b]0;never ends", "0;never ends"},
	    {"\x1b]0;bad\nnext line", "0;bad next line"},
	    {"\x1b(0lqk\x1b(B", "lqk"},
	    {"\x1b"
	     "c\x1b"
	     "7x",
	     "x"},
	    {"x\x1b", "x"},
	    {"x\x1b[", "x"},
	    {"x\x1b[12", "x"},
	    {"\x1b\x1b[31mx", "x"},
	    {"\xc2\x9b"
	     "31mx",
	     "x"}, /* CSI as C1 */
	    {"\xc2\x9d"
	     "0;t\xc2\x9cx",
	     "x"},               /* OSC and ST as C1 */
	    {"\xc2\x85x", " x"}, /* NEL */
	    {"a\x08\x08"
	     "b\x7f\x01\x0e",
	     "ab"},
	    {"a\xe2\x80\xae"
	     "b\xe2\x80\xac",
	     "ab"}, /* right-to-left override */
	    {"\xe2\x81\xa6x\xe2\x81\xa9\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c", "x"},
	    {"\xef\xbb\xbf\xe2\x80\x8bx", "x"}, /* BOM, zero width space */
	    {"a\xffz\xc3", "a\xef\xbf\xbdz\xef\xbf\xbd"},
	    {"a\xe2\x80\xa8"
	     "b",
	     "a b"}, /* line separator */
	    {"z\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81", "z\xcc\x81\xcc\x81\xcc\x81\xcc\x81"},
	    {"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80", "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80"},
	};
	char out[128];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = text_clean(out, sizeof(out), rows[i].dirty, strlen(rows[i].dirty));

		assert_string_equal(out, rows[i].clean);
		assert_int_equal(n, strlen(out));
	}
	assert_int_equal(text_clean(out, sizeof(out), "a\0b", 3), 2);
	assert_string_equal(out, "ab");
	assert_int_equal(text_clean(out, 4, "ab\xc3\xa9", 4), 2);
	assert_int_equal(text_clean(out, 0, "ab", 2), 0);
}

/* Whatever comes in: valid UTF-8 without controls goes out, and it stays inside `out`. */
static void test_clean_noise(void **state)
{
	static const char alphabet[] = "\x1b[]P\\\x07;31mz\n\t\xc2\x9b\x9d\xe2\x80\xae\xff\xf0\x9f\x9a\x80";
	unsigned seed = 7;
	char in[48], out[32];

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t len = 0;

		for (; len < sizeof(in); len++) {
			seed = seed * 1103515245u + 12345u;
			in[len] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
		}
		len = text_clean(out, sizeof(out), in, len);
		assert_true(len < sizeof(out));
		for (size_t at = 0; at < len;) {
			uint32_t code;
			size_t n = text_decode(out + at, len - at, &code);

			assert_true(code >= 0x20 && !(code >= 0x7f && code < 0xa0) && code != 0x202e);
			at += n;
		}
	}
}

static void test_fit(void **state)
{
	char out[32];

	(void)state;
	text_fit(out, sizeof(out), "maintenance", 20);
	assert_string_equal(out, "maintenance");
	text_fit(out, sizeof(out), "maintenance", 6);
	assert_string_equal(out, "maint\xe2\x80\xa6");
	text_fit(out, sizeof(out), "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 4);
	assert_string_equal(out, "\xe6\x97\xa5\xe2\x80\xa6");
	text_fit(out, sizeof(out), "abc", 0);
	assert_string_equal(out, "");
	text_fit(out, 5, "abcdef", 6);
	assert_string_equal(out, "a\xe2\x80\xa6");
	assert_false(text_copy(out, 4, "ab\xc3\xa9"));
	assert_string_equal(out, "ab");
	assert_true(text_copy(out, 5, "ab\xc3\xa9"));
	text_copy(out, sizeof(out), "row");
	text_copyf(out, sizeof(out), "%s and %s", out, out);
	assert_string_equal(out, "row and row");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_width),       cmocka_unit_test(test_decode), cmocka_unit_test(test_clean),
	    cmocka_unit_test(test_clean_noise), cmocka_unit_test(test_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
