/* The demo with a screen: the cockpit opens at once, the world and its engine start behind it. */
#include "tui/flight.h"
#include "core/base/text.h"
#include "core/cmds/cmds.h"
#include "core/cmds/demo.h"
#include "core/night/place.h"
#include "tui/seat.h"
#include <fcntl.h>
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

/* In its own process: the world, then the engine in `dir`. What goes wrong is the last line of the file. */
static void start_behind(struct demo *demo, const char *dir, const char *log)
{
	struct err err = {0};
	struct starting s = {.fd = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)};
	setsid();
	signal(SIGINT, SIG_IGN);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	struct json *config = NULL;
	int rc = demo_world(demo, say_progress, &s, &err);
	if (rc == 0)
		rc = demo_environment(demo, &err);
	if (rc == 0)
		rc = (config = cmd_config(demo->config, &err)) ? 0 : -1;
	if (rc == 0)
		rc = night_open_in(dir, config, &err);
	if (rc < 0) {
		char line[700];
		text_copyf(line, sizeof line, "! %s", err.text);
		say_progress(&s, line);
	}
	_exit(rc < 0 ? 1 : 0);
}

int flight_demo(const char *theme, bool ascii)
{
	struct demo demo;
	struct err err = {0};
	char dir[400], socket[480], log[300], hint[900];
	if (demo_prepare(&demo, &err) < 0)
		return cmd_fail(&err);
	setenv("NIGHTFERRY_STATE", demo.state, 1);
	if (place_new_night("acme", dir, sizeof dir, &err) < 0)
		return cmd_fail(&err);
	text_copyf(socket, sizeof socket, "%s/seat.sock", dir);
	text_copyf(log, sizeof log, "%s/starting", demo.state);
	pid_t pid = fork();
	if (pid == 0)
		start_behind(&demo, dir, log);
	text_copyf(hint, sizeof hint, "NIGHTFERRY_STATE=%s nightferry attach --config %s", demo.state, demo.config);
	struct seat_options o = {
	    .socket = socket,
	    .name = "you",
	    .theme = theme,
	    .ascii = ascii,
	    .starting_log = log,
	    .attach_hint = hint,
	    .stop_hint = "demo/world stop",
	    .quit_question = "Stop the demo world, too? Its journal stays.",
	};
	int status = seat_main(&o);
	waitpid(pid, NULL, 0);
	if (!night_engine_runs(dir)) {
		demo_stop(&demo);
		printf("The demo world is stopped. The night stays in %s\n", dir);
	} else {
		printf("The demo world runs on in %s. To end it: nightferry stop --config %s; %s stop %s\n", demo.world, demo.config,
		       NIGHTFERRY_SOURCE "/demo/world", demo.world);
	}
	return status;
}

int flight_welcome(void)
{
	fputs("nightferry: no nightferry.yml here. `nightferry replay` shows a recorded night, `nightferry demo` flies the demo, and the\n"
	      "README says what a nightferry.yml holds (six lines).\n",
	      stderr);
	return EXIT_USAGE;
}
