#include "tui/wire.h"
#include "core/base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* A line may be as long as what the engine takes from its children: a seat that refused one could never
 * attach. */
enum { LINE_MOST = 64 << 20, READ_MOST = 1 << 20 };

void wire_init(struct wire *wire)
{
	*wire = (struct wire){.fd = -1, .said_fd = -1};
}

void wire_done(struct wire *wire)
{
	wire_close(wire);
	buf_done(&wire->in);
	buf_done(&wire->out);
}

int wire_connect(struct wire *wire, const char *path, struct err *err)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd;

	wire_close(wire);
	if (strlen(path) >= sizeof(addr.sun_path))
		return err_set(err, ERR_USAGE, "the socket's path %s is too long; set a shorter state folder",
			       path);
	memcpy(addr.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, ERR_IO, "no socket can be made: %s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		err_set(err, ERR_NET, "no engine listens at %s: %s", path, strerror(errno));
		close(fd);
		return -1;
	}
	wire->fd = fd;
	return 0;
}

static void become(int fd, int said, char *const argv[])
{
	sigset_t none;

	/* No terminal: what it might ask would be lost under the screen, and Ctrl-C is not for it. */
	setsid();
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(said, 2);
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(argv[0], argv);
	_exit(127);
}

int wire_spawn(struct wire *wire, char *const argv[], struct err *err)
{
	int ends[2], said[2];
	pid_t pid;

	wire_close(wire);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_set(err, ERR_IO, "no socket can be made: %s", strerror(errno));
	if (pipe2(said, O_CLOEXEC | O_NONBLOCK) < 0) {
		close(ends[0]);
		close(ends[1]);
		return err_set(err, ERR_IO, "no pipe can be made: %s", strerror(errno));
	}
	pid = fork();
	if (pid == 0)
		become(ends[1], said[1], argv);
	close(ends[1]);
	close(said[1]);
	if (pid < 0) {
		close(ends[0]);
		close(said[0]);
		return err_set(err, ERR_IO, "%s cannot be started: %s", argv[0], strerror(errno));
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	wire->fd = ends[0];
	wire->pid = pid;
	wire->said_fd = said[0];
	return 0;
}

/* The last line of what it said is the reason. */
static void said_take(struct wire *wire)
{
	char text[4096];
	ssize_t n = read(wire->said_fd, text, sizeof(text));
	size_t len = n > 0 ? (size_t)n : 0, start;

	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	for (start = len; start && text[start - 1] != '\n';)
		start--;
	if (len > start)
		text_clean(wire->said, sizeof(wire->said), text + start, len - start);
}

static void program_end(struct wire *wire)
{
	wire->said[0] = '\0';
	said_take(wire);
	close(wire->said_fd);
	wire->said_fd = -1;
	/* It may hang in a dead network; nothing of ours is lost with it. */
	kill(wire->pid, SIGKILL);
	while (waitpid(wire->pid, NULL, 0) < 0 && errno == EINTR)
		;
	wire->pid = 0;
}

void wire_close(struct wire *wire)
{
	if (wire->fd >= 0)
		close(wire->fd);
	wire->fd = -1;
	if (wire->pid)
		program_end(wire);
	wire->scanned = 0;
	buf_reset(&wire->in);
	buf_reset(&wire->out);
}

/* Lines are taken out in one go at the end: cutting the buffer once per line would copy it once per line. */
static int lines_take(struct wire *wire, void (*line)(void *, const char *, size_t), void *ctx)
{
	size_t start = 0;

	for (;;) {
		char *end = memchr(wire->in.data + wire->scanned, '\n', wire->in.len - wire->scanned);
		if (!end)
			break;
		*end = '\0';
		wire->scanned = (size_t)(end - wire->in.data) + 1;
		if (wire->scanned - 1 > start)
			line(ctx, wire->in.data + start, wire->scanned - 1 - start);
		if (wire->fd < 0)
			return -1;
		start = wire->scanned;
	}
	buf_cut(&wire->in, start);
	wire->scanned = wire->in.len;
	return wire->in.len > LINE_MOST ? -1 : 0;
}

int wire_read(struct wire *wire, void (*line)(void *ctx, const char *text, size_t len), void *ctx)
{
	char chunk[65536];
	size_t total = 0;
	ssize_t n = -1;

	while (wire->fd >= 0 && total < READ_MOST) {
		n = read(wire->fd, chunk, sizeof(chunk));
		if (n > 0) {
			buf_add(&wire->in, chunk, (size_t)n);
			total += (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			break;
		}
	}
	if (n < 0 && errno == EAGAIN)
		n = 1;
	if (total && lines_take(wire, line, ctx))
		return -1;
	return wire->fd >= 0 && n > 0 ? 0 : -1;
}

int wire_flush(struct wire *wire)
{
	while (wire->fd >= 0 && wire->out.len) {
		ssize_t n = send(wire->fd, wire->out.data, wire->out.len, MSG_NOSIGNAL);
		if (n > 0)
			buf_cut(&wire->out, (size_t)n);
		else if (n < 0 && errno == EAGAIN)
			return 0;
		else if (n < 0 && errno != EINTR)
			return -1;
	}
	return wire->fd >= 0 ? 0 : -1;
}

bool wire_wants_write(const struct wire *wire)
{
	return wire->fd >= 0 && wire->out.len > 0;
}

int wire_send(struct wire *wire, struct jw *w)
{
	int rc = -1;

	if (wire->fd >= 0) {
		buf_adds(&wire->out, jw_finish(w));
		buf_addc(&wire->out, '\n');
		rc = wire_flush(wire);
	}
	jw_done(w);
	return rc;
}
