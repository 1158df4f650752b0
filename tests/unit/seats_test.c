/* Seats at a real socket: one from the start, one late, one that does not read for a while, one that never
 * reads. All that stay end in the engine's own state; what the slow one was not given is counted; nothing
 * waits for anybody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/hands.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct client {
	int fd;
	struct buf in;
	struct state *state;
	uint64_t gap;
	size_t records, welcomed;
	uint64_t seq; /* of the newest event */
	size_t samples;
	bool closed;
};

static struct engine *engine;

static int setup(void **unused)
{
	(void)unused;
	engine = hands_begin(NULL, NULL);
	return 0;
}

static void turn(int times)
{
	for (int i = 0; i < times; i++) {
		uv_run(&engine->loop, UV_RUN_NOWAIT);
		usleep(200);
	}
}

static int teardown(void **unused)
{
	(void)unused;
	return hands_end(engine);
}

static struct client *sit(const char *name, int cols, int rows)
{
	struct client *c = xcalloc(1, sizeof *c);
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	text_copy(addr.sun_path, sizeof addr.sun_path, engine->socket_path);
	c->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(c->fd, (struct sockaddr *)&addr, sizeof addr), 0);
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	c->state = state_new();
	char hello[160];
	text_copyf(hello, sizeof hello,
		   "{\"t\":\"hello\",\"proto\":1,\"name\":\"%s\",\"cols\":%d,\"rows\":%d}\n", name, cols,
		   rows);
	assert_int_equal(write(c->fd, hello, strlen(hello)), (ssize_t)strlen(hello));
	turn(10);
	return c;
}

static void take(struct client *c, const char *line, size_t len)
{
	struct json *m = json_parse(line, len, NULL);
	assert_non_null(m);
	const char *t = json_str(m, "t", "");
	if (text_equal(t, "gap"))
		c->gap += (uint64_t)json_int(m, "count", 0);
	else if (text_equal(t, "welcome"))
		c->welcomed = (size_t)json_int(m, "lines", -1);
	else if (!*t) {
		/* A total order; only a sample that waited for a slow seat comes late. */
		uint64_t seq = (uint64_t)json_int(m, "seq", 0);
		assert_true(seq > c->seq || text_equal(json_str(m, "kind", ""), "transfer.total"));
		c->seq = seq > c->seq ? seq : c->seq;
		assert_int_equal(state_fold_line(c->state, line, len, NULL), 0);
	}
	c->samples += text_equal(json_str(m, "kind", ""), "transfer.total");
	c->records +=
	    text_equal(json_str(m, "kind", ""), "note.added") || text_equal(json_str(m, "kind", ""), "fact");
	json_free(m);
}

static void listen_to(struct client *c)
{
	static char chunk[262144];
	for (int idle = 0; idle < 30 && !c->closed;) {
		turn(1);
		ssize_t n = read(c->fd, chunk, sizeof chunk);
		if (n == 0 || (n < 0 && errno != EAGAIN)) {
			c->closed = true;
		} else if (n < 0) {
			idle++;
		} else {
			idle = 0;
			buf_add(&c->in, chunk, (size_t)n);
		}
	}
	size_t at = 0;
	char *nl;
	while (at < c->in.len && (nl = memchr(c->in.data + at, '\n', c->in.len - at))) {
		take(c, c->in.data + at, (size_t)(nl - c->in.data) - at);
		at = (size_t)(nl - c->in.data) + 1;
	}
	buf_cut(&c->in, at);
}

static void leave(struct client *c)
{
	close(c->fd);
	buf_done(&c->in);
	state_free(c->state);
	free(c);
	turn(10);
}

static void note(int i)
{
	struct jw w;
	jw_event(&w, "note.added");
	jw_str(&w, "by", "test");
	jw_strf(&w, "text", "note %d", i);
	assert_int_equal(engine_emit(engine, &w, NULL), 0);
}

static void progress(int i)
{
	struct jw w;
	jw_event(&w, "transfer.total");
	jw_str(&w, "stage", "restore");
	jw_int(&w, "bytes", i);
	assert_int_equal(engine_emit(engine, &w, NULL), 0);
}

/* A record of 8 KB: records are never dropped, so only they can make a seat too slow. */
static void fact(int i)
{
	struct jw w;
	jw_fact(&w, "big", "");
	jw_strf(&w, "text", "%08d %08000d", i, i);
	assert_int_equal(engine_emit(engine, &w, NULL), 0);
}

static void text_line(int i)
{
	struct jw w;
	jw_event(&w, "log.lines");
	jw_arr(&w, "lines");
	jw_obj(&w, NULL);
	jw_str(&w, "source", "web");
	jw_strf(&w, "text", "line %d %0400d", i, i);
	jw_end(&w);
	jw_obj(&w, NULL);
	jw_str(&w, "source", "web");
	jw_str(&w, "text", "and its second half");
	assert_int_equal(engine_emit(engine, &w, NULL), 0);
}

static char *dump(const struct state *state)
{
	struct jw w = {0};
	jw_open(&w);
	state_write(state, &w);
	char *text = xstrdup(strchr(jw_finish(&w), ','));
	jw_done(&w);
	return text;
}

static void expect_same(const struct client *c)
{
	char *ours = dump(engine->state), *theirs = dump(c->state);
	assert_string_equal(theirs, ours);
	free(ours);
	free(theirs);
}

static void test_late_and_slow(void **unused)
{
	(void)unused;
	struct client *first = sit("ana", 80, 24), *slow = sit("bea", 200, 50);
	listen_to(first);
	listen_to(slow);
	for (int i = 0; i < 200; i++) {
		note(i);
		progress(i);
	}
	/* `slow` reads nothing while 6 MB of text, samples and notes go by */
	for (int i = 0; i < 14000; i++) {
		text_line(i);
		if (i % 100 == 0) {
			note(1000 + i);
			progress(1000 + i);
			listen_to(first);
		}
	}
	struct client *late = sit("raj", 160, 48);
	usleep(300000);
	engine_flush_samples(engine);
	listen_to(first);
	listen_to(late);
	listen_to(slow);
	assert_false(first->closed || late->closed || slow->closed);
	assert_int_equal(first->gap, 0);
	assert_true(slow->gap > 1000);
	assert_int_equal(first->records, 340);
	assert_int_equal(late->records, 340);
	assert_int_equal(slow->records, 340); /* records never drop */
	expect_same(first);
	expect_same(late);
	expect_same(slow);
	assert_int_equal(slow->state->transfer.bytes, engine->state->transfer.bytes);
	assert_int_equal(first->state->logs.lines.total, 28000);
	/* what it was not given, and what it was, is all there was */
	assert_int_equal(slow->state->logs.lines.total + slow->gap, 28000);
	leave(first);
	leave(late);
	leave(slow);
}

/* A burst is thinned out, and what stands at its end is told. */
static void test_samples(void **unused)
{
	(void)unused;
	struct client *c = sit("ana", 80, 24);
	listen_to(c);
	for (int i = 1; i <= 500; i++)
		progress(i);
	usleep(300000);
	engine_flush_samples(engine);
	listen_to(c);
	assert_int_equal(engine->state->transfer.bytes, 500);
	assert_int_equal(c->state->transfer.bytes, 500);
	assert_in_range(c->samples, 2, 6);
	leave(c);
}

/* A known error in a flood: one record with its cause, and a figure that grows; a late seat is told both. */
static void test_known_error(void **unused)
{
	(void)unused;
	struct client *c = sit("ana", 80, 24);
	for (int i = 1; i <= 300; i++) {
		struct jw w;
		jw_event(&w, "log.lines");
		jw_arr(&w, "lines");
		jw_obj(&w, NULL);
		jw_str(&w, "side", "NEW");
		jw_str(&w, "source", "pg");
		jw_strf(&w, "text", "FATAL:  sorry, too many clients already (%d)", i);
		assert_int_equal(engine_emit(engine, &w, NULL), 0);
	}
	usleep(300000);
	engine_flush_samples(engine);
	struct client *late = sit("raj", 160, 48);
	listen_to(c);
	listen_to(late);
	const struct state *states[] = {engine->state, c->state, late->state};
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(states[i]->logs.n_signatures, 1);
		assert_string_equal(states[i]->logs.signatures[0].id, "pg-too-many");
		assert_string_equal(states[i]->logs.signatures[0].source, "pg");
		assert_int_equal(states[i]->logs.signatures[0].count, 300);
		assert_int_equal(states[i]->logs.lines.total, 301);
	}
	/* Only the first is journalled; what grows is a sample. */
	size_t journalled = 0;
	for (size_t i = 0; i < engine->n_log; i++)
		journalled += strstr(engine->log[i]->text, "log.signature") != NULL;
	assert_int_equal(journalled, 1);
	leave(c);
	leave(late);
}

static void test_lost_seat_is_let_go(void **unused)
{
	(void)unused;
	struct client *early = sit("early", 80, 24), *dead = sit("dead", 80, 24),
		      *alive = sit("alive", 80, 24);
	for (int i = 0; i < 800; i++) {
		fact(i);
		if (i % 20 == 0) {
			listen_to(alive);
			listen_to(early);
		}
	}
	listen_to(alive);
	listen_to(early);
	listen_to(dead);
	assert_true(dead->closed);
	assert_false(alive->closed);
	assert_int_equal(alive->records, 800);
	expect_same(alive);
	expect_same(early);
	leave(early);
	leave(dead);
	leave(alive);
}

/* It asks without end and reads no answer: it must not fill the engine's memory. */
static void test_seat_that_only_talks(void **unused)
{
	(void)unused;
	struct client *c = sit("ana", 80, 24), *other = sit("bea", 80, 24);
	static const char ask[] = "{\"t\":\"cmd\",\"cmd\":\"no such word\"}\n";
	int fails = 0;
	for (int i = 0; i < 200000 && fails < 1000; i++) {
		ssize_t n = send(c->fd, ask, sizeof ask - 1, MSG_NOSIGNAL);
		fails = n < 0 && errno == EAGAIN ? fails + 1 : n < 0 ? 1000 : 0;
		if (n != (ssize_t)sizeof ask - 1)
			turn(2);
	}
	turn(50);
	listen_to(c);
	listen_to(other);
	assert_true(c->closed);
	assert_false(other->closed);
	leave(c);
	leave(other);
}

static void test_bad_lines(void **unused)
{
	(void)unused;
	struct client *c = sit("ana", 80, 24);
	listen_to(c);
	static const char *const bad[] = {"\n",
					  "{\n",
					  "null\n",
					  "[1]\n",
					  "{\"t\":\"cmd\"}\n",
					  "{\"t\":\"cmd\",\"cmd\":\"no\"}\n",
					  "{\"t\":\"cmd\",\"cmd\":7}\n",
					  "{\"t\":\"hello\",\"proto\":1}\n",
					  "{\"t\":\"answer\",\"id\":1}\n"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(write(c->fd, bad[i], strlen(bad[i])), (ssize_t)strlen(bad[i]));
	listen_to(c);
	assert_false(c->closed);
	static char endless[70000];
	memset(endless, 'x', sizeof endless);
	for (size_t sent = 0; sent < sizeof endless;) {
		ssize_t n = write(c->fd, endless + sent, sizeof endless - sent);
		if (n > 0)
			sent += (size_t)n;
		else if (errno != EAGAIN)
			break;
		turn(2);
	}
	listen_to(c);
	assert_true(c->closed);
	leave(c);
}

/* Ten thousand tables have some forty thousand keys: each is found again, in the order of its first coming.
 */
static void test_many_keys(void **unused)
{
	struct kept_list list = {.n = 0};
	char key[64];
	(void)unused;
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 40000; i++) {
			text_copyf(key, sizeof key, "rows.side OLD many_%05d", i * 7919 % 40000);
			struct kept *k = kept_find(&list, key);
			assert_string_equal(k->key, key);
			assert_ptr_equal(k, &list.list[i]);
			assert_int_equal(list.n, round ? 40000 : i + 1);
		}
	kept_find(&list, "")->fields = xstrdup("{}");
	assert_string_equal(kept_find(&list, "")->fields, "{}");
	kept_done(&list);
	assert_int_equal(list.n, 0);
	assert_int_equal(kept_find(&list, "again")->admitted_life_ms, INT64_MIN / 2);
	kept_done(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_late_and_slow, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_samples, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_known_error, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_lost_seat_is_let_go, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_bad_lines, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_seat_that_only_talks, setup, teardown),
	    cmocka_unit_test(test_many_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
