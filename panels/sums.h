/* What the cockpit works out from the state: clocks, shares, what the way back costs. Arithmetic only. */
#ifndef PANELS_SUMS_H
#define PANELS_SUMS_H

#include "core/night/state.h"

struct sums {
	const struct phase_seen *phase; /* of the running step, else of the next one; NULL for none */
	int number, total;              /* "15/26": place of that step on the way forward */
	bool down, was_down;            /* DOWN runs, or ran and has ended; by downtime_of() */
	int64_t down_ms;
	int data_percent, traffic_percent; /* -1: not known */
	/* Projected ends; 0: no step of it has an estimate. unknown: how many steps have none. */
	int64_t up_at_ms, done_at_ms, now_until_ms;
	int up_unknown, done_unknown;
	/* Against the rehearsal, in what is done and what runs: 0 with nothing rehearsed among them. */
	bool against_rehearsal;
	int64_t behind_ms;
	bool one_road; /* the playbook has no section for the way back */
	enum back back;
	int64_t back_rows, back_jobs, back_ms; /* back_ms -1: not rehearsed */
	int64_t back_margin_ms;                /* kept on top of back_ms */
	int64_t turn_back_at_ms;               /* 0: no window, or not rehearsed */
	int64_t over_ms; /* the current step beyond its budget; 0: within, or it has none */
	char back_why[240];
};
void sums_of(const struct state *state, int64_t now_ms, struct sums *sums);

/* Of one phase. */
struct phase_sums {
	int done, total;
	bool started, finished;
	int64_t elapsed_ms;  /* from its first start to its last end, or till now */
	int64_t estimate_ms; /* of what is left; -1 when a step has none */
	int gate;            /* the highest that is still ahead */
};
void sums_phase(const struct state *state, const struct phase_seen *phase, int64_t now_ms,
		struct phase_sums *sums);
/* The step that flips traffic on the way forward; NULL when the playbook has none. */
const struct step_seen *sums_flip(const struct state *state);
/* What is left of a step: 0 when it is over its estimate, -1 when there is none. */
int64_t sums_left_ms(const struct state *state, const struct step_seen *step, int64_t now_ms);
bool sums_step_active(const struct step_seen *step); /* planning, gate, running, proving */
const char *sums_gate_word(int gate);                /* "no gate" "YES" "TYPE" "POLL" */
const char *sums_verdict_word(int verdict);

/* The newest things that happened, newest first. */
struct happened {
	int64_t at_ms;
	char text[240];
	bool bad;
};
size_t sums_happened(const struct state *state, struct happened *out, size_t max);

#endif
