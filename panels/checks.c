/* 9 Checks: every check's newest verdict, what needs a person first, and the smoke tests of all three sides.
 */
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/age.h"
#include "panels/list.h"
#include "panels/plan_card.h"
#include "panels/sums.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void checks_head(const struct scene *scene, char *out, size_t size);
static void checks_tail(const struct scene *scene, char *out, size_t size);
static void checks_draw(const struct scene *scene, struct canvas *canvas);
static void checks_act(void *view, const struct state *state, const struct act *act, struct size size);
static void checks_selected(const struct scene *scene, char *out, size_t size);
static void checks_card(const struct scene *scene, struct canvas *canvas);

struct checks_view {
	struct list list;
	bool open_only;
};

static const struct binding checks_keys[] = {
    {.key = "Enter", .cmd = "card", .note = "the evidence, what it stands for, and the fix"},
    {.key = "z", .cmd = "open-only", .note = "only what has not passed"},
    {.key = "W", .cmd = "waive", .note = "waive this check: name and reason"},
    {.key = NULL},
};

const struct panel checks_panel = {
    .name = "checks",
    .title = "Checks",
    .digit = '9',
    .side = "",
    .least = {36, 3},
    .view_size = sizeof(struct checks_view),
    .keys = checks_keys,
    .head = checks_head,
    .tail = checks_tail,
    .draw = checks_draw,
    .act = checks_act,
    .selected = checks_selected,
    .card = checks_card,
};

/* A line is a check, or a path of the smoke test on all its sides. */
struct line {
	const struct check_seen *check;
	const struct smoke_cell *smoke; /* the first cell of its path */
	const struct waiver_seen *waiver;
	int rank;
};
struct lines {
	struct line *line;
	size_t n;
	int verdicts[4], waived;
};

static int rank_of(int verdict, bool waived)
{
	static const int ranks[] = {1, 4, 2, 0}; /* UNKNOWN PASS WARN FAIL */

	return waived ? 3 : (verdict >= 0 && verdict < 4 ? ranks[verdict] : 1);
}

static int by_rank(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank - y->rank;
	if (!x->check != !y->check)
		return x->smoke ? -1 : 1;
	return x->check ? strcmp(x->check->name, y->check->name) : strcmp(x->smoke->path, y->smoke->path);
}

/* The worst of a path's sides: one failing side fails it. */
static int smoke_verdict(const struct traffic_state *traffic, const char *path)
{
	static const int badness[] = {2, 0, 1, 3};
	int worst = 1;

	for (size_t i = 0; i < traffic->n_smoke; i++) {
		int verdict = traffic->smoke[i].verdict;

		if (!text_equal(traffic->smoke[i].path, path) || verdict < 0 || verdict > 3)
			continue;
		if (badness[verdict] > badness[worst])
			worst = verdict;
	}
	return worst;
}

static void add_line(struct lines *lines, const struct checks_view *view, struct line line, int verdict)
{
	line.rank = rank_of(verdict, line.waiver != NULL);
	if (line.waiver)
		lines->waived++;
	lines->verdicts[verdict >= 0 && verdict < 4 ? verdict : 0]++;
	if (!view->open_only || line.rank < 4)
		lines->line[lines->n++] = line;
}

static void lines_init(struct lines *lines, const struct checks_view *view, const struct state *state)
{
	const struct traffic_state *traffic = &state->traffic;
	char about[112];

	*lines = (struct lines){
	    .line = calloc(state->watching.n_checks + traffic->n_smoke + 1, sizeof(struct line))};
	if (!lines->line)
		abort();
	for (size_t i = 0; i < state->watching.n_checks; i++) {
		const struct check_seen *check = &state->watching.checks[i];

		snprintf(about, sizeof(about), "check:%s", check->name);
		add_line(lines, view, (struct line){.check = check, .waiver = waiver_get(state, about)},
			 check->verdict);
	}
	for (size_t i = 0; i < traffic->n_smoke; i++) {
		bool first = true;

		for (size_t j = 0; j < i; j++)
			first = first && !text_equal(traffic->smoke[j].path, traffic->smoke[i].path);
		if (first)
			add_line(lines, view, (struct line){.smoke = &traffic->smoke[i]},
				 smoke_verdict(traffic, traffic->smoke[i].path));
	}
	qsort(lines->line, lines->n, sizeof(*lines->line), by_rank);
}

static void line_key(const void *ctx, size_t i, char *out, size_t size)
{
	const struct line *line = &((const struct lines *)ctx)->line[i];

	snprintf(out, size, "%s:%s", line->check ? "check" : "smoke",
		 line->check ? line->check->name : line->smoke->path);
}

static void line_text(const void *ctx, size_t i, char *out, size_t size)
{
	const struct line *line = &((const struct lines *)ctx)->line[i];

	line_key(ctx, i, out, size);
	for (size_t j = 0; line->check && j < line->check->n; j++) {
		size_t len = strlen(out);

		snprintf(out + len, size - len, " %s %s", line->check->lines[j].name,
			 line->check->lines[j].text);
	}
}

static struct list_rows rows_of(const struct lines *lines)
{
	return (struct list_rows){.ctx = lines, .n = lines->n, .key = line_key, .text = line_text};
}

static void checks_head(const struct scene *scene, char *out, size_t size)
{
	snprintf(out, size, "%s", scene->state->traffic.n_smoke > 0 ? "and smoke tests" : "");
}

static void checks_tail(const struct scene *scene, char *out, size_t size)
{
	int64_t newest_ms = 0;

	for (size_t i = 0; i < scene->state->watching.n_checks; i++)
		if (scene->state->watching.checks[i].at_ms > newest_ms)
			newest_ms = scene->state->watching.checks[i].at_ms;
	for (size_t i = 0; i < scene->state->traffic.n_smoke; i++)
		if (scene->state->traffic.smoke[i].at_ms > newest_ms)
			newest_ms = scene->state->traffic.smoke[i].at_ms;
	age_moment(newest_ms, scene->now_ms, 0, out, size);
}

static void draw_sum(struct canvas *canvas, int row, const struct lines *lines)
{
	int col = canvas_putf(canvas, 0, row, ROLE_OK, "PASS %d", lines->verdicts[1]);

	col = canvas_putf(canvas, col + 3, row, lines->verdicts[2] > 0 ? ROLE_WARN : ROLE_MUTED, "WARN %d",
			  lines->verdicts[2]);
	col = canvas_putf(canvas, col + 3, row, lines->verdicts[3] > 0 ? ROLE_BAD : ROLE_MUTED, "FAIL %d",
			  lines->verdicts[3]);
	col = canvas_putf(canvas, col + 3, row, lines->verdicts[0] > 0 ? ROLE_UNKNOWN : ROLE_MUTED,
			  "UNKNOWN %d", lines->verdicts[0]);
	if (lines->waived > 0 && canvas->size.cols - col > 12)
		canvas_putf(canvas, col + 3, row, ROLE_WARN, "%d waived", lines->waived);
}

/* The line of evidence that says most: the first one as bad as the whole check. */
static const char *main_text(const struct check_seen *check)
{
	for (size_t i = 0; i < check->n; i++)
		if (check->lines[i].verdict == check->verdict)
			return check->lines[i].text;
	return check->n > 0 ? check->lines[0].text : "no evidence";
}

static void draw_check(const struct scene *scene, struct canvas *canvas, int row, const struct line *line)
{
	const struct check_seen *check = line->check;
	int cols = canvas->size.cols, name = cols >= 72 ? 18 : 13;
	char right[48], age[UNITS_MAX];

	canvas_field(canvas, 0, row, 7, false, verdict_role(check->verdict),
		     sums_verdict_word(check->verdict));
	canvas_field(canvas, 8, row, name, false, ROLE_TEXT, check->name);
	if (line->waiver)
		snprintf(right, sizeof(right), "waived %.12s", line->waiver->by);
	else
		snprintf(right, sizeof(right), "%s",
			 check->at_ms > 0 ? units_age(age, scene->now_ms - check->at_ms) : "-");
	int width = canvas_width(canvas, right);
	canvas_field(canvas, 9 + name, row, cols - 10 - name - width, false,
		     check->verdict == 1 ? ROLE_MUTED : ROLE_TEXT, main_text(check));
	canvas_field(canvas, cols - width, row, width, true, line->waiver ? ROLE_WARN : ROLE_MUTED, right);
}

static void draw_smoke(const struct scene *scene, struct canvas *canvas, int row, const struct line *line)
{
	static const char *const sides[] = {"OLD", "NEW", "PUBLIC"};
	const struct traffic_state *traffic = &scene->state->traffic;
	int cols = canvas->size.cols, path = cols >= 72 ? 18 : 13, col = 9 + path;
	int verdict = smoke_verdict(traffic, line->smoke->path);

	canvas_field(canvas, 0, row, 7, false, verdict_role(verdict), sums_verdict_word(verdict));
	canvas_field(canvas, 8, row, path, false, ROLE_TEXT, line->smoke->path);
	for (int s = 0; s < 3; s++) {
		const struct smoke_cell *cell = NULL;

		for (size_t i = 0; i < traffic->n_smoke; i++)
			if (text_equal(traffic->smoke[i].path, line->smoke->path) &&
			    text_equal(traffic->smoke[i].side, sides[s]))
				cell = &traffic->smoke[i];
		if (col + (int)strlen(sides[s]) + 4 > cols)
			break;
		col = canvas_put(canvas, col, row, s == 0 ? ROLE_OLD : (s == 1 ? ROLE_NEW : ROLE_MUTED),
				 sides[s]) +
		      1;
		if (!cell)
			col = canvas_put(canvas, col, row, ROLE_MUTED, "-");
		else if (cell->status > 0)
			col = canvas_putf(canvas, col, row,
					  cell->verdict == 1 ? ROLE_TEXT : verdict_role(cell->verdict), "%d",
					  cell->status);
		else
			col = canvas_put(canvas, col, row, ROLE_BAD, "no");
		col += cols >= 56 ? 3 : 2;
	}
}

static void checks_draw(const struct scene *scene, struct canvas *canvas)
{
	const struct checks_view *view = scene->view;
	int height = canvas->size.rows - 1, r = 0;
	struct lines lines;
	struct list_rows rows;
	struct list_page page;

	lines_init(&lines, view, scene->state);
	if (scene->state->watching.n_checks == 0 && scene->state->traffic.n_smoke == 0) {
		age_nothing(canvas, 0, "No check has run yet.");
		free(lines.line);
		return;
	}
	rows = rows_of(&lines);
	draw_sum(canvas, 0, &lines);
	list_page_init(&page, &view->list, &rows, height);
	for (; r < height && list_page_row(&page, r) >= 0; r++) {
		const struct line *line = &lines.line[list_page_row(&page, r)];

		if (line->check)
			draw_check(scene, canvas, 1 + r, line);
		else
			draw_smoke(scene, canvas, 1 + r, line);
		if (scene->focus && page.top + (size_t)r == page.selected)
			canvas_select(canvas, 1 + r);
	}
	if (lines.n == 0)
		age_nothing(canvas, 1, "everything has passed");
	list_note(canvas, 0, &view->list, &page);
	list_page_done(&page);
	free(lines.line);
}

static void checks_act(void *data, const struct state *state, const struct act *act, struct size size)
{
	struct checks_view *view = data;
	struct lines lines;
	struct list_rows rows;

	if (act->kind == ACT_KEY) {
		if (text_equal(act->text, "open-only"))
			view->open_only = !view->open_only;
		return;
	}
	lines_init(&lines, view, state);
	rows = rows_of(&lines);
	list_act(&view->list, &rows, act, size.rows - 1);
	free(lines.line);
}

static void checks_selected(const struct scene *scene, char *out, size_t size)
{
	const struct checks_view *view = scene->view;
	struct lines lines;
	struct list_rows rows;

	lines_init(&lines, view, scene->state);
	rows = rows_of(&lines);
	list_selected(&view->list, &rows, out, size);
	free(lines.line);
}

static void card_smoke(const struct scene *scene, struct canvas *canvas, const char *path)
{
	const struct traffic_state *traffic = &scene->state->traffic;
	char text[320], ago[48];
	int row = 2;

	canvas_putf(canvas, 0, 0, ROLE_TITLE, "smoke test %s", path);
	for (size_t i = 0; i < traffic->n_smoke; i++) {
		const struct smoke_cell *cell = &traffic->smoke[i];

		if (!text_equal(cell->path, path))
			continue;
		snprintf(text, sizeof(text), "%s  %s: status %d, wanted %d, %lld ms, %s. %s", cell->side,
			 sums_verdict_word(cell->verdict), cell->status, cell->want, (long long)cell->ms,
			 age_ago(ago, sizeof(ago), cell->at_ms, scene->now_ms), cell->text);
		row = card_text(canvas, row, "", verdict_role(cell->verdict), text);
	}
}

static void card_check(const struct scene *scene, struct canvas *canvas, const struct check_seen *check)
{
	char about[112], text[320];
	const struct waiver_seen *waiver;
	int row = 0;

	canvas_putf(canvas, 0, row++, verdict_role(check->verdict), "%s  %s",
		    sums_verdict_word(check->verdict), check->name);
	row = card_seen(canvas, row + 1, check->lines, check->n, false, scene->now_ms) + 1;
	if (check->bite[0])
		row = card_text(canvas, row, "BITES", ROLE_TEXT, check->bite);
	if (check->fix[0])
		row = card_text(canvas, row, "FIX", ROLE_TEXT, check->fix);
	snprintf(about, sizeof(about), "check:%s", check->name);
	waiver = waiver_get(scene->state, about);
	if (waiver) {
		snprintf(text, sizeof(text), "by %s: %s", waiver->by, waiver->reason);
		card_text(canvas, row, "WAIVED", ROLE_WARN, text);
	}
}

static void checks_card(const struct scene *scene, struct canvas *canvas)
{
	char key[104] = "";

	checks_selected(scene, key, sizeof(key));
	if (text_starts(key, "smoke:")) {
		card_smoke(scene, canvas, key + 6);
		return;
	}
	for (size_t i = 0; i < scene->state->watching.n_checks && key[0]; i++)
		if (text_equal(scene->state->watching.checks[i].name, key + 6)) {
			card_check(scene, canvas, &scene->state->watching.checks[i]);
			return;
		}
	age_nothing(canvas, 0, "No check is selected.");
}
