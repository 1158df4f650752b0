/* timeout: 240 */
/* The delta against random databases under random work: whatever happened on OLD during and after the copy,
 * in whatever transactions, both sides give the same dump, and the proof says so. MODEL_SEEDS says how many
 * databases, MODEL_FIRST which one is the first. */
#include "tests/copy/deaths.h"
#include "tests/copy/model.h"
#include "core/copy/compare.h"
#include "core/copy/delta.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void work_between(void *ctx)
{
	model_work(ctx, 8);
}

static void work_after_a_death(void *ctx)
{
	model_work(ctx, 60);
}

static uint64_t random_of(void *ctx)
{
	return model_random(ctx, 1000000);
}

/* Every second one by the worker itself, which is killed and gone on with. */
static struct deaths copy(const struct pair *pair, struct model *model, uint64_t seed)
{
	if (seed % 2 == 0)
		return deaths_warm(pair, model->database, random_of, work_after_a_death, model);
	pair_schema(pair, model->database);
	pair_warm(pair, model->database, work_between, model);
	return (struct deaths){0};
}

static struct copy_delta round_of(const struct pair *pair, const char *database, bool last)
{
	struct err err = {0};
	struct copy_delta out;
	struct pg *source = pair_open(pair, PAIR_OLD, database),
		  *target = pair_open(pair, PAIR_NEW, database);
	copy_delta_run(source, target, &(struct copy_delta_options){.lanes = 2, .last = last, .stop_fd = -1},
		       &out, &err);
	assert_string_equal(err.text, "");
	pg_close(source);
	pg_close(target);
	return out;
}

/* The proof says the same as the dumps. */
static void expect_proved(const struct pair *pair, const char *database)
{
	struct copy_compared compared;
	struct err err = {0};
	struct pg *old_pg = pair_open(pair, PAIR_OLD, database),
		  *new_pg = pair_open(pair, PAIR_NEW, database);
	copy_compare_run(old_pg, new_pg, &(struct copy_compare_options){.content = true, .lanes = 1},
			 &compared, &err);
	assert_string_equal(err.text, "");
	assert_true(copy_all_equal(&compared));
	copy_compared_done(&compared);
	pg_close(old_pg);
	pg_close(new_pg);
}

static void one_database(const struct pair *pair, uint64_t seed)
{
	struct model model;
	char when[60];
	struct copy_delta live, last;
	model_begin(&model, pair, seed);
	model_work(&model, 150);
	struct deaths deaths = copy(pair, &model, seed);
	model_work(&model, 150);
	live = round_of(pair, model.database, false);
	model_work(&model, 80);
	round_of(pair, model.database, false);
	for (int i = 0; i < 2; i++) {
		model_work(&model, 60);
		model_quiet(&model);
		last = round_of(pair, model.database, true);
		snprintf(when, sizeof when, "seed %llu, end %d", (unsigned long long)seed, i + 1);
		pair_equal(pair, model.database, when);
		expect_proved(pair, model.database);
	}
	print_message("seed %llu: %zu copies, %zu gone on with; %zu tables, %zu statements (%zu refused), "
		      "live delta %lld changed %lld "
		      "removed %zu again, last "
		      "%lld changed %lld removed\n",
		      (unsigned long long)seed, deaths.attempts, deaths.resumed, live.tables, model.done,
		      model.refused, (long long)live.changed, (long long)live.removed, live.replaced,
		      (long long)last.changed, (long long)last.removed);
	model_end(&model);
}

static void random_databases(void **state)
{
	const struct pair *pair = *state;
	const char *seeds = getenv("MODEL_SEEDS"), *first = getenv("MODEL_FIRST");
	uint64_t from = first ? strtoull(first, NULL, 10) : 1, n = seeds ? strtoull(seeds, NULL, 10) : 2;
	if (!pair->up)
		skip();
	for (uint64_t seed = from; seed < from + n; seed++)
		one_database(pair, seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(random_databases)};
	return cmocka_run_group_tests(tests, pair_up, pair_down);
}
