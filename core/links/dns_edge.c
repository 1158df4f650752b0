/* What is behind Cloudflare's proxy, asked by HTTP: see dns_edge.h. */
#include "core/links/dns_edge.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/dns_find.h"
#include "core/links/http.h"
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { ANSWER_MS = 10000, CONNECT_MS = 5000, BODY_MAX = 1 << 20 };

/* The proxy's own pages, and what they say of the host behind it. */
static const struct {
	int status;
	const char *text;
} pages[] = {
    {520, "the proxy got an answer from the host behind it that it does not understand"},
    {521, "the host behind the proxy refuses its connections: is the app up, and the firewall open for it?"},
    {522, "the host behind the proxy does not take its connections in time"},
    {523, "the host behind the proxy cannot be reached: look at the record's address"},
    {524, "the host behind the proxy took the request and gave no answer in time"},
    {525, "the host behind the proxy fails the TLS handshake: it has no certificate for this name yet"},
    {526, "the certificate of the host behind the proxy is not good, and the zone's mode is Full (strict)"},
    {527, "the proxy lost the host behind it"},
    {530, "the proxy does not find the host behind it (1016): look at what the record leads to"},
};

bool dns_edge_has(struct job *job, const char *name)
{
	for (const struct json *x = json_first(json_path(job_config(job), "dns.proxied")); x;
	     x = json_next(x))
		if (json_text(x) && dns_same(json_text(x), name))
			return true;
	return false;
}

const char *dns_edge_name(struct job *job, size_t i)
{
	for (const struct json *x = json_first(json_path(job_config(job), "dns.names")); x; x = json_next(x))
		if (json_text(x) && dns_edge_has(job, json_text(x)) && i-- == 0)
			return json_text(x);
	return NULL;
}

/* A header with its value in it, or a path that only the new side has. */
static bool has_mark(const char *marker, const struct http_reply *reply)
{
	char name[100], value[300];
	size_t len = strcspn(marker, ":");
	if (marker[0] == '/')
		return reply->status / 100 == 2;
	text_copyf(name, sizeof name, "%.*s", (int)len, marker);
	const char *want = marker + len + (marker[len] == ':');
	want += strspn(want, " ");
	return http_head(reply, name, value, sizeof value) && (!*want || text_find(value, want));
}

/* Heroku's router puts its name into what passes it, and its own pages come from its own store. */
static bool has_heroku(const struct http_reply *reply)
{
	char via[200], server[100];
	http_head(reply, "via", via, sizeof via);
	http_head(reply, "server", server, sizeof server);
	return text_find(via, "heroku") || text_find(via, "vegur") || text_find(server, "heroku") ||
	       text_find(buf_text(&reply->body), "herokucdn.com");
}

void dns_edge_judge(const char *marker, const struct http_reply *reply, struct edge_seen *out)
{
	char ray[80], store[40], clean[40];
	http_head(reply, "cf-ray", ray, sizeof ray);
	http_head(reply, "cf-cache-status", store, sizeof store);
	const char *site = strrchr(ray, '-');
	text_clean(clean, sizeof clean, site ? site + 1 : "", site ? strlen(site + 1) : 0);
	out->status = reply->status;
	out->ms = reply->ms;
	text_copyf(out->value, sizeof out->value, *clean ? "%d, site %.20s" : "%d", reply->status, clean);
	out->state = has_mark(marker, reply) ? DNS_CELL_NEW : DNS_CELL_OLD;
	if (out->state == DNS_CELL_OLD && reply->status >= 500 && !has_heroku(reply)) {
		out->state = DNS_CELL_OTHER;
		text_copyf(out->why, sizeof out->why,
			   "%d without the mark and without Heroku's sign: whose it is cannot be told",
			   reply->status);
	}
	for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
		if (*ray && reply->status == pages[i].status) {
			out->state = DNS_CELL_FAIL;
			text_copyf(out->why, sizeof out->why, "%d: %s", reply->status, pages[i].text);
		}
	if (text_equal(store, "HIT") || text_equal(store, "STALE") || text_equal(store, "UPDATING")) {
		out->state = DNS_CELL_NONE;
		text_copyf(out->why, sizeof out->why,
			   "the proxy answered out of its own store (%s), which tells nothing of the host",
			   store);
	}
}

static void ask(struct job *job, const char *name, const char *at, struct edge_seen *out)
{
	const char *marker = job_config_str(job, "web.marker", ""),
		   *scheme = job_config_str(job, "web.scheme", "https");
	static const char *const headers[] = {"Cache-Control: no-cache", NULL};
	unsigned char nonce[8] = {0};
	char hex[17];
	if (getrandom(nonce, sizeof nonce, 0) != sizeof nonce)
		abort();
	text_hex(hex, nonce, sizeof nonce);
	char *url = xasprintf("%s://%s%s?nightferry=%s", scheme, name, marker[0] == '/' ? marker : "/", hex);
	struct http_request request = {.url = url,
				       .headers = headers,
				       .connect_to = at,
				       .ca_file = job_config_str(job, "web.ca", ""),
				       .timeout_ms = ANSWER_MS,
				       .connect_ms = CONNECT_MS,
				       .body_max = BODY_MAX};
	struct http_reply reply;
	struct err err = {0};
	*out = (struct edge_seen){.ms = -1};
	if (http_once(job, &request, &reply, &err) == 0) {
		dns_edge_judge(marker, &reply, out);
	} else {
		out->state = DNS_CELL_SILENT;
		text_copy(out->why, sizeof out->why, err.text);
	}
	http_reply_done(&reply);
	free(url);
}

/* The port of the public path is that of the sides: only a rehearsal uses another than 80 and 443. */
static int public_port(struct job *job)
{
	const char *web = job_config_str(job, "web.new", ""), *colon = strrchr(web, ':');
	int64_t port = colon ? units_parse_int(colon + 1, 0) : 0;
	if (port > 0 && port < 65536)
		return (int)port;
	return text_equal(job_config_str(job, "web.scheme", "https"), "https") ? 443 : 80;
}

void dns_edge_ask(struct job *job, const char *name, struct edge_seen *out)
{
	struct dns_query *query = xcalloc(1, sizeof *query);
	char at[64];
	if (dns_recurse(job, query, name, DNS_A) && dns_value(query, DNS_A)) {
		text_copyf(at, sizeof at, "%s:%d", dns_value(query, DNS_A), public_port(job));
		ask(job, name, at, out);
	} else {
		*out = (struct edge_seen){.state = DNS_CELL_SILENT, .ms = -1};
		text_copyf(out->why, sizeof out->why, "no cache tells an address of %.100s", name);
	}
	free(query);
}

void dns_edge_ask_at(struct job *job, const char *name, const char *at, struct edge_seen *out)
{
	ask(job, name, at, out);
}
