/* The options of one subcommand: a table, from which come the parsing and the text of --help.
 *
 * static const struct cli_option options[] = {
 *     {"config", "FILE", "the configuration (default: nightferry.yml)"},
 *     {"plan", NULL, "shows what it would do"},
 *     {0},
 * };
 * static const struct cli_command command = {.name = "step", .args = "NAME", .help = "Plans one step by
 * hand.", .options = options, .args_min = 1, .args_max = 1}; struct cli cli; int status = cli_parse(&cli,
 * &command, argc, argv); if (status >= 0) return status;
 */
#ifndef CORE_BASE_CLI_H
#define CORE_BASE_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct cli_option {
	const char *name; /* without the dashes */
	const char *arg;  /* NULL: a flag, else the word for its value in the help: "FILE" */
	const char *help;
};
struct cli_command {
	const char *name;                 /* "step", after the program's name in the usage line */
	const char *args;                 /* "NAME [SIDE]", "" or NULL for none */
	const char *help;                 /* a paragraph; may hold newlines */
	const struct cli_option *options; /* ends with a NULL name; may be NULL; --help is always there */
	size_t args_min, args_max;
};

enum { CLI_GIVEN_MAX = 64 };
struct cli {
	const struct cli_command *command;
	struct {
		const struct cli_option *option;
		const char *value; /* "" for flags */
	} given[CLI_GIVEN_MAX];
	size_t n_given;
	const char *args[CLI_GIVEN_MAX];
	size_t n_args;
};

/* argv[0] is the command's name. Takes --x=v, --x v, -h, and -- before arguments that begin with a dash.
 * -1: go on. 0: the help was printed. 2: a sentence was printed on stderr. Everything is borrowed from argv.
 */
int cli_parse(struct cli *cli, const struct cli_command *command, int argc, char **argv);
/* The last value given, or `otherwise`. */
const char *cli_get(const struct cli *cli, const char *name, const char *otherwise);
bool cli_has(const struct cli *cli, const char *name);
/* The i-th value of an option that may be repeated; NULL after the last. */
const char *cli_at(const struct cli *cli, const char *name, size_t i);
/* The argument at `i`, or `otherwise`. */
const char *cli_arg(const struct cli *cli, size_t i, const char *otherwise);
void cli_help(FILE *out, const struct cli_command *command);

#endif
