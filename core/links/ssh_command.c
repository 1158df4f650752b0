/* Commands that run to their end, and what they said. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/ssh_inner.h"
#include <poll.h>
#include <string.h>

enum { EXEC_MS = 30000 };

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
		if (ssh_idle(ssh, SSH_SLICE_MS, err) < 0)
			return NULL;
	}
	int rc;
	while ((rc = libssh2_channel_exec(channel, command)) == LIBSSH2_ERROR_EAGAIN &&
	       ssh_since(began_ms) < EXEC_MS)
		if (ssh_idle(ssh, SSH_SLICE_MS, err) < 0)
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
		if (ssh_idle(ssh, left_ms < SSH_SLICE_MS ? (int)left_ms : SSH_SLICE_MS, err) < 0)
			return -1;
	}
}

static int talk_end(struct talk *t, struct err *err)
{
	int rc;
	int64_t began_ms = clock_life_ms();
	while ((rc = libssh2_channel_wait_closed(t->channel)) == LIBSSH2_ERROR_EAGAIN &&
	       ssh_since(began_ms) < EXEC_MS)
		if (ssh_idle(t->ssh, SSH_SLICE_MS, err) < 0)
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
