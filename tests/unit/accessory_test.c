/* The login of the new database from its container's environment: whole, or a sentence without a secret in
 * it. */
#include "core/links/pg_accessory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct {
	const char *env, *url, *password;
} good[] = {
    {"\"PATH=/bin\"\n\"POSTGRES_USER=shop\"\n\"POSTGRES_PASSWORD=p\"\n\"POSTGRES_DB=shop_production\"\n",
     "postgres://shop:p@acme-db/shop_production", "p"},
    {"\"POSTGRES_PASSWORD=p\"\n", "postgres://postgres:p@acme-db/postgres", "p"},
    {"\"POSTGRES_USER=shop\"\n\"POSTGRES_PASSWORD=p\"\n", "postgres://shop:p@acme-db/shop", "p"},
    /* What docker's JSON escapes, and what a URL must. */
    {"\"POSTGRES_PASSWORD=a b@c/d:e?f#g%h\\\\i\\\"j=k\\u0026\\u00fc\"\n",
     "postgres://postgres:a%20b%40c%2Fd%3Ae%3Ff%23g%25h%5Ci%22j%3Dk%26%C3%BC@acme-db/postgres",
     "a b@c/d:e?f#g%h\\i\"j=k&\xc3\xbc"},
    {"\"XPOSTGRES_PASSWORD=no\"\n\"POSTGRES_PASSWORD_FILE=/run/x\"\n\"POSTGRES_PASSWORD=p\"\nnot json\n7\n",
     "postgres://postgres:p@acme-db/postgres", "p"},
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		char url[2048], password[512];
		struct err err = {0};

		assert_int_equal(pg_accessory_read(good[i].env, "acme-db", url, sizeof url, password,
						   sizeof password, &err),
				 0);
		assert_string_equal(url, good[i].url);
		assert_string_equal(password, good[i].password);
	}
}

static void test_bad(void **state)
{
	char url[2048], password[512], long_one[900];
	struct err err = {0};

	(void)state;
	assert_int_equal(pg_accessory_read("", "acme-db", url, sizeof url, password, sizeof password, &err),
			 -1);
	assert_string_equal(err.text,
			    "the container acme-db holds no POSTGRES_PASSWORD in its environment; write "
			    "database: {url: \"env:NEW_DATABASE_URL\"} into nightferry.yml and set that "
			    "variable");
	assert_int_equal(pg_accessory_read("\"POSTGRES_PASSWORD=\"\n", "acme-db", url, sizeof url, password,
					   sizeof password, &err),
			 -1);
	/* Half a password would be tried against the database. */
	memset(long_one, 'x', sizeof long_one);
	memcpy(long_one, "\"POSTGRES_PASSWORD=s3cret", 24);
	memcpy(long_one + sizeof long_one - 3, "\"\n", 3);
	assert_int_equal(
	    pg_accessory_read(long_one, "acme-db", url, sizeof url, password, sizeof password, &err), -1);
	assert_string_equal(err.text, "the login in the environment of acme-db is too long to be one");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_bad)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
