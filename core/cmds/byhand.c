/* nightferry check, watch, step: one child by hand, without an engine. Nothing is changed: steps only plan
 * and probe. */
#include "core/base/cli.h"
#include "core/base/text.h"
#include "core/cmds/cmds.h"
#include "core/job.h"
#include "core/job_write.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>

static int check_run(int argc, char **argv);
static int watch_run(int argc, char **argv);
static int step_run(int argc, char **argv);
const struct cmd check_cmd = {
    .name = "check", .help = "runs one check or all of them, once", .run = check_run};
const struct cmd watch_cmd = {
    .name = "watch", .help = "runs one watch and prints what it sees", .run = watch_run};
const struct cmd step_cmd = {
    .name = "step", .help = "plans or probes one step; changes nothing", .run = step_run};

static const struct cli_option look_options[] = {
    {"config", "FILE", "the configuration (default: nightferry.yml)"},
    CMD_APP_OPTION,
    {0},
};

static enum verdict check_one(const struct check *check, const struct json *config)
{
	struct job *job = job_by_hand(check->name, config, NULL);
	struct err err = {0};
	struct evidence ev = {0};
	enum verdict v = check->run(job, &ev, &err);
	if (err.kind)
		v = VERDICT_UNKNOWN;
	printf("%-7s %s\n", verdict_name(v), check->name);
	if (err.kind)
		printf("        %s\n", err.text);
	for (size_t i = 0; i < ev.n; i++)
		printf("        %-7s %s\n", verdict_name(ev.lines[i].verdict), ev.lines[i].text);
	if (v == VERDICT_FAIL || v == VERDICT_WARN)
		printf("        why it matters: %s\n", check->bite ? check->bite : "-");
	evidence_done(&ev);
	job_free(job);
	return v;
}

static int check_run(int argc, char **argv)
{
	static const struct cli_command command = {
	    .name = "check",
	    .args = "[NAME ...]",
	    .help = "Runs checks once and prints verdict and evidence. Exit status: 0 all PASS or WARN, 1 a "
		    "FAIL or UNKNOWN.",
	    .options = look_options,
	    .args_max = 40,
	};
	struct cli cli;
	int status = cli_parse(&cli, &command, argc, argv);
	if (status >= 0)
		return status;
	struct err err = {0};
	struct json *config = cmd_config_cli(&cli, &err);
	if (!config)
		return cmd_fail(&err);
	bool bad = false;
	size_t found = 0;
	for (size_t i = 0; check_table[i]; i++) {
		bool wanted = cli.n_args == 0;
		for (size_t k = 0; k < cli.n_args; k++)
			wanted |= text_equal(cli.args[k], check_table[i]->name);
		if (!wanted)
			continue;
		found++;
		enum verdict v = check_one(check_table[i], config);
		bad |= v == VERDICT_FAIL || v == VERDICT_UNKNOWN;
	}
	json_free(config);
	if (found < cli.n_args || !found) {
		fprintf(stderr, "nightferry: there is no such check; these are known:");
		for (size_t i = 0; check_table[i]; i++)
			fprintf(stderr, " %s", check_table[i]->name);
		fputc('\n', stderr);
		return EXIT_USAGE;
	}
	return bad ? EXIT_FAILED : EXIT_DONE;
}

static int watch_run(int argc, char **argv)
{
	static const struct cli_command command = {
	    .name = "watch",
	    .args = "NAME",
	    .help = "Runs one watch by hand and prints its events as JSON lines, until Ctrl-C.",
	    .options = look_options,
	    .args_min = 1,
	    .args_max = 1,
	};
	struct cli cli;
	int status = cli_parse(&cli, &command, argc, argv);
	if (status >= 0)
		return status;
	struct err err = {0};
	const struct watch *row = NULL;
	for (size_t i = 0; watch_table[i]; i++)
		if (text_equal(watch_table[i]->name, cli_arg(&cli, 0, "")))
			row = watch_table[i];
	if (!row) {
		fprintf(stderr,
			"nightferry: there is no watch \"%s\"; these are known:", cli_arg(&cli, 0, ""));
		for (size_t i = 0; watch_table[i]; i++)
			fprintf(stderr, " %s", watch_table[i]->name);
		fputc('\n', stderr);
		return EXIT_USAGE;
	}
	struct json *config = cmd_config_cli(&cli, &err);
	if (!config)
		return cmd_fail(&err);
	struct job *job = job_by_hand(row->name, config, NULL);
	job_show_events(job);
	int rc = row->run(job, &err);
	job_free(job);
	json_free(config);
	return rc < 0 ? cmd_fail(&err) : EXIT_DONE;
}

/* "k=v" over the defaults of the step's own table. */
static struct json *params_of(const struct step *row, const struct cli *cli, struct err *err)
{
	struct jw w = {0};
	jw_open(&w);
	for (const struct param *p = row->params; p && p->name; p++) {
		const char *value = p->otherwise;
		for (size_t i = 0; cli_at(cli, "with", i); i++) {
			const char *kv = cli_at(cli, "with", i);
			size_t len = strlen(p->name);
			if (strncmp(kv, p->name, len) == 0 && kv[len] == '=')
				value = kv + len + 1;
		}
		if (value && *value)
			jw_str(&w, p->name, value);
	}
	const char *text = jw_finish(&w);
	struct json *json = json_parse(text, strlen(text), err);
	jw_done(&w);
	return json;
}

static void print_plan(const struct step *row, const struct plan *plan)
{
	enum gate gate = plan->gate > row->gate ? plan->gate : row->gate;
	if (*plan->refused) {
		printf("REFUSED  %s\n", plan->refused);
		return;
	}
	printf("target   %s%s%s\n", plan->side, *plan->side ? " " : "", plan->target);
	printf("gate     %s%s%s\n", gate_name(gate), *plan->verb ? ", " : "", plan->verb);
	if (plan->nothing_to_do)
		printf("nothing to do: the world is already so\n");
	if (*plan->from || *plan->to)
		printf("change   %s -> %s\n", plan->from, plan->to);
	for (size_t i = 0; i < plan->n_does; i++)
		printf("%s %s\n", i ? "        " : "do      ", plan->does[i]);
	if (*plan->then)
		printf("then     %s\n", plan->then);
	if (*plan->back)
		printf("back     %s\n", plan->back);
	for (size_t i = 0; i < plan->seen.n; i++)
		printf("%s %-7s %s: %s\n", i ? "        " : "seen    ",
		       verdict_name(plan->seen.lines[i].verdict), plan->seen.lines[i].name,
		       plan->seen.lines[i].text);
}

static int step_run(int argc, char **argv)
{
	static const struct cli_option options[] = {
	    {"plan", NULL, "shows what the step would do now"},
	    {"probe", NULL, "looks whether it was done"},
	    {"with", "NAME=VALUE", "a parameter; may be repeated"},
	    {"config", "FILE", "the configuration (default: nightferry.yml)"},
	    CMD_APP_OPTION,
	    {0},
	};
	static const struct cli_command command = {
	    .name = "step",
	    .args = "NAME",
	    .help = "Plans or probes one step by hand, without a night. There is no ungated run: steps run "
		    "from a playbook.",
	    .options = options,
	    .args_min = 1,
	    .args_max = 1,
	};
	struct cli cli;
	int status = cli_parse(&cli, &command, argc, argv);
	if (status >= 0)
		return status;
	struct err err = {0};
	const struct step *row = NULL;
	for (size_t i = 0; step_table[i]; i++)
		if (text_equal(step_table[i]->name, cli_arg(&cli, 0, "")))
			row = step_table[i];
	if (!row || cli_has(&cli, "plan") == cli_has(&cli, "probe")) {
		fprintf(stderr, "nightferry: %s; these steps are known:",
			row ? "say --plan or --probe" : "there is no such step");
		for (size_t i = 0; step_table[i]; i++)
			fprintf(stderr, " %s", step_table[i]->name);
		fputc('\n', stderr);
		return EXIT_USAGE;
	}
	struct json *config = cmd_config_cli(&cli, &err),
		    *params = config ? params_of(row, &cli, &err) : NULL;
	if (!params) {
		json_free(config);
		return cmd_fail(&err);
	}
	struct job *job = job_by_hand(row->name, config, params);
	status = EXIT_DONE;
	if (cli_has(&cli, "plan")) {
		struct plan plan = {.estimate_ms = -1};
		if (row->plan && row->plan(job, &plan, &err) < 0)
			status = cmd_fail(&err);
		else
			print_plan(row, &plan);
		if (*plan.refused)
			status = EXIT_FAILED;
		plan_done(&plan);
	} else {
		enum done done = row->probe ? row->probe(job, &err) : DONE_UNCLEAR;
		printf("%s%s%s\n", done_name(done), err.kind ? ": " : "", err.text);
		status = done == DONE_UNCLEAR ? EXIT_FAILED : EXIT_DONE;
	}
	job_free(job);
	json_free(params);
	json_free(config);
	return status;
}
