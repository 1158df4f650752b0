/* The wrapper around libcurl: one transfer at a time on a multi handle, so that the wait can hear a cancel.
 */
#include "core/links/http.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/http_text.h"
#include <curl/curl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct http {
	struct job *job;
	CURLM *multi;
};

/* One request on its way. */
struct flight {
	const struct http_request *request;
	struct http_reply *reply;
	CURL *curl;
	struct curl_slist *headers, *connect_to;
	bool head_told, enough, too_large, silent, sent, connected;
	int64_t heard_ms; /* our time of the newest byte of a stream */
	char why[CURL_ERROR_SIZE];
};

struct http *http_open(struct job *job)
{
	struct http *http = xcalloc(1, sizeof *http);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	http->job = job;
	http->multi = curl_multi_init();
	if (!http->multi)
		abort();
	return http;
}

void http_close(struct http *http)
{
	if (!http)
		return;
	curl_multi_cleanup(http->multi);
	curl_global_cleanup();
	free(http);
}

void http_reply_done(struct http_reply *reply)
{
	buf_done(&reply->head);
	buf_done(&reply->body);
}

/* "Nov 21 09:00:00 2026 GMT" in certificates, "Sat, 21 Nov 2026 09:00:00 GMT" in headers. */
static int64_t date_ms(const char *text)
{
	time_t at = curl_getdate(text, NULL);
	return at < 0 ? 0 : (int64_t)at * 1000;
}

/* Also called for the heads of redirects and of "100 Continue": the last one stays. */
static size_t take_head(char *data, size_t size, size_t n, void *ctx)
{
	struct flight *flight = ctx;
	struct http_reply *reply = flight->reply;
	size_t len = size * n;
	flight->heard_ms = clock_life_ms();
	if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) {
		buf_reset(&reply->head);
		return len;
	}
	if (reply->head.len + len < 64 * 1024)
		buf_add(&reply->head, data, len);
	if (len == 2 && data[0] == '\r') {
		char date[64];
		reply->asked_ms = clock_wall_ms();
		reply->server_ms = http_head(reply, "date", date, sizeof date) ? date_ms(date) : 0;
	}
	return len;
}

static bool tell_head(struct flight *flight)
{
	long status = 0;
	flight->head_told = true;
	curl_easy_getinfo(flight->curl, CURLINFO_RESPONSE_CODE, &status);
	flight->reply->status = (int)status;
	return !flight->request->head || flight->request->head(flight->request->ctx, flight->reply);
}

static size_t take_body(char *data, size_t size, size_t n, void *ctx)
{
	struct flight *flight = ctx;
	const struct http_request *request = flight->request;
	size_t len = size * n, max = request->body_max ? request->body_max : 32u << 20;
	flight->heard_ms = clock_life_ms();
	if (!flight->head_told && !tell_head(flight)) {
		flight->enough = true;
		return 0;
	}
	if (request->sink) {
		flight->enough = !request->sink(request->ctx, data, len);
		return flight->enough ? 0 : len;
	}
	if (flight->reply->body.len + len > max) {
		flight->too_large = true;
		return 0;
	}
	buf_add(&flight->reply->body, data, len);
	return len;
}

static void set_timeouts(CURL *curl, const struct http_request *request)
{
	int total = request->timeout_ms ? request->timeout_ms : request->sink ? 0 : 30000;
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)total);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)(request->connect_ms ? request->connect_ms : 10000));
}

static void set_method(CURL *curl, const struct http_request *request)
{
	const char *method = request->method ? request->method : "GET";
	bool get = text_equal(method, "GET"), head = text_equal(method, "HEAD");
	if (head) {
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	} else if (!get) {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body ? request->body : "");
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
		curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
		curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
	}
}

static void set_way(struct flight *flight, const struct http_where *where)
{
	const struct http_request *request = flight->request;
	CURL *curl = flight->curl;
	if (request->connect_to) {
		char *rule = xasprintf("::%s", request->connect_to);
		flight->connect_to = curl_slist_append(NULL, rule);
		free(rule);
		curl_easy_setopt(curl, CURLOPT_CONNECT_TO, flight->connect_to);
	}
	if (where->loopback || request->connect_to)
		curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR,
			 text_equal(where->scheme, "https") ? "https" : "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, request->follow && !request->secret ? 1L : 0L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, request->secret ? 0L : (long)request->follow);
	if (request->insecure) {
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (request->ca_file && *request->ca_file)
		curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca_file);
	curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
}

static void set_headers(struct flight *flight)
{
	const struct http_request *request = flight->request;
	bool agent = false;
	for (size_t i = 0; request->headers && request->headers[i]; i++) {
		flight->headers = curl_slist_append(flight->headers, request->headers[i]);
		agent = agent || strncasecmp(request->headers[i], "user-agent:", 11) == 0;
	}
	if (request->secret)
		flight->headers = curl_slist_append(flight->headers, request->secret);
	/* A header that is taken out would be signed all the same, and then nothing fits. */
	if (!request->sign_for)
		flight->headers = curl_slist_append(flight->headers, "Expect:");
	if (!request->sign_for && !request->body_len && request->method &&
	    !text_equal(request->method, "GET"))
		flight->headers = curl_slist_append(flight->headers, "Content-Type:");
	curl_easy_setopt(flight->curl, CURLOPT_HTTPHEADER, flight->headers);
	if (!agent)
		curl_easy_setopt(flight->curl, CURLOPT_USERAGENT, "nightferry/" NIGHTFERRY_VERSION);
}

static void set_signature(CURL *curl, const struct http_request *request)
{
	if (!request->sign_for)
		return;
	curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, request->sign_for);
	curl_easy_setopt(curl, CURLOPT_USERNAME, request->sign_key_id);
	curl_easy_setopt(curl, CURLOPT_PASSWORD, request->sign_key);
}

static void flight_start(struct flight *flight, const struct http_where *where)
{
	const struct http_request *request = flight->request;
	CURL *curl = flight->curl = curl_easy_init();
	if (!curl)
		abort();
	curl_easy_setopt(curl, CURLOPT_URL, request->url);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, flight->why);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_head);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, flight);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, flight);
	if (request->range)
		curl_easy_setopt(curl, CURLOPT_RANGE, request->range);
	set_method(curl, request);
	set_timeouts(curl, request);
	set_way(flight, where);
	set_headers(flight);
	set_signature(curl, request);
}

/* Runs the transfer to its end. -1: the job is to stop. */
static int flight_fly(struct http *http, struct flight *flight, CURLcode *code)
{
	const struct http_request *request = flight->request;
	int running = 1, fd = http->job ? job_cancel_fd(http->job) : -1;
	bool changes =
	    request->method && !text_equal(request->method, "GET") && !text_equal(request->method, "HEAD");
	/* Leaving a change half sent would only make nobody know what was done. */
	bool heed = http->job && !request->despite_cancel && !changes;
	curl_multi_add_handle(http->multi, flight->curl);
	for (;;) {
		curl_multi_perform(http->multi, &running);
		if (!running || flight->enough)
			break;
		if (heed && job_stopping(http->job))
			return -1;
		int64_t quiet_ms = clock_real_ms(clock_life_ms() - flight->heard_ms);
		flight->silent = request->sink && quiet_ms > (request->idle_ms ? request->idle_ms : 60000);
		if (flight->silent)
			break;
		if (request->tick && !request->tick(request->ctx)) {
			flight->enough = true;
			break;
		}
		/* At the end of an engine its socket is readable for ever: then only libcurl's own are waited
		 * for. */
		struct pollfd gone = {.fd = fd, .events = 0};
		bool listen = heed && fd >= 0 && poll(&gone, 1, 0) <= 0;
		struct curl_waitfd extra = {.fd = fd, .events = CURL_WAIT_POLLIN};
		curl_multi_poll(http->multi, &extra, listen ? 1 : 0, request->tick ? 100 : 500, NULL);
	}
	CURLMsg *message;
	*code = CURLE_OK;
	while ((message = curl_multi_info_read(http->multi, &running)))
		if (message->msg == CURLMSG_DONE)
			*code = message->data.result;
	return 0;
}

static void read_cert(CURL *curl, struct http_reply *reply)
{
	struct curl_certinfo *info = NULL;
	if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &info) != CURLE_OK || !info || info->num_of_certs < 1)
		return;
	reply->tls = true;
	for (struct curl_slist *line = info->certinfo[0]; line; line = line->next) {
		const char *colon = strchr(line->data, ':'), *value = colon ? colon + 1 : "";
		if (text_starts(line->data, "Subject:"))
			text_clean(reply->cert_subject, sizeof reply->cert_subject, value, strlen(value));
		else if (text_starts(line->data, "Issuer:"))
			text_clean(reply->cert_issuer, sizeof reply->cert_issuer, value, strlen(value));
		else if (text_starts(line->data, "X509v3 Subject Alternative Name:"))
			text_clean(reply->cert_names, sizeof reply->cert_names, value, strlen(value));
		else if (text_starts(line->data, "Start date:"))
			reply->cert_from_ms = date_ms(value);
		else if (text_starts(line->data, "Expire date:"))
			reply->cert_until_ms = date_ms(value);
	}
}

static enum http_fail fail_of(CURLcode code, bool sent)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST: return HTTP_FAIL_NAME;
	case CURLE_COULDNT_CONNECT: return HTTP_FAIL_CONNECT;
	case CURLE_OPERATION_TIMEDOUT: return sent ? HTTP_FAIL_SLOW : HTTP_FAIL_CONNECT_SLOW;
	case CURLE_PEER_FAILED_VERIFICATION: return HTTP_FAIL_CERT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE: return HTTP_FAIL_TLS;
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM: return HTTP_FAIL_RESET;
	default: return HTTP_FAIL_OTHER;
	}
}

static void read_figures(struct flight *flight)
{
	struct http_reply *reply = flight->reply;
	curl_off_t total = 0, connect = 0, tls = 0, first = 0, ready = 0;
	long status = 0, port = 0;
	char *ip = NULL;
	curl_easy_getinfo(flight->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(flight->curl, CURLINFO_TOTAL_TIME_T, &total);
	curl_easy_getinfo(flight->curl, CURLINFO_CONNECT_TIME_T, &connect);
	curl_easy_getinfo(flight->curl, CURLINFO_APPCONNECT_TIME_T, &tls);
	curl_easy_getinfo(flight->curl, CURLINFO_STARTTRANSFER_TIME_T, &first);
	curl_easy_getinfo(flight->curl, CURLINFO_PRETRANSFER_TIME_T, &ready);
	curl_easy_getinfo(flight->curl, CURLINFO_PRIMARY_IP, &ip);
	curl_easy_getinfo(flight->curl, CURLINFO_PRIMARY_PORT, &port);
	flight->sent = ready > 0;
	/* The time is told only of a connection that has come to its end. */
	flight->connected = ip && *ip;
	reply->status = (int)status;
	reply->ms = total / 1000;
	reply->connect_ms = connect / 1000;
	reply->tls_ms = tls / 1000;
	reply->first_byte_ms = first / 1000;
	if (ip && *ip)
		text_copyf(reply->remote, sizeof reply->remote, strchr(ip, ':') ? "[%s]:%ld" : "%s:%ld", ip,
			   port);
	read_cert(flight->curl, reply);
}

static int flight_judge(struct flight *flight, const struct http_where *where, CURLcode code, struct err *err)
{
	struct http_reply *reply = flight->reply;
	if (flight->enough || (code == CURLE_OK && !flight->silent)) {
		reply->end = HTTP_ANSWERED;
		if (!flight->head_told && flight->request->head)
			tell_head(flight);
		return 0;
	}
	enum http_fail fail = flight->silent ? HTTP_FAIL_SILENT : fail_of(code, flight->sent);
	if (fail == HTTP_FAIL_CONNECT_SLOW && flight->connected)
		fail = HTTP_FAIL_TLS_SLOW;
	reply->end = fail < HTTP_FAIL_SLOW ? HTTP_NOT_SENT : HTTP_LOST;
	if (flight->too_large)
		return err_set(
		    err, ERR_NET,
		    "%s:%d: the answer is far larger than it should be, so it was not read to its end; "
		    "look whether this is the right address",
		    where->host, where->port);
	return http_explain(err, flight->request, where, fail, flight->why);
}

int http_perform(struct http *http, const struct http_request *request, struct http_reply *reply,
		 struct err *err)
{
	struct http_where where;
	*reply = (struct http_reply){0};
	if (!http_where(request->url, &where))
		return err_set(
		    err, ERR_CONFIG,
		    "an address that should begin with http:// or https:// does not; look at nightferry.yml");
	struct flight flight = {.request = request, .reply = reply, .heard_ms = clock_life_ms()};
	CURLcode code = CURLE_OK;
	flight_start(&flight, &where);
	int rc = flight_fly(http, &flight, &code);
	read_figures(&flight);
	if (rc < 0) {
		reply->end = flight.sent ? HTTP_LOST : HTTP_NOT_SENT;
		err_set(err, ERR_CANCELLED,
			"%s: stopped while waiting for an answer; nothing was changed by this request",
			where.host);
	} else {
		rc = flight_judge(&flight, &where, code, err);
	}
	curl_multi_remove_handle(http->multi, flight.curl);
	curl_easy_cleanup(flight.curl);
	curl_slist_free_all(flight.headers);
	curl_slist_free_all(flight.connect_to);
	return rc;
}

int http_once(struct job *job, const struct http_request *request, struct http_reply *reply, struct err *err)
{
	struct http *http = http_open(job);
	int rc = http_perform(http, request, reply, err);
	http_close(http);
	return rc;
}
