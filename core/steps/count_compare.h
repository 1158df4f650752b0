/* Two sides counted, table by table, and what is to be thought of each. */
#ifndef CORE_STEPS_COUNT_COMPARE_H
#define CORE_STEPS_COUNT_COMPARE_H

#include "core/job.h"
#include "core/links/pg_tables.h"
#include "core/links/postgres.h"

struct compared_table {
	char label[130];
	int64_t old_rows, new_rows; /* -1 missing, -2 could not be counted */
	char old_hash[20], new_hash[20];
	bool content; /* both hashes were taken */
	bool skipped; /* copy.skip_data: nobody expects its rows, and nobody calls it equal */
	bool waived;  /* a person let exactly this difference pass */
	enum verdict verdict;
	char cause[200];
};
/* Where a server stood before it was counted, to tell later whether the result still holds. */
struct compare_mark {
	int64_t stand;   /* see pg_stand() */
	int64_t written; /* rows ever inserted, updated or deleted, by the server's counters */
	int64_t at_us;   /* by the server's clock */
};
/* What has happened on a server since. TRANSACTIONS: some have ended, but none of them wrote a row
 * (maintenance). */
enum since { SINCE_NOTHING, SINCE_TRANSACTIONS, SINCE_ROWS };
struct compared {
	struct compared_table *list; /* missing tables first, then what differs, then the rest by name */
	size_t n;
	size_t equal, differ, missing, unknown, skipped, waived; /* a table counts in one of them */
	int64_t old_rows, new_rows;
	bool content, content_asked;            /* content: hashes were compared */
	char no_content[160];                   /* why not, though asked */
	struct compare_mark old_mark, new_mark; /* from before the counting */
};
/* Counts both sides at once and compares. tell: rows.* events and progress go out. */
int compare_sides(struct job *job, bool content, bool tell, struct compared *out, struct err *err);
void compared_done(struct compared *compared);
int compare_mark(struct pg *pg, struct compare_mark *out, struct err *err);
/* A look that fails is taken for the worst. Counters come late from a session that stays (1 s, and up to 10 s
 * while it is idle; before PostgreSQL 15 at its next commit), so they are believed only when no other session
 * was active since. */
enum since compare_since(struct pg *pg, const struct compare_mark *was);
/* FAIL for missing or different tables, UNKNOWN for uncounted ones, WARN for what a person let pass. */
enum verdict compared_verdict(const struct compared *compared);
void compared_evidence(const struct compared *compared, struct evidence *ev);
/* In count_rows.c, for every step that ends in a comparison. The event and the fact "compared". */
int compared_record(struct job *job, const struct compared *compared, struct err *err);
/* By that fact where nothing was written on either server since, else by another comparison. */
enum verdict compared_prove(struct job *job, bool content, struct evidence *ev, struct err *err);

#endif
