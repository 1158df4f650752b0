/* How long visitors have found nobody: one sum for screens, status and report.
 *
 * It runs from the moment at which the maintenance page was seen on, and ends where visitors are served
 * again: by NEW with its first public answer, by OLD once its page is off and a web dyno is up (a page that
 * is off before any dyno came back is an error page). After names were pointed back to a closed OLD it runs
 * again. */
#ifndef CORE_NIGHT_KINDS_DOWNTIME_H
#define CORE_NIGHT_KINDS_DOWNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct state;
enum { DOWNTIME_SPANS = 8 }; /* a night has one, with a way back two; more run together in the last */
struct downtime_span {
	int64_t from_ms, to_ms;
};
struct downtime_state {
	int64_t since_ms;                           /* 0: not down */
	int64_t before_ms;                          /* of the times that have ended */
	int64_t ended_at_ms;                        /* of the newest of these */
	bool to_new;                                /* visitors are sent to NEW */
	struct downtime_span spans[DOWNTIME_SPANS]; /* that have ended */
	size_t n_spans;
};
struct downtime {
	bool ever, now; /* now: it runs; a night that is closed counts no further */
	int64_t ms;
};
struct downtime downtime_of(const struct state *state, int64_t now_ms);
/* The times that make up this sum, the running one too; how many. */
size_t downtime_spans(const struct state *state, int64_t now_ms,
		      struct downtime_span out[DOWNTIME_SPANS + 1]);

/* For folds: the old side was looked at, the new one answered, or names were moved. */
void downtime_old_seen(struct state *state, int64_t at_ms);
void downtime_new_answered(struct state *state, int64_t at_ms);
void downtime_moved(struct state *state, bool to_new, int64_t at_ms);

#endif
