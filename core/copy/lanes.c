/* Lanes; see the header. The number of the next item lies in memory that all share; what they tell comes
 * through one pipe, in records that are written at once. */
#include "core/copy/lanes.h"
#include "core/base/buf.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

struct record {
	size_t item;
	enum { BEGAN, ENDED, FAILED } what;
	struct err err;
	_Alignas(16) char said[LANES_SAID_MOST];
};
_Static_assert(sizeof(struct record) <= PIPE_BUF, "a record is written at once");

struct crew {
	const struct lanes *lanes;
	pid_t pids[LANES_MOST];
	int pipe[2];
	size_t *next; /* shared */
};

static void write_record(int fd, const struct record *record)
{
	while (write(fd, record, sizeof *record) < 0 && errno == EINTR)
		;
}

/* What a lane is. It ends with the process that started it: nobody would hear of what it does. */
static void work(const struct crew *crew, pid_t parent)
{
	const struct lanes *lanes = crew->lanes;
	struct record record = {.what = FAILED};
	sigset_t none;
	sigemptyset(&none);
	signal(SIGTERM, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL); /* a worker hears its signals by a descriptor */
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
	if (getppid() != parent)
		_exit(1);
	int rc = lanes->begin(lanes->ctx, &record.err);
	for (size_t i; rc == 0 && (i = __atomic_fetch_add(crew->next, 1, __ATOMIC_RELAXED)) < lanes->items;) {
		record = (struct record){.item = i, .what = BEGAN};
		write_record(crew->pipe[1], &record);
		rc = lanes->item(lanes->ctx, i, record.said, &record.err);
		record.what = rc < 0 ? FAILED : ENDED;
		if (rc == 0)
			write_record(crew->pipe[1], &record);
	}
	if (rc < 0)
		write_record(crew->pipe[1], &record);
	_exit(rc < 0);
}

static int start(struct crew *crew, struct err *err)
{
	pid_t self = getpid();
	for (size_t i = 0; i < crew->lanes->n; i++) {
		crew->pids[i] = fork();
		if (crew->pids[i] == 0) {
			close(crew->pipe[0]);
			work(crew, self);
		}
		if (crew->pids[i] < 0)
			return err_set(err, ERR_IO, "No process could be started: %s", strerror(errno));
	}
	return 0;
}

static void end_all(const struct crew *crew)
{
	for (size_t i = 0; i < crew->lanes->n; i++)
		if (crew->pids[i] > 0)
			kill(crew->pids[i], SIGTERM);
}

/* 1: there may be more, 0: all lanes have ended, -1: failed. */
static int hear(const struct crew *crew, struct err *err)
{
	struct record record;
	struct pollfd fds[2] = {{.fd = crew->pipe[0], .events = POLLIN},
				{.fd = crew->lanes->stop_fd, .events = POLLIN}};
	if (poll(fds, 2, -1) < 0)
		return 1;
	if (fds[1].revents)
		return err_set(
		    err, ERR_CANCELLED,
		    "Stopped on request; each table is as it was before or as it shall be, none between");
	if (!fds[0].revents)
		return 1;
	ssize_t got = read(crew->pipe[0], &record, sizeof record);
	if (got < 0 && errno == EINTR)
		return 1;
	if (got != (ssize_t)sizeof record)
		return 0;
	if (record.what == FAILED) {
		*err = record.err;
		return -1;
	}
	if (crew->lanes->tell)
		crew->lanes->tell(crew->lanes->ctx, record.item, record.what == ENDED, record.said);
	return 1;
}

/* Also those that were ended: afterwards nobody holds a connection. */
static int gather(const struct crew *crew, int rc, struct err *err)
{
	for (size_t i = 0; i < crew->lanes->n; i++) {
		int status = 0;
		while (crew->pids[i] > 0 && waitpid(crew->pids[i], &status, 0) < 0 && errno == EINTR)
			;
		if (rc == 0 && crew->pids[i] > 0 && status != 0)
			rc = err_set(err, ERR_IO,
				     "One of the processes that move rows has died; each table is as it was "
				     "before or as "
				     "it shall be, so run it again");
	}
	return rc;
}

int lanes_run(const struct lanes *lanes, struct err *err)
{
	struct lanes own = *lanes;
	struct err unheard;
	struct crew crew = {.lanes = &own};
	if (!err)
		err = &unheard;
	own.n = lanes->n > LANES_MOST ? LANES_MOST : lanes->n > lanes->items ? lanes->items : lanes->n;
	if (!lanes->items)
		return 0;
	crew.next = mmap(NULL, sizeof *crew.next, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (crew.next == MAP_FAILED || pipe(crew.pipe) < 0)
		return err_set(err, ERR_IO, "No pipe could be made: %s", strerror(errno));
	*crew.next = 0;
	int rc = start(&crew, err);
	close(crew.pipe[1]);
	while (rc == 0) {
		int more = hear(&crew, err);
		if (more == 0)
			break;
		rc = more < 0 ? -1 : 0;
	}
	if (rc < 0)
		end_all(&crew);
	rc = gather(&crew, rc, err);
	close(crew.pipe[0]);
	munmap(crew.next, sizeof *crew.next);
	return rc;
}
