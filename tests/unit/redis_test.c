/* Redis from its worst side: a server that talks nonsense, too much, too little or for ever. Each ends in a
 * sentence and a connection that is not used again, and nothing that could not be counted becomes a zero. */
#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/links/jobs.h"
#include "core/links/redis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- the server: one process, one connection after the other ---- */

/* Answers one question of `n` words; false: hang up. */
typedef bool play(int fd, char words[][200], int n);

struct server {
	pid_t pid;
	int port;
};

static bool say(int fd, const char *text)
{
	return send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

/* A question as clients write it: *N, and N times $LEN and a word. */
static int hear(FILE *in, char words[][200])
{
	char line[64];
	int n = fgets(line, sizeof line, in) && *line == '*' ? atoi(line + 1) : -1;
	for (int i = 0; i < n; i++) {
		size_t len = fgets(line, sizeof line, in) ? strtoul(line + 1, NULL, 10) : 1000;
		if (n > 16 || len > 190 || fread(words[i], 1, len + 2, in) != len + 2)
			return -1;
		words[i][len] = '\0';
	}
	return n;
}

static void serve(int listening, play *answers)
{
	for (;;) {
		static char words[16][200];
		int fd = accept(listening, NULL, NULL), n;
		FILE *in = fd >= 0 ? fdopen(fd, "r") : NULL;
		if (!in)
			_exit(1);
		while ((n = hear(in, words)) > 0 && answers(fd, words, n))
			;
		fclose(in);
	}
}

static struct server server_new(play *answers)
{
	struct server s;
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&at, size) == 0 && listen(fd, 4) == 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	s.port = ntohs(at.sin_port);
	s.pid = fork();
	if (s.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(fd, answers);
	}
	assert_true(s.pid > 0);
	close(fd);
	return s;
}

static void server_end(struct server *s)
{
	kill(s->pid, SIGKILL);
	assert_int_equal(waitpid(s->pid, NULL, 0), s->pid);
}

static struct redis *open_it(const struct server *s, int wait_ms, struct err *err)
{
	struct redis_where where = {.host = "127.0.0.1", .port = s->port};
	struct redis_way way = {.side = "OLD", .wait_ms = wait_ms};
	return redis_open(NULL, &where, &way, err);
}

/* The login works; what "GET x" is answered with ends in this sentence, and the connection is not used again.
 */
static void ends_in(play *answers, int wait_ms, const char *sentence)
{
	struct server s = server_new(answers);
	struct err err = {0};
	struct redis *r = open_it(&s, wait_ms, &err);
	assert_string_equal(err.text, "");
	assert_non_null(r);
	assert_null(redis_ask(r, REDIS_WORDS("GET", "x"), &err));
	if (!text_find(err.text, sentence))
		fail_msg("%s, and not: %s", err.text, sentence);
	assert_true(text_starts(err.text, "OLD Redis at 127.0.0.1:") ||
		    text_starts(err.text, "Redis at 127.0.0.1:"));
	assert_false(redis_alive(r));
	redis_close(r);
	server_end(&s);
}

static bool ping(int fd, char words[][200])
{
	return strcmp(words[0], "PING") == 0 && say(fd, "+PONG\r\n");
}

/* ---- what they say ---- */

static bool speaks_http(int fd, char words[][200], int n)
{
	(void)words, (void)n;
	return say(fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
}

static void test_no_redis_at_all(void **state)
{
	struct server s = server_new(speaks_http);
	struct err err = {0};
	(void)state;
	assert_null(open_it(&s, 0, &err));
	assert_non_null(text_find(err.text, "something that is not Redis' protocol"));
	server_end(&s);
}

static bool huge_bulk(int fd, char words[][200], int n)
{
	static char much[65536];
	(void)n;
	if (ping(fd, words))
		return true;
	memset(much, 'x', sizeof much - 1);
	for (bool going = say(fd, "$2000000000\r\n"); going;)
		going = say(fd, much);
	return false;
}

static void test_huge_bulk(void **state)
{
	struct rusage before, after;
	(void)state;
	getrusage(RUSAGE_SELF, &before);
	ends_in(huge_bulk, 0, "answers far too much");
	getrusage(RUSAGE_SELF, &after);
	/* 8 MB are heard, in a buffer that may double, and no 2 GB. */
	assert_true(after.ru_maxrss - before.ru_maxrss < 200000);
}

static bool huge_array(int fd, char words[][200], int n)
{
	(void)n;
	return ping(fd, words) || say(fd, "*2000000000\r\n");
}

static bool nested(int fd, char words[][200], int n)
{
	(void)n;
	return ping(fd, words) ||
	       say(fd, "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n");
}

static bool wrong_length(int fd, char words[][200], int n)
{
	(void)n;
	return ping(fd, words) || say(fd, "$-7\r\n");
}

static void test_arrays_that_are_none(void **state)
{
	(void)state;
	ends_in(huge_array, 0, "is not Redis' protocol, or far too much");
	ends_in(nested, 0, "is not Redis' protocol");
	ends_in(wrong_length, 0, "is not Redis' protocol");
}

static bool drips(int fd, char words[][200], int n)
{
	(void)n;
	if (ping(fd, words))
		return true;
	for (bool going = say(fd, "*90000\r\n"); going; usleep(20000))
		going = say(fd, ":1\r\n");
	return false;
}

static void test_array_without_end(void **state)
{
	(void)state;
	ends_in(drips, 300, "does not come to the end of an answer");
}

static bool half_a_line(int fd, char words[][200], int n)
{
	(void)n;
	return ping(fd, words) || say(fd, "$5\r\nhel");
}

static bool half_and_gone(int fd, char words[][200], int n)
{
	(void)n;
	return ping(fd, words) || (say(fd, "$5\r\nhel") && false);
}

static void test_half_a_line(void **state)
{
	(void)state;
	ends_in(half_a_line, 300, "did not answer within");
	ends_in(half_and_gone, 0, "closed the connection");
}

static bool other_types(int fd, char words[][200], int n)
{
	(void)n;
	return ping(fd, words) || say(fd, strcmp(words[1], "array") == 0  ? "*2\r\n:7\r\n$-1\r\n"
					  : strcmp(words[1], "text") == 0 ? "$3\r\nx12\r\n"
					  : strcmp(words[1], "zero") == 0 ? "$3\r\n1 2\r\n"
									  : "-ERR \x1b[31mno\xff\r\n");
}

static void test_other_types(void **state)
{
	struct server s = server_new(other_types);
	struct err err = {0};
	struct redis *r = open_it(&s, 0, &err);
	struct redis_answer *a = redis_ask(r, REDIS_WORDS("GET", "array"), &err);
	(void)state;
	assert_int_equal(redis_count(a), 2);
	assert_int_equal(redis_int(redis_at(a, 0), -1), 7);
	assert_true(redis_nil(redis_at(a, 1)));
	assert_null(redis_at(a, 2));
	assert_int_equal(redis_int(a, -1), -1);
	assert_string_equal(redis_text(a, NULL), "");
	redis_free(a);
	a = redis_ask(r, REDIS_WORDS("GET", "text"), &err);
	assert_int_equal(redis_int(a, -1), -1);
	assert_int_equal(redis_count(a), 0);
	assert_null(redis_at(a, 0));
	redis_free(a);
	assert_null(redis_ask(r, REDIS_WORDS("GET", "error"), &err));
	assert_null(strchr(err.text, '\x1b'));
	assert_int_equal(err.kind, ERR_WORLD);
	/* A refusal is an answer: the connection goes on. */
	assert_true(redis_alive(r));
	redis_close(r);
	server_end(&s);
}

static bool wants_another(int fd, char words[][200], int n)
{
	(void)n;
	return strcmp(words[0], "AUTH") == 0 ? say(fd, "-WRONGPASS invalid password: hunter2\r\n")
					     : ping(fd, words);
}

static bool is_full(int fd, char words[][200], int n)
{
	(void)n, (void)words;
	return say(fd, "-ERR max number of clients reached\r\n") && false;
}

static void test_login(void **state)
{
	struct redis_where where = {.host = "127.0.0.1", .password = "hunter2"};
	struct redis_way way = {.side = "NEW"};
	struct server s = server_new(wants_another);
	struct err err = {0};
	(void)state;
	where.port = s.port;
	assert_null(redis_open(NULL, &where, &way, &err));
	assert_non_null(text_find(err.text, "does not take the password of its URL"));
	assert_null(strstr(err.text, "hunter2"));
	server_end(&s);
	/* Full is not the password's fault. */
	s = server_new(is_full);
	where.port = s.port;
	assert_null(redis_open(NULL, &where, &way, &err));
	assert_non_null(text_find(err.text, "max number of clients"));
	server_end(&s);
}

/* ---- Sidekiq's sizes ---- */

static struct jobs_side side;

static void looks(play *answers, const char *sentence)
{
	struct server s = server_new(answers);
	struct err err = {0};
	struct redis *r = open_it(&s, 0, &err);
	assert_non_null(r);
	side = (struct jobs_side){.n = 0};
	int rc = jobs_add_redis(r, "", &side, &err);
	if (sentence) {
		assert_int_equal(rc, -1);
		if (!text_find(err.text, sentence))
			fail_msg("%s, and not: %s", err.text, sentence);
		assert_int_equal(side.n, 0);
	} else {
		assert_string_equal(err.text, "");
		assert_int_equal(rc, 0);
	}
	redis_close(r);
	server_end(&s);
}

#define ALWAYS(name, text)                                 \
	static bool name(int fd, char words[][200], int n) \
	{                                                  \
		(void)n;                                   \
		return ping(fd, words) || say(fd, text);   \
	}
ALWAYS(is_loading, "-LOADING Redis is loading the dataset in memory\r\n")
ALWAYS(may_not, "-NOPERM this user has no permissions to run the 'scard' command\r\n")
ALWAYS(other_keys, "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n")
ALWAYS(no_number, "$3\r\nabc\r\n")
ALWAYS(negative, ":-5\r\n")
ALWAYS(too_large, ":9223372036854775807\r\n")
ALWAYS(always_array, "*0\r\n")

static bool is_scan(char words[][200])
{
	return strcmp(words[0], "SSCAN") == 0 || strcmp(words[0], "HSCAN") == 0;
}

static bool in_circles(int fd, char words[][200], int n)
{
	(void)n;
	return ping(fd, words) || say(fd, is_scan(words) ? "*2\r\n$1\r\n7\r\n*0\r\n" : ":1\r\n");
}

static bool no_page(int fd, char words[][200], int n)
{
	(void)n;
	return ping(fd, words) || say(fd, is_scan(words) ? ":3\r\n" : ":1\r\n");
}

/* One queue whose list is gone, another with three; a name with a NUL in it that cannot be asked for. */
static bool two_queues(int fd, char words[][200], int n)
{
	static const char names[] = "*2\r\n$1\r\n0\r\n*3\r\n$1\r\na\r\n$3\r\nx\0y\r\n$1\r\nb\r\n";
	(void)n;
	if (ping(fd, words))
		return true;
	if (is_scan(words) && strcmp(words[1], "queues") == 0)
		return send(fd, names, sizeof names - 1, MSG_NOSIGNAL) == sizeof names - 1;
	if (is_scan(words))
		return say(fd, "*2\r\n$1\r\n0\r\n*0\r\n");
	if (strcmp(words[0], "LLEN") == 0)
		return say(fd, strcmp(words[1], "queue:a") == 0 ? "-WRONGTYPE no list\r\n" : ":3\r\n");
	return say(fd, strcmp(words[1], "queues") == 0 ? ":3\r\n"
		       : strcmp(words[0], "GET") == 0  ? "$-1\r\n"
						       : ":0\r\n");
}

static void test_sizes(void **state)
{
	(void)state;
	/* Never a zero for what was not told: a drained queue would open a gate. */
	looks(is_loading, "LOADING");
	looks(may_not, "NOPERM");
	looks(no_number, "something that is no size");
	looks(negative, "something that is no size");
	looks(too_large, "something that is no size");
	looks(always_array, "something that is no size");
	looks(in_circles, "pages that have no end");
	looks(no_page, "something that is no page");
	/* Keys of another type are somebody else's. */
	looks(other_keys, NULL);
	assert_int_equal(side.n, 0);
	looks(two_queues, NULL);
	assert_int_equal(side.n, 1);
	assert_int_equal(side.systems[0].waiting, 3);
	assert_int_equal(side.systems[0].all_queues, 3);
}

/* ---- addresses ---- */

static void test_where(void **state)
{
	static const struct {
		const char *url, *host, *user, *password;
		int port, db;
		bool tls;
	} good[] = {
	    {"redis://h", "h", "", "", 6379, 0, false},
	    {"redis://h:7000/3", "h", "", "", 7000, 3, false},
	    {"rediss://:p%40ss%3a@h.example.com:6380", "h.example.com", "", "p@ss:", 6380, 0, true},
	    {"rediss://u:p@[2001:db8::1]:6390/12?x=1", "2001:db8::1", "u", "p", 6390, 12, true},
	    {"redis://[::1]", "::1", "", "", 6379, 0, false},
	    {"redis://u@h", "h", "u", "", 6379, 0, false},
	    {"redis://u:p:q@h", "h", "u", "p:q", 6379, 0, false},
	    {"redis://u:p@q@h", "h", "u", "p@q", 6379, 0, false},
	    {"redis://h/name", "h", "", "", 6379, 0, false},
	    {"redis://u:100%@h", "h", "u", "100%", 6379, 0, false},
	    {"redis://h#part", "h", "", "", 6379, 0, false},
	};
	static const char *const bad[] = {
	    "",
	    "redis:",
	    "redis://",
	    "redis:///1",
	    "http://h",
	    "REDIS://h",
	    "redis://:p@",
	    "redis://h:",
	    "redis://h:0",
	    "redis://h:65536",
	    "redis://h:123456",
	    "redis://h:7x",
	    "redis://h:-1",
	    "redis://[::1",
	    "redis://[]",
	    "redis://u:%00@h",
	    "redis://h/99999999999999999999",
	    "redis://h/100000",
	    "unix:///run/redis.sock",
	};
	char url[1200], text[1100];
	struct redis_where w;
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		if (!redis_where(good[i].url, &w))
			fail_msg("%s was not read", good[i].url);
		assert_string_equal(w.host, good[i].host);
		assert_string_equal(w.user, good[i].user);
		assert_string_equal(w.password, good[i].password);
		assert_int_equal(w.port, good[i].port);
		assert_int_equal(w.db, good[i].db);
		assert_int_equal(w.tls, good[i].tls);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (redis_where(bad[i], &w))
			fail_msg("%s was taken: host \"%s\", port %d, db %d", bad[i], w.host, w.port, w.db);
	/* Too long for its place is refused, not cut: half a password would lock an account. */
	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	text_copyf(url, sizeof url, "redis://:%.300s@h", text);
	assert_false(redis_where(url, &w));
	text_copyf(url, sizeof url, "redis://%.300s", text);
	assert_false(redis_where(url, &w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_redis_at_all),
	    cmocka_unit_test(test_huge_bulk),
	    cmocka_unit_test(test_arrays_that_are_none),
	    cmocka_unit_test(test_array_without_end),
	    cmocka_unit_test(test_half_a_line),
	    cmocka_unit_test(test_other_types),
	    cmocka_unit_test(test_login),
	    cmocka_unit_test(test_sizes),
	    cmocka_unit_test(test_where),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
