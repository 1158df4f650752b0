/* A warm copy that is killed, and gone on with from what stands on NEW: wherever it died, and whatever OLD
 * did meanwhile, both sides give the same dump in the end, with every index, key and trigger. What cannot be
 * kept is refused. */
#include "tests/copy/resume.h"
#include "tests/copy/deaths.h"
#include "core/base/text.h"
#include "core/copy/delta.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Of all that a copy has to bring: pieces of a large table, keys between tables, what stands behind them in
 * the script, and tables without a key. */
static const char shop[] =
    "CREATE EXTENSION citext; CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE big (id int PRIMARY KEY, "
    "t "
    "text, n numeric, m mood DEFAULT 'ok'); INSERT INTO big SELECT i, repeat(md5(i::text), 8), i / 3.0 FROM "
    "generate_series(1, 12000) i; CREATE INDEX big_t ON big (left(t, 20)); CREATE UNIQUE INDEX big_n ON big "
    "(n); ALTER TABLE big CLUSTER ON big_n; CREATE TABLE orders (id bigserial PRIMARY KEY, big int NOT NULL "
    "REFERENCES big, name citext UNIQUE, at timestamptz DEFAULT now()); INSERT INTO orders (big, name) "
    "SELECT "
    "i, 'o' || i FROM generate_series(1, 3000) i; CREATE TABLE lines (id int, orders bigint REFERENCES "
    "orders "
    "ON DELETE CASCADE, t text); INSERT INTO lines SELECT i, i, 'l' FROM generate_series(1, 3000) i; CREATE "
    "INDEX ON lines (orders); ALTER TABLE lines ADD CHECK (id > 0); CREATE UNLOGGED TABLE fleeting (id int "
    "PRIMARY KEY); INSERT INTO fleeting SELECT generate_series(1, 50); CREATE TABLE parted (id int, t text, "
    "PRIMARY KEY (id)) PARTITION BY HASH (id); CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH "
    "(MODULUS 2, REMAINDER 0); CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, "
    "REMAINDER "
    "1); CREATE INDEX ON parted (t); INSERT INTO parted SELECT i, 'p' FROM generate_series(1, 500) i; CREATE "
    "FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.t := 'trigger'; RETURN NEW; END$$; CREATE "
    "TRIGGER t BEFORE INSERT OR UPDATE ON lines FOR EACH ROW EXECUTE FUNCTION f(); CREATE MATERIALIZED VIEW "
    "seen AS SELECT count(*) FROM orders; CREATE TABLE \"strange \"\"name; --\" (\"a b\" int PRIMARY KEY, t "
    "text); INSERT INTO \"strange \"\"name; --\" SELECT i, 'x' FROM generate_series(1, 9) i; CREATE INDEX "
    "\"odd \"\" index\" ON \"strange \"\"name; --\" (t); DO $$BEGIN FOR i IN 1..40 LOOP EXECUTE "
    "format('CREATE TABLE small_%s (id int PRIMARY KEY, t text); INSERT INTO small_%s SELECT g, g FROM "
    "generate_series(1, %s) g', i, i, i); END LOOP; END$$; SELECT lo_from_bytea(4711, 'first'), "
    "lo_from_bytea(4712, 'gone'); COMMENT ON TABLE big IS 'large'; ANALYZE";

/* As an app works on, large objects and sequences included. */
static const char life[] =
    "UPDATE big SET n = -n WHERE id % 9 = 0; DELETE FROM lines WHERE id % 50 = 7; DELETE FROM orders WHERE "
    "id "
    "% 50 = 8; INSERT INTO orders (big, name) SELECT id, 'late' || id || clock_timestamp() FROM big LIMIT "
    "30; "
    "UPDATE small_7 SET t = t || '!'; TRUNCATE small_9; INSERT INTO small_12 SELECT g, 'new' FROM "
    "generate_series(100, 140) g ON CONFLICT DO NOTHING; DELETE FROM small_40 WHERE id = 3; UPDATE parted "
    "SET "
    "t = t || 'x' WHERE id % 3 = 0; INSERT INTO fleeting SELECT max(id) + 1 FROM fleeting; SELECT "
    "lo_put(4711, 0, 'FIRST and more'), lo_from_bytea(0, 'new'); SELECT lo_unlink(oid) FROM "
    "pg_largeobject_metadata WHERE oid = 4712";

static void must(struct pg *pg, const char *sql)
{
	struct err err = {0};
	pg_exec(pg, &err, "%s", sql);
	assert_string_equal(err.text, "");
}

static void on(const struct pair *pair, int side, const char *database, const char *sql)
{
	struct pg *pg = pair_open(pair, side, database);
	must(pg, "SET search_path = public");
	must(pg, sql);
	pg_close(pg);
}

static void make(const struct pair *pair, const char *database)
{
	if (!pair->up)
		skip();
	for (int side = 0; side < 2; side++) {
		struct pg *pg = pair_open(pair, side, "postgres");
		assert_int_equal(pg_exec(pg, NULL, "CREATE DATABASE %s", database), 0);
		pg_close(pg);
	}
	on(pair, PAIR_OLD, database, shop);
}

/* Definitions, too. Rows stand where they were written, and the state of the copy is no difference. */
static void all_equal(const struct pair *pair, const char *database, const char *when)
{
	for (int side = 0; side < 2; side++) {
		char url[160];
		pair_url(pair, side, database, url, sizeof url);
		assert_int_equal(
		    pair_shell("%s/pg_dump --exclude-schema=nightferry '%s' | grep -v -e '^--' -e "
			       "'^.restrict' -e '^.unrestrict' | LC_ALL=C sort >%s/dump%d",
			       pair->bin, url, pair->dir, side),
		    0);
	}
	if (pair_shell("diff %s/dump0 %s/dump1 >%s/diff", pair->dir, pair->dir, pair->dir) != 0) {
		pair_shell("head -n 20 %s/diff | cut -c 1-200 >&2", pair->dir);
		fail_msg("%s: the two databases differ", when);
	}
}

static void finish(const struct pair *pair, const char *database, struct deaths *d, const char *when)
{
	struct warm_left left = deaths_left(pair, database);
	if (deaths_too_late(pair, database))
		return;
	if (!left.goes_on && *left.token)
		deaths_empty(pair, database);
	if (deaths_attempt(pair, database, left.goes_on, 0, d) < 0)
		fail_msg("%s: %s", when, d->said);
}

/* Dies at a line, and with `again` once more in the attempt that goes on. */
static bool one_death(const struct pair *pair, struct deaths d, size_t die_at, size_t again)
{
	char when[80];
	snprintf(when, sizeof when, "killed at line %zu and %zu", die_at, again);
	deaths_attempt(pair, "dies", false, die_at, &d);
	/* On a busy machine it may have come to its end before it was killed. */
	bool late = deaths_too_late(pair, "dies");
	on(pair, PAIR_OLD, "dies", life);
	struct warm_left left = deaths_left(pair, "dies");
	if (again && left.goes_on) {
		deaths_attempt(pair, "dies", true, again, &d);
		assert_string_equal(d.said, "");
		on(pair, PAIR_OLD, "dies", life);
	}
	finish(pair, "dies", &d, when);
	/* Where all rows were there they are older than what OLD did since: that is the delta's. */
	struct copy_delta out;
	struct err err = {0};
	struct pg *source = pair_open(pair, PAIR_OLD, "dies"), *target = pair_open(pair, PAIR_NEW, "dies");
	copy_delta_run(source, target, &(struct copy_delta_options){.lanes = 1, .last = true, .stop_fd = -1},
		       &out, &err);
	assert_string_equal(err.text, "");
	pg_close(source);
	pg_close(target);
	all_equal(pair, "dies", when);
	deaths_empty(pair, "dies");
	return late || d.resumed > 0;
}

void killed_and_gone_on_with(void **state)
{
	const struct pair *pair = *state;
	struct deaths whole = {0};
	const char *given = getenv("RESUME_DEATHS");
	make(pair, "dies");
	if (!given) {
		/* Some tables are in; all are. */
		assert_true(one_death(pair, (struct deaths){.in_most = 3}, 0, 3));
		assert_true(one_death(pair, (struct deaths){.at_release = true}, 0, 0));
		return;
	}
	assert_int_equal(deaths_attempt(pair, "dies", false, 0, &whole), 0);
	all_equal(pair, "dies", "never killed");
	deaths_empty(pair, "dies");
	size_t n = strtoull(given, NULL, 10), step = n ? whole.lines / n + 1 : 1, resumed = 0, tried = 0;
	for (size_t at = 1; at < whole.lines; at += step, tried++)
		resumed += one_death(pair, (struct deaths){0}, at, at % 2 ? at : 0);
	print_message("%zu deaths in %zu lines, %zu gone on with\n", tried, whole.lines, resumed);
	assert_true(resumed > tried / 3);
}

/* A table that NEW takes only while a file is there: not all rows can be in before it is. */
static const char gate_sql[] =
    "CREATE FUNCTION pass(i int) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN WHILE (SELECT size FROM "
    "pg_catalog.pg_stat_file('%s', true)) IS NULL LOOP PERFORM pg_catalog.pg_sleep(0.02); END LOOP; RETURN "
    "true; "
    "END$$; CREATE TABLE guarded (i int CHECK (pass(i))); INSERT INTO guarded VALUES (1)";

static void die_at_the_gate(const struct pair *pair, const char *gate, struct deaths *d)
{
	assert_int_equal(pair_shell("rm -f %s", gate), 0);
	d->in_most = 5;
	assert_int_equal(deaths_attempt(pair, "kept", false, 0, d), -1);
	assert_int_equal(pair_shell("touch %s", gate), 0);
}

static void expect_no_way(const struct pair *pair, const char *why)
{
	struct warm_left left = deaths_left(pair, "kept");
	if (left.goes_on || !strstr(left.why, why))
		fail_msg("expected \"%s\", got \"%s\"", why, left.why);
}

static void expect_said(const struct pair *pair, struct deaths *d, const char *words)
{
	assert_int_equal(deaths_attempt(pair, "kept", true, 0, d), -1);
	if (!strstr(d->said, words))
		fail_msg("expected \"%s\", got \"%s\"", words, d->said);
}

void what_cannot_be_kept(void **state)
{
	const struct pair *pair = *state;
	struct deaths d = {0};
	struct copy_delta out;
	struct err err = {0};
	char name[200], sql[1000], gate[100];
	make(pair, "kept");
	snprintf(gate, sizeof gate, "%s/open", pair->dir);
	snprintf(sql, sizeof sql, gate_sql, gate);
	assert_int_equal(pair_shell("touch %s", gate), 0);
	on(pair, PAIR_OLD, "kept", sql);
	die_at_the_gate(pair, gate, &d);
	struct warm_left left = deaths_left(pair, "kept");
	assert_true(left.goes_on && left.kept > 0 && left.kept < left.tables && !left.rows_in);

	/* A delta does not take it for whole. */
	struct pg *old_pg = pair_open(pair, PAIR_OLD, "kept"), *new_pg = pair_open(pair, PAIR_NEW, "kept");
	assert_int_equal(copy_delta_look(old_pg, new_pg, NULL, &out, &err), -1);
	assert_non_null(strstr(err.text, "is not whole"));
	pg_close(old_pg);

	on(pair, PAIR_OLD, "kept", "ALTER TABLE big ADD extra int");
	on(pair, PAIR_OLD, "kept", "ALTER TYPE mood ADD VALUE 'glad'");
	expect_no_way(pair, "a type was changed on OLD");
	must(new_pg, "CREATE TABLE nightferry.was AS SELECT * FROM nightferry.warm_table; UPDATE "
		     "nightferry.warm_table SET boundary = boundary - 2147483648");
	expect_no_way(pair, "more than its 32-bit row marks can tell apart");
	must(new_pg, "UPDATE nightferry.warm_table SET boundary = boundary + 2147483648; UPDATE "
		     "nightferry.warm_source SET database = database + 1");
	expect_no_way(pair, "OLD's database is another one");
	deaths_empty(pair, "kept");
	pg_close(new_pg);

	/* Each table by its own definition, and all others by the script's. */
	on(pair, PAIR_OLD, "kept", "ALTER TABLE big DROP extra");
	die_at_the_gate(pair, gate, &d);
	new_pg = pair_open(pair, PAIR_NEW, "kept");
	pg_value(new_pg, "SELECT format('%I.%I', schema_name, table_name) FROM nightferry.warm_table LIMIT 1",
		 NULL, name, sizeof name, &err);
	snprintf(sql, sizeof sql, "ALTER TABLE %s ADD extra int", name);
	on(pair, PAIR_OLD, "kept", sql);
	expect_no_way(pair, "was changed on OLD since");
	snprintf(sql, sizeof sql, "ALTER TABLE %s DROP extra", name);
	on(pair, PAIR_OLD, "kept", sql);
	assert_true(deaths_left(pair, "kept").goes_on);

	/* Somebody else's row: the table is not ours to write over. */
	snprintf(sql, sizeof sql,
		 "CREATE TABLE public.kept_row AS SELECT * FROM %s LIMIT 1; DELETE FROM %s WHERE "
		 "ctid = (SELECT min(ctid) FROM %s); INSERT INTO %s SELECT * FROM kept_row; DROP TABLE "
		 "kept_row",
		 name, name, name, name);
	on(pair, PAIR_NEW, "kept", sql);
	expect_said(pair, &d, "Somebody else has written to");
	on(pair, PAIR_NEW, "kept", "UPDATE nightferry.unfinished_stream SET token = 'another'");
	expect_said(pair, &d, "no longer holds what the copy has left");
	on(pair, PAIR_NEW, "kept", "UPDATE nightferry.unfinished_stream SET token = 'test'");

	/* What no table tells of: once it is known, the next plan begins anew. */
	on(pair, PAIR_OLD, "kept", "CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1'");
	assert_true(deaths_left(pair, "kept").goes_on);
	expect_said(pair, &d, "OLD's definitions were changed since");
	assert_false(deaths_left(pair, "kept").goes_on);
	pg_close(new_pg);
	finish(pair, "kept", &d, "anew");
	all_equal(pair, "kept", "anew");
}
