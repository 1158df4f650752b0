/* `--on HOST`: the engine runs on another machine, this one has only a seat, so that a closed laptop costs
 * nothing. Everything goes through the user's own `ssh` program: their configuration, agent, jump hosts, and
 * its questions on the terminal before the screen starts. */
#ifndef CORE_CMDS_ON_H
#define CORE_CMDS_ON_H

#include "core/base/buf.h"
#include "core/base/cli.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/cmds/cmds.h"
#include <stdbool.h>
#include <stddef.h>

struct on;

/* Reaches HOST (an alias of ~/.ssh/config will do) and sees that this very nightferry lies there, byte for
 * byte: else it is sent. NULL: ERR_NET when ssh does not get through (its own words are on the terminal),
 * ERR_REFUSED when HOST is another kind of machine or lacks libraries, each named. */
struct on *on_open(const char *host, struct err *err);
void on_close(struct on *on);
/* Finds the open night of the config's app there, or opens one as `how` says, and starts its engine when none
 * runs. Configuration, playbook and Kamal's files go along; secrets go by standard input, and stay in the
 * engine's memory. `dir` gets the night's folder there. */
int on_start(struct on *on, const struct json *config, const char *config_path, enum night_start how,
	     char *dir, size_t size, struct err *err);
/* A program with its arguments, to be spawned: standard input and output are a seat's wire to that night's
 * engine. It asks nobody anything. NULL-ended; freed by on_close(). */
char *const *on_seat_argv(struct on *on, const char *dir);
/* Runs a command of ours there (`status`, `stop`, `report`) for the newest night of `app`, output passed on.
 * Returns its exit status, -1 with err when ssh did not get through. */
int on_run(struct on *on, const char *verb, const char *app, const char *const *options, struct err *err);
/* The same from a command line: reads --on, --config and --app, and prints what went wrong. */
int on_command(const struct cli *cli, const char *verb, const char *const *options);

#endif
