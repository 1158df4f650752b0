#include "panels/columns.h"
#include "core/base/units.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int total(const struct columns *columns, int gap)
{
	int sum = 0;

	for (int i = 0; i < columns->n; i++)
		if (columns->cells[i] > 0)
			sum += columns->cells[i] + (sum > 0 ? gap : 0);
	return sum;
}

static bool drop_one(struct columns *columns)
{
	int worst = -1;

	for (int i = 0; i < columns->n; i++)
		if (columns->cells[i] > 0 && columns->column[i].rank > 0 &&
		    (worst < 0 || columns->column[i].rank > columns->column[worst].rank))
			worst = i;
	if (worst >= 0)
		columns->cells[worst] = 0;
	return worst >= 0;
}

void columns_fit(struct columns *columns, const struct column *column, int n, int cols)
{
	int gap = cols >= 56 ? 2 : 1, at = 0;

	*columns = (struct columns){.column = column, .n = n < COLUMNS_MAX ? n : COLUMNS_MAX};
	for (int i = 0; i < columns->n; i++)
		columns->cells[i] = column[i].least;
	while (total(columns, gap) > cols && drop_one(columns))
		;
	for (int i = 0; i < columns->n; i++) {
		int spare = cols - total(columns, gap), wish = column[i].want - columns->cells[i];

		if (columns->cells[i] > 0 && wish > 0 && spare > 0)
			columns->cells[i] += wish < spare ? wish : spare;
	}
	for (int i = 0; i < columns->n; i++) {
		columns->at[i] = at;
		if (columns->cells[i] > 0)
			at += columns->cells[i] + gap;
	}
}

enum { USUAL_COLS = 130, NAME_MOST = 50 };

void columns_widen(struct column *out, const struct column *column, int n, int name, int cols)
{
	int over = cols > USUAL_COLS ? (cols - USUAL_COLS) / 2 : 0;

	memcpy(out, column, (size_t)n * sizeof(*out));
	out[name].want = out[name].want + over < NAME_MOST ? out[name].want + over : NAME_MOST;
}

void columns_put(struct canvas *canvas, int row, const struct columns *columns, int i, enum role role,
		 const char *text)
{
	if (columns->cells[i] > 0)
		canvas_field(canvas, columns->at[i], row, columns->cells[i], columns->column[i].right, role,
			     text);
}

void columns_putf(struct canvas *canvas, int row, const struct columns *columns, int i, enum role role,
		  const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	columns_put(canvas, row, columns, i, role, text);
}

void columns_head(struct canvas *canvas, int row, const struct columns *columns)
{
	for (int i = 0; i < columns->n; i++)
		columns_put(canvas, row, columns, i, ROLE_MUTED, columns->column[i].head);
}

char *figure_count(char *out, size_t size, int64_t count, int cells)
{
	static const char units[] = " kMGTPE";
	char text[UNITS_MAX];
	double value = (double)count;
	size_t unit = 0;

	if (count < 0)
		snprintf(out, size, "-");
	else
		snprintf(out, size, "%s", units_count(text, count));
	if ((int)strlen(out) <= cells)
		return out;
	while (value >= 1000.0 && unit + 1 < sizeof(units) - 1) {
		value /= 1000.0;
		unit++;
	}
	/* Rounded down: a figure never says more than is there. */
	snprintf(out, size, "%.1f%c", (double)(int64_t)(value * 10.0) / 10.0, units[unit]);
	if ((int)strlen(out) > cells)
		snprintf(out, size, "%d%c", (int)value, units[unit]);
	if ((int)strlen(out) > cells)
		snprintf(out, size, "%s", cells > 0 ? "#" : "");
	return out;
}

void columns_count(struct canvas *canvas, int row, const struct columns *columns, int i, enum role role,
		   int64_t count)
{
	char text[UNITS_MAX];

	columns_put(canvas, row, columns, i, role,
		    figure_count(text, sizeof(text), count, columns->cells[i]));
}
