/* DNS as a measuring tool: our own packets over UDP and TCP, one answer from one server, no cache between.
 *
 * Servers are written "1.2.3.4", "1.2.3.4#5353", "2001:db8::1" or "[2001:db8::1]#53"; or, where a network
 * lets no DNS through, "https://1.2.3.4/dns-query": the same packets by HTTPS (RFC 8484). Names are without a
 * final dot, in lower case. TTLs are those of each record by itself: the one that counts for a change is the
 * TTL of the record whose owner is the changed name, which dns_ttl() finds. */
#ifndef CORE_LINKS_DNS_H
#define CORE_LINKS_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_DNSKEY = 48,
	DNS_SVCB = 64,
	DNS_HTTPS = 65,
	DNS_CAA = 257,
};
enum {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_REFUSED = 5,
};
enum { DNS_NAME_MAX = 256, DNS_RECORDS_MAX = 24, DNS_PACKET_MAX = 65535, DNS_QUESTION_MAX = 320 };

enum dns_end {
	DNS_UNASKED = 0,
	DNS_ANSWERED,    /* whatever its rcode */
	DNS_TIMEOUT,     /* nothing came */
	DNS_UNREACHABLE, /* the host says that nobody listens there */
	DNS_NO_ROUTE,    /* no way to that kind of address from here */
	DNS_BROKEN,      /* an answer that is none */
	DNS_NO_SERVER,   /* the server's address cannot be read */
};

struct dns_record {
	char owner[DNS_NAME_MAX];
	int type;
	int64_t ttl_s;
	bool authority;           /* of the authority section: a referral's NS */
	char value[DNS_NAME_MAX]; /* address, name without final dot, or text; "" for types we do not read */
};

struct dns_query {
	/* asked */
	char server[64], name[DNS_NAME_MAX];
	int type;
	bool recurse; /* false: from authoritative servers, or what a cache holds already */
	bool chaos;   /* class CH: a question about the server itself */

	/* answered; all of it is set by dns_ask_all() */
	enum dns_end end;
	int rcode;
	bool aa, ra, tcp, https;
	struct dns_record records[DNS_RECORDS_MAX]; /* answers, then NS of the authority section */
	size_t n;
	int64_t negative_s; /* from the SOA of a negative answer; -1 none */
	int ede;            /* RFC 8914, -1 none */
	char ede_text[96], nsid[48];
	int64_t rtt_ms; /* real milliseconds */
	int64_t at_ms;  /* wall time of the answer, or of the end of waiting */
	char why[120];  /* a few words for everything that is not a good answer */
};

/* Asks all of them at once, each server as itself, and returns when the last has answered or `timeout_ms`
 * real milliseconds are over. Answers that do not fit come again by TCP. Never fails: look at each query's
 * end. */
void dns_ask_all(struct dns_query *queries, size_t n, int timeout_ms);
/* One query, filled and asked. True when it was answered without an error code. */
bool dns_ask(struct dns_query *query, const char *server, const char *name, int type, bool recurse,
	     int timeout_ms);
/* Whether it is a server that is asked by HTTPS. */
bool dns_is_https(const char *server);
/* The part of dns_ask_all() that is asked by HTTPS: one after the other, on kept connections. A server that
 * does not answer is not asked again in this call. */
void dns_ask_https(struct dns_query *queries, size_t n, int timeout_ms);
/* There is a way to that address from here, as the kernel knows it; nothing is sent. */
bool dns_has_route(const char *server);
void dns_query_set(struct dns_query *query, const char *server, const char *name, int type, bool recurse);

/* TTL of the record whose owner is the name that was asked, -1 when there is none. */
int64_t dns_ttl(const struct dns_query *query);
/* The first value of that type whose owner is the name asked; NULL for none. */
const char *dns_value(const struct dns_query *query, int type);
bool dns_has(const struct dns_query *query, int type, const char *value);
/* Without case and final dots. */
bool dns_same(const char *a, const char *b);
/* Lower case, no final dot. */
void dns_name_clean(char *out, size_t size, const char *name);
const char *dns_rcode_name(int rcode);
const char *dns_type_name(int type);

/* ---- packets, also for tests ---- */

/* Returns the packet's length, 0 when the name is none. */
size_t dns_packet_make(unsigned char out[DNS_QUESTION_MAX], const struct dns_query *query, uint16_t id,
		       bool edns);
/* Reads an answer into the query. 0; 1: cut off, ask again by TCP; -1: not the answer to this question. */
int dns_packet_read(struct dns_query *query, uint16_t id, const unsigned char *packet, size_t len);

#endif
