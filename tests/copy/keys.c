/* See the header. */
#include "tests/copy/keys.h"
#include "core/copy/delta_guard.h"
#include "tests/copy/shop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const char keys_sql[] =
    "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated AND conparentid = 0";

static struct shop owned_shop(const struct pair *pair, const char *database)
{
	struct shop s = shop_open(pair, database);
	static const char more[] =
	    "ALTER TABLE places ADD best bigint REFERENCES orders ON DELETE SET NULL DEFERRABLE; COMMENT ON "
	    "CONSTRAINT places_best_fkey ON places IS 'a circle'; CREATE FUNCTION note() RETURNS trigger "
	    "LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.log VALUES ('2026-01-01', 'trigger'); RETURN "
	    "NULL; "
	    "END$$; CREATE TRIGGER note AFTER INSERT OR DELETE ON orders FOR EACH ROW EXECUTE FUNCTION "
	    "note()";
	shop_must(s.old_pg, more);
	shop_must(s.new_pg, more);
	pair_warm(pair, s.database, NULL, NULL);
	shop_must(s.new_pg,
		  "DO $$BEGIN CREATE ROLE keeper LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END$$");
	shop_must(s.new_pg,
		  "ALTER SCHEMA nightferry OWNER TO keeper; ALTER TABLE nightferry.warm_table OWNER TO "
		  "keeper; ALTER TABLE nightferry.warm_source OWNER TO keeper; ALTER TABLE places OWNER TO "
		  "keeper; ALTER TABLE orders OWNER TO keeper; ALTER TABLE log OWNER TO keeper");
	return s;
}

static int run_as_keeper(struct shop *s, struct copy_delta *out, struct err *err)
{
	char url[200];
	*err = (struct err){0};
	snprintf(url, sizeof url, "postgres://keeper@%%2Ftmp%%2F%s:%d/%s", s->pair->dir + strlen("/tmp/"),
		 s->pair->port[1], s->database);
	struct pg *source = pair_open(s->pair, PAIR_OLD, s->database),
		  *target = pg_open(NULL, "NEW", url, PG_ACT, err);
	int rc = target
		     ? copy_delta_run(source, target,
				      &(struct copy_delta_options){.lanes = 2, .last = true, .stop_fd = -1},
				      out, err)
		     : -1;
	pg_close(source);
	pg_close(target);
	return rc;
}

/* The keys go in a circle, so that no order of the tables would do. */
void keys_stand_aside(void **state)
{
	struct shop s = owned_shop(*state, "aside");
	struct copy_delta out;
	struct err err;
	int64_t n;
	shop_must(
	    s.old_pg,
	    "INSERT INTO places VALUES (60, 'new'); INSERT INTO orders (place, total) VALUES (60, 1); UPDATE "
	    "places SET best = (SELECT max(id) FROM orders) WHERE id IN (1, 60); DELETE FROM places WHERE id "
	    "= 5; UPDATE orders SET total = 2 WHERE id = 77");
	assert_int_equal(run_as_keeper(&s, &out, &err), 0);
	assert_true(out.owner_only);
	assert_int_equal(out.keys, 2);
	assert_true(out.removed > 300);
	pair_equal(*state, s.database, "keys that stood aside");
	assert_int_equal(pg_number(s.new_pg, keys_sql, NULL, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_int_equal(pg_number(s.new_pg,
				   "SELECT count(*) FROM pg_constraint k WHERE condeferrable AND "
				   "obj_description(k.oid, 'pg_constraint') = 'a circle'",
				   NULL, &n, NULL),
			 0);
	assert_int_equal(n, 1);
	assert_int_equal(
	    pg_number(s.new_pg, "SELECT count(*) FROM pg_trigger WHERE tgname = 'note' AND tgenabled = 'O'",
		      NULL, &n, NULL),
	    0);
	assert_int_equal(n, 1);
	shop_close(&s);
}

/* Rows that no key allows are not let in by taking it away. */
void keys_that_do_not_hold(void **state)
{
	struct shop s = owned_shop(*state, "broken");
	struct copy_delta out;
	struct err err;
	int64_t n;
	shop_must(s.old_pg,
		  "SET session_replication_role = replica; UPDATE orders SET place = 9999 WHERE id = 5; SET "
		  "session_replication_role = origin");
	assert_int_equal(run_as_keeper(&s, &out, &err), -1);
	assert_non_null(strstr(err.text, "noted in nightferry.held_key"));
	shop_must(s.old_pg, "UPDATE orders SET place = 1 WHERE id = 5");
	assert_int_equal(run_as_keeper(&s, &out, &err), 0);
	assert_true(out.keys >= 1);
	assert_int_equal(pg_number(s.new_pg, keys_sql, NULL, &n, NULL), 0);
	assert_int_equal(n, 2);
	pair_equal(*state, s.database, "keys that hold again");
	shop_close(&s);
}

/* As after a kill in the middle: whoever comes next, a superuser even, puts them back. */
void keys_left_aside(void **state)
{
	struct shop s = owned_shop(*state, "leftover");
	struct err err = {0};
	assert_int_equal(delta_keys_take(s.new_pg, &err), 0);
	assert_string_equal(err.text, "");
	shop_must(s.old_pg, "DELETE FROM places WHERE id = 5");
	assert_int_equal(shop_delta(&s, true).keys, 2);
	pair_equal(*state, s.database, "keys that were left aside");
	shop_close(&s);
}
