#include "tui/wire.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINE_MOST = 4 << 20, READ_MOST = 1 << 20 };

void wire_init(struct wire *wire)
{
	*wire = (struct wire){.fd = -1};
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

void wire_close(struct wire *wire)
{
	if (wire->fd >= 0)
		close(wire->fd);
	wire->fd = -1;
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
