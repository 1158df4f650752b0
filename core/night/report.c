#include "core/night/report.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include <stdlib.h>
#include <string.h>

static const char *const verdicts[] = {"UNKNOWN", "PASS", "WARN", "FAIL"};

/* One line of the timeline for the records people want to read again. */
static void tell(struct report *r, const struct event *event)
{
	const struct json *b = event->body;
	char at[UNITS_MAX];
	struct buf line = {0};
	const char *k = event->kind, *step = json_str(b, "step", "");
	if (text_equal(k, "night.opened"))
		buf_addf(&line, "night opened for **%s**", json_str(b, "app", ""));
	else if (text_equal(k, "engine.started") && json_bool(b, "restarted", false))
		buf_adds(&line, "engine started again");
	else if (text_equal(k, "gate.opened"))
		buf_addf(&line, "gate `%s` of **%s** opened, target %s", json_str(b, "level", ""), step,
			 json_str(b, "target", ""));
	else if (text_equal(k, "gate.passed"))
		buf_addf(&line, "gate of **%s** passed by %s (%s)%s%s%s", step, json_str(b, "by", ""),
			 json_str(b, "how", ""), *json_str(b, "second", "") ? ", second person " : "",
			 json_str(b, "second", ""),
			 json_bool(b, "by_name_only", false) ? " BY NAME ONLY: both use one login" : "");
	else if (text_equal(k, "gate.closed"))
		buf_addf(&line, "gate of **%s** left by %s: %s", step, json_str(b, "by", ""),
			 json_str(b, "why", ""));
	else if (text_equal(k, "attempt.started"))
		buf_addf(&line, "**%s** %s by %s", step,
			 text_equal(json_str(b, "verb", ""), "undo") ? "taken back" : "started",
			 json_str(b, "by", ""));
	else if (text_equal(k, "attempt.ended"))
		buf_addf(&line, "**%s** %s%s%s", step, json_str(b, "outcome", ""),
			 *json_str(b, "text", "") ? ": " : "", json_str(b, "text", ""));
	else if (text_equal(k, "attempt.found"))
		buf_addf(&line, "**%s** found after a restart: %s", step, json_str(b, "probe", ""));
	else if (text_equal(k, "step.skipped"))
		buf_addf(&line, "**%s** skipped by %s: %s", step, json_str(b, "by", ""),
			 json_str(b, "reason", ""));
	else if (text_equal(k, "step.byhand"))
		buf_addf(&line, "**%s** done by hand by %s: %s", step, json_str(b, "by", ""),
			 json_str(b, "words", ""));
	else if (text_equal(k, "hold.called"))
		buf_addf(&line, "HOLD by %s %s", json_str(b, "by", ""), json_str(b, "why", ""));
	else if (text_equal(k, "hold.released"))
		buf_addf(&line, "HOLD released by %s%s: %s", json_str(b, "by", ""),
			 json_bool(b, "caller_gone", false) ? ", its caller being gone" : "",
			 json_str(b, "reason", ""));
	else if (text_equal(k, "note.added"))
		buf_addf(&line, "note by %s: %s", json_str(b, "by", ""), json_str(b, "text", ""));
	else if (text_equal(k, "waiver.given"))
		buf_addf(&line, "%s (%s) waived by %s: %s", json_str(b, "about", ""), json_str(b, "fact", ""),
			 json_str(b, "by", ""), json_str(b, "reason", ""));
	else if (text_equal(k, "waiver.fallen"))
		buf_addf(&line, "the waiver of %s fell: %s", json_str(b, "about", ""),
			 json_str(b, "why", ""));
	else if (text_equal(k, "vote.given"))
		buf_addf(&line, "%s of %s by %s %s", json_bool(b, "go", false) ? "GO" : "NO-GO",
			 json_str(b, "station", ""), json_str(b, "by", ""), json_str(b, "reason", ""));
	else if (text_equal(k, "vote.fallen"))
		buf_addf(&line, "the vote of %s fell: %s", json_str(b, "station", ""),
			 json_str(b, "why", ""));
	else if (text_equal(k, "wheel.lost"))
		buf_addf(&line, "the seat of %s, who drove, is gone", json_str(b, "name", ""));
	else if (text_equal(k, "wheel.given"))
		buf_addf(&line, "%s drives", json_str(b, "name", ""));
	else if (text_equal(k, "night.turned"))
		buf_addf(&line, "the way back was taken by %s", json_str(b, "by", ""));
	else if (text_equal(k, "night.closed"))
		buf_addf(&line, "night closed: %s", json_str(b, "verdict", ""));
	if (line.len)
		buf_addf(&r->timeline, "- %s %s\n", units_clock(at, event->at_ms), line.data);
	buf_done(&line);
}

static bool read_line(void *arg, const char *line, size_t len)
{
	struct report *r = arg;
	struct event *event = event_parse(line, len, NULL);
	if (!event)
		return true;
	state_fold(r->state, event);
	tell(r, event);
	if (!r->first_ms)
		r->first_ms = event->at_ms;
	r->last_ms = event->at_ms;
	if (!r->opened && text_equal(event->kind, "night.opened"))
		r->opened = json_parse(line, len, NULL);
	event_free(event);
	return true;
}

int report_read(const char *journal, struct report *r, struct err *err)
{
	memset(r, 0, sizeof *r);
	r->state = state_new();
	if (journal_check(journal, read_line, r, &r->check, err) < 0) {
		report_done(r);
		return -1;
	}
	if (!r->opened) {
		report_done(r);
		return err_set(err, ERR_USAGE, "%s is not the journal of a night", journal);
	}
	return 0;
}

void report_done(struct report *r)
{
	state_free(r->state);
	json_free(r->opened);
	buf_done(&r->timeline);
	memset(r, 0, sizeof *r);
}

const char *report_verdict(const struct report *r)
{
	return r->state->closed_at_ms ? r->state->closed_verdict : "open";
}

double report_downtime_s(const struct state *s, int64_t now_ms)
{
	struct downtime down = downtime_of(s, now_ms);
	return down.ever ? (double)down.ms / 1000.0 : -1;
}

static void write_time(struct jw *w, const char *key, int64_t at_ms)
{
	char at[UNITS_MAX];
	if (at_ms)
		jw_str(w, key, units_iso(at, at_ms));
	else
		jw_null(w, key);
}

static void write_steps(const struct state *s, struct jw *w)
{
	static const char *const gates[] = {"none", "yes", "type", "poll"};
	jw_arr(w, "steps");
	for (size_t i = 0; i < (s->steps.turned ? s->steps.n : s->steps.n_forward); i++) {
		const struct step_seen *x = &s->steps.steps[i];
		jw_obj(w, NULL);
		jw_str(w, "id", x->id);
		jw_str(w, "kind", x->kind);
		jw_str(w, "phase", s->steps.phases[x->phase].name);
		jw_str(w, "state", step_state_name(x->state));
		jw_str(
		    w, "gate",
		    gates[(x->gate_passed_at_ms ? x->plan.gate > x->gate ? x->plan.gate : x->gate : x->gate) &
			  3]);
		write_time(w, "started_at", x->started_at_ms);
		if (x->started_at_ms && x->ended_at_ms)
			jw_num(w, "seconds", (double)(x->ended_at_ms - x->started_at_ms) / 1000.0);
		else
			jw_null(w, "seconds");
		jw_str(w, "by", x->by);
		jw_int(w, "attempts", x->attempts);
		jw_str(w, "text", x->text);
		jw_end(w);
	}
	jw_end(w);
}

static void write_tables(const struct state *s, struct jw *w)
{
	jw_arr(w, "tables");
	for (size_t i = 0; i < s->rows.n; i++) {
		const struct rows_table *t = &s->rows.tables[i];
		jw_obj(w, NULL);
		jw_str(w, "name", t->table);
		if (t->old_rows >= 0)
			jw_int(w, "source_rows", t->old_rows);
		else
			jw_null(w, "source_rows");
		if (t->new_rows >= 0)
			jw_int(w, "target_rows", t->new_rows);
		else
			jw_null(w, "target_rows");
		jw_str(w, "verdict", verdicts[t->verdict & 3]);
		jw_str(w, "cause", t->cause);
		jw_end(w);
	}
	jw_end(w);
}

static void write_checks(const struct state *s, struct jw *w)
{
	jw_arr(w, "checks");
	for (size_t i = 0; i < s->watching.n_checks; i++) {
		const struct check_seen *c = &s->watching.checks[i];
		jw_obj(w, NULL);
		jw_str(w, "name", c->name);
		jw_str(w, "verdict", verdicts[c->verdict & 3]);
		jw_arr(w, "evidence");
		for (size_t k = 0; k < c->n; k++)
			jw_strf(w, NULL, "%s %s", verdicts[c->lines[k].verdict & 3], c->lines[k].text);
		jw_end(w);
		jw_str(w, "fix", c->fix);
		jw_end(w);
	}
	jw_end(w);
}

/* What going back cost or would have cost at the end, and what was saved of it. */
static void write_way_back(const struct state *s, int64_t end_ms, struct jw *w)
{
	struct way_back back;
	way_back_of(s, end_ms, &back);
	jw_obj(w, "way_back");
	jw_bool(w, "taken", s->steps.turned);
	jw_str(w, "word", way_back_word(back.back));
	jw_str(w, "why", back.why);
	const struct {
		const char *name;
		int64_t value;
	} counts[] = {
	    {"rows", back.rows}, {"updated", back.updated}, {"deleted", back.deleted}, {"jobs", back.jobs}};
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		counts[i].value >= 0 ? jw_int(w, counts[i].name, counts[i].value)
				     : jw_null(w, counts[i].name);
	write_time(w, "old_certificate_until", back.certificate_ms);
	const struct fact_seen *exported = NULL;
	for (size_t i = 0; i < s->facts.n; i++)
		if (text_equal(s->facts.facts[i].name, "exported"))
			exported = &s->facts.facts[i];
	if (exported && exported->data)
		jw_raw(w, "exported", exported->data, strlen(exported->data));
	else
		jw_null(w, "exported");
	jw_end(w);
}

void report_json(const struct report *r, struct jw *w)
{
	const struct state *s = r->state;
	int64_t end = s->closed_at_ms ? s->closed_at_ms : r->last_ms;
	jw_open(w);
	jw_str(w, "app", s->app);
	jw_str(w, "night", s->night);
	jw_str(w, "playbook", s->steps.playbook);
	write_time(w, "started_at", s->opened_at_ms);
	write_time(w, "ended_at", s->closed_at_ms);
	jw_str(w, "verdict", report_verdict(r));
	double down = report_downtime_s(s, end);
	if (down >= 0)
		jw_num(w, "downtime_s", down);
	else
		jw_null(w, "downtime_s");
	write_way_back(s, end, w);
	write_steps(s, w);
	write_tables(s, w);
	write_checks(s, w);
	jw_arr(w, "waivers");
	for (size_t i = 0; i < s->watching.n_waivers; i++) {
		const struct waiver_seen *x = &s->watching.waivers[i];
		jw_obj(w, NULL);
		jw_str(w, "about", x->about);
		jw_str(w, "by", x->by);
		jw_str(w, "reason", x->reason);
		jw_bool(w, "fallen", x->fallen);
		jw_end(w);
	}
	jw_end(w);
	jw_arr(w, "notes");
	for (size_t i = 0; i < s->people.n_notes; i++) {
		jw_obj(w, NULL);
		write_time(w, "at", s->people.notes[i].at_ms);
		jw_str(w, "by", s->people.notes[i].by);
		jw_str(w, "text", s->people.notes[i].text);
		jw_end(w);
	}
	jw_end(w);
	jw_obj(w, "journal");
	jw_int(w, "lines", (int64_t)r->check.lines);
	jw_str(w, "head", r->check.head);
	jw_bool(w, "whole", r->check.bad == 0 && !r->check.torn);
	jw_end(w);
}

static void md_cell(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			buf_addc(out, '\\');
		buf_addc(out, *text == '\n' ? ' ' : *text);
	}
}

static void md_steps(const struct state *s, struct buf *out)
{
	buf_adds(
	    out,
	    "\n## Steps\n\n| # | step | state | started | took | by | |\n|--:|---|---|---|--:|---|---|\n");
	for (size_t i = 0; i < (s->steps.turned ? s->steps.n : s->steps.n_forward); i++) {
		const struct step_seen *x = &s->steps.steps[i];
		char at[UNITS_MAX] = "", took[UNITS_MAX] = "";
		if (x->started_at_ms)
			units_clock(at, x->started_at_ms);
		if (x->started_at_ms && x->ended_at_ms)
			units_duration(took, x->ended_at_ms - x->started_at_ms);
		buf_addf(out, "| %d | %s | %s | %s | %s | %s | ", x->number, x->id, step_state_name(x->state),
			 at, took, x->by);
		md_cell(out, x->text);
		buf_adds(out, " |\n");
	}
}

static void md_tables(const struct state *s, struct buf *out)
{
	char old[UNITS_MAX], new[UNITS_MAX];
	if (s->rows.compared_at_ms)
		buf_addf(out,
			 "\n## Rows\n\n%d of %d tables equal, %d skipped by copy.skip_data, %d waived; %s "
			 "rows on the "
			 "old side, %s on the new%s.\n",
			 s->rows.equal, s->rows.compared, s->rows.skipped, s->rows.waived,
			 units_count(old, s->rows.old_rows), units_count(new, s->rows.new_rows),
			 s->rows.content ? "; content compared, too" : "; counts only");
	else
		buf_adds(out, "\n## Rows\n\nNot compared.\n");
	buf_adds(out, "\n| table | old | new | verdict | cause |\n|---|--:|--:|---|---|\n");
	for (size_t i = 0; i < s->rows.n; i++) {
		const struct rows_table *t = &s->rows.tables[i];
		buf_adds(out, "| ");
		md_cell(out, t->table);
		buf_addf(out, " | %s | %s | %s | ",
			 t->old_rows >= 0    ? units_count(old, t->old_rows)
			 : t->old_rows == -1 ? "missing"
					     : "-",
			 t->new_rows >= 0    ? units_count(new, t->new_rows)
			 : t->new_rows == -1 ? "missing"
					     : "-",
			 t->skipped && t->verdict != 3 ? "skipped" : verdicts[t->verdict & 3]);
		md_cell(out, t->cause);
		buf_adds(out, " |\n");
	}
}

static void md_exported(const struct fact_seen *fact, struct buf *out)
{
	char count[UNITS_MAX];
	struct json *data = fact->data ? json_parse(fact->data, strlen(fact->data), NULL) : NULL;
	buf_addf(out, "- exported: %s rows of the new side in `%s` on %s, SHA-256 `%.16s`\n",
		 units_count(count, json_int(data, "rows", 0)), json_str(data, "path", "?"),
		 json_str(data, "host", "?"), json_str(data, "sha256", "?"));
	json_free(data);
}

void report_markdown(const struct report *r, struct buf *out)
{
	const struct state *s = r->state;
	struct way_back back;
	char a[UNITS_MAX], b[UNITS_MAX];
	int64_t end = s->closed_at_ms ? s->closed_at_ms : r->last_ms;
	double down = report_downtime_s(s, end);
	size_t done = 0, skipped = 0;
	for (size_t i = 0; i < s->steps.n_forward; i++) {
		skipped += s->steps.steps[i].state == STEP_SKIPPED;
		done +=
		    step_state_finished(s->steps.steps[i].state) && s->steps.steps[i].state != STEP_SKIPPED;
	}
	buf_addf(out, "# %s: %s\n\n", s->app, report_verdict(r));
	buf_addf(out, "- night `%s`, playbook `%s`, began %s\n", s->night, s->steps.playbook,
		 units_iso(a, s->opened_at_ms));
	buf_addf(out, "- took %s, down %s\n", units_duration(a, end - s->opened_at_ms),
		 down >= 0 ? units_duration(b, (int64_t)(down * 1000)) : "never");
	buf_addf(out, "- steps done: %zu of %zu, %zu skipped\n", done, s->steps.n_forward, skipped);
	buf_addf(out, "- waivers: %zu, notes: %zu\n", s->watching.n_waivers, s->people.n_notes);
	way_back_of(s, end, &back);
	buf_addf(out, "- way back: %s%s, %s\n", s->steps.turned ? "taken; " : "", way_back_word(back.back),
		 back.why);
	for (size_t i = 0; i < s->facts.n; i++)
		if (text_equal(s->facts.facts[i].name, "exported"))
			md_exported(&s->facts.facts[i], out);
	buf_addf(out, "- journal: %llu lines, %s, head `%.16s`\n", (unsigned long long)r->check.lines,
		 r->check.bad ? "BROKEN (see `nightferry verify`)" : "whole", r->check.head);
	md_steps(s, out);
	md_tables(s, out);
	buf_adds(out, "\n## Checks\n\n");
	for (size_t i = 0; i < s->watching.n_checks; i++) {
		const struct check_seen *c = &s->watching.checks[i];
		buf_addf(out, "- %s **%s**", verdicts[c->verdict & 3], c->name);
		for (size_t k = 0; k < c->n; k++)
			if (c->n == 1 || c->lines[k].verdict != 1)
				buf_addf(out, ": %s", c->lines[k].text);
		buf_adds(out, "\n");
	}
	buf_adds(out, "\n## Timeline\n\n");
	buf_adds(out, buf_text(&r->timeline));
}
