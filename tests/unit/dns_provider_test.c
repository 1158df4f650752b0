/* What providers say and are told: XML, key files, batches, and sets that are put back as they were. */
#include "core/base/text.h"
#include "core/links/aws_login.h"
#include "core/links/dns_provider.h"
#include "core/links/hetzner_login.h"
#include "core/links/route53_inner.h"
#include "core/links/xml.h"
#include "core/steps/dns_share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void test_xml(void **state)
{
	(void)state;
	static const char good[] =
	    "<?xml version=\"1.0\"?>\n<!-- a note --><a xmlns=\"x\"><b>1 &lt; 2 &#x41;</b><b/>"
	    "<c><d>deep</d></c></a>\n";
	struct err err = {0};
	struct json *root = xml_parse(good, sizeof good - 1, &err);
	assert_non_null(root);
	assert_string_equal(json_str(root, "name", ""), "a");
	assert_string_equal(xml_text(root, "b"), "1 < 2 A");
	assert_non_null(xml_next(xml_child(root, "b"), "b"));
	assert_null(xml_next(xml_next(xml_child(root, "b"), "b"), "b"));
	assert_string_equal(xml_text(xml_child(root, "c"), "d"), "deep");
	assert_string_equal(xml_text(xml_child(NULL, "c"), "d"), "");
	json_free(root);
	static const char *const bad[] = {
	    "",
	    "text",
	    "<a>",
	    "<a></b>",
	    "</a>",
	    "<a/><b/>",
	    "<a",
	    "<>",
	    "<a><",
	    "<a>&amp;",
	    "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		err = (struct err){0};
		assert_null(xml_parse(bad[i], strlen(bad[i]), &err));
		assert_string_equal(err.text, "the answer is no XML that can be read");
	}
	assert_null(xml_parse("<a>\0</a>", 8, &err));
	char deep[4 * 200 + 1] = "";
	for (int i = 0; i < 200; i++)
		memcpy(deep + i * 3, "<a>", 4);
	assert_null(xml_parse(deep, strlen(deep), &err));
}

static void test_key_files(void **state)
{
	(void)state;
	char value[80];
	static const char ini[] =
	    "[default]\naws_access_key_id=AKIA1\n# [night]\n[ night ]\r\n"
	    "aws_access_key_id = AKIA2 \r\naws_secret_access_key=a=b/c+d\n[profile x]\nregion = eu\n";
	assert_true(aws_ini_find(ini, "night", "aws_access_key_id", value, sizeof value));
	assert_string_equal(value, "AKIA2");
	assert_true(aws_ini_find(ini, "night", "aws_secret_access_key", value, sizeof value));
	assert_string_equal(value, "a=b/c+d");
	assert_true(aws_ini_find(ini, "default", "aws_access_key_id", value, sizeof value));
	assert_string_equal(value, "AKIA1");
	assert_true(aws_ini_find(ini, "profile x", "aws_access_key_id", value, sizeof value));
	assert_string_equal(value, "");
	assert_false(aws_ini_find(ini, "nobody", "region", value, sizeof value));
	assert_false(aws_ini_find("[open\nregion = eu", "open", "region", value, sizeof value));

	static const char toml[] =
	    "active_context = \"b\"\n\n[[contexts]]\n  name = \"a\"\n  token = \"one\"\n"
	    "[[contexts]]\n  token = 'two'\n  name = 'b'\n";
	assert_true(hetzner_token_of(toml, NULL, value, sizeof value));
	assert_string_equal(value, "two");
	assert_true(hetzner_token_of(toml, "a", value, sizeof value));
	assert_string_equal(value, "one");
	assert_false(hetzner_token_of(toml, "c", value, sizeof value));
	assert_false(hetzner_token_of("active_context = \"b\"\n[[contexts]]\nname = \"b\"\ntoken = \"open",
				      NULL, value, sizeof value));
}

static struct dns_rrset set_of(const char *type, const char *value, int64_t ttl_s)
{
	struct dns_rrset set = {.ttl_s = ttl_s, .lives_s = ttl_s, .weight = -1};
	text_copy(set.name, sizeof set.name, "www.acme.com");
	text_copy(set.type, sizeof set.type, type);
	dns_rrset_add(&set, value);
	return set;
}

/* Through a fact and back: nothing that people could see has changed. */
static void test_set_round(void **state)
{
	(void)state;
	struct dns_rrset set = set_of("A", "192.0.2.1", 1), back;
	dns_rrset_add(&set, "192.0.2.2");
	set.lives_s = 300;
	set.proxied = true;
	set.weight = 7;
	text_copy(set.member, sizeof set.member, "old");
	struct jw w = {0};
	jw_open(&w);
	dns_rrset_write(&w, "record", &set);
	const char *text = jw_finish(&w);
	struct json *fact = json_parse(text, strlen(text), NULL);
	dns_rrset_read(json_get(fact, "record"), &back);
	assert_true(dns_rrset_same(&set, &back));
	assert_int_equal(back.lives_s, 300);
	back.ttl_s = 60;
	assert_false(dns_rrset_same(&set, &back));
	back = set;
	text_copy(back.values[1], sizeof back.values[1], "192.0.2.3");
	assert_false(dns_rrset_same(&set, &back));
	json_free(fact);
	jw_done(&w);
	/* What older versions wrote. */
	static const char old[] =
	    "{\"id\":\"x\",\"type\":\"CNAME\",\"content\":\"a.herokudns.com\",\"ttl\":1}";
	fact = json_parse(old, sizeof old - 1, NULL);
	dns_rrset_read(fact, &back);
	assert_int_equal(back.n, 1);
	assert_string_equal(back.values[0], "a.herokudns.com");
	assert_int_equal(back.lives_s, 300);
	assert_int_equal(back.weight, -1);
	json_free(fact);
	dns_rrset_read(NULL, &back);
	assert_int_equal(back.n, 0);
	for (int i = 0; i < DNS_VALUES_MAX; i++)
		assert_true(dns_rrset_add(&back, "192.0.2.9"));
	assert_false(dns_rrset_add(&back, "192.0.2.9"));
}

/* The order in a batch counts: what goes, goes first. */
static void test_batch(void **state)
{
	(void)state;
	struct dns_rrset none = {.weight = -1}, simple = set_of("CNAME", "a.herokudns.com", 60),
			 fresh = set_of("CNAME", "cutover.acme.com", 60), weighted = fresh;
	weighted.weight = 0;
	text_copy(weighted.member, sizeof weighted.member, "a<b&c");
	const struct dns_change changes[] = {
	    {.from = none, .to = weighted}, {.from = simple, .to = none}, {.from = simple, .to = fresh}};
	struct buf body = {0};
	route53_batch(&body, changes, 3);
	const char *text = buf_text(&body), *del = strstr(text, "DELETE"), *create = strstr(text, "CREATE"),
		   *upsert = strstr(text, "UPSERT");
	assert_non_null(del);
	assert_non_null(create);
	assert_non_null(upsert);
	assert_true(del < create && create < upsert);
	assert_non_null(strstr(text, "<Name>www.acme.com.</Name><Type>CNAME</Type><SetIdentifier>a&lt;b&amp;c"
				     "</SetIdentifier><Weight>0</Weight><TTL>60</TTL>"));
	assert_non_null(strstr(text, "<Value>cutover.acme.com.</Value>"));
	struct json *root = xml_parse(text, body.len, NULL);
	assert_non_null(root);
	json_free(root);
	buf_done(&body);
}

static void test_share(void **state)
{
	(void)state;
	assert_true(dns_share_fits(0, 0, 300));
	assert_false(dns_share_fits(0, 1, 300));
	assert_true(dns_share_fits(100, 300, 300));
	assert_false(dns_share_fits(100, 299, 300));
	assert_true(dns_share_fits(10, 33, 300));
	assert_false(dns_share_fits(10, 0, 300));
	assert_false(dns_share_fits(10, 80, 300));
	assert_false(dns_share_fits(50, 0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_xml),   cmocka_unit_test(test_key_files), cmocka_unit_test(test_set_round),
	    cmocka_unit_test(test_batch), cmocka_unit_test(test_share),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
