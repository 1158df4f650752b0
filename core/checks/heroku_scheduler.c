/* heroku-scheduler: Heroku's own cron, which no API lists and no maintenance page stops. What its dashboard
 * shows is written into nightferry.yml by hand; here stands when it comes next. */
#include "core/base/clock.h"
#include "core/base/scheduler.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/heroku.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

static enum verdict heroku_scheduler_run(struct job *job, struct evidence *ev, struct err *err);

static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct check heroku_scheduler_check = {
    .name = "heroku-scheduler",
    .help = "the Heroku Scheduler, whose jobs only its dashboard can stop, and when they run next",
    .bite = "at the full hour a scheduler dyno starts in the middle of the freeze and writes",
    .secrets = secrets,
    .run = heroku_scheduler_run,
};

enum { RUNS = 3 };

/* "22 Nov 02:30, 23 Nov 02:30" by the clock that is asked for, `utc` or this machine's. */
static void say_runs(const char *at, int64_t now_ms, bool utc, char *out, size_t size)
{
	*out = '\0';
	int64_t when_ms = now_ms;
	for (int i = 0; i < RUNS; i++) {
		char text[32];
		struct tm tm;
		when_ms = scheduler_next_ms(at, when_ms);
		time_t seconds = (time_t)(when_ms / 1000);
		if (utc)
			gmtime_r(&seconds, &tm);
		else
			localtime_r(&seconds, &tm);
		strftime(text, sizeof text, "%d %b %H:%M", &tm);
		size_t used = strlen(out);
		text_copyf(out + used, size - used, "%s%s", used ? ", " : "", text);
	}
}

static void add_job(const struct json *row, int64_t now_ms, struct evidence *ev)
{
	char utc[80], here[80], in[UNITS_MAX];
	const char *run = json_str(row, "run", ""), *at = json_str(row, "at", "");
	int64_t next_ms = scheduler_next_ms(at, now_ms);
	if (!next_ms)
		return;
	say_runs(at, now_ms, true, utc, sizeof utc);
	say_runs(at, now_ms, false, here, sizeof here);
	evidence_add(ev, VERDICT_WARN, "job", run, "%.60s: in %s; %s UTC (here %s).", run,
		     units_duration(in, next_ms - now_ms), utc, here);
}

static void judge(const char *addon, const struct json *jobs, struct evidence *ev)
{
	size_t n = json_count(jobs);
	if (!addon && n)
		evidence_add(
		    ev, VERDICT_WARN, "scheduler", "none",
		    "The app has no Heroku Scheduler, but heroku.scheduler of nightferry.yml names %zu of "
		    "its jobs: who starts them?",
		    n);
	else if (!addon)
		evidence_add(ev, VERDICT_PASS, "scheduler", "none", "The app has no Heroku Scheduler.");
	else if (n)
		evidence_add(
		    ev, VERDICT_WARN, "scheduler", addon,
		    "%s starts its jobs during the maintenance, too: remove them in its dashboard before "
		    "the freeze.",
		    addon);
	else
		evidence_add(
		    ev, VERDICT_WARN, "scheduler", addon,
		    "%s starts its jobs during the maintenance, too, and no API tells which: write them "
		    "into heroku.scheduler of nightferry.yml, and remove them in its dashboard before the "
		    "freeze.",
		    addon);
	for (const struct json *row = json_first(jobs); row && addon; row = json_next(row))
		add_job(row, clock_wall_ms(), ev);
}

static enum verdict heroku_scheduler_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct heroku *heroku = heroku_open(job, HEROKU_BRISK, err);
	struct heroku_addon *list = NULL;
	const char *addon = NULL;
	size_t n = 0;
	int rc = heroku ? heroku_addons(heroku, &list, &n, err) : -1;
	for (size_t i = 0; i < n && rc == 0 && !addon; i++)
		if (text_equal(list[i].service, "scheduler"))
			addon = list[i].name;
	if (rc == 0)
		judge(addon, json_get(json_get(job_config(job), "heroku"), "scheduler"), ev);
	free(list);
	heroku_close(heroku);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
