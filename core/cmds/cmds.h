/* Subcommands without a screen: one row each in table.c, the user's word = the file's name. */
#ifndef CORE_CMDS_CMDS_H
#define CORE_CMDS_CMDS_H

#include "core/base/cli.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include <stdbool.h>
#include <stddef.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_ABORTED = 3 };

struct cmd {
	const char *name, *help;           /* help: one line for the list */
	int (*run)(int argc, char **argv); /* argv[0] is the name; returns the exit status */
	bool hidden;                       /* not for people */
};
extern const struct cmd *const cmd_table[];
extern const struct cmd init_cmd; /* the start screen offers it */

/* Prints "nightferry: SENTENCE" on stderr and gives the exit status of the error's kind: 2 for usage and
 * config, else 1. */
int cmd_fail(const struct err *err);

/* The configuration a command works with: --config FILE, else $CONFIG, else nightferry.yml. NULL: err is
 * filled. */
struct json *cmd_config(const char *given, struct err *err);
/* The same by a command's own --config and --app. --app is the Heroku app of a configuration whose `heroku:`
 * names none, before HEROKU_APP and the git remotes; where it names another one, or where a night of another
 * app is open, that is an error. */
struct json *cmd_config_cli(const struct cli *cli, struct err *err);
#define CMD_APP_OPTION                                                              \
	{                                                                           \
		"app", "NAME", "the Heroku app, where the configuration names none" \
	}

/* ---- nights ---- */

/* ATTACH: whatever is open, a night or a rehearsal; nothing is opened. */
enum night_start { NIGHT_ATTACH = 0, NIGHT_OPEN, NIGHT_REHEARSE };
/* Finds what is open for the config's app, or opens it, starts its engine in the background when none runs,
 * and waits until its socket listens. `dir` gets the night's folder. */
int night_start(const struct json *config, enum night_start how, char *dir, size_t size, struct err *err);
/* A new folder for a rehearsal, and what its engine begins with. */
struct rehearsal {
	struct json *config, *playbook;
};
int night_rehearsal(const struct json *config, struct json *take_playbook, struct rehearsal *out, char *dir,
		    size_t size, struct err *err);
void rehearsal_done(struct rehearsal *rehearsal);
/* A night is never taken for a rehearsal, nor the other way round. */
int night_kind_fits(const char *dir, bool rehearse, struct err *err);
/* Opens a night in a folder that was made for it, and starts its engine in the background. */
int night_open_in(const char *dir, const struct json *config, struct err *err);
/* The same where configuration and playbook are resolved already. `open`: `dir` names the open night, which
 * is taken up; else a new one is made. */
int night_start_with(const struct json *config, const struct json *playbook, bool open, char *dir,
		     size_t size, struct err *err);
/* A rehearsal with configuration and playbook resolved already, in a new folder. */
int night_rehearse_with(const struct json *config, struct json *take_playbook, char *dir, size_t size,
			struct err *err);
bool night_engine_runs(const char *dir);
/* A connection to the engine of a night; -1 when none listens. */
int night_connect(const char *dir);
/* Sends one line to the engine of a night and reads until it refuses (1) or says goodbye (0). */
int night_tell(const char *dir, const char *command, char *said, size_t size, struct err *err);
/* Resolves config and playbook for a new night. The playbook's name: `given`, else config's, else
 * heroku-to-kamal. */
struct json *night_playbook(const struct json *config, const char *given, struct err *err);

/* ---- the demo ---- */

/* Starts a demo world in a new folder and opens a night in it; `progress` gets each line that came up. */
struct demo {
	char world[256], state[280], config[280];
	bool started;
};
int demo_prepare(struct demo *demo, struct err *err); /* the folder only: quick */
int demo_world(struct demo *demo, void (*progress)(void *, const char *line), void *arg, struct err *err);
int demo_environment(const struct demo *demo, struct err *err); /* DIR/env into this process' environment */
void demo_stop(struct demo *demo);

#endif
