/* PostgreSQL: URLs, sentences, what quiet means, and a real scratch cluster for the rest. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/pg_count.h"
#include "core/links/pg_since.h"
#include "core/links/pg_tables.h"
#include "core/links/pg_writes.h"
#include "core/steps/count_compare.h"
#include "tests/unit/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- without a server ---- */

static void urls(void **state)
{
	static const struct {
		const char *url, *side, *host, *database, *sslmode;
	} cases[] = {
	    {"postgres://u:p@ec2-1-2-3-4.compute-1.amazonaws.com:5432/d1", "OLD",
	     "ec2-1-2-3-4.compute-1.amazonaws.com", "d1", "require"},
	    {"postgres://u:p@h.example/d1?sslmode=disable", "OLD", "h.example", "d1", "require"},
	    {"postgres://u:p@h.example/d1?sslmode=verify-full", "OLD", "h.example", "d1", "verify-full"},
	    {"postgresql://u:p@127.0.0.1:5433/d1", "OLD", "127.0.0.1", "d1", "prefer"},
	    {"postgres://u:p@10.0.0.5/shop", "NEW", "10.0.0.5", "shop", "prefer"},
	    {"postgres://u:p@localhost/shop?sslmode=disable", "NEW", "localhost", "shop", "disable"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pg_where where;
		assert_int_equal(pg_where(cases[i].url, cases[i].side, &where, NULL), 0);
		assert_string_equal(where.host, cases[i].host);
		assert_string_equal(where.database, cases[i].database);
		assert_string_equal(where.sslmode, cases[i].sslmode);
	}
}

static void urls_never_shown(void **state)
{
	static const char *const bad[] = {"", "mysql://u:geheim@h/d", "postgres://u:geheim@h:port/d?x=1",
					  "host=h password=geheim"};
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct err err = {0};
		struct pg_where where;
		assert_int_equal(pg_where(bad[i], "NEW", &where, &err), -1);
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_null(strstr(err.text, "geheim"));
	}
}

static void sentences(void **state)
{
	static const struct {
		const char *code, *said, *has;
		enum err_kind kind;
	} cases[] = {
	    {"28P01", "password authentication failed for user \"u\"", "does not accept the password",
	     ERR_AUTH},
	    {"53300", "sorry, too many clients already", "has no connection left", ERR_REFUSED},
	    {"57P01", "terminating connection due to administrator command", "ended our session", ERR_NET},
	    {"42501", "permission denied for table x", "does not allow this to our role", ERR_REFUSED},
	    {"", "could not translate host name \"h\" to address", "does not resolve", ERR_NET},
	    {"", "server closed the connection unexpectedly\nmore", "closed the connection", ERR_NET},
	    {"", "SSL connection has been closed unexpectedly", "closed the TLS connection", ERR_NET},
	    {"XX999", "odd \033[31mthing", "odd thing (XX999)", ERR_REFUSED},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = {0};
		assert_int_equal(pg_explain(&err, "NEW database shop on h", cases[i].code, cases[i].said),
				 -1);
		assert_non_null(strstr(err.text, cases[i].has));
		assert_non_null(strstr(err.text, "NEW database shop on h"));
		assert_int_equal(err.kind, cases[i].kind);
	}
}

static void sequences(void **state)
{
	(void)state;
	int64_t to;
	struct pg_sequence old_list[] = {{.label = "a_seq", .called = true, .last = 50}};
	struct pg_sequences source = {.list = old_list, .n = 1};
	struct pg_sequence s = {.label = "a_seq", .called = true, .last = 40, .increment = 1, .most = 30};
	assert_true(pg_sequence_behind(&s, &source, &to));
	assert_int_equal(to, 50);
	assert_false(pg_sequence_behind(&s, NULL, &to));
	s.most = 41;
	assert_true(pg_sequence_behind(&s, NULL, &to));
	s.called = false, s.last = 0, s.most = INT64_MIN;
	assert_false(pg_sequence_behind(&s, NULL, &to));
	s.most = 1;
	assert_true(pg_sequence_behind(&s, NULL, &to));
}

static void quiet(void **state)
{
	(void)state;
	struct pg_session session = {.who = "web.1", .table = "orders"};
	struct pg_writes writes = {.looks = 2, .sessions = &session, .n_sessions = 1};
	struct pg_quiet q = {0};
	assert_false(pg_quiet_take(&q, &writes, 15));
	writes.delta = 3;
	assert_true(pg_quiet_take(&q, &writes, 15));
	assert_int_equal(q.resets, 1);
	writes.delta = 0;
	writes.xmax_delta = 1; /* an idle session: maintenance */
	assert_false(pg_quiet_take(&q, &writes, 15));
	assert_int_equal(q.doubt_until_ms, 0);
	session.stirred = true; /* it did something: its counters may still come */
	assert_false(pg_quiet_take(&q, &writes, 15));
	assert_true(q.doubt_until_ms > clock_life_ms());
	writes.xmax_delta = 0;
	session.holds_xid = session.wrote = true;
	assert_true(pg_quiet_take(&q, &writes, 15));
	assert_string_equal(q.by, "web.1");
}

static void quoting(void **state)
{
	struct buf buf = {0};
	(void)state;
	pg_add_name(&buf, "odd \"name");
	pg_add_text(&buf, "it's");
	assert_string_equal(buf_text(&buf), "\"odd \"\"name\"'it''s'");
	buf_done(&buf);
}

/* ---- with a scratch cluster; without PostgreSQL on the machine these are skipped ---- */

static int cluster_up(void **state)
{
	struct cluster *c = xcalloc(1, sizeof *c);
	*state = c;
	cluster_start(c, NULL, NULL);
	return 0;
}

static int cluster_down(void **state)
{
	cluster_stop(*state);
	free(*state);
	return 0;
}

static struct pg *must_open(struct cluster *c, enum pg_mode mode)
{
	struct err err = {0};
	if (!c->up)
		skip();
	struct pg *pg = pg_open(NULL, "NEW", c->url, mode, &err);
	assert_string_equal(err.text, "");
	assert_non_null(pg);
	return pg;
}

static void looks_cannot_write(void **state)
{
	struct pg *pg = must_open(*state, PG_LOOK);
	struct err err = {0};
	assert_int_equal(pg_exec(pg, &err, "CREATE TABLE public.t (id int)"), -1);
	assert_non_null(strstr(err.text, "read-only"));
	int64_t n = 0;
	assert_int_equal(pg_number(pg, "SELECT $1::int + 1", PG_ARGS("41"), &n, &err), 0);
	assert_int_equal(n, 42);
	pg_close(pg);
}

static void counts_and_hashes(void **state)
{
	struct err err = {0};
	struct pg *pg = must_open(*state, PG_ACT);
	assert_int_equal(pg_exec(pg, &err,
				 "SET search_path = public; CREATE TABLE a (id serial PRIMARY KEY, t text); "
				 "INSERT INTO a (t) SELECT 'x' || i FROM "
				 "generate_series(1, 10000) i; CREATE TABLE b AS SELECT id, t FROM a ORDER "
				 "BY random(); CREATE TABLE \"C \"\"d\" (nightferry int); "
				 "CREATE TABLE p (id int, d int) PARTITION BY LIST (d); CREATE TABLE p1 "
				 "PARTITION OF p FOR VALUES IN (1); "
				 "INSERT INTO p VALUES (1, 1), (2, 1)"),
			 0);
	struct pg_tables tables;
	assert_int_equal(pg_tables_look(pg, &tables, &err), 0);
	assert_int_equal(tables.n, 4);
	struct pg_counting side = {.pg = pg, .tables = &tables, .content = true, .quiet = true, .lanes = 3};
	assert_int_equal(pg_count(NULL, &side, 1, false, &err), 0);
	assert_int_equal(pg_tables_rows(&tables), 20002);
	assert_string_equal(pg_tables_find(&tables, "a")->hash, pg_tables_find(&tables, "b")->hash);
	assert_int_equal(pg_tables_find(&tables, "p")->rows, 2);
	assert_int_equal(pg_tables_find(&tables, "C \"d")->rows, 0);
	pg_tables_done(&tables);
	struct pg_sequences list;
	int64_t to;
	assert_int_equal(pg_sequences_look(pg, &list, &err), 0);
	assert_int_equal(pg_sequences_columns(pg, &list, &err), 0);
	assert_int_equal(list.list[0].most, 10000);
	assert_false(pg_sequence_behind(&list.list[0], NULL, &to));
	free(list.list);
	pg_close(pg);
}

static void eventually_alone(struct pg *pg)
{
	int64_t others = 1;
	for (int i = 0; i < 2000 && others; i++) {
		assert_int_equal(
		    pg_number(pg,
			      "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
			      "AND backend_type = 'client backend' AND pid <> pg_backend_pid()",
			      NULL, &others, NULL),
		    0);
		clock_sleep_ms(10);
	}
	assert_int_equal(others, 0);
}

static void writers_are_seen(void **state)
{
	struct err err = {0};
	struct cluster *c = *state;
	struct pg *pg = must_open(c, PG_LOOK), *other = must_open(c, PG_ACT);
	struct pg_writes writes = {0};
	assert_int_equal(
	    pg_exec(other, &err, "CREATE TABLE public.w (id int); SET application_name = 'run.1'"), 0);
	assert_int_equal(pg_writes_look(pg, &writes, &err), 0);
	assert_int_equal(pg_exec(other, &err, "BEGIN; INSERT INTO public.w VALUES (1)"), 0);
	assert_int_equal(pg_writes_look(pg, &writes, &err), 0);
	const struct pg_session *writer = pg_writes_writer(&writes);
	assert_non_null(writer);
	assert_string_equal(writer->who, "run.1");
	assert_string_equal(writer->table, "w");
	assert_true(writer->holds_xid);
	assert_int_equal(pg_exec(other, &err, "COMMIT"), 0);
	assert_int_equal(pg_writes_look(pg, &writes, &err), 0);
	assert_true(writes.xmax_delta > 0);
	pg_writes_done(&writes);
	pg_close(other);
	pg_close(pg);
}

/* What tells whether a comparison still holds. */
static void since_a_comparison(void **state)
{
	struct err err = {0};
	struct cluster *c = *state;
	struct pg *pg = must_open(c, PG_LOOK), *late = must_open(c, PG_ACT), *other = must_open(c, PG_ACT);
	struct compare_mark mark;
	assert_int_equal(
	    pg_exec(other, &err, "CREATE TABLE public.since (id int); SET application_name = 'run.1'"), 0);
	assert_int_equal(
	    pg_exec(late, &err, "SET application_name = 'run.2'; BEGIN; INSERT INTO public.since VALUES (1)"),
	    0);
	/* The upper bound of running transactions is beyond the open one now. */
	assert_int_equal(pg_exec(other, &err, "INSERT INTO public.since VALUES (2)"), 0);
	assert_int_equal(compare_mark(pg, &mark, &err), 0);
	assert_int_equal(compare_since(pg, &mark), SINCE_NOTHING);
	assert_int_equal(pg_exec(late, &err, "COMMIT"), 0);
	assert_int_equal(compare_since(pg, &mark), SINCE_ROWS);
	/* Counters that have not come yet are not believed while the session that may owe them is there. */
	assert_int_equal(compare_mark(pg, &mark, &err), 0);
	int64_t written = mark.written;
	assert_int_equal(pg_exec(other, &err, "INSERT INTO public.since VALUES (3)"), 0);
	assert_int_equal(compare_mark(pg, &mark, &err), 0);
	mark.stand++;
	mark.at_us -= 60 * 1000000LL;
	assert_int_equal(compare_since(pg, &mark), SINCE_ROWS);
	pg_close(late);
	pg_close(other);
	eventually_alone(pg);
	/* Maintenance: transactions end, and nobody has written a row. */
	assert_int_equal(compare_mark(pg, &mark, &err), 0);
	assert_true(mark.written > written);
	mark.stand++;
	assert_int_equal(compare_since(pg, &mark), SINCE_TRANSACTIONS);
	mark.written--;
	assert_int_equal(compare_since(pg, &mark), SINCE_ROWS);
	assert_int_equal(compare_since(NULL, &mark), SINCE_ROWS);
	pg_close(pg);
}

static void ended_sessions(void **state)
{
	struct err err = {0};
	struct pg *pg = must_open(*state, PG_ACT), *victim = must_open(*state, PG_LOOK);
	char pid[16];
	assert_int_equal(pg_value(victim, "SELECT pg_backend_pid()", NULL, pid, sizeof pid, &err), 0);
	assert_int_equal(pg_exec(pg, &err, "SELECT pg_terminate_backend(%s, 5000)", pid), 0);
	assert_int_equal(pg_exec(victim, &err, "SELECT 1"), -1);
	assert_int_equal(err.kind, ERR_NET);
	assert_false(pg_alive(victim));
	int used = 0, limit = 0;
	assert_true(pg_room(pg, &used, &limit, &err) > 0);
	assert_int_equal(limit, 17);
	pg_close(victim);
	pg_close(pg);
}

static void source_keeps(void **state)
{
	struct err err = {0};
	struct pg *pg = must_open(*state, PG_LOOK);
	struct pg_source source, back;
	assert_int_equal(pg_source_look(pg, &source, &err), 0);
	for (size_t i = 0; i < source.tables.n; i++)
		source.tables.list[i].rows = (int64_t)i;
	struct jw w = {0};
	jw_open(&w);
	pg_source_write(&w, &source);
	const char *text = jw_finish(&w);
	struct json *json = json_parse(text, strlen(text), &err);
	assert_true(pg_source_read(json, &back));
	assert_int_equal(back.tables.n, source.tables.n);
	assert_int_equal(pg_tables_rows(&back.tables), pg_tables_rows(&source.tables));
	assert_true(back.stand == source.stand);
	assert_string_equal(back.encoding, "UTF8");
	json_free(json);
	jw_done(&w);
	pg_source_done(&source);
	pg_source_done(&back);
	assert_false(pg_source_read(NULL, &back));
	pg_close(pg);
}

/* Only what was written since, only what is encrypted: a password's hash is none, whatever its column is
 * called. */
static void encrypted_rows(void **state)
{
	struct err err = {0};
	struct pg *pg = must_open(*state, PG_ACT);
	char where[200];
	int64_t rows = -1;
	assert_int_equal(
	    pg_exec(pg, &err,
		    "SET search_path = public; CREATE TABLE vault (id int, name text, ssn text, prefs jsonb, "
		    "encrypted_password text); CREATE TABLE legacy (id int, "
		    "encrypted_pin text, "
		    "encrypted_pin_iv text); INSERT INTO vault VALUES (1, 'old', "
		    "'{\"p\":\"aGk=\",\"h\":{\"iv\":\"x\","
		    "\"at\":\"y\"}}', NULL, 'hash')"),
	    0);
	struct pg_since since, changed;
	assert_int_equal(pg_since_look(pg, &since, &err), 0);
	assert_int_equal(
	    pg_exec(pg, &err,
		    "INSERT INTO vault VALUES (2, '{\"p\": 1}', NULL, '{\"h\": {\"a\": 1}}', 'hash')"),
	    0);
	struct pg_counted tables[] = {{.label = "vault", .inserted = 1}, {.label = "legacy", .inserted = 1}};
	changed = (struct pg_since){.tables = tables, .n = 2};
	assert_int_equal(pg_since_encrypted(pg, &since, &changed, &rows, where, sizeof where, &err), 0);
	assert_int_equal(rows, 0);
	assert_int_equal(
	    pg_exec(pg, &err,
		    "INSERT INTO vault SELECT i, 'n', '{\"p\":\"aGk=\",\"h\":{\"iv\":\"x\",\"at\":\"y\"}}' "
		    "FROM generate_series(3, 7) i; INSERT INTO legacy VALUES (1, 'x', 'y')"),
	    0);
	assert_int_equal(pg_since_encrypted(pg, &since, &changed, &rows, where, sizeof where, &err), 0);
	assert_int_equal(rows, 6);
	assert_string_equal(where, "legacy.encrypted_pin");
	/* Tables that did not change are not read. */
	changed.n = 1;
	assert_int_equal(pg_since_encrypted(pg, &since, &changed, &rows, where, sizeof where, &err), 0);
	assert_int_equal(rows, 5);
	assert_string_equal(where, "vault");
	changed.n = 0;
	assert_int_equal(pg_since_encrypted(pg, &since, &changed, &rows, where, sizeof where, &err), 0);
	assert_int_equal(rows, 0);
	pg_since_done(&since);
	pg_close(pg);
}

/* ---- COPY ---- */

/* All of one session's rows into another; chunks as small as they come. */
static int relay(struct pg *from, const char *out, struct pg *to, const char *in, struct err *err)
{
	struct buf rows = {0};
	int more = pg_copy_out(from, out, err) < 0 || pg_copy_in(to, in, err) < 0 ? -1 : 1;
	while (more == 1) {
		buf_reset(&rows);
		more = pg_copy_read(from, &rows, 4096, err);
		if (more >= 0 && pg_copy_write(to, rows.data, rows.len, err) < 0)
			more = -2;
	}
	buf_done(&rows);
	if (more == -2)
		pg_copy_stop(from);
	return more == 0 ? pg_copy_end(to, NULL, err) : more;
}

static void copies(void **state)
{
	struct pg *from = must_open(*state, PG_ACT), *to = must_open(*state, PG_ACT);
	struct err err = {0};
	int64_t n = 0;
	assert_int_equal(
	    pg_exec(from, &err,
		    "CREATE TABLE public.c1 AS SELECT i, repeat('x', i %% 300) t FROM "
		    "generate_series(1, 200000) i; CREATE TABLE public.c2 (LIKE public.c1); ALTER "
		    "TABLE public.c2 ADD CHECK (i <> 1000)"),
	    0);
	/* A row that is refused ends it early, with the server's own reason, and both sessions go on. */
	const char *const read = "COPY public.c1 TO STDOUT (FORMAT binary)",
			  *const write = "COPY public.c2 FROM STDIN (FORMAT binary)";
	assert_int_equal(relay(from, read, to, write, &err), -2);
	assert_non_null(strstr(err.text, "check"));
	assert_int_equal(pg_number(from, "SELECT 7", NULL, &n, &err), 0);
	assert_int_equal(pg_number(to, "SELECT count(*) FROM public.c2", NULL, &n, &err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(pg_exec(to, &err, "ALTER TABLE public.c2 DROP CONSTRAINT c2_i_check"), 0);
	err = (struct err){0};
	assert_int_equal(relay(from, read, to, write, &err), 0);
	assert_string_equal(err.text, "");
	assert_int_equal(pg_copy_rows(from), 200000);
	assert_int_equal(pg_copy_rows(to), 200000);
	assert_int_equal(pg_number(to, "SELECT count(*) FROM (TABLE public.c1 EXCEPT ALL TABLE public.c2) x",
				   NULL, &n, &err),
			 0);
	assert_int_equal(n, 0);
	/* What is broken off on purpose leaves nothing. */
	assert_int_equal(pg_copy_in(to, "COPY public.c2 (i) FROM STDIN", &err), 0);
	assert_int_equal(pg_copy_write(to, "1\n", 2, &err), 0);
	assert_int_equal(pg_copy_end(to, "changed our mind", &err), 0);
	assert_int_equal(pg_number(to, "SELECT count(*) FROM public.c2", NULL, &n, &err), 0);
	assert_int_equal(n, 200000);
	assert_int_equal(pg_copy_out(from, "COPY public.none TO STDOUT", &err), -1);
	assert_true(pg_alive(from));
	pg_close(from);
	pg_close(to);
}

static void stops_on_a_descriptor(void **state)
{
	struct pg *pg = must_open(*state, PG_ACT);
	struct err err = {0};
	int64_t n = 0;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	pg_stop_on(pg, ends[0]);
	assert_int_equal(pg_number(pg, "SELECT 1", NULL, &n, &err), 0);
	/* The other end is gone: what a program sees when the one that has started it was killed. */
	close(ends[1]);
	assert_int_equal(pg_exec(pg, &err, "SELECT pg_sleep(300)"), -1);
	assert_int_equal(err.kind, ERR_CANCELLED);
	pg_stop_on(pg, -1);
	assert_int_equal(pg_number(pg, "SELECT 2", NULL, &n, &err), 0);
	assert_int_equal(n, 2);
	close(ends[0]);
	pg_close(pg);
}

int main(void)
{
	const struct CMUnitTest plain[] = {
	    cmocka_unit_test(urls),      cmocka_unit_test(urls_never_shown),
	    cmocka_unit_test(sentences), cmocka_unit_test(sequences),
	    cmocka_unit_test(quiet),     cmocka_unit_test(quoting),
	};
	const struct CMUnitTest server[] = {
	    cmocka_unit_test(looks_cannot_write),    cmocka_unit_test(counts_and_hashes),
	    cmocka_unit_test(writers_are_seen),      cmocka_unit_test(since_a_comparison),
	    cmocka_unit_test(ended_sessions),        cmocka_unit_test(source_keeps),
	    cmocka_unit_test(encrypted_rows),        cmocka_unit_test(copies),
	    cmocka_unit_test(stops_on_a_descriptor),
	};
	int failed = cmocka_run_group_tests(plain, NULL, NULL);
	return failed + cmocka_run_group_tests(server, cluster_up, cluster_down);
}
