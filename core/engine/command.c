/* Commands of seats. Who may: observers see, note, vote and hold; only the driver acts, and only while armed.
 */
#include "core/engine/inner.h"

#define ARMED_MS ((int64_t)10 * 60 * 1000)

void seat_arm(struct seat *seat, bool on)
{
	struct jw w;
	jw_event(&w, "seat.armed");
	jw_str(&w, "seat", seat->id);
	jw_str(&w, "name", seat->name);
	seat->armed_until_life_ms = on ? clock_life_ms() + ARMED_MS : 0;
	jw_int(&w, "until_ms", on ? clock_wall_ms() + ARMED_MS : 0);
	engine_emit(seat->e, &w, NULL);
}

/* Says why not, on that seat only. */
bool seat_may_act(struct seat *seat)
{
	if (seat->observer)
		return seat_say(seat, "warn", "observers see, note, vote and hold; they never act"), false;
	if (!seat_drives(seat))
		return seat_say(seat, "warn", "only the driver acts; D asks for the wheel"), false;
	if (clock_life_ms() >= seat->armed_until_life_ms)
		return seat_say(seat, "warn", "this seat is read-only; A arms it"), false;
	/* Arming slides while it acts; seats are told at most each half minute. */
	if (seat->armed_until_life_ms - clock_life_ms() < ARMED_MS - 30000)
		seat_arm(seat, true);
	return true;
}

void seat_clean(const struct json *m, const char *key, char *out, size_t size)
{
	const char *text = json_str(m, key, "");
	text_clean(out, size, text, strlen(text));
}

static void cmd_arm(struct seat *seat, const struct json *m)
{
	if (seat->observer || !seat_drives(seat))
		seat_say(seat, "warn", "%s",
			 seat->observer ? "observers are never armed"
					: "only the driver's seat is armed; D asks for the wheel");
	else if (json_bool(m, "on", true)) {
		seat_arm(seat, true);
		wheel_keep(seat);
	} else {
		seat_arm(seat, false);
	}
}

static void cmd_run(struct seat *seat, const struct json *m)
{
	struct engine *e = seat->e;
	const char *id = json_str(m, "step", "");
	const struct step_seen *next = steps_next(e->state);
	if (!seat_may_act(seat))
		return;
	if (!*id && !next) {
		seat_say(seat, "info", "every step is done; nothing is left to run");
		return;
	}
	/* R means the step that stood on that screen as next: if another one is next by now, nothing starts.
	 */
	const char *expect = json_str(m, "expect", "");
	if (!*id && *expect && !text_equal(expect, next->id)) {
		seat_say(seat, "warn", "%s is no longer next, %s is; press R again if you mean that", expect,
			 next->id);
		return;
	}
	struct err err = {0};
	char step[48];
	text_copy(step, sizeof step, *id ? id : next->id);
	if (attempt_begin(e, step, "run", seat->name, &err) < 0)
		seat_say(seat, "warn", "%s", err.text);
}

static void cmd_yes(struct seat *seat, const struct json *m)
{
	struct err err = {0};
	const struct act_now *act = &seat->e->act;
	const char *tag = json_str(m, "tag", act->tag);
	/* A y that was on its way when the evidence moved was for what stood there before. */
	if (act->phase == ACT_GATE && !text_equal(tag, act->tag))
		seat_say(seat, "warn",
			 "what this gate shows has just changed: look at it again; nothing happened");
	else if (seat_may_act(seat) && gate_yes(seat->e, json_str(m, "gate", ""), seat->name, &err) < 0)
		seat_say(seat, "warn", "%s", err.text);
}

static void cmd_phrase(struct seat *seat, const struct json *m)
{
	struct err err = {0};
	if (seat_may_act(seat) &&
	    gate_phrase(seat->e, json_str(m, "gate", ""), json_str(m, "text", ""), seat->name, &err) < 0)
		seat_say(seat, "warn", "%s", err.text);
}

static void cmd_stop_count(struct seat *seat, const struct json *m)
{
	gate_stop_count(seat->e, json_str(m, "gate", ""), seat->name);
}

static void cmd_leave_gate(struct seat *seat, const struct json *m)
{
	struct engine *e = seat->e;
	if (e->act.phase == ACT_GATE && text_equal(e->act.gate_id, json_str(m, "gate", "")) &&
	    seat_drives(seat))
		attempt_leave_gate(e, seat->name, "nothing happened: the gate was left");
}

static void cmd_cancel(struct seat *seat, const struct json *m)
{
	struct engine *e = seat->e;
	const char *meant = json_str(m, "step", e->act.step);
	if (e->act.phase == ACT_IDLE)
		seat_say(seat, "info", "nothing runs, so there is nothing to cancel");
	else if (!text_equal(meant, e->act.step))
		seat_say(seat, "warn", "%s no longer runs, %s does; press X again if you mean that", meant,
			 e->act.step);
	else if (seat_may_act(seat))
		attempt_cancel(e, seat->name);
}

static void cmd_skip(struct seat *seat, const struct json *m)
{
	char reason[160];
	struct err err = {0};
	seat_clean(m, "reason", reason, sizeof reason);
	if (seat_may_act(seat) &&
	    attempt_skip(seat->e, json_str(m, "step", ""), reason, seat->name, &err) < 0)
		seat_say(seat, "warn", "%s", err.text);
}

static void cmd_manual(struct seat *seat, const struct json *m)
{
	char words[200];
	struct err err = {0};
	seat_clean(m, "words", words, sizeof words);
	if (seat_may_act(seat) && attempt_by_hand(seat->e, json_str(m, "step", ""), seat->name, words,
						  json_get(m, "fields"), &err) < 0)
		seat_say(seat, "warn", "%s", err.text);
}

/* Acts on the session that stood on that screen, by its process and its begin: never on a row. */
static void cmd_end_session(struct seat *seat, const struct json *m)
{
	struct err err = {0};
	int64_t pid = json_int(m, "pid", 0), start_ms = json_int(m, "start_ms", 0);
	if (!seat_may_act(seat))
		return;
	if (pid <= 0 || start_ms <= 0) {
		seat_say(seat, "warn", "that session is gone, or it was never seen by itself");
		return;
	}
	struct jw w = {0};
	jw_open(&w);
	jw_int(&w, "pid", pid);
	jw_int(&w, "start_ms", start_ms);
	const char *text = jw_finish(&w);
	struct json *params = json_parse(text, strlen(text), NULL);
	jw_done(&w);
	if (attempt_aside(seat->e, "end-session", params, seat->name, &err) < 0)
		seat_say(seat, "warn", "%s", err.text);
}

static void cmd_undo(struct seat *seat, const struct json *m)
{
	struct engine *e = seat->e;
	const char *id = json_str(m, "step", "");
	if (!seat_may_act(seat))
		return;
	const struct step_seen *last = NULL;
	for (size_t i = 0; i < e->state->steps.n && !*id; i++)
		if (e->state->steps.steps[i].state == STEP_DONE)
			last = &e->state->steps.steps[i];
	struct err err = {0};
	char step[48];
	text_copy(step, sizeof step, *id ? id : last ? last->id : "");
	if (attempt_begin(e, step, "undo", seat->name, &err) < 0)
		seat_say(seat, "warn", "%s", err.text);
}

static void cmd_back(struct seat *seat, const struct json *m)
{
	(void)m;
	struct err err = {0};
	if (seat_may_act(seat) && gate_way_back(seat->e, seat->name, &err) < 0)
		seat_say(seat, "warn", "%s", err.text);
}

static void cmd_note(struct seat *seat, const struct json *m)
{
	char text[200];
	seat_clean(m, "text", text, sizeof text);
	if (!*text)
		return;
	struct jw w;
	jw_event(&w, "note.added");
	jw_str(&w, "by", seat->name);
	jw_str(&w, "text", text);
	engine_emit(seat->e, &w, NULL);
}

/* What is done in it goes past every gate: that somebody is there is written down before it opens. The seat
 * cannot act meanwhile, and nobody else's keys can act for it. */
static void cmd_shell(struct seat *seat, const struct json *m)
{
	bool open = json_bool(m, "open", true);
	struct jw w;
	if (open && (seat->observer || !seat_drives(seat))) {
		seat_say(seat, "warn", "only the driver's seat opens a shell");
		return;
	}
	if (open && seat->armed_until_life_ms)
		seat_arm(seat, false);
	jw_event(&w, open ? "shell.opened" : "shell.closed");
	jw_str(&w, "seat", seat->id);
	jw_str(&w, "name", seat->name);
	jw_str(&w, "side", text_equal(json_str(m, "side", "NEW"), "OLD") ? "OLD" : "NEW");
	engine_emit(seat->e, &w, NULL);
}

static void cmd_probe(struct seat *seat, const struct json *m)
{
	const char *name = json_str(m, "watch", "");
	if (text_starts(name, "check:")) {
		struct err err = {0};
		if (check_look(seat->e, name + strlen("check:"), &err) < 0)
			seat_say(seat, "warn", "%s", err.text);
		return;
	}
	struct child *c = child_find(seat->e, "watch", name);
	if (c)
		child_send(c, "{\"t\":\"probe\"}");
}

/* Only looks, so that every seat may ask. */
static void cmd_bisect(struct seat *seat, const struct json *m)
{
	struct err err = {0};
	const char *table = json_str(m, "table", "");
	for (size_t i = 0; i < seat->e->state->rows.n; i++) {
		if (!text_equal(seat->e->state->rows.tables[i].table, table))
			continue;
		if (watch_bisect(seat->e, table, &err) < 0)
			seat_say(seat, "warn", "%s", err.text);
		return;
	}
	seat_say(seat, "warn", "no table of that name was compared");
}

static void cmd_again(struct seat *seat, const struct json *m)
{
	struct err err = {0};
	if (seat_may_act(seat) && attempt_probe_again(seat->e, json_str(m, "step", ""), seat->name, &err) < 0)
		seat_say(seat, "warn", "%s", err.text);
}

static void cmd_auto(struct seat *seat, const struct json *m)
{
	if (!seat_may_act(seat))
		return;
	seat->e->auto_run = json_bool(m, "on", true);
	seat_say(seat, "info", "auto is %s: one press of R runs %s", seat->e->auto_run ? "on" : "off",
		 seat->e->auto_run ? "to the next gate" : "one step");
}

static void cmd_stop_engine(struct seat *seat, const struct json *m)
{
	(void)m;
	struct engine *e = seat->e;
	if (seat->observer || !seat_drives(seat))
		seat_say(seat, "warn", "only the driver stops the engine");
	else if (e->act.phase == ACT_RUN)
		seat_say(seat, "warn", "%s runs; X cancels it first, or leave with q and it goes on",
			 e->act.step);
	else
		engine_stop(e,
			    e->state->closed_at_ms && text_equal(e->state->closed_verdict, "done") ? 0 : 3);
}

static const struct {
	const char *name;
	void (*take)(struct seat *, const struct json *);
} commands[] = {
    {"arm", cmd_arm},
    {"run", cmd_run},
    {"yes", cmd_yes},
    {"phrase", cmd_phrase},
    {"stop-count", cmd_stop_count},
    {"leave-gate", cmd_leave_gate},
    {"cancel", cmd_cancel},
    {"skip", cmd_skip},
    {"manual", cmd_manual},
    {"waive", cmd_waive},
    {"undo", cmd_undo},
    {"back", cmd_back},
    {"hold", cmd_hold},
    {"release", cmd_release},
    {"note", cmd_note},
    {"shell", cmd_shell},
    {"vote", cmd_vote},
    {"repoll", cmd_repoll},
    {"end-session", cmd_end_session},
    {"wheel", cmd_wheel},
    {"probe", cmd_probe},
    {"bisect", cmd_bisect},
    {"again", cmd_again},
    {"auto", cmd_auto},
    {"stop-engine", cmd_stop_engine},
};

void command_take(struct seat *seat, const struct json *m)
{
	if (text_equal(json_str(m, "t", ""), "answer")) {
		cmd_answer(seat, m);
		return;
	}
	const char *name = json_str(m, "cmd", "");
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (text_equal(commands[i].name, name)) {
			commands[i].take(seat, m);
			return;
		}
	seat_say(seat, "warn", "this engine has no command \"%.40s\"", name);
}
