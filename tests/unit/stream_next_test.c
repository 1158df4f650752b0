/* What a copy does next: against databases at random, no index is built before its rows are in, no key before
 * both of its tables are finished, no lane waits while there is something it could do, and all of it comes to
 * an end. */
#include "core/base/text.h"
#include "core/copy/stream_inner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static uint64_t seed;

static size_t random_below(size_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return n ? (size_t)((seed >> 33) % n) : 0;
}

static void add(struct copy_script *script, const char *type, char *sql)
{
	script->list = xrealloc(script->list, script->n + 1, sizeof *script->list);
	struct copy_entry *e = &script->list[script->n++];
	*e = (struct copy_entry){.name = xstrdup("x"), .type = xstrdup(type), .schema = xstrdup("public")};
	e->list = xcalloc(1, sizeof *e->list);
	e->list[e->n++] = sql;
}

/* Tables of the largest first, as copy_catalog_read() gives them. */
static void make_tables(struct stream *s, size_t n)
{
	s->catalog.list = xcalloc(n + 1, sizeof *s->catalog.list);
	s->catalog.by_name = xcalloc(n + 1, sizeof *s->catalog.by_name);
	s->kept = xcalloc(n + 1, sizeof *s->kept);
	for (size_t i = 0; i < n; i++) {
		struct copy_table *t = &s->catalog.list[s->catalog.n];
		text_copy(t->schema, sizeof t->schema, "public");
		text_copyf(t->name, sizeof t->name, "t%06zu", i);
		text_copy(t->label, sizeof t->label, t->name);
		t->columns = xstrdup("\"id\"");
		t->where = xstrdup("");
		t->skipped = i % 17 == 5;
		t->extension = i % 31 == 7;
		t->size_bytes = (int64_t)(n - i) * 3000;
		t->pages = t->size_bytes / 8192;
		s->catalog.size_bytes += t->size_bytes;
		s->catalog.by_name[s->catalog.n++] = t;
	}
}

static void make_post(struct stream *s)
{
	for (size_t i = 0; i < s->catalog.n; i++) {
		if (random_below(5))
			add(&s->post, "CONSTRAINT",
			    xasprintf("ALTER TABLE ONLY \"public\".\"t%06zu\" ADD CONSTRAINT \"p\" PRIMARY "
				      "KEY (\"id\")",
				      i));
		for (size_t k = random_below(4); k; k--)
			add(&s->post, "INDEX",
			    xasprintf("CREATE INDEX \"i\" ON \"public\".\"t%06zu\" USING btree (\"id\")", i));
		if (random_below(2))
			add(&s->post, "FK CONSTRAINT",
			    xasprintf("ALTER TABLE ONLY \"public\".\"t%06zu\" ADD CONSTRAINT \"f\" FOREIGN "
				      "KEY (\"a\") REFERENCES \"public\".\"t%06zu\"(\"id\")",
				      i, random_below(3) ? random_below(s->catalog.n) : i));
	}
}

/* What has to hold, told without the program's own counts. */
struct oracle {
	size_t *rows, *uniques, *indexes; /* left, by table */
	size_t *at_unique, *at_any, *at_key;
};

static size_t *counts(const struct stream *s)
{
	return xcalloc(s->catalog.n + 1, sizeof(size_t));
}

static struct oracle oracle_of(const struct stream *s)
{
	struct oracle o = {counts(s), counts(s), counts(s), counts(s), counts(s), counts(s)};
	for (size_t i = 0; i < s->n_tasks; i++) {
		const struct stream_task *t = s->tasks[i];
		for (size_t k = 0; t->kind == STREAM_ROWS && k < t->n; k++)
			o.rows[t->table + k]++;
		o.uniques[t->table] += t->kind == STREAM_UNIQUE;
		o.indexes[t->table] += t->kind == STREAM_INDEX;
	}
	return o;
}

static void oracle_done(struct oracle *o)
{
	size_t *const all[] = {o->rows, o->uniques, o->indexes, o->at_unique, o->at_any, o->at_key};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		free(all[i]);
}

static bool may_run(const struct oracle *o, const struct stream_task *t)
{
	size_t a = t->table, b = t->other;
	switch (t->kind) {
	case STREAM_ROWS: return true;
	case STREAM_UNIQUE: return !o->rows[a] && !o->at_any[a];
	case STREAM_INDEX: return !o->rows[a] && !o->uniques[a] && !o->at_unique[a];
	case STREAM_KEY:
		return !o->rows[a] && !o->uniques[a] && !o->indexes[a] && !o->rows[b] && !o->uniques[b] &&
		       !o->indexes[b] && !o->at_any[a] && !o->at_key[a] && !o->at_key[b];
	}
	return false;
}

static void oracle_begin(struct oracle *o, const struct stream_task *t)
{
	for (size_t k = 0; k < t->n; k++)
		o->at_any[t->table + k]++;
	o->at_unique[t->table] += t->kind == STREAM_UNIQUE;
	o->at_key[t->table] += t->kind == STREAM_KEY;
}

static void finish(struct stream *s, struct oracle *o, struct stream_task *t)
{
	for (size_t k = 0; t->kind == STREAM_ROWS && k < t->n; k++) {
		stream_rows_end(s, t, t->table + k, &(struct copy_done){.rows = 1, .bytes = 10});
		o->rows[t->table + k]--;
	}
	stream_end(s, t);
	for (size_t k = 0; k < t->n; k++)
		o->at_any[t->table + k]--;
	o->uniques[t->table] -= t->kind == STREAM_UNIQUE;
	o->indexes[t->table] -= t->kind == STREAM_INDEX;
	o->at_unique[t->table] -= t->kind == STREAM_UNIQUE;
	o->at_key[t->table] -= t->kind == STREAM_KEY;
}

/* `look`: each time nothing comes, all tasks are gone through for one that could. */
static void run_all(struct stream *s, struct oracle *o, bool look)
{
	struct stream_task *lanes[8] = {0};
	size_t left = s->n_tasks - s->n_done;
	while (left) {
		for (size_t i = 0; i < s->lanes_wanted; i++) {
			struct stream_task *t = lanes[i] ? NULL : stream_next(s);
			if (t) {
				assert_int_equal(t->state, STREAM_WAITS);
				assert_true(may_run(o, t));
				stream_begin(s, t);
				oracle_begin(o, t);
				lanes[i] = t;
			}
			for (size_t k = 0; look && !lanes[i] && k < s->n_tasks; k++)
				assert_false(s->tasks[k]->state == STREAM_WAITS && may_run(o, s->tasks[k]));
		}
		size_t which = random_below(s->lanes_wanted);
		for (size_t i = 0; i < s->lanes_wanted && !lanes[which]; i++)
			which = (which + 1) % s->lanes_wanted;
		assert_non_null(lanes[which]);
		finish(s, o, lanes[which]);
		lanes[which] = NULL;
		left--;
	}
	assert_true(stream_all_done(s));
	assert_null(stream_next(s));
}

/* The rows of some tables are in before it is known which indexes there will be. */
static void begin_some(struct stream *s, struct oracle *o, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct stream_task *t = stream_next(s);
		if (!t)
			return;
		stream_begin(s, t);
		oracle_begin(o, t);
		finish(s, o, t);
	}
}

static void live(size_t tables, size_t lanes, size_t early, bool look)
{
	struct copy_order order = {0};
	struct stream s = {.order = &order, .lanes_wanted = lanes};
	make_tables(&s, tables);
	/* Some are there already, or all but one. */
	for (size_t i = 0, most = random_below(4); most && i < tables; i++)
		s.kept[i] = i + 1 < tables && random_below(3) < most;
	stream_tasks_rows(&s);
	struct oracle before = oracle_of(&s);
	begin_some(&s, &before, early);
	assert_false(stream_all_done(&s));
	make_post(&s);
	s.has_post = true;
	stream_tasks_post(&s);
	struct oracle o = oracle_of(&s);
	memcpy(o.rows, before.rows, tables * sizeof *o.rows);
	run_all(&s, &o, look);
	for (size_t i = 0; i < tables; i++) {
		const struct stream_table *t = &s.tables[i];
		assert_int_equal(t->done.rows, !s.catalog.list[i].skipped && !s.kept[i]);
		assert_int_equal(t->pieces + t->uniques + t->indexes + t->busy + t->keys_out, 0);
	}
	oracle_done(&o);
	oracle_done(&before);
	stream_tasks_done(&s);
	free(s.kept);
	copy_script_done(&s.post);
	copy_catalog_done(&s.catalog);
}

static void at_random(void **state)
{
	(void)state;
	for (seed = 1; seed < 60;) {
		uint64_t round = seed;
		live(1 + random_below(60), 1 + random_below(8), random_below(40), true);
		seed = round + 1;
	}
}

/* Ten thousand tables are many small ones at once for a lane, and nobody goes through all of them for each.
 */
static void ten_thousand_tables(void **state)
{
	struct copy_order order = {0};
	struct stream s = {.order = &order, .lanes_wanted = 3};
	(void)state;
	make_tables(&s, 10000);
	for (size_t i = 0; i < s.catalog.n; i++)
		s.catalog.list[i].size_bytes = 8192;
	stream_tasks_rows(&s);
	/* Those of extensions go by themselves, and stand between the others here. */
	assert_in_range(s.n_tasks, 500, 1500);
	for (size_t i = 0; i < s.n_tasks; i++)
		assert_in_range(s.tasks[i]->n, 1, 100);
	stream_tasks_done(&s);
	free(s.kept);
	copy_catalog_done(&s.catalog);
	seed = 4711;
	live(10000, 3, 100, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(at_random),
	    cmocka_unit_test(ten_thousand_tables),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
