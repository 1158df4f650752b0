#include "tui/cockpit.h"
#include "core/base/text.h"
#include <stdio.h>
#include <string.h>

enum { LINES_MOST = 200, LINE_BYTES = 240 };

/* What goes on before there is an engine: the newest lines of the log of those who start it. A line that
 * begins with
 * "! " says what went wrong. */
void starting_draw(struct cockpit *c, struct canvas *canvas)
{
	static const char *const waits = "The engine has not answered yet. What is being started says:";
	FILE *file = fopen(c->options->starting_log, "re");
	char line[LINE_BYTES], clean[LINE_BYTES];
	int rows = canvas->size.rows - 8, n = 0, row = 4;
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
		canvas_field(canvas, 3, row++, canvas->size.cols - 4, false, failed ? ROLE_BAD : ROLE_TEXT,
			     clean);
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
