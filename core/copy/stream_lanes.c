/* The lanes: processes with a session on each side that do one task after the other, so that every call may
 * block. A lane ends its statements and itself as soon as the process that gave it its orders is gone. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/copy/stream_inner.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TELL_MS = 400, LOOK_MS = 250 };

struct lane_order {
	enum stream_kind kind;
	struct copy_piece piece; /* of the catalog that both have */
	size_t entry_len;        /* statements follow, each with its NUL */
	int workers;             /* that may help to build an index */
	int memory_mb;           /* for its sort or its hash table */
};
struct lane_answer {
	enum { ANSWER_MOVES, ANSWER_DONE, ANSWER_FAILED } what;
	struct copy_done done;
	struct err err;
};
_Static_assert(sizeof(struct lane_answer) <= PIPE_BUF, "an answer is written at once");

/* ---- in the lane ---- */

struct lane {
	int order_fd, answer_fd, life_fd;
	struct pg *source, *target;
	int64_t told_at_ms;
	int64_t *moved;  /* the order's */
	int64_t counted; /* of the piece that moves */
};

static bool read_all(int fd, void *data, size_t len)
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

static void answer(const struct lane *l, const struct lane_answer *a)
{
	while (write(l->answer_fd, a, sizeof *a) < 0 && errno == EINTR)
		;
}

static void moves(void *ctx, const struct copy_done *so_far)
{
	struct lane *l = ctx;
	int64_t now_ms = clock_life_ms();
	if (l->moved)
		__atomic_fetch_add(l->moved, so_far->bytes - l->counted, __ATOMIC_RELAXED);
	l->counted = so_far->bytes;
	if (now_ms - l->told_at_ms < TELL_MS)
		return;
	l->told_at_ms = now_ms;
	answer(l, &(struct lane_answer){.what = ANSWER_MOVES, .done = *so_far});
}

static int lane_open(struct lane *l, const struct stream *s, struct err *err)
{
	struct copy_order order = *s->order;
	order.stop_fd = l->life_fd;
	l->source = copy_open_source(&order, err);
	l->target = l->source ? copy_open_target(&order, err) : NULL;
	if (!l->target)
		return -1;
	if (pg_exec(l->source, err,
		    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '%s'",
		    s->snapshot) < 0)
		return -1;
	/* Settings that shape definitions stand at the top of the script. */
	if (s->pre.n && !*s->pre.list[0].type)
		return stream_settings(l->target, &s->pre.list[0], err);
	return 0;
}

static int lane_statements(struct lane *l, const struct lane_order *o, char *text, struct err *err)
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

static int lane_do(struct lane *l, const struct lane_order *o, struct lane_answer *a)
{
	l->counted = 0;
	if (o->kind == STREAM_ROWS)
		return copy_table_run(l->source, l->target, &o->piece, moves, l, &a->done, &a->err);
	char *text = xmalloc(o->entry_len + 1);
	text[o->entry_len] = 0;
	int rc = read_all(l->order_fd, text, o->entry_len) ? lane_statements(l, o, text, &a->err)
							   : err_set(&a->err, ERR_CANCELLED, "stopped");
	free(text);
	return rc;
}

static void lane_live(struct lane *l, const struct stream *s)
{
	struct lane_order order;
	struct err err = {0};
	if (lane_open(l, s, &err) < 0) {
		answer(l, &(struct lane_answer){.what = ANSWER_FAILED, .err = err});
		_exit(1);
	}
	while (read_all(l->order_fd, &order, sizeof order)) {
		struct lane_answer a = {.what = ANSWER_DONE};
		if (lane_do(l, &order, &a) < 0)
			a.what = ANSWER_FAILED;
		answer(l, &a);
	}
	pg_close(l->source);
	pg_close(l->target);
	_exit(0);
}

/* ---- outside ---- */

static void close_others(const struct stream *s, size_t upto)
{
	for (size_t i = 0; i < upto; i++) {
		close(s->lanes[i].order_fd);
		close(s->lanes[i].answer_fd);
	}
}

int stream_lanes_start(struct stream *s, struct err *err)
{
	/* Nobody writes into it: it is hung up when this process ends, in whatever way. */
	if (pipe2(s->life, O_CLOEXEC) < 0)
		return err_set(err, ERR_IO, "No pipe could be made: %s", strerror(errno));
	for (s->n_lanes = 0; s->n_lanes < s->lanes_wanted; s->n_lanes++) {
		int order[2], reply[2];
		if (pipe2(order, O_CLOEXEC) < 0 || pipe2(reply, O_CLOEXEC) < 0)
			return err_set(err, ERR_IO, "No pipe could be made: %s", strerror(errno));
		pid_t pid = fork();
		if (pid < 0)
			return err_set(err, ERR_IO, "No process could be started: %s", strerror(errno));
		if (pid == 0) {
			/* An end of another lane's pipe that is kept here would keep it alive. */
			close_others(s, s->n_lanes);
			close(s->life[1]);
			close(order[1]);
			close(reply[0]);
			struct lane lane = {.order_fd = order[0],
					    .answer_fd = reply[1],
					    .life_fd = s->life[0],
					    .moved = s->order->moved};
			lane_live(&lane, s);
		}
		close(order[0]);
		close(reply[1]);
		s->lanes[s->n_lanes] =
		    (struct stream_lane){.pid = pid, .order_fd = order[1], .answer_fd = reply[0]};
	}
	return 0;
}

void stream_lanes_stop(struct stream *s)
{
	for (int i = 0; i < 2; i++)
		if (s->life[i] >= 0)
			close(s->life[i]);
	s->life[0] = s->life[1] = -1;
	for (size_t i = 0; i < s->n_lanes; i++)
		close(s->lanes[i].order_fd);
	for (size_t i = 0; i < s->n_lanes; i++) {
		while (waitpid(s->lanes[i].pid, NULL, 0) < 0 && errno == EINTR)
			;
		close(s->lanes[i].answer_fd);
	}
	s->n_lanes = 0;
}

static bool write_all(int fd, const void *data, size_t len)
{
	const char *from = data;
	while (len) {
		ssize_t n = write(fd, from, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		from += n;
		len -= (size_t)n;
	}
	return true;
}

/* Cores that nobody uses help with an index. */
static int spare_cores(const struct stream *s)
{
	int busy = 1;
	for (size_t i = 0; i < s->n_lanes; i++)
		busy += s->lanes[i].task != NULL;
	return s->cores > busy ? s->cores - busy : 0;
}

static void give(struct stream *s, struct stream_lane *lane, struct stream_task *task)
{
	struct buf text = {0};
	struct lane_order order = {.kind = task->kind, .piece = task->piece, .workers = spare_cores(s)};
	order.memory_mb = stream_memory_mb(s, task, order.workers);
	for (size_t i = 0; task->entry && i < task->entry->n; i++)
		buf_add(&text, task->entry->list[i], strlen(task->entry->list[i]) + 1);
	order.entry_len = text.len;
	lane->task = task;
	stream_begin(s, task);
	/* A lane that is gone is noticed by its answers. */
	if (write_all(lane->order_fd, &order, sizeof order))
		write_all(lane->order_fd, text.data, text.len);
	buf_done(&text);
	stream_tell_table(s, task->table, task->kind == STREAM_ROWS ? "copying" : "index", false);
}

static void take_done(struct stream *s, struct stream_lane *lane, const struct copy_done *done)
{
	struct stream_task *task = lane->task;
	const struct stream_table *t = &s->tables[task->table];
	lane->task = NULL;
	stream_end(s, task, done);
	if (!t->busy)
		stream_tell_table(s, task->table,
				  t->pieces                  ? "waiting"
				  : t->uniques || t->indexes ? "copied"
							     : "done",
				  true);
}

static int take_answer(struct stream *s, struct stream_lane *lane, struct err *err)
{
	struct lane_answer a;
	if (!read_all(lane->answer_fd, &a, sizeof a))
		return err_set(
		    err, ERR_WORLD,
		    "a process of the copy ended without a word while it worked at %s (killed, or out "
		    "of memory)",
		    lane->task ? s->catalog.list[lane->task->table].label : "nothing");
	if (a.what == ANSWER_FAILED) {
		err_set(err, a.err.kind, "%s", a.err.text);
		if (lane->task && lane->task->entry)
			err_wrap(err, "%s %s", lane->task->entry->type, lane->task->entry->name);
		return -1;
	}
	if (a.what == ANSWER_DONE) {
		take_done(s, lane, &a.done);
	} else if (lane->task) {
		lane->task->done = a.done;
		stream_tell_table(s, lane->task->table, "copying", false);
	}
	return 0;
}

static int take_post(struct stream *s, struct err *err)
{
	if (s->has_post || !copy_dump_hear(&s->post_dump))
		return 0;
	if (copy_dump_end(&s->post_dump, s->order->stop_fd, &s->post, err) < 0)
		return -1;
	s->has_post = true;
	stream_tasks_post(s);
	return 0;
}

static int wait_for_lanes(struct stream *s, struct err *err)
{
	struct pollfd fds[STREAM_LANES_MOST + 3];
	size_t n = 0;
	for (; n < s->n_lanes; n++)
		fds[n] = (struct pollfd){.fd = s->lanes[n].answer_fd, .events = POLLIN};
	fds[n++] = (struct pollfd){.fd = s->order->stop_fd, .events = POLLIN};
	fds[n++] = (struct pollfd){.fd = s->has_post ? -1 : s->post_dump.out_fd, .events = POLLIN};
	fds[n++] = (struct pollfd){.fd = s->has_post ? -1 : s->post_dump.err_fd, .events = POLLIN};
	if (poll(fds, (nfds_t)n, LOOK_MS) < 0 && errno != EINTR)
		return err_set(err, ERR_IO, "poll: %s", strerror(errno));
	if (fds[s->n_lanes].revents)
		return err_set(err, ERR_CANCELLED, "stopped on request");
	for (size_t i = 0; i < s->n_lanes; i++)
		if (fds[i].revents && take_answer(s, &s->lanes[i], err) < 0)
			return -1;
	return take_post(s, err);
}

int stream_lanes_run(struct stream *s, struct err *err)
{
	while (!stream_all_done(s)) {
		for (size_t i = 0; i < s->n_lanes; i++) {
			struct stream_task *task = s->lanes[i].task ? NULL : stream_next(s);
			if (task)
				give(s, &s->lanes[i], task);
		}
		if (wait_for_lanes(s, err) < 0)
			return -1;
		stream_tell_total(s, "rows", false);
	}
	return 0;
}
