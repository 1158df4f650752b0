/* The order of handshakes: nobody is asked too often, nobody is forgotten. */
#include "core/base/text.h"
#include "core/steps/certificate_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct cert_queue *queue;

static int begin(void **state)
{
	(void)state;
	queue = calloc(1, sizeof *queue);
	return 0;
}

static int end(void **state)
{
	(void)state;
	free(queue);
	return 0;
}

static void test_good(void **state)
{
	(void)state;
	int64_t next_ms;
	assert_true(cert_add(queue, "www.acme.com"));
	assert_false(cert_add(queue, "WWW.acme.com"));
	assert_false(cert_add(queue, ""));
	assert_true(cert_add(queue, "shop.customer.com"));
	for (int i = 0; i < 2; i++) {
		struct cert_name *name = cert_next(queue, 1000, &next_ms);
		assert_non_null(name);
		assert_int_equal(next_ms, 1000);
		cert_good(queue, name);
	}
	assert_null(cert_next(queue, 1000, &next_ms));
	assert_int_equal(next_ms, 0);
	assert_int_equal(queue->issued, 2);
}

/* Whatever the pauses, never five failures in an hour; the others go on meanwhile. */
static void test_failures(void **state)
{
	(void)state;
	int64_t next_ms, now_ms = 5000, asked_ms[10];
	int asked = 0;
	cert_add(queue, "bad.acme.com");
	cert_add(queue, "good.acme.com");
	for (;;) {
		struct cert_name *name = cert_next(queue, now_ms, &next_ms);
		if (!next_ms)
			break;
		if (!name) {
			now_ms = next_ms;
		} else if (text_equal(name->name, "good.acme.com")) {
			assert_int_equal(now_ms, 5000);
			cert_good(queue, name);
		} else {
			asked_ms[asked++] = now_ms;
			cert_failed(queue, name, "no", false, now_ms);
		}
	}
	assert_int_equal(asked, CERT_FAILURES_MOST);
	assert_true(asked < 5);
	/* A proxy that has failed does not ask again for a minute. */
	for (int i = 1; i < asked; i++)
		assert_true(asked_ms[i] - asked_ms[i - 1] > 60000);
	assert_int_equal(queue->names[0].state, CERT_GIVEN_UP);
	assert_int_equal(queue->issued, 1);
}

static void test_others(void **state)
{
	(void)state;
	int64_t next_ms;
	char domain[100];
	cert_add(queue, "a.acme.com");
	struct cert_name *name = cert_next(queue, 1, &next_ms);
	/* Not to be there yet costs nothing. */
	for (int i = 0; i < 50; i++)
		cert_not_yet(name, "not yet", 1);
	assert_int_equal(name->state, CERT_WAITS);
	assert_null(cert_next(queue, 1, &next_ms));
	assert_true(next_ms > 1);
	cert_failed(queue, name, "unknown", true, 1);
	assert_int_equal(name->state, CERT_GIVEN_UP);
	cert_add(queue, "b.acme.com");
	cert_add(queue, "shop.customer.org");
	cert_add(queue, "localhost");
	assert_int_equal(cert_crowd(queue, domain, sizeof domain), 2);
	assert_string_equal(domain, "acme.com");
	for (int i = 0; i < CERT_NAMES_MAX + 10; i++) {
		char many[40];
		text_copyf(many, sizeof many, "t%d.many.net", i);
		cert_add(queue, many);
	}
	assert_int_equal(queue->n, CERT_NAMES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_good, begin, end),
	    cmocka_unit_test_setup_teardown(test_failures, begin, end),
	    cmocka_unit_test_setup_teardown(test_others, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
