/* Two sets of variables: which names must be the same, where URLs lead, and answers of a host that are
 * broken. */
#include "core/base/text.h"
#include "core/links/env_container.h"
#include "core/links/env_digest.h"
#include "core/links/env_parity.h"
#include "core/links/env_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void add(struct env_set *set, const char *name, const char *value)
{
	env_set_add(set, name, strlen(name), value, strlen(value));
}

static void test_rules(void **state)
{
	(void)state;
	assert_int_equal(env_rule_of("DATABASE_URL"), ENV_RULE_DIFFERS);
	assert_int_equal(env_rule_of("REDIS_URL"), ENV_RULE_DIFFERS);
	assert_int_equal(env_rule_of("ANALYTICS_DATABASE_URL"), ENV_RULE_SAME);
	assert_int_equal(env_rule_of("MY_HEROKU_KEY"), ENV_RULE_SAME);
	assert_int_equal(env_rule_of("database_url"), ENV_RULE_SAME);
	assert_int_equal(env_rule_of("HEROKU_POSTGRESQL_COBALT_URL"), ENV_RULE_STAYS);
	assert_int_equal(env_rule_of("PORT"), ENV_RULE_STAYS);
	assert_int_equal(env_rule_of("DYNO"), ENV_RULE_STAYS);
	assert_int_equal(env_rule_of("LANG"), ENV_RULE_BUILD);
	assert_int_equal(env_rule_of(""), ENV_RULE_SAME);
}

static void test_url(void **state)
{
	struct env_url u, v;
	char text[300];
	bool certain;
	(void)state;
	assert_true(
	    env_url_read("postgres://u:p%40@EC2-1.compute.amazonaws.com:5439/d1?a=b&sslmode=require", &u));
	assert_string_equal(u.host, "ec2-1.compute.amazonaws.com");
	assert_string_equal(u.port, "5439");
	assert_string_equal(u.path, "d1");
	assert_string_equal(u.sslmode, "require");
	assert_true(env_url_heroku(&u, &certain) && !certain);
	assert_true(env_url_read("redis://[::1]:7/0", &v));
	assert_string_equal(v.host, "::1");
	assert_true(env_url_local(&v) && !env_url_same_place(&u, &v));
	assert_true(env_url_read("https://x.herokuapp.com", &v));
	assert_true(env_url_heroku(&v, &certain) && certain);
	assert_true(env_url_read("postgres://u:q@acme-db/d2", &v));
	assert_true(env_url_local(&v) && !env_url_heroku(&v, &certain));
	env_url_compare(&u, &v, text, sizeof text);
	assert_string_equal(text, "host ec2-1.compute.amazonaws.com:5439 -> acme-db:5432, database d1 -> d2, "
				  "sslmode require -> not said, another password");
	/* A key may stand where a user does, and in the path. */
	assert_true(env_url_read("https://zebra@sentry.example/4711", &u));
	assert_true(env_url_read("https://tiger@sentry.example/4712", &v));
	env_url_compare(&u, &v, text, sizeof text);
	assert_string_equal(text, "another path or user");
	static const char *const none[] = {"",
					   "postgres",
					   "://",
					   "a://",
					   "x://user:zebra/1@host/d",
					   "x://zebra?@host",
					   "x://h:zebra/d",
					   "host:5432/d",
					   "x:///path"};
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		assert_false(env_url_read(none[i], &u));
}

static bool says(const struct evidence *ev, enum verdict verdict, const char *words)
{
	for (size_t i = 0; i < ev->n; i++)
		if (ev->lines[i].verdict == verdict && strstr(ev->lines[i].text, words))
			return true;
	return false;
}

/* One variable in two roles, the night's own database, and what may be accepted. */
static struct evidence compare(const char *name, const char *old, const char *web, const char *job_value,
			       const char *accept)
{
	struct env_set heroku = {0};
	struct env_role roles[2] = {{.role = "web"}, {.role = "job"}};
	struct json *list = accept ? json_parse(accept, strlen(accept), NULL) : NULL;
	struct env_sides sides = {
	    .old = &heroku, .roles = roles, .n_roles = 2, .accept = list, .database = "shop"};
	struct json *config = json_parse("{}", 2, NULL);
	struct job *job = job_by_hand("env-parity", config, NULL);
	struct evidence ev = {0};
	if (old)
		add(&heroku, name, old);
	if (web)
		add(&roles[0].vars, name, web);
	if (job_value)
		add(&roles[1].vars, name, job_value);
	env_parity(job, &sides, &ev);
	env_set_done(&heroku);
	env_containers_done(roles, 2);
	json_free(list);
	json_free(config);
	job_free(job);
	return ev;
}

static void expect(const char *name, const char *old, const char *web, const char *job, const char *accept,
		   enum verdict verdict, const char *words)
{
	struct evidence ev = compare(name, old, web, job, accept);
	if (evidence_verdict(&ev) != verdict || !says(&ev, verdict, words))
		fail_msg("%s: not %s \"%s\" but %s: %s", name, verdict_name(verdict), words,
			 verdict_name(evidence_verdict(&ev)), ev.lines[ev.n - 1].text);
	evidence_done(&ev);
}

static void test_verdicts(void **state)
{
	(void)state;
	expect("A", "x", "x", "x", NULL, VERDICT_PASS, "1 on Heroku: 1 the same");
	expect("A", "x", "x", NULL, NULL, VERDICT_FAIL, "A is missing in job: 1 bytes");
	expect("A", "x", "x", "y", NULL, VERDICT_WARN, "A is another value in job");
	expect("A", "x", "y", "z", "[\"A\"]", VERDICT_PASS, "1 accepted");
	expect("A", "x", NULL, NULL, "[\"A\"]", VERDICT_PASS, "1 accepted");
	expect("A", "x", "y", "z", "[\"B\", 1, null]", VERDICT_WARN, "A is another value in web, job");
	/* No acceptance of a name makes damage, or a way back to Heroku, right. */
	expect("A", "a\\b", "a\\\\b", "a\\\\b", "[\"A\"]", VERDICT_FAIL, "A differs in web, job");
	expect("DATABASE_URL", "postgres://h/shop", "postgres://h/shop", "postgres://n/shop",
	       "[\"DATABASE_URL\"]", VERDICT_FAIL,
	       "DATABASE_URL still leads to Heroku's service (h:5432) in web");
	expect("DATABASE_URL", "postgres://h/o", "postgres://n/shop", "postgres://n/shop", NULL, VERDICT_PASS,
	       "database o -> shop");
	expect("DATABASE_URL", "postgres://h/o", "postgres://n/shop_dev", "postgres://n/shop", NULL,
	       VERDICT_FAIL, "names the database shop_dev in web, but the night fills shop");
	expect("DATABASE_URL", "postgres://h/o", "postgres://db.example/shop",
	       "postgres://db.example/shop?sslmode=require", NULL, VERDICT_WARN, "sslmode not said");
	expect("DATABASE_URL", "postgres://h/o", "postgres://acme-db/shop?sslmode=require",
	       "postgres://n/shop", NULL, VERDICT_WARN, "asks acme-db for TLS (sslmode=require) in web");
	expect("REDIS_URL", "not a url", "not a url", "other", NULL, VERDICT_FAIL, "is Heroku's own in web");
	expect("HEROKU_APP_NAME", "acme", "acme", "acme", NULL, VERDICT_WARN, "came along from Heroku");
	expect("HEROKU_APP_NAME", "acme", NULL, NULL, NULL, VERDICT_PASS, "1 left behind");
	expect("MASTER_KEY", "abc", "abd", "abd", NULL, VERDICT_FAIL, "what Heroku encrypted");
	expect("KEYBOARD", "abc", "abd", "abd", NULL, VERDICT_WARN, "is that meant?");
	expect("EXTRA", NULL, "x", "y", NULL, VERDICT_PASS, "1 only on NEW");
	expect("PORT", NULL, "3000", NULL, NULL, VERDICT_PASS, "1 only on NEW");
	expect("EXTRA", NULL, "https://x.herokuapp.com/", NULL, NULL, VERDICT_FAIL, "which is Heroku's");
	expect("EXTRA", NULL, "amqp://ec2-9.compute-1.amazonaws.com/", NULL, NULL, VERDICT_WARN,
	       "make sure that it is yours");
}

static void test_many(void **state)
{
	struct env_set heroku = {0};
	struct env_role role = {.role = "web"};
	struct env_sides sides = {.old = &heroku, .roles = &role, .n_roles = 1, .database = ""};
	struct evidence ev = {0};
	(void)state;
	for (int i = 0; i < 200; i++) {
		char name[400];
		text_copyf(name, sizeof name, "%0300d", i);
		add(&heroku, name, "x");
	}
	env_parity(NULL, &sides, &ev);
	assert_int_equal(ev.n, 62);
	assert_true(says(&ev, VERDICT_FAIL, "140 more lines found no room"));
	evidence_done(&ev);
	env_set_done(&heroku);
}

/* "A=b\0C=d=e\0" as base64 of a process, and the same as docker's list. */
static void test_container_answers(void **state)
{
	struct env_role roles[2] = {{.role = "web", .container = "acme-web-1"}, {.role = "job"}};
	struct err err = {0};
	(void)state;
	assert_int_equal(env_containers_read("0 process QT1iAEM9ZD1lAA==\n0 config WyJBPXoiXQ==\n1 process \n"
					     "1 config WyJBPXoiLCAibm90aGluZyJd\n",
					     roles, 2, &err),
			 0);
	assert_string_equal(env_set_get(&roles[0].vars, "A"), "b");
	assert_string_equal(env_set_get(&roles[0].vars, "C"), "d=e");
	assert_string_equal(env_set_get(&roles[1].vars, "A"), "z");
	assert_int_equal(roles[1].vars.n, 1);
	env_containers_done(roles, 2);
	static const char *const broken[] = {
	    "",
	    "0 config WyJBPXoiXQ==\n", /* nothing about the other */
	    "0 config WyJBPXoiXQ=\n",  /* cut off */
	    "0 config W!JBPXoiXQ==\n", /* no base64 */
	    "0 config ====\n",         /* nor this */
	    "0 config QUE=QUE=\n",     /* nor this */
	    "2 config bnVsbA==\n",     /* nobody's */
	    "0 other bnVsbA==\n",      /* unknown */
	    "0 config e30=\n",         /* an object */
	    "0 config WzFd\n",         /* a number in the list */
	    "0 config eyJ6ZWJyYSI6\n", /* no JSON */
	    "0 config WyJ",
	    "-1 config bnVsbA==\n",
	    "99999999999999999999 config bnVsbA==\n",
	    "docker: permission denied\n",
	};
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		err = (struct err){0};
		assert_int_equal(env_containers_read(broken[i], roles, 2, &err), -1);
		assert_int_equal(err.kind, ERR_WORLD);
		assert_null(strstr(err.text, "zebra"));
		env_containers_done(roles, 2);
	}
}

static void test_heroku_answers(void **state)
{
	struct env_set set = {0};
	struct err err = {0};
	(void)state;
	const char *good = "{\"A\": \"b\", \"GONE\": null, \"\": \"x\"}", *bad = "{\"A\": 1}", *list = "[]";
	struct json *json = json_parse(good, strlen(good), NULL);
	assert_int_equal(env_set_heroku(&set, json, &err), 0);
	assert_int_equal(set.n, 1);
	json_free(json);
	json = json_parse(bad, strlen(bad), NULL);
	assert_int_equal(env_set_heroku(&set, json, &err), -1);
	json_free(json);
	json = json_parse(list, strlen(list), NULL);
	assert_int_equal(env_set_heroku(&set, json, &err), -1);
	json_free(json);
	env_set_done(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rules),
	    cmocka_unit_test(test_url),
	    cmocka_unit_test(test_verdicts),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_container_answers),
	    cmocka_unit_test(test_heroku_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
