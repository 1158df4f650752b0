/* Answers as they come over the wire, from a server that misbehaves: what is half, wrong or cannot be read
 * must never look like "there is no such record". */
#include "core/base/text.h"
#include "core/links/dns.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { PACKET_MAX = 65535 + 2 };

/* What the server does, one behaviour each. */
enum manner {
	CUT_BY_BOTH,   /* truncated by UDP, and by TCP again */
	HANGS_UP,      /* by TCP half of the answer, then nothing */
	HUGE,          /* as many addresses by TCP as an answer can hold */
	OTHER_ID,      /* somebody else's answer */
	OTHER_NAME,    /* an answer to another question */
	OTHER_CLASS,   /* of another class */
	LOOP,          /* a CNAME whose value points at itself */
	SHORT_ADDRESS, /* an address of three bytes */
	CUT_RECORD,    /* a record longer than the packet */
	OLD_SERVER,    /* FORMERR to everything with EDNS */
	HIGH_TTL,      /* a TTL of 2^31 */
	LONGEST_TTL,   /* a TTL of 2^31 - 1 */
	FIRST_WRONG,   /* a forged answer before the good one */
};

static size_t put(unsigned char *packet, size_t at, const void *bytes, size_t len)
{
	memcpy(packet + at, bytes, len);
	return at + len;
}

/* The question comes back, without its EDNS; flags are ours. */
static size_t begin(unsigned char *out, const unsigned char *question, unsigned flags, unsigned answers)
{
	size_t len = 12;
	while (question[len])
		len += 1u + question[len];
	memcpy(out, question, len + 5);
	out[2] = (unsigned char)(flags >> 8);
	out[3] = (unsigned char)flags;
	out[6] = (unsigned char)(answers >> 8);
	out[7] = (unsigned char)answers;
	memset(out + 8, 0, 4);
	return len + 5;
}

static size_t add(unsigned char *out, size_t at, int type, uint32_t ttl, const void *data, size_t len)
{
	const unsigned char head[] = {0xc0,
				      12,
				      0,
				      (unsigned char)type,
				      0,
				      1,
				      (unsigned char)(ttl >> 24),
				      (unsigned char)(ttl >> 16),
				      (unsigned char)(ttl >> 8),
				      (unsigned char)ttl,
				      (unsigned char)(len >> 8),
				      (unsigned char)len};
	return put(out, put(out, at, head, sizeof head), data, len);
}

static const unsigned char address[] = {192, 0, 2, 7};

static size_t answer(enum manner manner, bool tcp, const unsigned char *question, unsigned char *out)
{
	bool edns = question[11] != 0, cut = manner <= HUGE;
	size_t at = begin(out, question, 0x8400u | (cut && (!tcp || manner == CUT_BY_BOTH) ? 0x200 : 0),
			  cut && !tcp ? 0 : 1);
	unsigned char loop[] = {0xc0, (unsigned char)(at + 12)};
	switch (manner) {
	case CUT_BY_BOTH: out[7] = 0; return at;
	case HUGE:
		out[6] = 0x0f;
		out[7] = 0xfd;
		for (int i = 0; tcp && i < 0x0ffd; i++)
			at = add(out, at, DNS_A, 60, address, 4);
		return at;
	case OTHER_ID: out[0] ^= 1; break;
	case OTHER_NAME: out[13] ^= 1; break;
	case OTHER_CLASS: out[at - 1] = 3; break;
	case LOOP: return add(out, at, DNS_CNAME, 60, loop, 2);
	case SHORT_ADDRESS: return add(out, at, DNS_A, 60, address, 3);
	case CUT_RECORD: return add(out, at, DNS_A, 60, address, 4) - 2;
	case OLD_SERVER:
		if (edns)
			return begin(out, question, 0x8401, 0);
		break;
	case HIGH_TTL: return add(out, at, DNS_A, 0x80000000u, address, 4);
	case LONGEST_TTL: return add(out, at, DNS_A, 0x7fffffffu, address, 4);
	case HANGS_UP:
	case FIRST_WRONG: break;
	}
	return add(out, at, DNS_A, 60, address, 4);
}

static void serve_udp(int fd, enum manner manner, unsigned char *out)
{
	unsigned char question[2048];
	struct sockaddr_in from;
	socklen_t len = sizeof from;
	ssize_t n = recvfrom(fd, question, sizeof question, 0, (struct sockaddr *)&from, &len);
	if (n < 17)
		return;
	size_t size = answer(manner, false, question, out);
	if (manner == FIRST_WRONG) {
		out[1] ^= 1;
		sendto(fd, out, size, 0, (struct sockaddr *)&from, len);
		out[1] ^= 1;
	}
	sendto(fd, out, size, 0, (struct sockaddr *)&from, len);
}

static void serve_tcp(int listener, enum manner manner, unsigned char *out)
{
	unsigned char question[2048];
	int fd = accept(listener, NULL, NULL);
	if (fd < 0)
		return;
	if (recv(fd, question, sizeof question, 0) > 19) {
		size_t size = answer(manner, true, question + 2, out + 2);
		out[0] = (unsigned char)(size >> 8);
		out[1] = (unsigned char)size;
		size_t all = manner == HANGS_UP ? size / 2 : size + 2;
		for (size_t at = 0; at < all;) {
			ssize_t n = send(fd, out + at, all - at, MSG_NOSIGNAL);
			if (n <= 0)
				break;
			at += (size_t)n;
		}
	}
	close(fd);
}

static pid_t serve(enum manner manner, int *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	int udp = -1, tcp = -1;
	/* The same port for both; somebody else may have the one or the other. */
	for (int i = 0; i < 20; i++) {
		udp = socket(AF_INET, SOCK_DGRAM, 0);
		tcp = socket(AF_INET, SOCK_STREAM, 0);
		at.sin_port = 0;
		if (bind(udp, (struct sockaddr *)&at, sizeof at) == 0 &&
		    getsockname(udp, (struct sockaddr *)&at, &len) == 0 &&
		    bind(tcp, (struct sockaddr *)&at, sizeof at) == 0 && listen(tcp, 4) == 0)
			break;
		close(udp);
		close(tcp);
		udp = tcp = -1;
	}
	assert_true(udp >= 0);
	*port = ntohs(at.sin_port);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		unsigned char *out = malloc(PACKET_MAX + 64);
		for (struct pollfd p[2] = {{.fd = udp, .events = POLLIN}, {.fd = tcp, .events = POLLIN}};
		     out && poll(p, 2, 60000) > 0;) {
			if (p[0].revents)
				serve_udp(udp, manner, out);
			if (p[1].revents)
				serve_tcp(tcp, manner, out);
		}
		_exit(0);
	}
	close(udp);
	close(tcp);
	return pid;
}

static void ask(enum manner manner, int timeout_ms, struct dns_query *query)
{
	int port;
	char server[40];
	pid_t pid = serve(manner, &port);
	text_copyf(server, sizeof server, "127.0.0.1#%d", port);
	dns_ask(query, server, "www.acme.example", DNS_A, false, timeout_ms);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_wire(void **state)
{
	static const struct {
		enum manner manner;
		enum dns_end end;
		size_t n;
		int64_t ttl_s;
		const char *why;
	} rows[] = {
	    {CUT_BY_BOTH, DNS_BROKEN, 0, -1, "the answer says that it is cut off, even by TCP"},
	    {HANGS_UP, DNS_BROKEN, 0, -1, "the answer by TCP was cut off"},
	    {HUGE, DNS_ANSWERED, DNS_RECORDS_MAX, 60, ""},
	    {OTHER_ID, DNS_TIMEOUT, 0, -1, "what came is no answer to our question, or cannot be read"},
	    {OTHER_NAME, DNS_TIMEOUT, 0, -1, "what came is no answer to our question, or cannot be read"},
	    {OTHER_CLASS, DNS_TIMEOUT, 0, -1, "what came is no answer to our question, or cannot be read"},
	    {LOOP, DNS_TIMEOUT, 0, -1, "what came is no answer to our question, or cannot be read"},
	    {SHORT_ADDRESS, DNS_TIMEOUT, 0, -1, "what came is no answer to our question, or cannot be read"},
	    {CUT_RECORD, DNS_TIMEOUT, 0, -1, "what came is no answer to our question, or cannot be read"},
	    {OLD_SERVER, DNS_ANSWERED, 1, 60, ""},
	    {HIGH_TTL, DNS_ANSWERED, 1, 0, ""},
	    {LONGEST_TTL, DNS_ANSWERED, 1, 2147483647, ""},
	    {FIRST_WRONG, DNS_ANSWERED, 1, 60, ""},
	};
	struct dns_query *query = malloc(sizeof *query);
	(void)state;
	assert_non_null(query);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		/* What has to time out shall not take long; everything else has all the time there is. */
		ask(rows[i].manner, rows[i].end == DNS_TIMEOUT ? 600 : 20000, query);
		if (query->end != rows[i].end || query->n != rows[i].n || dns_ttl(query) != rows[i].ttl_s ||
		    !text_equal(query->why, rows[i].why))
			fail_msg("behaviour %zu: end %d, %zu records, TTL %lld: %s", i, query->end, query->n,
				 (long long)dns_ttl(query), query->why);
	}
	free(query);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_wire)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
