/* The panels in any size, with nothing, with much and with too little room: nothing is ever drawn outside. */
#include "core/base/buf.h"
#include "core/base/text.h"
#include "tests/screens/drawing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

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
static void test_many_dynos(void **state)
{
	static const int counts[] = {0, 1, 120};

	(void)state;
	for (int c = 0; c < 3; c++) {
		struct night night = night_new(STAGE_FREEZE);
		struct buf fields = {0};
		struct canvas *canvas;
		void *views[VIEWS];

		views_new(views);
		buf_adds(&fields, "\"maintenance\":true,\"release\":\"v1\",\"dynos\":[");
		for (int i = 0; i < counts[c]; i++)
			buf_addf(&fields, "%s{\"name\":\"run.%d\",\"type\":\"run\",\"state\":\"up\"}",
				 i ? "," : "", i);
		buf_adds(&fields, "],\"formation\":[],\"addons\":[]");
		night_event(&night, "01:05:31", "dynos.seen", buf_text(&fields));
		buf_done(&fields);
		draw(&night, views, (struct size){80, 24}, "freeze", NULL, false, &canvas);
		assert_true(has(canvas, counts[c] ? "run.0" : "no dyno of any kind"));
		canvas_free(canvas);
		draw_cards(&night, views, (struct size){90, 40});
		views_free(views);
		night_free(&night);
	}
}

/* One dyno, a dozen, ten dozen: nothing drawn outside, every one reached, and what may write is marked at any
 * size. */
static void test_dynos_sizes(void **state)
{
	static const int counts[] = {1, 12, 120};
	static const struct size sizes[] = {{80, 24}, {200, 50}};

	(void)state;
	for (int c = 0; c < 6; c++) {
		int n = counts[c % 3];
		struct size size = sizes[c / 3], body = {size.cols, size.rows - 5};
		struct night night = night_new(STAGE_FREEZE);
		struct buf fields = {0};
		struct canvas *canvas;
		void *views[VIEWS];
		struct act each = {.kind = ACT_KEY, .text = "each"},
			   last = {.kind = ACT_MOVE, .move = MOVE_LAST};
		char name[32];

		views_new(views);
		buf_adds(
		    &fields,
		    "\"maintenance\":false,\"release\":\"v9\",\"release_status\":\"pending\",\"dynos\":[");
		for (int i = 0; i < n; i++)
			buf_addf(&fields,
				 "%s{\"name\":\"web.%d\",\"type\":\"web\",\"state\":\"up\",\"size\":"
				 "\"Standard-1X\",\"since_ms\":@01:"
				 "00:00@}",
				 i ? "," : "", i);
		buf_addf(&fields,
			 ",{\"name\":\"scheduler.7\",\"type\":\"scheduler\",\"state\":\"starting\",\"size\":"
			 "\"Standard-1X\"}],"
			 "\"formation\":[{\"type\":\"web\",\"want\":%d}],\"addons\":[]",
			 n);
		night_event(&night, "01:05:31", "dynos.seen", buf_text(&fields));
		night_event(&night, "01:05:31", "heroku.seen",
			    "\"rows\":[{\"group\":\"backup\",\"name\":\"b007\",\"text\":\"under "
			    "way\",\"level\":\"warn\"},"
			    "{\"group\":\"add-on\",\"name\":\"scheduler:standard\",\"text\":\"cron on the "
			    "new side\"}]");
		night_event(&night, "01:05:31", "router.seen",
			    "\"per_s\":12.5,\"codes\":[{\"code\":\"H12\",\"n\":3}]");
		night_event(&night, "01:05:31", "heroku.budget", "\"remaining\":4321");
		buf_done(&fields);
		draw(&night, views, size, "freeze", "dynos", false, &canvas);
		assert_true(has(canvas, "RELEASING"));
		assert_true(has(canvas, "MAY WRITE"));
		assert_true(has(canvas, "b007"));
		assert_true(has(canvas, "12.5 requests/s"));
		assert_true(has(canvas, "H12 3"));
		assert_true(has(canvas, "4,321 left"));
		canvas_free(canvas);
		/* Every dyno by itself, down to the last. */
		panel_find("dynos")->act(views[1], night.state, &each, body);
		panel_find("dynos")->act(views[1], night.state, &last, body);
		draw(&night, views, size, "freeze", "dynos", false, &canvas);
		snprintf(name, sizeof(name), "web.%d", n - 1);
		assert_true(has(canvas, name));
		assert_true(has(canvas, "scheduler.7"));
		assert_true(has(canvas, "way back"));
		/* How long the list is, where it is longer than the screen. */
		snprintf(name, sizeof(name), "-%d of %d ", n + 1, n + 1);
		assert_int_equal(has(canvas, name), n > 12 || (n == 12 && size.rows < 30));
		assert_true(has(canvas, "b007"));
		canvas_free(canvas);
		panel_find("dynos")->act(views[1], night.state,
					 &(struct act){.kind = ACT_KEY, .text = "around"}, size);
		draw(&night, views, size, "freeze", "dynos", false, &canvas);
		assert_true(has(canvas, "scheduler:standard"));
		assert_true(has(canvas, "cron on the new side"));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_any_size),          cmocka_unit_test(test_every_panel_in_tiny_bodies),
	    cmocka_unit_test(test_empty_state),       cmocka_unit_test(test_many_dynos),
	    cmocka_unit_test(test_dynos_sizes),       cmocka_unit_test(test_many_tables),
	    cmocka_unit_test(test_too_small_says_so), cmocka_unit_test(test_ascii_is_ascii),
	};

	in_utc();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
