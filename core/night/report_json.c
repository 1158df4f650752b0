/* The report as one JSON object. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/night/report.h"
#include <string.h>

static const char *const verdicts[] = {"UNKNOWN", "PASS", "WARN", "FAIL"};

static void write_time(struct jw *w, const char *key, int64_t at_ms)
{
	char at[UNITS_MAX];
	if (at_ms)
		jw_str(w, key, units_iso(at, at_ms));
	else
		jw_null(w, key);
}

static void write_ms(struct jw *w, const char *key, int64_t ms)
{
	if (ms >= 0)
		jw_num(w, key, (double)ms / 1000.0);
	else
		jw_null(w, key);
}

static void write_steps(const struct report *r, struct jw *w)
{
	const struct state *s = r->state;
	static const char *const gates[] = {"none", "yes", "type", "poll"};
	jw_arr(w, "steps");
	for (size_t i = 0; i < report_n_steps(r); i++) {
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
		write_ms(w, "budget_s", x->budget_ms > 0 ? x->budget_ms : -1);
		write_ms(w, "rehearsed_s", x->rehearsed_ms);
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

static void write_sums(const struct report *r, struct jw *w)
{
	struct report_sums sums;
	char sentence[400];
	report_sum(r, &sums);
	report_sentence(r, sentence, sizeof sentence);
	jw_str(w, "sentence", sentence);
	write_ms(w, "took_s", sums.took_ms);
	write_ms(w, "people_s", sums.people_ms);
	write_time(w, "flipped_at", sums.flip_ms > 0 ? sums.flip_ms : 0);
	write_ms(w, "propagation_s", sums.all_ms);
}

static void write_gates(const struct report *r, struct jw *w)
{
	jw_arr(w, "gates");
	for (size_t i = 0; i < r->n_gates; i++) {
		const struct report_gate *g = &r->gates[i];
		jw_obj(w, NULL);
		jw_str(w, "step", g->step);
		jw_str(w, "act", g->act);
		jw_str(w, "level", g->level);
		jw_str(w, "target", g->target);
		write_time(w, "opened_at", g->opened_ms);
		write_time(w, "ended_at", g->ended_ms);
		jw_bool(w, "passed", g->passed);
		jw_str(w, "by", g->by);
		jw_str(w, "how", g->how);
		jw_str(w, "second", g->second);
		jw_bool(w, "by_name_only", g->by_name_only);
		jw_json(w, "seen", g->seen);
		jw_end(w);
	}
	jw_end(w);
}

static void write_gaps(const struct report *r, struct jw *w)
{
	jw_arr(w, "gaps");
	for (size_t i = 0; i < r->n_gaps; i++) {
		jw_obj(w, NULL);
		write_time(w, "from", r->gaps[i].from_ms);
		write_time(w, "to", r->gaps[i].to_ms);
		jw_str(w, "text", r->gaps[i].text);
		jw_end(w);
	}
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
	jw_bool(w, "rehearsal", s->rehearsal);
	if (*s->rehearsed.night)
		jw_str(w, "rehearsed", s->rehearsed.night);
	else
		jw_null(w, "rehearsed");
	write_time(w, "started_at", s->opened_at_ms);
	write_time(w, "ended_at", s->closed_at_ms);
	jw_str(w, "verdict", report_verdict(r));
	write_sums(r, w);
	double down = report_downtime_s(s, end);
	if (down >= 0)
		jw_num(w, "downtime_s", down);
	else
		jw_null(w, "downtime_s");
	write_way_back(s, end, w);
	write_steps(r, w);
	write_tables(s, w);
	write_checks(s, w);
	write_gates(r, w);
	write_gaps(r, w);
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
	if (s->drill)
		jw_raw(w, "drill", s->drill, strlen(s->drill));
	jw_obj(w, "journal");
	jw_int(w, "lines", (int64_t)r->check.lines);
	jw_str(w, "head", r->check.head);
	jw_bool(w, "whole", r->check.bad == 0 && !r->check.torn);
	jw_end(w);
}
