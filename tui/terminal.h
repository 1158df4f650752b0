/* The seat's loop: the terminal, one socket, one timer. It gives keys, pastes and readiness to callbacks. */
#ifndef TUI_TERMINAL_H
#define TUI_TERMINAL_H

#include "core/base/err.h"
#include "panels/canvas.h"
#include "tui/theme.h"

struct terminal;

struct terminal_calls {
	void (*key)(void *ctx, const char *key, int64_t real_ms);
	void (*paste)(void *ctx, const char *text, size_t len,
		      int64_t real_ms); /* text without control bytes */
	void (*pasting)(void *ctx);     /* one has begun or goes on: what stops at any key stops now */
	void (*click)(void *ctx, int col, int row);
	void (*resized)(void *ctx, struct size size, int64_t real_ms);
	void (*socket)(void *ctx, bool readable, bool writable);
	void (*tick)(void *ctx, int64_t real_ms);  /* asked for by terminal_wake_in() */
	void (*ended)(void *ctx, const char *why); /* the terminal is gone, or a signal asks to leave */
};
struct terminal_options {
	const struct theme *theme;
	bool no_color, mouse;
};

/* Opens /dev/tty anew. NULL: `err` says what is missing. From here the terminal is put right at every exit.
 */
struct terminal *terminal_open(const struct terminal_options *options, const struct terminal_calls *calls,
			       void *ctx, struct err *err);
void terminal_close(struct terminal *terminal);
struct size terminal_size(struct terminal *terminal);
bool terminal_utf8(const struct terminal *terminal);      /* false: only ASCII can be shown */
int64_t terminal_now_ms(const struct terminal *terminal); /* real time, for bursts and blanks; never scaled */

void terminal_draw(struct terminal *terminal, const struct canvas *canvas, int cursor_col, int cursor_row);
void terminal_redraw(struct terminal *terminal); /* the next draw sends everything */
void terminal_theme(struct terminal *terminal, const struct theme *theme);
void terminal_title(struct terminal *terminal, const char *title);
void terminal_bell(struct terminal *terminal);
void terminal_bytes(struct terminal *terminal, const char *bytes, size_t len); /* OSC 52 */

/* Calls tick after so many real ms, or earlier if already asked for. */
void terminal_wake_in(struct terminal *terminal, int64_t ms);
/* Watches one socket; fd -1 stops. */
void terminal_socket(struct terminal *terminal, int fd, bool want_write);
void terminal_run(struct terminal *terminal);
void terminal_stop(struct terminal *terminal);
/* Ctrl-Z: only this process stops; returns when it goes on. */
void terminal_suspend(struct terminal *terminal);
/* Leaves the screen to a program and waits for it; returns its exit status, -1 when it could not start. */
int terminal_lend(struct terminal *terminal, char *const argv[], const char *banner);

#endif
