/* target-empty: what the wipe will meet, told long before anybody stands at its gate. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/pg_sides.h"
#include "core/links/pg_target.h"

static enum verdict target_empty_run(struct job *job, struct evidence *ev, struct err *err);

static const char *const secrets[] = {"NEW_DATABASE_URL", NULL};

const struct check target_empty_check = {
    .name = "target-empty",
    .help = "how many rows the new database holds, and who uses it",
    .bite = "a restore into tables that exist collides or doubles rows, and a wipe of the wrong database is "
	    "final",
    .secrets = secrets,
    .run = target_empty_run,
};

static bool is_ours(struct job *job, const struct pg_target *seen)
{
	const struct json *wiped = job_fact(job, "wiped", "");
	return text_equal(json_str(wiped, "database", ""), seen->database) && job_fact(job, "source", "") &&
	       seen->rows <= json_int(job_fact(job, "source", ""), "rows", 0);
}

static void judge(struct job *job, const struct pg_target *seen, struct evidence *ev)
{
	char rows[UNITS_MAX], age[UNITS_MAX], newest[200] = "", fact[80];
	text_copyf(fact, sizeof fact, "%lld rows in %zu tables", (long long)seen->rows, seen->tables);
	if (seen->newest_age_ms >= 0)
		text_copyf(newest, sizeof newest, "; the newest, in %s, is %s old", seen->newest_table,
			   units_age(age, seen->newest_age_ms));
	if (!seen->tables)
		evidence_add(ev, VERDICT_PASS, "rows", fact, "%s on %s is empty", seen->database, seen->host);
	else if (is_ours(job, seen))
		evidence_add(ev, VERDICT_PASS, "rows", fact,
			     "%s on %s holds %s rows that were put there tonight", seen->database, seen->host,
			     units_count(rows, seen->rows));
	else
		evidence_add(ev, VERDICT_WARN, "rows", fact,
			     "%s on %s holds %s%s rows in %zu tables%s: wipe-target will remove them, so "
			     "make sure that "
			     "nobody needs them",
			     seen->database, seen->host, seen->uncounted ? "about " : "",
			     units_count(rows, seen->rows), seen->tables, newest);
	if (seen->written)
		evidence_add(ev, VERDICT_FAIL, "writes", seen->written_to,
			     "rows are being written to %s on NEW: stop the app there, or check database.url",
			     seen->written_to);
	if (seen->sessions)
		evidence_add(ev, VERDICT_WARN, "sessions", seen->session,
			     "%zu session(s) besides ours on NEW, such as %s: wipe-target refuses while they "
			     "are there",
			     seen->sessions, seen->session);
	else
		evidence_add(ev, VERDICT_PASS, "sessions", "none", "nobody else is connected to NEW");
}

static enum verdict target_empty_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct pg_target seen;
	struct pg *pg = pg_open_new(job, PG_LOOK, err);
	int rc = pg ? pg_target_look(job, pg, &seen, err) : -1;
	if (rc == 0)
		judge(job, &seen, ev);
	pg_close(pg);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
