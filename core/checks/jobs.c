/* jobs: nothing is left to do on the old side that would stay there, or somebody said that it may. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/jobs_sides.h"
#include <stdlib.h>
#include <string.h>

static enum verdict jobs_run(struct job *job, struct evidence *ev, struct err *err);

static const char *const secrets[] = {"HEROKU_API_KEY", "NEW_DATABASE_URL", "NEW_REDIS_URL", NULL};

const struct check jobs_check = {
    .name = "jobs",
    .help = "no background job stays behind: Redis is drained, jobs in tables came over with them",
    .bite = "mails that were queued when the workers stopped are in the old Redis, and nobody sends them",
    .secrets = secrets,
    .run = jobs_run,
};

struct look {
	struct job *job;
	struct jobs_sides sides;
	struct jobs_side old, new;
	bool frozen, compared;
};

static const char *title(const char *system)
{
	return text_equal(system, "sidekiq")       ? "Sidekiq"
	       : text_equal(system, "good_job")    ? "GoodJob"
	       : text_equal(system, "solid_queue") ? "Solid Queue"
						   : "Delayed Job";
}

/* Figures only: a waiver stands for exactly these jobs. */
static void fact_of(const struct jobs_system *s, char *out, size_t size)
{
	text_copyf(out, size, "%s %lld+%lld+%lld+%lld", s->name, (long long)s->waiting, (long long)s->retry,
		   (long long)s->scheduled, (long long)s->running);
}

/* Redis is not copied: what is in it is drained, accepted by name, or in a server that both sides use. */
static void judge_sidekiq(const struct look *l, const struct jobs_system *s, struct evidence *ev)
{
	char say[200], fact[120];
	int64_t left = jobs_left(s);
	jobs_say(s, say, sizeof say);
	fact_of(s, fact, sizeof fact);
	if (jobs_sides_same_redis(&l->sides))
		evidence_add(ev, VERDICT_PASS, s->name, "same",
			     "Both sides use the same Redis, so its jobs stay where they are: %s.", say);
	else if (!left)
		evidence_add(ev, VERDICT_PASS, s->name, "drained", "Sidekiq on OLD is drained: %s.", say);
	else if (!l->frozen)
		evidence_add(
		    ev, VERDICT_WARN, s->name, fact,
		    "Sidekiq on OLD has %s. Redis is not copied: by the flip they are drained, or accepted "
		    "by name.",
		    say);
	else
		evidence_add(
		    ev, VERDICT_FAIL, s->name, fact,
		    "Sidekiq on OLD still has %s. They would stay there: start its workers until it is "
		    "drained, move them, or waive this by name.",
		    say);
}

/* Jobs in tables are rows of the copy. */
static void judge_table(const struct look *l, const struct jobs_system *s, struct evidence *ev)
{
	const struct jobs_system *n = jobs_find(&l->new, s->name);
	char say[200], fact[120], here[UNITS_MAX], there[UNITS_MAX];
	const char *what = title(s->name);
	jobs_say(s, say, sizeof say);
	fact_of(s, fact, sizeof fact);
	units_count(here, n ? jobs_left(n) : 0);
	units_count(there, jobs_left(s));
	if (l->frozen && s->running > 0 && s->processes > 0)
		evidence_add(
		    ev, VERDICT_FAIL, s->name, fact,
		    "%s on OLD still works on %lld jobs in %lld processes after the freeze: stop them.", what,
		    (long long)s->running, (long long)s->processes);
	else if (l->compared && (!n || jobs_left(n) < jobs_left(s)) &&
		 !json_is_object(job_fact(l->job, "app-booted", "")))
		evidence_add(ev, VERDICT_FAIL, s->name, fact,
			     "%s has %s unfinished jobs on OLD and %s on NEW: they are not all in the copy.",
			     what, there, here);
	else if (l->frozen && s->running > 0)
		evidence_add(
		    ev, VERDICT_WARN, s->name, fact,
		    "%s was stopped with %lld jobs under way: the new side may do them a second time.", what,
		    (long long)s->running);
	else
		evidence_add(ev, VERDICT_PASS, s->name, "tables",
			     "%s is in the database and comes with it: %s.", what, say);
}

static enum verdict jobs_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct look *l = xcalloc(1, sizeof *l);
	l->job = job;
	l->frozen = job_fact(job, "frozen", "") != NULL;
	l->compared = job_fact(job, "compared", "") != NULL;
	jobs_sides_init(&l->sides, job);
	int rc = jobs_sides_look(&l->sides, JOBS_OLD, false, &l->old, err);
	bool sidekiq = jobs_find(&l->old, "sidekiq") != NULL;
	/* Of the new side only its tables decide, and where its Redis is. */
	if (rc == 0)
		rc = jobs_sides_look(&l->sides, JOBS_NEW, false, &l->new, err);
	for (size_t i = 0; i < l->old.n && rc == 0; i++)
		if (text_equal(l->old.systems[i].name, "sidekiq"))
			judge_sidekiq(l, &l->old.systems[i], ev);
		else
			judge_table(l, &l->old.systems[i], ev);
	if (rc == 0 && sidekiq && !l->frozen && !l->sides.place[JOBS_NEW].known)
		evidence_add(ev, VERDICT_WARN, "redis", "none", "Sidekiq runs on OLD, but %s.",
			     l->sides.place[JOBS_NEW].why_not);
	if (rc == 0 && !l->old.n)
		evidence_add(ev, VERDICT_PASS, "jobs", "none",
			     "No jobs of Sidekiq, GoodJob, Solid Queue or Delayed Job on OLD (%s).",
			     l->sides.place[JOBS_OLD].known ? "Redis is empty of them"
							    : l->sides.place[JOBS_OLD].why_not);
	jobs_sides_done(&l->sides);
	free(l);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
