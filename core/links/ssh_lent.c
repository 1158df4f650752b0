/* The carrier that another process holds: the borrower's end of ssh_frame.h. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/ssh_frame.h"
#include "core/links/ssh_inner.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static int lent_connect(struct ssh *, struct err *);
static void lent_drop(struct ssh *);
static size_t lent_fds(const struct ssh *, struct pollfd *);
static void lent_turn(struct ssh *);
static int lent_open(struct ssh_channel *, struct err *);
static ssize_t lent_read(struct ssh_channel *, int, void *, size_t);
static ssize_t lent_write(struct ssh_channel *, const void *, size_t);
static int lent_end(struct ssh_channel *);
static int lent_finish(struct ssh_channel *);
static int lent_close(struct ssh_channel *);

const struct ssh_carrier ssh_lent = {
    .name = "the line",
    .connect = lent_connect,
    .drop = lent_drop,
    .fds = lent_fds,
    .turn = lent_turn,
    .open = lent_open,
    .read = lent_read,
    .write = lent_write,
    .end = lent_end,
    .finish = lent_finish,
    .close = lent_close,
};

/* A line that ended is started again within a second or two; a person may need minutes for a passphrase. */
enum { ABSENT_MS = 8000, SILENT_MS = 60000, ASKING_MS = 900000, GOT_MOST = 1 << 20, BULK = 4 << 20 };
enum { STATE_NEW = 0, STATE_GREETED, STATE_ASKED };

/* ---- sockets ---- */

/* -1 with errno when nobody listens. */
static int dial(const struct ssh *ssh)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	if (!text_copy(addr.sun_path, sizeof addr.sun_path, ssh->line)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0)
		return fd;
	int why = errno;
	close(fd);
	errno = why;
	return -1;
}

static void greeting(const struct ssh *ssh, struct buf *out)
{
	struct jw w = {0};
	jw_open(&w);
	jw_bool(&w, "asking", ssh->manner == SSH_ASKING);
	jw_bool(&w, "step", *job_attempt(ssh->job) != 0);
	jw_str(&w, "who", job_name(ssh->job));
	frame_add_json(out, 'H', &w);
}

/* False at the end of it. */
static bool send_some(int fd, struct buf *out)
{
	while (out->len) {
		ssize_t n = send(fd, out->data, out->len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		buf_cut(out, (size_t)n);
	}
	return true;
}

static bool receive_some(int fd, struct buf *in)
{
	char chunk[65536];
	while (in->len < GOT_MOST) {
		ssize_t n = recv(fd, chunk, sizeof chunk, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 && errno == EAGAIN;
		buf_add(in, chunk, (size_t)n);
	}
	return true;
}

static void take_no(struct ssh *ssh, const struct frame *frame, struct err *err)
{
	static const enum err_kind kinds[] = {ERR_CONFIG, ERR_AUTH, ERR_REFUSED, ERR_IO, ERR_CANCELLED};
	struct json *j = frame_json(frame);
	enum err_kind kind = ERR_NET;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (text_equal(json_str(j, "error", ""), err_kind_name(kinds[i])))
			kind = kinds[i];
	err_set(err, kind, "%s", json_str(j, "text", "the line said no"));
	text_copy(ssh->why, sizeof ssh->why, json_str(j, "text", ""));
	json_free(j);
}

static void take_greeting(struct ssh *ssh, const struct frame *frame)
{
	struct json *j = frame_json(frame);
	text_copy(ssh->name, sizeof ssh->name, json_str(j, "name", ssh->name));
	text_copy(ssh->lent_by, sizeof ssh->lent_by, json_str(j, "by", ""));
	text_copy(ssh->because, sizeof ssh->because, json_str(j, "because", ""));
	json_free(j);
}

/* ---- the sign that the line is good ---- */

static int reach(struct ssh *ssh, struct err *err)
{
	int64_t began_ms = clock_life_ms();
	while ((ssh->fd = dial(ssh)) < 0) {
		if (ssh->engine_gone || ssh_since(began_ms) > ABSENT_MS)
			return 1;
		if (ssh_idle(ssh, 100, err) < 0)
			return -1;
	}
	return 0;
}

static int await(struct ssh *ssh, struct err *err)
{
	int64_t began_ms = clock_life_ms();
	int limit_ms = ssh->manner == SSH_ASKING ? ASKING_MS : SILENT_MS;
	for (;;) {
		struct frame frame;
		bool there = receive_some(ssh->fd, &ssh->told);
		long n = frame_read(buf_text(&ssh->told), ssh->told.len, &frame);
		if (n > 0 && frame.kind == 'H') {
			take_greeting(ssh, &frame);
			buf_cut(&ssh->told, (size_t)n);
			return 0;
		}
		if (n > 0 && frame.kind == 'N') {
			take_no(ssh, &frame, err);
			return -1;
		}
		if (!there || n)
			return 1;
		if (ssh_since(began_ms) > limit_ms)
			return err_set(
			    err, ERR_NET,
			    "the line to %s is not up after %d s; the host may hang, or a question waits on "
			    "the driver's seat",
			    ssh->name, limit_ms / 1000);
		if (ssh_idle(ssh, SSH_SLICE_MS, err) < 0)
			return -1;
	}
}

/* 1: nobody is there to lend. */
static int lent_connect(struct ssh *ssh, struct err *err)
{
	struct buf hello = {0};
	buf_reset(&ssh->told);
	int rc = reach(ssh, err);
	greeting(ssh, &hello);
	if (rc == 0 && !send_some(ssh->fd, &hello))
		rc = 1;
	buf_done(&hello);
	if (rc == 0)
		rc = await(ssh, err);
	if (rc)
		lent_drop(ssh);
	return rc;
}

static void lent_drop(struct ssh *ssh)
{
	if (ssh->fd >= 0)
		close(ssh->fd);
	ssh->fd = -1;
}

static size_t lent_fds(const struct ssh *ssh, struct pollfd *fds)
{
	size_t n = 0;
	fds[n++] = (struct pollfd){.fd = ssh->fd, .events = POLLIN};
	for (const struct ssh_channel *c = ssh->channels; c && n < SSH_FDS_MAX; c = c->next)
		if (c->fd >= 0)
			fds[n++] =
			    (struct pollfd){.fd = c->fd,
					    .events = (short)((c->deaf ? 0 : POLLIN) |
							      (c->in.len || c->wants_out ? POLLOUT : 0))};
	return n;
}

static void lose(struct ssh *ssh, const char *why)
{
	if (!ssh->lost && !*ssh->why)
		text_copy(ssh->why, sizeof ssh->why, why);
	ssh->lost = true;
}

static void lent_turn(struct ssh *ssh)
{
	struct frame frame;
	if (ssh->fd < 0)
		return;
	if (!receive_some(ssh->fd, &ssh->told)) {
		if (frame_read(buf_text(&ssh->told), ssh->told.len, &frame) > 0 && frame.kind == 'N')
			take_no(ssh, &frame, NULL);
		lose(ssh, "the line's process ended");
	}
	for (struct ssh_channel *c = ssh->channels; c; c = c->next)
		if (c->fd >= 0 && c->in.len && !send_some(c->fd, &c->in))
			c->wants_out = false;
}

/* ---- channels ---- */

/* One frame: its bytes go to where they are read from. */
static void take_frame(struct ssh_channel *c, const struct frame *frame, struct err *err)
{
	struct json *j;
	if (frame->kind == 'H') {
		take_greeting(c->ssh, frame);
		c->lib_state = STATE_GREETED;
	} else if (frame->kind == 'K') {
		c->open = true;
	} else if (frame->kind == 'O' || frame->kind == 'R') {
		buf_add(&c->out[frame->kind == 'R'], frame->data, frame->len);
	} else if (frame->kind == 'S') {
		j = frame_json(frame);
		c->status = (int)json_int(j, "status", -1);
		text_copy(c->signal, sizeof c->signal, json_str(j, "signal", ""));
		c->told = c->ended[0] = c->ended[1] = true;
		json_free(j);
	} else if (frame->kind == 'N') {
		j = frame_json(frame);
		c->full = json_bool(j, "full", false);
		c->refused = json_bool(j, "refused", false);
		json_free(j);
		take_no(c->ssh, frame, err);
		if (!c->refused)
			c->ssh->lost = true;
	}
}

/* Reads what there is; false when the line has hung up without a last word. */
static bool take_frames(struct ssh_channel *c, struct err *err)
{
	struct frame frame;
	size_t at = 0;
	long n;
	/* What nobody has taken yet stays with the line. */
	if (c->fd < 0 || c->out[0].len > GOT_MOST || c->out[1].len > GOT_MOST)
		return true;
	bool there = receive_some(c->fd, &c->rest);
	while ((n = frame_read(c->rest.data ? c->rest.data + at : "", c->rest.len - at, &frame)) > 0) {
		take_frame(c, &frame, err);
		at += (size_t)n;
	}
	buf_cut(&c->rest, at);
	return (there && n == 0) || c->told || c->refused || c->ssh->lost;
}

static int lent_open(struct ssh_channel *c, struct err *err)
{
	struct ssh *ssh = c->ssh;
	if (ssh->lost)
		return SSH_LOST;
	if (c->fd < 0) {
		c->fd = dial(ssh);
		if (c->fd < 0 && errno == EAGAIN)
			return SSH_AGAIN;
		if (c->fd < 0) {
			lose(ssh, "the line's process ended");
			return SSH_LOST;
		}
		greeting(ssh, &c->in);
	}
	if (!take_frames(c, err))
		lose(ssh, "the line's process ended");
	if (c->refused)
		return SSH_NOT;
	if (ssh->lost)
		return SSH_LOST;
	/* Only a line that is there is told what to do: nothing is carried out after we gave up. */
	if (c->lib_state == STATE_GREETED) {
		c->lib_state = STATE_ASKED;
		if (c->command) {
			frame_add(&c->in, c->input_len > BULK ? 'B' : 'X', c->command, strlen(c->command));
		} else {
			struct jw w = {0};
			jw_open(&w);
			jw_str(&w, "host", c->host);
			jw_int(&w, "port", c->port);
			frame_add_json(&c->in, 'F', &w);
		}
	}
	send_some(c->fd, &c->in);
	return c->open ? 0 : SSH_AGAIN;
}

static ssize_t lent_read(struct ssh_channel *c, int which, void *data, size_t size)
{
	struct buf *got = &c->out[which];
	if (!got->len && !c->told && !take_frames(c, NULL))
		lose(c->ssh, "the line's process ended");
	if (!got->len)
		return c->ended[which] ? SSH_END : c->ssh->lost ? SSH_LOST : SSH_AGAIN;
	if (size > got->len)
		size = got->len;
	memcpy(data, got->data, size);
	buf_cut(got, size);
	return (ssize_t)size;
}

static ssize_t lent_write(struct ssh_channel *c, const void *data, size_t len)
{
	char head[FRAME_HEAD];
	if (c->told)
		return SSH_END;
	if (!send_some(c->fd, &c->in))
		return SSH_END;
	c->wants_out = c->in.len > 0;
	if (c->wants_out)
		return SSH_AGAIN;
	if (len > FRAME_DATA)
		len = FRAME_DATA;
	frame_head(head, 'I', len);
	struct iovec parts[] = {{.iov_base = head, .iov_len = FRAME_HEAD},
				{.iov_base = (void *)(uintptr_t)data, .iov_len = len}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	ssize_t n = sendmsg(c->fd, &message, MSG_NOSIGNAL);
	c->wants_out = n < 0 && errno == EAGAIN;
	if (n < 0)
		return c->wants_out || errno == EINTR ? SSH_AGAIN : SSH_END;
	/* A frame that was begun is ours to finish. */
	size_t sent = (size_t)n;
	if (sent < FRAME_HEAD)
		buf_add(&c->in, head + sent, FRAME_HEAD - sent);
	size_t body = sent > FRAME_HEAD ? sent - FRAME_HEAD : 0;
	if (body < len)
		buf_add(&c->in, (const char *)data + body, len - body);
	return (ssize_t)len;
}

static int lent_end(struct ssh_channel *c)
{
	frame_add(&c->in, 'E', NULL, 0);
	send_some(c->fd, &c->in);
	return 0;
}

static int lent_finish(struct ssh_channel *c)
{
	return c->told ? 0 : c->ssh->lost ? SSH_LOST : SSH_AGAIN;
}

static int lent_close(struct ssh_channel *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	return 0;
}
