/* What an answer through a proxy says of the host behind it. */
#include "core/base/text.h"
#include "core/links/dns_edge.h"
#include "core/links/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static struct edge_seen judge(const char *marker, int status, const char *head)
{
	struct edge_seen seen = {0};
	struct http_reply reply = {.status = status, .ms = 7};
	buf_adds(&reply.head, head);
	dns_edge_judge(marker, &reply, &seen);
	buf_done(&reply.head);
	return seen;
}

static void test_mark(void **state)
{
	(void)state;
	const char *marker = "X-Served-By: kamal";
	struct edge_seen seen = judge(
	    marker, 200, "Server: cloudflare\r\nCF-RAY: 8a1b2c3d4e5f6789-FRA\r\nX-Served-By: kamal-1\r\n");
	assert_int_equal(seen.state, DNS_CELL_NEW);
	assert_string_equal(seen.value, "200, site FRA");
	assert_int_equal(judge(marker, 200, "CF-RAY: 1-FRA\r\nX-Served-By: heroku\r\n").state, DNS_CELL_OLD);
	/* An error tells whose it is only by a sign. */
	assert_int_equal(judge(marker, 503, "CF-RAY: 1-FRA\r\n").state, DNS_CELL_OTHER);
	assert_int_equal(judge(marker, 503, "CF-RAY: 1-FRA\r\nVia: 1.1 vegur\r\n").state, DNS_CELL_OLD);
	assert_int_equal(judge(marker, 500, "X-Served-By: kamal\r\n").state, DNS_CELL_NEW);
	assert_int_equal(judge(marker, 404, "CF-RAY: 1-FRA\r\n").state, DNS_CELL_OLD);
	assert_int_equal(judge("X-Served-By", 200, "x-served-by: anybody\r\n").state, DNS_CELL_NEW);
	assert_int_equal(judge("X-Served-By", 200, "").state, DNS_CELL_OLD);
	assert_int_equal(judge("/new-here", 204, "").state, DNS_CELL_NEW);
	assert_int_equal(judge("/new-here", 404, "").state, DNS_CELL_OLD);
	/* A site that is no word of three letters. */
	assert_null(strchr(judge(marker, 200, "CF-RAY: 1-\033[2J\r\n").value, '\033'));
}

/* The proxy's own pages are no answer of either side; the same status of an app is. */
static void test_pages(void **state)
{
	(void)state;
	struct edge_seen seen = judge("X-Served-By: kamal", 521, "CF-RAY: 1-FRA\r\n");
	assert_int_equal(seen.state, DNS_CELL_FAIL);
	assert_string_equal(seen.why,
			    "521: the host behind the proxy refuses its connections: is the app up, and the "
			    "firewall open for it?");
	assert_int_equal(judge("X-Served-By: kamal", 526, "CF-RAY: 1-FRA\r\n").state, DNS_CELL_FAIL);
	assert_int_equal(judge("X-Served-By: kamal", 521, "").state, DNS_CELL_OTHER);
	assert_int_equal(judge("X-Served-By: kamal", 502, "CF-RAY: 1-FRA\r\n").state, DNS_CELL_OTHER);
}

/* What comes out of the proxy's own store tells nothing, with or without the mark. */
static void test_store(void **state)
{
	(void)state;
	struct edge_seen seen = judge("X-Served-By: kamal", 200,
				      "CF-RAY: 1-FRA\r\nCF-Cache-Status: HIT\r\nX-Served-By: kamal\r\n");
	assert_int_equal(seen.state, DNS_CELL_NONE);
	assert_non_null(strstr(seen.why, "HIT"));
	assert_int_equal(
	    judge("X-Served-By: kamal", 200, "CF-Cache-Status: DYNAMIC\r\nX-Served-By: kamal\r\n").state,
	    DNS_CELL_NEW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mark),
	    cmocka_unit_test(test_pages),
	    cmocka_unit_test(test_store),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
