/* Seats: a Unix socket, one line a message. A snapshot at N, then events from N+1. Nothing makes the engine
 * wait for a seat: above 1 MB of queue streams are dropped and counted and samples keep the newest; above 4
 * MB it is let go. */
#include "core/engine/inner.h"
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOW_BYTES ((size_t)1 << 20)
#define LOST_BYTES ((size_t)4 << 20)
#define SOCKET_PATH_MAX 100

static void on_seat_closed(uv_handle_t *handle)
{
	struct seat *seat = handle->data;
	struct engine *e = seat->e;
	if (seat->ready && !e->stopping) {
		struct jw w;
		jw_event(&w, "seat.left");
		jw_str(&w, "seat", seat->id);
		jw_str(&w, "name", seat->name);
		jw_str(&w, "why", seat->left_why);
		engine_emit(e, &w, NULL);
		people_left(seat);
	}
	struct seat **p = &e->seats;
	while (*p && *p != seat)
		p = &(*p)->next;
	if (*p)
		*p = seat->next;
	kept_done(&seat->behind);
	buf_done(&seat->in);
	free(seat);
}

struct seat *seat_driver(struct engine *e)
{
	for (struct seat *s = e->seats; s; s = s->next)
		if (s->ready && !s->leaving && text_equal(s->id, e->state->people.driver))
			return s;
	return NULL;
}

/* Told when its connection is closed: an event in the midst of another's sending would overtake it. */
static void seat_leave(struct seat *seat, const char *why)
{
	if (seat->leaving)
		return;
	seat->leaving = true;
	seat->left_why = why;
	uv_close((uv_handle_t *)&seat->pipe, on_seat_closed);
}

struct sending {
	uv_write_t req;
	struct seat *seat;
	struct shared *line;
};

static void seat_catch_up(struct seat *seat);

/* What waits for it besides its snapshot, which may be large and is no sign of slowness. */
static size_t seat_behind(const struct seat *seat)
{
	return seat->queued - (seat->snapshot ? seat->snapshot->len : 0);
}

static void on_sent(uv_write_t *req, int status)
{
	struct sending *s = req->data;
	struct seat *seat = s->seat;
	seat->queued -= s->line->len;
	if (s->line == seat->snapshot)
		seat->snapshot = NULL;
	shared_unref(s->line);
	free(s);
	if (status < 0) {
		if (status != UV_ECANCELED)
			seat_leave(seat, "its connection broke");
		return;
	}
	if (!seat->leaving && seat_behind(seat) < SLOW_BYTES / 2)
		seat_catch_up(seat);
}

static void seat_send(struct seat *seat, struct shared *line)
{
	struct sending *s = xmalloc(sizeof *s);
	s->seat = seat;
	s->line = line;
	s->req.data = s;
	line->refs++;
	seat->queued += line->len;
	uv_buf_t buf = uv_buf_init(line->text, (unsigned)line->len);
	if (uv_write(&s->req, (uv_stream_t *)&seat->pipe, &buf, 1, on_sent) < 0) {
		seat->queued -= line->len;
		shared_unref(line);
		free(s);
		seat_leave(seat, "its connection broke");
	}
}

void seat_send_text(struct seat *seat, const char *text, size_t len)
{
	struct shared *line = shared_new(text, len && text[len - 1] == '\n' ? len - 1 : len, 0, KEEP_RECORD);
	seat_send(seat, line);
	shared_unref(line);
}

/* What a slow seat missed: the newest of each sample, and how many lines of text it was not given. */
static void seat_catch_up(struct seat *seat)
{
	if (seat->dropped) {
		struct jw w = {0};
		jw_open(&w);
		jw_str(&w, "t", "gap");
		jw_str(&w, "source", "logs");
		jw_int(&w, "count", (int64_t)seat->dropped);
		jw_finish(&w);
		seat->dropped = 0;
		seat_send_text(seat, w.buf.data, w.buf.len);
		jw_done(&w);
	}
	for (size_t i = 0; i < seat->behind.n && !seat->leaving; i++) {
		struct shared *line = seat->behind.list[i].line;
		seat->behind.list[i].line = NULL;
		if (line)
			seat_send(seat, line);
		shared_unref(line);
	}
}

static void seat_give(struct seat *seat, struct shared *line, const char *sample_key)
{
	if (!seat->ready || seat->leaving)
		return;
	if (seat_behind(seat) > LOST_BYTES) {
		seat_leave(seat, "it was too slow to follow; it attaches again");
	} else if (seat_behind(seat) > SLOW_BYTES && line->keep == KEEP_STREAM) {
		seat->dropped += line->lines ? line->lines : 1;
	} else if (seat_behind(seat) > SLOW_BYTES && sample_key) {
		struct kept *k = kept_find(&seat->behind, sample_key);
		shared_unref(k->line);
		line->refs++;
		k->line = line;
	} else {
		seat_send(seat, line);
	}
}

void seats_send(struct engine *e, struct shared *line, const char *sample_key)
{
	for (struct seat *s = e->seats, *next; s; s = next) {
		next = s->next;
		seat_give(s, line, sample_key);
	}
}

static void say(struct seat *seat, const char *level, const char *fmt, va_list ap)
{
	/* One that asks and asks and never reads is answered out of our memory. */
	if (seat_behind(seat) > LOST_BYTES) {
		seat_leave(seat, "it was too slow to follow; it attaches again");
		return;
	}
	struct buf text = {0};
	buf_vaddf(&text, fmt, ap);
	struct jw w = {0};
	jw_open(&w);
	jw_str(&w, "t", "said");
	jw_str(&w, "level", level);
	jw_str(&w, "text", buf_text(&text));
	jw_finish(&w);
	struct buf cut = {0};
	secrets_redact(seat->e, w.buf.data, w.buf.len, &cut);
	seat_send_text(seat, cut.data, cut.len);
	buf_done(&cut);
	buf_done(&text);
	jw_done(&w);
}

void seat_say(struct seat *seat, const char *level, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	if (!seat->leaving)
		say(seat, level, fmt, ap);
	va_end(ap);
}

void seats_say(struct engine *e, const char *level, const char *fmt, ...)
{
	for (struct seat *s = e->seats, *next; s; s = next) {
		next = s->next;
		va_list ap;
		va_start(ap, fmt);
		if (s->ready && !s->leaving)
			say(s, level, fmt, ap);
		va_end(ap);
	}
}

static int by_seq(const void *a, const void *b)
{
	uint64_t x = (*(struct shared *const *)a)->seq, y = (*(struct shared *const *)b)->seq;
	return x < y ? -1 : x > y;
}

/* The journal, the newest of each sample and the newest text, in the order of their numbers: what folds into
 * our state. */
static void send_snapshot(struct seat *seat)
{
	struct engine *e = seat->e;
	size_t n = 0;
	struct shared **all = xcalloc(e->n_log + e->kept.n + e->ring_n + 1, sizeof *all);
	for (size_t i = 0; i < e->n_log; i++)
		all[n++] = e->log[i];
	for (size_t i = 0; i < e->kept.n; i++)
		if (e->kept.list[i].line)
			all[n++] = e->kept.list[i].line;
	for (size_t i = 0; i < e->ring_n; i++)
		all[n++] = e->ring[(e->ring_first + i) % e->ring_cap];
	qsort(all, n, sizeof *all, by_seq);
	struct jw w = {0};
	jw_open(&w);
	jw_str(&w, "t", "welcome");
	jw_str(&w, "seat", seat->id);
	jw_int(&w, "n", (int64_t)e->seq);
	jw_int(&w, "lines", (int64_t)n);
	jw_str(&w, "dir", e->dir);
	jw_finish(&w);
	buf_addc(&w.buf, '\n');
	for (size_t i = 0; i < n; i++)
		buf_add(&w.buf, all[i]->text, all[i]->len);
	struct shared *snapshot = shared_new(w.buf.data, w.buf.len - 1, 0, KEEP_RECORD);
	seat->snapshot = snapshot;
	seat_send(seat, snapshot);
	shared_unref(snapshot);
	jw_done(&w);
	free(all);
}

/* Who logged in, also behind sudo or su; where the kernel was not told, who the process belongs to. */
static void seat_login(struct seat *seat, const struct ucred *cred)
{
	char path[64];
	unsigned long long login = cred->uid;
	text_copyf(path, sizeof path, "/proc/%lld/loginuid", (long long)cred->pid);
	FILE *f = fopen(path, "re");
	if (f && (fscanf(f, "%llu", &login) != 1 || login == 4294967295u))
		login = cred->uid;
	if (f)
		fclose(f);
	const struct passwd *pw = getpwuid((uid_t)login);
	if (pw)
		text_copy(seat->login, sizeof seat->login, pw->pw_name);
	else
		text_copyf(seat->login, sizeof seat->login, "uid %llu", login);
}

static void peer(struct seat *seat)
{
	uv_os_fd_t fd;
	struct ucred cred;
	socklen_t size = sizeof cred;
	seat->uid = -1;
	if (uv_fileno((uv_handle_t *)&seat->pipe, &fd) == 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) == 0) {
		seat->uid = (int)cred.uid;
		seat_login(seat, &cred);
	}
}

static void take_hello(struct seat *seat, const struct json *m)
{
	struct engine *e = seat->e;
	if (json_int(m, "proto", 0) != 1) {
		static const char bye[] = "{\"t\":\"bye\",\"text\":\"this seat and the engine speak "
					  "different versions; use the same nightferry\"}";
		seat_send_text(seat, bye, sizeof bye - 1);
		seat_leave(seat, "another version");
		return;
	}
	peer(seat);
	text_copyf(seat->id, sizeof seat->id, "s%d", ++e->n_seats_ever);
	char clean[64];
	const char *name = json_str(m, "name", seat->login);
	text_clean(clean, sizeof clean, name, strlen(name));
	text_copy(seat->name, sizeof seat->name, *clean ? clean : seat->login);
	const char *station = json_str(m, "station", "");
	text_clean(clean, sizeof clean, station, strlen(station));
	text_copy(seat->station, sizeof seat->station, clean);
	seat->observer = json_bool(m, "observer", false);
	/* The snapshot first, so that it ends at N and the joining itself is N+1. */
	send_snapshot(seat);
	seat->ready = true;
	struct jw w;
	jw_event(&w, "seat.joined");
	jw_str(&w, "seat", seat->id);
	jw_str(&w, "name", seat->name);
	jw_str(&w, "station", seat->station);
	jw_int(&w, "uid", seat->uid);
	jw_str(&w, "login", seat->login);
	jw_bool(&w, "observer", seat->observer);
	jw_int(&w, "cols", json_int(m, "cols", 0));
	jw_int(&w, "rows", json_int(m, "rows", 0));
	engine_emit(e, &w, NULL);
	people_joined(seat);
	station_say(seat);
}

static void take_seat_line(struct seat *seat, const char *line, size_t len)
{
	struct json *m = json_parse(line, len, NULL);
	const char *t = json_str(m, "t", "");
	if (!seat->ready && text_equal(t, "hello"))
		take_hello(seat, m);
	else if (seat->ready)
		command_take(seat, m);
	json_free(m);
}

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
	(void)handle;
	(void)hint;
	buf->base = xmalloc(16384);
	buf->len = 16384;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *chunk)
{
	struct seat *seat = stream->data;
	if (n > 0 && !seat->leaving) {
		buf_add(&seat->in, chunk->base, (size_t)n);
		size_t at = 0;
		char *nl;
		while (!seat->leaving && at < seat->in.len &&
		       (nl = memchr(seat->in.data + at, '\n', seat->in.len - at))) {
			take_seat_line(seat, seat->in.data + at, (size_t)(nl - seat->in.data) - at);
			at = (size_t)(nl - seat->in.data) + 1;
		}
		buf_cut(&seat->in, at);
	}
	free(chunk->base);
	if (n < 0)
		seat_leave(seat, "it closed");
	else if (seat->in.len > 65536)
		seat_leave(seat, "it sent a line that never ends");
}

static void on_connect(uv_stream_t *server, int status)
{
	struct engine *e = server->data;
	if (status < 0)
		return;
	struct seat *seat = xcalloc(1, sizeof *seat);
	seat->e = e;
	uv_pipe_init(&e->loop, &seat->pipe, 0);
	seat->pipe.data = seat;
	seat->next = e->seats;
	e->seats = seat;
	if (uv_accept(server, (uv_stream_t *)&seat->pipe) < 0 ||
	    uv_read_start((uv_stream_t *)&seat->pipe, on_alloc, on_read) < 0)
		seat_leave(seat, "it could not be read");
}

int socket_listen(struct engine *e, struct err *err)
{
	if (strlen(e->socket_path) > SOCKET_PATH_MAX)
		return err_set(err, ERR_CONFIG,
			       "%s is too long for a socket (%d bytes at most); set NIGHTFERRY_STATE to a "
			       "shorter folder",
			       e->socket_path, SOCKET_PATH_MAX);
	unlink(e->socket_path); /* ours: the journal's lock is held */
	uv_pipe_init(&e->loop, &e->listener, 0);
	e->listener.data = e;
	mode_t old = umask(0177);
	int rc = uv_pipe_bind(&e->listener, e->socket_path);
	umask(old);
	if (rc == 0 && group_socket(e, err) < 0) {
		unlink(e->socket_path);
		return -1;
	}
	if (rc == 0)
		rc = uv_listen((uv_stream_t *)&e->listener, 16, on_connect);
	return rc < 0 ? err_set(err, ERR_IO, "%s: %s", e->socket_path, uv_strerror(rc)) : 0;
}

void socket_close(struct engine *e)
{
	static const char bye[] =
	    "{\"t\":\"bye\",\"text\":\"the engine stopped; the journal has everything\"}";
	for (struct seat *s = e->seats, *next; s; s = next) {
		next = s->next;
		if (!s->leaving) {
			uv_buf_t buf = uv_buf_init((char *)(uintptr_t)bye, sizeof bye - 1);
			uv_buf_t nl = uv_buf_init((char *)(uintptr_t) "\n", 1);
			uv_try_write((uv_stream_t *)&s->pipe, (uv_buf_t[]){buf, nl}, 2);
		}
		seat_leave(s, "the engine stopped");
	}
	if (!uv_is_closing((uv_handle_t *)&e->listener))
		uv_close((uv_handle_t *)&e->listener, NULL);
	unlink(e->socket_path);
}
