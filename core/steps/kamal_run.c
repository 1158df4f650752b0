/* Running kamal for a step: see kamal_run.h. */
#include "core/steps/kamal_run.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/pty_child.h"
#include "core/steps/deploy_lock.h"
#include <stdlib.h>
#include <stdlib.h>
#include <string.h>

struct run {
	struct job *job;
	struct kamal_talk talk;
	char shown[200]; /* the newest progress, so that it is told once */
};

int kamal_run_plan(struct job *job, const char *const *words, struct plan *plan, struct err *err)
{
	struct kamal kamal;
	const char *argv[KAMAL_ARGS];
	char said[200], version[24];
	kamal_find(job, &kamal);
	if (*kamal.why_not) {
		plan_refuse(plan, "%s", kamal.why_not);
		return 0;
	}
	if (kamal_argv(&kamal, words, argv, err) < 0 ||
	    kamal_version(&kamal, version, sizeof version, err) < 0)
		return -1;
	kamal_argv_say(argv, said, sizeof said);
	plan_does(plan, "%s", said);
	evidence_add(&plan->seen, VERDICT_PASS, "kamal", version, "kamal %s in %s", version, kamal.folder);
	if (kamal_lock_ours(job) && !kamal_version_at_least(version, 2, 6))
		plan_refuse(
		    plan,
		    "kamal %s does not know KAMAL_LOCK (2.6 does), so it would stand before this night's own "
		    "lock: bring Kamal up to date, or U on the step kamal-lock gives the lock back",
		    version);
	return 0;
}

/* ---- running ---- */

static void on_line(void *ctx, const char *text, size_t len)
{
	struct run *run = ctx;
	struct kamal_line line;
	char now[200];
	kamal_line_read(text, len, &line);
	kamal_talk_take(&run->talk, &line);
	if (line.what == KAMAL_RUNNING)
		job_log(run->job, "NEW", "kamal [%s] %s%s%s", line.id, line.text, *line.host ? " on " : "",
			line.host);
	else if (line.what == KAMAL_FINISHED)
		job_log(run->job, "NEW", "kamal [%s] %s", line.id, line.text);
	else if (*line.text && line.what != KAMAL_DEBUG)
		job_log(run->job, "NEW", "kamal %s%s%s", line.what >= KAMAL_WARN ? "ERROR " : "", line.text,
			"");
	kamal_talk_now(&run->talk, now, sizeof now);
	if (!*now || text_equal(now, run->shown))
		return;
	text_copy(run->shown, sizeof run->shown, now);
	/* How many commands there will be, nobody knows. */
	job_progress(run->job, run->talk.ended, 0, "items", now);
}

static int record_start(struct job *job, const char *base, const char *said, bool locked, struct err *err)
{
	struct jw w;
	jw_fact(&w, "kamal-run", job_step(job));
	jw_str(&w, "attempt", job_attempt(job));
	jw_str(&w, "base", base);
	jw_str(&w, "command", said);
	jw_bool(&w, "under_our_lock", locked);
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(job, &w, err);
}

/* True: this night's lock is there, and kamal is to work under it. -1: somebody else's, or nobody knows. */
static int look_at_lock(struct job *job, bool *ours, struct err *err)
{
	struct deploy_lock lock;
	char says[320];
	int rc = deploy_lock_open(job, &lock, err);
	*ours = rc == 0 && deploy_lock_is_ours(&lock);
	if (rc == 0 && !*ours && lock.seen.held) {
		deploy_lock_say(&lock, says, sizeof says);
		rc = err_set(err, ERR_REFUSED, "%s; nothing was started", says);
	} else if (rc == 0 && !*ours && kamal_lock_ours(job)) {
		rc = err_set(
		    err, ERR_REFUSED,
		    "this night's lock on %s is gone, so somebody may deploy: look, then U and R on the step "
		    "kamal-lock take it again; nothing was started",
		    ssh_host(lock.ssh));
	}
	deploy_lock_close(&lock);
	return rc;
}

static int follow(struct run *run, const char *base, struct err *err)
{
	struct pty_follow follow = {.job = run->job, .base = base, .line = on_line, .ctx = run, .deaf = true};
	struct pty_look look;
	char said[700];
	int rc = pty_child_follow(&follow, &look, err);
	if (rc == 0 && look.state == PTY_ENDED && look.rc >= 0) {
		kamal_talk_end(&run->talk, look.rc, said, sizeof said);
		job_log(run->job, "NEW", "%s", said);
		if (look.rc != 0 || *run->talk.error)
			rc = err_set(err, run->talk.lock_refused ? ERR_REFUSED : ERR_WORLD, "%s", said);
	} else if (rc == 0) {
		kamal_talk_end(&run->talk, -1, said, sizeof said);
		rc = err_set(
		    err, ERR_WORLD,
		    "kamal was broken off in the middle (%s%d); %s. What runs now is looked at; where it is "
		    "not whole, running this step again mends it",
		    look.state == PTY_ENDED ? "signal " : "its end was not seen, process ",
		    look.state == PTY_ENDED ? look.signal : look.pid, said);
	}
	pty_look_done(&look);
	return rc < 0 ? -1 : 0;
}

enum { CUT_MOST = 64 };

/* Values that Kamal, its hooks or a build may print: of the names that Kamal's file wants, as far as they
 * stand in the environment. The engine learns them, so that they are cut everywhere else, too. */
static void find_secrets(struct job *job, const char *cut[CUT_MOST + 1])
{
	size_t n = 0;
	const char *database = job_secret(job, "NEW_DATABASE_URL");
	if (database)
		cut[n++] = database;
	for (const struct json *x = json_first(json_path(job_config(job), "kamal.secrets"));
	     x && n < CUT_MOST; x = json_next(x)) {
		const char *value = json_text(x) ? getenv(json_text(x)) : NULL;
		if (!value || strlen(value) < 6)
			continue;
		job_learn_secret(job, value);
		cut[n++] = value;
	}
	cut[n] = NULL;
}

int kamal_run(struct job *job, const char *const *words, struct err *err)
{
	struct kamal kamal;
	struct run run = {.job = job};
	const char *argv[KAMAL_ARGS], *cut[CUT_MOST + 1];
	char base[400], said[300];
	bool locked;
	kamal_find(job, &kamal);
	if (*kamal.why_not)
		return err_set(err, ERR_CONFIG, "%s", kamal.why_not);
	if (kamal_argv(&kamal, words, argv, err) < 0 ||
	    pty_child_base(job, NULL, "kamal", base, sizeof base, err) < 0 ||
	    look_at_lock(job, &locked, err) < 0)
		return -1;
	kamal_argv_say(argv, said, sizeof said);
	if (record_start(job, base, said, locked, err) < 0)
		return -1;
	find_secrets(job, cut);
	/* What stands in somebody's own environment must not open a lock that is not ours. */
	const char *const env[] = {locked ? "KAMAL_LOCK=true" : "KAMAL_LOCK", NULL};
	struct pty_start start = {.base = base,
				  .argv = argv,
				  .env = env,
				  .dir = kamal.folder,
				  .secrets = cut[0] ? cut : NULL,
				  .lock_fd = job_lock_fd(job)};
	job_command(job, "run", "%s%s", locked ? "KAMAL_LOCK=true " : "", said);
	if (pty_child_start(&start, err) < 0)
		return -1;
	return follow(&run, base, err);
}

/* ---- afterwards ---- */

static void tell_end(const struct pty_look *look, struct err *err)
{
	struct kamal_talk talk = {0};
	struct kamal_line line;
	char said[600];
	const char *text = buf_text(&look->lines);
	for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
		kamal_line_read(text, (size_t)(end - text), &line);
		kamal_talk_take(&talk, &line);
	}
	kamal_talk_end(&talk, look->state == PTY_ENDED ? look->rc : -1, said, sizeof said);
	err_set(err, ERR_WORLD, "%s%s",
		look->state == PTY_ENDED && look->rc >= 0 ? "" : "kamal was broken off in the middle; ",
		said);
}

enum done kamal_run_probe(struct job *job, struct err *err)
{
	const struct json *fact = job_fact(job, "kamal-run", job_step(job));
	const char *base = json_str(fact, "base", "");
	struct pty_look look = {0};
	enum done done = DONE_UNCLEAR;
	if (!*base || !text_equal(json_str(fact, "attempt", ""), job_attempt(job)))
		return DONE_NOT_DONE;
	if (pty_child_look(base, 0, &look, err) < 0)
		return DONE_UNCLEAR;
	if (look.state == PTY_NEVER)
		done = DONE_NOT_DONE;
	else if (look.state == PTY_ALIVE)
		done = DONE_RUNNING;
	else
		tell_end(&look, err);
	pty_look_done(&look);
	return done;
}
