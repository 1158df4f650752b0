/* Drills: a night in the demo world in which named faults strike at their moments, and a card that says of
 * each how soon it was noticed, who decided what, and when it was over.
 *
 * What a fault does to the world is a function of demo/fault; what the cockpit has to make of it is a row of
 * drill_faults. The night knows nothing of the drill: it is judged by what it wrote into journal and trace,
 * as anybody could who reads them, and by a comparison of both databases. */
#ifndef CORE_CMDS_DRILL_H
#define CORE_CMDS_DRILL_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/night/state.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In place of a text of a sign: the step that the fault has met. */
#define DRILL_STEP "@"
/* An event that tells something. */
struct drill_sign {
	const char *kind;
	const char *src;     /* its source begins with this; NULL: whoever it is */
	const char *says[3]; /* each of these stands in its line */
};

/* BEFORE: in force when the step begins, so that even its first look meets it. WHILE: strikes as it runs. */
enum drill_when { DRILL_BEFORE = 0, DRILL_WHILE };

struct drill_fault {
	const char *name, *help;
	const char *at; /* its moment when none is named: STEP or STEP+DURATION */
	enum drill_when when;
	bool
	    mended; /* somebody else puts it right, a moment after it was noticed; else it passes by itself */
	bool engine;                  /* it ends the engine, and somebody starts another one */
	struct drill_sign noticed[4]; /* any of them; ends with a NULL kind */
	struct drill_sign over;       /* NULL kind: the step that it met is done */
};
extern const struct drill_fault drill_faults[]; /* ends with a NULL name */

enum { DRILL_MOST = 32, DRILL_SURPRISES = 3 };

struct drill_told {
	int64_t at_ms; /* 0: not yet */
	char by[64], text[200];
};
enum drill_stage { DRILL_TO_COME = 0, DRILL_STRIKING, DRILL_STRUCK, DRILL_NEVER };
enum drill_mend { DRILL_UNMENDED = 0, DRILL_MENDING, DRILL_MENDED };

/* A fault at its moment. */
struct drill_one {
	const struct drill_fault *fault;
	char step[48], before[48]; /* the step it meets, and the one that comes before that; "" for none */
	int number;                /* of the step it meets, 1.. over the whole playbook */
	int64_t offset_ms;
	enum drill_when when;
	enum drill_stage stage;
	enum drill_mend mend;
	int64_t began_ms; /* its step's first attempt after the drill began; 0: not yet */
	int64_t struck_ms, mended_ms;
	struct drill_told noticed, decided, over;
	char why[200]; /* why it never struck, or was not put right */
};

/* Both databases, compared by a program that shares no code with ours, while nobody wrote. */
enum drill_judge { DRILL_NOT_ASKED = 0, DRILL_EQUAL, DRILL_DIFFER, DRILL_UNREAD };

/* Who does things to the world. Calls do not block: start() begins, look() says how it stands. */
enum drill_hand { DRILL_BUSY = 0, DRILL_OK, DRILL_REFUSED };
struct drill_hands {
	void *ctx;
	/* verb "strike" or "mend" */
	int (*start)(void *ctx, size_t i, const struct drill_one *one, const char *verb);
	/* `at_ms`: when it happened, by the clock of the journal. `said`: a sentence when it was refused. */
	enum drill_hand (*look)(void *ctx, size_t i, int64_t *at_ms, char *said, size_t size);
};

struct drill {
	struct drill_one list[DRILL_MOST];
	size_t n;
	struct drill_hands hands;
	struct buf
	    kept; /* lines that came while hands were at work: what they have done is known a moment later */
	struct state *state;      /* the journal, folded */
	char last[48], start[48]; /* the step that ends the copy and the one that starts the new app: between
				   * them both sides are equal and nobody writes */
	int last_number;
	char until[48]; /* the drill ends when this step is done; "": with the night */
	int until_number;
	int64_t began_ms, ended_ms;
	unsigned engines; /* that were started */
	char said[720];   /* by the step that ended badly last, in full */
	enum drill_judge judge;
	char differs[300]; /* what the judge said */
	char stopped[200]; /* why the night did not end; "" when it did */
};

/* ---- the plan (drill_plan.c) ---- */

/* "conn-drop@restore+40s,writer@freeze,ns-stale". STEP is a step of the playbook or a phase, which means its
 * first step. ERR_USAGE names what is wrong and what there is. */
int drill_plan(struct drill *drill, const char *spec, const struct json *playbook, struct err *err);
/* Some that nobody has named, by `seed`; none of them needs root. */
int drill_surprise(struct drill *drill, uint64_t seed, const struct json *playbook, struct err *err);
/* Ends the drill early: a copy can be practised without waiting for DNS. */
int drill_until(struct drill *drill, const char *step, const struct json *playbook, struct err *err);
/* As it would be typed: "conn-drop@restore+2s". */
void drill_name(const struct drill_one *one, char *out, size_t size);
void drill_list(struct buf *out); /* one line each */
void drill_done(struct drill *drill);

/* ---- the night, as it is written (drill_follow.c) ---- */

/* A line of the journal (folded) or of the trace. */
void drill_take(struct drill *drill, const char *line, size_t len, bool journal);
/* Strikes what is due, and puts right what was noticed. */
void drill_tick(struct drill *drill, int64_t now_ms);
/* The night is over: what has not struck never will. */
void drill_end(struct drill *drill, int64_t now_ms);
/* Some fault is on its way, or waits to be put right. */
bool drill_busy(const struct drill *drill);
/* The next step to stop behind: so that what is meant to be there before the next one begins is there in
 * time, so that the judge finds both sides still, or because the drill ends there. NULL: none. */
const char *drill_stop(const struct drill *drill);

/* ---- the card (drill_card.c) ---- */

enum drill_verdict { DRILL_PASSED = 0, DRILL_NOT_STRUCK, DRILL_NOT_NOTICED, DRILL_NOT_OVER };
enum drill_verdict drill_one_verdict(const struct drill_one *one);
/* The night is done, as far as it was to go. */
bool drill_night_done(const struct drill *drill);
/* All struck, noticed and over, the night done, every table equal. `judged`: the judge has to have been
 * asked. */
bool drill_passed(const struct drill *drill, bool judged);
void drill_card(const struct drill *drill, bool judged, struct buf *out);
void drill_card_json(const struct drill *drill, bool judged, struct jw *w);
/* The last line of the night's journal; no engine may run. */
int drill_journal(const struct drill *drill, bool judged, const char *dir, struct err *err);

/* ---- the world and the files (drill_hands.c) ---- */

struct drill_file {
	char path[480];
	int64_t at; /* read so far, to the end of a line */
};
struct drill_world {
	char world[256], dir[400]; /* of the demo, and of the night ("" until it is known) */
	struct drill_file journal, trace;
	struct {
		int pid, fd; /* of demo/fault; pid 0: none */
		struct buf said;
	} calls[DRILL_MOST];
	int judge_pid, judge_fd;
	struct buf judge_said;
};
void drill_world_init(struct drill_world *world, const char *demo);
void drill_world_done(struct drill_world *world);
struct drill_hands drill_world_hands(struct drill_world *world);
/* What has been written since the last time. */
void drill_read(struct drill_world *world, struct drill *drill);
/* Begins the comparison, and takes its word when it is there. */
void drill_judge_start(struct drill_world *world, struct drill *drill);
void drill_judge_look(struct drill_world *world, struct drill *drill);
bool drill_judge_busy(const struct drill_world *world);
/* Whatever is still broken by us; waits for it. Also after ^C. */
void drill_mend_all(struct drill_world *world, struct drill *drill);

/* ---- the commands ---- */

/* No screen: a driver that takes the way which the cockpit's own sentences offer. `json`: the card as JSON
 * goes into this file, too; may be NULL. Exit status. */
int drill_headless(struct drill *drill, const char *json);
/* Beside a cockpit, in a process of its own: follows the night in `dir` until it is over or the process is
 * told to end (TERM), then writes the card into the file `out` and into the journal. */
void drill_direct(struct drill *drill, const char *demo, const char *dir, const char *out);

#endif
