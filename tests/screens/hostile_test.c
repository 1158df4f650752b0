/* Text from outside is cleaned before it is an event; a panel must survive it all the same. */
#include "core/base/text.h"
#include "tests/screens/drawing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#define NASTY                                                                               \
	"\xe6\xbc\xa2\xe5\xad\x97\xf0\x9f\x9a\xa2\xcc\x81\xcc\x81\xcc\x81\xe2\x80\xae%s%n " \
	"\x1b[2J\xff\xfe\xc3 |+->\xe2\x96\xb6"

static void poison(char *field, size_t size)
{
	text_copy(field, size, NASTY NASTY NASTY NASTY NASTY NASTY);
}
#define POISON(field) poison(field, sizeof(field))

static void poison_steps(struct state *s)
{
	POISON(s->app);
	POISON(s->old_name);
	POISON(s->new_name);
	POISON(s->new_db);
	POISON(s->closed_verdict);
	for (size_t i = 0; i < s->steps.n_phases; i++)
		POISON(s->steps.phases[i].name);
	for (size_t i = 0; i < s->steps.n; i++) {
		struct step_seen *step = &s->steps.steps[i];

		POISON(step->id);
		POISON(step->title);
		POISON(step->say);
		POISON(step->by);
		POISON(step->text);
		POISON(step->progress);
		POISON(step->unit);
		POISON(step->plan.back);
		POISON(step->plan.does[0]);
		step->plan.n_does = 12;
		step->estimate_ms = i % 2 ? INT64_MAX : -5;
		step->done = INT64_MAX;
		step->total = i % 3 ? INT64_MAX : 1;
	}
	POISON(s->steps.gate.target);
	POISON(s->steps.gate.tag);
	POISON(s->steps.gate.verb);
	POISON(s->steps.gate.plan.then);
	POISON(s->steps.gate.plan.back);
	POISON(s->steps.gate.plan.verb);
	POISON(s->steps.gate.plan.refused);
	s->steps.gate.n_changed = 6;
	s->steps.gate.level = 3;
	for (size_t i = 0; i < s->steps.gate.n_seen; i++) {
		POISON(s->steps.gate.seen[i].name);
		POISON(s->steps.gate.seen[i].text);
		s->steps.gate.seen[i].verdict = (int)i - 1;
	}
}

static void poison_rest(struct state *s)
{
	for (size_t i = 0; i < s->people.n; i++) {
		POISON(s->people.seats[i].name);
		POISON(s->people.seats[i].station);
	}
	for (size_t i = 0; i < s->people.n_notes; i++)
		POISON(s->people.notes[i].text);
	s->people.hold = true;
	POISON(s->people.hold_by);
	POISON(s->people.hold_why);
	for (size_t i = 0; i < s->watching.n_checks; i++) {
		POISON(s->watching.checks[i].name);
		POISON(s->watching.checks[i].fix);
		for (size_t j = 0; j < s->watching.checks[i].n; j++)
			POISON(s->watching.checks[i].lines[j].text);
	}
	for (size_t i = 0; i < s->watching.n; i++) {
		POISON(s->watching.watches[i].text);
		s->watching.watches[i].ok = false;
	}
	for (size_t i = 0; i < s->dynos.n; i++) {
		POISON(s->dynos.dynos[i].name);
		POISON(s->dynos.dynos[i].command);
		POISON(s->dynos.dynos[i].state);
	}
	for (size_t i = 0; i < s->writers.n; i++) {
		POISON(s->writers.writers[i].who);
		POISON(s->writers.writers[i].query);
		s->writers.writers[i].rows = INT64_MAX;
	}
	for (size_t i = 0; i < s->host.n; i++)
		POISON(s->host.containers[i].name);
	for (size_t i = 0; i < s->host.n_routes; i++)
		POISON(s->host.routes[i].hosts);
	POISON(s->host.lock_by);
	for (size_t i = 0; i < s->transfer.n; i++) {
		POISON(s->transfer.list[i].text);
		s->transfer.list[i].rows = INT64_MAX;
		s->transfer.list[i].rows_total = i % 2 ? INT64_MAX : 3;
	}
	for (size_t i = 0; i < s->rows.n; i++) {
		POISON(s->rows.tables[i].table);
		POISON(s->rows.tables[i].cause);
		s->rows.tables[i].old_rows = i % 2 ? INT64_MAX : -1;
	}
	for (size_t i = 0; i < s->dns.n; i++) {
		POISON(s->dns.cells[i].label);
		POISON(s->dns.cells[i].state);
		POISON(s->dns.cells[i].value);
		POISON(s->dns.cells[i].site);
		POISON(s->dns.cells[i].six.state);
		POISON(s->dns.cells[i].six.value);
		s->dns.cells[i].six.expires_ms = i % 2 ? INT64_MAX : INT64_MIN;
		s->dns.cells[i].ttl_s = INT64_MAX;
	}
	for (size_t i = 0; i < s->traffic.n_smoke; i++)
		POISON(s->traffic.smoke[i].path);
	for (size_t i = 0; i < s->logs.lines.n; i++) {
		struct log_line *line = (struct log_line *)(uintptr_t)log_at(&s->logs.lines, i);

		POISON(line->source);
		free(line->text);
		line->text = strdup(NASTY NASTY NASTY NASTY NASTY NASTY NASTY NASTY NASTY);
	}
}

static void test_hostile_text(void **state)
{
	unsigned seed = 3;

	(void)state;
	for (int stage = STAGE_FREEZE; stage <= STAGE_WATCH; stage++) {
		struct night night = night_new((enum stage)stage);
		void *views[VIEWS];

		views_new(views);
		poison_steps(night.state);
		poison_rest(night.state);
		for (int i = 0; i < 40; i++) {
			struct size size = {1 + (int)(rand_r(&seed) % 200), 1 + (int)(rand_r(&seed) % 60)};

			draw(&night, views, size, layout_views[i % 8],
			     i % 3 ? NULL : panel_table[i % 11]->name, i % 2, NULL);
			act_all(&night, views, size, &seed);
			draw_cards(&night, views, size);
		}
		views_free(views);
		night_free(&night);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hostile_text),
	};

	in_utc();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
