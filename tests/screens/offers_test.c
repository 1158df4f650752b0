/* What the screen offers a person is what that person can do now: exits of a step, keys of a box, the way
 * back.
 */
#include "core/base/text.h"
#include "panels/advice.h"
#include "panels/dialog.h"
#include "panels/sums.h"
#include "tests/screens/drawing.h"
#include "tui/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void expect_advice(const struct scene *scene, const char *wanted)
{
	char text[400], say[200];

	advice_of(scene, text, sizeof(text), say, sizeof(say));
	assert_string_equal(text, wanted);
}

static void expect_keys(enum where where, const struct scene *scene, const char *with, const char *without)
{
	char line[400];

	keys_bottom(where, scene, 120, line, sizeof(line));
	if (with && !strstr(line, with))
		fail_msg("\"%s\" does not offer \"%s\"", line, with);
	if (without && strstr(line, without))
		fail_msg("\"%s\" offers \"%s\"", line, without);
}

static void ends(struct night *night, const char *step, const char *outcome)
{
	char fields[200];

	snprintf(fields, sizeof(fields),
		 "\"attempt\":\"a90\",\"step\":\"%s\",\"outcome\":\"%s\",\"text\":\"\",\"seen\":[]", step,
		 outcome);
	night_event(night, "01:17:41", "attempt.ended", fields);
}

/* What is said around the end of an estimate: never 0:00, and when it is over, by how much. */
static void test_estimate_ends(void **unused)
{
	struct night night = night_new(STAGE_COPY);
	struct scene scene = scene_of(&night, NULL);
	struct step_seen *restore = NULL;
	static const struct {
		int64_t left_ms;
		const char *says;
	} table[] = {
	    {121000, "NOTHING TO DO until ~01:16.  Next: R 13 repair (no gate)"},
	    {1000, "NOTHING TO DO for ~0:01.  Next: R 13 repair (no gate)"},
	    {999, "NOTHING TO DO: restore should end just now.  Next: R 13 repair (no gate)"},
	    {0, "NOTHING TO DO: restore should end just now.  Next: R 13 repair (no gate)"},
	    {-999, "NOTHING TO DO: restore should end just now.  Next: R 13 repair (no gate)"},
	    {-12000,
	     "NOTHING TO DO: restore takes 0:12 longer than planned. Enter looks closer.  Next: R 13 repair "
	     "(no gate)"},
	};

	(void)unused;
	for (size_t i = 0; i < night.state->steps.n; i++)
		if (text_equal(night.state->steps.steps[i].id, "restore"))
			restore = &night.state->steps.steps[i];
	assert_non_null(restore);
	night.state->transfer.eta_ms = -1;
	restore->budget_ms = -1;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		restore->estimate_ms = scene.now_ms - restore->started_at_ms + table[i].left_ms;
		expect_advice(&scene, table[i].says);
	}
	restore->estimate_ms = -1;
	expect_advice(&scene,
		      "NOTHING TO DO: restore runs, how long is not rehearsed.  Next: R 13 repair (no gate)");
	night_free(&night);
}

static void test_exits(void **unused)
{
	struct night night = night_new(STAGE_VERIFY);
	struct scene scene = scene_of(&night, NULL);

	(void)unused;
	expect_advice(&scene,
		      "FAILED: 14 count-rows. Enter why.  R again  W waives rows  S skip  B way back");
	ends(&night, "count-rows", "unknown");
	expect_advice(&scene, "UNKNOWN: 14 count-rows, nobody saw its end. Enter why.  p looks again  "
			      "M by hand  B way back");
	ends(&night, "count-rows", "done");
	ends(&night, "app-boot", "failed");
	expect_advice(&scene, "FAILED: 15 app-boot. Enter why.  R again  S skip  B way back");
	/* Its words send back to a step that is done; a longer name is another step. */
	night_event(&night, "01:17:42", "attempt.ended",
		    "\"attempt\":\"a91\",\"step\":\"app-boot\",\"outcome\":\"failed\",\"text\":\"x; run "
		    "restore, then "
		    "start\",\"seen\":[]");
	expect_advice(&scene, "FAILED: 15 app-boot. Enter why.  :run restore  S skip  B way back");
	night_event(&night, "01:17:43", "attempt.ended",
		    "\"attempt\":\"a92\",\"step\":\"app-boot\",\"outcome\":\"failed\",\"text\":\"run "
		    "restored\",\"seen\":[]");
	expect_advice(&scene, "FAILED: 15 app-boot. Enter why.  R again  S skip  B way back");
	/* Who does not drive is told who does, and no key that would only be refused. */
	scene.seat.driver = false;
	text_copy(scene.seat.seat, sizeof(scene.seat.seat), "s2");
	expect_advice(&scene, "FAILED: 15 app-boot. Enter why.  ana decides.");
	night_free(&night);
}

static void test_who_drives(void **unused)
{
	struct night night = night_new(STAGE_COPY);
	struct scene scene = scene_of(&night, NULL);

	(void)unused;
	expect_advice(&scene, "NOTHING TO DO until ~01:16.  Next: R 13 repair (no gate)");
	expect_keys(WHERE_SCREEN, &scene, "X cancel", NULL);
	scene.seat.driver = false;
	text_copy(scene.seat.seat, sizeof(scene.seat.seat), "s2");
	expect_advice(&scene, "NOTHING TO DO until ~01:16.  Next: 13 repair (no gate)");
	expect_keys(WHERE_SCREEN, &scene, "H hold", "X cancel");
	expect_keys(WHERE_SCREEN, &scene, "Enter look", "U undo");
	expect_keys(WHERE_SCREEN, &scene, NULL, "R next");
	expect_keys(WHERE_SCREEN, &scene, NULL, "B back");
	night_free(&night);
}

static void test_who_answers(void **unused)
{
	struct night night = night_new(STAGE_GATE);
	struct scene scene = scene_of(&night, NULL), other = scene;

	(void)unused;
	other.seat.driver = other.seat.armed = false;
	text_copy(other.seat.seat, sizeof(other.seat.seat), "s2");
	expect_keys(WHERE_TYPE, &scene, "type the phrase", NULL);
	expect_keys(WHERE_TYPE, &scene, "H hold", NULL);
	expect_keys(WHERE_TYPE, &other, "H hold", "type the phrase");
	other.seat.observer = true;
	expect_keys(WHERE_TYPE, &other, "H hold", "type the phrase");
	other.seat.observer = false;
	/* Under a HOLD nobody can say yes, and H is the way out for two of them. */
	night_event(&night, "01:20:50", "hold.called", "\"by\":\"raj\",\"seat\":\"s3\",\"why\":\"\"");
	expect_keys(WHERE_TYPE, &scene, "H release", "type the phrase");
	expect_keys(WHERE_YES, &scene, "H release", "y does it");
	expect_keys(WHERE_TYPE, &other, "Esc", "H ");
	text_copy(other.seat.seat, sizeof(other.seat.seat), "s3");
	expect_keys(WHERE_TYPE, &other, "H release", "type the phrase");
	night_free(&night);
}

static void test_shut(void **unused)
{
	struct night night = night_new(STAGE_GATE);
	struct dialog_view dialog = {.typed = ""};
	struct canvas *canvas = canvas_new((struct size){80, 24}, false);
	struct scene scene = scene_of(&night, NULL);

	(void)unused;
	night_event(
	    &night, "01:20:50", "gate.changed",
	    "\"gate\":\"g9\",\"tag\":\"81c0\",\"seen\":[{\"verdict\":\"UNKNOWN\",\"name\":\"new-name\","
	    "\"text\":\"127.0.0.3 did not answer\",\"fact\":\"silent\"}]");
	dialog_draw(&scene, &dialog, canvas);
	assert_true(has(canvas, "SHUT: new-name is UNKNOWN."));
	assert_false(has(canvas, "type  acme-production"));
	expect_keys(WHERE_TYPE, &scene, "W waive", "type the phrase");
	expect_advice(&scene,
		      "GATE: dns-point is shut by new-name. W asks to waive it; Esc: nothing happens.");
	/* Waived, it stands there and is no lock. */
	night.state->steps.gate.seen[0].waived = true;
	dialog_draw(&scene, &dialog, canvas);
	assert_true(has(canvas, "type  acme-production 81c0"));
	expect_keys(WHERE_TYPE, &scene, "type the phrase", "W waive");
	canvas_free(canvas);
	night_free(&night);
}

/* A narrow screen leaves out the end of a sentence: who ends a HOLD does not stand there. */
static void test_hold_says_who(void **unused)
{
	struct night night = night_new(STAGE_COPY);
	struct scene scene = scene_of(&night, NULL);

	(void)unused;
	night_event(&night, "01:14:05", "hold.called",
		    "\"by\":\"bea\",\"seat\":\"s2\",\"why\":\"the standby lags\"");
	expect_advice(&scene, "HOLD by bea for 2s, H releases it: the standby lags. restore runs on, nothing "
			      "new starts. DOWN runs on.");
	night_event(&night, "01:14:06", "seat.left", "\"seat\":\"s2\",\"name\":\"bea\",\"why\":\"\"");
	scene.seat.driver = false;
	text_copy(scene.seat.seat, sizeof(scene.seat.seat), "s3");
	expect_advice(&scene, "HOLD by bea, whose seat is gone, for 2s, ana releases it: the standby lags. "
			      "restore runs on, nothing new starts. DOWN runs on.");
	night_event(
	    &night, "01:14:06", "wheel.lost",
	    "\"seat\":\"s1\",\"name\":\"ana\",\"login\":\"ana\",\"uid\":1000,\"take_at_ms\":@01:14:06@");
	expect_advice(&scene, "HOLD by bea. NOBODY DRIVES: ana is gone since 1s. D takes the wheel.");
	night_free(&night);
}

static void test_hold_without_words(void **unused)
{
	struct night night = night_new(STAGE_COPY);
	struct happened happened[4];

	(void)unused;
	night_event(&night, "01:14:06", "hold.called", "\"by\":\"raj\",\"seat\":\"s3\",\"why\":\"\"");
	assert_true(sums_happened(night.state, happened, 4) > 0);
	assert_string_equal(happened[0].text, "HOLD by raj");
	night_free(&night);
}

/* A playbook without a section for the way back. */
static void test_one_road(void **unused)
{
	struct night night = {.state = state_new(), .now_ms = night_ms("01:00:30")};
	struct scene scene;
	struct canvas *canvas;
	void *views[VIEWS];

	(void)unused;
	night_event(
	    &night, "01:00:00", "night.opened",
	    "\"app\":\"acme\",\"night\":\"n\",\"config\":{},\"playbook\":{\"name\":\"one\",\"phases\":[{"
	    "\"name\":\"freeze\",\"steps\":[{\"id\":\"on\",\"do\":\"maintenance\",\"gate\":\"yes\"}]}]}");
	night_event(&night, "01:00:01", "seat.joined", "\"seat\":\"s1\",\"name\":\"ana\"");
	night_event(&night, "01:00:01", "wheel.given", "\"seat\":\"s1\",\"name\":\"ana\"");
	views_new(views);
	draw(&night, views, (struct size){80, 24}, "flip", "traffic", false, &canvas);
	assert_true(has(canvas, "no way back"));
	assert_true(has(canvas, "none in this playbook"));
	assert_false(has(canvas, " FREE "));
	canvas_free(canvas);
	night_event(&night, "01:00:20", "attempt.ended",
		    "\"attempt\":\"a1\",\"step\":\"on\",\"outcome\":\"failed\",\"text\":\"\",\"seen\":[]");
	scene = scene_of(&night, views);
	expect_advice(&scene, "FAILED: 1 on. Enter why.  R again  S skip");
	views_free(views);
	night_free(&night);
}

/* What going back costs is on every screen, and a window that is over says so in words. */
static void test_clocks(void **unused)
{
	struct night night = night_new(STAGE_WATCH);
	struct size sizes[] = {{60, 20}, {80, 24}, {120, 40}, {200, 50}};
	struct canvas *canvas;
	void *views[VIEWS];

	(void)unused;
	views_new(views);
	/* Nobody has timed these steps. */
	for (size_t i = 0; i < night.state->steps.n; i++)
		night.state->steps.steps[i].estimate_ms = -1;
	for (int i = 0; i < 4; i++) {
		draw(&night, views, sizes[i], "watch", NULL, false, &canvas);
		assert_true(has(canvas, "way back COSTS 38 rows"));
		assert_false(has(canvas, "OVER"));
		canvas_free(canvas);
	}
	draw(&night, views, sizes[1], "watch", NULL, false, &canvas);
	assert_true(has(canvas, "window 01:00–02:00   done ?   turn back by 01:57   way back COSTS 38 rows"));
	canvas_free(canvas);
	night.now_ms = night_ms("02:00:32");
	draw(&night, views, sizes[1], "watch", NULL, false, &canvas);
	assert_true(has(canvas, "window 01:00–02:00 OVER"));
	assert_true(has(canvas, "turn back was due"));
	assert_true(has(canvas, "way back COSTS 38 rows"));
	canvas_free(canvas);
	views_free(views);
	night_free(&night);
}

static void test_votes_in_columns(void **unused)
{
	struct night night = night_new(STAGE_GATE);
	struct dialog_view dialog = {.typed = ""};
	struct canvas *canvas = canvas_new((struct size){80, 40}, false);
	struct scene scene = scene_of(&night, NULL);

	(void)unused;
	text_copy(night.state->people.stations[0], sizeof(night.state->people.stations[0]), "DB");
	text_copy(night.state->people.stations[1], sizeof(night.state->people.stations[1]), "DNS");
	night.state->people.n_stations = 2;
	night.state->steps.gate.level = 3;
	dialog_draw(&scene, &dialog, canvas);
	assert_true(has(canvas, "DB   GO     bea: 27/27 equal"));
	assert_true(has(canvas, "DNS  -      has not voted: V"));
	night_event(
	    &night, "01:20:50", "vote.given",
	    "\"by\":\"bea\",\"seat\":\"s2\",\"uid\":1,\"station\":\"DB\",\"go\":true,\"reason\":\"\"");
	night_event(
	    &night, "01:20:50", "vote.given",
	    "\"by\":\"raj\",\"seat\":\"s3\",\"uid\":1,\"station\":\"DNS\",\"go\":false,\"reason\":\"no\"");
	dialog_draw(&scene, &dialog, canvas);
	assert_true(has(canvas, "DB   GO     bea"));
	assert_true(has(canvas, "DNS  NO-GO  raj: no"));
	canvas_free(canvas);
	night_free(&night);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_estimate_ends),
	    cmocka_unit_test(test_exits),
	    cmocka_unit_test(test_who_drives),
	    cmocka_unit_test(test_who_answers),
	    cmocka_unit_test(test_shut),
	    cmocka_unit_test(test_hold_says_who),
	    cmocka_unit_test(test_hold_without_words),
	    cmocka_unit_test(test_one_road),
	    cmocka_unit_test(test_clocks),
	    cmocka_unit_test(test_votes_in_columns),
	};

	in_utc();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
