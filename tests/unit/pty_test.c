/* A program that outlives whoever started it: it is begun once, nobody's death hangs it up, and what it said
 * and how it ended is found by anybody later. Real programs, real terminals, real kills. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/pty_child.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <stdint.h>
#include <cmocka.h>

enum { LONG_MS = 60000 };

struct fixture {
	char dir[64], base[80];
	struct pty_look look;
	struct buf said; /* all lines so far */
	int64_t from;
};

static int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof *f);
	text_copy(f->dir, sizeof f->dir, "/tmp/pty-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	text_copyf(f->base, sizeof f->base, "%s/a1.x", f->dir);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	static const char *const ends[] = {"pid", "log", "rc", "rc.new", "lock"};
	do {
		pty_look_done(&f->look);
		pty_child_signal(f->base, SIGKILL, NULL);
		pty_child_look(f->base, 0, &f->look, NULL);
	} while (f->look.state == PTY_ALIVE);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		char path[120];
		text_copyf(path, sizeof path, "%s.%s", f->base, ends[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(f->dir), 0);
	pty_look_done(&f->look);
	buf_done(&f->said);
	free(f);
	return 0;
}

static struct pty_start of_shell(const struct fixture *f, const char *script)
{
	static const char *argv[4];
	argv[0] = "sh";
	argv[1] = "-c";
	argv[2] = script;
	return (struct pty_start){.base = f->base, .argv = argv, .lock_fd = -1};
}

static void start(struct fixture *f, const char *script)
{
	struct err err = {0};
	struct pty_start s = of_shell(f, script);
	assert_int_equal(pty_child_start(&s, &err), 0);
}

static enum pty_state look(struct fixture *f)
{
	struct err err = {0};
	pty_look_done(&f->look);
	assert_int_equal(pty_child_look(f->base, f->from, &f->look, &err), 0);
	buf_add(&f->said, f->look.lines.data, f->look.lines.len);
	f->from += (int64_t)f->look.lines.len;
	return f->look.state;
}

/* Until it is over and all of its lines are there. */
static enum pty_state wait_over(struct fixture *f)
{
	int64_t until_ms = clock_life_ms() + LONG_MS;
	while (look(f) == PTY_ALIVE || f->look.lines.len) {
		assert_true(clock_life_ms() < until_ms);
		clock_sleep_ms(10);
	}
	return f->look.state;
}

static void wait_said(struct fixture *f, const char *text)
{
	int64_t until_ms = clock_life_ms() + LONG_MS;
	while (look(f), !strstr(buf_text(&f->said), text)) {
		assert_true(clock_life_ms() < until_ms);
		clock_sleep_ms(10);
	}
}

/* The parent of a process, which for our programs is the holder; 0: no such process. */
static int parent_of(int pid)
{
	char path[64], text[400] = "";
	int parent = 0;
	text_copyf(path, sizeof path, "/proc/%d/stat", pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	if (fgets(text, sizeof text, file) && strrchr(text, ')'))
		assert_int_equal(sscanf(strrchr(text, ')') + 1, " %*c %d", &parent), 1);
	fclose(file);
	return parent;
}

static void test_what_it_says(void **state)
{
	struct fixture *f = *state;
	start(f, "test -t 1 && test -t 2 && ! read x && stty size </dev/tty\n"
		 "printf '\\033[0;34;49mblue\\033[0m\\r\\n10%%\\r20%%\\r30%%\\r\\nbell\\a \\377 end\\n' >&2; "
		 "exit 7");
	assert_int_equal(wait_over(f), PTY_ENDED);
	assert_int_equal(f->look.rc, 7);
	assert_int_equal(f->look.signal, 0);
	assert_string_equal(buf_text(&f->said), "50 200\nblue\n30%\nbell \xef\xbf\xbd end\n");
}

/* What is said right before the end is the reason for it. */
static void test_last_words(void **state)
{
	struct fixture *f = *state;
	start(f, "seq 20000; printf 'the reason'");
	assert_int_equal(wait_over(f), PTY_ENDED);
	assert_int_equal(f->look.rc, 0);
	int lines = 0;
	for (const char *p = buf_text(&f->said); (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, 20001);
	assert_string_equal(buf_text(&f->said) + f->said.len - strlen("20000\nthe reason\n"),
			    "20000\nthe reason\n");
}

static void test_question_without_newline(void **state)
{
	struct fixture *f = *state;
	start(f, "printf 'Continue? [y/N] '; sleep 1000");
	wait_said(f, "Continue? [y/N] \n");
	assert_int_equal(f->look.state, PTY_ALIVE);
}

static void test_a_closed_output_is_no_end(void **state)
{
	struct fixture *f = *state;
	struct pty_start s = of_shell(f, "exec >&- 2>&-; touch \"$0.lock\"; sleep 1000");
	const char *argv[] = {s.argv[0], s.argv[1], s.argv[2], f->base, NULL};
	char mark[120];
	s.argv = argv;
	s.pipe = true;
	assert_int_equal(pty_child_start(&s, NULL), 0);
	text_copyf(mark, sizeof mark, "%s.lock", f->base);
	for (int64_t until_ms = clock_life_ms() + LONG_MS; access(mark, F_OK) < 0; clock_sleep_ms(10))
		assert_true(clock_life_ms() < until_ms);
	assert_int_equal(look(f), PTY_ALIVE);
	assert_int_equal(kill(f->look.pid, SIGKILL), 0);
	assert_int_equal(wait_over(f), PTY_ENDED);
	assert_int_equal(f->look.signal, SIGKILL);
	assert_int_equal(f->look.rc, -1);
}

static void test_never_twice(void **state)
{
	struct fixture *f = *state;
	struct err err = {0};
	char file[100], script[200];
	struct stat st;
	text_copyf(file, sizeof file, "%s.lock", f->base);
	text_copyf(script, sizeof script, "echo once >>%s", file);
	struct pty_start s = of_shell(f, script);
	assert_int_equal(look(f), PTY_NEVER);
	assert_int_equal(pty_child_start(&s, &err), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pty_child_start(&s, &err), -1);
		assert_int_equal(err.kind, ERR_REFUSED);
		assert_non_null(strstr(err.text, "never started twice"));
		assert_int_equal(wait_over(f), PTY_ENDED);
	}
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_size, 5);
}

static void test_no_such_program(void **state)
{
	struct fixture *f = *state;
	struct err err = {0};
	const char *const argv[] = {"no-such-program-here", NULL};
	struct pty_start s = {.base = f->base, .argv = argv, .lock_fd = -1};
	assert_int_equal(pty_child_start(&s, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_string_equal(
	    err.text,
	    "no-such-program-here could not be started: No such file or directory; nothing was done");
	assert_int_equal(look(f), PTY_NEVER);
	s = of_shell(f, "true");
	s.dir = "/no/such/folder";
	assert_int_equal(pty_child_start(&s, &err), -1);
	assert_int_equal(look(f), PTY_NEVER);
	/* nothing is left that would stand in the way */
	s.dir = "/";
	assert_int_equal(pty_child_start(&s, &err), 0);
	assert_int_equal(wait_over(f), PTY_ENDED);

	s.base = "/no/such/folder/a1";
	assert_int_equal(pty_child_start(&s, &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	assert_non_null(strstr(err.text, "nothing was started"));
}

/* The step is killed, and with it its group and its session: the program does not hear of it. */
static void test_the_starter_is_killed(void **state)
{
	struct fixture *f = *state;
	char script[200];
	text_copyf(script, sizeof script,
		   "echo begun; until test -e %s.lock; do sleep 0.02; done; echo through; exit 3", f->base);
	pid_t starter = fork();
	if (starter == 0) {
		struct pty_start s = of_shell(f, script);
		setsid();
		if (pty_child_start(&s, NULL) == 0)
			kill(0, SIGKILL);
		_exit(1);
	}
	int status;
	assert_int_equal(waitpid(starter, &status, 0), starter);
	assert_true(WIFSIGNALED(status));
	wait_said(f, "begun\n");
	assert_int_equal(f->look.state, PTY_ALIVE);
	text_copyf(script, sizeof script, "%s.lock", f->base);
	close(open(script, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(wait_over(f), PTY_ENDED);
	assert_int_equal(f->look.rc, 3);
	assert_string_equal(buf_text(&f->said), "begun\nthrough\n");
}

/* The holder itself is killed: nobody saw the end, and nobody says there was one. */
static void test_the_holder_is_killed(void **state)
{
	struct fixture *f = *state;
	start(f, "trap '' HUP; echo ready; while :; do sleep 0.02; done");
	wait_said(f, "ready\n");
	int program = f->look.pid, holder = parent_of(program);
	assert_true(holder > 1 && holder != getpid());
	assert_int_equal(kill(holder, SIGKILL), 0);
	for (int64_t until_ms = clock_life_ms() + LONG_MS; parent_of(program) == holder; clock_sleep_ms(10))
		assert_true(clock_life_ms() < until_ms);
	assert_int_equal(look(f), parent_of(program) ? PTY_ALIVE : PTY_DEAD);
	kill(program, SIGKILL);
	assert_int_equal(wait_over(f), PTY_DEAD);
	assert_int_equal(f->look.rc, -1);
}

static void test_its_number_is_somebody_elses(void **state)
{
	struct fixture *f = *state;
	char path[100];
	pid_t other = fork();
	if (other == 0) {
		setpgid(0, 0);
		pause();
		_exit(0);
	}
	setpgid(other, other);
	text_copyf(path, sizeof path, "%s.pid", f->base);
	FILE *file = fopen(path, "we");
	fprintf(file, "%d 12345 of-another-boot\n", other);
	fclose(file);
	assert_int_equal(look(f), PTY_DEAD);
	assert_int_equal(pty_child_signal(f->base, SIGKILL, NULL), 0);
	assert_int_equal(waitpid(other, NULL, WNOHANG), 0);
	kill(other, SIGKILL);
	assert_int_equal(waitpid(other, NULL, 0), other);
}

static void test_told_to_stop(void **state)
{
	struct fixture *f = *state;
	struct err err = {0};
	start(f, "sleep 1000 & echo child $!; wait");
	wait_said(f, "child ");
	int child = (int)strtol(strstr(buf_text(&f->said), "child ") + 6, NULL, 10);
	struct pty_follow follow = {.base = f->base};
	struct pty_look end;
	assert_int_equal(pty_child_end(&follow, LONG_MS, &end, &err), 0);
	assert_int_equal(end.state, PTY_ENDED);
	assert_int_equal(end.signal, SIGTERM);
	pty_look_done(&end);
	/* the whole group, not only its first */
	for (int64_t until_ms = clock_life_ms() + LONG_MS; kill(child, 0) == 0 && parent_of(child) > 1;
	     clock_sleep_ms(10))
		assert_true(clock_life_ms() < until_ms);
	assert_int_equal(pty_child_signal(f->base, SIGTERM, &err), 0);
}

static void test_one_that_does_not_stop(void **state)
{
	struct fixture *f = *state;
	struct err err = {0};
	start(f, "trap 'echo I heard it' TERM; echo ready; while :; do sleep 0.05; done");
	wait_said(f, "ready\n");
	struct pty_follow follow = {.base = f->base};
	struct pty_look end;
	assert_int_equal(pty_child_end(&follow, 1500, &end, &err), -1);
	assert_int_equal(err.kind, ERR_WORLD);
	assert_non_null(strstr(err.text, "still runs"));
	assert_int_equal(end.state, PTY_ALIVE);
	pty_look_done(&end);
	wait_said(f, "I heard it\n");
}

static void test_secrets(void **state)
{
	struct fixture *f = *state;
	static const char *const secrets[] = {"hunter2-hunter2", "abc", NULL};
	static const char *const env[] = {"TOKEN=hunter2-hunter2", "HOME", NULL};
	static const char input[] = "hunter2-hunter2 by input\n";
	struct pty_start s =
	    of_shell(f, "tr '\\0' ' ' </proc/$$/cmdline; echo; cat; echo \"$TOKEN${HOME:-no home}\"; "
			"printf 'hunter2-\\033[1mhunter2 abc\\n'; pwd");
	s.secrets = secrets;
	s.env = env;
	s.input = input;
	s.input_len = sizeof input - 1;
	s.dir = "/usr";
	s.pipe = true;
	assert_int_equal(pty_child_start(&s, NULL), 0);
	assert_int_equal(wait_over(f), PTY_ENDED);
	assert_null(strstr(buf_text(&f->said), "hunter2-hunter2"));
	assert_non_null(
	    strstr(buf_text(&f->said), "\n[secret] by input\n[secret]no home\n[secret] abc\n/usr\n"));
	assert_non_null(getenv("HOME"));
}

/* The attempt's lock tells a new engine that something runs: as long as it does, and no longer. */
static void test_the_lock(void **state)
{
	struct fixture *f = *state;
	char path[120];
	text_copyf(path, sizeof path, "%s.lock", f->base);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), other = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	/* A server it leaves behind does not hold it. */
	struct pty_start s = of_shell(
	    f, "setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo $!; while :; do sleep 0.05; done");
	s.lock_fd = fd;
	assert_int_equal(pty_child_start(&s, NULL), 0);
	close(fd);
	wait_said(f, "\n");
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
	int server = (int)strtol(buf_text(&f->said), NULL, 10);
	pty_child_signal(f->base, SIGKILL, NULL);
	assert_int_equal(wait_over(f), PTY_ENDED);
	for (int64_t until_ms = clock_life_ms() + LONG_MS; flock(other, LOCK_EX | LOCK_NB) < 0;
	     clock_sleep_ms(10))
		assert_true(clock_life_ms() < until_ms);
	assert_int_equal(kill(server, SIGKILL), 0);
	close(other);
}

/* A disk that takes no more of the log: the program goes on, its end is told, and what is missing is said. */
static void test_disk_full(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t starter = fork();
	if (starter == 0) {
		struct rlimit small = {.rlim_cur = 4096, .rlim_max = 4096};
		struct pty_start s = of_shell(f, "seq 5000; exit 5");
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &small);
		_exit(pty_child_start(&s, NULL) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(starter, &status, 0), starter);
	assert_int_equal(status, 0);
	assert_int_equal(wait_over(f), PTY_ENDED);
	assert_int_equal(f->look.rc, 5);
	assert_true(f->look.log_bytes <= 4096);
	/* whole lines in their order, none torn */
	int n = 0;
	for (const char *p = buf_text(&f->said); *p >= '0' && *p <= '9'; p = strchr(p, '\n') + 1)
		assert_int_equal(strtol(p, NULL, 10), ++n);
	assert_true(n > 500);
	assert_int_equal(f->look.lost_lines, 5000 - n);
}

static void test_hostile_output(void **state)
{
	struct fixture *f = *state;
	start(f, "head -c 300000 /dev/zero | tr '\\0' A; echo; head -c 20000 /dev/urandom; printf "
		 "'\\n\\033]0;owned\\a\\n'; "
		 "echo end");
	assert_int_equal(wait_over(f), PTY_ENDED);
	assert_null(strchr(buf_text(&f->said), '\033'));
	assert_null(strchr(buf_text(&f->said), '\r'));
	assert_null(strstr(buf_text(&f->said), "owned"));
	assert_non_null(strstr(buf_text(&f->said), "A [cut]\n"));
	assert_string_equal(buf_text(&f->said) + f->said.len - 5, "\nend\n");
	assert_true(f->said.len < 200000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_what_it_says),
	    TEST(test_last_words),
	    TEST(test_question_without_newline),
	    TEST(test_a_closed_output_is_no_end),
	    TEST(test_never_twice),
	    TEST(test_no_such_program),
	    TEST(test_the_starter_is_killed),
	    TEST(test_the_holder_is_killed),
	    TEST(test_its_number_is_somebody_elses),
	    TEST(test_told_to_stop),
	    TEST(test_one_that_does_not_stop),
	    TEST(test_secrets),
	    TEST(test_the_lock),
	    TEST(test_disk_full),
	    TEST(test_hostile_output),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
