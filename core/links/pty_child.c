/* Starting a program that outlives us, and finding it again: see pty_child.h. */
#include "core/links/pty_child.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/pty_inner.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { INPUT_BYTES = 60 << 10, LOOK_BYTES = 256 << 10, LOOK_EVERY_MS = 200 };

int pty_child_base(const struct job *job, const char *attempt, const char *name, char *out, size_t size,
		   struct err *err)
{
	const char *dir = job_dir(job), *id = attempt ? attempt : job_attempt(job);
	if (!*dir || !*id)
		return err_set(err, ERR_REFUSED, "%s: programs are started by a night only", job_name(job));
	if (!text_copyf(out, size, "%s/attempts/%s.%s", dir, id, name))
		return err_set(err, ERR_CONFIG, "%s: the night's folder has too long a name", dir);
	return 0;
}

/* ---- start ---- */

static int read_answer(int fd, const struct pty_start *start, struct err *err)
{
	char answer[600];
	size_t len = 0;
	ssize_t n;
	while (len < sizeof answer - 1 &&
	       ((n = read(fd, answer + len, sizeof answer - 1 - len)) > 0 || (n < 0 && errno == EINTR)))
		len += n > 0 ? (size_t)n : 0;
	answer[len] = '\0';
	if (text_equal(answer, "ok"))
		return 0;
	char *sentence = strchr(answer, ' ');
	if (!sentence)
		return err_set(err, ERR_IO, "%s: its holder ended before it began; nothing was started",
			       start->argv[0]);
	enum err_kind kind = answer[0] == 'R' ? ERR_REFUSED : answer[0] == 'C' ? ERR_CONFIG : ERR_IO;
	return err_set(err, kind, "%s", sentence + 1);
}

int pty_child_start(const struct pty_start *start, struct err *err)
{
	int answer[2];
	if (start->input_len > INPUT_BYTES)
		return err_set(err, ERR_USAGE, "%s: more than %d KB of input; nothing was started",
			       start->argv[0], INPUT_BYTES >> 10);
	if (pipe2(answer, O_CLOEXEC) < 0)
		return err_set(err, ERR_IO, "no pipe: %s; nothing was started", strerror(errno));
	/* What is buffered here would be written twice. */
	fflush(NULL);
	pid_t between = fork();
	if (between == 0) {
		/* A grandchild belongs to init: nobody has to wait for it. */
		setsid();
		if (fork() == 0)
			pty_hold(start, answer[1]);
		_exit(0);
	}
	close(answer[1]);
	int rc = between < 0 ? err_set(err, ERR_IO, "no process: %s; nothing was started", strerror(errno))
			     : read_answer(answer[0], start, err);
	close(answer[0]);
	while (between > 0 && waitpid(between, NULL, 0) < 0 && errno == EINTR)
		;
	return rc;
}

/* ---- look ---- */

static bool read_file(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, out, size - 1) : -1;
	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
	return n >= 0;
}

bool pty_who_of(int pid, struct pty_who *who)
{
	char path[64], stat[600], state = 'X';
	*who = (struct pty_who){.pid = pid};
	text_copyf(path, sizeof path, "/proc/%d/stat", pid);
	const char *after = read_file(path, stat, sizeof stat) ? strrchr(stat, ')') : NULL;
	if (!after || !read_file("/proc/sys/kernel/random/boot_id", who->boot, sizeof who->boot))
		return false;
	who->boot[strcspn(who->boot, "\n")] = '\0';
	int fields = sscanf(
	    after + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
	    &state, &who->born);
	return fields == 2 && state != 'Z' && state != 'X';
}

static bool still_there(const struct pty_who *was)
{
	struct pty_who is;
	return pty_who_of(was->pid, &is) && is.born == was->born && text_equal(is.boot, was->boot);
}

/* 1: BASE.pid names it, 0: there is none or it is empty, for its holder died before the program began. */
static int read_who(const char *base, struct pty_who *who, bool *held, struct err *err)
{
	char text[120], path[512];
	text_copyf(path, sizeof path, "%s.pid", base);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	*held = false;
	if (fd < 0)
		return errno == ENOENT ? 0 : err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	*held = flock(fd, LOCK_SH | LOCK_NB) < 0;
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0 && sscanf(text, "%d %llu %39s", &who->pid, &who->born, who->boot) == 3;
}

static bool read_end(const char *base, struct pty_look *look)
{
	char text[80], path[512], how[8];
	int number;
	long long lost;
	text_copyf(path, sizeof path, "%s.rc", base);
	if (!read_file(path, text, sizeof text) || sscanf(text, "%7s %d lost %lld", how, &number, &lost) != 3)
		return false;
	*(text_equal(how, "exit") ? &look->rc : &look->signal) = number;
	look->lost_lines = lost;
	return true;
}

static int read_log(const char *base, int64_t from, struct pty_look *look, struct err *err)
{
	char path[512];
	struct stat st;
	text_copyf(path, sizeof path, "%s.log", base);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		if (fd >= 0)
			close(fd);
		return errno == ENOENT ? 0 : err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	}
	look->log_bytes = st.st_size;
	char *chunk = xmalloc(LOOK_BYTES);
	ssize_t n = pread(fd, chunk, LOOK_BYTES, from);
	const char *last = n > 0 ? memrchr(chunk, '\n', (size_t)n) : NULL;
	if (last)
		buf_add(&look->lines, chunk, (size_t)(last - chunk) + 1);
	free(chunk);
	close(fd);
	return 0;
}

int pty_child_look(const char *base, int64_t log_from, struct pty_look *look, struct err *err)
{
	struct pty_who who = {0};
	bool held;
	*look = (struct pty_look){.rc = -1};
	/* The end before the log: what ENDED shows is then the whole of it. */
	int named = read_who(base, &who, &held, err);
	if (named < 0)
		return -1;
	look->pid = who.pid;
	look->state = !named && !held        ? PTY_NEVER
		      : held                 ? PTY_ALIVE
		      : read_end(base, look) ? PTY_ENDED
		      : still_there(&who)    ? PTY_ALIVE
					     : PTY_DEAD;
	return read_log(base, log_from, look, err);
}

void pty_look_done(struct pty_look *look)
{
	buf_done(&look->lines);
}

int pty_child_signal(const char *base, int signal, struct err *err)
{
	struct pty_who who = {0};
	bool held;
	int named = read_who(base, &who, &held, err);
	if (named < 0)
		return -1;
	/* The group lives on in the program's own children when its leader has gone. */
	if (!named || (!still_there(&who) && !held))
		return 0;
	if (kill(-who.pid, signal) < 0 && errno != ESRCH)
		return err_set(err, ERR_IO, "process %d could not be told to stop: %s", who.pid,
			       strerror(errno));
	return 0;
}

/* ---- follow ---- */

static void hand_over(struct pty_follow *follow, const struct pty_look *look)
{
	const char *text = buf_text(&look->lines), *nl;
	for (size_t at = 0; at < look->lines.len && (nl = strchr(text + at, '\n'));
	     at = (size_t)(nl - text) + 1)
		if (follow->line)
			follow->line(follow->ctx, text + at, (size_t)(nl - text) - at);
	follow->log_from += (int64_t)look->lines.len;
}

static bool over(const struct pty_look *look)
{
	return look->state != PTY_ALIVE && look->lines.len == 0;
}

static int say_lost(const struct pty_follow *follow, const struct pty_look *look)
{
	char text[120];
	text_copyf(text, sizeof text,
		   "[%lld lines more were said; the disk or the 64 MB kept of it were full]",
		   (long long)look->lost_lines);
	if (look->lost_lines && follow->line)
		follow->line(follow->ctx, text, strlen(text));
	return 0;
}

static int look_on(struct pty_follow *follow, struct pty_look *look, struct err *err)
{
	pty_look_done(look);
	if (pty_child_look(follow->base, follow->log_from, look, err) < 0)
		return -1;
	hand_over(follow, look);
	return 0;
}

int pty_child_follow(struct pty_follow *follow, struct pty_look *look, struct err *err)
{
	*look = (struct pty_look){0};
	for (;;) {
		if (look_on(follow, look, err) < 0)
			return -1;
		if (over(look))
			return say_lost(follow, look);
		if (look->lines.len)
			continue;
		if (follow->deaf)
			clock_sleep_ms(LOOK_EVERY_MS);
		else if (job_wait(follow->job, LOOK_EVERY_MS))
			return 1;
	}
}

int pty_child_end(struct pty_follow *follow, int64_t ms, struct pty_look *look, struct err *err)
{
	int64_t until_ms = clock_life_ms() + ms;
	*look = (struct pty_look){0};
	if (pty_child_signal(follow->base, SIGTERM, err) < 0)
		return -1;
	for (;;) {
		if (look_on(follow, look, err) < 0)
			return -1;
		if (over(look))
			return say_lost(follow, look);
		if (clock_life_ms() > until_ms)
			return err_set(
			    err, ERR_WORLD,
			    "it was told to stop and still runs as process %d; look at it there, nothing "
			    "else is done to it",
			    look->pid);
		if (!look->lines.len)
			clock_sleep_ms(LOOK_EVERY_MS);
	}
}
