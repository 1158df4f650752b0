/* timeout: 400 */
/* What a delta must not lose, what it refuses, and that it is whole or nothing when something dies under it.
 */
#include "tests/copy/keys.h"
#include "tests/copy/resume.h"
#include "tests/copy/shop.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/copy/compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- what must come across ---- */

static void nothing_twice(void **state)
{
	struct shop s = shop_open(*state, "twice");
	pair_warm(*state, s.database, NULL, NULL);
	shop_must(s.old_pg,
		  "UPDATE orders SET total = total + 1 WHERE id % 100 = 0; DELETE FROM orders WHERE id "
		  "IN (7, 8, 4711)");
	struct copy_delta first = shop_delta(&s, false), second = shop_delta(&s, true);
	assert_int_equal(first.changed, 200);
	assert_int_equal(first.removed, 3);
	assert_int_equal(first.equal, 2);
	assert_int_equal(first.replaced, 0);
	assert_int_equal(second.equal, 3);
	assert_int_equal(second.changed + second.removed + second.bytes, 0);
	pair_equal(*state, s.database, "two deltas");
	shop_close(&s);
}

/* The snapshot's list of what is under way knows only the outer transaction's number. */
static void savepoint_of_an_open_transaction(void **state)
{
	struct shop s = shop_open(*state, "savepoint");
	struct pg *app = pair_open(*state, PAIR_OLD, s.database);
	shop_must(app,
		  "BEGIN; UPDATE public.orders SET total = 1 WHERE id = 1; SAVEPOINT a; UPDATE public.orders "
		  "SET total = 2 WHERE "
		  "id = 2; SAVEPOINT b; INSERT INTO public.orders (place, total) VALUES (1, 3)");
	shop_must(s.old_pg, "INSERT INTO log VALUES (now(), 'others go on')");
	pair_warm(*state, s.database, NULL, NULL);
	shop_must(app, "COMMIT");
	pg_close(app);
	struct copy_delta out = shop_delta(&s, true);
	assert_true(out.changed >= 3);
	pair_equal(*state, s.database, "a savepoint");
	shop_close(&s);
}

/* Two rows swap a unique value; a new row takes the value of one that is gone. */
static void unique_values_change_hands(void **state)
{
	struct shop s = shop_open(*state, "hands");
	pair_warm(*state, s.database, NULL, NULL);
	shop_must(s.old_pg,
		  "UPDATE places SET name = 'x' WHERE id = 1; UPDATE places SET name = 'place 1' WHERE "
		  "id = 2; UPDATE places "
		  "SET name = 'place 2' WHERE id = 1; DELETE FROM places WHERE id = 3; INSERT INTO "
		  "places VALUES (99, "
		  "'place 3')");
	shop_delta(&s, true);
	pair_equal(*state, s.database, "unique values");
	shop_close(&s);
}

/* Under the name of a table stands another one, as after a rebuild by hand: none of its rows look new. */
static void tables_change_names(void **state)
{
	struct shop s = shop_open(*state, "names");
	shop_must(s.old_pg, "CREATE TABLE fresh (at timestamptz, line text); INSERT INTO fresh SELECT now(), "
			    "'fresh ' || n FROM "
			    "generate_series(1, 100) n");
	shop_must(s.new_pg, "CREATE TABLE fresh (at timestamptz, line text)");
	pair_warm(*state, s.database, NULL, NULL);
	shop_must(s.old_pg,
		  "ALTER TABLE log RENAME TO aside; ALTER TABLE fresh RENAME TO log; ALTER TABLE aside "
		  "RENAME TO fresh");
	assert_int_equal(shop_delta(&s, true).replaced, 2);
	pair_equal(*state, s.database, "swapped tables");
	shop_close(&s);
}

/* ---- what is refused ---- */

static void changed_schemas(void **state)
{
	static const char *const changes[][3] = {
	    {"ALTER TABLE log ADD n int", "table log", "ALTER TABLE log DROP n"},
	    {"CREATE INDEX late ON orders (total)", "table orders", "DROP INDEX late"},
	    {"CREATE TABLE late (id int)", "Table late was made", "DROP TABLE late"},
	    {"ALTER TABLE log RENAME TO lug", "lug", "ALTER TABLE lug RENAME TO log"},
	    {"ALTER TABLE orders DROP CONSTRAINT orders_place_fkey", "table orders",
	     "ALTER TABLE orders ADD FOREIGN KEY (place) REFERENCES places ON DELETE CASCADE"},
	    {"ALTER TYPE mood ADD VALUE 'so so'", "enum", NULL},
	};
	struct shop s = shop_open(*state, "schemas");
	shop_refused(&s, "holds no warm copy");
	pair_warm(*state, s.database, NULL, NULL);
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		shop_must(s.old_pg, changes[i][0]);
		shop_refused(&s, changes[i][1]);
		if (!changes[i][2])
			break;
		shop_must(s.old_pg, changes[i][2]);
		shop_delta(&s, false);
	}
	shop_close(&s);
}

static void another_source(void **state)
{
	static const char *const changes[][2] = {
	    {"system = '1'", "another PostgreSQL cluster"},
	    {"database = 1", "database is another one"},
	    {"timeline = 77", "promoted or restored"},
	    {"next = next + 1000000", "earlier moment"},
	    {"log_bytes = log_bytes + 100000000000", "earlier moment"},
	};
	struct shop s = shop_open(*state, "another");
	pair_warm(*state, s.database, NULL, NULL);
	shop_must(s.new_pg, "CREATE TABLE nightferry.kept AS SELECT * FROM nightferry.warm_source");
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		char sql[200];
		snprintf(sql, sizeof sql, "UPDATE nightferry.warm_source SET %s", changes[i][0]);
		shop_must(s.new_pg, sql);
		shop_refused(&s, changes[i][1]);
		shop_must(s.new_pg, "DELETE FROM nightferry.warm_source; INSERT INTO nightferry.warm_source "
				    "SELECT * FROM nightferry.kept");
	}
	shop_must(
	    s.new_pg,
	    "UPDATE nightferry.warm_table SET boundary = boundary - 2147483648 WHERE table_name = 'log'");
	shop_refused(&s, "more than its 32-bit");
	shop_close(&s);
}

/* Whatever becomes of the row on OLD: written over, in the way of a new one, in a table that is copied again,
 * or in one that stood still. Each has a table of its own, %s, for nothing takes back that it was written to.
 */
static void written_by_others(void **state)
{
	static const struct {
		const char *key, *on_new, *on_old;
	} writes[] = {
	    {"PRIMARY KEY", "UPDATE %s SET v = 0 WHERE id = 5", "UPDATE %s SET v = 1 WHERE id = 9"},
	    {"PRIMARY KEY", "DELETE FROM %s WHERE id = 5", "UPDATE %s SET v = 1 WHERE id = 9"},
	    {"PRIMARY KEY", "INSERT INTO %s VALUES (900, 1)", "DELETE FROM %s WHERE id = 9"},
	    {"PRIMARY KEY", "UPDATE %s SET v = 0 WHERE id = 9", "UPDATE %s SET v = 1 WHERE id = 9"},
	    {"PRIMARY KEY", "UPDATE %s SET v = 0 WHERE id = 9", "DELETE FROM %s WHERE id = 9"},
	    {"PRIMARY KEY, UNIQUE (v)", "INSERT INTO %s VALUES (900, 901)",
	     "INSERT INTO %s VALUES (901, 901)"},
	    {"", "INSERT INTO %s VALUES (900, 1)", "DELETE FROM %s WHERE id = 9"},
	    {"PRIMARY KEY", "UPDATE %s SET v = 0 WHERE id = 7", "SELECT FROM %s"},
	};
	const size_t n = sizeof writes / sizeof writes[0];
	struct shop s = shop_open(*state, "others");
	char name[8], sql[300], says[80];
	for (size_t i = 0; i < n; i++) {
		snprintf(sql, sizeof sql, "CREATE TABLE w%zu (id int %s, v int)", i, writes[i].key);
		shop_must(s.old_pg, sql);
		shop_must(s.new_pg, sql);
		snprintf(sql, sizeof sql, "INSERT INTO w%zu SELECT n, n FROM generate_series(1, 100) n", i);
		shop_must(s.old_pg, sql);
	}
	pair_warm(*state, s.database, NULL, NULL);
	shop_must(s.old_pg, "UPDATE w0 SET v = 1 WHERE id = 9");
	shop_delta(&s, false);
	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof name, "w%zu", i);
		snprintf(says, sizeof says, "Somebody else has written to %s of", name);
		shop_must_on(s.new_pg, writes[i].on_new, name);
		shop_must_on(s.old_pg, writes[i].on_old, name);
		shop_refused(&s, says);
		shop_must_on(s.old_pg, "DROP TABLE %s", name);
		shop_must_on(s.new_pg, "DROP TABLE %s", name);
		shop_must_on(s.new_pg, "DELETE FROM nightferry.warm_table WHERE table_name = '%s'", name);
	}
	shop_delta(&s, true);
	shop_close(&s);
}

static void without_the_right(void **state)
{
	struct shop s = shop_open(*state, "rights");
	char url[200];
	struct err err = {0};
	struct copy_delta out;
	pair_warm(*state, s.database, NULL, NULL);
	shop_must(s.new_pg,
		  "CREATE ROLE plain LOGIN; GRANT ALL ON ALL TABLES "
		  "IN SCHEMA public, nightferry TO plain; GRANT USAGE ON SCHEMA nightferry TO plain");
	snprintf(url, sizeof url, "postgres://plain@%%2Ftmp%%2F%s:%d/%s", s.pair->dir + strlen("/tmp/"),
		 s.pair->port[1], s.database);
	struct pg *source = pair_open(*state, PAIR_OLD, s.database),
		  *plain = pg_open(NULL, "NEW", url, PG_ACT, &err);
	assert_string_equal(err.text, "");
	assert_int_equal(copy_delta_run(source, plain,
					&(struct copy_delta_options){.lanes = 1, .stop_fd = -1}, &out, &err),
			 -1);
	assert_non_null(strstr(err.text, "GRANT SET ON PARAMETER session_replication_role"));
	pg_close(source);
	pg_close(plain);
	shop_close(&s);
}

/* ---- what the proof is for ---- */

static bool proved(struct shop *s)
{
	struct copy_compared compared;
	struct err err = {0};
	struct pg *old_pg = pair_open(s->pair, PAIR_OLD, s->database),
		  *new_pg = pair_open(s->pair, PAIR_NEW, s->database);
	copy_compare_run(old_pg, new_pg, &(struct copy_compare_options){.content = true, .lanes = 1},
			 &compared, &err);
	assert_string_equal(err.text, "");
	bool equal = copy_all_equal(&compared);
	copy_compared_done(&compared);
	pg_close(old_pg);
	pg_close(new_pg);
	return equal;
}

/* All that has happened so far was before the copy. */
static void believe(struct shop *s)
{
	char sql[120];
	int64_t next;
	assert_int_equal(
	    pg_number(s->old_pg, "SELECT txid_snapshot_xmax(txid_current_snapshot())", NULL, &next, NULL), 0);
	snprintf(sql, sizeof sql, "UPDATE nightferry.warm_table SET boundary = %lld", (long long)next);
	shop_must(s->new_pg, sql);
}

/* A delta that believes a wrong boundary loses changes; each kind of loss must be seen. */
static void wrong_deltas_are_seen(void **state)
{
	static const char *const changes[] = {"UPDATE orders SET total = total + 1 WHERE id = 77",
					      "UPDATE log SET line = line || '.' WHERE line LIKE 'line 7%'",
					      "UPDATE places SET name = name || '.' WHERE id = 9"};
	static const char *const faults[] = {"UPDATE orders SET how = 'bad' WHERE id = 88",
					     "DELETE FROM orders WHERE id = 89",
					     "INSERT INTO log SELECT * FROM log LIMIT 1"};
	struct shop s = shop_open(*state, "wrong");
	pair_warm(*state, s.database, NULL, NULL);
	for (size_t i = 0; i < 3; i++) {
		shop_must(s.old_pg, changes[i]);
		believe(&s);
		shop_delta(&s, true);
		assert_false(proved(&s));
		/* The lost row is changed once more, so that an honest delta mends it. */
		shop_must(s.old_pg, changes[i]);
		shop_delta(&s, true);
		assert_true(proved(&s));
	}
	for (size_t i = 0; i < 3; i++) {
		shop_must(s.new_pg, faults[i]);
		assert_false(proved(&s));
	}
	shop_close(&s);
}

/* ---- what dies ---- */

static void churn(struct shop *s, int round)
{
	char sql[400];
	snprintf(sql, sizeof sql,
		 "UPDATE orders SET total = %d WHERE id %% 3 = 0; DELETE FROM orders WHERE id %% 97 = %d; "
		 "UPDATE log SET line = "
		 "line || '!'; INSERT INTO places VALUES (%d, 'new %d'); INSERT INTO orders (place, total) "
		 "SELECT 1, n FROM "
		 "generate_series(1, 3000) n",
		 round, round, 1000 + round, round);
	shop_must(s->old_pg, sql);
}

/* At many moments, for it is not known which of them is the bad one; the last delta then ends it all. */
static void killed_at_any_moment(void **state)
{
	struct shop s = shop_open(*state, "killed");
	int killed = 0;
	pair_warm(*state, s.database, NULL, NULL);
	for (int i = 1; i <= 12; i++) {
		churn(&s, i);
		pid_t pid = fork();
		if (pid == 0) {
			struct copy_delta out;
			struct err err;
			_exit(shop_run(&s, true, &out, &err) < 0);
		}
		usleep((useconds_t)(1000 << i % 10));
		kill(pid, SIGKILL);
		int status;
		waitpid(pid, &status, 0);
		killed += WIFSIGNALED(status);
	}
	assert_true(killed > 0);
	/* Lanes die with their parent; what their servers still do, the tables' locks make us wait for. */
	shop_delta(&s, true);
	pair_equal(*state, s.database, "killed");
	shop_close(&s);
}

static void connections_lost(void **state)
{
	struct shop s = shop_open(*state, "lost");
	int lost = 0;
	pair_warm(*state, s.database, NULL, NULL);
	for (int i = 1; i <= 8; i++) {
		struct pg *side = i % 2 ? s.old_pg : s.new_pg;
		churn(&s, i);
		pid_t pid = fork();
		if (pid == 0) {
			struct copy_delta out;
			struct err err;
			int rc = shop_run(&s, true, &out, &err);
			_exit(rc == 0 ? 0 : strlen(err.text) > 20 ? 1 : 2);
		}
		usleep((useconds_t)(4000 << i % 6));
		shop_must(side, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
				"current_database() AND pid <> "
				"pg_backend_pid() AND backend_type = 'client backend'");
		int status;
		waitpid(pid, &status, 0);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
		lost += WEXITSTATUS(status);
	}
	assert_true(lost > 0);
	shop_delta(&s, true);
	pair_equal(*state, s.database, "lost");
	shop_close(&s);
}

static void stopped_on_request(void **state)
{
	struct shop s = shop_open(*state, "stopped");
	int pipes[2];
	struct copy_delta out;
	struct err err = {0};
	pair_warm(*state, s.database, NULL, NULL);
	churn(&s, 1);
	assert_int_equal(pipe(pipes), 0);
	close(pipes[1]);
	struct copy_delta_options options = {.lanes = 2, .last = true, .stop_fd = pipes[0]};
	struct pg *source = pair_open(*state, PAIR_OLD, s.database),
		  *target = pair_open(*state, PAIR_NEW, s.database);
	assert_int_equal(copy_delta_run(source, target, &options, &out, &err), -1);
	pg_close(source);
	pg_close(target);
	assert_int_equal(err.kind, ERR_CANCELLED);
	close(pipes[0]);
	shop_delta(&s, true);
	pair_equal(*state, s.database, "stopped");
	shop_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_twice),
	    cmocka_unit_test(savepoint_of_an_open_transaction),
	    cmocka_unit_test(unique_values_change_hands),
	    cmocka_unit_test(tables_change_names),
	    cmocka_unit_test(changed_schemas),
	    cmocka_unit_test(another_source),
	    cmocka_unit_test(written_by_others),
	    cmocka_unit_test(without_the_right),
	    cmocka_unit_test(keys_stand_aside),
	    cmocka_unit_test(keys_that_do_not_hold),
	    cmocka_unit_test(keys_left_aside),
	    cmocka_unit_test(wrong_deltas_are_seen),
	    cmocka_unit_test(killed_at_any_moment),
	    cmocka_unit_test(killed_and_gone_on_with),
	    cmocka_unit_test(what_cannot_be_kept),
	    cmocka_unit_test(connections_lost),
	    cmocka_unit_test(stopped_on_request),
	};
	/* NULL: all of them. */
	cmocka_set_test_filter(getenv("DELTA_ONLY"));
	return cmocka_run_group_tests(tests, pair_up, pair_down);
}
