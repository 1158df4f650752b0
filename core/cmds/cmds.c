/* What the subcommands share. */
#include "core/cmds/cmds.h"
#include "core/base/text.h"
#include "core/night/config.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int cmd_fail(const struct err *err)
{
	fprintf(stderr, "nightferry: %s\n", err->text);
	return err->kind == ERR_USAGE || err->kind == ERR_CONFIG ? EXIT_USAGE : EXIT_FAILED;
}

/* At the terminal, whatever standard output is. Anything but y is a no. */
static bool ask_at_terminal(const char *question)
{
	FILE *tty = isatty(STDIN_FILENO) ? fopen("/dev/tty", "r+e") : NULL;
	char answer[16] = "";

	if (!tty)
		return false;
	fprintf(tty, "%s [y/N] ", question);
	fflush(tty);
	if (!fgets(answer, sizeof answer, tty))
		*answer = 0;
	fclose(tty);
	return (*answer == 'y' || *answer == 'Y') && (answer[1] == '\n' || !answer[1]);
}

struct json *cmd_config(const char *given, struct err *err)
{
	const char *env = getenv("CONFIG");
	return config_load_asking(given ? given : env && *env ? env : "nightferry.yml", ask_at_terminal, err);
}

struct json *cmd_config_cli(const struct cli *cli, struct err *err)
{
	const char *app = cli_get(cli, "app", NULL);
	if (app)
		setenv("HEROKU_APP", app, 1);
	struct json *config = cmd_config(cli_get(cli, "config", NULL), err);
	const char *named = json_str(json_get(config, "heroku"), "app", "");
	if (!config || !app || text_equal(named, app))
		return config;
	err_set(err, ERR_USAGE,
		"--app %s is not the app of the configuration, which is %s; leave --app out, or name %s in "
		"`heroku:`",
		app, named, app);
	json_free(config);
	return NULL;
}
