/* The step's end of a copy worker: `nightferry __copy VERB` beside the data, which goes on without us.
 *
 * It runs on the new host, where this very program is put, so that the bytes do not pass this machine; where
 * it cannot run there, it runs beside the step, and the plan says so. Its order, with the addresses of both
 * databases, goes by standard input into its memory; it tells by its log, which is read from where we were.
 */
#ifndef CORE_STEPS_COPY_WORKER_H
#define CORE_STEPS_COPY_WORKER_H

#include "core/job.h"
#include "core/links/detached.h"

struct copy_worker {
	struct job *job;
	struct ssh *ssh; /* NULL: it runs beside this step */
	char why_here[240];
	char base[220];      /* of its files; "" : none was started */
	int64_t log_at;      /* bytes of its log already read */
	char processes[40];  /* a letter for each of its processes, as ps tells their states: "SSTR" */
	char error_kind[16]; /* of its line "error"; "" : it told none */
	char error[640];
	struct json *result; /* its line "result"; NULL: it told none */
	bool alone;          /* its order holds no database */
	/* Added to the order only, and never recorded: keys. May be NULL. */
	void (*secret)(struct jw *order, void *ctx);
};
/* Opens the way to where workers run. `fact` is the name of the durable fact by which a worker of this kind
 * is found again ("stream-started"); what it names is joined. Params of the step: `where` = auto, host or
 * here. */
int copy_worker_open(struct job *job, struct copy_worker *w, const char *fact, struct err *err);
void copy_worker_close(struct copy_worker *w);
/* One line of evidence: the way of the bytes, and how fast it is ("84 MB/s measured"; "" : not told). A WARN
 * when they pass this machine. */
void copy_worker_evidence(const struct copy_worker *w, struct plan *plan, const char *speed);
const char *copy_worker_place(const struct copy_worker *w); /* "root@203.0.113.9", "this machine" */

/* Puts the program there and starts `verb`. Before that the fact is recorded: `fields` (may be NULL) are
 * added to it and to the order. Where the host cannot run it, that is recorded as well, so that the next plan
 * runs it here, and -1 says so. */
int copy_worker_start(struct copy_worker *w, const char *verb, const char *fact,
		      void (*fields)(struct jw *w, void *ctx), void *ctx, struct err *err);
/* What has become of it; what it told is heard from the start. */
int copy_worker_look(struct copy_worker *w, enum detached_state *state, int *rc, struct err *err);
/* Hands each of its lines to `hear` until it has ended; `idle` is called after each look. Attaches again
 * after a lost connection. 0: it has ended with *rc (-1: gone without a word). -1: ERR_CANCELLED, or it
 * cannot be seen any more; it goes on. */
struct copy_ears {
	void (*hear)(void *ctx, const struct json *line);
	void (*idle)(void *ctx);
	void *ctx;
};
int copy_worker_follow(struct copy_worker *w, const struct copy_ears *ears, int *rc, struct err *err);
/* TERM; it stops its statements on both sides and ends. 0 when it is gone. */
int copy_worker_stop(struct copy_worker *w, struct err *err);
/* The sentence of a worker that has ended with `rc` other than 0: its own, or that it vanished. Returns -1.
 */
int copy_worker_failed(const struct copy_worker *w, int rc, struct err *err);

#endif
