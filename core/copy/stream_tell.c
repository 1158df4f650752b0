/* What a copy tells while it goes on: a table at most once a second, and never one of which nothing is new.
 */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/copy/stream_inner.h"
#include <string.h>

enum { TABLE_MS = 1000, TOTAL_MS = 700, INDEX_MS = 1500, TASK_MS = 100 };

/* "43% orders_total_idx": of what is being built on this table now. */
static void say_index(const struct stream *s, size_t table, char *out, size_t size)
{
	char raw[160] = "";
	for (size_t i = 0; i < s->n_lanes; i++) {
		const struct stream_task *task = s->lanes[i].task;
		if (!task || task->table != table || !task->entry || *raw)
			continue;
		/* A constraint's heading names its table first. */
		const char *name = task->entry->name, *table_name = s->catalog.list[table].name;
		if (text_starts(name, table_name) && name[strlen(table_name)] == ' ')
			name += strlen(table_name) + 1;
		if (task->share > 0)
			text_copyf(raw, sizeof raw, "%d%% %.100s", (int)(task->share * 100), name);
		else
			text_copyf(raw, sizeof raw, "%.100s", name);
	}
	text_clean(out, size, raw, strlen(raw));
}

/* Rows of pieces that are on their way are added. */
static struct copy_done moved(const struct stream *s, size_t table, bool *moves)
{
	struct copy_done sum = s->tables[table].done;
	*moves = false;
	for (size_t i = 0; i < s->n_lanes; i++) {
		const struct stream_task *task = s->lanes[i].task;
		/* Its rows may be in, and the lane at its next table already. */
		if (!task || task->kind != STREAM_ROWS || task->at != table || !s->tables[table].busy)
			continue;
		sum.rows += task->done.rows;
		sum.bytes += task->done.bytes;
		*moves = true;
	}
	return sum;
}

void stream_tell_table(struct stream *s, size_t table, const char *state, bool now)
{
	struct stream_table *t = &s->tables[table];
	const struct copy_table *c = &s->catalog.list[table];
	int64_t now_ms = clock_life_ms();
	char index[120];
	bool moves;
	/* What is left out is never told as copied, though its indexes are made. */
	if (c->skipped || (!now && text_equal(t->state, state) && now_ms - t->told_at_ms < TABLE_MS))
		return;
	struct copy_done done = moved(s, table, &moves);
	state = moves ? "copying" : state;
	t->told_at_ms = now_ms;
	text_copy(t->state, sizeof t->state, state);
	say_index(s, table, index, sizeof index);
	struct jw w;
	order_line(&w, "table");
	jw_str(&w, "table", c->label);
	jw_str(&w, "state", state);
	jw_int(&w, "rows", done.rows);
	jw_int(&w, "rows_guess", c->rows);
	jw_int(&w, "bytes", done.bytes);
	jw_int(&w, "size_bytes", c->size_bytes);
	jw_int(&w, "indexes", (int64_t)(t->indexes + t->uniques));
	jw_str(&w, "index", index);
	jw_int(&w, "ms", moves && t->began_ms ? now_ms - t->began_ms : -1);
	order_tell(&w);
}

void stream_tell_waiting(struct stream *s)
{
	for (size_t i = 0; i < s->catalog.n; i++)
		stream_tell_table(s, i, s->kept[i] ? "copied" : "waiting", true);
}

/* ---- indexes ---- */

/* Half of it is the reading of the table, half the writing of the index. */
static const char indexes_sql[] =
    "SELECT pid, CASE WHEN tuples_total > 0 THEN 50 + tuples_done * 50 / tuples_total WHEN blocks_total > 0 "
    "THEN blocks_done * 50 / blocks_total ELSE 0 END FROM pg_catalog.pg_stat_progress_create_index WHERE "
    "datname = pg_catalog.current_database()";

static void take_share(struct stream *s, int64_t backend, int64_t percent)
{
	for (size_t i = 0; i < s->n_lanes; i++) {
		struct stream_task *task = s->lanes[i].task;
		if (!task || !task->entry || s->lanes[i].backend != backend)
			continue;
		task->share = percent > 0 && percent <= 100 ? (double)percent / 100 : 0;
		stream_tell_table(s, task->table, "index", false);
	}
}

void stream_look_indexes(struct stream *s)
{
	bool some = false;
	int64_t now_ms = clock_life_ms();
	for (size_t i = 0; i < s->n_lanes; i++)
		some = some || (s->lanes[i].task && s->lanes[i].task->entry);
	if (!some || now_ms - s->looked_at_ms < INDEX_MS || pg_major(s->target) < 12)
		return;
	s->looked_at_ms = now_ms;
	/* A look that fails tells nothing; what is wrong with the target the lanes will say. */
	struct pg_result *r = pg_query(s->target, indexes_sql, NULL, NULL);
	for (size_t i = 0; i < pg_rows(r); i++)
		take_share(s, pg_get_int(r, i, 0), pg_get_int(r, i, 1));
	pg_result_free(r);
}

/* ---- all of it ---- */

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

/* Of what runs, as far as it is known. */
static double work_done(const struct stream *s)
{
	double work = s->work;
	for (size_t i = 0; i < s->n_lanes; i++)
		if (s->lanes[i].task)
			work += s->lanes[i].task->weight * stream_task_share(s, s->lanes[i].task);
	return work;
}

void stream_tell_task(struct stream *s, const struct stream_task *task, int64_t ms, int64_t bytes)
{
	static const char *const does[] = {[STREAM_ROWS] = "rows",
					   [STREAM_UNIQUE] = "unique",
					   [STREAM_INDEX] = "index",
					   [STREAM_KEY] = "key"};
	if (ms < TASK_MS)
		return;
	struct jw w;
	order_line(&w, "task");
	jw_str(&w, "does", does[task->kind]);
	jw_str(&w, "table", s->catalog.list[task->table].label);
	jw_str(&w, "name", task->entry ? task->entry->name : "");
	jw_int(&w, "tables", (int64_t)task->n);
	jw_bool(&w, "tree", task->tree);
	jw_int(&w, "size_bytes", s->catalog.list[task->table].size_bytes);
	jw_int(&w, "weight", (int64_t)task->weight);
	jw_int(&w, "bytes", bytes);
	jw_int(&w, "from_ms", task->began_ms - s->began_ms);
	jw_int(&w, "ms", ms);
	order_tell(&w);
}

void stream_tell_total(struct stream *s, const char *phase, bool now)
{
	struct sums sums;
	bool about = false;
	int64_t now_ms = clock_life_ms(), rows = s->total.rows, bytes = s->total.bytes + s->kept_bytes;
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
	jw_int(&w, "eta_ms", text_equal(phase, "rows") ? stream_eta_ms(s, now_ms, &about) : -1);
	jw_bool(&w, "eta_about", about);
	jw_str(&w, "eta_why", s->eta.why);
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
