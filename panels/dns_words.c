#include "panels/dns_words.h"
#include "core/base/text.h"
#include "core/base/units.h"

#include <stdio.h>
#include <string.h>

enum { LATE_MAX = 64 };

enum role dns_state_role(const char *state)
{
	if (text_equal(state, "NEW"))
		return ROLE_NEW;
	if (text_equal(state, "OLD"))
		return ROLE_OLD;
	if (text_equal(state, "MIXED") || text_equal(state, "SILENT"))
		return ROLE_UNKNOWN;
	if (text_equal(state, "COLD") || text_equal(state, "ALIVE"))
		return ROLE_MUTED;
	if (text_equal(state, "FAIL") || text_equal(state, "REFUSED") || text_equal(state, "RELEARNED"))
		return ROLE_BAD;
	return ROLE_WARN;
}

char dns_state_mark(const char *state)
{
	static const struct {
		const char *state;
		char mark;
	} marks[] = {{"OLD", 'O'},     {"MIXED", 'M'},  {"NEG", '0'},   {"OTHER", '?'}, {"FAIL", 'F'},
		     {"REFUSED", 'R'}, {"SILENT", '-'}, {"FLOOR", 'K'}, {"STALE", 'S'}, {"RELEARNED", 'B'},
		     {"LAGGING", 'L'}, {"COLD", 'c'},   {"ALIVE", 'a'}, {"NEW", '6'}};

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (text_equal(marks[i].state, state))
			return marks[i].mark;
	return '?';
}

bool dns_word_waits(const char *state)
{
	return text_equal(state, "OLD") || text_equal(state, "MIXED") || text_equal(state, "RELEARNED") ||
	       text_equal(state, "LAGGING");
}

/* When the last old answer of that cell dies, by either family; 0: it leads nobody to the old side, 1: no end
 * is known. */
static int64_t waits_until(const struct dns_cell *cell)
{
	int64_t until = 0;

	if (dns_word_waits(cell->state))
		until = cell->auth || cell->expires_ms <= 0 ? 1 : cell->expires_ms;
	if (dns_word_waits(cell->six.state) && cell->six.expires_ms > until)
		until = cell->auth ? 1 : cell->six.expires_ms;
	return until;
}

bool dns_cell_waits(const struct dns_cell *cell)
{
	return waits_until(cell) > 0;
}

static const struct dns_cell *lagging(const struct dns_state *dns)
{
	for (size_t i = 0; i < dns->n; i++)
		if (dns->cells[i].auth && waits_until(&dns->cells[i]))
			return &dns->cells[i];
	return NULL;
}

/* The rest of line one after "flipped 10:59:51": until when, or why nobody can say it yet. The longest
 * wording that fits. */
static void draw_end(const struct scene *scene, struct canvas *canvas, int col, int row)
{
	const struct dns_state *dns = &scene->state->dns;
	const struct dns_cell *late = lagging(dns);
	bool alive = dns->old_die_ms > scene->now_ms;
	char texts[3][160] = {"", "", ""}, clock[UNITS_MAX], left[UNITS_MAX];

	if (late) {
		snprintf(texts[0], sizeof(texts[0]), "%s says OLD: no end of old answers until it follows",
			 late->label);
		snprintf(texts[1], sizeof(texts[1]), "%s says OLD: no end yet", late->label);
		snprintf(texts[2], sizeof(texts[2]), "a server lags: no end yet");
	} else if (dns->old_die_ms > 0 && alive) {
		units_clock(clock, dns->old_die_ms);
		units_duration(left, dns->old_die_ms - scene->now_ms);
		snprintf(texts[0], sizeof(texts[0]), "old answers die by %s  %s", clock, left);
		snprintf(texts[1], sizeof(texts[1]), "OLD dies by %s  %s", clock, left);
		snprintf(texts[2], sizeof(texts[2]), "OLD dies by %s", clock);
	} else if (dns->old_die_ms > 0) {
		units_clock(clock, dns->old_die_ms);
		snprintf(texts[0], sizeof(texts[0]), "old answers died by %s", clock);
		snprintf(texts[1], sizeof(texts[1]), "OLD died by %s", clock);
	} else {
		snprintf(texts[0], sizeof(texts[0]), "the name servers have not been seen to follow yet");
		snprintf(texts[1], sizeof(texts[1]), "no end seen yet");
	}
	for (int i = 0; i < 3; i++)
		if (texts[i][0] && canvas_width(canvas, texts[i]) + 2 <= canvas->size.cols - col) {
			canvas_put(canvas, col + 2, row,
				   late    ? ROLE_WARN
				   : alive ? ROLE_TEXT
					   : ROLE_MUTED,
				   texts[i]);
			canvas_sides(canvas, col + 2, row, canvas->size.cols - col - 2);
			return;
		}
}

void dns_draw_top(const struct scene *scene, struct canvas *canvas, int row)
{
	const struct state *state = scene->state;
	const struct dns_state *dns = &state->dns;
	char clock[UNITS_MAX], left[UNITS_MAX];
	int cols = canvas->size.cols;

	if (state->flip_at_ms > 0)
		draw_end(scene, canvas,
			 canvas_putf(canvas, 0, row, ROLE_TEXT, "flipped %s",
				     units_clock(clock, state->flip_at_ms)),
			 row);
	else if (dns->safe_from_ms <= 0)
		canvas_field(canvas, 0, row, cols, false, ROLE_MUTED,
			     "not flipped; how long old answers live is not seen yet");
	else if (dns->safe_from_ms > scene->now_ms)
		canvas_putf(canvas, 0, row, ROLE_WARN, "not safe to flip before %s, in %s",
			    units_clock(clock, dns->safe_from_ms),
			    units_duration(left, dns->safe_from_ms - scene->now_ms));
	else
		canvas_putf(canvas, 0, row, ROLE_MUTED,
			    cols >= 56 ? "safe to flip since %s: the old TTL has run out"
				       : "safe to flip since %s: old TTL is over",
			    units_clock(clock, dns->safe_from_ms));
}

void dns_words_of(const struct scene *scene, struct canvas *canvas, int col, int row, const char *server)
{
	const struct dns_state *dns = &scene->state->dns;
	const struct dns_cell *seen[16];
	size_t counts[16], n = 0, len = 0;
	int64_t until = 0;
	char text[160] = "", clock[UNITS_MAX];
	int room = canvas->size.cols - col;

	for (size_t i = 0; i < dns->n; i++) {
		const struct dns_cell *cell = &dns->cells[i];
		size_t k = 0;

		if (!text_equal(cell->server, server))
			continue;
		until = waits_until(cell) > until ? waits_until(cell) : until;
		while (k < n && !text_equal(seen[k]->state, cell->state))
			k++;
		if (k == n && n < 16) {
			counts[n] = 0;
			seen[n++] = cell;
		}
		counts[k < 16 ? k : 15]++;
	}
	for (size_t i = 0; i < n && len < sizeof(text); i++) {
		if (n > 1 && text_equal(seen[i]->state, "NEW"))
			continue;
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s %zu", len ? " " : "",
					seen[i]->state, counts[i]);
	}
	if (scene->state->flip_at_ms > 0 && until > 1 && room >= 10) {
		canvas_field(canvas, canvas->size.cols - 8, row, 8, true, ROLE_TEXT,
			     units_clock(clock, until));
		room -= 9;
	}
	canvas_field(canvas, col, row, room, false, until ? ROLE_TEXT : ROLE_MUTED, text);
	canvas_sides(canvas, col, row, room);
}

/* ---- below the grid ---- */

static void draw_sum(const struct scene *scene, struct canvas *canvas, int row)
{
	const struct dns_state *dns = &scene->state->dns;
	size_t n_new = 0, n_old = 0, n_silent = 0, n_cold = 0, n_six = 0, other;
	int col;

	for (size_t i = 0; i < dns->n; i++) {
		const struct dns_cell *cell = &dns->cells[i];

		n_new += text_equal(cell->state, "NEW");
		n_old += text_equal(cell->state, "OLD");
		n_silent += text_equal(cell->state, "SILENT");
		n_cold += text_equal(cell->state, "COLD") || text_equal(cell->state, "ALIVE");
		n_six += !dns_word_waits(cell->state) && dns_word_waits(cell->six.state);
	}
	other = dns->n - n_new - n_old - n_silent - n_cold;
	col = canvas_put(canvas, 0, row, ROLE_MUTED, "answers  ");
	col = canvas_putf(canvas, col, row, ROLE_TEXT, "NEW %zu   OLD %zu", n_new, n_old);
	if (n_six > 0)
		col = canvas_putf(canvas, col, row, ROLE_WARN, "   v6 OLD %zu", n_six);
	if (n_cold > 0)
		col = canvas_putf(canvas, col, row, ROLE_MUTED, "   none held %zu", n_cold);
	if (n_silent > 0)
		col = canvas_putf(canvas, col, row, ROLE_UNKNOWN, "   SILENT %zu", n_silent);
	if (other > 0)
		col = canvas_putf(canvas, col, row, ROLE_WARN, "   OTHER %zu", other);
	if (canvas->size.cols - col > 8)
		canvas_putf(canvas, col, row, ROLE_MUTED, "   of %zu", dns->n);
	canvas_sides(canvas, 0, row, canvas->size.cols);
}

struct late {
	const struct dns_cell *cell;
	int64_t until;
};

/* Caches that still lead visitors to the old side, each with its last answer, the longest-lived first. */
static size_t find_late(const struct dns_state *dns, struct late *list, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < dns->n; i++) {
		const struct dns_cell *cell = &dns->cells[i];
		int64_t until = cell->auth ? 0 : waits_until(cell);
		size_t k = 0;

		if (!until)
			continue;
		while (k < n && !text_equal(list[k].cell->server, cell->server))
			k++;
		if (k == max || (k < n && until <= list[k].until))
			continue;
		n += k == n;
		for (; k > 0 && list[k - 1].until < until; k--)
			list[k] = list[k - 1];
		list[k] = (struct late){.cell = cell, .until = until};
	}
	return n;
}

/* "still OLD  Vodafone until 01:22:10, 8.8.8.8 until 01:22:01, 2 more" */
static void draw_late(const struct scene *scene, struct canvas *canvas, int row)
{
	struct late list[LATE_MAX];
	size_t n = find_late(&scene->state->dns, list, LATE_MAX), i = 0;
	int col;

	if (!n) {
		canvas_field(canvas, 0, row, canvas->size.cols, false, ROLE_MUTED,
			     "no cache that we ask leads visitors to OLD");
		canvas_sides(canvas, 0, row, canvas->size.cols);
		return;
	}
	col = canvas_put(canvas, 0, row, ROLE_WARN, "still OLD  ");
	for (; i < n; i++) {
		char text[80], clock[UNITS_MAX];

		snprintf(text, sizeof(text), "%s%.23s %s%s", i ? ", " : "", list[i].cell->label,
			 list[i].until > 1 ? "until " : "with no end known",
			 list[i].until > 1 ? units_clock(clock, list[i].until) : "");
		if (i && canvas_width(canvas, text) + (i + 1 < n ? 9 : 0) > canvas->size.cols - col)
			break;
		col = canvas_put(canvas, col, row, ROLE_TEXT, text);
	}
	if (i < n && canvas->size.cols - col >= 9)
		canvas_putf(canvas, col, row, ROLE_TEXT, ", %zu more", n - i);
	canvas_sides(canvas, 0, row, 10);
}

static void put_rate(char *out, size_t size, const struct side_traffic *side)
{
	if (side->rpm < 0)
		snprintf(out, size, "not known");
	else
		snprintf(out, size, "%d/min", side->rpm);
}

/* What caches say is a guess about visitors; what both sides' logs have is the truth. */
static void draw_visitors(const struct scene *scene, struct canvas *canvas, int row)
{
	const struct traffic_state *traffic = &scene->state->traffic;
	char on_new[24], on_old[24], clock[UNITS_MAX], text[60];
	int col = canvas_put(canvas, 0, row, ROLE_MUTED, "visitors ");

	put_rate(on_new, sizeof(on_new), &traffic->new_side);
	put_rate(on_old, sizeof(on_old), &traffic->old_side);
	col = canvas_putf(canvas, col, row, ROLE_TEXT, "NEW %s   OLD %s", on_new, on_old);
	snprintf(text, sizeof(text), "   last on OLD %s", units_clock(clock, traffic->last_old_ms));
	if (canvas_width(canvas, text) > canvas->size.cols - col)
		snprintf(text, sizeof(text), "   last %s", units_clock(clock, traffic->last_old_ms));
	if (traffic->last_old_ms > 0 && canvas_width(canvas, text) <= canvas->size.cols - col)
		canvas_put(canvas, col, row, ROLE_MUTED, text);
	canvas_sides(canvas, 0, row, canvas->size.cols);
}

int dns_below_lines(const struct scene *scene, int rows)
{
	bool flipped = scene->state->flip_at_ms > 0;

	if (!flipped || rows < 7)
		return 1;
	return rows >= 10 && scene->state->traffic.at_ms > 0 ? 3 : 2;
}

void dns_draw_below(const struct scene *scene, struct canvas *canvas, int row, int lines)
{
	if (row < canvas->size.rows)
		draw_sum(scene, canvas, row);
	if (lines > 1 && row + 1 < canvas->size.rows)
		draw_late(scene, canvas, row + 1);
	if (lines > 2 && row + 2 < canvas->size.rows)
		draw_visitors(scene, canvas, row + 2);
}
