/* One lane: a process with a session on each side. It ends its statements and itself as soon as the process
 * that gave it its orders is gone. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/copy/stream_inner.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TELL_MS = 400, RENEW_TABLES = 200 };

struct lane {
	const struct stream *s;
	int order_fd, answer_fd, life_fd;
	struct pg *source, *target;
	int64_t told_at_ms;
	size_t table;    /* that moves */
	int64_t counted; /* bytes of it, or of the piece, that the order's count has */
	size_t locked;   /* tables that this transaction of the source has touched */
};

bool stream_read_all(int fd, void *data, size_t len)
{
	char *to = data;
	while (len) {
		ssize_t n = read(fd, to, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		to += n;
		len -= (size_t)n;
	}
	return true;
}

static void answer(const struct lane *l, const struct stream_answer *a)
{
	while (write(l->answer_fd, a, sizeof *a) < 0 && errno == EINTR)
		;
}

static void count(struct lane *l, int64_t bytes)
{
	if (l->s->order->moved)
		__atomic_fetch_add(l->s->order->moved, bytes - l->counted, __ATOMIC_RELAXED);
	l->counted = bytes;
}

static void moves(void *ctx, const struct copy_done *so_far)
{
	struct lane *l = ctx;
	int64_t now_ms = clock_life_ms();
	count(l, so_far->bytes);
	if (now_ms - l->told_at_ms < TELL_MS)
		return;
	l->told_at_ms = now_ms;
	answer(l, &(struct stream_answer){.what = ANSWER_MOVES, .table = l->table, .done = *so_far});
}

/* Every table that was read stays locked until the transaction ends, and a server has room for so many locks.
 * The snapshot is another session's, so this one may begin anew. */
static int see_snapshot(struct lane *l, struct err *err)
{
	l->locked = 0;
	return pg_exec(
	    l->source, err,
	    "ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '%s'",
	    l->s->snapshot);
}

static int lane_open(struct lane *l, struct err *err)
{
	const struct stream *s = l->s;
	struct copy_order order = *s->order;
	int64_t backend = 0;
	order.stop_fd = l->life_fd;
	l->source = copy_open_source(&order, err);
	l->target = l->source ? copy_open_target(&order, err) : NULL;
	if (!l->target || copy_hold(l->target, false, err) < 0 || see_snapshot(l, err) < 0 ||
	    pg_number(l->target, "SELECT pg_catalog.pg_backend_pid()", NULL, &backend, err) < 0)
		return -1;
	answer(l, &(struct stream_answer){.what = ANSWER_READY, .backend = (int)backend});
	/* Settings that shape definitions stand at the top of the script. */
	if (s->pre.n && !*s->pre.list[0].type)
		return stream_settings(l->target, &s->pre.list[0], err);
	return 0;
}

static int lane_statements(struct lane *l, const struct stream_order *o, char *text, struct err *err)
{
	char *list[64];
	struct copy_entry entry = {.list = list};
	for (char *at = text; at < text + o->entry_len && entry.n < 64; at += strlen(at) + 1)
		list[entry.n++] = at;
	if (pg_exec(l->target, err,
		    "SET max_parallel_maintenance_workers = %d; SET maintenance_work_mem = '%dMB'",
		    o->workers, o->memory_mb) < 0)
		return -1;
	return stream_entry_run(l->target, &entry, o->kind == STREAM_KEY, err);
}

static int lane_entry(struct lane *l, const struct stream_order *o, struct err *err)
{
	char *text = xmalloc(o->entry_len + 1);
	text[o->entry_len] = 0;
	int rc = stream_read_all(l->order_fd, text, o->entry_len) ? lane_statements(l, o, text, err)
								  : err_set(err, ERR_CANCELLED, "stopped");
	free(text);
	return rc;
}

static void table_is_in(void *ctx, size_t i, const struct copy_done *done)
{
	struct lane *l = ctx;
	count(l, done->bytes);
	l->counted = 0;
	answer(l, &(struct stream_answer){.what = ANSWER_TABLE, .table = l->table + i, .done = *done});
}

static int lane_rows(struct lane *l, const struct stream_order *o, struct err *err)
{
	struct copy_done done;
	if (l->locked + o->n > RENEW_TABLES && see_snapshot(l, err) < 0)
		return -1;
	l->locked += o->n;
	l->table = o->table;
	l->counted = 0;
	if (o->n > 1)
		return copy_tables_run(l->source, l->target, &l->s->catalog.list[o->table], o->n, table_is_in,
				       l, err);
	if (copy_table_run(l->source, l->target, &o->piece, moves, l, &done, err) < 0)
		return -1;
	table_is_in(l, 0, &done);
	return 0;
}

void stream_lane_live(const struct stream *s, int order_fd, int answer_fd, int life_fd)
{
	struct lane lane = {.s = s, .order_fd = order_fd, .answer_fd = answer_fd, .life_fd = life_fd};
	struct stream_order order;
	struct err err = {0};
	if (lane_open(&lane, &err) < 0) {
		answer(&lane, &(struct stream_answer){.what = ANSWER_FAILED, .err = err});
		_exit(1);
	}
	while (stream_read_all(order_fd, &order, sizeof order)) {
		struct stream_answer a = {.what = ANSWER_DONE};
		if (order.release) {
			pg_close(lane.source);
			lane.source = NULL;
			continue;
		}
		int rc = order.kind == STREAM_ROWS ? lane_rows(&lane, &order, &a.err)
						   : lane_entry(&lane, &order, &a.err);
		if (rc < 0)
			a.what = ANSWER_FAILED;
		answer(&lane, &a);
	}
	pg_close(lane.source);
	pg_close(lane.target);
	_exit(0);
}
