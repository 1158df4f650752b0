/* Who was there in a night, and what of it was their work. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/night/report.h"
#include <stdlib.h>
#include <string.h>

void report_people_take(struct report *r, const struct event *event)
{
	bool given = text_equal(event->kind, "wheel.given"), lost = text_equal(event->kind, "wheel.lost");
	if (!given && !lost)
		return;
	if (r->n_drives && !r->drives[r->n_drives - 1].to_ms)
		r->drives[r->n_drives - 1].to_ms = event->at_ms;
	if (!given)
		return;
	r->drives = xrealloc(r->drives, r->n_drives + 1, sizeof *r->drives);
	struct report_drive *drive = &r->drives[r->n_drives++];
	*drive = (struct report_drive){.from_ms = event->at_ms};
	text_copy(drive->name, sizeof drive->name, json_str(event->body, "name", ""));
}

struct people {
	struct report_person *list, nobody;
	size_t n;
};

/* Nobody for an empty name: an event that says no person is no person's. */
static struct report_person *person(struct people *people, const char *name)
{
	if (!*name)
		return &people->nobody;
	for (size_t i = 0; i < people->n; i++)
		if (text_equal(people->list[i].name, name))
			return &people->list[i];
	people->list = xrealloc(people->list, people->n + 1, sizeof *people->list);
	struct report_person *x = &people->list[people->n++];
	*x = (struct report_person){.observed = true};
	text_copy(x->name, sizeof x->name, name);
	return x;
}

static void take_seats(const struct state *s, struct people *people)
{
	for (size_t i = 0; i < s->people.n; i++) {
		const struct seat_seen *seat = &s->people.seats[i];
		struct report_person *x = person(people, seat->name);
		bool first = !x->from_ms;
		if (first || seat->joined_at_ms < x->from_ms)
			x->from_ms = seat->joined_at_ms;
		if (seat->here || !seat->left_at_ms)
			x->to_ms = 0;
		else if (first || (x->to_ms && seat->left_at_ms > x->to_ms))
			x->to_ms = seat->left_at_ms;
		if (*seat->station)
			text_copy(x->station, sizeof x->station, seat->station);
		x->observed = x->observed && seat->observer;
	}
}

static void take_gates(const struct report *r, struct people *people, int64_t end_ms)
{
	for (size_t i = 0; i < r->n_gates; i++) {
		const struct report_gate *g = &r->gates[i];
		struct report_person *x = person(people, g->by);
		x->passed += g->passed;
		x->left += !g->passed && g->ended_ms;
		x->waited_ms += (g->ended_ms ? g->ended_ms : end_ms) - g->opened_ms;
	}
}

struct report_person *report_people(const struct report *r, size_t *n)
{
	const struct state *s = r->state;
	struct people people = {0};
	int64_t end_ms = s->closed_at_ms ? s->closed_at_ms : r->last_ms;
	take_seats(s, &people);
	for (size_t i = 0; i < r->n_drives; i++)
		person(&people, r->drives[i].name)->drove_ms +=
		    (r->drives[i].to_ms ? r->drives[i].to_ms : end_ms) - r->drives[i].from_ms;
	take_gates(r, &people, end_ms);
	for (size_t i = 0; i < s->steps.n; i++)
		if (s->steps.steps[i].state == STEP_BYHAND)
			person(&people, s->steps.steps[i].by)->byhand++;
	for (size_t i = 0; i < s->watching.n_waivers; i++)
		person(&people, s->watching.waivers[i].by)->waived++;
	for (size_t i = 0; i < s->people.n_notes; i++)
		person(&people, s->people.notes[i].by)->notes++;
	*n = people.n;
	return people.list;
}

static void add_count(struct buf *out, const char *before, size_t n, const char *one, const char *many)
{
	if (n)
		buf_addf(out, "; %s%zu %s", before, n, n == 1 ? one : many);
}

void report_person_text(const struct report_person *x, char *out, size_t size)
{
	char from[UNITS_MAX], to[UNITS_MAX], ms[UNITS_MAX];
	struct buf text = {0};
	if (x->from_ms)
		buf_addf(&text, "at a seat from %s to %s", units_clock(from, x->from_ms),
			 x->to_ms ? units_clock(to, x->to_ms) : "the end");
	else
		buf_adds(&text, "at no seat");
	if (x->from_ms && x->observed)
		buf_adds(&text, ", as an observer");
	if (x->drove_ms)
		buf_addf(&text, ", drove %s", units_duration(ms, x->drove_ms));
	add_count(&text, "passed ", x->passed, "gate", "gates");
	add_count(&text, "left ", x->left, "gate", "gates");
	if (x->passed + x->left)
		buf_addf(&text, ", which waited %s", units_duration(ms, x->waited_ms));
	add_count(&text, "", x->byhand, "step by hand", "steps by hand");
	add_count(&text, "", x->waived, "waiver", "waivers");
	add_count(&text, "", x->notes, "note", "notes");
	text_copy(out, size, buf_text(&text));
	buf_done(&text);
}
