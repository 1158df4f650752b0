/* What a copy tells while it goes on: a table at most once a second, and never one of which nothing is new.
 */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/copy/stream_inner.h"

enum { TABLE_MS = 1000, TOTAL_MS = 700 };

void stream_tell_table(struct stream *s, size_t table, const char *state, bool now)
{
	struct stream_table *t = &s->tables[table];
	const struct copy_table *c = &s->catalog.list[table];
	int64_t now_ms = clock_life_ms(), rows = t->done.rows, bytes = t->done.bytes;
	if (!now && text_equal(t->state, state) && now_ms - t->told_at_ms < TABLE_MS)
		return;
	for (size_t i = 0; i < s->n_lanes; i++) {
		const struct stream_task *task = s->lanes[i].task;
		if (task && task->table == table && task->kind == STREAM_ROWS) {
			rows += task->done.rows;
			bytes += task->done.bytes;
			state = "copying";
		}
	}
	t->told_at_ms = now_ms;
	text_copy(t->state, sizeof t->state, state);
	struct jw w;
	order_line(&w, "table");
	jw_str(&w, "table", c->label);
	jw_str(&w, "state", state);
	jw_int(&w, "rows", rows);
	jw_int(&w, "rows_guess", c->rows);
	jw_int(&w, "bytes", bytes);
	jw_int(&w, "size_bytes", c->size_bytes);
	jw_int(&w, "indexes", (int64_t)(t->indexes + t->uniques));
	order_tell(&w);
}

struct sums {
	int64_t tables, tables_all, indexes, indexes_all, keys, keys_all;
	double work;
};

static void sum(const struct stream *s, struct sums *out)
{
	*out = (struct sums){0};
	for (size_t i = 0; i < s->catalog.n; i++) {
		out->tables_all += !s->catalog.list[i].skipped;
		out->tables += !s->catalog.list[i].skipped && !s->tables[i].pieces;
	}
	for (size_t i = 0; i < s->n_tasks; i++) {
		bool done = s->tasks[i]->state == STREAM_DONE, rows = s->tasks[i]->kind == STREAM_ROWS,
		     key = s->tasks[i]->kind == STREAM_KEY;
		out->work += s->tasks[i]->weight;
		out->keys_all += key;
		out->keys += key && done;
		out->indexes_all += !rows && !key;
		out->indexes += !rows && !key && done;
	}
}

/* Of what runs, only rows tell how far they are. */
static double work_done(const struct stream *s)
{
	double work = s->work;
	for (size_t i = 0; i < s->n_lanes; i++) {
		const struct stream_task *task = s->lanes[i].task;
		double size = task ? (double)s->catalog.list[task->table].size_bytes : 0,
		       share = size > 0 ? (double)task->done.bytes * task->weight / size : 0;
		work += share < 0 || !task ? 0 : share > task->weight ? task->weight : share;
	}
	return work;
}

void stream_tell_total(struct stream *s, const char *phase, bool now)
{
	struct sums sums;
	int64_t now_ms = clock_life_ms(), rows = s->total.rows, bytes = s->total.bytes;
	if (!now && now_ms - s->told_at_ms < TOTAL_MS)
		return;
	s->told_at_ms = now_ms;
	if (s->tables)
		sum(s, &sums);
	else
		sums = (struct sums){0};
	for (size_t i = 0; i < s->n_lanes; i++) {
		rows += s->lanes[i].task ? s->lanes[i].task->done.rows : 0;
		bytes += s->lanes[i].task ? s->lanes[i].task->done.bytes : 0;
	}
	struct jw w;
	order_line(&w, "total");
	jw_str(&w, "phase", phase);
	jw_int(&w, "rows", rows);
	jw_int(&w, "bytes", bytes);
	jw_int(&w, "size_bytes", s->catalog.size_bytes);
	jw_int(&w, "tables", sums.tables);
	jw_int(&w, "tables_total", sums.tables_all);
	jw_int(&w, "indexes", sums.indexes);
	jw_int(&w, "indexes_total", s->has_post ? sums.indexes_all : -1);
	jw_int(&w, "keys", sums.keys);
	jw_int(&w, "keys_total", s->has_post ? sums.keys_all : -1);
	jw_int(&w, "work", (int64_t)work_done(s));
	jw_int(&w, "work_total", s->has_post ? (int64_t)sums.work : -1);
	jw_int(&w, "ms", now_ms - s->began_ms);
	jw_int(&w, "lanes", (int64_t)s->n_lanes);
	jw_str(&w, "dumper", s->dumper.says);
	order_tell(&w);
}

void stream_left_out(struct stream *s, const struct copy_entry *entry, const char *why)
{
	struct jw w;
	s->left_out++;
	order_line(&w, "left_out");
	jw_strf(&w, "what", "%s %s", entry->type, entry->name);
	jw_str(&w, "why", why);
	order_tell(&w);
}
