/* A program on this machine that goes on without us. A small holder process keeps its terminal open, so that
 * nobody's death (the step's, the engine's, the seat's) hangs it up, and writes what becomes of it beside
 * BASE: BASE.pid  which process it is; made before the program's first instruction, so that one BASE never
 * starts twice, and locked for as long as the holder lives BASE.log  what it said: whole lines of clean text,
 * colours and carriage returns gone, secrets cut out BASE.rc   how it ended Any later look, by any process,
 * finds it again. What it holds on to: the step's lock (job_lock_fd()), so that a new engine knows that
 * something of the attempt still runs. */
#ifndef CORE_LINKS_PTY_CHILD_H
#define CORE_LINKS_PTY_CHILD_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job;

struct pty_start {
	const char *base;        /* a path without an end, in a folder that exists: pty_child_base() */
	const char *const *argv; /* NULL-ended; argv[0] is looked for in PATH */
	const char *const *env;  /* NULL-ended "NAME=VALUE", over our own environment; "NAME" alone takes it
				    out; NULL: our own as it is */
	const char *dir;         /* working directory; NULL: ours */
	const char *input;       /* its standard input, at most 60 KB; NULL: /dev/null */
	size_t input_len;
	const char *const *secrets; /* NULL-ended values cut out of its output, each at least 6 bytes; NULL */
	int lock_fd;                /* held open as long as the holder lives; -1: none */
	bool pipe; /* its output is a pipe: for programs that talk differently to a terminal */
};
enum pty_state {
	PTY_NEVER, /* it was never started */
	PTY_ALIVE,
	PTY_ENDED, /* rc or signal is known */
	PTY_DEAD,  /* it ran and is gone, and nobody saw how it ended (the machine stopped, the holder was
		      killed) */
};
struct pty_look {
	enum pty_state state;
	int pid;            /* of the program, which leads its own session and group */
	int rc, signal;     /* rc 0..255, or -1 and the signal that ended it */
	int64_t log_bytes;  /* of the whole log */
	int64_t lost_lines; /* that the disk did not take; known at the end */
	struct buf lines;   /* from the asked-for byte on: whole lines */
};

/* "NIGHT/attempts/a12.NAME": where the traces of this attempt's program are. attempt NULL: the job's own. -1
 * when the job has no night (by hand). */
int pty_child_base(const struct job *job, const char *attempt, const char *name, char *out, size_t size,
		   struct err *err);
/* 0: it runs (or has run already). -1: it was not started, and nothing of it is left: ERR_REFUSED when BASE
 * has been used, ERR_CONFIG when there is no such program, ERR_IO otherwise. */
int pty_child_start(const struct pty_start *start, struct err *err);
/* At most 256 KB of lines come in one look; the next asks from log_from + lines.len on. */
int pty_child_look(const char *base, int64_t log_from, struct pty_look *look, struct err *err);
void pty_look_done(struct pty_look *look);
/* A signal to the program's whole group; 0 also when it is gone already. Never to a stranger who has its
 * number by now. */
int pty_child_signal(const char *base, int signal, struct err *err);

/* A line without its end. */
typedef void pty_line(void *ctx, const char *line, size_t len);
struct pty_follow {
	struct job *job;
	const char *base;
	pty_line *line; /* may be NULL */
	void *ctx;
	int64_t log_from; /* moved on */
	bool deaf;        /* goes on after a cancel */
};
/* Hands over the lines as they come. 0: it is over, `state` says how (ENDED, DEAD, NEVER); 1: a person
 * cancelled and it still runs; -1: it cannot be looked at. Done with pty_look_done() in all cases. */
int pty_child_follow(struct pty_follow *follow, struct pty_look *look, struct err *err);
/* TERM to its group and up to `ms` of waiting, in which lines still come. 0: it is gone. -1 with a sentence:
 * it still runs. */
int pty_child_end(struct pty_follow *follow, int64_t ms, struct pty_look *look, struct err *err);

#endif
