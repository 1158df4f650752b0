#include "tests/screens/drawing.h"
#include "core/base/text.h"
#include "panels/dialog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

void views_new(void *views[VIEWS])
{
	memset(views, 0, VIEWS * sizeof(views[0]));
	for (size_t i = 0; panel_table[i]; i++)
		views[i] = calloc(1, panel_table[i]->view_size ? panel_table[i]->view_size : 1);
}

void views_free(void *views[VIEWS])
{
	for (size_t i = 0; panel_table[i]; i++)
		free(views[i]);
}

struct scene scene_of(const struct night *night, void *const *views)
{
	return (struct scene){
	    .state = night->state,
	    .view = views,
	    .now_ms = night->now_ms,
	    .seat = {.seat = "s1", .name = "ana", .driver = true, .armed = true, .connected = true}};
}

void assert_rows(const struct canvas *canvas)
{
	static char text[16384];

	for (int row = 0; row < canvas->size.rows; row++) {
		canvas_row_text(canvas, row, text, sizeof(text));
		assert_int_equal(text_width(text), canvas->size.cols);
	}
}

bool has(const struct canvas *canvas, const char *needle)
{
	static char text[16384];

	for (int row = 0; row < canvas->size.rows; row++) {
		canvas_row_text(canvas, row, text, sizeof(text));
		if (strstr(text, needle))
			return true;
	}
	return false;
}

void draw(const struct night *night, void *const *views, struct size size, const char *view, const char *zoom,
	  bool ascii, struct canvas **out)
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

void draw_cards(const struct night *night, void *const *views, struct size size)
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

void act_all(const struct night *night, void *const *views, struct size size, unsigned *seed)
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

void in_utc(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
}
