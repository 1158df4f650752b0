/* DNS by HTTPS (RFC 8484), for networks that let no DNS through, or answer it themselves: the same packet,
 * and the same reading of the answer. GET, so that a connection may be used again; what an HTTP cache on the
 * way has kept it for is taken off every TTL. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/links/dns.h"
#include "core/links/http.h"
#include <stdlib.h>
#include <string.h>

bool dns_is_https(const char *server)
{
	return text_starts(server, "https://");
}

/* Base64 for URLs, without padding. */
static void add_base64(struct buf *out, const unsigned char *data, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned bits = 0, n = 0;
	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | data[i];
		for (n += 8; n >= 6; n -= 6)
			buf_addc(out, digits[bits >> (n - 6) & 63]);
	}
	if (n)
		buf_addc(out, digits[bits << (6 - n) & 63]);
}

static void grow_old(struct dns_query *query, const struct http_reply *reply)
{
	char text[32];
	int64_t age_s = http_head(reply, "Age", text, sizeof text) ? units_parse_int(text, 0) : 0;
	if (age_s <= 0)
		return;
	for (size_t i = 0; i < query->n; i++)
		query->records[i].ttl_s -= age_s < query->records[i].ttl_s ? age_s : query->records[i].ttl_s;
	if (query->negative_s >= 0)
		query->negative_s -= age_s < query->negative_s ? age_s : query->negative_s;
}

static void finish(struct dns_query *query, enum dns_end end, const char *why)
{
	query->end = end;
	query->at_ms = clock_wall_ms();
	if (end != DNS_ANSWERED)
		text_copy(query->why, sizeof query->why, why);
}

static void read_reply(struct dns_query *query, const struct http_reply *reply)
{
	char kind[80], why[120];
	query->rtt_ms = reply->ms;
	if (reply->status != 200 || !http_head(reply, "Content-Type", kind, sizeof kind) ||
	    !text_starts(kind, "application/dns-message")) {
		text_copyf(why, sizeof why, "HTTP %d, and no DNS in it", reply->status);
		finish(query, DNS_BROKEN, why);
	} else if (dns_packet_read(query, 0, (const unsigned char *)buf_text(&reply->body),
				   reply->body.len) != 0) {
		finish(query, DNS_BROKEN, "the answer by HTTPS is not to our question");
	} else {
		grow_old(query, reply);
		finish(query, DNS_ANSWERED, "");
	}
}

static void ask_one(struct http *http, struct dns_query *query, int timeout_ms)
{
	static const char *const headers[] = {"Accept: application/dns-message", NULL};
	unsigned char packet[DNS_QUESTION_MAX];
	struct http_reply reply = {0};
	struct err err = {0};
	struct buf url = {0};
	size_t len = dns_packet_make(packet, query, 0, true);
	query->https = true;
	if (!len) {
		finish(query, DNS_BROKEN, "the name cannot be asked for");
		return;
	}
	buf_addf(&url, "%s?dns=", query->server);
	add_base64(&url, packet, len);
	/* The usual name of the file with a company's own authority, as other programs take it. */
	struct http_request request = {.url = buf_text(&url),
				       .headers = headers,
				       .timeout_ms = timeout_ms,
				       .connect_ms = timeout_ms,
				       .ca_file = getenv("SSL_CERT_FILE"),
				       .body_max = DNS_PACKET_MAX};
	if (http_perform(http, &request, &reply, &err) == 0) {
		read_reply(query, &reply);
	} else {
		query->rtt_ms = timeout_ms;
		finish(query, reply.end == HTTP_NOT_SENT ? DNS_UNREACHABLE : DNS_TIMEOUT, err.text);
	}
	http_reply_done(&reply);
	buf_done(&url);
}

void dns_ask_https(struct dns_query *queries, size_t n, int timeout_ms)
{
	struct http *http = NULL;
	for (size_t i = 0; i < n; i++) {
		const struct dns_query *dead = NULL;
		if (!dns_is_https(queries[i].server))
			continue;
		for (size_t k = 0; k < i && !dead; k++)
			if (queries[k].end != DNS_ANSWERED &&
			    text_equal(queries[k].server, queries[i].server))
				dead = &queries[k];
		queries[i].rcode = -1;
		queries[i].negative_s = queries[i].ede = -1;
		if (dead) {
			finish(&queries[i], dead->end, dead->why);
			continue;
		}
		if (!http)
			http = http_open(NULL);
		ask_one(http, &queries[i], timeout_ms);
	}
	if (http)
		http_close(http);
}
