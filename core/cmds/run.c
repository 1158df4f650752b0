/* nightferry run: a night without a screen, by the same gates. */
#include "core/base/cli.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/cmds/cmds.h"
#include "core/cmds/run.h"
#include "core/engine/engine.h"
#include "core/night/config.h"
#include "core/night/place.h"
#include <stdio.h>
#include <unistd.h>

static int run_run(int argc, char **argv);
const struct cmd run_cmd = {.name = "run", .help = "runs a night without a screen", .run = run_run};

/* Configuration and playbook of a new one, in a new folder. */
static int open_new(const struct json *config, const char *playbook_name, bool rehearse,
		    struct rehearsal *out, char *dir, size_t size, struct err *err)
{
	struct json *playbook = night_playbook(config, playbook_name, err);
	if (!playbook)
		return -1;
	if (rehearse)
		return night_rehearsal(config, playbook, out, dir, size, err);
	out->playbook = playbook;
	return place_new_night(json_str(config, "app", ""), false, dir, size, err);
}

/* What is open may be taken up; nothing is, and the way back is asked for: there is none. */
static int may_run(bool open, const char *dir, const char *app, bool rehearse, bool back, struct err *err)
{
	if (open && night_kind_fits(dir, rehearse, err) < 0)
		return -1;
	if (open && night_engine_runs(dir))
		return err_set(err, ERR_REFUSED,
			       "an engine already runs this night (%s); attach to it with `nightferry%s`",
			       dir, rehearse ? " rehearse" : "");
	if (!open && back)
		return err_set(err, ERR_REFUSED, "%s has no open %s, so there is no way back to take",
			       *app ? app : "this app", rehearse ? "rehearsal" : "night");
	return 0;
}

int night_run(const struct json *config, const char *playbook_name, bool rehearse,
	      const struct headless *headless, char *dir, size_t size, struct err *err)
{
	struct engine_options o = {.config = config, .headless = headless, .ready_fd = -1};
	struct rehearsal made = {0};
	const char *app = json_str(config, "app", "");
	int claim = -1;
	if (place_may_look(app, err) < 0)
		return -1;
	bool open = place_open_night(app, dir, size);
	if (!open && !headless->back && place_claim(app, &claim, err) < 0)
		return -1;
	open = open || place_open_night(app, dir, size);
	if (may_run(open, dir, app, rehearse, headless->back, err) < 0 ||
	    (!open && open_new(config, playbook_name, rehearse, &made, dir, size, err) < 0)) {
		place_unclaim(claim);
		rehearsal_done(&made);
		return -1;
	}
	if (!open) {
		o.config = rehearse ? made.config : config;
		o.playbook = made.playbook;
		if (!rehearse)
			config_window(config, clock_wall_ms(), &o.window_start_ms, &o.window_end_ms);
	}
	o.dir = dir;
	o.claim_fd = claim > 0 ? claim : 0;
	int status = engine_main(&o);
	rehearsal_done(&made);
	return status;
}

static int run_run(int argc, char **argv)
{
	static const struct cli_option options[] = {
	    {"config", "FILE", "the configuration (default: nightferry.yml)"},
	    CMD_APP_OPTION,
	    {"playbook", "NAME", "another playbook than the configuration's"},
	    {"yes", "STEP=TARGET",
	     "passes the gate of STEP once, if its target is TARGET and all evidence is PASS; may be "
	     "repeated"},
	    {"done", "STEP=WORDS",
	     "ticks a step that is done by people, with what was done; may be repeated"},
	    {"waive", "STEP:NAME=REASON", "waives that line of evidence at STEP's gate; may be repeated"},
	    {"again", "STEP",
	     "runs STEP again although it is done (and what comes after it), because a later step has "
	     "failed, or "
	     "although it is UNKNOWN; may be repeated"},
	    {"until", "STEP", "stops when STEP is done and leaves the night open"},
	    {"back", NULL, "takes the way back of the open night; its own gate is --yes way-back=APP"},
	    {"rehearse", NULL, "a rehearsal: a database of its own, no traffic, no old app"},
	    {"quiet", NULL, "prints no events"},
	    {0},
	};
	static const struct cli_command command = {
	    .name = "run",
	    .help = "Runs the night without a screen, or takes up the one that is open. Prints one line an "
		    "event and, as the last word\n"
		    "of its last line, the journal. Exit status: 0 done (or, with --until, so far), 1 "
		    "failed, 2 usage,\n"
		    "3 aborted or rolled back.",
	    .options = options,
	};
	struct cli cli;
	int status = cli_parse(&cli, &command, argc, argv);
	if (status >= 0)
		return status;
	const char *yes[CLI_GIVEN_MAX], *done[CLI_GIVEN_MAX], *waive[CLI_GIVEN_MAX], *again[CLI_GIVEN_MAX];
	struct headless headless = {.again = again,
				    .yes = yes,
				    .done = done,
				    .waive = waive,
				    .until = cli_get(&cli, "until", NULL),
				    .back = cli_has(&cli, "back"),
				    .quiet = cli_has(&cli, "quiet")};
	for (const char *v; (v = cli_at(&cli, "yes", headless.n_yes));)
		yes[headless.n_yes++] = v;
	for (const char *v; (v = cli_at(&cli, "again", headless.n_again));)
		again[headless.n_again++] = v;
	for (const char *v; (v = cli_at(&cli, "done", headless.n_done));)
		done[headless.n_done++] = v;
	for (const char *v; (v = cli_at(&cli, "waive", headless.n_waive));)
		waive[headless.n_waive++] = v;
	struct err err = {0};
	char dir[400];
	struct json *config = cmd_config_cli(&cli, &err);
	status = config ? night_run(config, cli_get(&cli, "playbook", NULL), cli_has(&cli, "rehearse"),
				    &headless, dir, sizeof dir, &err)
			: -1;
	char still[400];
	bool open =
	    config && status >= 0 && place_open_night(json_str(config, "app", ""), still, sizeof still);
	json_free(config);
	if (status < 0)
		return cmd_fail(&err);
	printf("%s: %s/journal.jsonl\n",
	       status == EXIT_DONE      ? open ? "open" : "done"
	       : status == EXIT_ABORTED ? open ? "aborted" : "rolled back"
					: "failed",
	       dir);
	return status;
}
