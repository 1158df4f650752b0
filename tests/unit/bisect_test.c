/* From a table that differs to the rows that do. */
#include "core/base/text.h"
#include "core/copy/bisect.h"
#include "core/links/postgres.h"
#include "tests/unit/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct two {
	struct cluster cluster;
	struct pg *pg[2];
};

static void must(struct pg *pg, const char *sql)
{
	struct err err = {0};
	struct pg_result *r = pg_query(pg, sql, NULL, &err);
	assert_string_equal(err.text, "");
	pg_result_free(r);
}

static const char both[] =
    "SET search_path = public; CREATE TABLE orders (id bigint PRIMARY KEY, state text, secret text, n int); "
    "INSERT INTO orders SELECT i * 7 - 5000, 'paid', 'hush' || i, i FROM generate_series(1, 40000) i; "
    "CREATE TABLE names (name text COLLATE \"C\", lang char(2), note text, PRIMARY KEY (lang, name)); "
    "INSERT INTO names SELECT 'nä\"me, ' || i, 'de', 'x' FROM generate_series(1, 20000) i; "
    "CREATE TABLE heap (id int, t text); INSERT INTO heap VALUES (1, 'a'); "
    "CREATE TABLE far (id bigint PRIMARY KEY, t text); INSERT INTO far VALUES (-9223372036854775808, 'a'), "
    "(9223372036854775807, 'b'), (0, 'c'); "
    "CREATE TABLE empty (id int PRIMARY KEY); "
    "CREATE TABLE uniq (a int, u uuid NOT NULL UNIQUE, t text); INSERT INTO uniq SELECT i, "
    "md5(i::text)::uuid, 'x' FROM "
    "generate_series(1, 100) i";

static int two_up(void **state)
{
	struct two *t = calloc(1, sizeof *t);
	struct err err = {0};
	*state = t;
	cluster_start(&t->cluster, NULL, "");
	if (!t->cluster.up)
		return 0;
	struct pg *pg = pg_open(NULL, "NEW", t->cluster.url, PG_ACT, &err);
	must(pg, "CREATE DATABASE old_shop");
	must(pg, "CREATE DATABASE new_shop");
	pg_close(pg);
	for (int i = 0; i < 2; i++) {
		t->pg[i] = pg_open_at(NULL, i ? "NEW" : "OLD", t->cluster.url, i ? "new_shop" : "old_shop",
				      PG_ACT, &err);
		must(t->pg[i], both);
	}
	assert_string_equal(err.text, "");
	return 0;
}

static int two_down(void **state)
{
	struct two *t = *state;
	pg_close(t->pg[0]);
	pg_close(t->pg[1]);
	cluster_stop(&t->cluster);
	free(t);
	return 0;
}

static struct copy_bisected bisect(struct two *t, const char *table)
{
	struct copy_bisected out;
	struct err err = {0};
	if (!t->cluster.up)
		skip();
	int rc = copy_bisect_run(t->pg[0], t->pg[1], "public", table, NULL, &out, &err);
	assert_string_equal(err.text, "");
	assert_int_equal(rc, 0);
	return out;
}

static void nothing_differs(void **state)
{
	static const char *const tables[] = {"orders", "names", "far", "empty", "uniq"};
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		struct copy_bisected b = bisect(*state, tables[i]);
		assert_int_equal(b.n, 0);
		assert_string_not_equal(b.key, "");
		assert_false(b.more);
	}
}

static void integer_key(void **state)
{
	struct two *t = *state;
	if (!t->cluster.up)
		skip();
	must(t->pg[1], "UPDATE orders SET state = 'refunded', secret = NULL WHERE id = 20200; DELETE FROM "
		       "orders WHERE id = "
		       "100000; INSERT INTO orders VALUES (20201, 'open', 'hush', 1)");
	struct copy_bisected b = bisect(t, "orders");
	assert_int_equal(b.n, 3);
	assert_int_equal(b.ranges_differ, 2);
	assert_string_equal(b.rows[0].key, "20200");
	assert_int_equal(b.rows[0].how, COPY_ROW_DIFFERS);
	assert_string_equal(b.rows[0].columns,
			    "secret: length 8 on OLD, NULL on NEW; state: length 4 on OLD, 8 on NEW");
	assert_string_equal(b.rows[1].key, "20201");
	assert_int_equal(b.rows[1].how, COPY_ROW_ONLY_NEW);
	assert_string_equal(b.rows[2].key, "100000");
	assert_int_equal(b.rows[2].how, COPY_ROW_ONLY_OLD);
	/* Ranges are what it reads, not the table. */
	assert_true(b.rows_read < 8000);
	must(t->pg[1], "DELETE FROM orders WHERE id >= 3000");
	b = bisect(t, "orders");
	assert_int_equal(b.n, COPY_ROWS_MOST);
	assert_true(b.more);
	assert_string_equal(b.rows[0].key, "3001");
	must(t->pg[1], "DELETE FROM orders");
	b = bisect(t, "orders");
	assert_string_equal(b.rows[0].key, "-4993");
	assert_true(b.more);
}

static void other_keys(void **state)
{
	struct two *t = *state;
	if (!t->cluster.up)
		skip();
	must(t->pg[0], "UPDATE names SET note = 'y' WHERE name = 'nä\"me, 777'; DELETE FROM names WHERE name "
		       "= 'nä\"me, 12345'");
	struct copy_bisected b = bisect(t, "names");
	assert_int_equal(b.n, 2);
	assert_string_equal(b.key, "lang, name");
	for (size_t i = 0; i < 2; i++) {
		bool differs = text_equal(b.rows[i].key, "de, nä\"me, 777");
		assert_int_equal(b.rows[i].how, differs ? COPY_ROW_DIFFERS : COPY_ROW_ONLY_NEW);
		assert_string_equal(b.rows[i].columns, differs ? "note: length 1 on both" : "");
		assert_true(differs || text_equal(b.rows[i].key, "de, nä\"me, 12345"));
	}
	must(t->pg[1],
	     "UPDATE far SET t = 'z' WHERE id = 9223372036854775807; UPDATE uniq SET t = NULL WHERE a = 5");
	b = bisect(t, "far");
	assert_int_equal(b.n, 1);
	assert_string_equal(b.rows[0].key, "9223372036854775807");
	b = bisect(t, "uniq");
	assert_int_equal(b.n, 1);
	assert_string_equal(b.key, "u");
	assert_string_equal(b.rows[0].key, "e4da3b7f-bbce-2345-d777-2b0674a318d5");
	b = bisect(t, "heap");
	assert_string_equal(b.key, "");
	assert_non_null(strstr(b.why, "no key"));
}

static void no_table(void **state)
{
	struct two *t = *state;
	struct copy_bisected out;
	struct err err = {0};
	if (!t->cluster.up)
		skip();
	assert_int_equal(copy_bisect_run(t->pg[0], t->pg[1], "public", "nothing'; --", NULL, &out, &err), -1);
	assert_int_equal(err.kind, ERR_WORLD);
	assert_non_null(strstr(err.text, "There is no table"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_differs),
	    cmocka_unit_test(integer_key),
	    cmocka_unit_test(other_keys),
	    cmocka_unit_test(no_table),
	};
	return cmocka_run_group_tests(tests, two_up, two_down);
}
