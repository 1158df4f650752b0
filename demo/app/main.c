/* The shop that moves in the demo night. One program, so that both sides run the very same thing. */
#include "demo/app/app.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stopping, told;

const char *app_env(const char *variable, const char *otherwise)
{
	const char *value = getenv(variable);

	return value && *value ? value : otherwise;
}

const char *app_name(void)
{
	return app_env("DYNO", app_env("KAMAL_CONTAINER_NAME", "app"));
}

void app_log(const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	size_t length = strlen(line);
	while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == ' '))
		line[--length] = '\0';
	for (char *c = line; *c; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	/* One call, so that lines of two threads never mix. */
	fprintf(stdout, "%s\n", line);
	fflush(stdout);
}

double app_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1000.0 + (double)now.tv_nsec / 1e6;
}

static void on_stop(int number)
{
	(void)number;
	stopping = 1;
	alarm(1);
}

static void on_alarm(int number)
{
	static const char text[] = "SIGTERM, stopping\n";

	(void)number;
	if (!told && write(STDOUT_FILENO, text, sizeof(text) - 1) < 0)
		_exit(1);
	_exit(0);
}

void app_catch_signals(void)
{
	/* No SA_RESTART: a sleep shall end. */
	struct sigaction stop = {.sa_handler = on_stop};
	struct sigaction late = {.sa_handler = on_alarm};
	struct sigaction pipe = {.sa_handler = SIG_IGN};

	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGALRM, &late, NULL);
	sigaction(SIGPIPE, &pipe, NULL);
}

bool app_stopping(void)
{
	return stopping != 0;
}

void app_stop(void)
{
	told = 1;
	alarm(1);
	app_log("SIGTERM, stopping");
}

/* In slices, because a signal between the look at the flag and the sleep would otherwise cost the whole
 * sleep. */
void app_sleep_ms(int64_t ms)
{
	double end_ms = app_now_ms() + (double)ms;

	while (!app_stopping()) {
		double left_ms = end_ms - app_now_ms();
		if (left_ms <= 0)
			return;
		struct timespec slice = {.tv_nsec = (long)((left_ms < 100 ? left_ms : 100) * 1e6)};
		nanosleep(&slice, NULL);
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} modes[] = {
	    {"web", app_web},
	    {"worker", app_worker},
	    {"run", app_run},
	    {"visitor", app_visitor},
	};

	for (size_t i = 0; argc == 2 && i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(argv[1], modes[i].name) == 0) {
			app_catch_signals();
			return modes[i].run();
		}
	}
	fprintf(stderr, "usage: app web|worker|run|visitor\n");
	return 2;
}
