/* One visitor's request, relayed to the service of its host, and its line in the log. */
#include "demo/proxy/proxy.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MAX_BYTES = 65536, CONNECT_MS = 5000, ANSWER_MS = 30000, HEAD_MS = 60000 };

struct request {
	int client, status, head_method;
	char head[HEAD_MAX_BYTES];
	size_t head_length, used;
	char method[16], path[2048], query[2048], host[256], agent[256], type[128], client_address[64],
	    id[37];
	int client_port;
	long long body_bytes, sent_bytes;
	char sent_type[128];
	struct timespec begun;
	struct route route;
	int routed;
};

/* Copies one header's value; "" when it is not there. The head ends with an empty line. */
static void header(const char *head, const char *name, char *value, size_t size)
{
	size_t length = strlen(name);
	value[0] = 0;
	for (const char *line = strstr(head, "\r\n"); line && line[2] != '\r'; line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, length) || line[length] != ':')
			continue;
		const char *start = line + length + 1;
		start += strspn(start, " \t");
		snprintf(value, size, "%.*s", (int)strcspn(start, "\r\n"), start);
		return;
	}
}

/* 0 when a whole head has come. What came after it is the start of the body. */
static int head_read(struct request *r)
{
	for (;;) {
		struct pollfd ready = {.fd = r->client, .events = POLLIN};
		if (poll(&ready, 1, HEAD_MS) <= 0 || r->used >= sizeof r->head - 1)
			return -1;
		ssize_t got = recv(r->client, r->head + r->used, sizeof r->head - 1 - r->used, 0);
		if (got <= 0)
			return -1;
		r->used += (size_t)got;
		r->head[r->used] = 0;
		char *end = strstr(r->head, "\r\n\r\n");
		if (end) {
			r->head_length = (size_t)(end - r->head) + 4;
			return 0;
		}
	}
}

static int head_parse(struct request *r)
{
	char target[4096], number[32];
	if (sscanf(r->head, "%15s %4095s HTTP/1.", r->method, target) != 2)
		return -1;
	snprintf(r->path, sizeof r->path, "%.*s", (int)strcspn(target, "?"), target);
	const char *query = strchr(target, '?');
	snprintf(r->query, sizeof r->query, "%s", query ? query + 1 : "");
	header(r->head, "Host", r->host, sizeof r->host);
	r->host[strcspn(r->host, ":")] = 0;
	header(r->head, "User-Agent", r->agent, sizeof r->agent);
	header(r->head, "Content-Type", r->type, sizeof r->type);
	header(r->head, "Content-Length", number, sizeof number);
	r->body_bytes = atoll(number);
	r->head_method = !strcmp(r->method, "HEAD");
	return 0;
}

static void answer(struct request *r, int status, const char *reason, const char *body)
{
	char head[512];
	int length =
	    snprintf(head, sizeof head,
		     "HTTP/1.1 %d %s\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %zu\r\n"
		     "X-Request-Id: %s\r\nConnection: close\r\n\r\n",
		     status, reason, strlen(body), r->id);
	r->status = status;
	r->sent_bytes = (long long)strlen(body);
	snprintf(r->sent_type, sizeof r->sent_type, "text/html; charset=utf-8");
	if (!send_all(r->client, head, (size_t)length) && !r->head_method)
		send_all(r->client, body, strlen(body));
}

static void answer_page(struct request *r, int status, const char *reason, const char *text)
{
	char page[2048], safe[1024];
	size_t used = 0;
	for (; *text && used < sizeof safe - 8; text++) {
		if (*text == '<' || *text == '>' || *text == '&')
			used += (size_t)snprintf(safe + used, 8, "&#%d;", *text);
		else
			safe[used++] = *text;
	}
	safe[used] = 0;
	snprintf(page, sizeof page,
		 "<!DOCTYPE html>\n<html>\n<head><title>%d "
		 "%s</title></head>\n<body><h1>%s</h1><p>%s</p></body>\n</html>\n",
		 status, reason, reason, safe);
	answer(r, status, reason, page);
}

static void error_log(const struct request *r, int error)
{
	char text[128];
	cJSON *line = log_begin("ERROR", "Error while proxying");
	snprintf(text, sizeof text, "dial tcp 127.0.0.1:%d: connect: %s", target_port(r->route.target),
		 error == ECONNREFUSED ? "connection refused" : strerror(error));
	cJSON_AddStringToObject(line, "target", r->route.target);
	cJSON_AddStringToObject(line, "path", r->path);
	cJSON_AddStringToObject(line, "error", text);
	log_object(line);
}

/* The client's head with our own forwarding headers, and with the connection to be closed after one answer.
 */
static int head_forward(const struct request *r, int upstream)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	const char *end = r->head + r->head_length - 2;
	for (const char *line = r->head; line < end;) {
		const char *next = strstr(line, "\r\n") + 2;
		if (strncasecmp(line, "Connection:", 11) && strncasecmp(line, "Keep-Alive:", 11) &&
		    strncasecmp(line, "X-Forwarded-", 12) && strncasecmp(line, "X-Request-Id:", 13))
			fwrite(line, 1, (size_t)(next - line), out);
		line = next;
	}
	fprintf(
	    out,
	    "X-Forwarded-For: %s\r\nX-Forwarded-Host: %s\r\nX-Forwarded-Proto: http\r\nX-Request-Id: %s\r\n"
	    "Connection: close\r\n\r\n",
	    r->client_address, r->host, r->id);
	fclose(out);
	int failed = send_all(upstream, text, size);
	free(text);
	return failed;
}

static int body_forward(const struct request *r, int upstream)
{
	char bytes[16384];
	long long left = r->body_bytes - (long long)(r->used - r->head_length);
	if (send_all(upstream, r->head + r->head_length, r->used - r->head_length))
		return -1;
	while (left > 0) {
		struct pollfd ready = {.fd = r->client, .events = POLLIN};
		ssize_t got = poll(&ready, 1, ANSWER_MS) == 1 ? recv(r->client, bytes, sizeof bytes, 0) : -1;
		if (got <= 0 || send_all(upstream, bytes, (size_t)got))
			return -1;
		left -= got;
	}
	return 0;
}

static void answer_relay(struct request *r, int upstream)
{
	char bytes[32768], first[2048] = "";
	for (;;) {
		struct pollfd ready = {.fd = upstream, .events = POLLIN};
		int waited = poll(&ready, 1, ANSWER_MS);
		ssize_t got = waited == 1 ? recv(upstream, bytes, sizeof bytes, 0) : -1;
		if (got <= 0) {
			if (!r->status)
				answer_page(r, waited ? 502 : 504, waited ? "Bad Gateway" : "Gateway Timeout",
					    "");
			return;
		}
		if (!r->status) {
			snprintf(first, sizeof first, "%.*s", (int)got, bytes);
			r->status = got > 12 ? atoi(first + 9) : 502;
			header(first, "Content-Type", r->sent_type, sizeof r->sent_type);
			const char *end = strstr(first, "\r\n\r\n");
			r->sent_bytes -= end ? end - first + 4 : 0;
		}
		r->sent_bytes += got;
		if (send_all(r->client, bytes, (size_t)got))
			return;
	}
}

static void proxy_request(struct request *r)
{
	int upstream = target_connect(r->route.target, CONNECT_MS);
	if (upstream < 0) {
		error_log(r, errno);
		answer_page(r, 502, "Bad Gateway", "");
		return;
	}
	if (head_forward(r, upstream) || body_forward(r, upstream))
		answer_page(r, 502, "Bad Gateway", "");
	else
		answer_relay(r, upstream);
	close(upstream);
}

static void dispatch(struct request *r)
{
	r->routed = !services_route(r->host, &r->route);
	for (int waited_ms = 0; r->routed && r->route.state == PAUSE_PAUSED && waited_ms < ANSWER_MS;
	     waited_ms += 50) {
		poll(NULL, 0, 50);
		r->routed = !services_route(r->host, &r->route);
	}
	if (!r->routed)
		answer_page(r, 404, "Not Found", "");
	else if (r->route.state == PAUSE_STOPPED && !strcmp(r->path, r->route.health_path))
		answer(r, 200, "OK", "");
	else if (r->route.state == PAUSE_STOPPED)
		answer_page(r, 503, "Service Unavailable", r->route.stop_message);
	else if (r->route.state == PAUSE_PAUSED)
		answer_page(r, 504, "Gateway Timeout", "");
	else
		proxy_request(r);
}

static void request_log(const struct request *r)
{
	struct timespec now;
	const char *port = getenv("HTTP_PORT");
	char client_port[16];
	cJSON *line = log_begin("INFO", "Request");
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(client_port, sizeof client_port, "%d", r->client_port);
	cJSON_AddStringToObject(line, "host", r->host);
	cJSON_AddNumberToObject(line, "port", port ? atoi(port) : 80);
	cJSON_AddStringToObject(line, "path", r->path);
	cJSON_AddStringToObject(line, "request_id", r->id);
	cJSON_AddNumberToObject(line, "status", r->status);
	cJSON_AddStringToObject(line, "service", r->routed ? r->route.service : "");
	cJSON_AddStringToObject(line, "target",
				r->routed && r->route.state == PAUSE_RUNNING ? r->route.target : "");
	cJSON_AddNumberToObject(line, "duration",
				(double)(now.tv_sec - r->begun.tv_sec) * 1e9 +
				    (double)(now.tv_nsec - r->begun.tv_nsec));
	cJSON_AddStringToObject(line, "method", r->method);
	cJSON_AddNumberToObject(line, "req_content_length", (double)r->body_bytes);
	cJSON_AddStringToObject(line, "req_content_type", r->type);
	cJSON_AddNumberToObject(line, "resp_content_length", (double)r->sent_bytes);
	cJSON_AddStringToObject(line, "resp_content_type", r->sent_type);
	cJSON_AddStringToObject(line, "client_addr", r->client_address);
	cJSON_AddStringToObject(line, "client_port", client_port);
	cJSON_AddStringToObject(line, "remote_addr", r->client_address);
	cJSON_AddStringToObject(line, "user_agent", r->agent);
	cJSON_AddStringToObject(line, "proto", "HTTP/1.1");
	cJSON_AddStringToObject(line, "scheme", "http");
	cJSON_AddStringToObject(line, "query", r->query);
	log_object(line);
}

static void id_make(char id[37])
{
	unsigned char bytes[16];
	(void)!getrandom(bytes, sizeof bytes, 0);
	size_t at = 0;
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			id[at++] = '-';
		snprintf(id + at, 37 - at, "%02x", bytes[i]);
		at += 2;
	}
}

void request_serve(int client)
{
	struct sockaddr_in peer = {0};
	socklen_t size = sizeof peer;
	struct request *r = calloc(1, sizeof *r);
	if (!r) {
		close(client);
		return;
	}
	r->client = client;
	getpeername(client, (struct sockaddr *)&peer, &size);
	inet_ntop(AF_INET, &peer.sin_addr, r->client_address, sizeof r->client_address);
	r->client_port = ntohs(peer.sin_port);
	id_make(r->id);
	int whole = !head_read(r);
	clock_gettime(CLOCK_MONOTONIC, &r->begun);
	if (whole && !head_parse(r)) {
		dispatch(r);
		request_log(r);
	} else if (whole) {
		answer_page(r, 400, "Bad Request", "");
	}
	shutdown(client, SHUT_WR);
	close(client);
	free(r);
}
