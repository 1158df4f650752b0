/* One borrower of a line, from its greeting to its last word. Nothing here waits. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/ssh_frame.h"
#include "core/links/ssh_lend_inner.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A frame is used when it is whole, so the largest one must fit. */
enum { QUEUE_MS = 30000, LOOK_MOST = 64 << 10, IN_DEPTH = FRAME_MOST + FRAME_HEAD };

/* ---- its socket ---- */

static bool flush(struct borrower *b)
{
	bool moved = false;
	while (!b->gone && b->out_at < b->out.len) {
		ssize_t n = send(b->fd, b->out.data + b->out_at, b->out.len - b->out_at, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			b->gone = errno != EAGAIN;
			return moved;
		}
		b->out_at += (size_t)n;
		moved = true;
	}
	buf_reset(&b->out);
	b->out_at = 0;
	return moved;
}

static bool fill(struct borrower *b)
{
	char chunk[65536];
	bool moved = false;
	if (b->in_at == b->in.len) {
		buf_reset(&b->in);
		b->in_at = 0;
	}
	while (!b->gone && b->in.len - b->in_at < IN_DEPTH) {
		if (b->in_at > LEND_DEPTH) {
			buf_cut(&b->in, b->in_at);
			b->in_at = 0;
		}
		ssize_t n = recv(b->fd, chunk, sizeof chunk, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			b->gone = n == 0 || errno != EAGAIN;
			break;
		}
		buf_add(&b->in, chunk, (size_t)n);
		moved = true;
	}
	return moved;
}

static size_t room(const struct borrower *b)
{
	size_t waiting = b->out.len - b->out_at;
	return waiting < LEND_DEPTH ? LEND_DEPTH - waiting : 0;
}

void borrower_fds(const struct borrower *b, struct pollfd *fd)
{
	*fd = (struct pollfd){.fd = b->fd};
	if (b->in.len - b->in_at < IN_DEPTH)
		fd->events |= POLLIN;
	if (b->out_at < b->out.len)
		fd->events |= POLLOUT;
	/* A hang-up would wake us for ever while its bytes wait for the host. */
	if (!fd->events)
		fd->fd = -1;
}

/* ---- words ---- */

/* What PostgreSQL itself would send to somebody it does not let in, so that libpq shows the sentence. */
static void refuse_raw(struct borrower *b, const char *text)
{
	static const char head[] = "SFATAL\0VFATAL\0C08001\0M";
	size_t len = 4 + sizeof head - 1 + strlen(text) + 2;
	char size[4] = {0, 0, (char)(len >> 8), (char)len};
	buf_addc(&b->out, 'E');
	buf_add(&b->out, size, 4);
	buf_add(&b->out, head, sizeof head - 1);
	buf_add(&b->out, text, strlen(text) + 1);
	buf_addc(&b->out, '\0');
}

void borrower_refuse(struct borrower *b, enum err_kind kind, const char *text, bool refused)
{
	if (b->state == BORROWER_LAST)
		return;
	/* In the midst of a conversation a connection that ends says all there is to say. */
	if (b->raw && b->state != BORROWER_OPEN)
		refuse_raw(b, text);
	if (!b->raw) {
		struct jw w = {0};
		jw_open(&w);
		jw_str(&w, "error", err_kind_name(kind));
		jw_str(&w, "text", text);
		jw_bool(&w, "refused", refused);
		frame_add_json(&b->out, 'N', &w);
	}
	b->state = BORROWER_LAST;
}

void borrower_welcome(struct lend *lend, struct borrower *b)
{
	const char *because;
	struct jw w = {0};
	if (b->raw) {
		b->state = BORROWER_LOOKS;
		b->command = xstrdup(lend->what->pg_look);
		b->since_ms = clock_life_ms();
		return;
	}
	jw_open(&w);
	jw_str(&w, "name", ssh_name(lend->ways[0].ssh));
	jw_str(&w, "by", ssh_by(lend->ways[0].ssh, &because));
	jw_str(&w, "because", because);
	frame_add_json(&b->out, 'H', &w);
	b->state = BORROWER_READY;
}

void borrower_free(struct lend *lend, struct borrower *b)
{
	for (struct borrower **at = &lend->borrowers; *at; at = &(*at)->next)
		if (*at == b) {
			*at = b->next;
			break;
		}
	if (b->channel)
		lend_close(lend, b->channel);
	close(b->fd);
	buf_done(&b->in);
	buf_done(&b->out);
	buf_done(&b->look);
	free(b->command);
	free(b);
}

/* The next frame of what came; false when there is none that is whole. */
static bool next_frame(struct borrower *b, struct frame *frame)
{
	long n = b->in.len > b->in_at ? frame_read(b->in.data + b->in_at, b->in.len - b->in_at, frame) : 0;
	if (n < 0)
		b->gone = true; /* no borrower of ours */
	if (n > 0)
		b->in_at += (size_t)n;
	return n > 0;
}

static bool take_greeting(struct lend *lend, struct borrower *b)
{
	struct frame frame;
	if (!next_frame(b, &frame))
		return false;
	struct json *j = frame.kind == 'H' ? frame_json(&frame) : NULL;
	b->asking = json_bool(j, "asking", false);
	b->step = json_bool(j, "step", false);
	b->gone = b->gone || !j;
	json_free(j);
	b->state = BORROWER_WAITS;
	b->since_ms = clock_life_ms();
	if (lend->up)
		borrower_welcome(lend, b);
	return true;
}

static bool take_wish(struct borrower *b)
{
	struct frame frame;
	if (!next_frame(b, &frame))
		return false;
	if (frame.kind == 'X' || frame.kind == 'B') {
		b->bulk = frame.kind == 'B';
		b->command = xasprintf("%.*s", (int)frame.len, frame.data);
	} else if (frame.kind == 'F') {
		struct json *j = frame_json(&frame);
		text_copy(b->host, sizeof b->host, json_str(j, "host", ""));
		b->port = (int)json_int(j, "port", 0);
		json_free(j);
	} else {
		b->gone = true;
	}
	b->state = BORROWER_OPENS;
	b->since_ms = clock_life_ms();
	return true;
}

/* ---- its channel ---- */

/* 0 open, SSH_AGAIN, or the borrower was let go. */
static int open_channel(struct lend *lend, struct borrower *b)
{
	struct err why = {0};
	int rc = b->channel ? 0 : lend_channel(lend, b, &why);
	if (rc == 0)
		rc = b->channel->ssh->carrier->open(b->channel, &why);
	if (rc == SSH_NOT && b->channel && b->channel->full) {
		struct ssh_channel *channel = b->channel;
		b->channel = NULL;
		lend_is_full(lend, channel);
		rc = SSH_AGAIN;
	}
	if (rc == SSH_AGAIN && ssh_since(b->since_ms) > QUEUE_MS) {
		rc = SSH_NOT;
		err_set(&why, ERR_NET,
			"%s: no channel was opened within %d s; sshd hangs, or MaxSessions in its "
			"sshd_config is too "
			"low",
			ssh_name(lend->ways[0].ssh), QUEUE_MS / 1000);
	}
	if (rc == SSH_NOT)
		borrower_refuse(b, why.kind, why.text, lend->up);
	return rc;
}

static bool opens(struct lend *lend, struct borrower *b)
{
	if (open_channel(lend, b) != 0)
		return b->state == BORROWER_LAST;
	if (!b->raw)
		frame_add(&b->out, 'K', NULL, 0);
	b->state = BORROWER_OPEN;
	return true;
}

/* The answer to where the database listens; then the way there. */
static bool looks(struct lend *lend, struct borrower *b)
{
	char chunk[4096];
	struct err why = {0};
	bool moved = false;
	if ((!b->channel || !b->channel->open) && open_channel(lend, b) != 0)
		return b->state == BORROWER_LAST;
	const struct ssh_carrier *by = b->channel->ssh->carrier;
	for (int which = 0; which < 2; which++) {
		ssize_t n = 1;
		while (!b->ended[which] && (n = by->read(b->channel, which, chunk, sizeof chunk)) > 0) {
			if (b->look.len < LOOK_MOST)
				buf_add(&b->look, chunk, (size_t)n);
			moved = true;
		}
		b->ended[which] = b->ended[which] || n == SSH_END;
	}
	if (!b->ended[0] || !b->ended[1] || by->finish(b->channel) != 0) {
		if (ssh_since(b->since_ms) > QUEUE_MS)
			borrower_refuse(b, ERR_NET,
					"docker on the host does not say where the database listens", true);
		return moved || b->state == BORROWER_LAST;
	}
	lend_close(lend, b->channel);
	b->channel = NULL;
	free(b->command);
	b->command = NULL;
	b->ended[0] = b->ended[1] = false;
	b->since_ms = clock_life_ms();
	b->state = BORROWER_OPENS;
	b->bulk = true;
	if (lend->what->pg_where(buf_text(&b->look), b->host, sizeof b->host, &b->port, &why) < 0)
		borrower_refuse(b, why.kind, why.text, true);
	return true;
}

/* ---- bytes both ways ---- */

static bool write_some(struct borrower *b, const char *data, size_t len, size_t *took)
{
	ssize_t n = b->channel->ssh->carrier->write(b->channel, data, len);
	*took = n > 0 ? (size_t)n : n == SSH_END ? len : 0;
	return *took > 0;
}

static bool give_raw(struct borrower *b)
{
	bool moved = false;
	size_t took = 1;
	while (took && b->in_at < b->in.len)
		if (write_some(b, b->in.data + b->in_at, b->in.len - b->in_at, &took)) {
			b->in_at += took;
			moved = true;
		}
	return moved;
}

static bool give_frames(struct borrower *b)
{
	bool moved = false;
	while (!b->input_ended && b->in.len - b->in_at >= FRAME_HEAD) {
		struct frame frame;
		long n = frame_read(b->in.data + b->in_at, b->in.len - b->in_at, &frame);
		size_t took = 0;
		if (n < 0 || (n > 0 && frame.kind != 'I' && frame.kind != 'E'))
			b->gone = true;
		if (n <= 0 || b->gone)
			break;
		if (frame.kind == 'E') {
			b->input_ended = true;
			b->in_at += (size_t)n;
			return true;
		}
		if (frame.len && !write_some(b, frame.data, frame.len, &took))
			break;
		moved = true;
		b->in_at += took;
		/* The rest of the frame gets a head of its own, in the place of bytes that have gone. */
		if (took < frame.len)
			frame_head(b->in.data + b->in_at, 'I', frame.len - took);
		else
			b->in_at += FRAME_HEAD;
	}
	return moved;
}

static bool take_output(struct borrower *b, int which)
{
	char chunk[FRAME_DATA];
	bool moved = false;
	while (!b->ended[which] && room(b)) {
		ssize_t n = b->channel->ssh->carrier->read(b->channel, which, chunk, sizeof chunk);
		if (n < 0)
			break;
		moved = true;
		b->ended[which] = n == SSH_END;
		if (n > 0 && b->raw)
			buf_add(&b->out, chunk, (size_t)n);
		else if (n > 0)
			frame_add(&b->out, which ? 'R' : 'O', chunk, (size_t)n);
		/* Given on while it is warm; what does not fit waits. */
		flush(b);
	}
	return moved;
}

static void last_word(struct borrower *b)
{
	struct jw w = {0};
	b->state = BORROWER_LAST;
	if (b->raw)
		return;
	jw_open(&w);
	jw_int(&w, "status", b->channel->status);
	jw_str(&w, "signal", b->channel->signal);
	frame_add_json(&b->out, 'S', &w);
}

static bool serves(struct borrower *b)
{
	struct ssh_channel *c = b->channel;
	bool moved = b->raw ? give_raw(b) : give_frames(b);
	if (b->input_ended && !c->said_end && c->ssh->carrier->end(c) == 0)
		c->said_end = moved = true;
	moved = take_output(b, 0) || moved;
	moved = take_output(b, 1) || moved;
	c->deaf = !room(b);
	if (!b->ended[0] || (!b->raw && !b->ended[1]))
		return moved;
	if (b->raw || c->ssh->carrier->finish(c) == 0) {
		last_word(b);
		return true;
	}
	return moved;
}

bool borrower_turn(struct lend *lend, struct borrower *b)
{
	bool moved = flush(b);
	moved = fill(b) || moved;
	switch (b->state) {
	case BORROWER_SILENT: moved = take_greeting(lend, b) || moved; break;
	case BORROWER_READY: moved = take_wish(b) || moved; break;
	case BORROWER_LOOKS: moved = looks(lend, b) || moved; break;
	case BORROWER_OPENS: moved = opens(lend, b) || moved; break;
	case BORROWER_OPEN: moved = serves(b) || moved; break;
	case BORROWER_WAITS:
	case BORROWER_LAST: break;
	}
	moved = flush(b) || moved;
	if (b->gone || (b->state == BORROWER_LAST && !b->out.len)) {
		borrower_free(lend, b);
		return true;
	}
	return moved;
}
