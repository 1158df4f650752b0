/* When waiting for the world to follow is over: every edge of it, on answers that are written down here. */
#include "core/base/text.h"
#include "core/links/dns_matrix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { NOW = 1000000, TTL_S = 60, FLIP = NOW - 10000 };

struct one {
	const char *state; /* "" for none */
	int dies_s;        /* from NOW; 0 none */
};
struct row {
	const char *name;
	struct one zone[2], caches[3], six_zone,
	    six_cache;    /* the six: of the first server each; "": no IPv6 at all */
	int everywhere_s; /* since when all of the zone is NEW, from NOW; 1: it is not */
	bool over;
	const char *says;
};

static const struct row rows[] = {
    {.name = "all is NEW",
     .zone = {{"NEW", 0}, {"NEW", 0}},
     .caches = {{"NEW", 0}, {"NEW", 0}},
     .everywhere_s = -5,
     .over = true},
    {.name = "a name server lags",
     .zone = {{"NEW", 0}, {"LAGGING", 0}},
     .caches = {{"NEW", 0}},
     .everywhere_s = 1,
     .says = "1 answers of the zone's own name servers are not NEW yet: ns1 is LAGGING for www.acme.example"},
    {.name = "a name server fails",
     .zone = {{"NEW", 0}, {"FAIL", 0}},
     .everywhere_s = 1,
     .says = "ns1 is FAIL for"},
    {.name = "caches that are old do not count as name servers",
     .zone = {{"LAGGING", 0}, {"NEW", 0}},
     .caches = {{"OLD", 9}, {"OLD", 9}, {"OLD", 9}},
     .everywhere_s = 1,
     .says = "1 answers of the zone's own"},
    {.name = "no name server answers",
     .zone = {{"SILENT", 0}, {"REFUSED", 0}},
     .caches = {{"NEW", 0}},
     .everywhere_s = 1,
     .says = "none of the zone's own name servers answers"},
    {.name = "a silent name server is not waited for",
     .zone = {{"NEW", 0}, {"SILENT", 0}},
     .caches = {{"NEW", 0}},
     .everywhere_s = -5,
     .over = true},
    {.name = "one old answer",
     .zone = {{"NEW", 0}, {"NEW", 0}},
     .caches = {{"NEW", 0}, {"OLD", 30}},
     .everywhere_s = -5,
     .says = "1 old answer left, last dies"},
    {.name = "an old answer that has just died may be one second old",
     .zone = {{"NEW", 0}, {"NEW", 0}},
     .caches = {{"OLD", -9}},
     .everywhere_s = -TTL_S - 9,
     .says = "1 old answer left"},
    {.name = "the last old answer died long ago, and the cell was not asked since",
     .zone = {{"NEW", 0}, {"NEW", 0}},
     .caches = {{"OLD", -11}},
     .everywhere_s = -TTL_S - 11,
     .over = true},
    {.name = "mixed waits for its longest life",
     .zone = {{"NEW", 0}, {"NEW", 0}},
     .caches = {{"MIXED", 3}},
     .everywhere_s = -5,
     .says = "1 old answer left"},
    {.name = "told again waits for a second life",
     .zone = {{"NEW", 0}, {"NEW", 0}},
     .caches = {{"RELEARNED", 40}},
     .everywhere_s = -300,
     .says = "1 old answer left"},
    {.name = "silent, refused, keeping, serving what is over, failing, another: named, not waited for",
     .zone = {{"NEW", 0}, {"NEW", 0}},
     .caches = {{"SILENT", 0}, {"REFUSED", 0}, {"FLOOR", 5000}},
     .everywhere_s = -5,
     .over = true},
    {.name = "no end is known for what is over",
     .zone = {{"NEW", 0}, {"NEW", 0}},
     .caches = {{"STALE", 0}, {"FAIL", 0}, {"OTHER", 500}},
     .everywhere_s = -5,
     .over = true},
    {.name = "the zone's IPv6 address stayed behind",
     .zone = {{"NEW", 0}, {"NEW", 0}},
     .caches = {{"NEW", 0}},
     .six_zone = {"OLD", 0},
     .everywhere_s = 1,
     .says = "ns0 is OLD for the IPv6 address of www.acme.example"},
    {.name = "a cache has the old IPv6 address",
     .zone = {{"NEW", 0}, {"NEW", 0}},
     .caches = {{"NEW", 0}},
     .six_zone = {"NEW", 0},
     .six_cache = {"OLD", 20},
     .everywhere_s = -5,
     .says = "1 old answer left, some by IPv6"},
    {.name = "both old in one cache is one answer",
     .zone = {{"NEW", 0}, {"NEW", 0}},
     .caches = {{"OLD", 20}},
     .six_zone = {"NEW", 0},
     .six_cache = {"OLD", 20},
     .everywhere_s = -5,
     .says = "1 old answer left, last"},
};

static enum dns_state state_of(const char *name)
{
	for (int i = 0; i <= DNS_CELL_ALIVE; i++)
		if (text_equal(dns_state_name((enum dns_state)i), name))
			return (enum dns_state)i;
	return DNS_CELL_NONE;
}

static struct dns_seen seen_of(const struct one *one)
{
	return (struct dns_seen){.state = one->state && *one->state ? state_of(one->state) : DNS_CELL_NONE,
				 .expires_ms = one->dies_s ? NOW + one->dies_s * 1000 : 0};
}

static struct dns_matrix *make(const struct row *row)
{
	struct dns_matrix *m = calloc(1, sizeof *m), *six = calloc(1, sizeof *six);
	assert_non_null(m);
	assert_non_null(six);
	m->six = six;
	m->n_names = 1;
	m->n_authoritative = 2;
	m->servers.n = 5;
	struct dns_want *want = &m->names[0];
	text_copy(want->name, sizeof want->name, "www.acme.example");
	want->full_ttl_s = six->names[0].full_ttl_s = TTL_S;
	want->first_new_ms = FLIP;
	want->all_new_ms = row->everywhere_s > 0 ? 0 : NOW + row->everywhere_s * 1000;
	six->names[0].all_new_ms = want->all_new_ms;
	if (row->six_zone.state)
		dns_addresses_add(&six->names[0].old_set, "2001:db8::1");
	for (size_t i = 0; i < 5; i++) {
		text_copyf(m->servers.list[i].label, sizeof m->servers.list[i].label,
			   i < 2 ? "ns%zu" : "cache%zu", i);
		m->servers.list[i].authoritative = i < 2;
		m->seen[i][0] = seen_of(i < 2 ? &row->zone[i] : &row->caches[i - 2]);
	}
	six->seen[0][0] = seen_of(&row->six_zone);
	six->seen[2][0] = seen_of(&row->six_cache);
	return m;
}

static void test_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct dns_matrix *m = make(&rows[i]);
		char text[240] = "";
		bool over = dns_matrix_over(m, NOW, text, sizeof text);
		if (over != rows[i].over || (rows[i].says && !text_find(text, rows[i].says)))
			fail_msg("%s: %s, \"%s\"", rows[i].name, over ? "over" : "not over", text);
		free(m->six);
		free(m);
	}
}

/* What is named beside OLD and NEW, and what is not worth a word. */
static void test_counts(void **state)
{
	static const struct row row = {.zone = {{"NEW", 0}, {"REFUSED", 0}},
				       .caches = {{"FLOOR", 90}, {"COLD", 0}, {"ALIVE", 0}},
				       .everywhere_s = -5};
	struct dns_counts counts;
	struct dns_matrix *m = make(&row);
	(void)state;
	dns_matrix_count(m, &counts);
	assert_int_equal(counts.cells, 5);
	assert_int_equal(counts.waits, 0);
	assert_string_equal(counts.others, "ns1 REFUSED, cache2 FLOOR");
	assert_int_equal(dns_matrix_old_die_ms(m), NOW - 5000 + TTL_S * 1000);
	free(m->six);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_over), cmocka_unit_test(test_counts)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
