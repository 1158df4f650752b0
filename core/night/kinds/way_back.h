/* What going back would cost now, by what is recorded and what was seen: a meter of the state, no event of
 * its own.
 *
 * FREE only while it is known that nothing was written on the new side. ONE-WAY: something happened there
 * that no export brings back. What nobody looks at is unknown, and unknown is never free. */
#ifndef CORE_NIGHT_KINDS_WAY_BACK_H
#define CORE_NIGHT_KINDS_WAY_BACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct state;
enum back { BACK_UNKNOWN = 0, BACK_FREE, BACK_COSTS, BACK_ONE_WAY };

struct way_back {
	enum back back;
	bool started;             /* the new app has run on tonight's copy: from then on it may write */
	int64_t rows;             /* written on NEW since its app started; -1 nobody has counted */
	int64_t updated, deleted; /* of them changes and deletions, which no file brings back; -1 unknown */
	int64_t encrypted;        /* rows with encrypted values written there, at least; -1 not looked at */
	int64_t jobs;             /* finished on NEW since then; -1 no job table was seen */
	int64_t counted_at_ms;    /* of the newest look */
	int64_t certificate_ms;   /* when the old side's certificate ends; 0 unknown */
	int64_t exported_rows;    /* in the newest file; -1 none was made */
	char why[440];            /* one sentence for a person, whatever `back` is */
	char tables[200];         /* "orders 31, payments 6 and 3 more" */
};
/* now_ms: by which the age of the look and the certificate are judged. */
void way_back_of(const struct state *state, int64_t now_ms, struct way_back *out);
const char *way_back_word(enum back back); /* "FREE" "COSTS" "ONE-WAY" "UNKNOWN" */

#endif
