/* The playbook of the night, its attempts, its gate and its facts.
 *
 * night.opened   RECORD {app, night, version, config{}, playbook{name, phases[{name, steps[{id, do, title,
 * with{}, gate, budget_ms, say, estimate_ms, auto, checks[]}]}], rollback[steps]}, old_name, new_name,
 * new_db, window{}, rehearsal: this is one, rehearsed{night, at_ms, steps[], waivers[], dumps[]}: what
 * rehearsals of this app have taught (core/night/rehearsed.h)} night.closed   RECORD {verdict, text}
 * night.turned   RECORD {by, why} the way back was taken: the rollback section is the playbook now
 * attempt.started RECORD {attempt, step, verb: run|undo, by, plan{}, estimate_ms} attempt.ended  RECORD
 * {attempt, step, outcome: done|failed|unknown|cancelled|refused|undone, text, seen[{verdict,name,text}]}
 * attempt.found  RECORD {attempt, step, probe: DONE|NOT_DONE|RUNNING|UNCLEAR, text}  a restarted engine
 * looked step.skipped RECORD {step, by, reason} step.byhand    RECORD {step, by, words, fields{}} gate.opened
 * RECORD {gate, step, verb, level, target, tag, plan{...}, seen[]} gate.changed   RECORD {gate, tag, was[],
 * is[], plan{}, seen[]} what it shows moved while it was open: was[i] -> is[i] gate.counting  RECORD {gate,
 * by, until_ms} the phrase is complete: 3 s on every seat gate.stopped   RECORD {gate, by} any key stopped
 * the count gate.passed    RECORD {gate, step, by, how, second, by_name_only, votes[]} gate.closed RECORD
 * {gate, step, by, why} nothing happened step.state     RECORD {step, state:
 * planning|gate|running|proving|waiting, text}   between two attempts plan.seen      CHANGE key step {step,
 * plan{}}            a card's or a dialog's plan step.progress  SAMPLE key step {step, done, total, unit,
 * text} fact           RECORD {name, key, step, attempt, data{}}
 */
#ifndef CORE_NIGHT_KINDS_STEPS_H
#define CORE_NIGHT_KINDS_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum step_state {
	STEP_WAITING = 0, /* "·"    not started */
	STEP_PLANNING,    /* the engine is looking, before its gate */
	STEP_GATE,        /* waits at its open gate */
	STEP_RUNNING,     /* "▶"    an attempt is under way */
	STEP_PROVING,     /* ran, the proof is being looked for */
	STEP_DONE,        /* "OK" */
	STEP_SKIPPED,     /* "SKIP" with a reason */
	STEP_BYHAND,      /* "OK"   done by hand, seen by somebody */
	STEP_FAILED,      /* "FAIL" */
	STEP_UNKNOWN,     /* "?"    an end that nobody saw */
	STEP_CANCELLED,   /* stopped by a person */
	STEP_UNDONE,      /* taken back */
};
const char *step_state_name(enum step_state state);

/* As in core/job.h, without its types: panels know no jobs. */
struct seen_line {
	int verdict; /* 0 UNKNOWN 1 PASS 2 WARN 3 FAIL */
	char name[32];
	char text[256];
	int64_t at_ms;
	bool waived;
	char waived_by[32];
	char fact[160]; /* what a waiver of it is tied to */
};

struct plan_seen {
	char target[128], side[8], verb[48], from[200], to[200], then[200], back[240], refused[320];
	char does[12][200];
	size_t n_does;
	int gate; /* 0 none 1 yes 2 type 3 poll */
	bool nothing_to_do;
	int64_t estimate_ms; /* -1 unknown */
	int64_t at_ms;
};

struct step_seen {
	char id[48], kind[32], title[64], say[160];
	size_t phase; /* index into phases */
	int number;   /* 1.. over the whole playbook */
	int gate;     /* the least known before planning */
	bool manual;
	bool skippable_freely;
	char card[320], fields[6][32];  /* manual: what people do; what they fill in. note: its text */
	int64_t budget_ms, estimate_ms; /* -1 unknown */
	/* In the newest rehearsal that had it: from its start to its proof, and the looks before that; -1:
	 * not rehearsed. by_size: scaled to tonight's database as soon as its size is known. */
	int64_t rehearsed_ms, rehearsed_look_ms;
	bool rehearsed_by_size;
	int64_t rehearsed_bytes;
	enum step_state state;
	char by[32], text[320]; /* who started it; what its end said, or why skipped */
	char attempt[16];
	int64_t started_at_ms, ended_at_ms;
	int64_t gate_opened_at_ms, gate_passed_at_ms;
	char second[32]; /* who said go beside the driver at its gate; "" for nobody */
	bool second_by_name_only;
	int attempts;
	bool undoing;        /* its newest attempt takes it back */
	int64_t done, total; /* progress; total <= 0: no fraction */
	char unit[12], progress[120];
	struct seen_line *seen; /* evidence of its proof */
	size_t n_seen;
	struct plan_seen plan;
};

struct phase_seen {
	char name[32];
	size_t first, n; /* steps[first .. first+n-1] */
};

struct gate_seen {
	bool open;
	char id[16], step[48], verb[48], act[8];
	int level;
	char target[128], tag[8]; /* the phrase is "TARGET TAG" */
	struct plan_seen plan;
	struct seen_line *seen;
	size_t n_seen;
	char was[6][300], is[6][300]; /* what changed while it was open */
	size_t n_changed;
	int64_t opened_at_ms, changed_at_ms;
	char counting_by[32], stopped_by[32];
	int64_t counting_until_ms; /* 0: not counting */
};

struct steps_state {
	char playbook[64];
	struct phase_seen *phases;
	size_t n_phases;
	struct step_seen *steps;
	size_t n;
	size_t n_forward; /* steps[0 .. n_forward-1] are the way forward, the rest the way back */
	bool turned;      /* the way back has been taken */
	struct gate_seen gate;
	char last_gate_closed[200]; /* "nothing happened: ..." of the newest closed gate */
};

/* What the newest rehearsal let pass, to be offered again by name. */
struct rehearsed_waiver {
	char about[144], by[32], reason[160];
};
struct rehearsed_state {
	char night[40]; /* "" : nothing was rehearsed */
	int64_t at_ms;
	struct rehearsed_waiver *waivers;
	size_t n_waivers;
};
struct state;
/* The step by id; NULL when there is none. */
struct step_seen *steps_find(struct state *state, const char *id);
const struct step_seen *steps_get(const struct state *state, const char *id);
/* The step that R would run next (waiting, failed, unknown, cancelled); NULL at the end. Running ones count
 * as next. */
const struct step_seen *steps_next(const struct state *state);
/* The done step to which the next one, which has failed, sends back ("run wipe-target, prepare-target,
 * restore"); NULL: it does not, or traffic has moved. `said`: its words; NULL: as far as the state has room
 * for them. */
const struct step_seen *steps_sent_back(const struct state *state, const char *said);
/* The running, proving or gated step; NULL for none. */
const struct step_seen *steps_current(const struct state *state);
bool step_state_finished(enum step_state state); /* done, skipped, by hand */

/* Durable facts, newest per (name, key); `data` is JSON text. */
struct fact_seen {
	char name[32], key[96], step[48], attempt[16];
	char *data;
	int64_t at_ms;
};
struct facts_state {
	struct fact_seen *facts;
	size_t n;
};

#endif
