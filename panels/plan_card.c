#include "panels/plan_card.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/age.h"
#include "panels/brief.h"
#include "panels/sums.h"

#include <stdio.h>
#include <string.h>

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

int card_plan(struct canvas *canvas, int row, const struct plan_seen *plan, bool brief)
{
	char change[440];
	bool told = false; /* the calls themselves say from what to what */

	if (plan->refused[0])
		row = card_text(canvas, row, "WON'T", ROLE_BAD, plan->refused);
	for (size_t i = 0; i < plan->n_does && i < 12; i++) {
		char does[240];

		brief_fit(canvas, does, sizeof(does), plan->does[i], canvas->size.cols - LABEL);
		row = card_text(canvas, row, i == 0 ? "DO" : "", ROLE_TEXT, brief ? does : plan->does[i]);
		told = told || (strstr(plan->does[i], plan->from) && strstr(plan->does[i], plan->to));
	}
	if ((plan->from[0] || plan->to[0]) && !told) {
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

/* What is not PASS comes first, the worst on top; then as it was looked at. */
static size_t seen_order(const struct seen_line *seen, size_t n, size_t order[], size_t most)
{
	static const int ranks[] = {3, 0, 2, 1};
	size_t used = 0;

	for (size_t r = 0; r < 4; r++)
		for (size_t i = 0; i < n && used < most; i++)
			if ((seen[i].verdict < 0 || seen[i].verdict > 3 ? 0 : seen[i].verdict) == ranks[r])
				order[used++] = i;
	return used;
}

/* How many further lines say PASS of the same name right after this one: several records, one line. */
static size_t same_after(const struct seen_line *seen, const size_t order[], size_t n, size_t at)
{
	size_t same = 0;

	while (at + same + 1 < n && seen[order[at]].verdict == 1 && seen[order[at + same + 1]].verdict == 1 &&
	       !seen[order[at + same + 1]].waived &&
	       text_equal(seen[order[at]].name, seen[order[at + same + 1]].name))
		same++;
	return same;
}

int card_seen(struct canvas *canvas, int row, const struct seen_line *seen, size_t n, bool brief,
	      int64_t now_ms)
{
	int name_cells, verdict_cells, cols = canvas->size.cols, age_cells = cols >= 48 ? 8 : 0;
	size_t order[64], left;

	seen_widths(canvas, seen, n, &verdict_cells, &name_cells);
	n = seen_order(seen, n, order, 64);
	for (size_t o = 0; o < n; o += left + 1) {
		char age[48], text[400], short_text[400];
		size_t i = order[o];
		int at = LABEL, used, room;

		left = brief ? same_after(seen, order, n, o) : 0;
		canvas_put(canvas, 0, row, ROLE_MUTED, o == 0 ? "SEEN" : "");
		canvas_field(canvas, at, row, verdict_cells, false, verdict_role(seen[i].verdict),
			     sums_verdict_word(seen[i].verdict));
		at += verdict_cells + 2;
		canvas_field(canvas, at, row, name_cells, false, ROLE_TEXT, seen[i].name);
		at += name_cells + 2;
		age_ago(age, sizeof(age), seen[i].at_ms, now_ms);
		if (seen[i].waived && !text_starts(seen[i].text, "waived by"))
			snprintf(text, sizeof(text), "waived by %s: %s", seen[i].waived_by, seen[i].text);
		else if (left > 0)
			snprintf(text, sizeof(text), "%zu alike: %s", left + 1, seen[i].text);
		else
			text_copy(text, sizeof(text), seen[i].text);
		canvas_field(canvas, cols - age_cells, row, age_cells, true, ROLE_MUTED, age);
		room = cols - at - age_cells - (age_cells > 0);
		/* Nobody decides on half a sentence: only what is as expected may be shortened to one line.
		 */
		if (brief && seen[i].verdict == 1 && !seen[i].waived) {
			brief_fit(canvas, short_text, sizeof(short_text), text, room);
			canvas_field(canvas, at, row++, room, false, ROLE_TEXT, short_text);
			continue;
		}
		used = canvas_wrap(canvas, at, row, room, 4, ROLE_TEXT, text);
		row += used > 0 ? used : 1;
	}
	return row;
}
