/* One table of Rows: both sides, the cause, the first rows that differ; and all tables, for a file. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/age.h"
#include "panels/plan_card.h"
#include "panels/rows_inner.h"
#include "panels/sums.h"

#include <stdio.h>

static void card_side(const struct scene *scene, struct canvas *canvas, int row, const char *side,
		      int64_t rows, const char *hash, int64_t at_ms)
{
	char count[UNITS_MAX], ago[48], text[UNITS_MAX + 8];

	if (rows >= 0)
		snprintf(text, sizeof(text), "%s rows", units_count(count, rows));
	else
		snprintf(text, sizeof(text), "%s", rows == -1 ? "the table is missing" : "not counted yet");
	canvas_putf(canvas, 0, row, ROLE_TEXT, "%s  %20s   content %s   %s", side, text,
		    hash[0] ? hash : "not hashed", age_ago(ago, sizeof(ago), at_ms, scene->now_ms));
	canvas_sides(canvas, 0, row, canvas->size.cols);
}

/* The rows themselves: keys, and what their values are like. */
static int card_found(struct canvas *canvas, int row, const struct rows_bisected *found, int64_t now_ms)
{
	char text[400], ago[48];

	if (!found)
		return row;
	row++;
	if (text_equal(found->state, "looking")) {
		snprintf(text, sizeof(text), "looking for the first rows that differ%s%s",
			 found->text[0] ? ": " : " ...", found->text);
		return card_text(canvas, row, "ROWS", ROLE_UNKNOWN, text);
	}
	snprintf(text, sizeof(text), "%s%s%s   %s", found->n ? "the first rows that differ, by " : "",
		 found->n ? found->key : "", found->n ? "" : found->text,
		 age_ago(ago, sizeof(ago), found->at_ms, now_ms));
	row = card_text(canvas, row, "ROWS", text_equal(found->state, "failed") ? ROLE_UNKNOWN : ROLE_TEXT,
			text);
	for (size_t i = 0; i < found->n; i++) {
		const struct rows_found *r = &found->rows[i];

		snprintf(text, sizeof(text), "%s  %s%s", r->key,
			 r->how == 'O'   ? "only on OLD"
			 : r->how == 'N' ? "only on NEW"
					 : "",
			 r->columns);
		row = card_text(canvas, row, "", r->how == 'D' ? ROLE_WARN : ROLE_BAD, text);
	}
	if (found->more)
		row = card_text(canvas, row, "", ROLE_MUTED, "and more; these are the first");
	return found->n ? card_text(canvas, row, "", ROLE_MUTED, found->text) : row;
}

void rows_card(const struct scene *scene, struct canvas *canvas)
{
	char key[112] = "", clock[UNITS_MAX];
	const struct rows_state *rows = &scene->state->rows;
	const struct waiver_seen *waiver;

	rows_selected(scene, key, sizeof(key));
	for (size_t i = 0; i < rows->n && key[0]; i++) {
		const struct rows_table *table = &rows->tables[i];
		int row = 0;

		if (!text_equal(table->table, key + 5))
			continue;
		canvas_putf(canvas, 0, row++, ROLE_TITLE, "%s   %s", table->table,
			    sums_verdict_word(table->verdict));
		row++;
		card_side(scene, canvas, row++, "OLD", table->old_rows, table->old_hash, table->old_at_ms);
		card_side(scene, canvas, row++, "NEW", table->new_rows, table->new_hash, table->new_at_ms);
		canvas_putf(canvas, 0, row++, ROLE_TEXT, "last written on OLD: %s",
			    table->last_write_ms > 0 ? units_clock(clock, table->last_write_ms)
						     : "not known");
		row++;
		row =
		    card_text(canvas, row, "CAUSE", ROLE_TEXT, table->cause[0] ? table->cause : "none known");
		row = card_found(canvas, row, rows_bisected_get(rows, table->table), scene->now_ms);
		if (table->skipped)
			row = card_text(canvas, row, "SKIP", ROLE_WARN,
					"its data is left out on purpose (copy.skip_data)");
		waiver = waiver_get(scene->state, key);
		if (waiver)
			row = card_text(canvas, row, "WAIVED", ROLE_WARN, waiver->reason);
		return;
	}
	age_nothing(canvas, 0, "No table is selected.");
}

/* ---- for a file: Markdown ---- */

size_t rows_whole(const struct scene *scene)
{
	return scene->state->rows.n + 2;
}

static const char *cell_count(char out[UNITS_MAX], int64_t rows)
{
	return rows == -1 ? "missing" : rows < 0 ? "-" : units_count(out, rows);
}

/* A bar would end the cell. */
static void cell_text(char *out, size_t size, const char *text)
{
	size_t n = 0;

	for (; *text && n + 3 < size; text++) {
		if (*text == '|')
			out[n++] = '\\';
		out[n++] = *text;
	}
	out[n] = '\0';
}

bool rows_line(const struct scene *scene, size_t i, char *out, size_t size)
{
	const struct rows_table *table;
	char old_rows[UNITS_MAX], new_rows[UNITS_MAX], name[200], cause[340];

	if (i < 2) {
		text_copy(out, size,
			  i == 0 ? "| table | OLD | NEW | content | verdict | cause |"
				 : "|---|---:|---:|---|---|---|");
		return true;
	}
	table = &scene->state->rows.tables[i - 2];
	cell_text(name, sizeof(name), table->table);
	cell_text(cause, sizeof(cause), table->cause);
	text_copyf(out, size, "| %s | %s | %s | %s | %s | %s |", name, cell_count(old_rows, table->old_rows),
		   cell_count(new_rows, table->new_rows),
		   !table->old_hash[0] || !table->new_hash[0]     ? "-"
		   : text_equal(table->old_hash, table->new_hash) ? "equal"
								  : "differs",
		   table->skipped ? "skipped" : sums_verdict_word(table->verdict), cause);
	return true;
}
