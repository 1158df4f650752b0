/* Commands that run to their end, and what they said. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/ssh_inner.h"
#include <string.h>

enum { EXEC_MS = 30000, FAREWELL_MS = 1000 };

struct talk {
	struct ssh *ssh;
	struct ssh_channel *channel;
	const struct ssh_call *call;
	struct ssh_reply *reply;
	size_t sent;
	bool ended[2];
};

/* 1 when something moved, 0 when not, SSH_LOST. A command that ends early does not want the rest. */
static int talk_send(struct talk *t)
{
	struct ssh_channel *c = t->channel;
	const struct ssh_carrier *by = t->ssh->carrier;
	int moved = 0;
	while (t->sent < t->call->input_len) {
		ssize_t n = by->write(c, t->call->input + t->sent, t->call->input_len - t->sent);
		if (n == SSH_AGAIN || n == SSH_LOST)
			return n == SSH_LOST ? SSH_LOST : moved;
		t->sent = n == SSH_END ? t->call->input_len : t->sent + (size_t)n;
		moved = 1;
	}
	if (c->said_end || by->end(c) == SSH_AGAIN)
		return moved;
	c->said_end = true;
	return 1;
}

static int talk_read(struct talk *t, int which, struct buf *out)
{
	char chunk[32768];
	int moved = 0;
	size_t most = t->call->out_bytes ? t->call->out_bytes : 8u << 20;
	while (!t->ended[which]) {
		ssize_t n = t->ssh->carrier->read(t->channel, which, chunk, sizeof chunk);
		if (n == SSH_LOST)
			return SSH_LOST;
		if (n == SSH_AGAIN)
			break;
		moved = 1;
		t->ended[which] = n == SSH_END;
		if (n > 0 && !t->reply->answered_ms)
			t->reply->answered_ms = clock_wall_ms();
		if (n > 0)
			buf_add(out, chunk, out->len + (size_t)n > most ? most - out->len : (size_t)n);
	}
	return moved;
}

/* 1 when something moved, 0 when not, -1 lost, 2 the end is known. */
static int talk_turn(struct talk *t)
{
	int a = talk_send(t), b = talk_read(t, 0, &t->reply->out), c = talk_read(t, 1, &t->reply->err);
	if (a == SSH_LOST || b == SSH_LOST || c == SSH_LOST)
		return -1;
	if (!t->ended[0] || !t->ended[1])
		return a || b || c;
	int rc = t->ssh->carrier->finish(t->channel);
	return rc == SSH_LOST ? -1 : rc == 0 ? 2 : 0;
}

static int talk_loop(struct talk *t, struct err *err)
{
	struct ssh *ssh = t->ssh;
	int limit_ms = t->call->timeout_ms ? t->call->timeout_ms : EXEC_MS;
	int64_t began_ms = clock_life_ms();
	for (;;) {
		int rc = talk_turn(t);
		if (rc < 0)
			return ssh_say_lost(ssh, "a command was under way; it may still run there", err);
		if (rc == 2)
			return 0;
		if (rc == 1 || ssh_streams_read(ssh)) {
			ssh->carrier->turn(ssh);
			continue;
		}
		int64_t left_ms = limit_ms - ssh_since(began_ms);
		if (left_ms <= 0)
			return err_set(
			    err, ERR_NET, "%s: no end of \"%.80s\" after %d s; it may still run there",
			    ssh->name, t->call->say ? t->call->say : t->call->command, limit_ms / 1000);
		if (ssh_idle(ssh, left_ms < SSH_SLICE_MS ? (int)left_ms : SSH_SLICE_MS, err) < 0)
			return -1;
	}
}

int ssh_exec(struct ssh *ssh, const struct ssh_call *call, struct ssh_reply *reply, struct err *err)
{
	*reply = (struct ssh_reply){.status = -1, .asked_ms = clock_wall_ms()};
	int64_t began_ms = clock_life_ms();
	if (ssh->job && !ssh->hush)
		job_command(ssh->job, "ssh", "%s: %s", ssh->name, call->say ? call->say : call->command);
	struct ssh_channel *channel = ssh_channel_open(ssh, call->command, NULL, 0, call->input_len, err);
	if (!channel)
		return -1;
	struct talk t = {.ssh = ssh, .channel = channel, .call = call, .reply = reply};
	int rc = talk_loop(&t, err);
	if (rc == 0) {
		reply->status = channel->status;
		text_copy(reply->signal, sizeof reply->signal, channel->signal);
	}
	ssh_channel_drop(channel, rc == 0 ? FAREWELL_MS : 100);
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
