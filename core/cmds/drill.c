/* A drill without a screen. The driver does what a tired person does: it runs the next step, reads the
 * sentence when one fails, and takes the way which that sentence offers. */
#include "core/cmds/drill.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/cmds/cmds.h"
#include "core/cmds/demo.h"
#include "core/night/place.h"
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	EYE_MS = 20,
	VAIN_MOST = 6,              /* runs without a step done: the night does not go on */
	NIGHT_MOST_MS = 20 * 60000, /* a demo night takes two minutes */
	AGAIN_MS = 1000,
	JUDGE_MOST_MS = 120000,
	STEP_ENDS_MS = 45000, /* longer than any look waits for an answer */
};

struct driver {
	struct drill *drill;
	struct drill_world world;
	struct demo demo;
	struct json *config;
	char again[48]; /* the step that the last sentence sends back to; "" for none */
	int vain;
	bool failed; /* the last run did */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

static void take_signals(void)
{
	struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	static const int all[] = {SIGINT, SIGTERM, SIGHUP};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		sigaction(all[i], &act, NULL);
}

static void say(void *arg, const char *line)
{
	(void)arg;
	printf("drill  %s\n", line);
	fflush(stdout);
}

static void follow(struct driver *d)
{
	if (!*d->world.dir)
		place_newest_night(json_str(d->config, "app", ""), d->world.dir, sizeof d->world.dir);
	drill_read(&d->world, d->drill);
	drill_tick(d->drill, clock_wall_ms());
	drill_judge_look(&d->world, d->drill);
}

static size_t steps_done(const struct state *state)
{
	size_t n = 0;
	for (size_t i = 0; i < state->steps.n; i++)
		n += step_state_finished(state->steps.steps[i].state);
	return n;
}

/* ---- one engine ---- */

static int engine_child(struct driver *d, const char *until)
{
	const char *again[] = {d->again};
	struct headless headless = demo_answers;
	struct err err = {0};
	char dir[400];
	static const int all[] = {SIGINT, SIGTERM, SIGHUP};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		signal(all[i], SIG_DFL);
	headless.quiet = true;
	headless.until = until;
	headless.again = again;
	headless.n_again = *d->again != 0;
	int status = night_run(d->config, NULL, false, &headless, dir, sizeof dir, &err);
	return status < 0 ? cmd_fail(&err) : status;
}

/* Runs the night until `until` (NULL: to its end) or until a step fails. Its exit status; 128 and the signal
 * when it was killed. */
static int run_engine(struct driver *d, const char *until)
{
	int status = 0;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		_exit(engine_child(d, until));
	if (pid < 0)
		return 127;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		follow(d);
		clock_sleep_ms(EYE_MS);
		if (interrupted || clock_wall_ms() - d->drill->began_ms > NIGHT_MOST_MS)
			kill(pid, SIGTERM);
	}
	follow(d);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- the way that is offered ---- */

/* "run wipe-target, prepare-target, restore": the first of them that is done already is where the night goes
 * back to. */
static void read_offer(struct driver *d)
{
	const struct state *s = d->drill->state;
	const struct step_seen *failed = steps_next(s);
	d->again[0] = '\0';
	if (!failed || failed->state == STEP_WAITING)
		return;
	if (failed->state != STEP_FAILED && failed->state != STEP_UNKNOWN &&
	    failed->state != STEP_CANCELLED) {
		say(NULL, "the engine is gone; the driver starts another one");
		return;
	}
	const struct step_seen *back = steps_sent_back(s, d->drill->said);
	if (back)
		text_copy(d->again, sizeof d->again, back->id);
	if (failed->state == STEP_UNKNOWN && !*d->again)
		text_copy(d->again, sizeof d->again, failed->id);
	printf("drill  %s is %s; next the driver runs %s\n", failed->id, step_state_name(failed->state),
	       *d->again ? d->again : "it again");
	fflush(stdout);
}

/* Whoever mends something needs a moment, and so does the world after a blow. */
static void wait_for_others(struct driver *d)
{
	int64_t from_ms = clock_life_ms();
	do {
		follow(d);
		clock_sleep_ms(EYE_MS);
	} while (!interrupted &&
		 (drill_busy(d->drill) || (d->failed && clock_life_ms() - from_ms < AGAIN_MS)));
}

static void judge(struct driver *d)
{
	int64_t from_ms = clock_life_ms();
	drill_judge_start(&d->world, d->drill);
	while (!interrupted && drill_judge_busy(&d->world) && clock_life_ms() - from_ms < JUDGE_MOST_MS) {
		follow(d);
		clock_sleep_ms(EYE_MS);
	}
}

static void stop_for(struct driver *d, const char *why)
{
	text_copyf(d->drill->stopped, sizeof d->drill->stopped, "%s", why);
}

/* True: there is more to do. */
static bool go_on(struct driver *d)
{
	const struct state *s = d->drill->state;
	const char *until = drill_stop(d->drill);
	wait_for_others(d);
	size_t before = steps_done(s);
	int status = run_engine(d, until);
	d->failed = status != EXIT_DONE;
	d->again[0] = '\0';
	if (interrupted)
		return stop_for(d, "stopped by a person"), false;
	if (clock_wall_ms() - d->drill->began_ms > NIGHT_MOST_MS)
		return stop_for(d, "the night did not end within twenty minutes"), false;
	if (s->closed_at_ms)
		return false;
	const struct step_seen *last = steps_get(s, d->drill->last);
	if (d->drill->judge == DRILL_NOT_ASKED && last && step_state_finished(last->state))
		judge(d);
	if (*d->drill->until && drill_night_done(d->drill))
		return wait_for_others(d), false;
	if (status == EXIT_DONE)
		return true;
	if (status == EXIT_USAGE)
		return stop_for(d, "the night could not be opened; its sentence stands above"), false;
	d->vain = steps_done(s) > before ? 1 : d->vain + 1;
	read_offer(d);
	if (d->vain < VAIN_MOST)
		return true;
	const struct step_seen *failed = steps_next(s);
	text_copyf(d->drill->stopped, sizeof d->drill->stopped, "%s did not get done in %d runs: %.120s",
		   failed ? failed->id : "the night", VAIN_MOST, d->drill->said);
	return false;
}

static int write_json(const struct drill *drill, const char *path, struct err *err)
{
	struct jw w = {0};
	int rc = 0;
	drill_card_json(drill, true, &w);
	FILE *f = fopen(path, "we");
	if (!f || fprintf(f, "%s\n", jw_finish(&w)) < 0)
		rc = err_set(err, ERR_IO, "the card could not be written to %s: %s", path, strerror(errno));
	if (f && fclose(f) != 0 && rc == 0)
		rc = err_set(err, ERR_IO, "the card could not be written to %s: %s", path, strerror(errno));
	jw_done(&w);
	return rc;
}

static int finish(struct driver *d, const char *json)
{
	struct err err = {0};
	struct buf card = {0};
	bool passed = drill_passed(d->drill, true);
	drill_card(d->drill, true, &card);
	printf("\n%s", buf_text(&card));
	buf_done(&card);
	if (*d->world.dir && drill_journal(d->drill, true, d->world.dir, &err) < 0)
		return cmd_fail(&err);
	if (json && write_json(d->drill, json, &err) < 0)
		return cmd_fail(&err);
	printf("%s: %s/journal.jsonl\n",
	       interrupted ? "stopped"
	       : passed    ? "passed"
			   : "not passed",
	       d->world.dir);
	fflush(stdout); /* before the next fork, or it comes twice */
	return interrupted ? EXIT_ABORTED : passed ? EXIT_DONE : EXIT_FAILED;
}

/* A step that was under way outlives its engine, and finds out by itself that its world is gone: the lock of
 * its attempt is held as long as any process of it lives. */
static void wait_for_steps(const char *dir)
{
	int64_t from_ms = clock_life_ms();
	char pattern[600];
	glob_t found = {0};
	text_copyf(pattern, sizeof pattern, "%s/attempts/*.lock", dir);
	if (*dir && glob(pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++) {
			int fd = open(found.gl_pathv[i], O_RDONLY | O_CLOEXEC);
			while (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK &&
			       clock_life_ms() - from_ms < STEP_ENDS_MS)
				clock_sleep_ms(EYE_MS);
			if (fd >= 0)
				close(fd);
		}
	globfree(&found);
}

int drill_headless(struct drill *drill, const char *json)
{
	struct driver d = {.drill = drill};
	struct err err = {0};
	take_signals();
	int rc = demo_prepare(&d.demo, &err);
	drill_world_init(&d.world, d.demo.world);
	drill->hands = drill_world_hands(&d.world);
	if (rc == 0)
		rc = demo_world(&d.demo, say, NULL, &err);
	if (rc == 0)
		rc = demo_environment(&d.demo, &err);
	if (rc == 0)
		rc = (d.config = cmd_config(d.demo.config, &err)) ? 0 : -1;
	int status = -1;
	if (rc == 0) {
		drill->began_ms = clock_wall_ms();
		while (!interrupted && go_on(&d))
			;
		drill_end(drill, clock_wall_ms());
		drill_mend_all(&d.world, drill);
		status = finish(&d, json);
	}
	demo_stop(&d.demo);
	wait_for_steps(d.world.dir);
	json_free(d.config);
	drill_world_done(&d.world);
	return rc < 0 ? cmd_fail(&err) : status;
}
