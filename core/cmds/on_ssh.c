#include "core/cmds/on_ssh.h"
#include "core/base/text.h"
#include "core/links/ssh.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER_BYTES = 64 << 20 };

int on_ssh_init(struct on_ssh *ssh, const char *host, struct err *err)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	*ssh = (struct on_ssh){0};
	if (!*host || host[0] == '-' || !text_copy(ssh->host, sizeof ssh->host, host) ||
	    strpbrk(host, " \t\n'\"\\"))
		return err_set(
		    err, ERR_USAGE,
		    "--on wants a host as ssh takes it: a name of ~/.ssh/config, HOST or USER@HOST");
	/* %C is a digest of 40 digits, and ssh adds 17 of its own: a socket's path may have 107 bytes. */
	if (runtime && runtime[0] == '/' && strlen(runtime) < 36 && access(runtime, W_OK) == 0) {
		/* It knows neither the alias nor the way: behind two jump hosts 10.0.0.1 are two machines. */
		uint32_t alias = 2166136261u;
		for (const char *p = host; *p; p++)
			alias = (alias ^ (unsigned char)*p) * 16777619u;
		text_copyf(ssh->control, sizeof ssh->control, "%s/nf-%08x-%%C", runtime, (unsigned)alias);
		return 0;
	}
	text_copy(ssh->control_dir, sizeof ssh->control_dir, "/tmp/nf-XXXXXX");
	if (!mkdtemp(ssh->control_dir))
		return err_set(err, ERR_IO, "no folder for ssh's socket can be made in /tmp: %s",
			       strerror(errno));
	text_copyf(ssh->control, sizeof ssh->control, "%s/%%C", ssh->control_dir);
	return 0;
}

void on_ssh_done(struct on_ssh *ssh)
{
	if (!*ssh->control_dir)
		return;
	/* Nobody else shares it: the connection ends with us, and its socket with it. */
	char **argv = on_ssh_argv(ssh, NULL, true);
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);
		for (int fd = 0; fd < 3; fd++)
			dup2(null, fd);
		execvp(argv[0], argv);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	on_ssh_argv_free(argv);
	rmdir(ssh->control_dir);
}

/* The user's own configuration holds; only what would stand in the way of a plain pipe is set aside. */
static const char *const always[] = {
    "ssh",
    "-T",
    "-oControlMaster=auto",
    "-oControlPersist=10",
    "-oServerAliveInterval=5", /* a dead connection is known within 15 s */
    "-oServerAliveCountMax=3",
    "-oConnectTimeout=10",
    "-oRemoteCommand=none",
    "-oRequestTTY=no",
    "-oClearAllForwardings=yes",
    "-oForwardX11=no",
    "-oForwardAgent=no", /* an engine that leans on it would stop with the laptop */
    "-oEscapeChar=none",
};

char **on_ssh_argv(const struct on_ssh *ssh, const char *script, bool quiet)
{
	char **argv = xcalloc(ON_ARGV_MAX, sizeof *argv);
	size_t n = 0;
	for (; n < sizeof always / sizeof *always; n++)
		argv[n] = xstrdup(always[n]);
	argv[n++] = xasprintf("-oControlPath=%s", ssh->control);
	if (quiet)
		argv[n++] = xstrdup("-oBatchMode=yes");
	if (!script) {
		argv[n++] = xstrdup("-Oexit");
		argv[n++] = xstrdup("--");
		argv[n++] = xstrdup(ssh->host);
		return argv;
	}
	/* Whatever the login shell there is, it only has to start another. */
	struct buf line = {0};
	buf_adds(&line, "exec sh -c ");
	ssh_quote(&line, script);
	argv[n++] = xstrdup("--");
	argv[n++] = xstrdup(ssh->host);
	argv[n++] = xstrdup(buf_text(&line));
	buf_done(&line);
	return argv;
}

void on_ssh_argv_free(char **argv)
{
	for (size_t i = 0; argv && argv[i]; i++)
		free(argv[i]);
	free(argv);
}

static pid_t spawn(char **argv, int in[2], int out[2])
{
	if (pipe2(in, O_CLOEXEC) < 0)
		return -1;
	if (pipe2(out, O_CLOEXEC) < 0) {
		close(in[0]);
		close(in[1]);
		return -1;
	}
	pid_t pid = fork();
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		signal(SIGPIPE, SIG_DFL);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	return pid;
}

/* Both ways at once: a program that answers while it is still being fed must not wait for us. */
static void feed(int in, int out, const struct buf *input, struct buf *answer)
{
	size_t sent = 0, len = input ? input->len : 0;
	fcntl(in, F_SETFL, O_NONBLOCK);
	struct pollfd p[2] = {{.fd = out, .events = POLLIN}, {.fd = len ? in : -1, .events = POLLOUT}};
	if (!len)
		close(in);
	while (p[0].fd >= 0) {
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].fd >= 0 && p[1].revents) {
			ssize_t n = write(in, input->data + sent, len - sent);
			sent += n > 0 ? (size_t)n : 0;
			if (sent == len || (n < 0 && errno != EAGAIN && errno != EINTR)) {
				close(in);
				p[1].fd = -1;
			}
		}
		char chunk[16384];
		ssize_t n = p[0].revents ? read(out, chunk, sizeof chunk) : 1;
		if (p[0].revents && n > 0 && answer->len < ANSWER_BYTES)
			buf_add(answer, chunk, (size_t)n);
		if (n <= 0)
			p[0].fd = -1;
	}
	if (p[1].fd >= 0)
		close(in);
	close(out);
}

int on_ssh_run(const struct on_ssh *ssh, const char *script, const struct buf *input, struct buf *out,
	       struct err *err)
{
	int in[2], answer[2], status = 0;
	char **argv = on_ssh_argv(ssh, script, false);
	pid_t pid = spawn(argv, in, answer);
	on_ssh_argv_free(argv);
	if (pid < 0)
		return err_set(err, ERR_IO, "the program ssh could not be started: %s", strerror(errno));
	feed(in[1], answer[0], input, out);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return err_set(err, ERR_CONFIG,
			       "ssh could not be started here, or its command on %s; is openssh-client "
			       "installed?",
			       ssh->host);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}
