/* The report as one page: it opens from a mail, a chat or a disk, and asks nothing of any server. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/night/report_chart.h"
#include "core/night/report_drill.h"
#include "core/night/report_parts.h"
#include "core/night/report_style.h"
#include <string.h>
#include <time.h>

static const char *const verdicts[] = {"UNKNOWN", "PASS", "WARN", "FAIL"};
static const char *const verdict_classes[] = {"bad", "good", "warn", "bad"};

/* ---- the head ---- */

/* "Saturday, 21 November 2026, 10:58 (UTC+0000)": a page that is read elsewhere has to say whose hours it
 * tells. */
static void moment_text(int64_t at_ms, char *out, size_t size)
{
	time_t at = (time_t)(at_ms / 1000);
	struct tm tm;
	if (!localtime_r(&at, &tm) || !strftime(out, size, "%A, %e %B %Y, %H:%M (UTC%z)", &tm))
		text_copy(out, size, "?");
}

static void tile(struct buf *out, const char *class, const char *number, const char *text)
{
	buf_addf(out, "<div class=\"tile\"><b class=\"%s\">", class);
	html_text(out, number);
	buf_adds(out, "</b><span>");
	html_text(out, text);
	buf_adds(out, "</span></div>\n");
}

static void tile_rows(const struct state *s, struct buf *out)
{
	char number[64] = "none", text[160] = "tables were compared", rows[UNITS_MAX];
	bool good = s->rows.compared_at_ms && s->rows.equal == s->rows.compared && !s->rows.missing;
	if (s->rows.compared_at_ms) {
		char new_rows[UNITS_MAX];
		text_copyf(number, sizeof number, "%d of %d", s->rows.equal, s->rows.compared);
		if (good)
			text_copyf(text, sizeof text, "tables equal: %s rows%s",
				   units_count(rows, s->rows.old_rows),
				   s->rows.content ? ", their content too" : ", counted");
		else
			text_copyf(text, sizeof text, "tables equal: %s rows on the old side, %s on the new",
				   units_count(rows, s->rows.old_rows),
				   units_count(new_rows, s->rows.new_rows));
	}
	tile(out, good ? "good" : s->rows.compared_at_ms ? "bad" : "dim", number, text);
}

static void tile_dns(const struct report_sums *sums, struct buf *out)
{
	char number[64] = "no flip", text[160] = "names still lead to the old side", at[UNITS_MAX],
	     back[UNITS_MAX];
	if (sums->back_ms >= 0) {
		text_copyf(number, sizeof number, "%zu of %zu", sums->old, sums->servers);
		text_copyf(text, sizeof text,
			   "answers were OLD at the end; names led to the new side at %s, back at %s",
			   units_clock(at, sums->flip_ms), units_clock(back, sums->back_ms));
	} else if (sums->flip_ms >= 0 && sums->all_ms >= 0) {
		units_duration(number, sums->all_ms);
		text_copyf(text, sizeof text, "until all %zu answers were NEW, after the flip at %s",
			   sums->servers, units_clock(at, sums->flip_ms));
	} else if (sums->flip_ms >= 0) {
		text_copyf(number, sizeof number, "%zu of %zu", sums->servers - sums->not_new, sums->servers);
		text_copyf(text, sizeof text, "answers were NEW at the end; flip at %s",
			   units_clock(at, sums->flip_ms));
	}
	tile(out, sums->back_ms >= 0 ? "old" : sums->all_ms >= 0 ? "new" : "warn", number, text);
}

/* ", from 01:02:03 to 01:14:07 and from ..." */
static void closed_words(const struct state *s, int64_t end_ms, char *out, size_t size)
{
	struct downtime_span down[DOWNTIME_SPANS + 1];
	size_t n = downtime_spans(s, end_ms, down);
	char from[UNITS_MAX], to[UNITS_MAX];
	*out = '\0';
	for (size_t i = 0; i < n; i++)
		text_copyf(out + strlen(out), size - strlen(out), "%s from %s to %s", i ? " and" : ",",
			   units_clock(from, down[i].from_ms), units_clock(to, down[i].to_ms));
}

static void tiles(const struct report *r, const struct report_sums *sums, struct buf *out)
{
	char a[UNITS_MAX], text[500];
	struct way_back back;
	way_back_of(r->state, sums->end_ms, &back);
	buf_adds(out, "<div class=\"tiles\">\n");
	char closed[240];
	closed_words(r->state, sums->end_ms, closed, sizeof closed);
	text_copyf(text, sizeof text, "closed for visitors%s, in a night of %s", closed,
		   units_duration(a, sums->took_ms));
	tile(out, "", sums->down_ms >= 0 ? units_duration(a, sums->down_ms) : "never", text);
	tile_rows(r->state, out);
	tile_dns(sums, out);
	text_copyf(text, sizeof text, "gates waited for people; %zu waiver%s, %zu skipped", sums->waivers,
		   sums->waivers == 1 ? "" : "s", sums->skipped);
	tile(out, "people", units_duration(a, sums->people_ms), text);
	text_copyf(text, sizeof text, "the way back%s: %s", r->state->steps.turned ? ", which was taken" : "",
		   back.why);
	tile(out, back.back == BACK_FREE ? "good" : "warn", way_back_word(back.back), text);
	buf_adds(out, "</div>\n");
}

static void head(const struct report *r, struct buf *out)
{
	const struct state *s = r->state;
	const char *verdict = report_verdict(r);
	struct report_sums sums;
	char sentence[400], at[96];
	report_sum(r, &sums);
	moment_text(s->opened_at_ms, at, sizeof at);
	report_sentence(r, sentence, sizeof sentence);
	buf_adds(out, "<p class=\"over\">nightferry report</p>\n<h1>");
	html_text(out, s->app);
	buf_addf(out, " <span class=\"badge %s\">",
		 text_equal(verdict, "done")   ? "good"
		 : text_equal(verdict, "open") ? ""
					       : "bad");
	html_text(out, verdict);
	buf_adds(out, "</span></h1>\n<p class=\"lead\">");
	html_text(out, sentence);
	buf_adds(out, "</p>\n<p class=\"dim\">Night <code>");
	html_text(out, s->night);
	buf_adds(out, "</code>, playbook <code>");
	html_text(out, s->steps.playbook);
	if (s->rehearsal)
		buf_adds(
		    out,
		    "</code>, <b>a rehearsal</b>: traffic, the old app and the night's database were left "
		    "alone<code>");
	buf_addf(
	    out,
	    "</code>, began %s. %zu of %zu steps done, %zu of them by hand. All hours here are local.</p>\n",
	    at, sums.done, sums.steps, sums.byhand);
	tiles(r, &sums, out);
}

/* ---- data ---- */

static void count(struct buf *out, int64_t rows)
{
	char n[UNITS_MAX];
	buf_addf(out, "<td class=\"n\">%s</td>",
		 rows >= 0    ? units_count(n, rows)
		 : rows == -1 ? "missing"
			      : "-");
}

static size_t rows_table(const struct state *s, bool equal, struct buf *out)
{
	size_t n = 0;
	for (size_t i = 0; i < s->rows.n; i++) {
		const struct rows_table *t = &s->rows.tables[i];
		if ((t->verdict == 1 && !t->skipped) != equal)
			continue;
		if (n++ == 0)
			buf_adds(
			    out,
			    equal ? "<div class=\"scroll\"><table><tr><th>table</th><th class=\"n\">old</th>"
				    "<th class=\"n\">new</th><th>verdict</th></tr>"
				  : "<div class=\"scroll\"><table><tr><th>table</th><th class=\"n\">old</th>"
				    "<th class=\"n\">new</th><th>verdict</th><th>cause</th></tr>");
		buf_adds(out, "<tr><td>");
		html_text(out, t->table);
		buf_adds(out, "</td>");
		count(out, t->old_rows);
		count(out, t->new_rows);
		bool skipped = t->skipped && t->verdict != 3;
		buf_addf(out, "<td class=\"%s\">%s</td>%s", skipped ? "dim" : verdict_classes[t->verdict & 3],
			 skipped ? "skipped" : verdicts[t->verdict & 3], equal ? "" : "<td>");
		if (!equal)
			html_text(out, t->cause);
		buf_adds(out, equal ? "</tr>" : "</td></tr>");
	}
	if (n)
		buf_adds(out, "</table></div>\n");
	return n;
}

static void rows(const struct state *s, struct buf *out)
{
	char old[UNITS_MAX], new[UNITS_MAX];
	buf_adds(out, "<h2>Rows</h2>\n");
	if (!s->rows.compared_at_ms) {
		buf_adds(out, "<p>The tables were not compared.</p>\n");
		return;
	}
	buf_addf(
	    out,
	    "<p>%d of %d tables equal, %d skipped by <code>copy.skip_data</code>, %d waived. %s rows on the "
	    "<span class=\"old\">old</span> side, %s on the <span class=\"new\">new</span>%s.</p>\n",
	    s->rows.equal, s->rows.compared, s->rows.skipped, s->rows.waived,
	    units_count(old, s->rows.old_rows), units_count(new, s->rows.new_rows),
	    s->rows.content ? "; the content of the rows was compared, too"
			    : "; counted, not compared by content");
	rows_table(s, false, out);
	struct buf equal = {0};
	size_t n = rows_table(s, true, &equal);
	if (n)
		buf_addf(out, "<details%s><summary>%zu equal tables</summary>%s</details>\n",
			 n <= 40 ? " open" : "", n, buf_text(&equal));
	buf_done(&equal);
}

static void checks(const struct state *s, struct buf *out)
{
	buf_adds(out, "<h2>Checks</h2>\n<ul class=\"plain\">");
	if (!s->watching.n_checks)
		buf_adds(out, "<li>No check was made.</li>");
	for (size_t i = 0; i < s->watching.n_checks; i++) {
		const struct check_seen *c = &s->watching.checks[i];
		buf_addf(out, "<li><span class=\"v %s\">%s</span> <b>", verdict_classes[c->verdict & 3],
			 verdicts[c->verdict & 3]);
		html_text(out, c->name);
		buf_adds(out, "</b>");
		for (size_t k = 0; k < c->n; k++)
			if (c->n == 1 || c->lines[k].verdict != 1)
				buf_adds(out, k ? "; " : " "), html_text(out, c->lines[k].text);
		buf_adds(out, "</li>");
	}
	buf_adds(out, "</ul>\n");
}

/* ---- the record ---- */

static void timeline(const struct report *r, struct buf *out)
{
	static const char *const classes[] = {"", "good", "bad", "people"};
	char at[UNITS_MAX];
	buf_adds(out, "<h2>Timeline</h2>\n<ol class=\"moments\">\n");
	for (size_t i = 0; i < r->n_moments; i++) {
		const struct report_moment *m = &r->moments[i];
		buf_addf(out, "<li><time>%s</time><span class=\"%s\">", units_clock(at, m->at_ms),
			 classes[m->tone & 3]);
		if (*m->what)
			buf_adds(out, "<b>"), html_text(out, m->what), buf_adds(out, "</b> ");
		html_text(out, m->text);
		buf_adds(out, "</span></li>\n");
	}
	buf_adds(out, "</ol>\n");
}

static void record(const struct report *r, struct buf *out)
{
	char a[UNITS_MAX], b[UNITS_MAX];
	buf_adds(out, "<h2>Gaps in the record</h2>\n<ul class=\"plain\">");
	if (!r->n_gaps)
		buf_adds(out, "<li>None that the record itself shows.</li>");
	for (size_t i = 0; i < r->n_gaps; i++) {
		const struct report_gap *g = &r->gaps[i];
		buf_adds(out, "<li>");
		if (g->from_ms)
			buf_addf(out, "<time>%s%s%s</time> ", units_clock(a, g->from_ms),
				 g->to_ms ? " to " : "", g->to_ms ? units_clock(b, g->to_ms) : "");
		html_text(out, g->text);
		buf_adds(out, "</li>");
	}
	buf_addf(out,
		 "</ul>\n<p class=\"dim\">Made from a journal of %llu lines, %s; its last hash is "
		 "<code>%s</code>: "
		 "<code>nightferry verify --anchor</code> finds it there.</p>\n",
		 (unsigned long long)r->check.lines, r->check.bad ? "which is BROKEN" : "whole",
		 r->check.head);
}

void report_html(const struct report *r, struct buf *out)
{
	buf_adds(out,
		 "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
		 "'unsafe-inline'; img-src data:\">\n"
		 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		 "<meta name=\"robots\" content=\"noindex\">\n<link rel=\"icon\" href=\"data:,\">\n<title>");
	html_text(out, r->state->app);
	buf_adds(out, ": ");
	html_text(out, report_verdict(r));
	buf_adds(out, "</title>\n<style>");
	for (size_t i = 0; report_style[i]; i++)
		buf_adds(out, report_style[i]);
	buf_adds(out, "</style>\n</head>\n<body>\n<main>\n");
	head(r, out);
	report_drill_html(r, out);
	html_trouble(r, out);
	html_after(r->state, out);
	buf_adds(out, "<h2>The night, step by step</h2>\n");
	report_chart_steps(r, out);
	buf_adds(out, "<h2>DNS after the flip</h2>\n");
	report_chart_dns(r, out);
	rows(r->state, out);
	html_people(r, out);
	html_gates(r, out);
	html_waivers_and_notes(r->state, out);
	checks(r->state, out);
	timeline(r, out);
	record(r, out);
	buf_adds(out, "</main>\n</body>\n</html>\n");
}
