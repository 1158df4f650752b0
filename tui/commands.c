#include "tui/cockpit.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include <stdlib.h>
#include <string.h>

const struct step_seen *commands_step(const struct cockpit *c)
{
	if (c->sheet.kind == SHEET_CARD && c->sheet.panel && strcmp(c->sheet.panel->name, "playbook") == 0)
		return steps_get(c->state, c->sheet.subject);
	return NULL;
}

/* The card's step, else the next one. */
static const struct step_seen *step_meant(const struct cockpit *c)
{
	const struct step_seen *step = commands_step(c);

	return step ? step : steps_next(c->state);
}

static void do_arm(struct cockpit *c, const char *key)
{
	struct jw w;

	(void) key;
	link_command(&w, "arm");
	jw_bool(&w, "on", !c->me.armed);
	link_send(c, &w);
}

static void do_run(struct cockpit *c, const char *key)
{
	const struct step_seen *card = commands_step(c), *next = steps_next(c->state);
	struct jw w;

	(void) key;
	if (c->state->steps.gate.open && !card) {
		c->gate.shown = true;
		return;
	}
	link_command(&w, "run");
	if (card)
		jw_str(&w, "step", card->id);
	else if (next)
		jw_str(&w, "expect", next->id);
	link_send(c, &w);
	if (card)
		sheet_close(c);
}

static void do_hold(struct cockpit *c, const char *key)
{
	(void) key;
	if (!c->state->people.hold)
		link_say(c, "hold", "why", "");
	else if (c->me.driver || strcmp(c->state->people.hold_seat, c->me.seat) == 0)
		prompt_open(c, PROMPT_RELEASE, "", "release the hold, because");
	else
		seat_toast(c, ROLE_WARN, "HOLD by %s: released by its caller or the driver", c->state->people.hold_by);
}

static void do_cancel(struct cockpit *c, const char *key)
{
	const struct step_seen *step = steps_current(c->state);
	struct buf say = {0};
	char title[80];
	struct jw w;

	(void) key;
	if (!step)
		return;
	link_command(&w, "cancel");
	jw_str(&w, "step", step->id);
	buf_addf(&say, "Step %d %s is asked to stop at its next safe point.\n\n", step->number, step->id);
	if (step->progress[0])
		buf_addf(&say, "So far: %s\n", step->progress);
	buf_addf(&say, "What it has done stays until it is taken back.\nWay back: %s",
		 step->plan.back[0] ? step->plan.back : "this step names none");
	text_copyf(title, sizeof(title), "CANCEL %d %s  %s", step->number, step->id, step->plan.side);
	box_confirm(c, title, &say, &w);
}

static void do_prompt(struct cockpit *c, enum prompt_kind kind, const char *what)
{
	const struct step_seen *step = step_meant(c);
	char label[160];

	if (!step)
		return;
	text_copyf(label, sizeof(label), "%s %d %s, %s", what, step->number, step->id,
		   kind == PROMPT_SKIP ? "because" : "in your words (name=value fills a field)");
	prompt_open(c, kind, step->id, label);
}

static void do_skip(struct cockpit *c, const char *key)
{
	(void) key;
	do_prompt(c, PROMPT_SKIP, "skip");
}

static void do_manual(struct cockpit *c, const char *key)
{
	(void) key;
	do_prompt(c, PROMPT_MANUAL, "done by hand:");
}

/* What a waiver is about: a check, or one table's rows. */
static void do_waive(struct cockpit *c, const char *key)
{
	const struct panel *panel = c->local.focus;
	char selected[104], about[120], label[160];

	(void) key;
	local_selected(c, selected, sizeof(selected));
	if (c->sheet.kind == SHEET_CARD)
		text_copy(selected, sizeof(selected), c->sheet.subject);
	if (!selected[0] || !panel || (strcmp(panel->name, "checks") != 0 && strcmp(panel->name, "rows") != 0)) {
		seat_toast(c, ROLE_WARN, "W: go to a row of Checks (9) or Rows (4) first; it is waived by name");
		return;
	}
	text_copyf(about, sizeof(about), "%s%s", strchr(selected, ':') ? "" : strcmp(panel->name, "checks") == 0 ? "check:" : "rows:",
		   selected);
	text_copyf(label, sizeof(label), "waive %s, because", about);
	prompt_open(c, PROMPT_WAIVE, about, label);
}

/* The newest attempt that has an end and was not taken back. */
static const struct step_seen *last_step(const struct state *state)
{
	const struct step_seen *last = NULL;

	for (size_t i = 0; i < state->steps.n; i++) {
		const struct step_seen *step = &state->steps.steps[i];
		if (step->attempts && step->state != STEP_UNDONE && step->state != STEP_RUNNING &&
		    (!last || step->started_at_ms > last->started_at_ms))
			last = step;
	}
	return last;
}

static void do_undo(struct cockpit *c, const char *key)
{
	const struct step_seen *step = commands_step(c) ? commands_step(c) : last_step(c->state);

	(void) key;
	if (step)
		link_say(c, "undo", "step", step->id);
	else
		seat_toast(c, ROLE_WARN, "U: no step has ended that could be taken back");
}

static void do_back(struct cockpit *c, const char *key)
{
	struct buf say = {0};
	struct jw w;

	(void) key;
	link_command(&w, "back");
	sheet_way_back(c, &say);
	box_confirm(c, "WAY BACK  NEW → OLD", &say, &w);
}

static void do_vote(struct cockpit *c, const char *key)
{
	char label[160];

	(void) key;
	text_copyf(label, sizeof(label), "vote%s%s: go, or no-go and why", c->options->station && *c->options->station ? " of " : "",
		   c->options->station ? c->options->station : "");
	prompt_open(c, PROMPT_VOTE, "", label);
}

static void do_wheel(struct cockpit *c, const char *key)
{
	const struct people_state *people = &c->state->people;
	struct buf say = {0};
	struct jw w;

	(void) key;
	if (c->me.driver && !people->asked[0]) {
		seat_toast(c, ROLE_MUTED, "you have the wheel; another seat asks for it with D");
	} else if (c->me.driver) {
		link_say(c, "wheel", "action", "give");
	} else if (people->asked[0] && strcmp(people->asked, c->me.seat) == 0) {
		link_command(&w, "wheel");
		jw_str(&w, "action", "take");
		buf_adds(&say, "The wheel comes to this seat. It is not armed by that: A arms it.");
		box_confirm(c, "TAKE THE WHEEL", &say, &w);
	} else {
		link_say(c, "wheel", "action", "ask");
	}
}

static void do_look(struct cockpit *c, const char *key)
{
	char selected[104];
	const struct binding *binding = keys_of_panel(c->local.focus, "Enter");

	(void) key;
	if (c->state->steps.gate.open && !c->gate.shown) {
		c->gate.shown = true;
		c->gate.opened_real_ms = seat_real_ms(c);
		return;
	}
	local_selected(c, selected, sizeof(selected));
	if (c->local.focus && c->local.focus->card && selected[0]) {
		sheet_card(c, c->local.focus, selected);
	} else if (binding) {
		struct act act = {.kind = ACT_KEY, .text = binding->cmd};
		local_act(c, &act);
	} else {
		local_zoom(c, 2);
	}
}

static void do_out(struct cockpit *c, const char *key)
{
	struct act act = {.kind = ACT_KEEP, .text = ""};

	(void) key;
	if (c->local.zoom) {
		local_zoom(c, 0);
		return;
	}
	local_act(c, &act);
	act.kind = ACT_SEARCH;
	local_act(c, &act);
	c->toast_until_real_ms = 0;
}

static void do_next_panel(struct cockpit *c, const char *key)
{
	local_focus(c, strcmp(key, "Tab") == 0 ? 1 : -1);
}

static void do_panel(struct cockpit *c, const char *key)
{
	local_digit(c, key[0]);
}

static void do_search(struct cockpit *c, const char *key)
{
	static const struct {
		const char *key, *label;
		enum prompt_kind kind;
	} kinds[] = {{"/", "search", PROMPT_SEARCH}, {"&", "keep lines with", PROMPT_KEEP}, {"!", "hide lines with", PROMPT_HIDE}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(key, kinds[i].key) == 0)
			prompt_open(c, kinds[i].kind, "", kinds[i].label);
}

static void do_view(struct cockpit *c, const char *key)
{
	(void) key;
	local_next_view(c);
}

static void do_zoom(struct cockpit *c, const char *key)
{
	local_zoom(c, c->local.zoom + (strcmp(key, "+") == 0 || strcmp(key, "=") == 0 ? 1 : -1));
}

static void do_freeze(struct cockpit *c, const char *key)
{
	(void) key;
	local_freeze(c, !c->local.frozen);
}

static void do_commands(struct cockpit *c, const char *key)
{
	(void) key;
	sheet_commands(c);
}

static void do_note(struct cockpit *c, const char *key)
{
	(void) key;
	if (c->replay)
		seat_toast(c, ROLE_WARN, "this is a recorded night: no note can be added to it");
	else
		prompt_open(c, PROMPT_NOTE, "", "note");
}

static void do_palette(struct cockpit *c, const char *key)
{
	(void) key;
	prompt_open(c, PROMPT_PALETTE, "", ":");
}

static void do_help(struct cockpit *c, const char *key)
{
	(void) key;
	sheet_help(c);
}

static void do_quit(struct cockpit *c, const char *key)
{
	struct buf say = {0};
	struct jw w;

	(void) key;
	if (!c->options->quit_question || c->replay || !c->me.connected) {
		seat_leave(c, NULL);
		return;
	}
	link_command(&w, "stop-engine");
	buf_addf(&say, "%s\n\ny stops it, n leaves it running, every other key stays.", c->options->quit_question);
	box_confirm(c, "LEAVE", &say, &w);
	c->confirm.leaves = true;
}

static void do_move(struct cockpit *c, const char *key)
{
	static const struct {
		const char *cmd;
		enum move move;
	} moves[] = {{"up", MOVE_UP},       {"down", MOVE_DOWN},   {"left", MOVE_LEFT},       {"right", MOVE_RIGHT},
		     {"first", MOVE_FIRST}, {"last", MOVE_LAST},   {"page-up", MOVE_PAGE_UP}, {"page-down", MOVE_PAGE_DOWN}};
	const struct key_row *row = keys_find(WHERE_SCREEN, key);
	struct act act = {.kind = ACT_MOVE};

	for (size_t i = 0; row && i < sizeof(moves) / sizeof(moves[0]); i++)
		if (strcmp(row->cmd, moves[i].cmd) == 0)
			act.move = moves[i].move;
	local_act(c, &act);
}

static void do_again(struct cockpit *c, const char *key)
{
	struct act act = {.kind = strcmp(key, "n") == 0   ? ACT_SEARCH_NEXT
				  : strcmp(key, "N") == 0 ? ACT_SEARCH_PREV
				  : strcmp(key, "s") == 0 ? ACT_SORT
							  : ACT_SORT_REVERSE};

	local_act(c, &act);
}

static void do_probe(struct cockpit *c, const char *key)
{
	const struct panel *panel = c->local.focus;
	const struct step_seen *step;
	char selected[104];
	struct jw w;

	(void) key;
	local_selected(c, selected, sizeof(selected));
	step = panel && strcmp(panel->name, "playbook") == 0 ? steps_get(c->state, selected) : NULL;
	if (step && step->state == STEP_UNKNOWN) {
		link_say(c, "again", "step", step->id);
		return;
	}
	if (!panel || (!panel->watch && strcmp(panel->name, "checks") != 0)) {
		seat_toast(c, ROLE_MUTED, "p: this panel has no look of its own that could be repeated");
		return;
	}
	link_command(&w, "probe");
	if (panel->watch)
		jw_str(&w, "watch", panel->watch);
	else
		jw_strf(&w, "watch", "%s%s", text_starts(selected, "check:") ? "" : "check:", selected);
	link_send(c, &w);
	seat_toast(c, ROLE_MUTED, "asked for a fresh look at %s", panel->title);
}

static void do_copy(struct cockpit *c, const char *key)
{
	(void) key;
	carry_copy(c);
}

static void do_write(struct cockpit *c, const char *key)
{
	(void) key;
	carry_write(c);
}

static void do_times(struct cockpit *c, const char *key)
{
	char local[UNITS_MAX], iso[UNITS_MAX], since[UNITS_MAX];
	int64_t now_ms = seat_now_ms(c), freeze_ms = c->state->freeze_at_ms;

	(void) key;
	units_duration(since, freeze_ms ? now_ms - freeze_ms : 0);
	seat_toast(c, ROLE_TITLE, "%s local   %s   %s%s", units_clock(local, now_ms), units_iso(iso, now_ms),
		   freeze_ms ? since : "not frozen yet", freeze_ms ? " since the freeze" : "");
}

static void do_clock(struct cockpit *c, const char *key)
{
	(void) key;
	sheet_close(c);
	c->sheet.kind = SHEET_CLOCK;
}

static void do_redraw(struct cockpit *c, const char *key)
{
	(void) key;
	terminal_redraw(c->terminal);
}

static void do_interrupt(struct cockpit *c, const char *key)
{
	(void) key;
	seat_toast(c, ROLE_MUTED, "q leaves the seat, X cancels the step; Ctrl-C ends neither");
}

static const struct {
	const char *cmd;
	void (*run)(struct cockpit *, const char *key);
} commands[] = {
    {"run", do_run},         {"cancel", do_cancel},       {"hold", do_hold},
    {"undo", do_undo},       {"back", do_back},           {"arm", do_arm},
    {"skip", do_skip},       {"manual", do_manual},       {"waive", do_waive},
    {"vote", do_vote},       {"wheel", do_wheel},         {"look", do_look},
    {"out", do_out},         {"next-panel", do_next_panel}, {"previous-panel", do_next_panel},
    {"panel", do_panel},     {"search", do_search},       {"keep", do_search},
    {"hide", do_search},     {"search-next", do_again},   {"search-previous", do_again},
    {"sort", do_again},      {"sort-reverse", do_again},  {"view", do_view},
    {"zoom", do_zoom},       {"unzoom", do_zoom},         {"freeze", do_freeze},
    {"commands", do_commands}, {"note", do_note},         {"palette", do_palette},
    {"help", do_help},       {"quit", do_quit},           {"up", do_move},
    {"down", do_move},       {"left", do_move},           {"right", do_move},
    {"page-up", do_move},    {"page-down", do_move},      {"first", do_move},
    {"last", do_move},       {"probe", do_probe},         {"copy", do_copy},
    {"write", do_write},     {"times", do_times},         {"clock", do_clock},
    {"redraw", do_redraw},   {"interrupt", do_interrupt},
};

bool commands_do(struct cockpit *c, const char *cmd, const char *key)
{
	if (rerun_do(c, cmd))
		return true;
	if (c->local.frozen && keyboard_acts(c, key)) {
		seat_toast(c, ROLE_WARN, "the drawing is frozen: Space shows the present first, then %s", key);
		return true;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].cmd, cmd) == 0) {
			commands[i].run(c, key);
			return true;
		}
	return false;
}

bool commands_refuse(struct cockpit *c, const char *cmd)
{
	struct scene scene = local_scene(c, c->local.focus);
	const char *why = NULL;

	for (const struct key_row *row = key_table; row->keys; row++)
		if (row->where == WHERE_SCREEN && strcmp(row->cmd, cmd) == 0 && !key_usable(row, &scene, &why)) {
			seat_toast(c, ROLE_WARN, "%s: %s", cmd, why);
			return true;
		}
	return false;
}

/* `pid:start_ms`, as the Writers panel names its rows; a bare pid is looked up. */
static const struct writer_seen *writer_selected(const struct cockpit *c)
{
	char selected[104];
	long pid;

	local_selected(c, selected, sizeof(selected));
	pid = strtol(selected, NULL, 10);
	for (size_t i = 0; pid && i < c->state->writers.n; i++)
		if (c->state->writers.writers[i].pid == pid)
			return &c->state->writers.writers[i];
	return NULL;
}

static void end_session(struct cockpit *c)
{
	const struct writer_seen *writer = writer_selected(c);
	struct buf say = {0};
	struct jw w;

	if (!writer) {
		seat_toast(c, ROLE_WARN, "T: go to a session in Writers (6) first");
		return;
	}
	link_command(&w, "end-session");
	jw_int(&w, "pid", writer->pid);
	jw_int(&w, "start_ms", writer->start_ms);
	buf_addf(&say, "Ends session %d of %s from %s on the OLD database.\n\nIts open transaction is rolled back; what it has committed "
		       "stays.\nIt may come back: a dyno that still runs connects again.\n\n%s",
		 writer->pid, writer->who, writer->from, writer->query);
	box_confirm(c, "END A SESSION  OLD", &say, &w);
}

void commands_act_panel(struct cockpit *c, const struct binding *binding)
{
	struct scene scene = local_scene(c, c->local.focus);
	const char *why = NULL;

	if (c->replay) {
		seat_toast(c, ROLE_WARN, "this is a recorded night: nothing can be changed in it");
	} else if (binding->can && !binding->can(&scene, &why)) {
		seat_toast(c, ROLE_WARN, "%s: %s", binding->key, why ? why : "not now");
	} else if (!c->me.armed) {
		seat_toast(c, ROLE_WARN, "%s: press A to arm this seat first", binding->key);
	} else if (strcmp(binding->cmd, "end-session") == 0) {
		end_session(c);
	} else if (!commands_do(c, binding->cmd, binding->key)) {
		link_say(c, binding->cmd, NULL, NULL);
	}
}
