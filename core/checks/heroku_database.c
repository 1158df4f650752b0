/* The database's plan can be backed up the way the playbook does it, and has room for the copy's connections.
 */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/heroku.h"
#include <string.h>

static enum verdict heroku_database_run(struct job *job, struct evidence *ev, struct err *err);
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct check heroku_database_check = {
    .name = "heroku-database",
    .help = "the old database's plan, size, state and connections allow the copy",
    .bite = "backups of more than 20 GB time out, and 20 connections are soon used up",
    .secrets = secrets,
    .run = heroku_database_run,
};

#define LARGE_BYTES (20LL * 1000 * 1000 * 1000)
#define SOON_MS (180 * 86400000LL)
enum { COPY_CONNECTIONS = 5 };

static void judge_plan(const struct heroku_database *database, const struct heroku_database_info *info,
		       struct evidence *ev)
{
	if (text_starts(database->plan, "advanced") || text_starts(database->plan, "performance"))
		evidence_add(ev, VERDICT_FAIL, "plan", database->plan,
			     "The plan %s has no such backups; use a playbook that copies with pg_dump.",
			     database->plan);
	else
		evidence_add(ev, VERDICT_PASS, "plan", database->plan, "%s is of the plan %s, PostgreSQL %s.",
			     database->name, database->plan,
			     *info->version ? info->version : "of an unknown version");
	if (info->waiting || (*info->status && !text_starts(info->status, "Available")))
		evidence_add(ev, VERDICT_FAIL, "status", info->status,
			     "Its state is \"%s\"; wait until it is available.",
			     *info->status ? info->status : "being prepared");
	if (*info->following)
		evidence_add(ev, VERDICT_FAIL, "follower", "follower",
			     "DATABASE_URL names a follower, which may be behind: promote it first.");
}

/* The last day on which PostgreSQL's own people mend a major version. */
static const struct {
	int major;
	const char *last;
} ends[] = {
    {9, "2021-11-11"},  {10, "2022-11-10"}, {11, "2023-11-09"}, {12, "2024-11-21"}, {13, "2025-11-13"},
    {14, "2026-11-12"}, {15, "2027-11-11"}, {16, "2028-11-09"}, {17, "2029-11-08"}, {18, "2030-11-14"},
};

static void judge_version(const char *version, struct evidence *ev)
{
	char today[UNITS_MAX], soon[UNITS_MAX];
	int major = (int)units_parse_int(version, 0);
	units_iso(today, clock_wall_ms());
	units_iso(soon, clock_wall_ms() + SOON_MS);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		if (ends[i].major != major)
			continue;
		if (strncmp(today, ends[i].last, 10) > 0)
			evidence_add(
			    ev, VERDICT_WARN, "version", "over",
			    "PostgreSQL %s was last mended on %s: Heroku upgrades such a database by itself, "
			    "and the new side should run a newer one.",
			    version, ends[i].last);
		else if (strncmp(soon, ends[i].last, 10) > 0)
			evidence_add(
			    ev, VERDICT_WARN, "version", "soon",
			    "PostgreSQL %s is mended until %s only: let the new side run a newer one.",
			    version, ends[i].last);
		else
			evidence_add(ev, VERDICT_PASS, "version", "", "PostgreSQL %s is mended until %s.",
				     version, ends[i].last);
		return;
	}
}

static void judge_size(const struct heroku_database_info *info, struct evidence *ev)
{
	char size[UNITS_MAX], most[UNITS_MAX];
	if (info->size_bytes < 0) {
		evidence_add(ev, VERDICT_WARN, "size", "unsaid", "Heroku does not say how large it is.");
		return;
	}
	units_size(size, info->size_bytes);
	if (info->size_bytes > LARGE_BYTES)
		evidence_add(
		    ev, VERDICT_WARN, "size", "large",
		    "%s: above 20 GB Heroku's own backups may time out; try one before the night, or "
		    "copy with pg_dump.",
		    size);
	else
		evidence_add(ev, VERDICT_PASS, "size", "", "It holds %s.", size);
	if (info->capacity_bytes > 0 && info->size_bytes > info->capacity_bytes)
		evidence_add(ev, VERDICT_WARN, "capacity", "over",
			     "It is over its plan's %s: Heroku may take away its right to write.",
			     units_size(most, info->capacity_bytes));
}

static void judge_connections(const struct heroku_database_info *info, struct evidence *ev)
{
	if (info->limit <= 0)
		evidence_add(ev, VERDICT_WARN, "connections", "unsaid",
			     "Heroku does not say how many connections it allows.");
	else if (info->connections + COPY_CONNECTIONS > info->limit)
		evidence_add(ev, VERDICT_WARN, "connections", "full",
			     "%d of %d connections are taken: the copy and the counts find no room until "
			     "the dynos are stopped.",
			     info->connections, info->limit);
	else
		evidence_add(ev, VERDICT_PASS, "connections", "", "%d of %d connections are taken.",
			     info->connections, info->limit);
}

static void judge_credentials(const struct heroku_database_info *info, struct evidence *ev)
{
	if (info->credentials > 1)
		evidence_add(ev, VERDICT_WARN, "credentials", "more",
			     "It has %d credentials: whoever has one may go on writing when the app is "
			     "stopped, and none of them comes along; look with `heroku pg:credentials`.",
			     info->credentials);
	else if (info->credentials == 1)
		evidence_add(ev, VERDICT_PASS, "credentials", "one",
			     "The app's own credential is the only one.");
}

static enum verdict heroku_database_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct heroku *heroku = heroku_open(job, HEROKU_BRISK, err);
	struct heroku_database database;
	struct heroku_database_info info;
	if (!heroku)
		return VERDICT_UNKNOWN;
	int rc = heroku_database(heroku, &database, err);
	if (rc == 0)
		rc = heroku_database_info(heroku, &database, &info, err);
	if (rc == 0) {
		judge_plan(&database, &info, ev);
		judge_version(info.version, ev);
		judge_size(&info, ev);
		judge_connections(&info, ev);
		judge_credentials(&info, ev);
	}
	heroku_close(heroku);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
