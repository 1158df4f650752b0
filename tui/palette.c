/* The line behind a colon: its commands, their words, and what Tab completes. */
#include "tui/cockpit.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include <stdlib.h>
#include <string.h>

struct palette_row {
	const char *name, *note;
	void (*run)(struct cockpit *, const char *rest);
	void (*words)(struct cockpit *, struct buf *out); /* what may follow, separated by blanks */
};

static void run_run(struct cockpit *c, const char *rest)
{
	long number = strtol(rest, NULL, 10);
	const char *id = rest;

	if (commands_refuse(c, "run"))
		return;
	for (size_t i = 0; number && i < c->state->steps.n; i++)
		if (c->state->steps.steps[i].number == number)
			id = c->state->steps.steps[i].id;
	if (!steps_get(c->state, id))
		seat_toast(c, ROLE_WARN, "there is no step \"%s\"; Tab completes names", rest);
	else
		link_say(c, "run", "step", id);
}

static void run_again(struct cockpit *c, const char *rest)
{
	link_say(c, "again", "step", rest);
}

static void words_steps(struct cockpit *c, struct buf *out)
{
	for (size_t i = 0; i < c->state->steps.n; i++)
		buf_addf(out, "%s ", c->state->steps.steps[i].id);
}

static void run_theme(struct cockpit *c, const char *rest)
{
	struct theme theme;
	struct err err = {0};

	if (theme_load(&theme, *rest ? rest : "default", &err)) {
		seat_toast(c, ROLE_WARN, "%s", err.text);
		return;
	}
	c->theme = theme;
	terminal_theme(c->terminal, &theme);
}

static void words_themes(struct cockpit *c, struct buf *out)
{
	(void)c;
	theme_names(out);
}

static void run_ascii(struct cockpit *c, const char *rest)
{
	(void)rest;
	c->ascii = !c->ascii;
	local_relayout(c);
}

static void run_who(struct cockpit *c, const char *rest)
{
	(void)rest;
	sheet_who(c);
}

static void run_stop(struct cockpit *c, const char *rest)
{
	struct buf say = {0};
	struct jw w;

	(void)rest;
	if (commands_refuse(c, "arm"))
		return;
	link_command(&w, "stop-engine");
	buf_adds(&say, "The engine of this night ends, for every seat. A running step goes on to its next "
		       "safe point.\n\n"
		       "The journal keeps all: starting again goes on where it stopped.");
	box_confirm(c, "STOP THE ENGINE", &say, &w);
}

static void run_auto(struct cockpit *c, const char *rest)
{
	struct jw w;

	link_command(&w, "auto");
	jw_bool(&w, "on", strcmp(rest, "off") != 0);
	link_send(c, &w);
}

static void run_export(struct cockpit *c, const char *rest)
{
	(void)rest;
	carry_export(c);
}

static void run_help(struct cockpit *c, const char *rest)
{
	(void)rest;
	sheet_help(c);
}

static void run_quit(struct cockpit *c, const char *rest)
{
	(void)rest;
	commands_do(c, "quit", "q");
}

static void run_at(struct cockpit *c, const char *rest)
{
	int64_t at_ms = c->replay ? replay_parse_at_ms(c->replay, rest) : -1;

	if (at_ms < 0)
		seat_toast(c, ROLE_WARN,
			   c->replay ? "a time is wanted, as in :at 01:14:07 or :at +10m"
				     : ":at is for recorded nights; this one is live");
	else
		rerun_to(c, at_ms);
}

static void run_event(struct cockpit *c, const char *rest)
{
	if (!c->replay)
		seat_toast(c, ROLE_WARN, ":event is for recorded nights; this one is live");
	else
		rerun_wish(c, rest, "");
}

static void words_kinds(struct cockpit *c, struct buf *out)
{
	if (c->replay)
		replay_kinds(c->replay, out);
}

static void run_find(struct cockpit *c, const char *rest)
{
	if (!c->replay || !*rest)
		seat_toast(c, ROLE_WARN,
			   c->replay ? "a text is wanted, as in :find orders"
				     : ":find is for recorded nights; / searches this panel");
	else
		rerun_wish(c, "", rest);
}

static void run_speed(struct cockpit *c, const char *rest)
{
	double speed = strtod(rest, NULL);

	if (!c->replay || speed <= 0)
		seat_toast(c, ROLE_WARN,
			   c->replay ? "a factor is wanted, as in :speed 10"
				     : ":speed is for recorded nights; this one is live");
	else
		c->speed = speed;
}

static void run_view(struct cockpit *c, const char *rest)
{
	if (!local_set_view(c, rest))
		seat_toast(c, ROLE_WARN, "there is no view \"%s\"; Tab completes names", rest);
}

static void words_views(struct cockpit *c, struct buf *out)
{
	(void)c;
	for (size_t i = 0; layout_views[i]; i++)
		buf_addf(out, "%s ", layout_views[i]);
}

static void run_panel(struct cockpit *c, const char *rest)
{
	const struct panel *panel = panel_find(rest);

	if (!panel) {
		seat_toast(c, ROLE_WARN, "there is no panel \"%s\"; Tab completes names", rest);
		return;
	}
	c->local.focus = panel;
	c->local.view_chosen = true;
	local_zoom(c, 2);
}

static void words_panels(struct cockpit *c, struct buf *out)
{
	(void)c;
	for (const struct panel *const *panel = panel_table; *panel; panel++)
		buf_addf(out, "%s ", (*panel)->name);
}

static void run_shell(struct cockpit *c, const char *rest)
{
	shell_open(c, rest);
}

static void words_shell(struct cockpit *c, struct buf *out)
{
	(void)c;
	buf_adds(out, "host psql old");
}

static void words_on_off(struct cockpit *c, struct buf *out)
{
	(void)c;
	buf_adds(out, "on off");
}

static void run_gate(struct cockpit *c, const char *rest)
{
	(void)rest;
	c->gate.shown = c->state->steps.gate.open;
	if (!c->gate.shown)
		seat_toast(c, ROLE_MUTED, "no gate is open");
}

static const struct palette_row rows[] = {
    {"again", "probe an UNKNOWN step again", run_again, words_steps},
    {"ascii", "switch the plain glyphs on or off", run_ascii, NULL},
    {"at", "a recorded night: jump to a time", run_at, NULL},
    {"auto", "run on through steps without gates: on, off", run_auto, words_on_off},
    {"event", "a recorded night: the next of a kind; none: what a report tells", run_event, words_kinds},
    {"export", "write all panels and the state to files", run_export, NULL},
    {"find", "a recorded night: the next line with a text in it", run_find, NULL},
    {"gate", "look at the open gate again", run_gate, NULL},
    {"help", "the keys of here", run_help, NULL},
    {"panel", "a panel by name, full screen", run_panel, words_panels},
    {"quit", "leave this seat", run_quit, NULL},
    {"run", "run a step by name or number", run_run, words_steps},
    {"shell", "a shell on the new host; psql or old: a database", run_shell, words_shell},
    {"speed", "a recorded night: how fast", run_speed, NULL},
    {"stop", "stop the engine of this night", run_stop, NULL},
    {"theme", "other colours", run_theme, words_themes},
    {"view", "another view", run_view, words_views},
    {"who", "who is here", run_who, NULL},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

void palette_run(struct cockpit *c, const char *line)
{
	char word[40], trimmed[240];
	size_t n = strcspn(line, " ");
	const char *rest = line + n + strspn(line + n, " ");
	const struct palette_row *found = NULL;

	text_copyf(word, sizeof(word), "%.*s", (int)n, line);
	text_copy(trimmed, sizeof(trimmed), rest);
	for (n = strlen(trimmed); n && trimmed[n - 1] == ' '; n--)
		trimmed[n - 1] = '\0';
	if (!word[0])
		return;
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(rows[i].name, word) == 0)
			found = &rows[i];
	if (found)
		found->run(c, trimmed);
	else
		seat_toast(c, ROLE_WARN, "there is no command \":%s\"; Tab shows them all", word);
}

/* The longest common begin of all words that fit; with several, they are listed. */
static void complete(struct cockpit *c, struct line *line, size_t from, const char *words)
{
	char best[120] = "", *copy = xstrdup(words), *save = NULL, text[240];
	struct buf fits = {0};
	size_t n = 0;

	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (!text_starts(word, line->text + from))
			continue;
		if (!n++)
			text_copy(best, sizeof(best), word);
		for (size_t i = 0; best[i]; i++)
			if (best[i] != word[i])
				best[i] = '\0';
		buf_addf(&fits, "%s ", word);
	}
	if (n) {
		text_copyf(text, sizeof(text), "%.*s%s%s", (int)from, line->text, best, n == 1 ? " " : "");
		line_set(line, text);
	}
	if (n != 1)
		seat_toast(c, ROLE_MUTED, "%s", n ? buf_text(&fits) : "nothing fits");
	buf_done(&fits);
	free(copy);
}

void palette_complete(struct cockpit *c, struct line *line)
{
	size_t n = strcspn(line->text, " ");
	struct buf words = {0};

	if (!line->text[n]) {
		for (size_t i = 0; i < ROWS; i++)
			buf_addf(&words, "%s ", rows[i].name);
		complete(c, line, 0, buf_text(&words));
	} else {
		for (size_t i = 0; i < ROWS; i++)
			if (strlen(rows[i].name) == n && memcmp(rows[i].name, line->text, n) == 0 &&
			    rows[i].words)
				rows[i].words(c, &words);
		complete(c, line, n + strspn(line->text + n, " "), buf_text(&words));
	}
	buf_done(&words);
}
