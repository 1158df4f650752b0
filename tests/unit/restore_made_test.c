/* What the dump defines is asked of the catalogs, whatever pg_restore's log says. */
#include "core/steps/restore.h"
#include "tests/unit/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct cluster cluster;
static struct restore restore;

static const char toc[] = "10; 1259 1 TABLE public orders ann\n"
			  "11; 1259 2 TABLE public Großes Ding ann\n"
			  "20; 0 1 TABLE DATA public orders ann\n"
			  "30; 1259 3 INDEX public orders_day_idx ann\n"
			  "40; 2606 4 CONSTRAINT public orders orders_pkey ann\n"
			  "41; 2606 5 FK CONSTRAINT public orders orders_parent_fkey ann\n";

static void must(const char *sql)
{
	struct err err = {0};
	struct pg_result *r = pg_query(restore.pg, sql, NULL, &err);
	assert_string_equal(err.text, "");
	pg_result_free(r);
}

static int begin(void **state)
{
	(void)state;
	cluster_start(&cluster, NULL, "");
	if (!cluster.up)
		return 0;
	restore = (struct restore){.pg = pg_open(NULL, "NEW", cluster.url, PG_ACT, NULL)};
	must("CREATE TABLE public.orders (id int PRIMARY KEY, day date, parent int CONSTRAINT "
	     "orders_parent_fkey "
	     "REFERENCES "
	     "public.orders)");
	must("CREATE INDEX orders_day_idx ON public.orders (day)");
	return restore_log_toc(&restore.log, toc) ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	pg_close(restore.pg);
	restore_log_done(&restore.log);
	cluster_stop(&cluster);
	return 0;
}

static void expect(const char *wanted_such, size_t wanted)
{
	struct err err = {0};
	char such[140] = "";
	size_t n = 99;
	restore_log_finish(&restore.log);
	assert_int_equal(restore_mark_missing(&restore, &n, such, sizeof such, &err), 0);
	assert_int_equal(n, wanted);
	assert_string_equal(such, wanted_such);
}

static enum restore_state state_of(int id)
{
	return restore_log_item(&restore.log, id)->state;
}

static void test_missing(void **state)
{
	(void)state;
	if (!cluster.up)
		skip();
	/* A name that the list shows in two ways is not judged: it must not fail a good restore. */
	expect("", 0);
	must("DROP INDEX public.orders_day_idx");
	expect("orders_day_idx", 1);
	assert_int_equal(state_of(30), RESTORE_FAILED);
	assert_int_equal(state_of(40), RESTORE_DONE);
	must("ALTER TABLE public.orders DROP CONSTRAINT orders_parent_fkey");
	expect("orders_day_idx", 2);
	/* Its rows went with it, but are no object of their own. */
	must("DROP TABLE public.orders");
	expect("orders", 4);
	assert_int_equal(state_of(20), RESTORE_FAILED);
	assert_int_equal(state_of(11), RESTORE_DONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_missing, begin, end)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
