/* What the watches of the host make of its answers: right ones, odd ones, and hostile ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/log_words.h"
#include "core/watches/host_look.h"
#include "core/watches/log_batch.h"
#include <stdlib.h>
#include <string.h>

#define ID1 "1111111111111111111111111111111111111111111111111111111111111111"
#define ID2 "2222222222222222222222222222222222222222222222222222222222222222"
#define CUT "\n--nightferry--\n"
#define ROW(id, name, service, role, status, restarts, ports)              \
	id "|" name "|" service "|" role "||" status "||0|false|" restarts \
	   "|2026-11-20T12:00:00.5Z|0001-01-01T00:00:00Z|img|"             \
	   "172.18.0.2 |" ports "\n"

static int look(struct host_look *out, const char *df, const char *lock, const char *rows, const char *routes,
		const char *audit, struct err *err)
{
	struct ssh_reply reply = {0};
	buf_addf(&reply.out,
		 "%lld" CUT "2\n0.50 0.4 0.3 1/200 1" CUT "MemTotal: 2000 kB\nMemAvailable: 500 kB" CUT
		 "%s" CUT "%s" CUT "%s" CUT "%s" CUT "%s",
		 (long long)clock_wall_ms(), df, lock, rows, routes, audit);
	reply.asked_ms = reply.answered_ms = clock_wall_ms();
	int rc = host_look_read(out, &reply, err);
	ssh_reply_done(&reply);
	return rc;
}

static struct host_look new_look(void)
{
	struct host_look l = {0};
	text_copy(l.names.service, sizeof l.names.service, "acme");
	text_copy(l.names.accessory, sizeof l.names.accessory, "acme-db");
	return l;
}

static const char df[] = "Filesystem 1-blocks Used Available Capacity Mounted on\n"
			 "/dev/vda1 1000 100 900 10% /\n"
			 "/dev/vda1 1000 100 900 10% /\n"
			 "/dev/vdb 1000 990 10 99% /var/lib/docker data\n"
			 "none 0 0 0 - /proc\nnonsense\n";
static const char proxy[] = ROW(ID2, "kamal-proxy", "", "", "running", "0", "{}");

static void test_look(void **unused)
{
	(void)unused;
	struct host_look l = new_look();
	struct err err = {0};
	char rows[2000];
	static const char routes[] =
	    "[{\"name\":\"acme-web\",\"active_targets\":[\"111111111111:80\"]},{\"name\":\"gone\","
	    "\"active_targets\":[\"999999999999:80\"]},{\"name\":\"short\",\"active_target\":\"11:80\"}]";
	text_copyf(rows, sizeof rows, "%s%s", ROW(ID1, "acme-web-v1", "acme", "web", "running", "0", "{}"),
		   proxy);
	assert_int_equal(look(&l, df, "", rows, routes, "one\n\n\x1b[31mtwo\x1b[0m\n", &err), 0);
	assert_int_equal(l.n, 2);
	assert_int_equal(l.cores, 2);
	assert_int_equal(l.mem_total, 2000 * 1024);
	assert_int_equal(l.mem_used, 1500 * 1024);
	/* Each file system once, the fullest first. */
	assert_int_equal(l.n_disks, 2);
	assert_string_equal(l.disks[0].path, "/var/lib/docker data");
	assert_int_equal(l.disks[0].free, 10);
	assert_int_equal(l.n_audit, 2);
	assert_string_equal(l.audit[1], "two");
	assert_int_equal(l.n_routes, 3);
	assert_string_equal(host_look_target(&l, &l.routes[0])->name, "acme-web-v1");
	assert_null(host_look_target(&l, &l.routes[1]));
	/* Too short to mean one container. */
	assert_null(host_look_target(&l, &l.routes[2]));
	assert_false(l.lock.held);
	host_look_done(&l);
}

static void test_crash_loop(void **unused)
{
	(void)unused;
	struct host_look l = new_look();
	struct err err = {0};
	assert_int_equal(
	    look(&l, df, "", ROW(ID1, "acme-job-v1", "acme", "job", "running", "3", "{}"), "", "", &err), 0);
	/* Three restarts since it was made are no loop: that may be weeks ago. */
	assert_false(host_look_looping(&l, &l.list[0]));
	assert_int_equal(
	    look(&l, df, "", ROW(ID1, "acme-job-v1", "acme", "job", "running", "4", "{}"), "", "", &err), 0);
	assert_true(host_look_looping(&l, &l.list[0]));
	assert_int_equal(
	    look(&l, df, "", ROW(ID1, "acme-job-v1", "acme", "job", "running", "0", "{}"), "", "", &err), 0);
	assert_int_equal(
	    look(&l, df, "", ROW(ID2, "acme-job-v2", "acme", "job", "restarting", "1", "{}"), "", "", &err),
	    0);
	assert_true(host_look_looping(&l, &l.list[0]));
	host_look_done(&l);
}

static void test_odd_answers(void **unused)
{
	(void)unused;
	struct host_look l = new_look();
	struct err err = {0};
	struct ssh_reply reply = {0};
	static const char *const bad[] = {"", "Welcome to Ubuntu!\n", "x" CUT "y" CUT, CUT CUT CUT, NULL};
	for (size_t i = 0; bad[i]; i++) {
		err = (struct err){0};
		buf_reset(&reply.out);
		buf_adds(&reply.out, bad[i]);
		assert_int_equal(host_look_read(&l, &reply, &err), -1);
		assert_non_null(strstr(err.text, "not understood"));
	}
	ssh_reply_done(&reply);
	/* No docker: its words are no rows. */
	err = (struct err){0};
	assert_int_equal(look(&l, "", "", "permission denied\n", "", "", &err), -1);
	assert_int_equal(l.n, 0);
	/* A proxy whose state cannot be read is said, and the rest is seen. */
	err = (struct err){0};
	assert_int_equal(look(&l, df, "", proxy, "cat: can't open\n", "", &err), 0);
	assert_non_null(strstr(l.trouble, "state file"));
	/* Nothing of this app. */
	assert_int_equal(look(&l, df, "", "", "", "", &err), 0);
	assert_non_null(strstr(l.trouble, "no container"));
	/* An empty lock folder blocks all deploys. */
	assert_int_equal(look(&l, df, "1700000000\n\n", proxy, "[]", "", &err), 0);
	assert_true(l.lock.held);
	assert_non_null(strstr(l.lock.why, "rmdir"));
	host_look_done(&l);
}

/* The names of the config go into a shell on the host: none of them may end its quotes. */
static void test_command_is_quoted(void **unused)
{
	(void)unused;
	struct host_look l = new_look();
	text_copy(l.names.service, sizeof l.names.service, "a'; touch /tmp/x; '");
	text_copy(l.names.accessory, sizeof l.names.accessory, "$(id)");
	char *command = host_look_command(&l);
	assert_non_null(strstr(command, "'.kamal/lock-a'\\''; touch /tmp/x; '\\'''"));
	assert_non_null(strstr(command, "'$(id)'"));
	free(command);
}

static void test_levels(void **unused)
{
	(void)unused;
	static const struct {
		const char *text, *level;
	} lines[] = {
	    {"FATAL:  sorry, too many clients already", "error"},
	    {"{\"level\":\"error\",\"msg\":\"x\"}", "error"},
	    {"ts=1 level=error msg=x", "error"},
	    {"pg_restore: error: could not execute query", "error"},
	    {"pg_restore: warning: errors ignored on restore: 1", "warn"},
	    {"WARN -- : slow", "warn"},
	    {"Completed 200 OK", ""},
	    {"", ""},
	};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		assert_string_equal(log_words_level(lines[i].text, strlen(lines[i].text)), lines[i].level);
}

static void test_proxy_lines(void **unused)
{
	(void)unused;
	char out[200];
	const char *level = "";
	static const char request[] =
	    "{\"msg\":\"Request\",\"host\":\"www.acme.com\",\"method\":\"GET\",\"path\":\"/a\\u001b[2J\","
	    "\"query\":\"q=1\",\"status\":502,\"duration\":12000000}";
	static const char failed[] =
	    "{\"level\":\"ERROR\",\"msg\":\"Error while proxying\",\"service\":\"acme-web\",\"path\":\"/\","
	    "\"error\":\"dial tcp\"}";
	assert_true(log_words_proxy(request, sizeof request - 1, out, sizeof out, &level));
	assert_string_equal(out, "www.acme.com GET /a?q=1 502 12 ms");
	assert_string_equal(level, "error");
	assert_true(log_words_proxy(failed, sizeof failed - 1, out, sizeof out, &level));
	assert_string_equal(out, "Error while proxying acme-web /: dial tcp");
	static const char *const others[] = {
	    "", "{", "[1]", "null", "plain words", "{\"status\":\"x\",\"duration\":[]}x", NULL};
	for (size_t i = 0; others[i]; i++)
		assert_false(log_words_proxy(others[i], strlen(others[i]), out, sizeof out, &level));
}

/* Of a flood so much is handed on, errors have an allowance of their own, and nothing is forgotten in the
 * count. */
static void test_meter(void **unused)
{
	(void)unused;
	struct log_meter meter = {0};
	uint64_t given = 0, loud = 0;
	for (int i = 0; i < 100000; i++) {
		bool error = i % 100 == 99;
		bool taken = log_meter_take(&meter, error ? "error" : "");
		given += taken;
		loud += taken && error;
	}
	assert_int_equal(given + meter.left, 100000);
	assert_int_equal(loud, 1000);
	/* The machine may be slow: what is refilled meanwhile is given too. */
	assert_in_range(given, LOG_LINES_AT_ONCE, 60000);
	assert_true(meter.left > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_look),        cmocka_unit_test(test_crash_loop),
	    cmocka_unit_test(test_odd_answers), cmocka_unit_test(test_command_is_quoted),
	    cmocka_unit_test(test_levels),      cmocka_unit_test(test_proxy_lines),
	    cmocka_unit_test(test_meter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
