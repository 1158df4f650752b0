#include "panels/keys.h"

#include <ctype.h>
#include <string.h>

static bool can_act(const struct scene *scene, const char **why_not)
{
	*why_not = keys_why_not(scene);
	return *why_not == NULL;
}

static bool can_speak(const struct scene *scene, const char **why_not)
{
	*why_not = scene->seat.replaying ? "this is a recording"
					 : (scene->seat.connected ? NULL : "the engine is not there");
	return *why_not == NULL;
}

static bool can_run(const struct scene *scene, const char **why_not)
{
	if (!can_act(scene, why_not))
		return false;
	if (scene->state->people.hold)
		*why_not = "HOLD is called: nothing new starts";
	else if (!steps_next(scene->state))
		*why_not = "no step is left";
	return *why_not == NULL;
}

static bool can_cancel(const struct scene *scene, const char **why_not)
{
	const struct step_seen *step = steps_current(scene->state);

	if (!can_act(scene, why_not))
		return false;
	if (!step || (step->state != STEP_RUNNING && step->state != STEP_PROVING))
		*why_not = "no step runs";
	return *why_not == NULL;
}

const struct binding keys_look[] = {
    {.key = "Enter", .cmd = "card", .note = "look closer: plan, proof, way back, output (never confirms)"},
    {.key = "Esc", .cmd = "back", .note = "back out (never acts)"},
    {.key = "Tab", .cmd = "next-panel", .note = "next panel, Shift-Tab the one before"},
    {.key = "1..9 0", .cmd = "panel", .note = "panel by its number"},
    {.key = "arrows hjkl", .cmd = "move", .note = "move; PgUp PgDn pages, g G first and last"},
    {.key = "+ _", .cmd = "zoom", .note = "this panel bigger, smaller again"},
    {.key = "v", .cmd = "next-view", .note = "next view: this phase's first, then the others"},
    {.key = "/", .cmd = "search", .note = "search; n and N next and previous match"},
    {.key = "&", .cmd = "keep", .note = "keep only lines that match"},
    {.key = "!", .cmd = "hide", .note = "hide lines that match; how many is shown"},
    {.key = "Space", .cmd = "freeze", .note = "freeze the picture; the night goes on"},
    {.key = "p", .cmd = "probe", .note = "look now, not at the next interval"},
    {.key = "c", .cmd = "copy", .note = "copy the row under the cursor"},
    {.key = "o", .cmd = "write", .note = "write this panel to a file and say where"},
    {.key = "@", .cmd = "commands", .note = "every request, SQL and ssh line so far, masked"},
    {.key = ";", .cmd = "note", .note = "a note with the time, from any seat"},
    {.key = "t", .cmd = "times", .note = "times: local, UTC, since the freeze"},
    {.key = "b", .cmd = "clock", .note = "big clock"},
    {.key = ":", .cmd = "palette", .note = "command line with completion"},
    {.key = "?", .cmd = "help", .note = "these keys; / searches them"},
    {.key = "F5", .cmd = "redraw", .note = "draw everything anew, also Ctrl-L"},
    {.key = "q", .cmd = "quit", .note = "leave this seat; the engine goes on"},
    {.key = NULL},
};

const struct binding keys_act[] = {
    {.key = "A", .cmd = "arm", .note = "arm or disarm this seat", .can = can_speak},
    {.key = "R", .cmd = "run", .note = "run the next step; runs on to the next gate", .can = can_run},
    {.key = "X", .cmd = "cancel", .note = "cancel the running step (asks y)", .can = can_cancel},
    {.key = "S", .cmd = "skip", .note = "skip the step, with a reason", .can = can_act},
    {.key = "M", .cmd = "byhand", .note = "done by hand, in your own words", .can = can_act},
    {.key = "W", .cmd = "waive", .note = "waive a check or a difference, with a reason", .can = can_act},
    {.key = "U", .cmd = "undo", .note = "take back the last step (asks y)", .can = can_act},
    {.key = "B",
     .cmd = "rollback",
     .note = "way back: its plan and cost first, then a phrase",
     .can = can_act},
    {.key = "H", .cmd = "hold", .note = "hold: nothing new starts; works on every seat", .can = can_speak},
    {.key = "V", .cmd = "vote", .note = "go or no-go for your station, early if you like", .can = can_speak},
    {.key = "D", .cmd = "wheel", .note = "ask for the wheel or give it", .can = can_speak},
    {.key = NULL},
};

const char *keys_why_not(const struct scene *scene)
{
	if (scene->seat.replaying)
		return "this is a recording";
	if (!scene->seat.connected)
		return "the engine is not there";
	if (scene->seat.observer)
		return "this seat only watches";
	if (!scene->seat.driver)
		return "another seat drives: D asks for the wheel";
	if (!scene->seat.armed)
		return "not armed: A arms this seat";
	return NULL;
}

bool keys_can(const struct scene *scene, const struct binding *binding, const char **why_not)
{
	*why_not = NULL;
	if (binding->can)
		return binding->can(scene, why_not);
	if (binding->key && strlen(binding->key) == 1 && isupper((unsigned char)binding->key[0]) &&
	    strcmp(binding->key, "E") != 0)
		return can_act(scene, why_not);
	return true;
}
