/* How fast a part of the copy was the last time it ended well: tonight, or in an earlier night of this app on
 * this machine (a rehearsal, most often). An estimate from it is measured; every other is a guess and says
 * so. */
#ifndef CORE_STEPS_EARLIER_H
#define CORE_STEPS_EARLIER_H

#include "core/job.h"

/* The newest fact of that name that `take` makes something of: of tonight, or of an earlier night, whose
 * folder is named in `night` then ("2026-11-21T0104-rehearsal"; "" : tonight). False: none. */
bool earlier_fact(struct job *job, const char *fact, bool (*take)(const struct json *data, void *out),
		  void *out, char *night, size_t size);

struct earlier_pace {
	int64_t bytes, ms, at_ms; /* at_ms: wall time of it */
};
/* From the newest fact of that name that has "bytes" and "ms" above 0, no "errors" and not "only_missing". */
bool earlier_pace(struct job *job, const char *fact, struct earlier_pace *out);
/* So many bytes at that pace. */
int64_t earlier_ms(const struct earlier_pace *pace, int64_t bytes);

#endif
