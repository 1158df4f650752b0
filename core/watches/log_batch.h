/* Lines on their way to the engine: in batches, and never more of one source than people and machines can
 * take. */
#ifndef CORE_WATCHES_LOG_BATCH_H
#define CORE_WATCHES_LOG_BATCH_H

#include "core/job.h"

/* So many lines a second of one source are handed on; beyond that errors and warnings have as many of their
 * own, and the rest is counted. */
enum { LOG_LINES_A_SECOND = 1000, LOG_LINES_AT_ONCE = 4000, LOG_BATCH_MS = 50 };

struct log_batch {
	struct job *job;
	struct jw w;
	size_t n;
	int64_t begun_ms; /* life time of its first line */
};
/* What one source may still hand on. Zeroed at start. */
struct log_meter {
	double usual, loud; /* lines left of each allowance */
	int64_t filled_ms;
	uint64_t left;        /* not handed on since the last line that said so */
	int64_t left_from_ms; /* life time of the first of them */
};
struct log_from {
	const char *side, *source;
};

/* False: this line is one too many; it is counted. */
bool log_meter_take(struct log_meter *meter, const char *level);
void log_batch_add(struct log_batch *batch, struct log_from from, int64_t at_ms, const char *level,
		   const char *text);
/* One line that says how many were left out, when there are some and a second has gone by, or at once. */
void log_batch_left(struct log_batch *batch, struct log_from from, struct log_meter *meter, int64_t at_ms,
		    bool now);
void log_batch_flush(struct log_batch *batch);
/* Milliseconds until the batch has to go; -1 when it is empty. */
int64_t log_batch_wait_ms(const struct log_batch *batch);

#endif
