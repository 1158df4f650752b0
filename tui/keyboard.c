/* A key and where it is heard: box, card, line, panel or screen; and text that is poured in. */
#include "tui/cockpit.h"
#include "core/base/text.h"
#include <string.h>

enum where keyboard_where(const struct cockpit *c)
{
	if (c->prompt.kind)
		return WHERE_PROMPT;
	if (c->confirm.open)
		return WHERE_YES;
	/* The box of a recorded gate asks nothing: the keys of the record go on under it. */
	if (c->gate.shown && c->state->steps.gate.open && !c->replay)
		return c->state->steps.gate.level <= 1 ? WHERE_YES : WHERE_TYPE;
	return c->sheet.kind ? WHERE_CARD : WHERE_SCREEN;
}

static const struct binding *panel_binding(const struct cockpit *c, const char *key)
{
	return keys_of_panel(c->local.focus, key);
}

bool keyboard_acts(const struct cockpit *c, const char *key)
{
	enum where where = keyboard_where(c);
	const struct key_row *row;
	const struct binding *binding;

	if (box_counting(c) || where == WHERE_PROMPT)
		return false;
	row = keys_find(where, key);
	if (row)
		return row->acts;
	binding = where == WHERE_SCREEN ? panel_binding(c, key) : NULL;
	return binding && keys_binding_acts(binding);
}

/* The panel's own keys come before the everyday ones, but never before a key that acts. */
static void screen_key(struct cockpit *c, const char *key)
{
	const struct key_row *row = c->replay ? keys_find(WHERE_REPLAY, key) : NULL;
	const struct binding *binding = panel_binding(c, key);
	struct scene scene = local_scene(c, c->local.focus);
	const char *why = NULL;

	if (!row)
		row = keys_find(WHERE_SCREEN, key);
	if (binding && !(row && row->acts) && strcmp(key, "Enter") != 0) {
		if (keys_binding_acts(binding)) {
			acts_panel(c, binding);
		} else if (binding->can && !binding->can(&scene, &why)) {
			seat_toast(c, ROLE_MUTED, "%s: %s", key, why ? why : "not now");
		} else {
			struct act act = {.kind = ACT_KEY, .text = binding->cmd};
			local_act(c, &act);
		}
		return;
	}
	if (!row) {
		if (strcmp(key, "Alt") != 0)
			seat_toast(c, ROLE_MUTED, "%s does nothing here; ? shows the keys", key);
		return;
	}
	if (!key_usable(row, &scene, &why)) {
		seat_toast(c, ROLE_WARN, "%s: %s", key, why);
		return;
	}
	commands_do(c, row->cmd, key);
}

static void card_key(struct cockpit *c, const char *key)
{
	const struct key_row *row;
	struct scene scene = local_scene(c, c->local.focus);
	const char *why = NULL;

	/* What the key has brought it takes away. */
	if (c->sheet.kind == SHEET_CLOCK && (row = keys_find(WHERE_SCREEN, key)) &&
	    strcmp(row->cmd, "clock") == 0) {
		sheet_close(c);
		return;
	}
	row = keys_find(WHERE_CARD, key);
	if (!row)
		return;
	if (!key_usable(row, &scene, &why)) {
		seat_toast(c, ROLE_WARN, "%s: %s", key, why);
		return;
	}
	if (!sheet_do(c, row->cmd))
		commands_do(c, row->cmd, key);
}

void keyboard_do(struct cockpit *c, const char *key)
{
	seat_dirty(c);
	if (strcmp(key, "Ctrl-Z") == 0) {
		/* Any key stops a count, and this one is what a frightened hand does: the word is out before
		 * the seat sleeps. */
		if (box_counting(c)) {
			box_gate_key(c, key);
			link_socket(c, false, true);
		}
		terminal_suspend(c->terminal);
		return;
	}
	if (box_counting(c)) {
		box_gate_key(c, key);
		return;
	}
	switch (keyboard_where(c)) {
	case WHERE_PROMPT: prompt_key(c, key); break;
	case WHERE_YES:
		if (c->confirm.open)
			box_confirm_key(c, key);
		else
			box_gate_key(c, key);
		break;
	case WHERE_TYPE: box_gate_key(c, key); break;
	case WHERE_CARD: card_key(c, key); break;
	default:
		if (!c->replay || !rerun_gate_key(c, key))
			screen_key(c, key);
		break;
	}
	c->key_real_ms = seat_real_ms(c);
}

/* Text may be poured into a line that was open before it came: a terminal without bracketed paste does so. */
bool keyboard_pours(struct cockpit *c)
{
	if (c->replay || (c->prompt.kind && c->guard.run_begin_ms > c->prompt.opened_real_ms))
		return false;
	if (c->prompt.kind == PROMPT_ASK)
		return false;
	c->prompt.kind = PROMPT_NONE;
	line_set(&c->gate.phrase, "");
	return true;
}

/* Text may be pasted where text is asked for; anywhere else a paste is an accident. */
void keyboard_paste(struct cockpit *c, const char *text, size_t len)
{
	int held = guard_clear(&c->guard);

	seat_dirty(c);
	if (c->prompt.kind) {
		line_insert(&c->prompt.line, text, len);
		if (c->prompt.kind == PROMPT_SEARCH) {
			struct act act = {.kind = ACT_SEARCH, .text = c->prompt.line.text};
			local_act(c, &act);
		}
		return;
	}
	if (box_counting(c))
		box_gate_key(c, "paste");
	line_set(&c->gate.phrase, "");
	if (c->me.armed && c->wire.fd >= 0) {
		struct jw w;
		link_command(&w, "arm");
		jw_bool(&w, "on", false);
		jw_str(&w, "why", "paste");
		link_send(c, &w);
	}
	seat_toast(c, ROLE_WARN, "a paste: %d keys ignored%s", (int)text_width(text) + held,
		   c->me.armed ? ", this seat is disarmed" : "");
}
