/* The child's end of the job line: all that a watch, check, step or line knows of the engine.
 *
 * One socketpair on fd 3, JSON lines both ways; stdout and stderr are only text for the log.
 * Everything else about a job (who asked, which screen, which file) is none of its business. */
#ifndef CORE_JOB_H
#define CORE_JOB_H

#include "core/base/err.h"
#include "core/base/json.h"
#include <stdbool.h>
#include <stdint.h>

struct job;

enum verdict { VERDICT_UNKNOWN = 0, VERDICT_PASS, VERDICT_WARN, VERDICT_FAIL };
enum done { DONE_UNCLEAR = 0, DONE_DONE, DONE_NOT_DONE, DONE_RUNNING };
enum gate { GATE_NONE = 0, GATE_YES, GATE_TYPE, GATE_POLL };
enum cancel { CANCEL_ANYTIME = 0, CANCEL_SAFE_POINT, CANCEL_NEVER };
/* What a rehearsal does with a step. Everything that opens the new database gets the rehearsal's own instead,
 * so SAME is for what touches neither traffic nor the old app, THROWAWAY for what would destroy or fill the
 * real target, SKIP for the rest. A row that says nothing is left out, too. */
enum rehearse { REHEARSE_UNSAID = 0, REHEARSE_SAME, REHEARSE_THROWAWAY, REHEARSE_SKIP };

/* A line of evidence. `name` is short and stable ("rows"), `text` is what people read, `fact` is the part of
 * it that would change a decision and so goes into the gate's tag (no ages, rates or times; may be empty). */
struct evidence_line {
	enum verdict verdict;
	char name[32];
	char text[256];
	char fact[160];
};
struct evidence {
	struct evidence_line *lines;
	size_t n;
};
void evidence_add(struct evidence *ev, enum verdict verdict, const char *name, const char *fact,
		  const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void evidence_done(struct evidence *ev);
/* The worst of all lines; UNKNOWN for none. UNKNOWN is worse than WARN, FAIL is the worst. */
enum verdict evidence_verdict(const struct evidence *ev);
const char *verdict_name(enum verdict verdict); /* "PASS" */
enum verdict verdict_of(const char *name);
const char *gate_name(enum gate gate); /* "none" "yes" "type" "poll" */
enum gate gate_of(const char *name);   /* GATE_NONE for unknown names */

/* What the next attempt would do. plan() fills it and changes nothing in the world. */
struct plan {
	char target[128]; /* what the phrase names: "acme-production", "shop_production" */
	char side[8];     /* "OLD", "NEW" or "" */
	char verb[48];    /* "MOVES TRAFFIC", "WIPES", "STOPS THE APP" */
	char from[200], to[200];
	char does[12][200]; /* DO lines: the exact calls, masked */
	size_t n_does;
	char then[200];      /* what people will notice */
	char back[240];      /* the way back and its cost */
	char refused[320];   /* not empty: this step must not run, and why, and the way out */
	enum gate gate;      /* raises the step's own gate, never lowers it */
	bool nothing_to_do;  /* the world is already so */
	int64_t estimate_ms; /* -1: unknown */
	struct evidence seen;
	struct jw data; /* an object for run(): job_plan(job) finds it under "data" */
};
void plan_does(struct plan *plan, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void plan_refuse(struct plan *plan, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void plan_done(struct plan *plan);

struct param {
	const char *name;
	const char *type;      /* "text", "int", "duration", "flag", "any" */
	const char *otherwise; /* default as text, NULL: required, "" : optional */
	const char *help;
};

/* Changes something once. Names with '-' are the names users write. */
struct step {
	const char *name, *help;
	enum gate gate;      /* the least the engine will ask for, whoever asks */
	enum gate undo_gate; /* the least for taking it back, when that is more than `gate` */
	enum cancel cancel;
	/* run() joins what an earlier attempt left running, and starts no second one: while probe says
	 * RUNNING, a night without a person goes on by itself. */
	bool joins;
	bool alone; /* nothing that comes after it stands on it: it may be taken back at any time */
	enum rehearse rehearse;
	bool by_size; /* takes as long as there is data: a rehearsed time is scaled by the database's size */
	const struct param *params;              /* ends with a NULL name */
	const char *const *needs, *const *makes; /* names of facts, NULL-ended; may be NULL */
	const char *const *secrets;              /* names of secrets, NULL-ended; may be NULL */
	/* Runs a program of the user's that looks for its secrets in the environment, as their shell would
	 * give them (kamal: .kamal/secrets says $NAME); other children get an environment without them. */
	bool whole_environment;
	/* The next attempt: target, from, to, way back, estimate, nothing_to_do; changes nothing. */
	int (*plan)(struct job *, struct plan *, struct err *);
	/* Gets the approved plan by job_plan(); refuses with ERR_WORLD when `from` no longer holds. */
	int (*run)(struct job *, struct err *);
	/* NULL: no way back, and the gate says so. */
	int (*undo)(struct job *, struct err *);
	/* One past attempt, from its facts; never decides. */
	enum done (*probe)(struct job *, struct err *);
	/* A fresh look at the world; the only source of PASS. A filled err means UNKNOWN. */
	enum verdict (*prove)(struct job *, struct evidence *, struct err *);
};
/* Looks as long as it runs; returns 0 when job_wait() says stop. */
struct watch {
	const char *name, *help;
	const char *const *secrets;
	/* Also runs for each of the config's other hosts, in a process of its own that is called NAME@HOST
	 * and finds it in job_params() as "host". */
	bool each_host;
	/* Runs once, when a seat asks for it, and finds in job_params() what about. */
	bool asked;
	int (*run)(struct job *, struct err *);
};
/* Looks once. `bite` names the known trouble it stands for. */
struct check {
	const char *name, *help, *bite;
	const char *const *secrets;
	enum verdict (*run)(struct job *, struct evidence *, struct err *);
};
/* Holds one connection and lends it. */
struct line {
	const char *name, *help;
	const char *const *secrets;
	int (*run)(struct job *, struct err *);
};
extern const struct step *const step_table[]; /* NULL-ended */
extern const struct watch *const watch_table[];
extern const struct check *const check_table[];
extern const struct line *const line_table[];

/* What the engine told this child. All borrowed, valid for the job's life; NULL when absent. */
const char *job_name(const struct job *job);    /* the table row's name: "scale" */
const char *job_step(const struct job *job);    /* the playbook's id: "scale-to-zero"; "" for watches */
const char *job_attempt(const struct job *job); /* "a12" */
const char *job_dir(const struct job *job);     /* the night's folder; "" by hand */
/* The lock of the running attempt, for a process that outlives this one; -1 when there is none. */
int job_lock_fd(const struct job *job);
const struct json *job_config(const struct job *job); /* resolved nightferry.yml as an object */
const char *job_night(const struct job *job);         /* "2026-11-20-2200"; "" by hand */
/* Hash of the journal's last line when this job began: an anchor, wherever it is written down. "" by hand. */
const char *job_journal_head(const struct job *job);
const char *job_config_str(const struct job *job, const char *dotted, const char *otherwise);
/* This is a rehearsal: what is opened as the new database is one of its own, and the old app is live. */
bool job_rehearsal(const struct job *job);
/* The first of dns.names; NULL when there is none. */
const char *job_first_name(const struct job *job);
const struct json *job_params(const struct job *job); /* `with:` of the step, defaults filled in */
const struct json *job_plan(const struct job *job);   /* the approved plan: target, from, to, does, data */
/* Newest durable fact of this night: the object that was given to job_record(). key "" for the only one.
 * Facts that are recorded while a watch runs reach it too, and end its job_wait(). */
const struct json *job_fact(const struct job *job, const char *name, const char *key);
/* All newest facts of a name in order of their keys' first appearance; `i` from 0; NULL at the end. */
const struct json *job_fact_at(const struct job *job, const char *name, size_t i);
/* What a person let pass: {about, by, reason, fact}; NULL when nobody did, or for another fact than `fact`
 * ("" : any). about: "rows:audits". */
const struct json *job_waiver(const struct job *job, const char *about, const char *fact);
/* The fact that a waiver of a table's difference is tied to; hashes may be "". */
void rows_fact(char *out, size_t size, int64_t old_rows, int64_t new_rows, const char *old_hash,
	       const char *new_hash);
/* A secret by name (HEROKU_API_KEY, NEW_DATABASE_URL ...), NULL when it was not given. Never print it. */
const char *job_secret(const struct job *job, const char *name);

/* A text that one look got and that another of this process may use as well, such as one command's answer for
 * several checks in a row. NULL when there is none of that name, or it is older than `most_ms` real
 * milliseconds. */
void job_keep(struct job *job, const char *name, const char *text);
const char *job_kept(const struct job *job, const char *name, int most_ms);

/* Where the line of that name lends its connection ("ssh"): the path of its socket, NULL when the engine
 * holds none or there is no engine. */
const char *job_line(const struct job *job, const char *name);

/* An event: jw_event(&w, "dynos.seen"); jw_...(&w, ...); then one of the two. Both finish and free the
 * writer. */
void jw_event(struct jw *w, const char *kind);
int job_event(struct job *job, struct jw *w); /* fire and forget */
/* Returns 0 only after the journal's fsync: call before every change. -1: nothing may be changed. */
int job_record(struct job *job, struct jw *w, struct err *err);
/* A durable fact: an object that undo, probe, prove and later steps read back with job_fact(). Like
 * job_record(). Usage: struct jw w; jw_fact(&w, "formation", ""); jw_int(&w, "web", 2); job_record(job, &w,
 * err); */
void jw_fact(struct jw *w, const char *name, const char *key);

/* A secret this child found itself (a database URL from config vars): from now on the engine cuts it from all
 * text. */
void job_learn_secret(struct job *job, const char *value);

/* Shown on the driver's seat; the answer is never an event. `out` is wiped by the caller. */
int job_ask(struct job *job, const char *question, bool hidden, char *out, size_t size, struct err *err);

bool job_cancelled(const struct job *job);
int job_cancel_fd(
    const struct job *job); /* to poll() beside one's own sockets: readable when something came */
/* Reads what the engine has sent; true when the job shall stop (cancelled, or the engine is gone and this is
 * no step). */
bool job_stopping(struct job *job);
/* Waits up to `ms` of our time; true when the job shall stop. `p` in the panel ends the wait early (returns
 * false). */
bool job_wait(struct job *job, int64_t ms);

/* Ready-made events. */
void job_log(struct job *job, const char *side, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The list of commands (`@`): how is "http", "sql", "ssh", "dns", "run"; text is masked by the caller. */
void job_command(struct job *job, const char *how, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Progress of the running step; total <= 0: no fraction known. unit: "bytes" "rows" "s" "items". */
void job_progress(struct job *job, int64_t done, int64_t total, const char *unit, const char *text);
/* A watch looked: age on its panel starts anew. ok=false: text says why, in a sentence, and the panel says
 * STALE since. */
void job_beat(struct job *job, int64_t interval_ms, bool ok, const char *text);

/* Runs one child: reads hello, finds the row, calls verb, sends end. For tui/main.c only. Returns the exit
 * status. */
int job_main(int argc, char **argv);
/* By hand, without an engine: records are refused, so nothing can be changed. Free with job_free(). */
struct job *job_by_hand(const char *name, const struct json *config, const struct json *params);
void job_show_events(struct job *job); /* by hand: events are printed as JSON lines */
void job_free(struct job *job);

#endif
