/* heroku-scheduler: Heroku's own cron, which no API lists and no maintenance page stops. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/heroku.h"
#include <stdlib.h>

static enum verdict heroku_scheduler_run(struct job *job, struct evidence *ev, struct err *err);

static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct check heroku_scheduler_check = {
    .name = "heroku-scheduler",
    .help = "the Heroku Scheduler, whose jobs only its dashboard can stop",
    .bite = "at the full hour a scheduler dyno starts in the middle of the freeze and writes",
    .secrets = secrets,
    .run = heroku_scheduler_run,
};

static enum verdict heroku_scheduler_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct heroku *heroku = heroku_open(job, HEROKU_BRISK, err);
	struct heroku_addon *list = NULL;
	size_t n = 0, found = 0;
	int rc = heroku ? heroku_addons(heroku, &list, &n, err) : -1;
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (!text_equal(list[i].service, "scheduler"))
			continue;
		found++;
		evidence_add(
		    ev, VERDICT_WARN, "scheduler", list[i].name,
		    "%s starts its jobs during the maintenance, too, and no API tells which: note them, and "
		    "remove them in its dashboard before the freeze.",
		    list[i].name);
	}
	if (rc == 0 && !found)
		evidence_add(ev, VERDICT_PASS, "scheduler", "none", "The app has no Heroku Scheduler.");
	free(list);
	heroku_close(heroku);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
