/* Several processes that share one list of work, each with connections of its own: a blocking call in one
 * holds up no other, and no lock exists in our code. */
#ifndef CORE_COPY_LANES_H
#define CORE_COPY_LANES_H

#include "core/base/err.h"
#include <stdbool.h>
#include <stddef.h>

/* LANES_MOST: of any copy, and what its parameters may ask for. */
enum { LANES_MOST = 16, LANES_SAID_MOST = 1024 };

struct lanes {
	size_t n, items;
	int stop_fd; /* readable or hung up: everything stops; -1: nothing does */
	void *ctx;
	/* In the lane: opens its connections; its memory is its own from here on. */
	int (*begin)(void *ctx, struct err *err);
	/* In the lane: one item. `said` is zeroed and has LANES_SAID_MOST bytes. */
	int (*item)(void *ctx, size_t item, void *said, struct err *err);
	/* Here, for each item that was begun and each that has ended well, in no order. May be NULL. */
	void (*tell)(void *ctx, size_t item, bool ended, const void *said);
};
/* Returns when no lane is left. -1 with the first error; lanes that were at work then are ended, and their
 * servers undo what was not committed. */
int lanes_run(const struct lanes *lanes, struct err *err);

#endif
