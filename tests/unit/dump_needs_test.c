/* What a dump takes for granted, by its own table of contents. */
#include "core/base/text.h"
#include "core/steps/dump_needs.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char toc[] = ";     Dumped by pg_dump version: 16.4 (Debian)\n"
			  "2; 3079 16387 EXTENSION - citext \n"
			  "3; 3079 16388 EXTENSION - uuid-ossp \n"
			  "5; 3079 16390 EXTENSION - plpgsql \n"
			  "4; 2615 16391 SCHEMA - billing ann\n"
			  "222; 1259 16607 TABLE public posts ann\n"
			  "223; 1259 16608 TABLE billing invoices ann\n"
			  "224; 1259 16609 TABLE other x ann\n";
static const char lines[] =
    "CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA heroku_ext;\n"
    "CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\" WITH SCHEMA \"We\"\"ird; Schema\";\n"
    "CREATE EXTENSION IF NOT EXISTS plpgsql WITH SCHEMA pg_catalog;\n"
    "CREATE EXTENSION IF NOT EXISTS plpython3u WITH SCHEMA from_a_body;\n"
    "CREATE EXTENSION IF NOT EXISTS ;\nCREATE EXTENSION\n";

static void test_needs(void **state)
{
	struct dump_needs needs;
	(void)state;
	assert_true(dump_needs_read(toc, lines, &needs));
	assert_int_equal(needs.dumped_major, 16);
	assert_string_equal(needs.dumped_by, "16.4");
	assert_int_equal(needs.n_extensions, 2);
	assert_string_equal(needs.extensions[0].name, "citext");
	assert_string_equal(needs.extensions[0].schema, "heroku_ext");
	assert_string_equal(needs.extensions[1].name, "uuid-ossp");
	assert_string_equal(needs.extensions[1].schema, "We\"ird; Schema");
	/* billing is made by the dump, public is there; a line of a function's body is no extension. */
	assert_int_equal(needs.n_schemas, 3);
	assert_string_equal(needs.schemas[0], "other");
	assert_string_equal(needs.schemas[1], "heroku_ext");
	assert_string_equal(needs.schemas[2], "We\"ird; Schema");
	dump_needs_done(&needs);
}

static void test_none(void **state)
{
	struct dump_needs needs;
	(void)state;
	assert_false(dump_needs_read("", "", &needs));
	dump_needs_done(&needs);
	assert_false(dump_needs_read("pg_restore: error: input file is too short\n", "\xff\n", &needs));
	assert_int_equal(needs.n_schemas, 0);
	dump_needs_done(&needs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_needs), cmocka_unit_test(test_none)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
