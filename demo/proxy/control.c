/*
 * The control socket. A call is the arguments, each ended by NUL, and the end of writing; the answer is one
 * digit, the exit status, and the text to show.
 */
#include "demo/proxy/proxy.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CALL_MAX_BYTES = 16384, ARGS_MAX = 64 };

static const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = PROXY_SOCKET};

static const char *option_value(int argc, char **argv, const char *name)
{
	size_t length = strlen(name);
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], name, length))
			continue;
		if (argv[i][length] == '=')
			return argv[i] + length + 1;
		if (!argv[i][length] && i + 1 < argc)
			return argv[i + 1];
	}
	return "";
}

static int call_run(int argc, char **argv, FILE *out)
{
	const char *verb = argc > 0 ? argv[0] : "", *name = NULL;
	for (int i = 1; i < argc && !name; i++)
		name = strncmp(argv[i], "--", 2) ? argv[i] : NULL;
	if (!strcmp(verb, "deploy"))
		return deploy_run(argc, argv, out);
	if (!strcmp(verb, "list") || !strcmp(verb, "ls")) {
		services_list(out);
		return 0;
	}
	int known = 1, failed = -1;
	if (name && !strcmp(verb, "remove"))
		failed = services_remove(name);
	else if (name && !strcmp(verb, "resume"))
		failed = services_pause(name, PAUSE_RUNNING, "");
	else if (name && !strcmp(verb, "pause"))
		failed = services_pause(name, PAUSE_PAUSED, "");
	else if (name && !strcmp(verb, "stop"))
		failed = services_pause(name, PAUSE_STOPPED, option_value(argc, argv, "--message"));
	else
		known = 0;
	if (!known)
		fprintf(out, "Error: unknown command \"%s\" for \"kamal-proxy\"\n", verb);
	else if (failed)
		fputs("Error: service not found\n", out);
	return failed ? 1 : 0;
}

static void *call_thread(void *argument)
{
	int fd = (int)(intptr_t)argument, argc = 0;
	char call[CALL_MAX_BYTES + 1], *argv[ARGS_MAX + 1] = {0}, *text = NULL;
	size_t used = 0, size = 0;
	for (ssize_t got; used < CALL_MAX_BYTES && (got = read(fd, call + used, CALL_MAX_BYTES - used)) > 0;)
		used += (size_t)got;
	call[used] = 0;
	for (size_t at = 0; at < used && argc < ARGS_MAX; at += strlen(call + at) + 1)
		argv[argc++] = call + at;
	FILE *out = open_memstream(&text, &size);
	int status = call_run(argc, argv, out);
	fclose(out);
	if (!send_all(fd, status ? "1" : "0", 1))
		send_all(fd, text, size);
	free(text);
	close(fd);
	return NULL;
}

static void *control_thread(void *argument)
{
	int listener = (int)(intptr_t)argument;
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0 && thread_start(call_thread, fd))
			close(fd);
	}
	return NULL;
}

int control_start(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unlink(PROXY_SOCKET);
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) || listen(fd, 16)) {
		fprintf(stderr, "The control socket %s cannot be opened: %s.\n", PROXY_SOCKET,
			strerror(errno));
		return -1;
	}
	return thread_start(control_thread, fd);
}

int control_call(int argc, char **argv)
{
	char bytes[4096], status = 0;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (const struct sockaddr *)&address, sizeof address)) {
		fprintf(stderr, "Error: dial unix %s: connect: connection refused\n", PROXY_SOCKET);
		return 1;
	}
	for (int i = 0; i < argc; i++)
		if (send_all(fd, argv[i], strlen(argv[i]) + 1))
			return 1;
	shutdown(fd, SHUT_WR);
	if (read(fd, &status, 1) != 1) {
		fputs("Error: unexpected EOF\n", stderr);
		return 1;
	}
	for (ssize_t got; (got = read(fd, bytes, sizeof bytes)) > 0;)
		fwrite(bytes, 1, (size_t)got, status == '0' ? stdout : stderr);
	close(fd);
	return status != '0';
}
