/* nightferry stop: ends the engine of the open night; the night stays open in its journal. */
#include "core/base/cli.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/cmds/cmds.h"
#include "core/cmds/on.h"
#include "core/night/place.h"
#include <stdio.h>

static int stop_run(int argc, char **argv);
const struct cmd stop_cmd = {
    .name = "stop", .help = "stops the engine; the night stays open", .run = stop_run};

static int stop_night(const char *dir)
{
	struct err err = {0};
	char said[400];
	if (!*dir || !night_engine_runs(dir)) {
		puts("no engine runs");
		return EXIT_DONE;
	}
	int refused = night_tell(dir, "{\"t\":\"cmd\",\"cmd\":\"stop-engine\"}", said, sizeof said, &err);
	if (refused < 0)
		return cmd_fail(&err);
	puts(*said ? said : "stopped; `nightferry` takes the night up again");
	/* Its goodbye comes a moment before its socket goes. */
	for (int i = 0; i < 100 && !refused && night_engine_runs(dir); i++)
		clock_sleep_ms(50);
	return refused || night_engine_runs(dir) ? EXIT_FAILED : EXIT_DONE;
}

static int stop_run(int argc, char **argv)
{
	static const struct cli_option options[] = {
	    {"config", "FILE", "the configuration (default: nightferry.yml)"},
	    CMD_APP_OPTION,
	    {"on", "HOST", "that of `nightferry --on HOST`"},
	    {0},
	};
	static const struct cli_command command = {
	    .name = "stop",
	    .args = "[NIGHT]",
	    .help = "Stops the engine of the open night. A running step goes on to its next safe point; "
		    "`nightferry` takes the night up again. NIGHT is its folder; default: the newest.",
	    .options = options,
	    .args_max = 1,
	};
	struct cli cli;
	int status = cli_parse(&cli, &command, argc, argv);
	if (status >= 0)
		return status;
	if (cli_has(&cli, "on"))
		return on_command(&cli, "stop", NULL);
	struct err err = {0};
	char dir[400];
	const char *given = cli_arg(&cli, 0, NULL);
	if (given) {
		text_copy(dir, sizeof dir, given);
		return stop_night(dir);
	}
	struct json *config = cmd_config_cli(&cli, &err);
	if (!config)
		return cmd_fail(&err);
	const char *app = json_str(config, "app", "");
	/* The engine of a night that is closed stays for the seats that still look at it. */
	int shut = place_may_look(app, &err);
	bool open = place_open_night(app, dir, sizeof dir) || place_newest_night(app, dir, sizeof dir);
	json_free(config);
	if (shut < 0)
		return cmd_fail(&err);
	return stop_night(open ? dir : "");
}
