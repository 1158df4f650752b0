#include "core/links/program.h"
#include "core/base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUT_MOST = 256 * 1024 };

static int start(const char *const *argv, const char *folder, int out_fd, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	/* A group of its own, so that what it starts ends with it. */
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (folder)
		posix_spawn_file_actions_addchdir_np(&actions, folder);
	int failed = posix_spawnp(pid, argv[0], &actions, &attr, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return failed;
}

/* True when it closed its output in time. */
static bool hear(int fd, int real_ms, struct buf *out)
{
	char chunk[4096];
	int64_t began_ms = clock_life_ms();
	for (;;) {
		int64_t left_ms = real_ms - clock_real_ms(clock_life_ms() - began_ms);
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int n = left_ms > 0 ? poll(&p, 1, (int)left_ms) : 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		ssize_t got = read(fd, chunk, sizeof chunk);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0;
		if (out->len + (size_t)got <= OUT_MOST)
			buf_add(out, chunk, (size_t)got);
	}
}

int program_ask(const char *const *argv, const char *folder, int real_ms, struct buf *out, struct err *err)
{
	int fds[2], status = 0;
	pid_t pid;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(err, ERR_IO, "%s was not started: %s", argv[0], strerror(errno));
	int failed = start(argv, folder, fds[1], &pid);
	close(fds[1]);
	if (failed) {
		close(fds[0]);
		return err_set(err, ERR_IO, "%s cannot be started here: %s", argv[0], strerror(failed));
	}
	bool ended = hear(fds[0], real_ms, out);
	close(fds[0]);
	if (!ended)
		kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!ended)
		return err_set(err, ERR_IO, "%s did not end within %d s and was stopped", argv[0],
			       real_ms / 1000);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
