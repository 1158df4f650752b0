/* The way back's meter: free only while it is known to be, and what is not looked at is unknown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/text.h"
#include "core/night/state.h"
#include "panels/sums.h"
#include <stdio.h>
#include <string.h>

#define T0 1795219200000
static int64_t seq;

static void tell(struct state *state, int64_t at_s, const char *fields)
{
	char line[1200];
	int n = snprintf(line, sizeof line, "{\"seq\":%lld,\"at\":%lld,\"src\":\"engine\",%s}",
			 (long long)++seq, (long long)(T0 + at_s * 1000), fields);
	assert_int_equal(state_fold_line(state, line, (size_t)n, NULL), 0);
}

static struct state *night(void)
{
	struct state *state = state_new();
	seq = 0;
	tell(state, 0,
	     "\"kind\":\"night.opened\",\"app\":\"acme\",\"window\":{\"start_ms\":1795219200000,\"end_ms\":"
	     "1795222800000},"
	     "\"playbook\":{\"name\":\"x\",\"phases\":[{\"name\":\"all\",\"steps\":[{\"id\":\"stop\",\"do\":"
	     "\"app-stop\","
	     "\"budget_ms\":60000},{\"id\":\"flip\",\"do\":\"dns-point\"}]}],\"rollback\":[{\"id\":\"x\","
	     "\"do\":"
	     "\"export-new-rows\"},{\"id\":\"b\",\"do\":\"dns-point\"},{\"id\":\"s\",\"do\":\"app-stop\"}]}");
	return state;
}

static enum back meter(const struct state *state, int64_t now_s, const char *says)
{
	struct way_back back;
	way_back_of(state, T0 + now_s * 1000, &back);
	if (says && !text_find(back.why, says))
		fail_msg("\"%s\" does not say \"%s\"", back.why, says);
	return back.back;
}

static void beat(struct state *state, int64_t at_s)
{
	char fields[200];
	snprintf(fields, sizeof fields,
		 "\"kind\":\"watch.beat\",\"watch\":\"newrows\",\"interval_ms\":2000,\"ok\":true,\"ok_at_"
		 "ms\":%lld,\"text\":\"\"",
		 (long long)(T0 + at_s * 1000));
	tell(state, at_s, fields);
}

static void boot(struct state *state, int64_t at_s)
{
	tell(state, at_s,
	     "\"kind\":\"fact\",\"name\":\"app-booted\",\"key\":\"\",\"step\":\"boot\",\"data\":{\"at_ms\":"
	     "1}");
}

static void test_meter(void **nothing)
{
	struct state *state = night();
	(void)nothing;
	assert_int_equal(meter(state, 1, "has not run"), BACK_FREE);
	boot(state, 100);
	assert_int_equal(meter(state, 101, "nobody counts"), BACK_UNKNOWN);
	beat(state, 102);
	assert_int_equal(meter(state, 103, "nobody counts"),
			 BACK_UNKNOWN); /* it beats, and has not counted */
	tell(state, 104,
	     "\"kind\":\"newrows.seen\",\"rows\":0,\"updated\":0,\"deleted\":0,\"jobs\":-1,\"tables\":[]");
	assert_int_equal(meter(state, 105, "jobs are not known"), BACK_FREE);
	assert_int_equal(meter(state, 160, "nobody counts"), BACK_UNKNOWN); /* the watch has fallen silent */
	beat(state, 160);
	tell(state, 161,
	     "\"kind\":\"newrows.seen\",\"rows\":38,\"updated\":2,\"deleted\":1,\"jobs\":0,\"tables\":[{"
	     "\"table\":\"orders\","
	     "\"rows\":31},{\"table\":\"payments\",\"rows\":7}]");
	assert_int_equal(meter(state, 162, "38 rows written on NEW: orders 31, payments 7"), BACK_COSTS);
	assert_int_equal(meter(state, 300, "nobody has counted lately"), BACK_COSTS);
	tell(state, 301, "\"kind\":\"newrows.seen\",\"rows\":38,\"jobs\":2,\"tables\":[]");
	assert_int_equal(meter(state, 302, "2 jobs ran on NEW"), BACK_ONE_WAY);
	tell(state, 303,
	     "\"kind\":\"newrows.seen\",\"rows\":38,\"jobs\":0,\"tables\":[],\"old_certificate_ms\":"
	     "1795219600000");
	assert_int_equal(meter(state, 304, "38 rows"), BACK_COSTS);
	assert_int_equal(meter(state, 401, "certificate ended"), BACK_ONE_WAY);
	tell(state, 402,
	     "\"kind\":\"newrows.seen\",\"rows\":38,\"jobs\":0,\"encrypted\":3,\"encrypted_where\":\"users."
	     "ssn\","
	     "\"tables\":[],\"old_certificate_ms\":1795319600000");
	assert_int_equal(meter(state, 403, "encrypted values were written on NEW (users.ssn)"), BACK_ONE_WAY);
	/* filled again: what was written before is gone with it */
	tell(state, 500,
	     "\"kind\":\"fact\",\"name\":\"restored-by-us\",\"key\":\"\",\"step\":\"restore\",\"data\":{}");
	assert_int_equal(meter(state, 501, "has not run"), BACK_FREE);
	state_free(state);
}

/* Jobs write before the flip: that moment, and no later one, ended the free way back. */
static void test_free_until(void **nothing)
{
	struct state *state = night();
	(void)nothing;
	boot(state, 100);
	tell(state, 104, "\"kind\":\"newrows.seen\",\"rows\":0,\"jobs\":-1,\"tables\":[]");
	assert_int_equal(state->new_write_at_ms, 0);
	tell(state, 110, "\"kind\":\"newrows.seen\",\"rows\":8,\"jobs\":-1,\"tables\":[]");
	tell(state, 300,
	     "\"kind\":\"attempt.ended\",\"attempt\":\"a2\",\"step\":\"flip\",\"outcome\":\"done\",\"seen\":["
	     "]");
	tell(state, 302, "\"kind\":\"newrows.seen\",\"rows\":20,\"jobs\":-1,\"tables\":[]");
	assert_true(state->new_write_at_ms == T0 + 110000);
	state_free(state);

	/* a copy that was filled again before the flip begins free */
	state = night();
	boot(state, 100);
	tell(state, 110, "\"kind\":\"newrows.seen\",\"rows\":8,\"jobs\":-1,\"tables\":[]");
	tell(state, 200,
	     "\"kind\":\"fact\",\"name\":\"restored-by-us\",\"key\":\"\",\"step\":\"restore\",\"data\":{}");
	boot(state, 210);
	beat(state, 212);
	tell(state, 212, "\"kind\":\"newrows.seen\",\"rows\":0,\"jobs\":-1,\"tables\":[]");
	assert_int_equal(meter(state, 213, "no row was written"), BACK_FREE);
	state_free(state);
}

static void expect_turn(const struct state *state, int64_t now_s, int64_t back_ms, int64_t turn_s)
{
	struct sums sums;
	sums_of(state, T0 + now_s * 1000, &sums);
	assert_int_equal(sums.back_ms, back_ms);
	assert_int_equal(sums.turn_back_at_ms, turn_s ? T0 + turn_s * 1000 : 0);
}

/* The end of the window, without the way back as far as it is known, without a margin. */
static void test_turn_back(void **nothing)
{
	struct state *state = night();
	(void)nothing;
	expect_turn(state, 1, -1, 0); /* app-stop was never timed */
	tell(state, 10,
	     "\"kind\":\"attempt.started\",\"attempt\":\"a1\",\"step\":\"stop\",\"verb\":\"run\",\"by\":"
	     "\"x\",\"plan\":{}");
	struct sums sums;
	sums_of(state, T0 + 60000, &sums);
	assert_int_equal(sums.over_ms, 0);
	sums_of(state, T0 + 90000, &sums);
	assert_int_equal(sums.over_ms, 20000);
	tell(state, 100,
	     "\"kind\":\"attempt.ended\",\"attempt\":\"a1\",\"step\":\"stop\",\"outcome\":\"done\",\"seen\":["
	     "]");
	expect_turn(state, 101, 90000,
		    3600 - 90 - 60); /* as long as it took tonight; nothing to export, no name to move */
	boot(state, 200);
	expect_turn(state, 201, -1, 0); /* nobody has counted what is to be exported */
	beat(state, 202);
	tell(state, 202, "\"kind\":\"newrows.seen\",\"rows\":50000,\"jobs\":0,\"tables\":[]");
	expect_turn(state, 203, 94000, 3600 - 94 - 60);
	tell(state, 300,
	     "\"kind\":\"attempt.started\",\"attempt\":\"a2\",\"step\":\"flip\",\"verb\":\"run\",\"by\":"
	     "\"x\",\"plan\":{}");
	tell(state, 304,
	     "\"kind\":\"attempt.ended\",\"attempt\":\"a2\",\"step\":\"flip\",\"outcome\":\"done\",\"seen\":["
	     "]");
	tell(state, 304,
	     "\"kind\":\"dns.plan\",\"names\":[{\"name\":\"www\",\"old\":\"a\",\"new\":\"b\",\"ttl_s\":60}]");
	expect_turn(state, 305, 98000, 3600 - 98 - 120); /* and visitors follow after their TTL */
	state_free(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_meter), cmocka_unit_test(test_free_until),
					   cmocka_unit_test(test_turn_back)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
