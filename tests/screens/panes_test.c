/* Panes with data of their own, at the smallest and the widest screen, as they were looked at and found good:
 * rows that differ, a restore that stands still, background jobs that nobody works on. UPDATE=1 draws them
 * anew: look at every difference before you commit it. */
#include "core/base/buf.h"
#include "core/base/text.h"
#include "tests/screens/drawing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void picture(const struct canvas *canvas, struct buf *out)
{
	static char text[16384];
	for (int row = 0; row < canvas->size.rows; row++) {
		canvas_row_text(canvas, row, text, sizeof(text));
		size_t len = strlen(text);
		while (len && text[len - 1] == ' ')
			len--;
		buf_addf(out, "%.*s\n", (int)len, text);
	}
}

static void read_file(const char *path, struct buf *out)
{
	char chunk[4096];
	size_t n;
	FILE *f = fopen(path, "re");
	buf_adds(out, "");
	while (f && (n = fread(chunk, 1, sizeof chunk, f)) > 0)
		buf_add(out, chunk, n);
	if (f)
		fclose(f);
}

static void hold(const struct canvas *canvas, const char *name)
{
	struct buf drawn = {0}, kept = {0};
	char *path =
	    xasprintf("tests/screens/golden/pane-%s.%dx%d.txt", name, canvas->size.cols, canvas->size.rows);

	assert_rows(canvas);
	picture(canvas, &drawn);
	if (getenv("UPDATE")) {
		FILE *f = fopen(path, "we");
		assert_non_null(f);
		assert_int_equal(fwrite(drawn.data, 1, drawn.len, f), drawn.len);
		assert_int_equal(fclose(f), 0);
	}
	read_file(path, &kept);
	if (!text_equal(buf_text(&kept), buf_text(&drawn)))
		fail_msg("%s is drawn differently:\n%s", path, buf_text(&drawn));
	buf_done(&drawn);
	buf_done(&kept);
	free(path);
}

static void *view_of(void *const *views, const char *panel)
{
	for (size_t i = 0; panel_table[i]; i++)
		if (panel_table[i] == panel_find(panel))
			return views[i];
	return NULL;
}

/* The pane as it is alone on a screen of 80x24 and of 200x50, and its card. What is around it has goldens of
 * its own. */
static void hold_pane(const struct night *night, void *const *views, const char *panel, const char *name)
{
	static const struct size sizes[] = {{80, 18}, {200, 43}};
	char card[64];

	text_copyf(card, sizeof card, "%s-card", name);
	for (size_t i = 0; i < 2; i++) {
		struct scene scene = scene_of(night, views);
		struct canvas *canvas = canvas_new(sizes[i], false);

		scene.view = view_of(views, panel);
		scene.focus = true;
		panel_find(panel)->draw(&scene, canvas);
		hold(canvas, name);
		canvas_clear(canvas);
		panel_find(panel)->card(&scene, canvas);
		hold(canvas, card);
		canvas_free(canvas);
	}
}

/* ---- rows ---- */

static void both(struct night *night, const char *table, const char *old_side, const char *new_side,
		 const char *verdict)
{
	char fields[700];
	text_copyf(fields, sizeof fields,
		   "\"side\":\"OLD\",\"table\":\"%s\",%s,\"exact\":true,\"last_write_ms\":@01:04:58@", table,
		   old_side);
	night_event(night, "01:17:20", "rows.side", fields);
	text_copyf(fields, sizeof fields, "\"side\":\"NEW\",\"table\":\"%s\",%s,\"exact\":true", table,
		   new_side);
	night_event(night, "01:17:21", "rows.side", fields);
	text_copyf(fields, sizeof fields, "\"table\":\"%s\",%s", table, verdict);
	night_event(night, "01:17:22", "rows.verdict", fields);
}

static struct night rows_night(void)
{
	struct night night = night_new(STAGE_VERIFY);

	both(&night, "order_items", "\"rows\":18204771,\"hash\":\"a81f22c09b1e77d0\"",
	     "\"rows\":18204770,\"hash\":\"a81f22c09b1e77d1\"",
	     "\"verdict\":\"FAIL\",\"cause\":\"1 row is missing on NEW: COPY of order_items broke off at "
	     "row 18,204,771 (invalid byte sequence for encoding UTF8: 0xe9 0x20 0x62), and pg_restore went "
	     "on\"");
	both(&night, "billing.subscription_invoice_line_items_archive_2019", "\"rows\":412,\"hash\":\"\"",
	     "\"rows\":-1,\"hash\":\"\"",
	     "\"verdict\":\"FAIL\",\"cause\":\"the table is missing on NEW: its type hstore belongs to an "
	     "extension that is not there\"");
	both(&night, "sessions", "\"rows\":99120,\"hash\":\"11\"", "\"rows\":98004,\"hash\":\"12\"",
	     "\"verdict\":\"WARN\",\"cause\":\"still written on OLD by web.1 (10.1.7.23), newest row "
	     "01:17:19\"");
	both(&night, "注文_履歴", "\"rows\":7,\"hash\":\"ab\"", "\"rows\":7,\"hash\":\"ac\"",
	     "\"verdict\":\"FAIL\",\"cause\":\"2 rows were changed on NEW after the restore\"");
	both(&night, "versions", "\"rows\":88000111,\"hash\":\"\"", "\"rows\":0,\"hash\":\"\"",
	     "\"verdict\":\"WARN\",\"cause\":\"left out by copy.skip_data\",\"skipped\":true");
	both(&night, "events", "\"rows\":9007199254740993,\"hash\":\"f1\"",
	     "\"rows\":9007199254740993,\"hash\":\"f1\"", "\"verdict\":\"PASS\",\"cause\":\"\"");
	night_event(&night, "01:17:23", "rows.compared",
		    "\"tables\":27,\"equal\":22,\"differ\":3,\"missing\":1,\"skipped\":1,\"waived\":0,"
		    "\"old_rows\":106305421,\"new_rows\":18303781,\"content\":true");
	night_event(&night, "01:17:30", "rows.bisected",
		    "\"table\":\"order_items\",\"state\":\"done\",\"text\":\"1 row of 18,204,771 differs; "
		    "looked at in 9 "
		    "steps\",\"key\":\"id\",\"more\":false,\"rows\":[{\"key\":\"18204771\",\"how\":\"OLD\","
		    "\"columns\":\"\"},"
		    "{\"key\":\"17\",\"how\":\"differs\",\"columns\":\"price (numeric, 5 and 6 characters), "
		    "note (text, 12 and "
		    "0 characters)\"}]");
	night_event(&night, "01:17:35", "watch.beat",
		    "\"watch\":\"counts\",\"interval_ms\":15000,\"ok\":true,\"text\":\"\"");
	night.now_ms = night_ms("01:17:40");
	return night;
}

static void test_rows(void **state)
{
	struct night night = rows_night();
	struct act down = {.kind = ACT_MOVE, .move = MOVE_DOWN};
	void *views[VIEWS];

	(void)state;
	in_utc();
	views_new(views);
	for (int i = 0; i < 2; i++)
		panel_find("rows")->act(view_of(views, "rows"), night.state, &down, (struct size){80, 20});
	hold_pane(&night, views, "rows", "rows");
	views_free(views);
	night_free(&night);
}

/* What `o` writes: a table of Markdown with every row, whatever is in it, and no cell that ends early. */
static void test_rows_markdown(void **state)
{
	struct night night = rows_night();
	void *views[VIEWS];
	char line[1000];
	size_t n, bars, seen = 0;

	(void)state;
	in_utc();
	views_new(views);
	night_event(&night, "01:17:31", "rows.verdict",
		    "\"table\":\"users\",\"verdict\":\"FAIL\",\"cause\":\"a | b `c` <d>\"");
	struct scene scene = scene_of(&night, views);
	scene.view = view_of(views, "rows");
	assert_string_equal(panel_find("rows")->extension, "md");
	n = panel_find("rows")->whole(&scene);
	assert_int_equal(n, night.state->rows.n + 2);
	for (size_t i = 0; i < n; i++) {
		assert_true(panel_find("rows")->line(&scene, i, line, sizeof line));
		bars = 0;
		for (const char *c = line; *c; c++)
			bars += *c == '|' && (c == line || c[-1] != '\\');
		if (bars != 7 || line[0] != '|' || line[strlen(line) - 1] != '|')
			fail_msg("no row of a table: %s", line);
		seen +=
		    text_equal(line, "| users | 80,211 | 80,211 | equal | FAIL | a \\| b `c` <d> |") ||
		    text_equal(line,
			       "| versions | 88,000,111 | 0 | - | skipped | left out by copy.skip_data |") ||
		    text_starts(
			line,
			"| order_items | 18,204,771 | 18,204,770 | differs | FAIL | 1 row is missing") ||
		    text_starts(line, "| billing.subscription_invoice_line_items_archive_2019 | 412 | "
				      "missing | - | FAIL |");
	}
	assert_int_equal(seen, 4);
	views_free(views);
	night_free(&night);
}

/* ---- a restore that stands still ---- */

static void test_stalled(void **state)
{
	struct night night = night_new(STAGE_COPY);
	struct canvas *canvas;
	void *views[VIEWS];

	(void)state;
	in_utc();
	views_new(views);
	night_event(&night, "01:14:40", "transfer.table",
		    "\"table\":\"order_items\",\"state\":\"index\",\"rows\":18204771,\"rows_total\":18204771,"
		    "\"bytes\":2100000000,"
		    "\"text\":\"order_items_product_id_created_at_idx lock held by session 48121 (psql, idle "
		    "in transaction)\"");
	night_event(&night, "01:14:40", "transfer.table",
		    "\"table\":\"billing.subscription_invoice_line_items_archive_2019\",\"state\":"
		    "\"copying\",\"rows\":21004,"
		    "\"rows_total\":90412,\"bytes\":9100000,\"rate\":0,\"text\":\"\"");
	night_event(&night, "01:14:40", "transfer.table",
		    "\"table\":\"audits\",\"state\":\"failed\",\"rows\":0,\"rows_total\":300,\"bytes\":0,"
		    "\"text\":\"schema "
		    "heroku_ext does not exist\"");
	night_event(
	    &night, "01:14:46", "transfer.total",
	    "\"stage\":\"restore\",\"text\":\"\",\"bytes\":4100200300,\"bytes_total\":-1,\"rows\":21004771,"
	    "\"rows_total\":31009112,\"tables\":20,\"tables_total\":27,\"indexes\":11,\"indexes_total\":61,"
	    "\"keys\":0,"
	    "\"keys_total\":19,\"rate\":0,\"eta_ms\":-1,\"stalled_ms\":94000,\"stalled_why\":\"lock held by "
	    "session 48121 "
	    "(psql, idle in transaction); end it with T in Writers, or wait\"");
	night.now_ms = night_ms("01:14:47");
	hold_pane(&night, views, "transfer", "stalled");
	draw(&night, views, (struct size){80, 24}, "copy", NULL, false, &canvas);
	assert_true(has(canvas, "STALLED: 12 restore has not moved for 1:34. 3 Transfer says why."));
	canvas_free(canvas);
	views_free(views);
	night_free(&night);
}

/* ---- jobs ---- */

#define OLD_JOBS                                                                                            \
	"\"side\":\"OLD\",\"error\":\"\",\"redis\":\"ec2-3-90-11-7.compute-1.amazonaws.com:23110\","        \
	"\"systems\":["                                                                                     \
	"{\"name\":\"sidekiq\",\"waiting\":200004,\"retry\":5,\"scheduled\":1202,\"running\":2,\"failed\":" \
	"81,"                                                                                               \
	"\"done\":482130077,\"done_minute\":-1,\"processes\":3,\"all_queues\":4,\"queues\":[{\"name\":"     \
	"\"default\","                                                                                      \
	"\"waiting\":200000},{\"name\":\"mailers_that_must_not_be_lost_whatever_happens\",\"waiting\":3},"  \
	"{\"name\":\"low\",\"waiting\":1}]},{\"name\":\"good_job\",\"waiting\":12,\"retry\":0,"             \
	"\"scheduled\":4,"                                                                                  \
	"\"running\":0,\"failed\":2,\"done\":-1,\"done_minute\":0,\"processes\":1,\"all_queues\":1,"        \
	"\"queues\":["                                                                                      \
	"{\"name\":\"imports\",\"waiting\":12}]}],\"cron\":[{\"system\":\"sidekiq-cron\",\"name\":"         \
	"\"nightly "                                                                                        \
	"invoices\",\"schedule\":\"0 2 * * "                                                                \
	"*\",\"enabled\":true},{\"system\":\"sidekiq-scheduler\",\"name\":"                                 \
	"\"report\",\"schedule\":\"every 1h\",\"enabled\":false}],\"all_cron\":2"
#define NEW_JOBS(done)                                                                                       \
	"\"side\":\"NEW\",\"error\":\"\",\"redis\":\"acme-redis:6379\",\"systems\":[{\"name\":\"sidekiq\","  \
	"\"waiting\":37,\"retry\":0,\"scheduled\":0,\"running\":0,\"failed\":0,\"done\":" done               \
	",\"done_minute\":-1,"                                                                               \
	"\"processes\":1,\"all_queues\":1,\"queues\":[{\"name\":\"default\",\"waiting\":37}]}],\"cron\":[]," \
	"\"all_cron\":0"

static void draw_jobs(const struct night *night, struct canvas **canvas)
{
	void *views[VIEWS];

	views_new(views);
	draw(night, views, (struct size){80, 24}, "freeze", "jobs", false, canvas);
	views_free(views);
}

/* Work that waits, workers that are there, and nothing done for two minutes: it is said, and taken back with
 * the first job that is done. A worker that has nothing to do is not silent. */
static void test_silent(void **state)
{
	struct night night = night_new(STAGE_WATCH);
	struct canvas *canvas;

	(void)state;
	in_utc();
	night_event(&night, "01:22:00", "jobs.seen", NEW_JOBS("9"));
	night_event(&night, "01:22:10", "jobs.seen", NEW_JOBS("10"));
	night_event(&night, "01:24:00", "jobs.seen", NEW_JOBS("10"));
	night.now_ms = night_ms("01:24:01");
	draw_jobs(&night, &canvas);
	assert_false(has(canvas, "SILENT"));
	canvas_free(canvas);
	/* The age of the newest look is not silence: only looks count. */
	night.now_ms = night_ms("01:30:00");
	draw_jobs(&night, &canvas);
	assert_false(has(canvas, "SILENT"));
	canvas_free(canvas);
	night_event(&night, "01:24:10", "jobs.seen", NEW_JOBS("10"));
	night.now_ms = night_ms("01:24:11");
	draw_jobs(&night, &canvas);
	assert_true(has(canvas, "NEW sidekiq SILENT: 37 waiting, none done for 2:00"));
	canvas_free(canvas);
	night_event(&night, "01:24:20", "jobs.seen", NEW_JOBS("11"));
	night.now_ms = night_ms("01:24:21");
	draw_jobs(&night, &canvas);
	assert_false(has(canvas, "SILENT"));
	/* One job in ten seconds. */
	assert_true(has(canvas, "     6 "));
	canvas_free(canvas);
	night_free(&night);
}

static void test_jobs(void **state)
{
	struct night night = night_new(STAGE_WATCH);
	void *views[VIEWS];

	(void)state;
	in_utc();
	views_new(views);
	night_event(&night, "01:21:00", "watch.beat",
		    "\"watch\":\"jobs\",\"interval_ms\":15000,\"ok\":true,\"text\":\"\"");
	night_event(&night, "01:21:00", "jobs.seen", OLD_JOBS);
	night_event(&night, "01:21:00", "jobs.seen", NEW_JOBS("10"));
	night.now_ms = night_ms("01:21:02");
	hold_pane(&night, views, "jobs", "jobs");
	night_event(&night, "01:23:01", "jobs.seen", NEW_JOBS("10"));
	night.now_ms = night_ms("01:23:02");
	hold_pane(&night, views, "jobs", "jobs-silent");
	night_event(&night, "01:23:10", "jobs.seen",
		    "\"side\":\"OLD\",\"error\":\"OLD Redis at ec2-3-90-11-7.compute-1.amazonaws.com:23110 "
		    "does not take the "
		    "password of its URL; look at the variable that holds it\"");
	night.now_ms = night_ms("01:23:12");
	hold_pane(&night, views, "jobs", "jobs-unseen");
	views_free(views);
	night_free(&night);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),    cmocka_unit_test(test_rows_markdown),
	    cmocka_unit_test(test_stalled), cmocka_unit_test(test_silent),
	    cmocka_unit_test(test_jobs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
