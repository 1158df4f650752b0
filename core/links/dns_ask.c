/* Many DNS questions in flight in one poll() loop. Each has a socket of its own: the kernel then drops what
 * others send, picks an unguessable port, and tells when nobody listens there. */
#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/dns.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FLIGHTS_MAX = 64, SENDS_MAX = 3 };

enum stage { STAGE_FREE = 0, STAGE_UDP, STAGE_TCP_CONNECT, STAGE_TCP_READ };
struct flight {
	struct dns_query *query;
	enum stage stage;
	int fd, sends;
	bool no_edns, strange; /* something came that is no answer to our question */
	uint16_t id;
	int64_t begun_ms, sent_ms;
	struct buf in;
	unsigned char packet[2 + DNS_QUESTION_MAX]; /* with room for TCP's length before it */
	size_t len;
	struct sockaddr_storage to;
	socklen_t to_len;
};

/* Real milliseconds: networks do not run with our clock. */
static int64_t real_since(int64_t life_ms)
{
	int64_t gone = clock_life_ms() - life_ms;
	return gone > 0 ? clock_real_ms(gone) : 0;
}

static bool read_server(const char *text, struct sockaddr_storage *out, socklen_t *len)
{
	char host[64], *end;
	text_copy(host, sizeof host, text[0] == '[' ? text + 1 : text);
	char *hash = strchr(host, '#');
	long port = hash ? strtol(hash + 1, &end, 10) : 53;
	if (hash && (*end || end == hash + 1))
		return false;
	if (hash)
		*hash = '\0';
	size_t n = strlen(host);
	if (text[0] == '[') {
		if (!n || host[n - 1] != ']')
			return false;
		host[n - 1] = '\0';
	}
	memset(out, 0, sizeof *out);
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	if (port < 1 || port > 65535)
		return false;
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		*len = sizeof *v4;
	} else if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		*len = sizeof *v6;
	} else {
		return false;
	}
	return true;
}

static void finish(struct flight *flight, enum dns_end end, const char *why)
{
	struct dns_query *query = flight->query;
	query->end = end;
	query->rtt_ms = real_since(flight->begun_ms);
	query->at_ms = clock_wall_ms();
	if (end != DNS_ANSWERED)
		text_copy(query->why, sizeof query->why, why);
	if (flight->fd >= 0)
		close(flight->fd);
	buf_done(&flight->in);
	*flight = (struct flight){.fd = -1};
}

static void finish_errno(struct flight *flight)
{
	if (errno == ECONNREFUSED)
		finish(flight, DNS_UNREACHABLE, "nobody listens there");
	else if (errno == ENETUNREACH || errno == EHOSTUNREACH || errno == EADDRNOTAVAIL ||
		 errno == EAFNOSUPPORT)
		finish(flight, DNS_NO_ROUTE,
		       flight->to.ss_family == AF_INET6 ? "no IPv6 from here" : "no route from here");
	else
		finish(flight, DNS_BROKEN, strerror(errno));
}

static bool open_socket(struct flight *flight, int type)
{
	if (flight->fd >= 0)
		close(flight->fd);
	flight->fd = socket(flight->to.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (flight->fd >= 0 && (connect(flight->fd, (struct sockaddr *)&flight->to, flight->to_len) == 0 ||
				errno == EINPROGRESS))
		return true;
	finish_errno(flight);
	return false;
}

/* A datagram that could not be sent now is a lost one: the next try covers it. */
static void send_udp(struct flight *flight)
{
	flight->sends++;
	flight->sent_ms = clock_life_ms();
	if (send(flight->fd, flight->packet + 2, flight->len, MSG_NOSIGNAL) < 0 && errno != EAGAIN &&
	    errno != ENOBUFS)
		finish_errno(flight);
}

static void begin(struct flight *flight, struct dns_query *query)
{
	*flight = (struct flight){.query = query, .fd = -1, .stage = STAGE_UDP, .begun_ms = clock_life_ms()};
	query->n = 0;
	query->rcode = -1;
	query->negative_s = query->ede = -1;
	query->aa = query->ra = query->tcp = query->https = false;
	query->why[0] = query->nsid[0] = query->ede_text[0] = '\0';
	if (getrandom(&flight->id, sizeof flight->id, 0) != sizeof flight->id)
		abort();
	flight->len = dns_packet_make(flight->packet + 2, query, flight->id, true);
	if (!read_server(query->server, &flight->to, &flight->to_len)) {
		finish(
		    flight, DNS_NO_SERVER,
		    "no address: write 1.2.3.4, 1.2.3.4#53, [2001:db8::1]#53 or https://1.2.3.4/dns-query");
		return;
	}
	if (!flight->len) {
		finish(flight, DNS_BROKEN, "the name cannot be asked for");
		return;
	}
	if (open_socket(flight, SOCK_DGRAM))
		send_udp(flight);
}

static void begin_tcp(struct flight *flight)
{
	flight->query->tcp = true;
	flight->stage = STAGE_TCP_CONNECT;
	flight->packet[0] = (unsigned char)(flight->len >> 8);
	flight->packet[1] = (unsigned char)flight->len;
	buf_reset(&flight->in);
	open_socket(flight, SOCK_STREAM);
}

/* Servers that have never heard of EDNS say FORMERR to it: once more without. */
static bool again_without_edns(struct flight *flight)
{
	if (flight->query->rcode != DNS_FORMERR || flight->no_edns)
		return false;
	flight->no_edns = true;
	flight->len = dns_packet_make(flight->packet + 2, flight->query, flight->id, false);
	if (flight->stage == STAGE_UDP)
		send_udp(flight);
	else
		begin_tcp(flight);
	return true;
}

static void on_udp(struct flight *flight)
{
	unsigned char packet[4096];
	ssize_t n = recv(flight->fd, packet, sizeof packet, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		finish_errno(flight);
		return;
	}
	int rc = dns_packet_read(flight->query, flight->id, packet, (size_t)n);
	flight->strange = flight->strange || rc < 0;
	if (rc == 1)
		begin_tcp(flight);
	else if (rc == 0 && !again_without_edns(flight))
		finish(flight, DNS_ANSWERED, "");
}

static void on_tcp_connect(struct flight *flight)
{
	int trouble = 0;
	socklen_t len = sizeof trouble;
	getsockopt(flight->fd, SOL_SOCKET, SO_ERROR, &trouble, &len);
	errno = trouble;
	/* So few bytes always fit into a new connection's buffer. */
	if (trouble ||
	    send(flight->fd, flight->packet, flight->len + 2, MSG_NOSIGNAL) != (ssize_t)flight->len + 2)
		finish_errno(flight);
	else
		flight->stage = STAGE_TCP_READ;
}

static void on_tcp_read(struct flight *flight)
{
	unsigned char chunk[4096];
	ssize_t n = recv(flight->fd, chunk, sizeof chunk, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		finish(flight, DNS_BROKEN, "the answer by TCP was cut off");
		return;
	}
	buf_add(&flight->in, chunk, (size_t)n);
	const unsigned char *in = (const unsigned char *)flight->in.data;
	size_t want = flight->in.len >= 2 ? (size_t)(in[0] << 8 | in[1]) : DNS_PACKET_MAX;
	if (flight->in.len < want + 2)
		return;
	int rc = dns_packet_read(flight->query, flight->id, in + 2, want);
	if (rc < 0)
		finish(flight, DNS_BROKEN, "the answer by TCP is not to our question, or cannot be read");
	else if (rc == 1)
		/* Half an answer is none: what is missing would look as if it did not exist. */
		finish(flight, DNS_BROKEN, "the answer says that it is cut off, even by TCP");
	else if (!again_without_edns(flight))
		finish(flight, DNS_ANSWERED, "");
}

static void on_ready(struct flight *flight)
{
	if (flight->stage == STAGE_UDP)
		on_udp(flight);
	else if (flight->stage == STAGE_TCP_CONNECT)
		on_tcp_connect(flight);
	else if (flight->stage == STAGE_TCP_READ)
		on_tcp_read(flight);
}

static void on_time(struct flight *flight, int timeout_ms)
{
	if (real_since(flight->begun_ms) >= timeout_ms)
		finish(flight, DNS_TIMEOUT,
		       flight->strange ? "what came is no answer to our question, or cannot be read"
				       : "no answer");
	else if (flight->stage == STAGE_UDP && flight->sends < SENDS_MAX &&
		 real_since(flight->sent_ms) >= timeout_ms / SENDS_MAX)
		send_udp(flight);
}

static void fly(struct flight *flights, size_t n, int timeout_ms)
{
	struct pollfd polls[FLIGHTS_MAX];
	struct flight *who[FLIGHTS_MAX];
	nfds_t busy = 0;
	for (size_t i = 0; i < n; i++) {
		if (!flights[i].stage)
			continue;
		who[busy] = &flights[i];
		polls[busy++] = (struct pollfd){
		    .fd = flights[i].fd, .events = flights[i].stage == STAGE_TCP_CONNECT ? POLLOUT : POLLIN};
	}
	poll(polls, busy, 20);
	for (nfds_t i = 0; i < busy; i++) {
		if (polls[i].revents)
			on_ready(who[i]);
		if (who[i]->stage)
			on_time(who[i], timeout_ms);
	}
}

void dns_ask_all(struct dns_query *queries, size_t n, int timeout_ms)
{
	struct flight *flights = xcalloc(FLIGHTS_MAX, sizeof *flights);
	size_t next = 0;
	for (bool busy = true; busy;) {
		busy = false;
		for (size_t i = 0; i < FLIGHTS_MAX; i++) {
			while (next < n && dns_is_https(queries[next].server))
				next++;
			if (!flights[i].stage && next < n)
				begin(&flights[i], &queries[next++]);
			busy = busy || flights[i].stage;
		}
		if (busy)
			fly(flights, FLIGHTS_MAX, timeout_ms);
		busy = busy || next < n;
	}
	free(flights);
	dns_ask_https(queries, n, timeout_ms);
}

bool dns_has_route(const char *server)
{
	struct sockaddr_storage to;
	socklen_t len;
	if (!read_server(server, &to, &len))
		return false;
	int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool way = fd >= 0 && connect(fd, (struct sockaddr *)&to, len) == 0;
	if (fd >= 0)
		close(fd);
	return way;
}

void dns_query_set(struct dns_query *query, const char *server, const char *name, int type, bool recurse)
{
	memset(query, 0, sizeof *query);
	text_copy(query->server, sizeof query->server, server);
	dns_name_clean(query->name, sizeof query->name, name);
	query->type = type;
	query->recurse = recurse;
}

bool dns_ask(struct dns_query *query, const char *server, const char *name, int type, bool recurse,
	     int timeout_ms)
{
	dns_query_set(query, server, name, type, recurse);
	dns_ask_all(query, 1, timeout_ms);
	return query->end == DNS_ANSWERED && query->rcode == DNS_NOERROR;
}
