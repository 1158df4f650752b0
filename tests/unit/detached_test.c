/* Programs that outlive their session, on this machine: begun once, and seen from the first look on. */
#include "core/links/detached.h"
#include "core/base/clock.h"
#include "core/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

struct place {
	char dir[64], base[80];
};

static int place_up(void **state)
{
	struct place *p = calloc(1, sizeof *p);
	const char *tmp = getenv("TMPDIR");
	snprintf(p->dir, sizeof p->dir, "%s/dt.XXXXXX", tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->base, sizeof p->base, "%s/x", p->dir);
	*state = p;
	return 0;
}

static int place_down(void **state)
{
	static const char *const ends[] = {"pid", "rc", "log"};
	struct place *p = *state;
	char path[120];
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		snprintf(path, sizeof path, "%s.%s", p->base, ends[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(p->dir), 0);
	free(p);
	return 0;
}

static struct detached_look look_at(const struct detached *d)
{
	struct detached_look look;
	struct err err = {0};
	assert_int_equal(detached_look(d, 0, &look, &err), 0);
	return look;
}

static enum detached_state end_of(const struct detached *d, int *rc)
{
	enum detached_state state = DETACHED_ALIVE;
	for (int i = 0; i < 600 && state != DETACHED_ENDED; i++) {
		struct detached_look look = look_at(d);
		state = look.state;
		*rc = look.rc;
		detached_look_done(&look);
		clock_sleep_ms(50);
	}
	return state;
}

/* A machine that is slow to begin: the first look must not take it for one that never began, or it is begun
 * a second time beside itself. */
static void slow_to_begin(void **state)
{
	struct place *p = *state;
	struct detached d = {.base = p->base, .program = "sleep"};
	struct err err = {0};
	int rc = -1;
	assert_int_equal(detached_start(&d, "sleep 1; sleep 0.3", "", &err), 0);
	struct detached_look look = look_at(&d);
	assert_int_not_equal(look.state, DETACHED_NEVER);
	assert_true(look.pid > 0);
	detached_look_done(&look);
	assert_int_equal(end_of(&d, &rc), DETACHED_ENDED);
	assert_int_equal(rc, 0);
}

static void ends_with_its_status(void **state)
{
	struct place *p = *state;
	struct detached d = {.base = p->base, .program = "sh"};
	struct err err = {0};
	int rc = -1;
	assert_int_equal(detached_start(&d, "sh -c \"cat >&2; exit 7\"", "said by it", &err), 0);
	assert_int_equal(end_of(&d, &rc), DETACHED_ENDED);
	assert_int_equal(rc, 7);
	struct detached_look look = look_at(&d);
	/* Without a line end: it is the last that it said, and not torn. */
	assert_string_equal(buf_text(&look.log), "said by it");
	detached_look_done(&look);
}

/* Stopped, it tells how; forgotten, it was never there. */
static void stopped_and_forgotten(void **state)
{
	struct place *p = *state;
	struct detached d = {.base = p->base, .program = "sleep"};
	struct err err = {0};
	assert_int_equal(detached_start(&d, "sleep 60", "", &err), 0);
	assert_int_equal(detached_stop(&d, 10000, &err), 0);
	int rc = -1;
	assert_int_equal(end_of(&d, &rc), DETACHED_ENDED);
	assert_int_equal(rc, 128 + 15);
	assert_int_equal(detached_forget(&d, &err), 0);
	struct detached_look look = look_at(&d);
	assert_int_equal(look.state, DETACHED_NEVER);
	detached_look_done(&look);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(slow_to_begin, place_up, place_down),
	    cmocka_unit_test_setup_teardown(ends_with_its_status, place_up, place_down),
	    cmocka_unit_test_setup_teardown(stopped_and_forgotten, place_up, place_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
