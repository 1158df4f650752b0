/* What every key does that only looks, moves or writes a note; acts.c has the rest. */
#include "tui/cockpit.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include <stdlib.h>
#include <string.h>

/* The card of a table whose rows differ shows which: looked for when it is opened. */
static void look_for_rows(struct cockpit *c, const char *selected)
{
	const struct rows_state *rows = &c->state->rows;

	for (size_t i = 0; text_starts(selected, "rows:") && i < rows->n && !c->replay; i++) {
		const struct rows_table *table = &rows->tables[i];
		const struct rows_bisected *known = rows_bisected_get(rows, table->table);

		if (strcmp(table->table, selected + 5) != 0)
			continue;
		if (table->old_rows >= 0 && table->new_rows >= 0 &&
		    (table->verdict == 2 || table->verdict == 3) && !table->skipped &&
		    !(known && strcmp(known->state, "looking") == 0))
			link_say(c, "bisect", "table", table->table);
	}
}

static void do_look(struct cockpit *c, const char *key)
{
	char selected[104];
	const struct binding *binding = keys_of_panel(c->local.focus, "Enter");
	struct act pin = {.kind = ACT_MOVE, .move = MOVE_NONE};

	(void)key;
	local_act(c, &pin);
	local_selected(c, selected, sizeof(selected));
	/* A gate that was put aside is looked at again from its step; one of no step's, from everywhere. */
	if (c->state->steps.gate.open && (!selected[0] || strcmp(selected, c->state->steps.gate.step) == 0 ||
					  !steps_get(c->state, c->state->steps.gate.step))) {
		c->gate.shown = true;
		c->gate.opened_real_ms = seat_real_ms(c);
		return;
	}
	if (c->local.focus && c->local.focus->card && selected[0]) {
		sheet_card(c, c->local.focus, selected);
		look_for_rows(c, selected);
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

	(void)key;
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
	} kinds[] = {{"/", "search", PROMPT_SEARCH},
		     {"&", "keep lines with", PROMPT_KEEP},
		     {"!", "hide lines with", PROMPT_HIDE}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(key, kinds[i].key) == 0)
			prompt_open(c, kinds[i].kind, "", kinds[i].label);
}

static void do_view(struct cockpit *c, const char *key)
{
	(void)key;
	local_next_view(c);
}

static void do_zoom(struct cockpit *c, const char *key)
{
	local_zoom(c, c->local.zoom + (strcmp(key, "+") == 0 || strcmp(key, "=") == 0 ? 1 : -1));
}

static void do_freeze(struct cockpit *c, const char *key)
{
	(void)key;
	local_freeze(c, !c->local.frozen);
}

static void do_commands(struct cockpit *c, const char *key)
{
	(void)key;
	sheet_commands(c);
}

static void do_note(struct cockpit *c, const char *key)
{
	(void)key;
	if (c->replay)
		seat_toast(c, ROLE_WARN, "this is a recorded night: no note can be added to it");
	else
		prompt_open(c, PROMPT_NOTE, "", "note");
}

static void do_palette(struct cockpit *c, const char *key)
{
	(void)key;
	prompt_open(c, PROMPT_PALETTE, "", ":");
}

static void do_help(struct cockpit *c, const char *key)
{
	(void)key;
	sheet_help(c);
}

static void do_quit(struct cockpit *c, const char *key)
{
	struct buf say = {0};
	struct jw w;

	(void)key;
	if (!c->options->quit_question || c->replay || !c->me.connected) {
		seat_leave(c, NULL);
		return;
	}
	link_command(&w, "stop-engine");
	buf_addf(&say, "%s\n\ny stops it, n leaves it running, every other key stays.",
		 c->options->quit_question);
	box_confirm(c, "LEAVE", &say, &w);
	c->confirm.leaves = true;
}

static void do_move(struct cockpit *c, const char *key)
{
	static const struct {
		const char *cmd;
		enum move move;
	} moves[] = {{"up", MOVE_UP},           {"down", MOVE_DOWN},          {"left", MOVE_LEFT},
		     {"right", MOVE_RIGHT},     {"first", MOVE_FIRST},        {"last", MOVE_LAST},
		     {"page-up", MOVE_PAGE_UP}, {"page-down", MOVE_PAGE_DOWN}};
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

	(void)key;
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
	(void)key;
	carry_copy(c);
}

static void do_write(struct cockpit *c, const char *key)
{
	(void)key;
	carry_write(c);
}

static void do_times(struct cockpit *c, const char *key)
{
	char local[UNITS_MAX], iso[UNITS_MAX], since[UNITS_MAX];
	int64_t now_ms = seat_now_ms(c), freeze_ms = c->state->freeze_at_ms;

	(void)key;
	units_duration(since, freeze_ms ? now_ms - freeze_ms : 0);
	seat_toast(c, ROLE_TITLE, "%s local   %s   %s%s", units_clock(local, now_ms), units_iso(iso, now_ms),
		   freeze_ms ? since : "not frozen yet", freeze_ms ? " since the freeze" : "");
}

static void do_shell(struct cockpit *c, const char *key)
{
	(void)key;
	shell_open(c, "");
}

static void do_clock(struct cockpit *c, const char *key)
{
	(void)key;
	sheet_close(c);
	c->sheet.kind = SHEET_CLOCK;
}

static void do_redraw(struct cockpit *c, const char *key)
{
	(void)key;
	terminal_redraw(c->terminal);
}

static void do_interrupt(struct cockpit *c, const char *key)
{
	(void)key;
	seat_toast(c, ROLE_MUTED, "q leaves the seat, X cancels the step; Ctrl-C ends neither");
}

static const struct {
	const char *cmd;
	void (*run)(struct cockpit *, const char *key);
} commands[] = {
    {"look", do_look},
    {"out", do_out},
    {"next-panel", do_next_panel},
    {"previous-panel", do_next_panel},
    {"panel", do_panel},
    {"search", do_search},
    {"keep", do_search},
    {"hide", do_search},
    {"search-next", do_again},
    {"search-previous", do_again},
    {"sort", do_again},
    {"sort-reverse", do_again},
    {"view", do_view},
    {"zoom", do_zoom},
    {"unzoom", do_zoom},
    {"freeze", do_freeze},
    {"commands", do_commands},
    {"note", do_note},
    {"palette", do_palette},
    {"help", do_help},
    {"quit", do_quit},
    {"up", do_move},
    {"down", do_move},
    {"left", do_move},
    {"right", do_move},
    {"page-up", do_move},
    {"page-down", do_move},
    {"first", do_move},
    {"last", do_move},
    {"probe", do_probe},
    {"copy", do_copy},
    {"write", do_write},
    {"times", do_times},
    {"clock", do_clock},
    {"shell", do_shell},
    {"redraw", do_redraw},
    {"interrupt", do_interrupt},
};

bool commands_do(struct cockpit *c, const char *cmd, const char *key)
{
	if (rerun_do(c, cmd))
		return true;
	/* A hold is called from any picture, and its event shows the present; to release one wants open eyes.
	 */
	if (c->local.frozen && keyboard_acts(c, key) && (strcmp(cmd, "hold") != 0 || c->state->people.hold)) {
		seat_toast(c, ROLE_WARN, "the drawing is frozen: Space shows the present first, then %s",
			   key);
		return true;
	}
	if (acts_do(c, cmd, key))
		return true;
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
		if (row->where == WHERE_SCREEN && strcmp(row->cmd, cmd) == 0 &&
		    !key_usable(row, &scene, &why)) {
			seat_toast(c, ROLE_WARN, "%s: %s", cmd, why);
			return true;
		}
	return false;
}
