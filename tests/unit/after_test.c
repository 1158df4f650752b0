/* The day after: what is still to do, by what the night's state shows, and as a calendar that others can
 * read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/text.h"
#include "core/night/after.h"
#include <stdlib.h>
#include <string.h>

static struct state *fold(const char *const *lines)
{
	struct state *state = state_new();
	for (int i = 0; lines[i]; i++) {
		char line[1200];
		text_copyf(line, sizeof line, "{\"seq\":%d,\"at\":%d,\"src\":\"x\",%s}", i + 1,
			   (i + 1) * 1000, lines[i]);
		assert_int_equal(state_fold_line(state, line, strlen(line), NULL), 0);
	}
	return state;
}

#define OPENED                                                                                          \
	"\"kind\":\"night.opened\",\"app\":\"acme\",\"night\":\"n1\",\"old_name\":\"acme-production\"," \
	"\"playbook\":{\"phases\":[{\"name\":\"flip\",\"steps\":[{\"id\":\"dns-point\",\"do\":\"dns-"   \
	"point\"},"                                                                                     \
	"{\"id\":\"webhooks\",\"do\":\"manual\",\"title\":\"Webhooks, OAuth; cron\"}]}],\"rollback\":[" \
	"{\"id\":\"back\",\"do\":\"maintenance\"}]}"
#define FLIPPED "\"kind\":\"attempt.ended\",\"attempt\":\"a1\",\"step\":\"dns-point\",\"outcome\":\"done\""
#define DNS                                                                                               \
	"\"kind\":\"dns.plan\",\"names\":[{\"name\":\"www.acme.com\",\"ttl_s\":60},{\"name\":\"api.acme." \
	"com\",\"ttl_s\":3600}]"
#define SKIPPED                                                                             \
	"\"kind\":\"step.skipped\",\"step\":\"webhooks\",\"by\":\"ana\",\"reason\":\"raj, " \
	"tomorrow\\nearly\""
#define WAIVED                                                                               \
	"\"kind\":\"waiver.given\",\"about\":\"check:aaaa\",\"by\":\"bea\",\"reason\":\"no " \
	"IPv6\",\"fact\":\"x\""
#define CLOSED(v) "\"kind\":\"night.closed\",\"verdict\":\"" v "\""
#define BACKUP                                                                                   \
	"\"kind\":\"fact\",\"name\":\"backup-first\",\"key\":\"\",\"data\":{\"path\":\"/home/x/" \
	"first.dump\"}"

static const struct after_item *find(const struct after *after, const char *id)
{
	for (size_t i = 0; i < after->n; i++)
		if (text_equal(after->list[i].id, id))
			return &after->list[i];
	return NULL;
}

static void test_done(void **unused)
{
	(void)unused;
	struct after after;
	struct state *s =
	    fold((const char *const[]){OPENED, DNS, BACKUP, WAIVED, FLIPPED, SKIPPED, CLOSED("done"), NULL});
	after_of(s, &after);
	assert_non_null(strstr(find(&after, "heroku")->why, "acme-production stayed"));
	assert_int_equal(find(&after, "heroku")->at_ms, 7000 + 7LL * 24 * 3600 * 1000);
	assert_non_null(strstr(find(&after, "backup")->why, "/home/x/first.dump"));
	assert_non_null(strstr(find(&after, "ttl-0")->what, "www.acme.com"));
	assert_null(find(&after, "ttl-1")); /* an hour is no low one */
	assert_null(find(&after, "old-certificate"));
	assert_non_null(strstr(find(&after, "waiver-0")->why, "no IPv6"));
	assert_non_null(find(&after, "skipped-webhooks"));
	for (size_t i = 1; i < after.n; i++)
		assert_true(after.list[i - 1].at_ms <= after.list[i].at_ms);
	after_done(&after);
	state_free(s);
}

static void expect_nothing(const char *const *lines)
{
	struct after after;
	struct state *s = fold(lines);
	after_of(s, &after);
	assert_int_equal(after.n, 0);
	after_done(&after);
	state_free(s);
}

static void test_nothing(void **unused)
{
	(void)unused;
	expect_nothing((const char *const[]){OPENED, DNS, FLIPPED, NULL}); /* still open */
	expect_nothing((const char *const[]){OPENED, DNS, CLOSED("aborted"), NULL});
	expect_nothing(
	    (const char *const[]){OPENED ",\"rehearsal\":true", DNS, SKIPPED, CLOSED("done"), NULL});
}

/* Rolled back: nothing about Heroku's end, but what was saved waits for somebody. */
static void test_back(void **unused)
{
	(void)unused;
	struct after after;
	struct state *s =
	    fold((const char *const[]){OPENED, FLIPPED,
				       "\"kind\":\"fact\",\"name\":\"exported\",\"key\":\"\",\"data\":{"
				       "\"rows\":38,\"path\":\"/x.sql\",\"host\":\"h\"}",
				       "\"kind\":\"night.turned\"", CLOSED("rolled-back"), NULL});
	after_of(s, &after);
	assert_int_equal(after.n, 1);
	assert_non_null(strstr(after.list[0].why, "38 rows lie in /x.sql on h"));
	after_done(&after);
	state_free(s);
}

static void test_calendar(void **unused)
{
	(void)unused;
	struct buf out = {0};
	struct state *s = fold((const char *const[]){OPENED, DNS, FLIPPED, SKIPPED, CLOSED("done"), NULL});
	after_ics(s, &out);
	const char *text = buf_text(&out);
	assert_true(text_starts(text, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:"));
	assert_non_null(strstr(text, "DTSTART:19700108T000005Z\r\n"));
	assert_non_null(strstr(text, "UID:n1-heroku@acme.nightferry\r\n"));
	/* Marks and line breaks of a text are its own, never the calendar's. */
	assert_non_null(strstr(text, "Webhooks\\, OAuth\\; cron"));
	assert_non_null(strstr(text, "raj\\, tomorrow\\nearly"));
	size_t begins = 0, ends = 0;
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, "\n");
		assert_true(n > 0 && p[n] == '\n' && p[n - 1] == '\r');
		assert_true(n - 1 <= 75);
		begins += text_starts(p, "BEGIN:");
		ends += text_starts(p, "END:");
		p += n + 1;
	}
	assert_int_equal(begins, ends);
	assert_true(begins > 4);
	buf_done(&out);
	state_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_done), cmocka_unit_test(test_nothing),
					   cmocka_unit_test(test_back), cmocka_unit_test(test_calendar)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
