/* What should come next: the task with the most behind it, so that the largest table and its slowest index
 * are not what everybody waits for in the end.
 *
 * Tasks that may be ready stand in a heap. One that turns out not to be is taken out, and comes back when
 * something ends on one of its tables; so nobody ever goes through all of them. */
#include "core/base/clock.h"
#include "core/copy/stream_inner.h"

/* ---- the heap ---- */

static void swap(struct stream *s, size_t a, size_t b)
{
	struct stream_task *task = s->ready[a];
	s->ready[a] = s->ready[b];
	s->ready[b] = task;
}

static void sink(struct stream *s, size_t i)
{
	for (;;) {
		size_t best = i;
		for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < s->n_ready; k++)
			if (s->ready[k]->chain > s->ready[best]->chain)
				best = k;
		if (best == i)
			return;
		swap(s, i, best);
		i = best;
	}
}

void stream_queue(struct stream *s, struct stream_task *task)
{
	if (task->queued || task->state != STREAM_WAITS)
		return;
	task->queued = true;
	if ((s->n_ready & (s->n_ready - 1)) == 0)
		s->ready = xrealloc(s->ready, s->n_ready ? s->n_ready * 2 : 1, sizeof(struct stream_task *));
	size_t i = s->n_ready++;
	s->ready[i] = task;
	for (; i && s->ready[(i - 1) / 2]->chain < s->ready[i]->chain; i = (i - 1) / 2)
		swap(s, i, (i - 1) / 2);
}

void stream_queue_again(struct stream *s)
{
	for (size_t i = s->n_ready / 2; i-- > 0;)
		sink(s, i);
}

static struct stream_task *take_best(struct stream *s)
{
	struct stream_task *best = s->ready[0];
	s->ready[0] = s->ready[--s->n_ready];
	sink(s, 0);
	best->queued = false;
	return best;
}

/* ---- what may run ---- */

static bool finished(const struct stream_table *t)
{
	return !t->pieces && !t->uniques && !t->indexes;
}

static bool ready(const struct stream *s, const struct stream_task *task)
{
	const struct stream_table *t = &s->tables[task->table], *o = &s->tables[task->other];
	switch (task->kind) {
	case STREAM_ROWS: return true;
	case STREAM_UNIQUE: return !t->pieces && !t->busy;
	case STREAM_INDEX: return !t->pieces && !t->uniques && !t->locked;
	case STREAM_KEY: return finished(t) && finished(o) && !t->busy && !t->keys_out && !o->keys_out;
	}
	return false;
}

struct stream_task *stream_next(struct stream *s)
{
	while (s->n_ready) {
		struct stream_task *task = take_best(s);
		if (ready(s, task))
			return task;
	}
	return NULL;
}

bool stream_all_done(const struct stream *s)
{
	return s->has_post && s->n_done == s->n_tasks;
}

/* ---- begin and end ---- */

static void wake(struct stream *s, size_t table)
{
	struct stream_table *t = &s->tables[table];
	for (size_t i = 0; i < t->n_waiters; i++)
		stream_queue(s, t->waiters[i]);
}

void stream_begin(struct stream *s, struct stream_task *task)
{
	struct stream_table *t = &s->tables[task->table];
	task->state = STREAM_RUNS;
	task->at = task->table;
	task->began_ms = clock_life_ms();
	for (size_t i = 0; i < task->n; i++)
		t[i].busy++;
	if (task->kind == STREAM_ROWS && !t->began_ms)
		t->began_ms = task->began_ms;
	t->locked = task->kind == STREAM_UNIQUE;
	t->keys_out += task->kind == STREAM_KEY;
}

void stream_rows_end(struct stream *s, struct stream_task *task, size_t table, const struct copy_done *done)
{
	struct stream_table *t = &s->tables[table];
	task->done = (struct copy_done){0};
	s->total.rows += done->rows;
	s->total.bytes += done->bytes;
	t->done.rows += done->rows;
	t->done.bytes += done->bytes;
	t->busy--;
	t->pieces--;
	wake(s, table);
}

void stream_end(struct stream *s, struct stream_task *task)
{
	struct stream_table *t = &s->tables[task->table];
	task->state = STREAM_DONE;
	task->done = (struct copy_done){0};
	s->n_done++;
	s->work += task->weight;
	if (task->kind == STREAM_ROWS)
		return;
	t->busy--;
	t->locked = false;
	t->uniques -= task->kind == STREAM_UNIQUE;
	t->indexes -= task->kind == STREAM_INDEX;
	t->keys_out -= task->kind == STREAM_KEY;
	wake(s, task->table);
}
