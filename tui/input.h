/* Manners between a keyboard and what acts: bursts and pastes are dropped, a line of text is edited. Pure. */
#ifndef TUI_INPUT_H
#define TUI_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	GUARD_WINDOW_MS = 50, /* three acting keys within this are no person */
	GUARD_QUIET_MS = 150, /* a burst ends with so much silence */
	GUARD_BLANK_MS = 150, /* keys are not heard for so long after a resize */
	GUARD_HELD = 64,
	GUARD_RUN_MS = 10, /* keys of a file or a paste come closer to each other than those of a hand */
	GUARD_RUN = 8,     /* and so many of them are neither: a line that stalls brings four at most */
};

struct guard_key {
	char name[16];
	bool acts;
	int64_t at_ms;
};
/* Acting keys wait 50 ms before they are done, so that the first of a burst can still be dropped. */
struct guard {
	struct guard_key held[GUARD_HELD];
	size_t n;
	int dropped; /* of the burst that is going on; 0: none */
	int64_t last_ms, blank_until_ms;
	/* Keys that came without a pause; a key that is held down is one. */
	int run;
	int64_t run_begin_ms, run_last_ms;
	char run_key[16];
};

enum guard_says {
	GUARD_DO,    /* do this key now */
	GUARD_WAIT,  /* held; guard_next() gives it later */
	GUARD_DROP,  /* not heard */
	GUARD_BURST, /* a burst just began: the seat disarms */
};
/* A key came. `acts`: it would act where the seat is now. Times are real, not scaled. */
enum guard_says guard_key(struct guard *guard, const char *name, bool acts, int64_t now_ms);
/* To be told of every key first: how many came without a pause, this one among them. */
int guard_run(struct guard *guard, const char *name, int64_t now_ms);
/* All of that run was a file or a paste: what is held is dropped, and what follows without a pause. */
void guard_pour(struct guard *guard, int64_t now_ms);
/* The next held key whose time has come; false when none has. */
bool guard_next(struct guard *guard, int64_t now_ms, char name[16]);
/* How many keys a burst that has ended swallowed; 0 when none ended. */
int guard_burst_over(struct guard *guard, int64_t now_ms);
/* Real ms until guard_next() or guard_burst_over() have something; -1: nothing is waiting. */
int64_t guard_wait_ms(const struct guard *guard, int64_t now_ms);
void guard_blank(struct guard *guard, int64_t now_ms);
/* A bracketed paste drops what is held, too. */
int guard_clear(struct guard *guard);

/* One line of text with a cursor, in bytes of UTF-8. */
struct line {
	char text[240];
	size_t len, at;
};
/* Edits; true when it was a key of the line. Printable keys are text. */
bool line_key(struct line *line, const char *key);
void line_set(struct line *line, const char *text);
void line_insert(struct line *line, const char *text, size_t len);

/* The phrase of a gate: lower-case letters, digits, '-', '_', '.', blank. True when it was a key of the
 * phrase. */
bool phrase_key(struct line *line, const char *key);
/* True for the key names that are one printable character. */
bool key_printable(const char *key);

#endif
