/* A warm copy by its worker's own verb, that is killed in the middle and gone on with. */
#ifndef TESTS_COPY_DEATHS_H
#define TESTS_COPY_DEATHS_H

#include "tests/copy/pair.h"
#include "core/base/err.h"
#include "core/copy/warm_left.h"

struct deaths {
	size_t attempts, resumed; /* how often it began; how often from what was there */
	size_t lines;             /* that the last attempt told ... */
	size_t released;          /* ... the one that all rows are read; 0: it did not come so far */
	bool at_release;          /* then it is killed */
	size_t in, in_most;       /* tables that are, as it was told; it is killed at so many, 0: never */
	char said[600];           /* its error; "" */
	char log[2000];           /* its lines of kind "log", one after the other */
	int64_t result_rows,
	    tasks; /* of its result: rows that moved, pieces and indexes and keys; -1: none */
};
/* One attempt. It is killed when it has told so many lines; 0: never. Returns when none of its processes is
 * left; 0 when it has ended well. */
int deaths_attempt(const struct pair *pair, const char *database, bool resume, size_t die_at,
		   struct deaths *deaths);
/* What stands on NEW; goes_on as a plan would see it. */
struct warm_left deaths_left(const struct pair *pair, const char *database);
/* It was killed after its last word: the copy is whole. */
bool deaths_too_late(const struct pair *pair, const char *database);
/* NEW's database empty again. */
void deaths_empty(const struct pair *pair, const char *database);
/* Attempts until one comes to its end, as a person would start them; each but the last is killed by
 * `random`'s choice, and `between` is called after it. */
struct deaths deaths_warm(const struct pair *pair, const char *database, uint64_t (*random)(void *ctx),
			  void (*between)(void *ctx), void *ctx);

#endif
