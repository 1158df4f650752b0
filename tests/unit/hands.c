#include "tests/unit/hands.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void hands_turn(struct engine *e, int times)
{
	for (int i = 0; i < times; i++) {
		uv_run(&e->loop, UV_RUN_NOWAIT);
		gate_tick(e);
		poll(NULL, 0, 0);
	}
}

void hands_emit(struct engine *e, const char *fields)
{
	assert_int_equal(engine_admit(e, "test", fields, strlen(fields), NULL), 0);
	hands_turn(e, 2);
}

static void open_night(struct engine *e, const char *config, const char *playbook)
{
	struct buf opened = {0};
	buf_addf(&opened,
		 "{\"kind\":\"night.opened\",\"app\":\"acme\",\"old_name\":\"acme-production\",\"config\":%s,"
		 "\"playbook\":%s}",
		 config, playbook);
	assert_int_equal(engine_admit(e, "engine", opened.data, opened.len, NULL), 0);
	e->opened = json_parse(opened.data, opened.len, NULL);
	e->config = json_get(e->opened, "config");
	e->playbook = json_get(e->opened, "playbook");
	buf_done(&opened);
}

struct engine *hands_begin(const char *config, const char *playbook)
{
	struct engine *e = xcalloc(1, sizeof *e);
	char dir[64] = "/tmp/nfp.XXXXXX";
	assert_non_null(mkdtemp(dir));
	char path[128];
	struct err err = {0};
	uv_loop_init(&e->loop);
	e->state = state_new();
	text_copy(e->dir, sizeof e->dir, dir);
	text_copyf(e->socket_path, sizeof e->socket_path, "%s/seat.sock", dir);
	text_copyf(path, sizeof path, "%s/trace.jsonl", dir);
	assert_non_null(e->trace = trace_open(path, &err));
	text_copyf(path, sizeof path, "%s/journal.jsonl", dir);
	assert_non_null(e->journal = journal_open(path, NULL, NULL, NULL, &err));
	if (config)
		open_night(e, config, playbook);
	assert_int_equal(socket_listen(e, &err), 0);
	return e;
}

static int remove_folder(const char *dir)
{
	static const char *const files[] = {"trace.jsonl", "journal.jsonl", "HEAD"};
	char path[460];
	for (size_t i = 0; i < 3; i++) {
		text_copyf(path, sizeof path, "%s/%s", dir, files[i]);
		unlink(path);
	}
	return rmdir(dir);
}

int hands_end(struct engine *e)
{
	struct err err = {0};
	e->stopping = true;
	attempt_leave_gate(e, "test", "end");
	socket_close(e);
	hands_turn(e, 50);
	assert_null(e->seats);
	uv_loop_close(&e->loop);
	journal_close(e->journal);
	trace_close(e->trace);
	struct journal_check check;
	char path[460];
	text_copyf(path, sizeof path, "%s/journal.jsonl", e->dir);
	assert_int_equal(journal_check(path, NULL, NULL, &check, &err), 0);
	assert_int_equal(check.bad, 0);
	state_free(e->state);
	json_free(e->opened);
	for (size_t i = 0; i < e->n_log; i++)
		shared_unref(e->log[i]);
	free(e->log);
	kept_done(&e->kept);
	for (size_t i = 0; i < e->ring_n; i++)
		shared_unref(e->ring[(e->ring_first + i) % e->ring_cap]);
	free(e->ring);
	free(e->signature_counts);
	int rc = remove_folder(e->dir);
	free(e);
	return rc;
}

static void take(struct person *p, const char *line, size_t len)
{
	struct json *m = json_parse(line, len, NULL);
	assert_non_null(m);
	if (text_equal(json_str(m, "t", ""), "welcome"))
		text_copy(p->id, sizeof p->id, json_str(m, "seat", ""));
	if (text_equal(json_str(m, "t", ""), "said"))
		buf_addf(&p->said, "%s\n", json_str(m, "text", ""));
	json_free(m);
}

void hands_listen(struct person *p)
{
	char chunk[65536], *nl;
	for (int idle = 0; idle < 10 && !p->closed;) {
		hands_turn(p->engine, 1);
		ssize_t n = read(p->fd, chunk, sizeof chunk);
		idle = n > 0 ? 0 : idle + 1;
		p->closed = n == 0 || (n < 0 && errno != EAGAIN);
		if (n > 0)
			buf_add(&p->in, chunk, (size_t)n);
	}
	while (p->in.len && (nl = memchr(p->in.data, '\n', p->in.len))) {
		take(p, p->in.data, (size_t)(nl - p->in.data));
		buf_cut(&p->in, (size_t)(nl - p->in.data) + 1);
	}
}

void hands_tell(struct person *p, const char *fmt, ...)
{
	struct buf line = {0};
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&line, fmt, ap);
	va_end(ap);
	buf_addc(&line, '\n');
	buf_reset(&p->said);
	assert_int_equal(write(p->fd, line.data, line.len), (ssize_t)line.len);
	buf_done(&line);
	hands_turn(p->engine, 5);
	hands_listen(p);
}

struct person *hands_sit(struct engine *e, const char *name, const char *station, bool observer)
{
	struct person *p = xcalloc(1, sizeof *p);
	p->engine = e;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	text_copy(addr.sun_path, sizeof addr.sun_path, e->socket_path);
	p->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(p->fd, (struct sockaddr *)&addr, sizeof addr), 0);
	fcntl(p->fd, F_SETFL, O_NONBLOCK);
	hands_tell(p, "{\"t\":\"hello\",\"proto\":1,\"name\":\"%s\",\"station\":\"%s\",\"observer\":%s}",
		   name, station, observer ? "true" : "false");
	return p;
}

void hands_leave(struct person *p)
{
	struct engine *e = p->engine;
	close(p->fd);
	buf_done(&p->in);
	buf_done(&p->said);
	free(p);
	hands_turn(e, 10);
}

bool hands_heard(const struct person *p, const char *text)
{
	return p->said.len && strstr(p->said.data, text);
}

size_t hands_events(const struct engine *e, const char *kind, const char *part)
{
	size_t n = 0;
	char want[64];
	text_copyf(want, sizeof want, "\"kind\":\"%s\"", kind);
	for (size_t i = 0; i < e->n_log; i++)
		n += strstr(e->log[i]->text, want) && strstr(e->log[i]->text, part);
	return n;
}

void hands_wait(struct engine *e, int64_t ms)
{
	for (int64_t till = clock_life_ms() + ms; clock_life_ms() < till;)
		hands_turn(e, 5);
}
