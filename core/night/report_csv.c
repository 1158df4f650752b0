/* The report's tables for a spreadsheet: RFC 4180, UTF-8, times in UTC. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/night/report.h"
#include <stdlib.h>
#include <string.h>

static const char *const verdicts[] = {"UNKNOWN", "PASS", "WARN", "FAIL"};

/* A text that begins like a formula would be carried out by the reader's spreadsheet. */
static void cell(struct buf *out, const char *text, bool last)
{
	buf_addc(out, '"');
	if (*text && strchr("=+-@\t\r", *text))
		buf_addc(out, '\'');
	for (; *text; text++) {
		if (*text == '"')
			buf_addc(out, '"');
		buf_addc(out, *text);
	}
	buf_adds(out, last ? "\"\r\n" : "\",");
}

static void number(struct buf *out, int64_t value, bool known)
{
	if (known)
		buf_addf(out, "%lld", (long long)value);
	buf_addc(out, ',');
}

static void when(struct buf *out, int64_t at_ms)
{
	char at[UNITS_MAX];
	cell(out, at_ms ? units_iso(at, at_ms) : "", false);
}

static void rows(const struct report *r, struct buf *out)
{
	buf_adds(out, "table,source_rows,target_rows,verdict,skipped,cause\r\n");
	for (size_t i = 0; i < r->state->rows.n; i++) {
		const struct rows_table *t = &r->state->rows.tables[i];
		cell(out, t->table, false);
		number(out, t->old_rows, t->old_rows >= 0);
		number(out, t->new_rows, t->new_rows >= 0);
		cell(out, verdicts[t->verdict & 3], false);
		cell(out, t->skipped ? "yes" : "no", false);
		cell(out, t->cause, true);
	}
}

static void checks(const struct report *r, struct buf *out)
{
	buf_adds(out, "check,verdict,looked_at,line,line_verdict,text\r\n");
	for (size_t i = 0; i < r->state->watching.n_checks; i++) {
		const struct check_seen *c = &r->state->watching.checks[i];
		for (size_t k = 0; k < (c->n ? c->n : 1); k++) {
			cell(out, c->name, false);
			cell(out, verdicts[c->verdict & 3], false);
			when(out, c->at_ms);
			cell(out, c->n ? c->lines[k].name : "", false);
			cell(out, c->n ? verdicts[c->lines[k].verdict & 3] : "", false);
			cell(out, c->n ? c->lines[k].text : "", true);
		}
	}
}

static void timeline(const struct report *r, struct buf *out)
{
	buf_adds(out, "at,step,text\r\n");
	for (size_t i = 0; i < r->n_moments; i++) {
		when(out, r->moments[i].at_ms);
		cell(out, r->moments[i].what, false);
		cell(out, r->moments[i].text, true);
	}
}

static void steps(const struct report *r, struct buf *out)
{
	buf_adds(out,
		 "number,step,kind,state,started_at,ended_at,planned_ms,rehearsed_ms,took_ms,by,text\r\n");
	for (size_t i = 0; i < report_n_steps(r); i++) {
		const struct step_seen *x = &r->state->steps.steps[i];
		number(out, x->number, true);
		cell(out, x->id, false);
		cell(out, x->kind, false);
		cell(out, step_state_name(x->state), false);
		when(out, x->started_at_ms);
		when(out, x->ended_at_ms);
		number(out, x->budget_ms, x->budget_ms > 0);
		number(out, x->rehearsed_ms, x->rehearsed_ms >= 0);
		number(out, x->ended_at_ms - x->started_at_ms, x->started_at_ms && x->ended_at_ms);
		cell(out, x->by, false);
		cell(out, x->text, true);
	}
}

int report_csv(const struct report *r, const char *what, struct buf *out)
{
	static const struct {
		const char *name;
		void (*write)(const struct report *, struct buf *);
	} tables[] = {{"rows", rows}, {"checks", checks}, {"timeline", timeline}, {"steps", steps}};
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		if (text_equal(tables[i].name, what)) {
			tables[i].write(r, out);
			return 0;
		}
	return -1;
}
