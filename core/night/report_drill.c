/* In the report of a drill's night: what struck, and what was made of it. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/night/report_chart.h"
#include "core/night/report_drill.h"
#include <string.h>

/* "1.4 s ssh: the connection was lost" */
static void told(const struct json *fault, const char *key, const char *none, char *out, size_t size)
{
	const struct json *t = json_get(fault, key);
	int64_t ms = json_int(t, "after_ms", 0);
	if (!t || json_is_null(t))
		text_copy(out, size, none);
	else
		text_copyf(out, size, "%lld.%lld s %s: %s", (long long)(ms / 1000),
			   (long long)(ms % 1000 / 100), json_str(t, "by", ""), json_str(t, "text", ""));
}

/* What stands in one row, in the order of its columns. */
static void row_of(const struct json *fault, char cells[REPORT_DRILL_COLUMNS][300])
{
	text_copyf(cells[0], 300, "%s at %s", json_str(fault, "fault", ""), json_str(fault, "step", ""));
	text_copy(cells[1], 300, json_str(fault, "verdict", ""));
	told(fault, "noticed", *json_str(fault, "why", "") ? json_str(fault, "why", "") : "not", cells[2],
	     300);
	told(fault, "decided", "by itself, or by nobody", cells[3], 300);
	told(fault, "recovered", "not", cells[4], 300);
}

void report_drill(const struct report *report, void *ctx,
		  void (*begin)(void *ctx, bool passed, const char *sentence),
		  void (*row)(void *ctx, char cells[REPORT_DRILL_COLUMNS][300]))
{
	const char *text = report->state->drill;
	struct json *card = text ? json_parse(text, strlen(text), NULL) : NULL;
	char sentence[300], cells[REPORT_DRILL_COLUMNS][300];
	if (!card)
		return;
	bool passed = json_bool(card, "passed", false);
	text_copyf(
	    sentence, sizeof sentence,
	    "This night was a drill in a demo world: the drill %s, data lost: %s (judge of its own: %s).",
	    passed ? "passed" : "was not passed", json_bool(card, "equal", false) ? "none" : "not proved",
	    json_str(card, "judge", ""));
	begin(ctx, passed, sentence);
	for (const struct json *x = json_first(json_get(card, "faults")); x; x = json_next(x)) {
		row_of(x, cells);
		row(ctx, cells);
	}
	json_free(card);
}

static void html_begin(void *ctx, bool passed, const char *sentence)
{
	buf_addf(ctx, "<h2>Drill</h2>\n<p><span class=\"v %s\">%s</span> ", passed ? "pass" : "fail",
		 passed ? "PASSED" : "NOT PASSED");
	html_text(ctx, sentence);
	buf_adds(
	    ctx,
	    "</p>\n<div class=\"scroll\"><table><tr><th>fault</th><th></th><th>noticed</th><th>decided</th>"
	    "<th>recovered</th></tr>\n");
}

static void html_row(void *ctx, char cells[REPORT_DRILL_COLUMNS][300])
{
	buf_adds(ctx, "<tr>");
	for (size_t i = 0; i < REPORT_DRILL_COLUMNS; i++) {
		buf_adds(ctx, "<td>");
		html_text(ctx, cells[i]);
		buf_adds(ctx, "</td>");
	}
	buf_adds(ctx, "</tr>\n");
}

void report_drill_html(const struct report *report, struct buf *out)
{
	report_drill(report, out, html_begin, html_row);
	if (report->state->drill)
		buf_adds(out, "</table></div>\n");
}
