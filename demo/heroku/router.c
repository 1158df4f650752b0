/* Heroku's router: the maintenance page, the H-errors, and requests handed to the web dynos in turn. */
#include "demo/heroku/heroku.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BOOT_WAIT_MS = 5000, REQUEST_LIMIT_MS = 30000 };

static const char PAGE[] = "<!DOCTYPE html>\n<html><head><title>%s</title></head>\n"
			   "<body><h1>%s</h1><p>%s</p></body></html>\n";

struct query {
	CURL *curl;
	char *text;
};

static void query_pass(void *state, const char *name, const char *value)
{
	struct query *q = state;
	char *n = curl_easy_escape(q->curl, name, 0), *v = curl_easy_escape(q->curl, value, 0), *longer;

	if (asprintf(&longer, "%s%s%s=%s", q->text ? q->text : "", q->text ? "&" : "?", n, v) < 0)
		abort();
	free(q->text);
	q->text = longer;
	curl_free(n);
	curl_free(v);
}

/* What the router's log line tells. */
struct routed {
	const char *code, *desc;
	char *path; /* with the query, as the visitor sent it */
	char dyno[32], id[HEROKU_UUID_SIZE];
	long connect_ms, service_ms, bytes;
	int status;
};

static void routed_log(const struct http_request *req, const struct routed *r)
{
	const char *host = http_header(req, "Host"), *from = http_header(req, "X-Forwarded-For");
	char error[128] = "", timing[96] = "connect= service=";

	if (r->code)
		snprintf(error, sizeof error, "code=%s desc=\"%s\" ", r->code, r->desc);
	if (*r->dyno)
		snprintf(timing, sizeof timing, "connect=%ldms service=%ldms", r->connect_ms, r->service_ms);
	log_add(
	    "heroku", "router",
	    "at=%s %smethod=%s path=\"%s\" host=%s request_id=%s fwd=\"%s\" dyno=%s %s status=%d bytes=%ld "
	    "protocol=http",
	    r->code && strcmp(r->code, "H80") != 0 ? "error" : "info", error, req->method, r->path,
	    host ? host : "", r->id, from ? from : "127.0.0.1", r->dyno, timing, r->status, r->bytes);
}

static void reply_page_error(struct http_reply *reply, struct routed *r, const char *code, const char *desc)
{
	bool maintenance = strcmp(code, "H80") == 0;
	const char *title = maintenance ? "Offline for Maintenance" : "Application Error";
	char page[1024];

	snprintf(page, sizeof page, PAGE, title, title,
		 maintenance
		     ? "This application is undergoing maintenance right now. Please check back later."
		     : "An error occurred in the application and your page could not be served.");
	r->code = code;
	r->desc = desc;
	r->status = 503;
	r->bytes = (long)strlen(page);
	http_reply_text(reply, 503, "text/html; charset=utf-8", page);
	http_reply_header(reply, "Server", "Heroku");
	http_reply_header(reply, "Cache-Control", "no-cache, no-store");
}

struct answer {
	struct http_reply *reply;
	char *body;
	size_t size;
	char type[128];
};

static size_t on_body(char *data, size_t one, size_t size, void *state)
{
	struct answer *a = state;
	char *grown = realloc(a->body, a->size + size);

	(void)one;
	if (!grown)
		return 0;
	a->body = grown;
	memcpy(a->body + a->size, data, size);
	a->size += size;
	return size;
}

static bool hop_header(const char *name)
{
	static const char *const NAMES[] = {"Connection",     "Keep-Alive",   "Transfer-Encoding",
					    "Content-Length", "Content-Type", "Date",
					    "Expect",         "Upgrade",      "Accept-Encoding"};

	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
		if (strcasecmp(name, NAMES[i]) == 0)
			return true;
	return false;
}

static size_t on_header(char *data, size_t one, size_t size, void *state)
{
	struct answer *a = state;
	char line[4096], *value;

	(void)one;
	snprintf(line, sizeof line, "%.*s", (int)(size < sizeof line ? size : sizeof line - 1), data);
	line[strcspn(line, "\r\n")] = '\0';
	value = strchr(line, ':');
	if (!value)
		return size;
	*value++ = '\0';
	value += strspn(value, " ");
	if (strcasecmp(line, "Content-Type") == 0)
		snprintf(a->type, sizeof a->type, "%s", value);
	else if (!hop_header(line))
		http_reply_header_add(a->reply, line, value);
	return size;
}

static void header_pass(void *state, const char *name, const char *value)
{
	struct curl_slist **list = state;
	char line[4096];

	if (hop_header(name) && strcasecmp(name, "Content-Type") != 0)
		return;
	snprintf(line, sizeof line, "%s: %s", name, value);
	*list = curl_slist_append(*list, line);
}

static CURLcode forward(struct http_request *req, int port, const struct routed *r, struct answer *answer,
			CURL *curl)
{
	struct curl_slist *headers = NULL;
	char *url, line[128];
	CURLcode code;

	if (asprintf(&url, "http://127.0.0.1:%d%s", port, r->path) < 0)
		abort();
	http_each_header(req, header_pass, &headers);
	snprintf(line, sizeof line, "X-Request-Id: %s", r->id);
	headers = curl_slist_append(headers, line);
	headers = curl_slist_append(headers, "X-Forwarded-Proto: http");
	headers = curl_slist_append(headers, "Via: 1.1 heroku-router");
	headers = curl_slist_append(headers, "Expect:");
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)REQUEST_LIMIT_MS);
	if (req->body_size > 0 || strcmp(req->method, "POST") == 0) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, req->body);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)req->body_size);
	}
	if (strcmp(req->method, "HEAD") == 0)
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, req->method);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, answer);
	code = curl_easy_perform(curl);
	curl_slist_free_all(headers);
	free(url);
	return code;
}

static void route_to(struct http_request *req, struct http_reply *reply, int port, struct routed *r)
{
	struct answer answer = {.reply = reply};
	CURL *curl = curl_easy_init();
	curl_off_t connect_us = 0, total_us = 0;
	long status = 0;
	CURLcode code = forward(req, port, r, &answer, curl);

	curl_easy_getinfo(curl, CURLINFO_CONNECT_TIME_T, &connect_us);
	curl_easy_getinfo(curl, CURLINFO_TOTAL_TIME_T, &total_us);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	r->connect_ms = (long)(connect_us / 1000);
	r->service_ms = (long)(total_us / 1000);
	if (code == CURLE_OK) {
		r->status = (int)status;
		r->bytes = (long)answer.size;
		http_reply_bytes(reply, r->status, *answer.type ? answer.type : "application/octet-stream",
				 answer.body ? answer.body : "", answer.size);
		http_reply_header_add(reply, "Via", "1.1 heroku-router");
	} else if (code == CURLE_OPERATION_TIMEDOUT) {
		reply_page_error(reply, r, "H12", "Request timeout");
	} else if (code == CURLE_COULDNT_CONNECT) {
		reply_page_error(reply, r, "H21", "Backend connection refused");
	} else {
		reply_page_error(reply, r, "H13", "Connection closed without response");
	}
	free(answer.body);
	curl_easy_cleanup(curl);
}

static void path_take(const struct http_request *req, struct routed *r)
{
	struct query query = {.curl = curl_easy_init()};

	http_each_query(req, query_pass, &query);
	if (asprintf(&r->path, "%s%s", req->path, query.text ? query.text : "") < 0)
		abort();
	free(query.text);
	curl_easy_cleanup(query.curl);
}

/* Waits a while for a web dyno that is still booting, as the real router does. 0 after an answer. */
static int dyno_wait(struct http_reply *reply, struct routed *r)
{
	bool crashed = false, starting = false;

	for (int waited = 0; waited <= BOOT_WAIT_MS; waited += 20) {
		http_lock();
		bool closed = maintenance_on();
		int port = closed ? 0 : dyno_pick(r->dyno, &crashed, &starting);
		int wanted = formation_quantity("web");
		http_unlock();
		if (port)
			return port;
		if (closed) {
			reply_page_error(reply, r, "H80", "Maintenance mode");
			return 0;
		}
		if (wanted == 0) {
			reply_page_error(reply, r, "H14", "No web processes running");
			return 0;
		}
		if (crashed && !starting)
			break;
		poll(NULL, 0, 20);
	}
	reply_page_error(reply, r, crashed ? "H10" : "H20", crashed ? "App crashed" : "App boot timeout");
	return 0;
}

void handle_router(struct http_request *req, struct http_reply *reply)
{
	struct routed r = {.dyno = ""};
	int port;

	path_take(req, &r);
	uuid_make(r.id);
	port = dyno_wait(reply, &r);
	if (port)
		route_to(req, reply, port, &r);
	http_lock();
	routed_log(req, &r);
	http_unlock();
	free(r.path);
}
