/* The panels, the frame and the gate's box, drawn from made-up states: nothing is ever drawn outside, no row
 * grows. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/advice.h"
#include "panels/age.h"
#include "panels/columns.h"
#include "panels/dialog.h"
#include "panels/frame.h"
#include "panels/list.h"
#include "panels/start.h"
#include "panels/sums.h"
#include "tests/screens/night.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

enum { VIEWS = 32 };

static void views_new(void *views[VIEWS])
{
	memset(views, 0, VIEWS * sizeof(views[0]));
	for (size_t i = 0; panel_table[i]; i++)
		views[i] = calloc(1, panel_table[i]->view_size ? panel_table[i]->view_size : 1);
}

static void views_free(void *views[VIEWS])
{
	for (size_t i = 0; panel_table[i]; i++)
		free(views[i]);
}

static struct scene scene_of(const struct night *night, void *const *views)
{
	return (struct scene){
	    .state = night->state,
	    .view = views,
	    .now_ms = night->now_ms,
	    .seat = {.seat = "s1", .name = "ana", .driver = true, .armed = true, .connected = true}};
}

/* Every row is exactly as wide as the canvas, however wide its characters are. */
static void assert_rows(const struct canvas *canvas)
{
	static char text[16384];

	for (int row = 0; row < canvas->size.rows; row++) {
		canvas_row_text(canvas, row, text, sizeof(text));
		assert_int_equal(text_width(text), canvas->size.cols);
	}
}

static bool has(const struct canvas *canvas, const char *needle)
{
	static char text[16384];

	for (int row = 0; row < canvas->size.rows; row++) {
		canvas_row_text(canvas, row, text, sizeof(text));
		if (strstr(text, needle))
			return true;
	}
	return false;
}

static void draw(const struct night *night, void *const *views, struct size size, const char *view,
		 const char *zoom, bool ascii, struct canvas **out)
{
	struct scene scene = scene_of(night, views);
	struct dialog_view dialog = {.typed = "acme-production 7x", .top = 3};
	struct canvas *canvas = canvas_new(size, ascii);
	struct layout layout;

	layout_for(size, view, zoom, &layout);
	if (layout.n > 0)
		layout.focus = (size_t)size.cols % layout.n;
	frame_draw(&scene, &layout, canvas);
	assert_rows(canvas);
	if (out) {
		*out = canvas;
		return;
	}
	dialog_draw(&scene, &dialog, canvas);
	assert_rows(canvas);
	canvas_free(canvas);
}

static void draw_cards(const struct night *night, void *const *views, struct size size)
{
	for (size_t i = 0; panel_table[i]; i++) {
		struct canvas *canvas = canvas_new(size, false);
		struct scene scene = scene_of(night, views);
		char selected[104] = "";

		scene.view = views[i];
		scene.focus = true;
		panel_table[i]->draw(&scene, canvas);
		canvas_clear(canvas);
		if (panel_table[i]->card)
			panel_table[i]->card(&scene, canvas);
		assert_rows(canvas);
		panel_table[i]->selected(&scene, selected, sizeof(selected));
		canvas_free(canvas);
	}
}

static void act_all(const struct night *night, void *const *views, struct size size, unsigned *seed)
{
	static const char *const words[] = {"", "a", "OLD", "no such line", "1"};

	for (size_t i = 0; panel_table[i]; i++)
		for (int k = 0; k < 6; k++) {
			struct act act = {.kind = (enum act_kind)(rand_r(seed) % (ACT_KEY + 1)),
					  .move = (enum move)(rand_r(seed) % (MOVE_RIGHT + 1)),
					  .text = words[rand_r(seed) % 5]};
			const struct binding *key = panel_table[i]->keys;

			for (int skip = rand_r(seed) % 8; act.kind == ACT_KEY && key->key; key++)
				if (skip-- == 0)
					act.text = key->cmd;
			panel_table[i]->act(views[i], night->state, &act, size);
		}
}

static void test_any_size(void **state)
{
	unsigned seed = 7;

	(void)state;
	for (int stage = 0; stage < STAGE_COUNT; stage++) {
		struct night night = night_new((enum stage)stage);
		void *views[VIEWS];

		views_new(views);
		for (int i = 0; i < 60; i++) {
			struct size size = {1 + (int)(rand_r(&seed) % 200), 1 + (int)(rand_r(&seed) % 60)};
			size_t view = (size_t)rand_r(&seed) % 8;
			const char *zoom =
			    rand_r(&seed) % 3 == 0 ? panel_table[rand_r(&seed) % 11]->name : NULL;

			draw(&night, views, size, layout_views[view], zoom, rand_r(&seed) % 4 == 0, NULL);
			act_all(&night, views, size, &seed);
			draw_cards(&night, views, size);
		}
		views_free(views);
		night_free(&night);
	}
}

static void test_every_panel_in_tiny_bodies(void **state)
{
	struct night night = night_new(STAGE_WATCH);
	void *views[VIEWS];

	(void)state;
	views_new(views);
	for (int cols = 1; cols < 70; cols += 3)
		for (int rows = 1; rows < 14; rows++)
			draw_cards(&night, views, (struct size){cols, rows});
	views_free(views);
	night_free(&night);
}

static void test_empty_state(void **state)
{
	struct night night = {.state = state_new(), .now_ms = 1000};
	void *views[VIEWS];
	struct canvas *canvas;

	(void)state;
	views_new(views);
	for (size_t i = 0; layout_views[i]; i++) {
		draw(&night, views, (struct size){80, 24}, layout_views[i], NULL, false, NULL);
		draw(&night, views, (struct size){200, 50}, layout_views[i], NULL, false, NULL);
	}
	draw_cards(&night, views, (struct size){90, 40});
	draw(&night, views, (struct size){160, 48}, "all", NULL, false, &canvas);
	assert_true(has(canvas, "Nobody has been seen to visit yet."));
	assert_true(has(canvas, "No name server has been asked yet."));
	assert_true(has(canvas, "WAITING for the engine to open the night."));
	assert_false(has(canvas, "PASS"));
	canvas_free(canvas);
	views_free(views);
	night_free(&night);
}

/* Text from outside is cleaned before it is an event; a panel must survive it all the same. */
#define NASTY                                                                               \
	"\xe6\xbc\xa2\xe5\xad\x97\xf0\x9f\x9a\xa2\xcc\x81\xcc\x81\xcc\x81\xe2\x80\xae%s%n " \
	"\x1b[2J\xff\xfe\xc3 |+->\xe2\x96\xb6"

static void poison(char *field, size_t size)
{
	text_copy(field, size, NASTY NASTY NASTY NASTY NASTY NASTY);
}
#define POISON(field) poison(field, sizeof(field))

static void poison_steps(struct state *s)
{
	POISON(s->app);
	POISON(s->old_name);
	POISON(s->new_name);
	POISON(s->new_db);
	POISON(s->closed_verdict);
	for (size_t i = 0; i < s->steps.n_phases; i++)
		POISON(s->steps.phases[i].name);
	for (size_t i = 0; i < s->steps.n; i++) {
		struct step_seen *step = &s->steps.steps[i];

		POISON(step->id);
		POISON(step->title);
		POISON(step->say);
		POISON(step->by);
		POISON(step->text);
		POISON(step->progress);
		POISON(step->unit);
		POISON(step->plan.back);
		POISON(step->plan.does[0]);
		step->plan.n_does = 12;
		step->estimate_ms = i % 2 ? INT64_MAX : -5;
		step->done = INT64_MAX;
		step->total = i % 3 ? INT64_MAX : 1;
	}
	POISON(s->steps.gate.target);
	POISON(s->steps.gate.tag);
	POISON(s->steps.gate.verb);
	POISON(s->steps.gate.plan.then);
	POISON(s->steps.gate.plan.back);
	POISON(s->steps.gate.plan.verb);
	POISON(s->steps.gate.plan.refused);
	s->steps.gate.n_changed = 6;
	s->steps.gate.level = 3;
	for (size_t i = 0; i < s->steps.gate.n_seen; i++) {
		POISON(s->steps.gate.seen[i].name);
		POISON(s->steps.gate.seen[i].text);
		s->steps.gate.seen[i].verdict = (int)i - 1;
	}
}

static void poison_rest(struct state *s)
{
	for (size_t i = 0; i < s->people.n; i++) {
		POISON(s->people.seats[i].name);
		POISON(s->people.seats[i].station);
	}
	for (size_t i = 0; i < s->people.n_notes; i++)
		POISON(s->people.notes[i].text);
	s->people.hold = true;
	POISON(s->people.hold_by);
	POISON(s->people.hold_why);
	for (size_t i = 0; i < s->watching.n_checks; i++) {
		POISON(s->watching.checks[i].name);
		POISON(s->watching.checks[i].fix);
		for (size_t j = 0; j < s->watching.checks[i].n; j++)
			POISON(s->watching.checks[i].lines[j].text);
	}
	for (size_t i = 0; i < s->watching.n; i++) {
		POISON(s->watching.watches[i].text);
		s->watching.watches[i].ok = false;
	}
	for (size_t i = 0; i < s->dynos.n; i++) {
		POISON(s->dynos.dynos[i].name);
		POISON(s->dynos.dynos[i].command);
		POISON(s->dynos.dynos[i].state);
	}
	for (size_t i = 0; i < s->writers.n; i++) {
		POISON(s->writers.writers[i].who);
		POISON(s->writers.writers[i].query);
		s->writers.writers[i].rows = INT64_MAX;
	}
	for (size_t i = 0; i < s->host.n; i++)
		POISON(s->host.containers[i].name);
	for (size_t i = 0; i < s->host.n_routes; i++)
		POISON(s->host.routes[i].hosts);
	POISON(s->host.lock_by);
	for (size_t i = 0; i < s->transfer.n; i++) {
		POISON(s->transfer.list[i].text);
		s->transfer.list[i].rows = INT64_MAX;
		s->transfer.list[i].rows_total = i % 2 ? INT64_MAX : 3;
	}
	for (size_t i = 0; i < s->rows.n; i++) {
		POISON(s->rows.tables[i].table);
		POISON(s->rows.tables[i].cause);
		s->rows.tables[i].old_rows = i % 2 ? INT64_MAX : -1;
	}
	for (size_t i = 0; i < s->dns.n; i++) {
		POISON(s->dns.cells[i].label);
		POISON(s->dns.cells[i].state);
		POISON(s->dns.cells[i].value);
		s->dns.cells[i].ttl_s = INT64_MAX;
	}
	for (size_t i = 0; i < s->traffic.n_smoke; i++)
		POISON(s->traffic.smoke[i].path);
	for (size_t i = 0; i < s->logs.lines.n; i++) {
		struct log_line *line = (struct log_line *)(uintptr_t)log_at(&s->logs.lines, i);

		POISON(line->source);
		free(line->text);
		line->text = strdup(NASTY NASTY NASTY NASTY NASTY NASTY NASTY NASTY NASTY);
	}
}

static void test_hostile_text(void **state)
{
	unsigned seed = 3;

	(void)state;
	for (int stage = STAGE_FREEZE; stage <= STAGE_WATCH; stage++) {
		struct night night = night_new((enum stage)stage);
		void *views[VIEWS];

		views_new(views);
		poison_steps(night.state);
		poison_rest(night.state);
		for (int i = 0; i < 40; i++) {
			struct size size = {1 + (int)(rand_r(&seed) % 200), 1 + (int)(rand_r(&seed) % 60)};

			draw(&night, views, size, layout_views[i % 8],
			     i % 3 ? NULL : panel_table[i % 11]->name, i % 2, NULL);
			act_all(&night, views, size, &seed);
			draw_cards(&night, views, size);
		}
		views_free(views);
		night_free(&night);
	}
}

static void test_many_dynos(void **state)
{
	static const int counts[] = {0, 1, 120};

	(void)state;
	for (int c = 0; c < 3; c++) {
		struct night night = night_new(STAGE_FREEZE);
		char fields[16384] = "\"maintenance\":true,\"release\":\"v1\",\"dynos\":[";
		struct canvas *canvas;
		void *views[VIEWS];

		views_new(views);
		for (int i = 0; i < counts[c]; i++)
			snprintf(fields + strlen(fields), sizeof(fields) - strlen(fields),
				 "%s{\"name\":\"run.%d\",\"type\":\"run\",\"state\":\"up\"}", i ? "," : "",
				 i);
		strcat(fields, "],\"formation\":[],\"addons\":[]");
		night_event(&night, "01:05:31", "dynos.seen", fields);
		draw(&night, views, (struct size){80, 24}, "freeze", NULL, false, &canvas);
		assert_true(has(canvas, counts[c] ? "run.0" : "no dyno of any kind"));
		canvas_free(canvas);
		draw_cards(&night, views, (struct size){90, 40});
		views_free(views);
		night_free(&night);
	}
}

static void test_many_tables(void **state)
{
	struct night night = night_new(STAGE_VERIFY);
	void *views[VIEWS];
	struct canvas *canvas;
	struct scene scene;
	struct act last = {.kind = ACT_MOVE, .move = MOVE_LAST};
	char selected[112];

	(void)state;
	views_new(views);
	night.state->rows.tables =
	    realloc(night.state->rows.tables, 10000 * sizeof(*night.state->rows.tables));
	memset(night.state->rows.tables, 0, 10000 * sizeof(*night.state->rows.tables));
	night.state->transfer.list =
	    realloc(night.state->transfer.list, 10000 * sizeof(*night.state->transfer.list));
	memset(night.state->transfer.list, 0, 10000 * sizeof(*night.state->transfer.list));
	for (int i = 0; i < 10000; i++) {
		struct rows_table *table = &night.state->rows.tables[i];

		text_copyf(table->table, sizeof(table->table), "table_%05d", i);
		table->old_rows = table->new_rows = 10;
		table->verdict = 1;
		text_copyf(night.state->transfer.list[i].table, 96, "table_%05d", i);
		text_copy(night.state->transfer.list[i].state, 16, "waiting");
	}
	night.state->rows.n = night.state->transfer.n = 10000;
	panel_find("rows")->act(views[3], night.state, &last, (struct size){50, 15});
	scene = scene_of(&night, views);
	scene.view = views[3];
	panel_find("rows")->selected(&scene, selected, sizeof(selected));
	assert_string_equal(selected, "rows:table_09999");
	draw(&night, views, (struct size){80, 24}, "verify", NULL, false, &canvas);
	assert_true(has(canvas, "table_09999"));
	canvas_free(canvas);
	/* The selected table is still the selected one when another jumps above it. */
	night.state->rows.tables[5].new_rows = -1;
	panel_find("rows")->selected(&scene, selected, sizeof(selected));
	assert_string_equal(selected, "rows:table_09999");
	draw(&night, views, (struct size){160, 48}, "copy", NULL, false, NULL);
	views_free(views);
	night_free(&night);
}

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
	assert_true(sums.turn_back_at_ms == night_ms("02:00:00") - 165000);
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
	    {STAGE_WATCH, "WATCHING: 4 old answers left"},
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

static void test_too_small_says_so(void **state)
{
	struct night night = night_new(STAGE_COPY);
	void *views[VIEWS];
	struct canvas *canvas;

	(void)state;
	views_new(views);
	draw(&night, views, (struct size){59, 24}, "copy", NULL, false, &canvas);
	assert_true(has(canvas, "nightferry needs 60 columns and 20 rows"));
	canvas_free(canvas);
	views_free(views);
	night_free(&night);
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

/* Colour is never the only carrier: in ASCII nothing but ASCII is drawn. */
static void test_ascii_is_ascii(void **state)
{
	(void)state;
	for (int stage = 0; stage < STAGE_COUNT; stage++) {
		struct night night = night_new((enum stage)stage);
		void *views[VIEWS];
		struct canvas *canvas;

		views_new(views);
		draw(&night, views, (struct size){160, 48}, "all", NULL, true, &canvas);
		for (int i = 0; i < 160 * 48; i++)
			assert_true(canvas->cells[i].text[0] > 0 && !canvas->cells[i].text[1]);
		canvas_free(canvas);
		views_free(views);
		night_free(&night);
	}
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
	    cmocka_unit_test(test_any_size),
	    cmocka_unit_test(test_every_panel_in_tiny_bodies),
	    cmocka_unit_test(test_empty_state),
	    cmocka_unit_test(test_hostile_text),
	    cmocka_unit_test(test_many_dynos),
	    cmocka_unit_test(test_many_tables),
	    cmocka_unit_test(test_sums),
	    cmocka_unit_test(test_advice),
	    cmocka_unit_test(test_gate_fits),
	    cmocka_unit_test(test_gate_counts_and_changes),
	    cmocka_unit_test(test_ages),
	    cmocka_unit_test(test_figures),
	    cmocka_unit_test(test_too_small_says_so),
	    cmocka_unit_test(test_wide_characters),
	    cmocka_unit_test(test_ascii_is_ascii),
	    cmocka_unit_test(test_start),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
