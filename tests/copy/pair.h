/* Two real clusters side by side, and what is done to them from outside. */
#ifndef TESTS_COPY_PAIR_H
#define TESTS_COPY_PAIR_H

#include "core/links/postgres.h"

struct pair {
	char dir[64], bin[128], as[100];
	int port[2]; /* OLD, NEW */
	bool up;
};
enum { PAIR_OLD, PAIR_NEW };

/* For cmocka_run_group_tests(). Without PostgreSQL on the machine `up` stays false. OLD's transaction ids
 * begin shortly before the end of their 32 bits. */
int pair_up(void **state);
int pair_down(void **state);
int pair_shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void pair_url(const struct pair *pair, int side, const char *database, char *out, size_t size);
/* Fails the test when it cannot. PG_ACT. */
struct pg *pair_open(const struct pair *pair, int side, const char *database);
/* The definitions of OLD's database are made on NEW, as pg_dump writes them. */
void pair_schema(const struct pair *pair, const char *database);
/* Fails unless both databases give the same sorted dump of data. */
void pair_equal(const struct pair *pair, const char *database, const char *when);
/* Makes a warm copy of OLD's database: `between` is called between the tables. */
void pair_warm(const struct pair *pair, const char *database, void (*between)(void *ctx), void *ctx);

#endif
