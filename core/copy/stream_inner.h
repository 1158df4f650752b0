/* Between stream.c (the way through), stream_tasks.c (what is to be done), stream_next.c (what comes next),
 * stream_lanes.c (the processes that do it), stream_lane.c (inside of one), stream_script.c (definitions),
 * stream_rest.c (what is neither row nor index), stream_mark.c (what stands there until it is whole) and
 * stream_again.c (going on where another copy broke off). */
#ifndef CORE_COPY_STREAM_INNER_H
#define CORE_COPY_STREAM_INNER_H

#include "core/copy/lanes.h"
#include "core/copy/schema.h"
#include "core/copy/stream.h"
#include <limits.h>

enum stream_kind {
	STREAM_ROWS,
	STREAM_UNIQUE, /* a constraint with an index of its own: needs the table for itself */
	STREAM_INDEX,  /* several at once on one table */
	STREAM_KEY,    /* a foreign key: needs both tables finished */
};
struct stream_task {
	enum stream_kind kind;
	size_t table, other;            /* in the catalog; other: where a foreign key leads */
	size_t n;                       /* STREAM_ROWS: so many tables from `table` on, small ones; 1 */
	size_t at;                      /* the one of them that moves now */
	struct copy_piece piece;        /* STREAM_ROWS of one table */
	const struct copy_entry *entry; /* else */
	double weight;                  /* its share of the work, in bytes of table */
	double chain;                   /* what has to follow it, with itself */
	double share;                   /* of an index that is being built: 0..1 */
	bool tree;                      /* an index that is no btree */
	int64_t began_ms;
	enum { STREAM_WAITS, STREAM_RUNS, STREAM_DONE } state;
	bool queued;           /* among those that may be next */
	struct copy_done done; /* of the table at `at`, so far */
};
struct stream_table {
	size_t pieces, uniques, indexes; /* left */
	size_t busy;                     /* tasks on it that run */
	bool locked;                     /* one of them needs it for itself */
	size_t keys_out;                 /* running foreign keys of it */
	struct copy_done done;           /* of pieces that have ended */
	struct stream_task **waiters;    /* what an end of work on this table may let go; not rows */
	size_t n_waiters;
	double after;                             /* what has to follow its rows, as a weight */
	double left_rows, left_index, left_alone; /* stream_eta.c: ms; what is left of it */
	int64_t told_at_ms, began_ms;
	char state[12]; /* as it was told */
};
enum { PACE_ROWS, PACE_INDEX, PACE_TREE, PACE_KEY, STREAM_PACES };
/* What was measured tonight, for each kind of work, and behind them the same of tables with next to nothing
 * in them.
 */
struct stream_pace {
	double amount, ms; /* of all lanes together */
};
struct stream_eta {
	struct stream_pace seen[2 * STREAM_PACES];
	double rows_weight, rows_bytes; /* a byte of a table is more or less than one on its way */
	int64_t end_ms;                 /* as it was told; 0: not yet */
	double told_ms[2 * STREAM_PACES];
	bool told_guess[2 * STREAM_PACES];
	int64_t later_at_ms; /* since when it looks later than that; 0: it does not */
	int64_t why_at_ms;
	char why[80]; /* why it was told later; "" : it was not, lately */
};
struct stream_lane {
	pid_t pid;
	int order_fd, answer_fd;
	int backend;              /* its session's process on the target; 0: not told yet */
	struct stream_task *task; /* NULL: it is free */
	int64_t bytes;            /* of its task's tables that are in */
};
/* What goes through the pipes between this process and its lanes. */
struct stream_order {
	bool release; /* no rows are left: the source is let go, and no answer is wanted */
	enum stream_kind kind;
	struct copy_piece piece; /* of the catalog that both have */
	size_t table, n;  /* STREAM_ROWS: small tables of the catalog instead of a piece; n 1: the piece */
	size_t entry_len; /* statements follow, each with its NUL */
	int workers;      /* that may help to build an index */
	int memory_mb;    /* for its sort or its hash table */
};
struct stream_answer {
	enum { ANSWER_READY, ANSWER_MOVES, ANSWER_TABLE, ANSWER_DONE, ANSWER_FAILED } what;
	int backend;  /* ANSWER_READY */
	size_t table; /* ANSWER_MOVES: how far it is; ANSWER_TABLE: its rows, or this piece, are in */
	struct copy_done done; /* of that table */
	struct err err;
};
_Static_assert(sizeof(struct stream_answer) <= PIPE_BUF, "an answer is written at once");
/* What the copy noted that is gone on with. */
struct stream_left {
	char pre[40], post[40]; /* digests of the definitions; post "": it did not come so far */
	bool rows_in;           /* all rows and large objects, of one moment */
	size_t rest;            /* entries of `post` that its last phase has gone through */
};
struct stream {
	const struct copy_order *order;
	const struct copy_stream_hooks *hooks; /* may be NULL */
	struct pg *source, *target;
	char snapshot[80];
	struct copy_dumper dumper;
	struct copy_dump pre_dump, post_dump;
	struct copy_script pre, post;
	bool has_post;
	struct copy_catalog catalog;
	bool resumed;
	struct stream_left left; /* with `resumed` */
	bool *kept;              /* for each table of the catalog: its rows are there */
	int64_t kept_bytes;      /* of those */
	struct stream_table *tables;
	struct stream_task **tasks;
	size_t n_tasks, n_done;
	size_t rows_at; /* of tables before this one all rows are in */
	bool released;
	int64_t objects;            /* large ones that were copied */
	struct stream_task **ready; /* a heap: the one with the most behind it first */
	size_t n_ready;
	struct stream_lane lanes[LANES_MOST];
	size_t n_lanes, lanes_wanted; /* that run; that shall */
	int life[2];                  /* a pipe that holds the lanes alive */
	int cores;
	size_t left_out;
	bool views; /* materialized ones are filled at the end: nobody knows how long that takes */
	struct stream_eta eta;
	struct copy_done total; /* of pieces that have ended */
	double work;            /* weights of what has ended */
	int64_t began_ms, told_at_ms, looked_at_ms;
};

/* stream_tasks.c */
void stream_tasks_rows(struct stream *s);
void stream_tasks_post(struct stream *s); /* once the script of post-data is there */
bool stream_is_task(const struct stream *s, const struct copy_entry *entry);
/* maintenance_work_mem for a task that `workers` may help with. */
int stream_memory_mb(const struct stream *s, const struct stream_task *task, int workers);
void stream_tasks_done(struct stream *s);

/* stream_next.c */
/* The task may come up from now on, or again. */
void stream_queue(struct stream *s, struct stream_task *task);
/* Weights have changed. */
void stream_queue_again(struct stream *s);
/* The task that should run now; NULL: nothing can, or nothing is left. Logarithmic in the number of tasks. */
struct stream_task *stream_next(struct stream *s);
bool stream_all_done(const struct stream *s);
void stream_begin(struct stream *s, struct stream_task *task);
/* Rows of this table, or the piece of it, are in. */
void stream_rows_end(struct stream *s, struct stream_task *task, size_t table, const struct copy_done *done);
void stream_end(struct stream *s, struct stream_task *task);

/* stream_eta.c */
/* Of a task that runs, 0..1. */
double stream_task_share(const struct stream *s, const struct stream_task *task);
/* A task has ended; bytes: of rows. */
void stream_eta_ended(struct stream *s, const struct stream_task *task, int64_t ms, int64_t bytes);
/* What is left, until the last index and key; -1: not known. `about`: most of it goes by a guess. Linear in
 * tasks and tables. */
int64_t stream_eta_ms(struct stream *s, int64_t now_ms, bool *about);

/* stream_lane.c: the whole life of a lane's process. */
void stream_lane_live(const struct stream *s, int order_fd, int answer_fd, int life_fd)
    __attribute__((noreturn));
bool stream_read_all(int fd, void *data, size_t len);

/* stream_lanes.c */
int stream_lanes_start(struct stream *s, struct err *err);
/* Until every task is done. */
int stream_lanes_run(struct stream *s, struct err *err);
void stream_lanes_stop(struct stream *s);

/* stream_script.c: definitions, in batches where nothing may fail. */
int stream_apply(struct stream *s, const struct copy_script *script, bool rest, struct err *err);
/* The settings at the top of pg_dump's script; one that this server does not know is passed over. */
int stream_settings(struct pg *target, const struct copy_entry *entry, struct err *err);
/* One entry in a lane's session. */
int stream_entry_run(struct pg *target, const struct copy_entry *entry, bool foreign_key, struct err *err);

/* stream_rest.c */
int stream_sequences(struct stream *s, int64_t *n, struct err *err);
int stream_large_objects(struct stream *s, int64_t *n, struct err *err);

/* stream_mark.c */
int stream_need_empty(struct stream *s, struct err *err);
int stream_mark(struct stream *s, struct err *err);
/* -1 when there is none of this order, or nothing of it can be kept. */
int stream_mark_read(struct stream *s, struct err *err);
int stream_mark_note(struct stream *s, const char *what, const char *value, struct err *err);
int stream_unmark(struct stream *s, struct err *err);

/* stream_again.c */
/* half: "pre", "post". Notes what the copy began with, or says that it was changed since. */
int stream_same_definitions(struct stream *s, const char *half, const struct copy_script *script,
			    struct err *err);
/* Tables that are not whole are emptied, the others are brought to the snapshot. */
int stream_go_on(struct stream *s, struct err *err);
/* What stands in the target already leaves the script of post-data. */
int stream_strike_standing(struct stream *s, struct err *err);

/* stream_tell.c */
void stream_tell_table(struct stream *s, size_t table, const char *state, bool now);
void stream_tell_waiting(struct stream *s); /* all tables, before the first row */
/* How far the indexes are that are being built now; asked every few seconds. */
void stream_look_indexes(struct stream *s);
/* What a task took, where that was long enough to ask about afterwards: it stands in the worker's log. */
void stream_tell_task(struct stream *s, const struct stream_task *task, int64_t ms, int64_t bytes);
void stream_tell_total(struct stream *s, const char *phase, bool now);
void stream_left_out(struct stream *s, const struct copy_entry *entry, const char *why);

#endif
