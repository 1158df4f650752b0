/* Folds of background jobs: see jobs.h. */
#include "core/night/kinds/fold.h"

static void side_done(struct jobs_side_seen *side)
{
	for (size_t i = 0; i < side->n; i++)
		free(side->systems[i].queues);
	free(side->systems);
	free(side->cron);
}

void jobs_done(struct state *state)
{
	side_done(&state->jobs.sides[0]);
	side_done(&state->jobs.sides[1]);
}

static void fold_queues(struct job_system_seen *system, const struct json *list)
{
	for (const struct json *x = json_first(list); x; x = json_next(x)) {
		struct job_queue_seen *queue = FOLD_PUSH(system->queues, system->n_queues);
		FOLD_TEXT(queue->name, x, "name");
		queue->waiting = json_int(x, "waiting", 0);
	}
}

/* How fast it goes is what was done between two looks; some systems tell the last minute themselves. */
static void fold_rate(struct job_system_seen *now, const struct jobs_side_seen *before, int64_t at_ms)
{
	now->moved_at_ms = at_ms;
	now->rate_minute = now->done_minute >= 0 ? (double)now->done_minute : -1;
	for (size_t i = 0; i < before->n; i++) {
		const struct job_system_seen *was = &before->systems[i];
		int64_t ms = at_ms - before->at_ms;
		if (!text_equal(was->name, now->name))
			continue;
		if (now->done >= 0 && was->done >= 0 && now->done >= was->done && ms > 0 &&
		    now->done_minute < 0)
			now->rate_minute = (double)(now->done - was->done) * 60000 / (double)ms;
		if (now->done >= 0 ? now->done == was->done : now->done_minute <= 0)
			now->moved_at_ms = was->moved_at_ms;
	}
}

static void fold_system(struct jobs_side_seen *side, const struct jobs_side_seen *before,
			const struct json *x, int64_t at_ms)
{
	struct job_system_seen *s = FOLD_PUSH(side->systems, side->n);
	FOLD_TEXT(s->name, x, "name");
	s->waiting = json_int(x, "waiting", 0);
	s->retry = json_int(x, "retry", -1);
	s->scheduled = json_int(x, "scheduled", 0);
	s->running = json_int(x, "running", 0);
	s->failed = json_int(x, "failed", -1);
	s->done = json_int(x, "done", -1);
	s->done_minute = json_int(x, "done_minute", -1);
	s->processes = json_int(x, "processes", -1);
	s->all_queues = json_int(x, "all_queues", 0);
	fold_queues(s, json_get(x, "queues"));
	fold_rate(s, before, at_ms);
}

static void fold_jobs_seen(struct state *state, const struct event *event)
{
	const struct json *b = event->body;
	struct jobs_side_seen *side = &state->jobs.sides[text_equal(json_str(b, "side", ""), "NEW")],
			      before = *side;
	FOLD_TEXT(side->error, b, "error");
	/* What was seen before stands, and its age says how old it is. */
	if (*side->error)
		return;
	*side = (struct jobs_side_seen){.seen = true, .at_ms = event->at_ms};
	FOLD_TEXT(side->redis, b, "redis");
	for (const struct json *x = json_first(json_get(b, "systems")); x; x = json_next(x))
		fold_system(side, &before, x, event->at_ms);
	for (const struct json *x = json_first(json_get(b, "cron")); x; x = json_next(x)) {
		struct job_cron_seen *c = FOLD_PUSH(side->cron, side->n_cron);
		FOLD_TEXT(c->system, x, "system");
		FOLD_TEXT(c->name, x, "name");
		FOLD_TEXT(c->schedule, x, "schedule");
		c->enabled = json_bool(x, "enabled", true);
	}
	side->all_cron = json_int(b, "all_cron", (int64_t)side->n_cron);
	side_done(&before);
}

const struct kind jobs_seen_kind = {
    .name = "jobs.seen", .keep = KEEP_CHANGE, .key = "side", .since = 1, .fold = fold_jobs_seen};
