/* Heroku itself is well tonight, plans nothing with the database, and each add-on has something that takes
 * its place. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/heroku.h"
#include <stdlib.h>

static enum verdict heroku_around_run(struct job *job, struct evidence *ev, struct err *err);
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct check heroku_around_check = {
    .name = "heroku-around",
    .help = "Heroku's platform, the database's maintenance, add-ons and features stand in nobody's way",
    .bite = "Heroku fails over the database in its maintenance window, in the middle of the copy",
    .secrets = secrets,
    .run = heroku_around_run,
};

enum { TONIGHT_MS = 16 * 3600 * 1000 };

static void judge_platform(struct job *job, struct evidence *ev)
{
	struct heroku_platform platform;
	struct err unseen = {0};
	if (heroku_platform(job, &platform, &unseen) < 0)
		evidence_add(ev, VERDICT_WARN, "platform", "unseen",
			     "Heroku's status page could not be read: %.180s", unseen.text);
	else if (!platform.asked)
		evidence_add(ev, VERDICT_PASS, "platform", "other",
			     "heroku.api leads to another Heroku than the real one; it has no status page.");
	else if (*platform.trouble)
		evidence_add(
		    ev, VERDICT_WARN, "platform", platform.trouble,
		    "Heroku says of itself: %s%s%.120s. Look at status.heroku.com before the freeze.",
		    platform.trouble, *platform.incident ? ", " : "", platform.incident);
	else
		evidence_add(ev, VERDICT_PASS, "platform", "green",
			     "Heroku says that all its systems are well.");
}

static void judge_maintenance(const struct heroku_data_maintenance *m, struct evidence *ev)
{
	bool now = text_equal(m->status, "preparing") || text_equal(m->status, "ready") ||
		   text_equal(m->status, "running");
	int64_t in_ms = m->scheduled_ms - clock_wall_ms();
	char in[UNITS_MAX];
	if (now || (m->scheduled_ms && in_ms > -TONIGHT_MS / 4 && in_ms < TONIGHT_MS))
		evidence_add(ev, VERDICT_FAIL, "data-maintenance", m->status,
			     "The database's maintenance is %s%s%s: it moves the database and changes its "
			     "URL. Move it with "
			     "`heroku data:maintenances:schedule`, or move the night.",
			     m->status, m->scheduled_ms ? ", scheduled in " : "",
			     m->scheduled_ms ? units_duration(in, in_ms > 0 ? in_ms : 0) : "");
	else if (m->scheduled_ms || text_equal(m->status, "pending"))
		evidence_add(ev, VERDICT_WARN, "data-maintenance", m->status,
			     "A maintenance of the database is %s for %s.", m->status,
			     m->scheduled_ms ? units_iso(in, m->scheduled_ms) : "a time not said");
	else
		evidence_add(ev, VERDICT_PASS, "data-maintenance", "none",
			     "No maintenance of the database is planned; its window is %s.",
			     *m->window ? m->window : "not said");
}

static void judge_addons(const struct heroku_addon *list, size_t n, struct evidence *ev)
{
	size_t known = 0;
	for (size_t i = 0; i < n; i++) {
		if (heroku_replaced_by(list[i].service))
			known++;
		else
			evidence_add(ev, VERDICT_WARN, "add-on", list[i].name,
				     "Nothing known takes the place of %s (%s): decide before the night.",
				     list[i].plan, list[i].name);
		if (*list[i].state && !text_equal(list[i].state, "provisioned"))
			evidence_add(ev, VERDICT_WARN, "add-on-state", list[i].name, "%s is %s.",
				     list[i].name, list[i].state);
	}
	evidence_add(ev, VERDICT_PASS, "add-ons", "",
		     "%zu of %zu add-ons are known, and what takes their place.", known, n);
}

static void judge_features(const struct heroku_feature *list, size_t n, struct evidence *ev)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].enabled && text_equal(list[i].name, "preboot"))
			evidence_add(ev, VERDICT_WARN, "preboot", "on",
				     "Preboot is on: on the way back, web dynos of two releases may write "
				     "side by side for up to "
				     "3 minutes.");
}

static enum verdict heroku_around_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct heroku *heroku = heroku_open(job, HEROKU_BRISK, err);
	struct heroku_database database;
	struct heroku_data_maintenance maintenance;
	struct heroku_addon *addons = NULL;
	struct heroku_feature *features = NULL;
	size_t n_addons, n_features;
	if (!heroku)
		return VERDICT_UNKNOWN;
	int rc = heroku_database(heroku, &database, err);
	if (rc == 0)
		rc = heroku_data_maintenance(heroku, &database, &maintenance, err);
	if (rc == 0)
		rc = heroku_addons(heroku, &addons, &n_addons, err);
	if (rc == 0)
		rc = heroku_features(heroku, &features, &n_features, err);
	if (rc == 0) {
		judge_platform(job, ev);
		judge_maintenance(&maintenance, ev);
		judge_addons(addons, n_addons, ev);
		judge_features(features, n_features, ev);
	}
	if (rc == 0 && *heroku_warning(heroku))
		evidence_add(ev, VERDICT_WARN, "warning", heroku_warning(heroku), "Heroku warns: %s",
			     heroku_warning(heroku));
	free(addons);
	free(features);
	heroku_close(heroku);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
