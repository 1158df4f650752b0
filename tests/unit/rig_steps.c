/* A step that does what its parameters and the files of its world say. Each effect is a line in `effects`. */
#include "tests/unit/rig_steps.h"
#include "core/base/text.h"
#include "core/job.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const int rig_steps_are_here = 1;

static const char *world_path(const struct job *job, const char *name, char out[200])
{
	text_copyf(out, 200, "%s/%s", job_config_str(job, "world", "/nonexistent"), name);
	return out;
}

static bool world_has(const struct job *job, const char *name)
{
	char path[200];
	return access(world_path(job, name, path), F_OK) == 0;
}

static void world_add(const struct job *job, const char *name, const char *line)
{
	char path[200];
	FILE *f = fopen(world_path(job, name, path), "ae");
	if (!f)
		return;
	fprintf(f, "%s\n", line);
	fclose(f);
}

static char *world_read(const struct job *job, const char *name)
{
	char path[200];
	struct buf all = {0};
	FILE *f = fopen(world_path(job, name, path), "re");
	for (int c; f && (c = fgetc(f)) != EOF;)
		buf_addc(&all, (char)c);
	if (f)
		fclose(f);
	char *text = xstrdup(buf_text(&all));
	buf_done(&all);
	return text;
}

static const char *mode_of(const struct job *job)
{
	return json_str(job_params(job), "mode", "");
}

/* A look that never ends, as when a server takes a connection and then says nothing. */
static void hang_where_told(struct job *job, const char *what)
{
	while (world_has(job, what) && world_has(job, "."))
		usleep(20000);
}

/* ---- the plan: evidence is `evidence`, a line each: VERDICT|name|fact|text ---- */

static int fake_plan(struct job *job, struct plan *plan, struct err *err)
{
	hang_where_told(job, "plan-hangs");
	if (world_has(job, "plan-fails"))
		return err_set(err, ERR_NET, "nobody answers");
	text_copy(plan->target, sizeof plan->target, "acme-production");
	text_copy(plan->side, sizeof plan->side, "OLD");
	text_copy(plan->verb, sizeof plan->verb, "CHANGES");
	char *stricter = world_read(job, "gate");
	plan->gate = gate_of(*stricter ? stricter : json_str(job_params(job), "gate", "none"));
	free(stricter);
	char *does = world_read(job, "does"), *seen = world_read(job, "evidence"),
	     *refused = world_read(job, "refused");
	plan_does(plan, "%s", *does ? does : "CHANGE it");
	text_copy(plan->refused, sizeof plan->refused, refused);
	plan->nothing_to_do = world_has(job, "nothing_to_do");
	char *rest = NULL;
	for (char *line = strtok_r(seen, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *part[4] = {line, NULL, NULL, NULL};
		for (int i = 1; i < 4; i++) {
			part[i] = strchr(part[i - 1], '|');
			*part[i]++ = '\0';
		}
		evidence_add(&plan->seen, verdict_of(part[0]), part[1], part[2], "%s", part[3]);
	}
	free(does);
	free(seen);
	free(refused);
	world_add(job, "looks", "plan");
	return 0;
}

/* ---- run ---- */

/* A record that job_record() has given back is on the disk: its line, synced. */
static void look_at_journal(struct job *job)
{
	char path[200], needle[64];
	long long synced = -1, at = 0;
	FILE *f = fopen(world_path(job, RIG_SYNCED, path), "re");
	if (f && fscanf(f, "%lld", &synced) != 1)
		synced = -1;
	if (f)
		fclose(f);
	char *all = world_read(job, "../journal.jsonl"), *rest = NULL;
	bool found = false;
	static int n;
	text_copyf(needle, sizeof needle, "\"attempt\":\"%s\",\"rec\":%d", job_attempt(job), ++n);
	for (char *line = strtok_r(all, "\n", &rest); line && !found; line = strtok_r(NULL, "\n", &rest)) {
		at += (long long)strlen(line) + 1;
		found = strstr(line, needle) != NULL;
	}
	free(all);
	if (!found)
		world_add(job, "effects", "acknowledged before it was written");
	else if (synced < at)
		world_add(job, "effects", "acknowledged before it was synced");
}

static int do_one(struct job *job, int64_t i, struct err *err)
{
	char text[40];
	struct jw w;
	text_copyf(text, sizeof text, "%d", (int)i);
	jw_fact(&w, "did", text);
	jw_str(&w, "what", json_str(job_params(job), "what", "it"));
	if (job_record(job, &w, err) < 0) {
		world_add(job, "refusals", err->text);
		return -1;
	}
	look_at_journal(job);
	char undone[200];
	unlink(world_path(job, "undone", undone));
	text_copyf(text, sizeof text, "did %d", (int)i);
	world_add(job, "effects", text);
	return 0;
}

/* Somebody it started and that outlives it: a shell on the host, a kamal. */
static void leave_descendant(struct job *job)
{
	if (fork() != 0)
		return;
	close(3);
	setsid();
	world_add(job, "descendant", "lives");
	while (world_has(job, ".") && !world_has(job, "let-go"))
		usleep(50000);
	_exit(0);
}

static int wait_for_go(struct job *job, struct err *err)
{
	world_add(job, "waiting", "for go");
	while (!world_has(job, "go")) {
		if (job_wait(job, 200))
			return err_set(err, ERR_CANCELLED, "stopped at a safe point");
		if (!world_has(job, "."))
			_exit(1); /* the test is over */
	}
	return 0;
}

static int ask(struct job *job, struct err *err)
{
	char out[80] = "";
	struct err unasked = {0};
	for (int64_t i = json_int(job_params(job), "questions", 1); i > 0; i--) {
		if (job_ask(job, "what is the word?", true, out, sizeof out, &unasked) < 0)
			world_add(job, "answers", unasked.text);
		else
			world_add(job, "answers", out);
		job_log(job, "", "it answers: %s", out);
	}
	(void)err;
	return 0;
}

static void talk(struct job *job)
{
	char *secret = world_read(job, "found-secret");
	job_learn_secret(job, secret);
	job_log(job, "OLD", "it is %s, they said", secret);
	job_command(job, "http", "GET /?token=%s", secret);
	job_progress(job, 1, 1, "items", secret);
	fprintf(stderr, "on stderr: %s\n", secret);
	printf("on stdout: %s %s\n", secret, job_secret(job, "HEROKU_API_KEY") ? "given" : "not given");
	fflush(NULL);
	job_log(job, "OLD", "the key is %s", job_secret(job, "HEROKU_API_KEY"));
	free(secret);
}

static int fake_run(struct job *job, struct err *err)
{
	const char *mode = mode_of(job);
	char line[64];
	world_add(job, "runs", job_attempt(job));
	if (text_equal(mode, "error-before"))
		return err_set(err, ERR_WORLD, "the world has changed");
	if (text_equal(mode, "error-secret"))
		return err_set(err, ERR_WORLD, "it does not take %s", job_secret(job, "HEROKU_API_KEY"));
	if (text_equal(mode, "wait-long")) {
		job_wait(job, json_int(job_params(job), "for_ms", 1000));
		world_add(job, "effects", "waited");
	}
	if (text_starts(mode, "wait") && wait_for_go(job, err) < 0)
		return -1;
	if (text_equal(mode, "ask") && ask(job, err) < 0)
		return -1;
	if (text_equal(mode, "talk"))
		talk(job);
	for (int64_t i = 1; i <= json_int(job_params(job), "n", 1); i++) {
		for (int k = 0; text_equal(mode, "stream") && k < 100; k++) {
			text_copyf(line, sizeof line, "line %d", (int)(i - 1) * 100 + k);
			job_log(job, "NEW", "%s", line);
		}
		if (do_one(job, i, err) < 0)
			return -1;
	}
	if (text_equal(mode, "linger")) {
		leave_descendant(job);
		return wait_for_go(job, err);
	}
	if (text_equal(mode, "die-after"))
		raise(SIGKILL);
	if (text_equal(mode, "error-after"))
		return err_set(err, ERR_IO, "the connection broke half-way");
	return 0;
}

static int fake_undo(struct job *job, struct err *err)
{
	world_add(job, "effects", "undone");
	if (!world_has(job, "undo-lies"))
		world_add(job, "undone", "it");
	return world_has(job, "undo-fails") ? err_set(err, ERR_NET, "the line broke") : 0;
}

static enum done fake_probe(struct job *job, struct err *err)
{
	(void)err;
	world_add(job, "looks", "probe");
	char *said = world_read(job, "probe");
	enum done done = text_starts(said, "UNCLEAR")   ? DONE_UNCLEAR
			 : text_starts(said, "RUNNING") ? DONE_RUNNING
			 : world_has(job, "undone")     ? DONE_NOT_DONE
			 : world_has(job, "effects")    ? DONE_DONE
							: DONE_NOT_DONE;
	free(said);
	return done;
}

static enum verdict fake_prove(struct job *job, struct evidence *ev, struct err *err)
{
	world_add(job, "looks", "prove");
	hang_where_told(job, "prove-hangs");
	char *said = world_read(job, "prove");
	said[strcspn(said, "\n")] = '\0';
	enum verdict v = *said ? verdict_of(said) : VERDICT_PASS;
	if (text_equal(said, "DIE"))
		raise(SIGKILL);
	if (text_equal(said, "CANNOT LOOK")) {
		err_set(err, ERR_IO, "it could not be looked at");
		v = VERDICT_PASS;
	}
	free(said);
	evidence_add(ev, v, "effect", "", "looked at it");
	return v;
}

static const struct param params[] = {{"mode", "text", "", ""}, {0}};
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};
static const struct step fake_step = {.name = "fake",
				      .help = "as told",
				      .params = params,
				      .secrets = secrets,
				      .plan = fake_plan,
				      .run = fake_run,
				      .undo = fake_undo,
				      .probe = fake_probe,
				      .prove = fake_prove};
static const struct step never_step = {.name = "never",
				       .help = "as told, and not to be stopped",
				       .cancel = CANCEL_NEVER,
				       .params = params,
				       .plan = fake_plan,
				       .run = fake_run,
				       .probe = fake_probe,
				       .prove = fake_prove};
const struct step *const step_table[] = {&fake_step, &never_step, NULL};

/* ---- a watch: the same thing seen again and again, and now and then another ---- */

static int fake_watch(struct job *job, struct err *err)
{
	char pid[24];
	(void)err;
	text_copyf(pid, sizeof pid, "%d", (int)getpid());
	world_add(job, "watch-pids", pid);
	for (;;) {
		char *what = world_read(job, "dynos"), out[80];
		struct jw w;
		jw_event(&w, "dynos.seen");
		jw_bool(&w, "maintenance", text_starts(what, "on"));
		jw_str(&w, "release", what);
		job_event(job, &w);
		free(what);
		struct err unasked = {0};
		if (world_has(job, "watch-asks") && !world_has(job, "watch-asked")) {
			world_add(job, "watch-asked", "once");
			if (job_ask(job, "the watch asks: and you?", true, out, sizeof out, &unasked) == 0)
				world_add(job, "watch-answers", out);
		}
		job_beat(job, 1000, true, "");
		if (job_wait(job, 500))
			return 0;
	}
}

static const struct watch fake_watch_row = {.name = "fake", .help = "looks", .run = fake_watch};
const struct watch *const watch_table[] = {&fake_watch_row, NULL};

static enum verdict fake_check(struct job *job, struct evidence *ev, struct err *err)
{
	hang_where_told(job, "check-hangs");
	char *said = world_read(job, "check");
	if (text_starts(said, "DIE"))
		raise(SIGKILL);
	if (text_starts(said, "CANNOT LOOK"))
		err_set(err, ERR_IO, "it could not be looked at");
	enum verdict v = *said ? verdict_of(said) : VERDICT_PASS;
	free(said);
	evidence_add(ev, v, "look", "", "looked");
	return v;
}

static const struct check fake_check_row = {
    .name = "fake", .help = "looks once", .bite = "", .run = fake_check};
const struct check *const check_table[] = {&fake_check_row, NULL};
const struct line *const line_table[] = {NULL};
