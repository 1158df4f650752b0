/* jobs: what background jobs each side still has, and how fast the new side works them off. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/jobs_sides.h"
#include <stdlib.h>

enum { LOOK_MS = 10000, DEEP_LOOKS = 6, BACK_OFF_MOST_MS = 30000 };

static int jobs_run(struct job *job, struct err *err);

static const char *const secrets[] = {"HEROKU_API_KEY", "NEW_DATABASE_URL", "NEW_REDIS_URL", NULL};

const struct watch jobs_watch = {
    .name = "jobs",
    .help = "background jobs of both sides, in Redis and in the databases",
    .secrets = secrets,
    .run = jobs_run,
};

static const char *const names[2] = {"OLD", "NEW"};

struct looks {
	struct jobs_sides sides;
	struct jobs_side side[2];
	int64_t failed[2][JOBS_SYSTEMS]; /* of the newest deep look */
	int n;
};

static void tell_system(struct jw *w, const struct jobs_system *s)
{
	jw_obj(w, NULL);
	jw_str(w, "name", s->name);
	jw_int(w, "waiting", s->waiting);
	jw_int(w, "retry", s->retry);
	jw_int(w, "scheduled", s->scheduled);
	jw_int(w, "running", s->running);
	jw_int(w, "failed", s->failed);
	jw_int(w, "done", s->done);
	jw_int(w, "done_minute", s->done_minute);
	jw_int(w, "processes", s->processes);
	jw_int(w, "all_queues", s->all_queues);
	jw_arr(w, "queues");
	for (size_t i = 0; i < s->n_queues; i++) {
		jw_obj(w, NULL);
		jw_str(w, "name", s->queues[i].name);
		jw_int(w, "waiting", s->queues[i].waiting);
		jw_end(w);
	}
	jw_end(w);
	jw_end(w);
}

static void tell(struct looks *l, int which, const struct err *err)
{
	const struct jobs_side *side = &l->side[which];
	const struct jobs_redis *place = &l->sides.place[which];
	struct jw w;
	jw_event(&w, "jobs.seen");
	jw_str(&w, "side", names[which]);
	jw_str(&w, "error", err->text);
	jw_str(&w, "redis", place->known ? place->asked : place->why_not);
	jw_arr(&w, "systems");
	for (size_t i = 0; i < side->n && !err->kind; i++)
		tell_system(&w, &side->systems[i]);
	jw_end(&w);
	jw_arr(&w, "cron");
	for (size_t i = 0; i < side->n_cron && !err->kind; i++) {
		jw_obj(&w, NULL);
		jw_str(&w, "system", side->cron[i].system);
		jw_str(&w, "name", side->cron[i].name);
		jw_str(&w, "schedule", side->cron[i].schedule);
		jw_bool(&w, "enabled", side->cron[i].enabled);
		jw_end(&w);
	}
	jw_end(&w);
	jw_int(&w, "all_cron", side->all_cron);
	job_event(l->sides.job, &w);
}

/* What only a scan tells is looked for now and then; between, the newest stands. */
static void keep_deep(struct looks *l, int which, bool deep)
{
	for (size_t i = 0; i < l->side[which].n; i++) {
		struct jobs_system *s = &l->side[which].systems[i];
		if (deep || s->failed >= 0)
			l->failed[which][i] = s->failed;
		else
			s->failed = l->failed[which][i];
	}
}

static int look(struct looks *l, char text[400])
{
	bool deep = l->n++ % DEEP_LOOKS == 0;
	int rc = 0;
	*text = '\0';
	for (int which = 0; which < 2; which++) {
		struct err err = {0};
		if (jobs_sides_look(&l->sides, which, deep, &l->side[which], &err) < 0) {
			if (err.kind == ERR_CANCELLED)
				return 0;
			if (rc == 0)
				text_copyf(text, 400, "%s: %.380s", names[which], err.text);
			rc = -1;
		} else {
			keep_deep(l, which, deep);
		}
		tell(l, which, &err);
	}
	return rc;
}

static int jobs_run(struct job *job, struct err *err)
{
	struct looks *l = xcalloc(1, sizeof *l);
	int64_t wait_ms = LOOK_MS;
	(void)err;
	jobs_sides_init(&l->sides, job);
	do {
		char text[400];
		int rc = look(l, text);
		if (job_stopping(job))
			break;
		job_beat(job, LOOK_MS, rc == 0, text);
		/* A side that cannot be reached is not knocked at every few seconds. */
		wait_ms = rc == 0 ? LOOK_MS : wait_ms * 2 > BACK_OFF_MOST_MS ? BACK_OFF_MOST_MS : wait_ms * 2;
	} while (!job_wait(job, wait_ms));
	jobs_sides_done(&l->sides);
	free(l);
	return 0;
}
