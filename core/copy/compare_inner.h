/* Shared by the files named compare*.c only. */
#ifndef CORE_COPY_COMPARE_INNER_H
#define CORE_COPY_COMPARE_INNER_H

#include "core/copy/compare.h"
#include "core/links/pg_tables.h"

enum { COMPARE_LANES_MAX = 8 };

/* A relation that holds rows: a plain table, or a leaf of a partitioned one. */
struct leaf {
	size_t table; /* in the side's tables */
	char schema[64], name[64];
	char kind; /* 'r', 'f' */
	int64_t pages;
};
/* What was looked at on one side before anything is counted. */
struct compare_side {
	struct pg *pg;
	char snapshot[64]; /* "" : none could be exported */
	struct pg_tables tables;
	char **columns; /* one a table: see hash.h; NULL: it has none */
	struct leaf *leaves;
	size_t n_leaves;
	char encoding[32];
	int64_t page_bytes;
};
int compare_look(struct compare_side *side, struct err *err);
void compare_side_done(struct compare_side *side);

/* Counts what was looked at into `out`, whose list is made. */
int compare_count(struct compare_side sides[2], const struct copy_compare_options *options,
		  struct copy_compared *out, struct err *err);
/* out->list[i] of a table of a side. */
size_t compared_at(const struct copy_compared *out, const char *label);

#endif
