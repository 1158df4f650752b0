/* A drill without a world: what is typed, when a fault is due, what counts as noticed, and what the card says
 * of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/text.h"
#include "core/cmds/cmds.h"
#include "core/cmds/drill.h"
#include "core/night/journal.h"
#include "core/night/report.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct json *book;
static struct drill drill;
static struct err err;

/* Hands that do nothing, at once: what they were asked to do. */
static struct {
	char did[400];
	bool slow, refuses;
	int64_t now_ms;
} hands;

static int start(void *ctx, size_t i, const struct drill_one *one, const char *verb)
{
	(void)ctx, (void)i;
	size_t len = strlen(hands.did);
	text_copyf(hands.did + len, sizeof hands.did - len, "%s %s;", verb, one->fault->name);
	return 0;
}

static enum drill_hand look(void *ctx, size_t i, int64_t *at_ms, char *said, size_t size)
{
	(void)ctx, (void)i;
	*at_ms = hands.now_ms;
	if (hands.refuses)
		text_copy(said, size, "There was nothing to hit.");
	return hands.slow ? DRILL_BUSY : hands.refuses ? DRILL_REFUSED : DRILL_OK;
}

static int setup(void **unused)
{
	(void)unused;
	book = night_playbook(NULL, NULL, &err);
	assert_non_null(book);
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	json_free(book);
	return 0;
}

static int end(void **unused)
{
	(void)unused;
	drill_done(&drill);
	memset(&hands, 0, sizeof hands);
	memset(&err, 0, sizeof err);
	return 0;
}

static int plan(const char *spec)
{
	drill_done(&drill);
	memset(&err, 0, sizeof err);
	int rc = drill_plan(&drill, spec, book, &err);
	drill.hands = (struct drill_hands){.start = start, .look = look};
	return rc;
}

/* ---- what is typed ---- */

static void test_typed(void **unused)
{
	(void)unused;
	char name[120];
	assert_int_equal(plan("conn-drop@restore+40s,writer@freeze, ns-stale,row-changed@count-rows+1500ms"),
			 0);
	assert_int_equal(drill.n, 4);
	static const char *const names[] = {"conn-drop@restore+40s", "writer@maintenance-on",
					    "ns-stale@dns-point", "row-changed@count-rows+1500ms"};
	for (size_t i = 0; i < 4; i++) {
		drill_name(&drill.list[i], name, sizeof name);
		assert_string_equal(name, names[i]);
	}
	assert_string_equal(drill.list[0].before, "prepare-target");
	assert_int_equal(drill.list[2].when, DRILL_BEFORE);
	/* A time after its begin can only be while it runs. */
	assert_int_equal(drill.list[3].when, DRILL_WHILE);
	assert_string_equal(drill.last, "compare");
	assert_string_equal(drill.start, "app-boot");
}

static void test_typed_badly(void **unused)
{
	(void)unused;
	static const struct {
		const char *spec, *says;
	} table[] = {
	    {"", "no fault is named"},
	    {" ,,, ", "no fault is named"},
	    {"con-drop", "there is no fault \"con-drop\"; there are api-500, "},
	    {"conn-drop@nowhere", "the playbook has no step \"nowhere\"; its steps are preflight, "},
	    {"conn-drop@", "the playbook has no step \"\""},
	    {"conn-drop@restore+soon", "\"soon\" is no time"},
	    {"conn-drop@restore+", "\"\" is no time"},
	    {"conn-drop@restore+-3", "is no time"},
	    {"conn-drop@freeze-deploys", "is done by people"},
	    {"conn-drop,conn-drop@restore+3s", "strikes at restore twice"},
	    {"@restore", "there is no fault \"\""},
	    {"\x1b[2Jx", "there is no fault"},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		assert_int_equal(plan(table[i].spec), -1);
		assert_int_equal(err.kind, ERR_USAGE);
		if (!strstr(err.text, table[i].says))
			fail_msg("\"%s\" says: %s", table[i].spec, err.text);
	}
	char huge[5000];
	memset(huge, 'a', sizeof huge - 1);
	huge[sizeof huge - 1] = '\0';
	assert_int_equal(plan(huge), -1);
	for (size_t i = 100; i < sizeof huge - 1; i += 100)
		huge[i] = ',';
	assert_int_equal(plan(huge), -1);
}

/* A row without its function would be a drill that never strikes; a moment that the playbook lacks, too. */
static void test_every_row(void **unused)
{
	(void)unused;
	struct buf script = {0}, list = {0};
	char chunk[4096], want[100];
	size_t n, rows = 0;
	FILE *f = fopen(NIGHTFERRY_SOURCE "/demo/fault", "re");
	assert_non_null(f);
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		buf_add(&script, chunk, n);
	fclose(f);
	drill_list(&list);
	for (const struct drill_fault *x = drill_faults; x->name; x++, rows++) {
		if (plan(x->name) < 0)
			fail_msg("%s: %s", x->name, err.text);
		assert_non_null(x->noticed[0].kind);
		for (int verb = 0; verb < 1 + x->mended; verb++) {
			text_copyf(want, sizeof want, "\n%s_%s() {", verb ? "mend" : "strike", x->name);
			for (char *p = want; *p; p++)
				*p = *p == '-' ? '_' : *p;
			if (!strstr(buf_text(&script), want))
				fail_msg("demo/fault has no%s", want);
		}
		/* As a fresh screen shows it: one line, within 100 columns. */
		assert_true(strlen(x->name) + strlen(x->help) < 100);
		assert_non_null(strstr(buf_text(&list), x->help));
	}
	assert_true(rows >= 15);
	buf_done(&script);
	buf_done(&list);
}

static void test_surprise(void **unused)
{
	(void)unused;
	char first[3][120], again[120];
	assert_int_equal(drill_surprise(&drill, 42, book, &err), 0);
	assert_int_equal(drill.n, DRILL_SURPRISES);
	for (size_t i = 0; i < 3; i++) {
		drill_name(&drill.list[i], first[i], sizeof first[i]);
		assert_null(strstr(drill.list[i].fault->help, "needs root"));
	}
	assert_string_not_equal(first[0], first[1]);
	drill_done(&drill);
	assert_int_equal(drill_surprise(&drill, 42, book, &err), 0);
	for (size_t i = 0; i < 3; i++) {
		drill_name(&drill.list[i], again, sizeof again);
		assert_string_equal(again, first[i]);
	}
}

/* ---- a night, told line by line ---- */

static int64_t seq;

static void tell(int64_t at_ms, const char *src, const char *rest)
{
	char line[1200];
	text_copyf(line, sizeof line, "{\"seq\":%lld,\"at\":%lld,\"src\":\"%s\",%s}", (long long)++seq,
		   (long long)at_ms, src, rest);
	drill_take(&drill, line, strlen(line),
		   !strstr(rest, "\"watch.beat\"") && !strstr(rest, "\"log.lines\""));
	hands.now_ms = at_ms;
	drill_tick(&drill, at_ms);
}

static void open_night(void)
{
	struct buf line = {0};
	char *text = json_print(book);
	seq = 0;
	buf_addf(&line,
		 "{\"seq\":1,\"at\":1000,\"src\":\"engine\",\"kind\":\"night.opened\",\"app\":\"acme\","
		 "\"playbook\":%s}",
		 text);
	drill_take(&drill, line.data, line.len, true);
	drill.began_ms = 1000;
	seq = 1;
	free(text);
	buf_done(&line);
}

#define STARTED(step, by)                                                                   \
	"\"kind\":\"attempt.started\",\"attempt\":\"a1\",\"verb\":\"run\",\"step\":\"" step \
	"\",\"by\":\"" by "\""
#define ENDED(step, outcome, text)                                                                   \
	"\"kind\":\"attempt.ended\",\"attempt\":\"a1\",\"step\":\"" step "\",\"outcome\":\"" outcome \
	"\",\"text\":\"" text "\""
#define CLOSED "\"kind\":\"night.closed\",\"verdict\":\"done\""
#define EQUAL                                                                                               \
	"\"kind\":\"rows.compared\",\"tables\":27,\"equal\":27,\"differ\":0,\"missing\":0,\"old_rows\":50," \
	"\"new_rows\":50,\"content\":true"

static void test_while_it_runs(void **unused)
{
	(void)unused;
	assert_int_equal(plan("conn-drop@restore+2s"), 0);
	open_night();
	assert_string_equal(drill_stop(&drill), "compare"); /* for the judge */
	drill.judge = DRILL_EQUAL;
	assert_null(drill_stop(&drill));
	drill.judge = DRILL_NOT_ASKED;
	tell(5000, "engine", STARTED("restore", "headless"));
	tell(6900, "line:ssh",
	     "\"kind\":\"watch.beat\",\"watch\":\"ssh\",\"ok\":false,\"text\":\"too early to be it\"");
	assert_string_equal(hands.did, "");
	tell(7000, "engine", "\"kind\":\"note.added\",\"by\":\"x\",\"text\":\"y\"");
	assert_string_equal(hands.did, "strike conn-drop;");
	drill_tick(&drill, 7000);
	tell(7400, "line:ssh",
	     "\"kind\":\"watch.beat\",\"watch\":\"ssh\",\"ok\":false,\"text\":\"the connection was lost\"");
	tell(9000, "engine", ENDED("restore", "done", ""));
	struct drill_one *one = &drill.list[0];
	assert_int_equal(one->struck_ms, 7000);
	assert_int_equal(one->noticed.at_ms, 7400);
	assert_string_equal(one->noticed.by, "line:ssh");
	assert_string_equal(one->noticed.text, "the connection was lost");
	assert_int_equal(one->decided.at_ms, 0); /* by itself */
	assert_int_equal(one->over.at_ms, 9000);
	assert_int_equal(drill_one_verdict(one), DRILL_PASSED);
	/* Without a comparison nothing is proved. */
	tell(9100, "engine", CLOSED);
	assert_false(drill_passed(&drill, false));
	tell(9200, "step:count-rows", EQUAL);
	assert_true(drill_passed(&drill, false));
	assert_false(drill_passed(&drill, true));
	drill.judge = DRILL_DIFFER;
	assert_false(drill_passed(&drill, false));
}

static void test_before_it_runs(void **unused)
{
	(void)unused;
	assert_int_equal(plan("backup-fails,dns-api-down"), 0);
	open_night();
	assert_string_equal(drill_stop(&drill), "record-source");
	assert_false(drill_busy(&drill));
	tell(4000, "engine", ENDED("record-source", "done", ""));
	assert_true(drill_busy(&drill)); /* it strikes at this moment */
	drill_tick(&drill, 4001);
	assert_string_equal(hands.did, "strike backup-fails;");
	assert_string_equal(drill_stop(&drill), "compare");
	drill.judge = DRILL_EQUAL;
	assert_string_equal(drill_stop(&drill), "canaries");
	struct drill_one *one = &drill.list[0];
	tell(5000, "engine", STARTED("capture", "headless"));
	tell(6000, "engine", ENDED("capture", "failed", "the backup failed; run again"));
	assert_string_equal(drill.said, "the backup failed; run again");
	assert_int_equal(one->noticed.at_ms, 6000);
	assert_true(drill_busy(&drill)); /* somebody puts it right */
	drill_tick(&drill, 7000);
	assert_string_equal(hands.did, "strike backup-fails;");
	hands.now_ms = 7600;
	drill_tick(&drill, 7600);
	assert_string_equal(hands.did, "strike backup-fails;mend backup-fails;");
	drill_tick(&drill, 7601);
	assert_int_equal(one->mend, DRILL_MENDED);
	assert_false(drill_busy(&drill));
	tell(8000, "engine", STARTED("capture", "ana"));
	assert_int_equal(one->decided.at_ms, 8000);
	assert_string_equal(one->decided.by, "ana");
	assert_int_equal(one->over.at_ms, 0);
	tell(9000, "engine", ENDED("capture", "done", ""));
	assert_int_equal(one->over.at_ms, 9000);
}

static void test_never(void **unused)
{
	(void)unused;
	struct buf card = {0};
	assert_int_equal(plan("conn-drop@restore+40s,old-db-dies@capture,ns-stale,restore-killed@capture+1h"),
			 0);
	open_night();
	hands.refuses = true;
	tell(2000, "engine", STARTED("capture", "ana"));
	drill_tick(&drill, 2001);
	assert_int_equal(drill.list[1].stage, DRILL_NEVER);
	hands.refuses = false;
	tell(5000, "engine", STARTED("restore", "ana"));
	tell(9000, "engine", ENDED("restore", "done", ""));
	assert_int_equal(drill.list[0].stage, DRILL_NEVER);
	hands.slow = true;
	drill_tick(&drill, 9001);
	drill_end(&drill, 10000);
	assert_string_equal(drill.list[0].why, "its moment never came: restore was over before");
	assert_string_equal(drill.list[1].why, "There was nothing to hit.");
	assert_string_equal(drill.list[2].why, "its moment never came: the night did not get to dns-point");
	assert_string_equal(drill.list[3].why, "its moment never came: the night ended before, in capture");
	for (size_t i = 0; i < drill.n; i++)
		assert_int_equal(drill_one_verdict(&drill.list[i]), DRILL_NOT_STRUCK);
	assert_false(drill_passed(&drill, false));
	drill_card(&drill, true, &card);
	assert_non_null(strstr(buf_text(&card), "DRILL NOT PASSED: 0 of 4 faults"));
	assert_non_null(strstr(buf_text(&card), "never struck        There was nothing to hit."));
	assert_non_null(strstr(buf_text(&card), "data lost      NOT PROVED"));
	buf_done(&card);
}

static void test_until(void **unused)
{
	(void)unused;
	assert_int_equal(plan("conn-drop"), 0);
	assert_int_equal(drill_until(&drill, "nowhere", book, &err), -1);
	assert_int_equal(drill_until(&drill, "copy", book, &err), -1); /* a phase is no step */
	assert_int_equal(drill_until(&drill, "capture", book, &err), -1);
	assert_non_null(strstr(err.text, "conn-drop strikes at restore"));
	assert_int_equal(drill_until(&drill, "restore", book, &err), -1);
	assert_non_null(strstr(err.text, "at restore both databases are not compared yet"));
	assert_int_equal(drill_until(&drill, "smoke", book, &err), 0);
	open_night();
	assert_string_equal(drill_stop(&drill), "compare");
	drill.judge = DRILL_EQUAL;
	assert_string_equal(drill_stop(&drill), "smoke");
	assert_false(drill_night_done(&drill));
	tell(9000, "engine", ENDED("smoke", "done", ""));
	assert_true(drill_night_done(&drill));
	assert_null(drill_stop(&drill));
}

/* What heals without a word was not noticed, and that is what the card says. */
static void test_not_noticed(void **unused)
{
	(void)unused;
	struct buf card = {0};
	assert_int_equal(plan("conn-drop,resolver-silent"), 0);
	open_night();
	tell(5000, "engine", STARTED("restore", "ana"));
	drill_tick(&drill, 5001);
	tell(9000, "engine", ENDED("restore", "done", ""));
	assert_int_equal(drill_one_verdict(&drill.list[0]), DRILL_NOT_NOTICED);
	tell(9100, "engine", STARTED("propagation", "ana"));
	drill_tick(&drill, 9101);
	/* Another resolver's silence is not this one's. */
	tell(9200, "watch:dns",
	     "\"kind\":\"dns.cell\",\"server\":\"127.0.0.12#1\",\"label\":\"127.0.0.12\",\"name\":\"www\","
	     "\"state\":\"SILENT\"");
	assert_int_equal(drill_one_verdict(&drill.list[1]), DRILL_NOT_NOTICED);
	tell(9300, "watch:dns",
	     "\"kind\":\"dns.cell\",\"server\":\"127.0.0.11#1\",\"label\":\"127.0.0.11\",\"name\":\"www\","
	     "\"state\":\"SILENT\"");
	assert_int_equal(drill_one_verdict(&drill.list[1]), DRILL_NOT_OVER);
	/* Done with a silent resolver is not over before that one is put right. */
	tell(9350, "engine", ENDED("propagation", "done", ""));
	assert_int_equal(drill_one_verdict(&drill.list[1]), DRILL_NOT_OVER);
	hands.now_ms = 20000;
	drill_tick(&drill, 20000);
	drill_tick(&drill, 20001);
	assert_int_equal(drill_one_verdict(&drill.list[1]), DRILL_PASSED);
	assert_int_equal(drill.list[1].over.at_ms, 20000);
	drill_card(&drill, false, &card);
	assert_non_null(strstr(buf_text(&card), "nothing in journal or trace tells of it"));
	buf_done(&card);
}

/* The cockpit was quicker than the word of those who struck. */
static void test_quick_cockpit(void **unused)
{
	(void)unused;
	assert_int_equal(plan("conn-drop"), 0);
	open_night();
	hands.slow = true;
	tell(5000, "engine", STARTED("restore", "ana"));
	assert_int_equal(drill.list[0].stage, DRILL_STRIKING);
	tell(5050, "line:ssh", "\"kind\":\"watch.beat\",\"watch\":\"ssh\",\"ok\":false,\"text\":\"before\"");
	tell(5200, "line:ssh", "\"kind\":\"watch.beat\",\"watch\":\"ssh\",\"ok\":false,\"text\":\"after\"");
	hands.slow = false;
	hands.now_ms = 5100;
	drill_tick(&drill, 5300);
	assert_int_equal(drill.list[0].struck_ms, 5100);
	assert_int_equal(drill.list[0].noticed.at_ms, 5200);
	assert_string_equal(drill.list[0].noticed.text, "after");
}

/* Up again before it was put right is another matter. */
static void test_over_by_a_sign(void **unused)
{
	(void)unused;
	assert_int_equal(plan("host-gone"), 0);
	open_night();
	tell(5000, "engine", STARTED("download", "ana"));
	drill_tick(&drill, 5000);
	tell(5500, "line:ssh", "\"kind\":\"watch.beat\",\"watch\":\"ssh\",\"ok\":false,\"text\":\"gone\"");
	tell(6000, "line:ssh", "\"kind\":\"watch.beat\",\"watch\":\"ssh\",\"ok\":true,\"text\":\"odd\"");
	tell(6100, "engine", ENDED("download", "done", ""));
	assert_int_equal(drill_one_verdict(&drill.list[0]), DRILL_NOT_OVER);
	hands.now_ms = 8000;
	drill_tick(&drill, 8000);
	drill_tick(&drill, 8001);
	tell(8500, "line:ssh",
	     "\"kind\":\"watch.beat\",\"watch\":\"ssh\",\"ok\":true,\"text\":\"by libssh2\"");
	assert_int_equal(drill_one_verdict(&drill.list[0]), DRILL_PASSED);
	assert_string_equal(drill.list[0].over.text, "by libssh2");
}

/* Garbage in the files of a night is passed over. */
static void test_garbage(void **unused)
{
	(void)unused;
	static const char *const lines[] = {
	    "",
	    "{",
	    "null",
	    "[]",
	    "{\"seq\":1}",
	    "\xff\xfe",
	    "{\"kind\":\"attempt.started\"}",
	    "{\"seq\":\"x\",\"at\":{},\"src\":[],\"kind\":\"attempt.ended\",\"step\":7}"};
	assert_int_equal(plan("conn-drop"), 0);
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		drill_take(&drill, lines[i], strlen(lines[i]), true);
	drill_tick(&drill, 1);
	assert_string_equal(hands.did, "");
}

/* ---- the card in the journal ---- */

static void test_journal(void **unused)
{
	(void)unused;
	char dir[] = "/tmp/nfdXXXXXX", path[80], head[80];
	assert_non_null(mkdtemp(dir));
	text_copyf(path, sizeof path, "%s/journal.jsonl", dir);
	text_copyf(head, sizeof head, "%s/HEAD", dir);
	bool torn;
	struct journal *journal = journal_open(path, NULL, NULL, &torn, &err);
	static const char opened[] =
	    "{\"seq\":7,\"at\":1000,\"src\":\"engine\",\"kind\":\"night.opened\",\"app\":\"acme\"}";
	assert_int_equal(journal_append(journal, opened, sizeof opened - 1, true, &err), 0);
	journal_close(journal);
	assert_int_equal(plan("conn-drop"), 0);
	drill_end(&drill, 2000);
	text_copy(drill.list[0].why, sizeof drill.list[0].why, "a | <b>pipe</b>");
	assert_int_equal(drill_journal(&drill, true, dir, &err), 0);
	struct report report;
	assert_int_equal(report_read(path, &report, &err), 0);
	assert_int_equal(report.check.bad, 0);
	assert_int_equal(report.state->seq, 8);
	assert_non_null(report.state->drill);
	struct json *card = json_parse(report.state->drill, strlen(report.state->drill), NULL);
	assert_false(json_bool(card, "passed", true));
	assert_string_equal(json_str(json_first(json_get(card, "faults")), "verdict", ""), "not-struck");
	json_free(card);
	struct buf text = {0};
	report_markdown(&report, &text);
	assert_non_null(strstr(text.data, "## Drill"));
	assert_non_null(strstr(text.data, "a \\| \\<b>pipe"));
	buf_reset(&text);
	report_html(&report, &text);
	assert_non_null(strstr(text.data, "<h2>Drill</h2>"));
	assert_non_null(strstr(text.data, "&lt;b&gt;pipe"));
	buf_done(&text);
	report_done(&report);
	unlink(path);
	unlink(head);
	rmdir(dir);
}

/* A busy server is not counted in time, and the watch says what it guesses: no proof falls by that. */
static void test_guess(void **unused)
{
	(void)unused;
	static const struct {
		const char *says;
		int64_t rows;
		int verdict;
	} table[] = {
	    {"\"side\":\"OLD\",\"rows\":48,\"exact\":false", 50, 1},
	    {"\"side\":\"OLD\",\"rows\":48,\"exact\":false,\"last_write_ms\":9600,\"written_after_ms\":8000",
	     50, 1},
	    {"\"side\":\"OLD\",\"rows\":50,\"exact\":true", 50, 1},
	    {"\"side\":\"OLD\",\"rows\":51,\"exact\":false,\"last_write_ms\":9600,\"written_after_ms\":9500",
	     51, 0},
	    {"\"side\":\"OLD\",\"rows\":51,\"exact\":true", 51, 0},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		char says[300];
		assert_int_equal(plan("conn-drop"), 0);
		open_night();
		tell(9000, "step:count-rows",
		     "\"kind\":\"rows.side\",\"table\":\"t\",\"side\":\"OLD\",\"rows\":50,\"exact\":true");
		tell(9000, "step:count-rows",
		     "\"kind\":\"rows.side\",\"table\":\"t\",\"side\":\"NEW\",\"rows\":50,\"exact\":true");
		tell(9100, "step:count-rows",
		     "\"kind\":\"rows.verdict\",\"table\":\"t\",\"verdict\":\"PASS\"");
		tell(9200, "step:count-rows", EQUAL);
		text_copyf(says, sizeof says, "\"kind\":\"rows.side\",\"table\":\"t\",%s", table[i].says);
		tell(9700, "watch:counts", says);
		const struct rows_table *t = &drill.state->rows.tables[0];
		assert_int_equal(t->old_rows, table[i].rows);
		assert_int_equal(t->verdict, table[i].verdict);
		drill_done(&drill);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_typed, end),
	    cmocka_unit_test_teardown(test_typed_badly, end),
	    cmocka_unit_test_teardown(test_every_row, end),
	    cmocka_unit_test_teardown(test_surprise, end),
	    cmocka_unit_test_teardown(test_while_it_runs, end),
	    cmocka_unit_test_teardown(test_before_it_runs, end),
	    cmocka_unit_test_teardown(test_never, end),
	    cmocka_unit_test_teardown(test_not_noticed, end),
	    cmocka_unit_test_teardown(test_garbage, end),
	    cmocka_unit_test_teardown(test_until, end),
	    cmocka_unit_test_teardown(test_over_by_a_sign, end),
	    cmocka_unit_test_teardown(test_quick_cockpit, end),
	    cmocka_unit_test_teardown(test_journal, end),
	    cmocka_unit_test_teardown(test_guess, end),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
