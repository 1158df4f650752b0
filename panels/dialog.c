#include "panels/dialog.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/age.h"
#include "panels/frame.h"
#include "panels/plan_card.h"
#include "panels/sums.h"

#include <stdio.h>
#include <string.h>

/* TWO_LINES: from that width on the crossing has two lines, which the box leaves free. */
enum { WIDEST = 110, LINES_MAX = 160, TWO_LINES = 120, NOTE_LINES = 3 };

void dialog_phrase(const struct gate_seen *gate, char *out, size_t size)
{
	text_copyf(out, size, "%s %s", gate->target, gate->tag);
	text_lower(out);
}

/* Only a gate that asks for a phrase has the red frame: a frame that is always red is not seen. */
static enum role frame_role(const struct gate_seen *gate)
{
	return gate->level >= 2 ? ROLE_DANGER : ROLE_FRAME_FOCUS;
}

static void draw_frame(const struct gate_seen *gate, const struct step_seen *step, struct canvas *box)
{
	enum role role = frame_role(gate);
	int cols = box->size.cols, rows = box->size.rows, col;
	const struct plan_seen *plan = &gate->plan;
	const char *verb = plan->verb[0] ? plan->verb : gate->verb;

	for (int row = 0; row < rows; row++) {
		bool rule = row == 0 || row == rows - 1;

		canvas_fill(box, 0, row, cols, rule ? role : ROLE_TEXT, rule ? glyph(box, GLYPH_H) : " ");
		canvas_put(box, 0, row, role, glyph(box, row == 0 ? GLYPH_TL : (rule ? GLYPH_BL : GLYPH_V)));
		canvas_put(box, cols - 1, row, role,
			   glyph(box, row == 0 ? GLYPH_TR : (rule ? GLYPH_BR : GLYPH_V)));
	}
	if (step)
		col = canvas_putf(box, 2, 0, role, " GATE %s   %d %s   %s", sums_gate_word(gate->level),
				  step->number, gate->step, verb);
	else
		col = canvas_putf(box, 2, 0, role, " GATE %s   %s   %s", sums_gate_word(gate->level),
				  gate->step, verb);
	if (plan->side[0])
		col = canvas_putf(box, col, 0, role, "   %s", plan->side);
	canvas_put(box, col, 0, role, " ");
	if (cols - col > 0)
		canvas_put(box, cols - 1, 0, role, glyph(box, GLYPH_TR));
}

static int draw_changes(struct canvas *canvas, int row, const struct gate_seen *gate)
{
	char text[360];

	for (size_t i = 0; i < gate->n_changed && i < 6; i++) {
		snprintf(text, sizeof(text), "%s → %s", gate->was[i], gate->is[i]);
		row = card_text(canvas, row, i == 0 ? "NOW" : "", ROLE_WARN, text);
	}
	return gate->n_changed > 0 ? row + 1 : row;
}

/* As wide as the longest station, so that votes stand under each other. */
static int station_cells(const struct canvas *canvas, const struct people_state *people)
{
	int most = 0, width;

	for (size_t i = 0; i < people->n_stations; i++) {
		width = canvas_width(canvas, people->stations[i]);
		most = width > most ? width : most;
	}
	for (size_t i = 0; i < people->n_votes; i++) {
		width = canvas_width(canvas, people->votes[i].station);
		most = width > most ? width : most;
	}
	return most;
}

static int draw_vote(const struct scene *scene, struct canvas *canvas, int row, const char *station,
		     const struct vote_seen *vote, bool first)
{
	int pad = station_cells(canvas, &scene->state->people) - canvas_width(canvas, station);
	char text[400], age[48], name[48];

	snprintf(name, sizeof(name), "%s%*s", station, pad > 0 ? pad : 0, "");
	if (!vote)
		snprintf(text, sizeof(text), "%s  -      has not voted: V", name);
	else if (vote->fallen)
		snprintf(text, sizeof(text), "%s  -      the %s of %s has fallen: %s", name,
			 vote->go ? "go" : "no-go", vote->by, vote->fallen_why);
	else
		snprintf(text, sizeof(text), "%s  %-5s  %s%s%s  %s", name, vote->go ? "GO" : "NO-GO",
			 vote->by, vote->reason[0] ? ": " : "", vote->reason,
			 age_ago(age, sizeof(age), vote->at_ms, scene->now_ms));
	return card_text(canvas, row, first ? "POLL" : "",
			 !vote || vote->fallen ? ROLE_UNKNOWN : (vote->go ? ROLE_OK : ROLE_BAD), text);
}

/* Every station that is asked, then every other vote, then the second person. */
static int draw_poll(const struct scene *scene, struct canvas *canvas, int row)
{
	const struct people_state *people = &scene->state->people;
	struct poll_look look;
	char text[240];
	bool first = true;

	for (size_t i = 0; i < people->n_stations; i++, first = false)
		row = draw_vote(scene, canvas, row, people->stations[i],
				vote_get(scene->state, people->stations[i]), first);
	for (size_t i = 0; i < people->n_votes; i++) {
		bool asked = false;

		for (size_t k = 0; k < people->n_stations; k++)
			asked = asked || vote_get(scene->state, people->stations[k]) == &people->votes[i];
		if (asked)
			continue;
		row = draw_vote(scene, canvas, row, people->votes[i].station, &people->votes[i], first);
		first = false;
	}
	poll_look(scene->state, &look);
	if (look.second_wanted) {
		if (!look.second)
			snprintf(text, sizeof(text), "nobody but the driver has said go yet: V");
		else if (look.by_name_only)
			snprintf(text, sizeof(text),
				 "%s, BY NAME ONLY: the same login as the driver's. The report says so.",
				 look.second->by);
		else
			snprintf(text, sizeof(text), "%s, login %s", look.second->by, look.second->login);
		row = card_text(canvas, row, "2ND", !look.second || look.by_name_only ? ROLE_WARN : ROLE_OK,
				text);
		first = false;
	}
	if (first)
		row =
		    card_text(canvas, row, "POLL", ROLE_UNKNOWN, "no station is configured: nobody is asked");
	return row + 1;
}

/* Said only when it is no longer free: before that the plan's own words are enough. */
static int draw_cost(const struct scene *scene, struct canvas *canvas, int row)
{
	struct sums sums;
	char text[280], count[UNITS_MAX];

	sums_of(scene->state, scene->now_ms, &sums);
	if (sums.one_road && text_starts(scene->state->steps.gate.plan.back, "B "))
		return card_text(canvas, row, "", ROLE_WARN,
				 "B has nothing to run: this playbook has no section for the way back.");
	if (sums.back == BACK_FREE || sums.one_road)
		return row;
	if (sums.back == BACK_ONE_WAY) {
		snprintf(text, sizeof(text), "ONE-WAY: %s", sums.back_why);
		return card_text(canvas, row, "", ROLE_WARN, text);
	}
	if (sums.back == BACK_COSTS)
		snprintf(text, sizeof(text), "Going back COSTS %s rows now.",
			 sums.back_rows > 0 ? units_count(count, sums.back_rows) : "some");
	else
		snprintf(text, sizeof(text), "What going back costs has not been seen yet.");
	return card_text(canvas, row, "", ROLE_WARN, text);
}

/* tight: without the empty lines, where all of it is seen at once only so. */
static int draw_evidence(const struct scene *scene, struct canvas *canvas, const struct step_seen *step,
			 bool tight)
{
	const struct gate_seen *gate = &scene->state->steps.gate;
	int row = 0;

	row = draw_changes(canvas, row, gate);
	row = card_plan(canvas, row, &gate->plan, true);
	row += !tight;
	if (gate->n_seen == 0)
		row = card_text(canvas, row, "SEEN", ROLE_UNKNOWN, "nothing: this gate has no evidence");
	row = card_seen(canvas, row, gate->seen, gate->n_seen, true, scene->now_ms) + !tight;
	if (gate->level == 3)
		row = draw_poll(scene, canvas, row);
	row = card_text(canvas, row, "BACK", ROLE_TEXT,
			gate->plan.back[0] ? gate->plan.back : "This step has no way back.");
	row = draw_cost(scene, canvas, row);
	if (step && step->say[0]) {
		char say[200];

		snprintf(say, sizeof(say), "\"%s\"", step->say);
		row = card_text(canvas, row, "SAY", ROLE_TEXT, say);
	}
	return row;
}

/* Everything whole: the calls as they go out, and every word of the evidence. */
static int draw_calls(const struct scene *scene, struct canvas *canvas, const struct gate_seen *gate)
{
	int row = 0;

	canvas_put(canvas, 0, row++, ROLE_MUTED, "THE EXACT CALLS, secrets masked");
	for (size_t i = 0; i < gate->plan.n_does && i < 12; i++)
		row += canvas_wrap(canvas, 0, row, canvas->size.cols, 6, ROLE_TEXT, gate->plan.does[i]) + 1;
	if (gate->plan.n_does == 0)
		canvas_put(canvas, 0, row++, ROLE_MUTED, "the plan names none");
	return card_seen(canvas, row + (gate->plan.n_does == 0), gate->seen, gate->n_seen, false,
			 scene->now_ms);
}

/* Copies the lines from `top` on into the box; says in the frame that there is more. */
static void show(struct canvas *box, const struct canvas *text, int lines, int height, int top)
{
	int most = lines > height ? lines - height : 0;

	top = top < 0 ? 0 : (top > most ? most : top);
	for (int row = 0; row < height && top + row < text->size.rows; row++) {
		struct canvas from = canvas_part(text, 0, top + row, text->size.cols, 1);

		memcpy(&box->cells[(size_t)(row + 1) * (size_t)box->stride + 2], from.cells,
		       (size_t)text->size.cols * sizeof(struct cell));
	}
	if (most > 0) {
		char more[48];

		snprintf(more, sizeof(more), " %d-%d of %d, PgDn ", top + 1, top + height, lines);
		canvas_put(box, box->size.cols - canvas_width(box, more) - 2, height + 1, ROLE_KEY, more);
	}
}

static bool decides(const struct scene *scene)
{
	return scene->seat.driver && !scene->seat.observer && !scene->seat.replaying && scene->seat.connected;
}

static const char recorded_gate[] = "A recorded gate: nobody is asked.";

/* The typed part stands under the phrase, letter under letter; what does not match is marked where it begins.
 */
static void draw_phrase(const struct gate_seen *gate, const struct dialog_view *view, struct canvas *box,
			int row)
{
	char phrase[160];
	const char *typed = view->typed ? view->typed : "";
	size_t same = 0;
	int col, room = box->size.cols - 10;

	dialog_phrase(gate, phrase, sizeof(phrase));
	while (typed[same] && typed[same] == phrase[same])
		same++;
	canvas_put(box, 2, row, ROLE_MUTED, "type");
	canvas_field(box, 8, row, room < canvas_width(box, phrase) ? room : canvas_width(box, phrase), false,
		     ROLE_TITLE, phrase);
	if (canvas_width(box, phrase) + 50 < box->size.cols)
		canvas_put(box, canvas_width(box, phrase) + 15, row, ROLE_MUTED,
			   "when complete 3 s run, any key stops");
	canvas_put(box, 6, row + 1, ROLE_KEY, ">");
	char good[160];
	text_copy(good, sizeof(good), typed);
	if (same < sizeof(good))
		good[same] = '\0';
	col = canvas_put(box, 8, row + 1, ROLE_TITLE, good);
	if (typed[same])
		col = canvas_put(box, col, row + 1, ROLE_BAD, typed + same);
	canvas_put(box, col, row + 1, ROLE_NOW, "_");
}

const struct seen_line *gate_shut_by(const struct gate_seen *gate)
{
	for (size_t i = 0; i < gate->n_seen; i++)
		if (!gate->seen[i].waived && (gate->seen[i].verdict <= 0 || gate->seen[i].verdict >= 3))
			return &gate->seen[i];
	return NULL;
}

/* The phrase that was asked for is known, what fingers made of it is not. */
static void draw_recorded(const struct gate_seen *gate, struct canvas *box, int row)
{
	char phrase[160];

	if (gate->level < 2) {
		canvas_put(box, 2, row, ROLE_MUTED, "y does it.");
		canvas_put(box, 13, row, ROLE_MUTED, recorded_gate);
		return;
	}
	dialog_phrase(gate, phrase, sizeof(phrase));
	canvas_put(box, 2, row, ROLE_MUTED, "type");
	canvas_field(box, 8, row, box->size.cols - 10, false, ROLE_TITLE, phrase);
	canvas_put(box, 8, row + 1, ROLE_MUTED, recorded_gate);
}

/* No key opens it as long as this line stands, so none is offered. */
static void draw_shut(const struct seen_line *line, struct canvas *box, int row, bool two)
{
	char text[200];

	snprintf(text, sizeof(text), "SHUT: %s is %s. It is looked at again; W asks to waive it.", line->name,
		 sums_verdict_word(line->verdict));
	canvas_field(box, 2, row, box->size.cols - 4, false, ROLE_WARN, text);
	if (two)
		canvas_put(box, 2, row + 1, ROLE_MUTED, "Esc leaves: nothing happens.");
}

/* The last lines of the box: how to say yes, or who can. */
static void draw_answer(const struct scene *scene, const struct dialog_view *view, struct canvas *box,
			int row)
{
	const struct gate_seen *gate = &scene->state->steps.gate;
	int64_t left_ms = gate->counting_until_ms - scene->now_ms;
	struct poll_look look;
	int note = row + (gate->level >= 2 || gate->counting_until_ms > 0 ? 2 : 1);

	poll_look(scene->state, &look);
	if (gate->plan.refused[0]) {
		canvas_put(box, 2, row, ROLE_BAD,
			   "This gate cannot be passed: the reason is above. Esc leaves.");
	} else if (gate->counting_until_ms > 0 && left_ms > 0) {
		int cells = box->size.cols - 30;

		canvas_putf(box, 2, row, ROLE_WARN, "STARTS IN %lld", (long long)((left_ms + 999) / 1000));
		canvas_bar(box, 16, row, cells > 30 ? 30 : cells, 3000 - left_ms, 3000, ROLE_WARN);
		canvas_putf(box, 2, row + 1, ROLE_TEXT, "%s gave the phrase. ANY KEY on any seat stops it.",
			    gate->counting_by[0] ? gate->counting_by : "The driver");
	} else if (scene->state->people.hold) {
		canvas_putf(box, 2, row, ROLE_WARN,
			    "HOLD by %s: this gate waits. H releases it, with a reason.",
			    scene->state->people.hold_by);
	} else if (gate->level == 3 && !look.ready) {
		char text[240];

		snprintf(text, sizeof(text), "WAITS: %s.", look.why);
		canvas_field(box, 2, row, box->size.cols - 4, false, ROLE_WARN, text);
		canvas_field(box, 2, row + 1, box->size.cols - 4, false, ROLE_MUTED,
			     scene->seat.replaying ? recorded_gate
			     : decides(scene)
				 ? "V votes, r asks all again. The phrase is asked for after the last go."
				 : "V votes go or no-go. H holds, Esc closes this picture.");
	} else if ((decides(scene) || scene->seat.replaying) && gate_shut_by(gate)) {
		draw_shut(gate_shut_by(gate), box, row, gate->level >= 2);
	} else if (scene->seat.replaying) {
		draw_recorded(gate, box, row);
	} else if (!decides(scene)) {
		canvas_put(box, 2, row, ROLE_MUTED,
			   "The driver decides here. H holds, Esc closes this picture.");
	} else if (gate->level >= 2) {
		draw_phrase(gate, view, box, row);
	} else {
		canvas_put(box, 2, row, ROLE_KEY, "y");
		canvas_put(box, 4, row, ROLE_TITLE, "does it.");
		canvas_put(box, 13, row, ROLE_MUTED, "Every other key leaves: nothing happens.");
	}
	if (view->message && view->message[0])
		canvas_wrap(box, 2, note, box->size.cols - 4, NOTE_LINES, ROLE_WARN, view->message);
	else if (!scene->seat.armed && decides(scene) && gate->counting_until_ms <= 0)
		canvas_put(box, 2, note, ROLE_WARN, "This seat is not armed: Esc, then A, then R.");
}

void dialog_draw(const struct scene *scene, const struct dialog_view *view, struct canvas *canvas)
{
	const struct gate_seen *gate = &scene->state->steps.gate;
	const struct step_seen *step = steps_get(scene->state, gate->step);
	int cols = canvas->size.cols - 2, top = canvas->size.cols >= TWO_LINES ? 3 : 2,
	    rows = canvas->size.rows - 2 - top, lines, answer, height, note;
	struct canvas box, *text;

	if (!gate->open || cols < 30 || rows < 8)
		return;
	cols = cols > WIDEST ? WIDEST : cols;
	note = view->message ? canvas_lines(canvas, cols - 4, NOTE_LINES, view->message) : 0;
	if (note == 0 && !scene->seat.armed && decides(scene))
		note = 1;
	text = canvas_new((struct size){cols - 4, LINES_MAX}, canvas->ascii);
	lines = view->calls ? draw_calls(scene, text, gate) : draw_evidence(scene, text, step, false);
	lines = lines > LINES_MAX ? LINES_MAX : lines;
	answer = (gate->level >= 2 || gate->counting_until_ms > 0 ? 2 : 1) + note;
	if (!view->calls && lines + answer + 3 > rows) {
		canvas_clear(text);
		lines = draw_evidence(scene, text, step, true);
	}
	/* As high as it needs to be: frame, evidence, an empty line, the answer, frame. */
	if (lines + answer + 3 < rows)
		rows = lines + answer + 3;
	height = rows - answer - 3;
	box = canvas_part(canvas, (canvas->size.cols - cols) / 2, top, cols, rows);
	/* On a narrow screen nothing of the panels is left at the edges to be read as part of the box. */
	for (int row = top; row < top + rows && canvas->size.cols - cols <= 4; row++)
		canvas_fill(canvas, 0, row, canvas->size.cols, ROLE_TEXT, " ");
	/* The clocks move to the line above the keys; where the box is low they would stand there twice. */
	if (top + rows <= canvas->size.rows - 3)
		canvas_fill(canvas, 0, canvas->size.rows - 3, canvas->size.cols, ROLE_TEXT, " ");
	canvas_fill(canvas, 0, canvas->size.rows - 2, canvas->size.cols, ROLE_TEXT, " ");
	frame_clocks(scene, canvas, canvas->size.rows - 2);
	draw_frame(gate, step, &box);
	show(&box, text, lines, height, view->top);
	draw_answer(scene, view, &box, rows - 1 - answer);
	canvas_free(text);
}
