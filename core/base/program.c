/* A child with its output on a pipe: see program.h. */
#include "core/base/program.h"
#include "core/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOT_STARTED = 127 };

/* In the child. What goes wrong here reaches the parent as one errno through `tell`, which exec closes. */
static void become(const struct program *program, int out, int tell)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (null >= 0 && dup2(null, 0) >= 0 && dup2(out, 1) >= 0 && dup2(null, 2) >= 0 &&
	    (!program->folder || chdir(program->folder) == 0))
		execvp(program->argv[0], (char *const *)program->argv);
	(void)!write(tell, &errno, sizeof(errno));
	_exit(NOT_STARTED);
}

/* Until the other end closes. 0, or -1 with errno: ETIMEDOUT, EFBIG or that of the read. */
static int read_all(const struct program *program, int fd, struct buf *out)
{
	int64_t began_ms = clock_life_ms();
	char part[4096];

	for (;;) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		/* Somebody else's program knows nothing of a night in fast time. */
		int64_t left_ms = program->timeout_real_ms - clock_real_ms(clock_life_ms() - began_ms);
		ssize_t n;

		if (left_ms <= 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (poll(&wait, 1, (int)left_ms) <= 0)
			continue;
		n = read(fd, part, sizeof(part));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		buf_add(out, part, (size_t)n);
		if (out->len > program->output_max) {
			errno = EFBIG;
			return -1;
		}
	}
}

static int collect(const struct program *program, pid_t pid, int out_fd, int tell_fd, struct buf *out,
		   struct err *err)
{
	const char *name = program->argv[0];
	int why = 0, status = 0, failed;

	/* Empty as soon as exec has worked. */
	if (read(tell_fd, &why, sizeof(why)) > 0)
		failed = err_set(err, ERR_IO, "`%s` could not be started: %s", name, strerror(why));
	else if ((failed = read_all(program, out_fd, out)) != 0)
		err_set(err, ERR_IO, "`%s` %s; it was ended", name,
			errno == ETIMEDOUT ? "did not end in time"
			: errno == EFBIG   ? "printed more than can be right"
					   : strerror(errno));
	if (failed)
		kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (failed)
		return -1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int program_run(const struct program *program, struct buf *out, struct err *err)
{
	int pipe_fds[2] = {-1, -1}, tell[2] = {-1, -1}, status = -1;
	pid_t pid = -1;

	if (pipe2(pipe_fds, O_CLOEXEC) == 0 && pipe2(tell, O_CLOEXEC) == 0)
		pid = fork();
	if (pid == 0)
		become(program, pipe_fds[1], tell[1]);
	if (pid < 0)
		err_set(err, ERR_IO, "`%s` could not be started: %s", program->argv[0], strerror(errno));
	if (pipe_fds[1] >= 0)
		close(pipe_fds[1]);
	if (tell[1] >= 0)
		close(tell[1]);
	if (pid > 0)
		status = collect(program, pid, pipe_fds[0], tell[0], out, err);
	if (pipe_fds[0] >= 0)
		close(pipe_fds[0]);
	if (tell[0] >= 0)
		close(tell[0]);
	return status;
}
