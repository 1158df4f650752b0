/* Tables brought up to date, each in one transaction of the target. */
#ifndef CORE_COPY_DELTA_TABLE_H
#define CORE_COPY_DELTA_TABLE_H

#include "core/copy/delta_look.h"

enum { DELTA_STILL_MOST = 40 }; /* tables that did not change, in one transaction */

enum delta_state {
	DELTA_EQUAL,    /* no row has changed since */
	DELTA_CHANGED,  /* changed rows were written, vanished ones removed */
	DELTA_REPLACED, /* copied again as a whole */
};
/* What was moved. Both counts were read from the tables, the target's after it was written to; where they
 * differ, the table is left as it was, and it is an error. */
struct delta_done {
	enum delta_state state;
	int64_t source_rows, target_rows;
	int64_t changed, removed, bytes;
	char why[120]; /* why it was copied again; "" */
};
/* The two sessions of a lane: the target's may write without triggers and foreign keys getting in the way
 * (delta_guard.h). */
struct delta_pair {
	struct pg *source, *target;
	const char *snapshot; /* the source's */
	uint64_t boundary;    /* of that snapshot: what the table is at afterwards */
	bool owner_only; /* the target's role may not hold all triggers still, only those of its tables */
};
/* A table with what is known of it. */
struct delta_known {
	const struct delta_table *table;
	const struct warm_table *was;
	const struct delta_seen *seen;
};

/* Either all of it happens, or nothing (-1). A table that somebody else has written to on the target is
 * refused (ERR_WORLD). */
int delta_table_run(const struct delta_pair *pair, const struct delta_known *known, struct delta_done *out,
		    struct err *err);
/* As many as DELTA_STILL_MOST of which the source says that nothing changed: so it must be on the target. */
int delta_still_run(const struct delta_pair *pair, const struct delta_known *known, size_t n,
		    struct err *err);
bool delta_is_still(const struct delta_known *known);

/* ---- shared by the files of one table ---- */

/* The condition for a row that is neither ours nor of this transaction; `xmin` as SQL. */
void delta_add_foreign(struct buf *sql, const struct warm_table *was, uint64_t own, const char *xmin);
int delta_refuse_foreign(const struct delta_pair *pair, const struct delta_known *known, int64_t rows,
			 int64_t others, struct err *err);
/* Another run has been here since the state was read. */
int delta_refuse_moved(const struct delta_pair *pair, const struct delta_known *known, struct err *err);
/* A 64-bit number that two equal keys have in common, on both sides and across versions. */
void delta_add_hash(struct buf *sql, const struct delta_table *table);
/* "a"."id" OPERATOR(pg_catalog.=) "b"."id" AND ... */
void delta_add_match(struct buf *sql, const struct delta_table *table, const char *a, const char *b);
/* "id", "place" */
void delta_add_keys(struct buf *sql, const struct delta_table *table);
/* Rows from one side to the other, as text. */
int delta_pump(const struct delta_pair *pair, const char *out_sql, const char *in_sql, int64_t *rows,
	       int64_t *bytes, struct err *err);

enum delta_gone { GONE_FAILED = -1, GONE_REMOVED, GONE_UNCLEAR };
/* Removes exactly `wanted` rows from the target whose keys the source no longer has. GONE_UNCLEAR: it cannot
 * be told cheaply, or something does not add up; the table is to be copied again. */
enum delta_gone delta_gone_remove(const struct delta_pair *pair, const struct delta_known *known,
				  uint64_t own, int64_t wanted, int64_t kept, struct err *err);

#endif
