/* How long a copy takes yet, told along a real run: its tasks, when each began and how long it took, as the
 * worker's log has them (a shop of 400 MB on a busy machine of two cores). */
#include "core/base/text.h"
#include "core/copy/stream_inner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { TASKS = 40, LOOK_MS = 700 };

struct run {
	struct stream s;
	struct copy_table tables[TASKS];
	struct stream_table states[TASKS];
	struct stream_task tasks[TASKS], *list[TASKS];
	int64_t from_ms[TASKS], ms[TASKS], bytes[TASKS], end_ms;
};

static size_t table_of(struct run *r, const struct json *line)
{
	const char *label = json_str(line, "table", "");
	for (size_t i = 0; i < r->s.catalog.n; i++)
		if (text_equal(r->tables[i].label, label))
			return i;
	text_copy(r->tables[r->s.catalog.n].label, sizeof r->tables[0].label, label);
	r->tables[r->s.catalog.n].size_bytes = json_int(line, "size_bytes", 0);
	return r->s.catalog.n++;
}

static void take(struct run *r, const struct json *line)
{
	static const char *const does[] = {"rows", "unique", "index", "key"};
	if (text_equal(json_str(line, "does", ""), "end")) {
		r->end_ms = json_int(line, "ms", 0);
		r->s.n_lanes = (size_t)json_int(line, "lanes", 0);
		return;
	}
	size_t i = r->s.n_tasks++, table = table_of(r, line);
	assert_true(i < TASKS);
	r->tasks[i] = (struct stream_task){.table = table,
					   .other = table,
					   .at = table,
					   .n = (size_t)json_int(line, "tables", 1),
					   .tree = json_bool(line, "tree", false),
					   .weight = (double)json_int(line, "weight", 0)};
	for (int k = 0; k < 4; k++)
		if (text_equal(json_str(line, "does", ""), does[k]))
			r->tasks[i].kind = (enum stream_kind)k;
	/* The table a key leads to is the one whose name it has. */
	for (size_t k = 0; r->tasks[i].kind == STREAM_KEY && k < r->s.catalog.n; k++) {
		char column[80], *last;
		text_copyf(column, sizeof column, "_%s", r->tables[k].label);
		if ((last = strrchr(column, 's')))
			text_copy(last, 5, "_id_");
		if (strstr(json_str(line, "name", ""), column))
			r->tasks[i].other = k;
	}
	r->list[i] = &r->tasks[i];
	r->from_ms[i] = json_int(line, "from_ms", 0);
	r->ms[i] = json_int(line, "ms", 0);
	r->bytes[i] = json_int(line, "bytes", 0);
}

static void begin(struct run *r)
{
	char *text = NULL;
	size_t size = 0;
	ssize_t len;
	*r = (struct run){.s = {.has_post = true}};
	r->s.catalog.list = r->tables;
	r->s.tables = r->states;
	r->s.tasks = r->list;
	FILE *f = fopen("tests/unit/copy_runs/shop.jsonl", "re");
	assert_non_null(f);
	while ((len = getline(&text, &size, f)) > 0) {
		struct json *line = json_parse(text, (size_t)len, NULL);
		assert_non_null(line);
		take(r, line);
		json_free(line);
	}
	free(text);
	fclose(f);
	assert_int_equal(r->s.n_tasks, 23);
	assert_int_equal(r->s.n_lanes, 3);
}

/* The world as it was then: what runs has come as far as its time says. */
static void at(struct run *r, int64_t now_ms)
{
	size_t lane = 0;
	for (size_t i = 0; i < r->s.n_lanes; i++)
		r->s.lanes[i].task = NULL;
	for (size_t i = 0; i < r->s.n_tasks; i++) {
		struct stream_task *task = &r->tasks[i];
		if (task->state != STREAM_DONE && r->from_ms[i] + r->ms[i] <= now_ms) {
			task->state = STREAM_DONE;
			stream_eta_ended(&r->s, task, r->ms[i], r->bytes[i]);
		}
		if (task->state == STREAM_DONE || r->from_ms[i] > now_ms)
			continue;
		task->state = STREAM_RUNS;
		task->began_ms = r->from_ms[i];
		task->share = (double)(now_ms - task->began_ms) / (double)r->ms[i];
		task->done.bytes = (int64_t)(task->share * (double)r->bytes[i]);
		/* A lane's answer may be told some ms later than its next task began. */
		if (lane < r->s.n_lanes)
			r->s.lanes[lane++].task = task;
	}
}

/* What is told is near the truth from the first third on, is later than it was only with a reason, and is
 * "about" as long as no index has been measured. */
static void a_real_run(void **state)
{
	struct run r;
	int64_t told_end_ms = 0, first_ms = 0;
	(void)state;
	begin(&r);
	for (int64_t now_ms = LOOK_MS; now_ms < r.end_ms; now_ms += LOOK_MS) {
		bool about = false;
		at(&r, now_ms);
		int64_t eta_ms = stream_eta_ms(&r.s, now_ms, &about), left_ms = r.end_ms - now_ms,
			wrong_ms = llabs(eta_ms - left_ms);
		if (getenv("SHOW"))
			printf("%6lld left %6lld told %6lld %s %s\n", (long long)now_ms, (long long)left_ms,
			       (long long)eta_ms, about ? "about" : "", r.s.eta.why);
		if (eta_ms < 0)
			continue;
		first_ms = first_ms ? first_ms : now_ms;
		if (told_end_ms && now_ms + eta_ms > told_end_ms + 1000)
			assert_string_not_equal(r.s.eta.why, "");
		told_end_ms = now_ms + eta_ms;
		if (now_ms < r.end_ms / 10)
			assert_true(about);
		if (now_ms > r.end_ms / 3 && wrong_ms > 2500 && wrong_ms > left_ms * 35 / 100)
			fail_msg("%lld ms before the end %lld ms are told", (long long)left_ms,
				 (long long)eta_ms);
	}
	assert_in_range(first_ms, 1, r.end_ms / 5);
}

/* From its middle on all takes three times as long: it is told, with the kind of work that does. */
static void a_line_that_slows_down(void **state)
{
	struct run r;
	int64_t told_end_ms = 0, slow_ms = 5000;
	bool later = false, about;
	(void)state;
	begin(&r);
	for (size_t i = 0; i < r.s.n_tasks; i++) {
		int64_t *from_ms = &r.from_ms[i], until_ms = *from_ms + r.ms[i];
		*from_ms += *from_ms > slow_ms ? 2 * (*from_ms - slow_ms) : 0;
		until_ms += until_ms > slow_ms ? 2 * (until_ms - slow_ms) : 0;
		r.ms[i] = until_ms - *from_ms;
	}
	r.end_ms += 2 * (r.end_ms - slow_ms);
	for (int64_t now_ms = LOOK_MS; now_ms < r.end_ms; now_ms += LOOK_MS) {
		at(&r, now_ms);
		int64_t eta_ms = stream_eta_ms(&r.s, now_ms, &about);
		if (told_end_ms && eta_ms > 0 && now_ms + eta_ms > told_end_ms + 1000) {
			assert_non_null(strstr(r.s.eta.why, " go slower than "));
			later = true;
		}
		told_end_ms = eta_ms < 0 ? told_end_ms : now_ms + eta_ms;
	}
	assert_true(later);
}

/* Nothing is told before the indexes are known, nor before a row has come. */
static void not_known(void **state)
{
	struct run r;
	bool about;
	(void)state;
	begin(&r);
	at(&r, 0);
	assert_int_equal(stream_eta_ms(&r.s, 0, &about), -1);
	at(&r, 10000);
	r.s.has_post = false;
	assert_int_equal(stream_eta_ms(&r.s, 10000, &about), -1);
	r.s.has_post = r.s.views = true;
	assert_true(stream_eta_ms(&r.s, 10000, &about) > 0);
	assert_true(about);
}

/* A piece of a large table is a share of that piece, and not of the table. */
static void share_of_a_piece(void **state)
{
	struct run r = {0};
	(void)state;
	r.s.catalog.list = r.tables;
	r.tables[0].size_bytes = 100 << 20;
	struct stream_task task = {.n = 1, .weight = 10 << 20, .done = {.bytes = 5 << 20}};
	assert_in_range((int)(stream_task_share(&r.s, &task) * 100), 49, 51);
	/* Bytes on their way are fewer than those of the table, as was seen. */
	stream_eta_ended(&r.s, &task, 1000, 5 << 20);
	task.done.bytes = 5 << 19;
	assert_in_range((int)(stream_task_share(&r.s, &task) * 100), 49, 51);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_real_run),
	    cmocka_unit_test(a_line_that_slows_down),
	    cmocka_unit_test(not_known),
	    cmocka_unit_test(share_of_a_piece),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
