/* The report as Markdown. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/night/after.h"
#include "core/night/report.h"
#include "core/night/report_drill.h"
#include <stdlib.h>
#include <string.h>

static const char *const verdicts[] = {"UNKNOWN", "PASS", "WARN", "FAIL"};

/* Text from the night in a cell or a line: nothing of it may become a table, a heading or a link. */
static void say(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("|<`\\[", *text))
			buf_addc(out, '\\');
		buf_addc(out, *text == '\n' || *text == '\r' ? ' ' : *text);
	}
}

static void head(const struct report *r, struct buf *out)
{
	const struct state *s = r->state;
	struct report_sums sums;
	struct way_back back;
	char text[400], a[UNITS_MAX], b[UNITS_MAX];
	report_sum(r, &sums);
	report_sentence(r, text, sizeof text);
	way_back_of(s, sums.end_ms, &back);
	buf_addf(out, "# %s: %s\n\n", s->app, report_verdict(r));
	say(out, text);
	buf_addf(out, "\n\n- down %s, the whole night %s\n",
		 sums.down_ms >= 0 ? units_duration(a, sums.down_ms) : "never",
		 units_duration(b, sums.took_ms));
	if (s->rows.compared_at_ms)
		buf_addf(out, "- %d of %d tables equal, %s rows%s\n", s->rows.equal, s->rows.compared,
			 units_count(a, s->rows.old_rows), s->rows.content ? ", content compared, too" : "");
	else
		buf_adds(out, "- rows were not compared\n");
	if (sums.flip_ms < 0)
		buf_adds(out, "- names were not pointed to the new side\n");
	else if (sums.back_ms >= 0)
		buf_addf(
		    out,
		    "- names led to the new side at %s, back at %s; %zu of %zu answers were OLD at the end\n",
		    units_clock(a, sums.flip_ms), units_clock(b, sums.back_ms), sums.old, sums.servers);
	else if (sums.all_ms >= 0)
		buf_addf(out, "- names pointed at %s; all %zu answers were NEW after %s\n",
			 units_clock(a, sums.flip_ms), sums.servers, units_duration(b, sums.all_ms));
	else
		buf_addf(out, "- names pointed at %s; %zu of %zu answers were not NEW at the end\n",
			 units_clock(a, sums.flip_ms), sums.not_new, sums.servers);
	buf_addf(out, "- gates waited for people %s in all; %zu waivers, %zu steps skipped, %zu by hand\n",
		 units_duration(a, sums.people_ms), sums.waivers, sums.skipped, sums.byhand);
	buf_addf(out, "- way back: %s%s, ", s->steps.turned ? "taken; " : "", way_back_word(back.back));
	say(out, back.why);
	if (s->rehearsal)
		buf_adds(
		    out,
		    "\n\nThis was a rehearsal: its data went into a database of its own, and traffic, the "
		    "old app and the night's database were left alone.");
	else if (*s->rehearsed.night)
		buf_addf(out, "\n\nRehearsed in `%s`.", s->rehearsed.night);
	buf_addf(out, "\n\nNight `%s`, playbook `%s`, began %s; steps done: %zu of %zu.\n", s->night,
		 s->steps.playbook, units_iso(a, s->opened_at_ms), sums.done, sums.steps);
}

static void exported(const struct report *r, struct buf *out)
{
	for (size_t i = 0; i < r->state->facts.n; i++) {
		const struct fact_seen *fact = &r->state->facts.facts[i];
		char count[UNITS_MAX];
		if (!text_equal(fact->name, "exported") || !fact->data)
			continue;
		struct json *data = json_parse(fact->data, strlen(fact->data), NULL);
		buf_addf(out, "Exported: %s rows of the new side in `%s` on %s, SHA-256 `%.16s`.",
			 units_count(count, json_int(data, "rows", 0)), json_str(data, "path", "?"),
			 json_str(data, "host", "?"), json_str(data, "sha256", "?"));
		/* Or its number would not fit to that of the rows written. */
		if (json_int(data, "updated", 0) || json_int(data, "deleted", 0))
			buf_addf(out, " Rows changed there: %lld, deleted: %lld.",
				 (long long)json_int(data, "updated", 0),
				 (long long)json_int(data, "deleted", 0));
		buf_addc(out, '\n');
		json_free(data);
	}
}

static void steps(const struct report *r, struct buf *out)
{
	buf_adds(out, "\n## Steps\n\n| # | step | state | started | planned | rehearsed | took | by | |\n"
		      "|--:|---|---|---|--:|--:|--:|---|---|\n");
	for (size_t i = 0; i < report_n_steps(r); i++) {
		const struct step_seen *x = &r->state->steps.steps[i];
		char at[UNITS_MAX] = "", took[UNITS_MAX] = "", budget[UNITS_MAX] = "",
		     rehearsed[UNITS_MAX] = "";
		if (x->started_at_ms)
			units_clock(at, x->started_at_ms);
		if (x->started_at_ms && x->ended_at_ms)
			units_duration(took, x->ended_at_ms - x->started_at_ms);
		if (x->budget_ms > 0)
			units_duration(budget, x->budget_ms);
		if (x->rehearsed_ms >= 0)
			units_duration(rehearsed, x->rehearsed_ms);
		buf_addf(out, "| %d | %s | %s | %s | %s | %s | %s | ", x->number, x->id,
			 step_state_name(x->state), at, budget, rehearsed, took);
		say(out, x->by);
		buf_adds(out, " | ");
		say(out, x->text);
		buf_adds(out, " |\n");
	}
}

static void gates(const struct report *r, struct buf *out)
{
	char a[UNITS_MAX], b[UNITS_MAX];
	if (!r->n_gates)
		return;
	buf_adds(out, "\n## Gates\n");
	for (size_t i = 0; i < r->n_gates; i++) {
		const struct report_gate *g = &r->gates[i];
		buf_addf(out, "\n- %s **%s**%s (%s), target ", units_clock(a, g->opened_ms), g->step,
			 text_equal(g->act, "undo") ? " taken back" : "", g->level);
		say(out, g->target);
		buf_adds(out, g->passed ? ": passed by " : g->ended_ms ? ": left by " : ": still open");
		say(out, g->by);
		if (*g->second)
			buf_adds(out, " with "), say(out, g->second);
		if (g->by_name_only)
			buf_adds(out, " BY NAME ONLY: both use one login");
		if (g->ended_ms)
			buf_addf(out, " after %s", units_duration(b, g->ended_ms - g->opened_ms));
		if (g->why)
			buf_adds(out, ": "), say(out, g->why);
		buf_adds(out, "\n");
		for (const struct json *x = json_first(g->seen); x; x = json_next(x)) {
			buf_addf(out, "  - %s ", json_str(x, "verdict", "UNKNOWN"));
			say(out, json_str(x, "text", ""));
			if (json_bool(x, "waived", false))
				buf_adds(out, ", waived by "), say(out, json_str(x, "waived_by", "?"));
			buf_adds(out, "\n");
		}
	}
}

static const char *count(char out[UNITS_MAX], int64_t rows)
{
	return rows >= 0 ? units_count(out, rows) : rows == -1 ? "missing" : "-";
}

static void rows(const struct state *s, struct buf *out)
{
	char old[UNITS_MAX], new[UNITS_MAX];
	if (s->rows.compared_at_ms)
		buf_addf(out,
			 "\n## Rows\n\n%d of %d tables equal, %d skipped by copy.skip_data, %d waived; %s "
			 "rows on the old side, %s on the new%s.\n",
			 s->rows.equal, s->rows.compared, s->rows.skipped, s->rows.waived,
			 units_count(old, s->rows.old_rows), units_count(new, s->rows.new_rows),
			 s->rows.content ? "; content compared, too" : "; counts only");
	else
		buf_adds(out, "\n## Rows\n\nNot compared.\n");
	if (!s->rows.n)
		return;
	buf_adds(out, "\n| table | old | new | verdict | cause |\n|---|--:|--:|---|---|\n");
	for (size_t i = 0; i < s->rows.n; i++) {
		const struct rows_table *t = &s->rows.tables[i];
		buf_adds(out, "| ");
		say(out, t->table);
		buf_addf(out, " | %s | %s | %s | ", count(old, t->old_rows), count(new, t->new_rows),
			 t->skipped && t->verdict != 3 ? "skipped" : verdicts[t->verdict & 3]);
		say(out, t->cause);
		buf_adds(out, " |\n");
	}
}

static void checks(const struct state *s, struct buf *out)
{
	buf_adds(out, "\n## Checks\n\n");
	for (size_t i = 0; i < s->watching.n_checks; i++) {
		const struct check_seen *c = &s->watching.checks[i];
		buf_addf(out, "- %s **%s**", verdicts[c->verdict & 3], c->name);
		for (size_t k = 0; k < c->n; k++)
			if (c->n == 1 || c->lines[k].verdict != 1)
				buf_adds(out, ": "), say(out, c->lines[k].text);
		buf_adds(out, "\n");
	}
}

static void waivers(const struct state *s, struct buf *out)
{
	char at[UNITS_MAX], about[170];
	if (s->watching.n_waivers)
		buf_adds(out, "\n## Waivers\n\n");
	for (size_t i = 0; i < s->watching.n_waivers; i++) {
		const struct waiver_seen *w = &s->watching.waivers[i];
		buf_addf(out, "- %s **", units_clock(at, w->at_ms));
		waiver_words(w->about, about, sizeof about);
		say(out, about);
		buf_addf(out, "**%s by ", w->fallen ? " (fallen)" : "");
		say(out, w->by);
		buf_adds(out, ": ");
		say(out, w->reason);
		buf_adds(out, "\n");
	}
}

static void gaps(const struct report *r, struct buf *out)
{
	char a[UNITS_MAX], b[UNITS_MAX];
	buf_adds(out, "\n## Gaps in the record\n\n");
	if (!r->n_gaps)
		buf_adds(out, "None that the record itself shows.\n");
	for (size_t i = 0; i < r->n_gaps; i++) {
		const struct report_gap *g = &r->gaps[i];
		buf_adds(out, "- ");
		if (g->from_ms)
			buf_addf(out, "%s%s%s ", units_clock(a, g->from_ms), g->to_ms ? " to " : "",
				 g->to_ms ? units_clock(b, g->to_ms) : "");
		say(out, g->text);
		buf_adds(out, "\n");
	}
	buf_addf(out, "\nJournal: %llu lines, %s, last hash `%.16s`.\n", (unsigned long long)r->check.lines,
		 r->check.bad ? "BROKEN (see `nightferry verify`)" : "whole", r->check.head);
}

static void timeline(const struct report *r, struct buf *out)
{
	char at[UNITS_MAX];
	buf_adds(out, "\n## Timeline\n\n");
	for (size_t i = 0; i < r->n_moments; i++) {
		const struct report_moment *m = &r->moments[i];
		buf_addf(out, "- %s ", units_clock(at, m->at_ms));
		if (*m->what)
			buf_addf(out, "**%s** ", m->what);
		say(out, m->text);
		buf_adds(out, "\n");
	}
}

static void drill_begin(void *ctx, bool passed, const char *sentence)
{
	(void)passed;
	buf_adds(ctx, "\n## Drill\n\n");
	say(ctx, sentence);
	buf_adds(ctx, "\n\n| fault | | noticed | decided | recovered |\n|---|---|---|---|---|\n");
}

static void drill_row(void *ctx, char cells[REPORT_DRILL_COLUMNS][300])
{
	for (size_t i = 0; i < REPORT_DRILL_COLUMNS; i++) {
		buf_adds(ctx, "| ");
		say(ctx, cells[i]);
		buf_addc(ctx, ' ');
	}
	buf_adds(ctx, "|\n");
}

static void trouble(const struct report *r, struct buf *out)
{
	char at[UNITS_MAX];
	size_t n = 0;
	buf_adds(out, "\n## What went wrong, and what was let pass\n\n");
	for (size_t i = 0; i < r->n_moments; i++) {
		const struct report_moment *m = &r->moments[i];
		if (m->tone != REPORT_BAD)
			continue;
		n++;
		buf_addf(out, "- %s ", units_clock(at, m->at_ms));
		if (*m->what)
			buf_addf(out, "**%s** ", m->what);
		say(out, m->text);
		buf_adds(out, "\n");
	}
	if (!n)
		buf_adds(out, "Nothing that the record shows.\n");
}

static void still_to_do(const struct state *s, struct buf *out)
{
	struct after after;
	char at[UNITS_MAX];
	after_of(s, &after);
	if (after.n)
		buf_adds(out, "\n## Still to do\n\n");
	for (size_t i = 0; i < after.n; i++) {
		buf_addf(out, "- %.10s **", units_iso(at, after.list[i].at_ms));
		say(out, after.list[i].what);
		buf_adds(out, "** ");
		say(out, after.list[i].why);
		buf_adds(out, "\n");
	}
	after_done(&after);
}

static void people(const struct report *r, struct buf *out)
{
	size_t n;
	struct report_person *list = report_people(r, &n);
	buf_adds(out, "\n## People\n\n");
	if (!n)
		buf_adds(out, "Nobody took a seat.\n");
	for (size_t i = 0; i < n; i++) {
		char did[400];
		report_person_text(&list[i], did, sizeof did);
		buf_adds(out, "- **");
		say(out, list[i].name);
		buf_addf(out, "**%s", *list[i].station ? " " : "");
		say(out, list[i].station);
		buf_addf(out, ": %s\n", did);
	}
	free(list);
}

void report_markdown(const struct report *r, struct buf *out)
{
	head(r, out);
	exported(r, out);
	report_drill(r, out, drill_begin, drill_row);
	trouble(r, out);
	still_to_do(r->state, out);
	steps(r, out);
	people(r, out);
	gates(r, out);
	rows(r->state, out);
	checks(r->state, out);
	waivers(r->state, out);
	gaps(r, out);
	timeline(r, out);
}
