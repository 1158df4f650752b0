/* A docker CLI without a daemon: real processes, docker's words. See demo/docker/README.md. */
#include "demo/docker/cmds.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
	const char *group, *name;
	int (*run)(int argc, char **argv);
} commands[] = {
    {"container", "ls", cmd_ps},
    {"", "ps", cmd_ps},
    {"container", "list", cmd_ps},
    {"container", "ps", cmd_ps},
    {"+", "inspect", cmd_inspect},
    {"+", "run", cmd_run},
    {"+", "start", cmd_start},
    {"+", "stop", cmd_stop},
    {"+", "restart", cmd_restart},
    {"+", "kill", cmd_kill},
    {"+", "rm", cmd_rm},
    {"+", "rename", cmd_rename},
    {"+", "logs", cmd_logs},
    {"+", "stats", cmd_stats},
    {"+", "exec", cmd_exec},
    {"+", "cp", cmd_cp},
    {"+", "port", cmd_port},
    {"", "events", cmd_events},
    {"system", "events", cmd_events},
    {"", "version", cmd_version},
    {"", "-v", cmd_version},
    {"", "--version", cmd_version},
    {"", "info", cmd_info},
    {"system", "info", cmd_info},
    {"", "system", cmd_system},
    {"", "image", cmd_image},
    {"", "images", cmd_image},
    {"", "import", cmd_import},
    {"", "tag", cmd_image},
    {"", "pull", cmd_image},
    {"", "rmi", cmd_image},
    {"", "login", cmd_image},
    {"", "logout", cmd_image},
    {"", "network", cmd_image},
    {"", "volume", cmd_image},
    {"", "buildx", cmd_image},
    {"container", "prune", cmd_image},
};

int main(int argc, char **argv)
{
	const char *group = "";
	umask(077);
	signal(SIGPIPE, SIG_DFL);
	argv++, argc--;
	if (argc > 1 &&
	    (!strcmp(argv[0], "container") || (!strcmp(argv[0], "system") && strcmp(argv[1], "df")))) {
		group = argv[0];
		argv++, argc--;
	}
	for (size_t i = 0; argc > 0 && i < sizeof commands / sizeof *commands; i++) {
		const char *owner = commands[i].group;
		if (strcmp(commands[i].name, argv[0]))
			continue;
		if (strcmp(owner, group) && !(*owner == '+' && (!*group || !strcmp(group, "container"))))
			continue;
		if (store_open())
			return 1;
		return commands[i].run(argc, argv);
	}
	fprintf(stderr, "docker: unknown command: docker %s\n\nRun 'docker --help' for more information\n",
		argc > 0 ? argv[0] : "");
	return 1;
}
