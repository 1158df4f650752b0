/* The lanes: processes with a session on each side that do one task after the other, so that every call may
 * block. See stream_lane.c for what happens inside. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/copy/delta_rest.h"
#include "core/copy/stream_inner.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 250, TOLD_BYTES = 4 << 20 };

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
			stream_lane_live(s, order[0], reply[1], s->life[0]);
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
	struct stream_order order = {.kind = task->kind,
				     .piece = task->piece,
				     .table = task->table,
				     .n = task->n,
				     .workers = spare_cores(s)};
	order.memory_mb = stream_memory_mb(s, task, order.workers);
	for (size_t i = 0; task->entry && i < task->entry->n; i++)
		buf_add(&text, task->entry->list[i], strlen(task->entry->list[i]) + 1);
	order.entry_len = text.len;
	lane->task = task;
	lane->bytes = 0;
	stream_begin(s, task);
	/* A lane that is gone is noticed by its answers. */
	if (write_all(lane->order_fd, &order, sizeof order))
		write_all(lane->order_fd, text.data, text.len);
	buf_done(&text);
	/* What a moment settles is told when it is done. */
	if (task->n == 1 && s->catalog.list[task->table].size_bytes > TOLD_BYTES)
		stream_tell_table(s, task->table, task->kind == STREAM_ROWS ? "copying" : "index", false);
}

static void tell_settled(struct stream *s, size_t table)
{
	const struct stream_table *t = &s->tables[table];
	if (!t->busy)
		stream_tell_table(s, table,
				  t->pieces                                  ? "waiting"
				  : t->uniques || t->indexes || !s->has_post ? "copied"
									     : "done",
				  true);
}

static void take_done(struct stream *s, struct stream_lane *lane)
{
	struct stream_task *task = lane->task;
	int64_t ms = clock_life_ms() - task->began_ms;
	stream_eta_ended(s, task, ms, lane->bytes);
	lane->task = NULL;
	stream_tell_task(s, task, ms, lane->bytes);
	stream_end(s, task);
	if (task->kind != STREAM_ROWS)
		tell_settled(s, task->table);
}

static int take_failed(const struct stream_lane *lane, const struct stream_answer *answer, struct err *err)
{
	err_set(err, answer->err.kind, "%s", answer->err.text);
	if (lane->task && lane->task->entry)
		err_wrap(err, "%s %s", lane->task->entry->type, lane->task->entry->name);
	return -1;
}

static int rows_are_in(struct stream *s, struct stream_task *task, const struct stream_answer *a,
		       struct err *err)
{
	const struct copy_stream_hooks *hooks = s->hooks;
	const struct stream_table *t = &s->tables[a->table];
	stream_rows_end(s, task, a->table, &a->done);
	tell_settled(s, a->table);
	if (t->pieces || !hooks || !hooks->table_in)
		return 0;
	return hooks->table_in(hooks->ctx, s->target, &s->catalog.list[a->table], t->done.rows, err);
}

static int take_answer(struct stream *s, struct stream_lane *lane, struct err *err)
{
	struct stream_answer a;
	struct stream_task *task = lane->task;
	if (!stream_read_all(lane->answer_fd, &a, sizeof a))
		return err_set(
		    err, ERR_WORLD,
		    "a process of the copy ended without a word while it worked at %s (killed, or out "
		    "of memory)",
		    task ? s->catalog.list[task->at].label : "nothing");
	switch (a.what) {
	case ANSWER_READY: lane->backend = a.backend; break;
	case ANSWER_MOVES:
		if (task) {
			task->at = a.table;
			task->done = a.done;
			stream_tell_table(s, a.table, "copying", false);
		}
		break;
	case ANSWER_TABLE:
		if (!task)
			break;
		lane->bytes += a.done.bytes;
		return rows_are_in(s, task, &a, err);
		break;
	case ANSWER_DONE:
		if (task)
			take_done(s, lane);
		break;
	case ANSWER_FAILED: return take_failed(lane, &a, err);
	}
	return 0;
}

static int take_post(struct stream *s, struct err *err)
{
	if (s->has_post || !copy_dump_hear(&s->post_dump))
		return 0;
	if (copy_dump_end(&s->post_dump, s->order->stop_fd, &s->post, err) < 0)
		return -1;
	if (s->hooks && s->hooks->kept && stream_same_definitions(s, "post", &s->post, err) < 0)
		return -1;
	if (s->resumed && stream_strike_standing(s, err) < 0)
		return -1;
	s->has_post = true;
	stream_tasks_post(s);
	/* Tables that turn out to have no index were finished before that was known. */
	for (size_t i = 0; i < s->catalog.n; i++)
		if (text_equal(s->tables[i].state, "copied") && !s->tables[i].uniques &&
		    !s->tables[i].indexes)
			tell_settled(s, i);
	return 0;
}

static int wait_for_lanes(struct stream *s, struct err *err)
{
	struct pollfd fds[LANES_MOST + 3];
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

/* Some of an unfinished copy may stand there. */
static int large_objects(struct stream *s, struct err *err)
{
	struct delta_rest rest = {0};
	if (!s->resumed)
		return stream_large_objects(s, &s->objects, err);
	if (s->left.rows_in)
		return 0;
	int rc = delta_objects(s->source, s->target, &rest, err);
	s->objects = rest.objects;
	return rc;
}

/* A lane that is still on its way has yet to join the snapshot. */
static bool all_ready(const struct stream *s)
{
	for (size_t i = 0; i < s->n_lanes; i++)
		if (!s->lanes[i].backend)
			return false;
	return true;
}

/* Once all rows are read the snapshot has served: indexes take as long again, and the source's vacuum need
 * not wait for them. */
static int release_source(struct stream *s, struct err *err)
{
	const struct stream_order order = {.release = true};
	while (s->rows_at < s->catalog.n && !s->tables[s->rows_at].pieces)
		s->rows_at++;
	if (s->released || !s->has_post || s->rows_at < s->catalog.n || !all_ready(s))
		return 0;
	s->released = true;
	if (large_objects(s, err) < 0 || stream_mark_note(s, "rows_in", "true", err) < 0 ||
	    pg_exec(s->source, err, "COMMIT") < 0)
		return -1;
	for (size_t i = 0; i < s->n_lanes; i++)
		write_all(s->lanes[i].order_fd, &order, sizeof order);
	if (s->hooks && s->hooks->released)
		s->hooks->released(s->hooks->ctx);
	return 0;
}

int stream_lanes_run(struct stream *s, struct err *err)
{
	while (!stream_all_done(s)) {
		for (size_t i = 0; i < s->n_lanes; i++) {
			struct stream_task *task = s->lanes[i].task ? NULL : stream_next(s);
			if (task)
				give(s, &s->lanes[i], task);
		}
		if (wait_for_lanes(s, err) < 0 || release_source(s, err) < 0)
			return -1;
		stream_look_indexes(s);
		stream_tell_total(s, "rows", false);
	}
	return 0;
}
