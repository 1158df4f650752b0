/* The plan of restore: one server, readable dump, room, an empty database; or what an earlier one has become.
 */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/steps/earlier.h"
#include "core/steps/copy_evidence.h"
#include "core/steps/restore.h"
#include <stdlib.h>
#include <string.h>

enum { GUESS_BYTES_PER_MS = 25000 };

/* What we look at and what pg_restore would write to must be one server: a forgotten tunnel is enough to mix
 * them up. */
static int plan_identity(struct restore *r, struct plan *plan, struct err *err)
{
	static const char sql[] = "SELECT system_identifier FROM pg_control_system()";
	struct buf inside = {0};
	char outside[40] = "", same[40];
	struct err seen = {0};
	if (pg_value(r->pg, sql, NULL, outside, sizeof outside, &seen) < 0) {
		evidence_add(&plan->seen, VERDICT_WARN, "server", "unseen",
			     "whether the URL and %s are one server could not be seen", r->db.container);
		return 0;
	}
	struct buf command = {0};
	buf_addf(&command, "docker exec %s psql -X -At -U ", r->db.container);
	ssh_quote(&command, r->db.user);
	buf_adds(&command, " -d ");
	ssh_quote(&command, r->db.database);
	buf_addf(&command, " -c '%s'", sql);
	int rc = ssh_run(r->ssh, &inside, err, "%s", buf_text(&command));
	text_copyf(same, sizeof same, "%.*s", (int)strcspn(buf_text(&inside), "\n"), buf_text(&inside));
	buf_done(&inside);
	buf_done(&command);
	if (rc < 0)
		return -1;
	bool one = text_equal(same, outside);
	evidence_add(&plan->seen, one ? VERDICT_PASS : VERDICT_FAIL, "server", outside,
		     one ? "NEW_DATABASE_URL and %s are the same server"
			 : "NEW_DATABASE_URL leads to another server than %s",
		     r->db.container);
	if (!one)
		plan_refuse(plan,
			    "NEW_DATABASE_URL leads to another server than the container %s, so the empty "
			    "database that was seen is not the one that "
			    "would be filled: correct database.url",
			    r->db.container);
	return 0;
}

static int plan_versions(struct restore *r, struct plan *plan, struct err *err)
{
	int major;
	char text[24];
	if (docker_pg_version(r->ssh, r->db.container, "pg_restore", &major, text, sizeof text, err) < 0)
		return -1;
	bool fits = major >= r->log.dumped_major;
	evidence_add(&plan->seen, fits ? VERDICT_PASS : VERDICT_FAIL, "version", text,
		     "pg_restore %s in %s, the dump was written by pg_dump %s", text, r->db.container,
		     r->log.dumped_by);
	if (!fits)
		plan_refuse(plan,
			    "pg_restore %s is older than the pg_dump %s that wrote the dump and cannot read "
			    "it: boot the accessory with a newer "
			    "PostgreSQL image",
			    text, r->log.dumped_by);
	if (r->has_source && r->source.major > pg_major(r->pg))
		evidence_add(&plan->seen, VERDICT_WARN, "major", "older",
			     "NEW is PostgreSQL %d, OLD is %d: going back a major version can fail",
			     pg_major(r->pg), r->source.major);
	return 0;
}

static int plan_space(struct restore *r, struct plan *plan, struct err *err)
{
	return r->has_source ? copy_plan_room(r->ssh, r->db.container, r->source.size_bytes, plan, err) : 0;
}

/* At the pace of the last restore of this app that ended well; without one it is a guess, and says so. */
static void plan_pace(struct restore *r, struct plan *plan)
{
	struct earlier_pace pace;
	char rate[UNITS_MAX], clock[UNITS_MAX];
	if (r->file_bytes <= 0) {
		plan->estimate_ms = -1;
		return;
	}
	if (earlier_pace(r->job, "restored-by-us", &pace)) {
		plan->estimate_ms = earlier_ms(&pace, r->file_bytes) + 3000;
		evidence_add(&plan->seen, VERDICT_PASS, "pace", "",
			     "the last restore of this app ran at %s of dump (measured, ended %s)",
			     units_rate(rate, (double)pace.bytes * 1000 / (double)pace.ms),
			     units_iso(clock, pace.at_ms));
		return;
	}
	plan->estimate_ms = r->file_bytes / GUESS_BYTES_PER_MS + 3000;
	evidence_add(&plan->seen, VERDICT_PASS, "pace", "",
		     "no restore of this app was measured yet: the estimate is a guess of %s of dump",
		     units_rate(rate, GUESS_BYTES_PER_MS * 1000.0));
}

static void plan_words(struct restore *r, struct plan *plan)
{
	char size[UNITS_MAX];
	size_t done;
	text_copy(plan->target, sizeof plan->target, r->db.database);
	text_copy(plan->side, sizeof plan->side, "NEW");
	text_copy(plan->verb, sizeof plan->verb, "RESTORES");
	text_copyf(plan->from, sizeof plan->from, "%s, %s",
		   json_str(job_fact(r->job, "dump", ""), "label", "the dump"),
		   units_size(size, r->file_bytes));
	text_copyf(plan->to, sizeof plan->to, "%zu tables, %zu indexes, %zu keys",
		   restore_log_count(&r->log, RESTORE_DATA, &done),
		   restore_log_count(&r->log, RESTORE_INDEX, &done),
		   restore_log_count(&r->log, RESTORE_KEY, &done));
	text_copy(plan->then, sizeof plan->then, "nobody notices; the new server is busy");
	text_copy(plan->back, sizeof plan->back, "wipe-target, then restore again from the same dump");
	plan->gate = GATE_YES;
	plan_pace(r, plan);
}

/* What counts for every start: nobody else restores there, it is one server, its programs and disk will do.
 */
static int plan_server(struct restore *r, struct plan *plan, struct err *err)
{
	int64_t others = 0;
	if (restore_others(r, &others, err) < 0)
		return -1;
	if (others)
		plan_refuse(
		    plan, "a pg_restore that is not ours works in %s: let it end or stop it, then plan again",
		    r->db.database);
	return plan_identity(r, plan, err) < 0 || plan_versions(r, plan, err) < 0 ||
		       plan_space(r, plan, err) < 0
		   ? -1
		   : 0;
}

static int plan_fresh(struct restore *r, size_t tables, struct plan *plan, struct err *err)
{
	plan_does(plan, "docker exec -d %s pg_restore -j%d --no-owner --no-acl --verbose -U %s -d %s %s",
		  r->db.container, r->jobs, r->db.user, r->db.database, r->file);
	plan_does(plan, "it runs inside the container, detached: a lost connection does not end it");
	plan_does(plan, "follow its log and PostgreSQL's own progress until it ends");
	evidence_add(&plan->seen, tables ? VERDICT_FAIL : VERDICT_PASS, "empty", tables ? "tables" : "empty",
		     tables ? "%s holds %zu tables" : "%s holds no table", r->db.database, tables);
	if (tables)
		plan_refuse(plan,
			    "%s is not empty, it holds %zu tables: run wipe-target, then prepare-target, "
			    "then plan again",
			    r->db.database, tables);
	return plan_server(r, plan, err);
}

/* After one that lost something: only that, where it may come alone; else all of it, into an empty database.
 */
static int plan_next(struct restore *r, const struct detached_look *look, size_t tables, struct plan *plan,
		     struct err *err)
{
	char why[240] = "";
	int fits = tables ? restore_again_fits(r, look, why, sizeof why, err) : 0;
	if (fits < 0)
		return -1;
	if (fits)
		return restore_plan_again(r, plan, err) < 0 ? -1 : plan_server(r, plan, err);
	if (*why)
		evidence_add(&plan->seen, VERDICT_WARN, "again", why, "what is missing cannot come alone: %s",
			     why);
	return plan_fresh(r, tables, plan, err);
}

static bool restored(const struct restore *r)
{
	const struct json *by_us = job_fact(r->job, "restored-by-us", ""),
			  *started = job_fact(r->job, "restore-started", "");
	return by_us && json_int(by_us, "at_ms", 0) >= json_int(started, "at_ms", 0) &&
	       text_equal(json_str(by_us, "database", ""), r->db.database);
}

int restore_fill_plan(struct restore *r, struct plan *plan, struct err *err)
{
	struct detached_look look;
	size_t tables = 0;
	int rc = restore_contents(r, err);
	if (rc == 0)
		rc = restore_count_tables(r, &tables, err);
	if (rc < 0 || restore_look_earlier(r, &look, err) < 0)
		return -1;
	plan_words(r, plan);
	jw_open(&plan->data);
	jw_int(&plan->data, "tables", (int64_t)tables);
	if (look.state == DETACHED_ALIVE) {
		plan_does(plan, "join the pg_restore that already runs in %s (process %d)", r->db.container,
			  look.pid);
		evidence_add(&plan->seen, VERDICT_PASS, "running", "running",
			     "tonight's pg_restore still runs; no second one is started");
	} else if (tables && restore_ended_whole(r, &look)) {
		plan->nothing_to_do = restored(r);
		plan_does(plan, "read the log of the pg_restore that ended with %d", look.rc);
		evidence_add(&plan->seen, VERDICT_PASS, "ended", "ended",
			     "tonight's pg_restore has ended with %d", look.rc);
	} else {
		rc = plan_next(r, &look, tables, plan, err);
	}
	detached_look_done(&look);
	return rc;
}
