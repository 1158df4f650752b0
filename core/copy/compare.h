/* Two databases held side by side: every table counted, and hashed by content, on both at once.
 *
 * Each side is read as of one moment (an exported snapshot that all its connections share), largest tables
 * first, tables of more than about 64 MB in ranges of pages and partitioned ones by their partitions, small
 * ones many in one statement. Only numbers cross the wire. */
#ifndef CORE_COPY_COMPARE_H
#define CORE_COPY_COMPARE_H

#include "core/base/err.h"
#include "core/links/postgres.h"

enum { COPY_OLD, COPY_NEW };

struct copy_side {
	int64_t rows;  /* -1 the table is missing there, -2 it could not be counted */
	int64_t bytes; /* its pages on disk */
	char hash[20]; /* of all rows in any order, 16 hex digits; "" not taken */
	char why[200]; /* why it could not be counted; "" */
	char schema[64], name[64];
};
struct copy_compared_table {
	char label[130]; /* "orders", "billing.orders" */
	struct copy_side side[2];
	char columns[160]; /* how the columns differ, in words; "" they do not */
};
struct copy_compared {
	struct copy_compared_table *list; /* by label; a partitioned table is one, its partitions are none */
	size_t n;
	size_t equal, differ, missing, extra, unknown; /* a table counts in one; extra: only on NEW */
	int64_t rows[2];                               /* of what was counted */
	bool content;                                  /* hashes were compared */
	char no_content[160];                          /* why not, though asked */
	bool one_moment[2];                            /* the side was read as of one moment */
};
struct copy_compare_progress {
	struct {
		size_t tables, tables_total;
		int64_t rows, bytes, bytes_total;
	} side[2];
	const char *table; /* the newest that was finished; "" */
};
struct copy_compare_options {
	bool content;
	size_t lanes; /* at most so many connections a side beside the given one; 0: 4. Never more than half
			 of what the server has left. */
	/* Both may be NULL. */
	void (*finished)(void *ctx, int side, const struct copy_compared_table *table);
	void (*progress)(void *ctx, const struct copy_compare_progress *progress);
	void *ctx;
};
/* The sessions are in no transaction, before and after. A table that cannot be counted keeps -2 and says why;
 * a lost connection or a cancel ends everything with -1. Free `out` with copy_compared_done() either way. */
int copy_compare_run(struct pg *old_pg, struct pg *new_pg, const struct copy_compare_options *options,
		     struct copy_compared *out, struct err *err);
void copy_compared_done(struct copy_compared *compared);
/* Rows, columns and, where it was taken, content are the same; false also for what is not known. */
bool copy_table_equal(const struct copy_compared *compared, const struct copy_compared_table *table);
/* Every table is equal, and there is at least one. The only answer that may let anything pass. */
bool copy_all_equal(const struct copy_compared *compared);
const struct copy_compared_table *copy_compared_find(const struct copy_compared *compared, const char *label);

#endif
