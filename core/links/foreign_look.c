#include "core/links/foreign_look.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUT_BYTES = 1 << 20, CANNOT = 127, LOOK_MS = 200 };

void foreign_environment(const char *const *env)
{
	for (size_t i = 0; env && env[i]; i++) {
		const char *eq = strchr(env[i], '=');
		char name[256];
		text_copyf(name, sizeof name, "%.*s", eq ? (int)(eq - env[i]) : 255, env[i]);
		if (eq)
			setenv(name, eq + 1, 1);
		else
			unsetenv(name);
	}
}

static _Noreturn void become(int out, const char *const *argv, const char *const *env, const char *dir)
{
	int null = open("/dev/null", O_RDONLY);
	setsid(); /* what it starts ends with it */
	dup2(null, 0);
	dup2(out, 1);
	dup2(out, 2);
	close_range(3, UINT_MAX, 0);
	signal(SIGPIPE, SIG_DFL);
	foreign_environment(env);
	if (!dir || chdir(dir) == 0)
		execvp(argv[0], (char *const *)(uintptr_t)argv);
	dprintf(1, "%s", strerror(errno));
	_exit(CANNOT);
}

/* 0 at the end of its output, 1 when the time is over, 2 when the job shall stop. */
static int listen_to(struct job *job, int fd, int64_t timeout_ms, struct buf *out)
{
	char chunk[16384];
	for (int64_t waited_ms = 0; waited_ms < timeout_ms;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int ready = poll(&p, 1, LOOK_MS);
		if (job && job_stopping(job))
			return 2;
		if (ready == 0)
			waited_ms += LOOK_MS;
		ssize_t n = ready > 0 ? read(fd, chunk, sizeof chunk) : 1;
		if (ready > 0 && n > 0 && out->len < OUT_BYTES)
			buf_add(out, chunk, (size_t)n);
		if (n == 0 || (n < 0 && errno != EINTR))
			return 0;
	}
	return 1;
}

int foreign_look(struct job *job, const char *const *argv, const char *const *env, const char *dir,
		 int timeout_ms, struct buf *out, struct err *err)
{
	int fds[2], status = 0;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(err, ERR_IO, "no pipe: %s", strerror(errno));
	pid_t pid = fork();
	if (pid == 0)
		become(fds[1], argv, env, dir);
	close(fds[1]);
	int how = pid > 0 ? listen_to(job, fds[0], timeout_ms, out) : 0;
	close(fds[0]);
	if (pid < 0)
		return err_set(err, ERR_IO, "no process: %s", strerror(errno));
	if (how)
		kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (how == 2)
		return err_set(err, ERR_CANCELLED, "%s was ended before it had answered", argv[0]);
	if (how == 1)
		return err_set(err, ERR_NET, "%s gave no end within %d s and was ended", argv[0],
			       timeout_ms / 1000);
	if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT) {
		char said[200];
		text_clean(said, sizeof said, buf_text(out), out->len);
		return err_set(err, ERR_CONFIG, "%s could not be started: %s", argv[0], said);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
