#include "core/links/ssh_spawn.h"
#include "core/base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* In the child, between fork and exec: only what is safe there. */
static void become(const char *const *argv, char *const *env, const int ends[3], pid_t parent)
{
	extern char **environ;
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
#ifdef __linux__
	/* Killed with us: an ssh that outlives its line would keep the host busy for nobody. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(126);
#else
	(void)parent;
#endif
	for (int i = 0; i < 3; i++)
		if (dup2(ends[i], i) < 0)
			_exit(126);
	environ = (char **)(uintptr_t)env;
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(errno == ENOENT ? 127 : 126);
}

static char **whole_environment(const char *const *more)
{
	extern char **environ;
	size_t n = 0, m = 0, kept = 0;
	while (environ[n])
		n++;
	while (more && more[m])
		m++;
	char **env = xcalloc(n + m + 1, sizeof *env);
	for (size_t i = 0; i < n; i++) {
		size_t name = strcspn(environ[i], "=") + 1;
		bool replaced = false;
		for (size_t k = 0; k < m; k++)
			replaced = replaced || strncmp(environ[i], more[k], name) == 0;
		if (!replaced)
			env[kept++] = environ[i];
	}
	for (size_t k = 0; k < m; k++)
		env[kept++] = (char *)(uintptr_t)more[k];
	return env;
}

/* ends[i] is the child's, ours[i] ours. */
static int make_ends(int pipes, int ends[3], int ours[3])
{
	for (int i = 0; i < 3; i++) {
		int pair[2];
		ends[i] = ours[i] = -1;
		if (!(pipes & 1 << i)) {
			ends[i] = open("/dev/null", (i ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
			if (ends[i] < 0)
				return -1;
			continue;
		}
		if (pipe2(pair, O_CLOEXEC) < 0)
			return -1;
		ends[i] = pair[i == 0 ? 0 : 1];
		ours[i] = pair[i == 0 ? 1 : 0];
		fcntl(ours[i], F_SETFL, O_NONBLOCK);
#ifdef F_SETPIPE_SZ
		fcntl(ours[i], F_SETPIPE_SZ, 1 << 20);
#endif
	}
	return 0;
}

int ssh_spawn(const char *const *argv, const char *const *env, int pipes, struct ssh_spawned *out)
{
	int ends[3] = {-1, -1, -1}, ours[3] = {-1, -1, -1};
	pid_t parent = getpid(), pid = -1;
	*out = (struct ssh_spawned){.pid = -1, .in = -1, .out = -1, .err = -1, .gone = -1};
	char **all = whole_environment(env);
	if (make_ends(pipes, ends, ours) == 0 && (pid = fork()) == 0)
		become(argv, all, ends, parent);
	int why = errno;
	free(all);
	for (int i = 0; i < 3; i++) {
		close_one(&ends[i]);
		if (pid < 0)
			close_one(&ours[i]);
	}
	errno = why;
	if (pid < 0)
		return -1;
	*out = (struct ssh_spawned){.pid = pid, .in = ours[0], .out = ours[1], .err = ours[2], .gone = -1};
#ifdef SYS_pidfd_open
	out->gone = (int)syscall(SYS_pidfd_open, pid, 0);
	if (out->gone >= 0)
		fcntl(out->gone, F_SETFD, FD_CLOEXEC);
#endif
	return 0;
}

int ssh_spawn_status(struct ssh_spawned *spawned)
{
	int status;
	if (spawned->pid < 0 || waitpid(spawned->pid, &status, WNOHANG) != spawned->pid)
		return -1;
	spawned->pid = -1;
	close_one(&spawned->gone);
	return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

void ssh_spawn_end(struct ssh_spawned *spawned)
{
	close_one(&spawned->in);
	close_one(&spawned->out);
	close_one(&spawned->err);
	for (int i = 0; spawned->pid > 0 && ssh_spawn_status(spawned) < 0; i++) {
		kill(spawned->pid, i < 50 ? SIGTERM : SIGKILL);
		poll(&(struct pollfd){.fd = spawned->gone, .events = POLLIN}, 1, 20);
	}
	close_one(&spawned->gone);
}

int ssh_spawn_read(const char *const *argv, int ms, struct buf *out)
{
	struct ssh_spawned s;
	char chunk[4096];
	int64_t until_ms = clock_life_ms() + ms;
	int status = -1;
	if (ssh_spawn(argv, NULL, SSH_SPAWN_OUT, &s) < 0)
		return -1;
	while (status < 0 && clock_life_ms() < until_ms) {
		poll((struct pollfd[]){{.fd = s.out, .events = POLLIN}, {.fd = s.gone, .events = POLLIN}}, 2,
		     100);
		ssize_t n;
		while ((n = read(s.out, chunk, sizeof chunk)) > 0 && out->len < 1u << 20)
			buf_add(out, chunk, (size_t)n);
		if (n == 0)
			close_one(&s.out);
		status = s.out < 0 || n < 0 ? ssh_spawn_status(&s) : -1;
	}
	/* What it wrote last may have come between the read and its end. */
	for (ssize_t n; s.out >= 0 && (n = read(s.out, chunk, sizeof chunk)) > 0;)
		buf_add(out, chunk, (size_t)n);
	ssh_spawn_end(&s);
	return status == 0 ? 0 : -1;
}
