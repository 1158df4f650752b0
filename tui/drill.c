/* nightferry drill: people practise in a demo world in which faults strike that nobody has told them of. */
#include "core/base/cli.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/cmds/cmds.h"
#include "core/cmds/drill.h"
#include "tui/flight.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct cli_option options[] = {
    {"list", NULL, "names every fault, its moment and what it does"},
    {"headless", NULL, "no screen: a driver that takes the way which the cockpit's sentences offer"},
    {"until", "STEP", "headless: the drill ends when STEP is done, not with the night"},
    {"seed", "N", "without FAULTS: the surprise of that number again"},
    {"json", "FILE", "headless: the score card as JSON, too"},
    {"theme", "NAME", "colours"},
    {"ascii", NULL, "no line-drawing characters"},
    {0},
};
static const struct cli_command command = {
    .name = "drill",
    .args = "[FAULT[@STEP[+SECONDS]],...]",
    .help =
	"Opens the demo world and a night in it, in which the named faults strike at their moments:\n"
	"  nightferry drill conn-drop@restore+2s,writer@quiet,ns-stale\n"
	"STEP is a step of the playbook or a phase; without it a fault has a moment of its own. Without "
	"FAULTS\n"
	"three strike that are not told before. At the end a card says of each how soon it was noticed, who\n"
	"decided what, when it was over, and whether a row was lost; the night's journal and report have it, "
	"too.\n"
	"Exit status: 0 all noticed, all over, all data equal; 1 not so; 2 usage; 3 stopped.",
    .options = options,
    .args_max = 1,
};

struct practice {
	struct drill *drill;
	char card[340];
};

static void direct(void *ctx, const struct flight *f)
{
	const struct practice *p = ctx;
	drill_direct(p->drill, f->demo.world, f->dir, p->card);
}

static void print_file(const char *path)
{
	char line[1024];
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f))
		fputs(line, stdout);
	if (f)
		fclose(f);
}

/* The first word of the card's first line tells how it ended. */
static bool card_passed(const char *path)
{
	char line[200] = "";
	FILE *f = fopen(path, "re");
	bool read = f && fgets(line, sizeof line, f);
	if (f)
		fclose(f);
	return read && text_starts(line, "DRILL PASSED");
}

static int with_screen(struct drill *drill, const char *theme, bool ascii)
{
	struct flight f;
	struct err err = {0};
	struct practice p = {.drill = drill};
	bool asked = false;
	if (flight_prepare(&f, &err) < 0)
		return cmd_fail(&err);
	text_copyf(p.card, sizeof p.card, "%s/card", f.demo.state);
	flight_start(&f, direct, &p);
	int status = flight_sit(&f, "End the drill? Its world goes, its journal and its card stay.", theme,
				ascii, &asked);
	if (!flight_landed(&f, asked)) {
		printf("The drill goes on in %s. Come back with: %s\nIts card will be in %s\n", f.demo.world,
		       f.hint, p.card);
		return status;
	}
	kill(f.behind, SIGTERM);
	waitpid(f.behind, NULL, 0);
	demo_stop(&f.demo);
	print_file(p.card);
	printf("The night stays in %s\n", f.dir);
	return status ? status : card_passed(p.card) ? EXIT_DONE : EXIT_FAILED;
}

static int plan(struct drill *drill, const struct cli *cli, const struct json *playbook, struct err *err)
{
	const char *spec = cli_arg(cli, 0, NULL), *seed_text = cli_get(cli, "seed", NULL);
	char *end = NULL;
	uint64_t seed = seed_text ? strtoull(seed_text, &end, 10) : (uint64_t)clock_wall_ms() % 1000000;
	if (seed_text && (*end || end == seed_text || spec))
		return err_set(err, ERR_USAGE,
			       spec ? "--seed is for a surprise: name either faults or a seed"
				    : "--seed is a number, not \"%.40s\"",
			       seed_text);
	if (spec)
		return drill_plan(drill, spec, playbook, err);
	printf("A surprise: three faults. The same again: nightferry drill --seed %llu\n",
	       (unsigned long long)seed);
	return drill_surprise(drill, seed, playbook, err);
}

int flight_drill(int argc, char **argv)
{
	struct cli cli;
	struct err err = {0};
	struct drill drill = {0};
	int status = cli_parse(&cli, &command, argc, argv);
	if (status >= 0)
		return status;
	if (cli_has(&cli, "list")) {
		struct buf list = {0};
		drill_list(&list);
		fputs(buf_text(&list), stdout);
		buf_done(&list);
		return EXIT_DONE;
	}
	struct json *playbook = night_playbook(NULL, NULL, &err);
	int rc = playbook ? plan(&drill, &cli, playbook, &err) : -1;
	if (rc == 0 && cli_has(&cli, "until"))
		rc = drill_until(&drill, cli_get(&cli, "until", ""), playbook, &err);
	json_free(playbook);
	bool headless = cli_has(&cli, "headless") || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO);
	if (rc < 0)
		status = cmd_fail(&err);
	else if (headless)
		status = drill_headless(&drill, cli_get(&cli, "json", NULL));
	else
		status = with_screen(&drill, cli_get(&cli, "theme", NULL), cli_has(&cli, "ascii"));
	drill_done(&drill);
	return status;
}
