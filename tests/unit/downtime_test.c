/* Downtime is what visitors found: every way it can begin, end and begin again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/text.h"
#include "core/night/state.h"
#include "panels/sums.h"
#include <stdio.h>
#include <string.h>

static struct state *state;
static long long seq;

static void tell(int at_s, const char *fields)
{
	char line[1200];
	int n = snprintf(line, sizeof line, "{\"seq\":%lld,\"at\":%d000,\"src\":\"engine\",%s}", ++seq, at_s,
			 fields);
	assert_int_equal(state_fold_line(state, line, (size_t)n, NULL), 0);
}

static void dynos(int at_s, bool page, const char *web)
{
	char fields[300];
	snprintf(fields, sizeof fields, "\"kind\":\"dynos.seen\",\"maintenance\":%s,\"dynos\":[%s%s%s]",
		 page ? "true" : "false", *web ? "{\"name\":\"web.1\",\"type\":\"web\",\"state\":\"" : "",
		 web, *web ? "\"}" : "");
	tell(at_s, fields);
}

static void ends(int at_s, const char *step, const char *outcome)
{
	char fields[200];
	snprintf(fields, sizeof fields,
		 "\"kind\":\"attempt.ended\",\"attempt\":\"a1\",\"step\":\"%s\",\"outcome\":\"%s\"", step,
		 outcome);
	tell(at_s, fields);
}

/* The screens' sum is the same one. */
static void expect(int now_s, bool now, int seconds)
{
	struct downtime down = downtime_of(state, now_s * 1000);
	struct sums sums;
	sums_of(state, now_s * 1000, &sums);
	assert_int_equal(down.now, now);
	assert_int_equal(down.ms, seconds * 1000);
	assert_int_equal(sums.down, now);
	assert_int_equal(sums.was_down, !now);
	assert_int_equal(sums.down_ms, seconds * 1000);
}

static int begin(void **unused)
{
	(void)unused;
	state = state_new();
	seq = 0;
	tell(1,
	     "\"kind\":\"night.opened\",\"app\":\"acme\",\"playbook\":{\"name\":\"x\",\"phases\":[{\"name\":"
	     "\"all\",\"steps\":[{\"id\":\"flip\",\"do\":\"dns-point\"}]}],\"rollback\":[{\"id\":\"back\","
	     "\"do\":"
	     "\"dns-point\"}]}");
	dynos(2, false, "up");
	assert_false(downtime_of(state, 9000).ever);
	dynos(100, true, "up");
	dynos(110, true, "");
	expect(130, true, 30);
	return 0;
}

static int over(void **unused)
{
	(void)unused;
	state_free(state);
	return 0;
}

/* A page that is taken off before a dyno is back leaves an error page. */
static void test_page_off(void **unused)
{
	(void)unused;
	dynos(140, false, "");
	expect(200, true, 100);
	dynos(210, false, "starting");
	expect(220, true, 120);
	dynos(230, false, "up");
	expect(300, false, 130);
	dynos(400, true, "up");
	expect(410, true, 140);
}

static void test_there_and_back(void **unused)
{
	(void)unused;
	ends(160, "flip", "done");
	expect(165, true, 65);
	tell(170, "\"kind\":\"traffic.first\",\"status\":200");
	expect(300, false, 70);
	/* NEW serves; what the old side does is no matter. */
	dynos(310, true, "");
	expect(320, false, 70);
	tell(330, "\"kind\":\"night.turned\",\"by\":\"ana\"");
	expect(340, false, 70);
	ends(350, "back", "done");
	expect(360, true, 80);
	dynos(380, false, "up");
	expect(500, false, 100);
	tell(510, "\"kind\":\"night.closed\",\"verdict\":\"rolled-back\"");
	expect(900, false, 100);
	struct downtime_span spans[DOWNTIME_SPANS + 1];
	size_t n = downtime_spans(state, 1000000, spans);
	int64_t sum_ms = 0;
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++)
		sum_ms += spans[i].to_ms - spans[i].from_ms;
	assert_true(spans[0].to_ms < spans[1].from_ms);
	assert_int_equal(sum_ms, downtime_of(state, 1000000).ms);
}

static void test_flip_undone(void **unused)
{
	(void)unused;
	ends(160, "flip", "done");
	tell(170, "\"kind\":\"traffic.first\",\"status\":200");
	ends(200, "flip", "undone");
	expect(230, true, 100);
	/* Its first answer is told once a night. */
	ends(240, "flip", "done");
	expect(300, false, 110);
}

/* NEW's public answer counts whoever moved the names. */
static void test_moved_by_hand(void **unused)
{
	(void)unused;
	tell(140, "\"kind\":\"traffic.first\",\"status\":200");
	expect(150, false, 40);
	ends(160, "flip", "done");
	dynos(170, true, "");
	expect(200, false, 40);
}

/* A closed night counts no further. */
static void test_closed(void **unused)
{
	(void)unused;
	tell(160, "\"kind\":\"night.closed\",\"verdict\":\"aborted\"");
	expect(900, false, 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_page_off, begin, over),
	    cmocka_unit_test_setup_teardown(test_there_and_back, begin, over),
	    cmocka_unit_test_setup_teardown(test_flip_undone, begin, over),
	    cmocka_unit_test_setup_teardown(test_moved_by_hand, begin, over),
	    cmocka_unit_test_setup_teardown(test_closed, begin, over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
