/* YAML: the place and the mend of every error, types, aliases and limits. */
#include "core/base/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct {
	const char *text, *message;
} bad[] = {
    {"a: b: c\n",
     "t.yml:1:5: there is a second `: ` in this line; put quotes around the text, or begin a new line."},
    {"a: 1\n\tb: 2\n", "t.yml:2:1: a tab is used for indentation; use spaces."},
    {"a:\n\t- b\n", "t.yml:2:1: a tab is used for indentation; use spaces."},
    {"a: \"x\n",
     "t.yml:1:5: a quoted text is broken or has no end; check its quotes, or use the other kind around it."},
    {"a: [1, 2\n", "t.yml:2:1: a list or map is not closed properly; check its commas and its `]` or `}`."},
    {"a: {b: 1\n", "t.yml:2:1: a list or map is not closed properly; check its commas and its `]` or `}`."},
    {"a: 1\nb: 2\na: 3\n", "t.yml:3:1: \"a\" is written twice, first in line 1; remove one of them."},
    {"{a: 1, a: 2}\n", "t.yml:1:8: \"a\" is written twice, first in line 1; remove one of them."},
    {"a: on\n", "t.yml:1:4: `on` means different things to different programs; write true or \"on\"."},
    {"yes: 1\n", "t.yml:1:1: `yes` means different things to different programs; write true or \"yes\"."},
    {"a: [no]\n", "t.yml:1:5: `no` means different things to different programs; write false or \"no\"."},
    {"a: Off\n", "t.yml:1:4: `Off` means different things to different programs; write false or \"Off\"."},
    {"a: *x\n",
     "t.yml:1:5: there is no finished `&x` above this line; put quotes around a text that begins with `*`."},
    {"a: &x {b: *x}\n",
     "t.yml:1:12: there is no finished `&x` above this line; put quotes around a text that begins with `*`."},
    {"a: @x\n", "t.yml:1:4: a text cannot begin with this character; put quotes around it."},
    {"a: `x`\n", "t.yml:1:4: a text cannot begin with this character; put quotes around it."},
    {"a: %x\n", "t.yml:1:4: a text cannot begin with this character; put quotes around it."},
    {"a: !ruby/object x\n",
     "t.yml:1:17: `!` tags are not used here; remove the tag, or put quotes around the text."},
    {"---\na: 1\n---\nb: 2\n", "t.yml:3:1: a second document begins here; keep only one `---` in this file."},
    {"a: 1\n b: 2\n", "t.yml:1:4: this text runs on into the next line; check the indentation there and the "
		      "space after each `:`, or put quotes around the text."},
    {"a:\n  b: 1\n c: 2\n", "t.yml:3:2: this line is indented unlike its neighbours; line it up with them."},
    {"- a\nb: 1\n", "t.yml:2:1: this does not belong to the list above; begin it with `- `, or indent it."},
    {"a: 1\n- b\n", "t.yml:2:1: a key is expected here; line it up with its neighbours."},
    {"a: \"\\q\"\n",
     "t.yml:1:5: this escape is unknown; write `\\\\` for a backslash, or use single quotes."},
    {"a:1\nb: 2\n", "t.yml:1:1: this text runs on into the next line; check the indentation there and the "
		    "space after each `:`, or put quotes around the text."},
    {"? [a, b]\n: c\n", "t.yml:1:3: a key must be a single word; put quotes around it."},
    {"[]: 1\n", "t.yml:1:1: a key must be a single word; put quotes around it."},
    {"a: [1, 2}\n", "t.yml:1:9: a list or map is not closed properly; check its commas and its `]` or `}`."},
    {"a: {b: 1]\n", "t.yml:1:9: a list or map is not closed properly; check its commas and its `]` or `}`."},
    {"a: {b: 1 c: 2}\n",
     "t.yml:1:11: a list or map is not closed properly; check its commas and its `]` or `}`."},
    {"a: 'it's'\n",
     "t.yml:1:8: a quoted text is broken or has no end; check its quotes, or use the other kind around it."},
    {"{\n", "t.yml:2:1: a value is missing here; write it, or remove the comma or bracket."},
    {"]\n", "t.yml:1:1: a list or map is not closed properly; check its commas and its `]` or `}`."},
    {"a: {x: 1,, y: 2}\n", "t.yml:1:10: a value is missing here; write it, or remove the comma or bracket."},
    {"a: - b\n", "t.yml:1:4: a list cannot begin behind its key; put each `- ` on a line of its own."},
    {"a: b\n  c: d\n", "t.yml:1:4: this text runs on into the next line; check the indentation there and the "
		       "space after each `:`, or put quotes around the text."},
    {"%YAML 9\n---\na\n", "t.yml:1:8: this is no valid YAML (version directive missing dot separator); check "
			  "indentation and quotes."},
    {"\"a\": 1\n\"b\" 2\n",
     "t.yml:2:5: a quoted text is broken or has no end; check its quotes, or use the other kind around it."},
    {"a: \"b\" c\n",
     "t.yml:1:8: a quoted text is broken or has no end; check its quotes, or use the other kind around it."},
    {"a: <<: x\n",
     "t.yml:1:6: there is a second `: ` in this line; put quotes around the text, or begin a new line."},
    {"a: *\n", "t.yml:1:5: the name after `*` is broken; put quotes around a text that begins with `*`."},
    {"a: & b\n", "t.yml:1:5: the name after `&` or `*` is broken; put quotes around a text that begins with "
		 "one of them."},
    {"a: \377\n", "t.yml:1:4: this is not valid UTF-8; save the file as UTF-8."},
    {"a: \303(\n", "t.yml:1:4: this is not valid UTF-8; save the file as UTF-8."},
    {"a: \"\355\240\200\"\n", "t.yml:1:5: this is not valid UTF-8; save the file as UTF-8."},
    {"a:\n  - x:\n \t - y\n", "t.yml:3:2: a tab is used for indentation; use spaces."},
};

static struct yaml_doc *parse(const char *text, enum yaml_mode mode, struct err *err)
{
	return yaml_parse("t.yml", text, strlen(text), mode, err);
}

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = {0};

		assert_null(parse(bad[i].text, YAML_OURS, &err));
		assert_string_equal(err.text, bad[i].message);
		assert_int_equal(err.kind, ERR_CONFIG);
	}
}

/* The text as JSON must be `want`. */
static void expect_json(const char *text, enum yaml_mode mode, const char *want)
{
	struct err err = {0};
	struct yaml_doc *doc = parse(text, mode, &err);
	struct jw w;

	assert_string_equal(err.text, "");
	assert_non_null(doc);
	jw_open(&w);
	yaml_json(doc, doc->root, &w, "r");
	assert_string_equal(jw_finish(&w), want);
	jw_done(&w);
	yaml_free(doc);
}

static void test_types(void **state)
{
	(void)state;
	expect_json("", YAML_OURS, "{\"r\":null}");
	expect_json("# only words\n", YAML_OURS, "{\"r\":null}");
	expect_json("a: 1\nb: -2\nc: 1.5\nd: 007\ne: 0x10\nf: 1e3\ng: 22:22\nh: .5\n", YAML_OURS,
		    "{\"r\":{\"a\":1,\"b\":-2,\"c\":1.5,\"d\":\"007\",\"e\":\"0x10\",\"f\":\"1e3\",\"g\":"
		    "\"22:22\",\"h\":\".5\"}}");
	expect_json("[true, False, ~, null, '', \"1\", 'true']", YAML_OURS,
		    "{\"r\":[true,false,null,null,\"\",\"1\",\"true\"]}");
	expect_json("[9007199254740993, 99999999999999999999]", YAML_OURS,
		    "{\"r\":[\"9007199254740993\",\"99999999999999999999\"]}");
	expect_json("a: |\n  x\n  y\nb: >\n  x\n  y\n", YAML_OURS,
		    "{\"r\":{\"a\":\"x\\ny\\n\",\"b\":\"x y\\n\"}}");
	expect_json("\xef\xbb\xbf"
		    "a: 1\r\nb: {get: /s?q=1}\r\n",
		    YAML_OURS, "{\"r\":{\"a\":1,\"b\":{\"get\":\"/s?q=1\"}}}");
	expect_json("a: [\n1,\n2\n]\n", YAML_OURS, "{\"r\":{\"a\":[1,2]}}");
	expect_json("\"on\": \"yes\"\n", YAML_OURS, "{\"r\":{\"on\":\"yes\"}}");
}

static void test_aliases(void **state)
{
	(void)state;
	expect_json("a: &x {b: [1]}\nc: *x\n", YAML_OURS, "{\"r\":{\"a\":{\"b\":[1]},\"c\":{\"b\":[1]}}}");
	expect_json("a: &x 1\nb: &x 2\nc: *x\n", YAML_OURS, "{\"r\":{\"a\":1,\"b\":2,\"c\":2}}");
	expect_json("a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  b: 3\n", YAML_RUBY,
		    "{\"r\":{\"a\":{\"b\":1,\"c\":2},\"d\":{\"b\":3,\"c\":2}}}");
	/* As Ruby does it: `<<` counts where it stands, and of a list the first one most. */
	expect_json("a: &x {b: 1, c: 2}\nd: {b: 3, <<: *x}\n", YAML_RUBY,
		    "{\"r\":{\"a\":{\"b\":1,\"c\":2},\"d\":{\"b\":1,\"c\":2}}}");
	expect_json(
	    "a: &x {b: 1}\nc: &y {b: 2, d: 3}\ne: {<<: [*x, *y]}\nf: {<<: 5}\n", YAML_RUBY,
	    "{\"r\":{\"a\":{\"b\":1},\"c\":{\"b\":2,\"d\":3},\"e\":{\"b\":1,\"d\":3},\"f\":{\"<<\":5}}}");
	/* The last of two counts; a name inside the first one lives on. */
	expect_json("a: &x {b: 1}\na: 2\nc: *x\nd: {<<: &y {e: 3}}\nf: *y\n", YAML_RUBY,
		    "{\"r\":{\"a\":2,\"c\":{\"b\":1},\"d\":{\"e\":3},\"f\":{\"e\":3}}}");
	expect_json("proxy:\n  ssl: yes\n  x: !foo 1\n", YAML_RUBY,
		    "{\"r\":{\"proxy\":{\"ssl\":true,\"x\":1}}}");
}

/* Nine aliases of nine aliases of ...: a small file that would fill the memory. */
static void test_bomb(void **state)
{
	struct buf text = {0};
	struct err err = {0};

	(void)state;
	buf_adds(&text, "a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 9; i++)
		buf_addf(&text, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1,
			 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	assert_null(parse(buf_text(&text), YAML_OURS, &err));
	assert_non_null(strstr(err.text, "too much in this file"));
	buf_done(&text);
}

static void test_limits(void **state)
{
	struct buf text = {0};
	struct err err = {0};

	(void)state;
	for (int i = 0; i < 70; i++)
		buf_addc(&text, '[');
	assert_null(parse(buf_text(&text), YAML_OURS, &err));
	assert_string_equal(err.text, "t.yml:1:65: this is nested more than 64 levels deep; simplify it.");
	buf_reset(&text);
	while (text.len <= 1000000)
		buf_adds(&text, "# a line that says nothing at all, again and again and again\n");
	assert_null(parse(buf_text(&text), YAML_OURS, &err));
	assert_string_equal(err.text,
			    "t.yml:1:1: this file is longer than 1 MB; it cannot be a configuration.");
	buf_done(&text);
	assert_null(yaml_parse("t.yml", "a: \0", 4, YAML_OURS, &err));
	assert_string_equal(err.text, "t.yml:1:4: there is a NUL byte; this is no text file.");
	assert_null(yaml_load("/nonexistent/t.yml", YAML_OURS, &err));
	assert_string_equal(err.text, "/nonexistent/t.yml could not be opened: No such file or directory.");
}

static void test_places(void **state)
{
	struct err err = {0};
	struct yaml_doc *doc = parse("a:\n  bb:\n    - x\n    - {c: 1}\n", YAML_OURS, &err);
	const struct yaml *bb = yaml_get(yaml_get(doc->root, "a"), "bb");

	(void)state;
	assert_int_equal(bb->key_line, 2);
	assert_int_equal(bb->key_column, 3);
	assert_int_equal(yaml_count(bb), 2);
	assert_int_equal(bb->first->line, 3);
	assert_int_equal(bb->first->column, 7);
	assert_int_equal(bb->first->next->first->key_line, 4);
	assert_int_equal(bb->first->next->first->key_column, 8);
	yaml_err_key(doc, bb, &err, "%s", "said.");
	assert_string_equal(err.text, "t.yml:2:3: said.");
	yaml_free(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bad),  cmocka_unit_test(test_types),  cmocka_unit_test(test_aliases),
	    cmocka_unit_test(test_bomb), cmocka_unit_test(test_limits), cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
