#include "tests/unit/canned.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* One connection, until it is cut, the list is over or a newer connection waits. */
static size_t serve_one(int listener, int fd, int out, const char *const *answers, size_t at, size_t n)
{
	char in[8192];
	size_t len = 0;

	while (at < n) {
		struct pollfd wait[] = {{.fd = fd, .events = POLLIN}, {.fd = listener, .events = POLLIN}};
		poll(wait, 2, -1);
		ssize_t got = wait[0].revents ? read(fd, in + len, sizeof in - 1 - len) : 0;
		if (got <= 0)
			break;
		len += (size_t)got;
		in[len] = '\0';
		if (!strstr(in, "\r\n\r\n"))
			continue;
		dprintf(out, "%.*s\n", (int)strcspn(in, "\r"), in);
		len = 0;
		const char *answer = answers[at++];
		if (!answer || write(fd, answer, strlen(answer)) < 0)
			break;
	}
	close(fd);
	return at;
}

static void serve(int listener, int out, const char *const *answers, size_t n)
{
	for (size_t at = 0; at < n;)
		at = serve_one(listener, accept(listener, NULL, NULL), out, answers, at, n);
}

struct server server_start(const char *const *answers, size_t n)
{
	struct server server;
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof here;
	int listener = socket(AF_INET, SOCK_STREAM, 0), ends[2];

	assert_int_equal(bind(listener, (struct sockaddr *)&here, size), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&here, &size), 0);
	assert_int_equal(pipe(ends), 0);
	server.port = ntohs(here.sin_port);
	server.said = ends[0];
	server.pid = fork();
	if (server.pid == 0) {
		close(ends[0]);
		serve(listener, ends[1], answers, n);
		_exit(0);
	}
	close(listener);
	close(ends[1]);
	return server;
}

/* All first lines it saw. */
char *server_stop(struct server *server)
{
	static char text[4096];
	size_t len = 0;
	ssize_t got;

	kill(server->pid, SIGTERM);
	waitpid(server->pid, NULL, 0);
	while ((got = read(server->said, text + len, sizeof text - 1 - len)) > 0)
		len += (size_t)got;
	text[len] = '\0';
	close(server->said);
	return text;
}

struct heroku *heroku_at(int port, struct job **job)
{
	char text[200];
	struct err err = {0};
	snprintf(text, sizeof text,
		 "{\"heroku\":{\"app\":\"acme\",\"api\":\"http://127.0.0.1:%d\",\"data\":\"http://"
		 "127.0.0.1:%d/\"}}",
		 port, port);
	struct json *config = json_parse(text, strlen(text), &err);
	*job = job_by_hand("test", config, NULL);
	json_free(config);
	struct heroku *heroku = heroku_open(*job, HEROKU_BRISK, &err);
	assert_non_null(heroku);
	heroku_hush(heroku, true);
	return heroku;
}
