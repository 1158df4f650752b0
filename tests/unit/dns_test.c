/* DNS: packets read and refused, and what a row of answers makes of a cell. */
#include "core/base/text.h"
#include "core/links/dns.h"
#include "core/links/dns_cell.h"
#include "core/links/proxy_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { T0 = 1000000, FULL_S = 20 };

/* One answer: when, what it says, its TTL; and the state it must make. */
struct answer {
	int at_s;
	const char *says; /* "old" "new" "neg" "other" "fail" "refused" "silent" */
	int ttl_s;
	enum dns_state wanted;
};
struct row {
	const char *name;
	bool authoritative;
	int flip_s; /* first authoritative NEW; -1: none */
	struct answer answers[10];
};

static const struct row rows[] = {
    {"before the flip",
     false,
     -1,
     {{0, "old", 20, DNS_CELL_OLD}, {30, "old", 5, DNS_CELL_OLD}, {60, "old", 20, DNS_CELL_OLD}}},
    {"an honest cache",
     false,
     10,
     {{0, "old", 20, DNS_CELL_OLD},
      {11, "old", 9, DNS_CELL_OLD},
      {16, "old", 4, DNS_CELL_OLD},
      {21, "new", 20, DNS_CELL_NEW}}},
    {"several caches behind one address",
     false,
     10,
     {{12, "old", 12, DNS_CELL_OLD},
      {13, "old", 3, DNS_CELL_OLD},
      {14, "new", 20, DNS_CELL_MIXED},
      {15, "old", 5, DNS_CELL_MIXED},
      {16, "new", 17, DNS_CELL_MIXED},
      {25, "new", 20, DNS_CELL_NEW}}},
    {"told the old answer again",
     false,
     10,
     {{8, "old", 5, DNS_CELL_OLD},
      {14, "old", 19, DNS_CELL_RELEARNED},
      {19, "old", 14, DNS_CELL_RELEARNED},
      {34, "new", 20, DNS_CELL_NEW}}},
    {"keeps it longer than it may",
     false,
     10,
     {{8, "old", 40, DNS_CELL_OLD},
      {12, "old", 36, DNS_CELL_FLOOR},
      {40, "old", 8, DNS_CELL_FLOOR},
      {49, "new", 45, DNS_CELL_NEW}}},
    {"serves what has run out",
     false,
     10,
     {{8, "old", 6, DNS_CELL_OLD},
      {18, "old", 30, DNS_CELL_FLOOR},
      {23, "old", 30, DNS_CELL_STALE},
      {28, "old", 30, DNS_CELL_STALE}}},
    {"no such name", false, 10, {{12, "neg", 15, DNS_CELL_NEG}, {28, "new", 20, DNS_CELL_NEW}}},
    {"a filter", false, 10, {{12, "other", 60, DNS_CELL_OTHER}}},
    {"broken, refused, silent",
     false,
     10,
     {{12, "fail", 0, DNS_CELL_FAIL},
      {13, "refused", 0, DNS_CELL_REFUSED},
      {14, "silent", 0, DNS_CELL_SILENT}}},
    {"a secondary that lags",
     true,
     10,
     {{8, "old", 20, DNS_CELL_OLD}, {12, "old", 20, DNS_CELL_LAGGING}, {20, "new", 20, DNS_CELL_NEW}}},
    /* Asked only for what it holds. */
    {"a cache that nobody asked",
     false,
     -1,
     {{0, "held-none", 0, DNS_CELL_COLD}, {60, "held-old", 12, DNS_CELL_OLD}}},
    {"a cache that holds a no", false, -1, {{0, "held-neg", 15, DNS_CELL_NEG}}},
    {"no authority", true, 10, {{12, "lame", 20, DNS_CELL_OTHER}}},
};

static void record(struct dns_query *query, int type, const char *owner, const char *value, int ttl_s)
{
	struct dns_record *r = &query->records[query->n++];
	*r = (struct dns_record){.type = type, .ttl_s = ttl_s};
	text_copy(r->owner, sizeof r->owner, owner);
	text_copy(r->value, sizeof r->value, value);
}

static void make(struct dns_query *query, const struct answer *answer, bool authoritative)
{
	const char *says = answer->says;
	dns_query_set(query, "192.0.2.1", "www.acme.example", DNS_A, !authoritative);
	query->end = text_equal(says, "silent") ? DNS_TIMEOUT : DNS_ANSWERED;
	query->aa = authoritative && !text_equal(says, "lame");
	query->negative_s = -1;
	query->at_ms = T0 + answer->at_s * 1000;
	if (text_equal(says, "fail"))
		query->rcode = DNS_SERVFAIL;
	if (text_equal(says, "refused"))
		query->rcode = DNS_REFUSED;
	if (text_equal(says, "neg")) {
		query->rcode = DNS_NXDOMAIN;
		query->negative_s = answer->ttl_s;
	}
	if (text_starts(says, "held-")) {
		query->recurse = false;
		if (text_equal(says, "held-neg"))
			query->negative_s = answer->ttl_s;
		says = text_equal(says, "held-old") ? "old" : "held";
	}
	if (text_equal(says, "old") || text_equal(says, "new") || text_equal(says, "lame")) {
		bool is_new = !text_equal(says, "old");
		/* The chain's own TTL is smaller, and must not count. */
		record(query, DNS_CNAME, "www.acme.example",
		       is_new ? "cutover.acme.example" : "acme.herokudns.example", answer->ttl_s);
		record(query, DNS_A, is_new ? "cutover.acme.example" : "acme.herokudns.example",
		       is_new ? "192.0.2.20" : "192.0.2.10", 3);
	}
	if (text_equal(says, "other"))
		record(query, DNS_A, "www.acme.example", "203.0.113.99", answer->ttl_s);
}

static void test_cells(void **state)
{
	struct dns_query *query = malloc(sizeof *query);
	(void)state;
	assert_non_null(query);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct dns_want want = {.name = "www.acme.example",
					.old_target = "acme.herokudns.example",
					.new_target = "cutover.acme.example",
					.full_ttl_s = FULL_S};
		struct dns_memory memory = {0};
		for (const struct answer *a = rows[i].answers; a->says; a++) {
			struct dns_seen seen;
			if (rows[i].flip_s >= 0 && a->at_s >= rows[i].flip_s)
				want.first_new_ms = T0 + rows[i].flip_s * 1000;
			make(query, a, rows[i].authoritative);
			dns_cell_judge(&want, &memory, query, rows[i].authoritative, &seen);
			if (seen.state != a->wanted)
				fail_msg("%s, at %d s: %s instead of %s (%s)", rows[i].name, a->at_s,
					 dns_state_name(seen.state), dns_state_name(a->wanted), seen.why);
			if (seen.state == DNS_CELL_OLD && !rows[i].authoritative)
				assert_int_equal(seen.expires_ms, query->at_ms + a->ttl_s * 1000);
		}
	}
	free(query);
}

/* Providers that flatten show only addresses, and Heroku's change. */
static void test_flattened(void **state)
{
	struct dns_want want = {
	    .name = "acme.example", .new_target = "cutover.acme.example", .full_ttl_s = 60};
	struct dns_query *query = calloc(1, sizeof *query);
	(void)state;
	assert_non_null(query);
	dns_addresses_add(&want.old_set, "192.0.2.10");
	dns_addresses_add(&want.new_set, "192.0.2.20");
	query->end = DNS_ANSWERED;
	text_copy(query->name, sizeof query->name, "acme.example");
	record(query, DNS_A, "acme.example", "192.0.2.20", 60);
	assert_int_equal(dns_cell_plain(&want, query, false), DNS_CELL_NEW);
	record(query, DNS_A, "acme.example", "192.0.2.10", 60);
	assert_int_equal(dns_cell_plain(&want, query, false), DNS_CELL_OLD);
	query->n = 0;
	record(query, DNS_A, "acme.example", "192.0.2.77", 60);
	assert_int_equal(dns_cell_plain(&want, query, false), DNS_CELL_OTHER);
	query->n = 0;
	assert_int_equal(dns_cell_plain(&want, query, false), DNS_CELL_NEG);
	free(query);
}

/* An IPv6 address that is not there is no bad news; one of the old side is, however the name moved. */
static void test_six(void **state)
{
	struct dns_want want = {
	    .name = "acme.example", .new_target = "cutover.acme.example", .full_ttl_s = 60};
	struct dns_query *query = calloc(1, sizeof *query);
	(void)state;
	assert_non_null(query);
	dns_addresses_add(&want.old_set, "2001:db8::1");
	dns_addresses_add(&want.new_set, "2001:db8::2");
	assert_true(dns_addresses_any(&want.old_set, true));
	assert_false(dns_addresses_any(&want.old_set, false));
	dns_query_set(query, "192.0.2.1", "acme.example", DNS_AAAA, true);
	query->end = DNS_ANSWERED;
	query->negative_s = 15;
	assert_int_equal(dns_cell_plain(&want, query, false), DNS_CELL_NONE);
	query->rcode = DNS_NXDOMAIN;
	assert_int_equal(dns_cell_plain(&want, query, false), DNS_CELL_NEG);
	query->rcode = DNS_NOERROR;
	record(query, DNS_AAAA, "acme.example", "2001:db8::1", 60);
	assert_int_equal(dns_cell_plain(&want, query, false), DNS_CELL_OLD);
	query->n = 0;
	record(query, DNS_AAAA, "acme.example", "2001:db8::2", 60);
	assert_int_equal(dns_cell_plain(&want, query, false), DNS_CELL_NEW);
	free(query);
}

static void test_packet(void **state)
{
	unsigned char packet[512];
	struct dns_query *query = malloc(sizeof *query);
	(void)state;
	assert_non_null(query);
	dns_query_set(query, "192.0.2.1", "WWW.Acme.example.", DNS_A, true);
	assert_string_equal(query->name, "www.acme.example");
	size_t len = dns_packet_make(packet, query, 0x1234, false);
	assert_int_equal(len, 12 + 18 + 4);
	/* The question itself is no answer. */
	assert_int_equal(dns_packet_read(query, 0x1234, packet, len), -1);
	packet[2] |= 0x84;
	packet[3] = 0x80;
	assert_int_equal(dns_packet_read(query, 0x4321, packet, len), -1);
	assert_int_equal(dns_packet_read(query, 0x1234, packet, len), 0);
	assert_true(query->aa && query->ra);
	assert_int_equal(query->n, 0);
	static const unsigned char cname[] = {0xc0, 12, 0,   5,   0,   1,   0,   0,   0,   20,   0,
					      10,   7,  'c', 'u', 't', 'o', 'v', 'e', 'r', 0xc0, 16};
	memcpy(packet + len, cname, sizeof cname);
	packet[len + 11] = 10;
	packet[7] = 1;
	assert_int_equal(dns_packet_read(query, 0x1234, packet, len + sizeof cname), 0);
	assert_string_equal(dns_value(query, DNS_CNAME), "cutover.acme.example");
	assert_int_equal(dns_ttl(query), 20);
	/* Cut off: by TCP, please. */
	packet[2] |= 2;
	assert_int_equal(dns_packet_read(query, 0x1234, packet, len + sizeof cname), 1);
	/* A refusal without the question is one, a success without it is nobody's answer. */
	unsigned char bare[12] = {0x12, 0x34, 0x80, 0x05};
	assert_int_equal(dns_packet_read(query, 0x1234, bare, sizeof bare), 0);
	assert_int_equal(query->rcode, DNS_REFUSED);
	bare[3] = 0;
	assert_int_equal(dns_packet_read(query, 0x1234, bare, sizeof bare), -1);
	dns_query_set(query, "192.0.2.1", "a..b", DNS_A, true);
	assert_int_equal(dns_packet_make(packet, query, 1, true), 0);
	free(query);
}

/* Any byte of an answer may be anything. */
static void test_mutated(void **state)
{
	unsigned char packet[DNS_QUESTION_MAX], broken[DNS_QUESTION_MAX];
	struct dns_query *query = malloc(sizeof *query);
	(void)state;
	assert_non_null(query);
	dns_query_set(query, "192.0.2.1", "www.acme.example", DNS_A, true);
	size_t len = dns_packet_make(packet, query, 7, true);
	packet[2] |= 0x80;
	srand(4);
	for (int i = 0; i < 20000; i++) {
		size_t used = 12 + (size_t)rand() % (len - 11);
		memcpy(broken, packet, len);
		for (int k = 0; k < 4; k++)
			broken[2 + (size_t)rand() % (len - 2)] = (unsigned char)rand();
		dns_packet_read(query, 7, broken, used);
	}
	free(query);
}

static void test_servers(void **state)
{
	static const struct {
		const char *server;
		enum dns_end end;
	} servers[] = {{"", DNS_NO_SERVER},
		       {"ns1.acme.example", DNS_NO_SERVER},
		       {"127.0.0.1#", DNS_NO_SERVER},
		       {"127.0.0.1#70000", DNS_NO_SERVER},
		       {"[::1#53", DNS_NO_SERVER},
		       {"127.0.0.1#1", DNS_UNREACHABLE},
		       {"https://127.0.0.1:1/dns-query", DNS_UNREACHABLE}};
	struct dns_query *queries = calloc(7, sizeof *queries);
	(void)state;
	assert_non_null(queries);
	for (size_t i = 0; i < 7; i++)
		dns_query_set(&queries[i], servers[i].server, "www.acme.example", DNS_A, true);
	dns_ask_all(queries, 7, 1000);
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(queries[i].end, servers[i].end);
	free(queries);
}

static void test_proxy_log(void **state)
{
	static const char line[] =
	    "{\"time\":\"2026-11-21T09:38:47.828Z\",\"msg\":\"Request\",\"host\":\"www.acme.example\","
	    "\"path\":\"/orders/17/pay\","
	    "\"status\":502,\"duration\":588848,\"method\":\"POST\",\"user_agent\":\"curl/7.88.1\"}";
	static const char other[] = "{\"msg\":\"Server started\",\"http\":80}";
	struct proxy_request request;
	char signature[120];
	(void)state;
	assert_true(proxy_log_parse(line, sizeof line - 1, &request));
	assert_int_equal(request.status, 502);
	assert_true(request.ms > 0.58 && request.ms < 0.59);
	assert_true(request.at_ms > 0 && !request.ours);
	proxy_signature(&request, signature, sizeof signature);
	assert_string_equal(signature, "POST /orders/#/pay 502");
	assert_false(proxy_log_parse(other, sizeof other - 1, &request));
	assert_false(proxy_log_parse("{", 1, &request));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cells),     cmocka_unit_test(test_flattened),
	    cmocka_unit_test(test_six),       cmocka_unit_test(test_packet),
	    cmocka_unit_test(test_mutated),   cmocka_unit_test(test_servers),
	    cmocka_unit_test(test_proxy_log),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
