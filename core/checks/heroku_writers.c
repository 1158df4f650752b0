/* Who may write to the old database although web and worker are at zero. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/heroku.h"
#include <stdlib.h>
#include <string.h>

static enum verdict heroku_writers_run(struct job *job, struct evidence *ev, struct err *err);
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct check heroku_writers_check = {
    .name = "heroku-writers",
    .help = "who may write to the old database beside its web and worker dynos is known",
    .bite = "Scheduler wakes at three in the morning and writes into the database that was copied at two",
    .secrets = secrets,
    .run = heroku_writers_run,
};

static void judge_dynos(const struct heroku_dyno *dynos, size_t n, const struct heroku_process *formation,
			size_t n_formation, struct evidence *ev)
{
	size_t beside = 0;
	for (size_t i = 0; i < n; i++) {
		bool formed = false;
		for (size_t k = 0; k < n_formation; k++)
			formed = formed || text_equal(formation[k].type, dynos[i].type);
		if (formed)
			continue;
		beside++;
		evidence_add(ev, VERDICT_WARN, "one-off", dynos[i].name,
			     "%s runs beside the formation (%.120s).", dynos[i].name, dynos[i].command);
	}
	if (!beside)
		evidence_add(ev, VERDICT_PASS, "one-off", "none", "No dyno runs beside the formation.");
}

static void judge_addons(const struct heroku_addon *addons, size_t n, struct evidence *ev)
{
	size_t writers = 0;
	for (size_t i = 0; i < n; i++) {
		bool clock =
		    text_find(addons[i].service, "scheduler") || text_find(addons[i].service, "cron");
		bool connect = text_equal(addons[i].service, "heroku-connect");
		writers += clock || connect;
		if (clock)
			evidence_add(ev, VERDICT_WARN, "scheduler", addons[i].name,
				     "%s starts dynos of its own, and Heroku's API shows none of its jobs: "
				     "write them down from "
				     "`heroku addons:open %s`, and disable them there at the freeze.",
				     addons[i].service, addons[i].service);
		if (connect)
			evidence_add(ev, VERDICT_WARN, "connect", addons[i].name,
				     "Heroku Connect writes to the database from outside the app: pause its "
				     "mappings.");
	}
	if (!writers)
		evidence_add(ev, VERDICT_PASS, "add-ons", "none",
			     "No add-on is known to write to the database.");
}

struct elsewhere {
	const char *own;
	struct evidence *ev;
	size_t n;
};

static void each_attachment(void *ctx, const struct json *item)
{
	struct elsewhere *there = ctx;
	char app[64], raw_name[64];
	const char *raw = json_str(json_get(item, "app"), "name", ""), *name = json_str(item, "name", "");
	text_clean(app, sizeof app, raw, strlen(raw));
	text_clean(raw_name, sizeof raw_name, name, strlen(name));
	if (!*app || text_equal(app, there->own))
		return;
	there->n++;
	evidence_add(
	    there->ev, VERDICT_WARN, "other-app", app,
	    "The app %s has the same database as %s: its dynos go on writing when this app is stopped.", app,
	    raw_name);
}

static int judge_attachments(struct heroku *heroku, struct evidence *ev, struct err *err)
{
	struct heroku_database database;
	char path[160];
	struct elsewhere there = {.own = heroku_app(heroku), .ev = ev};
	if (heroku_database(heroku, &database, err) < 0)
		return -1;
	text_copyf(path, sizeof path, "/addons/%s/addon-attachments", database.id);
	if (heroku_each(heroku, &(struct heroku_call){.accept = "3.sdk"}, path, each_attachment, &there,
			err) < 0)
		return -1;
	if (!there.n)
		evidence_add(ev, VERDICT_PASS, "other-app", "none",
			     "No other app has the database attached.");
	return 0;
}

static enum verdict heroku_writers_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct heroku *heroku = heroku_open(job, HEROKU_BRISK, err);
	struct heroku_dyno *dynos = NULL;
	struct heroku_process *formation = NULL;
	struct heroku_addon *addons = NULL;
	size_t n_dynos, n_formation, n_addons;
	if (!heroku)
		return VERDICT_UNKNOWN;
	int rc = heroku_dynos(heroku, &dynos, &n_dynos, err);
	if (rc == 0)
		rc = heroku_formation(heroku, &formation, &n_formation, err);
	if (rc == 0)
		rc = heroku_addons(heroku, &addons, &n_addons, err);
	if (rc == 0) {
		judge_dynos(dynos, n_dynos, formation, n_formation, ev);
		judge_addons(addons, n_addons, ev);
		rc = judge_attachments(heroku, ev, err);
	}
	free(dynos);
	free(formation);
	free(addons);
	heroku_close(heroku);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
