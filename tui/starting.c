/* The screen while an engine is being started. */
#include "tui/cockpit.h"
#include "core/base/text.h"
#include <stdio.h>
#include <string.h>

enum { LINES_MOST = 200, LINE_BYTES = 700 };

static int starting_more(struct canvas *canvas, int row, int cells, const char *text)
{
	while ((*text & 0xc0) == 0x80)
		text++;
	canvas_field(canvas, 3, row, cells, false, ROLE_BAD, text);
	return row + 1;
}

/* What goes on before there is an engine: the newest lines of the log of those who start it. A line that
 * begins with
 * "! " says what went wrong. */
void starting_draw(struct cockpit *c, struct canvas *canvas)
{
	static const char *const waits = "The engine has not answered yet. What is being started says:";
	FILE *file = fopen(c->options->starting_log, "re");
	char line[LINE_BYTES], clean[LINE_BYTES];
	int rows = canvas->size.rows - 12, n = 0, row = 4, cells = canvas->size.cols - 4;
	bool failed = false;

	for (int i = 3; i < canvas->size.rows - 4; i++)
		canvas_fill(canvas, 0, i, canvas->size.cols, ROLE_TEXT, " ");
	canvas_fill(canvas, 0, 2, canvas->size.cols, ROLE_FRAME, glyph(canvas, GLYPH_H));
	canvas_put(canvas, 1, 2, ROLE_TITLE, " Starting ");
	canvas_put(canvas, 1, 3, ROLE_MUTED, waits);
	while (file && n < LINES_MOST && fgets(line, sizeof(line), file))
		n++;
	if (file)
		rewind(file);
	for (int i = 0; file && i < n && fgets(line, sizeof(line), file); i++) {
		if (i < n - rows)
			continue;
		text_clean(clean, sizeof(clean), line, strcspn(line, "\n"));
		failed = text_starts(clean, "! ");
		canvas_field(canvas, 3, row++, cells, false, failed ? ROLE_BAD : ROLE_TEXT, clean);
		/* What went wrong is read to its end. */
		for (size_t at = (size_t)cells - 1; failed && at < strlen(clean); at += (size_t)cells - 1)
			row = starting_more(canvas, row, cells, clean + at);
	}
	if (file)
		fclose(file);
	canvas_fill(canvas, 0, canvas->size.rows - 4, canvas->size.cols, ROLE_FRAME, glyph(canvas, GLYPH_H));
	canvas_fill(canvas, 0, canvas->size.rows - 2, canvas->size.cols, ROLE_TEXT, " ");
	canvas_put(canvas, 1, canvas->size.rows - 2, failed ? ROLE_BAD : ROLE_NOW,
		   failed
		       ? "It did not come up, the last line says why. q leaves and puts away what was begun."
		       : "NOTHING TO DO yet: the cockpit fills when the engine answers. q leaves.");
}
