/* The demo with a screen: the cockpit opens at once, the world and its engine start behind it. */
#include "tui/flight.h"
#include "core/base/text.h"
#include "core/cmds/cmds.h"
#include "core/cmds/demo.h"
#include "core/night/place.h"
#include "panels/start.h"
#include "tui/seat.h"
#include "tui/terminal.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct starting {
	int fd; /* each line of progress goes here; the seat shows the file until the engine answers */
};

static void say_progress(void *arg, const char *line)
{
	const struct starting *s = arg;
	if (write(s->fd, line, strlen(line)) < 0 || write(s->fd, "\n", 1) < 0)
		return; /* only a picture is lost */
}

/* What goes wrong is the last line of the file. */
static int start_world(struct demo *demo, const char *dir, struct starting *s)
{
	struct err err = {0};
	struct json *config = NULL;
	int rc = demo_world(demo, say_progress, s, &err);
	if (rc == 0)
		rc = demo_environment(demo, &err);
	if (rc == 0)
		rc = (config = cmd_config(demo->config, &err)) ? 0 : -1;
	if (rc == 0)
		rc = night_open_in(dir, config, &err);
	json_free(config);
	if (rc < 0) {
		char line[700];
		text_copyf(line, sizeof line, "! %s", err.text);
		say_progress(s, line);
	}
	return rc;
}

void flight_start(struct flight *f, void (*then)(void *ctx, const struct flight *), void *ctx)
{
	f->behind = fork();
	if (f->behind != 0)
		return;
	struct starting s = {.fd = open(f->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)};
	setsid();
	signal(SIGINT, SIG_IGN);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	int rc = start_world(&f->demo, f->dir, &s);
	if (rc == 0 && then)
		then(ctx, f);
	_exit(rc < 0 ? 1 : 0);
}

int flight_prepare(struct flight *f, struct err *err)
{
	memset(f, 0, sizeof *f);
	if (demo_prepare(&f->demo, err) < 0)
		return -1;
	setenv("NIGHTFERRY_STATE", f->demo.state, 1);
	if (place_new_night("acme", false, f->dir, sizeof f->dir, err) < 0)
		return -1;
	text_copyf(f->socket, sizeof f->socket, "%s/seat.sock", f->dir);
	text_copyf(f->log, sizeof f->log, "%s/starting", f->demo.state);
	text_copyf(f->hint, sizeof f->hint, "NIGHTFERRY_STATE=%s nightferry attach --config %s",
		   f->demo.state, f->demo.config);
	return 0;
}

int flight_sit(const struct flight *f, const char *question, const char *theme, bool ascii, bool *asked)
{
	struct seat_options o = {
	    .socket = f->socket,
	    .stop_asked = asked,
	    .name = "you",
	    .theme = theme,
	    .ascii = ascii,
	    .starting_log = f->log,
	    .attach_hint = f->hint,
	    .stop_hint = "demo/world stop",
	    .quit_question = question,
	};
	return seat_main(&o);
}

/* The seat leaves at once, the engine when what it runs has come to its next safe point. */
bool flight_landed(const struct flight *f, bool asked)
{
	for (int i = 0; asked && i < 300 && night_engine_runs(f->dir); i++)
		poll(NULL, 0, 50);
	return !night_engine_runs(f->dir);
}

int flight_demo(const char *theme, bool ascii)
{
	struct flight f;
	struct err err = {0};
	bool asked = false;
	if (flight_prepare(&f, &err) < 0)
		return cmd_fail(&err);
	flight_start(&f, NULL, NULL);
	int status = flight_sit(&f, "Stop the demo world, too? Its journal stays.", theme, ascii, &asked);
	waitpid(f.behind, NULL, 0);
	if (flight_landed(&f, asked)) {
		demo_stop(&f.demo);
		printf("The demo world is stopped. The night stays in %s\n", f.dir);
	} else {
		printf("The demo world runs on in %s. To end it: nightferry stop --config %s; %s stop %s\n",
		       f.demo.world, f.demo.config, NIGHTFERRY_SOURCE "/demo/world", f.demo.world);
	}
	return status;
}

/* The first screen where nothing is set up: three choices. */
struct welcome {
	struct terminal *terminal;
	struct canvas *canvas;
	int selected, chosen; /* chosen -1: none yet, -2: left */
	char folder[300];
};

static void welcome_draw(struct welcome *w)
{
	struct size size = terminal_size(w->terminal);
	canvas_free(w->canvas);
	w->canvas = canvas_new(size, !terminal_utf8(w->terminal));
	start_draw(w->canvas, w->selected, w->folder, "no nightferry.yml is here");
	terminal_draw(w->terminal, w->canvas, -1, -1);
}

static void welcome_key(void *ctx, const char *key, int64_t real_ms)
{
	struct welcome *w = ctx;
	(void)real_ms;
	if (text_equal(key, "Up") || text_equal(key, "k"))
		w->selected = (w->selected + START_CHOICES - 1) % START_CHOICES;
	else if (text_equal(key, "Down") || text_equal(key, "j") || text_equal(key, "Tab"))
		w->selected = (w->selected + 1) % START_CHOICES;
	else if (text_equal(key, "Enter"))
		w->chosen = w->selected;
	else if (key[0] >= '1' && key[0] < '1' + START_CHOICES && !key[1])
		w->chosen = key[0] - '1';
	else if (text_equal(key, "q") || text_equal(key, "Esc"))
		w->chosen = -2;
	if (w->chosen != -1)
		terminal_stop(w->terminal);
	else
		welcome_draw(w);
}

static void welcome_resized(void *ctx, struct size size, int64_t real_ms)
{
	(void)size;
	(void)real_ms;
	welcome_draw(ctx);
}

static void welcome_ended(void *ctx, const char *why)
{
	struct welcome *w = ctx;
	(void)why;
	w->chosen = -2;
	terminal_stop(w->terminal);
}

static void welcome_nothing(void *ctx, const char *text, size_t len, int64_t real_ms)
{
	(void)ctx;
	(void)text;
	(void)len;
	(void)real_ms;
}

static void welcome_click(void *ctx, int col, int row)
{
	(void)ctx;
	(void)col;
	(void)row;
}

static void welcome_socket(void *ctx, bool readable, bool writable)
{
	(void)ctx;
	(void)readable;
	(void)writable;
}

static void welcome_tick(void *ctx, int64_t real_ms)
{
	(void)ctx;
	(void)real_ms;
}

int flight_welcome(void)
{
	static const struct terminal_calls calls = {.key = welcome_key,
						    .paste = welcome_nothing,
						    .click = welcome_click,
						    .resized = welcome_resized,
						    .socket = welcome_socket,
						    .tick = welcome_tick,
						    .ended = welcome_ended};
	struct welcome w = {.chosen = -1};
	struct err err = {0};
	struct theme theme;
	const char *no_color = getenv("NO_COLOR");
	if (!getcwd(w.folder, sizeof w.folder))
		w.folder[0] = '\0';
	theme_default(&theme);
	struct terminal_options options = {.theme = &theme, .no_color = no_color && *no_color};
	if (!(w.terminal = terminal_open(&options, &calls, &w, &err)))
		return cmd_fail(&err);
	welcome_draw(&w);
	terminal_run(w.terminal);
	terminal_close(w.terminal);
	canvas_free(w.canvas);
	if (w.chosen == START_DEMO)
		return flight_demo(NULL, false);
	if (w.chosen == START_SETUP) {
		char *init[] = {(char *)(uintptr_t) "init", NULL};
		return init_cmd.run(1, init);
	}
	if (w.chosen != START_LOOK)
		return EXIT_DONE;
	struct seat_options o = {
	    .journal = FLIGHT_RECORDED, .trace = FLIGHT_RECORDED_TRACE, .speed = 10, .name = "replay"};
	return seat_main(&o);
}
