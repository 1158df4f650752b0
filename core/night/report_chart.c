#include "core/night/report_chart.h"
#include "core/base/text.h"
#include "core/base/units.h"

enum { TICKS = 4, BEFORE_FLIP_MS = 15000 };

void html_text(struct buf *out, const char *text)
{
	for (; *text; text++)
		switch (*text) {
		case '&': buf_adds(out, "&amp;"); break;
		case '<': buf_adds(out, "&lt;"); break;
		case '>': buf_adds(out, "&gt;"); break;
		case '"': buf_adds(out, "&quot;"); break;
		case '\'': buf_adds(out, "&#39;"); break;
		case '\n':
		case '\r':
		case '\t': buf_addc(out, ' '); break;
		default:
			if ((unsigned char)*text >= ' ' && *text != 0x7f)
				buf_addc(out, *text);
		}
}

struct span {
	int64_t from_ms, to_ms;
};

static double place(const struct span *of, int64_t at_ms)
{
	double whole = (double)(of->to_ms - of->from_ms), at = (double)(at_ms - of->from_ms);
	return whole <= 0 || at <= 0 ? 0 : at >= whole ? 100 : at * 100 / whole;
}

static void segment(const struct span *of, int64_t from_ms, int64_t to_ms, const char *class, struct buf *out)
{
	double left = place(of, from_ms), right = place(of, to_ms);
	if (to_ms >= of->from_ms && from_ms <= of->to_ms && right >= left)
		buf_addf(out, "<i class=\"%s\" style=\"left:%.2f%%;width:%.2f%%\"></i>", class, left,
			 right - left);
}

static void axis(const struct span *of, const char *unit, struct buf *out)
{
	char at[UNITS_MAX];
	buf_adds(out, "<div class=\"axis\"><span></span><div class=\"ticks\">");
	for (int i = 0; i <= TICKS; i++)
		buf_addf(out, "<i style=\"left:%d%%\">%s</i>", i * 100 / TICKS,
			 units_clock(at, of->from_ms + (of->to_ms - of->from_ms) * i / TICKS));
	buf_addf(out, "</div><span>%s</span></div>\n", unit);
}

/* ---- steps ---- */

static const char *class_of(enum step_state state)
{
	switch (state) {
	case STEP_DONE: return "good";
	case STEP_BYHAND: return "people";
	case STEP_FAILED:
	case STEP_UNKNOWN:
	case STEP_CANCELLED: return "bad";
	default: return "";
	}
}

/* Less than a second is not nothing. */
static const char *took_text(char out[UNITS_MAX], int64_t ms)
{
	if (ms > 0 && ms < 1000)
		text_copy(out, UNITS_MAX, "&lt;1 s");
	else
		units_duration(out, ms);
	return out;
}

static void step_took(const struct step_seen *x, struct buf *out)
{
	char took[UNITS_MAX], budget[UNITS_MAX];
	int64_t ms = x->started_at_ms && x->ended_at_ms ? x->ended_at_ms - x->started_at_ms : -1;
	if (ms < 0) {
		buf_adds(out, x->state == STEP_WAITING ? "not reached" : step_state_name(x->state));
		return;
	}
	buf_addf(out, "<b class=\"%s\">%s</b>", x->budget_ms > 0 && ms > x->budget_ms ? "bad" : "",
		 took_text(took, ms));
	if (x->budget_ms > 0)
		buf_addf(out, " of %s", units_duration(budget, x->budget_ms));
	if (x->rehearsed_ms >= 0)
		buf_addf(out, ", rehearsed %s", took_text(took, x->rehearsed_ms));
}

static void step_row(const struct report *r, const struct span *of, const struct step_seen *x,
		     struct buf *out)
{
	const struct state *s = r->state;
	struct downtime_span down[DOWNTIME_SPANS + 1];
	size_t n_down = downtime_spans(s, of->to_ms, down);
	buf_adds(out, "<div class=\"row\"><span title=\"");
	html_text(out, x->title);
	buf_adds(out, "\">");
	html_text(out, x->id);
	buf_adds(out, "</span><div class=\"track\">");
	for (size_t i = 0; i < n_down; i++)
		segment(of, down[i].from_ms, down[i].to_ms, "down", out);
	for (size_t i = 0; i < r->n_gates; i++)
		if (text_equal(r->gates[i].step, x->id))
			segment(of, r->gates[i].opened_ms,
				r->gates[i].ended_ms ? r->gates[i].ended_ms : of->to_ms, "people", out);
	if (x->started_at_ms)
		segment(of, x->started_at_ms, x->ended_at_ms ? x->ended_at_ms : of->to_ms, class_of(x->state),
			out);
	buf_adds(out, "</div><span class=\"took\">");
	step_took(x, out);
	buf_adds(out, "</span></div>\n");
}

/* What the phase took in all, beside what was planned and, where all of it was rehearsed, what that took. */
static void phase_row(const struct report *r, size_t first, struct buf *out)
{
	const struct steps_state *steps = &r->state->steps;
	size_t phase = steps->steps[first].phase;
	int64_t took = 0, planned = 0, rehearsed = 0;
	char a[UNITS_MAX];
	bool all = true, reached = false;
	for (size_t i = first; i < report_n_steps(r) && steps->steps[i].phase == phase; i++) {
		const struct step_seen *x = &steps->steps[i];
		took += x->started_at_ms && x->ended_at_ms ? x->ended_at_ms - x->started_at_ms : 0;
		planned += x->budget_ms > 0 ? x->budget_ms : 0;
		rehearsed += x->rehearsed_ms > 0 ? x->rehearsed_ms : 0;
		all = all && x->rehearsed_ms >= 0;
		reached = reached || x->started_at_ms || x->state != STEP_WAITING;
	}
	buf_adds(out, "<p class=\"phase\"><b>");
	html_text(out, steps->phases[phase].name);
	if (!reached) {
		buf_adds(out, "</b></p>\n");
		return;
	}
	buf_addf(out, "</b> %s", took_text(a, took));
	if (planned)
		buf_addf(out, " of %s planned", units_duration(a, planned));
	if (all)
		buf_addf(out, ", rehearsed %s", took_text(a, rehearsed));
	buf_adds(out, "</p>\n");
}

void report_chart_steps(const struct report *r, struct buf *out)
{
	struct report_sums sums;
	report_sum(r, &sums);
	const struct span of = {.from_ms = r->state->opened_at_ms, .to_ms = sums.end_ms};
	axis(&of, "took of planned", out);
	for (size_t i = 0, phase = (size_t)-1; i < report_n_steps(r); i++) {
		const struct step_seen *x = &r->state->steps.steps[i];
		if (x->phase != phase && x->phase < r->state->steps.n_phases)
			phase_row(r, i, out);
		phase = x->phase;
		step_row(r, &of, x, out);
	}
	buf_adds(
	    out,
	    "<p class=\"key\"><span><i class=\"good\"></i>ran</span><span><i class=\"people\"></i>waited for "
	    "people, or done by hand</span><span><i class=\"bad\"></i>failed, unknown or "
	    "cancelled</span>");
	if (r->state->freeze_at_ms)
		buf_adds(out, "<span><i class=\"down\"></i>closed for visitors</span>");
	buf_adds(out, "</p>\n");
}

/* ---- DNS ---- */

static const char *class_of_answer(const char *state)
{
	return text_equal(state, "NEW") ? "new" : text_equal(state, "OLD") ? "old" : "else";
}

static bool same_row(const struct report_answer *a, const struct report_answer *b)
{
	return text_equal(a->server, b->server) && text_equal(a->name, b->name);
}

static void dns_row(const struct report *r, const struct span *of, size_t first, int64_t flip_ms,
		    struct buf *out)
{
	const struct report_answer *row = &r->answers[first], *now = NULL;
	buf_adds(out, "<div class=\"row\"><span>");
	html_text(out, *row->label ? row->label : row->server);
	buf_adds(out, " <span class=\"dim\">");
	html_text(out, row->name);
	buf_adds(out, "</span></span><div class=\"track\">");
	for (size_t i = first; i < r->n_answers; i++) {
		if (!same_row(row, &r->answers[i]))
			continue;
		if (now)
			segment(of, now->at_ms, r->answers[i].at_ms, class_of_answer(now->state), out);
		now = &r->answers[i];
	}
	segment(of, now->at_ms, of->to_ms, class_of_answer(now->state), out);
	segment(of, flip_ms, flip_ms, "flip", out);
	buf_addf(out, "</div><span class=\"took %s\">%s</span></div>\n", class_of_answer(now->state),
		 now->state);
}

void report_chart_dns(const struct report *r, struct buf *out)
{
	struct report_sums sums;
	report_sum(r, &sums);
	if (!r->n_answers || sums.flip_ms < 0) {
		buf_adds(out, "<p>Names were not pointed to the new side.</p>\n");
		return;
	}
	struct span of = {.from_ms = sums.flip_ms - BEFORE_FLIP_MS, .to_ms = sums.flip_ms + BEFORE_FLIP_MS};
	for (size_t i = 0; i < r->n_answers; i++)
		if (r->answers[i].at_ms + BEFORE_FLIP_MS > of.to_ms)
			of.to_ms = r->answers[i].at_ms + BEFORE_FLIP_MS;
	buf_adds(out, "<div class=\"dns\">\n");
	axis(&of, "at the end", out);
	for (size_t i = 0; i < r->n_answers; i++) {
		size_t k = 0;
		while (k < i && !same_row(&r->answers[k], &r->answers[i]))
			k++;
		if (k == i)
			dns_row(r, &of, i, sums.flip_ms, out);
	}
	buf_adds(
	    out,
	    "</div>\n<p class=\"key\"><span><i class=\"old\"></i>OLD</span><span><i "
	    "class=\"new\"></i>NEW</span>"
	    "<span><i class=\"else\"></i>anything else</span><span>the thin line is the flip</span></p>\n");
}
