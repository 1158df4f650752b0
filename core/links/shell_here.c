#include "core/links/shell_here.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { INPUT_MOST = 64 << 10 };

static int start(const char *script, const int ends[3], pid_t *pid)
{
	char *const argv[] = {"sh", "-c", (char *)(uintptr_t)script, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
	for (int i = 0; i < 3; i++)
		posix_spawn_file_actions_adddup2(&actions, ends[i], i);
	int failed = posix_spawn(pid, "/bin/sh", &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return failed;
}

/* Both outputs until both are closed. */
static void hear(int out_fd, int said_fd, struct buf *out, struct buf *said)
{
	struct pollfd fds[2] = {{.fd = out_fd, .events = POLLIN}, {.fd = said_fd, .events = POLLIN}};
	struct buf *into[2] = {out, said};
	char chunk[8192];
	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		for (int i = 0; i < 2; i++) {
			if (fds[i].fd < 0 || !fds[i].revents)
				continue;
			ssize_t n = read(fds[i].fd, chunk, sizeof chunk);
			if (n > 0 && into[i])
				buf_add(into[i], chunk, (size_t)n);
			else if (n == 0 || (n < 0 && errno != EINTR))
				fds[i].fd = -1;
		}
	}
}

int shell_here(const char *script, const char *input, struct buf *out, struct buf *said, struct err *err)
{
	int in[2], o[2], e[2], status = 0, failed;
	size_t len = input ? strlen(input) : 0;
	pid_t pid = -1;
	if (len > INPUT_MOST)
		return err_set(err, ERR_BUG, "A line for the shell got more input than a pipe takes.");
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(o, O_CLOEXEC) < 0 || pipe2(e, O_CLOEXEC) < 0)
		return err_set(err, ERR_IO, "No pipe could be made: %s", strerror(errno));
	failed = start(script, (const int[]){in[0], o[1], e[1]}, &pid);
	close(in[0]);
	close(o[1]);
	close(e[1]);
	/* A pipe holds that much, so this does not wait for the reader. */
	if (!failed && len && write(in[1], input, len) != (ssize_t)len)
		failed = errno ? errno : EIO;
	close(in[1]);
	if (!failed)
		hear(o[0], e[0], out, said);
	close(o[0]);
	close(e[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (failed)
		return err_set(err, ERR_IO, "The shell of this machine could not be started: %s",
			       strerror(failed));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
