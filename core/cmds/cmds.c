/* What the subcommands share. */
#include "core/cmds/cmds.h"
#include "core/base/text.h"
#include "core/night/config.h"
#include "core/night/place.h"
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

/* The Heroku app of a night, as its first record has it; "" when that cannot be read. */
static void night_heroku_app(const char *dir, char *out, size_t size)
{
	char path[600], *line = NULL;
	size_t room = 0;
	text_copyf(path, sizeof path, "%s/journal.jsonl", dir);
	FILE *f = fopen(path, "re");
	ssize_t len = f ? getline(&line, &room, f) : -1;
	struct json *opened = len > 0 ? json_parse(line, (size_t)len, NULL) : NULL;
	text_copy(out, size, json_str(json_path(opened, "config.heroku"), "app", ""));
	json_free(opened);
	free(line);
	if (f)
		fclose(f);
}

/* A night goes on with the app that it was opened for: whoever names another one sits down at the wrong one.
 */
static int fits_open_night(const struct json *config, const char *app, struct err *err)
{
	char dir[400], of[80];
	if (!place_open_night(json_str(config, "app", ""), dir, sizeof dir))
		return 0;
	night_heroku_app(dir, of, sizeof of);
	if (!*of || text_equal(of, app))
		return 0;
	return err_set(
	    err, ERR_USAGE,
	    "--app %s is not the app of the night that is open (%s), which is %s; leave --app out, "
	    "or end that night first",
	    app, dir, of);
}

struct json *cmd_config_cli(const struct cli *cli, struct err *err)
{
	const char *app = cli_get(cli, "app", NULL);
	if (app)
		setenv("HEROKU_APP", app, 1);
	struct json *config = cmd_config(cli_get(cli, "config", NULL), err);
	const char *named = json_str(json_get(config, "heroku"), "app", "");
	if (!config || !app)
		return config;
	if (text_equal(named, app)) {
		if (fits_open_night(config, app, err) == 0)
			return config;
		json_free(config);
		return NULL;
	}
	err_set(err, ERR_USAGE,
		"--app %s is not the app of the configuration, which is %s; leave --app out, or name %s in "
		"`heroku:`",
		app, named, app);
	json_free(config);
	return NULL;
}
