/* The worker's verb "warm": the stream, while the source is live, and in the end what a delta needs to know.
 *
 * One snapshot serves all tables, though a delta would take a boundary for each. Measured on a shop of 300
 * MB, two lanes, both servers on one busy machine, twice: with one snapshot the copy took 47 and 58 s, with a
 * boundary for each table 60 and 69 s, for a large table is one lane's alone then. The old side's vacuum was
 * held back for 38 and 46 s against 11 and 13 s, the time of the largest table; indexes took more than half
 * of that, so the snapshot is let go when the last row is read, before they are built.
 *
 * A copy that broke off is gone on with all the same: each table that is whole is noted in the target, and
 * the next one brings those to its own snapshot as a delta would, before it copies the others from it. So all
 * tables are of one moment again when keys of others are made. Where all rows were there already, only what
 * follows them is left to do.
 *
 * The copy runs in a group of processes of its own, and the worker itself is its governor: when the old side
 * answers slower than it did before, or more comes than was allowed, the whole group is held still (SIGSTOP):
 * the servers then wait for the network, which costs the old side nothing. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/copy/delta_tell.h"
#include "core/copy/gentle.h"
#include "core/copy/stream.h"
#include "core/copy/warm_left.h"
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
	const struct copy_order *order;
	struct warm_left left;   /* when it goes on ... */
	struct warm_state state; /* ... with these tables */
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

static int defined(void *ctx, struct pg *target, struct err *err)
{
	struct warm *warm = ctx;
	return warm_state_make(target, &warm->boundary, warm->tables.types, err);
}

static int table_in(void *ctx, struct pg *target, const struct copy_table *c, int64_t rows, struct err *err)
{
	struct warm *warm = ctx;
	if (c->extension)
		return 0;
	const struct delta_table *t = delta_tables_find(&warm->tables, c->schema, c->name);
	if (!t)
		return err_set(err, ERR_WORLD,
			       "Table %s was made on OLD while the copy began; run warm-copy again, it "
			       "begins anew",
			       c->label);
	return warm_state_copied(target, t, warm->boundary.xid, rows, err);
}

/* ---- going on ---- */

/* What the plan has found may have changed since. */
static int look_left(struct warm *warm, struct pg *target, struct err *err)
{
	struct warm_left *left = &warm->left;
	if (warm_left_look(target, &warm->boundary, &warm->tables, left, &warm->state, err) < 0)
		return -1;
	if (!left->goes_on)
		return err_set(
		    err, ERR_WORLD,
		    "The copy that broke off cannot be gone on with: %s. Nothing was changed; plan "
		    "again, and it is emptied first",
		    *left->why ? left->why : "nothing of it is whole");
	if (left->rows_in)
		order_log("all rows of %zu tables are here already: what follows them is left", left->kept);
	else
		order_log("%zu of %zu tables are here already, and are brought up to date; %zu to copy",
			  left->kept, left->tables, left->tables - left->kept);
	return 0;
}

static int opened(void *ctx, struct pg *source, struct pg *target, const char *snapshot, struct err *err)
{
	struct warm *warm = ctx;
	const char **skip = copy_order_skip(warm->order);
	(void)snapshot;
	warm->opened_ms = clock_life_ms();
	int rc = copy_boundary_read(source, &warm->boundary, err);
	if (rc == 0)
		rc = delta_tables_look(source, skip, &warm->tables, err);
	free(skip);
	if (rc < 0)
		return -1;
	if (json_bool(warm->order->json, "resume", false) && look_left(warm, target, err) < 0)
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

static bool kept(void *ctx, const struct copy_table *table)
{
	const struct warm *warm = ctx;
	return warm_state_find(&warm->state, table->schema, table->name) != NULL;
}

static int catch_up(void *ctx, struct pg *source, struct pg *target, const char *snapshot, struct err *err)
{
	struct warm *warm = ctx;
	struct copy_delta out = {.now = warm->boundary};
	struct delta_telling telling = {
	    .began_ms = clock_life_ms(), .delta = &out, .moved = warm->order->moved};
	const struct copy_delta_options options = {.lanes = (size_t)json_int(warm->order->json, "lanes", 2),
						   .stop_fd = warm->order->stop_fd,
						   .ctx = &telling,
						   .tell = delta_tell_table,
						   .read = delta_tell_read};
	int rc =
	    copy_delta_catch_up(source, target, snapshot, &warm->tables, &warm->state, &options, &out, err);
	if (rc == 0)
		order_log("%zu tables are up to date in %lld ms: %lld rows changed, %lld removed, %zu copied "
			  "again",
			  out.tables, (long long)(clock_life_ms() - telling.began_ms), (long long)out.changed,
			  (long long)out.removed, out.replaced);
	return rc;
}

static int copy(const struct copy_order *order, struct err *err)
{
	struct warm warm = {.order = order};
	struct copy_stream_hooks hooks = {.opened = opened,
					  .defined = defined,
					  .kept = kept,
					  .catch_up = catch_up,
					  .table_in = table_in,
					  .released = released,
					  .ctx = &warm};
	int rc = copy_stream_run(order, &hooks, err);
	warm_state_done(&warm.state);
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
				     "The copy has died without a word; OLD is as it was. Run warm-copy "
				     "again, it keeps the tables that are whole");
}
