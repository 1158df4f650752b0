/* A made-up night for the tests of the screens: the same events an engine would write, up to a stage. */
#ifndef TESTS_SCREENS_NIGHT_H
#define TESTS_SCREENS_NIGHT_H

#include "core/night/state.h"

enum stage {
	STAGE_PREPARE,
	STAGE_FREEZE,
	STAGE_COPY,
	STAGE_VERIFY,
	STAGE_GATE,
	STAGE_WATCH,
	STAGE_DONE,
	STAGE_COUNT
};

struct night {
	struct state *state;
	int64_t now_ms; /* a good moment to look at it */
};
struct night night_new(enum stage stage);
void night_free(struct night *night);
/* Folds one more event; "@01:02:03@" in `fields` becomes that time in milliseconds. Ends the test when it is
 * no event. */
void night_event(struct night *night, const char *at, const char *kind, const char *fields);
int64_t night_ms(const char *clock);

#endif
