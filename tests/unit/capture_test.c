/* A backup is begun once, whatever becomes of the request: the step runs as the engine runs it, against a
 * Heroku that breaks off before or after it acted. */
#include "core/base/text.h"
#include "core/job.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum fault { FAULT_NONE, FAULT_CUT_BEFORE, FAULT_CUT_AFTER, FAULT_500_AFTER, FAULT_LIMIT };

struct heroku_fake {
	enum fault fault;
	int posts, backups; /* requests for one; made ones */
	time_t made_at;
};

static void put_transfer(const struct heroku_fake *fake, struct buf *out)
{
	char at[64];
	struct tm tm;

	gmtime_r(&fake->made_at, &tm);
	strftime(at, sizeof at, "%Y-%m-%d %H:%M:%S +0000", &tm);
	buf_addf(out,
		 "{\"uuid\":\"b-%d\",\"num\":%d,\"from_type\":\"pg_dump\",\"to_type\":\"gof3r\",\"to_name\":"
		 "\"BACKUP\",\"created_at\":\"%s\","
		 "\"started_at\":\"%s\",\"updated_at\":\"%s\",\"finished_at\":\"%s\",\"succeeded\":true,"
		 "\"source_bytes\":100,"
		 "\"processed_bytes\":10,\"canceled_at\":null}",
		 fake->backups, 40 + fake->backups, at, at, at, at);
}

/* False: the connection is cut. */
static bool answer(struct heroku_fake *fake, const char *request, struct buf *body, int *status)
{
	*status = 200;
	if (strstr(request, "/resolve ")) {
		buf_adds(body, "[{\"addon\":{\"id\":\"db\",\"name\":\"pg-1\",\"app\":{\"name\":\"acme\"},"
			       "\"plan\":{\"name\":\"x:standard-0\"}}}]");
	} else if (text_starts(request, "POST /client/v11/databases/db/backups")) {
		enum fault fault = fake->fault;
		fake->fault = FAULT_NONE;
		fake->posts++;
		*status = fault == FAULT_500_AFTER ? 500 : fault == FAULT_LIMIT ? 429 : 201;
		if (fault == FAULT_CUT_BEFORE)
			return false;
		if (fault != FAULT_LIMIT) {
			fake->backups++;
			fake->made_at = time(NULL);
			put_transfer(fake, body);
		}
		return fault != FAULT_CUT_AFTER;
	} else if (strstr(request, "/transfers ")) {
		buf_adds(body, "[");
		if (fake->backups)
			put_transfer(fake, body);
		buf_adds(body, "]");
	} else if (strstr(request, "/transfers/")) {
		put_transfer(fake, body);
	} else {
		*status = 404;
	}
	return true;
}

static void serve(int listener, int out, struct heroku_fake *fake)
{
	for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; close(fd)) {
		char in[8192];
		ssize_t got = read(fd, in, sizeof in - 1);
		struct buf body = {0};
		int status;
		/* These requests are small enough to come in one piece. */
		in[got > 0 ? got : 0] = '\0';
		if (answer(fake, in, &body, &status)) {
			const char *retry = status == 429 ? "Retry-After: 1\r\n" : "";
			dprintf(fd,
				"HTTP/1.1 %d X\r\nConnection: close\r\n%sContent-Type: "
				"application/json\r\nContent-Length: %zu\r\n\r\n%s",
				status, retry, body.len, buf_text(&body));
		}
		buf_done(&body);
		dprintf(out, "%d %d\n", fake->posts, fake->backups);
	}
}

/* Reads what the server said last: how many requests for a backup, how many backups. */
static void counts(int said, int *posts, int *backups)
{
	char text[8192];
	size_t len = 0;
	ssize_t got;

	while ((got = read(said, text + len, sizeof text - 1 - len)) > 0)
		len += (size_t)got;
	text[len] = '\0';
	if (len)
		text[len - 1] = '\0';
	const char *last = strrchr(text, '\n');
	assert_int_equal(sscanf(last ? last + 1 : text, "%d %d", posts, backups), 2);
}

/* ---- the engine's end ---- */

struct attempt {
	bool ok;
	struct buf facts; /* ,{"name","key","data"} … */
	char text[640];
};

static void take(struct attempt *attempt, int fd, const char *line, size_t len)
{
	struct json *m = json_parse(line, len, NULL);
	const struct json *ev = json_get(m, "ev");

	if (text_equal(json_str(m, "t", ""), "record")) {
		char *fact = json_print(ev);
		buf_addf(&attempt->facts, "%s%s", attempt->facts.len ? "," : "", fact);
		free(fact);
		dprintf(fd, "{\"t\":\"ack\",\"n\":%d,\"ok\":true}\n", (int)json_int(m, "n", 0));
	} else if (text_equal(json_str(m, "t", ""), "end")) {
		attempt->ok = json_bool(m, "ok", false);
		text_copy(attempt->text, sizeof attempt->text, json_str(m, "text", ""));
	}
	json_free(m);
}

static void run_capture(struct attempt *attempt, int port, const char *die_at)
{
	int ends[2];
	struct buf in = {0};
	char chunk[4096];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (die_at)
			setenv("NIGHTFERRY_DIE_AT", die_at, 1);
		dup2(ends[1], 100);
		dup2(100, 3);
		for (int fd = 4; fd <= 100; fd++)
			close(fd);
		_exit(job_main(0, NULL));
	}
	close(ends[1]);
	dprintf(ends[0],
		"{\"t\":\"hello\",\"proto\":1,\"role\":\"step\",\"verb\":\"run\",\"name\":\"capture\","
		"\"step\":\"capture\",\"params\":{},\"facts\":[%s],"
		"\"config\":{\"heroku\":{\"app\":\"acme\",\"api\":\"http://127.0.0.1:%d\",\"data\":\"http://"
		"127.0.0.1:%d\"}}}\n"
		"{\"t\":\"secrets\",\"values\":{\"HEROKU_API_KEY\":\"HRKU-test\"}}\n",
		buf_text(&attempt->facts), port, port);
	attempt->ok = false;
	for (ssize_t got; (got = read(ends[0], chunk, sizeof chunk)) > 0;) {
		buf_add(&in, chunk, (size_t)got);
		for (char *nl; in.len && (nl = memchr(in.data, '\n', in.len));) {
			size_t len = (size_t)(nl - in.data);
			take(attempt, ends[0], in.data, len);
			buf_cut(&in, len + 1);
		}
	}
	buf_done(&in);
	close(ends[0]);
	waitpid(pid, NULL, 0);
}

/* Two attempts, as a person would make them; the first may be killed at a moment. */
static void check_fault(enum fault fault, const char *die_at, bool first_ok, int want_posts, int want_backups)
{
	struct heroku_fake fake = {.fault = fault};
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof here;
	int listener = socket(AF_INET, SOCK_STREAM, 0), said[2], posts, backups;
	struct attempt attempt = {0};

	assert_int_equal(bind(listener, (struct sockaddr *)&here, size), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&here, &size), 0);
	assert_int_equal(pipe(said), 0);
	pid_t pid = fork();
	if (pid == 0)
		serve(listener, said[1], &fake);
	close(said[1]);
	run_capture(&attempt, ntohs(here.sin_port), die_at);
	assert_int_equal(attempt.ok, first_ok);
	run_capture(&attempt, ntohs(here.sin_port), NULL);
	if (!attempt.ok)
		print_error("%s\n", attempt.text);
	assert_true(attempt.ok);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	close(listener);
	counts(said[0], &posts, &backups);
	close(said[0]);
	buf_done(&attempt.facts);
	assert_int_equal(posts, want_posts);
	assert_int_equal(backups, want_backups);
}

static void test_good(void **state)
{
	(void)state;
	check_fault(FAULT_NONE, NULL, true, 1, 1);
}

static void test_cut_before(void **state)
{
	(void)state;
	/* Nothing was begun, so the second attempt begins one; the first does not ask twice. */
	check_fault(FAULT_CUT_BEFORE, NULL, false, 2, 1);
}

static void test_cut_after(void **state)
{
	(void)state;
	check_fault(FAULT_CUT_AFTER, NULL, true, 1, 1);
}

static void test_500_after(void **state)
{
	(void)state;
	check_fault(FAULT_500_AFTER, NULL, true, 1, 1);
}

static void test_limit(void **state)
{
	(void)state;
	check_fault(FAULT_LIMIT, NULL, true, 2, 1);
}

static void test_killed(void **state)
{
	(void)state;
	check_fault(FAULT_NONE, "fact:capture-began@step", false, 1, 1);
	check_fault(FAULT_NONE, "fact:backup@step:before", false, 1, 1);
	check_fault(FAULT_NONE, "fact:backup@step", false, 1, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),      cmocka_unit_test(test_cut_before),
	    cmocka_unit_test(test_cut_after), cmocka_unit_test(test_500_after),
	    cmocka_unit_test(test_limit),     cmocka_unit_test(test_killed),
	};

	signal(SIGPIPE, SIG_IGN);
	setenv("NIGHTFERRY_CLOCK", "0,20", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
