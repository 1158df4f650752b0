/* What the quiet timer counts: kinds of errors, and what each side's requests end in. Pure: no clock, no
 * network. */
#ifndef CORE_STEPS_QUIET_TALLY_H
#define CORE_STEPS_QUIET_TALLY_H

#include "core/base/json.h"
#include "core/job.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TALLY_KINDS = 64, TALLY_TIMES = 4096 };

struct tally_side {
	int64_t requests, errors;  /* errors: 500 and above */
	double times[TALLY_TIMES]; /* ms of the newest ones */
	size_t n_times;            /* ever seen; the ring holds the last */
};
struct tally_kind {
	char text[240];
	int64_t n;
};
struct tally {
	struct tally_side old_side, new_side;
	struct tally_kind kinds[TALLY_KINDS];
	size_t n_kinds;
};
/* `ms` below 0 is not known. */
void tally_request(struct tally_side *side, int status, double ms);
/* True for a kind of error that was not seen before. When there is no room for more kinds every one is new.
 */
bool tally_kind(struct tally *tally, const char *signature);
/* From here on; kinds that were seen stay known. */
void tally_begin(struct tally *tally);
/* Known errors may go on, but not so many that nobody would call it quiet. */
bool tally_noisy(int64_t requests, int64_t errors);
/* The 95th of a hundred, in ms; -1 when no time is known. */
double tally_p95(const struct tally_side *side);

/* "old": {requests, errors, p95_ms} */
void tally_write(const struct tally_side *side, const char *key, struct jw *w);
/* Both sides beside each other: WARN where the new one is clearly worse. `old_side` may be NULL: not seen. */
void tally_see(const struct json *old_side, const struct json *new_side, struct evidence *ev);

#endif
