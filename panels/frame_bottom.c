/* The frame's last lines: what happened, who else is here, the clocks, and what to do now. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/advice.h"
#include "panels/frame.h"
#include "panels/sums.h"

#include <stdio.h>
#include <string.h>

enum { EVENTS = 5, WIDE = 120, THREE = 160 };

/* Newest first, as many as fit whole; the first one is shortened rather than left out. */
static void event_line(const struct scene *scene, struct canvas *canvas, int row)
{
	struct happened happened[EVENTS];
	size_t n = sums_happened(scene->state, happened, EVENTS);
	int col = 2, cols = canvas->size.cols;

	for (size_t i = 0; i < n; i++) {
		char text[300], clock[UNITS_MAX];
		int width, room = cols - col - 3;

		snprintf(text, sizeof(text), "%s %s", units_clock(clock, happened[i].at_ms),
			 happened[i].text);
		width = canvas_width(canvas, text);
		if (width > room && i > 0)
			break;
		if (width > room)
			width = room;
		canvas_put(canvas, col - 1, row, ROLE_MUTED, i == 0 ? " " : "   ");
		if (i > 0)
			col += 2;
		col = canvas_field(canvas, col, row, width, false,
				   happened[i].bad ? ROLE_BAD : (i == 0 ? ROLE_TEXT : ROLE_MUTED), text);
		canvas_sides(canvas, col - width, row, width);
		canvas_put(canvas, col++, row, ROLE_MUTED, " ");
	}
}

/* What a line that is too short gives up, a little more each time; the cost of the way back never. */
enum { LONG_WORDS, SHORT_WORDS, NO_GUESS, NO_WINDOW, NO_END, NO_TURN };

struct line {
	struct canvas *canvas;
	int row, col, end, gives_up;
	bool full; /* something had no room */
};

/* A part of the line, only if it fits whole. */
static void part(struct line *line, enum role role, const char *text)
{
	int width = canvas_width(line->canvas, text), gap = line->col > 1 ? 3 : 0;

	if (text[0] && line->col + gap + width <= line->end)
		line->col = canvas_put(line->canvas, line->col + gap, line->row, role, text);
	else
		line->full = line->full || text[0];
}

static void window_part(const struct scene *scene, struct line *line)
{
	const struct state *state = scene->state;
	char text[120], a[UNITS_MAX], b[UNITS_MAX];
	bool over = scene->now_ms > state->window_end_ms;

	if (line->gives_up >= NO_WINDOW)
		return;
	if (state->window_end_ms <= 0) {
		part(line, ROLE_MUTED, "no window set");
		return;
	}
	snprintf(text, sizeof(text), "window %s–%s%s", units_clock_hm(a, state->window_start_ms),
		 units_clock_hm(b, state->window_end_ms), over ? " OVER" : "");
	part(line, over ? ROLE_WARN : ROLE_MUTED, text);
	if (line->canvas->size.cols >= THREE && state->window_end_ms > state->window_start_ms) {
		canvas_bar(line->canvas, line->col + 1, line->row, 32, scene->now_ms - state->window_start_ms,
			   state->window_end_ms - state->window_start_ms, ROLE_MUTED);
		line->col += 33;
	}
}

static void end_part(const struct scene *scene, const struct sums *sums, struct line *line)
{
	bool up = scene->state->public_at_ms <= 0;
	int64_t at_ms = up ? sums->up_at_ms : sums->done_at_ms;
	int unknown = up ? sums->up_unknown : sums->done_unknown;
	const char *word = up ? "up" : "done";
	char text[120], clock[UNITS_MAX];

	if (line->gives_up >= NO_END || scene->state->closed_at_ms > 0 || scene->state->steps.turned ||
	    scene->state->steps.n == 0)
		return;
	if ((at_ms <= 0 && unknown == 0) || (line->gives_up >= NO_GUESS && (at_ms <= 0 || unknown > 0)))
		return;
	/* A sum with steps that nobody has timed is no time. */
	if (unknown > 0 && line->canvas->size.cols >= WIDE)
		snprintf(text, sizeof(text), "%s: %d %s not rehearsed", word, unknown,
			 unknown == 1 ? "step" : "steps");
	else if (at_ms <= 0 || unknown > 0)
		snprintf(text, sizeof(text), line->gives_up >= SHORT_WORDS ? "%s ?" : "%s: not rehearsed",
			 word);
	else
		snprintf(text, sizeof(text), "%s ~%s", word, units_clock_hm(clock, at_ms));
	if (at_ms > 0 && unknown == 0 && sums->against_rehearsal && line->canvas->size.cols >= WIDE)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " (%s%s to the rehearsal)",
			 sums->behind_ms < 0 ? "-" : "+",
			 units_duration(clock, sums->behind_ms < 0 ? -sums->behind_ms : sums->behind_ms));
	part(line, ROLE_TEXT, text);
}

/* The last moment at which going back still ends within the window. */
static void turn_part(const struct scene *scene, const struct sums *sums, struct line *line)
{
	char text[120], clock[UNITS_MAX];
	bool late = sums->turn_back_at_ms > 0 && scene->now_ms > sums->turn_back_at_ms;

	if (line->gives_up >= NO_TURN)
		return;
	if (sums->turn_back_at_ms > 0) {
		snprintf(text, sizeof(text), "%s %s", late ? "turn back was due" : "turn back by",
			 units_clock_hm(clock, sums->turn_back_at_ms));
		part(line, late ? ROLE_WARN : ROLE_TEXT, text);
	} else if (scene->state->window_end_ms > 0 && scene->now_ms > scene->state->window_end_ms)
		part(line, ROLE_WARN, "turn back was due");
	else if (scene->state->window_end_ms > 0)
		part(line, ROLE_MUTED,
		     line->gives_up >= SHORT_WORDS ? "turn back by ?" : "turn back by: not rehearsed");
}

static void back_part(const struct scene *scene, const struct sums *sums, struct line *line)
{
	char text[120], took[UNITS_MAX];

	if (scene->state->steps.turned || scene->state->closed_at_ms > 0)
		return;
	if (sums->one_road) {
		part(line, ROLE_MUTED,
		     line->canvas->size.cols >= WIDE ? "no way back in this playbook" : "no way back");
		return;
	}
	turn_part(scene, sums, line);
	if (sums->back == BACK_FREE)
		snprintf(text, sizeof(text), "way back FREE%s%s", sums->back_ms >= 0 ? " ~" : "",
			 sums->back_ms >= 0 ? units_duration(took, sums->back_ms) : "");
	else if (sums->back == BACK_ONE_WAY)
		snprintf(text, sizeof(text), "way back ONE-WAY%s%s%s", sums->back_jobs > 0 ? ", " : "",
			 sums->back_jobs > 0 ? units_count(took, sums->back_jobs) : "",
			 sums->back_jobs > 0 ? " jobs" : "");
	else if (sums->back == BACK_COSTS && sums->back_rows > 0)
		snprintf(text, sizeof(text), "way back COSTS %s rows", units_count(took, sums->back_rows));
	else if (sums->back == BACK_COSTS)
		snprintf(text, sizeof(text), "way back COSTS rows");
	else
		snprintf(text, sizeof(text), "way back: cost not seen");
	if (scene->state->steps.n > 0)
		part(line, sums->back == BACK_COSTS || sums->back == BACK_ONE_WAY ? ROLE_WARN : ROLE_MUTED,
		     text);
}

/* "others: ana (drives) raj", the driver first. */
static void others_names(const struct scene *scene, char *out, size_t size)
{
	const struct people_state *people = &scene->state->people;

	out[0] = '\0';
	for (int drives = 1; drives >= 0; drives--)
		for (size_t i = 0; i < people->n; i++) {
			const struct seat_seen *seat = &people->seats[i];
			size_t len = strlen(out);

			if (seat->here && !text_equal(seat->id, scene->seat.seat) && len + 28 < size &&
			    text_equal(seat->id, people->driver) == (drives == 1))
				snprintf(out + len, size - len, "%s%.12s%s",
					 len ? " " : "others: ", seat->name, drives ? " (drives)" : "");
		}
}

/* At the right end, in what the clocks leave free: all names, else who drives; how many there are says
 * line 1. */
static void others_part(const struct scene *scene, struct canvas *canvas, int row, int from)
{
	const struct seat_seen *driver = seat_get(scene->state, scene->state->people.driver);
	char text[160];
	int room = canvas->size.cols - from - 2;

	/* At full width line 1 names all seats. */
	if (canvas->size.cols >= WIDE)
		return;
	others_names(scene, text, sizeof(text));
	if (canvas_width(canvas, text) >= room && driver && !text_equal(driver->id, scene->seat.seat))
		snprintf(text, sizeof(text), "%.12s drives", driver->name);
	if (text[0] && canvas_width(canvas, text) < room)
		canvas_put(canvas, canvas->size.cols - 1 - canvas_width(canvas, text), row, ROLE_MUTED, text);
}

void frame_clocks(const struct scene *scene, struct canvas *canvas, int row)
{
	struct line line = {.full = true};
	struct sums sums;

	sums_of(scene->state, scene->now_ms, &sums);
	for (int gives_up = LONG_WORDS; line.full && gives_up <= NO_TURN; gives_up++) {
		line = (struct line){.canvas = canvas,
				     .row = row,
				     .col = 1,
				     .end = canvas->size.cols - 1,
				     .gives_up = gives_up};
		canvas_fill(canvas, 0, row, canvas->size.cols, ROLE_TEXT, " ");
		window_part(scene, &line);
		end_part(scene, &sums, &line);
		back_part(scene, &sums, &line);
	}
	others_part(scene, canvas, row, line.col);
}

/* What does not fit is left out as a whole: first the words in brackets at the end, then the last sentence.
 */
static void shorten(const struct canvas *canvas, char *text, int cols)
{
	char *cut = strrchr(text, '(');

	if (canvas_width(canvas, text) > cols && cut && cut > text + 20 && cut[-1] == ' ')
		cut[-1] = '\0';
	while (canvas_width(canvas, text) > cols) {
		char *last = NULL;

		for (char *c = text + 20 < text + strlen(text) ? text + 20 : text; *c; c++)
			if ((c[0] == '.' || c[0] == ' ') && c[1] == ' ')
				last = c;
		if (!last)
			return;
		last[*last == '.'] = '\0';
		if (!last[0] && last > text && last[-1] == ' ')
			last[-1] = '\0';
	}
}

static void advice_line(const struct scene *scene, struct canvas *canvas, int row)
{
	char text[400], say[200], aloud[240];
	enum role role = advice_of(scene, text, sizeof(text), say, sizeof(say));
	int cols = canvas->size.cols, width, col;

	shorten(canvas, text, cols - 2);
	width = canvas_width(canvas, text);

	col = canvas_field(canvas, 1, row, width < cols - 2 ? width : cols - 2, false, role, text);
	if (say[0]) {
		snprintf(aloud, sizeof(aloud), "SAY \"%s\"", say);
		if (col + 2 + canvas_width(canvas, aloud) <= cols - 1)
			canvas_put(canvas, col + 2, row, ROLE_MUTED, aloud);
	}
	if (role == ROLE_NOW)
		canvas_role(canvas, 0, row, cols, ROLE_NOW);
}

void frame_bottom(const struct scene *scene, const struct layout *layout, struct canvas *canvas)
{
	event_line(scene, canvas, layout->bottom);
	frame_clocks(scene, canvas, layout->bottom + 1);
	advice_line(scene, canvas, layout->bottom + 2);
}
