#include "panels/start.h"

#include <stdio.h>

static const struct {
	const char *title, *text, *command;
} choices[START_CHOICES] = {
    [START_LOOK] = {"Look at a recorded night",
		    "A whole move from Heroku to an own server, minute by minute. Nothing is changed.",
		    "nightferry replay"},
    [START_DEMO] = {"Fly the demo",
		    "A small world on this machine: a Heroku, two databases, a host, DNS. Yours to move.",
		    "nightferry demo"},
    [START_SETUP] = {"Set up this app",
		     "Looks at this folder and writes nightferry.yml. Nothing is changed elsewhere.",
		     "nightferry init"},
};

const char *start_words(int choice)
{
	return choice >= 0 && choice < START_CHOICES ? choices[choice].title : "";
}

void start_draw(struct canvas *canvas, int selected, const char *folder, const char *why)
{
	int cols = canvas->size.cols, left = cols > 76 ? (cols - 72) / 2 : 2,
	    row = canvas->size.rows > 26 ? 4 : 2;
	int width = cols - 2 * left, route = width - 3;

	canvas_clear(canvas);
	canvas_put(canvas, left, row, ROLE_TITLE, "nightferry");
	canvas_field(canvas, left + 12, row, width - 12, false, ROLE_MUTED,
		     "for the night you move from Heroku to your own server");
	row += 2;
	canvas_fill(canvas, left, row, route / 3, ROLE_OK, glyph(canvas, GLYPH_WAKE));
	canvas_put(canvas, left + route / 3, row, ROLE_NOW, glyph(canvas, GLYPH_BOAT));
	canvas_fill(canvas, left + route / 3 + 3, row, route - route / 3, ROLE_FRAME,
		    glyph(canvas, GLYPH_ROUTE));
	row += 2;
	if (why && why[0])
		row += canvas_wrap(canvas, left, row, width, 2, ROLE_TEXT, why);
	if (folder && folder[0]) {
		int col = canvas_put(canvas, left, row, ROLE_MUTED, "here  ");

		canvas_field(canvas, col, row++, width - 6, false, ROLE_MUTED, folder);
	}
	row++;
	for (int i = 0; i < START_CHOICES; i++) {
		struct canvas line = canvas_part(canvas, left, row, width, 1);

		canvas_put(canvas, left, row, i == selected ? ROLE_NOW : ROLE_MUTED,
			   i == selected ? glyph(canvas, GLYPH_NOW) : " ");
		canvas_putf(canvas, left + 2, row, ROLE_KEY, "%d", i + 1);
		canvas_put(canvas, left + 5, row, ROLE_TITLE, choices[i].title);
		canvas_field(canvas, left + width - 20, row, 20, true, ROLE_MUTED, choices[i].command);
		if (i == selected)
			canvas_select(&line, 0);
		row++;
		row += canvas_wrap(canvas, left + 5, row, width - 5, 2, ROLE_MUTED, choices[i].text) + 1;
	}
	canvas_put(canvas, 1, canvas->size.rows - 1, ROLE_MUTED,
		   "1 2 3 or arrows and Enter choose   q leaves");
}
