#include "panels/plan_card.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/age.h"
#include "panels/sums.h"

#include <stdio.h>

enum { LABEL = 6 };

enum role verdict_role(int verdict)
{
	static const enum role roles[] = {ROLE_UNKNOWN, ROLE_OK, ROLE_WARN, ROLE_BAD};

	return verdict >= 0 && verdict < 4 ? roles[verdict] : ROLE_UNKNOWN;
}

int card_text(struct canvas *canvas, int row, const char *label, enum role role, const char *text)
{
	int used;

	canvas_put(canvas, 0, row, ROLE_MUTED, label);
	if (!text[0])
		return row + 1;
	used = canvas_wrap(canvas, LABEL, row, canvas->size.cols - LABEL, 6, role, text);
	for (int i = 0; i < used; i++)
		canvas_sides(canvas, LABEL, row + i, canvas->size.cols - LABEL);
	return row + (used > 0 ? used : 1);
}

int card_plan(struct canvas *canvas, int row, const struct plan_seen *plan)
{
	char change[440];

	if (plan->refused[0])
		row = card_text(canvas, row, "WON'T", ROLE_BAD, plan->refused);
	for (size_t i = 0; i < plan->n_does && i < 12; i++)
		row = card_text(canvas, row, i == 0 ? "DO" : "", ROLE_TEXT, plan->does[i]);
	if (plan->from[0] || plan->to[0]) {
		snprintf(change, sizeof(change), "%s  →  %s", plan->from[0] ? plan->from : "-", plan->to);
		row = card_text(canvas, row, plan->n_does == 0 ? "DO" : "", ROLE_TEXT, change);
	}
	if (plan->nothing_to_do)
		row = card_text(canvas, row, "", ROLE_OK, "Nothing to do: it is so already.");
	if (plan->then[0])
		row = card_text(canvas, row, "THEN", ROLE_TEXT, plan->then);
	return row;
}

/* Cells for the names and the verdicts, as wide as the widest one, within reason. */
static void seen_widths(const struct canvas *canvas, const struct seen_line *seen, size_t n, int *verdict,
			int *name)
{
	*verdict = 4;
	*name = 7;
	for (size_t i = 0; i < n; i++) {
		int width = canvas_width(canvas, seen[i].name);

		if (width > *name)
			*name = width > 16 ? 16 : width;
		if (seen[i].verdict <= 0 || seen[i].verdict > 3)
			*verdict = 7;
	}
	if (*name > canvas->size.cols / 4)
		*name = canvas->size.cols / 4;
}

int card_seen(struct canvas *canvas, int row, const struct seen_line *seen, size_t n, int64_t now_ms)
{
	int name_cells, verdict_cells, cols = canvas->size.cols, age_cells = cols >= 48 ? 8 : 0;

	seen_widths(canvas, seen, n, &verdict_cells, &name_cells);
	for (size_t i = 0; i < n; i++) {
		char age[48], text[400];
		int at = LABEL, used;

		canvas_put(canvas, 0, row, ROLE_MUTED, i == 0 ? "SEEN" : "");
		canvas_field(canvas, at, row, verdict_cells, false, verdict_role(seen[i].verdict),
			     sums_verdict_word(seen[i].verdict));
		at += verdict_cells + 2;
		canvas_field(canvas, at, row, name_cells, false, ROLE_TEXT, seen[i].name);
		at += name_cells + 2;
		age_ago(age, sizeof(age), seen[i].at_ms, now_ms);
		if (seen[i].waived)
			snprintf(text, sizeof(text), "waived by %s: %s", seen[i].waived_by, seen[i].text);
		else
			text_copy(text, sizeof(text), seen[i].text);
		canvas_field(canvas, cols - age_cells, row, age_cells, true, ROLE_MUTED, age);
		/* Long evidence goes on below itself: nobody decides on half a sentence. */
		used =
		    canvas_wrap(canvas, at, row, cols - at - age_cells - (age_cells > 0), 4, ROLE_TEXT, text);
		row += used > 0 ? used : 1;
	}
	return row;
}
