/* The frame's first lines: night, seat and state, and the way that the data takes. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/frame.h"
#include "panels/sums.h"

#include <stdio.h>
#include <string.h>

enum { WIDE = 120 };

/* 09:57 below an hour, 1:09:57 above. */
static void down_text(const struct sums *sums, char *out, size_t size)
{
	int64_t s = sums->down_ms / 1000;

	if (!sums->down && !sums->was_down)
		text_copy(out, size, "");
	else if (s < 3600)
		snprintf(out, size, "%sDOWN %02d:%02d", sums->was_down ? "WAS " : "", (int)(s / 60),
			 (int)(s % 60));
	else
		snprintf(out, size, "%sDOWN %lld:%02d:%02d", sums->was_down ? "WAS " : "",
			 (long long)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
}

static void seats_text(const struct people_state *people, char *out, size_t size)
{
	text_copy(out, size, "");
	for (size_t i = 0; i < people->n; i++) {
		size_t len = strlen(out);

		if (people->seats[i].here && len + 20 < size)
			snprintf(out + len, size - len, " %.16s%s", people->seats[i].name,
				 text_equal(people->seats[i].id, people->driver) && people->n > 1
				     ? " (drives)"
				     : "");
	}
}

static void tag_text(const struct scene *scene, bool wide, char *out, size_t size)
{
	char left[UNITS_MAX];

	if (scene->seat.replaying)
		snprintf(out, size, "RECORDING");
	else if (!scene->seat.connected)
		snprintf(out, size, scene->seat.on[0] && !scene->seat.no_engine ? "NO SSH" : "NO ENGINE");
	else if (scene->seat.armed && wide && scene->seat.armed_until_ms > scene->now_ms)
		snprintf(out, size, "ARMED %.16s %s", scene->seat.name,
			 units_duration(left, scene->seat.armed_until_ms - scene->now_ms));
	else
		snprintf(out, size, "%s %.16s",
			 scene->seat.armed ? "ARMED" : (scene->seat.observer ? "WATCHES" : "READ-ONLY"),
			 scene->seat.name);
}

/* Puts a text so that it ends before `end`; returns where it begins. */
static int put_right(struct canvas *canvas, int end, enum role role, const char *text)
{
	int at = end - canvas_width(canvas, text);

	if (text[0])
		canvas_put(canvas, at > 0 ? at : 0, 0, role, text);
	return text[0] ? at : end;
}

static size_t others_here(const struct scene *scene)
{
	const struct people_state *people = &scene->state->people;
	size_t n = 0;

	for (size_t i = 0; i < people->n; i++)
		n += people->seats[i].here && !text_equal(people->seats[i].id, scene->seat.seat);
	return n;
}

static void line_one(const struct scene *scene, const struct sums *sums, struct canvas *canvas)
{
	const struct state *state = scene->state;
	int cols = canvas->size.cols, end = cols - 1, tag_at, tag_end, col;
	char text[200], phase[64] = "";
	bool wide = cols >= WIDE;
	size_t others;
	struct canvas row = canvas_part(canvas, 0, 0, cols, 1);

	if (wide) {
		seats_text(&state->people, text, sizeof(text));
		if (text[0]) {
			char seats[220];

			snprintf(seats, sizeof(seats), "seats%s", text);
			if (canvas_width(canvas, seats) < cols / 3)
				end = put_right(&row, end, ROLE_MUTED, seats) - 3;
		}
	}
	tag_text(scene, wide, text, sizeof(text));
	/* Where their names have no room, how many more are here has. */
	if (!wide && !scene->seat.replaying && (others = others_here(scene)) > 0)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " +%zu", others);
	tag_end = end;
	tag_at = put_right(&row, end, scene->seat.armed ? ROLE_ARMED : ROLE_MUTED, text);
	end = tag_at - 3;
	units_clock(text, scene->now_ms);
	end = put_right(&row, end, ROLE_TEXT, text) - 3;
	down_text(sums, text, sizeof(text));
	end = put_right(&row, end, ROLE_TEXT, text) - (text[0] ? 2 : 0);
	if (sums->phase && sums->number > 0)
		snprintf(phase, sizeof(phase), "%.24s %d/%d",
			 state->steps.turned ? "way back" : sums->phase->name, sums->number, sums->total);
	else if (state->steps.turned)
		snprintf(phase, sizeof(phase), "WAY BACK");
	for (char *c = phase; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	/* Where it is narrow, which app and which phase matter more than our own name. */
	snprintf(text, sizeof(text), "%s", state->old_name[0] ? state->old_name : state->app);
	int room = end - canvas_width(canvas, phase) - 4, width = canvas_width(canvas, text);
	col = cols < 80 || room - 13 < width ? 1 : canvas_put(&row, 1, 0, ROLE_MUTED, "nightferry") + 2;
	room -= col;
	if (width > room)
		width = room > 0 ? room : 0;
	col = canvas_field(&row, col, 0, width, false, ROLE_TITLE, text);
	if (end - col >= canvas_width(canvas, phase) + 2)
		col = canvas_put(&row, col + (end - col > canvas_width(canvas, phase) + 3 ? 3 : 2), 0,
				 ROLE_TITLE, phase);
	if (state->rehearsal && end - col > 12)
		canvas_put(&row, col + 2, 0, ROLE_WARN, "REHEARSAL");
	if (sums->down) {
		canvas_role(&row, 0, 0, cols, ROLE_FROZEN);
		if (scene->seat.armed)
			canvas_role(&row, tag_at - 1, 0, tag_end - tag_at + 2, ROLE_ARMED);
	}
}

/* A boat on its route: behind it what is done, before it what is not. */
static void draw_boat(struct canvas *canvas, int col, int row, int cells, int percent)
{
	int boat = canvas_width(canvas, glyph(canvas, GLYPH_BOAT));
	int at = percent > 0 ? (cells - boat) * percent / 100 : 0;

	if (cells < boat + 2)
		return;
	canvas_fill(canvas, col, row, at, ROLE_OK, glyph(canvas, GLYPH_WAKE));
	canvas_put(canvas, col + at, row, percent < 0 ? ROLE_MUTED : ROLE_NOW, glyph(canvas, GLYPH_BOAT));
	canvas_fill(canvas, col + at + boat, row, cells - at - boat, ROLE_FRAME, glyph(canvas, GLYPH_ROUTE));
}

static void percent_text(int percent, char *out, size_t size)
{
	if (percent < 0)
		snprintf(out, size, "-");
	else
		snprintf(out, size, "%d%%", percent);
}

/* One line: before the flip the boat carries data, after it visitors. */
static void crossing_one(const struct scene *scene, const struct sums *sums, struct canvas *canvas)
{
	bool flipped = scene->state->flip_at_ms > 0;
	char right[160], data[12], traffic[12], host[24];
	int col, width;

	percent_text(sums->data_percent, data, sizeof(data));
	percent_text(sums->traffic_percent, traffic, sizeof(traffic));
	text_fit(host, sizeof(host), scene->state->new_name[0] ? scene->state->new_name : "NEW", 20);
	snprintf(right, sizeof(right), "data %s  traffic %s", data, traffic);
	width = canvas_width(canvas, right);
	canvas_field(canvas, canvas->size.cols - 1 - width, 1, width, true, ROLE_TEXT, right);
	col = canvas->size.cols - 3 - width - canvas_width(canvas, host);
	canvas_put(canvas, col, 1, ROLE_NEW, host);
	canvas_put(canvas, 1, 1, ROLE_OLD, "HEROKU");
	draw_boat(canvas, 8, 1, col - 9, flipped ? sums->traffic_percent : sums->data_percent);
}

static void crossing_line(const struct scene *scene, struct canvas *canvas, int row, const char *what,
			  int percent, const char *right)
{
	const struct state *state = scene->state;
	int cols = canvas->size.cols, left = 29, width = canvas_width(canvas, right), most = cols / 4, cells;
	char old[120], share[12];

	if (width > most)
		width = most;
	snprintf(old, sizeof(old), "heroku %s", state->old_name);
	cells = canvas_width(canvas, old) < cols / 5 ? canvas_width(canvas, old) : cols / 5;
	left = cells + 7 > left ? cells + 7 : left;
	if (row == 1) {
		canvas_put(canvas, 1, row, ROLE_OLD, "OLD");
		canvas_field(canvas, 5, row, cells, false, ROLE_MUTED, old);
	}
	canvas_put(canvas, left, row, ROLE_MUTED, what);
	percent_text(percent, share, sizeof(share));
	canvas_put(canvas, cols - 2 - width - 4, row, ROLE_NEW, "NEW");
	canvas_field(canvas, cols - 2 - width, row, width, false, ROLE_MUTED, right);
	canvas_field(canvas, cols - 2 - width - 11, row, 5, true, ROLE_TEXT, share);
	draw_boat(canvas, left + 9, row, cols - 2 - width - 13 - left - 9, percent);
}

void frame_top(const struct scene *scene, const struct layout *layout, struct canvas *canvas)
{
	char data[200], web[200];
	struct sums sums;
	int a, b;

	sums_of(scene->state, scene->now_ms, &sums);
	line_one(scene, &sums, canvas);
	if (layout->crossings < 2) {
		crossing_one(scene, &sums, canvas);
		return;
	}
	snprintf(data, sizeof(data), "%s %s", scene->state->new_name, scene->state->new_db);
	snprintf(web, sizeof(web), "%s web", scene->state->new_name);
	/* Both routes are equally long, or the boats could not be compared. */
	a = canvas_width(canvas, data);
	b = canvas_width(canvas, web);
	for (char *shorter = a < b ? data : web; a != b && strlen(shorter) + 1 < sizeof(data);
	     a < b ? a++ : b++)
		text_copy(shorter + strlen(shorter), 2, " ");
	crossing_line(scene, canvas, 1, "data", sums.data_percent, data);
	crossing_line(scene, canvas, 2, "traffic", sums.traffic_percent, web);
}
