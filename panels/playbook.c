/* 1 Playbook: every phase and step, what is done, what runs, what is ahead and how long it should take. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/age.h"
#include "panels/list.h"
#include "panels/plan_card.h"
#include "panels/playbook_lines.h"
#include "panels/sums.h"

#include <stdio.h>
#include <string.h>

static void playbook_head(const struct scene *scene, char *out, size_t size);
static void playbook_tail(const struct scene *scene, char *out, size_t size);
static void playbook_draw(const struct scene *scene, struct canvas *canvas);
static void playbook_act(void *view, const struct state *state, const struct act *act, struct size size);
static void playbook_selected(const struct scene *scene, char *out, size_t size);
static void playbook_card(const struct scene *scene, struct canvas *canvas);

struct playbook_view {
	struct list list;
	uint32_t opened, closed; /* phases folded by hand, one bit each */
	bool plan_all;           /* i: every step to the end with its estimate */
};

static const struct binding playbook_keys[] = {
    {.key = "Enter", .cmd = "card", .note = "the step's card: plan, proof, way back, what it said"},
    {.key = "z", .cmd = "fold", .note = "fold or unfold this phase"},
    {.key = "e", .cmd = "next-open", .note = "next failed, unknown or waiting step"},
    {.key = "i", .cmd = "plan-all", .note = "all steps to the end, nothing folded"},
    {.key = NULL},
};

const struct panel playbook_panel = {
    .name = "playbook",
    .title = "Playbook",
    .digit = '1',
    .side = "",
    .least = {20, 4},
    .view_size = sizeof(struct playbook_view),
    .keys = playbook_keys,
    .head = playbook_head,
    .tail = playbook_tail,
    .draw = playbook_draw,
    .act = playbook_act,
    .selected = playbook_selected,
    .card = playbook_card,
};

enum { LINES_MAX = 1024 };

/* The lines of the list: a phase, or one of its steps. */
struct lines {
	const struct state *state;
	size_t n, start;
	struct {
		bool phase;
		size_t index;
	} line[LINES_MAX];
};

static void add_line(struct lines *lines, bool phase, size_t index)
{
	if (lines->n < LINES_MAX) {
		lines->line[lines->n].phase = phase;
		lines->line[lines->n].index = index;
		lines->n++;
	}
}

static bool unfolded(const struct playbook_view *view, const struct state *state, size_t phase, size_t now,
		     int height)
{
	uint32_t bit = phase < 32 ? 1u << phase : 0;

	if (view->plan_all || (view->opened & bit))
		return true;
	if (view->closed & bit)
		return false;
	return phase == now || state->steps.n_phases + state->steps.n <= (size_t)(height > 0 ? height : 0);
}

static void lines_init(struct lines *lines, const struct playbook_view *view, const struct state *state,
		       int height)
{
	const struct step_seen *step = steps_current(state);
	const struct steps_state *s = &state->steps;

	if (!step)
		step = steps_next(state);
	lines->state = state;
	lines->n = lines->start = 0;
	for (size_t p = 0; p < s->n_phases; p++) {
		/* The way back is shown once it is taken; before that it is B's to show. */
		if (s->phases[p].first >= s->n_forward && !s->turned)
			continue;
		add_line(lines, true, p);
		if (!unfolded(view, state, p, step ? step->phase : s->n_phases, height))
			continue;
		for (size_t i = s->phases[p].first; i < s->phases[p].first + s->phases[p].n && i < s->n;
		     i++) {
			if (step == &s->steps[i])
				lines->start = lines->n;
			add_line(lines, false, i);
		}
	}
}

static void line_key(const void *ctx, size_t i, char *out, size_t size)
{
	const struct lines *lines = ctx;
	const struct steps_state *s = &lines->state->steps;

	if (lines->line[i].phase)
		snprintf(out, size, "phase:%s", s->phases[lines->line[i].index].name);
	else
		text_copy(out, size, s->steps[lines->line[i].index].id);
}

static void line_text(const void *ctx, size_t i, char *out, size_t size)
{
	const struct lines *lines = ctx;
	const struct steps_state *s = &lines->state->steps;

	if (lines->line[i].phase)
		text_copy(out, size, s->phases[lines->line[i].index].name);
	else
		snprintf(out, size, "%s %s %s", s->steps[lines->line[i].index].id,
			 s->steps[lines->line[i].index].title, s->steps[lines->line[i].index].text);
}

static struct list_rows rows_of(const struct lines *lines)
{
	return (struct list_rows){
	    .ctx = lines, .n = lines->n, .start = lines->start, .key = line_key, .text = line_text};
}

static void playbook_head(const struct scene *scene, char *out, size_t size)
{
	snprintf(out, size, "%s", scene->state->steps.turned ? "WAY BACK" : "");
}

static void playbook_tail(const struct scene *scene, char *out, size_t size)
{
	struct sums sums;

	sums_of(scene->state, scene->now_ms, &sums);
	if (sums.total > 0 && sums.number > 0)
		snprintf(out, size, "%d/%d", sums.number, sums.total);
	else
		text_copy(out, size, "");
}

static void playbook_draw(const struct scene *scene, struct canvas *canvas)
{
	const struct playbook_view *view = scene->view;
	struct lines lines;
	struct list_rows rows;
	struct list_page page;
	int height = canvas->size.rows;

	lines_init(&lines, view, scene->state, height);
	rows = rows_of(&lines);
	if (lines.n == 0) {
		age_nothing(canvas, 0, "no playbook yet");
		return;
	}
	if ((int)lines.n + 6 <= height && canvas->size.cols >= 30) {
		ptrdiff_t at = list_selected_row(&view->list, &rows);

		height -= 6;
		if (at >= 0 && !lines.line[at].phase)
			playbook_detail_draw(canvas, height + 1,
					     &scene->state->steps.steps[lines.line[at].index]);
	}
	list_page_init(&page, &view->list, &rows, height);
	for (int r = 0; r < height && list_page_row(&page, r) >= 0; r++) {
		size_t i = (size_t)list_page_row(&page, r);

		if (lines.line[i].phase)
			playbook_phase_draw(scene, canvas, r,
					    &scene->state->steps.phases[lines.line[i].index]);
		else
			playbook_step_draw(scene, canvas, r, &scene->state->steps.steps[lines.line[i].index]);
		if (scene->focus && page.top + (size_t)r == page.selected)
			canvas_select(canvas, r);
	}
	list_note(canvas, height - 1, &view->list, &page);
	list_page_done(&page);
}

static void fold(struct playbook_view *view, const struct lines *lines, const struct list_rows *rows)
{
	ptrdiff_t at = list_selected_row(&view->list, rows);
	size_t phase;
	uint32_t bit;
	bool open = false;

	if (at < 0)
		return;
	phase = lines->line[at].phase ? lines->line[at].index
				      : lines->state->steps.steps[lines->line[at].index].phase;
	if (phase >= 32 || phase >= lines->state->steps.n_phases)
		return;
	for (size_t i = 0; i + 1 < lines->n; i++)
		if (lines->line[i].phase && lines->line[i].index == phase)
			open = !lines->line[i + 1].phase;
	bit = 1u << phase;
	view->opened = open ? view->opened & ~bit : view->opened | bit;
	view->closed = open ? view->closed | bit : view->closed & ~bit;
	view->plan_all = false;
	snprintf(view->list.key, sizeof(view->list.key), "phase:%s", lines->state->steps.phases[phase].name);
}

static void next_open(struct playbook_view *view, const struct lines *lines, const struct list_rows *rows)
{
	const struct steps_state *s = &lines->state->steps;
	ptrdiff_t at = list_selected_row(&view->list, rows);
	size_t from = 0;

	if (at >= 0)
		from = lines->line[at].phase ? s->phases[lines->line[at].index].first
					     : lines->line[at].index + 1;
	for (size_t i = 0; i < s->n; i++) {
		const struct step_seen *step = &s->steps[(from + i) % s->n];

		if (step_state_finished(step->state) || step->phase >= s->n_phases)
			continue;
		if ((from + i) % s->n >= s->n_forward && !s->turned)
			continue;
		if (step->phase < 32) {
			view->opened |= 1u << step->phase;
			view->closed &= ~(1u << step->phase);
		}
		text_copy(view->list.key, sizeof(view->list.key), step->id);
		return;
	}
}

static void playbook_act(void *data, const struct state *state, const struct act *act, struct size size)
{
	struct playbook_view *view = data;
	struct lines lines;
	struct list_rows rows;

	lines_init(&lines, view, state, size.rows);
	rows = rows_of(&lines);
	if (act->kind == ACT_KEY && text_equal(act->text, "fold"))
		fold(view, &lines, &rows);
	else if (act->kind == ACT_KEY && text_equal(act->text, "next-open"))
		next_open(view, &lines, &rows);
	else if (act->kind == ACT_KEY && text_equal(act->text, "plan-all"))
		view->plan_all = !view->plan_all;
	else
		list_act(&view->list, &rows, act,
			 (int)lines.n + 6 <= size.rows && size.cols >= 30 ? size.rows - 6 : size.rows);
}

static void playbook_selected(const struct scene *scene, char *out, size_t size)
{
	const struct playbook_view *view = scene->view;
	struct lines lines;
	struct list_rows rows;

	lines_init(&lines, view, scene->state, 1000);
	rows = rows_of(&lines);
	list_selected(&view->list, &rows, out, size);
	if (text_starts(out, "phase:"))
		out[0] = '\0';
}

static void playbook_card(const struct scene *scene, struct canvas *canvas)
{
	char id[104] = "", text[400], a[UNITS_MAX], b[UNITS_MAX];
	const struct step_seen *step;
	int row = 0;
	char gate[40];

	playbook_selected(scene, id, sizeof(id));
	step = id[0] ? steps_get(scene->state, id) : NULL;
	if (!step) {
		age_nothing(canvas, 0, "Choose a step: a phase has no card of its own.");
		return;
	}
	snprintf(gate, sizeof(gate), step->gate > 0 ? "gate: %s" : "%s", sums_gate_word(step->gate));
	canvas_putf(canvas, 0, row++, ROLE_TITLE, "%d %s   %s   %s", step->number, step->id,
		    step_state_name(step->state), step->manual ? "by hand: M says it is done" : gate);
	if (step->title[0])
		row += canvas_wrap(canvas, 0, row, canvas->size.cols, 3, ROLE_TEXT, step->title);
	row++;
	row = card_plan(canvas, row, &step->plan, false);
	if (step->card[0])
		row = card_text(canvas, row, step->manual ? "DO" : "NOTE", ROLE_TEXT, step->card);
	for (size_t i = 0; i < 6 && step->fields[i][0]; i++)
		row = card_text(canvas, row, i == 0 ? "ASKS" : "", ROLE_MUTED, step->fields[i]);
	if (step->plan.at_ms <= 0 && !step->manual)
		row = card_text(canvas, row, "PLAN", ROLE_MUTED,
				"not seen yet: the engine makes it before the gate opens");
	if (step->text[0])
		row = card_text(canvas, row, "SAID", ROLE_TEXT, step->text);
	if (step->started_at_ms > 0) {
		snprintf(text, sizeof(text), "started %s by %s, attempt %s (%d so far)%s%s",
			 units_clock(a, step->started_at_ms), step->by[0] ? step->by : "-",
			 step->attempt[0] ? step->attempt : "-", step->attempts,
			 step->ended_at_ms > 0 ? ", ended " : "",
			 step->ended_at_ms > 0 ? units_clock(b, step->ended_at_ms) : "");
		row = card_text(canvas, row, "WHEN", ROLE_MUTED, text);
	}
	snprintf(text, sizeof(text), "estimate %s, budget %s",
		 step->estimate_ms >= 0 ? units_duration(a, step->estimate_ms) : "not known",
		 step->budget_ms >= 0 ? units_duration(b, step->budget_ms) : "not set");
	row = card_text(canvas, row, "TIME", ROLE_MUTED, text);
	if (!step->manual)
		row = card_text(canvas, row, "BACK", ROLE_TEXT,
				step->plan.back[0] ? step->plan.back : "not known before its plan");
	if (step->say[0])
		row = card_text(canvas, row, "SAY", ROLE_TEXT, step->say);
	row++;
	if (step->n_seen == 0)
		row = card_text(canvas, row, "SEEN", ROLE_MUTED,
				step->manual ? "nothing: what people do, people have seen"
					     : "no proof yet: only a fresh look after it ran can give one");
	card_seen(canvas, row, step->seen, step->n_seen, false, scene->now_ms);
}
