/* The public: about six requests a second through public resolvers, at whatever address they give. */
#include "demo/app/app.h"
#include "demo/app/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAIT_MS = 2000, SERVERS = 8, REPORT_EVERY = 50 };

static const struct visit {
	const char *method, *host, *path;
} visits[] = {
    {"GET", "www.acme.example", "/"},         {"GET", "www.acme.example", "/products"},
    {"GET", "api.acme.example", "/v1/cart"},  {"GET", "www.acme.example", "/search?q=shoe"},
    {"GET", "www.acme.example", "/products"}, {"POST", "www.acme.example", "/cart"},
};

struct outcome {
	int status; /* 0: no answer */
	char by[64];
};

struct tally {
	int requests, ok, errors, failed, unresolved;
	int heroku, kamal;
};

/* A blocking exchange with a deadline at every wait. */
static bool wait_for(int fd, short events)
{
	struct pollfd wait = {.fd = fd, .events = events};

	return poll(&wait, 1, WAIT_MS) == 1;
}

static int connect_to(struct in_addr address, uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = address};
	int error = 0, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t size = sizeof(error);

	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	if (errno == EINPROGRESS && wait_for(fd, POLLOUT) &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0)
		return fd;
	close(fd);
	return -1;
}

/* Reads to the end, keeps what fits: the head is all that counts. */
static size_t read_all(int fd, char *head, size_t size)
{
	char rest[4096];
	size_t length = 0;

	while (wait_for(fd, POLLIN)) {
		char *to = length + 1 < size ? head + length : rest;
		size_t room = length + 1 < size ? size - 1 - length : sizeof(rest);
		ssize_t got = recv(fd, to, room, 0);
		if (got <= 0)
			break;
		if (to != rest)
			length += (size_t)got;
	}
	head[length] = '\0';
	return length;
}

static struct outcome read_outcome(const char *head)
{
	struct outcome outcome = {0};

	if (sscanf(head, "HTTP/1.%*c %d", &outcome.status) != 1)
		outcome.status = 0;
	const char *by = strcasestr(head, "\r\nX-Served-By: ");
	if (by)
		sscanf(by + strlen("\r\nX-Served-By: "), "%63[^\r\n]", outcome.by);
	return outcome;
}

static struct outcome make_visit(const struct visit *visit, struct in_addr address, uint16_t port)
{
	char request[512], head[2048];
	struct outcome none = {0};
	int fd = connect_to(address, port);

	if (fd < 0)
		return none;
	int length = snprintf(
	    request, sizeof(request),
	    "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: visitor\r\nConnection: close\r\n%s\r\n", visit->method,
	    visit->path, visit->host, visit->method[0] == 'P' ? "Content-Length: 0\r\n" : "");
	bool sent = send(fd, request, (size_t)length, MSG_NOSIGNAL) == length;
	size_t got = sent ? read_all(fd, head, sizeof(head)) : 0;
	close(fd);
	return got ? read_outcome(head) : none;
}

static void count(struct tally *tally, const struct outcome *outcome)
{
	if (outcome->status == 0)
		tally->failed++;
	else if (outcome->status >= 400)
		tally->errors++;
	else
		tally->ok++;
	if (strncmp(outcome->by, "heroku", 6) == 0)
		tally->heroku++;
	else if (strncmp(outcome->by, "kamal", 5) == 0)
		tally->kamal++;
}

static void report(struct tally *tally)
{
	app_log("visitor: %d requests, %d ok, %d errors, %d no answer, %d not resolved, heroku %d, kamal %d",
		tally->requests, tally->ok, tally->errors, tally->failed, tally->unresolved, tally->heroku,
		tally->kamal);
	*tally = (struct tally){0};
}

int app_visitor(void)
{
	char *resolvers = strdup(app_env("RESOLVERS", "")), *next = resolvers, *server;
	const char *servers[SERVERS];
	size_t known = 0;
	uint16_t port = (uint16_t)strtoul(app_env("HTTP_PORT", "80"), NULL, 10);
	struct tally tally = {0};

	while (known < SERVERS && (server = strsep(&next, " ,")))
		if (*server)
			servers[known++] = server;
	if (known == 0) {
		fprintf(stderr,
			"app visitor needs RESOLVERS, such as \"127.0.0.11#5353 127.0.0.12#5353\".\n");
		free(resolvers);
		return 2;
	}
	for (size_t turn = 0; !app_stopping(); turn++) {
		/* A visitor stays with one resolver, and all pages are asked for through both. */
		const struct visit *visit = &visits[turn / known % (sizeof(visits) / sizeof(visits[0]))];
		struct outcome outcome = {0};
		struct in_addr address;
		tally.requests++;
		if (resolve_a(servers[turn % known], visit->host, &address)) {
			outcome = make_visit(visit, address, port);
			count(&tally, &outcome);
		} else {
			tally.unresolved++;
		}
		if (tally.requests == REPORT_EVERY)
			report(&tally);
		app_sleep_ms(165);
	}
	app_stop();
	free(resolvers);
	return 0;
}
