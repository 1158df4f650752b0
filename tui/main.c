/* argv -> subcommands. Those with a screen are here, the others in core/cmds/. */
#include "core/base/cli.h"
#include "core/base/text.h"
#include "core/cmds/cmds.h"
#include "core/cmds/demo.h"
#include "core/cmds/on.h"
#include "core/job.h"
#include "core/links/ssh_askpass.h"
#include "core/night/place.h"
#include "tui/flight.h"
#include "tui/keys.h"
#include "tui/replay.h"
#include "tui/seat.h"
#include "tui/tmux.h"
#include <errno.h>
#include <locale.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int start_run(int argc, char **argv);
static int rehearse_run(int argc, char **argv);
static int attach_run(int argc, char **argv);
static int replay_run(int argc, char **argv);
static int demo_run(int argc, char **argv);
static int keys_run(int argc, char **argv);

static const struct cmd screens[] = {
    {.name = "start",
     .help = "opens the night or takes it up, in the cockpit (the same as no word at all)",
     .run = start_run},
    {.name = "rehearse",
     .help = "the night's playbook against a database of its own, without traffic",
     .run = rehearse_run},
    {.name = "attach", .help = "a seat at the night that is open", .run = attach_run},
    {.name = "replay", .help = "flies a recorded night again", .run = replay_run},
    {.name = "demo", .help = "a whole night in a world of its own", .run = demo_run},
    {.name = "drill", .help = "a demo night in which faults strike, and a score card", .run = flight_drill},
    {.name = "keys", .help = "lists every key", .run = keys_run},
};

static const struct cli_option seat_cli[] = {
    {"config", "FILE", "the configuration (default: nightferry.yml)"},
    CMD_APP_OPTION,
    {"on", "HOST", "the engine runs there, reached by your own ssh; this terminal may go and come"},
    {"as", "NAME", "your name (default: your login)"},
    {"station", "NAME", "the station you speak for: DB, APP, DNS"},
    {"observer", NULL, "see, note, vote and hold, but never act"},
    {"theme", "NAME", "colours (default: default)"},
    {"ascii", NULL, "no line-drawing characters"},
    {"view", "NAME", "the first view: prepare copy verify flip watch all"},
    {0},
};

static void seat_options_from(const struct cli *cli, struct seat_options *o)
{
	const struct passwd *pw = getpwuid(getuid());
	o->name = cli_get(cli, "as", pw ? pw->pw_name : "somebody");
	o->station = cli_get(cli, "station", NULL);
	o->theme = cli_get(cli, "theme", NULL);
	o->view = cli_get(cli, "view", NULL);
	o->observer = cli_has(cli, "observer");
	o->ascii = cli_has(cli, "ascii");
}

/* What opens a seat at this night from anywhere, for this login and, where a group is configured, for others.
 */
static void night_command(const struct cli *cli, const struct json *config, const char *dir, const char *verb,
			  char *out, size_t size)
{
	const char *named = cli_get(cli, "config", getenv("CONFIG"));
	char *path = realpath(named && *named ? named : "nightferry.yml", NULL);
	char state[400];

	text_copy(state, sizeof state, dir);
	for (int up = 0; up < 2 && strrchr(state, '/'); up++)
		*strrchr(state, '/') = '\0';
	bool say = getenv("NIGHTFERRY_STATE") || *json_str(config, "group", "");
	text_copyf(out, size, "%s%s%snightferry %s --config %s", say ? "NIGHTFERRY_STATE=" : "",
		   say ? state : "", say ? " " : "", verb, path ? path : "nightferry.yml");
	free(path);
}

/* How to come back, to stop, and how somebody else sits down: said at the begin and at the end. */
struct seat_words {
	char again[900], stop[900], join[1000], tmux[300];
};

static void words_take(struct seat_words *words, struct seat_options *o)
{
	text_copyf(words->join, sizeof words->join, "%s --as NAME", words->again);
	tmux_hint(words->tmux, sizeof words->tmux);
	printf("%s Somebody else opens an own one in an own terminal:\n%s\n",
	       getenv("TMUX") ? "This tmux pane is one seat, however many people look at it."
			      : "This terminal is one seat.",
	       words->join);
	fflush(stdout);
	o->attach_hint = words->again;
	o->stop_hint = words->stop;
	o->join_hint = words->join;
	o->tmux_hint = words->tmux;
}

/* The engine elsewhere: whatever ssh has to ask, it asks before the screen starts. */
static int sit_down_on(const struct cli *cli, const struct json *config, enum night_start how)
{
	struct err err = {0};
	struct seat_words words;
	char dir[400];
	const char *host = cli_get(cli, "on", ""), *named = cli_get(cli, "config", getenv("CONFIG"));
	char *path = realpath(named && *named ? named : "nightferry.yml", NULL);
	struct on *on = on_open(host, &err);
	int status = on && path ? on_start(on, config, path, how, dir, sizeof dir, &err) : -1;
	if (status == 0) {
		struct seat_options o = {.on = host, .on_argv = on_seat_argv(on, dir)};
		text_copyf(words.again, sizeof words.again, "nightferry attach --on %s --config %s", host,
			   path);
		text_copyf(words.stop, sizeof words.stop, "nightferry stop --on %s --config %s", host, path);
		printf("The engine runs on %s, its journal is there in %s.\n", host, dir);
		words_take(&words, &o);
		seat_options_from(cli, &o);
		status = seat_main(&o);
	} else {
		status = cmd_fail(&err);
	}
	on_close(on);
	free(path);
	return status;
}

static int sit_down_here(const struct cli *cli, const struct json *config, enum night_start how)
{
	struct err err = {0};
	struct seat_words words;
	char dir[400] = "", socket[480];
	int rc = night_start(config, how, dir, sizeof dir, &err);
	if (rc < 0)
		return cmd_fail(&err);
	night_command(cli, config, dir, "attach", words.again, sizeof words.again);
	night_command(cli, config, dir, "stop", words.stop, sizeof words.stop);
	text_copyf(socket, sizeof socket, "%s/seat.sock", dir);
	struct seat_options o = {.socket = socket};
	words_take(&words, &o);
	seat_options_from(cli, &o);
	return seat_main(&o);
}

static int sit_down(const struct cli *cli, enum night_start how)
{
	struct err err = {0};
	struct json *config = cmd_config_cli(cli, &err);
	if (!config)
		return cmd_fail(&err);
	int status = cli_has(cli, "on") ? sit_down_on(cli, config, how) : sit_down_here(cli, config, how);
	json_free(config);
	return status;
}

static int start_run(int argc, char **argv)
{
	static const struct cli_command command = {
	    .name = "start",
	    .help = "Opens a night for the app of nightferry.yml, or takes up the one that is open, and "
		    "gives you a seat.",
	    .options = seat_cli,
	};
	struct cli cli;
	int status = cli_parse(&cli, &command, argc, argv);
	if (status >= 0)
		return status;
	bool named = cli_has(&cli, "config") || getenv("CONFIG");
	if (!named && access("nightferry.yml", R_OK) < 0 && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		return flight_welcome();
	return sit_down(&cli, NIGHT_OPEN);
}

static int attach_run(int argc, char **argv)
{
	static const struct cli_command command = {
	    .name = "attach",
	    .help = "Gives you a seat at the night that is open. A shared tmux pane is one seat: the second "
		    "person opens an own one\n"
		    "with this command in an own terminal.",
	    .options = seat_cli,
	};
	struct cli cli;
	int status = cli_parse(&cli, &command, argc, argv);
	return status >= 0 ? status : sit_down(&cli, NIGHT_ATTACH);
}

static int rehearse_run(int argc, char **argv)
{
	static const struct cli_option options[] = {
	    {"config", "FILE", "the configuration (default: nightferry.yml)"},
	    CMD_APP_OPTION,
	    {"on", "HOST", "the engine runs there, as the night's will; what it teaches is kept there, too"},
	    {"as", "NAME", "your name (default: your login)"},
	    {"theme", "NAME", "colours (default: default)"},
	    {"ascii", NULL, "no line-drawing characters"},
	    {"view", "NAME", "the first view: prepare copy verify flip watch all"},
	    {0},
	};
	static const struct cli_command command = {
	    .name = "rehearse",
	    .help =
		"Opens a rehearsal, or takes up the one that is open, and gives you a seat: the same "
		"playbook "
		"against a database\n"
		"of its own beside the new one, without the steps that touch traffic, the old app or other "
		"people. What it\n"
		"takes is kept for the night's estimates. Its last step drops the database and the dump; B "
		"does "
		"so at any time.\n"
		"Without a screen: nightferry run --rehearse.",
	    .options = options,
	};
	struct cli cli;
	int status = cli_parse(&cli, &command, argc, argv);
	return status >= 0 ? status : sit_down(&cli, NIGHT_REHEARSE);
}

static bool parse_size(const char *text, struct size *size)
{
	char *end;
	long cols = strtol(text, &end, 10), rows = *end == 'x' ? strtol(end + 1, &end, 10) : 0;
	*size = (struct size){(int)cols, (int)rows};
	return !*end && cols > 0 && cols <= 1000 && rows > 0 && rows <= 1000;
}

static int replay_run(int argc, char **argv)
{
	static const struct cli_option options[] = {
	    {"trace", "FILE", "its trace (default: trace.jsonl beside the journal)"},
	    {"speed", "N", "how many times faster (default: 1)"},
	    {"at", "TIME", "where to begin: 01:14:07, or +10m from its begin"},
	    {"frame", "COLSxROWS", "prints one whole screen as text instead, at --at or at the end"},
	    {"view", "NAME", "the first view"},
	    {"theme", "NAME", "colours"},
	    {"ascii", NULL, "no line-drawing characters"},
	    {0},
	};
	static const struct cli_command command = {
	    .name = "replay",
	    .args = "[JOURNAL]",
	    .help = "Flies a recorded night again in the cockpit. Without JOURNAL: the night that comes with "
		    "nightferry.",
	    .options = options,
	    .args_max = 1,
	};
	struct cli cli;
	int status = cli_parse(&cli, &command, argc, argv);
	if (status >= 0)
		return status;
	struct err err = {0};
	char journal[600], trace[640];
	if (place_journal(cli_arg(&cli, 0, FLIGHT_RECORDED), NULL, journal, sizeof journal, &err) < 0)
		return cmd_fail(&err);
	const char *slash = strrchr(journal, '/');
	text_copyf(trace, sizeof trace, "%.*strace.jsonl", slash ? (int)(slash - journal + 1) : 0, journal);
	const char *given = cli_get(&cli, "trace", access(trace, R_OK) == 0 ? trace : NULL);
	char *end;
	const char *speed_text = cli_get(&cli, "speed", "1");
	double speed = strtod(speed_text, &end);
	if (*end || speed <= 0) {
		err_set(&err, ERR_USAGE, "--speed is a number above 0, not \"%s\"", speed_text);
		return cmd_fail(&err);
	}
	if (cli_has(&cli, "frame"))
		return flight_frame(journal, given, cli_get(&cli, "frame", ""), cli_get(&cli, "at", NULL),
				    cli_get(&cli, "view", NULL));
	struct seat_options o = {.journal = journal,
				 .trace = given,
				 .speed = speed,
				 .at = cli_get(&cli, "at", NULL),
				 .view = cli_get(&cli, "view", NULL),
				 .theme = cli_get(&cli, "theme", NULL),
				 .ascii = cli_has(&cli, "ascii"),
				 .name = "replay"};
	return seat_main(&o);
}

int flight_frame(const char *journal, const char *trace, const char *size_text, const char *at,
		 const char *view)
{
	struct err err = {0};
	struct size size;
	struct buf out = {0};
	if (!parse_size(size_text, &size)) {
		err_set(&err, ERR_USAGE, "--frame is COLSxROWS, like 80x24, not \"%s\"", size_text);
		return cmd_fail(&err);
	}
	int64_t at_ms = 0;
	if (at) {
		struct replay *replay = replay_open(journal, trace, &err);
		at_ms = replay ? replay_parse_at_ms(replay, at) : -1;
		replay_close(replay);
		if (at_ms < 0 && !err.kind)
			err_set(&err, ERR_USAGE, "--at is a time like 01:14:07 or +10m, not \"%s\"", at);
	}
	int rc = at_ms < 0 ? -1 : seat_frame(journal, trace, size, at_ms, view, &out, &err);
	if (rc == 0)
		fputs(buf_text(&out), stdout);
	buf_done(&out);
	return rc < 0 ? cmd_fail(&err) : EXIT_DONE;
}

static int demo_run(int argc, char **argv)
{
	static const struct cli_option options[] = {
	    {"headless", NULL, "no screen: plays the whole night with the demo's own answers"},
	    {"theme", "NAME", "colours"},
	    {"ascii", NULL, "no line-drawing characters"},
	    {0},
	};
	static const struct cli_command command = {
	    .name = "demo",
	    .help = "Starts a world of its own (two real databases, sshd, DNS, our own Heroku and "
		    "Cloudflare, a live app) and opens the\n"
		    "cockpit on it. Nothing outside this machine is touched. DEMO_ROWS sets the size of its "
		    "database.",
	    .options = options,
	};
	struct cli cli;
	int status = cli_parse(&cli, &command, argc, argv);
	if (status >= 0)
		return status;
	if (cli_has(&cli, "headless") || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return demo_headless();
	return flight_demo(cli_get(&cli, "theme", NULL), cli_has(&cli, "ascii"));
}

static int keys_run(int argc, char **argv)
{
	static const struct cli_option options[] = {
	    {"markdown", NULL, "as the README's tables (the only form)"}, {0}};
	static const struct cli_command command = {
	    .name = "keys", .help = "Lists every key, as Markdown.", .options = options};
	struct cli cli;
	int status = cli_parse(&cli, &command, argc, argv);
	if (status >= 0)
		return status;
	struct buf out = {0};
	keys_markdown(&out);
	fputs(buf_text(&out), stdout);
	buf_done(&out);
	return EXIT_DONE;
}

static void print_help(FILE *out)
{
	fputs("nightferry: the cockpit for the night on which an app leaves Heroku.\n\nusage: nightferry "
	      "[COMMAND] [OPTION ...]\n\n",
	      out);
	for (size_t i = 0; i < sizeof screens / sizeof *screens; i++)
		fprintf(out, "  %-8s %s\n", screens[i].name, screens[i].help);
	for (size_t i = 0; cmd_table[i]; i++)
		if (!cmd_table[i]->hidden)
			fprintf(out, "  %-8s %s\n", cmd_table[i]->name, cmd_table[i]->help);
	fputs("\nEach command has --help. Exit status: 0 done, 1 failed, 2 usage, 3 aborted.\n", out);
}

static const struct cmd *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof screens / sizeof *screens; i++)
		if (text_equal(screens[i].name, name))
			return &screens[i];
	for (size_t i = 0; cmd_table[i]; i++)
		if (text_equal(cmd_table[i]->name, name))
			return cmd_table[i];
	return NULL;
}

/* What was asked for and could not be written, on a full disk say, was not done. A night's end is another
 * matter: its word is in the journal. */
static int run_told(const struct cmd *cmd, int argc, char **argv)
{
	int status = cmd->run(argc, argv);

	if (status != EXIT_DONE || text_equal(cmd->name, "run") || (fflush(stdout) == 0 && !ferror(stdout)))
		return status;
	fprintf(stderr, "nightferry: what this command says could not be written whole: %s\n",
		strerror(errno));
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "");
	if (ssh_askpass_wanted(argc))
		return ssh_askpass_main(argv[1]);
	if (argc >= 2 && text_equal(argv[1], "__job"))
		return job_main(argc - 1, argv + 1);
	const struct cmd *asked = argc >= 3 && text_equal(argv[1], "help") ? find_command(argv[2]) : NULL;
	if (asked) {
		char *help[] = {argv[2], (char *)(uintptr_t) "--help", NULL};
		return run_told(asked, 2, help);
	}
	if (argc >= 2 &&
	    (text_equal(argv[1], "--help") || text_equal(argv[1], "-h") || text_equal(argv[1], "help"))) {
		print_help(stdout);
		return EXIT_DONE;
	}
	if (argc >= 2 && text_equal(argv[1], "--version")) {
		printf("nightferry %s\n", NIGHTFERRY_VERSION);
		return EXIT_DONE;
	}
	if (argc < 2 || argv[1][0] == '-') {
		char *start[] = {(char *)(uintptr_t) "start", NULL};
		return argc < 2 ? start_run(1, start) : start_run(argc, argv);
	}
	const struct cmd *cmd = find_command(argv[1]);
	if (cmd)
		return run_told(cmd, argc - 1, argv + 1);
	fprintf(stderr, "nightferry: there is no command \"%s\"; `nightferry --help` lists them\n", argv[1]);
	return EXIT_USAGE;
}
