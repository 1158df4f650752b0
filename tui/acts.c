/* What acts: the keys that ask the engine for something, and what they refuse by themselves. */
#include "tui/cockpit.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include <stdlib.h>
#include <string.h>

const struct step_seen *acts_step(const struct cockpit *c)
{
	if (c->sheet.kind == SHEET_CARD && c->sheet.panel && strcmp(c->sheet.panel->name, "playbook") == 0)
		return steps_get(c->state, c->sheet.subject);
	return NULL;
}

/* The card's step, else the next one. */
static const struct step_seen *step_meant(const struct cockpit *c)
{
	const struct step_seen *step = acts_step(c);

	return step ? step : steps_next(c->state);
}

static void do_arm(struct cockpit *c, const char *key)
{
	struct jw w;

	(void)key;
	link_command(&w, "arm");
	jw_bool(&w, "on", !c->me.armed);
	link_send(c, &w);
}

static void do_run(struct cockpit *c, const char *key)
{
	const struct step_seen *card = acts_step(c), *next = steps_next(c->state);
	struct jw w;

	(void)key;
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
	(void)key;
	if (!c->state->people.hold)
		link_say(c, "hold", "why", "");
	else if (c->me.driver || strcmp(c->state->people.hold_seat, c->me.seat) == 0)
		prompt_open(c, PROMPT_RELEASE, "", "release the hold, because");
	else
		seat_toast(c, ROLE_WARN, "HOLD by %s: released by its caller or the driver",
			   c->state->people.hold_by);
}

static void do_cancel(struct cockpit *c, const char *key)
{
	const struct step_seen *step = steps_current(c->state);
	struct buf say = {0};
	char title[80];
	struct jw w;

	(void)key;
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
	(void)key;
	do_prompt(c, PROMPT_SKIP, "skip");
}

static void do_manual(struct cockpit *c, const char *key)
{
	const struct step_seen *step = step_meant(c);

	(void)key;
	if (step && !step->manual && step->state != STEP_UNKNOWN) {
		seat_toast(c, ROLE_WARN,
			   step->state == STEP_FAILED
			       ? "M: %s failed, so words do not tick it; R looks again, S skips it, B is the "
				 "way back"
			       : "M: %s is no card; M is for those, and for a step that is UNKNOWN",
			   step->id);
		return;
	}
	do_prompt(c, PROMPT_MANUAL, "done by hand:");
}

/* What the engine would refuse is said before a reason is typed. */
static bool rows_missing(struct cockpit *c, const char *about)
{
	const struct rows_state *rows = &c->state->rows;

	for (size_t i = 0; text_starts(about, "rows:") && i < rows->n; i++) {
		const struct rows_table *table = &rows->tables[i];

		if (strcmp(table->table, about + 5) != 0 || table->new_rows >= 0)
			continue;
		seat_toast(
		    c, ROLE_BAD,
		    table->new_rows == -1 && table->old_rows >= 0
			? "W: %s is missing on NEW, and rows that are missing stay missing: copy it again, "
			  "or B is the way back"
			: "W: %s is not copied and counted yet, so there is nothing to waive",
		    table->table);
		return true;
	}
	return false;
}

/* What a waiver is about: a check, or one table's rows. */
static void do_waive(struct cockpit *c, const char *key)
{
	const struct panel *panel = c->local.focus;
	char selected[104], about[120], label[160];

	(void)key;
	local_selected(c, selected, sizeof(selected));
	if (c->sheet.kind == SHEET_CARD)
		text_copy(selected, sizeof(selected), c->sheet.subject);
	if (!selected[0] || !panel ||
	    (strcmp(panel->name, "checks") != 0 && strcmp(panel->name, "rows") != 0)) {
		seat_toast(c, ROLE_WARN,
			   "W: go to a row of Checks (9) or Rows (4) first; it is waived by name");
		return;
	}
	text_copyf(about, sizeof(about), "%s%s",
		   strchr(selected, ':')                ? ""
		   : strcmp(panel->name, "checks") == 0 ? "check:"
							: "rows:",
		   selected);
	if (rows_missing(c, about))
		return;
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
	const struct step_seen *step = acts_step(c) ? acts_step(c) : last_step(c->state);

	(void)key;
	if (step)
		link_say(c, "undo", "step", step->id);
	else
		seat_toast(c, ROLE_WARN, "U: no step has ended that could be taken back");
}

static void do_back(struct cockpit *c, const char *key)
{
	struct buf say = {0};
	struct jw w;

	(void)key;
	link_command(&w, "back");
	sheet_way_back(c, &say);
	box_confirm(c, c->state->rehearsal ? "GIVE THE REHEARSAL UP  NEW" : "WAY BACK  NEW → OLD", &say, &w);
}

static void do_vote(struct cockpit *c, const char *key)
{
	char label[160];

	(void)key;
	text_copyf(label, sizeof(label), "vote%s%s: go, or no-go and why",
		   c->options->station && *c->options->station ? " of " : "",
		   c->options->station ? c->options->station : "");
	prompt_open(c, PROMPT_VOTE, "", label);
}

static void do_wheel(struct cockpit *c, const char *key)
{
	const struct people_state *people = &c->state->people;
	struct buf say = {0};
	struct jw w;

	(void)key;
	if (c->me.driver && !people->asked[0]) {
		seat_toast(c, ROLE_MUTED, "you have the wheel; another seat asks for it with D");
	} else if (c->me.driver) {
		link_command(&w, "wheel");
		jw_str(&w, "action", "give");
		jw_str(&w, "to", people->asked);
		link_send(c, &w);
	} else if (people->offered[0] && strcmp(people->offered, c->me.seat) == 0) {
		link_command(&w, "wheel");
		jw_str(&w, "action", "take");
		buf_adds(&say, "The wheel comes to this seat. It is not armed by that: A arms it.");
		box_confirm(c, "TAKE THE WHEEL", &say, &w);
	} else if (people->asked[0] && strcmp(people->asked, c->me.seat) == 0) {
		seat_toast(c, ROLE_MUTED, "the driver has been asked; D there gives the wheel");
	} else {
		link_say(c, "wheel", "action", "ask");
	}
}

static const struct {
	const char *cmd;
	void (*run)(struct cockpit *, const char *key);
} acts[] = {
    {"run", do_run},     {"cancel", do_cancel}, {"hold", do_hold},   {"undo", do_undo},
    {"back", do_back},   {"arm", do_arm},       {"skip", do_skip},   {"manual", do_manual},
    {"waive", do_waive}, {"vote", do_vote},     {"wheel", do_wheel},
};

bool acts_do(struct cockpit *c, const char *cmd, const char *key)
{
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (strcmp(acts[i].cmd, cmd) == 0) {
			acts[i].run(c, key);
			return true;
		}
	return false;
}

/* `pid:start_ms`, as the Writers panel names its rows: a process number alone comes back. */
static const struct writer_seen *writer_selected(const struct cockpit *c)
{
	char selected[104], key[64];

	local_selected(c, selected, sizeof(selected));
	if (c->sheet.kind == SHEET_CARD)
		text_copy(selected, sizeof(selected), c->sheet.subject);
	for (size_t i = 0; i < c->state->writers.n; i++) {
		const struct writer_seen *writer = &c->state->writers.writers[i];
		text_copyf(key, sizeof(key), "%d:%lld", writer->pid, (long long)writer->start_ms);
		if (writer->pid > 0 && writer->start_ms > 0 && strcmp(key, selected) == 0)
			return writer;
	}
	return NULL;
}

/* The engine looks at it once more and opens a gate; y there ends it. */
static void end_session(struct cockpit *c)
{
	const struct writer_seen *writer = writer_selected(c);
	struct jw w;

	if (!writer) {
		seat_toast(c, ROLE_WARN, "T: go to a session in Writers (6) first that is still there");
		return;
	}
	link_command(&w, "end-session");
	jw_int(&w, "pid", writer->pid);
	jw_int(&w, "start_ms", writer->start_ms);
	link_send(c, &w);
}

void acts_panel(struct cockpit *c, const struct binding *binding)
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
