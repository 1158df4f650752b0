/* From "these tables differ" to the rows that do.
 *
 * Both sides are asked for counts and hashes by ranges of the key at the same time; the first range that
 * differs is split again, until its rows are few enough to be held side by side. An integer key is split in
 * its own order, so that what is found first is the lowest; any other key by a hash of it, which is the same
 * on both servers whatever their collations are. */
#ifndef CORE_COPY_BISECT_H
#define CORE_COPY_BISECT_H

#include "core/base/err.h"
#include "core/links/postgres.h"

enum copy_row_how { COPY_ROW_ONLY_OLD, COPY_ROW_ONLY_NEW, COPY_ROW_DIFFERS };
struct copy_row {
	enum copy_row_how how;
	char key[160]; /* "41,337", "de, 10115" */
	/* Columns that differ, by what their values are like, never the values: "state: length 4 on OLD, 8 on
	 * NEW". */
	char columns[400];
};
enum { COPY_ROWS_MOST = 20 };
struct copy_bisected {
	char key[160]; /* the key's columns: "id"; "" : it has none on both sides, and nothing was looked for
			*/
	char why[160]; /* why not, then */
	struct copy_row rows[COPY_ROWS_MOST];
	size_t n;
	bool more;                     /* there are others behind the last one */
	size_t ranges, ranges_differ;  /* of the first split */
	char first[80], last[80];      /* the range in which the first row was found, for an integer key */
	int64_t statements, rows_read; /* what it took: rows held side by side */
};
struct copy_bisect_options {
	/* After each split, may be NULL: "1-1,000,000: 3 of 64 ranges differ" */
	void (*progress)(void *ctx, const char *text);
	void *ctx;
};
/* 0, also when nothing differs (n is 0) or the table has no key; -1 with err. */
int copy_bisect_run(struct pg *old_pg, struct pg *new_pg, const char *schema, const char *table,
		    const struct copy_bisect_options *options, struct copy_bisected *out, struct err *err);

#endif
