/* The boxes that ask: an open gate, its count, and a plain yes or no. */
#include "tui/cockpit.h"
#include "core/base/text.h"
#include <stdio.h>
#include <string.h>

enum { FRESH_MS = 250 }; /* a key that was on its way when a box opened was not meant for it */

static const struct gate_seen *gate_of_state(const struct cockpit *c)
{
	return &c->state->steps.gate;
}

static size_t phrase_of(const struct gate_seen *gate, char *out, size_t size)
{
	char target[128];

	text_copy(target, sizeof(target), gate->target);
	text_lower(target);
	text_copyf(out, size, "%s %s", target, gate->tag);
	return strlen(target) + 1;
}

bool box_counting(const struct cockpit *c)
{
	const struct gate_seen *gate = gate_of_state(c);

	return gate->open && gate->counting_until_ms > 0 && !c->replay;
}

/* The driver's seat opens the box by itself; elsewhere a gate is looked at with Enter, until it counts. */
void box_gate_follow(struct cockpit *c)
{
	const struct gate_seen *gate = gate_of_state(c);
	struct gate_box *box = &c->gate;
	char phrase[160];

	if (!gate->open) {
		if (box->id[0])
			*box = (struct gate_box){.shown = false};
		return;
	}
	if (strcmp(box->id, gate->id) != 0) {
		*box = (struct gate_box){.opened_real_ms = seat_real_ms(c)};
		text_copy(box->id, sizeof(box->id), gate->id);
		/* What was said before it opened is no word about it. */
		c->toast_until_real_ms = 0;
		text_copy(box->tag, sizeof(box->tag), gate->tag);
		box->shown = c->me.armed;
	}
	/* Also for who takes the wheel, or comes back to it, at an open gate. */
	if (c->me.driver && !box->drives) {
		box->shown = true;
		box->opened_real_ms = seat_real_ms(c);
		if (c->terminal)
			terminal_bell(c->terminal);
	}
	box->drives = c->me.driver;
	if (strcmp(box->tag, gate->tag) != 0) {
		/* Only the four characters are asked anew: the target was typed with open eyes. */
		size_t keep = phrase_of(gate, phrase, sizeof(phrase));
		text_copy(box->tag, sizeof(box->tag), gate->tag);
		box->sent = false;
		/* A y for what stood there before is not one for this. */
		box->opened_real_ms = seat_real_ms(c);
		if (box->phrase.len > keep && strncmp(box->phrase.text, phrase, keep) == 0) {
			phrase[keep] = '\0';
			line_set(&box->phrase, phrase);
		}
	}
	/* Stopped on any seat: the phrase is asked for again, and who stopped it is said on every seat. */
	if (box->counting && !gate->counting_until_ms && gate->stopped_by[0]) {
		line_set(&box->phrase, "");
		box->sent = false;
		seat_toast(c, ROLE_WARN, "stopped by %s: nothing happened", gate->stopped_by);
	}
	box->counting = gate->counting_until_ms > 0;
	if (box->counting)
		box->shown = true;
	/* What was typed before a HOLD is typed anew after it: nothing complete lies about unasked. */
	if (box->hold != c->state->people.hold) {
		box->hold = c->state->people.hold;
		box->sent = false;
		line_set(&box->phrase, "");
	}
}

static void gate_say(struct cockpit *c, const char *cmd)
{
	link_say(c, cmd, "gate", c->gate.id);
}

static void yes_say(struct cockpit *c)
{
	struct jw w;

	link_command(&w, "yes");
	jw_str(&w, "gate", c->gate.id);
	jw_str(&w, "tag", c->gate.tag);
	link_send(c, &w);
}

static void phrase_typed(struct cockpit *c)
{
	const struct gate_seen *gate = gate_of_state(c);
	char phrase[160];
	struct jw w;

	c->gate.sent = false;
	phrase_of(gate, phrase, sizeof(phrase));
	if (strcmp(c->gate.phrase.text, phrase) != 0)
		return;
	c->gate.sent = true;
	link_command(&w, "phrase");
	jw_str(&w, "gate", c->gate.id);
	jw_str(&w, "text", c->gate.phrase.text);
	link_send(c, &w);
}

static void leave(struct cockpit *c)
{
	/* Esc never acts: an onlooker closes his own picture, the one who asked takes his question back. */
	if (c->me.driver || c->me.armed) {
		gate_say(c, "leave-gate");
		seat_toast(c, ROLE_MUTED, "left: nothing happened");
	} else {
		seat_toast(c, ROLE_MUTED,
			   "the gate is still open on the driver's seat; Enter looks at it again");
	}
	c->gate.shown = false;
}

static bool unarmed(struct cockpit *c)
{
	if (c->me.armed)
		return false;
	seat_toast(c, ROLE_WARN,
		   c->me.observer ? "this seat only watches"
				  : "this seat is not armed: Esc leaves the box, A arms, R comes back to it");
	return true;
}

/* The first line of evidence that keeps this gate shut, or is not PASS. */
static void waive_line(struct cockpit *c)
{
	const struct gate_seen *gate = gate_of_state(c);
	const struct seen_line *line = NULL;
	char about[104], label[160];

	for (size_t i = 0; i < gate->n_seen; i++) {
		const struct seen_line *x = &gate->seen[i];
		bool shuts = x->verdict == 0 || x->verdict == 3;
		if (x->waived || x->verdict == 1)
			continue;
		if (!line || (shuts && line->verdict == 2))
			line = x;
	}
	if (!line) {
		seat_toast(c, ROLE_MUTED, "W: everything here is PASS or waived");
		return;
	}
	if (!c->me.driver || unarmed(c))
		return;
	text_copyf(about, sizeof(about), "seen:%s", line->name);
	text_copyf(label, sizeof(label), "waive %s, because", line->name);
	prompt_open(c, PROMPT_WAIVE, about, label);
}

bool box_gate_common(struct cockpit *c, const char *key)
{
	struct gate_box *box = &c->gate;

	if (strcmp(key, "PgDn") == 0) {
		box->top += 6;
	} else if (strcmp(key, "PgUp") == 0) {
		box->top = box->top > 6 ? box->top - 6 : 0;
	} else if (strcmp(key, "@") == 0) {
		box->calls = !box->calls;
		box->top = 0;
	} else if (strcmp(key, "H") == 0 || strcmp(key, "V") == 0) {
		commands_do(c, strcmp(key, "H") == 0 ? "hold" : "vote", key);
	} else if (strcmp(key, "W") == 0) {
		waive_line(c);
	} else if (strcmp(key, "F5") == 0 || strcmp(key, "Ctrl-L") == 0) {
		terminal_redraw(c->terminal);
	} else {
		return false;
	}
	return true;
}

/* An r may be the first letter of a phrase that was begun too early; the votes of a whole room are not lost
 * by it.
 */
static void ask_repoll(struct cockpit *c)
{
	struct buf say = {0};
	struct jw w;

	link_command(&w, "repoll");
	buf_adds(&say,
		 "Every go and no-go given so far falls, and each station is asked anew.\n\nNothing else "
		 "changes: the gate stays open.");
	box_confirm(c, "ASK EVERY STATION AGAIN", &say, &w);
}

/* The box for the phrase opens after the last go; until then its keys only ask again. */
static bool poll_key(struct cockpit *c, const char *key)
{
	struct poll_look look;

	poll_look(c->state, &look);
	if (look.ready || !key_printable(key))
		return false;
	line_set(&c->gate.phrase, "");
	if (strcmp(key, "r") != 0)
		seat_toast(c, ROLE_WARN, "the phrase is asked for after the last go: %s", look.why);
	else if (c->me.driver)
		ask_repoll(c);
	else
		seat_toast(c, ROLE_MUTED, "the driver asks the stations again");
	return true;
}

/* A phrase that was complete and was not taken: it does not stay there as if it still could. */
void box_gate_refused(struct cockpit *c)
{
	if (!c->gate.sent || box_counting(c))
		return;
	c->gate.sent = false;
	line_set(&c->gate.phrase, "");
}

/* Under a HOLD no letter of a phrase is taken. */
static bool held(struct cockpit *c, const char *key)
{
	if (!c->state->people.hold || (!key_printable(key) && strcmp(key, "Space") != 0))
		return false;
	seat_toast(c, ROLE_WARN, "HOLD by %s: this gate waits; the phrase is asked for after its release",
		   c->state->people.hold_by);
	return true;
}

bool box_gate_key(struct cockpit *c, const char *key)
{
	const struct gate_seen *gate = gate_of_state(c);
	bool fresh = seat_real_ms(c) - c->gate.opened_real_ms < FRESH_MS;

	if (!gate->open)
		return false;
	if (gate->counting_until_ms) {
		gate_say(c, "stop-count");
		if (strcmp(key, "H") == 0)
			commands_do(c, "hold", key);
		line_set(&c->gate.phrase, "");
		return true;
	}
	if (box_gate_common(c, key))
		return true;
	if (gate->level <= 1) {
		if (fresh)
			return true;
		if (strcmp(key, "y") != 0)
			leave(c);
		else if (!unarmed(c))
			yes_say(c);
		return true;
	}
	if (strcmp(key, "Esc") == 0 || strcmp(key, "Ctrl-C") == 0)
		leave(c);
	else if (held(c, key) || (gate->level == 3 && poll_key(c, key)))
		return true;
	else if (key_printable(key) && unarmed(c))
		return true;
	else if (phrase_key(&c->gate.phrase, key))
		phrase_typed(c);
	return true;
}

void box_confirm(struct cockpit *c, const char *title, struct buf *take_text, struct jw *command)
{
	struct confirm *box = &c->confirm;

	buf_reset(&box->command);
	buf_done(&box->text);
	box->text = *take_text;
	*take_text = (struct buf){0};
	if (command) {
		buf_adds(&box->command, jw_finish(command));
		jw_done(command);
	}
	text_copy(box->title, sizeof(box->title), title);
	box->open = true;
	box->leaves = false;
	box->opened_real_ms = seat_real_ms(c);
	seat_dirty(c);
}

void box_confirm_key(struct cockpit *c, const char *key)
{
	struct confirm *box = &c->confirm;
	bool yes = strcmp(key, "y") == 0;

	if (seat_real_ms(c) - box->opened_real_ms < FRESH_MS)
		return;
	box->open = false;
	if (strcmp(key, "H") == 0)
		commands_do(c, "hold", key);
	if (yes && box->command.len && c->wire.fd >= 0) {
		buf_add(&c->wire.out, box->command.data, box->command.len);
		buf_addc(&c->wire.out, '\n');
		link_socket(c, false, true);
	} else if (yes && box->command.len) {
		seat_toast(c, ROLE_BAD, "the engine is not there: nothing was sent");
	} else if (!yes && !box->leaves) {
		seat_toast(c, ROLE_MUTED, "left: nothing happened");
	}
	if (box->leaves && yes && c->options->stop_asked)
		*c->options->stop_asked = true;
	if (box->leaves && (yes || strcmp(key, "n") == 0 || strcmp(key, "q") == 0))
		seat_leave(c, yes ? "the world was asked to stop" : NULL);
	seat_dirty(c);
}
