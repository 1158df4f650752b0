/* Maintenance is as the night believes it to be, and its page can be shown at all. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/heroku.h"
#include <stdlib.h>

static enum verdict heroku_maintenance_run(struct job *job, struct evidence *ev, struct err *err);
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct check heroku_maintenance_check = {
    .name = "heroku-maintenance",
    .help = "maintenance on Heroku is as this night left it",
    .bite = "the app was in maintenance already, and the way back would open what was closed for a reason",
    .secrets = secrets,
    .run = heroku_maintenance_run,
};

static enum verdict heroku_maintenance_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct heroku *heroku = heroku_open(job, HEROKU_BRISK, err);
	struct heroku_app app;
	if (!heroku)
		return VERDICT_UNKNOWN;
	int rc = heroku_app_get(heroku, &app, err);
	const struct json *fact = job_fact(job, "maintenance", "");
	bool ours = json_bool(fact, "set", fact != NULL);
	if (rc == 0 && fact)
		evidence_add(
		    ev, app.maintenance == ours ? VERDICT_PASS : VERDICT_FAIL, "maintenance",
		    app.maintenance ? "on" : "off",
		    app.maintenance == ours
			? "Maintenance is %s, as this night left it."
			: "Maintenance is %s, and it was not this night that made it so: ask who did.",
		    app.maintenance ? "on" : "off");
	else if (rc == 0)
		evidence_add(
		    ev, app.maintenance ? VERDICT_WARN : VERDICT_PASS, "maintenance",
		    app.maintenance ? "on" : "off",
		    app.maintenance
			? "Maintenance is on before the night has begun: ask who put it there, and why."
			: "Maintenance is off.");
	if (rc == 0 && text_equal(app.generation, "fir"))
		evidence_add(ev, VERDICT_FAIL, "generation", "fir",
			     "The app is of the generation Fir, which has no maintenance mode.");
	if (rc == 0 && *app.space)
		evidence_add(ev, VERDICT_WARN, "space", app.space,
			     "The app is in the Private Space %s: its maintenance page is served by web "
			     "dynos, so keep one.",
			     app.space);
	heroku_close(heroku);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
