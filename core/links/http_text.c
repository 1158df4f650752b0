/* URLs taken apart, headers found, failures put into words. */
#include "core/links/http_text.h"
#include "core/base/text.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *http_ended(const struct http_reply *reply, char out[HTTP_ENDED_MAX])
{
	text_copy(out, HTTP_ENDED_MAX, reply->end == HTTP_LOST ? "answer lost" : "not sent");
	if (reply->end == HTTP_ANSWERED)
		text_copyf(out, HTTP_ENDED_MAX, "%d", reply->status);
	return out;
}

bool http_loopback(const char *host)
{
	struct in_addr four;
	struct in6_addr six;
	if (inet_pton(AF_INET, host, &four) == 1)
		return (ntohl(four.s_addr) >> 24) == 127;
	if (inet_pton(AF_INET6, host, &six) == 1)
		return IN6_IS_ADDR_LOOPBACK(&six);
	return strcasecmp(host, "localhost") == 0;
}

static bool copy_part(char *out, size_t size, const char *from, size_t len)
{
	if (len >= size || memchr(from, '\0', len))
		return false;
	memcpy(out, from, len);
	out[len] = '\0';
	return true;
}

/* "host", "host:8080", "[::1]:8080" */
static bool split_host(const char *text, size_t len, struct http_where *out)
{
	const char *end = text + len, *close = *text == '[' ? memchr(text, ']', len) : NULL;
	const char *from = close ? text + 1 : text;
	const char *colon = memchr(close ? close : text, ':', (size_t)(end - (close ? close : text)));
	const char *stop = close ? close : colon ? colon : end;
	if (stop == from || (*text == '[' && !close) ||
	    !copy_part(out->host, sizeof out->host, from, (size_t)(stop - from)))
		return false;
	if (colon && colon + 1 < end) {
		char *rest;
		long port = strtol(colon + 1, &rest, 10);
		if (rest != end || port < 1 || port > 65535)
			return false;
		out->port = (int)port;
	}
	return true;
}

bool http_where(const char *url, struct http_where *out)
{
	*out = (struct http_where){0};
	const char *mark = url ? strstr(url, "://") : NULL;
	if (!mark || !copy_part(out->scheme, sizeof out->scheme, url, (size_t)(mark - url)))
		return false;
	text_lower(out->scheme);
	if (!text_equal(out->scheme, "http") && !text_equal(out->scheme, "https"))
		return false;
	out->port = text_equal(out->scheme, "https") ? 443 : 80;
	const char *host = mark + 3;
	size_t len = strcspn(host, "/?#");
	/* "https://api.heroku.com@elsewhere/" is how a token is lured away: nobody needs such addresses here.
	 */
	if (memchr(host, '@', len) || memchr(host, '\\', len) || !split_host(host, len, out))
		return false;
	out->loopback = http_loopback(out->host);
	text_copy(out->path, sizeof out->path, host[len] == '/' ? host + len : "/");
	return true;
}

bool http_head(const struct http_reply *reply, const char *name, char *out, size_t size)
{
	size_t want = strlen(name);
	for (const char *line = buf_text(&reply->head); *line;) {
		size_t len = strcspn(line, "\r\n");
		if (len > want && line[want] == ':' && strncasecmp(line, name, want) == 0) {
			const char *value = line + want + 1;
			value += strspn(value, " \t");
			text_clean(out, size, value, (size_t)(line + len - value));
			return true;
		}
		line += len;
		line += strspn(line, "\r\n");
	}
	if (size)
		out[0] = '\0';
	return false;
}

static const char *const words[] = {
    [HTTP_FAIL_NAME] = "its name cannot be resolved; look at the spelling and at this machine's DNS",
    [HTTP_FAIL_CONNECT] =
	"nobody takes the connection there; look whether it runs and whether a firewall stands between",
    [HTTP_FAIL_CONNECT_SLOW] =
	"no connection came about in time; look at the network and whether a firewall drops it silently",
    [HTTP_FAIL_TLS_SLOW] = "the connection was taken, and its TLS handshake did not end in time; whoever is "
			   "there is overloaded or "
			   "speaks no TLS",
    [HTTP_FAIL_CERT] = "its certificate is not to be trusted, so nothing was sent",
    [HTTP_FAIL_TLS] = "no encrypted connection could be agreed on, so nothing was sent",
    [HTTP_FAIL_SLOW] = "it took the request but gave no whole answer in time",
    [HTTP_FAIL_SILENT] = "the stream has gone silent for too long",
    [HTTP_FAIL_RESET] = "the connection broke before a whole answer came",
    [HTTP_FAIL_OTHER] = "the request failed",
};

int http_explain(struct err *err, const struct http_request *request, const struct http_where *where,
		 enum http_fail fail, const char *why)
{
	const char *method = request->method ? request->method : "GET";
	const char *to = request->connect_to ? request->connect_to : "";
	bool lost = fail >= HTTP_FAIL_SLOW && !text_equal(method, "GET") && !text_equal(method, "HEAD");
	char said[200] = "";
	bool tell = (fail == HTTP_FAIL_CERT || fail == HTTP_FAIL_TLS || fail == HTTP_FAIL_OTHER ||
		     fail == HTTP_FAIL_CONNECT) &&
		    why && *why;
	if (tell) {
		char clean[160];
		text_clean(clean, sizeof clean, why, strlen(why));
		text_copyf(said, sizeof said, " (%s)", clean);
	}
	return err_set(err, ERR_NET, "%s:%d%s%s: %s%s%s", where->host, where->port, *to ? " at " : "", to,
		       words[fail], said,
		       lost ? "; the answer is lost, so nobody knows whether the change was made: look "
			      "before trying again"
			    : "");
}
