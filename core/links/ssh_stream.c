/* Commands that go on: their lines are handed over as they come. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/ssh_inner.h"
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 16384, FAREWELL_MS = 1000 };

struct ssh_stream {
	struct ssh *ssh;
	struct ssh_stream *next;
	struct ssh_channel *channel;
	ssh_line_fn *line;
	void *ctx;
	struct buf part;
	bool quiet; /* its output has ended, its status is still to come */
	bool ended;
	int status;
};

/* docker logs -f on a quiet container outlives a closed channel, and libssh2 1.10 can send no signal. So the
 * end of standard input ends it; that end comes also when this process is killed or the connection breaks. */
static void wrap(struct buf *out, const char *command)
{
	buf_addf(out,
		 "exec 3<&0; %s </dev/null 2>&1 3<&- & p=$!; { cat <&3; kill $p; } >/dev/null 2>&1 & exec "
		 "3<&-; wait $p",
		 command);
}

struct ssh_stream *ssh_stream(struct ssh *ssh, const char *command, ssh_line_fn *line, void *ctx,
			      struct err *err)
{
	struct buf wrapped = {0};
	wrap(&wrapped, command);
	if (ssh->job && !ssh->hush)
		job_command(ssh->job, "ssh", "%s: %s", ssh->name, command);
	struct ssh_channel *channel = ssh_channel_open(ssh, buf_text(&wrapped), NULL, 0, 0, err);
	buf_done(&wrapped);
	if (!channel)
		return NULL;
	struct ssh_stream *s = xcalloc(1, sizeof *s);
	*s = (struct ssh_stream){
	    .ssh = ssh, .next = ssh->streams, .channel = channel, .line = line, .ctx = ctx, .status = -1};
	ssh->streams = s;
	return s;
}

bool ssh_stream_ended(const struct ssh_stream *stream, int *status)
{
	if (status)
		*status = stream->status;
	return stream->ended;
}

static void hand_over(struct ssh_stream *s, bool all)
{
	size_t at = 0;
	while (at < s->part.len) {
		char *end = memchr(s->part.data + at, '\n', s->part.len - at);
		size_t len = end ? (size_t)(end - s->part.data) - at : s->part.len - at;
		if (!end && !all && len < LINE_BYTES)
			break;
		if (len > LINE_BYTES)
			len = LINE_BYTES;
		size_t text_len = len && s->part.data[at + len - 1] == '\r' ? len - 1 : len;
		s->line(s->ctx, s->part.data + at, text_len);
		at += len + (end == s->part.data + at + len ? 1 : 0);
	}
	buf_cut(&s->part, at);
}

static bool stream_read(struct ssh_stream *s)
{
	char chunk[32768];
	bool moved = false;
	while (!s->ended) {
		ssize_t n = s->quiet ? SSH_END : s->ssh->carrier->read(s->channel, 0, chunk, sizeof chunk);
		if (n > 0) {
			buf_add(&s->part, chunk, (size_t)n);
			hand_over(s, false);
			moved = true;
			continue;
		}
		/* Both outputs are one: the other one is read only to see its end. */
		if (n == SSH_END) {
			s->quiet = true;
			n = s->ssh->carrier->read(s->channel, 1, chunk, sizeof chunk);
			n = n == SSH_END ? s->ssh->carrier->finish(s->channel) : n > 0 ? SSH_AGAIN : n;
		}
		if (n == SSH_AGAIN)
			break;
		s->ended = moved = true;
		hand_over(s, true);
		s->status = n == SSH_LOST ? -1 : s->channel->status;
	}
	return moved;
}

bool ssh_streams_read(struct ssh *ssh)
{
	bool moved = false;
	for (struct ssh_stream *s = ssh->streams; s; s = s->next)
		moved = stream_read(s) || moved;
	return moved;
}

/* Packets for one channel are queued while another is served, so everything is read before any sleep. */
int ssh_pump(struct ssh *ssh, int ms, struct err *err)
{
	int64_t began_ms = clock_life_ms();
	for (;;) {
		bool moved = ssh_streams_read(ssh);
		if (ssh->lost)
			return ssh_say_lost(ssh, "its output was followed", err);
		int64_t left_ms = ms - ssh_since(began_ms);
		if (moved || left_ms <= 0)
			return 0;
		if (ssh_idle(ssh, left_ms < SSH_SLICE_MS ? (int)left_ms : SSH_SLICE_MS, err) < 0)
			return -1;
	}
}

void ssh_stream_close(struct ssh_stream *stream)
{
	if (!stream)
		return;
	struct ssh *ssh = stream->ssh;
	for (struct ssh_stream **at = &ssh->streams; *at; at = &(*at)->next)
		if (*at == stream) {
			*at = stream->next;
			break;
		}
	ssh_channel_drop(stream->channel, FAREWELL_MS);
	buf_done(&stream->part);
	free(stream);
}
