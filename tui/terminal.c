#include "tui/terminal.h"
#include "core/base/buf.h"
#include "core/base/text.h"
#include "tui/screen.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <uv.h>

/* A paste whose end was lost with a line that broke is over after so much silence, or when so many keys have
 * come one by one, as a hand sends them; or the seat would stay deaf. */
enum { PASTE_QUIET_MS = 3000, HAND_GAP_MS = 100, HAND_KEYS = 3 };

struct terminal {
	uv_loop_t loop;
	uv_poll_t keys;
	uv_poll_t *socket; /* on the heap: a handle lives on until the loop has closed it */
	uv_timer_t timer;
	uv_signal_t signals[4];
	struct terminal_calls calls;
	void *ctx;
	struct screen *screen;
	FILE *in, *out;
	struct size size;
	int socket_fd, timer_armed;
	bool pasting, ended;
	int one_by_one; /* keys of this paste, the newest */
	struct buf paste;
	int64_t timer_at_ms, paste_heard_ms;
};

/* What the crash handler may touch: plain data, set once the terminal is ours. */
static struct {
	volatile sig_atomic_t fd;
	size_t len;
	char bytes[256];
	struct termios modes;
} rescue = {.fd = -1};

static void crashed(int signo)
{
	if (rescue.fd >= 0) {
		ssize_t unused = write(rescue.fd, rescue.bytes, rescue.len);
		(void)unused;
		tcsetattr(rescue.fd, TCSANOW, &rescue.modes);
	}
	/* SA_RESETHAND has put the default back: the process dies of the same signal, core dump and all. */
	raise(signo);
}

static void crash_signals(void)
{
	static const int signals[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
	struct sigaction action = {.sa_handler = crashed, .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* A seat in the background that draws would be stopped by TTOU while it gives the terminal back. */
	signal(SIGTTOU, SIG_IGN);
}

int64_t terminal_now_ms(const struct terminal *terminal)
{
	(void)terminal;
	return (int64_t)(uv_hrtime() / 1000000u);
}

static void ended(struct terminal *terminal, const char *why)
{
	if (terminal->ended)
		return;
	terminal->ended = true;
	terminal->calls.ended(terminal->ctx, why);
}

static void resized(struct terminal *terminal)
{
	struct size size = screen_measure(terminal->screen);

	if (size.cols == terminal->size.cols && size.rows == terminal->size.rows)
		return;
	terminal->size = size;
	terminal->calls.resized(terminal->ctx, size, terminal_now_ms(terminal));
}

/* Text of a paste: one printable character at a time, line ends become blanks. */
static void paste_add(struct terminal *terminal, const char *name)
{
	if (strcmp(name, "Space") == 0 || strcmp(name, "Enter") == 0 || strcmp(name, "Tab") == 0)
		buf_addc(&terminal->paste, ' ');
	else if (text_width(name) <= 2 && (unsigned char)name[0] > 32 &&
		 (strlen(name) == 1 || (name[0] & 0x80)))
		buf_adds(&terminal->paste, name);
}

static void paste_end(struct terminal *terminal)
{
	struct buf text = terminal->paste;

	terminal->pasting = false;
	terminal->paste = (struct buf){0};
	terminal->calls.paste(terminal->ctx, buf_text(&text), text.len, terminal_now_ms(terminal));
	buf_done(&text);
}

static void paste_goes_on(struct terminal *terminal)
{
	int64_t now_ms = terminal_now_ms(terminal);
	bool lone = terminal->pasting && now_ms - terminal->paste_heard_ms >= HAND_GAP_MS;

	terminal->one_by_one = lone ? terminal->one_by_one + 1 : 0;
	terminal->pasting = true;
	terminal->paste_heard_ms = now_ms;
	terminal->calls.pasting(terminal->ctx);
}

static void keys_read(struct terminal *terminal)
{
	char name[16];
	int col, row;

	while (!terminal->ended) {
		enum screen_event event = screen_key(terminal->screen, name, &col, &row);
		switch (event) {
		case SCREEN_NOTHING: return;
		case SCREEN_PASTE_BEGIN: paste_goes_on(terminal); break;
		case SCREEN_PASTE_END: paste_end(terminal); break;
		case SCREEN_RESIZE: resized(terminal); break;
		case SCREEN_CLICK: terminal->calls.click(terminal->ctx, col, row); break;
		case SCREEN_KEY:
			if (!terminal->pasting) {
				terminal->calls.key(terminal->ctx, name, terminal_now_ms(terminal));
				break;
			}
			paste_goes_on(terminal);
			if (terminal->paste.len < 65536)
				paste_add(terminal, name);
			if (terminal->one_by_one >= HAND_KEYS)
				paste_end(terminal);
			break;
		}
	}
}

static void on_keys(uv_poll_t *handle, int status, int events)
{
	struct terminal *terminal = handle->data;
	struct pollfd gone = {.fd = fileno(terminal->in), .events = POLLIN};

	(void)events;
	if (status < 0) {
		ended(terminal, "the terminal is gone");
		return;
	}
	keys_read(terminal);
	if (poll(&gone, 1, 0) > 0 && (gone.revents & (POLLHUP | POLLERR | POLLNVAL)))
		ended(terminal, "the terminal is gone");
}

static void on_socket(uv_poll_t *handle, int status, int events)
{
	struct terminal *terminal = handle->data;

	terminal->calls.socket(terminal->ctx, status < 0 || (events & (UV_READABLE | UV_DISCONNECT)),
			       status >= 0 && (events & UV_WRITABLE));
}

static void on_timer(uv_timer_t *timer)
{
	struct terminal *terminal = timer->data;

	terminal->timer_armed = 0;
	if (terminal->pasting && terminal_now_ms(terminal) - terminal->paste_heard_ms >= PASTE_QUIET_MS)
		paste_end(terminal);
	terminal->calls.tick(terminal->ctx, terminal_now_ms(terminal));
}

static void on_signal(uv_signal_t *handle, int signo)
{
	struct terminal *terminal = handle->data;

	if (signo == SIGWINCH)
		resized(terminal);
	else
		ended(terminal,
		      signo == SIGHUP ? "the terminal is gone" : "a signal asked this seat to leave");
}

static FILE *tty_open(int flags, const char *mode, struct err *err)
{
	int fd = open("/dev/tty", flags | O_CLOEXEC | O_NOCTTY);
	FILE *file = fd >= 0 ? fdopen(fd, mode) : NULL;

	if (!file) {
		err_set(err, ERR_IO,
			"this process has no terminal (/dev/tty: %s); start a seat from a terminal, or use "
			"`nightferry status`",
			strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	return file;
}

static void loop_open(struct terminal *terminal)
{
	static const int signals[4] = {SIGWINCH, SIGTERM, SIGHUP, SIGINT};

	uv_loop_init(&terminal->loop);
	uv_poll_init(&terminal->loop, &terminal->keys, fileno(terminal->in));
	terminal->keys.data = terminal;
	uv_poll_start(&terminal->keys, UV_READABLE, on_keys);
	uv_timer_init(&terminal->loop, &terminal->timer);
	terminal->timer.data = terminal;
	for (int i = 0; i < 4; i++) {
		uv_signal_init(&terminal->loop, &terminal->signals[i]);
		terminal->signals[i].data = terminal;
		uv_signal_start(&terminal->signals[i], on_signal, signals[i]);
	}
}

struct terminal *terminal_open(const struct terminal_options *options, const struct terminal_calls *calls,
			       void *ctx, struct err *err)
{
	struct terminal *terminal = xcalloc(1, sizeof(*terminal));

	terminal->calls = *calls;
	terminal->ctx = ctx;
	terminal->socket_fd = -1;
	/* Two descriptions of the same terminal: reading must not wait, drawing must not lose bytes. */
	terminal->in = tty_open(O_RDONLY | O_NONBLOCK, "r", err);
	terminal->out = terminal->in ? tty_open(O_RDWR, "w+", err) : NULL;
	if (!terminal->out)
		goto failed;
	tcgetattr(fileno(terminal->out), &rescue.modes);
	terminal->screen =
	    screen_open(terminal->in, terminal->out, options->theme, options->no_color, options->mouse, err);
	if (!terminal->screen)
		goto failed;
	rescue.len = screen_rescue(terminal->screen, rescue.bytes, sizeof(rescue.bytes));
	rescue.fd = fileno(terminal->out);
	crash_signals();
	terminal->size = screen_measure(terminal->screen);
	loop_open(terminal);
	return terminal;
failed:
	if (terminal->in)
		fclose(terminal->in);
	if (terminal->out)
		fclose(terminal->out);
	free(terminal);
	return NULL;
}

static void close_handle(uv_handle_t *handle, void *unused)
{
	(void)unused;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

void terminal_close(struct terminal *terminal)
{
	if (!terminal)
		return;
	terminal_socket(terminal, -1, false);
	uv_walk(&terminal->loop, close_handle, NULL);
	uv_run(&terminal->loop, UV_RUN_DEFAULT);
	uv_loop_close(&terminal->loop);
	screen_close(terminal->screen);
	tcsetattr(fileno(terminal->out), TCSADRAIN, &rescue.modes);
	rescue.fd = -1;
	fclose(terminal->in);
	fclose(terminal->out);
	buf_done(&terminal->paste);
	free(terminal);
}

struct size terminal_size(struct terminal *terminal)
{
	return terminal->size;
}

bool terminal_utf8(const struct terminal *terminal)
{
	return screen_utf8(terminal->screen);
}

void terminal_draw(struct terminal *terminal, const struct canvas *canvas, int cursor_col, int cursor_row)
{
	screen_draw(terminal->screen, canvas, cursor_col, cursor_row);
}

void terminal_redraw(struct terminal *terminal)
{
	screen_forget(terminal->screen);
}

void terminal_theme(struct terminal *terminal, const struct theme *theme)
{
	screen_theme(terminal->screen, theme);
}

void terminal_bytes(struct terminal *terminal, const char *bytes, size_t len)
{
	fwrite(bytes, 1, len, terminal->out);
	fflush(terminal->out);
}

void terminal_title(struct terminal *terminal, const char *title)
{
	const char *term = getenv("TERM");
	char clean[160], bytes[200];

	if (!term || strcmp(term, "dumb") == 0 || strcmp(term, "linux") == 0 || text_starts(term, "vt"))
		return;
	text_clean(clean, sizeof(clean), title, strlen(title));
	text_copyf(bytes, sizeof(bytes), "\033]2;%s\a", clean);
	terminal_bytes(terminal, bytes, strlen(bytes));
}

void terminal_bell(struct terminal *terminal)
{
	screen_bell(terminal->screen);
}

void terminal_wake_in(struct terminal *terminal, int64_t ms)
{
	int64_t at_ms = terminal_now_ms(terminal) + (ms > 0 ? ms : 0);

	if (terminal->timer_armed && terminal->timer_at_ms <= at_ms)
		return;
	terminal->timer_armed = 1;
	terminal->timer_at_ms = at_ms;
	uv_update_time(&terminal->loop);
	uv_timer_start(&terminal->timer, on_timer, (uint64_t)(ms > 0 ? ms : 0), 0);
}

static void socket_closed(uv_handle_t *handle)
{
	free(handle);
}

void terminal_socket(struct terminal *terminal, int fd, bool want_write)
{
	if (terminal->socket && terminal->socket_fd != fd) {
		uv_close((uv_handle_t *)terminal->socket, socket_closed);
		terminal->socket = NULL;
	}
	terminal->socket_fd = fd;
	if (fd < 0)
		return;
	if (!terminal->socket) {
		terminal->socket = xcalloc(1, sizeof(*terminal->socket));
		uv_poll_init(&terminal->loop, terminal->socket, fd);
		terminal->socket->data = terminal;
	}
	uv_poll_start(terminal->socket, UV_READABLE | UV_DISCONNECT | (want_write ? UV_WRITABLE : 0),
		      on_socket);
}

void terminal_run(struct terminal *terminal)
{
	uv_run(&terminal->loop, UV_RUN_DEFAULT);
}

void terminal_stop(struct terminal *terminal)
{
	uv_stop(&terminal->loop);
}

static void take_back(struct terminal *terminal)
{
	screen_return(terminal->screen);
	terminal->size = (struct size){0};
	resized(terminal);
}

void terminal_suspend(struct terminal *terminal)
{
	screen_leave(terminal->screen);
	raise(SIGTSTP);
	take_back(terminal);
}

/* The program must not inherit our deaf ears. */
static void lend_child(struct terminal *terminal, char *const argv[])
{
	int fd = fileno(terminal->out);

	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGTTOU, SIG_DFL);
	execvp(argv[0], argv);
	_exit(127);
}

int terminal_lend(struct terminal *terminal, char *const argv[], const char *banner)
{
	int status = -1;
	pid_t pid;

	screen_leave(terminal->screen);
	fprintf(terminal->out, "%s\n", banner);
	fflush(terminal->out);
	pid = fork();
	if (pid == 0)
		lend_child(terminal, argv);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	take_back(terminal);
	return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
