/* What a copy has to do: rows in pieces, one by one or many small tables at once; then indexes and keys. */
#include "core/base/text.h"
#include "core/copy/stream_inner.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A table of less is copied together with others: what it costs is the way there and back, not its rows. */
enum { PIECE_LEAST_MB = 64, SMALL_BYTES = 256 << 10, BATCH_TABLES = 100, BATCHES_A_LANE = 8 };
enum {
	MEMORY_ELSEWHERE_MB = 64, /* where nothing is known of NEW's machine: PostgreSQL's own default */
	MEMORY_KEY_MB = 4,
	MEMORY_INDEX_MB = 16,
	MEMORY_WORKER_MB = 32, /* less, and PostgreSQL gives no worker to an index */
	KEY_BATCHES = 128,
};

static struct stream_task *task_add(struct stream *s, enum stream_kind kind, size_t table)
{
	if ((s->n_tasks & (s->n_tasks - 1)) == 0)
		s->tasks = xrealloc(s->tasks, s->n_tasks ? s->n_tasks * 2 : 1, sizeof *s->tasks);
	struct stream_task *task = xcalloc(1, sizeof *task);
	*task = (struct stream_task){.kind = kind, .table = table, .other = table, .at = table, .n = 1};
	return s->tasks[s->n_tasks++] = task;
}

/* Ranges of pages are quick to find from 14 on; before, each piece would read the whole table. */
static int64_t pieces_of(const struct stream *s, const struct copy_table *t)
{
	int64_t least = json_int(s->order->json, "piece_mb", 0), piece;
	least = (least > 0 ? least : PIECE_LEAST_MB) << 20;
	piece = s->catalog.size_bytes / (int64_t)(s->lanes_wanted * 3 + 1);
	piece = piece > least && json_int(s->order->json, "piece_mb", 0) <= 0 ? piece : least;
	if (t->size_bytes < 2 * piece || t->pages < 64 || t->extension || !*t->columns ||
	    s->lanes_wanted < 2 || pg_major(s->source) < 14)
		return 1;
	return (t->size_bytes + piece - 1) / piece;
}

static void add_pieces(struct stream *s, size_t table)
{
	const struct copy_table *t = &s->catalog.list[table];
	int64_t n = pieces_of(s, t);
	s->tables[table].pieces = (size_t)n;
	for (int64_t i = 0; i < n; i++) {
		struct stream_task *task = task_add(s, STREAM_ROWS, table);
		task->piece = (struct copy_piece){.table = t,
						  .whole = n == 1,
						  .from_page = t->pages * i / n,
						  .to_page = i == n - 1 ? -1 : t->pages * (i + 1) / n};
		task->weight = (double)t->size_bytes / (double)n + 4096;
		task->chain = task->weight + (double)t->size_bytes / 2;
		stream_queue(s, task);
	}
}

static bool is_small(const struct stream *s, size_t table)
{
	const struct copy_table *t = &s->catalog.list[table];
	return !t->skipped && !t->extension && !s->kept[table] && t->size_bytes <= SMALL_BYTES;
}

/* Small tables stand together at the end of the list. With many of them each lane gets some dozens at a time;
 * with few, so few that no lane is without. */
static size_t add_batch(struct stream *s, size_t from, size_t most)
{
	struct stream_task *task = task_add(s, STREAM_ROWS, from);
	for (task->n = 0; task->n < most && from + task->n < s->catalog.n; task->n++) {
		if (!is_small(s, from + task->n))
			break;
		s->tables[from + task->n].pieces = 1;
		task->weight += (double)s->catalog.list[from + task->n].size_bytes + 4096;
	}
	task->piece = (struct copy_piece){.table = &s->catalog.list[from], .whole = true, .to_page = -1};
	task->chain = task->weight;
	stream_queue(s, task);
	return task->n;
}

void stream_tasks_rows(struct stream *s)
{
	size_t small = 0, most;
	s->tables = xcalloc(s->catalog.n + 1, sizeof *s->tables);
	for (size_t i = 0; i < s->catalog.n; i++)
		small += is_small(s, i);
	most = small / ((s->lanes_wanted ? s->lanes_wanted : 1) * BATCHES_A_LANE) + 1;
	most = most > BATCH_TABLES ? BATCH_TABLES : most;
	for (size_t i = 0; i < s->catalog.n;) {
		if (is_small(s, i)) {
			i += add_batch(s, i, most);
			continue;
		}
		if (!s->catalog.list[i].skipped && !s->kept[i])
			add_pieces(s, i);
		i++;
	}
}

/* What an index costs beside the copy of its table; GIN is by far the dearest. */
static double index_factor(const struct copy_entry *e)
{
	const char *sql = e->n ? e->list[0] : "";
	return strstr(sql, "USING \"gin\"") || strstr(sql, "USING gin")     ? 1.5
	       : strstr(sql, "USING gist") || strstr(sql, "USING \"gist\"") ? 2.0
									    : 0.3;
}

/* What can be done while other tables still copy: the rest keeps pg_dump's order. */
static bool kind_of(const struct copy_entry *e, enum stream_kind *kind)
{
	if (text_equal(e->type, "CONSTRAINT"))
		*kind = STREAM_UNIQUE;
	else if (text_equal(e->type, "INDEX"))
		*kind = STREAM_INDEX;
	else if (text_equal(e->type, "FK CONSTRAINT"))
		*kind = STREAM_KEY;
	else
		return false;
	return true;
}

static bool places(const struct stream *s, const struct copy_entry *e, enum stream_kind kind, size_t *table,
		   size_t *other)
{
	char schema[64], name[64];
	bool only;
	const struct copy_table *t =
	    copy_entry_table(e, schema, name, &only) ? copy_catalog_find(&s->catalog, schema, name) : NULL;
	if (!t)
		return false;
	*table = *other = (size_t)(t - s->catalog.list);
	if (kind != STREAM_KEY)
		return true;
	t = copy_entry_references(e, schema, name) ? copy_catalog_find(&s->catalog, schema, name) : NULL;
	*other = t ? (size_t)(t - s->catalog.list) : 0;
	return t != NULL;
}

bool stream_is_task(const struct stream *s, const struct copy_entry *entry)
{
	enum stream_kind kind;
	size_t table, other;
	return kind_of(entry, &kind) && places(s, entry, kind, &table, &other);
}

static void wait_for(struct stream *s, size_t table, struct stream_task *task)
{
	struct stream_table *t = &s->tables[table];
	if ((t->n_waiters & (t->n_waiters - 1)) == 0)
		t->waiters =
		    xrealloc(t->waiters, t->n_waiters ? t->n_waiters * 2 : 1, sizeof(struct stream_task *));
	t->waiters[t->n_waiters++] = task;
}

static void add_post(struct stream *s, const struct copy_entry *e)
{
	enum stream_kind kind;
	size_t table, other;
	if (!kind_of(e, &kind) || !places(s, e, kind, &table, &other))
		return;
	struct stream_task *task = task_add(s, kind, table);
	double size = (double)s->catalog.list[table].size_bytes;
	task->entry = e;
	task->other = other;
	task->tree = kind == STREAM_INDEX && index_factor(e) > 1;
	task->weight = size * (kind == STREAM_KEY ? 0.15 : index_factor(e)) + 1024;
	task->chain = task->weight + (kind == STREAM_UNIQUE ? size : 0);
	s->tables[table].uniques += kind == STREAM_UNIQUE;
	s->tables[table].indexes += kind == STREAM_INDEX;
	s->tables[table].after += task->weight;
	wait_for(s, table, task);
	if (other != table)
		wait_for(s, other, task);
	stream_queue(s, task);
}

void stream_tasks_post(struct stream *s)
{
	for (size_t i = 0; i < s->post.n; i++) {
		add_post(s, &s->post.list[i]);
		s->views = s->views || text_equal(s->post.list[i].type, "MATERIALIZED VIEW DATA");
	}
	/* Now it is known what follows on each table's rows. */
	for (size_t i = 0; i < s->n_tasks; i++)
		if (s->tasks[i]->kind == STREAM_ROWS)
			s->tasks[i]->chain = s->tasks[i]->weight + s->tables[s->tasks[i]->table].after;
	stream_queue_again(s);
}

/* More is slower: a sort, a GIN tree and a hash table that leave the processor's caches wait for memory at
 * every step. Measured on 8 million rows, PostgreSQL 15: a btree takes 4.1 s with 16 MB and 5.5 s with 512
 * MB, a GIN index 10 and 16 s, a foreign key's hash join 3.4 s with 4 MB and 6.6 s with 512 MB. So a sort
 * gets what it needs to merge its runs at once, about the root of size times 264 kB a run (tuplesort.c),
 * twice over; a hash join not more batches than files are cheap. */
int stream_memory_mb(const struct stream *s, const struct stream_task *task, int workers)
{
	bool key = task->kind == STREAM_KEY;
	int most = s->order->maintenance_mb > 0 ? s->order->maintenance_mb : MEMORY_ELSEWHERE_MB;
	double size_mb = (double)s->catalog.list[task->other].size_bytes / (1 << 20);
	double mb = key ? size_mb / KEY_BATCHES : 2 * sqrt(size_mb * 0.264);
	double least = key ? MEMORY_KEY_MB : workers > 0 ? MEMORY_WORKER_MB * (workers + 1) : MEMORY_INDEX_MB;
	mb = mb < least ? least : mb;
	return mb < most ? (int)mb : most;
}

void stream_tasks_done(struct stream *s)
{
	for (size_t i = 0; s->tables && i < s->catalog.n; i++)
		free(s->tables[i].waiters);
	for (size_t i = 0; i < s->n_tasks; i++)
		free(s->tasks[i]);
	free(s->tasks);
	free(s->tables);
	free(s->ready);
}
