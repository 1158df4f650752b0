/* The frame and the gate's box: what the figures, the advice and the ages say, and that they fit. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/advice.h"
#include "panels/age.h"
#include "panels/columns.h"
#include "panels/dialog.h"
#include "panels/list.h"
#include "panels/start.h"
#include "panels/sums.h"
#include "tests/screens/drawing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

static void test_sums(void **state)
{
	struct night night = night_new(STAGE_COPY);
	struct sums sums;
	struct phase_sums phase;

	(void)state;
	sums_of(night.state, night.now_ms, &sums);
	assert_int_equal(sums.number, 12);
	assert_int_equal(sums.total, 21);
	assert_string_equal(sums.phase->name, "copy");
	assert_int_equal(sums.data_percent, 61);
	assert_int_equal(sums.traffic_percent, -1);
	assert_true(sums.down);
	assert_int_equal(sums.back, BACK_FREE);
	assert_int_equal(sums.back_ms, 165000);
	assert_true(sums.turn_back_at_ms == night_ms("02:00:00") - 165000 - 60000);
	/* 2:05 of the restore, then repair, count, boot, smoke, flip. */
	assert_true(sums.up_at_ms == night.now_ms + 125000 + 30000 + 10000 + 50000 + 20000 + 20000);
	sums_phase(night.state, &night.state->steps.phases[2], night.now_ms, &phase);
	assert_int_equal(phase.done, 6);
	assert_int_equal(phase.total, 8);
	night_free(&night);

	night = night_new(STAGE_WATCH);
	sums_of(night.state, night.now_ms, &sums);
	assert_true(sums.was_down && !sums.down);
	assert_int_equal(sums.data_percent, 100);
	assert_int_equal(sums.traffic_percent, 71);
	assert_int_equal(sums.back, BACK_COSTS);
	assert_int_equal(sums.back_rows, 38);
	night_free(&night);
}

static void test_advice(void **state)
{
	static const struct {
		enum stage stage;
		const char *begin;
	} rows[] = {
	    {STAGE_PREPARE, "BY HAND: 2 freeze-deploys"},
	    {STAGE_FREEZE, "WAITING: 60 s without a written row, 0:22 to go."},
	    {STAGE_COPY, "NOTHING TO DO until ~01:16.  Next: R 13 repair (no gate)"},
	    {STAGE_VERIFY, "FAILED: 14 count-rows."},
	    {STAGE_GATE, "GATE: dns-point MOVES TRAFFIC."},
	    {STAGE_WATCH, "WATCHING: 5 old answers left"},
	    {STAGE_DONE, "THE NIGHT IS CLOSED: done."},
	};
	char text[400], say[200];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct night night = night_new(rows[i].stage);
		struct scene scene = scene_of(&night, NULL);

		advice_of(&scene, text, sizeof(text), say, sizeof(say));
		assert_true(text_starts(text, rows[i].begin));
		scene.seat.connected = false;
		scene.seat.lost_at_ms = night.now_ms - 4000;
		assert_int_equal(advice_of(&scene, text, sizeof(text), say, sizeof(say)), ROLE_BAD);
		assert_true(text_starts(text, "ENGINE LOST 4s ago."));
		night_free(&night);
	}
}

static void test_gate_fits(void **state)
{
	struct night night = night_new(STAGE_GATE);
	struct size sizes[] = {{60, 20}, {80, 24}, {120, 40}, {200, 50}};
	void *views[VIEWS];

	(void)state;
	views_new(views);
	for (int i = 0; i < 4; i++) {
		struct scene scene = scene_of(&night, views);
		struct dialog_view dialog = {.typed = "acme-production 7f"};
		struct canvas *canvas;

		draw(&night, views, sizes[i], "flip", NULL, false, &canvas);
		dialog_draw(&scene, &dialog, canvas);
		assert_rows(canvas);
		assert_true(has(canvas, "GATE TYPE   17 dns-point   MOVES TRAFFIC"));
		assert_true(has(canvas, "type  acme-production 7f3a"));
		assert_true(has(canvas, "> acme-production 7f_"));
		dialog.top = 1 << 20;
		dialog_draw(&scene, &dialog, canvas);
		assert_true(has(canvas, "SAY"));
		canvas_free(canvas);
	}
	views_free(views);
	night_free(&night);
}

static void test_gate_counts_and_changes(void **state)
{
	struct night night = night_new(STAGE_GATE);
	struct dialog_view dialog = {.typed = ""};
	void *views[VIEWS];
	struct canvas *canvas;
	struct scene scene;

	(void)state;
	views_new(views);
	night_event(
	    &night, "01:20:50", "gate.changed",
	    "\"gate\":\"g9\",\"tag\":\"81c0\",\"was\":[\"0 writers\"],\"is\":[\"1 writer\"],\"seen\":[]");
	draw(&night, views, (struct size){80, 24}, "flip", NULL, false, &canvas);
	scene = scene_of(&night, views);
	dialog_draw(&scene, &dialog, canvas);
	assert_true(has(canvas, "0 writers \xe2\x86\x92 1 writer"));
	assert_true(has(canvas, "acme-production 81c0"));
	night_event(&night, "01:20:53", "gate.counting",
		    "\"gate\":\"g9\",\"by\":\"ana\",\"until_ms\":@01:20:56@");
	dialog_draw(&scene, &dialog, canvas);
	assert_true(has(canvas, "STARTS IN 2"));
	scene.seat.driver = false;
	night_event(&night, "01:20:54", "gate.stopped", "\"gate\":\"g9\",\"by\":\"bea\"");
	dialog_draw(&scene, &dialog, canvas);
	assert_true(has(canvas, "The driver decides here."));
	canvas_free(canvas);
	views_free(views);
	night_free(&night);
}

static void test_ages(void **state)
{
	struct night night = night_new(STAGE_FREEZE);
	char text[64];

	(void)state;
	assert_int_equal(age_watch(night.state, "dynos", night_ms("01:05:43"), text, sizeof(text)),
			 AGE_FRESH);
	assert_string_equal(text, "15s");
	assert_int_equal(age_watch(night.state, "dynos", night_ms("01:05:44"), text, sizeof(text)),
			 AGE_STALE);
	assert_string_equal(text, "STALE 16s");
	assert_int_equal(age_watch(night.state, "traffic", night_ms("01:05:44"), text, sizeof(text)),
			 AGE_NEVER);
	assert_string_equal(text, "not seen yet");
	night_free(&night);
}

static void test_figures(void **state)
{
	char out[32];

	(void)state;
	assert_string_equal(figure_count(out, sizeof(out), 12004218, 10), "12,004,218");
	assert_string_equal(figure_count(out, sizeof(out), 12004218, 9), "12.0M");
	assert_string_equal(figure_count(out, sizeof(out), 999999, 5), "999k");
	assert_string_equal(figure_count(out, sizeof(out), 999999, 6), "999.9k");
	assert_string_equal(figure_count(out, sizeof(out), 12004218, 2), "#");
	assert_string_equal(figure_count(out, sizeof(out), -1, 9), "-");
}

static void test_wide_characters(void **state)
{
	struct canvas *canvas = canvas_new((struct size){5, 1}, false);
	char text[64];

	(void)state;
	canvas_put(canvas, 0, 0, ROLE_TEXT, "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2");
	assert_rows(canvas);
	canvas_put(canvas, 1, 0, ROLE_TEXT, "x");
	canvas_row_text(canvas, 0, text, sizeof(text));
	assert_string_equal(text, " x\xe5\xad\x97 ");
	canvas_put(canvas, 2, 0, ROLE_TEXT, "y");
	canvas_row_text(canvas, 0, text, sizeof(text));
	assert_string_equal(text, " xy  ");
	canvas_free(canvas);
}

static void test_start(void **state)
{
	(void)state;
	for (int cols = 1; cols < 120; cols += 7) {
		struct canvas *canvas = canvas_new((struct size){cols, 24}, false);

		start_draw(canvas, START_DEMO, "/home/ana/acme", "No nightferry.yml here.");
		assert_rows(canvas);
		canvas_free(canvas);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sums),
	    cmocka_unit_test(test_advice),
	    cmocka_unit_test(test_gate_fits),
	    cmocka_unit_test(test_gate_counts_and_changes),
	    cmocka_unit_test(test_ages),
	    cmocka_unit_test(test_figures),
	    cmocka_unit_test(test_wide_characters),
	    cmocka_unit_test(test_start),
	};

	in_utc();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
