/* The demo: a whole world of its own (real databases, sshd, DNS; our own Heroku and Cloudflare), and a night
 * in it. */
#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/cmds/cmds.h"
#include "core/cmds/demo.h"
#include "core/cmds/run.h"
#include "core/job.h"
#include "core/night/place.h"
#include "core/night/report.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The world's own script: beside the sources, or where `make install` put it. */
#define WORLD_SCRIPT NIGHTFERRY_SOURCE "/demo/world"

int demo_prepare(struct demo *demo, struct err *err)
{
	memset(demo, 0, sizeof *demo);
	const char *tmp = getenv("TMPDIR");
	char state[300];
	text_copyf(demo->world, sizeof demo->world, "%s/nf-demo-XXXXXX",
		   tmp && *tmp && strlen(tmp) < 60 ? tmp : "/tmp");
	if (!mkdtemp(demo->world))
		return err_set(err, ERR_IO, "the demo's folder %s cannot be made: %s", demo->world,
			       strerror(errno));
	/* The databases run as another user when we are root: the folder itself holds no secret. */
	if (chmod(demo->world, 0755) < 0)
		return err_set(err, ERR_IO, "%s: %s", demo->world, strerror(errno));
	text_copyf(demo->config, sizeof demo->config, "%s/nightferry.yml", demo->world);
	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm tm;
	char stamp[32];
	localtime_r(&now, &tm);
	strftime(stamp, sizeof stamp, "%m%dT%H%M%S", &tm);
	/* Every demo has its own state, so that no dead demo's night is ever taken up; the journal outlives
	 * the world. */
	if (place_app_dir("demo", state, sizeof state, err) < 0)
		return -1;
	if (!text_copyf(demo->state, sizeof demo->state, "%s/%s-%s", state, stamp,
			demo->world + strlen(demo->world) - 6))
		return err_set(err, ERR_CONFIG, "%s is too long; set NIGHTFERRY_STATE to a shorter folder",
			       state);
	return place_make_dirs(demo->state, err);
}

int demo_world(struct demo *demo, void (*progress)(void *, const char *line), void *arg, struct err *err)
{
	int out[2];
	if (pipe(out) < 0)
		return err_set(err, ERR_IO, "no pipe: %s", strerror(errno));
	pid_t pid = fork();
	if (pid == 0) {
		dup2(out[1], 1);
		dup2(out[1], 2);
		close(out[0]);
		close(out[1]);
		execl(WORLD_SCRIPT, "world", "start", demo->world, (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	FILE *f = fdopen(out[0], "r");
	char line[400], last[400] = "it ended without a word";
	while (f && fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = '\0';
		char clean[400];
		text_clean(clean, sizeof clean, line, strlen(line));
		if (*clean) {
			text_copy(last, sizeof last, clean);
			progress(arg, clean);
		}
	}
	if (f)
		fclose(f);
	int status = 0;
	waitpid(pid, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(err, ERR_IO, "the demo world did not start: %s", last);
	demo->started = true;
	return 0;
}

int demo_environment(const struct demo *demo, struct err *err)
{
	char command[600];
	text_copyf(command, sizeof command, "set -a; . '%s/env'; exec env -0", demo->world);
	int out[2];
	if (pipe(out) < 0)
		return err_set(err, ERR_IO, "no pipe: %s", strerror(errno));
	pid_t pid = fork();
	if (pid == 0) {
		dup2(out[1], 1);
		close(out[0]);
		close(out[1]);
		char *const none[] = {(char *)(uintptr_t) "PATH=/usr/local/bin:/usr/bin:/bin", NULL};
		execle("/bin/bash", "bash", "-c", command, (char *)NULL, none);
		_exit(127);
	}
	close(out[1]);
	struct buf all = {0};
	char chunk[4096];
	ssize_t n;
	while ((n = read(out[0], chunk, sizeof chunk)) > 0)
		buf_add(&all, chunk, (size_t)n);
	close(out[0]);
	waitpid(pid, NULL, 0);
	static const char *const wanted[] = {"HEROKU_API_KEY", "NEW_DATABASE_URL", "CLOUDFLARE_API_TOKEN",
					     "CONFIG"};
	size_t found = 0;
	for (char *p = all.data; p && p < all.data + all.len; p += strlen(p) + 1)
		for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
			size_t len = strlen(wanted[i]);
			if (strncmp(p, wanted[i], len) == 0 && p[len] == '=' &&
			    setenv(wanted[i], p + len + 1, 1) == 0)
				found++;
		}
	buf_done(&all);
	setenv("NIGHTFERRY_STATE", demo->state, 1);
	return found < 3 ? err_set(err, ERR_IO, "%s/env does not hold what a night needs", demo->world) : 0;
}

void demo_stop(struct demo *demo)
{
	pid_t pid = fork();
	if (pid == 0) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(1);
		execl(WORLD_SCRIPT, "world", "stop", demo->world, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	rmdir(demo->world);
	demo->started = false;
}

static void print_progress(void *arg, const char *line)
{
	(void)arg;
	printf("demo  %s\n", line);
	fflush(stdout);
}

bool demo_rows_equal(const struct state *state)
{
	const struct rows_state *rows = &state->rows;
	bool equal = rows->compared > 0 && rows->equal == rows->compared && !rows->missing && !rows->differ;
	for (size_t i = 0; i < rows->n; i++)
		equal = equal && rows->tables[i].old_rows == rows->tables[i].new_rows &&
			rows->tables[i].verdict == VERDICT_PASS;
	return equal;
}

/* Compared while both sides stood still: since the flip the new side has grown. */
static bool all_equal(const char *dir)
{
	char path[500];
	struct report report;
	text_copyf(path, sizeof path, "%s/journal.jsonl", dir);
	if (report_read(path, &report, NULL) < 0)
		return false;
	bool equal = demo_rows_equal(report.state);
	report_done(&report);
	return equal;
}

static const char *yes[] = {
    "pause-backups=postgresql-cubed-41827", "maintenance-on=acme-production", "scale-to-zero=acme-production",
    "wipe-target=shop_production",          "restore=shop_production",        "dns-point=acme-production"};
static const char *done[] = {"freeze-deploys=demo: nobody deploys here",
			     "webhooks=demo: no webhook points here"};
static const char *waive[] = {"wipe-target:rows=demo: 61 rows from db:seed, nobody's data"};

const struct headless demo_answers = {.yes = yes,
				      .n_yes = sizeof yes / sizeof *yes,
				      .done = done,
				      .n_done = sizeof done / sizeof *done,
				      .waive = waive,
				      .n_waive = sizeof waive / sizeof *waive};

int demo_headless(void)
{
	struct demo demo;
	struct err err = {0};
	char dir[400] = "";
	int status = -1;
	struct json *config = NULL;
	if (demo_prepare(&demo, &err) == 0 && demo_world(&demo, print_progress, NULL, &err) == 0 &&
	    demo_environment(&demo, &err) == 0 && (config = cmd_config(demo.config, &err)))
		status = night_run(config, NULL, false, &demo_answers, dir, sizeof dir, &err);
	json_free(config);
	if (status == EXIT_DONE && !all_equal(dir)) {
		fprintf(stderr, "nightferry: every step is done, but not every table was found equal\n");
		status = EXIT_FAILED;
	}
	demo_stop(&demo);
	if (status < 0)
		return cmd_fail(&err);
	printf("demo %s: %s/journal.jsonl\n",
	       status == EXIT_DONE ? "done, every table of old and new is equal" : "failed", dir);
	return status;
}
