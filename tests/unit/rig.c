#include "tests/unit/rig.h"
#include "tests/unit/rig_steps.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/base/text.h"
#include "core/job.h"
#include "core/night/journal.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- faults: these two stand before the C library's own, in the engine's process only ---- */

static struct rig_faults *faults;
static char synced_path[120];

int fdatasync(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	if (faults && faults->sync_fails) {
		errno = EIO;
		return -1;
	}
	if (faults && faults->sync_ms)
		usleep((useconds_t)faults->sync_ms * 1000);
	int rc = (int)syscall(SYS_fdatasync, fd);
	/* The journal is the one that only grows. */
	if (rc == 0 && *synced_path && fcntl(fd, F_GETFL) & O_APPEND) {
		char text[32];
		int to = open(synced_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		text_copyf(text, sizeof text, "%lld\n", (long long)size);
		if (to >= 0 && write(to, text, strlen(text)) < 0)
			rc = -1;
		if (to >= 0)
			close(to);
	}
	return rc;
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts);
	if (rc == 0 && faults && id == CLOCK_REALTIME)
		ts->tv_sec += (time_t)(faults->wall_jump_ms / 1000);
	return rc;
}

/* ---- the engine ---- */

void rig_main(int argc, char **argv)
{
	if (argc > 1 && text_equal(argv[1], "__job"))
		_exit(job_main(argc, argv));
}

int64_t rig_ms(void)
{
	struct timespec ts;
	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void rig_sleep(int ms)
{
	poll(NULL, 0, ms);
}

static char *rig_config(const struct rig *rig)
{
	return xasprintf(
	    "{\"app\":\"acme\",\"heroku\":{\"app\":\"acme-production\"},\"database\":{\"url\":\"env:"
	    "NEW_DATABASE_URL\"},\"world\":\"%s\"}",
	    rig->world);
}

static char *book;

struct rig *rig_new(const char *steps)
{
	struct rig *rig = xcalloc(1, sizeof *rig);
	assert_int_equal(rig_steps_are_here, 1);
	text_copy(rig->dir, sizeof rig->dir, "/tmp/nfr.XXXXXX");
	assert_non_null(mkdtemp(rig->dir));
	text_copyf(rig->world, sizeof rig->world, "%s/world", rig->dir);
	assert_int_equal(mkdir(rig->world, 0700), 0);
	void *page =
	    mmap(NULL, sizeof *rig->faults, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(page != MAP_FAILED);
	rig->faults = page;
	free(book);
	book = xasprintf(
	    "{\"name\":\"rig\",\"phases\":[{\"name\":\"go\",\"steps\":[%s]}],\"rollback\":[{\"id\":\"back\","
	    "\"do\":\"fake\"}]}",
	    steps);
	return rig;
}

static void be_engine(struct rig *rig, const struct headless *headless, int ready)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that is cut short leaves nothing */
	faults = rig->faults;
	text_copyf(synced_path, sizeof synced_path, "%s/" RIG_SYNCED, rig->world);
	char *config_text = rig_config(rig), path[120];
	struct json *config = json_parse(config_text, strlen(config_text), NULL);
	struct json *playbook = json_parse(book, strlen(book), NULL);
	text_copyf(path, sizeof path, "%s/engine.log", rig->world);
	int log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(log, 1);
	dup2(log, 2);
	const struct engine_options options = {
	    .dir = rig->dir, .config = config, .playbook = playbook, .headless = headless, .ready_fd = ready};
	int status = engine_main(&options);
	fflush(NULL);
	_exit(status);
}

void rig_start(struct rig *rig, const struct headless *headless)
{
	int ready[2];
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	rig->pid = fork();
	if (rig->pid == 0) {
		close(ready[0]);
		be_engine(rig, headless, ready[1]);
	}
	close(ready[1]);
	char text[700] = "";
	ssize_t n = read(ready[0], text, sizeof text - 1);
	close(ready[0]);
	assert_true(n > 0);
	text_copy(rig->said_at_start, sizeof rig->said_at_start, *text == '!' ? text + 1 : "");
}

void rig_signal(struct rig *rig, int number)
{
	assert_true(rig->pid > 0);
	assert_int_equal(kill(rig->pid, number), 0);
}

int rig_wait_end(struct rig *rig)
{
	int status = 0;
	for (int64_t until = rig_ms() + RIG_WAIT_MS; rig_ms() < until; rig_sleep(5))
		if (waitpid(rig->pid, &status, WNOHANG) == rig->pid) {
			rig->pid = 0;
			return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
		}
	fail_msg("the engine did not end");
	return -1;
}

static void remove_all(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *x;
	while (d && (x = readdir(d))) {
		char path[512];
		if (text_equal(x->d_name, ".") || text_equal(x->d_name, ".."))
			continue;
		text_copyf(path, sizeof path, "%s/%s", dir, x->d_name);
		if (unlink(path) < 0)
			remove_all(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

void rig_free(struct rig *rig)
{
	rig_put(rig, "go", "");
	rig_put(rig, "let-go", "");
	if (rig->pid > 0) {
		kill(rig->pid, SIGCONT);
		kill(rig->pid, SIGTERM);
		rig_wait_end(rig);
	}
	char path[120];
	struct journal_check check;
	text_copyf(path, sizeof path, "%s/journal.jsonl", rig->dir);
	assert_int_equal(journal_check(path, NULL, NULL, &check, NULL), 0);
	assert_int_equal(check.bad, 0);
	rig_sleep(60); /* its steps end, and write no more */
	remove_all(rig->dir);
	munmap(rig->faults, sizeof *rig->faults);
	free(book);
	book = NULL;
	free(rig);
}

/* ---- files ---- */

void rig_put(const struct rig *rig, const char *name, const char *text)
{
	char path[200], next[210];
	text_copyf(path, sizeof path, "%s/%s", rig->world, name);
	text_copyf(next, sizeof next, "%s.next", path);
	FILE *f = fopen(next, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(rename(next, path), 0);
}

void rig_remove(const struct rig *rig, const char *name)
{
	char path[200];
	text_copyf(path, sizeof path, "%s/%s", rig->world, name);
	unlink(path);
}

bool rig_has(const struct rig *rig, const char *name)
{
	char path[200];
	text_copyf(path, sizeof path, "%s/%s", rig->world, name);
	return access(path, F_OK) == 0;
}

char *rig_read(const struct rig *rig, const char *name)
{
	char path[200];
	struct buf all = {0};
	text_copyf(path, sizeof path, "%s/%s", rig->dir, name);
	FILE *f = fopen(path, "re");
	char chunk[65536];
	for (size_t n; f && (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
		buf_add(&all, chunk, n);
	if (f)
		fclose(f);
	char *text = xstrdup(buf_text(&all));
	buf_done(&all);
	return text;
}

size_t rig_lines(const char *text, const char *needle)
{
	size_t n = 0;
	for (const char *p = text; *p;) {
		const char *nl = strchrnul(p, '\n'), *hit = *needle ? strstr(p, needle) : p;
		n += hit && hit < nl;
		p = *nl ? nl + 1 : nl;
	}
	return n;
}

/* ---- the journal ---- */

/* Calls for each line of that kind that has `has`; the newest is left in `newest`. */
static size_t find_events(const struct rig *rig, const char *kind, const char *has, char **newest)
{
	char *all = rig_read(rig, "journal.jsonl"), *rest = NULL, needle[64];
	size_t n = 0;
	text_copyf(needle, sizeof needle, "\"kind\":\"%s\"", kind);
	for (char *line = strtok_r(all, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (!strstr(line, needle) || !strstr(line, has))
			continue;
		n++;
		if (newest) {
			free(*newest);
			*newest = xstrdup(line);
		}
	}
	free(all);
	return n;
}

size_t rig_events(const struct rig *rig, const char *kind, const char *has)
{
	return find_events(rig, kind, has, NULL);
}

static void no_show(const struct rig *rig, const char *what, const char *has)
{
	char *log = rig_read(rig, "world/engine.log"), *journal = rig_read(rig, "journal.jsonl");
	size_t n = strlen(journal);
	/* cmocka's own print cuts at a kilobyte. */
	fprintf(stderr, "engine.log: %s\njournal: %s\n", log, journal + (n > 6000 ? n - 6000 : 0));
	free(log);
	free(journal);
	fail_msg("there was no %s with \"%s\"", what, has);
}

void rig_wait(const struct rig *rig, const char *kind, const char *has, size_t n)
{
	for (int64_t until = rig_ms() + RIG_WAIT_MS; rig_ms() < until; rig_sleep(5))
		if (rig_events(rig, kind, has) >= n)
			return;
	no_show(rig, kind, has);
}

char *rig_field(const struct rig *rig, const char *kind, const char *field)
{
	char *newest = NULL;
	find_events(rig, kind, "", &newest);
	if (!newest)
		no_show(rig, kind, field);
	struct json *j = json_parse(newest, strlen(newest), NULL);
	const struct json *x = json_get(j, field);
	char *text = json_text(x) ? xstrdup(json_text(x)) : json_print(x);
	json_free(j);
	free(newest);
	return text;
}

void rig_wait_file(const struct rig *rig, const char *name)
{
	for (int64_t until = rig_ms() + RIG_WAIT_MS; rig_ms() < until; rig_sleep(5))
		if (rig_has(rig, name))
			return;
	no_show(rig, "file", name);
}

void rig_gate(const struct rig *rig, char gate[16], char tag[8])
{
	char *id = rig_field(rig, "gate.opened", "gate");
	char *newest = NULL, has[40];
	text_copyf(has, sizeof has, "\"gate\":\"%s\"", id);
	if (!find_events(rig, "gate.changed", has, &newest))
		find_events(rig, "gate.opened", has, &newest);
	struct json *j = json_parse(newest, strlen(newest), NULL);
	text_copy(gate, 16, id);
	text_copy(tag, 8, json_str(j, "tag", ""));
	json_free(j);
	free(newest);
	free(id);
}
