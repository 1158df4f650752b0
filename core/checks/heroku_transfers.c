/* No backup, restore or copy is under way, and none of Heroku's own is near. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/heroku.h"
#include <stdlib.h>

static enum verdict heroku_transfers_run(struct job *job, struct evidence *ev, struct err *err);
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct check heroku_transfers_check = {
    .name = "heroku-transfers",
    .help = "no backup is under way or scheduled into the night",
    .bite = "Heroku makes one backup at a time: a scheduled one holds up the last dump",
    .secrets = secrets,
    .run = heroku_transfers_run,
};

enum { NEAR_MS = 8 * 3600 * 1000 };

static void judge_running(struct job *job, const struct heroku_transfer *list, size_t n, struct evidence *ev)
{
	size_t running = 0;
	const char *ours = json_str(job_fact(job, "backup", ""), "id", "");
	for (size_t i = 0; i < n; i++) {
		char since[UNITS_MAX];
		if (list[i].finished_ms || text_equal(list[i].id, ours))
			continue;
		running++;
		evidence_add(ev, VERDICT_FAIL, "running", list[i].id,
			     "%s is under way since %s; wait for its end or cancel it.", list[i].label,
			     units_clock_hm(since, list[i].created_ms));
	}
	if (!running)
		evidence_add(ev, VERDICT_PASS, "running", "none", "No backup, restore or copy is under way.");
}

/* What the last one says about the next one. */
static void judge_last(const struct heroku_transfer *list, size_t n, struct evidence *ev)
{
	for (size_t i = 0; i < n; i++) {
		char took[UNITS_MAX];
		if (!heroku_is_backup(&list[i]) || !list[i].finished_ms)
			continue;
		units_duration(took, list[i].finished_ms -
					 (list[i].started_ms ? list[i].started_ms : list[i].created_ms));
		if (list[i].succeeded == 1)
			evidence_add(ev, VERDICT_PASS, "last", "good", "The newest backup, %s, took %s.",
				     list[i].label, took);
		else
			evidence_add(ev, VERDICT_WARN, "last", list[i].label,
				     "The newest backup, %s, %s: try one before the night.", list[i].label,
				     list[i].canceled_ms ? "was cancelled" : "failed");
		return;
	}
	evidence_add(
	    ev, VERDICT_WARN, "last", "none",
	    "No backup was ever made, so nobody knows how long one takes: try one before the night.");
}

static void judge_schedules(const struct heroku_schedule *list, size_t n, struct evidence *ev)
{
	int64_t now = clock_wall_ms();
	for (size_t i = 0; i < n; i++) {
		int64_t next = heroku_schedule_next_ms(&list[i], now);
		char in[UNITS_MAX];
		if (next && next - now > NEAR_MS)
			evidence_add(ev, VERDICT_PASS, "schedule", list[i].id,
				     "The next scheduled one is %s away.", units_age(in, next - now));
		else
			evidence_add(ev, VERDICT_WARN, "schedule", list[i].id,
				     "Heroku makes its own backup of %s at %02d:00 %s%s%s; take it away for "
				     "tonight: `heroku pg:backups:unschedule`.",
				     list[i].name, list[i].hour, list[i].timezone, next ? ", in " : "",
				     next ? units_duration(in, next - now) : "");
	}
	if (!n)
		evidence_add(ev, VERDICT_PASS, "schedule", "none", "No backup is scheduled.");
}

static enum verdict heroku_transfers_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct heroku *heroku = heroku_open(job, HEROKU_BRISK, err);
	struct heroku_database database;
	struct heroku_transfer *list = NULL;
	struct heroku_schedule *schedules = NULL;
	size_t n, n_schedules;
	if (!heroku)
		return VERDICT_UNKNOWN;
	int rc = heroku_database(heroku, &database, err);
	if (rc == 0)
		rc = heroku_transfers(heroku, database.app, &list, &n, err);
	if (rc == 0)
		rc = heroku_schedules(heroku, &database, &schedules, &n_schedules, err);
	if (rc == 0) {
		judge_running(job, list, n, ev);
		judge_last(list, n, ev);
		judge_schedules(schedules, n_schedules, ev);
	}
	free(list);
	free(schedules);
	heroku_close(heroku);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
