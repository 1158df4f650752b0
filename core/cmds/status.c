/* nightferry status: where the night stands, from its journal. */
#include "core/base/cli.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/cmds/cmds.h"
#include "core/cmds/on.h"
#include "core/night/after.h"
#include "core/night/place.h"
#include "core/night/report.h"
#include <stdio.h>
#include <string.h>

static int status_run(int argc, char **argv);
const struct cmd status_cmd = {.name = "status", .help = "says where the night stands", .run = status_run};

/* One short line for tmux's status-right. */
static void print_line(const struct state *s)
{
	char down[UNITS_MAX] = "";
	const struct step_seen *next = steps_next(s);
	double seconds = report_downtime_s(s, clock_wall_ms());
	if (seconds >= 0)
		units_duration(down, (int64_t)(seconds * 1000));
	printf("%s %s", s->app, s->closed_at_ms ? s->closed_verdict : next ? next->id : "done");
	if (!s->closed_at_ms && next)
		printf(" %s %d/%zu", step_state_name(next->state), next->number, s->steps.n_forward);
	if (*down)
		printf(" %s %s", downtime_of(s, clock_wall_ms()).now ? "DOWN" : "was down", down);
	if (s->people.hold && !s->closed_at_ms)
		printf(" HOLD");
	putchar('\n');
}

/* An empty line where the playbook has no words for this moment: nothing outside has begun, or it is over. */
static void print_page(const struct report *report)
{
	const struct state *s = report->state;
	const struct json *book = json_get(report->opened, "playbook"),
			  *phase = json_first(json_get(book, "phases"));
	const struct step_seen *step = steps_current(s) ? steps_current(s) : steps_next(s);
	for (size_t i = 0; phase && step && i < step->phase; i++)
		phase = json_next(phase);
	const char *end = text_equal(s->closed_verdict, "done")          ? "done_status"
			  : text_equal(s->closed_verdict, "rolled-back") ? "rolled_back_status"
									 : "";
	puts(s->rehearsal      ? ""
	     : s->closed_at_ms ? json_str(book, end, "")
	     : s->steps.turned ? json_str(book, "rollback_status", "")
	     : step            ? json_str(phase, "status", "")
			       : "");
}

/* The day after: what is still to do, and until when. */
static void print_after(const struct state *s)
{
	struct after after;
	char at[UNITS_MAX], age[UNITS_MAX];
	int64_t now_ms = clock_wall_ms();
	after_of(s, &after);
	if (after.n)
		printf("to do    `nightferry report --format ics` writes this as a calendar\n");
	for (size_t i = 0; i < after.n; i++) {
		const struct after_item *x = &after.list[i];
		int64_t left_ms = x->at_ms - now_ms;
		units_age(age, left_ms < 0 ? -left_ms : left_ms);
		printf("  %.10s %s%s%s  %s\n             %s\n", units_iso(at, x->at_ms),
		       left_ms < 0 ? "" : "in ", age, left_ms < 0 ? " ago" : "", x->what, x->why);
	}
	after_done(&after);
}

static void print_all(const struct state *s, const char *journal, bool runs)
{
	char t[UNITS_MAX];
	size_t done = 0;
	for (size_t i = 0; i < s->steps.n_forward; i++)
		done += step_state_finished(s->steps.steps[i].state);
	printf("app      %s (%s -> %s)\n", s->app, s->old_name, s->new_name);
	printf("night    %s, playbook %s, %s\n", s->night, s->steps.playbook,
	       s->closed_at_ms ? s->closed_verdict
	       : runs          ? "engine runs"
			       : "open, no engine runs");
	printf("steps    %zu of %zu done\n", done, s->steps.n_forward);
	const struct step_seen *next = steps_next(s);
	if (next && !s->closed_at_ms)
		printf("now      %d %s: %s%s%s\n", next->number, next->id, step_state_name(next->state),
		       *next->text ? ", " : "", next->text);
	double seconds = report_downtime_s(s, clock_wall_ms());
	if (seconds >= 0)
		printf("down     %s%s\n", units_duration(t, (int64_t)(seconds * 1000)),
		       downtime_of(s, clock_wall_ms()).now ? " and counting" : "");
	if (s->rows.compared_at_ms)
		printf("rows     %d of %d tables equal, %d skipped, %d waived\n", s->rows.equal,
		       s->rows.compared, s->rows.skipped, s->rows.waived);
	if (s->people.hold)
		printf("HOLD     by %s %s\n", s->people.hold_by, s->people.hold_why);
	print_after(s);
	printf("journal  %s\n", journal);
}

static int status_run(int argc, char **argv)
{
	static const struct cli_option options[] = {
	    {"config", "FILE", "the configuration (default: nightferry.yml)"},
	    CMD_APP_OPTION,
	    {"on", "HOST", "that of `nightferry --on HOST`"},
	    {"json", NULL, "everything, as one JSON object"},
	    {"line", NULL, "one short line, for tmux's status-right"},
	    {"page", NULL, "the text for your status page at this moment, as the playbook has it"},
	    {0},
	};
	static const struct cli_command command = {
	    .name = "status",
	    .args = "[JOURNAL]",
	    .help = "Says where a night stands: the newest one, or that of JOURNAL. Exit status: 0 done or "
		    "well under way, 1 failed or\n"
		    "UNKNOWN, 3 rolled back.",
	    .options = options,
	    .args_max = 1,
	};
	struct cli cli;
	int status = cli_parse(&cli, &command, argc, argv);
	if (status >= 0)
		return status;
	if (cli_has(&cli, "on")) {
		const char *form = cli_has(&cli, "json")   ? "--json"
				   : cli_has(&cli, "line") ? "--line"
				   : cli_has(&cli, "page") ? "--page"
							   : NULL;
		return on_command(&cli, "status", (const char *const[]){form, NULL});
	}
	struct err err = {0};
	char path[600];
	const char *given = cli_arg(&cli, 0, NULL);
	struct json *config = given ? NULL : cmd_config_cli(&cli, &err);
	if (!given && !config)
		return cmd_fail(&err);
	struct report report;
	int rc = place_journal(given, json_str(config, "app", ""), path, sizeof path, &err);
	json_free(config);
	if (rc < 0 || report_read(path, &report, &err) < 0)
		return cmd_fail(&err);
	char dir[600];
	text_copy(dir, sizeof dir, path);
	char *slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
	const struct state *s = report.state;
	if (cli_has(&cli, "json")) {
		struct jw w = {0};
		jw_open(&w);
		state_write(s, &w);
		jw_str(&w, "journal", path);
		jw_bool(&w, "engine", night_engine_runs(dir));
		puts(jw_finish(&w));
		jw_done(&w);
	} else if (cli_has(&cli, "page")) {
		print_page(&report);
	} else if (cli_has(&cli, "line")) {
		print_line(s);
	} else {
		print_all(s, path, night_engine_runs(dir));
	}
	const struct step_seen *next = steps_next(s);
	status = EXIT_DONE;
	if (text_equal(s->closed_verdict, "rolled-back") || text_equal(s->closed_verdict, "aborted"))
		status = EXIT_ABORTED;
	else if (next && (next->state == STEP_FAILED || next->state == STEP_UNKNOWN))
		status = EXIT_FAILED;
	report_done(&report);
	return status;
}
