/* A small shop on both sides; see the header. */
#include "tests/copy/shop.h"
#include "core/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const char tables[] =
    "CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE TABLE places (id int PRIMARY KEY, name text UNIQUE); "
    "CREATE TABLE orders (id bigserial PRIMARY KEY, place int REFERENCES places ON DELETE CASCADE, total "
    "numeric, how "
    "mood DEFAULT 'good'); CREATE TABLE log (at timestamptz, line text); "
    "INSERT INTO places SELECT n, 'place ' || n FROM generate_series(1, 50) n; "
    "INSERT INTO orders (place, total) SELECT n % 50 + 1, n / 7.0 FROM generate_series(1, 20000) n; "
    "INSERT INTO log SELECT now(), 'line ' || n FROM generate_series(1, 100) n";

void shop_must(struct pg *pg, const char *sql)
{
	struct err err = {0};
	pg_exec(pg, &err, "%s", sql);
	assert_string_equal(err.text, "");
}

void shop_must_on(struct pg *pg, const char *sql, const char *table)
{
	const char *at = strstr(sql, "%s");
	char whole[300];
	assert_non_null(at);
	snprintf(whole, sizeof whole, "%.*s%s%s", (int)(at - sql), sql, table, at + 2);
	shop_must(pg, whole);
}

struct shop shop_open(const struct pair *pair, const char *database)
{
	struct shop s = {.pair = pair};
	if (!pair->up)
		skip();
	text_copy(s.database, sizeof s.database, database);
	for (int side = 0; side < 2; side++) {
		struct pg *pg = pair_open(pair, side, "postgres");
		assert_int_equal(pg_exec(pg, NULL, "CREATE DATABASE %s", database), 0);
		pg_close(pg);
	}
	s.old_pg = pair_open(pair, PAIR_OLD, database);
	s.new_pg = pair_open(pair, PAIR_NEW, database);
	shop_must(s.old_pg, "SET search_path = public");
	shop_must(s.new_pg, "SET search_path = public");
	shop_must(s.old_pg, tables);
	pair_schema(pair, database);
	return s;
}

void shop_close(struct shop *s)
{
	pg_close(s->old_pg);
	pg_close(s->new_pg);
}

int shop_run(struct shop *s, bool last, struct copy_delta *out, struct err *err)
{
	struct copy_delta_options options = {.lanes = 2, .last = last, .stop_fd = -1};
	char url[2][160];
	*err = (struct err){0};
	for (int side = 0; side < 2; side++)
		pair_url(s->pair, side, s->database, url[side], sizeof url[side]);
	/* Not pair_open(): in a child nothing may be asserted. */
	struct pg *source = pg_open(NULL, "OLD", url[PAIR_OLD], PG_LOOK, err);
	struct pg *target = source ? pg_open(NULL, "NEW", url[PAIR_NEW], PG_ACT, err) : NULL;
	int rc = target ? copy_delta_run(source, target, &options, out, err) : -1;
	pg_close(source);
	pg_close(target);
	return rc;
}

struct copy_delta shop_delta(struct shop *s, bool last)
{
	struct copy_delta out;
	struct err err;
	shop_run(s, last, &out, &err);
	assert_string_equal(err.text, "");
	return out;
}

void shop_refused(struct shop *s, const char *has)
{
	struct copy_delta out;
	struct err err;
	assert_int_equal(shop_run(s, true, &out, &err), -1);
	if (!strstr(err.text, has))
		fail_msg("expected \"%s\" in \"%s\"", has, err.text);
	assert_int_equal(out.changed + out.removed, 0);
}
