/* nightferry report: the night as a document. */
#include "core/base/cli.h"
#include "core/base/text.h"
#include "core/cmds/cmds.h"
#include "core/cmds/on.h"
#include "core/night/after.h"
#include "core/night/place.h"
#include "core/night/report.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int report_run(int argc, char **argv);
const struct cmd report_cmd = {
    .name = "report", .help = "writes the night as Markdown, HTML, JSON or CSV", .run = report_run};

static int print_report(const struct report *report, const char *format, const char *csv, struct err *err)
{
	struct buf out = {0};
	struct jw w = {0};
	int rc = 0;
	if (csv && report_csv(report, csv, &out) < 0) {
		rc = err_set(err, ERR_USAGE, "--csv is rows, checks, steps or timeline, not \"%s\"", csv);
	} else if (!csv && text_equal(format, "json")) {
		report_json(report, &w);
		buf_addf(&out, "%s\n", jw_finish(&w));
	} else if (!csv && text_equal(format, "ics")) {
		after_ics(report->state, &out);
	} else if (!csv && text_equal(format, "html")) {
		report_html(report, &out);
	} else if (!csv) {
		report_markdown(report, &out);
	}
	/* Half a report must not look like a whole one. */
	if (rc == 0 && (fputs(buf_text(&out), stdout) < 0 || fflush(stdout) != 0))
		rc = err_set(err, ERR_IO, "the report could not be written: %s", strerror(errno));
	jw_done(&w);
	buf_done(&out);
	return rc;
}

static int report_run(int argc, char **argv)
{
	static const struct cli_option options[] = {
	    {"format", "md|html|json|ics",
	     "Markdown (default), one page that needs no server, one JSON object, or a calendar of what is "
	     "still to do"},
	    {"csv", "TABLE", "rows, checks, steps or timeline, for a spreadsheet"},
	    {"config", "FILE", "the configuration, to find the newest night"},
	    CMD_APP_OPTION,
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
	const char *format = cli_get(&cli, "format", "md"), *given = cli_arg(&cli, 0, NULL),
		   *csv = cli_get(&cli, "csv", NULL);
	struct err err = {0};
	if (!text_equal(format, "md") && !text_equal(format, "html") && !text_equal(format, "json") &&
	    !text_equal(format, "ics")) {
		err_set(&err, ERR_USAGE, "--format is md, html, json or ics, not \"%s\"", format);
		return cmd_fail(&err);
	}
	if (cli_has(&cli, "on"))
		return on_command(&cli, "report",
				  csv ? (const char *const[]){"--csv", csv, NULL}
				      : (const char *const[]){"--format", format, NULL});
	struct json *config = given ? NULL : cmd_config_cli(&cli, &err);
	if (!given && !config)
		return cmd_fail(&err);
	char path[600];
	struct report report;
	int rc = place_journal(given, json_str(config, "app", ""), path, sizeof path, &err);
	json_free(config);
	if (rc < 0 || report_read(path, &report, &err) < 0)
		return cmd_fail(&err);
	if (print_report(&report, format, csv, &err) < 0) {
		report_done(&report);
		return cmd_fail(&err);
	}
	const char *verdict = report_verdict(&report);
	bool back = text_equal(verdict, "rolled-back") || text_equal(verdict, "aborted");
	status = text_equal(verdict, "done") ? EXIT_DONE : back ? EXIT_ABORTED : EXIT_FAILED;
	report_done(&report);
	return status;
}
