/* The lines of the playbook panel. */
#include "panels/playbook_lines.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/brief.h"
#include "panels/sums.h"

#include <stdio.h>
#include <string.h>

static const char *step_mark(const struct canvas *canvas, const struct step_seen *step, enum role *role)
{
	*role = ROLE_MUTED;
	switch (step->state) {
	case STEP_DONE:
	case STEP_BYHAND: *role = ROLE_OK; return "OK";
	case STEP_RUNNING:
	case STEP_PROVING:
	case STEP_GATE:
	case STEP_PLANNING: *role = ROLE_NOW; return glyph(canvas, GLYPH_NOW);
	case STEP_FAILED: *role = ROLE_BAD; return "!";
	case STEP_UNKNOWN: *role = ROLE_UNKNOWN; return "?";
	case STEP_SKIPPED:
	case STEP_CANCELLED: *role = ROLE_WARN; return "-";
	case STEP_UNDONE: *role = ROLE_WARN; return "<";
	default: return glyph(canvas, GLYPH_DOT);
	}
}

static void running_text(const struct scene *scene, const struct step_seen *step, char *out, size_t size)
{
	char done[UNITS_MAX], ghost[UNITS_MAX];

	if (step->total > 0 && step->total < 1000 && text_equal(step->unit, "s"))
		snprintf(out, size, "%d/%d s", (int)step->done, (int)step->total);
	else if (step->rehearsed_ms >= 0 && step->estimate_ms >= 0)
		snprintf(out, size, "%s/%s", units_duration(done, scene->now_ms - step->started_at_ms),
			 units_duration(ghost, step->estimate_ms));
	else
		snprintf(out, size, "%s", units_duration(done, scene->now_ms - step->started_at_ms));
}

/* The rehearsal's ghost beside what it took tonight, where there is room for both. */
static void took_text(const struct step_seen *step, bool narrow, char *out, size_t size)
{
	char ghost[UNITS_MAX];

	brief_took(out, size, step->ended_at_ms - step->started_at_ms);
	if (narrow || step->rehearsed_ms < 0)
		return;
	brief_took(ghost, sizeof(ghost), step->rehearsed_ms);
	snprintf(out + strlen(out), size - strlen(out), " (%s)", ghost);
}

/* The right end of a step's line: how long it took, what it is now, or what it should take. */
static enum role step_right(const struct scene *scene, const struct step_seen *step, bool narrow, char *out,
			    size_t size)
{
	char text[UNITS_MAX];

	switch (step->state) {
	case STEP_DONE:
		if (step->ended_at_ms > 0 && step->started_at_ms > 0)
			took_text(step, narrow, out, size);
		else
			snprintf(out, size, "done");
		return ROLE_MUTED;
	case STEP_BYHAND: snprintf(out, size, "%.12s", step->by[0] ? step->by : "by hand"); return ROLE_MUTED;
	case STEP_RUNNING: running_text(scene, step, out, size); return ROLE_TEXT;
	case STEP_PROVING: snprintf(out, size, "proving"); return ROLE_TEXT;
	case STEP_PLANNING: snprintf(out, size, "looking"); return ROLE_TEXT;
	case STEP_GATE: snprintf(out, size, "GATE"); return ROLE_WARN;
	case STEP_FAILED: snprintf(out, size, "FAIL"); return ROLE_BAD;
	case STEP_UNKNOWN: snprintf(out, size, "UNKNOWN"); return ROLE_UNKNOWN;
	case STEP_SKIPPED: snprintf(out, size, "SKIP"); return ROLE_WARN;
	case STEP_CANCELLED: snprintf(out, size, "CANCEL"); return ROLE_WARN;
	case STEP_UNDONE: snprintf(out, size, "UNDONE"); return ROLE_WARN;
	default: break;
	}
	if (step->manual)
		snprintf(out, size, narrow ? "hand" : "by hand");
	else if (step->gate >= 2)
		snprintf(out, size, "%s", sums_gate_word(step->gate));
	else if (step->estimate_ms >= 0)
		snprintf(out, size, "~%s", units_duration(text, step->estimate_ms));
	else
		snprintf(out, size, "-");
	return ROLE_MUTED;
}

void playbook_step_draw(const struct scene *scene, struct canvas *canvas, int row,
			const struct step_seen *step)
{
	int cols = canvas->size.cols, indent = cols >= 30 ? 3 : 1, width;
	char right[48];
	enum role mark_role, right_role;
	const char *mark = step_mark(canvas, step, &mark_role);

	right_role = step_right(scene, step, cols < 30, right, sizeof(right));
	width = canvas_width(canvas, right);
	canvas_put(canvas, indent, row, mark_role, mark);
	canvas_putf(canvas, indent + 3, row, ROLE_MUTED, "%2d", step->number);
	canvas_field(canvas, indent + 6, row, cols - indent - 7 - width, false,
		     mark_role == ROLE_NOW ? ROLE_NOW
					   : (step->state == STEP_WAITING ? ROLE_MUTED : ROLE_TEXT),
		     step->id);
	canvas_field(canvas, cols - width, row, width, true, right_role, right);
	if (mark_role == ROLE_NOW)
		canvas_role(canvas, 0, row, cols, ROLE_NOW);
}

void playbook_phase_draw(const struct scene *scene, struct canvas *canvas, int row,
			 const struct phase_seen *phase)
{
	int cols = canvas->size.cols, name_cells = cols >= 30 ? 12 : 8;
	struct phase_sums sums;
	char time[UNITS_MAX + 2] = "", text[UNITS_MAX], count[24];
	enum role role = ROLE_MUTED, mark_role = ROLE_MUTED;
	const char *mark = glyph(canvas, GLYPH_DOT);

	sums_phase(scene->state, phase, scene->now_ms, &sums);
	if (sums.finished) {
		mark = "OK";
		mark_role = ROLE_OK;
	} else if (sums.started &&
		   !(scene->state->steps.turned && phase->first < scene->state->steps.n_forward)) {
		/* After the way back was taken nothing goes on in a phase of the way forward. */
		mark = glyph(canvas, GLYPH_NOW);
		mark_role = role = ROLE_TEXT;
	}
	if (sums.started && sums.elapsed_ms > 0)
		brief_took(time, sizeof(time), sums.finished ? sums.elapsed_ms : sums.elapsed_ms + 1000);
	else if (!sums.started && sums.estimate_ms > 0)
		snprintf(time, sizeof(time), "~%s", units_duration(text, sums.estimate_ms));
	if (sums.started)
		snprintf(count, sizeof(count), "%d/%d", sums.done, sums.total);
	else
		snprintf(count, sizeof(count), "%d", sums.total);
	canvas_put(canvas, 0, row, mark_role, mark);
	canvas_field(canvas, 3, row, name_cells, false, role, phase->name);
	canvas_field(canvas, 4 + name_cells, row, 5, false, ROLE_MUTED, count);
	if (!sums.started && sums.gate >= 2 && cols >= 24)
		canvas_put(canvas, 4 + name_cells + (cols >= 30 ? 6 : 2), row, ROLE_MUTED,
			   sums_gate_word(sums.gate));
	int width = canvas_width(canvas, time);
	canvas_field(canvas, cols - width, row, width, true, role, time);
}

void playbook_detail_draw(struct canvas *canvas, int row, const struct step_seen *step)
{
	const struct plan_seen *plan = &step->plan;
	int cols = canvas->size.cols;

	canvas_putf(canvas, 0, row, ROLE_TEXT, "%d %s", step->number, step->id);
	canvas_put(canvas, 0, row + 1, ROLE_MUTED, "do");
	canvas_field(canvas, 6, row + 1, cols - 6, false, ROLE_MUTED,
		     step->title[0] ? step->title : (plan->n_does > 0 ? plan->does[0] : step->kind));
	row += 2;
	/* Only what is known: a proof after it ran, its gate before, the way back once it is planned. */
	canvas_put(canvas, 0, row, ROLE_MUTED, step->n_seen > 0 ? "proof" : "gate");
	if (step->n_seen > 0)
		row += canvas_wrap(canvas, 6, row, cols - 6, plan->back[0] ? 1 : 2, ROLE_MUTED,
				   step->seen[0].text);
	else
		canvas_field(canvas, 6, row++, cols - 6, false, ROLE_MUTED,
			     step->manual ? "done by people, M" : sums_gate_word(step->gate));
	if (!plan->back[0])
		return;
	canvas_put(canvas, 0, row, ROLE_MUTED, "back");
	canvas_wrap(canvas, 6, row, cols - 6, canvas->size.rows - row < 2 ? canvas->size.rows - row : 2,
		    ROLE_MUTED, plan->back);
}
