/* nightferry verify: does the journal hold, and how far can that be said? */
#include "core/base/cli.h"
#include "core/cmds/cmds.h"
#include "core/night/journal.h"
#include "core/night/place.h"
#include <stdio.h>

static int verify_run(int argc, char **argv);
const struct cmd verify_cmd = {.name = "verify", .help = "checks a journal's chain", .run = verify_run};

static int verify_run(int argc, char **argv)
{
	static const struct cli_command command = {
	    .name = "verify",
	    .args = "JOURNAL",
	    .help = "Checks every line of a journal against the one before it, and the end against HEAD "
		    "beside it. Exit status: 0 it\n"
		    "holds, 1 it does not.",
	    .args_min = 1,
	    .args_max = 1,
	};
	struct cli cli;
	int status = cli_parse(&cli, &command, argc, argv);
	if (status >= 0)
		return status;
	struct err err = {0};
	struct journal_check check;
	char path[600];
	if (place_journal(cli_arg(&cli, 0, NULL), NULL, path, sizeof path, &err) < 0 ||
	    journal_check(path, NULL, NULL, &check, &err) < 0)
		return cmd_fail(&err);
	if (check.bad) {
		printf("BROKEN at line %llu: %s; the %llu lines before it hold\n",
		       (unsigned long long)check.bad, check.why, (unsigned long long)check.lines);
		return EXIT_FAILED;
	}
	printf("%llu lines hold, last hash %s\n", (unsigned long long)check.lines, check.head);
	if (check.torn)
		printf("the last line is torn: a machine stopped while it was written\n");
	if (!check.anchored)
		printf("no HEAD beside it: that lines were cut off the end cannot be excluded\n");
	else if (!check.anchor_found)
		printf("BROKEN: HEAD names a line that is not here: lines were cut off the end\n");
	else
		printf("HEAD names line %llu: nothing up to there was cut; what came after it and is gone "
		       "cannot be seen from here\n",
		       (unsigned long long)check.anchor_line);
	return check.torn || (check.anchored && !check.anchor_found) ? EXIT_FAILED : EXIT_DONE;
}
