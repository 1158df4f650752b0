/* Between restore.c (the run), restore_plan.c, restore_follow.c (looking at a running one) and
 * restore_prove.c. */
#ifndef CORE_STEPS_RESTORE_H
#define CORE_STEPS_RESTORE_H

#include "core/links/detached.h"
#include "core/links/pg_sides.h"
#include "core/links/pg_tables.h"
#include "core/steps/host_copy.h"
#include "core/steps/restore_log.h"

struct restore {
	struct job *job;
	struct ssh *ssh;
	struct pg *pg; /* looks at the target; NULL when it could not be reached just now */
	struct docker_db db;
	const char *file; /* the dump inside the container */
	int64_t file_bytes;
	int jobs;
	char base[120]; /* of the detached pg_restore; "" : none was ever started */
	struct detached program;
	struct restore_log log;
	int64_t log_at; /* bytes of the log already read */
	struct pg_source source;
	bool has_source;
	char
	    process; /* its state as /proc says: 'R', 'S', 'D' waits for a disk, 'T' is stopped; 0 not seen */
	bool again;  /* this attempt brings only what an earlier one has lost */
};

/* Reads the table of contents and gives every table its rows from the fact "source". */
int restore_contents(struct restore *r, struct err *err);
/* One look at pid, rc and log; the log's new lines are taken in. */
int restore_look(struct restore *r, struct detached_look *look, struct err *err);
/* The whole of the log: for a proof, or after a restart. */
int restore_read_log(struct restore *r, struct detached_look *look, struct err *err);
/* Tells events until it ends. *rc: its exit status, -1 when it vanished. -1: stopped or cannot be seen any
 * more. */
int restore_follow(struct restore *r, int *rc, struct err *err);
/* What an earlier start has become; its log is read too. Needs the table of contents. */
int restore_look_earlier(struct restore *r, struct detached_look *look, struct err *err);
/* It ended, and by its own account nothing is lost. */
bool restore_ended_whole(const struct restore *r, const struct detached_look *look);
/* Tables in the target, as a fresh look finds them. */
int restore_count_tables(struct restore *r, size_t *n, struct err *err);
/* Sessions of pg_restore in the target, whoever began them. r->pg is open. */
int restore_others(struct restore *r, int64_t *n, struct err *err);
/* Entries of the dump that the catalogs do not have (tables with their data, indexes, keys) are marked as
 * failed; `such` names one. r->pg is open. */
int restore_mark_missing(struct restore *r, size_t *n, char *such, size_t size, struct err *err);
/* 1: the earlier one ran to its end, its causes leave the rest whole, and the tables that lack their rows are
 * missing or empty, so that what is missing may come alone. 0: why says why not ("" : there is nothing to
 * mend). -1: could not look. */
int restore_again_fits(struct restore *r, const struct detached_look *look, char *why, size_t size,
		       struct err *err);
/* The numbers of the entries it would bring, a line each; returns how many. */
size_t restore_again_entries(const struct restore *r, struct buf *list);
int restore_plan_again(struct restore *r, struct plan *plan, struct err *err);
int restore_write_again(struct restore *r, const char *entries, struct err *err);
/* Tells and records how it has ended after `ms`; -1 with the autopsy when something is lost. */
int restore_end(struct restore *r, int rc, int64_t ms, struct err *err);
int restore_fill_plan(struct restore *r, struct plan *plan, struct err *err);
int restore_prove_all(struct restore *r, struct evidence *ev, struct err *err);
/* "17 of 27 tables hold their rows" */
void restore_left(const struct restore *r, char *out, size_t size);

#endif
