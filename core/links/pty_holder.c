/* The holder: one small process that keeps a program's terminal open, writes down what it says and how it
 * ends. It is a fork of the step, in a session of its own, and hears no signal but KILL. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/foreign_look.h"
#include "core/links/pty_inner.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	LINE_BYTES = 64 << 10, /* what a line has beyond this is left out */
	SAID_BYTES = 2000,     /* of a line, as people read it */
	LOG_BYTES = 64 << 20,
	QUIET_MS = 1000,   /* an unfinished line that stands still is a question or a bar: shown as it is */
	REST_MS = 300,     /* of silence after its end, then its own children are not listened to any more */
	REST_LOOKS = 2000, /* nor when they never fall silent */
	MIN_SECRET = 6,
	END_BYTES = 64, /* of BASE.rc */
};

struct holder {
	const struct pty_start *start;
	int answer_fd, pid_fd, log_fd, rc_fd, out_fd;
	char pid_path[512], log_path[512], rc_path[512], rc_new[512];
	pid_t program;
	int64_t log_bytes, lost_lines;
	struct buf line;
	bool line_cut;
	int64_t said_ms;
};

/* Nothing was started: says why, and leaves no trace that would stand in the way of the next attempt. */
static _Noreturn void give_up(struct holder *h, char kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static _Noreturn void give_up(struct holder *h, char kind, const char *fmt, ...)
{
	char said[500];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(said, sizeof said, fmt, ap);
	va_end(ap);
	dprintf(h->answer_fd, "%c %s", kind, said);
	if (h->pid_fd >= 0) {
		unlink(h->log_path);
		unlink(h->rc_new);
		unlink(h->pid_path);
	}
	_exit(1);
}

/* ---- what it says ---- */

static void cut_secrets(const struct holder *h, const char *text, struct buf *out)
{
	for (size_t i = 0, len = strlen(text); i < len;) {
		size_t hit = 0;
		for (size_t s = 0; h->start->secrets && h->start->secrets[s]; s++) {
			size_t n = strlen(h->start->secrets[s]);
			if (n >= MIN_SECRET && n > hit && n <= len - i &&
			    !memcmp(text + i, h->start->secrets[s], n))
				hit = n;
		}
		if (hit)
			buf_adds(out, "[secret]");
		else
			buf_addc(out, text[i]);
		i += hit ? hit : 1;
	}
}

/* A line that the disk does not take whole is left out and counted: half of one would be read as another. */
static void write_log(struct holder *h, const struct buf *text)
{
	if (h->log_bytes + (int64_t)text->len > LOG_BYTES) {
		h->lost_lines++;
		return;
	}
	ssize_t n = write(h->log_fd, text->data, text->len);
	if (n == (ssize_t)text->len) {
		h->log_bytes += n;
		return;
	}
	h->lost_lines++;
	if (n > 0 && ftruncate(h->log_fd, h->log_bytes) < 0)
		h->log_bytes += n;
}

static void say_line(struct holder *h)
{
	char *clean = xmalloc(LINE_BYTES + 1);
	struct buf out = {0};
	while (h->line.len && h->line.data[h->line.len - 1] == '\r')
		h->line.data[--h->line.len] = '\0';
	/* Cleaned first: an escape sequence inside a secret would hide it. Cut after: half a secret is one,
	 * too. */
	text_clean(clean, LINE_BYTES + 1, buf_text(&h->line), h->line.len);
	cut_secrets(h, clean, &out);
	text_copy(clean, SAID_BYTES, buf_text(&out));
	buf_reset(&out);
	buf_adds(&out, clean);
	buf_adds(&out, h->line_cut ? " [cut]\n" : "\n");
	write_log(h, &out);
	buf_done(&out);
	free(clean);
	buf_reset(&h->line);
	h->line_cut = false;
	h->said_ms = clock_life_ms();
}

/* A carriage return begins the line anew, as on a terminal; a bar that moves is shown once a second. */
static void take_bytes(struct holder *h, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n') {
			say_line(h);
			continue;
		}
		if (h->line.len && h->line.data[h->line.len - 1] == '\r') {
			h->line.data[--h->line.len] = '\0';
			if (data[i] != '\r' && h->line.len && clock_life_ms() - h->said_ms >= QUIET_MS)
				say_line(h);
			else if (data[i] != '\r')
				buf_reset(&h->line);
		}
		if (h->line.len < LINE_BYTES)
			buf_addc(&h->line, data[i]);
		else
			h->line_cut = true;
	}
}

/* False when nothing more can come. */
static bool read_output(struct holder *h)
{
	char chunk[16384];
	ssize_t n = read(h->out_fd, chunk, sizeof chunk);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n <= 0) /* EIO: the last one has closed the terminal's other end */
		return false;
	take_bytes(h, chunk, (size_t)n);
	return true;
}

/* ---- the program ---- */

/* The output's two ends; a terminal of 200 columns, so that tables come unbroken. */
static int open_output(const struct holder *h, int *ours)
{
	int fds[2];
	if (h->start->pipe) {
		if (pipe2(fds, O_CLOEXEC) < 0)
			return -1;
		*ours = fds[0];
		return fds[1];
	}
	struct winsize size = {.ws_row = 50, .ws_col = 200};
	char name[64];
	*ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*ours < 0 || grantpt(*ours) < 0 || unlockpt(*ours) < 0 ||
	    ptsname_r(*ours, name, sizeof name) != 0)
		return -1;
	ioctl(*ours, TIOCSWINSZ, &size);
	return open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static int open_input(const struct holder *h)
{
	int fds[2];
	if (!h->start->input)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	/* A pipe holds it all: it goes in before anybody reads, and nobody has to wait. */
	if (fcntl(fds[1], F_SETFL, O_NONBLOCK) < 0 ||
	    write(fds[1], h->start->input, h->start->input_len) != (ssize_t)h->start->input_len) {
		close(fds[0]);
		fds[0] = -1;
	}
	close(fds[1]);
	return fds[0];
}

static _Noreturn void be_program(const struct holder *h, int in, int out, int go, int failed)
{
	char c;
	sigset_t none;
	setsid();
	if (!h->start->pipe)
		ioctl(out, TIOCSCTTY, 0);
	/* Not one instruction before it is written down who it is. */
	if (read(go, &c, 1) != 1)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	foreign_environment(h->start->env);
	bool ok = dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(out, 2) == 2 && dup2(failed, 3) == 3 &&
		  fcntl(3, F_SETFD, FD_CLOEXEC) == 0;
	close_range(4, UINT_MAX, 0);
	if (ok && (!h->start->dir || chdir(h->start->dir) == 0)) {
		/* execvp() promises not to change them */
		execvp(h->start->argv[0], (char *const *)(uintptr_t)h->start->argv);
	}
	int code = errno;
	ssize_t n = write(3, &code, sizeof code);
	_exit(n > 0 ? 127 : 126);
}

static void write_pid(struct holder *h)
{
	struct pty_who who;
	char dir[512];
	if (!pty_who_of(h->program, &who) ||
	    dprintf(h->pid_fd, "%d %llu %s\n", who.pid, who.born, who.boot) < 0 || fsync(h->pid_fd) < 0)
		give_up(h, 'I', "%s: %s; nothing was started", h->pid_path, strerror(errno));
	text_copy(dir, sizeof dir, h->pid_path);
	char *slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
	int fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
}

static void start_program(struct holder *h)
{
	int go[2] = {-1, -1}, failed[2] = {-1, -1};
	int in = open_input(h), out = open_output(h, &h->out_fd);
	if (in < 0 || out < 0 || pipe2(go, O_CLOEXEC) < 0 || pipe2(failed, O_CLOEXEC) < 0)
		give_up(h, 'I', "%s: no terminal for it: %s; nothing was started", h->start->argv[0],
			strerror(errno));
	h->program = fork();
	if (h->program < 0)
		give_up(h, 'I', "%s: no process: %s; nothing was started", h->start->argv[0],
			strerror(errno));
	if (h->program == 0) {
		close(go[1]); /* or it would wait for itself when the holder dies */
		be_program(h, in, out, go[0], failed[1]);
	}
	close(in);
	close(out);
	close(failed[1]);
	close(go[0]);
	write_pid(h);
	bool gone = write(go[1], "g", 1) != 1;
	close(go[1]);
	int code = 0;
	if (gone || read(failed[0], &code, sizeof code) > 0)
		give_up(h, code == ENOENT || code == EACCES || code == ENOEXEC ? 'C' : 'I',
			"%s could not be started: %s; nothing was done", h->start->argv[0],
			gone ? "it ended before it began" : strerror(code));
	close(failed[0]);
}

/* ---- the holder ---- */

static void open_files(struct holder *h)
{
	const char *b = h->start->base;
	char room[END_BYTES];
	memset(room, ' ', sizeof room);
	if (!text_copyf(h->rc_new, sizeof h->rc_new, "%s.rc.new", b))
		give_up(h, 'I', "%s: too long a name; nothing was started", b);
	text_copyf(h->pid_path, sizeof h->pid_path, "%s.pid", b);
	text_copyf(h->log_path, sizeof h->log_path, "%s.log", b);
	text_copyf(h->rc_path, sizeof h->rc_path, "%s.rc", b);
	h->pid_fd = open(h->pid_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (h->pid_fd < 0 && errno == EEXIST)
		give_up(h, 'R', "%s has been started here before (%s); it is looked at, never started twice",
			h->start->argv[0], h->pid_path);
	if (h->pid_fd < 0)
		give_up(h, 'I', "%s: %s; nothing was started", h->pid_path, strerror(errno));
	h->log_fd = open(h->log_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	/* Room for its end is taken now, for the disk may be full by then. */
	h->rc_fd = open(h->rc_new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (flock(h->pid_fd, LOCK_EX | LOCK_NB) < 0 || h->log_fd < 0 || h->rc_fd < 0 ||
	    write(h->rc_fd, room, sizeof room) != (ssize_t)sizeof room)
		give_up(h, 'I', "%s: %s; nothing was started", h->log_path, strerror(errno));
}

/* Of what the step had open only its lock and our answer stay. */
static void close_others(struct holder *h)
{
	int lock = h->start->lock_fd;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	h->answer_fd = fcntl(h->answer_fd, F_DUPFD_CLOEXEC, 10);
	if (lock >= 0)
		lock = fcntl(lock, F_DUPFD_CLOEXEC, 10);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	for (int fd = 3; fd < 10; fd++)
		close(fd);
	close_range((unsigned)(lock > h->answer_fd ? lock : h->answer_fd) + 1, UINT_MAX, 0);
	for (int fd = 10; fd < (lock > h->answer_fd ? lock : h->answer_fd); fd++)
		if (fd != lock && fd != h->answer_fd)
			close(fd);
}

static void write_end(struct holder *h, int status)
{
	char text[END_BYTES];
	text_copyf(text, sizeof text, "%s %d lost %lld", WIFSIGNALED(status) ? "signal" : "exit",
		   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), (long long)h->lost_lines);
	ssize_t n = pwrite(h->rc_fd, text, strlen(text), 0);
	if (n > 0 && fsync(h->rc_fd) == 0)
		rename(h->rc_new, h->rc_path);
}

/* Until it has ended: its silence, even a closed output, is no end. */
static void listen_until_end(struct holder *h)
{
	struct pollfd p[2] = {{.fd = h->out_fd, .events = POLLIN}, {.events = POLLIN}};
	p[1].fd = pidfd_open(h->program, 0);
	for (;;) {
		int ready = poll(p, 2, h->line.len || p[1].fd < 0 ? QUIET_MS : -1);
		if (ready == 0 && h->line.len)
			say_line(h);
		if (ready > 0 && p[0].revents && !read_output(h))
			p[0].fd = -1;
		else if ((ready > 0 && p[1].revents) || p[1].fd < 0)
			return;
	}
}

static void follow_program(struct holder *h)
{
	int status = 0;
	struct pollfd p = {.fd = h->out_fd, .events = POLLIN};
	listen_until_end(h);
	while (waitpid(h->program, &status, 0) < 0 && errno == EINTR)
		;
	for (int i = 0; i < REST_LOOKS && poll(&p, 1, REST_MS) > 0; i++)
		if (!read_output(h))
			break;
	if (h->line.len)
		say_line(h);
	write_end(h, status);
}

void pty_hold(const struct pty_start *start, int answer_fd)
{
	struct holder h = {.start = start, .answer_fd = answer_fd, .pid_fd = -1, .said_ms = clock_life_ms()};
	for (int s = 1; s < NSIG; s++)
		if (s != SIGCHLD && s != SIGKILL && s != SIGSTOP)
			signal(s, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_DUMPABLE, 0); /* it knows secrets */
	close_others(&h);
	open_files(&h);
	start_program(&h);
	dprintf(h.answer_fd, "ok");
	close(h.answer_fd);
	follow_program(&h);
	_exit(0);
}
