/* nightferry verify: does the journal hold, and how far can that be said? */
#include "core/base/cli.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/cmds/cmds.h"
#include "core/night/journal.h"
#include "core/night/place.h"
#include <stdio.h>

static int verify_run(int argc, char **argv);
const struct cmd verify_cmd = {.name = "verify", .help = "checks a journal's chain", .run = verify_run};

/* A hash that somebody wrote down elsewhere: on a seat, in the report, in Kamal's lock message. */
struct search {
	const char *hash;
	uint64_t line, found;
};

static bool look_for(void *arg, const char *line, size_t len)
{
	struct search *search = arg;
	struct json *json = json_parse(line, len, NULL);
	search->line++;
	if (text_equal(json_str(json, "h", ""), search->hash))
		search->found = search->line;
	json_free(json);
	return true;
}

static int verify_run(int argc, char **argv)
{
	static const struct cli_option options[] = {
	    {"anchor", "HASH", "a hash that was written down elsewhere: is it one of the lines?"},
	    {0},
	};
	static const struct cli_command command = {
	    .name = "verify",
	    .args = "JOURNAL",
	    .help = "Checks every line of a journal against the one before it, and the end against HEAD "
		    "beside it. Exit status: 0 it\n"
		    "holds, 1 it does not.",
	    .options = options,
	    .args_min = 1,
	    .args_max = 1,
	};
	struct cli cli;
	int status = cli_parse(&cli, &command, argc, argv);
	if (status >= 0)
		return status;
	struct err err = {0};
	struct journal_check check;
	struct search search = {.hash = cli_get(&cli, "anchor", "")};
	char path[600];
	if (place_journal(cli_arg(&cli, 0, NULL), NULL, path, sizeof path, &err) < 0 ||
	    journal_check(path, *search.hash ? look_for : NULL, &search, &check, &err) < 0)
		return cmd_fail(&err);
	if (check.bad) {
		printf("BROKEN at line %llu: %s; the %llu lines before it hold\n",
		       (unsigned long long)check.bad, check.why, (unsigned long long)check.lines);
		return EXIT_FAILED;
	}
	if (!check.lines) {
		printf("BROKEN: %s holds no whole line, so it is no night's journal, or all of it is gone\n",
		       path);
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
	if (search.found)
		printf("the given hash is line %llu: nothing up to there was cut or changed\n",
		       (unsigned long long)search.found);
	else if (*search.hash)
		printf(
		    "BROKEN: the given hash is none of these lines: lines were cut off, or this is another "
		    "night's journal\n");
	return (*search.hash && !search.found) || check.torn || (check.anchored && !check.anchor_found)
		   ? EXIT_FAILED
		   : EXIT_DONE;
}
