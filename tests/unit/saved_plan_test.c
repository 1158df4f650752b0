/* What terraform says of a saved plan: counts, what goes, what changes, and nothing that it calls sensitive.
 */
#include "core/base/text.h"
#include "core/links/dns_command_inner.h"
#include "core/links/saved_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int read_plan(const char *text, struct saved_plan *plan, struct err *err)
{
	*err = (struct err){0};
	return saved_plan_read(text, strlen(text), plan, err);
}

static void test_counts(void **state)
{
	(void)state;
	static struct saved_plan plan;
	struct err err;
	char counts[80];
	assert_int_equal(
	    read_plan(
		"{\"format_version\":\"1.2\",\"resource_changes\":["
		"{\"address\":\"a.same\",\"change\":{\"actions\":[\"no-op\"]}},"
		"{\"address\":\"data.b\",\"change\":{\"actions\":[\"read\"]}},"
		"{\"address\":\"a.www\",\"change\":{\"actions\":[\"update\"],"
		"\"before\":{\"content\":\"old.example\",\"ttl\":60,\"token\":\"s3cret\",\"deep\":{\"a\":"
		"\"s3cret\"}},"
		"\"after\":{\"content\":\"new.example\",\"ttl\":60,\"token\":\"other "
		"s3cret\",\"deep\":{\"a\":\"x\"}},"
		"\"after_unknown\":{},\"before_sensitive\":{\"token\":true,\"deep\":{\"a\":true}},"
		"\"after_sensitive\":{\"token\":true}}},"
		"{\"address\":\"a.made\",\"change\":{\"actions\":[\"create\"],\"before\":null,\"after\":{}}},"
		"{\"address\":\"a.left\",\"change\":{\"actions\":[\"forget\"]}},"
		"{\"address\":\"a.anew\",\"action_reason\":\"replace_because_cannot_update\","
		"\"change\":{\"actions\":[\"delete\",\"create\"],\"replace_paths\":[[\"type\"]]}},"
		"{\"address\":\"a.first\",\"change\":{\"actions\":[\"create\",\"delete\"]}},"
		"{\"address\":\"a.gone\",\"action_reason\":\"delete_because_no_resource_config\","
		"\"change\":{\"actions\":[\"delete\"]}}]}",
		&plan, &err),
	    0);
	saved_plan_counts(&plan, counts, sizeof counts);
	assert_string_equal(counts, "3 to add, 1 to change, 3 to destroy");
	assert_int_equal(plan.replace, 2);
	assert_int_equal(plan.all, 6);
	/* What goes comes first. */
	assert_string_equal(plan.items[0].text,
			    "- a.gone  would be destroyed, its block is not in the files");
	assert_true(plan.items[0].destroyed);
	assert_string_equal(plan.items[1].text, "+/- a.first  must be replaced");
	assert_string_equal(plan.items[2].text,
			    "-/+ a.anew  must be replaced, it cannot be changed in place: type");
	assert_true(plan.items[2].replaced);
	assert_string_equal(plan.items[3].text,
			    "~ a.www  content \"old.example\" → \"new.example\"  token (sensitive)");
	assert_string_equal(plan.items[4].text, "+ a.made");
	for (size_t i = 0; i < plan.n; i++)
		assert_null(strstr(plan.items[i].text, "s3cret"));
}

/* However many there are, what would be destroyed is among those that are kept. */
static void test_many(void **state)
{
	(void)state;
	static struct saved_plan plan;
	struct err err;
	struct buf text = {0};
	buf_adds(&text, "{\"format_version\":\"1.0\",\"resource_changes\":[");
	for (int i = 0; i < 300; i++)
		buf_addf(&text, "{\"address\":\"a[%d]\",\"change\":{\"actions\":[\"create\"]}},", i);
	buf_adds(&text, "{\"address\":\"a.gone\",\"change\":{\"actions\":[\"delete\"]}}]}");
	assert_int_equal(read_plan(buf_text(&text), &plan, &err), 0);
	assert_int_equal(plan.all, 301);
	assert_int_equal(plan.n, SAVED_ITEMS);
	assert_string_equal(plan.items[0].address, "a.gone");
	buf_done(&text);
}

static void test_hostile(void **state)
{
	(void)state;
	static struct saved_plan plan;
	struct err err;
	static const struct {
		const char *text, *why;
	} bad[] = {
	    {"", "no JSON"},
	    {"[]", "no JSON"},
	    {"{", "no JSON"},
	    {"{}", "format \"\""},
	    {"{\"format_version\":\"2.0\"}", "format \"2.0\""},
	    {"{\"format_version\":\"1.2\",\"errored\":true}", "ended in an error"},
	    {"{\"format_version\":\"1.2\",\"resource_changes\":{}}", "no list"},
	    {"{\"format_version\":\"1.2\",\"resource_changes\":[{}]}", "names no resource"},
	    {"{\"format_version\":\"1.2\",\"resource_changes\":[{\"address\":\"a\",\"change\":{\"actions\":"
	     "\"delete\"}}]}",
	     "no action"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(read_plan(bad[i].text, &plan, &err), -1);
		assert_non_null(strstr(err.text, bad[i].why));
	}
	assert_int_equal(
	    read_plan("{\"format_version\":\"1.2\",\"resource_changes\":[{\"address\":\"a\\u001b[2J\","
		      "\"change\":{\"actions\":[\"update\"],\"before\":{\"x\":1},\"after\":{\"x\":\"\\u001b]"
		      "0;\\u202e\"},"
		      "\"after_sensitive\":\"odd\"}}]}",
		      &plan, &err),
	    0);
	assert_null(strchr(plan.items[0].text, '\033'));
	/* Nothing to change is no error. */
	assert_int_equal(read_plan("{\"format_version\":\"1.2\"}", &plan, &err), 0);
	assert_int_equal(plan.all, 0);
}

static struct json *config(const char *text)
{
	struct json *json = json_parse(text, strlen(text), NULL);
	assert_non_null(json);
	return json;
}

static void test_words(void **state)
{
	(void)state;
	struct words words;
	struct err err = {0};
	char text[400];
	struct json *c = config("{\"new\":{\"target\":\"new.example\",\"ttl\":60,\"on\":true},\"old\":{"
				"\"target\":\"old.example\"}}");
	assert_int_equal(command_plan_words(c, false, "/n/p", &words, &err), 0);
	words_text(&words, text, sizeof text);
	assert_string_equal(text,
			    "terraform plan -input=false -no-color -detailed-exitcode -lock-timeout=20s "
			    "-out=/n/p -var target=new.example -var ttl=60 -var on=true");
	words_done(&words);
	assert_int_equal(command_plan_words(c, true, "/n/p", &words, &err), 0);
	words_text(&words, text, sizeof text);
	assert_non_null(strstr(text, "-var target=old.example"));
	words_done(&words);
	assert_int_equal(command_apply_words(c, "/n/p", &words, &err), 0);
	words_text(&words, text, sizeof text);
	assert_string_equal(text, "terraform apply -input=false -no-color -lock-timeout=20s /n/p");
	words_done(&words);
	assert_string_equal(command_name(c), "terraform");
	json_free(c);

	c = config("{\"plan\":[\"/bin/x\",\"new\",\"--to={plan}\",\"{plan}.txt\"],\"back\":[\"/bin/"
		   "x\",\"old\"],\"apply\":[\"/bin/x\",\"{plan}\"]}");
	assert_int_equal(command_plan_words(c, false, "/n/p", &words, &err), 0);
	words_text(&words, text, sizeof text);
	assert_string_equal(text, "/bin/x new --to=/n/p /n/p.txt");
	words_done(&words);
	assert_int_equal(command_plan_words(c, true, "/n/p", &words, &err), -1);
	assert_non_null(strstr(err.text, "dns.command.back names no program, or not the file"));
	assert_int_equal(command_show_words(c, "/n/p", &words, &err), 1);
	assert_string_equal(command_name(c), "x");
	json_free(c);

	static const char *const bad[] = {
	    "{}",
	    "{\"new\":{}}",
	    "{\"new\":{\"a\":[1]}}",
	    "{\"new\":{\"a\":\"env:TOKEN\"}}",
	    "{\"new\":\"target=x\"}",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		c = config(bad[i]);
		err = (struct err){0};
		assert_int_equal(command_plan_words(c, false, "/n/p", &words, &err), -1);
		assert_non_null(strstr(err.text, "dns.command"));
		json_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_counts),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_hostile),
	    cmocka_unit_test(test_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
