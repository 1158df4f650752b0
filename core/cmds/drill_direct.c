/* A drill beside a cockpit: people drive, this process lets the faults strike and keeps the score. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/cmds/cmds.h"
#include "core/cmds/drill.h"
#include <signal.h>
#include <stdio.h>

enum {
	EYE_MS = 30,
	ENGINE_BACK_MS = 5000, /* a killed engine is missed first, then started again */
	LAST_WORDS_MS = 3000,  /* what a night that is over still has to write */
	NOBODY_MS = 60000,     /* no engine and no seat any more: nobody drills */
	ENGINE_ENDS_MS = 20000,
};

static volatile sig_atomic_t told_to_end;

static void on_signal(int number)
{
	told_to_end = number;
}

/* The judge needs both sides still; once the new app has been started, a difference tells nothing. */
static void judge(struct drill_world *world, struct drill *drill)
{
	const struct step_seen *last = steps_get(drill->state, drill->last),
			       *start = steps_get(drill->state, drill->start);
	bool started = start && start->attempts > 0;
	if (drill->judge == DRILL_NOT_ASKED && !started && last && step_state_finished(last->state))
		drill_judge_start(world, drill);
	drill_judge_look(world, drill);
	if (started && drill->judge == DRILL_DIFFER)
		drill->judge = DRILL_NOT_ASKED;
}

/* As a colleague would, who finds the screens without an engine. */
static void engine_back(struct drill *drill, char *dir, size_t size, int64_t now_ms)
{
	for (size_t i = 0; i < drill->n; i++) {
		struct drill_one *one = &drill->list[i];
		bool due = one->fault->engine && one->stage == DRILL_STRUCK && !one->noticed.at_ms &&
			   now_ms > one->struck_ms + ENGINE_BACK_MS;
		if (due && !night_engine_runs(dir)) {
			night_start_with(NULL, NULL, true, dir, size, NULL);
			return;
		}
	}
}

static bool is_over(const struct drill *drill, const char *dir, int64_t now_ms, int64_t *gone_ms)
{
	if (drill->state->closed_at_ms)
		return now_ms > drill->state->closed_at_ms + LAST_WORDS_MS && !drill_busy(drill);
	if (night_engine_runs(dir))
		*gone_ms = now_ms;
	return now_ms > *gone_ms + NOBODY_MS;
}

static void write_card(const struct drill *drill, const char *out, const struct err *err)
{
	struct buf card = {0};
	FILE *f = fopen(out, "we");
	drill_card(drill, false, &card);
	if (f) {
		fputs(buf_text(&card), f);
		if (err->kind)
			fprintf(f, "The card could not be written into the journal: %s\n", err->text);
		fclose(f);
	}
	buf_done(&card);
}

void drill_direct(struct drill *drill, const char *demo, const char *dir, const char *out)
{
	struct drill_world world;
	struct err err = {0};
	signal(SIGTERM, on_signal);
	drill_world_init(&world, demo);
	text_copy(world.dir, sizeof world.dir, dir);
	drill->hands = drill_world_hands(&world);
	drill->began_ms = clock_wall_ms();
	int64_t now_ms = drill->began_ms, gone_ms = now_ms, looked_ms = 0;
	bool over = false;
	while (!told_to_end && !over) {
		drill_read(&world, drill);
		now_ms = clock_wall_ms();
		drill_tick(drill, now_ms);
		judge(&world, drill);
		if (now_ms - looked_ms > 1000) {
			engine_back(drill, world.dir, sizeof world.dir, now_ms);
			over = is_over(drill, dir, now_ms, &gone_ms);
			looked_ms = now_ms;
		}
		clock_sleep_ms(EYE_MS);
	}
	drill_read(&world, drill);
	drill_tick(drill, clock_wall_ms());
	drill_end(drill, clock_wall_ms());
	drill_mend_all(&world, drill);
	/* A closed night's engine stays for its seats; the card comes after its last line. */
	for (int64_t from_ms = clock_life_ms();
	     night_engine_runs(dir) && (!told_to_end || clock_life_ms() - from_ms < ENGINE_ENDS_MS);)
		clock_sleep_ms(50);
	/* It has let go of its seats before its last child has ended, and holds the journal until then. */
	for (int64_t from_ms = clock_life_ms(); drill_journal(drill, false, dir, &err) < 0 &&
						err.kind == ERR_REFUSED &&
						clock_life_ms() - from_ms < ENGINE_ENDS_MS;) {
		clock_sleep_ms(100);
		err = (struct err){0};
	}
	write_card(drill, out, &err);
	drill_world_done(&world);
}
