/* What the subcommands share. */
#include "core/cmds/cmds.h"
#include "core/base/text.h"
#include "core/night/config.h"
#include <stdio.h>
#include <stdlib.h>

int cmd_fail(const struct err *err)
{
	fprintf(stderr, "nightferry: %s\n", err->text);
	return err->kind == ERR_USAGE || err->kind == ERR_CONFIG ? EXIT_USAGE : EXIT_FAILED;
}

struct json *cmd_config(const char *given, struct err *err)
{
	const char *env = getenv("CONFIG");
	return config_load(given ? given : env && *env ? env : "nightferry.yml", err);
}
