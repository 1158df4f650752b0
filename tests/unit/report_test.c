/* The report from journals alone: its numbers, and that nothing a night holds can become more than text in
 * it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/text.h"
#include "core/night/report.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[64], path[128];
static struct journal *journal;
static int64_t at_ms;

static int setup(void **state)
{
	(void)state;
	text_copy(dir, sizeof dir, "/tmp/nfr.XXXXXX");
	assert_non_null(mkdtemp(dir));
	text_copyf(path, sizeof path, "%s/journal.jsonl", dir);
	journal = journal_open(path, NULL, NULL, NULL, NULL);
	assert_non_null(journal);
	at_ms = 1795258711000;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	char *command = xasprintf("rm -rf '%s'", dir);
	int rc = system(command);
	free(command);
	return rc;
}

static void add(int after_s, const char *kind, const char *fields)
{
	static int seq;
	at_ms += (int64_t)after_s * 1000;
	char *line = xasprintf("{\"seq\":%d,\"at\":%lld,\"src\":\"engine\",\"kind\":\"%s\",%s}", ++seq,
			       (long long)at_ms, kind, fields);
	assert_int_equal(journal_append(journal, line, strlen(line), false, NULL), 0);
	free(line);
}

static void open_night(void)
{
	add(0, "night.opened",
	    "\"app\":\"acme\",\"night\":\"n1\",\"old_name\":\"acme-production\",\"new_name\":\"203.0.113."
	    "42\","
	    "\"config\":{},\"playbook\":{\"name\":\"small\",\"phases\":[{\"name\":\"freeze\",\"steps\":[{"
	    "\"id\":\"one\","
	    "\"do\":\"maintenance\",\"title\":\"One\",\"budget_ms\":60000}]}],\"rollback\":[]}");
}

static void read_report(struct report *r)
{
	journal_close(journal);
	assert_int_equal(report_read(path, r, NULL), 0);
}

static void expect_has(const struct buf *out, const char *text)
{
	if (!strstr(buf_text(out), text))
		fail_msg("there is no \"%s\" in: %s", text, buf_text(out));
}

static void expect_lacks(const struct buf *out, const char *text)
{
	if (strstr(buf_text(out), text))
		fail_msg("there is \"%s\" in: %s", text, buf_text(out));
}

static void test_recorded_night(void **state)
{
	(void)state;
	struct report r;
	struct report_sums sums;
	struct buf html = {0}, md = {0};
	char sentence[400];
	journal_close(journal);
	assert_int_equal(report_read("demo/recorded/journal.jsonl", &r, NULL), 0);
	report_sum(&r, &sums);
	report_sentence(&r, sentence, sizeof sentence);
	assert_string_equal(
	    sentence, "acme moved from acme-production to 127.0.0.1; visitors found it closed for 1:10.");
	assert_int_equal(sums.done, sums.steps);
	assert_int_equal(sums.byhand, 2);
	assert_int_equal(sums.not_new, 0);
	assert_in_range(sums.all_ms, 4000, 7000);
	/* What the five gates waited: 3.1, 2.1, 7.0, 2.1 and 8.0 seconds. */
	assert_int_equal(r.n_gates, 5);
	assert_in_range(sums.people_ms, 22000, 23000);
	report_html(&r, &html);
	report_markdown(&r, &md);
	expect_has(&html, "27 of 27");
	expect_has(&html, "61 rows in 4 tables would go");
	expect_has(&md, "27 of 27 tables equal");
	expect_has(&md, "all 8 answers were NEW after 0:05");
	expect_has(&html, "Nothing that the record shows.");
	expect_has(&html, "Decide about the old app on Heroku");
	expect_has(&html, "<b>ana</b>");
	expect_has(
	    &md,
	    "- **ana**: at a seat from 10:58:31 to the end, drove 1:55; passed 5 gates, which waited 0:22; ");
	/* It asks nothing of anybody, and its reader's browser is told so. */
	expect_has(&html, "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\"");
	expect_lacks(&html, "=\"http");
	expect_lacks(&html, "=\"//");
	expect_lacks(&html, "<img");
	expect_lacks(&html, "<iframe");
	expect_lacks(&html, "<form");
	expect_lacks(&html, "<script");
	expect_lacks(&html, "src=");
	expect_lacks(&html, "url(");
	expect_lacks(&html, "@import");
	expect_lacks(&html, "href=\"http");
	buf_done(&html);
	buf_done(&md);
	report_done(&r);
}

static void test_hostile_text(void **state)
{
	(void)state;
	struct report r;
	struct buf html = {0}, md = {0}, csv = {0};
	open_night();
	add(1, "note.added",
	    "\"by\":\"<b>\",\"text\":\"<script>x</script> & | ` [a](b) \\\" ' \\u0007\\u0085 \\n# h\"");
	add(1, "rows.side", "\"side\":\"OLD\",\"table\":\"=cmd|' /C calc'!A0\",\"rows\":3");
	add(1, "rows.verdict",
	    "\"table\":\"=cmd|' /C calc'!A0\",\"verdict\":\"FAIL\",\"cause\":\"a \\\"b\\\"\"");
	add(1, "gate.opened",
	    "\"gate\":\"g1\",\"step\":\"one\",\"level\":\"yes\",\"target\":\"<img src=x>\",\"seen\":[]");
	add(1, "gate.passed",
	    "\"gate\":\"g1\",\"step\":\"one\",\"by\":\"ana\",\"how\":\"y\",\"seen\":[{\"verdict\":\"<i>\","
	    "\"text\":"
	    "\"</li><script>\"},7,null,{\"verdict\":3}]");
	read_report(&r);
	report_html(&r, &html);
	report_markdown(&r, &md);
	assert_int_equal(report_csv(&r, "rows", &csv), 0);
	assert_int_equal(report_csv(&r, "secrets", &csv), -1);
	expect_lacks(&html, "<script");
	expect_lacks(&html, "<img");
	expect_lacks(&html, "<b></b><b>");
	expect_lacks(&html, "\a");
	expect_has(&html, "&lt;script&gt;x&lt;/script&gt; &amp;");
	expect_lacks(&md, "\n# h");
	expect_lacks(&md, " <script>");
	expect_has(&md, "\\<script>");
	expect_has(&csv, "\"'=cmd|' /C calc'!A0\",3,,\"FAIL\",\"no\",\"a \"\"b\"\"\"\r\n");
	buf_done(&html);
	buf_done(&md);
	buf_done(&csv);
	report_done(&r);
}

/* Who was there and what waited for whom; a name is text in every form. */
static void test_people(void **state)
{
	(void)state;
	struct report r;
	struct buf html = {0}, md = {0};
	size_t n;
	open_night();
	add(1, "seat.joined", "\"seat\":\"s1\",\"name\":\"ana\",\"station\":\"DB\",\"observer\":false");
	add(0, "wheel.given", "\"seat\":\"s1\",\"name\":\"ana\",\"from\":\"\"");
	add(9, "seat.joined", "\"seat\":\"s2\",\"name\":\"<b>|raj\",\"station\":\"\",\"observer\":true");
	add(10, "gate.opened",
	    "\"gate\":\"g1\",\"step\":\"one\",\"level\":\"yes\",\"target\":\"x\",\"seen\":[]");
	add(7, "gate.passed", "\"gate\":\"g1\",\"step\":\"one\",\"by\":\"ana\",\"how\":\"y\",\"seen\":[]");
	add(3, "wheel.lost", "\"seat\":\"s1\",\"name\":\"ana\"");
	add(0, "seat.left", "\"seat\":\"s1\",\"name\":\"ana\",\"why\":\"left\"");
	add(20, "seat.joined", "\"seat\":\"s3\",\"name\":\"ana\",\"station\":\"\",\"observer\":false");
	add(5, "wheel.given", "\"seat\":\"s3\",\"name\":\"ana\",\"from\":\"ana\"");
	add(10, "note.added", "\"by\":\"<b>|raj\",\"text\":\"hm\"");
	read_report(&r);
	struct report_person *people = report_people(&r, &n);
	assert_int_equal(n, 2);
	assert_string_equal(people[0].name, "ana");
	assert_string_equal(people[0].station, "DB");
	assert_int_equal(people[0].drove_ms, 29000 + 10000);
	assert_int_equal(people[0].passed, 1);
	assert_int_equal(people[0].waited_ms, 7000);
	assert_int_equal(people[0].to_ms, 0); /* she came back */
	assert_false(people[0].observed);
	assert_true(people[1].observed);
	assert_int_equal(people[1].notes, 1);
	free(people);
	report_html(&r, &html);
	report_markdown(&r, &md);
	expect_has(&html, "<b>&lt;b&gt;|raj</b>");
	expect_has(&md, "- **\\<b>\\|raj**: at a seat");
	expect_has(&md, "- **ana** DB: at a seat");
	buf_done(&html);
	buf_done(&md);
	report_done(&r);
}

/* Why it went back stands in the first sentence, and what became of it below. */
static void test_rolled_back(void **state)
{
	(void)state;
	struct report r;
	struct buf html = {0};
	char sentence[400];
	open_night();
	add(1, "attempt.started", "\"attempt\":\"a1\",\"step\":\"one\",\"verb\":\"run\",\"by\":\"ana\"");
	add(4, "attempt.ended",
	    "\"attempt\":\"a1\",\"step\":\"one\",\"outcome\":\"failed\",\"text\":\"3 rows <differ>\"");
	add(4, "night.turned", "\"by\":\"ana\",\"why\":\"the way back was taken\"");
	add(4, "night.closed", "\"verdict\":\"rolled-back\"");
	read_report(&r);
	report_sentence(&r, sentence, sizeof sentence);
	assert_string_equal(sentence, "acme went back to acme-production after one failed: the move to "
				      "203.0.113.42 was not kept; visitors never found it closed.");
	report_html(&r, &html);
	expect_has(&html, "<b>one</b> failed: 3 rows &lt;differ&gt;");
	expect_has(&html, "the way back was taken by ana");
	buf_done(&html);
	report_done(&r);
}

/* What the record does not cover is said, and nothing is summed up that was not seen. */
static void test_gaps(void **state)
{
	(void)state;
	struct report r;
	struct report_sums sums;
	struct buf md = {0};
	char sentence[400];
	open_night();
	add(1, "engine.started", "\"pid\":1,\"restarted\":false");
	add(5, "gate.opened",
	    "\"gate\":\"g1\",\"step\":\"one\",\"level\":\"yes\",\"target\":\"acme-production\",\"seen\":[]");
	add(4, "gate.closed", "\"gate\":\"g1\",\"step\":\"one\",\"by\":\"ana\",\"why\":\"left\"");
	add(90, "engine.started", "\"pid\":2,\"restarted\":true");
	add(2, "gate.opened",
	    "\"gate\":\"g2\",\"step\":\"one\",\"level\":\"yes\",\"target\":\"acme-production\",\"seen\":[]");
	add(3, "note.added", "\"by\":\"ana\",\"text\":\"hm\"");
	read_report(&r);
	report_sum(&r, &sums);
	report_sentence(&r, sentence, sizeof sentence);
	assert_string_equal(sentence,
			    "The night of acme is still open: 0 of 1 steps are done; visitors never found "
			    "it closed so far.");
	assert_int_equal(sums.people_ms, 7000); /* the second one still waits */
	assert_int_equal(sums.down_ms, -1);
	assert_int_equal(sums.all_ms, -1);
	assert_int_equal(r.n_gaps, 2);
	assert_int_equal(r.gaps[0].to_ms - r.gaps[0].from_ms, 90000);
	assert_string_equal(
	    r.gaps[1].text,
	    "no trace lies beside the journal: progress and logs of this night are not kept here");
	report_markdown(&r, &md);
	expect_has(&md, "rows were not compared");
	expect_has(&md, "names were not pointed");
	expect_has(&md, ": still open");
	buf_done(&md);
	report_done(&r);
}

/* A journal that was changed is told up to there, and says so first of all in its gaps. */
static void test_changed_journal(void **state)
{
	(void)state;
	struct report r;
	struct buf md = {0};
	open_night();
	add(1, "note.added", "\"by\":\"ana\",\"text\":\"before\"");
	add(1, "note.added", "\"by\":\"ana\",\"text\":\"middle\"");
	add(1, "note.added", "\"by\":\"ana\",\"text\":\"behind\"");
	journal_close(journal);
	char *command = xasprintf("sed -i s/middle/muddle/ '%s'", path);
	assert_int_equal(system(command), 0);
	free(command);
	assert_int_equal(report_read(path, &r, NULL), 0);
	report_markdown(&r, &md);
	expect_has(&md, "line 3 of the journal does not hold");
	expect_has(&md, "BROKEN");
	expect_has(&md, "before");
	expect_lacks(&md, "muddle");
	expect_lacks(&md, "behind");
	buf_done(&md);
	report_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_recorded_night, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_hostile_text, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_people, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_rolled_back, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_gaps, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_changed_journal, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
