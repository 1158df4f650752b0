/* Words on a canvas: broken at spaces, wrapped, set left and right. */
#include "core/base/text.h"
#include "panels/canvas.h"

#include <ctype.h>
#include <string.h>

static char cell_char(const struct canvas *canvas, int col, int row)
{
	const char *text;

	if (col < 0 || row < 0 || col >= canvas->size.cols || row >= canvas->size.rows)
		return ' ';
	text = canvas->cells[(size_t)row * (size_t)canvas->stride + (size_t)col].text;
	return text[0] > 0 && !text[1] ? text[0] : ' ';
}

static bool word_at(const struct canvas *canvas, int col, int row, const char *word)
{
	int len = (int)strlen(word);

	for (int i = 0; i < len; i++)
		if (cell_char(canvas, col + i, row) != word[i])
			return false;
	return !isalnum((unsigned char)cell_char(canvas, col - 1, row)) &&
	       !isalnum((unsigned char)cell_char(canvas, col + len, row));
}

void canvas_sides(struct canvas *canvas, int col, int row, int cols)
{
	for (int i = col; i < col + cols && i < canvas->size.cols; i++) {
		if (word_at(canvas, i, row, "OLD"))
			canvas_role(canvas, i, row, 3, ROLE_OLD);
		else if (word_at(canvas, i, row, "NEW"))
			canvas_role(canvas, i, row, 3, ROLE_NEW);
		else if (word_at(canvas, i, row, "HEROKU"))
			canvas_role(canvas, i, row, 6, ROLE_OLD);
	}
}

/* How many bytes of the text fit on a line of `cols` cells, broken at a space where there is one. */
static size_t line_len(const struct canvas *canvas, const char *text, int cols)
{
	size_t len = strlen(text), used = 0, space = 0;
	char one[5];

	for (int width = 0; used < len;) {
		uint32_t code;
		size_t n = text_decode(text + used, len - used, &code);

		memcpy(one, text + used, n);
		one[n] = '\0';
		width += canvas_width(canvas, one);
		if (width > cols)
			return space > 0 ? space : (used > 0 ? used : n);
		if (code == ' ')
			space = used;
		used += n;
	}
	return used;
}

int canvas_wrap(struct canvas *canvas, int col, int row, int cols, int rows, enum role role, const char *text)
{
	char line[1024];
	int used = 0;

	if (cols <= 0)
		return 0;
	while (*text && used < rows) {
		size_t len = line_len(canvas, text, cols);

		/* The last line says with its ellipsis that there was more. */
		if (used == rows - 1)
			len = strlen(text);
		if (len >= sizeof(line))
			len = sizeof(line) - 1;
		memcpy(line, text, len);
		line[len] = '\0';
		canvas_field(canvas, col, row + used, cols, false, role, line);
		used++;
		text += len;
		while (*text == ' ')
			text++;
	}
	return used;
}

int canvas_lines(const struct canvas *canvas, int cols, int rows, const char *text)
{
	int used = 0;

	while (cols > 0 && *text && used < rows) {
		text += line_len(canvas, text, cols);
		while (*text == ' ')
			text++;
		used++;
	}
	return used;
}
