/* cron: what is started by the clock is started by one side only. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/jobs_sides.h"
#include <stdlib.h>
#include <string.h>

static enum verdict cron_run(struct job *job, struct evidence *ev, struct err *err);

static const char *const secrets[] = {"HEROKU_API_KEY", "NEW_DATABASE_URL", "NEW_REDIS_URL", NULL};

const struct check cron_check = {
    .name = "cron",
    .help = "no job that the clock starts is started on both sides",
    .bite = "the nightly invoices go out twice, once from each side",
    .secrets = secrets,
    .run = cron_run,
};

static const struct jobs_cron *same_as(const struct jobs_side *side, const struct jobs_cron *c)
{
	for (size_t i = 0; i < side->n_cron; i++)
		if (side->cron[i].enabled && text_equal(side->cron[i].system, c->system) &&
		    text_equal(side->cron[i].name, c->name))
			return &side->cron[i];
	return NULL;
}

static size_t enabled(const struct jobs_side *side)
{
	size_t n = 0;
	for (size_t i = 0; i < side->n_cron; i++)
		n += side->cron[i].enabled;
	return n;
}

/* "nightly (sidekiq-cron), digest (good_job) and 3 more" */
static size_t both_names(const struct jobs_side *old, const struct jobs_side *new, char *out, size_t size)
{
	size_t n = 0;
	*out = '\0';
	for (size_t i = 0; i < old->n_cron; i++) {
		if (!old->cron[i].enabled || !same_as(new, &old->cron[i]))
			continue;
		size_t len = strlen(out);
		if (n++ < 3)
			text_copyf(out + len, size - len, "%s%.40s (%s)", len ? ", " : "", old->cron[i].name,
				   old->cron[i].system);
	}
	if (n > 3)
		text_copyf(out + strlen(out), size - strlen(out), " and %zu more", n - 3);
	return n;
}

/* More than could be listed are not known by name; a list of that length is no PASS. */
static bool cut(const struct jobs_side *side)
{
	return side->all_cron > (int64_t)side->n_cron;
}

static void judge(const struct jobs_side *old, const struct jobs_side *new, int old_runs, int new_runs,
		  const char *old_what, const char *new_what, struct evidence *ev)
{
	char names[200];
	size_t both = both_names(old, new, names, sizeof names);
	if (both && old_runs && new_runs)
		evidence_add(
		    ev, VERDICT_FAIL, "both", names,
		    "%s is on both sides, and both run (%s on OLD, %s on NEW): each time it is done twice. "
		    "Stop one of them.",
		    names, old_what, new_what);
	else if (cut(old) || cut(new))
		evidence_add(
		    ev, VERDICT_WARN, "many", "many",
		    "There are more entries than the %d that are compared: look at the rest by hand.",
		    JOBS_CRON);
	else if (both)
		evidence_add(ev, VERDICT_PASS, "both", "one side",
			     "%zu entr%s on both sides, and only %s: %s.", both,
			     both == 1 ? "y is" : "ies are",
			     old_runs   ? "OLD runs"
			     : new_runs ? "NEW runs"
					: "neither runs",
			     names);
	else if (enabled(old) || enabled(new))
		evidence_add(ev, VERDICT_PASS, "apart", "apart",
			     "%zu entries on OLD, %zu on NEW, none of them on both.", enabled(old),
			     enabled(new));
	else
		evidence_add(
		    ev, VERDICT_PASS, "none", "none",
		    "No entry of sidekiq-cron, sidekiq-scheduler, GoodJob's or Solid Queue's cron is known.");
}

static enum verdict cron_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct jobs_sides sides;
	struct jobs_side *two = xcalloc(2, sizeof *two);
	char what[2][60] = {"", ""};
	int runs[2] = {0, 0}, rc = 0;
	jobs_sides_init(&sides, job);
	for (int i = 0; i < 2 && rc == 0; i++)
		rc = jobs_sides_look(&sides, i, false, &two[i], err);
	if (rc == 0 && enabled(&two[JOBS_OLD]) && enabled(&two[JOBS_NEW])) {
		for (int i = 0; i < 2 && rc == 0; i++)
			rc = (runs[i] = jobs_side_runs(&sides, i, what[i], sizeof what[i], err)) < 0 ? -1 : 0;
	}
	if (rc == 0)
		judge(&two[JOBS_OLD], &two[JOBS_NEW], runs[JOBS_OLD], runs[JOBS_NEW], what[JOBS_OLD],
		      what[JOBS_NEW], ev);
	jobs_sides_done(&sides);
	free(two);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
