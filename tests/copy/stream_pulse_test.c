/* A copy that stands still says why: who holds the lock, which disk, which side, and which process. Two real
 * servers; the disk of NEW is one whose writes hang while a file is there. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/steps/stream.h"
#include "tests/copy/pair.h"
#include "tests/unit/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { SESSIONS = 4 };

static struct {
	struct cluster old, new;
	char dir[32];
	struct job *job;
	struct stream_copy s;
	pid_t sessions[SESSIONS];
	size_t n;
} w;

/* ---- a disk that hangs ---- */

static const char hanging[] =
    "#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <sys/types.h>\n#include <unistd.h>\n"
    "static void wait_for_disk(void) { while (access(HANGS, F_OK) == 0) usleep(20000); }\n"
    "#define HANG(name) ssize_t name(int fd, const void *d, size_t n, off_t at) { wait_for_disk(); return "
    "((ssize_t (*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, #name))(fd, d, n, at); }\n"
    "HANG(pwrite)\nHANG(pwrite64)\n";

static void start_new(void)
{
	char path[64];
	text_copyf(path, sizeof path, "%s/disk.c", w.dir);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	fputs(hanging, f);
	fclose(f);
	assert_int_equal(pair_shell("${CC:-cc} -shared -fPIC -DHANGS='\"%s/hangs\"' -o %s/disk.so %s -ldl",
				    w.dir, w.dir, path),
			 0);
	text_copyf(path, sizeof path, "%s/disk.so", w.dir);
	setenv("LD_PRELOAD", path, 1);
	cluster_start(&w.new, NULL, NULL);
	unsetenv("LD_PRELOAD");
}

static void hang(bool on)
{
	assert_int_equal(pair_shell("%s %s/hangs", on ? "touch" : "rm -f", w.dir), 0);
}

/* ---- sessions ---- */

/* One in a process of its own: `name` its application, which takes `sql`. With `stays` it keeps what that
 * gave it, a COPY or a transaction, until it is ended. */
static pid_t session(const struct cluster *at, const char *name, const char *sql, bool stays)
{
	pid_t pid = fork();
	if (pid == 0) {
		struct err err = {0};
		struct pg *pg = pg_open(NULL, "OLD", at->url, PG_ACT, &err);
		if (!pg || pg_exec(pg, &err, "SET application_name = '%s'; SET lock_timeout = 0", name) < 0) {
			fprintf(stderr, "%s\n", err.text);
			_exit(1);
		}
		int rc = strstr(sql, "FROM STDIN")  ? pg_copy_in(pg, sql, &err)
			 : strstr(sql, "TO STDOUT") ? pg_copy_out(pg, sql, &err)
						    : pg_exec(pg, &err, "%s", sql);
		if (rc < 0)
			fprintf(stderr, "%s: %s\n", sql, err.text);
		while (stays)
			pause();
		_exit(0);
	}
	assert_true(w.n < SESSIONS);
	return w.sessions[w.n++] = pid;
}

static void once(const struct cluster *at, const char *sql)
{
	struct err err = {0};
	struct pg *pg = pg_open(w.job, "OLD", at->url, PG_ACT, &err);
	if (pg)
		pg_exec(pg, &err, "%s", sql);
	pg_close(pg);
	assert_string_equal(err.text, "");
}

/* Until the server knows of a session that this condition is true for. */
static int64_t seen(const struct cluster *at, const char *condition)
{
	struct err err = {0};
	int64_t pid = 0;
	struct pg *pg = pg_open(w.job, "OLD", at->url, PG_LOOK, &err);
	char *sql = xasprintf("SELECT coalesce(min(pid), 0) FROM pg_stat_activity WHERE %s", condition);
	for (int i = 0; pg && !pid && i < 1200; i++) {
		pg_number(pg, sql, NULL, &pid, &err);
		if (!pid)
			clock_sleep_ms(25);
	}
	assert_string_equal(err.text, "");
	assert_true(pid > 0);
	free(sql);
	pg_close(pg);
	return pid;
}

/* The server notices the end of a client only when it wants to speak with it. */
#define STRANGERS                                                                                          \
	"backend_type = 'client backend' AND pid <> pg_backend_pid() AND application_name <> 'nightferry " \
	"stream'"

static void end_sessions(void)
{
	for (size_t i = 0; i < w.n; i++) {
		kill(w.sessions[i], SIGKILL);
		waitpid(w.sessions[i], NULL, 0);
	}
	for (int side = 0; w.n && side < 2; side++) {
		const struct cluster *at = side ? &w.new : &w.old;
		once(at, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE " STRANGERS);
		seen(at, "NOT EXISTS (SELECT FROM pg_stat_activity WHERE " STRANGERS ")");
	}
	w.n = 0;
}

#define HOLDS "application_name = 'rails console' AND state = 'idle in transaction'"

/* ---- the copy ---- */

static void stands_still(void **state)
{
	(void)state;
	if (!w.old.up)
		skip();
	stream_pulse_take(&w.s, 1);
	w.s.moved_at_ms = clock_life_ms() - 31000;
}

/* Looks until it says this. A look that comes between two waits sees a session that works. */
static void says(const char *text)
{
	for (int i = 0; i < 1200 && !strstr(w.s.why, text); i++) {
		w.s.moved_at_ms = clock_life_ms() - 31000;
		stream_idle(&w.s);
		clock_sleep_ms(25);
	}
	if (!strstr(w.s.why, text))
		fail_msg("it says \"%s\" and not \"%s\"", w.s.why, text);
}

static void holder_in_new(void **state)
{
	char wanted[80];
	stands_still(state);
	session(&w.new, "rails console", "BEGIN; LOCK TABLE public.t", true);
	int64_t pid = seen(&w.new, HOLDS);
	session(&w.new, "nightferry copy", "CREATE INDEX ON public.t (i)", false);
	text_copyf(wanted, sizeof wanted, "lock held by session %lld (rails console, idle in transaction)",
		   (long long)pid);
	says(wanted);
	/* It moves again: nothing is said any longer, and a second is no stand. */
	stream_pulse_take(&w.s, 2);
	stream_idle(&w.s);
	assert_string_equal(w.s.why, "");
}

static void another_lane_is_no_stranger(void **state)
{
	stands_still(state);
	session(&w.new, "nightferry copy", "BEGIN; LOCK TABLE public.t", true);
	seen(&w.new, "application_name = 'nightferry copy' AND state = 'idle in transaction'");
	session(&w.new, "nightferry copy", "CREATE INDEX ON public.t (i)", false);
	seen(&w.new, "wait_event_type = 'Lock'");
	says("NEW waits for Lock relation");
}

static void disk_of_new(void **state)
{
	stands_still(state);
	hang(true);
	session(&w.new, "nightferry copy", "INSERT INTO public.t SELECT generate_series(1, 100000)", false);
	seen(&w.new, "wait_event_type = 'IO'");
	says("NEW waits for its disk (");
	hang(false);
}

/* A session that computes stands still for nobody, however long its index takes. */
static void computes(void **state)
{
	stands_still(state);
	session(&w.new, "nightferry copy", "SELECT sum(i) FROM generate_series(1, 1000000000) i", false);
	seen(&w.new, "application_name = 'nightferry copy' AND state = 'active' AND wait_event IS NULL");
	for (int i = 0; i < 600 && clock_life_ms() - w.s.moved_at_ms > 30000; i++) {
		stream_idle(&w.s);
		clock_sleep_ms(10);
	}
	assert_true(clock_life_ms() - w.s.moved_at_ms < 30000);
	assert_string_equal(w.s.why, "");
}

static void stopped_worker(void **state)
{
	stands_still(state);
	text_copy(w.s.worker.processes, sizeof w.s.worker.processes, "SRT");
	says("a process of the copy on this machine is stopped (SIGSTOP)");
	text_copy(w.s.worker.processes, sizeof w.s.worker.processes, "SR");
}

/* NEW waits for rows, and it is OLD that is asked: here nobody knows its address. */
static void client(void **state)
{
	stands_still(state);
	session(&w.new, "nightferry copy", "COPY public.t FROM STDIN", true);
	says("NEW waits for rows: ");
}

/* ---- what OLD says ---- */

static void old_says(const char *text)
{
	struct err err = {0};
	struct pg *pg = pg_open(w.job, "OLD", w.old.url, PG_LOOK, &err);
	assert_string_equal(err.text, "");
	stream_pulse_old(&w.s, pg, &err);
	pg_close(pg);
	if (!strstr(w.s.why, text))
		fail_msg("it says \"%s\" and not \"%s\"", w.s.why, text);
}

static void holder_in_old(void **state)
{
	char wanted[120];
	stands_still(state);
	session(&w.old, "rails console", "BEGIN; LOCK TABLE public.t", true);
	int64_t pid = seen(&w.old, HOLDS);
	session(&w.old, "pg_dump", "BEGIN; LOCK TABLE public.t IN ACCESS SHARE MODE", false);
	seen(&w.old, "application_name = 'pg_dump' AND wait_event_type = 'Lock'");
	text_copyf(wanted, sizeof wanted,
		   "OLD: pg_dump waits for a lock held by session %lld (rails console, idle in transaction)",
		   (long long)pid);
	old_says(wanted);
}

static void line_stands_still(void **state)
{
	stands_still(state);
	session(&w.old, "nightferry copy",
		"COPY (SELECT repeat('x', 1000) FROM generate_series(1, 100000)) TO STDOUT", true);
	seen(&w.old, "application_name = 'nightferry copy' AND wait_event = 'ClientWrite'");
	old_says("OLD has rows that do not arrive: the line between OLD and this machine");
}

static void nobody_reads(void **state)
{
	stands_still(state);
	seen(&w.old, "NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name IN ('nightferry copy', "
		     "'pg_dump'))");
	old_says("has no session of the copy any more");
	session(&w.old, "nightferry copy", "BEGIN; SELECT 1", true);
	seen(&w.old, "application_name = 'nightferry copy' AND state = 'idle in transaction'");
	old_says("nobody asks OLD for any");
}

/* ---- around it ---- */

static int up(void **state)
{
	(void)state;
	struct json *config = json_parse("{}", 2, NULL);
	text_copy(w.dir, sizeof w.dir, "/tmp/nfpulse.XXXXXX");
	if (!mkdtemp(w.dir) || pair_shell("chmod 755 %s", w.dir) != 0)
		return -1;
	w.job = job_by_hand("stream", config, NULL);
	json_free(config);
	cluster_start(&w.old, NULL, NULL);
	if (!w.old.up)
		return 0;
	start_new();
	if (!w.new.up)
		return -1;
	once(&w.old, "CREATE TABLE public.t (i int)");
	once(&w.new, "CREATE TABLE public.t (i int)");
	return 0;
}

static int down(void **state)
{
	(void)state;
	cluster_stop(&w.old);
	cluster_stop(&w.new);
	pair_shell("rm -rf %s", w.dir);
	job_free(w.job);
	return 0;
}

static int begin(void **state)
{
	(void)state;
	w.s = (struct stream_copy){.job = w.job};
	w.s.worker.job = w.job;
	w.s.pg = w.new.up ? pg_open(w.job, "NEW", w.new.url, PG_LOOK, NULL) : NULL;
	return 0;
}

static int end(void **state)
{
	(void)state;
	if (w.new.up)
		hang(false);
	pg_close(w.s.pg);
	end_sessions();
	return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    TEST(holder_in_new),  TEST(another_lane_is_no_stranger),
	    TEST(disk_of_new),    TEST(computes),
	    TEST(stopped_worker), TEST(client),
	    TEST(holder_in_old),  TEST(line_stands_still),
	    TEST(nobody_reads),
	};
	return cmocka_run_group_tests(tests, up, down);
}
