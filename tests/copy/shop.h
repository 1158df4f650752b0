/* A small shop in a database of its own on both clusters, for the tests of the delta. */
#ifndef TESTS_COPY_SHOP_H
#define TESTS_COPY_SHOP_H

#include "core/copy/delta.h"
#include "tests/copy/pair.h"

struct shop {
	const struct pair *pair;
	char database[24];
	struct pg *old_pg, *new_pg;
};
/* Rows on OLD, the same definitions on NEW. Skips the test where there is no PostgreSQL. */
struct shop shop_open(const struct pair *pair, const char *database);
void shop_close(struct shop *shop);
void shop_must(struct pg *pg, const char *sql);
void shop_must_on(struct pg *pg, const char *sql, const char *table); /* which is the one %s in it */
/* A delta in sessions of its own; also for a child, where nothing may be asserted. */
int shop_run(struct shop *shop, bool last, struct copy_delta *out, struct err *err);
struct copy_delta shop_delta(struct shop *shop, bool last); /* that must end well */
/* A delta that must not, and changes nothing. */
void shop_refused(struct shop *shop, const char *has);

#endif
