/* Two servers held side by side: what is the same must be equal whatever the servers are like, and what is
 * not must never be. */
#include "core/base/text.h"
#include "core/copy/compare.h"
#include "core/copy/hash.h"
#include "core/links/postgres.h"
#include "tests/unit/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct pair {
	struct cluster clusters[2];
	struct pg *pg[2];
};

/* The same values by two roads: other order of columns, other ids of types, other schemas of extensions,
 * other partitions, other collation. */
static const char old_things[] =
    "CREATE SCHEMA heroku_ext; CREATE EXTENSION citext SCHEMA heroku_ext; CREATE EXTENSION hstore SCHEMA "
    "heroku_ext; "
    "SET search_path = public, heroku_ext; "
    "CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TYPE place AS (city text, zip int, at timestamptz); "
    "CREATE DOMAIN price AS numeric(12,2) CHECK (VALUE >= -1000000); CREATE DOMAIN title AS text; "
    "CREATE TABLE things (id bigint PRIMARY KEY, gone int, s smallint, i int, b boolean, t text, v "
    "varchar(20), c "
    "char(8), m mood, e citext, n numeric, p price, d title, f4 real, f8 double precision, j jsonb, js json, "
    "x bytea, "
    "u uuid, ts timestamp, tz timestamptz, da date, ti time, iv interval, ip inet, pl place, ta text[], na "
    "numeric[], ma mood[], h hstore, r int4range, mo money, ge int GENERATED ALWAYS AS (i / 2) STORED); "
    "ALTER TABLE things DROP COLUMN gone; ";
static const char new_things[] =
    "CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE TYPE unused AS ENUM ('x', 'y', 'z'); "
    "SET search_path = public; "
    "CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TYPE place AS (city text, zip int, at timestamptz); "
    "CREATE DOMAIN price AS numeric(12,2); CREATE DOMAIN title AS text; "
    "CREATE TABLE things (ge int GENERATED ALWAYS AS (i / 2) STORED, mo money, r int4range, h hstore, ma "
    "mood[], na "
    "numeric[], ta text[], pl place, ip inet, iv interval, ti time, da date, tz timestamptz, ts timestamp, u "
    "uuid, x "
    "bytea, js json, j jsonb, f8 double precision, f4 real, d title, p price, n numeric, e citext, m mood, c "
    "char(8), "
    "v varchar(20), t text COLLATE \"C\", b boolean, i int, s smallint, id bigint PRIMARY KEY); ";
static const char fill[] =
    "SET TimeZone = 'UTC'; "
    "INSERT INTO things (id, s, i, b, t, v, c, m, e, n, p, d, f4, f8, j, js, x, u, ts, tz, da, ti, iv, ip, "
    "pl, ta, na, "
    "ma, h, r, mo) VALUES "
    "(1, -7, 42, true, E'grüße\\n\\t\"x\"\\\\', '', 'ab', 'sad', 'MiXed', 1.00, -5.00, 'läufer', 0.1, '-0', "
    "'{\"a\": 1.0, \"b\": [null, \"\\u00e9\"]}', '{ \"b\":1,  \"a\":2 }', '\\x00ff10', "
    "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2024-02-29 23:59:59.999999', '2024-06-01 12:00+02', "
    "'2024-02-29', "
    "'23:59:59.5', '1 mon', '10.1.2.3/8', '(\"Bad, \"\"Ort\"\"\",12345,\"2024-01-01 00:00+00\")', "
    "'{a,NULL,\"b,c\",\"\"}', '{1.0,NaN}', '{sad,NULL,glad}', 'k=>v, z=>NULL', '[1,5)', '12.34'), "
    "(2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'NaN', NULL, NULL, 'NaN', 'Infinity', NULL, NULL, "
    "NULL, NULL, "
    "'infinity', '-infinity', 'infinity', NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, 'empty', NULL), "
    "(-9223372036854775808, 32767, -2147483648, false, '', 'v', '', 'glad', '', 1e131, 0, '', '1e-40', "
    "'1e300', "
    "'[]', 'null', '', '00000000-0000-0000-0000-000000000000', '0001-01-01', '4714-11-24 00:00+00 BC', "
    "'0001-01-01', "
    "'00:00', '-3 days 04:05:06.789', '::1', ROW(NULL, NULL, NULL), NULL, '{{1,2},{3,4}}', '{}', '', '(,)', "
    "'-0.01')";
static const char old_rest[] =
    "CREATE TABLE parts (id int, at date, note text) PARTITION BY RANGE (at); "
    "CREATE TABLE parts_a PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01'); "
    "CREATE TABLE parts_b PARTITION OF parts DEFAULT; CREATE TABLE bare (); INSERT INTO bare DEFAULT VALUES; "
    "CREATE TABLE none (id int) PARTITION BY LIST (id); CREATE TABLE \"odd \"\"ta\\ble\" (\"co,l\"\"\" int, "
    "\"select\" "
    "text); INSERT INTO \"odd \"\"ta\\ble\" VALUES (1, 'x'); ";
static const char new_rest[] = "CREATE TABLE parts (note text, id int, at date) PARTITION BY LIST (id); "
			       "CREATE TABLE parts_a PARTITION OF parts FOR VALUES IN (1, 2, 3); CREATE "
			       "TABLE parts_b (at date, id int, note "
			       "text); "
			       "ALTER TABLE parts ATTACH PARTITION parts_b DEFAULT; CREATE TABLE bare (); "
			       "INSERT INTO bare DEFAULT VALUES; "
			       "CREATE TABLE none (id int) PARTITION BY LIST (id); CREATE TABLE \"odd "
			       "\"\"ta\\ble\" (\"select\" text, \"co,l\"\"\" "
			       "int); INSERT INTO \"odd \"\"ta\\ble\" VALUES ('x', 1); ";
static const char both_rest[] =
    "INSERT INTO parts (id, at, note) SELECT i, date '2023-06-01' + i, 'n' || i FROM generate_series(1, 500) "
    "i; "
    /* One row a page, so that it is read in ranges. */
    "CREATE TABLE wide (id int, t text) WITH (fillfactor = 10); "
    "INSERT INTO wide SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, 9000) i";

static void must(struct pg *pg, const char *sql)
{
	struct err err = {0};
	struct pg_result *r = pg_query(pg, sql, NULL, &err);
	assert_string_equal(err.text, "");
	pg_result_free(r);
}

static int pair_up(void **state)
{
	struct pair *p = calloc(1, sizeof *p);
	char bin[160];
	struct err err = {0};
	*state = p;
	cluster_start(&p->clusters[0], NULL, "");
	cluster_other_bin(&p->clusters[0], bin, sizeof bin);
	if (!p->clusters[0].up)
		return 0;
	cluster_start(&p->clusters[1], bin,
		      "-c datestyle=German -c intervalstyle=sql_standard -c extra_float_digits=-3 -c "
		      "bytea_output=escape -c timezone=Asia/Kolkata -c xmloption=document -c "
		      "default_toast_compression=pglz");
	for (int i = 0; i < 2; i++)
		p->pg[i] = pg_open(NULL, i ? "NEW" : "OLD", p->clusters[i].url, PG_ACT, &err);
	assert_string_equal(err.text, "");
	must(p->pg[0], old_things);
	must(p->pg[1], new_things);
	must(p->pg[0], old_rest);
	must(p->pg[1], new_rest);
	for (int i = 0; i < 2; i++) {
		must(p->pg[i], fill);
		must(p->pg[i], both_rest);
		must(p->pg[i], "SET search_path = pg_catalog");
	}
	return 0;
}

static int pair_down(void **state)
{
	struct pair *p = *state;
	for (int i = 0; i < 2; i++) {
		pg_close(p->pg[i]);
		cluster_stop(&p->clusters[i]);
	}
	free(p);
	return 0;
}

static struct copy_compared compare(const struct pair *p, size_t lanes)
{
	struct err err = {0};
	struct copy_compared out;
	const struct copy_compare_options options = {.content = true, .lanes = lanes};
	if (!p->clusters[0].up)
		skip();
	assert_int_equal(copy_compare_run(p->pg[0], p->pg[1], &options, &out, &err), 0);
	assert_string_equal(err.text, "");
	return out;
}

static void same(void **state)
{
	const struct pair *p = *state;
	for (size_t lanes = 1; lanes <= 8; lanes += 7) {
		struct copy_compared c = compare(p, lanes);
		for (size_t i = 0; i < c.n; i++) {
			const struct copy_compared_table *t = &c.list[i];
			if (!copy_table_equal(&c, t))
				fail_msg("%s: %s %lld %s %lld %s %s %s", t->label, t->columns,
					 (long long)t->side[0].rows, t->side[0].hash,
					 (long long)t->side[1].rows, t->side[1].hash, t->side[0].why,
					 t->side[1].why);
		}
		assert_int_equal(c.n, 6);
		assert_true(c.content && c.one_moment[0] && c.one_moment[1]);
		assert_int_equal(copy_compared_find(&c, "wide")->side[0].rows, 9000);
		assert_int_equal(copy_compared_find(&c, "parts")->side[1].rows, 500);
		assert_int_equal(copy_compared_find(&c, "bare")->side[1].rows, 1);
		assert_int_equal(copy_compared_find(&c, "none")->side[1].rows, 0);
		assert_string_equal(copy_compared_find(&c, "wide")->columns, "");
		copy_compared_done(&c);
	}
}

/* One cell changed on NEW, seen, and put back. */
static void every_change(void **state)
{
	static const char *const changes[] = {
	    "s = 7",
	    "i = i + 1",
	    "b = NULL",
	    "b = false",
	    "t = t || ' '",
	    "v = NULL",
	    "m = 'glad'",
	    "e = 'mixed'",
	    "n = 1.0",
	    "n = -1.00",
	    "p = 5.00",
	    "d = 'laufer'",
	    "f4 = '0.10000001'",
	    "f8 = 0",
	    "j = '{\"a\": -1.0, \"b\": [null, \"\\u00e9\"]}'",
	    "j = '{\"a\": 1.00, \"b\": [null, \"\\u00e9\"]}'",
	    "js = '{\"b\":1,\"a\":2}'",
	    "x = '\\x00ff11'",
	    "u = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12'",
	    "ts = ts + interval '1 us'",
	    "tz = tz + interval '1 s'",
	    "da = da + 1",
	    "ti = '23:59:59.51'",
	    "iv = '30 days'",
	    "ip = '10.1.2.3/9'",
	    "pl = ROW('Bad, \"Ort\"', 12345, '2024-01-01 00:00:01+00')::public.place",
	    "ta = '{a,\"NULL\",\"b,c\",\"\"}'",
	    "na = '{1.00,NaN}'",
	    "ma = '{sad,glad,NULL}'",
	    "h = 'k=>v, z=>\"NULL\"'",
	    "r = '[1,6)'",
	    "mo = '12.35'",
	    /* Two columns of one type that change places. */
	    "t = d, d = t",
	    /* Nothing and an empty text. */
	    "v = NULL, t = ''",
	};
	const struct pair *p = *state;
	if (!p->clusters[0].up)
		skip();
	must(p->pg[1], "SET search_path = public; CREATE TABLE kept AS SELECT * FROM things; SET search_path "
		       "= pg_catalog");
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		char sql[400];
		snprintf(sql, sizeof sql,
			 "SET search_path = public; UPDATE things SET %s WHERE id = 1; SET search_path = "
			 "pg_catalog",
			 changes[i]);
		must(p->pg[1], sql);
		struct copy_compared c = compare(p, 2);
		const struct copy_compared_table *t = copy_compared_find(&c, "things");
		if (text_equal(t->side[0].hash, t->side[1].hash))
			fail_msg("not seen: %s", changes[i]);
		copy_compared_done(&c);
		must(p->pg[1], "SET search_path = public; DELETE FROM things WHERE id = 1; INSERT INTO "
			       "things (id, s, i, b, t, v, c, m, e, n, p, d, f4, f8, j, js, x, u, "
			       "ts, tz, da, ti, iv, ip, pl, ta, na, ma, h, r, mo) SELECT id, s, i, b, t, v, "
			       "c, m, e, n, p, d, f4, f8, "
			       "j, js, x, u, ts, tz, da, ti, iv, ip, pl, ta, na, ma, h, r, mo FROM kept "
			       "WHERE id = 1; SET search_path "
			       "= pg_catalog");
	}
	must(p->pg[1], "DROP TABLE public.kept");
	same(state);
}

static void rows_that_differ(void **state)
{
	const struct pair *p = *state;
	if (!p->clusters[0].up)
		skip();
	/* As many rows, and one value given to another row. */
	must(p->pg[1],
	     "UPDATE public.wide SET t = (SELECT t FROM public.wide WHERE id = 8500) WHERE id = 8501; "
	     "DELETE FROM public.parts WHERE id = 77; CREATE TABLE public.extra (id int); CREATE TABLE "
	     "public.narrow (id int)");
	must(p->pg[0],
	     "CREATE TABLE public.lost (id int); INSERT INTO public.lost VALUES (1), (2); CREATE TABLE "
	     "public.narrow (id int, more text)");
	struct copy_compared c = compare(p, 3);
	assert_false(copy_all_equal(&c));
	assert_int_equal(c.missing, 1);
	assert_int_equal(c.extra, 1);
	assert_int_equal(c.differ, 3);
	assert_int_equal(copy_compared_find(&c, "lost")->side[0].rows, 2);
	assert_int_equal(copy_compared_find(&c, "lost")->side[1].rows, -1);
	assert_int_equal(copy_compared_find(&c, "extra")->side[0].rows, -1);
	assert_string_equal(copy_compared_find(&c, "narrow")->columns, "NEW lacks the column more");
	const struct copy_compared_table *wide = copy_compared_find(&c, "wide");
	assert_int_equal(wide->side[0].rows, wide->side[1].rows);
	assert_string_not_equal(wide->side[0].hash, wide->side[1].hash);
	copy_compared_done(&c);
	must(p->pg[1],
	     "UPDATE public.wide SET t = repeat(md5('8501'), 20) WHERE id = 8501; INSERT INTO public.parts "
	     "(id, at, "
	     "note) VALUES (77, date '2023-06-01' + 77, 'n77'); DROP TABLE public.extra, public.narrow");
	must(p->pg[0], "DROP TABLE public.lost, public.narrow");
	same(state);
}

/* One table among many small ones cannot be read: it alone stays unknown, and unknown is not equal. */
static void one_unread(void **state)
{
	const struct pair *p = *state;
	struct err err = {0};
	if (!p->clusters[0].up)
		skip();
	for (int i = 0; i < 2; i++)
		must(p->pg[i], "CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO "
			       "reader; GRANT USAGE ON "
			       "SCHEMA public TO reader");
	must(p->pg[0],
	     "ALTER TABLE public.bare ENABLE ROW LEVEL SECURITY; CREATE POLICY hidden ON public.bare "
	     "USING (false)");
	char url[200];
	snprintf(url, sizeof url, "postgres://reader@127.0.0.1:%d/postgres", p->clusters[0].port);
	struct pg *reader = pg_open(NULL, "OLD", url, PG_LOOK, &err);
	assert_non_null(reader);
	struct copy_compared c;
	const struct copy_compare_options options = {.content = true};
	assert_int_equal(copy_compare_run(reader, p->pg[1], &options, &c, &err), 0);
	assert_int_equal(c.unknown, 1);
	assert_int_equal(copy_compared_find(&c, "bare")->side[0].rows, -2);
	assert_string_not_equal(copy_compared_find(&c, "bare")->side[0].why, "");
	assert_int_equal(copy_compared_find(&c, "parts")->side[0].rows, 500);
	assert_false(copy_all_equal(&c));
	copy_compared_done(&c);
	pg_close(reader);
	must(p->pg[0],
	     "ALTER TABLE public.bare DISABLE ROW LEVEL SECURITY; DROP POLICY hidden ON public.bare");
}

struct mover {
	struct pg *writer;
	bool moved;
};

static void move_once(void *ctx, const struct copy_compare_progress *progress)
{
	struct mover *m = ctx;
	(void)progress;
	if (m->moved)
		return;
	m->moved = true;
	must(m->writer, "UPDATE public.wide SET t = 'late'; DELETE FROM public.parts WHERE id > 490");
}

/* Each side is read as of one moment, whatever is written meanwhile. */
static void one_moment(void **state)
{
	struct pair *p = *state;
	struct err err = {0};
	struct copy_compared c;
	if (!p->clusters[0].up)
		skip();
	struct mover m = {.writer = pg_open(NULL, "OLD", p->clusters[0].url, PG_ACT, &err)};
	const struct copy_compare_options options = {
	    .content = true, .lanes = 1, .progress = move_once, .ctx = &m};
	assert_int_equal(copy_compare_run(p->pg[0], p->pg[1], &options, &c, &err), 0);
	assert_true(m.moved);
	assert_int_equal(copy_compared_find(&c, "parts")->side[0].rows, 500);
	assert_string_equal(copy_compared_find(&c, "wide")->side[0].hash,
			    copy_compared_find(&c, "wide")->side[1].hash);
	copy_compared_done(&c);
	c = compare(p, 2);
	assert_false(copy_all_equal(&c));
	assert_int_equal(copy_compared_find(&c, "parts")->side[0].rows, 490);
	copy_compared_done(&c);
	pg_close(m.writer);
}

static void sums(void **state)
{
	(void)state;
	assert_true(copy_hash_add(5, "-6") == UINT64_MAX);
	assert_true(copy_hash_add(copy_hash_add(0, "92233720368547758080000"), "-92233720368547758080000") ==
		    0);
	/* 2^64 + 3 */
	assert_true(copy_hash_add(0, "18446744073709551619") == 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sums),         cmocka_unit_test(same),
	    cmocka_unit_test(every_change), cmocka_unit_test(rows_that_differ),
	    cmocka_unit_test(one_unread),   cmocka_unit_test(one_moment),
	};
	return cmocka_run_group_tests(tests, pair_up, pair_down);
}
