/* The copy itself between two servers: a table in pieces by its pages, many small ones at once, what is left
 * out, and a source that changes meanwhile. What the worker tells is read as its step reads it. */
#include "tests/copy/pair.h"
#include "tests/unit/cluster.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/copy/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

struct told {
	const struct pair *pair;
	char database[24], url[2][160]; /* OLD, NEW */
	struct json **lines;
	size_t n;
};

static void must(struct pg *pg, const char *sql)
{
	struct err err = {0};
	pg_exec(pg, &err, "%s", sql);
	assert_string_equal(err.text, "");
}

static struct pg *open_at(const struct pair *pair, int side, const char *database)
{
	struct pg *pg = pair_open(pair, side, database);
	must(pg, "SET search_path = public");
	return pg;
}

/* A database on both servers, filled on OLD. */
static struct told begin(const struct pair *pair, const char *database, const char *sql)
{
	struct told t = {.pair = pair};
	if (!pair->up)
		skip();
	text_copy(t.database, sizeof t.database, database);
	for (int side = 0; side < 2; side++) {
		pair_url(pair, side, database, t.url[side], sizeof t.url[side]);
		struct pg *pg = pair_open(pair, side, "postgres");
		assert_int_equal(pg_exec(pg, NULL, "CREATE DATABASE %s", database), 0);
		pg_close(pg);
	}
	struct pg *old_pg = open_at(pair, PAIR_OLD, database);
	must(old_pg, sql);
	pg_close(old_pg);
	return t;
}

static void hear(struct told *t, const char *path)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	while ((len = getline(&line, &size, f)) > 0) {
		struct json *json = json_parse(line, (size_t)len, NULL);
		if (!json) {
			/* What a sanitizer has to say. */
			fputs(line, stderr);
			continue;
		}
		t->lines = xrealloc(t->lines, t->n + 1, sizeof *t->lines);
		t->lines[t->n++] = json;
	}
	free(line);
	fclose(f);
}

/* The worker's verb in this process: lanes are processes of their own. `options`: further fields of the
 * order. */
static int run_until(struct told *t, const char *options, const struct copy_stream_hooks *hooks, int stop_fd,
		     struct err *err)
{
	char path[100];
	char *text = xasprintf("{\"source\":{\"url\":\"%s\"},\"target\":{\"url\":\"%s\"},\"token\":\"test\","
			       "\"container\":\"\"%s}",
			       t->url[0], t->url[1], options);
	struct json *json = json_parse(text, strlen(text), err);
	assert_non_null(json);
	text_copyf(path, sizeof path, "%s/told", t->pair->dir);
	int told = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), kept = dup(STDERR_FILENO);
	assert_true(told >= 0 && kept >= 0);
	dup2(told, STDERR_FILENO);
	int rc = copy_stream_run(&(struct copy_order){.json = json, .stop_fd = stop_fd}, hooks, err);
	dup2(kept, STDERR_FILENO);
	close(told);
	close(kept);
	hear(t, path);
	json_free(json);
	free(text);
	return rc;
}

static int run(struct told *t, const char *options, const struct copy_stream_hooks *hooks, struct err *err)
{
	return run_until(t, options, hooks, -1, err);
}

static void must_run(struct told *t, const char *options, const struct copy_stream_hooks *hooks)
{
	struct err err = {0};
	run(t, options, hooks, &err);
	assert_string_equal(err.text, "");
}

static const struct json *last(const struct told *t, const char *kind, const char *table)
{
	for (size_t i = t->n; i-- > 0;)
		if (text_equal(json_str(t->lines[i], "kind", ""), kind) &&
		    (!table || text_equal(json_str(t->lines[i], "table", ""), table)))
			return t->lines[i];
	return NULL;
}

static void end(struct told *t)
{
	for (size_t i = 0; i < t->n; i++)
		json_free(t->lines[i]);
	free(t->lines);
}

/* Rows wander to the end of the heap, leave holes behind, and are as long as some pages; TOAST beside. */
static const char pages[] =
    "CREATE TABLE big (id int PRIMARY KEY, t text, n numeric); ALTER TABLE big ALTER t SET STORAGE EXTERNAL; "
    "INSERT INTO big SELECT i, repeat(md5(i::text), CASE WHEN i % 500 = 0 THEN 400 ELSE 6 END), i / 3.0 FROM "
    "generate_series(1, 20000) i; DELETE FROM big WHERE id BETWEEN 3000 AND 9000; UPDATE big SET n = n + 1 "
    "WHERE id % 10 = 0; CREATE INDEX big_t ON big (left(t, 20)); CREATE TABLE keyed (id int PRIMARY KEY, big "
    "int REFERENCES big); INSERT INTO keyed SELECT id, id FROM big WHERE id % 100 = 0; ANALYZE";

static void pieces_of_pages(void **state)
{
	struct told t = begin(*state, "pages", pages);
	must_run(&t, ",\"piece_mb\":1,\"lanes\":3", NULL);
	pair_equal(*state, t.database, "in pieces");
	assert_in_range(json_int(last(&t, "result", NULL), "pieces", 0), 5, 40);
	assert_int_equal(json_int(last(&t, "result", NULL), "rows", 0), 13999 + 139);
	assert_string_equal(json_str(last(&t, "table", "big"), "state", ""), "done");
	assert_int_equal(json_int(last(&t, "table", "big"), "rows", 0), 13999);
	end(&t);
}

/* The pieces are of the snapshot: what the app does meanwhile, at the end of the heap or in the middle, is
 * seen by none of them. */
static int changes(void *ctx, struct pg *source, struct pg *target, const char *snapshot, struct err *err)
{
	const struct told *t = ctx;
	(void)source;
	(void)target;
	(void)snapshot;
	char url[160];
	pair_url(t->pair, PAIR_OLD, t->database, url, sizeof url);
	struct pg *app = pg_open(NULL, "OLD", url, PG_ACT, err);
	int rc =
	    app ? pg_exec(app, err,
			  "SET search_path = public; UPDATE big SET n = -1 WHERE id %% 3 = 0; DELETE FROM "
			  "keyed; INSERT INTO big "
			  "SELECT i, 'late', 0 FROM generate_series(100000, 105000) i; UPDATE small_7 SET "
			  "t = 'late'")
		: -1;
	pg_close(app);
	return rc;
}

static void a_source_that_lives(void **state)
{
	char before[64], after[64];
	static const char sum[] =
	    "SELECT count(*) || ' ' || sum(id) || ' ' || sum(n) || ' ' || sum(length(t)) FROM big";
	char *sql =
	    xasprintf("%s; CREATE TABLE small_7 (t text); INSERT INTO small_7 VALUES ('early')", pages);
	struct told t = begin(*state, "lives", sql);
	struct copy_stream_hooks hooks = {.opened = changes, .ctx = &t};
	struct pg *old_pg = open_at(*state, PAIR_OLD, t.database);
	pg_value(old_pg, sum, NULL, before, sizeof before, NULL);
	must_run(&t, ",\"piece_mb\":1,\"lanes\":3", &hooks);
	struct pg *new_pg = open_at(*state, PAIR_NEW, t.database);
	pg_value(new_pg, sum, NULL, after, sizeof after, NULL);
	assert_string_equal(after, before);
	pg_value(new_pg, "SELECT (SELECT count(*) FROM keyed) || (SELECT t FROM small_7)", NULL, after,
		 sizeof after, NULL);
	assert_string_equal(after, "139early");
	pg_value(old_pg, sum, NULL, after, sizeof after, NULL);
	assert_string_not_equal(after, before);
	pg_close(old_pg);
	pg_close(new_pg);
	free(sql);
	end(&t);
}

/* As small tables come in real databases: empty, without a column, with types that only text can carry, with
 * names that need care, and a foreign key between two of them. */
static const char small[] =
    "DO $$BEGIN FOR i IN 1..150 LOOP EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, t text)', 'many "
    "\"%; ' || i); EXECUTE format('INSERT INTO %I SELECT g, repeat(chr(64 + g), g) FROM generate_series(1, "
    "%s) g', 'many \"%; ' || i, i % 7); END LOOP; END$$; CREATE TABLE bare (); INSERT INTO bare DEFAULT "
    "VALUES; INSERT INTO bare DEFAULT VALUES; CREATE TYPE pair AS (a int, b text); CREATE TABLE typed (p "
    "pair, q pair[], r int4range); INSERT INTO typed VALUES (ROW(1, 'x'), ARRAY[ROW(2, NULL)::pair], "
    "'[1,5)'), (NULL, '{}', 'empty'); CREATE TABLE father (id int PRIMARY KEY); INSERT INTO father VALUES "
    "(1); CREATE TABLE child (id int REFERENCES father); INSERT INTO child VALUES (1); CREATE TABLE made (a "
    "int, b int GENERATED ALWAYS AS (a * 2) STORED); INSERT INTO made (a) VALUES (21)";

static void many_small_ones(void **state)
{
	struct told t = begin(*state, "many", small);
	must_run(&t, ",\"lanes\":2", NULL);
	pair_equal(*state, t.database, "small tables");
	const struct json *result = last(&t, "result", NULL);
	assert_int_equal(json_int(result, "tables", 0), 155);
	/* Some go together, and each is told for itself. */
	assert_in_range(json_int(result, "pieces", 0), 2, 80);
	assert_int_equal(json_int(last(&t, "table", "many \"%; 13"), "rows", -1), 6);
	assert_string_equal(json_str(last(&t, "table", "bare"), "state", ""), "done");
	assert_int_equal(json_int(last(&t, "table", "bare"), "rows", -1), 2);
	end(&t);
}

/* One among many whose rows NEW refuses: it is named, and no worker hangs on what else OLD has to give. */
static int poisons(void *ctx, struct pg *source, struct pg *target, const char *snapshot, struct err *err)
{
	(void)ctx;
	(void)source;
	(void)snapshot;
	return pg_exec(
	    target, err,
	    "CREATE FUNCTION public.no() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN IF EXISTS "
	    "(SELECT FROM pg_class WHERE relname = 'many \"%%; 76' AND relchecks = 0) THEN EXECUTE "
	    "'ALTER TABLE public.\"many \"\"%%; 76\" ADD CHECK (id < 0)'; END IF; END$$; CREATE EVENT "
	    "TRIGGER no ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION public.no()");
}

static void one_that_is_refused(void **state)
{
	struct told t = begin(*state, "refused", small);
	struct copy_stream_hooks hooks = {.opened = poisons};
	struct err err = {0};
	assert_int_equal(run(&t, ",\"lanes\":2", &hooks, &err), -1);
	assert_non_null(strstr(err.text, "many \"%; 76"));
	assert_null(last(&t, "result", NULL));
	struct pg *old_pg = open_at(*state, PAIR_OLD, "postgres");
	int64_t busy = -1;
	pg_number(old_pg, "SELECT count(*) FROM pg_stat_activity WHERE datname = 'refused'", NULL, &busy,
		  NULL);
	for (int i = 0; busy && i < 600; i++) {
		usleep(50000);
		pg_number(old_pg, "SELECT count(*) FROM pg_stat_activity WHERE datname = 'refused'", NULL,
			  &busy, NULL);
	}
	assert_int_equal(busy, 0);
	pg_close(old_pg);
	end(&t);
}

/* OLD stands still in the middle, and a person cancels: neither pg_dump nor a lane waits for it. */
struct silence {
	const struct told *t;
	int stop_fd; /* what is written to it stops the copy */
	bool rows;   /* once rows are on their way; else at once */
	pid_t pid;
};

/* The postmaster first, so that no session comes beside it; one may end meanwhile. */
static void old_stands_still(const struct pair *pair, bool still)
{
	const char *word = still ? "STOP" : "CONT";
	assert_int_equal(pair_shell("p=$(head -n 1 %s/0/postmaster.pid) && kill -%s $p && { kill -%s "
				    "$(pgrep -P $p) 2>/dev/null; true; }",
				    pair->dir, word, word),
			 0);
}

static void silence_and_stop(const struct silence *s)
{
	int64_t rows = 0;
	struct pg *new_pg = open_at(s->t->pair, PAIR_NEW, "postgres");
	for (int i = 0; s->rows && !rows && i < 1200; i++) {
		pg_number(new_pg, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", NULL,
			  &rows, NULL);
		usleep(25000);
	}
	old_stands_still(s->t->pair, true);
	_exit(write(s->stop_fd, "x", 1) == 1 && (rows || !s->rows) ? 0 : 1);
}

static int falls_silent(void *ctx, struct pg *source, struct pg *target, const char *snapshot,
			struct err *err)
{
	struct silence *s = ctx;
	(void)source;
	(void)snapshot;
	if (pg_exec(
		target, err,
		"CREATE FUNCTION public.slow(int) RETURNS boolean LANGUAGE sql AS $$SELECT "
		"pg_catalog.pg_sleep(0.2) IS NOT NULL$$; CREATE FUNCTION public.slows() RETURNS "
		"event_trigger LANGUAGE plpgsql AS $$BEGIN IF EXISTS (SELECT FROM pg_class WHERE relname = "
		"'big' AND relkind = 'r' AND relchecks = 0) THEN EXECUTE 'ALTER TABLE public.big ADD CHECK "
		"(public.slow(id))'; END IF; END$$; CREATE EVENT TRIGGER slows ON ddl_command_end WHEN TAG "
		"IN ('CREATE TABLE') EXECUTE FUNCTION public.slows()") < 0)
		return -1;
	if (!s->rows)
		old_stands_still(s->t->pair, true);
	s->pid = fork();
	if (s->pid == 0)
		silence_and_stop(s);
	return 0;
}

static void silent(const struct pair *pair, const char *database, bool rows)
{
	int stop[2], status = -1;
	struct told t = begin(pair, database, pages);
	assert_int_equal(pipe(stop), 0);
	struct silence s = {.t = &t, .stop_fd = stop[1], .rows = rows};
	struct copy_stream_hooks hooks = {.opened = falls_silent, .ctx = &s};
	struct err err = {0};
	int64_t began_ms = clock_life_ms();
	int rc = run_until(&t, ",\"lanes\":2", &hooks, stop[0], &err);
	int64_t took_ms = clock_life_ms() - began_ms;
	old_stands_still(pair, false);
	waitpid(s.pid, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(rc, -1);
	assert_int_equal(err.kind, ERR_CANCELLED);
	assert_true(took_ms < 60000);
	close(stop[0]);
	close(stop[1]);
	end(&t);
}

static void silent_old(void **state)
{
	silent(*state, "silent_dump", false);
	silent(*state, "silent_rows", true);
}

/* What copy.skip_data names comes as an empty table, with all that belongs to it, and is never told as
 * copied. */
static void left_out(void **state)
{
	struct told t = begin(*state, "skips", pages);
	struct pg *old_pg = open_at(*state, PAIR_OLD, t.database);
	must(old_pg,
	     "CREATE SCHEMA s; CREATE TABLE s.versions (id int PRIMARY KEY, t text UNIQUE); INSERT INTO "
	     "s.versions SELECT i, i FROM generate_series(1, 1000) i");
	pg_close(old_pg);
	must_run(&t, ",\"skip\":[\"s.versions\",\"nobody\"]", NULL);
	struct pg *new_pg = open_at(*state, PAIR_NEW, t.database);
	char seen[64];
	pg_value(new_pg,
		 "SELECT (SELECT count(*) FROM s.versions) || ' ' || (SELECT count(*) FROM pg_indexes WHERE "
		 "tablename = 'versions') || ' ' || (SELECT count(*) FROM big)",
		 NULL, seen, sizeof seen, NULL);
	assert_string_equal(seen, "0 2 13999");
	pg_close(new_pg);
	assert_int_equal(json_int(last(&t, "result", NULL), "tables", 0), 2);
	assert_null(last(&t, "table", "s.versions"));
	end(&t);
}

/* Nothing is poured over what is there. */
static void not_empty(void **state)
{
	struct told t = begin(*state, "filled", "CREATE TABLE a (i int)");
	struct pg *new_pg = open_at(*state, PAIR_NEW, t.database);
	must(new_pg, "CREATE TABLE b (i int); INSERT INTO b VALUES (1)");
	struct err err = {0};
	assert_int_equal(run(&t, "", NULL, &err), -1);
	assert_non_null(strstr(err.text, "is not empty any more, it holds 1 tables"));
	int64_t rows = 0;
	pg_number(new_pg, "SELECT count(*) FROM b WHERE to_regclass('a') IS NULL", NULL, &rows, NULL);
	assert_int_equal(rows, 1);
	pg_close(new_pg);
	end(&t);
}

/* ---- two majors ---- */

/* Each table's rows, indexes, sequences and constraints; pg_dump would not read a newer server. */
static const char contents[] =
    "SELECT string_agg(t, ' ' ORDER BY t COLLATE \"C\") FROM (SELECT c.relname || "
    "query_to_xml(format('SELECT "
    "count(*), md5(coalesce(string_agg(x::text, ''|'' ORDER BY x::text COLLATE \"C\"), '''')) FROM public.%I "
    "x', "
    "c.relname), false, true, '')::text AS t FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = "
    "'public'::regnamespace UNION ALL SELECT c.relname || c.relkind::text FROM pg_class c WHERE c.relkind IN "
    "('i', 'S') AND c.relnamespace = 'public'::regnamespace UNION ALL SELECT conname || contype::text || "
    "convalidated FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'f', "
    "'u', "
    "'c')) rows";

static char *all_of(const char *url)
{
	struct err err = {0};
	struct pg *pg = pg_open(NULL, "OLD", url, PG_LOOK, &err);
	struct pg_result *r = pg ? pg_query(pg, contents, NULL, &err) : NULL;
	assert_string_equal(err.text, "");
	char *text = xstrdup(pg_get(r, 0, 0));
	pg_result_free(r);
	pg_close(pg);
	return text;
}

static const char two_majors[] =
    "CREATE TABLE made (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, a int, b int GENERATED "
    "ALWAYS AS "
    "(a * 2) STORED, j jsonb, r int4range, u uuid, n numeric); INSERT INTO made (a, j, r, u, n) SELECT i, "
    "jsonb_build_object('i', i), int4range(i, i + 5), md5(i::text)::uuid, i / 7.0 FROM generate_series(1, "
    "2000) "
    "i; CREATE INDEX made_j ON made USING gin (j); CREATE VIEW seen AS SELECT id, b FROM made; CREATE TABLE "
    "parts "
    "(id int, at date) PARTITION BY RANGE (at); CREATE TABLE parts_a PARTITION OF parts FOR VALUES FROM "
    "('2024-01-01') TO ('2025-01-01'); CREATE TABLE parts_b PARTITION OF parts DEFAULT; INSERT INTO parts "
    "SELECT "
    "i, '2024-12-01'::date + i FROM generate_series(1, 60) i";

/* `side` is the cluster of another major. `whole` false: it is refused with a sentence, and nothing is
 * changed. */
static void across(const struct pair *pair, const struct cluster *other, int side, bool whole)
{
	struct err err = {0};
	char name[24], *sql = xasprintf("%s; %s", pages, two_majors);
	text_copyf(name, sizeof name, "majors%d", side);
	struct told t = begin(pair, name, side == PAIR_OLD ? "SELECT 1" : sql);
	text_copy(t.url[side], sizeof t.url[side], other->url);
	struct pg *pg = pg_open(NULL, "OLD", other->url, PG_ACT, &err);
	assert_string_equal(err.text, "");
	must(pg, "DROP SCHEMA public CASCADE; CREATE SCHEMA public; SET search_path = public");
	if (side == PAIR_OLD)
		must(pg, sql);
	pg_close(pg);
	if (whole) {
		must_run(&t, ",\"piece_mb\":1,\"lanes\":3", NULL);
		char *from = all_of(t.url[PAIR_OLD]), *to = all_of(t.url[PAIR_NEW]);
		assert_true(strlen(from) > 500);
		assert_string_equal(to, from);
		free(from);
		free(to);
	} else {
		assert_int_equal(run(&t, "", NULL, &err), -1);
		assert_int_equal(err.kind, ERR_REFUSED);
		assert_non_null(strstr(err.text, "it cannot read a newer server"));
		assert_non_null(strstr(err.text, "nothing was changed"));
	}
	free(sql);
	end(&t);
}

static int major_of(const char *url)
{
	struct pg *pg = pg_open(NULL, "OLD", url, PG_LOOK, NULL);
	int major = pg ? pg_major(pg) : 0;
	pg_close(pg);
	return major;
}

/* From another major and to it, where there is one: NIGHTFERRY_OTHER_PG may name the folder of its programs.
 */
static void two_majors_meet(void **state)
{
	const struct pair *pair = *state;
	struct cluster other = {0}, here = {0};
	char bin[160], url[160];
	if (!pair->up)
		skip();
	text_copy(here.bin, sizeof here.bin, pair->bin);
	cluster_other_bin(&here, bin, sizeof bin);
	if (text_equal(bin, pair->bin)) {
		puts("skip: no other major of PostgreSQL is on this machine");
		skip();
	}
	cluster_start(&other, bin, NULL);
	assert_true(other.up);
	pair_url(pair, PAIR_NEW, "postgres", url, sizeof url);
	int major = major_of(other.url);
	printf("another major: %d beside %d\n", major, major_of(url));
	across(pair, &other, PAIR_OLD, major <= major_of(url));
	across(pair, &other, PAIR_NEW, true);
	cluster_stop(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pieces_of_pages), cmocka_unit_test(a_source_that_lives),
	    cmocka_unit_test(many_small_ones), cmocka_unit_test(one_that_is_refused),
	    cmocka_unit_test(silent_old),      cmocka_unit_test(left_out),
	    cmocka_unit_test(not_empty),       cmocka_unit_test(two_majors_meet),
	};
	return cmocka_run_group_tests(tests, pair_up, pair_down);
}
