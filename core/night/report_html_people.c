/* The report's page, what people did: gates, trouble, waivers and notes, and what is still to do. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/night/after.h"
#include "core/night/report_chart.h"
#include "core/night/report_parts.h"
#include <stdlib.h>
#include <string.h>

void html_trouble(const struct report *r, struct buf *out)
{
	char at[UNITS_MAX];
	size_t n = 0;
	buf_adds(out, "<h2>What went wrong, and what was let pass</h2>\n<ul class=\"plain\">");
	for (size_t i = 0; i < r->n_moments; i++) {
		const struct report_moment *m = &r->moments[i];
		if (m->tone != REPORT_BAD)
			continue;
		n++;
		buf_addf(out, "<li><time>%s</time> <b>", units_clock(at, m->at_ms));
		html_text(out, m->what);
		buf_adds(out, *m->what ? "</b> " : "</b>");
		html_text(out, m->text);
		buf_adds(out, "</li>");
	}
	if (!n)
		buf_adds(out, "<li>Nothing that the record shows.</li>");
	buf_adds(out, "</ul>\n");
}

void html_after(const struct state *s, struct buf *out)
{
	struct after after;
	char at[UNITS_MAX];
	after_of(s, &after);
	if (after.n)
		buf_adds(out, "<h2>Still to do</h2>\n<ul class=\"plain todo\">");
	for (size_t i = 0; i < after.n; i++) {
		buf_addf(out, "<li><time>%.10s</time> <b>", units_iso(at, after.list[i].at_ms));
		html_text(out, after.list[i].what);
		buf_adds(out, "</b><br>");
		html_text(out, after.list[i].why);
		buf_adds(out, "</li>");
	}
	if (after.n)
		buf_adds(out, "</ul>\n");
	after_done(&after);
}

void html_people(const struct report *r, struct buf *out)
{
	size_t n;
	struct report_person *people = report_people(r, &n);
	buf_adds(out, "<h2>People, and their time</h2>\n<ul class=\"plain\">");
	if (!n)
		buf_adds(out, "<li>Nobody took a seat.</li>");
	for (size_t i = 0; i < n; i++) {
		char did[400];
		report_person_text(&people[i], did, sizeof did);
		buf_adds(out, "<li><b>");
		html_text(out, people[i].name);
		buf_adds(out, "</b> <span class=\"dim\">");
		html_text(out, people[i].station);
		buf_adds(out, "</span> ");
		html_text(out, did);
		buf_adds(out, "</li>");
	}
	buf_adds(out, "</ul>\n");
	free(people);
}

static void gate(const struct report_gate *g, struct buf *out)
{
	char a[UNITS_MAX], b[UNITS_MAX];
	buf_addf(out, "<div class=\"gate\"><h3><time>%s</time> ", units_clock(a, g->opened_ms));
	html_text(out, g->step);
	buf_adds(out, text_equal(g->act, "undo") ? " taken back</h3>" : "</h3>");
	buf_addf(out, "<div class=\"dim\">%s, target <code>", g->level);
	html_text(out, g->target);
	buf_adds(out, "</code></div><div>");
	buf_adds(out, g->passed ? "Passed by <b>" : g->ended_ms ? "Left by <b>" : "Still open<b>");
	html_text(out, g->by);
	buf_adds(out, "</b>");
	if (*g->second)
		buf_adds(out, " with <b>"), html_text(out, g->second), buf_adds(out, "</b>");
	if (g->by_name_only)
		buf_adds(out, " <span class=\"bad\">by name only: both use one login</span>");
	if (g->ended_ms)
		buf_addf(out, " after <span class=\"num\">%s</span>",
			 units_duration(b, g->ended_ms - g->opened_ms));
	if (g->changed)
		buf_addf(out, ", its evidence having moved %d time%s", g->changed,
			 g->changed == 1 ? "" : "s");
	if (g->why)
		buf_adds(out, ": "), html_text(out, g->why);
	buf_adds(out, "</div><ul>");
	for (const struct json *x = json_first(g->seen); x; x = json_next(x)) {
		const char *verdict = json_str(x, "verdict", "UNKNOWN");
		const char *class = text_equal(verdict, "PASS")   ? "good"
				    : text_equal(verdict, "WARN") ? "warn"
								  : "bad";
		buf_addf(out, "<li><span class=\"v %s\">", class);
		html_text(out, verdict);
		buf_adds(out, "</span> ");
		html_text(out, json_str(x, "text", ""));
		if (json_bool(x, "waived", false))
			buf_adds(out, " <b class=\"bad\">waived by "),
			    html_text(out, json_str(x, "waived_by", "?")), buf_adds(out, "</b>");
		buf_adds(out, "</li>");
	}
	buf_adds(out, "</ul></div>\n");
}

void html_gates(const struct report *r, struct buf *out)
{
	buf_adds(out, "<h2>Gates: who passed what, and what they saw</h2>\n");
	if (!r->n_gates)
		buf_adds(out, "<p>No gate was opened.</p>\n");
	for (size_t i = 0; i < r->n_gates; i++)
		gate(&r->gates[i], out);
}

void html_waivers_and_notes(const struct state *s, struct buf *out)
{
	char at[UNITS_MAX], about[170];
	buf_adds(out, "<h2>Waivers</h2>\n<ul class=\"plain\">");
	if (!s->watching.n_waivers)
		buf_adds(out, "<li>None: nothing was let pass against its evidence.</li>");
	for (size_t i = 0; i < s->watching.n_waivers; i++) {
		const struct waiver_seen *w = &s->watching.waivers[i];
		buf_addf(out, "<li><time>%s</time> <b>", units_clock(at, w->at_ms));
		waiver_words(w->about, about, sizeof about);
		html_text(out, about);
		buf_addf(out, "</b>%s by ", w->fallen ? " (fallen)" : "");
		html_text(out, w->by);
		buf_adds(out, ": ");
		html_text(out, w->reason);
		buf_adds(out, "</li>");
	}
	buf_adds(out, "</ul>\n<h2>Notes</h2>\n<ul class=\"plain\">");
	if (!s->people.n_notes)
		buf_adds(out, "<li>None.</li>");
	for (size_t i = 0; i < s->people.n_notes; i++) {
		buf_addf(out, "<li><time>%s</time> <b>", units_clock(at, s->people.notes[i].at_ms));
		html_text(out, s->people.notes[i].by);
		buf_adds(out, "</b> ");
		html_text(out, s->people.notes[i].text);
		buf_adds(out, "</li>");
	}
	buf_adds(out, "</ul>\n");
}
