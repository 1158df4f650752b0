#include "demo/http/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* A request while its body arrives. */
struct pending {
	struct http_request req;
	char *body;
	size_t size, room;
	cJSON *json;
};

void http_lock(void)
{
	pthread_mutex_lock(&lock);
}

void http_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

long http_number(const char *text, long fallback)
{
	char *end;
	long value = text ? strtol(text, &end, 10) : -1;
	return text && *text && !*end && value > 0 ? value : fallback;
}

void http_init(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void http_wait(void)
{
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	while (sigwait(&set, &got) != 0)
		continue;
}

static void args_clear(struct http_request *req)
{
	for (size_t i = 0; i < HTTP_ARGS_MAX; i++) {
		free(req->args[i].name);
		free(req->args[i].value);
		req->args[i].name = req->args[i].value = NULL;
	}
}

/* Compares segment by segment and keeps the named ones. */
static bool path_match(struct http_request *req, const char *pattern, const char *path)
{
	size_t count = 0;

	args_clear(req);
	while (*pattern == '/' && *path == '/') {
		size_t want = strcspn(++pattern, "/"), have = strcspn(++path, "/");
		if (want == 1 && *pattern == '*')
			return true;
		if (*pattern == ':' && have > 0 && count < HTTP_ARGS_MAX) {
			req->args[count].name = strndup(pattern + 1, want - 1);
			req->args[count++].value = strndup(path, have);
		} else if (want != have || strncmp(pattern, path, want) != 0) {
			return false;
		}
		pattern += want;
		path += have;
	}
	return *pattern == '\0' && (*path == '\0' || strcmp(path, "/") == 0);
}

static const struct http_route *route_find(const struct http_config *config, struct http_request *req)
{
	for (size_t i = 0; i < config->routes_count; i++) {
		const struct http_route *r = &config->routes[i];
		bool method = strcmp(r->method, "*") == 0 || strcmp(r->method, req->method) == 0 ||
			      (strcmp(r->method, "GET") == 0 && strcmp(req->method, "HEAD") == 0);
		if (method && path_match(req, r->path, req->path))
			return r;
	}
	args_clear(req);
	return NULL;
}

static void route_run(struct http_server *server, struct http_request *req, struct http_reply *reply)
{
	const struct http_config *config = &server->config;
	const struct http_route *route = route_find(config, req);

	if (config->before && config->before(req, reply))
		goto after;
	if (route && route->unlocked) {
		http_unlock();
		route->handle(req, reply);
		http_lock();
	} else if (route) {
		route->handle(req, reply);
	} else if (config->missing) {
		config->missing(req, reply);
	} else {
		http_reply_text(reply, 404, "application/json", "{\"message\":\"Not found\"}");
	}
after:
	if (config->after)
		config->after(req, reply);
}

static void pause_for(double seconds)
{
	struct timespec t = {.tv_sec = (time_t)seconds};

	t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		continue;
}

/* The whole life of a complete request: rule, hang, route, log line. */
static enum MHD_Result request_answer(struct http_server *server, struct http_request *req)
{
	struct http_reply reply;
	struct ctl_verdict verdict = {0};

	reply_init(&reply);
	http_lock();
	if (strcmp(req->path, "/__ctl") == 0) {
		ctl_handle(server, req, &reply);
		http_unlock();
		return reply_send(&reply, req->connection);
	}
	ctl_match(server, req, &verdict);
	if (verdict.act)
		route_run(server, req, &reply);
	http_unlock();
	if (verdict.hang_s > 0)
		pause_for(verdict.hang_s);
	http_lock();
	if (!verdict.act && !verdict.answer && !verdict.drop)
		route_run(server, req, &reply);
	ctl_apply(&verdict, &reply);
	ctl_done(&verdict);
	if (server->log) {
		fprintf(server->log, "%s %s %d\n", req->method, req->path, reply.drop ? 0 : reply.status);
		fflush(server->log);
	}
	http_unlock();
	return reply_send(&reply, req->connection);
}

static bool body_add(struct pending *p, const char *data, size_t size)
{
	if (p->size + size + 1 > p->room) {
		size_t room = (p->size + size + 1) * 2;
		char *grown = realloc(p->body, room);
		if (!grown)
			return false;
		p->body = grown;
		p->room = room;
	}
	memcpy(p->body + p->size, data, size);
	p->size += size;
	p->body[p->size] = '\0';
	return true;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *connection, const char *path,
				 const char *method, const char *version, const char *data, size_t *size,
				 void **slot)
{
	struct http_server *server = cls;
	struct pending *p = *slot;

	(void)version;
	if (!p) {
		p = calloc(1, sizeof *p);
		*slot = p;
		return p ? MHD_YES : MHD_NO;
	}
	if (*size > 0) {
		bool kept = body_add(p, data, *size);
		*size = 0;
		return kept ? MHD_YES : MHD_NO;
	}
	p->json = p->size ? cJSON_ParseWithLength(p->body, p->size) : NULL;
	p->req.method = method;
	p->req.path = path;
	p->req.body = p->body ? p->body : "";
	p->req.body_size = p->size;
	p->req.json = p->json;
	p->req.ctx = server->config.ctx;
	p->req.connection = connection;
	return request_answer(server, &p->req);
}

static void on_complete(void *cls, struct MHD_Connection *connection, void **slot,
			enum MHD_RequestTerminationCode code)
{
	struct pending *p = *slot;

	(void)cls;
	(void)connection;
	(void)code;
	if (!p)
		return;
	args_clear(&p->req);
	cJSON_Delete(p->json);
	free(p->body);
	free(p);
	*slot = NULL;
}

static char *file_text(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 65536);

	if (!f || !text || fread(text, 1, 65535, f) == 0) {
		fprintf(stderr, "http: %s cannot be read: %s\n", path, strerror(errno));
		free(text);
		text = NULL;
	}
	if (f)
		fclose(f);
	return text;
}

static struct MHD_Daemon *listen_on(struct http_server *server, const char *address, const char *cert,
				    const char *key)
{
	unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD;
	struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(server->config.port)};
	struct MHD_Daemon *daemon;
	struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)cert},
				       {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key},
				       {MHD_OPTION_END, 0, NULL}};
	struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};

	inet_pton(AF_INET, address, &where.sin_addr);
	daemon = MHD_start_daemon(flags | (cert ? MHD_USE_TLS : 0), server->config.port, NULL, NULL,
				  on_access, server, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&where,
				  MHD_OPTION_NOTIFY_COMPLETED, on_complete, NULL, MHD_OPTION_ARRAY,
				  cert ? tls : none, MHD_OPTION_END);
	if (!daemon)
		fprintf(stderr, "http: cannot listen on %s:%u: %s. Is the port taken?\n", address,
			server->config.port, strerror(errno));
	return daemon;
}

struct http_server *http_server_start(const struct http_config *config)
{
	struct http_server *server = calloc(1, sizeof *server);
	char *cert = config->cert_path ? file_text(config->cert_path) : NULL;
	char *key = config->key_path ? file_text(config->key_path) : NULL;

	if (!server || (config->cert_path && (!cert || !key)))
		return NULL;
	server->config = *config;
	if (!config->addresses[0])
		server->config.addresses[0] = "127.0.0.1";
	if (config->log_path)
		server->log = fopen(config->log_path, "ae");
	for (size_t i = 0; i < HTTP_ADDRESSES_MAX && server->config.addresses[i]; i++) {
		server->daemons[i] = listen_on(server, server->config.addresses[i], cert, key);
		if (!server->daemons[i])
			return NULL;
	}
	return server;
}
