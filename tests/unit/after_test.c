/* The day after: what is still to do, by what the night's state shows, and as a calendar that others can
 * read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/text.h"
#include "core/night/after.h"
#include "core/night/place.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

/* ---- a strict reader of RFC 5545, for what a calendar has to hold ---- */

/* Folded lines are one; each ends with CR LF. To be freed. */
static char *unfold(const char *text)
{
	char *out = xcalloc(strlen(text) + 1, 1), *to = out;
	for (const char *p = text; *p;) {
		assert_true(*p != '\n' && *p != '\t');
		if (p[0] == '\r') {
			assert_int_equal(p[1], '\n');
			if (p[2] == ' ') {
				p += 3;
				continue;
			}
			*to++ = '\n';
			p += 2;
			continue;
		}
		*to++ = *p++;
	}
	return out;
}

/* A TEXT value back as it was; only the four escapes may stand in it. */
static void unescape(const char *value, char *out, size_t size)
{
	size_t n = 0;
	for (const char *p = value; *p; p++) {
		char c = *p;
		assert_false(c == ';' || c == ',');
		if (c == '\\') {
			c = *++p;
			assert_true(c == '\\' || c == ';' || c == ',' || c == 'n');
			c = c == 'n' ? '\n' : c;
		}
		assert_true(n + 1 < size);
		out[n++] = c;
	}
	out[n] = '\0';
}

static void expect_utc(const char *value)
{
	assert_int_equal(strlen(value), 16);
	for (int i = 0; i < 15; i++)
		assert_true(i == 8 ? value[i] == 'T' : value[i] >= '0' && value[i] <= '9');
	assert_int_equal(value[15], 'Z');
}

enum { DEPTH = 4 };
struct reading {
	const struct after *after;
	const char *open[DEPTH];
	int depth;
	size_t events, alarms;
	char uids[1200];
	bool uid, stamp, start, duration, summary, trigger, action;
};

static void begin(struct reading *r, const char *value)
{
	static const char *const inside[] = {"VCALENDAR", "VEVENT", "VALARM"};
	assert_true(r->depth < 3);
	assert_string_equal(value, inside[r->depth]);
	r->open[r->depth] = inside[r->depth];
	r->depth++;
	if (r->depth == 2) {
		r->uid = r->stamp = r->start = r->duration = r->summary = false;
		r->events++;
	}
	if (r->depth == 3) {
		r->trigger = r->action = false;
		r->alarms++;
	}
}

static void end(struct reading *r, const char *value)
{
	assert_true(r->depth > 0);
	assert_string_equal(value, r->open[--r->depth]);
	if (r->depth == 1)
		assert_true(r->uid && r->stamp && r->start && r->duration && r->summary);
	if (r->depth == 2)
		assert_true(r->trigger && r->action);
}

static void once(bool *seen)
{
	assert_false(*seen);
	*seen = true;
}

static void property(struct reading *r, const char *name, const char *value)
{
	char text[800], word[300];
	if (text_equal(name, "UID")) {
		once(&r->uid);
		text_copyf(word, sizeof word, " %.290s ", value);
		assert_null(strstr(r->uids, word));
		text_copyf(r->uids + strlen(r->uids), sizeof r->uids - strlen(r->uids), "%s", word);
	} else if (text_equal(name, "DTSTAMP") || text_equal(name, "DTSTART")) {
		once(text_equal(name, "DTSTAMP") ? &r->stamp : &r->start);
		expect_utc(value);
	} else if (text_equal(name, "DURATION")) {
		once(&r->duration);
		assert_string_equal(value, "PT15M");
	} else if (text_equal(name, "SUMMARY")) {
		once(&r->summary);
		unescape(value, text, sizeof text);
		assert_true(text_starts(text, "acme: "));
		assert_string_equal(text + 6, r->after->list[r->events - 1].what);
	} else if (text_equal(name, "DESCRIPTION")) {
		unescape(value, text, sizeof text);
		if (r->depth == 2)
			assert_string_equal(text, r->after->list[r->events - 1].why);
	} else if (text_equal(name, "TRIGGER")) {
		once(&r->trigger);
	} else if (text_equal(name, "ACTION")) {
		once(&r->action);
		assert_string_equal(value, "DISPLAY");
	} else {
		assert_true(r->depth == 1 && (text_equal(name, "VERSION") || text_equal(name, "PRODID")));
	}
}

/* What a calendar reads is what the night had to say, word by word, whatever was in a reason. */
static void test_calendar_read(void **unused)
{
	(void)unused;
	static const char odd[] =
	    "\"kind\":\"waiver.given\",\"about\":\"check:a;b,c\",\"by\":\"bea\",\"reason\":"
	    "\"back\\\\slash; comma, line\\nbreak END:VEVENT \xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2"
	    "\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97 \xc3\xa4\xc3\xb6\xc3\xbc\",\"fact\":\"x\"";
	struct after after;
	struct buf out = {0};
	struct state *s =
	    fold((const char *const[]){OPENED, DNS, BACKUP, odd, FLIPPED, SKIPPED, CLOSED("done"), NULL});
	after_of(s, &after);
	after_ics(s, &out);
	struct reading r = {.after = &after};
	char *text = unfold(buf_text(&out)), *save = NULL;
	for (char *x = strtok_r(text, "\n", &save); x; x = strtok_r(NULL, "\n", &save)) {
		char *colon = strchr(x, ':');
		assert_non_null(colon);
		*colon = '\0';
		assert_int_equal(strspn(x, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-"), strlen(x));
		if (text_equal(x, "BEGIN"))
			begin(&r, colon + 1);
		else if (text_equal(x, "END"))
			end(&r, colon + 1);
		else
			property(&r, x, colon + 1);
	}
	assert_int_equal(r.depth, 0);
	assert_true(after.n >= 5);
	assert_int_equal(r.events, after.n);
	assert_int_equal(r.alarms, after.n);
	free(text);
	after_done(&after);
	buf_done(&out);
	state_free(s);
}

/* The next day's `status` is of the night that was opened last, whatever its folder is called. */
static void test_newest(void **unused)
{
	(void)unused;
	static const struct {
		const char *name, *line;
	} nights[] = {
	    {"2026-11-21T0100", "{\"seq\":1,\"at\":3000,\"src\":\"engine\",\"kind\":\"night.opened\"}\n"},
	    {"2026-11-21T0100-01", "{\"seq\":1,\"at\":1000,\"src\":\"engine\",\"kind\":\"night.opened\"}\n"},
	    {"2026-11-21T0100-rehearsal",
	     "{\"seq\":1,\"at\":2000,\"src\":\"engine\",\"kind\":\"night.opened\"}\n"},
	    {"2026-11-29", NULL}, /* no night */
	};
	char root[] = "/tmp/nf-placeXXXXXX", path[300], dir[300], wanted[300];
	assert_non_null(mkdtemp(root));
	setenv("NIGHTFERRY_STATE", root, 1);
	text_copyf(path, sizeof path, "%s/acme", root);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_false(place_newest_night("acme", dir, sizeof dir));
	for (size_t i = 0; i < sizeof nights / sizeof *nights; i++) {
		text_copyf(path, sizeof path, "%s/acme/%s", root, nights[i].name);
		assert_int_equal(mkdir(path, 0700), 0);
		text_copyf(path, sizeof path, "%s/acme/%s/journal.jsonl", root, nights[i].name);
		FILE *f = nights[i].line ? fopen(path, "we") : NULL;
		if (f) {
			fputs(nights[i].line, f);
			fclose(f);
		}
	}
	text_copyf(wanted, sizeof wanted, "%s/acme/2026-11-21T0100", root);
	assert_true(place_newest_night("acme", dir, sizeof dir));
	assert_string_equal(dir, wanted);
	/* One whose engine has not written its first line yet is none. */
	text_copyf(path, sizeof path, "%s/acme/2026-11-28T0100", root);
	assert_int_equal(mkdir(path, 0700), 0);
	text_copyf(path, sizeof path, "%s/acme/2026-11-28T0100/journal.jsonl", root);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	fclose(f);
	assert_true(place_newest_night("acme", dir, sizeof dir));
	assert_string_equal(dir, wanted);
	text_copyf(path, sizeof path, "rm -rf '%s'", root);
	assert_int_equal(system(path), 0);
}

static void test_waiver_words(void **unused)
{
	(void)unused;
	static const char *const table[][2] = {{"check:aaaa", "check aaaa"},
					       {"rows:orders", "rows of orders"},
					       {"seen:cost", "the price of the way back"},
					       {"seen:rows", "rows that were to go"},
					       {"seen:costs", "evidence costs"},
					       {"something", "something"},
					       {"", ""}};
	char words[170];
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		waiver_words(table[i][0], words, sizeof words);
		assert_string_equal(words, table[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_done),          cmocka_unit_test(test_nothing),
	    cmocka_unit_test(test_back),          cmocka_unit_test(test_calendar),
	    cmocka_unit_test(test_calendar_read), cmocka_unit_test(test_newest),
	    cmocka_unit_test(test_waiver_words)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
