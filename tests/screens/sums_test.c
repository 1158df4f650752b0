/* The figures on the screens of the recorded night are arithmetic: each is worked out here a second way, from
 * the events themselves, at every tenth of a second of the night. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/sums.h"
#include "tests/screens/drawing.h"
#include "tui/replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define NIGHT "tests/journals/first/"

enum { TENTH_MS = 100 };

static struct replay *night_open(void)
{
	struct err err = {0};
	struct replay *replay = replay_open(NIGHT "journal.jsonl", NIGHT "trace.jsonl", &err);

	if (!replay)
		fprintf(stderr, "%s\n", err.text);
	assert_non_null(replay);
	return replay;
}

static int finished(const struct state *state)
{
	int n = 0;

	for (size_t i = 0; i < state->steps.n_forward; i++)
		n += step_state_finished(state->steps.steps[i].state);
	return n;
}

/* DOWN runs from the page that is on to the first public answer of NEW, and then stands still. */
static void check_down(const struct state *state, int64_t now_ms, const struct sums *sums)
{
	int64_t end_ms = state->public_at_ms > 0 ? state->public_at_ms : now_ms;

	if (state->freeze_at_ms <= 0) {
		assert_false(sums->down || sums->was_down);
		return;
	}
	assert_int_equal(sums->down_ms, end_ms - state->freeze_at_ms);
	assert_int_equal(sums->down, state->public_at_ms <= 0);
	assert_int_equal(sums->was_down, state->public_at_ms > 0);
}

/* Phases add up to the whole, and the place shown is one more than what is finished before it. */
static void check_steps(const struct state *state, int64_t now_ms, const struct sums *sums)
{
	int done = 0, total = 0;
	struct phase_sums phase;

	for (size_t i = 0; i < state->steps.n_phases; i++) {
		if (state->steps.phases[i].first >= state->steps.n_forward)
			continue;
		sums_phase(state, &state->steps.phases[i], now_ms, &phase);
		assert_true(phase.done >= 0 && phase.done <= phase.total && phase.elapsed_ms >= 0);
		assert_int_equal(phase.finished, phase.done == phase.total);
		done += phase.done;
		total += phase.total;
	}
	assert_int_equal(done, finished(state));
	assert_int_equal(total, sums->total);
	assert_int_equal(sums->number, done < total ? done + 1 : total);
}

static void check_shares(const struct state *state, const struct sums *sums, int *data_before)
{
	const struct transfer_state *t = &state->transfer;
	assert_true(sums->data_percent >= *data_before && sums->data_percent <= 100);
	*data_before = sums->data_percent;
	assert_true(sums->traffic_percent >= -1 && sums->traffic_percent <= 100);
	for (size_t i = 0; i < t->n; i++)
		assert_true(t->list[i].rows_total < 0 || t->list[i].rows <= t->list[i].rows_total);
	if (text_equal(t->stage, "restore") && t->rows_total > 0 && sums->data_percent < 100)
		assert_int_equal(sums->data_percent, units_percent(t->rows, t->rows_total));
}

static void test_every_moment(void **unused)
{
	struct replay *replay = night_open();
	struct state *state = state_new();
	int64_t last_ms = replay_last_ms(replay);
	int64_t restored = 0, counted = 0;
	int data = -1, moments = 0;
	struct sums sums;

	(void)unused;
	for (int64_t now_ms = replay_first_ms(replay); now_ms <= last_ms; now_ms += TENTH_MS) {
		replay_seek(replay, &state, now_ms);
		if (state->steps.n == 0)
			continue;
		sums_of(state, now_ms, &sums);
		check_down(state, now_ms, &sums);
		check_steps(state, now_ms, &sums);
		check_shares(state, &sums, &data);
		if (text_equal(state->transfer.stage, "restore"))
			restored = state->transfer.rows;
		moments++;
	}
	assert_true(moments > 100);
	assert_int_equal(data, 100);
	for (size_t i = 0; i < state->rows.n; i++)
		counted += state->rows.tables[i].verdict != 0 ? state->rows.tables[i].new_rows : 0;
	assert_int_equal(restored, counted);
	state_free(state);
	replay_close(replay);
}

/* What the rows of the screen say is what the tables sum up to, and both sides are one. */
static void test_rows_add_up(void **unused)
{
	struct replay *replay = night_open();
	struct night night = {.state = state_new()};
	int64_t old_rows = 0, new_rows = 0;
	char text[120], count[UNITS_MAX];
	struct canvas *canvas;
	void *views[VIEWS];
	int tables = 0;

	(void)unused;
	night.now_ms = replay_last_ms(replay);
	replay_seek(replay, &night.state, night.now_ms);
	for (size_t i = 0; i < night.state->rows.n; i++) {
		const struct rows_table *table = &night.state->rows.tables[i];

		if (table->verdict == 0)
			continue;
		assert_int_equal(table->old_rows, table->new_rows);
		old_rows += table->old_rows;
		new_rows += table->new_rows;
		tables++;
	}
	assert_int_equal(tables, night.state->rows.compared);
	assert_int_equal(tables, night.state->rows.equal);
	assert_int_equal(old_rows, new_rows);
	views_new(views);
	draw(&night, views, (struct size){160, 48}, "verify", "rows", false, &canvas);
	snprintf(text, sizeof(text), "%d of %d tables  %15s rows", tables, tables,
		 units_count(count, old_rows));
	assert_true(has(canvas, text));
	snprintf(text, sizeof(text), "%d/%d tables equal", tables, tables);
	assert_true(has(canvas, text));
	snprintf(text, sizeof(text), "WAS DOWN %02d:%02d",
		 (int)((night.state->public_at_ms - night.state->freeze_at_ms) / 60000),
		 (int)((night.state->public_at_ms - night.state->freeze_at_ms) / 1000 % 60));
	assert_true(has(canvas, text));
	canvas_free(canvas);
	views_free(views);
	state_free(night.state);
	replay_close(replay);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_moment),
	    cmocka_unit_test(test_rows_add_up),
	};

	in_utc();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
