/* The three sides beside each other: what differs comes first, and who decides. */
#include "core/base/text.h"
#include "core/steps/smoke_sides.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct smoke_look *sides[SMOKE_SIDES];

static void answer(enum smoke_side side, const char *path, int status)
{
	struct smoke_look *look = sides[side];
	struct smoke_result *r = &look->results[look->n++];
	*r = (struct smoke_result){.status = status, .want = 200, .ms = 5};
	r->verdict = status == 200 ? VERDICT_PASS : VERDICT_FAIL;
	look->passed += status == 200;
	text_copy(r->method, sizeof r->method, "GET");
	text_copy(r->host, sizeof r->host, "www.acme.com");
	text_copy(r->path, sizeof r->path, path);
	text_copyf(r->text, sizeof r->text, status == 200 ? "%d in 5 ms" : "%d instead of 200", status);
}

static int begin(void **state)
{
	(void)state;
	for (size_t s = 0; s < SMOKE_SIDES; s++)
		sides[s] = calloc(1, sizeof **sides);
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (size_t s = 0; s < SMOKE_SIDES; s++)
		free(sides[s]);
	return 0;
}

static enum verdict see(bool flipped, struct evidence *ev)
{
	const struct smoke_look *const looks[SMOKE_SIDES] = {sides[0], sides[1], sides[2]};
	*ev = (struct evidence){0};
	smoke_sides_see(looks, flipped, ev);
	return evidence_verdict(ev);
}

static void test_differences_first(void **state)
{
	(void)state;
	struct evidence ev;
	for (int s = 0; s < SMOKE_SIDES; s++) {
		answer((enum smoke_side)s, "/up", 200);
		answer((enum smoke_side)s, "/gone", 404);
		answer((enum smoke_side)s, "/search", s == SMOKE_NEW ? 500 : 200);
	}
	assert_int_equal(see(false, &ev), VERDICT_FAIL);
	assert_string_equal(
	    ev.lines[0].text,
	    "GET www.acme.com/search: OLD 200 in 5 ms; NEW 500 instead of 200; PUBLIC 200 in 5 ms.");
	assert_string_equal(ev.lines[0].name, "differs");
	assert_string_equal(ev.lines[1].text,
			    "GET www.acme.com/gone: OLD 404 instead of 200; NEW 404 instead of 200; "
			    "PUBLIC 404 instead of 200.");
	assert_string_equal(ev.lines[2].text, "OLD: 2 of 3 as expected.");
	assert_int_equal(ev.n, 5);
	evidence_done(&ev);
}

/* Before the flip the public path is the old side's, and what is wrong there does not shut the new one out.
 */
static void test_who_decides(void **state)
{
	(void)state;
	struct evidence ev;
	answer(SMOKE_OLD, "/up", 503);
	answer(SMOKE_NEW, "/up", 200);
	answer(SMOKE_PUBLIC, "/up", 503);
	assert_int_equal(see(false, &ev), VERDICT_WARN);
	evidence_done(&ev);
	assert_int_equal(see(true, &ev), VERDICT_FAIL);
	evidence_done(&ev);
}

/* Of two addresses the one that fails is told; a side that nobody asked is no PASS. */
static void test_addresses(void **state)
{
	(void)state;
	struct evidence ev;
	answer(SMOKE_NEW, "/up", 200);
	answer(SMOKE_PUBLIC, "/up", 200);
	answer(SMOKE_PUBLIC, "/up", 502);
	assert_int_equal(see(true, &ev), VERDICT_FAIL);
	assert_string_equal(
	    ev.lines[0].text,
	    "GET www.acme.com/up: OLD not asked; NEW 200 in 5 ms; PUBLIC 502 instead of 200.");
	assert_string_equal(ev.lines[1].text, "OLD was not asked.");
	assert_int_equal(ev.lines[1].verdict, VERDICT_WARN);
	evidence_done(&ev);
}

static void test_nobody(void **state)
{
	(void)state;
	struct evidence ev;
	assert_int_equal(see(false, &ev), VERDICT_UNKNOWN);
	evidence_done(&ev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_differences_first, begin, end),
	    cmocka_unit_test_setup_teardown(test_who_decides, begin, end),
	    cmocka_unit_test_setup_teardown(test_addresses, begin, end),
	    cmocka_unit_test_setup_teardown(test_nobody, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
