#include "tui/keys.h"
#include "core/base/text.h"
#include "panels/dialog.h"
#include <stdio.h>
#include <string.h>

static bool can_next(const struct scene *scene, const char **why_not);
static bool can_cancel(const struct scene *scene, const char **why_not);
static bool can_skip(const struct scene *scene, const char **why_not);
static bool can_undo(const struct scene *scene, const char **why_not);
static bool can_back(const struct scene *scene, const char **why_not);
static bool can_drive(const struct scene *scene, const char **why_not);
static bool can_note(const struct scene *scene, const char **why_not);
static bool can_vote_here(const struct scene *scene, const char **why_not);
static bool can_answer(const struct scene *scene, const char **why_not);
static bool can_waive_here(const struct scene *scene, const char **why_not);

#define SCREEN .where = WHERE_SCREEN
#define ACTS .where = WHERE_SCREEN, .acts = true
#define ARMED .where = WHERE_SCREEN, .acts = true, .armed = true

const struct key_row key_table[] = {
    /* What acts: capitals only. */
    {"R", "run", "run the next step; in a step's card: that step", "the step's", "R next", ARMED,
     .can = can_next},
    {"X", "cancel", "cancel the running step; says what stays", "yes", "X cancel", ARMED, .can = can_cancel},
    {"H", "hold", "hold: nothing new starts; H again releases, with a reason", "none", "H hold", ACTS},
    {"U", "undo", "undo the last step by what it recorded", "yes", "U undo", ARMED, .can = can_undo},
    {"B", "back", "the way back: its plan and its cost first", "type", "B back", ARMED, .can = can_back},
    {"A", "arm", "arm or disarm this seat; off after 10 idle minutes or a paste", "none", NULL, ACTS,
     .can = can_drive},
    {"S", "skip", "skip the step, with a reason", "yes", NULL, ARMED, .can = can_skip},
    {"M", "manual", "done by hand, seen by me: what was seen, in words", "none, yes", NULL, ARMED,
     .can = can_skip},
    {"W", "waive", "waive this check or row difference: name and reason", "yes", NULL, ARMED},
    {"V", "vote", "vote go or no-go for a station", "none", NULL, ACTS},
    {"D", "wheel", "ask for the wheel, give it, take it", "two seats", NULL, ACTS},
    /* What only looks. */
    {"Enter", "look", "look closer: plan, proof, way back, output", NULL, "Enter look", SCREEN},
    {"Esc", "out", "back out; never acts", NULL, NULL, SCREEN},
    {"Tab", "next-panel", "next panel", NULL, "Tab panel", SCREEN},
    {"Shift-Tab", "previous-panel", "previous panel", NULL, NULL, SCREEN},
    {"1 2 3 4 5 6 7 8 9 0", "panel", "the panel of that number", NULL, NULL, SCREEN},
    {"/", "search", "search in this panel", NULL, "/ search", SCREEN},
    {"n", "search-next", "next match", NULL, NULL, SCREEN},
    {"N", "search-previous", "previous match", NULL, NULL, SCREEN},
    {"&", "keep", "keep only lines that match; empty: all again", NULL, "& filter", SCREEN},
    {"!", "hide", "hide lines that match; empty: all again", NULL, NULL, SCREEN},
    {"v", "view", "next view: this phase's, then the others", NULL, "v view", SCREEN},
    {"+ =", "zoom", "panel to the full screen", NULL, "+ zoom", SCREEN},
    {"_ -", "unzoom", "and back", NULL, NULL, SCREEN},
    {"Space", "freeze", "freeze the drawing; the world goes on", NULL, "Space freeze", SCREEN},
    {"@", "commands", "every request, SQL and ssh line so far, masked", NULL, "@ commands", SCREEN},
    {";", "note", "a note with the time, armed or not", NULL, "; note", SCREEN, .can = can_note},
    {":", "palette", "palette: :run :theme :ascii :export :who :stop, Tab completes", NULL, ": more", SCREEN},
    {"? F1", "help", "keys of here, with their gates and why a key is off", NULL, "? help", SCREEN},
    {"q", "quit", "leave this seat; says what goes on and how to come back", NULL, "q leave", SCREEN},
    {"Up k", "up", "up", NULL, NULL, SCREEN},
    {"Down j", "down", "down", NULL, NULL, SCREEN},
    {"Left h", "left", "left", NULL, NULL, SCREEN},
    {"Right l", "right", "right", NULL, NULL, SCREEN},
    {"PgUp", "page-up", "a page up", NULL, NULL, SCREEN},
    {"PgDn", "page-down", "a page down", NULL, NULL, SCREEN},
    {"g Home", "first", "first row", NULL, NULL, SCREEN},
    {"G End", "last", "last row", NULL, NULL, SCREEN},
    {"s", "sort", "sort by the next column", NULL, NULL, SCREEN},
    {"~", "sort-reverse", "sort the other way round", NULL, NULL, SCREEN},
    {"p", "probe", "look at this panel's world now", NULL, NULL, SCREEN},
    {"c", "copy", "copy the row: clipboard by OSC 52, tmux buffer, or a file", NULL, NULL, SCREEN},
    {"o", "write", "write this panel to a file and say where", NULL, NULL, SCREEN},
    {"t", "times", "times: local, UTC, since the freeze", NULL, NULL, SCREEN},
    {"b", "clock", "big clock", NULL, NULL, SCREEN},
    {"`", "shell", "a shell on the new host; this seat is disarmed meanwhile, and all see it", NULL, NULL,
     SCREEN, .can = can_drive},
    {"F5 Ctrl-L", "redraw", "redraw", NULL, NULL, SCREEN},
    {"Ctrl-C", "interrupt", "leaves a dialog or a search; never acts", NULL, NULL, SCREEN},
    {"Ctrl-Z", "suspend", "suspend this seat only", NULL, NULL, SCREEN},
    /* A recorded night. */
    {"Space", "pause", "pause, go on", NULL, "Space pause", .where = WHERE_REPLAY},
    {".", "event-on", "one event on", NULL, ", . one", .where = WHERE_REPLAY},
    {",", "event-back", "one event back", NULL, NULL, .where = WHERE_REPLAY},
    {"]", "next-event",
     "to the next step, gate, word or trouble; after :event KIND or :find TEXT to the next of these", NULL,
     "[ ] next", .where = WHERE_REPLAY},
    {"[", "previous-event", "to the one before", NULL, NULL, .where = WHERE_REPLAY},
    {">", "later", "a minute later; :at TIME jumps", NULL, "< > minute", .where = WHERE_REPLAY},
    {"<", "earlier", "a minute earlier", NULL, NULL, .where = WHERE_REPLAY},
    {"}", "faster", "twice as fast", NULL, "{ } speed", .where = WHERE_REPLAY},
    {"{", "slower", "half as fast", NULL, NULL, .where = WHERE_REPLAY},
    /* Over the screen. */
    {"Up k", "up", "up", NULL, NULL, .where = WHERE_CARD},
    {"Down j", "down", "down", NULL, "j k scroll", .where = WHERE_CARD},
    {"PgUp", "page-up", "a page up", NULL, NULL, .where = WHERE_CARD},
    {"PgDn Space", "page-down", "a page down", NULL, NULL, .where = WHERE_CARD},
    {"g Home", "first", "top", NULL, NULL, .where = WHERE_CARD},
    {"G End", "last", "end", NULL, NULL, .where = WHERE_CARD},
    {"/", "search", "search in it", NULL, "/ search", .where = WHERE_CARD},
    {"n", "search-next", "next match", NULL, NULL, .where = WHERE_CARD},
    {"N", "search-previous", "previous match", NULL, NULL, .where = WHERE_CARD},
    {"c", "copy", "copy its text", NULL, "c copy", .where = WHERE_CARD},
    {"o", "write", "write it to a file", NULL, "o write", .where = WHERE_CARD},
    {"Esc q Enter Ctrl-C", "out", "leave", NULL, "Esc back", .where = WHERE_CARD},
    {"R", "run", "in a step's card: run this step", "the step's", NULL, .where = WHERE_CARD, .acts = true,
     .armed = true},
    {"S", "skip", "in a step's card: skip it", "yes", NULL, .where = WHERE_CARD, .acts = true, .armed = true},
    {"M", "manual", "in a step's card: done by hand", "yes", NULL, .where = WHERE_CARD, .acts = true,
     .armed = true},
    {"U", "undo", "in a step's card: take it back", "yes", NULL, .where = WHERE_CARD, .acts = true,
     .armed = true},
    {"W", "waive", "in a check's card: waive it", "yes", NULL, .where = WHERE_CARD, .acts = true,
     .armed = true},
    {"H", "hold", "hold", "none", NULL, .where = WHERE_CARD, .acts = true},
    /* A question with one letter. */
    {"y", "yes", "does it", NULL, "y does it", .where = WHERE_YES, .acts = true, .armed = true,
     .can = can_answer},
    {"PgUp PgDn", "evidence", "more evidence", NULL, "PgDn evidence", .where = WHERE_YES},
    {"@", "calls", "the exact calls", NULL, "@ exact calls", .where = WHERE_YES},
    {"H", "hold", "hold", "none", "H hold", .where = WHERE_YES, .acts = true},
    {"V", "vote", "vote go or no-go", "none", NULL, .where = WHERE_YES, .acts = true},
    {"W", "waive", "waive the line that keeps it shut: reason typed", "yes", "W waive", .where = WHERE_YES,
     .acts = true, .armed = true, .can = can_waive_here},
    {"F5 Ctrl-L", "redraw", "redraw", NULL, NULL, .where = WHERE_YES},
    {"Esc", "leave", "every other key leaves: nothing happens", NULL, "any other key: nothing happens",
     .where = WHERE_YES},
    /* A phrase. */
    {"a-z 0-9 - _ . Space", "phrase", "fill the phrase; when complete 3 s count down, any key stops", NULL,
     "type the phrase", .where = WHERE_TYPE, .can = can_answer},
    {"Backspace Ctrl-U", "erase", "erase a character, all of it", NULL, NULL, .where = WHERE_TYPE},
    {"PgUp PgDn", "evidence", "more evidence", NULL, "PgDn evidence", .where = WHERE_TYPE},
    {"@", "calls", "the exact calls", NULL, "@ exact calls", .where = WHERE_TYPE},
    {"H", "hold", "hold", "none", "H hold", .where = WHERE_TYPE, .acts = true},
    {"V", "vote", "vote go or no-go", "none", "V vote", .can = can_vote_here, .where = WHERE_TYPE,
     .acts = true},
    {"W", "waive", "waive the line that keeps it shut: reason typed", "yes", "W waive", .where = WHERE_TYPE,
     .acts = true, .armed = true, .can = can_waive_here},
    {"r", "repoll", "poll, before the last go: ask every station again", NULL, NULL, .where = WHERE_TYPE},
    {"F5 Ctrl-L", "redraw", "redraw", NULL, NULL, .where = WHERE_TYPE},
    {"Esc Ctrl-C", "leave", "leave: nothing happens", NULL, "Esc nothing happens", .where = WHERE_TYPE},
    /* A line of text. */
    {"Enter", "done", "take the line", NULL, "Enter takes it", .where = WHERE_PROMPT},
    {"Tab", "complete", "complete (palette)", NULL, "Tab completes", .where = WHERE_PROMPT},
    {"Up Down", "history", "earlier lines", NULL, NULL, .where = WHERE_PROMPT},
    {"Left Right Home End Ctrl-A Ctrl-E", "cursor", "move in the line", NULL, NULL, .where = WHERE_PROMPT},
    {"Backspace Delete Ctrl-U Ctrl-W", "erase", "erase", NULL, NULL, .where = WHERE_PROMPT},
    {"Esc Ctrl-C", "leave", "leave the line", NULL, "Esc leaves", .where = WHERE_PROMPT},
    {.keys = NULL},
};

static bool can_drive(const struct scene *scene, const char **why_not)
{
	if (scene->seat.observer) {
		*why_not = "this seat only watches; leave it and come back without --observer to act";
		return false;
	}
	return true;
}

static bool can_next(const struct scene *scene, const char **why_not)
{
	if (!can_drive(scene, why_not))
		return false;
	if (scene->state->people.hold) {
		*why_not = "HOLD: nothing new starts until it is released with H";
		return false;
	}
	if (!steps_next(scene->state)) {
		*why_not = "there is no step left to run";
		return false;
	}
	return true;
}

static bool can_cancel(const struct scene *scene, const char **why_not)
{
	const struct step_seen *step = steps_current(scene->state);

	if (step && (step->state == STEP_RUNNING || step->state == STEP_PROVING))
		return can_drive(scene, why_not);
	*why_not = "no step is running, so there is nothing to cancel";
	return false;
}

static bool can_skip(const struct scene *scene, const char **why_not)
{
	if (!can_drive(scene, why_not))
		return false;
	if (steps_next(scene->state))
		return true;
	*why_not = "there is no step left";
	return false;
}

static bool can_undo(const struct scene *scene, const char **why_not)
{
	if (!can_drive(scene, why_not))
		return false;
	for (size_t i = 0; i < scene->state->steps.n; i++)
		if (scene->state->steps.steps[i].attempts > 0)
			return true;
	*why_not = "no step has run yet, so there is nothing to take back";
	return false;
}

static bool can_back(const struct scene *scene, const char **why_not)
{
	if (!can_drive(scene, why_not))
		return false;
	if (scene->state->steps.turned) {
		*why_not = "the way back has been taken already; R runs its steps";
		return false;
	}
	if (scene->state->steps.n_forward < scene->state->steps.n)
		return true;
	*why_not = "this playbook has no section for the way back";
	return false;
}

static bool can_note(const struct scene *scene, const char **why_not)
{
	*why_not = "this is a recorded night: nothing can be added to it";
	return !scene->seat.replaying;
}

/* A gate that asks no station needs no vote in its line of keys. */
static bool can_vote_here(const struct scene *scene, const char **why_not)
{
	*why_not = "this gate asks no station";
	return scene->state->steps.gate.level == 3;
}

/* Where nobody can say yes, no line of keys tells anybody to. */
static bool can_answer(const struct scene *scene, const char **why_not)
{
	const struct gate_seen *gate = &scene->state->steps.gate;
	struct poll_look look;

	poll_look(scene->state, &look);
	if (!can_drive(scene, why_not))
		return false;
	*why_not = !scene->seat.driver               ? "the driver decides here"
		   : scene->state->people.hold       ? "HOLD: this gate waits until it is released with H"
		   : gate->plan.refused[0]           ? "this gate cannot be passed: its reason is above"
		   : gate_shut_by(gate)              ? "a line of its evidence keeps this gate shut"
		   : gate->level == 3 && !look.ready ? "the phrase is asked for after the last go"
						     : NULL;
	return !*why_not;
}

static bool can_waive_here(const struct scene *scene, const char **why_not)
{
	*why_not = "no line of its evidence keeps this gate shut";
	return gate_shut_by(&scene->state->steps.gate) != NULL;
}

static bool word_in(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; len && at && *at; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");
		if (n == len && memcmp(at, word, len) == 0)
			return true;
		at += n;
	}
	return false;
}

const struct key_row *keys_find(enum where where, const char *key)
{
	for (const struct key_row *row = key_table; row->keys; row++)
		if (row->where == where && word_in(row->keys, key))
			return row;
	return NULL;
}

const struct binding *keys_of_panel(const struct panel *panel, const char *key)
{
	if (!panel || !panel->keys)
		return NULL;
	for (const struct binding *binding = panel->keys; binding->key; binding++)
		if (word_in(binding->key, key))
			return binding;
	return NULL;
}

bool keys_binding_acts(const struct binding *binding)
{
	return binding->key[0] >= 'A' && binding->key[0] <= 'Z' &&
	       (!binding->key[1] || binding->key[1] == ' ') && !word_in("E G N", binding->key);
}

bool key_usable(const struct key_row *row, const struct scene *scene, const char **why_not)
{
	if (row->acts && scene->seat.replaying) {
		*why_not = "this is a recorded night: nothing can be changed in it";
		return false;
	}
	if (row->acts && !scene->seat.connected) {
		*why_not = "the engine is not there, so nothing can be started or stopped from here";
		return false;
	}
	if (row->can && !row->can(scene, why_not))
		return false;
	if (row->armed && scene->state->people.driver[0] && !scene->seat.driver && !scene->seat.observer) {
		*why_not = "another seat has the wheel: D asks for it";
		return false;
	}
	if (row->armed && !scene->seat.armed) {
		*why_not = scene->seat.observer ? "this seat only watches" : "press A to arm this seat first";
		return false;
	}
	return true;
}

/* H means two things, and under a HOLD only its caller and the driver release it. */
static const char *brief_now(const struct key_row *row, const struct scene *scene)
{
	const struct people_state *people = &scene->state->people;

	if (!row->brief || !people->hold || strcmp(row->cmd, "hold") != 0)
		return row->brief;
	return scene->seat.driver || text_equal(people->hold_seat, scene->seat.seat) ? "H release" : NULL;
}

/* Whether the row has a place in that line at all. */
static bool row_shown(const struct key_row *row, enum where where, const struct scene *scene)
{
	bool drives = scene->seat.driver || !scene->state->people.driver[0];
	const char *why;

	if (!brief_now(row, scene) || (row->can && !row->can(scene, &why)))
		return false;
	/* An unarmed seat shows R all the same: pressing it says what to do. */
	if (row->acts && (scene->seat.replaying || !scene->seat.connected ||
			  (row->armed && (scene->seat.observer || !drives))))
		return false;
	/* A recorded night has keys of its own. */
	if (scene->seat.replaying && where == WHERE_SCREEN && strcmp(row->brief, "Space freeze") == 0)
		return false;
	return row->where == where ||
	       (row->where == WHERE_REPLAY && where == WHERE_SCREEN && scene->seat.replaying);
}

/* The order of the table is the order of need; what does not fit is in the help. Off keys are left out. */
void keys_bottom(enum where where, const struct scene *scene, int cells, char *out, size_t size)
{
	struct buf line = {0};
	const char *last = where == WHERE_SCREEN ? ": more  ? help  q leave" : "";
	int left = cells - 2 - (*last ? (int)strlen(last) + 2 : 0);

	/* Keys of a recorded night come first. */
	for (int pass = 0; pass < 2; pass++)
		for (const struct key_row *row = key_table; row->keys; row++) {
			const char *brief = brief_now(row, scene);

			if ((pass == 0) != (row->where == WHERE_REPLAY) || !row_shown(row, where, scene) ||
			    (*last && strstr(last, brief)))
				continue;
			if ((int)(line.len + strlen(brief) + 2) <= left)
				buf_addf(&line, "%s%s", line.len ? "  " : "", brief);
		}
	text_copyf(out, size, " %s%s%s", buf_text(&line), *last ? "  " : "", last);
	buf_done(&line);
}
