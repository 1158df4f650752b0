/* What the files of the engine share. Nobody else includes this. */
#ifndef CORE_ENGINE_INNER_H
#define CORE_ENGINE_INNER_H

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/engine/engine.h"
#include "core/job.h"
#include "core/job_write.h"
#include "core/night/journal.h"
#include "core/night/state.h"
#include "core/night/trace.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* A line that several seats send at the same time: serialised once. */
struct shared {
	int refs;
	uint64_t seq;
	enum keep keep;
	size_t lines; /* of text, in a stream: a batch that a seat is not given is so many */
	size_t len;
	char text[]; /* ends with a newline, not counted as NUL */
};
struct shared *shared_new(const char *text, size_t len, uint64_t seq, enum keep keep);
void shared_unref(struct shared *shared);

/* The newest line of a key: what CHANGE is compared with, what SAMPLE is coalesced by, what a snapshot is
 * made of. */
struct kept {
	char *key;
	char *fields;        /* CHANGE: the fields as they came, to compare */
	struct shared *line; /* SAMPLE: the newest admitted line */
	char *waiting;       /* SAMPLE: fields that wait for their turn */
	char waiting_src[48];
	int64_t admitted_life_ms;
};
/* In the order of their first coming; found by key however many there are: a database may have tables by the
 * ten thousand, each with keys of its own. */
struct kept_list {
	struct kept *list;
	size_t n;
	uint32_t *slots; /* of a hash table: places in the list, counted from 1 */
	size_t n_slots;  /* a power of two, at least twice `n` */
};

struct child;
typedef void child_ended_fn(struct child *child);

struct child_spec {
	const char *role, *name, *verb, *step, *attempt; /* role: step watch check line */
	const struct json *params;
	const char *plan_text; /* approved plan as JSON, or NULL */
	const char *const *secrets;
	const char *spool; /* or "" */
	int lock_fd;       /* passed down and closed here; -1 none */
	bool whole_environment;
	child_ended_fn *ended;
};
struct child {
	struct child *next;
	struct engine *e;
	char role[8], name[32], verb[8], step[48], attempt[16], src[48];
	uv_process_t process;
	uv_pipe_t line, out, err;
	int open_handles;
	struct buf in, out_text, err_text;
	bool out_rest, err_rest; /* of a line so long that the rest of it is not told */
	bool exited, ended_called;
	int exit_status, term_signal;
	struct json *end; /* its last message, NULL when it died without a word */
	int64_t records, started_life_ms, heard_life_ms;
	char killed_why[120]; /* "" unless the engine ended it */
	int64_t asking;       /* number of the question it waits with, 0 none */
	int64_t ask_id;       /* the same on seats, where questions of all children come together */
	char question[256];
	bool hides_answer;
	child_ended_fn *ended;
};

struct seat {
	struct seat *next;
	struct engine *e;
	uv_pipe_t pipe;
	struct buf in;
	char id[16], name[32], station[16], login[32];
	int uid;
	bool ready, observer, leaving;
	const char *left_why;
	size_t queued;
	const struct shared *snapshot; /* while it is on its way */
	uint64_t dropped;              /* stream lines since the last gap message */
	uint64_t sent_seq;
	struct kept_list behind; /* samples that wait for a slow seat: newest per key */
	int64_t armed_until_life_ms;
};

enum act_phase { ACT_IDLE = 0, ACT_PLAN, ACT_CHECKS, ACT_GATE, ACT_RUN, ACT_PROVE, ACT_FOUND };

/* The one thing that is going on. */
struct act_now {
	enum act_phase phase;
	const struct step *row; /* NULL for the way back's own gate */
	char step[48], verb[8], by[32], attempt[16], gate_id[16];
	struct child *child;
	struct json *plan;      /* newest plan's object */
	char *plan_text;        /* as JSON, what run() gets */
	struct json *next_plan; /* seen anew, not shown yet: its checks are still looked at */
	char *next_plan_text;
	char look_failed[200]; /* why the evidence could not be looked at again; "" when it could */
	int64_t looked_wall_ms, looked_life_ms; /* when the plan was seen */
	enum gate level;
	struct buf seen; /* evidence as a JSON array */
	char tag[8];
	size_t check_next;
	bool checks_shut; /* one of them is FAIL or UNKNOWN */
	struct buf check_lines;
	size_t n_fresh; /* lines of evidence that each refresh looks at anew; the rest are earlier proofs */
	bool refreshing, cancelled;
	int64_t records; /* made by run() */
	struct json *run_end;
	int64_t count_until_life_ms;
	struct json *own_params; /* of something beside the playbook */
	char words[200];         /* a skip's reason, what was seen by hand, or how its process ended */
	bool aside;              /* beside the playbook: no step of it */
	bool failed_quietly;     /* the plan could not be made */
	size_t again_to; /* it was done before and is to come again, with all that follows up to this step
			  * (1.. of the playbook), which has failed; 0: no such thing */
	/* How long it took: when it began, at its gate since, how long people took there, when it ran;
	 * run_life_ms 0: it began under an engine before this one. */
	int64_t began_life_ms, gate_life_ms, gate_ms, run_life_ms;
};

struct engine {
	uv_loop_t loop;
	uv_pipe_t listener;
	uv_timer_t tick;
	uv_signal_t sig_term, sig_int, sig_hup;
	char dir[400], socket_path[480];
	struct state *state;
	struct journal *journal;
	struct trace *trace;
	uint64_t seq;
	bool journal_broken;
	int64_t retry_life_ms; /* then what the journal did not take is tried again */
	struct buf
	    owed; /* how an attempt ended, which the journal did not take: until it does, nothing starts */
	struct json *opened; /* the body of night.opened: config and playbook */
	const struct json *config, *playbook;

	struct shared **log; /* every journalled line, for snapshots */
	size_t n_log;
	struct kept_list kept;
	struct shared **ring; /* newest stream lines */
	size_t ring_first, ring_n, ring_cap, ring_bytes;
	struct json *bisecting;     /* params of the newest look for rows: {"table"} */
	uint64_t *signature_counts; /* how often each of signature_table was seen */

	struct seat *seats;
	int n_seats_ever;
	struct child *children;
	struct act_now act;
	struct act_now *parked; /* a step that only waits, while something is done beside it */
	int n_attempts, n_gates;
	uint64_t poll_seq; /* newest event the votes were compared with */
	bool auto_run;
	struct child *ask_child; /* whose question is on the driver's seat */
	int64_t n_asks;

	char **secrets; /* every live value, for redaction */
	size_t n_secrets;
	struct named_secret {
		char *name, *value;
	} * named;
	size_t n_named;

	const struct headless *headless;
	uint64_t headless_seq; /* newest event it printed */
	size_t headless_again; /* of the steps to be run again, how many were begun */
	char headless_step[48];
	char headless_probed[48]; /* UNKNOWN when this process came; it was looked at once */
	bool headless_joins;      /* and something of it still runs, which its run joins */
	bool headless_held;       /* told that it waits for a hold */
	int exit_status;
	int64_t ends_life_ms; /* a run without a screen is over since, and waits for its last notices; 0: it
				 is not */
	bool stopping;
	int64_t wall_minus_life_ms;
	int64_t probed_life_ms;
	int64_t began_life_ms; /* of this engine */
	bool attempt_alive;    /* an attempt of an engine before us still runs */
	int alive_lock_fd;
};

/* admit.c: the one door through which events come in. `fields`: a JSON object that has "kind". -1: not kept.
 */
int engine_admit(struct engine *e, const char *src, const char *fields, size_t len, struct err *err);
/* Finishes and frees the writer (begun with jw_event()). */
int engine_emit(struct engine *e, struct jw *w, struct err *err);
/* The fields of an event begun with jw_event(), whose "t":"event" belongs to the job line and not to the
 * event. */
void event_fields(struct jw *w, struct buf *out);
void engine_flush_samples(struct engine *e);
/* Known errors among the lines of a log.lines event: see core/night/signature.h. */
void signatures_look(struct engine *e, const struct event *event);

/* kept.c: that of a key; a new one when there is none. It stands until the next new one comes. */
struct kept *kept_find(struct kept_list *list, const char *key);
void kept_done(struct kept_list *list);

/* child.c */
struct child *child_start(struct engine *e, const struct child_spec *spec, struct err *err);
void child_send(struct child *child, const char *text);
void child_cancel(struct child *child);
void child_kill_all(struct engine *e, bool steps_too);
/* Ends a child that only looks, at once; `why` is a sentence without its point. */
void child_kill(struct child *child, const char *why);
/* What it said at its end, or why it said nothing. */
const char *child_last_word(const struct child *child, const char *otherwise);
void children_tick(struct engine *e); /* looks that hang are ended: UNKNOWN is better than silence */
struct child *child_find(struct engine *e, const char *role, const char *name);

/* child_said.c: a line of its job line; text of its stdout or stderr, with what is not a whole line yet kept
 * in `text` until `last` */
void child_take_line(struct child *child, const char *line, size_t len);
void child_take_text(struct child *child, struct buf *text, const char *level, const char *chunk, size_t n,
		     bool last);

/* child_told.c */
void child_hello(struct child *child, const struct child_spec *spec);
/* Ours without anything that looks like or holds a secret; the array alone is to be freed. */
char **child_environment(const struct engine *e);

/* checks.c */
const struct check *check_row(const char *name);
void check_tell(struct child *child); /* its verdict as events */
int check_look(struct engine *e, const char *name, struct err *err);

/* watches.c */
void watches_start(struct engine *e);
void watches_tick(struct engine *e);
/* The first rows of a table that differ, looked for once. */
int watch_bisect(struct engine *e, const char *table, struct err *err);

/* secrets.c */
void secrets_load(struct engine *e);
/* -1: one of them is a part of the name of an app, a host or a zone, which it would be cut from. */
int secrets_stand_apart(const struct engine *e, struct err *err);
void secrets_learn(struct engine *e, const char *value);
/* Gives `text` with every known secret cut; the result is in `out`. */
void secrets_redact(const struct engine *e, const char *text, size_t len, struct buf *out);
const char *secrets_get(const struct engine *e, const char *name);

/* socket.c */
int socket_listen(struct engine *e, struct err *err);
void socket_close(struct engine *e);
void seats_send(struct engine *e, struct shared *line, const char *sample_key);
void seat_say(struct seat *seat, const char *level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void seats_say(struct engine *e, const char *level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void seat_send_text(struct seat *seat, const char *text, size_t len);
struct seat *seat_driver(struct engine *e);

/* asks.c */
void ask_take(struct child *child, const struct json *message);
void ask_gone(struct child *child); /* while it is still in the list */
void cmd_answer(struct seat *seat, const struct json *m);
void seat_ask(struct seat *seat); /* the question that a child waits with */

/* command.c */
void command_take(struct seat *seat, const struct json *message);
bool waiver_is_never(const char *about); /* "seen:NAME", "check:NAME": what nobody may wave through */

void seat_arm(struct seat *seat, bool on);
bool seat_may_act(struct seat *seat); /* says why not, on that seat only */
void seat_clean(const struct json *m, const char *key, char *out, size_t size);

/* group.c: folder and socket, to the configured group */
int group_folder(const struct json *config, const char *dir,
		 struct err *err); /* before anything is written in it */
int group_socket(const struct engine *e, struct err *err);

/* people.c: the wheel, HOLD, who comes and goes */
bool seat_drives(const struct seat *seat);
void people_joined(struct seat *seat);
void people_left(struct seat *seat);
void wheel_keep(struct seat *seat);
void cmd_wheel(struct seat *seat, const struct json *m);
void cmd_hold(struct seat *seat, const struct json *m);
void cmd_release(struct seat *seat, const struct json *m);

/* poll.c: the stations' votes */
void poll_tick(struct engine *e);
int poll_check(const struct engine *e, struct err *err); /* -1: somebody is missing */
void poll_tell(const struct engine *e, struct jw *w);
/* A seat that came for a station that nobody asks is told so at once. */
void station_say(struct seat *seat);
void cmd_vote(struct seat *seat, const struct json *m);
void cmd_repoll(struct seat *seat, const struct json *m);

/* headless.c: a waiver given beforehand, by name and with its reason; false: none for this line */
bool headless_waive(struct engine *e, const char *step, const char *kind, const struct json *line);

/* waive.c */
const struct waiver_seen *waiver_for(struct engine *e, const char *name, const char *verdict,
				     const char *fact);
enum verdict waived_verdict(struct engine *e, const struct json *seen); /* of preflight's lines */
void waivers_tick(struct engine *e);
void cmd_waive(struct seat *seat, const struct json *m);

/* attempt.c: one step from plan to proof */
int attempt_begin(struct engine *e, const char *step, const char *verb, const char *by, struct err *err);
void attempt_gate_passed(struct engine *e, const char *by, const char *how);
int attempt_aside(struct engine *e, const char *kind, struct json *take_params, const char *by,
		  struct err *err);
int attempt_skip(struct engine *e, const char *id, const char *reason, const char *by, struct err *err);
int attempt_by_hand(struct engine *e, const char *id, const char *by, const char *words,
		    const struct json *fields, struct err *err);
void attempt_cancel(struct engine *e, const char *by);
void attempt_leave_gate(struct engine *e, const char *by, const char *why);
int attempt_resume(struct engine *e, struct err *err); /* after a restart */
void attempt_tick(struct engine *e);
int attempt_probe_again(struct engine *e, const char *step, const char *by, struct err *err);
const struct step *step_row(const char *kind);
const struct json *playbook_step(const struct engine *e, const char *id);
/* The next ungated step, if `auto` is on and nothing forbids it. */
void attempt_go_on(struct engine *e, const char *by);

/* What the files of one attempt share: attempt.c, attempt_run.c, plan.c, exits.c, resume.c. */
int night_is_open(const struct engine *e, struct err *err);
int act_may_start(const struct engine *e, struct err *err); /* what stands in the way of everything */
/* Lets a step that only waits run on beside what begins now; false: the way is not free. act_reset() takes it
 * up again. */
bool act_park(struct engine *e);
void act_reset(struct engine *e);
void act_state(struct engine *e, const char *step, const char *state, const char *text);
/* Back to where it stood, with the reason on every screen. */
void act_give_up(struct engine *e, const char *state, const char *why);
int act_spawn(struct engine *e, const char *verb, child_ended_fn *ended, const char *plan, const char *spool,
	      int lock_fd, struct err *err);
int act_plan(struct engine *e, struct err *err);
void act_run(struct engine *e);
void act_run_over(struct engine *e); /* its process is gone */
void act_close_gate(struct engine *e, const char *by, const char *why);
void act_prove(struct engine *e);
void act_tell_owed(struct engine *e);
int nothing_owed(const struct engine *e, struct err *err); /* -1: e->owed still waits */
void act_end(struct engine *e, const char *outcome, const char *text, const struct json *seen);
int act_probe(struct engine *e, const struct step_seen *step, const char *by, struct err *err);
int act_skipped(struct engine *e, const char *id, const char *reason, const char *by);
void by_hand_probed(struct engine *e, const char *done);

/* undo.c: taking a step back is an attempt of its own, with evidence, gate and a fresh look at its end */
int undo_may_begin(const struct engine *e, const struct step_seen *step, struct err *err);
int undo_begin(struct engine *e, const struct step_seen *step, struct err *err);
void undo_refresh(struct engine *e);
/* ran_ok, text: how its process ended, which is no evidence. */
void undo_prove(struct engine *e, bool ran_ok, const char *text);
/* done: what a fresh look says of the step that was to be taken back. */
void undo_found(struct engine *e, const char *done, const char *said);

/* gate.c */
/* From e->act.plan and e->act.check_lines. -1: it could not be journalled; then nothing is under way. */
int gate_open(struct engine *e, struct err *err);
void gate_refresh(struct engine *e); /* after a fresh plan */
int gate_yes(struct engine *e, const char *gate, const char *by, struct err *err);
int gate_phrase(struct engine *e, const char *gate, const char *text, const char *by, struct err *err);
void gate_stop_count(struct engine *e, const char *gate, const char *by);
void gate_tick(struct engine *e);

/* way_back.c */
int gate_way_back(struct engine *e, const char *by, struct err *err);
void way_back_refresh(struct engine *e);
bool way_back_is_seen(const struct engine *e); /* its cost, or nobody answers */

/* notices.c */
bool notices_wanted(const struct engine *e);
void notices_tick(struct engine *e);
bool notices_wait(const struct engine *e); /* some are still on their way, and it is worth the wait */

/* rehearsal.c */
/* `rehearsed` of night.opened, and each earlier rehearsal's dump as a fact, so that no step takes it for
 * tonight's. */
void rehearsed_open(const struct engine *e, struct jw *w);
int rehearsed_tell_dumps(struct engine *e, struct err *err);
/* -1: this is a rehearsal, and it leaves such a step out. */
int rehearsal_may(const struct engine *e, const struct step *row, const char *id, struct err *err);
void rehearsal_tick(struct engine *e);
void rehearsal_took(struct engine *e, bool done); /* the attempt in e->act has ended */
void rehearsal_over(struct engine *e);

/* headless.c */
void headless_tick(struct engine *e);
void headless_print(struct engine *e, const char *line, size_t len);

void engine_stop(struct engine *e, int status);
/* The same for a run without a screen, as soon as what it has to tell has found its way. */
void engine_end(struct engine *e, int status);
void engine_close_night(struct engine *e, const char *verdict, const char *text);

#endif
