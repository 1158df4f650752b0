/* What pg_restore will do (its table of contents) and what it has done (its --verbose log). Knows no
 * connection. */
#ifndef CORE_STEPS_RESTORE_LOG_H
#define CORE_STEPS_RESTORE_LOG_H

#include "core/base/buf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum restore_kind { RESTORE_OTHER, RESTORE_TABLE, RESTORE_DATA, RESTORE_INDEX, RESTORE_KEY };
enum restore_state { RESTORE_WAITING, RESTORE_UNDER_WAY, RESTORE_DONE, RESTORE_FAILED };
struct restore_item {
	int id;
	enum restore_kind kind;
	enum restore_state state;
	char type[32];   /* "TABLE DATA" */
	char label[130]; /* "orders", "billing.orders"; of an index or key: its own name */
	char schema[64], name[96];
	/* Of RESTORE_DATA: */
	int64_t rows, rows_total, bytes; /* rows_total -1 unknown */
	bool indexing, skipped;
	int64_t began_ms, began_bytes, began_rows; /* where its copy was first seen, and when */
	double rate;                               /* bytes per second since; -1 not known */
	int64_t eta_ms;                            /* at the rows' pace since; -1 not known */
	char note[80], told_note[80];              /* what it waits for, which index is made */
	int64_t told;                              /* what the last event said, to tell only changes */
};
struct restore_error {
	int id; /* of the table of contents; 0 unknown */
	char type[32], label[130], text[240];
	bool harmless;
};
struct restore_log {
	struct restore_item *items;
	size_t n;
	struct restore_error *errors;
	size_t n_errors, n_parallel; /* n_parallel: those of its parallel part */
	int about;                   /* the entry the next error line is about */
	int serial;                  /* the entry under way while nothing runs in parallel */
	int owed;                    /* lines whose beginning stood before another's */
	int untold;                  /* errors that have begun so, and have not said what is wrong */
	bool parallel;               /* "launching item" was seen */
	bool entries;                /* "processing item" was seen: its entries are told by number */
	int64_t ignored;    /* how many errors pg_restore itself counted at its end; 0: it has not said */
	char dumped_by[24]; /* "15.20" */
	int dumped_major;
	/* By number, and tables by name. */
	size_t *place;
	int max_id;
	struct restore_item **tables;
	size_t n_tables;
};
/* The output of pg_restore -l. False when it holds no entries. */
bool restore_log_toc(struct restore_log *log, const char *toc);
/* Whole lines of the log, in order. */
void restore_log_feed(struct restore_log *log, const char *text, size_t len);
/* It came to its end, and its own count of errors is that of its log: no line is lost. (An error of the
 * parallel part is counted twice by pg_restore 15.) */
bool restore_log_names_all(const struct restore_log *log);
/* It ended with rc, and nothing is lost by its own account: no error, or only such as cost no row, each of
 * which it counted at its end. One that was stopped, or whose job died, ends with 1 as well, and counts none.
 */
bool restore_log_whole(const struct restore_log *log, int rc);
/* pg_restore came to its end and its log is read: whatever has not failed is done. Its jobs write into one
 * log without waiting for each other, so a line of another may stand within the one that says so. */
void restore_log_finish(struct restore_log *log);
/* What follows is the log of another pg_restore that was given only what has failed. */
void restore_log_again(struct restore_log *log);
void restore_log_done(struct restore_log *log);

struct restore_item *restore_log_item(struct restore_log *log, int id); /* NULL: no such entry */
struct restore_item *restore_log_table(struct restore_log *log, const char *schema,
				       const char *name); /* its RESTORE_DATA */
/* How many of a kind there are, and are done. */
size_t restore_log_count(const struct restore_log *log, enum restore_kind kind, size_t *done);
/* Errors that cost something; `first` (may be NULL) gets the first of them. */
size_t restore_log_harm(const struct restore_log *log, const struct restore_error **first);
#endif
