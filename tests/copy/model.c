/* The tables of the model are of kinds; each kind says how to make one, and how a row of it looks. `%k` is
 * the key of number n, `%v` some value; both are SQL over a column n and random(). */
#include "tests/copy/model.h"
#include "core/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct key_type {
	const char *type, *of_n;
};
static const struct key_type key_types[] = {
    {"bigint", "n::bigint * 1000003 - 50000000"},
    {"integer", "n - 400"},
    {"smallint", "n::smallint"},
    {"text", "(ARRAY['', 'a b', E'tab\\t', E'line\\n', 'quo\"te', E'back\\\\slash', 'Straße', '{x,y}', "
	     "'NULL'])[n % 9 + 1] || n"},
    {"varchar(40)", "'v' || n"},
    {"char(12)", "'c' || n"},
    {"uuid", "md5(n::text)::uuid"},
    {"numeric", "(n / 7.0)::numeric(12, 3)"},
    {"timestamptz", "'2026-01-01 00:00:00.123456+00'::timestamptz + n * interval '1 hour 1 second'"},
    {"date", "'2026-01-01'::date + n::int"},
    {"bytea", "decode(md5(n::text), 'hex')"},
    {"citext", "(CASE WHEN random() < 0.5 THEN 'Key' ELSE 'KEY' END || n)::citext"},
    {"float8", "n / 3.0::float8"},
    {"inet", "'10.0.0.0'::inet + n::bigint"},
    {"int4range", "int4range(n::int * 2, n::int * 2 + 1)"},
};

struct model_kind {
	const char *name, *make; /* %t the table, %K its key's type */
	const char *columns, *row, *change, *new_key;
	bool any_key, parted;
};

#define VALUES                                                                                               \
	"n numeric, j jsonb, b bytea, a int[], ts timestamp, tz timestamptz, f float8, m mood, i interval, " \
	"x text"
#define VALUE_NAMES "n, j, b, a, ts, tz, f, m, i, x"
#define NUMERIC "CASE WHEN random() < 0.05 THEN 'NaN' ELSE (random() * 1000)::numeric(14, 4) END::numeric"
#define FLOAT                                                                                      \
	"(ARRAY['Infinity', '-Infinity', 'NaN', '-0', random()::text, '1e-300'])[1 + (random() * " \
	"5)::int]::float8"
#define TEXT                                                                                                   \
	"(ARRAY[NULL, '', E'\\\\N', E'\\\\.', E'a\\tb\\nc\\rd', 'Žluťoučký', repeat(md5(random()::text), " \
	"120)])[1 + "                                                                                          \
	"(random() * 6)::int]"
#define STAMP                                                                                         \
	"(ARRAY['infinity', '-infinity', '2026-03-29 02:30:00.5', '0044-03-15 BC'])[1 + (random() * " \
	"3)::int]"
#define SOME                                                                                              \
	NUMERIC ", jsonb_build_object('k', random(), 'l', ARRAY[1, 2]), decode(md5(random()::text), "     \
		"'hex'), ARRAY[1, NULL, "                                                                 \
		"(random() * 9)::int], " STAMP "::timestamp, " STAMP "::timestamptz, " FLOAT              \
		", (ARRAY['happy', 'so so', 'sad'])[1 + (random() * 2)::int]::mood, random() * interval " \
		"'40 days', " TEXT
#define CHANGE                                                                                               \
	"n = " NUMERIC ", x = " TEXT ", f = " FLOAT ", a = a || 7, j = j || '{\"more\": true}', tz = " STAMP \
	"::timestamptz"

static const struct model_kind kinds[] = {
    {.name = "keyed",
     .make = "CREATE TABLE %t (k %K PRIMARY KEY, " VALUES ")",
     .columns = "k, " VALUE_NAMES,
     .row = "%k, " SOME,
     .change = CHANGE,
     .new_key = "k = (SELECT %k FROM (SELECT %r::bigint AS n) z)",
     .any_key = true},
    {.name = "serial",
     .make = "CREATE TABLE %t (id bigserial PRIMARY KEY, " VALUES
	     ", twice numeric GENERATED ALWAYS AS (n * 2) STORED, u "
	     "int UNIQUE)",
     .columns = VALUE_NAMES ", u",
     .row = SOME ", n + 100000 * (1 + random() * 20)::int",
     .change = CHANGE ", u = u + 1",
     .new_key = "id = id + 10000000"},
    {.name = "ident",
     .make = "CREATE TABLE %t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, " VALUES "); "
	     "CREATE TRIGGER meddle BEFORE INSERT OR UPDATE ON %t FOR EACH ROW EXECUTE FUNCTION meddle(); "
	     "ALTER TABLE %t ENABLE ALWAYS TRIGGER meddle",
     .columns = VALUE_NAMES,
     .row = SOME,
     .change = CHANGE},
    {.name = "composite",
     .make = "CREATE TABLE %t (a1 %K, b1 text, " VALUES ", PRIMARY KEY (b1, a1))",
     .columns = "a1, b1, " VALUE_NAMES,
     .row = "%k, 'p' || (n % 5), " SOME,
     .change = CHANGE,
     .new_key = "b1 = b1 || 'x'",
     .any_key = true},
    {.name = "nokey",
     .make = "CREATE TABLE %t (q int, " VALUES ")",
     .columns = "q, " VALUE_NAMES,
     .row = "n % 7, " SOME,
     .change = CHANGE},
    {.name = "unique",
     .make = "CREATE TABLE %t (k %K NOT NULL, s int, " VALUES ", UNIQUE (k) DEFERRABLE INITIALLY "
	     "DEFERRED, UNIQUE (s) DEFERRABLE)",
     .columns = "k, s, " VALUE_NAMES,
     .row = "%k, (random() * 2000000000)::int",
     .change = "s = (random() * 2000000000)::int, " CHANGE,
     .new_key = "s = s + 1",
     .any_key = true},
    {.name = "ranged",
     .make = "CREATE TABLE %t (at int, id int, " VALUES
	     ", PRIMARY KEY (id, at)) PARTITION BY RANGE (at); CREATE TABLE "
	     "%t_a PARTITION OF %t FOR VALUES FROM (MINVALUE) TO (200); CREATE TABLE %t_b PARTITION OF %t "
	     "FOR VALUES FROM "
	     "(200) TO (500) PARTITION BY LIST (id); CREATE TABLE %t_b1 PARTITION OF %t_b FOR VALUES IN (1, "
	     "2, 3); CREATE "
	     "TABLE %t_b2 PARTITION OF %t_b DEFAULT; CREATE TABLE %t_d PARTITION OF %t DEFAULT",
     .columns = "at, id, " VALUE_NAMES,
     .row = "n, n % 11, " SOME,
     .change = CHANGE,
     .new_key = "at = at + 150",
     .parted = true},
    {.name = "child",
     .make = "CREATE TABLE %t_up (id int PRIMARY KEY, x text); INSERT INTO %t_up SELECT n, 'up' FROM "
	     "generate_series(0, "
	     "1000) n; CREATE TABLE %t (id bigserial PRIMARY KEY, up int REFERENCES %t_up ON DELETE CASCADE "
	     "ON UPDATE "
	     "CASCADE, " VALUES ")",
     .columns = "up, " VALUE_NAMES,
     .row = "n % 1000, " SOME,
     .change = CHANGE ", up = (up + 1) % 1000"},
    {.name = "heir",
     .make = "CREATE TABLE %t_base (k %K PRIMARY KEY, " VALUES "); CREATE TABLE %t (z int, PRIMARY KEY (k)) "
	     "INHERITS (%t_base)",
     .columns = "k, z, " VALUE_NAMES,
     .row = "%k, 1, " SOME,
     .change = CHANGE,
     .any_key = true},
    {.name = "unlogged",
     .make = "CREATE UNLOGGED TABLE %t (k %K PRIMARY KEY, " VALUES ")",
     .columns = "k, " VALUE_NAMES,
     .row = "%k, " SOME,
     .change = CHANGE,
     .any_key = true},
};
enum { KINDS = sizeof kinds / sizeof kinds[0], KEY_TYPES = sizeof key_types / sizeof key_types[0] };

uint64_t model_random(struct model *m, uint64_t below)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return (m->random >> 11) % below;
}

/* %t %K %k %r in a pattern. */
static void expand(struct model *m, struct buf *sql, const struct model_table *t, const char *pattern)
{
	const struct key_type *key = &key_types[t->key_type];
	for (const char *s = pattern; *s; s++) {
		if (*s == '%' && s[1] == 't')
			buf_adds(sql, t->name), s++;
		else if (*s == '%' && s[1] == 'K')
			buf_adds(sql, key->type), s++;
		else if (*s == '%' && s[1] == 'k')
			buf_adds(sql, key->of_n), s++;
		else if (*s == '%' && s[1] == 'r')
			buf_addf(sql, "%llu", (unsigned long long)model_random(m, 900)), s++;
		else
			buf_addc(sql, *s);
	}
}

/* ---- one statement ---- */

/* A session whose statement was refused has lost its transaction, as an app would have. */
static void run(struct model *m, size_t session, const char *sql)
{
	m->done++;
	if (pg_exec(m->sessions[session], NULL, "%s", sql) == 0)
		return;
	m->refused++;
	assert_true(pg_alive(m->sessions[session]));
	pg_exec(m->sessions[session], NULL, "ROLLBACK");
	m->open[session] = false;
}

static const char *some_rows(struct model *m)
{
	static const char *const shares[] = {"0.002", "0.01", "0.05", "0.3"};
	return shares[model_random(m, 4)];
}

static void insert(struct model *m, size_t session, const struct model_table *t, size_t rows)
{
	struct buf sql = {0};
	unsigned long long from = model_random(m, 900);
	buf_addf(&sql, "INSERT INTO %s (%s) SELECT ", t->name, t->kind->columns);
	expand(m, &sql, t, t->kind->row);
	if (text_equal(t->kind->name, "unique"))
		buf_adds(&sql, ", " SOME);
	buf_addf(&sql, " FROM generate_series(%llu, %llu) n", from, from + rows);
	/* Not where the keys are deferrable: those cannot arbitrate. */
	if (!text_equal(t->kind->name, "unique"))
		buf_adds(&sql, " ON CONFLICT DO NOTHING");
	run(m, session, buf_text(&sql));
	buf_done(&sql);
}

static void change(struct model *m, size_t session, const struct model_table *t)
{
	struct buf sql = {0};
	const char *where = some_rows(m);
	switch (model_random(m, 6)) {
	case 0:
	case 1:
	case 2:
		buf_addf(&sql, "UPDATE %s SET ", t->name);
		expand(m, &sql, t, t->kind->change);
		buf_addf(&sql, " WHERE random() < %s", where);
		break;
	case 3: buf_addf(&sql, "DELETE FROM %s WHERE random() < %s", t->name, where); break;
	case 4: buf_addf(&sql, "SELECT 1 FROM %s WHERE random() < %s FOR UPDATE", t->name, where); break;
	default:
		if (!t->kind->new_key)
			return;
		buf_addf(&sql, "UPDATE %s SET ", t->name);
		expand(m, &sql, t, t->kind->new_key);
		buf_addf(&sql, " WHERE random() < 0.01");
		break;
	}
	run(m, session, buf_text(&sql));
	buf_done(&sql);
}

static void transact(struct model *m, size_t session)
{
	char sql[120];
	if (!m->open[session]) {
		run(m, session, model_random(m, 3) ? "BEGIN" : "BEGIN ISOLATION LEVEL REPEATABLE READ");
		m->open[session] = true;
		return;
	}
	switch (model_random(m, 8)) {
	case 0:
	case 1: run(m, session, "SAVEPOINT s"); return;
	case 2: run(m, session, "SAVEPOINT s; SAVEPOINT t; RELEASE SAVEPOINT t"); return;
	case 3: run(m, session, "SAVEPOINT s; SAVEPOINT s; ROLLBACK TO SAVEPOINT s"); return;
	case 4: run(m, session, "ROLLBACK"); break;
	case 5:
		if (m->n_waiting == 8)
			return;
		snprintf(m->waiting[m->n_waiting], sizeof m->waiting[0], "%s_%d", m->database, m->prepared++);
		snprintf(sql, sizeof sql, "PREPARE TRANSACTION '%s'", m->waiting[m->n_waiting]);
		run(m, session, sql);
		m->n_waiting += m->open[session];
		break;
	default: run(m, session, "COMMIT"); break;
	}
	m->open[session] = false;
}

static void finish_prepared(struct model *m, size_t session)
{
	char sql[80];
	if (m->open[session] || !m->n_waiting)
		return;
	snprintf(sql, sizeof sql, "%s PREPARED '%s'", model_random(m, 3) ? "COMMIT" : "ROLLBACK",
		 m->waiting[--m->n_waiting]);
	run(m, session, sql);
}

static void tend(struct model *m, size_t session, const struct model_table *t)
{
	static const char *const ways[] = {
	    "VACUUM (FREEZE) %t",  "VACUUM %t",
	    "ANALYZE %t",          "VACUUM FULL %t",
	    "TRUNCATE %t CASCADE", "TRUNCATE %t CASCADE; INSERT INTO %t DEFAULT VALUES"};
	struct buf sql = {0};
	size_t way = model_random(m, 12);
	if (way > 5)
		way = 0;
	if (way < 4 && m->open[session])
		return;
	expand(m, &sql, t, ways[way]);
	run(m, session, buf_text(&sql));
	buf_done(&sql);
	/* TRUNCATE's lock keeps every reader out, and all sessions of the model are one process. */
	if (way >= 4 && m->open[session]) {
		run(m, session, model_random(m, 3) ? "COMMIT" : "ROLLBACK");
		m->open[session] = false;
	}
}

static void other(struct model *m, size_t session)
{
	char sql[200];
	unsigned n = (unsigned)model_random(m, 5000) + 1;
	switch (model_random(m, 5)) {
	case 0:
		snprintf(sql, sizeof sql, "SELECT setval('loose', %u, %s)", n, n % 2 ? "true" : "false");
		break;
	case 1:
		snprintf(sql, sizeof sql, "SELECT nextval('loose') FROM generate_series(1, %u)", n % 50);
		break;
	case 2:
		snprintf(sql, sizeof sql, "SELECT lo_from_bytea(0, repeat(md5('%u'), %u)::bytea)", n, n);
		break;
	case 3:
		snprintf(sql, sizeof sql,
			 "SELECT lo_put(oid, %u, 'changed'::bytea) FROM pg_largeobject_metadata WHERE "
			 "random() < 0.2",
			 n % 100);
		break;
	default:
		snprintf(sql, sizeof sql,
			 "SELECT lo_unlink(oid) FROM pg_largeobject_metadata WHERE random() < 0.1");
		break;
	}
	run(m, session, sql);
}

void model_work(struct model *m, size_t statements)
{
	for (size_t i = 0; i < statements; i++) {
		size_t session = model_random(m, MODEL_SESSIONS);
		const struct model_table *t = &m->tables[model_random(m, m->n)];
		uint64_t what = model_random(m, 100);
		if (what < 25)
			insert(m, session, t, model_random(m, 40));
		else if (what < 65)
			change(m, session, t);
		else if (what < 88)
			transact(m, session);
		else if (what < 92)
			tend(m, session, t);
		else if (what < 95)
			finish_prepared(m, session);
		else
			other(m, session);
	}
}

/* ---- from beginning to end ---- */

static void make(struct model *m, size_t session, const char *name)
{
	for (int side = 0; side < 2; side++) {
		struct pg *pg = pair_open(m->pair, side, "postgres");
		assert_int_equal(pg_exec(pg, NULL, "CREATE DATABASE %s", name), 0);
		pg_close(pg);
	}
	(void)session;
}

static void make_table(struct model *m, struct model_table *t, size_t i)
{
	struct buf sql = {0};
	struct err err = {0};
	t->kind = &kinds[i < KINDS ? i : model_random(m, KINDS)];
	t->key_type = (int)model_random(m, KEY_TYPES);
	snprintf(t->name, sizeof t->name, "%s%zu", t->kind->name, i);
	expand(m, &sql, t, t->kind->make);
	pg_exec(m->sessions[0], &err, "%s", buf_text(&sql));
	assert_string_equal(err.text, "");
	buf_done(&sql);
}

void model_begin(struct model *m, const struct pair *pair, uint64_t seed)
{
	struct err err = {0};
	*m = (struct model){
	    .pair = pair, .random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15), .n = KINDS + seed % 6};
	snprintf(m->database, sizeof m->database, "m%llu", (unsigned long long)seed);
	make(m, 0, m->database);
	for (size_t i = 0; i < MODEL_SESSIONS; i++) {
		m->sessions[i] = pair_open(pair, PAIR_OLD, m->database);
		pg_exec(m->sessions[i], &err,
			"SET search_path = public; SET lock_timeout = '20ms'; SELECT setseed(%f)",
			(double)model_random(m, 1000) / 1000);
	}
	pg_exec(m->sessions[0], &err,
		"CREATE EXTENSION citext; CREATE TYPE mood AS ENUM ('happy', 'so so', 'sad'); CREATE "
		"SEQUENCE loose START 7; "
		"CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.x := "
		"coalesce(NEW.x, '') || '!'; "
		"RETURN NEW; END $$");
	assert_string_equal(err.text, "");
	for (size_t i = 0; i < m->n; i++)
		make_table(m, &m->tables[i], i);
	pg_exec(m->sessions[0], &err, "CREATE MATERIALIZED VIEW seen AS SELECT count(*) AS n FROM %s",
		m->tables[0].name);
	for (size_t i = 0; i < m->n; i++)
		insert(m, 0, &m->tables[i], 600);
	assert_int_equal(m->refused, 0);
}

void model_quiet(struct model *m)
{
	for (size_t i = 0; i < MODEL_SESSIONS; i++) {
		if (m->open[i])
			run(m, i, model_random(m, 3) ? "COMMIT" : "ROLLBACK");
		m->open[i] = false;
	}
	while (m->n_waiting)
		finish_prepared(m, 0);
}

void model_end(struct model *m)
{
	for (size_t i = 0; i < MODEL_SESSIONS; i++)
		pg_close(m->sessions[i]);
	for (int side = 0; side < 2; side++) {
		struct pg *pg = pair_open(m->pair, side, "postgres");
		pg_exec(pg, NULL, "DROP DATABASE %s", m->database);
		pg_close(pg);
	}
}
