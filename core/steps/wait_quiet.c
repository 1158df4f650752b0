/* wait-quiet: passes when nobody has written to the old database for long enough. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/pg_sides.h"
#include "core/links/pg_writes.h"

#define LOOK_MS 1000
#define PROVE_MS 3000 /* and up to 15 s when a transaction ended meanwhile */
#define PROVE_MOST_MS 15000

static int wait_quiet_plan(struct job *job, struct plan *plan, struct err *err);
static int wait_quiet_run(struct job *job, struct err *err);
static enum done wait_quiet_probe(struct job *job, struct err *err);
static enum verdict wait_quiet_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"for", "duration", "60s", "how long nobody may have written"},
    {0},
};
static const char *const makes[] = {"quiet", NULL};
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct step wait_quiet_step = {
    .name = "wait-quiet",
    .help = "waits until nobody has written to the old database for a while",
    .gate = GATE_NONE,
    .cancel = CANCEL_ANYTIME,
    .rehearse = REHEARSE_SKIP,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .plan = wait_quiet_plan,
    .run = wait_quiet_run,
    .probe = wait_quiet_probe,
    .prove = wait_quiet_prove,
};

static int64_t need_ms(struct job *job)
{
	const struct json *params_given = job_params(job);
	int64_t ms = units_parse_duration_ms(json_str(params_given, "for", ""));
	if (ms < 0 && json_is_number(json_get(params_given, "for")))
		ms = json_int(params_given, "for", 60) * 1000;
	return ms < 0 ? 60000 : ms;
}

static int wait_quiet_plan(struct job *job, struct plan *plan, struct err *err)
{
	char need[UNITS_MAX];
	struct pg_writes writes = {0};
	struct pg *pg = pg_open_old(job, err);
	int rc = pg ? pg_writes_look(pg, &writes, err) : -1;
	if (rc == 0) {
		text_copy(plan->target, sizeof plan->target, pg_database(pg));
		text_copy(plan->side, sizeof plan->side, "OLD");
		text_copy(plan->verb, sizeof plan->verb, "WAITS");
		text_copyf(plan->from, sizeof plan->from, "%zu sessions that are not ours",
			   writes.n_sessions);
		text_copyf(plan->to, sizeof plan->to, "nobody has written for %s",
			   units_duration(need, need_ms(job)));
		text_copy(plan->back, sizeof plan->back, "nothing is changed");
		plan_does(plan,
			  "look at pg_stat_activity, pg_stat_user_tables and transaction ids each second");
		plan->estimate_ms = need_ms(job);
	}
	pg_writes_done(&writes);
	pg_close(pg);
	return rc;
}

static void tell(struct job *job, const struct pg_quiet *quiet, int64_t need, int64_t *loud_at_ms)
{
	char text[120];
	int64_t ms = pg_quiet_ms(quiet);
	bool doubt = quiet->doubt_until_ms > clock_life_ms();
	if (ms > need)
		ms = need;
	text_copyf(text, sizeof text, "%lld of %lld s%s%s", (long long)(ms / 1000), (long long)(need / 1000),
		   *quiet->why ? "  " : "", quiet->why);
	/* A reset must reach the screen even when the line before it went out a moment ago. */
	if (quiet->resets && ms < LOOK_MS && *loud_at_ms != quiet->since_ms) {
		*loud_at_ms = quiet->since_ms;
		job_log(job, "OLD", "%s: the quiet time starts anew", quiet->why);
	}
	job_progress(job, (doubt && ms == need) ? need / 1000 - 1 : ms / 1000, need / 1000, "s", text);
}

/* OLD's own clock, by which a backup of OLD is dated: ours may be set anew before that backup is looked at.
 */
static int64_t old_clock_ms(struct pg *pg)
{
	char text[32];
	struct err ignored = {0};
	if (pg_value(pg, "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint::text", NULL, text,
		     sizeof text, &ignored) < 0)
		return 0;
	return units_parse_int(text, 0);
}

static int record(struct job *job, struct pg *pg, const struct pg_quiet *quiet, int64_t need, struct err *err)
{
	struct jw w;
	int64_t old_ms = old_clock_ms(pg);
	jw_fact(&w, "quiet", "");
	jw_int(&w, "at_ms", clock_wall_ms());
	jw_int(&w, "for_ms", need);
	jw_int(&w, "resets", quiet->resets);
	if (job_record(job, &w, err) < 0)
		return -1;
	/* From this moment on nothing was written: what was captured later holds the last write. */
	jw_fact(&w, "frozen", "");
	jw_int(&w, "at_ms", clock_wall_ms() - pg_quiet_ms(quiet));
	if (old_ms)
		jw_int(&w, "old_at_ms", old_ms - clock_real_ms(pg_quiet_ms(quiet)));
	return job_record(job, &w, err);
}

/* A lost connection proves nothing about what was written meanwhile: the quiet time starts anew. */
static int reopen(struct job *job, struct pg **pg, struct pg_writes *writes, struct pg_quiet *quiet,
		  struct err *err)
{
	struct err lost = {0};
	pg_close(*pg);
	*pg = NULL;
	for (int64_t back_off = 1000; !*pg; back_off = back_off < 15000 ? back_off * 2 : back_off) {
		*pg = pg_open_old(job, &lost);
		if (*pg)
			break;
		if (lost.kind == ERR_AUTH || lost.kind == ERR_CONFIG)
			return err_set(err, lost.kind, "%s", lost.text);
		job_log(job, "OLD", "%s", lost.text);
		if (job_wait(job, back_off))
			return err_set(err, ERR_CANCELLED,
				       "Stopped on request while waiting for OLD to answer again.");
	}
	pg_hush(*pg, true);
	pg_writes_done(writes);
	*quiet = (struct pg_quiet){.resets = quiet->resets + 1, .why = "the connection was lost"};
	return 0;
}

static int wait_quiet_run(struct job *job, struct err *err)
{
	int64_t need = need_ms(job), loud_at_ms = 0;
	struct pg_writes writes = {0};
	struct pg_quiet quiet = {0};
	struct pg *pg = pg_open_old(job, err);
	int rc = pg ? 0 : -1;
	while (rc == 0) {
		struct err look = {0};
		if (pg_writes_look(pg, &writes, &look) < 0) {
			rc = look.kind == ERR_CANCELLED || look.kind == ERR_REFUSED
				 ? err_set(err, look.kind, "%s", look.text)
				 : reopen(job, &pg, &writes, &quiet, err);
			continue;
		}
		pg_hush(pg, true);
		pg_quiet_take(&quiet, &writes, pg_major(pg));
		tell(job, &quiet, need, &loud_at_ms);
		if (writes.looks > 1 && pg_quiet_ms(&quiet) >= need &&
		    clock_life_ms() >= quiet.doubt_until_ms && !writes.prepared)
			break;
		if (job_wait(job, LOOK_MS))
			rc = err_set(err, ERR_CANCELLED, "Stopped on request; nothing was changed.");
	}
	if (rc == 0)
		rc = record(job, pg, &quiet, need, err);
	pg_writes_done(&writes);
	pg_close(pg);
	return rc;
}

static enum done wait_quiet_probe(struct job *job, struct err *err)
{
	(void)err;
	return job_fact(job, "quiet", "") ? DONE_DONE : DONE_NOT_DONE;
}

static void say_sessions(const struct pg_writes *writes, struct evidence *ev)
{
	for (size_t i = 0; i < writes->n_sessions && i < 5; i++) {
		const struct pg_session *s = &writes->sessions[i];
		evidence_add(ev, VERDICT_WARN, "session", s->who,
			     "%s from %s is still connected to OLD (%s); it could write", s->who, s->from,
			     *s->state ? s->state : "state hidden from our role");
	}
	if (!writes->n_sessions)
		evidence_add(ev, VERDICT_PASS, "sessions", "none", "no session but ours on OLD");
	if (writes->prepared)
		evidence_add(ev, VERDICT_FAIL, "prepared", "yes",
			     "%d prepared transaction(s) on OLD can still be committed: COMMIT or ROLLBACK "
			     "PREPARED them first",
			     writes->prepared);
}

/* A few seconds of our own looks: idle sessions are a warning at most, because being connected is not
 * writing. */
static enum verdict wait_quiet_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct pg_writes writes = {0};
	struct pg_quiet quiet = {0};
	struct pg *pg = pg_open_old(job, err);
	int64_t began = clock_life_ms(), moved = 0;
	bool wrote = false;
	int rc = pg ? 0 : -1;
	while (rc == 0 && !wrote) {
		rc = pg_writes_look(pg, &writes, err);
		if (rc < 0)
			break;
		pg_hush(pg, true);
		moved += writes.xmax_delta;
		wrote = pg_quiet_take(&quiet, &writes, pg_major(pg));
		int64_t spent = clock_life_ms() - began;
		if (spent >= PROVE_MOST_MS || (spent >= PROVE_MS && clock_life_ms() >= quiet.doubt_until_ms))
			break;
		if (job_wait(job, LOOK_MS / 2))
			rc = err_set(err, ERR_CANCELLED, "Stopped on request before the look was complete.");
	}
	if (rc == 0) {
		if (wrote)
			evidence_add(ev, VERDICT_FAIL, "writers", quiet.why,
				     "%s on OLD just now; stop that process, then run again", quiet.why);
		else if (moved)
			evidence_add(ev, VERDICT_PASS, "writers", "none",
				     "no row was written on OLD; %lld transactions ended without a row "
				     "(maintenance, or another database)",
				     (long long)moved);
		else
			evidence_add(ev, VERDICT_PASS, "writers", "none",
				     "no transaction has written on OLD's server");
		say_sessions(&writes, ev);
	}
	pg_writes_done(&writes);
	pg_close(pg);
	/* Idle sessions are told, but the wait was for writes. */
	return rc < 0 ? VERDICT_UNKNOWN : wrote || writes.prepared ? VERDICT_FAIL : VERDICT_PASS;
}
