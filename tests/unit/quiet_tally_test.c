/* What the quiet timer makes of requests: which error begins it anew, when many of the same are too many, and
 * how the sides compare. */
#include "core/base/text.h"
#include "core/links/proxy_log.h"
#include "core/steps/quiet_tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static bool request(struct tally *t, const char *path, int status)
{
	struct proxy_request r = {.status = status};
	char signature[240];
	text_copy(r.method, sizeof r.method, "GET");
	text_copy(r.path, sizeof r.path, path);
	tally_request(&t->new_side, status, 10);
	if (status < 500)
		return false;
	proxy_signature(&r, signature, sizeof signature);
	return tally_kind(t, signature);
}

static void test_kinds(void **state)
{
	(void)state;
	struct tally *t = calloc(1, sizeof *t);
	assert_false(request(t, "/orders/1", 200));
	assert_false(request(t, "/orders/1", 404));
	assert_true(request(t, "/orders/1", 500));
	/* The same kind with another number in it. */
	assert_false(request(t, "/orders/2", 500));
	assert_true(request(t, "/orders/2", 502));
	assert_true(request(t, "/carts/2", 500));
	assert_int_equal(t->kinds[0].n, 2);
	assert_int_equal(t->new_side.requests, 6);
	assert_int_equal(t->new_side.errors, 4);
	/* The timer begins again: what is known stays known. */
	tally_begin(t);
	assert_int_equal(t->new_side.requests, 0);
	assert_true(tally_p95(&t->new_side) < 0);
	assert_false(request(t, "/orders/3", 500));
	for (int i = 0; i < TALLY_KINDS + 5; i++) {
		char text[40];
		text_copyf(text, sizeof text, "kind %d", i);
		assert_true(tally_kind(t, text));
	}
	/* No room for more: every further one is new. */
	assert_true(tally_kind(t, "kind 67"));
	free(t);
}

static void test_noise(void **state)
{
	(void)state;
	assert_false(tally_noisy(0, 0));
	assert_false(tally_noisy(10, 4));
	assert_true(tally_noisy(10, 5));
	assert_false(tally_noisy(500, 5));
	assert_true(tally_noisy(500, 6));
}

static enum verdict see(int64_t old_n, int64_t old_bad, double old_ms, int64_t new_n, int64_t new_bad,
			double new_ms, char *text, size_t size)
{
	struct tally *t = calloc(1, sizeof *t);
	struct evidence ev = {0};
	struct jw w = {0};
	for (int64_t i = 0; i < old_n; i++)
		tally_request(&t->old_side, i < old_bad ? 503 : 200, old_ms);
	for (int64_t i = 0; i < new_n; i++)
		tally_request(&t->new_side, i < new_bad ? 503 : 200, new_ms);
	jw_open(&w);
	tally_write(&t->old_side, "old", &w);
	tally_write(&t->new_side, "new", &w);
	const char *json = jw_finish(&w);
	struct json *fact = json_parse(json, strlen(json), NULL);
	tally_see(json_get(fact, "old"), json_get(fact, "new"), &ev);
	enum verdict v = evidence_verdict(&ev);
	text_copy(text, size, ev.lines[0].text);
	json_free(fact);
	jw_done(&w);
	evidence_done(&ev);
	free(t);
	return v;
}

static void test_sides(void **state)
{
	(void)state;
	char text[300];
	assert_int_equal(see(100, 1, 80, 100, 1, 90, text, sizeof text), VERDICT_PASS);
	assert_string_equal(
	    text, "NEW: 100 requests, 1.0 % of them 500 and above, 95 of 100 within 90 ms; OLD: 100 "
		  "requests, 1.0 % of them 500 and above, 95 of 100 within 80 ms.");
	assert_int_equal(see(100, 0, 80, 100, 3, 80, text, sizeof text), VERDICT_WARN);
	assert_non_null(strstr(text, "NEW fails more often"));
	assert_int_equal(see(100, 0, 80, 100, 0, 900, text, sizeof text), VERDICT_WARN);
	assert_non_null(strstr(text, "NEW is slower"));
	/* Slower, but nobody feels it; worse, but of too few. */
	assert_int_equal(see(100, 0, 20, 100, 0, 90, text, sizeof text), VERDICT_PASS);
	assert_int_equal(see(100, 0, 80, 9, 3, 900, text, sizeof text), VERDICT_PASS);
	struct evidence ev = {0};
	tally_see(NULL, NULL, &ev);
	assert_non_null(strstr(ev.lines[0].text, "OLD was not seen"));
	evidence_done(&ev);
}

static void test_p95(void **state)
{
	(void)state;
	struct tally_side *side = calloc(1, sizeof *side);
	for (int i = 100; i >= 1; i--)
		tally_request(side, 200, i);
	assert_int_equal((int)tally_p95(side), 95);
	tally_request(side, 200, -1);
	assert_int_equal((int)tally_p95(side), 95);
	/* Only the newest are held. */
	for (int i = 0; i < TALLY_TIMES; i++)
		tally_request(side, 200, 7);
	assert_int_equal((int)tally_p95(side), 7);
	free(side);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kinds),
	    cmocka_unit_test(test_noise),
	    cmocka_unit_test(test_sides),
	    cmocka_unit_test(test_p95),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
