/* The proxy in front of proxied names: a small one, but a real one. The name server tells visitors its
 * address, and it passes what they ask on to whatever the record leads to at that moment. */
#include "api.h"
#include "demo/app/resolve.h"
#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

enum { CONNECT_MS = 3000, ANSWER_MS = 10000 };

/* ---- what the name server tells ---- */

static bool is_edge(const struct api *api, const struct record *record, const char *name)
{
	return !strcmp(record->type, "A") && !strcmp(record->content, api->edge) &&
	       !strcasecmp(record->name, name);
}

int edge_serve(const struct api *api, struct record_set *to, const struct record_set *from)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct record *record = &from->list[i];
		bool told = false;
		for (size_t k = 0; record->proxied && *api->edge && k < to->count; k++)
			told = told || is_edge(api, &to->list[k], record->name);
		struct record *copy = told ? NULL : records_add(to);
		if (!told && !copy)
			return -1;
		if (told)
			continue;
		*copy = *record;
		if (record->proxied && *api->edge) {
			snprintf(copy->type, sizeof(copy->type), "A");
			snprintf(copy->content, sizeof(copy->content), "%s", api->edge);
			copy->ttl = TTL_AUTOMATIC;
		}
	}
	return 0;
}

void edge_restore(const struct api *api, struct record_set *seen)
{
	for (size_t i = 0; *api->edge && i < api->known.count; i++) {
		const struct record *was = &api->known.list[i];
		bool there = false;
		for (size_t k = 0; was->proxied && k < seen->count; k++) {
			/* A second record of the name stands behind the same address. */
			there = there || is_edge(api, &seen->list[k], was->name) ||
				(seen->list[k].proxied && !strcasecmp(seen->list[k].name, was->name));
			if (is_edge(api, &seen->list[k], was->name))
				records_remove(seen, &seen->list[k--]);
		}
		struct record *record = there ? records_add(seen) : NULL;
		if (record)
			*record = *was;
	}
}

/* ---- what visitors ask it ---- */

struct passed {
	struct http_reply *reply;
	char *body, type[128];
	size_t size;
};

static size_t on_body(char *data, size_t one, size_t size, void *state)
{
	struct passed *p = state;
	char *more = realloc(p->body, p->size + size + 1);
	(void)one;
	if (!more)
		return 0;
	p->body = more;
	memcpy(p->body + p->size, data, size);
	p->size += size;
	return size;
}

static bool stays_here(const char *name)
{
	static const char *const names[] = {"Connection",     "Keep-Alive",     "Transfer-Encoding",
					    "Content-Length", "Date",           "Expect",
					    "Server",         "Accept-Encoding"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcasecmp(name, names[i]))
			return true;
	return false;
}

static size_t on_header(char *data, size_t one, size_t size, void *state)
{
	struct passed *p = state;
	char line[4096];
	(void)one;
	snprintf(line, sizeof(line), "%.*s", (int)(size < sizeof(line) ? size : sizeof(line) - 1), data);
	line[strcspn(line, "\r\n")] = '\0';
	char *value = strchr(line, ':');
	if (!value)
		return size;
	*value++ = '\0';
	value += strspn(value, " ");
	if (!strcasecmp(line, "Content-Type"))
		snprintf(p->type, sizeof(p->type), "%s", value);
	else if (!stays_here(line))
		http_reply_header_add(p->reply, line, value);
	return size;
}

static void pass_header(void *state, const char *name, const char *value)
{
	struct curl_slist **list = state;
	char line[4096];
	if (stays_here(name))
		return;
	snprintf(line, sizeof(line), "%s: %s", name, value);
	*list = curl_slist_append(*list, line);
}

static void pass_query(void *state, const char *name, const char *value)
{
	char **url = state, *longer;
	if (asprintf(&longer, "%s%c%s=%s", *url, strchr(*url, '?') ? '&' : '?', name, value ? value : "") < 0)
		abort();
	free(*url);
	*url = longer;
}

/* 0 and where the record leads to; else Cloudflare's own status for what is wrong. */
static int find_origin(const struct api *api, const char *host, char out[64])
{
	char name[256];
	int status = 409; /* error 1001: no such name here */
	snprintf(name, sizeof(name), "%.255s", host);
	name[strcspn(name, ":")] = '\0';
	http_lock();
	for (size_t i = 0; status && i < api->known.count; i++) {
		const struct record *record = &api->known.list[i];
		struct in_addr address;
		if (!record->proxied || strcasecmp(record->name, name))
			continue;
		status = 530;
		if (!strcmp(record->type, "A")) {
			snprintf(out, 64, "%.63s", record->content);
			status = 0;
		} else if (api->edge_resolver && resolve_a(api->edge_resolver, record->content, &address)) {
			inet_ntop(AF_INET, &address, out, 64);
			status = 0;
		}
	}
	http_unlock();
	return status;
}

static int forward(const struct api *api, struct http_request *req, const char *origin, struct passed *p)
{
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = NULL;
	const char *host = http_header(req, "Host");
	char *url;
	long status = 0;
	if (!curl || asprintf(&url, "http://%s:%ld%s", origin, api->edge_port, req->path) < 0)
		abort();
	http_each_query(req, pass_query, &url);
	http_each_header(req, pass_header, &headers);
	headers = curl_slist_append(headers, "CDN-Loop: cloudflare");
	headers = curl_slist_append(headers, host ? "Expect:" : "Host:");
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)ANSWER_MS);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, req->method);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, p);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, p);
	if (req->body_size) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, req->body);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)req->body_size);
	}
	CURLcode code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	free(url);
	return code == CURLE_OK                   ? (int)status
	       : code == CURLE_COULDNT_CONNECT    ? 521
	       : code == CURLE_OPERATION_TIMEDOUT ? 522
						  : 520;
}

static void handle(struct http_request *req, struct http_reply *reply)
{
	const struct api *api = req->ctx;
	const char *host = http_header(req, "Host");
	struct passed passed = {.reply = reply};
	unsigned long long ray = 0;
	char origin[64] = "", page[80];
	int status = find_origin(api, host ? host : "", origin);
	if (!status)
		status = forward(api, req, origin, &passed);
	if (getrandom(&ray, sizeof(ray), 0) != (ssize_t)sizeof(ray))
		abort();
	snprintf(page, sizeof(page), "error code: %d\n", status);
	if (status >= 520 || status == 409)
		http_reply_text(reply, status, "text/plain", page);
	else
		http_reply_bytes(reply, status, *passed.type ? passed.type : "application/octet-stream",
				 passed.body ? passed.body : "", passed.size);
	http_reply_header(reply, "Server", "cloudflare");
	http_reply_header(reply, "CF-RAY", "%016llx-NFY", ray);
	http_reply_header(reply, "CF-Cache-Status", "DYNAMIC");
	free(passed.body);
}

bool edge_start(struct api *api)
{
	static const struct http_route routes[] = {{"*", "/*", handle, true}};
	const char *at = getenv("CLOUDFLARE_EDGE"), *colon = at ? strrchr(at, ':') : NULL;
	if (!at || !*at)
		return true;
	api->edge_port = colon ? http_number(colon + 1, 0) : 0;
	snprintf(api->edge, sizeof(api->edge), "%.*s", (int)(colon ? colon - at : 0), at);
	api->edge_resolver = getenv("CLOUDFLARE_RESOLVER");
	if (api->edge_port < 1 || api->edge_port > 65535) {
		fprintf(stderr, "cloudflare: CLOUDFLARE_EDGE is \"%s\"; write ADDRESS:PORT.\n", at);
		return false;
	}
	struct http_config config = {
	    .addresses = {api->edge},
	    .port = (uint16_t)api->edge_port,
	    .routes = routes,
	    .routes_count = 1,
	    .ctx = api,
	};
	return http_server_start(&config) != NULL;
}
