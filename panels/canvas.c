#include "panels/canvas.h"
#include "core/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const role_names[ROLE_COUNT] = {
    [ROLE_TEXT] = "text",
    [ROLE_MUTED] = "muted",
    [ROLE_FRAME] = "frame",
    [ROLE_FRAME_FOCUS] = "frame.focus",
    [ROLE_OLD] = "old",
    [ROLE_NEW] = "new",
    [ROLE_OK] = "ok",
    [ROLE_NOW] = "now",
    [ROLE_WARN] = "warn",
    [ROLE_BAD] = "bad",
    [ROLE_UNKNOWN] = "unknown",
    [ROLE_ARMED] = "armed",
    [ROLE_FROZEN] = "frozen",
    [ROLE_DANGER] = "danger",
    [ROLE_TITLE] = "title",
    [ROLE_KEY] = "key",
    [ROLE_SELECTED] = "selected",
    [ROLE_SOURCE_1] = "source-1",
    [ROLE_SOURCE_2] = "source-2",
    [ROLE_SOURCE_3] = "source-3",
    [ROLE_SOURCE_4] = "source-4",
    [ROLE_SOURCE_5] = "source-5",
    [ROLE_SOURCE_6] = "source-6",
};

static const char *const glyphs[2][GLYPH_COUNT] = {
    {"─", "│", "┬", "┴", "├", "┤", "┼", "┌", "┐", "└", "┘", "█", "░", "━", "┄", "▟█▙", "▶", "·", "→", "…"},
    {"-", "|", "+", "+", "+", "+", "+", "+", "+", "+", "+", "#", ".", "=", "-", "[#]", ">", ".", "->", "~"},
};

/* What our own texts use beyond ASCII; everything else from outside becomes a question mark. */
static const struct {
	uint32_t code;
	const char *ascii;
} ascii_forms[] = {
    {0x2192, "->"}, {0x2026, "..."}, {0x2013, "-"},  {0x2014, "-"},  {0xB7, "."},
    {0x25B6, ">"},  {0x2588, "#"},   {0x2591, "."},  {0x2501, "="},  {0x2504, "-"},
    {0x2500, "-"},  {0x2502, "|"},   {0x2265, ">="}, {0xD7, "x"},    {0x2581, "."},
    {0x2582, "."},  {0x2583, ":"},   {0x2584, ":"},  {0x2585, ":"},  {0x2586, "|"},
    {0x2587, "|"},  {0x2019, "'"},   {0x201C, "\""}, {0x201D, "\""}, {0xA0, " "},
};

const char *role_name(enum role role)
{
	return role < ROLE_COUNT ? role_names[role] : "text";
}

const char *glyph(const struct canvas *canvas, enum glyph g)
{
	return glyphs[canvas->ascii ? 1 : 0][g < GLYPH_COUNT ? g : GLYPH_DOT];
}

struct canvas *canvas_new(struct size size, bool ascii)
{
	struct canvas *canvas = calloc(1, sizeof(*canvas));

	if (!canvas)
		abort();
	canvas->size.cols = size.cols > 0 ? size.cols : 1;
	canvas->size.rows = size.rows > 0 ? size.rows : 1;
	canvas->stride = canvas->size.cols;
	canvas->ascii = ascii;
	canvas->owned = true;
	canvas->cells = calloc((size_t)canvas->size.cols * (size_t)canvas->size.rows, sizeof(struct cell));
	if (!canvas->cells)
		abort();
	canvas_clear(canvas);
	return canvas;
}

void canvas_free(struct canvas *canvas)
{
	if (!canvas || !canvas->owned)
		return;
	free(canvas->cells);
	free(canvas);
}

static struct cell *cell_at(const struct canvas *canvas, int col, int row)
{
	return &canvas->cells[(size_t)row * (size_t)canvas->stride + (size_t)col];
}

static bool inside(const struct canvas *canvas, int col, int row)
{
	return col >= 0 && row >= 0 && col < canvas->size.cols && row < canvas->size.rows;
}

static int cell_width(const struct cell *cell)
{
	uint32_t code = 0;

	if (!cell->text[0])
		return 0;
	text_decode(cell->text, strlen(cell->text), &code);
	return text_code_width(code);
}

/* Half of a wide character must not stay behind, or the row grows or shrinks by a cell. */
static void cell_set(struct cell *cell, enum role role, const char *text, size_t len)
{
	if (cell_width(cell) == 2)
		memcpy(cell[1].text, " ", 2);
	else if (!cell->text[0])
		memcpy(cell[-1].text, " ", 2);
	memcpy(cell->text, text, len);
	cell->text[len] = '\0';
	cell->role = (uint8_t)role;
}

void canvas_clear(struct canvas *canvas)
{
	for (int row = 0; row < canvas->size.rows; row++)
		for (int col = 0; col < canvas->size.cols; col++) {
			struct cell *cell = cell_at(canvas, col, row);

			if (!canvas->owned)
				cell_set(cell, ROLE_TEXT, " ", 1);
			memset(cell, 0, sizeof(*cell));
			cell->text[0] = ' ';
		}
}

struct canvas canvas_part(const struct canvas *canvas, int col, int row, int cols, int rows)
{
	struct canvas part = *canvas;

	if (col < 0) {
		cols += col;
		col = 0;
	}
	if (row < 0) {
		rows += row;
		row = 0;
	}
	if (cols > canvas->size.cols - col)
		cols = canvas->size.cols - col;
	if (rows > canvas->size.rows - row)
		rows = canvas->size.rows - row;
	part.owned = false;
	part.size.cols = cols > 0 && rows > 0 ? cols : 0;
	part.size.rows = cols > 0 && rows > 0 ? rows : 0;
	if (part.size.cols > 0)
		part.cells = cell_at(canvas, col, row);
	return part;
}

/* One code point as this canvas draws it: its bytes and its cells. */
static int form_of(const struct canvas *canvas, uint32_t code, char out[8])
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0)) {
		memcpy(out, canvas->ascii ? "?" : "\xef\xbf\xbd", canvas->ascii ? 2 : 4);
		return 1;
	}
	if (canvas->ascii && code >= 0x7f) {
		for (size_t i = 0; i < sizeof(ascii_forms) / sizeof(ascii_forms[0]); i++)
			if (ascii_forms[i].code == code)
				return snprintf(out, 8, "%s", ascii_forms[i].ascii);
		if (text_code_width(code) == 0)
			return 0;
		memcpy(out, "??", 3);
		out[text_code_width(code)] = '\0';
		return text_code_width(code);
	}
	out[text_encode(code, out)] = '\0';
	return text_code_width(code);
}

int canvas_width(const struct canvas *canvas, const char *text)
{
	int width = 0;
	size_t len = strlen(text), used = 0;
	char form[8];

	while (used < len) {
		uint32_t code;

		used += text_decode(text + used, len - used, &code);
		width += form_of(canvas, code, form);
	}
	return width;
}

static void put_combining(struct canvas *canvas, int col, int row, const char *form)
{
	if (canvas->ascii || !inside(canvas, col - 1, row))
		return;
	struct cell *cell = cell_at(canvas, col - 1, row);
	if (!cell->text[0] && col >= 2)
		cell--;
	if (!cell->text[0])
		return;
	size_t used = strlen(cell->text);

	if (used + strlen(form) < sizeof(cell->text))
		text_copy(cell->text + used, sizeof(cell->text) - used, form);
}

/* Puts at most `cells` cells of the text. */
static int put_cells(struct canvas *canvas, int col, int row, int cells, enum role role, const char *text)
{
	size_t len = strlen(text), used = 0;
	int end = col + cells;

	if (row < 0 || row >= canvas->size.rows)
		return col;
	if (end > canvas->size.cols)
		end = canvas->size.cols;
	while (used < len) {
		uint32_t code;
		char form[8];

		used += text_decode(text + used, len - used, &code);
		int width = form_of(canvas, code, form);
		if (width == 0) {
			put_combining(canvas, col, row, form);
			continue;
		}
		if (col >= end)
			break;
		if (canvas->ascii || width == 1) {
			for (int i = 0; i < width && col < end; i++, col++)
				if (inside(canvas, col, row))
					cell_set(cell_at(canvas, col, row), role,
						 &form[canvas->ascii ? i : 0],
						 canvas->ascii ? 1 : strlen(form));
			continue;
		}
		if (col + 2 > end || col < 0) {
			if (inside(canvas, col, row))
				cell_set(cell_at(canvas, col, row), role, " ", 1);
			col += col < 0 ? 2 : 1;
			if (col >= end)
				break;
			continue;
		}
		cell_set(cell_at(canvas, col, row), role, " ", 1);
		cell_set(cell_at(canvas, col + 1, row), role, " ", 1);
		memcpy(cell_at(canvas, col, row)->text, form, strlen(form) + 1);
		cell_at(canvas, col + 1, row)->text[0] = '\0';
		col += 2;
	}
	return col;
}

int canvas_put(struct canvas *canvas, int col, int row, enum role role, const char *text)
{
	return put_cells(canvas, col, row, 1 << 20, role, text);
}

int canvas_putf(struct canvas *canvas, int col, int row, enum role role, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return canvas_put(canvas, col, row, role, text);
}

int canvas_field(struct canvas *canvas, int col, int row, int cells, bool right, enum role role,
		 const char *text)
{
	int width = canvas_width(canvas, text), end = col + cells, at = col;

	if (cells <= 0)
		return col;
	if (width <= cells && right)
		at = end - width;
	if (width <= cells) {
		put_cells(canvas, at, row, cells, role, text);
		return end;
	}
	at = put_cells(canvas, col, row, cells - 1, role, text);
	put_cells(canvas, at, row, 1, role, glyph(canvas, GLYPH_ELLIPSIS));
	return end;
}

void canvas_fill(struct canvas *canvas, int col, int row, int cols, enum role role, const char *text)
{
	for (int i = 0; i < cols && col + i < canvas->size.cols; i++)
		put_cells(canvas, col + i, row, 1, role, text);
}

void canvas_role(struct canvas *canvas, int col, int row, int cols, enum role role)
{
	for (int i = 0; i < cols && col + i < canvas->size.cols; i++)
		if (inside(canvas, col + i, row))
			cell_at(canvas, col + i, row)->role = (uint8_t)role;
}

void canvas_select(struct canvas *canvas, int row)
{
	for (int col = 0; col < canvas->size.cols; col++)
		if (inside(canvas, col, row))
			cell_at(canvas, col, row)->selected = 1;
}

void canvas_bar(struct canvas *canvas, int col, int row, int cells, int64_t done, int64_t total,
		enum role role)
{
	int full;

	if (cells <= 0 || total <= 0)
		return;
	if (done < 0)
		done = 0;
	full = done >= total ? cells : (int)((double)done / (double)total * cells);
	if (done < total && full >= cells)
		full = cells - 1;
	canvas_fill(canvas, col, row, full, role, glyph(canvas, GLYPH_FULL));
	canvas_fill(canvas, col + full, row, cells - full, ROLE_MUTED, glyph(canvas, GLYPH_LIGHT));
}

void canvas_row_text(const struct canvas *canvas, int row, char *out, size_t size)
{
	size_t len = 0;

	if (size == 0)
		return;
	for (int col = 0; row >= 0 && row < canvas->size.rows && col < canvas->size.cols; col++) {
		const char *text = cell_at(canvas, col, row)->text;
		size_t n = strlen(text);

		if (len + n + 1 > size)
			break;
		memcpy(out + len, text, n);
		len += n;
	}
	out[len] = '\0';
}
