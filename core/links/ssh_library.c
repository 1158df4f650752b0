/* The carrier libssh2. It is given buffers instead of the socket: a packet that went only half would have to
 * be the very next thing written, by whichever of many channels, and what waits unread must not fill its
 * memory. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/ssh_library.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static size_t library_fds(const struct ssh *, struct pollfd *);
static void library_turn(struct ssh *);
static int library_open(struct ssh_channel *, struct err *);
static ssize_t library_read(struct ssh_channel *, int, void *, size_t);
static ssize_t library_write(struct ssh_channel *, const void *, size_t);
static int library_end(struct ssh_channel *);
static int library_finish(struct ssh_channel *);
static int library_close(struct ssh_channel *);

const struct ssh_carrier ssh_library = {
    .name = "libssh2",
    .connect = ssh_library_connect,
    .drop = ssh_library_drop,
    .fds = library_fds,
    .turn = library_turn,
    .open = library_open,
    .read = library_read,
    .write = library_write,
    .end = library_end,
    .finish = library_finish,
    .close = library_close,
};

enum { OUT_MOST = 512 << 10, IN_MOST = 1 << 20, STATE_NEW = 0, STATE_EXEC };

/* ---- bytes ---- */

static void flush(struct ssh *ssh)
{
	while (ssh->fd >= 0 && ssh->out_at < ssh->out.len) {
		ssize_t n =
		    send(ssh->fd, ssh->out.data + ssh->out_at, ssh->out.len - ssh->out_at, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			text_copy(ssh->why, sizeof ssh->why, strerror(errno));
			ssh->lost = true;
		}
		if (n <= 0)
			return;
		ssh->out_at += (size_t)n;
	}
	buf_reset(&ssh->out);
	ssh->out_at = 0;
}

static ssize_t give(libssh2_socket_t fd, const void *data, size_t len, int flags, void **abstract)
{
	struct ssh *ssh = *abstract;
	/* The agent's socket comes this way too, and it may be waited for. */
	if (fd != ssh->fd) {
		ssize_t n = send(fd, data, len, flags | MSG_NOSIGNAL);
		return n < 0 ? -errno : n;
	}
	buf_add(&ssh->out, data, len);
	if (ssh->out.len - ssh->out_at > OUT_MOST / 2)
		flush(ssh);
	return ssh->lost ? -EPIPE : (ssize_t)len;
}

static void fill(struct ssh *ssh)
{
	static const size_t room = SSH_CHUNK;
	char chunk[65536];
	while (ssh->fd >= 0 && ssh->in.len - ssh->in_at < IN_MOST) {
		if (ssh->in_at == ssh->in.len) {
			buf_reset(&ssh->in);
			ssh->in_at = 0;
		} else if (ssh->in_at > room) {
			buf_cut(&ssh->in, ssh->in_at);
			ssh->in_at = 0;
		}
		ssize_t n = recv(ssh->fd, chunk, sizeof chunk, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 || (n < 0 && errno != EAGAIN)) {
			if (!*ssh->why)
				text_copy(ssh->why, sizeof ssh->why,
					  n ? strerror(errno) : "the host closed it");
			ssh->lost = true;
		}
		if (n <= 0)
			return;
		buf_add(&ssh->in, chunk, (size_t)n);
		ssh->heard_ms = clock_life_ms();
		ssh->fresh = true;
	}
}

static ssize_t take(libssh2_socket_t fd, void *data, size_t size, int flags, void **abstract)
{
	struct ssh *ssh = *abstract;
	if (fd != ssh->fd) {
		ssize_t n = recv(fd, data, size, flags);
		return n < 0 ? -errno : n;
	}
	if (ssh->in_at == ssh->in.len && !ssh->lost)
		fill(ssh);
	size_t have = ssh->in.len - ssh->in_at;
	if (!have)
		return ssh->lost ? -ECONNRESET : -EAGAIN;
	if (have > size)
		have = size;
	memcpy(data, ssh->in.data + ssh->in_at, have);
	ssh->in_at += have;
	/* It may belong to another channel than the one that is being read. */
	ssh->fresh = true;
	return (ssize_t)have;
}

LIBSSH2_SESSION *ssh_library_session(struct ssh *ssh)
{
	ssh->session = libssh2_session_init_ex(NULL, NULL, NULL, ssh);
	if (!ssh->session)
		return NULL;
	libssh2_session_set_blocking(ssh->session, 0);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
	libssh2_session_callback_set(ssh->session, LIBSSH2_CALLBACK_SEND, (void *)give);
	libssh2_session_callback_set(ssh->session, LIBSSH2_CALLBACK_RECV, (void *)take);
#pragma GCC diagnostic pop
	return ssh->session;
}

static size_t library_fds(const struct ssh *ssh, struct pollfd *fds)
{
	fds[0] = (struct pollfd){.fd = ssh->fd, .events = 0};
	if (ssh->in.len - ssh->in_at < IN_MOST)
		fds[0].events |= POLLIN;
	if (ssh->out_at < ssh->out.len)
		fds[0].events |= POLLOUT;
	return 1;
}

/* A host whose kernel still answers while its sshd hangs is found out by the keepalives it leaves unanswered.
 */
static void library_turn(struct ssh *ssh)
{
	int next = 0;
	int64_t now_ms = clock_life_ms();
	if (ssh->fd < 0 || ssh->lost)
		return;
	fill(ssh);
	if (ssh->session && libssh2_userauth_authenticated(ssh->session)) {
		libssh2_keepalive_send(ssh->session, &next);
		/* Time that this process itself slept away is no silence of the host's. */
		if (clock_real_ms(now_ms - ssh->kept_ms) > 3 * SSH_SLICE_MS)
			ssh->heard_ms = now_ms;
		ssh->kept_ms = now_ms;
		bool full = ssh->in.len - ssh->in_at >= IN_MOST;
		if (!ssh->lost && !full && clock_real_ms(now_ms - ssh->heard_ms) > SSH_SILENT_MS) {
			text_copy(ssh->why, sizeof ssh->why,
				  "it has not answered for 30 s; sshd hangs there");
			ssh->lost = true;
		}
	}
	flush(ssh);
}

/* ---- channels ---- */

static int lost_or(struct ssh *ssh, int rc)
{
	if (rc == LIBSSH2_ERROR_EAGAIN && !ssh->lost)
		return SSH_AGAIN;
	ssh->lost = true;
	return SSH_LOST;
}

static int refused(struct ssh_channel *c, struct err *err)
{
	struct ssh *ssh = c->ssh;
	char *said = NULL, text[200];
	int code = libssh2_session_last_error(ssh->session, &said, NULL, 0);
	text_clean(text, sizeof text, said ? said : "", said ? strlen(said) : 0);
	if (code != LIBSSH2_ERROR_CHANNEL_FAILURE && code != LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED) {
		if (!*ssh->why)
			text_copy(ssh->why, sizeof ssh->why, text);
		ssh->lost = true;
		return SSH_LOST;
	}
	c->full = c->command && c->lib_state == STATE_NEW;
	return ssh_say_refused(c, text, err);
}

static int library_open(struct ssh_channel *c, struct err *err)
{
	struct ssh *ssh = c->ssh;
	LIBSSH2_SESSION *s = ssh->session;
	if (ssh->lost)
		return SSH_LOST;
	if (c->lib_state == STATE_NEW) {
		if (ssh->opening && ssh->opening != c)
			return SSH_AGAIN;
		ssh->opening = c;
		c->lib = c->command ? libssh2_channel_open_session(s)
				    : libssh2_channel_direct_tcpip_ex(s, c->host, c->port, "127.0.0.1", 0);
		if (!c->lib && libssh2_session_last_errno(s) == LIBSSH2_ERROR_EAGAIN && !ssh->lost)
			return SSH_AGAIN;
		ssh->opening = NULL;
		if (!c->lib)
			return refused(c, err);
		c->lib_state = STATE_EXEC;
	}
	int rc = c->command ? libssh2_channel_exec(c->lib, c->command) : 0;
	if (rc == LIBSSH2_ERROR_EAGAIN && !ssh->lost)
		return SSH_AGAIN;
	if (rc < 0)
		return refused(c, err);
	c->open = true;
	return 0;
}

static ssize_t library_read(struct ssh_channel *c, int which, void *data, size_t size)
{
	ssize_t n = libssh2_channel_read_ex(c->lib, which ? SSH_EXTENDED_DATA_STDERR : 0, data, size);
	if (n > 0)
		return n;
	if (n < 0 && n != LIBSSH2_ERROR_EAGAIN && n != LIBSSH2_ERROR_CHANNEL_CLOSED)
		return lost_or(c->ssh, (int)n);
	if (c->ssh->lost)
		return SSH_LOST;
	return libssh2_channel_eof(c->lib) ? SSH_END : SSH_AGAIN;
}

static ssize_t library_write(struct ssh_channel *c, const void *data, size_t len)
{
	if (c->ssh->out.len - c->ssh->out_at > OUT_MOST)
		return SSH_AGAIN;
	ssize_t n = libssh2_channel_write(c->lib, data, len);
	if (n > 0)
		return n;
	if (n == LIBSSH2_ERROR_CHANNEL_CLOSED || n == LIBSSH2_ERROR_CHANNEL_EOF_SENT)
		return SSH_END;
	if (n == 0 || n == LIBSSH2_ERROR_EAGAIN)
		return c->ssh->lost                                ? SSH_LOST
		       : libssh2_channel_eof(c->lib) && c->command ? SSH_END
								   : SSH_AGAIN;
	return lost_or(c->ssh, (int)n);
}

static int library_end(struct ssh_channel *c)
{
	int rc = libssh2_channel_send_eof(c->lib);
	return rc == LIBSSH2_ERROR_EAGAIN && !c->ssh->lost ? SSH_AGAIN : 0;
}

static int library_finish(struct ssh_channel *c)
{
	char *name = NULL;
	size_t len = 0;
	int rc = libssh2_channel_wait_closed(c->lib);
	if (rc < 0)
		return lost_or(c->ssh, rc);
	libssh2_channel_get_exit_signal(c->lib, &name, &len, NULL, NULL, NULL, NULL);
	c->status = name ? -1 : libssh2_channel_get_exit_status(c->lib);
	if (name)
		text_clean(c->signal, sizeof c->signal, name, len);
	libssh2_free(c->ssh->session, name);
	c->told = true;
	return 0;
}

static int library_close(struct ssh_channel *c)
{
	struct err none = {0};
	/* An opening that was begun has to end before another one can begin. */
	if (!c->lib && c->ssh->opening == c && library_open(c, &none) == SSH_AGAIN)
		return SSH_AGAIN;
	if (!c->lib || c->ssh->lost || !c->ssh->session)
		return 0;
	/* The end of input ends what listens to it; the end of the channel alone would not. */
	if (!c->said_end && library_end(c) == SSH_AGAIN)
		return SSH_AGAIN;
	c->said_end = true;
	if (libssh2_channel_free(c->lib) == LIBSSH2_ERROR_EAGAIN)
		return SSH_AGAIN;
	c->lib = NULL;
	return 0;
}
