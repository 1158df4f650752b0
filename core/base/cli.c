/* Options of a subcommand. */
#include "core/base/cli.h"
#include "core/base/suggest.h"

#include <stdarg.h>
#include <string.h>

static const struct cli_option help_option = {"help", NULL, "shows this text"};

/* "--name" or "--name WORD", padded; the width when out is NULL. */
static int option_head(FILE *out, const struct cli_option *option, int width)
{
	int n = (int)strlen(option->name) + 2 + (option->arg ? 1 + (int)strlen(option->arg) : 0);

	if (out)
		fprintf(out, "  --%s%s%s%*s  ", option->name, option->arg ? " " : "",
			option->arg ? option->arg : "", width - n, "");
	return n;
}

void cli_help(FILE *out, const struct cli_command *command)
{
	const struct cli_option *o;
	bool args = command->args && *command->args;
	int width = option_head(NULL, &help_option, 0);

	for (o = command->options; o && o->name; o++)
		if (option_head(NULL, o, 0) > width)
			width = option_head(NULL, o, 0);
	fprintf(out, "usage: nightferry %s%s%s%s\n\n%s\n\n", command->name,
		command->options && command->options->name ? " [options]" : "", args ? " " : "",
		args ? command->args : "", command->help);
	for (o = command->options; o && o->name; o++) {
		option_head(out, o, width);
		fprintf(out, "%s\n", o->help);
	}
	option_head(out, &help_option, width);
	fprintf(out, "%s\n", help_option.help);
}

__attribute__((format(printf, 2, 3))) static int wrong(const struct cli_command *command, const char *fmt,
						       ...)
{
	va_list ap;

	fprintf(stderr, "nightferry %s: ", command->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	return 2;
}

static const struct cli_option *find(const struct cli_command *command, const char *name, size_t len)
{
	for (const struct cli_option *o = command->options; o && o->name; o++)
		if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
			return o;
	return NULL;
}

static int unknown(const struct cli_command *command, const char *name, size_t len)
{
	char word[64], near[80];
	struct suggest s = {.word = word};

	snprintf(word, sizeof(word), "%.*s", len < sizeof(word) ? (int)len : (int)sizeof(word) - 1, name);
	suggest_offer(&s, help_option.name);
	for (const struct cli_option *o = command->options; o && o->name; o++)
		suggest_offer(&s, o->name);
	if (suggest_best(&s))
		snprintf(near, sizeof(near), "did you mean --%s?", suggest_best(&s));
	else
		snprintf(near, sizeof(near), "--help lists the options.");
	return wrong(command, "there is no option --%s; %s", word, near);
}

/* One option at argv[*i], which moves past its value. */
static int take_option(struct cli *cli, int argc, char **argv, int *i)
{
	const char *name = argv[*i] + 2, *value = strchr(name, '=');
	size_t len = value ? (size_t)(value - name) : strlen(name);
	const struct cli_option *option = find(cli->command, name, len);

	if (!option)
		return unknown(cli->command, name, len);
	if (!option->arg && value)
		return wrong(cli->command, "--%s takes no value; write only --%s.", option->name,
			     option->name);
	if (value)
		value++;
	else if (!option->arg)
		value = "";
	else if (*i + 1 < argc)
		value = argv[++*i];
	else
		return wrong(cli->command, "--%s needs a value; write --%s %s.", option->name, option->name,
			     option->arg);
	if (cli->n_given == CLI_GIVEN_MAX)
		return wrong(cli->command, "there are more than %d options; give fewer.", CLI_GIVEN_MAX);
	cli->given[cli->n_given].option = option;
	cli->given[cli->n_given++].value = value;
	return -1;
}

static int check_args(const struct cli *cli)
{
	const struct cli_command *command = cli->command;
	const char *args = command->args ? command->args : "";

	if (cli->n_args < command->args_min)
		return wrong(command, "an argument is missing; write: nightferry %s %s", command->name, args);
	if (cli->n_args > command->args_max)
		return wrong(command, "\"%s\" is one argument too many; write: nightferry %s%s%s",
			     cli->args[command->args_max], command->name, *args ? " " : "", args);
	return -1;
}

int cli_parse(struct cli *cli, const struct cli_command *command, int argc, char **argv)
{
	bool only_args = false;

	*cli = (struct cli){.command = command};
	for (int i = 1; i < argc; i++) {
		int status = -1;

		if (!only_args && strcmp(argv[i], "--") == 0) {
			only_args = true;
		} else if (!only_args && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
			cli_help(stdout, command);
			return 0;
		} else if (!only_args && strcmp(argv[i], "--version") == 0) {
			puts("nightferry " NIGHTFERRY_VERSION);
			return 0;
		} else if (!only_args && strncmp(argv[i], "--", 2) == 0) {
			status = take_option(cli, argc, argv, &i);
		} else if (!only_args && argv[i][0] == '-' && argv[i][1]) {
			status = wrong(command,
				       "%s is no option; options begin with two dashes, --help lists them.",
				       argv[i]);
		} else if (cli->n_args == CLI_GIVEN_MAX) {
			status =
			    wrong(command, "there are more than %d arguments; give fewer.", CLI_GIVEN_MAX);
		} else {
			cli->args[cli->n_args++] = argv[i];
		}
		if (status >= 0)
			return status;
	}
	return check_args(cli);
}

const char *cli_at(const struct cli *cli, const char *name, size_t i)
{
	for (size_t at = 0; at < cli->n_given; at++)
		if (strcmp(cli->given[at].option->name, name) == 0 && i-- == 0)
			return cli->given[at].value;
	return NULL;
}

const char *cli_get(const struct cli *cli, const char *name, const char *otherwise)
{
	for (size_t at = cli->n_given; at > 0; at--)
		if (strcmp(cli->given[at - 1].option->name, name) == 0)
			return cli->given[at - 1].value;
	return otherwise;
}

bool cli_has(const struct cli *cli, const char *name)
{
	return cli_at(cli, name, 0) != NULL;
}

const char *cli_arg(const struct cli *cli, size_t i, const char *otherwise)
{
	return i < cli->n_args ? cli->args[i] : otherwise;
}
