/* Emptying a database whose role may not drop it: also one with more objects than a transaction has locks
 * for. */
#include "core/base/text.h"
#include "core/links/postgres.h"
#include "core/steps/wipe_database.h"
#include "tests/unit/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct base {
	struct cluster cluster;
	struct pg *super, *app;
};

static void must(struct pg *pg, const char *sql)
{
	struct err err = {0};
	struct pg_result *r = pg_query(pg, sql, NULL, &err);
	assert_string_equal(err.text, "");
	pg_result_free(r);
}

static int64_t number(struct pg *pg, const char *sql)
{
	struct err err = {0};
	int64_t n = -1;
	assert_int_equal(pg_number(pg, sql, NULL, &n, &err), 0);
	return n;
}

/* Small tables of locks, so that some thousand objects do what ten thousand tables do elsewhere. */
static int base_up(void **state)
{
	struct base *b = calloc(1, sizeof *b);
	struct err err = {0};
	char url[200];
	*state = b;
	cluster_start(&b->cluster, NULL,
		      "-c max_locks_per_transaction=40 -c max_connections=20 -c fsync=off");
	if (!b->cluster.up)
		return 0;
	struct pg *pg = pg_open(NULL, "NEW", b->cluster.url, PG_ACT, &err);
	must(pg, "CREATE ROLE app LOGIN");
	must(pg, "CREATE DATABASE shop OWNER app");
	pg_close(pg);
	b->super = pg_open_at(NULL, "NEW", b->cluster.url, "shop", PG_ACT, &err);
	text_copyf(url, sizeof url, "postgres://app@127.0.0.1:%d/shop", b->cluster.port);
	b->app = pg_open(NULL, "NEW", url, PG_ACT, &err);
	assert_string_equal(err.text, "");
	must(b->super, "ALTER SCHEMA public OWNER TO app; CREATE EXTENSION citext SCHEMA public");
	return 0;
}

static int base_down(void **state)
{
	struct base *b = *state;
	pg_close(b->super);
	pg_close(b->app);
	cluster_stop(&b->cluster);
	free(b);
	return 0;
}

static void fill(struct base *b, int tables)
{
	char sql[900];
	for (int from = 0; from < tables; from += 20) {
		text_copyf(
		    sql, sizeof sql,
		    "DO $$ BEGIN FOR i IN %d..%d LOOP EXECUTE format('CREATE TABLE public.many_%%s (id "
		    "bigserial "
		    "PRIMARY KEY, t text DEFAULT ''x'' UNIQUE, of bigint REFERENCES public.many_0)', i); END "
		    "LOOP; END $$",
		    from ? from : 1, from + 19 < tables ? from + 19 : tables - 1);
		if (from == 0)
			must(b->app, "CREATE TABLE public.many_0 (id bigserial PRIMARY KEY, t text UNIQUE)");
		must(b->app, sql);
	}
	must(
	    b->app,
	    "CREATE SCHEMA billing; CREATE TABLE billing.parts (id int) PARTITION BY LIST (id); CREATE TABLE "
	    "billing.parts_1 PARTITION OF billing.parts FOR VALUES IN (1); CREATE TABLE billing.mother (id "
	    "int); CREATE TABLE billing.child () INHERITS (billing.mother); CREATE VIEW billing.seen AS "
	    "SELECT * FROM billing.mother; CREATE MATERIALIZED VIEW billing.kept AS SELECT * FROM "
	    "billing.seen; CREATE SEQUENCE billing.lonely; CREATE TYPE billing.mood AS ENUM ('sad'); CREATE "
	    "FUNCTION billing.f(billing.mood) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TABLE "
	    "billing.\"odd \"\"name\" (id int GENERATED ALWAYS AS IDENTITY, m billing.mood)");
	must(b->app, "SELECT lo_create(0) FROM generate_series(1, 20)");
}

static void empty(struct base *b)
{
	assert_int_equal(number(b->super, "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = "
					  "c.relnamespace WHERE n.nspname IN ('public', 'billing')"),
			 0);
	assert_int_equal(number(b->super, "SELECT count(*) FROM pg_largeobject_metadata"), 0);
	assert_int_equal(number(b->super, "SELECT count(*) FROM pg_namespace WHERE nspname = 'billing'"), 0);
	assert_int_equal(number(b->super, "SELECT count(*) FROM pg_namespace WHERE nspname = 'public' AND "
					  "pg_get_userbyid(nspowner) = 'app'"),
			 1);
}

static void wipe(struct base *b, bool pieces)
{
	struct wipe_way way;
	struct err err = {0};
	/* The role may not create databases, so that nobody outside is asked. */
	assert_int_equal(wipe_way_find(NULL, b->app, &way, &err), 0);
	assert_string_equal(err.text, "");
	assert_false(way.whole);
	assert_string_equal(way.cannot, "");
	assert_int_equal(way.piece > 0, pieces);
	int rc = wipe_schemas_go(NULL, b->app, &way, &err);
	assert_string_equal(err.text, "");
	assert_int_equal(rc, 0);
	wipe_way_done(&way);
}

static void some_tables(void **state)
{
	struct base *b = *state;
	if (!b->cluster.up)
		skip();
	fill(b, 1);
	wipe(b, false);
	empty(b);
}

static void more_than_locks(void **state)
{
	struct base *b = *state;
	struct wipe_way way;
	struct err err = {0};
	if (!b->cluster.up)
		skip();
	fill(b, 300);
	/* At once it does not go, and nothing is lost by trying. */
	assert_int_equal(wipe_way_find(NULL, b->app, &way, &err), 0);
	way.piece = 0;
	assert_int_equal(wipe_schemas_go(NULL, b->app, &way, &err), -1);
	assert_non_null(text_find(err.text, "nothing was wiped"));
	wipe_way_done(&way);
	must(b->app, "ROLLBACK");
	assert_int_equal(number(b->super, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), 300);
	wipe(b, true);
	empty(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(some_tables),
	    cmocka_unit_test(more_than_locks),
	};
	return cmocka_run_group_tests(tests, base_up, base_down);
}
