/* The worker's verb "warm": the stream, while the source is live, and in the end what a delta needs to know.
 *
 * One snapshot serves all tables, though a delta would take a boundary for each. Measured on a shop of 300
 * MB, two lanes, both servers on one busy machine, twice: with one snapshot the copy took 47 and 58 s, with a
 * boundary for each table 60 and 69 s, for a large table is one lane's alone then. The old side's vacuum was
 * held back for 38 and 46 s against 11 and 13 s, the time of the largest table; indexes took more than half
 * of that, so the snapshot is let go when the last row is read, before they are built. What is left of the
 * price: a copy that is killed at 80 % begins anew, with all of it to do again, where a third would have been
 * enough.
 *
 * The copy runs in a group of processes of its own, and the worker itself is its governor: when the old side
 * answers slower than it did before, or more comes than was allowed, the whole group is held still (SIGSTOP):
 * the servers then wait for the network, which costs the old side nothing. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/copy/gentle.h"
#include "core/copy/stream.h"
#include "core/copy/warm_state.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int warm_verb_run(const struct copy_order *order, struct err *err);

const struct copy_verb warm_verb = {.name = "warm", .run = warm_verb_run};

struct warm {
	struct copy_boundary boundary;
	struct delta_tables tables;
	int64_t opened_ms;
};

static void released(void *ctx)
{
	const struct warm *warm = ctx;
	int64_t ms = clock_life_ms() - warm->opened_ms;
	struct jw w;
	order_line(&w, "released");
	jw_int(&w, "ms", ms);
	order_tell(&w);
	order_log("all rows are read: the old side's vacuum was held back for %lld s, and is no longer",
		  (long long)ms / 1000);
}

static int opened(void *ctx, struct pg *source, struct pg *target, const char *snapshot, struct err *err)
{
	struct warm *warm = ctx;
	(void)target;
	(void)snapshot;
	warm->opened_ms = clock_life_ms();
	if (copy_boundary_read(source, &warm->boundary, err) < 0 ||
	    delta_tables_look(source, NULL, &warm->tables, err) < 0)
		return -1;
	struct jw w;
	order_line(&w, "boundary");
	jw_strf(&w, "xid", "%llu", (unsigned long long)warm->boundary.xid);
	jw_strf(&w, "open", "%llu", (unsigned long long)(warm->boundary.next - warm->boundary.xid));
	jw_str(&w, "held_by", warm->boundary.held_by);
	jw_str(&w, "system", warm->boundary.system);
	order_tell(&w);
	return 0;
}

static int note_tables(struct warm *warm, struct pg *target, const struct copy_catalog *catalog,
		       const int64_t *rows, struct err *err)
{
	if (warm_state_make(target, &warm->boundary, warm->tables.types, err) < 0)
		return -1;
	for (size_t i = 0; i < catalog->n; i++) {
		const struct copy_table *c = &catalog->list[i];
		if (c->skipped || c->extension)
			continue;
		const struct delta_table *t = delta_tables_find(&warm->tables, c->schema, c->name);
		if (!t)
			return err_set(err, ERR_WORLD,
				       "Table %s was made on OLD while the copy began; run wipe-target and "
				       "warm-copy again",
				       c->label);
		if (warm_state_copied(target, t, warm->boundary.xid, rows[i], err) < 0)
			return -1;
	}
	return 0;
}

/* All of it or nothing: a copy that died before knows no boundary, and cannot be taken for a warm one. */
static int finished(void *ctx, struct pg *source, struct pg *target, const struct copy_catalog *catalog,
		    const int64_t *rows, struct err *err)
{
	struct warm *warm = ctx;
	(void)source;
	if (pg_exec(target, err, "BEGIN") < 0)
		return -1;
	if (note_tables(warm, target, catalog, rows, err) < 0) {
		pg_exec(target, NULL, "ROLLBACK");
		return -1;
	}
	return pg_exec(target, err, "COMMIT");
}

static int copy(const struct copy_order *order, struct err *err)
{
	struct warm warm = {0};
	struct copy_stream_hooks hooks = {
	    .opened = opened, .released = released, .finished = finished, .ctx = &warm};
	int rc = copy_stream_run(order, &hooks, err);
	delta_tables_done(&warm.tables);
	return rc;
}

/* Not our burden on OLD: what the first reader of new rows would have to write into their pages, the first
 * delta would do within the window. Also the numbers that plans are made by. */
static void tidy(const struct copy_order *order)
{
	struct err err = {0};
	struct pg *target = copy_open_target(order, &err);
	if (!target || pg_exec(target, &err, "VACUUM (ANALYZE)") < 0)
		order_log("NEW was not tidied up, so the first delta takes somewhat longer: %s", err.text);
	pg_close(target);
}

/* ---- the governor ---- */

/* The group's first process; its error comes back by the pipe. */
static pid_t start_copy(const struct copy_order *order, int out_fd)
{
	pid_t self = getpid(), pid = fork();
	if (pid != 0)
		return pid;
	struct err err = {0};
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != self)
		_exit(1);
	int rc = copy(order, &err);
	if (rc < 0 && write(out_fd, &err, sizeof err) < 0)
		_exit(2);
	if (rc == 0)
		tidy(order);
	_exit(rc < 0);
}

/* Until the copy has ended; a stop is passed on to it. */
static void govern(const struct copy_order *order, struct gentle *gentle, pid_t group, int pipe_fd)
{
	bool passed_on = false;
	for (;;) {
		struct pollfd fds[2] = {{.fd = pipe_fd, .events = POLLIN},
					{.fd = passed_on ? -1 : order->stop_fd, .events = POLLIN}};
		int ready = poll(fds, 2, passed_on ? -1 : gentle_wait_ms(gentle));
		if (ready > 0 && fds[1].revents) {
			kill(-group, SIGCONT);
			kill(-group, SIGTERM);
			passed_on = true;
		}
		/* The copy and its lanes hold the other end: it hangs up when the last of them has gone. */
		if (ready > 0 && fds[0].revents)
			return;
		if (!passed_on)
			gentle_look(gentle, group);
	}
}

static int warm_verb_run(const struct copy_order *given, struct err *err)
{
	int ends[2], status = 0;
	struct gentle gentle;
	struct copy_order order = *given;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set(err, ERR_IO, "No pipe could be made: %s", strerror(errno));
	if (gentle_open(&gentle, &order, err) < 0)
		return -1;
	order.moved = gentle.moved;
	pid_t pid = start_copy(&order, ends[1]);
	close(ends[1]);
	if (pid < 0)
		return err_set(err, ERR_IO, "No process could be started: %s", strerror(errno));
	govern(&order, &gentle, pid, ends[0]);
	bool told = read(ends[0], err, sizeof *err) == (ssize_t)sizeof *err;
	close(ends[0]);
	waitpid(pid, &status, 0);
	gentle_tell_end(&gentle);
	gentle_close(&gentle);
	if (told)
		return -1;
	return status == 0 ? 0
			   : err_set(err, ERR_WORLD,
				     "The copy has died without a word; OLD is as it was. Run wipe-target "
				     "and warm-copy again");
}
