/* nightferry report: the night as a document. */
#include "core/base/cli.h"
#include "core/base/text.h"
#include "core/cmds/cmds.h"
#include "core/cmds/on.h"
#include "core/night/place.h"
#include "core/night/report.h"
#include <stdio.h>

static int report_run(int argc, char **argv);
const struct cmd report_cmd = {
    .name = "report", .help = "writes the night as Markdown or JSON", .run = report_run};

static int report_run(int argc, char **argv)
{
	static const struct cli_option options[] = {
	    {"format", "md|json", "Markdown (default) or one JSON object"},
	    {"config", "FILE", "the configuration, to find the newest night"},
	    {"on", "HOST", "that of `nightferry --on HOST`"},
	    {0},
	};
	static const struct cli_command command = {
	    .name = "report",
	    .args = "[JOURNAL]",
	    .help = "Writes what happened in a night, from its journal alone. Exit status: 0 the night is "
		    "done, 3 it was rolled back or aborted, 1 else.",
	    .options = options,
	    .args_max = 1,
	};
	struct cli cli;
	int status = cli_parse(&cli, &command, argc, argv);
	if (status >= 0)
		return status;
	const char *format = cli_get(&cli, "format", "md"), *given = cli_arg(&cli, 0, NULL);
	struct err err = {0};
	if (!text_equal(format, "md") && !text_equal(format, "json")) {
		err_set(&err, ERR_USAGE, "--format is md or json, not \"%s\"", format);
		return cmd_fail(&err);
	}
	if (cli_has(&cli, "on"))
		return on_command(cli_get(&cli, "on", ""), cli_get(&cli, "config", NULL), "report",
				  (const char *const[]){"--format", format, NULL});
	struct json *config = given ? NULL : cmd_config(cli_get(&cli, "config", NULL), &err);
	if (!given && !config)
		return cmd_fail(&err);
	char path[600];
	struct report report;
	int rc = place_journal(given, json_str(config, "app", ""), path, sizeof path, &err);
	json_free(config);
	if (rc < 0 || report_read(path, &report, &err) < 0)
		return cmd_fail(&err);
	if (text_equal(format, "json")) {
		struct jw w = {0};
		report_json(&report, &w);
		puts(jw_finish(&w));
		jw_done(&w);
	} else {
		struct buf out = {0};
		report_markdown(&report, &out);
		fputs(buf_text(&out), stdout);
		buf_done(&out);
	}
	const char *verdict = report_verdict(&report);
	bool back = text_equal(verdict, "rolled-back") || text_equal(verdict, "aborted");
	status = text_equal(verdict, "done") ? EXIT_DONE : back ? EXIT_ABORTED : EXIT_FAILED;
	report_done(&report);
	return status;
}
