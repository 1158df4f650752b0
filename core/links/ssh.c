/* The connection and commands that run to their end. Login: ssh_login.c; streams: ssh_stream.c. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/ssh_inner.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CONNECT_MS = 10000,
	HANDSHAKE_MS = 20000,
	EXEC_MS = 30000,
	SLICE_MS = 1000,
	KEEPALIVE_S = 10,
	DEAD_MS = 30000
};

int64_t ssh_since(int64_t began_ms)
{
	int64_t ms = clock_life_ms() - began_ms;
	return ms > 0 ? clock_real_ms(ms) : 0;
}

int ssh_idle(struct ssh *ssh, int ms, struct err *err)
{
	struct pollfd p[2] = {{.fd = ssh->fd, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
	if (ssh->session && libssh2_session_block_directions(ssh->session) & LIBSSH2_SESSION_BLOCK_OUTBOUND)
		p[0].events |= POLLOUT;
	if (ssh->job && !ssh->deaf && !ssh->engine_gone)
		p[1].fd = job_cancel_fd(ssh->job);
	bool stop = ssh->job && !ssh->deaf && job_cancelled(ssh->job);
	if (!stop)
		poll(p, 2, ms < 0 ? 0 : ms);
	if (p[1].revents)
		stop = job_stopping(ssh->job);
	/* A step goes on without its engine up to its next record; its end of the line would wake us for
	 * ever. */
	if (p[1].revents & (POLLHUP | POLLERR))
		ssh->engine_gone = true;
	if (stop)
		return err_set(err, ERR_CANCELLED, "stopped while waiting for %s", ssh->name);
	int next = 0;
	if (ssh->session)
		libssh2_keepalive_send(ssh->session, &next);
	return 0;
}

int ssh_broken(struct ssh *ssh, const char *doing, struct err *err)
{
	char *said = NULL;
	int code = libssh2_session_last_error(ssh->session, &said, NULL, 0);
	char text[200];
	text_clean(text, sizeof text, said ? said : "", said ? strlen(said) : 0);
	if (code != LIBSSH2_ERROR_CHANNEL_FAILURE && code != LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED)
		ssh->lost = true;
	return err_set(err, ERR_NET, "%s: %s, the connection is %s (%s)", ssh->name, doing,
		       ssh->lost ? "lost" : "still there", *text ? text : "no more was said");
}

/* ---- the connection ---- */

static int wait_connected(struct ssh *ssh, int64_t began_ms, struct err *err)
{
	for (;;) {
		struct pollfd p = {.fd = ssh->fd, .events = POLLOUT};
		int failed = 0;
		socklen_t size = sizeof failed;
		if (poll(&p, 1, 100) > 0) {
			getsockopt(ssh->fd, SOL_SOCKET, SO_ERROR, &failed, &size);
			errno = failed;
			return failed ? -1 : 0;
		}
		if (ssh->job && !ssh->deaf && job_stopping(ssh->job))
			return err_set(err, ERR_CANCELLED, "stopped while connecting to %s", ssh->name);
		errno = ETIMEDOUT;
		if (ssh_since(began_ms) > CONNECT_MS)
			return -1;
	}
}

static int connect_one(struct ssh *ssh, const struct addrinfo *a, int64_t began_ms, struct err *err)
{
	int on = 1, unheard_ms = DEAD_MS;
	ssh->fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
	if (ssh->fd < 0)
		return -1;
	setsockopt(ssh->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	/* Together with the keepalive this makes a dead line an error instead of silence. */
	setsockopt(ssh->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unheard_ms, sizeof unheard_ms);
	if (connect(ssh->fd, a->ai_addr, a->ai_addrlen) == 0)
		return 0;
	if (errno == EINPROGRESS && wait_connected(ssh, began_ms, err) == 0)
		return 0;
	int why = errno;
	close(ssh->fd);
	ssh->fd = -1;
	errno = why;
	return -1;
}

static int explain_connect(const struct ssh *ssh, int why, struct err *err)
{
	if (why == ECONNREFUSED)
		return err_set(err, ERR_NET,
			       "%s refuses connections on port %d: sshd does not run there or listens on "
			       "another port; see host.port",
			       ssh->host, ssh->port);
	if (why == ETIMEDOUT)
		return err_set(
		    err, ERR_NET,
		    "%s does not answer on port %d: the host is down or a firewall drops the packets",
		    ssh->host, ssh->port);
	return err_set(err, ERR_NET,
		       "there is no way to %s port %d (%s); look at the network and at host.address",
		       ssh->host, ssh->port, strerror(why));
}

static int connect_any(struct ssh *ssh, struct err *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
	char port[12];
	struct err own = {0};
	text_copyf(port, sizeof port, "%d", ssh->port);
	int rc = getaddrinfo(ssh->host, port, &hints, &list);
	if (rc)
		return err_set(err, ERR_NET,
			       "the host's name %s cannot be resolved (%s); look at host.address", ssh->host,
			       gai_strerror(rc));
	int64_t began_ms = clock_life_ms();
	rc = -1;
	errno = EHOSTUNREACH;
	for (const struct addrinfo *a = list; a && rc < 0 && own.kind == ERR_NONE; a = a->ai_next)
		rc = connect_one(ssh, a, began_ms, &own);
	int why = errno;
	freeaddrinfo(list);
	if (rc < 0 && own.kind)
		return err_set(err, own.kind, "%s", own.text);
	return rc < 0 ? explain_connect(ssh, why, err) : 0;
}

static int handshake(struct ssh *ssh, struct err *err)
{
	int rc;
	int64_t began_ms = clock_life_ms();
	ssh->session = libssh2_session_init();
	if (!ssh->session)
		return err_set(err, ERR_BUG, "libssh2 gave no session");
	libssh2_session_set_blocking(ssh->session, 0);
	ssh_prefer_known(ssh);
	while ((rc = libssh2_session_handshake(ssh->session, ssh->fd)) == LIBSSH2_ERROR_EAGAIN) {
		if (ssh_idle(ssh, SLICE_MS, err) < 0)
			return -1;
		if (ssh_since(began_ms) > HANDSHAKE_MS)
			return err_set(
			    err, ERR_NET,
			    "%s took the connection and then said nothing for 20 s; sshd may be overloaded",
			    ssh->name);
	}
	if (rc == 0)
		return 0;
	ssh_broken(ssh, "the greeting failed", err);
	if (rc == LIBSSH2_ERROR_KEX_FAILURE || rc == LIBSSH2_ERROR_METHOD_NONE ||
	    rc == LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE)
		err_set(err, ERR_NET,
			"%s and libssh2 have no algorithm in common; give the host an ed25519 host key "
			"(ssh-keygen -A there); "
			"the ssh program as a carrier is not built in yet",
			ssh->name);
	return -1;
}

static void drop(struct ssh *ssh)
{
	if (ssh->session) {
		/* Blocking only for as long as the farewell is worth it. */
		if (!ssh->lost) {
			int64_t began_ms = clock_life_ms();
			while (libssh2_session_disconnect(ssh->session, "done") == LIBSSH2_ERROR_EAGAIN &&
			       ssh_since(began_ms) < 500) {
				struct pollfd p = {.fd = ssh->fd, .events = POLLIN | POLLOUT};
				poll(&p, 1, 50);
			}
		}
		libssh2_session_set_blocking(ssh->session, 0);
		if (ssh->fd >= 0)
			shutdown(ssh->fd, SHUT_RDWR);
		while (libssh2_session_free(ssh->session) == LIBSSH2_ERROR_EAGAIN)
			;
		ssh->session = NULL;
	}
	if (ssh->fd >= 0)
		close(ssh->fd);
	ssh->fd = -1;
}

static int bring_up(struct ssh *ssh, struct err *err)
{
	ssh->lost = false;
	if (connect_any(ssh, err) < 0 || handshake(ssh, err) < 0 || ssh_check_host(ssh, err) < 0 ||
	    ssh_login(ssh, err) < 0) {
		ssh->lost = true;
		drop(ssh);
		return -1;
	}
	libssh2_keepalive_config(ssh->session, 1, KEEPALIVE_S);
	return 0;
}

struct ssh *ssh_open(struct job *job, enum ssh_manner manner, struct err *err)
{
	const struct json *host = json_get(job_config(job), "host");
	const char *address = json_str(host, "address", "");
	if (!*address) {
		err_set(
		    err, ERR_CONFIG,
		    "nobody says which host is the new one: write host: {address: ...} into nightferry.yml");
		return NULL;
	}
	if (libssh2_init(0) != 0) {
		err_set(err, ERR_BUG, "libssh2 cannot be used");
		return NULL;
	}
	struct ssh *ssh = xcalloc(1, sizeof *ssh);
	ssh->job = job;
	ssh->manner = manner;
	ssh->fd = -1;
	ssh->port = (int)json_int(host, "port", 22);
	text_copy(ssh->host, sizeof ssh->host, address);
	text_copy(ssh->user, sizeof ssh->user, json_str(host, "user", "root"));
	text_copyf(ssh->name, sizeof ssh->name, "%s@%s", ssh->user, ssh->host);
	if (ssh->port != 22)
		text_copyf(ssh->name, sizeof ssh->name, "%s@%s:%d", ssh->user, ssh->host, ssh->port);
	if (bring_up(ssh, err) == 0)
		return ssh;
	ssh_close(ssh);
	return NULL;
}

void ssh_close(struct ssh *ssh)
{
	if (!ssh)
		return;
	while (ssh->streams)
		ssh_stream_close(ssh->streams);
	drop(ssh);
	explicit_bzero(ssh->passphrase, sizeof ssh->passphrase);
	free(ssh);
}

int ssh_reopen(struct ssh *ssh, struct err *err)
{
	ssh->lost = true;
	while (ssh->streams)
		ssh_stream_close(ssh->streams);
	drop(ssh);
	return bring_up(ssh, err);
}

bool ssh_alive(const struct ssh *ssh)
{
	return ssh && !ssh->lost;
}

const char *ssh_name(const struct ssh *ssh)
{
	return ssh->name;
}

const char *ssh_host(const struct ssh *ssh)
{
	return ssh->host;
}

struct job *ssh_job(const struct ssh *ssh)
{
	return ssh->job;
}

void ssh_hush(struct ssh *ssh, bool hush)
{
	ssh->hush = hush;
}

void ssh_deaf(struct ssh *ssh, bool deaf)
{
	ssh->deaf = deaf;
}

/* ---- a command ---- */

LIBSSH2_CHANNEL *ssh_channel(struct ssh *ssh, const char *command, struct err *err)
{
	LIBSSH2_CHANNEL *channel;
	int64_t began_ms = clock_life_ms();
	if (ssh->lost) {
		err_set(err, ERR_NET, "%s: the connection is lost", ssh->name);
		return NULL;
	}
	while (!(channel = libssh2_channel_open_session(ssh->session))) {
		if (libssh2_session_last_errno(ssh->session) != LIBSSH2_ERROR_EAGAIN ||
		    ssh_since(began_ms) > EXEC_MS) {
			ssh_broken(ssh, "no channel could be opened", err);
			return NULL;
		}
		if (ssh_idle(ssh, SLICE_MS, err) < 0)
			return NULL;
	}
	int rc;
	while ((rc = libssh2_channel_exec(channel, command)) == LIBSSH2_ERROR_EAGAIN &&
	       ssh_since(began_ms) < EXEC_MS)
		if (ssh_idle(ssh, SLICE_MS, err) < 0)
			break;
	if (rc == 0)
		return channel;
	if (rc != LIBSSH2_ERROR_EAGAIN || ssh_since(began_ms) >= EXEC_MS)
		ssh_broken(ssh, "the host would not run a command", err);
	libssh2_channel_free(channel);
	return NULL;
}

struct talk {
	struct ssh *ssh;
	LIBSSH2_CHANNEL *channel;
	const struct ssh_call *call;
	struct ssh_reply *reply;
	size_t sent;
	bool eof_sent;
};

/* 1 when something moved, 0 when not, -1 when the line is broken. A command that ends early does not want the
 * rest. */
static int talk_send(struct talk *t)
{
	if (t->eof_sent)
		return 0;
	if (t->sent < t->call->input_len) {
		ssize_t n =
		    libssh2_channel_write(t->channel, t->call->input + t->sent, t->call->input_len - t->sent);
		if (n > 0)
			t->sent += (size_t)n;
		if (n >= 0 || n == LIBSSH2_ERROR_EAGAIN)
			return n > 0;
		t->sent = t->call->input_len;
	}
	int rc = libssh2_channel_send_eof(t->channel);
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return 0;
	t->eof_sent = true;
	return 1;
}

static int talk_read(struct talk *t, int which, struct buf *out)
{
	char chunk[32768];
	int moved = 0;
	size_t most = t->call->out_bytes ? t->call->out_bytes : 8u << 20;
	for (;;) {
		ssize_t n = libssh2_channel_read_ex(t->channel, which, chunk, sizeof chunk);
		if (n == LIBSSH2_ERROR_EAGAIN || n == 0)
			return moved;
		if (n < 0)
			return -1;
		if (!t->reply->answered_ms)
			t->reply->answered_ms = clock_wall_ms();
		buf_add(out, chunk, out->len + (size_t)n > most ? most - out->len : (size_t)n);
		moved = 1;
	}
}

static int talk_loop(struct talk *t, struct err *err)
{
	struct ssh *ssh = t->ssh;
	int limit_ms = t->call->timeout_ms ? t->call->timeout_ms : EXEC_MS;
	int64_t began_ms = clock_life_ms();
	for (;;) {
		int a = talk_send(t), b = talk_read(t, 0, &t->reply->out),
		    c = talk_read(t, SSH_EXTENDED_DATA_STDERR, &t->reply->err);
		if (a < 0 || b < 0 || c < 0)
			return ssh_broken(ssh, "a command was under way", err);
		if (libssh2_channel_eof(t->channel) && !b && !c)
			return 0;
		if (a || b || c || ssh_streams_read(ssh))
			continue;
		int64_t left_ms = limit_ms - ssh_since(began_ms);
		if (left_ms <= 0)
			return err_set(
			    err, ERR_NET, "%s: no end of \"%.80s\" after %d s; it may still run there",
			    ssh->name, t->call->say ? t->call->say : t->call->command, limit_ms / 1000);
		if (ssh_idle(ssh, left_ms < SLICE_MS ? (int)left_ms : SLICE_MS, err) < 0)
			return -1;
	}
}

static int talk_end(struct talk *t, struct err *err)
{
	int rc;
	int64_t began_ms = clock_life_ms();
	while ((rc = libssh2_channel_wait_closed(t->channel)) == LIBSSH2_ERROR_EAGAIN &&
	       ssh_since(began_ms) < EXEC_MS)
		if (ssh_idle(t->ssh, SLICE_MS, err) < 0)
			return -1;
	if (rc < 0)
		return ssh_broken(t->ssh, "the end of a command was not told", err);
	char *signal_name = NULL;
	size_t len = 0;
	libssh2_channel_get_exit_signal(t->channel, &signal_name, &len, NULL, NULL, NULL, NULL);
	t->reply->status = signal_name ? -1 : libssh2_channel_get_exit_status(t->channel);
	if (signal_name)
		text_clean(t->reply->signal, sizeof t->reply->signal, signal_name, len);
	libssh2_free(t->ssh->session, signal_name);
	return 0;
}

int ssh_exec(struct ssh *ssh, const struct ssh_call *call, struct ssh_reply *reply, struct err *err)
{
	*reply = (struct ssh_reply){.status = -1, .asked_ms = clock_wall_ms()};
	int64_t began_ms = clock_life_ms();
	if (ssh->job && !ssh->hush)
		job_command(ssh->job, "ssh", "%s: %s", ssh->name, call->say ? call->say : call->command);
	LIBSSH2_CHANNEL *channel = ssh_channel(ssh, call->command, err);
	if (!channel)
		return -1;
	struct talk t = {.ssh = ssh, .channel = channel, .call = call, .reply = reply};
	int rc = talk_loop(&t, err);
	if (rc == 0)
		rc = talk_end(&t, err);
	/* On a lost or hurried line the rest is thrown away with the session. */
	while (libssh2_channel_free(channel) == LIBSSH2_ERROR_EAGAIN && !ssh->lost &&
	       ssh_since(began_ms) < EXEC_MS) {
		struct pollfd p = {.fd = ssh->fd, .events = POLLIN | POLLOUT};
		poll(&p, 1, 20);
	}
	reply->ms = ssh_since(began_ms);
	return rc;
}

void ssh_reply_done(struct ssh_reply *reply)
{
	buf_done(&reply->out);
	buf_done(&reply->err);
}

/* What a failed command said, as one line for a sentence. */
static void last_words(const struct ssh_reply *reply, char *out, size_t size)
{
	const struct buf *from = reply->err.len ? &reply->err : &reply->out;
	const char *text = buf_text(from);
	size_t len = from->len;
	while (len && (text[len - 1] == '\n' || text[len - 1] == ' '))
		len--;
	/* The last line usually is the cause; what stands before it is its context. */
	size_t start = len;
	while (start && len - start < size - 1 && text[start - 1] != '\n')
		start--;
	text_clean(out, size, text + start, len - start);
}

int ssh_run(struct ssh *ssh, struct buf *out, struct err *err, const char *fmt, ...)
{
	struct buf command = {0};
	struct ssh_reply reply;
	char said[300];
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&command, fmt, ap);
	va_end(ap);
	int rc = ssh_exec(ssh, &(struct ssh_call){.command = buf_text(&command)}, &reply, err);
	last_words(&reply, said, sizeof said);
	if (rc == 0 && reply.status != 0)
		rc = err_set(err, ERR_REFUSED, "%s: \"%.120s\" ended with %d: %s", ssh->name,
			     buf_text(&command), reply.status, *said ? said : "it gave no reason");
	if (out)
		buf_add(out, reply.out.data, reply.out.len);
	ssh_reply_done(&reply);
	buf_done(&command);
	return rc;
}

void ssh_quote(struct buf *buf, const char *text)
{
	buf_addc(buf, '\'');
	for (; *text; text++)
		if (*text == '\'')
			buf_adds(buf, "'\\''");
		else
			buf_addc(buf, *text);
	buf_addc(buf, '\'');
}
